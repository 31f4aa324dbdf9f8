"""A LaunchRequest → one RunTask call → a LaunchResult.

RunTask answers 200 when it launched nothing: its `failures` are read before its `tasks`.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, Protocol, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from .request import LaunchRequest
from .settings import Settings

Status = Literal["LAUNCHED", "PARTIAL", "REJECTED", "FAILED"]


class LaunchedTask(TypedDict):
    """A task, and where its output is found."""

    arn: str
    id: str
    logGroup: str
    logStream: str


class Failure(TypedDict):
    """Why something was not launched, in AWS's words where they are AWS's."""

    reason: str
    detail: str
    retryable: bool


class LaunchResult(TypedDict):
    """What a caller is told."""

    status: Status
    requested: int
    launched: int
    tasks: list[LaunchedTask]
    failures: list[Failure]
    startedBy: str
    taskDefinition: str


class EcsClient(Protocol):
    """What of boto3's ECS client is used."""

    def run_task(self, **request: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"""
        ...


def token(settings: Settings, request: LaunchRequest) -> str:
    """RunTask's clientToken: the same for the same request, so that a repeated call launches nothing twice.

    The task definition's revision is left out: a deploy between two attempts must not launch again.
    """
    return hashlib.sha256(f"{settings.job}|{request.key}".encode()).hexdigest()


def run_task_request(settings: Settings, request: LaunchRequest) -> dict[str, Any]:
    """The exact parameters of RunTask for this request."""
    client_token = token(settings, request)
    container: dict[str, Any] = {}
    overrides: dict[str, Any] = {"taskRoleArn": request.task_role} if request.task_role else {}
    if request.command is not None:
        container["command"] = list(request.command)
    if request.environment:
        container["environment"] = [
            {"name": key, "value": request.environment[key]} for key in sorted(request.environment)
        ]
    if container:
        overrides["containerOverrides"] = [{"name": settings.container, **container}]
    provider = "FARGATE_SPOT" if settings.capacity == "spot" else "FARGATE"
    return {
        "cluster": settings.cluster,
        "taskDefinition": settings.task_definition,
        "count": request.count,
        "clientToken": client_token,
        "startedBy": f"{settings.job}/{client_token[:32]}",
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": list(settings.subnets),
                "securityGroups": list(settings.security_groups),
                "assignPublicIp": "ENABLED" if settings.assign_public_ip else "DISABLED",
            }
        },
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        **({"overrides": overrides} if overrides else {}),
    }


def launch(ecs: EcsClient, settings: Settings, request: LaunchRequest) -> LaunchResult:
    """Ask ECS for the tasks and say what became of it."""
    parameters = run_task_request(settings, request)
    failures: list[Failure] = []
    tasks: list[LaunchedTask] = []
    try:
        response = ecs.run_task(**parameters)
    except ClientError as error:
        aws = error.response.get("Error", {})
        failures.append(_failure(aws.get("Code", "Unknown"), aws.get("Message", str(error)), retryable=False))
    except BotoCoreError as error:
        failures.append(_failure(type(error).__name__, str(error), retryable=True))
    else:
        for failure in response.get("failures", []):
            failures.append(_failure(failure.get("reason", ""), failure.get("detail", ""), retryable=True))
        tasks = [_task(settings, task["taskArn"]) for task in response.get("tasks", [])]
        if not tasks and not failures:
            failures.append(_failure("Empty", "RunTask answered neither tasks nor failures", retryable=True))
    return {
        "status": "LAUNCHED" if len(tasks) == request.count else "PARTIAL" if tasks else "FAILED",
        "requested": request.count,
        "launched": len(tasks),
        "tasks": tasks,
        "failures": failures,
        "startedBy": parameters["startedBy"],
        "taskDefinition": settings.task_definition,
    }


def rejection(settings: Settings, problems: list[str]) -> LaunchResult:
    """What a caller is told whose event was refused before any AWS call."""
    return {
        "status": "REJECTED",
        "requested": 0,
        "launched": 0,
        "tasks": [],
        "failures": [_failure("Rejected", problem, retryable=False) for problem in problems],
        "startedBy": "",
        "taskDefinition": settings.task_definition,
    }


def _failure(reason: str, detail: str, *, retryable: bool) -> Failure:
    return {"reason": reason, "detail": detail, "retryable": retryable}


def _task(settings: Settings, arn: str) -> LaunchedTask:
    task_id = arn.rpartition("/")[2]
    container = settings.container
    return {
        "arn": arn,
        "id": task_id,
        "logGroup": settings.log_group,
        "logStream": f"{container}/{container}/{task_id}",
    }
