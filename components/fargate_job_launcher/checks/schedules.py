"""What EventBridge and EventBridge Scheduler take as a schedule: one grammar for both, field by field. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html

Where no public source says that AWS takes a form, it is refused here, with the form that AWS surely takes: a schedule
that is refused at construction costs a minute, one that AWS refuses costs a deployment.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final


@dataclass(frozen=True)
class _Field:
    """One of the six fields of a cron expression."""

    name: str
    least: int
    most: int
    names: Sequence[str] = ()
    """What may stand for its numbers, the first for the least."""
    steps: bool = True
    """Whether it knows `/`."""
    special: str = ""
    """What it may be as a whole besides a list and `?`."""
    example: str = ""
    """Of what is special."""


_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_FIELDS: Final = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special=r"LW?|L-([1-9]|[12]\d|30)|(0?[1-9]|[12]\d|3[01])W", example="L or 15W"),
    _Field("month", 1, 12, _MONTHS),
    # The pages name no `/` here, and AWS refuses it: https://github.com/teamkeel/keel/pull/1286
    _Field(
        "day of week",
        1,
        7,
        ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        False,
        r"[1-7]?L|[1-7]#[1-5]",
        "6L or 3#1",
    ),
    _Field("year", 1970, 2199),
)

_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in the year in which it has the most."""


def schedule_problems(schedule: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with when a job is launched."""
    expression = schedule.get("expression", "rate(1 hour)")
    problem = expression_problem(expression) or never_problem(expression)
    if problem:
        yield f"schedule.expression: {expression!r}: {problem}"
    zone = schedule.get("time_zone", "UTC")
    # Some machines have no time zones; AWS has.
    if _time_zones() and zone not in _time_zones():
        yield f"schedule.time_zone: {zone!r} is none; such as Europe/Berlin (IANA's names), or leave it out for UTC"


NO_ZONES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""What lies among a machine's time zones and is none: https://man7.org/linux/man-pages/man5/tzfile.5.html"""


@cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones() - NO_ZONES


def expression_problem(expression: str) -> str:
    """Why Scheduler does not take an expression, and what would do; empty where it does."""
    found = re.fullmatch(r"(rate|cron|at)\(([^()]+)\)", expression)
    if found is None:
        return "is no schedule; such as cron(0 3 * * ? *), rate(1 hour) or at(2026-01-31T03:00:00)"
    kind, text = found.groups()
    if kind == "cron":
        return _cron_problem(text)
    return _rate_problem(text) if kind == "rate" else _time_problem(text)


def _rate_problem(text: str) -> str:
    found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text)
    if found is None:
        return "a rate is a whole number and minutes, hours or days, such as rate(15 minutes)"
    number, unit, plural = found.groups()
    # `1 minutes` is the API's own, and stands in many programs: Scheduler takes it, a rule does not.
    return "" if number == "1" or plural else f"more than one is written as rate({number} {unit}s)"


def _time_problem(text: str) -> str:
    said = "a time is written as at(2026-01-31T03:00:00), without a zone, which is time_zone's"
    # strptime alone takes 2026-1-31 too.
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
        return said
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return f"there is no such time; {said}"
    return ""


def _cron_problem(text: str) -> str:
    # "separated by white space": the pages show single blanks, and only these are sure.
    if text != " ".join(text.split()):
        return f"one blank stands between two fields, and none at the ends: cron({' '.join(text.split())})"
    given = text.split(" ")
    if len(given) != len(_FIELDS):
        names = ", ".join(it.name for it in _FIELDS)
        return f"has {len(given)} fields; AWS's cron has six: {names}"
    for part, field in zip(given, _FIELDS, strict=True):
        problem = _field_problem(part, field)
        if problem:
            return f"{part!r} is no {field.name}: {problem}"
    if [given[2], given[4]].count("?") != 1:
        return "one of day of month and day of week has to be ?, and the other not"
    return ""


def _field_problem(text: str, field: _Field) -> str:
    """Why this is not `?`, a list of values, ranges and steps, or what is special of the field; empty where it is."""
    numbers = f"{field.least} to {field.most}" + (f", {field.names[0]} to {field.names[-1]}" if field.names else "")
    if text == "?":
        return "" if field.special else f"{numbers}; ? goes with the days only"
    parts = _numbered(text, field).split(",")
    if field.special and len(parts) == 1 and re.fullmatch(field.special, parts[0]):
        return ""
    for part in parts:
        if field.special and re.fullmatch(field.special, part):
            # "If you use a '#' character, you can define only one expression in the day-of-week field."
            return f"{part} stands alone, not in a list"
        problem = _part_problem(part, field, numbers)
        if problem:
            return problem
    return "* stands alone, not in a list" if "*" in parts and len(parts) > 1 else ""


def _part_problem(part: str, field: _Field, numbers: str) -> str:
    found = re.fullmatch(r"(?:\*|(\d{1,4})(?:-(\d{1,4}))?)(?:/(\d{1,4}))?", part)
    if found is None:
        return numbers + (f", or {field.example}" if field.example else "")
    first, last, step = (None if it is None else int(it) for it in found.groups())
    if any(not field.least <= it <= field.most for it in (first, last) if it is not None):
        return numbers
    if first is not None and last is not None and first > last:
        return f"{part} ends before it begins; write two ranges: {first}-{field.most},{field.least}-{last}"
    if step is None:
        return ""
    if not field.steps:
        return "it knows no /; list the days, such as MON,WED,FRI"
    # https://github.com/aws/aws-sdk-js/issues/4212: */60 is no step of minutes.
    return "" if 1 <= step <= field.most else f"a step is 1 to {field.most}"


def _numbered(text: str, field: _Field) -> str:
    """The names replaced by their numbers; case does not matter."""
    text = text.upper()
    for number, name in enumerate(field.names, field.least):
        text = re.sub(rf"(?<![A-Z]){name}(?![A-KM-Z])", str(number), text)
    return text


def never_problem(expression: str) -> str:
    """Why an expression that AWS may take fires never: its days are in none of its months. Empty where it does fire."""
    days, months = (expression.removeprefix("cron(").split(" ") + [""] * 4)[2:4]
    if not expression.startswith("cron(") or not re.fullmatch(r"[\d,-]+", days):
        return ""
    first = min(int(it.partition("-")[0]) for it in days.split(","))
    lengths = [_LONGEST_MONTHS[number - 1] for number in _covered(_numbered(months, _FIELDS[3]))]
    if first <= max(lengths):
        return ""
    return f"never happens: no month of {months!r} has a day {first}; for a month's last day write L"


def _covered(months: str) -> Iterator[int]:
    """The months that a field names, which has no mistake."""
    for part in months.split(","):
        values, _, step = part.partition("/")
        first, dash, last = ("1", "-", "12") if values == "*" else values.partition("-")
        # `3/2` begins in March and goes on to the end of the year.
        end = last if dash else ("12" if step else first)
        yield from range(int(first), int(end) + 1, int(step or 1))
