"""Prints a launch, and follows its tasks to their end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from fargate_job_launcher.handler.local_time import zone_of
from fargate_job_launcher.handler.result import LaunchResult

from ..arrays import ArrayRun, Progress
from ..catalogue import Job
from ..errors import NotLaunched
from ..following import End, follow
from ..launching import Launch
from ..progress import Bar
from ..show import Following, clock, launched
from ..task import Task
from .context import FAILED, Context, Interrupted


def stay(
    context: Context, job: Job, launch: Callable[[], Launch], *, follow: bool, wait: bool, zone: str = "UTC"
) -> int:
    """Launch, print the launch and, with `follow` or `wait`, stay until it ends. Raises NotLaunched, after that, if
    tasks are missing. `zone`: that of the time of a launch at a later time."""
    missing: NotLaunched | None = None
    try:
        it = launch()
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted while launching", f"To see whether it launched: fargate-job status {job.name}"
        ) from None
    except NotLaunched as error:
        if not error.result["tasks"]:
            raise
        it, missing = Launch(job, cast("LaunchResult", error.result)), error
    stays = follow or wait
    _report(context, it, one_line=stays, zone=zone)
    if it.result["status"] == "WAITING" and stays:
        try:
            it.started()
        except KeyboardInterrupt:
            raise Interrupted(
                f"{job.name} keeps waiting", f"To see whether it was launched: fargate-job status {job.name}"
            ) from None
        except NotLaunched as error:
            missing = error
        if it.result["tasks"]:
            _report(context, it, one_line=True)
    code = 0
    if stays and it.array is not None:
        return follow_array(context, it.array)
    if stays and it.result["tasks"]:
        code = follow_tasks(context, job, it.task_arns, lines=follow)
    if missing is not None:
        raise missing
    return code


def _report_time(context: Context, it: Launch, at: datetime, zone: str) -> None:
    place = zone_of(zone) or UTC
    local = "" if zone == "UTC" else f"{clock(at.astimezone(place))} ({zone}), "
    context.output.fact(f"  at    {local}{clock(at.astimezone(UTC))}")
    context.output.fact(f"  run   {it.run}")
    context.output.fact(f"  next  fargate-job schedules cancel {it.job.name} {it.run}")


def _report(context: Context, it: Launch, *, one_line: bool, zone: str = "UTC") -> None:
    """Print a launch; with `one_line`, more follows. `zone`: that of the time of a launch at a later time."""
    result = cast("dict[str, Any]", it.result)
    context.output.data({"type": "launch", **result} if one_line else result, one_line=one_line)
    if "dryRun" in result:
        cost = result["maxCostUsdPerHour"]
        context.output.fact(
            f"Would launch {it.job.name}" + ("" if cost is None else f", at most {cost:.4f} USD an hour")
        )
        context.output.fact(json.dumps(result["dryRun"], indent=2))
        return
    launched(context.output, it.job.name, result)
    if it.scheduled_for is not None:
        _report_time(context, it, it.scheduled_for, zone)
        return
    if not one_line and result["status"] != "SKIPPED":
        next_command = f"fargate-job runs follow {it.job.name} {it.run}" if it.array else back(it.job, it.task_arns)
        context.output.fact(f"  next  {next_command}")


def follow_array(context: Context, it: ArrayRun) -> int:
    """Follow an array until it has ended, with a bar. Returns 0 if every index succeeded, otherwise the exit code of
    the index that failed last, or FAILED if it has none."""
    last: Progress | None = None
    try:
        with Bar(context.output, it.job.name) as bar:
            for last in it.follow():
                bar.seen(last)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{it.job.name} keeps running", f"To follow it again: fargate-job runs follow {it.job.name} {it.run}"
        ) from None
    return 0 if last is None or last.state == "SUCCEEDED" else last.exit_code or FAILED


def follow_tasks(context: Context, job: Job, named: list[str], *, lines: bool) -> int:
    """Follow tasks until all have ended. Returns the first exit code that is not 0."""
    ended = list[Task]()
    try:
        with Following(context.output, job.name, len(named), lines=lines) as following:
            for event in follow(job, named, lines=lines):
                following.seen(event)
                if isinstance(event, End):
                    ended.append(event.task)
    except KeyboardInterrupt:
        raise Interrupted(f"{job.name} keeps running", f"To follow it again: {back(job, named)}") from None
    return next((it.exit_status for it in ended if it.exit_status), 0)


def back(job: Job, arns: list[str]) -> str:
    """The command that shows these tasks again."""
    if not 0 < len(arns) <= 5:
        return f"fargate-job status {job.name}"
    return " ".join(["fargate-job logs", job.name, *(f"--task {it.rpartition('/')[2]}" for it in arns), "--follow"])
