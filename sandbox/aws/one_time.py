"""Schedules of EventBridge Scheduler that run once: at their time in their own zone, and when the test clock passes it.

The emulator takes every such time for UTC, and knows no clock but the machine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dateutil import tz
from ministack.services import scheduler

# Internals of the emulator, which has no public interface for this; its version is pinned.
_scheduler: Any = scheduler


class _Once(str):
    """An expression at(…) that knows its instant, in seconds since 1970."""

    __slots__ = ("seconds",)

    seconds: float


def install() -> None:
    """Have each new schedule know its instant."""
    _scheduler._create_schedule = _knowing(_scheduler._create_schedule)
    _scheduler._update_schedule = _knowing(_scheduler._update_schedule)
    known = _scheduler._at_time_epoch
    _scheduler._at_time_epoch = lambda text: text.seconds if isinstance(text, _Once) else known(text)


def pass_minutes(minutes: float) -> None:
    """Let each schedule's time be so much nearer."""
    for record in list(_scheduler._schedules._data.values()):
        if isinstance(record["ScheduleExpression"], _Once):
            record["ScheduleExpression"].seconds -= minutes * 60


def _knowing(make: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    def made(name: str, body: Any) -> Any:
        found = re.fullmatch(r"at\((.+)\)", body.get("ScheduleExpression") or "")
        if found is None:
            return make(name, body)
        once = _Once(body["ScheduleExpression"])
        zone = tz.gettz(body.get("ScheduleExpressionTimezone") or "UTC")
        once.seconds = datetime.fromisoformat(found[1]).replace(tzinfo=zone or UTC).timestamp()
        return make(name, {**body, "ScheduleExpression": once})

    return made
