"""The time of a launch event (`at`, `zone`) → an instant, as EventBridge Scheduler will keep it. Pure.

The summer time of a zone is known here, so that a time that does not exist, or exists twice, is refused when it is
requested, and the caller is told the instant in UTC. Whether the instant is in the past, later.py decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

# Not compiled here, as in answers.py.
_TIME = r"(2\d{3}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?"
_ZONE = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
_LONGEST_ZONE = 50
"""https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""


@dataclass(frozen=True)
class LocalTime:
    """An instant, and how a schedule of Scheduler says it."""

    seconds: float
    """Since 1970."""
    local: str
    """2026-12-01T03:00:00, in the zone."""
    zone: str
    """An IANA name. UTC for a time with an offset, which no later change of a zone's rules moves."""


def read(at: object, zone: object, problems: list[str]) -> LocalTime | None:
    """The instant of an event's `at` and `zone`; None and a problem if there is none. No problem repeats a value."""
    found = re.fullmatch(_TIME, at) if isinstance(at, str) else None
    local = None if found is None else _datetime(found[1])
    if found is None or local is None:
        problems.append("at: a time such as 2026-12-01T03:00 is expected, with or without seconds, Z or +01:00")
    place = zone_of(zone) if isinstance(zone, str) else None
    if place is None:
        problems.append("zone: the IANA name of a time zone is expected, such as Europe/Dublin")
    if found is None or local is None or place is None:
        return None
    if found[2]:
        instant = _datetime(found[0].replace("Z", "+00:00"))
        if instant is None:
            problems.append("at: its offset is more than a day")
            return None
        instant = instant.astimezone(UTC)
        return LocalTime(instant.timestamp(), f"{instant:%Y-%m-%dT%H:%M:%S}", "UTC")
    instants = instants_of(local, place)
    if not instants:
        problems.append(
            "at: this local time does not exist in the zone: its clocks skip it; write a time after the skip"
        )
    if len(instants) == 2:
        ways = " or ".join(_offset(local, it) for it in instants)
        problems.append(
            f"at: this local time comes twice in the zone: its clocks go back; add the offset that you mean, {ways}"
        )
    if len(instants) != 1:
        return None
    return LocalTime(instants[0].timestamp(), f"{local:%Y-%m-%dT%H:%M:%S}", str(zone))


def instants_of(local: datetime, place: tzinfo) -> list[datetime]:
    """The instants, in UTC and in order, at which the clocks of a zone show a time: none where they skip it, two where
    they show it twice."""
    both = {local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(it for it in both if it.astimezone(place).replace(tzinfo=None, fold=0) == local)


def zone_of(name: str) -> tzinfo | None:
    """A time zone by its IANA name; None if there is none."""
    from zoneinfo import ZoneInfo

    if len(name) > _LONGEST_ZONE or not re.fullmatch(_ZONE, name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # OSError: the name of a folder of zones.
        pass
    # Lambda's images on Amazon Linux 2023 may have no time zone data; dateutil, which botocore needs, has its own.
    # https://github.com/aws/aws-lambda-dotnet/issues/1620
    try:
        from dateutil.zoneinfo import get_zonefile_instance
    except ImportError:
        return None
    return get_zonefile_instance().get(name)


def _datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _offset(local: datetime, instant: datetime) -> str:
    """The offset from UTC of a local time at an instant: +01:00."""
    minutes = (local - instant.replace(tzinfo=None)) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
