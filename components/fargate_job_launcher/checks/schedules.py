"""The schedule expressions that EventBridge and EventBridge Scheduler accept: one grammar, field by field. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html

A form that no public source confirms is refused here, and the message has a form that AWS certainly accepts: a refusal
at construction costs a minute, one by AWS costs a deployment.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from .unix_cron import from_unix


@dataclass(frozen=True)
class _Field:
    """One of the six fields of a cron expression."""

    name: str
    least: int
    most: int
    names: Sequence[str] = ()
    """Names of its numbers, the first for the least."""
    steps: bool = True
    """Whether it accepts `/`."""
    special: str = ""
    """Pattern of what the whole field may be besides a list and `?`."""
    example: str = ""
    """An example of that."""


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

_SHAPES: Final = {
    "cron": re.compile(r"[^\s()]+( [^\s()]+){5}"),
    "rate": re.compile(r"\d+ [a-z]+"),
    "at": re.compile(r"\d{4}-[^\s()]+"),
}
"""What each kind of expression has in its brackets."""

_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month, in a leap year."""


def schedule_problems(path: str, schedule: Mapping[str, Any]) -> Iterator[str]:
    """Problems with the times of a schedule in the argument at this path."""
    expression = schedule.get("expression", "rate(1 hour)")
    problem = expression_problem(expression) or never_problem(expression)
    if problem:
        yield f"{path}.expression: {expression!r}: {problem}"
    zone = schedule.get("time_zone", "UTC")
    # Some machines have no time zone data; AWS has.
    if _time_zones() and zone not in _time_zones():
        yield f"{path}.time_zone: {zone!r} is unknown; write an IANA name, such as Europe/Berlin, or nothing for UTC"


NO_ZONES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Files in a machine's time zone folder that are not time zones: https://man7.org/linux/man-pages/man5/tzfile.5.html"""


@cache
def _time_zones() -> set[str]:
    return zoneinfo.available_timezones() - NO_ZONES


def expression_problem(expression: str) -> str:
    """Why Scheduler does not accept an expression, with an example that it accepts; empty if it accepts it."""
    found = re.fullmatch(r"(rate|cron|at)\(([^()]+)\)", expression)
    if found is None:
        return _unix_problem(expression) or _bare_problem(expression)
    kind, text = found.groups()
    if kind == "cron":
        return _cron_problem(text)
    return _rate_problem(text) if kind == "rate" else _time_problem(text)


def as_aws(text: str) -> str:
    """The expression of AWS that a text is or means: itself, that of Unix's cron, or what only lacks its kind; empty
    without one."""
    if not expression_problem(text):
        return text
    kinds = [f"{kind}({text})" for kind, shape in _SHAPES.items() if shape.fullmatch(text)]
    same = from_unix(text)
    return next((it for it in [*(same if len(same) == 1 else []), *kinds] if not expression_problem(it)), "")


def _bare_problem(text: str) -> str:
    """The problem with a text that is no schedule; with the whole expression if only its kind is missing."""
    for kind in ("cron", "rate", "at"):
        if _SHAPES[kind].fullmatch(text) and not expression_problem(f"{kind}({text})"):
            return f"is not a schedule; write {kind}({text})"
    return "is not a schedule, such as cron(0 3 * * ? *), rate(1 hour) or at(2026-01-31T03:00:00)"


def _unix_problem(text: str) -> str:
    """The problem with a schedule of Unix's, with the same in AWS's terms; empty for any other text."""
    same = from_unix(text)
    if not same or any(expression_problem(it) for it in same):
        return ""
    if len(same) > 1:
        return (
            f"is Unix's cron, which fires on the days of the month and on those of the week; in AWS these are two "
            f"schedules: {' and '.join(same)}"
        )
    if same[0].startswith("rate"):
        return f"is the form of other schedulers; write {same[0]}"
    return f"is Unix's cron; AWS's has six fields ({', '.join(it.name for it in _FIELDS)}): write {same[0]}"


def _rate_problem(text: str) -> str:
    found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text)
    if found is None:
        return "a rate is a whole number and minutes, hours or days, such as rate(15 minutes)"
    number, unit, plural = found.groups()
    # Scheduler accepts `1 minutes`, the form of its API and of many programs; a rule does not.
    return "" if number == "1" or plural else f"more than one is written as rate({number} {unit}s)"


def _time_problem(text: str) -> str:
    said = "a time is written as at(2026-01-31T03:00:00); its zone is the argument time_zone"
    # strptime alone accepts 2026-1-31 too.
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
        return said
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return f"this time does not exist; {said}"
    return ""


def _cron_problem(text: str) -> str:
    # "separated by white space": the pages show single blanks, and confirm no other form.
    if text != " ".join(text.split()):
        return f"write one blank between two fields, and none at the ends: cron({' '.join(text.split())})"
    given = text.split(" ")
    if len(given) != len(_FIELDS):
        names, quartz = ", ".join(it.name for it in _FIELDS), f"cron({' '.join(given[1:])})"
        if len(given) == len(_FIELDS) + 1 and given[0] == "0" and not expression_problem(quartz):
            return f"has 7 fields, the first for seconds, which AWS's cron does not have: write {quartz}"
        return _unix_problem(text) or f"has {len(given)} fields; AWS's cron has six: {names}"
    for part, field in zip(given, _FIELDS, strict=True):
        problem = _field_problem(part, field)
        if problem:
            return f"{part!r} is not valid for {field.name}: {problem}"
    if [given[2], given[4]].count("?") != 1:
        said = "exactly one of day of month and day of week has to be ?"
        likely = [*given[:4], "?", given[5]] if given[4] == "*" else [*given[:2], "?", *given[3:]]
        return f"{said}: write cron({' '.join(likely)})" if "*" in (given[2], given[4]) else said
    return ""


def _field_problem(text: str, field: _Field) -> str:
    """Why this is not `?`, a list of values, ranges and steps, or the field's special form; empty if it is."""
    numbers = f"{field.least} to {field.most}" + (f", {field.names[0]} to {field.names[-1]}" if field.names else "")
    if text == "?":
        return "" if field.special else f"{numbers}; only the two day fields accept ?"
    parts = _numbered(text, field).split(",")
    if field.special and len(parts) == 1 and re.fullmatch(field.special, parts[0]):
        return ""
    for part in parts:
        if field.special and re.fullmatch(field.special, part):
            # "If you use a '#' character, you can define only one expression in the day-of-week field."
            return f"{part} cannot be in a list"
        problem = _part_problem(part, field, numbers)
        if problem:
            return problem
    return "* cannot be in a list" if "*" in parts and len(parts) > 1 else ""


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
        return "this field does not accept /; list the days, such as MON,WED,FRI"
    # https://github.com/aws/aws-sdk-js/issues/4212: */60 is not a step of minutes.
    return "" if 1 <= step <= field.most else f"a step is 1 to {field.most}"


def _numbered(text: str, field: _Field) -> str:
    """The text with numbers instead of names, in any case."""
    text = text.upper()
    for number, name in enumerate(field.names, field.least):
        text = re.sub(rf"(?<![A-Z]){name}(?![A-KM-Z])", str(number), text)
    return text


def never_problem(expression: str) -> str:
    """Why an expression that AWS may accept never fires: none of its months has its days. Empty if it does fire."""
    days, months = (expression.removeprefix("cron(").split(" ") + [""] * 4)[2:4]
    if not expression.startswith("cron(") or not re.fullmatch(r"[\d,-]+", days):
        return ""
    first = min(int(it.partition("-")[0]) for it in days.split(","))
    lengths = [_LONGEST_MONTHS[number - 1] for number in _covered(_numbered(months, _FIELDS[3]))]
    if first <= max(lengths):
        return ""
    return f"never happens: no month of {months!r} has a day {first}; for a month's last day write L"


def _covered(months: str) -> Iterator[int]:
    """The months that a valid field names."""
    for part in months.split(","):
        values, _, step = part.partition("/")
        first, dash, last = ("1", "-", "12") if values == "*" else values.partition("-")
        # `3/2` begins in March and continues to the end of the year.
        end = last if dash else ("12" if step else first)
        yield from range(int(first), int(end) + 1, int(step or 1))
