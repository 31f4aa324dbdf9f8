"""The function's own code: events, the exact request, and what is made of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from fargate_job_launcher.function import archive
from fargate_job_launcher.handler.launch import launch, rejection, token
from fargate_job_launcher.handler.request import LaunchRequest, Rejected, parse
from fargate_job_launcher.handler.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/reader"
SETTINGS = Settings.read(
    {
        "LAUNCHER_SETTINGS": json.dumps(
            {
                "job": "import",
                "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs",
                "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/f:7",
                "container": "job",
                "subnets": ["subnet-1", "subnet-2"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": True,
                "capacity": "spot",
                "logGroup": "/p/dev/import/job",
                "overrides": {"environment": ["SOURCE"], "command": True, "maxCount": 5, "taskRoles": {"reader": ROLE}},
            }
        )
    }
)
TASK = "arn:aws:ecs:eu-west-1:123456789012:task/jobs/0123"


def launched(request: LaunchRequest, answer: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The result of a launch to which ECS answers this, and the request that it was asked with."""
    asked: dict[str, Any] = {}

    def remember(params: dict[str, Any], **_: Any) -> None:
        asked.update(params)

    ecs: Any = boto3.client("ecs", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    ecs.meta.events.register("provide-client-params.ecs.RunTask", remember)
    with Stubber(ecs) as stubber:
        if "code" in answer:
            stubber.add_client_error("run_task", answer["code"], answer["message"])
        else:
            stubber.add_response("run_task", answer)
        result = launch(ecs, SETTINGS, request)
        stubber.assert_no_pending_responses()
    return result, asked


def test_an_empty_event_launches_the_job_as_defined() -> None:
    request = parse({}, SETTINGS, request_id="r-1")
    result, asked = launched(request, {"tasks": [{"taskArn": TASK}], "failures": []})
    assert asked == {
        "cluster": SETTINGS.cluster,
        "taskDefinition": SETTINGS.task_definition,
        "count": 1,
        "clientToken": token(SETTINGS, request),
        "startedBy": f"import/{token(SETTINGS, request)[:32]}",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1", "subnet-2"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "ENABLED",
            }
        },
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
    }
    assert result == {
        "status": "LAUNCHED",
        "requested": 1,
        "launched": 1,
        "tasks": [{"arn": TASK, "id": "0123", "logGroup": "/p/dev/import/job", "logStream": "job/job/0123"}],
        "failures": [],
        "startedBy": asked["startedBy"],
        "taskDefinition": SETTINGS.task_definition,
    }


def test_what_the_component_declared_may_be_changed_and_is_asked_for() -> None:
    event = {"version": "1", "command": ["run"], "environment": {"SOURCE": "s3"}, "count": 2, "role": "reader"}
    _, asked = launched(parse(event, SETTINGS, request_id="r"), {"tasks": [{"taskArn": TASK}] * 2})
    assert asked["count"] == 2
    assert asked["overrides"] == {
        "taskRoleArn": ROLE,
        "containerOverrides": [{"name": "job", "command": ["run"], "environment": [{"name": "SOURCE", "value": "s3"}]}],
    }


def test_the_token_is_the_same_for_the_same_key_and_only_then() -> None:
    first = parse({"idempotencyKey": "k"}, SETTINGS, request_id="a")
    again = parse({"idempotencyKey": "k"}, SETTINGS, request_id="b")
    other = parse({}, SETTINGS, request_id="k2")
    assert token(SETTINGS, first) == token(SETTINGS, again) != token(SETTINGS, other)
    assert len(token(SETTINGS, first)) == 64


@pytest.mark.parametrize(
    ("answer", "status", "reasons"),
    [
        ({"tasks": [], "failures": [{"reason": "Capacity is unavailable."}]}, "FAILED", ["Capacity is"]),
        ({"tasks": [{"taskArn": TASK}], "failures": [{"reason": "AGENT", "detail": "d"}]}, "PARTIAL", ["AGENT"]),
        ({"tasks": [], "failures": []}, "FAILED", ["Empty"]),
        ({}, "FAILED", ["Empty"]),
        ({"code": "AccessDeniedException", "message": "not authorized to perform: iam:PassRole"}, "FAILED",
         ["AccessDeniedException"]),
    ],
)  # fmt: skip
def test_a_launch_that_fell_short_is_never_called_launched(
    answer: dict[str, Any], status: str, reasons: list[str]
) -> None:
    result, _ = launched(parse({"count": 2}, SETTINGS, request_id="r"), answer)
    assert result["status"] == status
    assert (result["requested"], result["launched"]) == (2, len(answer.get("tasks", [])))
    assert [it["reason"].startswith(reason) for it, reason in zip(result["failures"], reasons, strict=True)] == [True]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, ["event: a JSON object is expected, not null"]),
        ([], ["event: a JSON object is expected, not a list"]),
        ({"cluster": "other"}, ["cluster: unknown; a launch event knows version, idempotencyKey, command"]),
        ({"taskDefinition": "x", "networkConfiguration": {}},
         ["taskDefinition: unknown", "networkConfiguration: unknown"]),
        ({"overrides": {"taskRoleArn": "arn:aws:iam::1:role/admin"}}, ["overrides: unknown"]),
        ({"version": "2"}, ["version: only '1' is understood"]),
        ({"environment": {"PATH": "x", "SOURCE": 1}}, ["environment.PATH: not declared under overrides.environment; "
         "declared: SOURCE", "environment.SOURCE: a string is expected, not a number"]),
        ({"environment": []}, ["environment: an object of names and strings is expected, not a list"]),
        ({"command": "rm"}, ["command: a list of at least one string is expected"]),
        ({"command": []}, ["command: a list of at least one string is expected"]),
        ({"role": ROLE}, ["role: an alias declared under overrides.task_roles is expected; declared: reader"]),
        ({"role": ["reader"]}, ["role: an alias declared"]),
        ({"count": 6}, ["count: a whole number from 1 to 5 is expected"]),
        ({"count": True}, ["count: a whole number from 1 to 5 is expected"]),
        ({"count": 0, "idempotencyKey": ""}, ["idempotencyKey: a string of 1 to 256", "count: a whole number from 1"]),
    ],
)  # fmt: skip
def test_what_was_not_declared_is_rejected_with_every_problem(event: object, said: list[str]) -> None:
    with pytest.raises(Rejected) as raised:
        parse(event, SETTINGS, request_id="r")
    problems = raised.value.problems
    assert [problem.startswith(start) for problem, start in zip(problems, said, strict=True)] == [True] * len(said)
    result = rejection(SETTINGS, problems)
    assert (result["status"], result["launched"], result["tasks"]) == ("REJECTED", 0, [])
    assert [it["detail"] for it in result["failures"]] == problems


def test_the_archive_is_the_handlers_modules_and_nothing_else() -> None:
    sources = Path(__file__).parents[1] / "handler"
    assets: dict[str, Any] = archive().assets
    assert list(assets) == sorted(f"handler/{path.name}" for path in sources.glob("*.py"))
    assert {Path(asset.path).resolve().parent for asset in assets.values()} == {sources}
