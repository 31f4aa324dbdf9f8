"""What empties a cluster that is about to be deleted: its tasks are stopped, and it waits until they have.

ECS deletes no cluster with tasks in it (ClusterContainsTasksException), and the subnets and security groups of a task
that runs cannot be deleted either. Pulumi invokes this function before it deletes them: at every other step of a
deployment there is nothing to do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final

from botocore.config import Config
from botocore.session import get_session

CLUSTER: Final = os.environ["DRAINED_CLUSTER"]
REASON: Final = "fargate-job-launcher: the cluster is being deleted"
POLL_SECONDS: Final = 2
MARGIN_MILLISECONDS: Final = 20_000
"""Of the function's time, to say what is left of the tasks."""

_ECS: Final[Any] = get_session().create_client(
    "ecs", config=Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=2, read_timeout=10)
)


class TasksLeft(Exception):
    """Tasks of the cluster that have not stopped in time."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stops everything where Pulumi deletes the resource that invokes this (`tf` is what the AWS provider adds).

    Raises TasksLeft where the function's own time does not suffice.
    """
    if event.get("tf", {}).get("action") != "delete":
        return {}
    asked = set[str]()
    while True:
        # A launch that was under way may still bring one.
        for arn in _arns("RUNNING"):
            if arn not in asked:
                _ECS.stop_task(cluster=CLUSTER, task=arn, reason=REASON)
                asked.add(arn)
        left = [*_arns("RUNNING"), *_stopping()]
        if not left:
            return {"stopped": len(asked)}
        if context.get_remaining_time_in_millis() < MARGIN_MILLISECONDS:
            raise TasksLeft(
                f"{len(left)} tasks of {CLUSTER} have not stopped yet, {left[0]} among them; run the same command again"
            )
        time.sleep(POLL_SECONDS)


def _arns(desired: str) -> list[str]:
    pages = _ECS.get_paginator("list_tasks").paginate(cluster=CLUSTER, desiredStatus=desired)
    return [arn for page in pages for arn in page["taskArns"]]


def _stopping() -> Iterator[str]:
    """Tasks that have been told to stop and have not: ECS lists them with those that stopped in the last hour."""
    arns = _arns("STOPPED")
    for at in range(0, len(arns), 100):
        described = _ECS.describe_tasks(cluster=CLUSTER, tasks=arns[at : at + 100])["tasks"]
        yield from (it["taskArn"] for it in described if it["lastStatus"] != "STOPPED")
