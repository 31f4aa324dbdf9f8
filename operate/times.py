"""How times are read and written: 7d, 1h30m, 2026-11-26T03:00; and the one form of a time in JSON output. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, overload

from fargate_job_launcher.handler.run import at

_DURATION: Final = r"(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?"


@overload
def instant(moment: datetime) -> str: ...
@overload
def instant(moment: None) -> None: ...
@overload
def instant(moment: datetime | None) -> str | None: ...
def instant(moment: datetime | None) -> str | None:
    """A time as JSON output has every time: in UTC, with milliseconds, as the table has it
    (2026-01-31T03:00:00.000Z)."""
    return None if moment is None else at(moment.timestamp())


def duration_of(text: str) -> timedelta:
    """Days, hours and minutes: 90m, 2h, 1d12h. Raises ValueError for any other text."""
    found = re.fullmatch(_DURATION, text)
    if found is None or not text:
        raise ValueError(f"{text!r}: days, hours and minutes are expected, such as 90m, 2h or 1d12h")
    days, hours, minutes = (int(it or 0) for it in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def time_of(text: str) -> datetime | None:
    """An ISO 8601 time, which is in UTC unless it says otherwise; None for any other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def since_of(text: str) -> datetime:
    """A time in the past: so long ago, or an ISO 8601 time, which is in UTC unless it says otherwise. Raises ValueError
    for any other text."""
    found = time_of(text)
    if found is not None:
        return found
    try:
        return datetime.now(UTC) - duration_of(text)
    except ValueError:
        raise ValueError(
            f"{text!r}: a duration such as 90m, 2h or 7d is expected, or a time such as 2026-11-26T03:00 (UTC)"
        ) from None
