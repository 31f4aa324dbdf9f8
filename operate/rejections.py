"""What a launcher rejected, with the names and values of the event, which the caller has and the launcher does not
repeat: they would reach its log. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

SHOWN: Final = frozenset(
    {"count", "cpu", "memory", "ephemeralStorageGiB", "capacity", "role", "at", "zone"}
    | {"array.size", "array.parallelism", "array.maxFailed"}
)
"""Fields whose value is said. Those of variables, tags and payloads are not."""
_PLACES: Final = re.compile(
    r"(?P<field>\w+): names? (?P<places>[\d, and]+?)(?: and (?P<more>\d+) more)? of \d+: (?P<why>.*)", re.DOTALL
)


def valued(problem: str, event: Mapping[str, Any]) -> str:
    """A problem that the launcher found in this event, naming what it is about: `count: 9: …` for `count: …`, and
    names in place of `name 1 of 2`."""
    found = _PLACES.fullmatch(problem)
    if found:
        names = list(event if found["field"] == "event" else event.get(found["field"], {}))
        some = [repr(names[int(it) - 1]) for it in re.findall(r"\d+", found["places"]) if int(it) <= len(names)]
        more = f" and {found['more']} more" if found["more"] else ""
        return f"{found['field']}: {', '.join(some)}{more}: {found['why']}" if some else problem
    field, colon, said = problem.partition(": ")
    value: Any = event
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if field not in SHOWN or not colon or not isinstance(value, int | str) or said.startswith(f"{value} "):
        return problem
    return f"{field}: {value!r}: {said}"
