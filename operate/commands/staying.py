"""Prints a launch, and follows its tasks to their end."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import click
from fargate_job_launcher.handler.local_time import zone_of
from fargate_job_launcher.handler.result import LaunchResult
from fargate_job_launcher.handler.run import ENDED, Item

from .. import runs
from ..arrays import ArrayRun, Progress
from ..catalogue import Job
from ..errors import NoSuchTask, NotLaunched
from ..following import ALL, Change, End, Line, Reading, Retry, follow, going_on, last_of_each
from ..following import follow_run as follow_events
from ..launching import Launch
from ..lines import Following, Written
from ..past import PastRun
from ..planned import planned
from ..progress import Bar
from ..show import clock, launched
from ..task import SHORT, Task
from .context import FAILED, Command, Context, Interrupted

Event = Change | Line | End | Retry


def staying_options(command: Command) -> Command:
    """--follow, --wait and --attempt-only."""
    options = (
        click.option("--follow", "-f", is_flag=True, help="Print the output as it arrives; exit as the run ends."),
        click.option("--wait", "-w", is_flag=True, help="Wait for the end without the output; exit as the run ends."),
        click.option(
            "--attempt-only",
            is_flag=True,
            help="Follow the launched tasks only, and not what retries them; exit with the container's exit code.",
        ),
    )
    return functools.reduce(lambda it, option: option(it), reversed(options), command)


@dataclass(frozen=True)
class Staying:
    """Whether a command stays until the end of what it launched."""

    follow: bool
    """With the output."""
    wait: bool
    """Without."""
    attempt_only: bool

    def __post_init__(self) -> None:
        if self.attempt_only and not self.stays:
            raise click.UsageError("--attempt-only says how far to --follow or --wait; add one of them")

    @property
    def stays(self) -> bool:
        """Whether it stays at all."""
        return self.follow or self.wait


def stay(context: Context, job: Job, launch: Callable[[], Launch], staying: Staying, *, zone: str = "UTC") -> int:
    """Launch, print the launch and stay as long as wanted. Raises NotLaunched, after that, if tasks are missing.
    `zone`: that of the time of a launch at a later time."""
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
    stays = staying.stays
    _report(context, it, one_line=stays, zone=zone)
    if it.result["status"] == "WAITING" and stays:
        try:
            it.started()
        except KeyboardInterrupt:
            raise Interrupted(f"{job.name} keeps waiting", f"To follow it again: {back(job, it.run)}") from None
        except NotLaunched as error:
            missing = error
        if it.result["tasks"]:
            _report(context, it, one_line=True)
    if stays and it.result["status"] == "SKIPPED":
        # What was to be waited for does not run.
        return FAILED
    code = 0
    if stays and it.array is not None:
        return follow_array(context, it.array)
    if stays and it.result["tasks"]:
        run = "" if staying.attempt_only else it.run
        code = follow_tasks(context, job, it.task_arns, lines=staying.follow, run=run)
        if staying.attempt_only and code:
            _retried(context, it)
    if missing is not None:
        raise missing
    return code


def _retried(context: Context, it: Launch) -> None:
    """Report after a failed attempt that its run goes on."""
    run = runs.read(it.job, it.run)
    if run is not None and run["state"] not in ENDED and run["policy"]["retries"]:
        context.output.note(f"The supervisor may launch it again; to follow that: {back(it.job, it.run)}")


def _report_time(context: Context, it: Launch, at: datetime, zone: str) -> None:
    place = zone_of(zone) or UTC
    local = "" if zone == "UTC" else f"{clock(at.astimezone(place))} ({zone}), "
    context.output.fact(f"  at    {local}{clock(at.astimezone(UTC))}")
    context.output.fact(f"  run   {it.run[:SHORT]}")
    context.output.fact(f"  next  fargate-job schedules cancel {it.job.name} {it.run[:SHORT]}")


def _report(context: Context, it: Launch, *, one_line: bool, zone: str = "UTC") -> None:
    """Print a launch; with `one_line`, more follows. `zone`: that of the time of a launch at a later time."""
    result = cast("dict[str, Any]", it.result)
    context.output.data({"type": "launch", **result} if one_line else result, one_line=one_line)
    if "dryRun" in result:
        context.output.fact(f"Would launch {it.job.name}; nothing is launched")
        for name, said in planned(it.job.settings, result):
            context.output.named(name, said)
        return
    launched(context.output, it.job.name, result)
    if it.scheduled_for is not None:
        _report_time(context, it, it.scheduled_for, zone)
        return
    if not one_line and result["status"] != "SKIPPED":
        context.output.fact(f"  next  {back(it.job, it.run)}")


def follow_array(context: Context, it: ArrayRun) -> int:
    """Follow an array until it has ended, with a bar. Returns 0 if every index succeeded, otherwise the exit code of
    the index that failed last, or FAILED if it has none."""
    last: Progress | None = None
    with _going_on(it.job, back(it.job, it.run)), Bar(context.output, it.job.name) as bar:
        for last in it.follow():
            bar.seen(last)
    return 0 if last is None or last.state == "SUCCEEDED" else last.exit_code or FAILED


def follow_tasks(
    context: Context,
    job: Job,
    named: list[str],
    *,
    lines: bool,
    run: str = "",
    reading: Reading = ALL,
    written: Written | None = None,
) -> int:
    """Follow tasks until all have ended, with `run` through the retries of their run. Returns the first exit code of
    their last attempts that is not 0."""
    again = back(job, run) if run else back_to_tasks(job, named)
    try:
        events = follow(job, named, lines=lines, run=run, reading=reading)
        return _followed(context, job, len(named), events, again, lines=lines, written=written)
    except NoSuchTask:
        # ECS has forgotten them; the table has not.
        known = runs.read(job, run) if run else None
        if known is None:
            raise
        return follow_run(context, job, known, lines=lines)


def follow_run(
    context: Context,
    job: Job,
    run: Item,
    *,
    lines: bool = True,
    reading: Reading = ALL,
    written: Written | None = None,
) -> int:
    """Follow a run until it has ended. Returns 0 if it succeeded, otherwise the exit code of a task, or FAILED if it
    has none: also if the run was skipped."""
    code = 0
    if run["state"] not in ENDED:
        events = follow_events(job, run["run"], lines=lines, reading=reading)
        again = back(job, run["run"])
        code = _followed(context, job, run["requested"], events, again, lines=lines, written=written)
        run = runs.read(job, run["run"]) or run
    if run["state"] in ENDED:
        it = PastRun.of(run)
        context.output.data({"type": "run", **it.as_json()}, one_line=True)
        context.output.said(
            f"{job.name}, run {it.run[:SHORT]}, is {it.state}" + (f": {it.reason}" if it.reason else "")
        )
        code = 0 if it.state == "SUCCEEDED" else code or it.exit_code or FAILED
    return code


def _followed(
    context: Context,
    job: Job,
    count: int,
    events: Iterable[Event],
    again: str,
    *,
    lines: bool,
    written: Written | None,
) -> int:
    ended = list[Task]()
    shown = Following(context.output, job.name, count, lines=lines, written=written)
    with _going_on(job, again), shown as following:
        for event in events:
            following.seen(event)
            if isinstance(event, End):
                ended.append(event.task)
    return next((it.exit_status for it in last_of_each(ended) if it.exit_status), 0)


@contextmanager
def _going_on(job: Job, again: str) -> Generator[None]:
    """Say after Ctrl-C, and after an error on the way, that the job goes on, and how to come back."""
    try:
        with going_on(job, again):
            yield
    except KeyboardInterrupt:
        raise Interrupted(f"{job.name} keeps running", f"To follow it again: {again}") from None


def back(job: Job, run: str) -> str:
    """The command that follows a run again."""
    return f"fargate-job runs follow {job.name} {run[:SHORT]}"


def back_to_tasks(job: Job, arns: list[str]) -> str:
    """The command that follows these tasks again."""
    if not 0 < len(arns) <= 5:
        return f"fargate-job status {job.name}"
    return " ".join(["fargate-job logs", job.name, *(f"--task {it.rpartition('/')[2]}" for it in arns), "--follow"])
