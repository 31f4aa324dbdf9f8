"""A deployed job: find it, launch it through its function, describe its tasks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from ..aws.server import Emulator
from .deployment import Deployment, Resource

DESCRIBED_AT_ONCE: Final = 100
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html"""


class LaunchFailed(Exception):
    """The function did not launch the job. The message quotes the function."""


class NoSuchJob(Exception):
    """The stack has no such job. The message lists the jobs that it has."""


@dataclass(frozen=True)
class Launched:
    """The function's answer, and the tasks as ECS describes them."""

    result: dict[str, Any]
    tasks: list[dict[str, Any]]


def launch(aws: Emulator, launcher: Resource, event: Any) -> Launched:
    """Invoke the deployed function with this event. A launch that waits or is skipped, as the job's `overlap` says, has
    no tasks. Raises LaunchFailed when fewer tasks were launched than requested, and for a conflict."""
    answer = aws.client("lambda").invoke(
        FunctionName=launcher.outputs["function_name"], Payload=json.dumps(event).encode()
    )
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise LaunchFailed(f"{launcher.name}: the function failed: {result.get('errorMessage', result)}")
    if result["status"] not in ("LAUNCHED", "DUPLICATE", "DRY_RUN", "WAITING", "SKIPPED"):
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        raise LaunchFailed(
            f"{launcher.name}: {result['status']}, {result['launched']} of {result['requested']} tasks: {reasons}"
        )
    arns, tasks = [task["arn"] for task in result["tasks"]], list[dict[str, Any]]()
    for start in range(0, len(arns), DESCRIBED_AT_ONCE):
        some = arns[start : start + DESCRIBED_AT_ONCE]
        tasks += aws.client("ecs").describe_tasks(cluster=some[0].split("/")[1], tasks=some)["tasks"]
    return Launched(result, tasks)


def find(deployment: Deployment, job: str) -> Resource:
    """The launcher of this job; an empty `job` means the first one. Raises NoSuchJob."""
    launchers, stack = deployment.launchers, deployment.stack.name
    if not launchers:
        raise NoSuchJob(f"stack {stack} has no job to launch")
    if not job:
        return next(iter(launchers.values()))
    if job not in launchers:
        raise NoSuchJob(f"JOB: stack {stack} has no job {job!r}; it has {', '.join(launchers)}")
    return launchers[job]
