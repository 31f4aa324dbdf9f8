"""Moves the clock forward: each running task has run longer, rules and schedules at a rate and schedules that run once
start what is due, and the supervisor looks at the runs that are due.

Without this, a test of a limit of an hour or of a rule of every minute would have to wait that long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from fargate_job_launcher.handler.settings import DUE_INDEX
from ministack.services import dynamodb, ecs, eventbridge, scheduler

from .. import schedule_clock

# Internals of the emulator, which has no public interface for this; its version is pinned.
_dynamodb: Any = dynamodb
_ecs: Any = ecs
_events: Any = eventbridge
_scheduler: Any = scheduler

TIMES: Final = ("createdAt", "pullStartedAt", "pullStoppedAt", "connectivityAt", "startedAt")
"""Of a running task."""
EARLIEST: Final = 1e9
"""Seconds since 1970: a number in a run that is larger is a time."""


def pass_minutes(minutes: float) -> None:
    """Let so many minutes pass for running tasks, for runs, for EventBridge's rules and Scheduler's schedules at a
    rate, and for schedules that run once."""
    for record in list(_ecs._tasks._data.values()):
        if record["lastStatus"] != "STOPPED":
            record |= {key: _earlier(record[key], minutes) for key in TIMES if record.get(key)}
    with _dynamodb._lock:
        for table in _dynamodb._tables._data.values():
            if any(it["IndexName"] == DUE_INDEX for it in table["GlobalSecondaryIndexes"]):
                _bring_forward(table["items"], minutes)
    _count_back(_events._rules._data, _events._rule_last_fired, "CreationTime", minutes)
    _count_back(_scheduler._schedules._data, _scheduler._schedule_last_fired, "CreationDate", minutes)
    schedule_clock.pass_minutes(minutes)
    _events._tick_scheduled_rules()
    _scheduler._tick_schedules()


def _bring_forward(items: Any, minutes: float) -> None:
    """Let everything in a table of runs be due so much earlier, and arrays have waited that much longer."""
    for item in [it for some in items.values() for it in some.values()]:
        if "due" in item:
            item["due"] = {"N": str(int(item["due"]["N"]) - round(minutes * 60))}
        if "array" in item:
            item |= {key: _older(item[key], minutes) for key in ("array", "open")}


def _older(value: Any, minutes: float) -> Any:
    """DynamoDB's JSON with each time in it, in seconds since 1970, so much earlier."""
    ((kind, it),) = value.items()
    if kind == "M":
        return {"M": {key: _older(inner, minutes) for key, inner in it.items()}}
    since_1970 = kind == "N" and float(it) > EARLIEST
    return {"N": repr(float(it) - minutes * 60)} if since_1970 else value


def _count_back(records: dict[Any, Any], last_fired: Any, created: str, minutes: float) -> None:
    """Move back the last start of each rule or schedule at a rate, or its creation if it has not started yet."""
    for key, record in list(records.items()):
        if record.get("ScheduleExpression", "").startswith("rate("):
            last_fired[key] = last_fired.get(key, record[created]) - minutes * 60


def _earlier(moment: Any, minutes: float) -> Any:
    if isinstance(moment, int | float):
        return moment - minutes * 60
    return (datetime.fromisoformat(moment) - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
