"""`fargate-job schedules`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC
from typing import Final

import click

from ..catalogue import Job
from ..errors import AccessDenied, JobError, NoSuchSchedule
from ..scheduling import (
    Schedule,
    Scheduled,
    WaitingLaunch,
    cancel_launch,
    pause_schedule,
    resume_schedule,
    schedule_of,
    scheduled,
)
from ..show import ago, clock
from ..task import SHORT
from .context import Context, Listing, common

DISABLED: Final = (
    "The program disables {0} of {1}: to have it launch, set its `enabled` to true there, and run pulumi up"
)
"""Of a schedule that no command can have launch."""


@click.group("schedules", cls=Listing)
def schedules() -> None:
    """Show what launches jobs by itself, and when; pause and resume it.

    Without a command: `schedules [JOB]` lists.
    """


@schedules.command("list")
@click.argument("job", required=False)
@common
def list_schedules(context: Context, job: str | None) -> None:
    """List the schedules of JOB, or of every job, with their next five times and their last runs, and the launches that
    wait for their time."""
    found = [(it, scheduled(it)) for it in ([context.job(job)] if job else _jobs(context))]
    context.output.data(
        {
            "schedules": [it.as_json() for _, its in found for it in its.schedules],
            "waiting": [it.as_json() for _, its in found for it in its.waiting],
        }
    )
    shown = [(it, its) for it, its in found if its.schedules or its.waiting]
    for it, its in shown:
        for line in _lines(it, its, width=context.output.width):
            context.output.fact(line)
    if not shown:
        context.output.fact(f"{job or f'No job in {context.account.region}'} has {'no ' if job else ''}schedules")


@schedules.command("pause")
@click.argument("job")
@click.argument("schedule", metavar="NAME")
@common
def pause(context: Context, job: str, schedule: str) -> None:
    """Have the schedule NAME of JOB launch nothing until it is resumed. No deployment changes that; `pulumi up` says
    it."""
    found = context.job(job)
    before = _before(found, schedule)
    pause_schedule(found, schedule)
    context.output.data({"job": found.name, "schedule": schedule, "paused": True})
    already = _paused_since(before)
    said = (
        f"{schedule} of {found.name} was paused already, {already}" if already else f"Paused {schedule} of {found.name}"
    )
    context.output.said(f"{said}: it launches nothing until it is resumed")
    _disabled(context, before)
    context.output.fact(f"  next  fargate-job schedules resume {found.name} {schedule}")


@schedules.command("resume")
@click.argument("job")
@click.argument("schedule", metavar="NAME")
@common
def resume(context: Context, job: str, schedule: str) -> None:
    """Have the paused schedule NAME of JOB launch again, from its next time on. What it left out is not made up for."""
    found = context.job(job)
    before = _before(found, schedule)
    resume_schedule(found, schedule)
    context.output.data({"job": found.name, "schedule": schedule, "paused": False})
    which = f"{schedule} of {found.name}"
    said = f"{which} was not paused" if before is not None and before.paused is None else f"Resumed {which}"
    if before is None or before.enabled:
        context.output.said(f"{said}: it launches at its next time")
    else:
        context.output.said(f"{said}: it launches nothing")
        _disabled(context, before)


def _before(job: Job, name: str) -> Schedule | None:
    """A schedule as it is before a change; None to a caller who may not read it: the launcher changes it all the
    same."""
    try:
        return schedule_of(job, name)
    except (AccessDenied, NoSuchSchedule):
        return None


def _paused_since(it: Schedule | None) -> str:
    """Since when a schedule is paused, and by whom; empty if it is not."""
    if it is None or it.paused is None:
        return ""
    by = f" by {it.paused.by}" if it.paused.by else ""
    return f"since {clock(it.paused.since.astimezone(UTC))}{by}"


def _disabled(context: Context, it: Schedule | None) -> None:
    if it is not None and not it.enabled:
        context.output.said(DISABLED.format(it.name, it.job))


@schedules.command("cancel")
@click.argument("job")
@click.argument("waiting", metavar="RUN")
@common
def cancel(context: Context, job: str, waiting: str) -> None:
    """Cancel the launch of JOB that waits for its time, by the id of its RUN, or the beginning of it."""
    found = context.job(job)
    run = cancel_launch(found, waiting)
    context.output.data({"job": found.name, "run": run, "cancelled": True})
    context.output.fact(f"Cancelled the launch of {found.name}, run {run[:SHORT]}")


def _jobs(context: Context) -> Iterator[Job]:
    """Every job. One that this version cannot read is told, and hides none of the others."""
    for it in context.jobs():
        try:
            yield context.job(it.function)
        except JobError as error:
            context.output.note(f"{it.shown} is left out: {error}")


def _lines(job: Job, its: Scheduled, *, width: int) -> Iterator[str]:
    yield job.name
    for it in its.schedules:
        yield from _schedule_lines(it, width)
    for it in its.waiting:
        yield from _waiting_lines(it, width)


def _schedule_lines(it: Schedule, width: int) -> Iterator[str]:
    yield f"  {it.name}  {it.state}"
    yield from _wrapped("when", [it.expression, it.zone], width)
    if it.paused is not None:
        by = [f"by {it.paused.by}"] if it.paused.by else []
        yield from _wrapped("pause", [f"since {clock(it.paused.since.astimezone(UTC))}", *by], width)
        if it.enabled:
            yield f"    next  fargate-job schedules resume {it.job} {it.name}"
    elif it.enabled:
        yield from _wrapped("next", [clock(moment) for moment in it.next] or ["no further time"], width)
    if it.last is not None:
        why = [it.last.reason] if it.last.reason else []
        yield from _wrapped("last", [f"{it.last.state} {ago(it.last.launched)}", f"run {it.last.run}", *why], width)


def _waiting_lines(it: WaitingLaunch, width: int) -> Iterator[str]:
    utc = [] if it.zone == "UTC" else [clock(it.at.astimezone(UTC))]
    yield "  once  scheduled"
    yield from _wrapped("when", [clock(it.at), it.zone, *utc], width)
    yield f"    run   {it.run[:SHORT]}"
    if it.requested_by:
        yield from _wrapped("by", [it.requested_by], width)
    yield f"    next  fargate-job schedules cancel {it.job} {it.run[:SHORT]}"


def _wrapped(name: str, parts: list[str], width: int) -> list[str]:
    """Parts with commas between, in lines of a width that break between two parts where they can."""
    lines = [""]
    for number, part in enumerate(parts, 1):
        text = part + ("," if number < len(parts) else "")
        if lines[-1] and len(lines[-1]) + 1 + len(text) > width - 10:
            lines.append(text)
        else:
            lines[-1] = f"{lines[-1]} {text}".lstrip()
    broken = [it for line in lines for it in textwrap.wrap(line, width - 10) or [""]]
    return [f"    {name if number == 0 else '':<6}{line}" for number, line in enumerate(broken)]
