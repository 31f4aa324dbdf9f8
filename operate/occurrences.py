"""The times at which a schedule of EventBridge Scheduler runs: cron with six fields, rate and at, in a time zone. Pure.

AWS has no call that says them. No library that was looked at knows AWS's cron and Scheduler's summer time: aws-croniter
2.1 fails at `LW` and finds no 29 February after ten steps, others do not know `?`, `W` and the year.

Summer time is as Scheduler documents it: a time that the clocks skip is skipped; one that they show twice runs once,
here at its first; a day of a rate has 24 hours.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

An expression comes from Scheduler, which has accepted it: what cannot be read here is refused, and no more is checked.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from fargate_job_launcher.handler.local_time import instants_of

_MONTHS: Final = [it.upper() for it in calendar.month_abbr]
"""The first is empty, as there is no month 0."""
_DAYS: Final = ["", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_YEARS: Final = (1970, 2199)
_SATURDAY: Final = 7


def occurrences(expression: str, zone: tzinfo, *, after: datetime, since: datetime) -> Iterator[datetime]:
    """The times after a time, in order, as the zone's clocks show them.

    `since`: when the schedule was created, or its start date: a rate counts from it, and nothing runs before. Raises
    ValueError for an expression that cannot be read.
    """
    kind, _, text = expression.removesuffix(")").partition("(")
    if kind not in ("rate", "cron", "at"):
        raise ValueError(f"{expression!r} is none of rate(…), cron(…) and at(…)")
    if kind == "rate":
        yield from (it.astimezone(zone) for it in _rate(text, after=after, since=since))
        return
    begun = max(after, since)
    local = begun.astimezone(zone).replace(tzinfo=None)
    found = [datetime.fromisoformat(text)] if kind == "at" else _cron(text, local)
    for it in found:
        instants = instants_of(it, zone)
        if instants and instants[0] > begun:
            yield instants[0].astimezone(zone)


def _rate(text: str, *, after: datetime, since: datetime) -> Iterator[datetime]:
    number, unit = text.split(" ")
    step = int(number) * _unit(unit.removesuffix("s"))
    begun = since.astimezone(UTC)
    count = max(0, (after - begun) // step + 1)
    while True:
        yield begun + count * step
        count += 1


def _unit(name: str) -> timedelta:
    if name not in ("minute", "hour", "day"):
        raise ValueError(f"{name!r} is no unit of a rate")
    return timedelta(**{f"{name}s": 1})


def _cron(text: str, after: datetime) -> Iterator[datetime]:
    """The local times after a local time, those that the clocks skip included."""
    minutes, hours, days, months, weekdays, years = text.upper().split(" ")
    if [days, weekdays].count("?") != 1:
        raise ValueError("exactly one of day of month and day of week has to be ?")
    at = [(hour, minute) for hour in _numbers(hours, 0, 23) for minute in _numbers(minutes, 0, 59)]
    allowed = _numbers(months, 1, 12, _MONTHS)
    days_of = _days_of_month(days) if weekdays == "?" else _days_of_week(weekdays)
    for year in _numbers(years, *_YEARS):
        for month in allowed if year >= after.year else ():
            if (year, month) < (after.year, after.month):
                continue
            for day in days_of(year, month):
                for hour, minute in at:
                    it = datetime(year, month, day, hour, minute)
                    if it > after:
                        yield it


def _numbers(text: str, least: int, most: int, names: Sequence[str] = ()) -> list[int]:
    """The numbers of a field that is a list of values, ranges and steps."""

    def number(of: str) -> int:
        return names.index(of) if of in names else int(of)

    found = set[int]()
    for part in text.split(","):
        values, _, step = part.partition("/")
        first, dash, last = (str(least), "-", str(most)) if values == "*" else values.partition("-")
        # 5/15 goes on to the end of the field.
        end = number(last) if dash else most if step else number(first)
        found.update(range(number(first), end + 1, int(step or 1)))
    return sorted(found)


Days = Callable[[int, int], list[int]]
"""Year and month → days of the month, in order."""


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: [_last(year, month)]
    if text == "LW":
        return lambda year, month: [_nearest_weekday(year, month, _last(year, month))]
    if text.startswith("L-"):
        before = int(text[2:])
        return lambda year, month: [it for it in [_last(year, month) - before] if it > 0]
    if text.endswith("W"):
        # A month without that day has no nearest weekday to it.
        day = int(text[:-1])
        return lambda year, month: [_nearest_weekday(year, month, day)] if day <= _last(year, month) else []
    listed = _numbers(text, 1, 31)
    return lambda year, month: [it for it in listed if it <= _last(year, month)]


def _days_of_week(text: str) -> Days:
    if text == "L":
        # The last day of the week.
        return _weekdays([_SATURDAY], lambda days: days)
    last, nth = re.fullmatch(r"(\w+)L", text), re.fullmatch(r"(\w+)#(\d)", text)
    if last:
        return _weekdays(_numbers(last[1], 1, 7, _DAYS), lambda days: days[-1:])
    if nth:
        place = int(nth[2])
        return _weekdays(_numbers(nth[1], 1, 7, _DAYS), lambda days: days[place - 1 : place])
    return _weekdays(_numbers(text, 1, 7, _DAYS), lambda days: days)


def _weekdays(wanted: Sequence[int], of: Callable[[list[int]], list[int]]) -> Days:
    return lambda year, month: of(
        [day for day in range(1, _last(year, month) + 1) if _weekday(year, month, day) in wanted]
    )


def _weekday(year: int, month: int, day: int) -> int:
    """As AWS counts: Sunday is 1."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _last(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """The day from Monday to Friday that is nearest to a day, in the same month."""
    weekday, last = _weekday(year, month, day), _last(year, month)
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == 1:
        return day + 1 if day < last else day - 2
    return day
