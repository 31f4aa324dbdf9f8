"""Schedule expressions as EventBridge and EventBridge Scheduler take them; the emulator takes nearly any. Pure."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from dateutil.zoneinfo import get_zonefile_instance

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
_FIELDS: Final[tuple[tuple[int, int, tuple[str, ...], str], ...]] = (
    (0, 59, (), ""),
    (0, 23, (), ""),
    (1, 31, (), r"\?|L|LW|L-\d+|(?P<number>\d+)W"),
    (1, 12, _MONTHS, ""),
    (1, 7, _DAYS, r"\?|L|(?P<number>\w+)(L|#[1-5])"),
    (1970, 2199, (), ""),
)
"""Of minutes, hours, day of month, month, day of week and year: least, most, names, and what else there may be."""


def rule_refusal(parameters: Mapping[str, Any]) -> str | None:
    """EventBridge's words against the schedule of a PutRule; None when it takes it.

    https://github.com/buildkite/buildkite-agent-scaler/pull/100 has them, and the plural that is asked for.
    """
    expression = parameters.get("ScheduleExpression") or ""
    if not expression or _is_cron(expression) or _is_rate(expression, strict=True):
        return None
    return "Parameter ScheduleExpression is not valid."


def schedule_refusal(parameters: Mapping[str, Any]) -> str | None:
    """Scheduler's words against a CreateSchedule or an UpdateSchedule; None when it takes it.

    It takes `1 minutes` as well as `1 minute`: its page shows plurals only, its API names both.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    """
    expression, zone = parameters.get("ScheduleExpression") or "", parameters.get("ScheduleExpressionTimezone")
    if expression and not (_is_cron(expression) or _is_rate(expression, strict=False) or _is_moment(expression)):
        # https://github.com/localstack/localstack/issues/9284
        return f"Invalid Schedule Expression {expression}."
    if zone and zone not in _zones():
        return f"Invalid Schedule Expression Timezone {zone}."
    return None


def _is_rate(expression: str, *, strict: bool) -> bool:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html"""
    found = re.fullmatch(r"rate\(\s*(0*[1-9]\d*)\s+(?:minute|hour|day)(s?)\s*\)", expression)
    return found is not None and not (strict and (int(found[1]) > 1) is not bool(found[2]))


def _is_moment(expression: str) -> bool:
    try:
        datetime.strptime(expression, "at(%Y-%m-%dT%H:%M:%S)")
    except ValueError:
        return False
    return True


def _is_cron(expression: str) -> bool:
    found = re.fullmatch(r"cron\(([^()]+)\)", expression)
    fields = found[1].upper().split() if found else []
    if len(fields) != len(_FIELDS) or (fields[2] == "?") is (fields[4] == "?"):
        return False
    return all(_is_field(text, *about) for text, about in zip(fields, _FIELDS, strict=True))


def _is_field(text: str, least: int, most: int, names: tuple[str, ...], special: str) -> bool:
    """Whether each of these, which commas part, is a value, a range, a step or one of the special ones."""

    def within(value: str | None) -> bool:
        if value is None or value in names:
            return True
        return value.isdecimal() and least <= int(value) <= most

    for part in text.split(","):
        found = re.fullmatch(special, part) if special else None
        if found is not None:
            fits = within(found.groupdict().get("number"))
        else:
            found = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
            # https://github.com/aws/aws-sdk-js/issues/4212: */60 is no step of minutes.
            fits = found is not None and within(found[1]) and within(found[2]) and 0 < int(found[3] or 1) <= most
        if not fits:
            return False
    return True


@cache
def _zones() -> frozenset[str]:
    """IANA's: a machine may have none of its own, and those of dateutil, which botocore needs, are older."""
    return frozenset(zoneinfo.available_timezones()) | frozenset(get_zonefile_instance().zones)
