"""A job's schedules and the launches that wait for their time: listed, paused, resumed, cancelled.

They are read from EventBridge Scheduler with the caller's own permissions. Everything that changes goes through the
job's launcher.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any, Final

from fargate_job_launcher.handler.local_time import instants_of, zone_of
from fargate_job_launcher.handler.run import Item
from fargate_job_launcher.handler.settings import ASYNCHRONOUS_ALIAS, SCHEDULES
from fargate_job_launcher.handler.table import plain

from . import runs
from .catalogue import Job
from .errors import NoSuchSchedule, nearest, picked, unknown
from .instructions import instruct
from .occurrences import occurrences
from .times import instant

NEXT: Final = 5
"""How many of the next times are told."""
LOOKED_AT: Final = 200
"""How many of a job's newest runs are looked at for the last run of each of its schedules."""
ONLY_SCHEDULE: Final = "schedule"
"""Name of the schedule of the argument `schedule`."""


@dataclass(frozen=True)
class Pause:
    """Since when a schedule is paused, and by whom."""

    since: datetime
    by: str
    """Who paused it, as the caller said; empty if it said nothing."""


@dataclass(frozen=True)
class LastRun:
    """The run of a schedule that was launched last."""

    run: str
    state: str
    launched: datetime
    reason: str
    """Why it was skipped; empty for another state."""


@dataclass(frozen=True)
class Schedule:
    """A schedule of a job."""

    job: str
    name: str
    expression: str
    """cron(…), rate(…) or at(…)."""
    zone: str
    enabled: bool
    """Whether the stack enables it."""
    paused: Pause | None
    next: tuple[datetime, ...]
    """Its next five times in its zone, whether it is enabled and paused or not; fewer if it has fewer. Empty also if
    this machine does not know the zone."""
    last: LastRun | None
    """None if it has not run, or if the job has had LOOKED_AT other runs since."""

    @property
    def state(self) -> str:
        """`paused`, `disabled` (in the stack) or `enabled`."""
        return "disabled" if not self.enabled else "paused" if self.paused else "enabled"

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "job": self.job,
            "schedule": self.name,
            "expression": self.expression,
            "zone": self.zone,
            "state": self.state,
            "paused": None
            if self.paused is None
            else {"since": instant(self.paused.since), "by": self.paused.by or None},
            "next": [instant(it) for it in self.next],
            "last": None
            if self.last is None
            else {
                "run": self.last.run,
                "state": self.last.state,
                "launchedAt": instant(self.last.launched),
                "reason": self.last.reason or None,
            },
        }


@dataclass(frozen=True)
class WaitingLaunch:
    """A launch that waits for its time."""

    job: str
    run: str
    """Id of the run that it will be."""
    at: datetime
    """In its zone."""
    zone: str
    requested_by: str
    """Who asked for it, as the caller said; empty if it said nothing."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "job": self.job,
            "run": self.run,
            "at": instant(self.at),
            "zone": self.zone,
            "requestedBy": self.requested_by or None,
        }


@dataclass(frozen=True)
class Scheduled:
    """What Scheduler has for a job."""

    schedules: tuple[Schedule, ...]
    waiting: tuple[WaitingLaunch, ...]
    """In the order of their times."""


def scheduled(job: Job, *, now: datetime | None = None, last_runs: bool = True) -> Scheduled:
    """A job's schedules, by name, and its launches that wait for their time. `now`: the next times are those after it.
    `last_runs`: whether the last run of each schedule is looked up.

    Raises AccessDenied with the missing statement (scheduler:ListSchedules, scheduler:GetSchedule, dynamodb:GetItem and
    dynamodb:Query), and AWS's other errors as a JobError.
    """
    if not job.settings.schedules and job.settings.scheduling is None:
        return Scheduled((), ())
    found = _schedules(job)
    names = [it["Input"].get("schedule") for it in found]
    paused = _paused(job) if any(names) else {}
    last = _last(job, {it for it in names if it}) if last_runs else {}
    moment = now or datetime.now(UTC)
    regular = [_schedule(job, it, paused, last, moment) for it in found if it["Input"].get("schedule")]
    waiting = [_waiting(job, it) for it in found if not it["Input"].get("schedule")]
    return Scheduled(
        tuple(sorted(regular, key=lambda it: it.name)),
        tuple(sorted((it for it in waiting if it is not None), key=lambda it: (it.at, it.run))),
    )


def schedule_of(job: Job, name: str) -> Schedule:
    """A schedule of a job as it is now, without its last run. Raises NoSuchSchedule with the nearest names, and as
    `scheduled` does."""
    found = next((it for it in scheduled(job, last_runs=False).schedules if it.name == name), None)
    if found is None:
        raise _no_such(job, name)
    return found


def _no_such(job: Job, name: str) -> NoSuchSchedule:
    known = sorted(job.settings.schedules)
    near = nearest(name, known)
    then = f"Did you mean {' or '.join(near)}?" if near else f"Its schedules: {', '.join(known) or 'none'}"
    return NoSuchSchedule(f"{job.name} has no schedule {name!r}", then)


def pause_schedule(job: Job, name: str) -> None:
    """Have a schedule of a job launch nothing until it is resumed; no deployment changes that. Its deliveries become
    runs in state SKIPPED. Raises NoSuchSchedule with the nearest names, or AWS's error as a JobError."""
    _change(job, name, paused=True)


def resume_schedule(job: Job, name: str) -> None:
    """Have a paused schedule launch again, at its next time: what it left out is not made up for. Raises as
    pause_schedule does."""
    _change(job, name, paused=False)


def cancel_launch(job: Job, run: str | runs.WithRun) -> str:
    """Cancel a launch that waits for its time, by the id of its run, the beginning of it, or what is of it: a Launch, a
    WaitingLaunch. Returns the id. Raises NoSuchSchedule if none waits under this id, or several."""
    run = run if isinstance(run, str) else run.run
    if not re.fullmatch(r"[0-9a-f]{32}", run):
        run = _waiting_as(job, run)
    answer = instruct(job, cancel_instruction(run))
    if not answer.get("done"):
        if job.settings.scheduling and runs.read(job, run) is None and run not in _waiting_runs(job):
            raise unknown(job.name, "waiting launch", run)
        raise NoSuchSchedule(
            f"run {run} of {job.name} was not cancelled: {answer.get('problem', 'the launcher gives no reason')}",
            f"What waits: fargate-job schedules {job.name}; to stop what runs: fargate-job stop {job.name}",
        )
    return run


def cancel_instruction(run: str) -> dict[str, Any]:
    """What the launcher is sent to cancel the launch that waits as this run."""
    return {"cancelOf": run}


def pause_instruction(job: Job, name: str, *, paused: bool) -> dict[str, Any]:
    """What the launcher is sent to pause or resume a schedule."""
    wish: dict[str, Any] = {"name": name, "paused": paused}
    if paused and (by := job.account.caller()):
        wish["requestedBy"] = by
    return {"scheduleOf": wish}


def _waiting_as(job: Job, beginning: str) -> str:
    """The run of the launch that waits, whose id begins so."""
    return picked(job.name, "waiting launch", [beginning.lower()], _waiting_runs(job), str)[0]


def _waiting_runs(job: Job) -> list[str]:
    return [it.run for it in scheduled(job, last_runs=False).waiting]


def _change(job: Job, name: str, *, paused: bool) -> None:
    answer = instruct(job, pause_instruction(job, name, paused=paused))
    if answer.get("done"):
        return
    raise _no_such(job, name)


def _schedules(job: Job) -> list[dict[str, Any]]:
    """Every schedule whose target is the job's launcher, with its `Input` as an object."""
    # Pulumi puts the job's name before a schedule's; names that somebody chose are found without it.
    found = list(_with_prefix(job, job.name[:18]))
    if {it["Input"].get("schedule") for it in found} >= set(job.settings.schedules):
        return found
    return list(_with_prefix(job, ""))


def _with_prefix(job: Job, prefix: str) -> Iterator[dict[str, Any]]:
    asked: dict[str, Any] = {"NamePrefix": prefix} if prefix else {}
    if job.settings.scheduling is not None:
        asked["GroupName"] = job.settings.scheduling.group
    with job.account.asking():
        client = job.account.client("scheduler")
        for page in client.get_paginator("list_schedules").paginate(**asked):
            for it in page["Schedules"]:
                if _launches(it["Target"]["Arn"], job):
                    yield from _read(client, it)


def _read(client: Any, listed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        it = client.get_schedule(Name=listed["Name"], GroupName=listed["GroupName"])
    except client.exceptions.ResourceNotFoundException:
        # It went off or was cancelled meanwhile.
        return
    try:
        given: Any = json.loads(it["Target"].get("Input") or "{}")
    except ValueError:
        given = {}
    it["Input"] = given if isinstance(given, dict) else {}
    if "schedule" not in it["Input"] and it.get("ActionAfterCompletion") != "DELETE":
        # Deployed by a version that had one schedule a job, without a name.
        it["Input"]["schedule"] = ONLY_SCHEDULE
    yield it


def _launches(target: str, job: Job) -> bool:
    parts = target.split(":")
    return parts[5:] == ["function", job.function, ASYNCHRONOUS_ALIAS]


def _schedule(
    job: Job, it: Mapping[str, Any], paused: Mapping[str, Pause], last: Mapping[str, Item], now: datetime
) -> Schedule:
    name, expression, zone = str(it["Input"]["schedule"]), str(it["ScheduleExpression"]), _zone_name(it)
    place = zone_of(zone)
    return Schedule(
        job=job.name,
        name=name,
        expression=expression,
        zone=zone,
        enabled=it.get("State") != "DISABLED",
        paused=paused.get(name),
        next=() if place is None else tuple(_next(it, expression, place, now)),
        last=_last_run(last[name]) if name in last else None,
    )


def _next(it: Mapping[str, Any], expression: str, place: tzinfo, now: datetime) -> Iterator[datetime]:
    since, end = it.get("StartDate") or it["CreationDate"], it.get("EndDate")
    try:
        for moment in islice(occurrences(expression, place, after=now, since=since), NEXT):
            if end is not None and moment > end:
                return
            yield moment
    except ValueError:
        # An expression that AWS accepts and that is unknown here: the rest of the list is worth showing.
        return


def _waiting(job: Job, it: Mapping[str, Any]) -> WaitingLaunch | None:
    place = job.settings.scheduling
    if place is None or not it["Name"].startswith(place.prefix):
        return None
    zone = _zone_name(it)
    clock = zone_of(zone) or UTC
    local = datetime.fromisoformat(str(it["ScheduleExpression"]).removeprefix("at(").removesuffix(")"))
    instants = instants_of(local, clock)
    detail: Any = it["Input"].get("detail")
    by = detail.get("requestedBy", "") if isinstance(detail, dict) else ""
    return WaitingLaunch(
        job=job.name,
        run=it["Name"].removeprefix(place.prefix),
        at=(instants[0] if instants else local.replace(tzinfo=clock)).astimezone(clock),
        zone=zone,
        requested_by=str(by),
    )


def _zone_name(it: Mapping[str, Any]) -> str:
    return str(it.get("ScheduleExpressionTimezone") or "UTC")


def _paused(job: Job) -> dict[str, Pause]:
    key = {"pk": {"S": job.family}, "sk": {"S": SCHEDULES}}
    with job.account.asking():
        found = job.account.client("dynamodb").get_item(TableName=job.settings.runs_table, Key=key, ConsistentRead=True)
    held: dict[str, Any] = plain(found["Item"])["paused"] if "Item" in found else {}
    return {name: Pause(datetime.fromisoformat(it["at"]), it.get("by", "")) for name, it in held.items()}


def _last(job: Job, names: set[str]) -> dict[str, Item]:
    """The newest run of each schedule, as far as it is among the newest runs of the job."""
    found: dict[str, Item] = {}
    if names:
        for it in runs.each_of(job, most=LOOKED_AT):
            if it.get("schedule") in names - found.keys():
                found[it["schedule"]] = it
                if found.keys() == names:
                    break
    return found


def _last_run(it: Item) -> LastRun:
    reason = it.get("skipped", "") if it["state"] == "SKIPPED" else ""
    return LastRun(it["run"], it["state"], datetime.fromisoformat(it["launchedAt"]), reason)
