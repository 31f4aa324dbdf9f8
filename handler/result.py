"""The answer to a caller: the run as it stands, with the tasks that were launched and the reasons why some were not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NotRequired, TypedDict

from . import fargate
from .answers import Failure
from .calls import Origin
from .request import LaunchRequest
from .settings import Settings
from .table import Item

TASKS_SHOWN: Final = 100
"""How many of an array's tasks an answer names."""

Status = Literal[
    "LAUNCHED",
    "PARTIAL",
    "DUPLICATE",
    "WAITING",
    "SKIPPED",
    "SCHEDULED",
    "CONFLICT",
    "REJECTED",
    "FAILED",
    "DRY_RUN",
]


class LaunchedTask(TypedDict):
    """A launched task and its log stream."""

    arn: str
    """ARN of the task."""
    id: str
    """The last part of the ARN."""
    logGroup: str
    """Log group of the job's container."""
    logStream: str
    """Log stream of this task. The stream exists after the container's first line."""


class LaunchResult(TypedDict):
    """The answer to a caller."""

    status: Status
    """LAUNCHED: all requested tasks were launched, or an array has begun; PARTIAL: some of them; DUPLICATE: an earlier
    delivery of the same key launched them; WAITING: they are launched as soon as the job's running tasks have been
    stopped (`overlap: replace`), or another delivery is launching them; SKIPPED: the job runs already, and `overlap` is
    `skip`, or its schedule is paused; SCHEDULED: it is launched at the time that the event has; CONFLICT: the key
    belongs to another request; REJECTED: the event requests something that this launcher does not allow; FAILED: none
    were launched, or the launch was not scheduled; DRY_RUN: the event requested a dry run."""
    run: str
    """Id of the run, which does not exist yet while it is scheduled; empty for a rejected event."""
    state: str
    """State of the run: LAUNCHING, RUNNING, SUCCEEDED, FAILED, STOPPED, REJECTED, SKIPPED; empty without one."""
    requested: int
    """How many tasks were requested; 0 for a rejected event."""
    launched: int
    """How many tasks this run has, those of earlier deliveries of the same key included."""
    tasks: list[LaunchedTask]
    """The tasks of this launch, without retries; of an array those that run, at most 100 of them."""
    failures: list[Failure]
    """Why tasks are missing; empty if none is missing."""
    attempts: int
    """How many calls of RunTask this delivery made."""
    new: int
    """How many tasks this delivery launched."""
    idempotencyKey: str
    """The key of this launch; empty for a rejected event."""
    startedBy: str
    """`startedBy` of each task in ECS: the job and the run. `ListTasks` finds the tasks by it."""
    taskDefinition: str
    """ARN of the task definition, with its revision."""
    capacityUsed: dict[str, int]
    """FARGATE (on demand) or FARGATE_SPOT → tasks, retries included."""
    maxCostUsdPerHour: float | None
    """The most that the launched tasks cost per hour, in USD; None if the launcher has no prices."""
    array: NotRequired[dict[str, Any]]
    """How an array stands, as `arrays.summary` says it; only in the answer about an array."""
    scheduledFor: NotRequired[str]
    """When the run is launched, in UTC (2026-12-01T03:00:00.000Z); only if it is scheduled."""
    dryRun: NotRequired[dict[str, Any]]
    """What would be done; only in the answer to a dry run."""


def of_run(
    settings: Settings,
    request: LaunchRequest,
    run: Item,
    status: Status | None = None,
    *,
    failures: Sequence[Failure] = (),
    calls: int = 0,
    new: int = 0,
) -> LaunchResult:
    """The answer about a run. Without a `status`, its tasks say it."""
    summary: dict[str, Any] | None = None
    if "array" in run:
        # Imported here, as all that a usual launch does without.
        from . import arrays

        launched, running = arrays.launched(run), len(run["open"])
        found: Status = "LAUNCHED" if launched or not arrays.over(run) else "FAILED"
        tasks = [task for entry in run["open"].values() if (task := entry.get("task"))][:TASKS_SHOWN]
        summary = arrays.summary(run)
    else:
        tasks = run["tasks"]
        launched = running = len(tasks)
        found = "LAUNCHED" if launched >= run["requested"] else "PARTIAL" if launched else "FAILED"
    result: LaunchResult = {
        **unlaunched(settings, status or found),
        "run": run["run"],
        "state": run["state"],
        "requested": run["requested"],
        "launched": launched,
        "tasks": [launched_task(settings, task) for task in tasks],
        "failures": [advised(failure) for failure in failures],
        "attempts": calls,
        "new": new,
        "idempotencyKey": request.key,
        "startedBy": Origin(run["run"]).started_by(settings.job),
        "capacityUsed": dict(sorted(run["capacityUsed"].items())),
        "maxCostUsdPerHour": cost_per_hour(settings, request, running),
    }
    if summary is not None:
        result["array"] = summary
    return result


def unlaunched(settings: Settings, status: Status) -> LaunchResult:
    """The result of a launch that makes no call."""
    return {
        "status": status,
        "run": "",
        "state": "",
        "requested": 0,
        "launched": 0,
        "tasks": [],
        "failures": [],
        "attempts": 0,
        "new": 0,
        "idempotencyKey": "",
        "startedBy": "",
        "taskDefinition": settings.task_definition,
        "capacityUsed": {},
        "maxCostUsdPerHour": None,
    }


def failed(settings: Settings, request: LaunchRequest, failure: Failure) -> LaunchResult:
    """The result of a launch that was not recorded: nothing is known of its tasks but what the table has."""
    return {
        **unlaunched(settings, "FAILED"),
        "run": request.run,
        "requested": request.count,
        "failures": [advised(failure)],
        "idempotencyKey": request.key,
        "startedBy": Origin(request.run).started_by(settings.job),
    }


def rejection(settings: Settings, problems: Sequence[str]) -> LaunchResult:
    """The result for an event that was rejected before any AWS call."""
    failures = [Failure(reason="Rejected", detail=problem, retryable=False) for problem in problems]
    return {**unlaunched(settings, "REJECTED"), "failures": failures}


def cost_per_hour(settings: Settings, request: LaunchRequest, tasks: int) -> float | None:
    """The most that so many tasks cost per hour, in US dollars; Spot costs less."""
    prices = settings.prices
    if prices is None:
        return None
    storage = max(0, request.ephemeral_storage_gib - fargate.EPHEMERAL_STORAGE_DEFAULT_GIB)
    each = (
        request.cpu / 1024 * prices.vcpu_hour
        + request.memory / 1024 * prices.memory_gib_hour
        + storage * prices.storage_gib_hour
        + settings.assign_public_ip * prices.public_ipv4_hour
    )
    return round(each * tasks, 6)


def advised(failure: Failure) -> Failure:
    """A failure with its remedy, if one is known."""
    # Imported here: most launches succeed, and the table of remedies takes time to load.
    from .remedy import remedy

    known = remedy(f"{failure['reason']}: {failure['detail']}")
    return {**failure, "remedy": known} if known else failure


def launched_task(settings: Settings, task_id: str) -> LaunchedTask:
    """A launched task by its id."""
    container = settings.container
    return {
        "arn": f"{settings.cluster.replace(':cluster/', ':task/')}/{task_id}",
        "id": task_id,
        "logGroup": settings.log_group,
        "logStream": log_stream(container, task_id),
    }


def log_stream(container: str, task_id: str) -> str:
    """Name of the log stream of a task's container. The task definition gives each container its name as prefix.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    return f"{container}/{container}/{task_id}"
