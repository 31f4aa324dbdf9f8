"""Prints a launch, and follows its tasks to their end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from fargate_job_launcher.handler.launch import LaunchResult

from ..catalogue import Job
from ..errors import NotLaunched
from ..following import End, follow
from ..launching import Launch
from ..show import Following, launched
from ..task import Task
from .context import Context, Interrupted


def stay(context: Context, job: Job, launch: Callable[[], Launch], *, follow: bool, wait: bool) -> int:
    """Launch, print the launch and, with `follow` or `wait`, stay until it ends. Raises NotLaunched, after that, if
    tasks are missing."""
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
    code = _report(context, it, follow=follow, wait=wait)
    if missing is not None:
        raise missing
    return code


def _report(context: Context, it: Launch, *, follow: bool, wait: bool) -> int:
    result = cast("dict[str, Any]", it.result)
    if follow or wait:
        context.output.data({"type": "launch", **result}, one_line=True)
    else:
        context.output.data(result)
    if "dryRun" in result:
        cost = result["maxCostUsdPerHour"]
        context.output.fact(
            f"Would launch {it.job.name}" + ("" if cost is None else f", at most {cost:.4f} USD an hour")
        )
        context.output.fact(json.dumps(result["dryRun"], indent=2))
        return 0
    launched(context.output, it.job.name, result)
    if follow or wait:
        return follow_tasks(context, it.job, it.task_arns, lines=follow)
    context.output.fact(f"  next  {back(it.job, it.task_arns)}")
    return 0


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
    if len(arns) > 5:
        return f"fargate-job status {job.name}"
    return " ".join(["fargate-job logs", job.name, *(f"--task {it.rpartition('/')[2]}" for it in arns), "--follow"])
