"""A deployed job: launch it through its function, look at its task, and read who was granted what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .deploy import Deployment, Resource
from .server import Emulator


class LaunchFailed(Exception):
    """The function did not launch the job, and its own words."""


@dataclass(frozen=True)
class Launched:
    """What the function answered, and the tasks as ECS has them."""

    result: dict[str, Any]
    tasks: list[dict[str, Any]]


@dataclass(frozen=True)
class Grant:
    """One statement of a deployed policy."""

    role: str
    sid: str
    effect: str
    actions: list[str]
    resources: list[str]
    inverted: bool
    """Whether the statement is about everything but these resources (NotResource)."""
    condition: dict[str, dict[str, Any]]


def launch(aws: Emulator, launcher: Resource, event: Any) -> Launched:
    """Invoke the deployed function with this event. Raises LaunchFailed when it launched less than was asked for."""
    answer = aws.client("lambda").invoke(
        FunctionName=launcher.outputs["function_name"], Payload=json.dumps(event).encode()
    )
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise LaunchFailed(f"{launcher.name}: the function failed: {result.get('errorMessage', result)}")
    if result["status"] != "LAUNCHED":
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        raise LaunchFailed(
            f"{launcher.name}: {result['status']}, {result['launched']} of {result['requested']} tasks: {reasons}"
        )
    arns = [task["arn"] for task in result["tasks"]]
    cluster = arns[0].split("/")[1]
    return Launched(result, aws.client("ecs").describe_tasks(cluster=cluster, tasks=arns)["tasks"])


def grants(aws: Emulator, deployment: Deployment, launcher: Resource) -> list[Grant]:
    """Every statement attached to a role of this launcher, as deployed."""
    iam = aws.client("iam")
    found: list[Grant] = []
    for role in deployment.of_kind("aws:iam/role:Role"):
        if role.parent != launcher.urn:
            continue
        for name in iam.list_role_policies(RoleName=role.id)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role.id, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                found.append(
                    Grant(
                        role=role.name,
                        sid=statement.get("Sid", ""),
                        effect=statement["Effect"],
                        actions=_listed(statement["Action"]),
                        resources=_listed(statement.get("Resource", statement.get("NotResource"))),
                        inverted="NotResource" in statement,
                        condition=statement.get("Condition", {}),
                    )
                )
    return found


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
