"""Times that are written as 90m, 2h or 1d12h, or as 2026-11-26T03:00."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

DURATION: Final = "DURATION"
"""How help names one."""


def duration_of(given: str, option: str) -> timedelta:
    """Days, hours and minutes. Raises BadParameter that names the option."""
    found = re.fullmatch(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,7})m)?", given)
    if found is None or not given:
        raise click.BadParameter(
            f"{given!r}: days, hours and minutes are expected, such as 90m, 2h or 1d12h", param_hint=option
        )
    days, hours, minutes = (int(it or 0) for it in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def since_of(given: str, option: str) -> datetime:
    """A time in the past: so long ago, or an ISO 8601 time, which is in UTC unless it says otherwise. Raises
    BadParameter that names the option."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        pass
    else:
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - duration_of(given, option)
    except (click.BadParameter, OverflowError):
        raise click.BadParameter(
            f"{given!r}: a duration such as 90m, 2h or 7d is expected, or a time such as 2026-11-26T03:00 (UTC)",
            param_hint=option,
        ) from None
