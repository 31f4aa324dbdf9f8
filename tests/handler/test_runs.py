"""Runs end to end in the sandbox: the tests check the contents of tasks, tables, queues and topics."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.handler.table import plain, typed
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from fargate_job_launcher.sandbox.engine.deployment import Deployment, Resource
from fargate_job_launcher.sandbox.engine.jobs import LaunchFailed, launch
from fargate_job_launcher.sandbox.proof.supervised import SWEEPING, mailbox

from tools.recording import program

SOURCE = """
import json
import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobRuns, PayloadBucket
cluster = JobCluster("c", {})
runs = JobRuns("runs", {"cluster_arns": [cluster.cluster_arn], "alarms": {}})
usual = {
    "image": "nginx",
    "cluster_arn": cluster.cluster_arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
    "overrides": {"environment": ["A"], "payload": True, "max_count": 3, "tags": ["customer"]},
    "supervision": {"retries": 2, "max_runtime_minutes": 1, "never_retry_exit_codes": [3]},
    "capacity": "spot_then_on_demand",
}
prices = {"date": "2026-11-01", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001}
FargateJobLauncher("job", {**usual, "notify": {"log_lines": 5}, "prices": prices})
FargateJobLauncher("away", usual)
FargateJobLauncher("few", {**usual, "max_running": 3, "queue": {}})
FargateJobLauncher("crowd", {**usual, "max_running": 3})
FargateJobLauncher("newest", {**usual, "max_running": 3, "overlap": "replace"})
FargateJobLauncher("alone", {**usual, "max_running": 3, "overlap": "skip", "asynchronous": True})
FargateJobLauncher("down", {
    **usual, "queue": {}, "event_rule": {"pattern": '{"source": ["bank"]}', "as_payload": True},
})
FargateJobLauncher("after", {
    **usual,
    "event_rule": {
        "pattern": json.dumps({
            "source": ["fargate-job-launcher"],
            "detail-type": ["Job Run State Change"],
            "detail": {"job": ["job"], "state": ["SUCCEEDED"]},
        }),
        "as_payload": True,
    },
})
FargateJobLauncher("many", {
    **usual,
    "queue": {},
    "schedule": {"expression": "rate(1 minute)", "event": '{"environment": {"A": "scheduled"}}'},
    "event_rule": {"pattern": '{"source": ["shop"]}', "as_payload": True},
    "alarms": {"dashboard": True, "max_job_minutes": 30},
})
bucket = PayloadBucket("payloads", {})
left = FargateJobLauncher("left", {
    **usual, "overrides": {"payload": True}, "payload_bucket": bucket.bucket_name, "result": True,
})
execution = aws.iam.Role("waiting", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
waited_for = FargateJobLauncher("waited-for", {
    **usual, "callbacks": [pulumi.Output.concat("arn:aws:states:eu-west-1:123456789012:stateMachine:waiting")],
})
definition = waited_for.function_arn.apply(lambda arn: json.dumps({"StartAt": "Run", "States": {"Run": {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {"FunctionName": arn, "Payload": {"taskToken.$": "$$.Task.Token"}},
    "End": True,
}}}))
machine = aws.sfn.StateMachine("waiting", name="waiting", role_arn=execution.arn, definition=definition)
pulumi.export("machine", machine.arn)
"""


@dataclass
class Job:
    """A deployed job, and its tasks and notices in AWS."""

    aws: Emulator
    launcher: Resource
    mail: Mail
    deployment: Deployment

    def script(self, *runs: Run) -> None:
        self.aws.script(f"other-dev-{self.launcher.name}", *runs)

    def launch(self, **event: Any) -> str:
        """Launch; the beginning of the tasks' startedBy. If the emulator's process of the function dies, the launch is
        repeated with its key, as a caller does after an answer that was lost."""
        keyed = {"idempotencyKey": uuid.uuid4().hex, **event}
        for _ in range(2):
            try:
                return str(launch(self.aws, self.launcher, keyed).result["startedBy"])
            except LaunchFailed as failed:
                if "Worker process" not in str(failed):
                    raise
        return str(launch(self.aws, self.launcher, keyed).result["startedBy"])

    def tasks(self, started_by: str) -> list[dict[str, Any]]:
        ecs, cluster = self.aws.client("ecs"), self.aws.client("ecs").list_clusters()["clusterArns"][0]
        # A task that stops between the two lists is in both.
        arns = sorted(
            {
                arn
                for status in ("RUNNING", "STOPPED")
                for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
                for arn in page["taskArns"]
            }
        )
        found: list[dict[str, Any]] = []
        for start in range(0, len(arns), 100):
            found += ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + 100])["tasks"]
        return sorted((it for it in found if it["startedBy"].startswith(started_by)), key=lambda it: it["startedBy"])

    def ended(self, started_by: str, count: int) -> list[dict[str, Any]]:
        """The tasks of a launch, after all of them have stopped."""
        eventually(
            lambda: [it["lastStatus"] for it in self.tasks(started_by)] == ["STOPPED"] * count,
            lambda: str([(it["startedBy"], it["lastStatus"]) for it in self.tasks(started_by)]),
        )
        return self.tasks(started_by)

    def items(self, kind: str = "run") -> list[dict[str, Any]]:
        """The job's items in the table: its runs, or the attempts that have ended."""
        table = self.launcher.outputs["runs_table_name"]
        family = {":pk": {"S": f"other-dev-{self.launcher.name}"}, ":run": {"S": "run#"}}
        pages = self.aws.client("dynamodb").get_paginator("query").paginate(
            TableName=table, KeyConditionExpression="pk = :pk AND begins_with(sk, :run)",
            ExpressionAttributeValues=family,
        )  # fmt: skip
        found = [plain(it) for page in pages for it in page["Items"]]
        return [it for it in found if ("#task#" in it["sk"]) == (kind == "attempt")]

    def run(self, started_by: str) -> dict[str, Any]:
        """The run of a launch."""
        (found,) = (it for it in self.items() if it["run"] == started_by.split("/")[1])
        return found

    def told(self, started_by: str) -> dict[str, Any]:
        """The run of a launch, after its end has been told."""
        eventually(lambda: "toldAt" in self.run(started_by), lambda: str(self.run(started_by)))
        return self.run(started_by)

    def notices(self, *about: str) -> list[dict[str, Any]]:
        """The notices about these launches, whose ends have been told."""
        for it in about:
            self.told(it)
        runs = {it.split("/")[1] for it in about}
        return [it for it in self.mail.read() if it["run"] in runs]

    def sweep(self) -> None:
        """Have the supervisor look for what is due, as its rule does every minute."""
        (name,) = (
            it["FunctionName"]
            for page in self.aws.client("lambda").get_paginator("list_functions").paginate()
            for it in page["Functions"]
            if it["FunctionName"].startswith("runs-supervisor-")
        )
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=SWEEPING)
        assert "FunctionError" not in answer
        assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}


@dataclass
class Mail:
    """A queue that is subscribed to the topic of all jobs."""

    aws: Emulator
    url: str
    found: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> list[dict[str, Any]]:
        """Every notice so far."""
        sqs = self.aws.client("sqs")
        with self.lock:
            while messages := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                for message in messages:
                    sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                    notice = json.loads(message["Body"])
                    words, _, detail = notice["Message"].partition("\n\n{")
                    self.found.append({"subject": notice["Subject"], "words": words, **json.loads("{" + detail)})
        return self.found


def eventually(true: Callable[[], bool], state: Callable[[], str] = lambda: "", seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true in time: {state()}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Job]]:
    stack = program(tmp_path_factory.mktemp("program"), SOURCE)
    with Emulator(region="eu-west-1") as aws:
        deployment = deploy(stack, aws)
        topic = deployment.launchers["job"].outputs["notice_topic_arn"]
        mail = Mail(aws, mailbox(aws, topic, "mail"))
        found = {name: Job(aws, launcher, mail, deployment) for name, launcher in deployment.launchers.items()}
        # This job needs a minute, during which the other tests run.
        found["away"].script(quick(seconds=600), quick(seconds=600, started_minutes_ago=5))
        found["away"].launch()
        aws.client("ecs").run_task(
            launchType="FARGATE",
            cluster=aws.client("ecs").list_clusters()["clusterArns"][0],
            taskDefinition=found["away"].launcher.outputs["task_definition_arn"],
            startedBy="somebody",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
        )
        yield found


def quick(exit_code: int | None = 0, **more: Any) -> Run:
    fields: dict[str, Any] = {"seconds": 0.1, **more}
    return Run(exit_code, **fields)


NEVER = quick(None, stop_code="TaskFailedToStart", reason="CannotPullContainerError: pull access denied")


def test_a_job_that_fails_twice_and_then_works_is_launched_three_times_with_the_same_overrides(
    jobs: dict[str, Job],
) -> None:
    job = jobs["job"]
    job.script(quick(1), quick(137), quick(0))
    origin = job.launch(environment={"A": "x"}, payload={"k": 1}, tags={"customer": "c"})
    tasks = job.ended(origin, 3)
    root = tasks[0]["taskArn"].rpartition("/")[2]
    assert [it["startedBy"] for it in tasks] == [origin, f"{origin}/1/{root[:16]}", f"{origin}/2/{root[:16]}"]
    assert [it["containers"][0]["exitCode"] for it in tasks] == [1, 137, 0]
    assert tasks[0]["overrides"] == tasks[1]["overrides"] == tasks[2]["overrides"]
    ecs = job.aws.client("ecs")
    for task in tasks:
        tags = ecs.list_tags_for_resource(resourceArn=task["taskArn"])["tags"]
        assert {"key": "customer", "value": "c"} in tags
    assert job.notices(origin) == []
    run = job.told(origin)
    assert (run["state"], run["succeeded"], run["attempts"], run["requested"]) == ("SUCCEEDED", 1, 3, 1)
    kept = [it for it in job.items("attempt") if it["run"] == run["run"]]
    assert sorted((it["attempt"], it["exitCode"], it["root"]) for it in kept) == [
        (1, 1, root),
        (2, 137, root),
        (3, 0, root),
    ]
    # A minute each, which is the least that Fargate charges for.
    assert (run["taskSeconds"], run["costUsd"]) == (180, pytest.approx(3 * (0.25 * 0.04 + 0.5 * 0.004) / 60, rel=0.01))


def test_a_job_that_keeps_failing_causes_one_notice_in_words(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    why = "OutOfMemoryError: Container killed due to memory usage"
    job.script(*[quick(1)] * 2, quick(137, container_reason=why, lines=("reading", "password is hunter2-hunter2")))
    origin = job.launch(environment={"A": "hunter2-hunter2"})
    tasks = job.ended(origin, 3)
    (notice,) = job.notices(origin)
    assert notice["subject"] == "job: failed"
    assert notice["logLines"] == ["reading", "password is ***"]
    assert notice["reason"] == "it ended with exit code 137: it ran out of memory"
    assert (notice["attempts"], notice["exitCode"], notice["task"]) == (3, 137, tasks[2]["taskArn"])
    task_id = notice["task"].rpartition("/")[2]
    assert notice["links"]["logs"].startswith(
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:"
    )
    assert notice["links"]["logs"].endswith(f"$252Fother$252Fdev$252Fjob$252Fjob/log-events/job$252Fjob$252F{task_id}")


def test_a_job_interrupted_on_spot_continues_on_demand(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(quick(None, stop_code="SpotInterruption", reason="Your Spot Task was interrupted."), quick(0))
    tasks = job.ended(job.launch(), 2)
    # On-demand capacity is a launch type and not a capacity provider.
    assert [it.get("capacityProviderName") for it in tasks] == ["FARGATE_SPOT", None]
    assert [it["launchType"] for it in tasks] == ["FARGATE", "FARGATE"]


def test_a_job_that_never_starts_is_a_failure(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(NEVER, NEVER, NEVER)
    origin = job.launch()
    assert all("exitCode" not in it["containers"][0] for it in job.ended(origin, 3))
    (notice,) = job.notices(origin)
    assert (notice["outcome"], notice["attempts"]) == ("never_started", 3)
    assert notice["reason"] == "it never started: CannotPullContainerError: pull access denied"


def test_a_task_that_an_operator_stops_causes_no_retry_and_no_notice(jobs: dict[str, Job]) -> None:
    job, ecs = jobs["job"], jobs["job"].aws.client("ecs")
    job.script(quick(seconds=600))
    origin = job.launch()
    eventually(lambda: [it["lastStatus"] for it in job.tasks(origin)] == ["RUNNING"])
    (task,) = job.tasks(origin)
    ecs.stop_task(cluster=task["clusterArn"], task=task["taskArn"], reason="wrong day")
    job.ended(origin, 1)
    assert job.notices(origin) == []
    assert (job.run(origin)["state"], len(job.tasks(origin))) == ("STOPPED", 1)


def test_an_exit_code_that_is_never_retried_is_final(jobs: dict[str, Job]) -> None:
    job = jobs["job"]
    job.script(quick(3))
    (notice,) = job.notices(job.launch())
    assert (notice["exitCode"], notice["attempts"]) == (3, 1)


def test_repeated_deliveries_of_an_end_cause_one_retry_and_one_notice(jobs: dict[str, Job]) -> None:
    job, sqs = jobs["job"], jobs["job"].aws.client("sqs")
    job.script(quick(1), quick(1), quick(1))
    origin = job.launch()
    tasks = job.ended(origin, 3)
    job.told(origin)
    url = sqs.get_queue_url(QueueName=supervisors_queue(job))["QueueUrl"]
    for task in tasks * 3:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({**task, "tags": []}, default=str))
    emptied(job, url)
    job.sweep()
    assert len(job.tasks(origin)) == 3
    assert len(job.notices(origin)) == 1
    assert job.run(origin)["attempts"] == 3


def emptied(job: Job, url: str) -> None:
    """Wait until every message of a queue has been handled."""
    left = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = job.aws.client("sqs")
    eventually(
        lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=left)["Attributes"].values()) == {"0"},
        seconds=600,
    )


def test_many_launches_at_once_with_repeated_ends_are_each_followed_to_their_end(jobs: dict[str, Job]) -> None:
    """Every second attempt fails, and every end is delivered three times."""
    job, sqs, count = jobs["many"], jobs["many"].aws.client("sqs"), 40
    job.script(*[quick(number % 2) for number in range(3 * count)])
    with ThreadPoolExecutor(8) as pool:
        origins = list(pool.map(lambda number: job.launch(idempotencyKey=f"storm-{number}"), range(count)))
    assert len(set(origins)) == count
    url = sqs.get_queue_url(QueueName=supervisors_queue(job))["QueueUrl"]

    def runs() -> list[dict[str, Any]]:
        wanted = {it.split("/")[1] for it in origins}
        return [it for it in job.items() if it["run"] in wanted]

    eventually(lambda: all("toldAt" in it for it in runs()), lambda: str([it["state"] for it in runs()]), seconds=600)
    tasks = [it for it in job.tasks("many/") if it["startedBy"].startswith(tuple(origins))]
    for task in tasks:
        for _ in range(2):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({**task, "tags": []}, default=str))
    emptied(job, url)
    attempts = sorted(it["startedBy"] for it in tasks)
    assert len(set(attempts)) == len(attempts) == sum(it["attempts"] for it in runs())
    lost = {it["run"] for it in runs() if it["state"] == "FAILED"}
    assert {it["state"] for it in runs()} <= {"SUCCEEDED", "FAILED"}
    assert sorted(it["run"] for it in job.mail.read() if it["job"] == "many" and it["run"] in lost) == sorted(lost)


def supervisors_queue(job: Job) -> str:
    """Name of the queue that delivers the ends of tasks."""
    found = job.aws.client("sqs").list_queues()["QueueUrls"]
    (name,) = (it.rpartition("/")[2] for it in found if re.search(r"/runs-stopped-[0-9a-f]{7}$", it))
    return name


def test_only_so_many_tasks_run_at_once_and_the_queue_waits(jobs: dict[str, Job]) -> None:
    job, sqs = jobs["few"], jobs["few"].aws.client("sqs")
    # The tasks run until the test stops them: it does not depend on the speed of the machine.
    job.script(*[quick(seconds=3600.0)] * 3)
    first = job.launch(count=3, idempotencyKey="first")
    refused = json.loads(
        job.aws.client("lambda")
        .invoke(FunctionName=job.launcher.outputs["function_name"], Payload=b'{"idempotencyKey": "second"}')["Payload"]
        .read()
    )
    assert (refused["status"], refused["attempts"], refused["new"]) == ("FAILED", 0, 0)
    (failure,) = refused["failures"]
    assert failure.pop("remedy").startswith("As many tasks as max_running allows run already: wait for one to end")
    assert failure == {
        **{"reason": "MaxRunning", "retryable": True},
        "detail": "3 tasks of few run; at most 3 may (max_running)",
    }
    # The same launch again is not a new launch.
    assert job.launch(count=3, idempotencyKey="first") == first
    # An asynchronous event is delivered twice more and then kept.
    alias = job.launcher.outputs["asynchronous_function_arn"]
    job.aws.client("lambda").invoke(FunctionName=alias, InvocationType="Event", Payload=b'{"idempotencyKey": "third"}')
    dead = job.launcher.outputs["dead_letter_queue_url"]
    letters: list[dict[str, Any]] = []

    def kept_by_now() -> bool:
        letters.extend(sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []))
        return bool(letters)

    eventually(kept_by_now)
    (letter,) = letters
    kept = json.loads(letter["Body"])
    assert kept["requestPayload"] == {"idempotencyKey": "third"}
    assert "MaxRunning" in kept["responsePayload"]["errorMessage"]
    url = job.launcher.outputs["queue_url"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"idempotencyKey": f"queued-{number}"}))
    most = 0

    def launched() -> bool:
        nonlocal most
        tasks = job.tasks("few/")
        most = max(most, sum(it["desiredStatus"] == "RUNNING" for it in tasks))
        return len(tasks) == 6

    def delivered() -> bool:
        """Whether the queue's messages have been delivered while max_running tasks run."""
        assert not launched()
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
        return asked["Attributes"]["ApproximateNumberOfMessagesNotVisible"] != "0"

    eventually(delivered)
    for it in job.tasks(first):
        job.aws.client("ecs").stop_task(cluster=it["clusterArn"], task=it["taskArn"])
    eventually(launched, lambda: str(len(job.tasks("few/"))))
    assert most == 3


def test_any_number_of_invocations_at_once_keep_to_it(jobs: dict[str, Job]) -> None:
    job, at_once = jobs["crowd"], 4
    job.script(*[quick(seconds=600.0)] * 20)
    function, lambda_ = job.launcher.outputs["function_name"], job.aws.client("lambda")

    def status(number: int) -> str:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps({"idempotencyKey": f"crowd-{number}"}))
        return json.loads(answer["Payload"].read())["status"]

    with ThreadPoolExecutor(at_once) as pool:
        statuses = list(pool.map(status, range(20)))
    assert (len(job.tasks("crowd/")), statuses.count("LAUNCHED"), statuses.count("FAILED")) == (3, 3, 17)


def test_what_overlap_skips_is_a_run_and_no_dead_letter(jobs: dict[str, Job]) -> None:
    job, lambda_ = jobs["alone"], jobs["alone"].aws.client("lambda")
    job.script(*[quick(seconds=600.0)] * 3)
    job.launch(count=3)
    alias = job.launcher.outputs["asynchronous_function_arn"]
    lambda_.invoke(FunctionName=alias, InvocationType="Event", Payload=b'{"idempotencyKey": "second"}')
    eventually(lambda: [it["state"] for it in job.items() if it["key"] == "second"] == ["SKIPPED"])
    letters = job.aws.client("sqs").receive_message(QueueUrl=job.launcher.outputs["dead_letter_queue_url"])
    assert letters.get("Messages", []) == []
    assert len(job.tasks("alone/")) == 3


def test_a_later_launch_replaces_the_running_one(jobs: dict[str, Job]) -> None:
    job = jobs["newest"]
    job.script(*[quick(seconds=600.0)] * 4)
    first = job.launch(count=3)
    eventually(lambda: [it["lastStatus"] for it in job.tasks(first)] == ["RUNNING"] * 3)
    answer = job.aws.client("lambda").invoke(
        FunctionName=job.launcher.outputs["function_name"], Payload=b'{"idempotencyKey": "second"}'
    )
    second: dict[str, Any] = json.loads(answer["Payload"].read())
    assert (second["status"], second["state"]) == ("WAITING", "LAUNCHING")

    def replaced() -> bool:
        job.sweep()
        return len(job.tasks(second["startedBy"])) == 1

    eventually(replaced, lambda: str(job.items()))
    assert job.told(first)["state"] == "STOPPED"
    assert {it["stoppedReason"] for it in job.tasks(first)} == {
        f"fargate-job-launcher: replaced by the run {second['run']}"
    }


def test_a_job_launches_after_another_has_succeeded(jobs: dict[str, Job]) -> None:
    first, then = jobs["job"], jobs["after"]
    first.script(quick(1), quick(0))
    run = first.launch().split("/")[1]
    eventually(lambda: run in str([it["overrides"] for it in then.tasks("after/")]))
    (task,) = (it for it in then.tasks("after/") if run in str(it["overrides"]))
    (variable,) = task["overrides"]["containerOverrides"][0]["environment"]
    event = json.loads(variable["value"])
    assert (event["detail-type"], event["detail"]["state"]) == ("Job Run State Change", "SUCCEEDED")
    (chained,) = (it for it in then.items() if it["key"] == f"end 1 of {run}")
    assert chained["trigger"] == "event"


def test_a_state_machine_waits_for_a_job_that_works_and_for_one_that_never_starts(jobs: dict[str, Job]) -> None:
    job, states = jobs["waited-for"], jobs["waited-for"].aws.client("stepfunctions")
    machine = job.deployment.outputs["machine"]

    def execution() -> dict[str, Any]:
        arn = states.start_execution(stateMachineArn=machine)["executionArn"]
        eventually(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return states.describe_execution(executionArn=arn)

    job.script(quick(0))
    done = execution()
    assert (done["status"], json.loads(done["output"])["state"]) == ("SUCCEEDED", "SUCCEEDED")
    job.script(NEVER, NEVER, NEVER)
    failed = execution()
    assert (failed["status"], failed["error"]) == ("FAILED", "JobRunFailed")
    assert json.loads(failed["cause"])["outcome"] == "never_started"


def test_a_run_carries_the_result_that_its_task_leaves(jobs: dict[str, Job]) -> None:
    job = jobs["left"]
    job.script(quick(0, seconds=2.0))
    origin = job.launch()
    (task,) = job.tasks(origin)
    (variable,) = task["overrides"]["containerOverrides"][0]["environment"]
    bucket, _, key = variable["value"].removeprefix("s3://").partition("/")
    role = job.launcher.outputs["task_role_arn"]
    s3 = job.aws.client("s3", role_arn=role)
    s3.put_object(Bucket=bucket, Key=key, Body=b'{"rows": 3}')
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key=key.replace("other-dev-left", "other-dev-job"), Body=b"")
    assert job.told(origin)["result"] == {"uri": variable["value"], "bytes": 11, "text": '{"rows": 3}'}


def test_an_event_and_a_schedule_launch_the_job(jobs: dict[str, Job]) -> None:
    job = jobs["many"]
    job.aws.client("events").put_events(
        Entries=[{"Source": "shop", "DetailType": "Paid", "Detail": json.dumps({"order": 4711})}]
    )

    def launched(text: str) -> Callable[[], bool]:
        return lambda: any(text in json.dumps(it["overrides"]) for it in job.tasks("many/"))

    eventually(launched("4711"))
    eventually(launched('"scheduled"'), seconds=90)


def test_a_launcher_that_is_down_for_a_while_loses_nothing(jobs: dict[str, Job]) -> None:
    """Its queue keeps the messages meanwhile; they are launched when it is back."""
    job, sqs, lambda_ = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("lambda")
    url = job.launcher.outputs["queue_url"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    (mapping,) = [
        it
        for it in lambda_.list_event_source_mappings(FunctionName=job.launcher.outputs["asynchronous_function_arn"])[
            "EventSourceMappings"
        ]
        if it["EventSourceArn"].rpartition(":")[2] in url
    ]
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    for number in range(10):
        sqs.send_message(
            QueueUrl=url, MessageBody=json.dumps({"idempotencyKey": f"lost-{number}", "environment": {"A": "lost"}})
        )
    time.sleep(1)

    def launched() -> int:
        return sum('"lost"' in json.dumps(it["overrides"]) for it in job.tasks("down/"))

    assert launched() == 0
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    eventually(lambda: launched() == 10, lambda: str(launched()))


def test_functions_that_do_not_run_for_a_while_lose_nothing(jobs: dict[str, Job]) -> None:
    """Neither the launcher nor the supervisor may run: what came by a queue, and what has to be launched again, is when
    they may; what came by a rule is a dead letter at once, as on AWS."""
    job, sqs, lambda_ = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("lambda")
    launcher = job.launcher.outputs["function_name"]
    (supervisor,) = (
        it["FunctionName"]
        for page in lambda_.get_paginator("list_functions").paginate()
        for it in page["Functions"]
        if it["FunctionName"].startswith("runs-supervisor-")
    )
    queue = job.launcher.outputs["queue_url"]
    for url in (queue, sqs.get_queue_url(QueueName=supervisors_queue(job))["QueueUrl"]):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    job.script(quick(1, seconds=1.0))
    retried = job.launch(idempotencyKey="fails-meanwhile")

    def launched() -> list[str]:
        return sorted(
            word
            for it in job.tasks("down/")
            for word in ("by-queue-0", "by-queue-1", "by-rule")
            if word in json.dumps(it["overrides"])
        )

    for down in (launcher, supervisor):
        lambda_.put_function_concurrency(FunctionName=down, ReservedConcurrentExecutions=0)
    for number in range(2):
        event = {"idempotencyKey": f"limited-{number}", "environment": {"A": f"by-queue-{number}"}}
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    job.aws.client("events").put_events(
        Entries=[{"Source": "bank", "DetailType": "Paid", "Detail": json.dumps({"order": "by-rule"})}]
    )
    with pytest.raises(lambda_.exceptions.TooManyRequestsException):
        lambda_.invoke(FunctionName=launcher, Payload=b"{}")
    job.ended(retried, 1)
    time.sleep(1)
    assert (launched(), len(job.tasks(retried))) == ([], 1)
    # The supervisor is back first, and has nobody to launch with.
    lambda_.delete_function_concurrency(FunctionName=supervisor)
    time.sleep(3)
    assert (launched(), len(job.tasks(retried))) == ([], 1)
    lambda_.delete_function_concurrency(FunctionName=launcher)

    def again() -> bool:
        job.sweep()
        return len(job.tasks(retried)) == 2

    # The supervisor asks again for a pending retry after two minutes, which need not pass here.
    table, run = job.launcher.outputs["runs_table_name"], job.run(retried)
    if len(job.tasks(retried)) == 1:
        overdue(job, table, run)
    eventually(again)
    job.ended(retried, 2)
    eventually(lambda: launched() == ["by-queue-0", "by-queue-1"], lambda: str(launched()))
    (letter,) = sqs.receive_message(QueueUrl=job.launcher.outputs["dead_letter_queue_url"])["Messages"]
    assert json.loads(letter["Body"])["requestPayload"]["detail"] == {"order": "by-rule"}


def overdue(job: Job, table: str, run: dict[str, Any]) -> None:
    """Make the pending retries of a run due now."""
    for entry in run["open"].values():
        if "calls" in entry:
            entry["calls"]["next"] = 0
    run["due"] = 1
    item = typed({**run, "version": run["version"] + 1})
    job.aws.client("dynamodb").put_item(TableName=table, Item=item)


def test_an_end_that_does_not_reach_the_supervisor_is_kept_and_can_be_dealt_with_later(jobs: dict[str, Job]) -> None:
    job, sqs, events = jobs["down"], jobs["down"].aws.client("sqs"), jobs["down"].aws.client("events")
    name = supervisors_queue(job)
    url, kept = (sqs.get_queue_url(QueueName=it)["QueueUrl"] for it in (name, unsupervised(job)))
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rules = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    (rule,) = (it for it in rules if it.startswith("runs-stopped-"))
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{**target, "Arn": f"{arn}-gone"}])
    job.script(quick(1), quick(0))
    origin = job.launch()
    job.ended(origin, 1)
    letters: list[dict[str, Any]] = []
    eventually(lambda: bool(letters.extend(sqs.receive_message(QueueUrl=kept).get("Messages", [])) or letters))
    assert len(job.tasks(origin)) == 1
    events.put_targets(Rule=rule, Targets=[target])
    sqs.send_message(QueueUrl=url, MessageBody=letters[0]["Body"])
    job.ended(origin, 2)


def unsupervised(job: Job) -> str:
    """Name of the dead-letter queue of the supervisor."""
    (found,) = (it for it in job.aws.client("sqs").list_queues()["QueueUrls"] if "/runs-dead-letters" in it)
    return found.rpartition("/")[2]


def test_a_job_that_runs_too_long_is_stopped_without_further_launches(jobs: dict[str, Job]) -> None:
    job = jobs["away"]
    # The rule invokes the supervisor once a minute.
    eventually(lambda: job.tasks("away/")[0]["lastStatus"] == "STOPPED", seconds=210)
    (task,) = job.tasks("away/")
    # The supervisor does not stop the tasks of others.
    assert [it["lastStatus"] for it in job.tasks("somebody")] == ["RUNNING"]
    assert task["stoppedReason"] == "fargate-job-launcher: ran longer than 1 minute"
    assert 60 <= (task["stoppedAt"] - task["startedAt"]).total_seconds() <= 200
    (notice,) = job.notices(task["startedBy"])
    assert (notice["outcome"], notice["reason"], notice["attempts"]) == ("timed_out", "ran longer than 1 minute", 1)


def test_every_call_was_allowed(jobs: dict[str, Job]) -> None:
    """All functions have done everything by now."""
    refused = [it for it in jobs["job"].aws.calls() if it.get("allowed") is False]
    # A test tried to leave a result for another job.
    assert {it["action"] for it in refused} <= {"s3:PutObject"}
    unknown = {(it["service"], it["operation"]) for it in jobs["job"].aws.calls() if "action" not in it}
    assert unknown == set()


def test_a_trigger_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    from fargate_job_launcher.sandbox import DeploymentFailed

    source = SOURCE.replace("rate(1 minute)", "every day").replace('"retries": 2', '"retries": 99')
    stack = program(tmp_path, source)
    with Emulator(region="eu-west-1") as aws, pytest.raises(DeploymentFailed) as raised:
        deploy(stack, aws)
    assert "supervision.retries: 99 is not between 0 and 10" in str(raised.value)
