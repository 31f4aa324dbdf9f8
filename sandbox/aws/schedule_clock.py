"""The clock of EventBridge Scheduler: the test clock's time, and that of schedules that run once in their own zone.

The emulator takes the time of such a schedule for UTC, and knows no clock but the machine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dateutil import tz
from ministack.services import scheduler

# Internals of the emulator, which has no public interface for this; its version is pinned.
_scheduler: Any = scheduler
_passed: Final = [0.0]
"""How many seconds the test clock is ahead of the machine's."""


class _Once(str):
    """An expression at(…) that knows its instant, in seconds since 1970."""

    __slots__ = ("due", "seconds")

    seconds: float
    due: float
    """The instant on the machine's clock, nearer by what has passed on the test clock since."""


def install() -> None:
    """Have each new schedule know its instant."""
    _scheduler._create_schedule = _knowing(_scheduler._create_schedule)
    _scheduler._update_schedule = _knowing(_scheduler._update_schedule)
    known = _scheduler._at_time_epoch
    _scheduler._at_time_epoch = lambda text: text.due if isinstance(text, _Once) else known(text)


def pass_minutes(minutes: float) -> None:
    """Move the test clock forward."""
    _passed[0] += minutes * 60
    for record in list(_scheduler._schedules._data.values()):
        if isinstance(record["ScheduleExpression"], _Once):
            record["ScheduleExpression"].due -= minutes * 60


def scheduled_time(event: Mapping[str, Any], schedule: Mapping[str, Any]) -> str:
    """The time for which Scheduler sends an event: a schedule's own, or that of the test clock."""
    expression = schedule.get("ScheduleExpression")
    seconds = expression.seconds if isinstance(expression, _Once) else event["Time"] + _passed[0]
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _knowing(make: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    def made(name: str, body: Any) -> Any:
        found = re.fullmatch(r"at\((.+)\)", body.get("ScheduleExpression") or "")
        if found is None:
            return make(name, body)
        once = _Once(body["ScheduleExpression"])
        zone = tz.gettz(body.get("ScheduleExpressionTimezone") or "UTC")
        once.seconds = once.due = datetime.fromisoformat(found[1]).replace(tzinfo=zone or UTC).timestamp()
        return make(name, {**body, "ScheduleExpression": once})

    return made
