"""Arrays end to end in the sandbox: launched by each trigger, followed, paused, changed, resumed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from fargate_job_launcher.handler.arrays import index_of
from fargate_job_launcher.sandbox import DeployedStack, FargateSandbox, JobRun, Run

SOURCE: Final = """
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobRuns
cluster = JobCluster("c", {})
runs = JobRuns("runs", {"cluster_arns": [cluster.cluster_arn]})
usual = {
    "image": "nginx",
    "cluster_arn": cluster.cluster_arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
    "overrides": {"environment": ["A"], "array": {"max_size": 1000, "max_parallelism": 300}},
    "capacity": "spot_then_on_demand",
}
FargateJobLauncher("parts", {**usual, "supervision": {"retries": 1}, "asynchronous": True, "queue": {},
    "event_rule": {"pattern": '{"source": ["shop"]}'}})
FargateJobLauncher("few", {**usual, "max_running": 4})
"""
QUICK: Final = Run(seconds=0.1)
WRONG: Final = Run(exit_code=1, seconds=0.1)


@pytest.fixture(scope="module")
def stack() -> Iterator[DeployedStack]:
    with FargateSandbox() as sandbox:
        yield sandbox.deploy(SOURCE)


@pytest.fixture(autouse=True)
def allowed(stack: DeployedStack) -> Iterator[None]:
    yield
    assert stack.refusals() == []


def invoke(stack: DeployedStack, job: str, event: dict[str, Any]) -> dict[str, Any]:
    name = stack.launcher(job)["function_name"]
    answer = stack.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    result = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def newest(stack: DeployedStack, job: str) -> JobRun:
    return stack.runs(job)[0]


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def launched(stack: DeployedStack, run: JobRun) -> Counter[int]:
    """How often ECS ran each index of a run."""
    ecs = stack.aws.client("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
        for arn in page["taskArns"]
    ]
    tasks = [
        task
        for start in range(0, len(arns), 100)
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
    ]
    ours = {it["taskArn"]: it["startedBy"] for it in tasks if it["startedBy"].split("/")[1] == run.id}
    return Counter(index_of(it.split("/")[3]) for it in ours.values())


def test_an_array_runs_index_by_index_and_only_its_failed_indexes_are_resumed(stack: DeployedStack) -> None:
    stack.script("parts", *40 * [QUICK], indexes={3: WRONG, 7: WRONG, 8: WRONG})
    first = stack.launch("parts", {"array": {"size": 20, "parallelism": 6}})
    assert sorted(int(it.environment["JOB_INDEX"]) for it in first) == list(range(6))
    assert {it.environment["JOB_COUNT"] for it in first} == {"20"}
    run = stack.ended(first[0])
    assert run.array is not None
    assert (run.state, run.array["failed"], run.array["succeeded"]) == ("FAILED", "3,7-8", "0-2,4-6,9-19")
    assert launched(stack, run) == Counter(range(20)) + Counter([3, 7, 8])
    assert run.attempts == 23

    stack.script("parts", *5 * [QUICK], indexes={7: WRONG})
    assert invoke(stack, "parts", {"arrayOf": {"run": run.id, "resume": True}}) == {"done": True}
    eventually(lambda: stack.run(run).item["ends"] == 2)
    again = stack.ended(run)
    assert again.array is not None
    assert (again.state, again.array["failed"]) == ("FAILED", "7")
    assert launched(stack, run) == Counter(range(20)) + Counter([3, 7, 8]) + Counter([3, 7, 7, 8])


def test_an_array_is_paused_changed_and_stopped_while_it_runs(stack: DeployedStack) -> None:
    stack.script("parts", *3 * [Run(seconds=600)])
    (first, *_) = stack.launch("parts", {"array": {"size": 30, "parallelism": 3}})
    run = stack.run(first)
    change = {"run": run.id, "requestedBy": "ana"}
    assert invoke(stack, "parts", {"arrayOf": {**change, "pause": True}}) == {"done": True}
    ecs = stack.aws.client("ecs")
    ecs.stop_task(cluster=first.described["clusterArn"], task=first.arn)
    eventually(lambda: stack.run(run).item["stopped"] == 1)
    # The supervisor looks at it, minutes later, and starts nothing.
    stack.aws.pass_minutes(20)
    assert sum(launched(stack, run).values()) == 3
    stack.script("parts", *20 * [Run(seconds=600)])
    assert invoke(stack, "parts", {"arrayOf": {**change, "resume": True}}) == {"done": True}
    assert invoke(stack, "parts", {"arrayOf": {**change, "parallelism": 10}}) == {"done": True}
    assert launched(stack, run) == Counter(range(11))
    too_many = invoke(stack, "parts", {"arrayOf": {**change, "parallelism": 301}})
    assert too_many["done"] is False
    assert "from 1 to 300 is expected (overrides.array.max_parallelism)" in too_many["problem"]
    assert invoke(stack, "parts", {"arrayOf": {**change, "stop": True}}) == {"done": True}
    stack.aws.pass_minutes(2)
    eventually(lambda: stack.run(run).state == "STOPPED")
    ended = stack.ended(run)
    assert ended.array is not None
    assert (ended.array["stopped"], ended.array["notStarted"]) == ("0-10", "11-29")


def test_every_trigger_launches_an_array(stack: DeployedStack) -> None:
    stack.script("parts", *20 * [QUICK])
    event = {"array": {"size": 4, "parallelism": 2}}
    launcher, aws = stack.launcher("parts"), stack.aws
    before = len(stack.runs("parts"))
    aws.client("sqs").send_message(QueueUrl=launcher["queue_url"], MessageBody=json.dumps(event))
    aws.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "Paid", "Detail": json.dumps(event)}])
    asynchronous = launcher["asynchronous_function_arn"]
    aws.client("lambda").invoke(FunctionName=asynchronous, InvocationType="Event", Payload=json.dumps(event).encode())
    eventually(lambda: len(stack.runs("parts")) == before + 3)
    some = [stack.ended(it) for it in stack.runs("parts")[:3]]
    assert sorted((it.trigger, it.state, (it.array or {})["succeeded"]) for it in some) == [
        ("call", "SUCCEEDED", "0-3"), ("event", "SUCCEEDED", "0-3"), ("queue", "SUCCEEDED", "0-3")
    ]  # fmt: skip
    letters = aws.client("sqs").receive_message(QueueUrl=launcher["dead_letter_queue_url"])
    assert letters.get("Messages", []) == []


def test_a_wide_array_is_launched_by_reminders_as_fast_as_fargate_allows(stack: DeployedStack) -> None:
    # No task ends but the first: only the supervisor's reminders to itself launch the others.
    stack.script("parts", *300 * [Run(seconds=900)], indexes={0: QUICK})
    first = stack.launch("parts", {"array": {"size": 260, "parallelism": 300}})
    assert len(first) == 100
    run = stack.run(first[0])
    eventually(lambda: launched(stack, run) == Counter(range(260)))
    assert stack.run(run).item["array"]["reminded"] > 0
    assert invoke(stack, "parts", {"arrayOf": {"run": run.id, "stop": True}}) == {"done": True}
    stack.aws.pass_minutes(2)
    stack.ended(run)


def test_max_running_holds_for_an_array(stack: DeployedStack) -> None:
    stack.script("few", *60 * [QUICK])
    (first, *others) = stack.launch("few", {"array": {"size": 40, "parallelism": 50}})
    assert len(others) == 3
    run = stack.ended(first)
    assert (run.state, launched(stack, run)) == ("SUCCEEDED", Counter(range(40)))


def test_the_same_key_is_the_same_array(stack: DeployedStack) -> None:
    stack.script("parts", *20 * [QUICK])
    event = {"idempotencyKey": "once", "array": {"size": 5, "parallelism": 5}}
    first = invoke(stack, "parts", event)
    again = invoke(stack, "parts", event)
    assert (first["status"], again["status"], again["run"]) == ("LAUNCHED", "DUPLICATE", first["run"])
    other = invoke(stack, "parts", {**event, "array": {"size": 6}})
    assert (other["status"], "differs in array" in other["failures"][0]["detail"]) == ("CONFLICT", True)
    stack.ended(newest(stack, "parts"))
