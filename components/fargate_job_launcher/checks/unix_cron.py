"""Unix's schedules in AWS's terms: five fields, `@daily`, `@every 1h`. Pure.

https://man7.org/linux/man-pages/man5/crontab.5.html
"""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EVERY: Final = re.compile(r"@every (?:(\d+)h)?(?:(\d+)m)?(?:0s)?")
"""A duration in whole minutes, as Go writes it."""


def from_unix(text: str) -> list[str]:
    """The expressions of AWS at whose times Unix's schedule fires: one, two where it names days of the month and of the
    week (Unix takes either), or none where the text is no schedule of Unix's or has no equal. The caller checks the
    values of the fields."""
    text = " ".join(text.split())
    every = _EVERY.fullmatch(text)
    if every is not None:
        return _rate(int(every[1] or 0) * 60 + int(every[2] or 0))
    fields = _NAMES.get(text, text).split(" ")
    if len(fields) != 5 or not all(re.fullmatch(r"[\w*,/-]+", it) for it in fields):
        return []
    minutes, hours, days, months, weekdays = fields
    if days != "*" != weekdays and "*" in (days[0], weekdays[0]):
        # With a step of all days, Unix's programs differ in whether both have to match.
        return []
    named = _weekdays(weekdays)
    if named is None:
        return []
    by_week = f"cron({minutes} {hours} ? {months} {named} *)"
    by_month = f"cron({minutes} {hours} {days} {months} ? *)"
    if weekdays == "*" or named == "*":
        return [by_month if weekdays == "*" else f"cron({minutes} {hours} * {months} ? *)"]
    return [by_week] if days == "*" else [by_month, by_week]


def _rate(minutes: int) -> list[str]:
    unit, number = ("hour", minutes // 60) if minutes % 60 == 0 else ("minute", minutes)
    return [f"rate({number} {unit}{'' if number == 1 else 's'})"] if minutes else []


def _weekdays(text: str) -> str | None:
    """Unix's days of the week, 0 or 7 for Sunday, by their names in AWS; None if the field is not valid.

    A range becomes a list where it crosses the end of the week or has a step, which AWS does not take here.
    """
    if text == "*":
        return text
    found: list[int] = []
    plain = list[str]()
    for part in text.upper().split(","):
        parsed = re.fullmatch(r"(\*|[A-Z]{3}|[0-7])(?:-([A-Z]{3}|[0-7]))?(?:/([1-7]))?", part)
        ends = [] if parsed is None else [_day(it) for it in parsed.group(1, 2) if it not in (None, "*")]
        if parsed is None or None in ends:
            return None
        first, last = (0, 6) if not ends else (ends[0] or 0, ends[-1] or 0)
        if parsed[2] and last < first:
            last += 7
        found += [it % 7 for it in range(first, last + 1, int(parsed[3] or 1))]
        in_order = last <= 6 and parsed[3] is None
        plain.append("-".join(_DAYS[it] for it in dict.fromkeys((first, last))) if in_order else "")
    if len(set(found)) == 7:
        return "*"
    return ",".join(plain) if all(plain) else ",".join(_DAYS[it] for it in sorted(set(found)))


def _day(text: str | None) -> int | None:
    if text is None or text.isdigit():
        return None if text is None else int(text)
    return _DAYS.index(text) if text in _DAYS else None
