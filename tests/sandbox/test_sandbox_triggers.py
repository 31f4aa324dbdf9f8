"""The deployed function, invoked by each of its triggers; the assertions are about the state of AWS itself."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Emulator, Run, Stack, deploy
from fargate_job_launcher.sandbox.engine.deployment import Resource
from fargate_job_launcher.sandbox.engine.jobs import launch

from tools.recording import PROGRAM


@dataclass
class Deployed:
    """The dev stack's job `import`, which takes payloads and callers who do not wait."""

    aws: Emulator
    launcher: Resource
    cluster: str

    def output(self, name: str) -> str:
        return self.launcher.outputs[name]

    def tasks(self, value: str) -> list[dict[str, Any]]:
        """The tasks whose event brought this value of SOURCE_KEY."""
        ecs = self.aws.client("ecs")
        arns = ecs.list_tasks(cluster=self.cluster)["taskArns"]
        described = ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []
        return [task for task in described if value in json.dumps(task["overrides"])]

    def settled(self) -> bool:
        """Whether every run so far has ended, and its end has been told: nothing calls AWS for them any more."""
        items = self.aws.client("dynamodb").scan(TableName=self.output("runs_table_name"), ConsistentRead=True)["Items"]
        return all("due" not in it for it in items)

    def dead(self, wanted: int) -> list[dict[str, Any]]:
        """So many dead letters, taken out of their queue."""
        found: list[dict[str, Any]] = []

        def receive() -> bool:
            sqs, url = self.aws.client("sqs"), self.output("dead_letter_queue_url")
            answer = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
            return len(found) >= wanted

        eventually(receive)
        return found


def eventually(true: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def asking(value: str, **more: Any) -> dict[str, Any]:
    return {"environment": {"SOURCE_KEY": value}, **more}


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    stack = Stack.read(PROGRAM, "dev")
    with Emulator(region=stack.region, account=stack.account) as aws:
        deployment = deploy(stack, aws)
        yield Deployed(aws, deployment.launchers["import"], deployment.outputs["clusterArn"])


def test_a_direct_call(deployed: Deployed) -> None:
    assert len(launch(deployed.aws, deployed.launcher, asking("direct", count=5)).tasks) == 5
    # The same key again: the same tasks, as the gate honours the token.
    first, second = (launch(deployed.aws, deployed.launcher, asking("k", idempotencyKey="k")).tasks for _ in "ab")
    assert [it["taskArn"] for it in first] == [it["taskArn"] for it in second]
    assert len(deployed.tasks("direct")) == 5


def test_a_caller_who_does_not_wait(deployed: Deployed) -> None:
    invoke, alias = deployed.aws.client("lambda").invoke, deployed.output("asynchronous_function_arn")
    invoke(FunctionName=alias, InvocationType="Event", Payload=json.dumps(asking("async", count=2)).encode())
    invoke(FunctionName=alias, InvocationType="Event", Payload=b'{"count": 99}')
    eventually(lambda: len(deployed.tasks("async")) == 2)
    (dead,) = deployed.dead(1)
    assert json.loads(dead["Body"]) == {"count": 99}
    assert dead["MessageAttributes"]["status"]["StringValue"] == "REJECTED"


def test_a_rule(deployed: Deployed) -> None:
    events = deployed.aws.client("events")
    events.put_rule(Name="paid", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="paid", Targets=[{"Id": "1", "Arn": deployed.output("asynchronous_function_arn")}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "Paid", "Detail": json.dumps(asking("rule"))}])
    eventually(lambda: len(deployed.tasks("rule")) == 1)


def test_a_schedule(deployed: Deployed) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1)
    event = {
        "version": "0",
        "id": "<aws.scheduler.execution-id>",
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": "<aws.scheduler.scheduled-time>",
        "resources": ["<aws.scheduler.schedule-arn>"],
        "detail": asking("schedule"),
    }
    # The role and the group that the stack made for launches at a later time.
    function = deployed.aws.client("lambda").get_function_configuration(FunctionName=deployed.output("function_name"))
    later = json.loads(function["Environment"]["Variables"]["LAUNCHER_SETTINGS"])["scheduling"]
    deployed.aws.client("scheduler").create_schedule(
        Name=f"{later['prefix']}nightly",
        GroupName=later["group"],
        ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": deployed.output("asynchronous_function_arn"),
            "RoleArn": later["role"],
            "Input": json.dumps(event),
        },
    )
    eventually(lambda: len(deployed.tasks("schedule")) == 1)


def test_a_queue(deployed: Deployed) -> None:
    sqs = deployed.aws.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bodies = [json.dumps(asking("queue", count=3)), "poison", json.dumps(asking("queue", cluster="other"))]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    deployed.aws.client("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=deployed.output("function_name"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    eventually(lambda: len(deployed.tasks("queue")) == 3)
    assert sorted(it["Body"] for it in deployed.dead(2)) == sorted(bodies[1:])
    depth = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=depth)["Attributes"].values()) == {"0"}
    )


def test_a_payload_that_fits_no_call_is_in_the_bucket_under_the_jobs_own_prefix(deployed: Deployed) -> None:
    payload = {"rows": ["é" * 50] * 500}
    (task,) = launch(deployed.aws, deployed.launcher, asking("payload", payload=payload)).tasks
    variables = {it["name"]: it["value"] for it in task["overrides"]["containerOverrides"][0]["environment"]}
    bucket, _, key = variables["JOB_PAYLOAD_S3_URI"].removeprefix("s3://").partition("/")
    assert re.match(r"fargate-job-launcher-dev-import-[0-9a-f]{6}/", key)
    stored = deployed.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert json.loads(stored) == payload
    # The job's own code may read it, and the launcher, which looks before a retry whether it is still there: no others.
    for role in (deployed.output("task_role_arn"), deployed.output("launcher_role_arn")):
        s3 = deployed.aws.client("s3", role_arn=role)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == stored
        with pytest.raises(Exception, match="not authorized to perform: s3:GetObject"):
            s3.get_object(Bucket=bucket, Key=f"another-job/{key}")


def test_a_dry_run_names_exactly_the_decisions_that_the_launch_then_needs(deployed: Deployed) -> None:
    event = asking("dry", payload="x" * 9000, idempotencyKey="dry", count=2)
    plan = json.loads(
        deployed.aws.client("lambda")
        .invoke(FunctionName=deployed.output("function_name"), Payload=json.dumps({**event, "dryRun": True}).encode())[
            "Payload"
        ]
        .read()
    )
    assert (plan["status"], deployed.tasks("dry")) == ("DRY_RUN", [])
    assert plan["maxCostUsdPerHour"] == pytest.approx(2 * (0.5 * 0.04048 + 2 * 0.004445 + 0.005))
    assert plan["dryRun"]["pricesOf"] == "2026-11-01"
    # The launcher tells the ends of runs too: it has none to tell while this launch is watched.
    eventually(deployed.settled)
    deployed.aws.script(
        deployed.output("task_definition_arn").rpartition("/")[2].rpartition(":")[0], *2 * [Run(seconds=600)]
    )
    before = len(deployed.aws.calls())
    result = launch(deployed.aws, deployed.launcher, event).result
    role = f":assumed-role/{deployed.output('launcher_role_arn').rpartition('/')[2]}/"
    asked = [
        {key: it[key] for key in ("action", "resource", "context")}
        for it in deployed.aws.calls()[before:]
        if role in it["principal"]
    ]
    assert [it for it in asked if it not in plan["dryRun"]["iam"]] == []
    # Planned, and not needed here: on demand where Spot has no room; what an earlier delivery has launched.
    spared = [it for it in plan["dryRun"]["iam"] if it not in asked]
    assert sorted(it["action"] for it in spared) == ["dynamodb:GetItem", "ecs:ListTasks", "ecs:RunTask"]
    assert not any("ecs:capacity-provider" in it["context"] for it in spared)
    assert result["startedBy"] == plan["startedBy"]


def test_the_functions_log_is_a_json_line_a_launch_with_its_metrics(deployed: Deployed) -> None:
    result = launch(deployed.aws, deployed.launcher, asking("logged")).result
    logs, group = deployed.aws.client("logs"), deployed.output("launcher_log_group_name")

    def lines() -> list[dict[str, Any]]:
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]
        found = [json.loads(it) for it in events if it.startswith("{")]
        return [it for it in found if it.get("startedBy") == result["startedBy"]]

    eventually(lambda: bool(lines()))
    (line,) = lines()
    assert (line["status"], line["TasksLaunched"], line["job"]) == ("LAUNCHED", 1, "import")
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "FargateJobLauncher"
    assert line["taskIds"] == [task["id"] for task in result["tasks"]]
