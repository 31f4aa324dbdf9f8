"""Launches a job through its launcher, which alone may run it, and waits for its tasks.

`launch("nightly-report", environment={"REPORT_DATE": "2026-01-31"}).wait()`
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from fargate_job_launcher.handler.result import LaunchResult, launched_task
from fargate_job_launcher.handler.run import ENDED

from . import runs
from .account import Account
from .arrays import ArrayRun
from .catalogue import Job, find
from .errors import Conflict, JobError, JobFailed, LauncherFailed, NoSuchTask, NotLaunched, Rejected, StillRunning
from .following import Change, End, Line, Retry, follow, going_on, last_of_each
from .instructions import carry_out
from .rejections import valued
from .task import SHORT, Task, describe

_NONE_YET: Final = ("DRY_RUN", "WAITING", "SKIPPED", "SCHEDULED")
"""Statuses of an answer that rightly has no tasks."""
POLL_SECONDS: Final = 2.0
"""How often a run that waits for its launch is read."""


class Launch:
    """A run and its tasks. There are none yet while it waits (`result["status"]` is WAITING) or is launched at a later
    time (SCHEDULED), and none at all if the launcher skipped it because the job runs already (SKIPPED, where the job's
    `overlap` is `skip`)."""

    def __init__(self, job: Job, result: LaunchResult) -> None:
        self.job = job
        self.result = result
        """The launcher's whole answer."""

    @property
    def run(self) -> str:
        """Id of the run; empty for a dry run."""
        return self.result["run"]

    @property
    def scheduled_for(self) -> datetime | None:
        """When it will be launched, in UTC; None if it was launched now."""
        at = self.result.get("scheduledFor")
        return None if at is None else datetime.fromisoformat(at)

    @property
    def array(self) -> ArrayRun | None:
        """The array that was launched: its indexes start one after the other. None for any other launch."""
        return ArrayRun(self.job, self.run) if "array" in self.result else None

    @property
    def task_arns(self) -> list[str]:
        """ARNs of the tasks, in the order of the launch; of an array, of those that ran when it was launched."""
        return [task["arn"] for task in self.result["tasks"]]

    def tasks(self) -> list[Task]:
        """The tasks as they are now."""
        return describe(self.job, self.task_arns)

    def started(self, *, timeout_seconds: float | None = None) -> Launch:
        """This launch once its tasks are launched, if it waits until the job's running tasks have been stopped; at once
        otherwise.

        Raises NotLaunched if its run ends with tasks missing, and StillRunning after `timeout_seconds`, or at once for
        a launch at a later time.
        """
        if self.result["status"] == "SCHEDULED":
            raise StillRunning(
                f"{self.job.name} is launched at {self.result.get('scheduledFor')}",
                f"Ask then: fargate-job status {self.job.name}; what waits: fargate-job schedules {self.job.name}",
            )
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while self.result["status"] == "WAITING":
            run = runs.read(self.job, self.run)
            if run is None or (run["state"] == "LAUNCHING" and (deadline is None or time.monotonic() < deadline)):
                time.sleep(POLL_SECONDS)
                continue
            if run["state"] == "LAUNCHING":
                raise StillRunning(
                    f"{self.job.name} was not launched within {timeout_seconds:g} seconds: it waits until its running "
                    "tasks have stopped",
                    f"It keeps waiting: fargate-job status {self.job.name}",
                )
            self.result = _launched(self.job, self.result, run)
            if "array" not in run and self.result["launched"] < self.result["requested"]:
                raise NotLaunched(self.job.name, cast("dict[str, Any]", self.result))
        return self

    def events(
        self, *, lines: bool = True, timeout_seconds: float | None = None, attempt_only: bool = False
    ) -> Generator[Change | Line | End | Retry]:
        """Yield each event of the tasks, and of those that retry them unless `attempt_only`, until all have ended; see
        `started` and `following.follow`. Of an array, these are the tasks that ran when it was launched:
        `array.follow` follows all."""
        begun = time.monotonic()
        self.started(timeout_seconds=timeout_seconds)
        left = None if timeout_seconds is None else timeout_seconds - (time.monotonic() - begun)
        run = "" if attempt_only or self.array is not None else self.run
        with going_on(self.job, f"fargate-job runs follow {self.job.name} {self.run[:SHORT]}"):
            yield from follow(self.job, self.task_arns, lines=lines, timeout_seconds=left, run=run)

    def wait(
        self, *, timeout_seconds: float | None = None, check: bool = True, attempt_only: bool = False
    ) -> list[Task]:
        """Wait until the run has ended, retries included, and return the last attempt of each task: none if the launch
        was skipped, and none of an array, of which `array.wait` tells more.

        `timeout_seconds`: None has no limit. `attempt_only`: wait for the tasks of the launch, and not for their
        retries. Raises JobFailed if a task did not succeed, or ArrayFailed, unless `check` is False, StillRunning at
        the limit (the tasks then keep running), and NotLaunched as `started` does.
        """
        if self.array is not None:
            begun = time.monotonic()
            self.started(timeout_seconds=timeout_seconds)
            left = None if timeout_seconds is None else max(0.0, timeout_seconds - (time.monotonic() - begun))
            self.array.wait(timeout_seconds=left, check=check)
            return []
        events = self.events(lines=False, timeout_seconds=timeout_seconds, attempt_only=attempt_only)
        ended = last_of_each(it.task for it in events if isinstance(it, End))
        if check and any(it.outcome != "succeeded" for it in ended):
            raise JobFailed(self.job.name, ended)
        return ended

    def stop(self, reason: str = "stopped by its caller") -> None:
        """End the run: its tasks are stopped (SIGTERM, then SIGKILL), and nothing more of it is launched, no retry and
        no further index. An array's tasks are stopped within a minute. Nothing happens if the run has ended.

        `reason` is what ECS records. Raises JobError for a launch at a later time, which `cancel_launch` cancels.
        """
        if self.result["status"] == "SCHEDULED":
            raise JobError(
                f"run {self.run} of {self.job.name} has not been launched yet",
                f"Cancel it: fargate-job schedules cancel {self.job.name} {self.run[:SHORT]}",
            )
        if not self.run:
            return
        try:
            stop_run(self.job, self.run)
        except JobError:
            run = runs.read(self.job, self.run)
            if run is None or not (run["state"] in ENDED or "stopping" in run):
                raise
        if self.array is None:
            run = runs.read(self.job, self.run) or {"open": {}}
            for task in [it["task"] for it in run["open"].values() if "calls" not in it]:
                stop(self.job, task, reason)


def launch(
    name: str,
    *,
    count: int | None = None,
    array: int | None = None,
    parallelism: int | None = None,
    max_failed: int | None = None,
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
    at: datetime | str | None = None,
    zone: str | None = None,
    dry_run: bool = False,
    stack: str = "",
    account: Account | None = None,
) -> Launch:
    """Launch a job by its name, its function's name, or its function's ARN.

    A parameter that is left out is as the job's owner defined it; one that is set has to be declared under the job's
    `overrides`.
    `count` is a number of equal tasks; `array` the number of indexes of an array, of which at most `parallelism` run at
    once, and which starts no more once more than `max_failed` have failed. `cpu` is CPU units, `memory` MiB,
    `ephemeral_storage_gib` GiB; `payload` any JSON but null; `role` an alias; `capacity` one of on_demand, spot,
    spot_then_on_demand. `at` launches later, at most 366 days ahead: a datetime or a text such as 2026-12-01T03:00,
    whose time zone is its own or `zone` (default: UTC); see `Launch.scheduled_for`, `scheduled` and `cancel_launch`.
    The same `idempotency_key` launches once, also when another caller repeats it (default: a new one); repeated after
    a lack of capacity, it launches what is missing. `stack` is needed if two stacks of an account have a job of this
    name. `account` is the caller's own by default.

    Raises Rejected, Conflict, NotLaunched, LauncherFailed, NoSuchJob, AccessDenied and the other errors of this
    package. A launch that waits or was skipped, as the job's `overlap` says, raises nothing: see `Launch`.
    """
    job = find(account or Account(), name, stack=stack)
    given: dict[str, Any] = {
        "count": count,
        "array": array_of(array, parallelism, max_failed),
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
        "at": at.isoformat(timespec="seconds") if isinstance(at, datetime) else at,
        "zone": zone,
        "dryRun": dry_run or None,
    }
    return invoke(job, {key: value for key, value in given.items() if value is not None})


def array_of(size: int | None, parallelism: int | None, max_failed: int | None) -> dict[str, int] | None:
    """The `array` of a launch event; None without a size."""
    given = {"size": size, "parallelism": parallelism, "maxFailed": max_failed}
    found = {key: value for key, value in given.items() if value is not None}
    return found or None


def invoke(job: Job, event: Mapping[str, Any], *, repeatable: bool = True) -> Launch:
    """Invoke the launcher with a launch event, which says who the caller is unless it does already. `repeatable`:
    whether the caller can repeat the event with its key.

    Raises Rejected, Conflict, NotLaunched or LauncherFailed.
    """
    # A call that is cut off may have launched. Because of the key, its repetition launches nothing more.
    claim = {} if "requestedBy" in event else job.account.claim()
    keyed = {"idempotencyKey": str(uuid.uuid4()), **claim, **event}
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
        raise Rejected(job.name, [valued(it["detail"], keyed) for it in result["failures"]])
    if result["status"] == "CONFLICT":
        raise Conflict(job.name, result)
    begun = "array" in result and result["status"] in ("LAUNCHED", "DUPLICATE")
    if result["launched"] < result["requested"] and not begun and result["status"] not in _NONE_YET:
        raise NotLaunched(job.name, result, repeatable=repeatable)
    return Launch(job, result)


def _launched(job: Job, waited: LaunchResult, run: runs.Item) -> LaunchResult:
    """The answer about a launch that waited, once its run says how it ended."""
    if "array" in run:
        return {**waited, "status": "LAUNCHED", "state": run["state"]}
    tasks = [launched_task(job.settings, it) for it in run["tasks"]]
    failures: list[Any] = run["failures"]
    if "stopping" in run and not failures:
        failures = [{"reason": "Stopped", "detail": run["stopping"]["reason"], "retryable": False}]
    launched, requested = len(tasks), run["requested"]
    status = "LAUNCHED" if launched >= requested else "PARTIAL" if launched else "FAILED"
    return {
        **waited,
        "status": status,
        "state": run["state"],
        "launched": launched,
        "tasks": tasks,
        "failures": [] if launched >= requested else failures,
    }


def retry(job: Job, task: Task) -> Launch:
    """Launch a stopped task again with what its run requested, through the launcher and its checks: a new run.

    Raises NoSuchTask if the task has not stopped or its run is not in the table, JobError if the run's payload is gone,
    and the errors of `invoke`.
    """
    if task.status != "STOPPED":
        raise NoSuchTask(
            f"task {task.id} of {job.name} is {task.status}", f"Stop it first: fargate-job stop {job.name}"
        )
    if not task.started_by.startswith(f"{job.name}/"):
        raise NoSuchTask(f"task {task.id} was not started by {job.name}'s launcher", "Launch the job instead")
    return invoke(job, runs.retry_event(job, task), repeatable=False)


def stop(job: Job, task: str, reason: str) -> None:
    """Ask ECS to end a task, by ARN or id. Raises AWS's error as a JobError."""
    with job.account.asking():
        job.account.client("ecs").stop_task(cluster=job.settings.cluster, task=task, reason=reason)


def stop_instruction(job: Job, run: str) -> dict[str, Any]:
    """What the launcher is sent to stop a run."""
    return {"stopOf": {"run": run, **job.account.claim()}}


def stop_run(job: Job, run: str | runs.WithRun) -> None:
    """End a run: nothing more of it is launched, no retry and no further index, and the supervisor stops its tasks
    within a minute. `run` is its id, the beginning of it, or what is of it: a PastRun, a Launch. Raises JobError if it
    has ended, is being stopped, or is not kept."""
    carry_out(job, stop_instruction(job, runs.id_of(job, run)))
