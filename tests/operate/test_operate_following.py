"""Runs followed to their end, through retries and across lost connections; requests launched once more; who asked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from fargate_job_launcher.handler.run import ENDED, Item
from fargate_job_launcher.operate import (
    Account,
    JobError,
    JobFailed,
    Launch,
    NoSuchRun,
    Rejected,
    StillRunning,
    Unreachable,
    find,
    follow_run,
    following,
    history,
    launch,
    rerun,
)
from fargate_job_launcher.operate.runs import newest, read
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import command, leading_to

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns, PayloadBucket
cluster = aws.ecs.Cluster("c")
bucket = PayloadBucket("payloads", {"force_destroy": True})
FargateJobLauncher("job", {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": JobRuns("jobs", {"cluster_arns": [cluster.arn]}).shared,
    "payload_bucket": bucket.bucket_name,
    "supervision": {"retries": 2, "never_retry_exit_codes": [2]},
    "overrides": {
        "environment": ["A", "B"], "payload": True, "max_count": 3, "cpu": 1024, "memory": 4096,
        "array": {"max_size": 4, "max_parallelism": 4},
    },
})
"""
WELL, FAILING, FINAL, LONG = Run(0, 0.1), Run(3, 0.1, lines=("about to fail",)), Run(2, 0.1), Run(0, 3600)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as emulator, leading_to(emulator):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), emulator)
        yield emulator


def script(aws: Emulator, *runs: Run) -> None:
    """What the job's next tasks do."""
    aws.script(find(Account(), "job").family, *runs)


def item(run: str) -> Item:
    """A run."""
    found = read(find(Account(), "job"), run)
    assert found is not None
    return found


def failing(monkeypatch: pytest.MonkeyPatch, operation: str, error: Callable[[], Exception], *, after: int = 0) -> None:
    """Let an operation fail, once it has succeeded so many times."""
    call: Any = BaseClient._make_api_call  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]
    left = [after]

    def made(client: Any, named: str, parameters: Any) -> Any:
        if named == operation:
            left[0] -= 1
            if left[0] < 0:
                raise error()
        return call(client, named, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", made)


def test_wait_and_follow_end_as_the_run_ends_and_not_as_its_first_attempt(aws: Emulator) -> None:
    script(aws, FAILING, WELL)
    done = command("launch", "job", "--follow")
    assert (done.code, done.out.count("about to fail\n")) == (0, 1)
    assert "exit code 3\n↻ job: attempt 2 of at most 3 follows\n" in done.out
    assert done.out.endswith("it ended with exit code 0\n")
    script(aws, FAILING, FAILING, FAILING)
    data = command("launch", "job", "--wait", "-o", "json")
    kinds = [it["type"] for it in data.events if it["type"] != "state"]
    assert (data.code, kinds) == (3, ["launch", "end", "retry", "end", "retry", "end"])
    assert [it["attempt"] for it in data.events if it["type"] == "end"] == [1, 2, 3]
    script(aws, FAILING, LONG)
    only = command("launch", "job", "--wait", "--attempt-only")
    assert re.search(r"may launch it again; to follow that: fargate-job runs follow job \w{8}\n$", only.err)
    assert (only.code, "↻" in only.out) == (3, False)
    command("stop", "job", "--all")
    # An exit code that is never retried: nothing is waited for.
    script(aws, FINAL)
    assert command("launch", "job", "--wait").code == 2
    assert "add one of them" in command("launch", "job", "--attempt-only").err


def test_a_stop_ends_the_wait_for_a_retry(aws: Emulator) -> None:
    script(aws, FAILING, LONG)
    launched = launch("job")
    with pytest.raises(StillRunning, match=rf"It keeps running: fargate-job runs follow job {launched.run[:8]}\.$"):
        launched.wait(timeout_seconds=4)
    command("stop", "job", "--all")
    with pytest.raises(JobFailed, match=r"somebody stopped it"):
        launched.wait()


def test_the_call_returns_the_last_attempt_of_each_task(aws: Emulator) -> None:
    script(aws, FAILING, WELL, WELL)
    several = launch("job", count=2).wait()
    assert sorted((it.attempt, it.outcome) for it in several) == [(1, "succeeded"), (2, "succeeded")]
    script(aws, FAILING, FAILING, FAILING)
    with pytest.raises(JobFailed) as raised:
        launch("job").wait()
    assert [(it.attempt, it.exit_code) for it in raised.value.ended] == [(3, 3)]


def test_an_endpoint_that_dies_on_the_way_says_that_the_job_goes_on_and_how_to_come_back(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(aws, WELL, Run(3, 15), WELL)
    launched = launch("job")
    launched.wait()
    with pytest.MonkeyPatch.context() as patch:
        failing(patch, "DescribeTasks", lambda: EndpointConnectionError(endpoint_url="https://ecs"), after=2)
        lost = command("launch", "job", "--follow")
        with pytest.raises(Unreachable, match=r"job goes on all the same; to follow it again: fargate-job runs follow"):
            Launch(find(Account(), "job"), launched.result).wait()
    found = re.search(
        r"\. job goes on all the same; to follow it again: fargate-job (runs follow job \S{8})\.$", lost.err
    )
    assert lost.code == 125
    assert found is not None, lost.err
    assert lost.err.startswith("error: AWS does not answer in region eu-west-1")
    back = command(*found[1].split())
    assert (back.code, "attempt 2 of at most 3 follows" in back.out) == (0, True)
    # The same for a run that has ended meanwhile, and for an array.
    time.sleep(1)
    again = command(*found[1].split(), "-o", "json")
    assert (again.code, again.events[-1]["state"]) == (0, "SUCCEEDED")
    script(aws, *4 * [WELL])
    failing(monkeypatch, "GetItem", lambda: EndpointConnectionError(endpoint_url="https://dynamodb"))
    array = command("launch", "job", "--array", "2", "--wait")
    assert (array.code, "to follow it again: fargate-job runs follow job" in array.err) == (125, True)


def test_a_run_that_has_ended_is_told_with_its_reason_and_exit_code(aws: Emulator) -> None:
    script(aws, FINAL)
    launched = launch("job")
    launched.wait(check=False)
    while item(launched.run)["state"] not in ENDED:
        time.sleep(0.1)
    done = command("runs", "follow", "job", launched.run[:8])
    assert done.code == 2
    assert done.out == f"job, run {launched.run[:8]}, is FAILED: it ended with exit code 2\n"
    assert list(follow_run(launched.job, launched.run)) == []
    with pytest.raises(NoSuchRun):
        list(follow_run(launched.job, "0" * 32))


def test_a_launch_that_ecs_has_forgotten_ends_as_its_run_did(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    script(aws, FINAL)
    first = launch("job", idempotency_key="once")
    first.wait(check=False)
    while item(first.run)["state"] not in ENDED:
        time.sleep(0.1)
    monkeypatch.setattr(following, "describe", lambda *_: [])
    monkeypatch.setattr(following, "APPEAR_SECONDS", 0)
    done = command("launch", "job", "--key", "once", "--wait")
    assert (done.code, done.err) == (2, "")
    assert done.out.startswith("Already launched with this key: job")
    assert done.out.endswith(f"job, run {first.run[:8]}, is FAILED: it ended with exit code 2\n")


def test_a_request_is_launched_once_more_with_changes(aws: Emulator) -> None:
    script(aws, *8 * [WELL])
    first = launch("job", environment={"A": "1", "B": "2"}, count=2)
    job = first.job
    plain = rerun(job, first.run[:8])
    assert json.loads(item(plain.run)["request"]) == {"count": 2, "environment": {"A": "1", "B": "2"}}
    assert re.fullmatch(rf"rerun \w{{12}} of {first.run}", item(plain.run)["key"])
    changed = command(
        "rerun", "job", first.run[:8], "-e", "A=3", "--unset", "B", "--memory", "1024", "--wait", "-o", "json"
    )
    assert changed.code == 0
    asked = json.loads(item(changed.events[0]["run"])["request"])
    assert asked == {"count": 2, "environment": {"A": "3"}, "memory": 1024}
    array = rerun(job, first.run, array={"size": 2}, environment=None)
    assert json.loads(item(array.run)["request"]) == {"array": {"size": 2}}
    wider = command("rerun", "job", array.run, "--parallelism", "1", "--dry-run", "-o", "json")
    assert json.loads(wider.out)["dryRun"]["array"] == {"size": 2, "parallelism": 1}
    assert rerun(job, array.run, count=1).array is None
    with pytest.raises(Rejected, match="count: 9: a whole number from 1 to 3"):
        rerun(job, first.run, count=9)
    (newest,) = history("job", most=1)
    again = rerun(job, newest, environment={"B": "5"})
    assert json.loads(item(again.run)["request"])["environment"]["B"] == "5"
    assert re.fullmatch(rf"rerun \w{{12}} of {newest.run}", item(again.run)["key"])
    for it in (first, first.run, first.run[:8], next(history(job, states=["succeeded"]))):
        assert list(follow_run(job, it)) == []
    with pytest.raises(JobError, match=r"environment: run \w{8} has no NOPE to leave out\. It has A, B\."):
        rerun(job, first, environment={"NOPE": None})
    assert "has no NOPE to leave out" in command("rerun", "job", first.run[:8], "--unset", "NOPE").err
    with pytest.raises(JobError, match="taskToken: not a change of a request"):
        rerun(job, first.run, taskToken="t")


def test_a_stored_payload_is_launched_once_more_unless_it_is_replaced(aws: Emulator) -> None:
    script(aws, *4 * [WELL])
    payload = {"rows": ["é" * 50] * 500}
    first = launch("job", payload=payload)
    again = item(rerun(first.job, first.run).run)
    assert again["payload"]["sha256"] == item(first.run)["payload"]["sha256"]
    aws.client("s3").delete_object(
        **dict(zip(("Bucket", "Key"), again["payload"]["uri"].removeprefix("s3://").split("/", 1), strict=True))
    )
    with pytest.raises(JobError, match="the payload of the run is gone"):
        rerun(first.job, again["run"])
    small = rerun(first.job, again["run"], payload=[1])
    assert json.loads(item(small.run)["request"]) == {"payload": [1]}


def test_every_launch_says_who_asked_as_a_claim(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    job = find(Account(), "job")
    who = job.account.caller()
    assert who
    script(aws, FINAL, WELL, WELL, WELL)
    launched = launch("job")
    launched.wait(check=False)
    command("retry", "job", "--task", launched.task_arns[0])
    command("rerun", "job", launched.run)
    assert [it.get("requestedBy") for it in newest(job, 3)] == [who] * 3
    assert f"\nasked by     {who} (its own claim)\n" in command("runs", "show", "job", launched.run).out
    assert json.loads(command("history", "job", "-o", "json").out)["runs"][0]["requestedBy"] == who
    # A network without a way to STS launches all the same.
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetCallerIdentity")
    failing(monkeypatch, "GetCallerIdentity", lambda: denied)
    assert "requestedBy" not in item(json.loads(command("launch", "job", "-o", "json").out)["run"])
