"""Minutes that pass at once: every task that runs has run so much longer, and what is due by then is done.

What a limit of an hour or a rule of every minute does could otherwise be seen only by whoever waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from ministack.services import ecs, eventbridge, scheduler

# The emulator's own records and steps, which it gives no public way to; its version is pinned.
_ecs: Any = ecs
_events: Any = eventbridge
_scheduler: Any = scheduler

TIMES: Final = ("createdAt", "pullStartedAt", "pullStoppedAt", "connectivityAt", "startedAt")
"""Of a task that runs."""


def pass_minutes(minutes: float) -> None:
    """Let so many minutes pass for tasks that run, for EventBridge's rules and for Scheduler's schedules at a rate."""
    for record in list(_ecs._tasks._data.values()):
        if record["lastStatus"] != "STOPPED":
            record |= {key: _earlier(record[key], minutes) for key in TIMES if record.get(key)}
    _count_back(_events._rules._data, _events._rule_last_fired, "CreationTime", minutes)
    _count_back(_scheduler._schedules._data, _scheduler._schedule_last_fired, "CreationDate", minutes)
    _events._tick_scheduled_rules()
    _scheduler._tick_schedules()


def _count_back(records: dict[Any, Any], last_fired: Any, created: str, minutes: float) -> None:
    """What fires at a rate counts from the last time that it did, or from its creation."""
    for key, record in list(records.items()):
        if record.get("ScheduleExpression", "").startswith("rate("):
            last_fired[key] = last_fired.get(key, record[created]) - minutes * 60


def _earlier(moment: Any, minutes: float) -> Any:
    if isinstance(moment, int | float):
        return moment - minutes * 60
    return (datetime.fromisoformat(moment) - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
