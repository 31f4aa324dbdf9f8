"""Times that are written as 90m, 2h or 1d12h."""

from __future__ import annotations

import re
from datetime import timedelta
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
