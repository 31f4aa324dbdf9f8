"""Empties a cluster that is about to be deleted: stops its tasks and waits until all have stopped.

ECS does not delete a cluster that has tasks (ClusterContainsTasksException), and EC2 does not delete the subnets and
security groups of a running task. Pulumi invokes this function before it deletes them; in every other step of a
deployment the function does nothing.
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
"""How much of its time the function keeps to report the tasks that are left."""

_ECS: Final[Any] = get_session().create_client(
    "ecs", config=Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=2, read_timeout=10)
)


class TasksLeft(Exception):
    """Tasks of the cluster have not stopped in time."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stops every task when Pulumi deletes the resource that invokes this function; the AWS provider adds `tf`.

    Raises TasksLeft shortly before the function's own timeout.
    """
    if event.get("tf", {}).get("action") != "delete":
        return {}
    stopped = set[str]()
    while True:
        # A launch that had begun before may still start a task.
        for arn in _arns("RUNNING"):
            if arn not in stopped:
                _ECS.stop_task(cluster=CLUSTER, task=arn, reason=REASON)
                stopped.add(arn)
        left = [*_arns("RUNNING"), *_stopping()]
        if not left:
            return {"stopped": len(stopped)}
        if context.get_remaining_time_in_millis() < MARGIN_MILLISECONDS:
            raise TasksLeft(
                f"{len(left)} tasks of {CLUSTER} have not stopped yet, {left[0]} among them; run the same command again"
            )
        time.sleep(POLL_SECONDS)


def _arns(desired: str) -> list[str]:
    pages = _ECS.get_paginator("list_tasks").paginate(cluster=CLUSTER, desiredStatus=desired)
    return [arn for page in pages for arn in page["taskArns"]]


def _stopping() -> Iterator[str]:
    """Tasks that are stopping: ECS lists them together with those that stopped in the last hour."""
    arns = _arns("STOPPED")
    for at in range(0, len(arns), 100):
        described = _ECS.describe_tasks(cluster=CLUSTER, tasks=arns[at : at + 100])["tasks"]
        yield from (it["taskArn"] for it in described if it["lastStatus"] != "STOPPED")
