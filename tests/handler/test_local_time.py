"""The time that a launch event has: an instant, or a refusal that repeats no value."""

from __future__ import annotations

import sys
import zoneinfo
from datetime import UTC, datetime

import pytest
from fargate_job_launcher.handler.local_time import LocalTime, read, zone_of
from hypothesis import given
from hypothesis import strategies as st


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("at", "zone", "said", "local", "kept"),
    [
        ("2026-12-01T03:00", "Europe/Dublin", "2026-12-01T03:00:00+00:00", "2026-12-01T03:00:00", "Europe/Dublin"),
        ("2026-07-01T03:00:30", "Europe/Dublin", "2026-07-01T02:00:30+00:00", "2026-07-01T03:00:30", "Europe/Dublin"),
        ("2026-12-01T03:00", "Asia/Kathmandu", "2026-11-30T21:15:00+00:00", "2026-12-01T03:00:00", "Asia/Kathmandu"),
        ("2026-12-01T03:00", "UTC", "2026-12-01T03:00:00+00:00", "2026-12-01T03:00:00", "UTC"),
        ("2026-12-01T03:00Z", "UTC", "2026-12-01T03:00:00+00:00", "2026-12-01T03:00:00", "UTC"),
        # An offset is an instant, whatever the zone, and no later change of a zone's rules moves it.
        ("2026-10-25T02:30+01:00", "Europe/Berlin", "2026-10-25T01:30:00+00:00", "2026-10-25T01:30:00", "UTC"),
        ("2026-12-01T00:00:00-09:30", "UTC", "2026-12-01T09:30:00+00:00", "2026-12-01T09:30:00", "UTC"),
    ],
)
def test_a_time_is_an_instant_and_how_scheduler_says_it(at: str, zone: str, said: str, local: str, kept: str) -> None:
    problems: list[str] = []
    assert read(at, zone, problems) == LocalTime(instant(said), local, kept)
    assert problems == []


@pytest.mark.parametrize(
    ("at", "zone", "problem"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "at: this local time does not exist in the zone: its clocks skip it"),
        ("2026-10-25T02:30", "Europe/Berlin", "go back; add the offset that you mean, +02:00 or +01:00"),
        ("2026-11-01T01:59:59", "America/New_York", "go back; add the offset that you mean, -04:00 or -05:00"),
        ("2026-04-05T01:45", "Australia/Lord_Howe", "go back; add the offset that you mean, +11:00 or +10:30"),
        ("2026-02-30T03:00", "UTC", "at: a time such as"),
        ("2026-12-02", "UTC", "at: a time such as"),
        ("2026-12-01 03:00", "UTC", "at: a time such as"),
        ("2026-12-02T03:00+99:00", "UTC", "at: its offset is more than a day"),
        ("tomorrow", "UTC", "at: a time such as"),
        (1764558000, "UTC", "at: a time such as"),
        (None, "UTC", "at: a time such as"),
        ("2026-12-01T03:00", "Europe/Dubln", "zone: the IANA name"),
        ("2026-12-01T03:00", "America", "zone: the IANA name"),
        ("2026-12-01T03:00", "../../etc/passwd", "zone: the IANA name"),
        ("2026-12-01T03:00", "", "zone: the IANA name"),
        ("2026-12-01T03:00", "x" * 51, "zone: the IANA name"),
        ("2026-12-01T03:00", 1, "zone: the IANA name"),
        ("0001-01-01T00:00", "Asia/Tokyo", "at: a time such as"),
    ],
)
def test_what_is_no_instant_is_refused_and_never_repeated(at: object, zone: object, problem: str) -> None:
    problems: list[str] = []
    assert read(at, zone, problems) is None
    (said,) = problems
    assert problem in said
    assert str(at) not in said or at == "2026-12-01T03:00"  # the message's own example
    assert len(str(zone)) < 4 or str(zone) not in said


@given(st.text(), st.text())
def test_no_text_breaks_it(at: str, zone: str) -> None:
    problems: list[str] = []
    assert (read(at, zone, problems) is None) is bool(problems)


def test_without_the_machines_time_zones_those_of_dateutil_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    monkeypatch.setitem(sys.modules, "tzdata", None)
    try:
        with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
            zoneinfo.ZoneInfo("Europe/Berlin")
        assert zone_of("Europe/Berlin") is not None
        assert zone_of("Europe/Nowhere") is None
        test_a_time_is_an_instant_and_how_scheduler_says_it(
            *("2027-07-01T03:00", "Europe/Berlin", "2027-07-01T01:00:00+00:00", "2027-07-01T03:00:00", "Europe/Berlin")
        )
        for at, ways in (("2027-03-28T02:30", "does not exist"), ("2027-10-31T02:30", "+02:00 or +01:00")):
            problems: list[str] = []
            assert read(at, "Europe/Berlin", problems) is None
            assert ways in problems[0]
        # What neither knows is refused, and nothing breaks.
        monkeypatch.setitem(sys.modules, "dateutil.zoneinfo", None)
        assert zone_of("Europe/Berlin") is None
    finally:
        zoneinfo.reset_tzpath()


def test_utc_is_the_zone_of_a_time_without_one() -> None:
    assert read("2026-12-01T03:00", "UTC", []) == LocalTime(
        datetime(2026, 12, 1, 3, tzinfo=UTC).timestamp(), "2026-12-01T03:00:00", "UTC"
    )
