"""The next times of a schedule: by a table, against a second implementation, and around changes of the clocks."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from fargate_job_launcher.checks.schedules import expression_problem
from fargate_job_launcher.operate.occurrences import occurrences
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

CREATED = datetime(2026, 1, 1, 0, 7, 30, tzinfo=UTC)


def times(expression: str, zone: str = "UTC", *, after: str = "2026-11-26T12:00", most: int = 5) -> list[str]:
    """The next times, as the zone's clocks show them, after a time in the zone."""
    place = ZoneInfo(zone)
    begun = datetime.fromisoformat(after).replace(tzinfo=place)
    return [
        f"{it:%Y-%m-%d %H:%M%z}".removesuffix("+0000")
        for it in islice(occurrences(expression, place, after=begun, since=CREATED), most)
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 3 * * ? *)", ["2026-11-27 03:00", "2026-11-28 03:00", "2026-11-29 03:00"]),
        # A time that is now has passed.
        ("cron(0 12 * * ? *)", ["2026-11-27 12:00", "2026-11-28 12:00", "2026-11-29 12:00"]),
        ("cron(0/20 13,15 * * ? *)", ["2026-11-26 13:00", "2026-11-26 13:20", "2026-11-26 13:40"]),
        ("cron(*/45 12 ? * MON-FRI *)", ["2026-11-26 12:45", "2026-11-27 12:00", "2026-11-27 12:45"]),
        ("cron(5 0-20/10 1 jan ? *)", ["2027-01-01 00:05", "2027-01-01 10:05", "2027-01-01 20:05"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00"]),
        ("cron(0 8 L * ? *)", ["2026-11-30 08:00", "2026-12-31 08:00", "2027-01-31 08:00"]),
        ("cron(0 8 L-2 2 ? *)", ["2027-02-26 08:00", "2028-02-27 08:00", "2029-02-26 08:00"]),
        ("cron(0 8 L-30 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-03-01 08:00"]),
        # 28 November 2026 is a Saturday, 30 January 2027 too; 31 October 2027 is a Sunday.
        ("cron(0 8 28W 11 ? *)", ["2026-11-27 08:00", "2027-11-29 08:00", "2028-11-28 08:00"]),
        ("cron(0 8 1W 5 ? *)", ["2027-05-03 08:00", "2028-05-01 08:00", "2029-05-01 08:00"]),
        ("cron(0 8 31W 10 ? *)", ["2027-10-29 08:00", "2028-10-31 08:00", "2029-10-31 08:00"]),
        ("cron(0 8 31W 2-4 ? *)", ["2027-03-31 08:00", "2028-03-31 08:00", "2029-03-30 08:00"]),
        ("cron(0 8 LW * ? *)", ["2026-11-30 08:00", "2026-12-31 08:00", "2027-01-29 08:00"]),
        ("cron(0 8 ? * 1 *)", ["2026-11-29 08:00", "2026-12-06 08:00", "2026-12-13 08:00"]),
        ("cron(0 8 ? * SAT,2 *)", ["2026-11-28 08:00", "2026-11-30 08:00", "2026-12-05 08:00"]),
        ("cron(0 8 ? * L *)", ["2026-11-28 08:00", "2026-12-05 08:00", "2026-12-12 08:00"]),
        ("cron(0 8 ? * 6L *)", ["2026-11-27 08:00", "2026-12-25 08:00", "2027-01-29 08:00"]),
        ("cron(0 8 ? * 5#4 *)", ["2026-12-24 08:00", "2027-01-28 08:00", "2027-02-25 08:00"]),
        ("cron(0 8 ? * 5#5 *)", ["2026-12-31 08:00", "2027-04-29 08:00", "2027-07-29 08:00"]),
        # Sparse ones are found too.
        ("cron(0 8 29 2 ? *)", ["2028-02-29 08:00", "2032-02-29 08:00", "2036-02-29 08:00"]),
        ("cron(0 8 29 2 ? 2096-2104)", ["2096-02-29 08:00", "2104-02-29 08:00"]),
        ("cron(0 8 1 1 ? 2190/5)", ["2190-01-01 08:00", "2195-01-01 08:00"]),
        ("cron(0 8 1 1 ? 2026)", []),
        ("cron(0 8 30 2 ? *)", []),
        ("at(2026-11-26T12:00:01)", ["2026-11-26 12:00"]),
        ("at(2026-11-26T12:00:00)", []),
        ("rate(1 hour)", ["2026-11-26 12:07", "2026-11-26 13:07", "2026-11-26 14:07"]),
        ("rate(7 days)", ["2026-12-03 00:07", "2026-12-10 00:07", "2026-12-17 00:07"]),
        ("rate(90 minutes)", ["2026-11-26 12:07", "2026-11-26 13:37", "2026-11-26 15:07"]),
    ],
)
def test_the_next_times_of_an_expression(expression: str, expected: list[str]) -> None:
    assert expression_problem(expression) == ""
    assert times(expression, most=3) == expected


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # A time that does not exist is skipped.
        (
            *("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T00:00"),
            ["2026-03-28 02:30+0100", "2026-03-30 02:30+0200", "2026-03-31 02:30+0200"],
        ),
        (
            *("cron(0 0/1 29 3 ? 2026)", "Europe/Berlin", "2026-03-29T00:30"),
            ["2026-03-29 01:00+0100", "2026-03-29 03:00+0200", "2026-03-29 04:00+0200"],
        ),
        # Midnight that does not exist, in a zone whose summer begins at midnight.
        (
            *("cron(0 0 * * ? *)", "Africa/Cairo", "2026-04-23T01:00"),
            ["2026-04-25 00:00+0300", "2026-04-26 00:00+0300", "2026-04-27 00:00+0300"],
        ),
        # A time that comes twice runs once.
        (
            *("cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00"),
            ["2026-10-25 02:30+0200", "2026-10-26 02:30+0100", "2026-10-27 02:30+0100"],
        ),
        (
            *("cron(30 * * * ? *)", "Europe/Berlin", "2026-10-25T01:00"),
            ["2026-10-25 01:30+0200", "2026-10-25 02:30+0200", "2026-10-25 03:30+0100"],
        ),
        # Half an hour: Lord Howe.
        (
            *("cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-04T12:00"),
            ["2026-04-05 01:45+1100", "2026-04-06 01:45+1030", "2026-04-07 01:45+1030"],
        ),
        # A whole day that Samoa never had, long ago.
        (
            *("cron(0 9 * * ? 2011-2026)", "Pacific/Apia", "2026-01-01T10:00"),
            ["2026-01-02 09:00+1300", "2026-01-03 09:00+1300", "2026-01-04 09:00+1300"],
        ),
        # A day of a rate has 24 hours, whatever the clocks do.
        (
            *("rate(1 day)", "Europe/Berlin", "2026-03-28T00:00"),
            ["2026-03-28 01:07+0100", "2026-03-29 01:07+0100", "2026-03-30 02:07+0200"],
        ),
        ("at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-01T00:00", []),
        ("at(2026-07-01T03:00:00)", "Europe/Dublin", "2026-03-01T00:00", ["2026-07-01 03:00+0100"]),
    ],
)
def test_the_clocks_change(expression: str, zone: str, after: str, expected: list[str]) -> None:
    assert times(expression, zone, after=after, most=3) == expected


def test_between_the_two_showings_of_an_hour_what_ran_at_the_first_has_passed() -> None:
    place = ZoneInfo("Europe/Berlin")
    second = datetime(2026, 10, 25, 2, 10, tzinfo=place, fold=1)
    (it,) = islice(occurrences("cron(30 2 * * ? *)", place, after=second, since=CREATED), 1)
    assert it == datetime(2026, 10, 26, 2, 30, tzinfo=place)


def test_nothing_runs_before_a_start_date() -> None:
    start = datetime(2027, 1, 1, 12, tzinfo=UTC)
    after = datetime(2026, 11, 26, tzinfo=UTC)
    found = {it: next(occurrences(it, UTC, after=after, since=start)) for it in ("rate(1 hour)", "cron(0 3 * * ? *)")}
    assert found == {"rate(1 hour)": start, "cron(0 3 * * ? *)": datetime(2027, 1, 2, 3, tzinfo=UTC)}


@pytest.mark.parametrize(
    "expression", ["cron(0 3 * * * *)", "every day", "rate(2 weeks)", "at(soon)", "cron(0 3 X * ? *)"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"cron|rate|has to be|isoformat|invalid literal"):
        times(expression)


# A second implementation, minute by minute, that shares nothing with the first.


def holds(expression: str, at: datetime) -> bool:
    """Whether a cron expression runs at a minute."""
    minutes, hours, days, months, weekdays, years = expression[5:-1].split(" ")
    last = calendar.monthrange(at.year, at.month)[1]
    weekday = at.isoweekday() % 7 + 1

    def field(text: str, value: int, least: int, most: int) -> bool:
        for part in text.split(","):
            span, _, step = part.partition("/")
            low, dash, high = span.partition("-")
            first = least if span == "*" else int(low)
            end = int(high) if dash else most if span == "*" or step else first
            if first <= value <= end and (value - first) % int(step or 1) == 0:
                return True
        return False

    def work(day: int) -> int:
        """The working day nearest to a day, by distance."""
        its = [it for it in range(1, last + 1) if datetime(at.year, at.month, it).isoweekday() < 6]
        return min(its, key=lambda it: (abs(it - day), it))

    def day() -> bool:
        if days == "?":
            if weekdays == "L":
                return weekday == 7
            if weekdays.endswith("L"):
                return weekday == int(weekdays[0]) and at.day + 7 > last
            if "#" in weekdays:
                which, nth = weekdays.split("#")
                return weekday == int(which) and (at.day - 1) // 7 + 1 == int(nth)
            return field(weekdays, weekday, 1, 7)
        if days == "L":
            return at.day == last
        if days == "LW":
            return at.day == work(last)
        if days.startswith("L-"):
            return at.day == last - int(days[2:])
        if days.endswith("W"):
            return int(days[:-1]) <= last and at.day == work(int(days[:-1]))
        return field(days, at.day, 1, 31)

    return (
        day()
        and field(minutes, at.minute, 0, 59)
        and field(hours, at.hour, 0, 23)
        and field(months, at.month, 1, 12)
        and field(years, at.year, 1970, 2199)
    )


def fields(least: int, most: int, *, steps: bool = True) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    span = st.tuples(number, number).map(lambda it: f"{min(it)}-{max(it)}")
    single = number.map(str)
    step = st.integers(1, max(1, (most - least) // 2))
    stepped = st.builds("{}/{}".format, st.one_of(st.just("*"), single, span), step)
    part = st.one_of(single, span, stepped) if steps else st.one_of(single, span)
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=3).map(",".join))


MONTH_DAYS = st.one_of(
    fields(1, 31),
    st.sampled_from(["L", "LW"]),
    st.integers(1, 30).map("L-{}".format),
    st.integers(1, 31).map("{}W".format),
)
WEEK_DAYS = st.one_of(
    fields(1, 7, steps=False),
    st.sampled_from(["L", *(f"{it}L" for it in range(1, 8))]),
    st.builds("{}#{}".format, st.integers(1, 7), st.integers(1, 5)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(
    minutes=fields(0, 59),
    hours=fields(0, 23),
    days=st.one_of(st.tuples(MONTH_DAYS, st.just("?")), st.tuples(st.just("?"), WEEK_DAYS)),
    months=fields(1, 12),
    begun=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),
)
def test_it_agrees_with_a_second_implementation(
    minutes: str, hours: str, days: tuple[str, str], months: str, begun: datetime
) -> None:
    expression = f"cron({minutes} {hours} {days[0]} {months} {days[1]} *)"
    assume(not expression_problem(expression))
    after = begun.replace(tzinfo=UTC)
    found = list(islice(occurrences(expression, UTC, after=after, since=CREATED - timedelta(days=9999)), 4))
    assert all(holds(expression, it) for it in found)
    # Nothing is left out: no minute of the day before the first, none between those of one day.
    if found:
        for first, then in zip([max(after, found[0] - timedelta(days=1)), *found], found, strict=False):
            minute = first.replace(second=0, microsecond=0) + timedelta(minutes=1)
            while minute < min(then, first + timedelta(days=1)):
                assert not holds(expression, minute), minute
                minute += timedelta(minutes=1)
    else:
        # No month of these has such a day, in any of five years.
        day = begun.replace(hour=0, minute=0, second=0, microsecond=0)
        widest = f"cron(* * {days[0]} {months} {days[1]} *)"
        assert not any(holds(widest, day + timedelta(days=it)) for it in range(5 * 366))
