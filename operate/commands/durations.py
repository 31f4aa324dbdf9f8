"""Times that are written as 90m, 2h or 1d12h, or as 2026-11-26T03:00."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import click

from .. import times

DURATION: Final = "DURATION"
"""How help names one."""


def duration_of(given: str, option: str) -> timedelta:
    """Days, hours and minutes. Raises BadParameter that names the option."""
    try:
        return times.duration_of(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def since_of(given: str, option: str) -> datetime:
    """A time in the past: so long ago, or an ISO 8601 time, which is in UTC unless it says otherwise. Raises
    BadParameter that names the option."""
    try:
        return times.since_of(given)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
