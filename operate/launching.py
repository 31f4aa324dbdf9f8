"""Launches a job through its launcher, which alone may run it, and waits for its tasks.

`launch("nightly-report", environment={"REPORT_DATE": "2026-01-31"}).wait()`
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Generator, Mapping, Sequence
from typing import Any, cast

from fargate_job_launcher.handler.event import MOST_DELIVERIES
from fargate_job_launcher.handler.launch import LaunchResult

from .account import Account
from .catalogue import Job, find
from .errors import JobFailed, LauncherFailed, NoSuchTask, NotLaunched, Rejected
from .following import Change, End, Line, follow
from .task import Task, describe


class Launch:
    """Tasks that were launched together."""

    def __init__(self, job: Job, result: LaunchResult) -> None:
        self.job = job
        self.result = result
        """The launcher's whole answer."""

    @property
    def task_arns(self) -> list[str]:
        """ARNs of the tasks, in the order of the launch."""
        return [task["arn"] for task in self.result["tasks"]]

    def tasks(self) -> list[Task]:
        """The tasks as they are now."""
        return describe(self.job, self.task_arns)

    def events(self, *, lines: bool = True, timeout_seconds: float | None = None) -> Generator[Change | Line | End]:
        """Yield each event of the tasks until all have ended; see `following.follow`."""
        return follow(self.job, self.task_arns, lines=lines, timeout_seconds=timeout_seconds)

    def wait(self, *, timeout_seconds: float | None = None, check: bool = True) -> list[Task]:
        """Wait until every task has ended, and return the tasks.

        `timeout_seconds`: None has no limit. Raises JobFailed if a task did not succeed, unless `check` is False, and
        StillRunning at the limit; the tasks then keep running.
        """
        ended = [it.task for it in self.events(lines=False, timeout_seconds=timeout_seconds) if isinstance(it, End)]
        if check and any(it.outcome != "succeeded" for it in ended):
            raise JobFailed(self.job.name, ended)
        return ended

    def stop(self, reason: str = "stopped by its caller") -> None:
        """Ask ECS to end the tasks: SIGTERM, then SIGKILL. The supervisor does not retry a task that was stopped."""
        for arn in self.task_arns:
            stop(self.job, arn, reason)


def launch(
    name: str,
    *,
    count: int | None = None,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
    cpu: int | None = None,
    memory: int | None = None,
    ephemeral_storage_gib: int | None = None,
    payload: Any = None,
    tags: Mapping[str, str] | None = None,
    role: str | None = None,
    capacity: str | None = None,
    idempotency_key: str | None = None,
    delivery: int | None = None,
    dry_run: bool = False,
    stack: str = "",
    account: Account | None = None,
) -> Launch:
    """Launch a job by its name, its function's name, or its function's ARN.

    A parameter that is left out is as the job's owner defined it; one that is set has to be declared under the job's
    `overrides`.
    `count` is a number of tasks, `cpu` CPU units, `memory` MiB, `ephemeral_storage_gib` GiB; `payload` is any JSON but
    null; `role` an alias; `capacity` one of on_demand, spot, spot_then_on_demand. The same `idempotency_key` launches
    once, also when another caller repeats it (default: a new one). After a lack of capacity, repeat the key with
    `delivery` increased by 1, from 1 to 99 (default: 1): ECS repeats its answer to a number that it has seen. `stack`
    is needed if two stacks of an account have a job of this name. `account` is the caller's own by default.

    Raises Rejected, NotLaunched, LauncherFailed, NoSuchJob, AccessDenied and the other errors of this package.
    """
    job = find(account or Account(), name, stack=stack)
    given: dict[str, Any] = {
        "count": count,
        "environment": None if environment is None else dict(environment),
        "command": None if command is None else list(command),
        "cpu": cpu,
        "memory": memory,
        "ephemeralStorageGiB": ephemeral_storage_gib,
        "payload": payload,
        "tags": None if tags is None else dict(tags),
        "role": role,
        "capacity": capacity,
        "idempotencyKey": idempotency_key,
        "delivery": delivery,
        "dryRun": dry_run or None,
    }
    return invoke(job, {key: value for key, value in given.items() if value is not None})


def invoke(job: Job, event: Mapping[str, Any]) -> Launch:
    """Invoke the launcher with a launch event. Raises Rejected, NotLaunched or LauncherFailed."""
    # A call that is cut off may have launched. Because of the key, its repetition launches nothing more.
    keyed = event if "retryOf" in event else {"idempotencyKey": str(uuid.uuid4()), **event}
    with job.account.asking():
        answer = job.account.client("lambda").invoke(FunctionName=job.function, Payload=json.dumps(keyed).encode())
        result: Any = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        said = str(cast("dict[str, Any]", result).get("errorMessage", result)).rstrip(".")
        raise LauncherFailed(
            f"the launcher of {job.name} failed: {said}",
            f"fargate-job status {job.name} shows whether it launched; `launcherLogGroup` has the cause",
        )
    if result["status"] == "REJECTED":
        raise Rejected(job.name, [it["detail"] for it in result["failures"]])
    if result["launched"] < result["requested"] and result["status"] != "DRY_RUN":
        again = 0 if "retryOf" in event else min(event.get("delivery", 1) + 1, MOST_DELIVERIES)
        raise NotLaunched(job.name, result, delivery=again)
    return Launch(job, result)


def retry(job: Job, task: Task) -> Launch:
    """Launch a stopped task again with its own overrides and tags, through the launcher and its checks.

    Raises NoSuchTask if the task has not stopped, and the errors of `invoke`.
    """
    if task.status != "STOPPED":
        raise NoSuchTask(
            f"task {task.id} of {job.name} is {task.status}", f"Stop it first: fargate-job stop {job.name}"
        )
    if not task.started_by.startswith(f"{job.name}/"):
        raise NoSuchTask(f"task {task.id} was not started by {job.name}'s launcher", "Launch the job instead")
    tags = {it["key"]: it["value"] for it in task.record.get("tags", [])}
    retry_of = {
        "task": task.id,
        "origin": task.started_by.split("/")[1],
        "attempt": task.attempt,
        "key": uuid.uuid4().hex,
        "overrides": task.record.get("overrides", {}),
        "tags": tags,
        "interrupted": task.outcome == "interrupted",
    }
    return invoke(job, {"retryOf": retry_of})


def stop(job: Job, task: str, reason: str) -> None:
    """Ask ECS to end a task, by ARN or id. Raises AWS's error as a JobError."""
    with job.account.asking():
        job.account.client("ecs").stop_task(cluster=job.settings.cluster, task=task, reason=reason)
