"""What EventBridge Scheduler takes as a schedule. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

_MONTHS: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_DAYS: Final = "SUN MON TUE WED THU FRI SAT"

_FIELDS: Final[tuple[tuple[str, int, int, str, str], ...]] = (
    ("minutes", 0, 59, "", ""),
    ("hours", 0, 23, "", ""),
    ("day of month", 1, 31, "", r"LW?|L-[1-9]\d?|([1-9]|[12]\d|3[01])W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of week", 1, 7, _DAYS, r"[1-7]?L|[1-7]#[1-5]"),
    ("year", 1970, 2199, "", ""),
)
"""Of a cron expression: what it is called, least and most, the names that go for numbers, and what else it may be
besides `?`."""


def schedule_problems(schedule: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with when a job is launched."""
    expression = schedule.get("expression", "rate(1 hour)")
    problem = expression_problem(expression)
    if problem:
        yield f"schedule.expression: {expression!r}: {problem}"
    zone = schedule.get("time_zone", "UTC")
    # Some machines have no time zones; AWS has.
    if _time_zones() and zone not in _time_zones():
        yield f"schedule.time_zone: {zone!r} is none; such as Europe/Berlin (IANA's names), or leave it out for UTC"


@cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones()


def expression_problem(expression: str) -> str:
    """Why Scheduler does not take an expression, and what would do; empty where it does."""
    found = re.fullmatch(r"(rate|cron|at)\(([^()]+)\)", expression)
    if found is None:
        return "is no schedule; such as cron(0 3 * * ? *), rate(1 hour) or at(2026-01-31T03:00:00)"
    kind, text = found.groups()
    if kind == "cron":
        return _cron_problem(text.split())
    if kind == "rate":
        fits = re.fullmatch(r"[1-9]\d* (minute|hour|day)s?", text)
        return "" if fits else "a rate is a whole number and minutes, hours or days, such as rate(15 minutes)"
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return "a time is written as at(2026-01-31T03:00:00), without a zone, which is time_zone's"
    return ""


def _cron_problem(given: list[str]) -> str:
    if len(given) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        return f"has {len(given)} fields; AWS's cron has six: {names}"
    for text, (name, least, most, names, special) in zip(given, _FIELDS, strict=True):
        if not _fits(text.upper(), least, most, names.split(), special):
            return f"{text!r} is no {name}: {least} to {most}" + (f", {names.split()[0]} to …" if names else "")
    if [given[2], given[4]].count("?") != 1:
        return "one of day of month and day of week has to be ?, and the other not"
    return ""


def _fits(text: str, least: int, most: int, names: Sequence[str], special: str) -> bool:
    """Whether this is a list of values, ranges, steps and what is special; a name stands for its number."""
    if text == "?":
        return bool(special)
    for number, name in enumerate(names, least):
        text = re.sub(rf"\b{name}(?![A-KM-Z])", str(number), text)
    for part in text.split(","):
        if special and re.fullmatch(special, part):
            continue
        found = re.fullmatch(r"(?:\*|(\d{1,4})(?:-(\d{1,4}))?)(?:/([1-9]\d{0,3}))?", part)
        if found is None or any(not least <= int(it) <= most for it in found.groups()[:2] if it is not None):
            return False
        # https://github.com/aws/aws-sdk-js/issues/4212: */60 is no step of minutes.
        if int(found[3] or 1) > most:
            return False
    return True
