"""Each field of a launch event: its value, or what is wrong with it, within what the component declared. Pure.

No message repeats a value of the event, which may be a secret, nor a name that is not declared, into which a caller may
have put one. request.py puts the fields together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from . import fargate
from .event import PROBLEMS_SHOWN
from .settings import Settings

if TYPE_CHECKING:
    from .local_time import LocalTime

NAMES_SHOWN: Final = 10
"""How many declared names a message lists."""

# Not compiled here, as in answers.py.
_UNPRINTABLE: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
_TAG: Final = r"[\w .:/=+@-]*"


@dataclass(frozen=True)
class Array:
    """The array that an event requests."""

    size: int
    parallelism: int
    max_failed: int | None


def text(name: str, given: dict[str, Any], longest: int, problems: list[str]) -> str:
    text: Any = given.get(name, "")
    if isinstance(text, str) and (name not in given or 0 < len(text) <= longest) and text.isprintable():
        return text
    problems.append(f"{name}: a text of 1 to {longest} printable characters is expected")
    return ""


def at(given: dict[str, Any], settings: Settings, problems: list[str]) -> LocalTime | None:
    if not settings.overrides.at or settings.scheduling is None:
        problems.append("at, zone: not declared; the job's owner allows them with overrides.at")
        return None
    if "at" not in given:
        problems.append("zone: is the time zone of at, which is missing")
        return None
    # Imported here: few launches are scheduled, and every import makes a cold start longer.
    from . import local_time

    return local_time.read(given["at"], given.get("zone", "UTC"), problems)


def key(key: object, problems: list[str]) -> str:
    if isinstance(key, str) and 0 < len(key) <= 256 and key.isprintable():
        return key
    problems.append("idempotencyKey: a string of 1 to 256 printable characters is expected")
    return ""


def size(given: dict[str, Any], settings: Settings, problems: list[str]) -> tuple[int, int]:
    cpu = _ceiling("cpu", given, settings.cpu, settings.overrides.cpu, "CPU units", problems)
    memory = _ceiling("memory", given, settings.memory, settings.overrides.memory, "MiB", problems)
    if cpu and memory and ("cpu" in given or "memory" in given):
        problem = fargate.size_problem(cpu, memory)
        problems += [problem] if problem else []
    return cpu, memory


def storage(given: dict[str, Any], settings: Settings, problems: list[str]) -> int:
    own, most = settings.ephemeral_storage_gib, settings.overrides.ephemeral_storage_gib
    storage = _ceiling("ephemeralStorageGiB", given, own, most, "GiB", problems)
    least = fargate.EPHEMERAL_STORAGE_RANGE_GIB[0]
    if "ephemeralStorageGiB" in given and 0 < storage < least:
        problems.append(f"ephemeralStorageGiB: {storage} is less than {least}, the smallest size")
    return storage


def _ceiling(name: str, given: dict[str, Any], own: int, most: int, unit: str, problems: list[str]) -> int:
    """The number that the event requests, or the job's own; 0 when it is not allowed."""
    if name not in given:
        return own
    field = "ephemeral_storage_gib" if name == "ephemeralStorageGiB" else name
    if not most:
        problems.append(f"{name}: not declared; the job's owner allows it with overrides.{field}")
        return 0
    requested = given[name]
    if type(requested) is int and 0 < requested <= most:
        return requested
    problems.append(f"{name}: a whole number of {unit} up to {most} is expected (overrides.{field})")
    return 0


def count(count: object, settings: Settings, problems: list[str]) -> int:
    most = settings.overrides.max_count
    if type(count) is int and 1 <= count <= most:
        return count
    if most == 1:
        problems.append("count: not declared; the job's owner allows it with overrides.max_count")
    else:
        problems.append(f"count: a whole number from 1 to {most} is expected (overrides.max_count)")
    return 0


def array(given: dict[str, Any], settings: Settings, problems: list[str]) -> Array | None:
    most, widest = settings.overrides.array_size, settings.overrides.array_parallelism
    if not most:
        problems.append("array: not declared; the job's owner allows it with overrides.array")
        return None
    if "count" in given:
        problems.append(
            "array, count: an event has one of them; `array` is for parts of a job, `count` for equal tasks"
        )
    array = given["array"]
    if not isinstance(array, dict):
        problems.append(f"array: an object with size is expected, not {kind(array)}")
        return None
    asked, before = cast("dict[str, Any]", array), len(problems)
    problems += unknown("array", asked, _ARRAY, "unknown", f"an array has {', '.join(_ARRAY)}")
    limits = {"size": (1, most, "max_size"), "parallelism": (1, widest, "max_parallelism")}
    for name, (least, largest, limit) in limits.items():
        number = asked.get(name, largest if name == "parallelism" else None)
        if type(number) is not int or not least <= number <= largest:
            bound = f"a whole number from {least} to {largest} is expected (overrides.array.{limit})"
            problems.append(f"array.{name}: {bound}")
    max_failed = asked.get("maxFailed")
    if "maxFailed" in asked and (type(max_failed) is not int or not 0 <= max_failed <= most):
        problems.append(f"array.maxFailed: a whole number from 0 to {most} is expected")
    if len(problems) > before:
        return None
    return Array(asked["size"], min(asked["size"], asked.get("parallelism", widest)), max_failed)


_ARRAY: Final = ("size", "parallelism", "maxFailed")


def command(command: object, settings: Settings, problems: list[str]) -> list[str] | None:
    if not settings.overrides.command:
        problems.append("command: not declared; the job's owner allows it with overrides.command")
        return None
    words = cast("list[object]", command) if isinstance(command, list) else []
    if not words or not all(isinstance(word, str) for word in words):
        problems.append("command: a list of at least one string is expected")
        return None
    if any(re.search(_UNPRINTABLE, word) for word in cast("list[str]", words)):
        problems.append("command: holds control characters")
    return cast("list[str]", words)


def environment(environment: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(environment, dict):
        problems.append(f"environment: an object of names and strings is expected, not {kind(environment)}")
        return {}
    given, declared = cast("dict[str, object]", environment), settings.overrides.environment
    taken = {name for name in given if fargate.reserved(name)}
    allowed = f"declared: {_listed(declared)}"
    problems += unknown("environment", given, declared - taken, "not declared under overrides.environment", allowed)
    if taken:
        places = _places(given, taken)
        problems.append(f"environment: {places}: no caller may set such a name: AWS, a loader or the launcher uses it")
    for name in (it for it in given if it in declared):
        value = given[name]
        if not isinstance(value, str):
            problems.append(f"environment.{name}: a string is expected, not {kind(value)}")
        elif re.search(_UNPRINTABLE, value):
            problems.append(f"environment.{name}: holds control characters")
    return cast("dict[str, str]", environment)


def payload(payload: object, settings: Settings, problems: list[str]) -> str:
    if not settings.overrides.payload:
        problems.append("payload: not declared; the job's owner allows it with overrides.payload")
        return ""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def tags(tags: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(tags, dict):
        problems.append(f"tags: an object of keys and strings is expected, not {kind(tags)}")
        return {}
    given, declared = cast("dict[str, object]", tags), settings.overrides.tags
    allowed = f"declared: {_listed(declared)}"
    problems += unknown("tags", given, declared, "not declared under overrides.tags", allowed)
    for key in (it for it in given if it in declared):
        value = given[key]
        if not isinstance(value, str) or len(value) > 256 or not re.fullmatch(_TAG, value) or value.startswith("aws:"):
            problems.append(
                f"tags.{key}: a string of at most 256 letters, digits, spaces and . : / = + @ _ - is expected, "
                "which does not begin with aws:"
            )
    return cast("dict[str, str]", tags)


def capacity(capacity: object, settings: Settings, problems: list[str]) -> str:
    allowed = settings.overrides.capacity | {settings.capacity}
    if isinstance(capacity, str) and capacity in allowed:
        return capacity
    problems.append(f"capacity: one of {', '.join(sorted(allowed))} is expected (overrides.capacity)")
    return ""


def task_role(alias: object, settings: Settings, problems: list[str]) -> str:
    roles = settings.overrides.task_roles
    if isinstance(alias, str) and alias in roles:
        return roles[alias]
    allowed = _listed(roles)
    problems.append(f"role: an alias declared under overrides.task_roles is expected; declared: {allowed}")
    return ""


def unknown(field: str, given: Iterable[str], known: Collection[str], why: str, allowed: str) -> Iterator[str]:
    """A problem for the names in an object of the event that are not known. A name is repeated only where it is a slip
    of a known one: any other may carry a value."""
    from difflib import get_close_matches

    others, looked, path = list[str](), 0, "" if field == "event" else f"{field}."
    for name in given:
        if name in known or (field == "environment" and fargate.reserved(name)):
            continue
        # Of a great many names, only the first can be slips: to compare them all would take minutes.
        looked += 1
        sought = looked <= PROBLEMS_SHOWN and name.isprintable()
        meant = get_close_matches(name, known, n=1, cutoff=_ALIKE) if sought else []
        if meant and len(name) <= len(meant[0]) + _MORE:
            yield f"{path}{name}: {why}; did you mean `{meant[0]}`? {allowed[0].upper()}{allowed[1:]}"
        else:
            others.append(name)
    if others:
        yield f"{field}: {_places(given, set(others))}: {why}; {allowed}"


_ALIKE: Final = 0.8
"""How alike two names are, of 1, of which one is a slip of the other."""
_MORE: Final = 2
"""The most characters by which a slip is longer than the name that is meant."""
_PLACES_SHOWN: Final = 5


def _places(names: Iterable[str], meant: Collection[str]) -> str:
    """Where these are among the names of an object: `name 2`, `names 1, 3 and 4 of 6`."""
    every = list(names)
    found = [str(place) for place, name in enumerate(every, 1) if name in meant]
    shown = (
        found
        if len(found) <= _PLACES_SHOWN
        else [*found[: _PLACES_SHOWN - 1], f"{len(found) - _PLACES_SHOWN + 1} more"]
    )
    of = f" of {len(every)}"
    return f"name {shown[0]}{of}" if len(shown) == 1 else f"names {', '.join(shown[:-1])} and {shown[-1]}{of}"


def _listed(names: Iterable[str]) -> str:
    """The declared names, at most NAMES_SHOWN of them."""
    known = sorted(names)
    more = [f"and {len(known) - NAMES_SHOWN} more"] if len(known) > NAMES_SHOWN else []
    return ", ".join([*known[:NAMES_SHOWN], *more]) or "none"


def kind(value: object) -> str:
    names: dict[object, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
