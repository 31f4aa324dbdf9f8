"""A launch event → a LaunchRequest, or everything that is wrong with it. Pure: no AWS call is made here.

IAM has no condition key for a task's command, environment, image, network or count: only this module decides what a
caller may change of them. No message repeats a value of the event, which may be a secret, nor a name that is not
declared, into which a caller may have put one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from . import fargate
from .event import KEYS, PROBLEMS_SHOWN, Rejected
from .settings import Settings

if TYPE_CHECKING:
    from .local_time import LocalTime

VERSION: Final = "1"
LARGEST_EVENT: Final = 1024 * 1024
"""The most bytes of an event's JSON: as many as SQS, EventBridge and an asynchronous invocation carry."""
DEEPEST_EVENT: Final = 64
"""The most levels of nested objects and lists."""
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


@dataclass(frozen=True, eq=False, repr=False)
class LaunchRequest:
    """What to launch, within what the component declared."""

    key: str
    run: str
    """Id of the run: 32 hexadecimal digits."""
    count: int
    overrides: dict[str, Any]
    """RunTask's `overrides`, whole."""
    capacity: str
    tags: dict[str, str]
    dry_run: bool
    cpu: int
    """CPU units of each task."""
    memory: int
    """MiB of each task."""
    ephemeral_storage_gib: int
    task_role: str
    """ARN of the role that the job's code will have."""
    stored_payload: tuple[str, bytes] | None
    """S3 address at which the payload is stored before the launch, and its JSON; None when the call itself has it."""
    asked: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the event asks for, without values that equal the job's own and without a stored payload: two events with
    the same `asked` and the same payload request the same."""
    requested_by: str = ""
    """Who asks, as the caller says; empty if it says nothing."""
    task_token: str = ""
    """The task token of a Step Functions execution that waits for the run's end; empty without one."""
    array: Array | None = None
    """The array; None for tasks that are all alike. `count` is its size then."""
    at: LocalTime | None = None
    """When to launch; None for now. Then `run` is the one that the delivery by Scheduler makes."""

    def for_index(self, index: int) -> LaunchRequest:
        """The request of one task of the array: its `overrides` with the index."""
        (container,) = self.overrides["containerOverrides"]
        variables = [{**it, "value": _of_index(it["name"], it["value"], index)} for it in container["environment"]]
        return replace(
            self, overrides={**self.overrides, "containerOverrides": [{**container, "environment": variables}]}
        )


def parse(event: object, settings: Settings, *, key: str, namespace: str = "call", run: str = "") -> LaunchRequest:
    """The request of an event. `key` is the idempotency key for an event that has no key of its own, `namespace` the
    kind of trigger whose keys it is one of; `run` is the id of a run that has begun.

    Raises Rejected with every problem at once.
    """
    if not isinstance(event, dict):
        raise Rejected([f"event: a JSON object is expected, not {_kind(event)}"])
    given = cast("dict[str, Any]", event)
    _bounded(given)
    problems: list[str] = []
    problems += _unknown("event", given, KEYS, "unknown", f"a launch event has {', '.join(KEYS)}")
    if given.get("version", VERSION) != VERSION:
        problems.append(f"version: {VERSION!r} is the only version")
    cpu, memory = _size(given, settings, problems)
    storage = _storage(given, settings, problems)
    dry_run = given.get("dryRun", False)
    if not isinstance(dry_run, bool):
        problems.append(f"dryRun: true or false is expected, not {_kind(dry_run)}")
    key = _key(given.get("idempotencyKey", key), problems)
    requested_by = _text("requestedBy", given, 256, problems)
    task_token = _text("taskToken", given, 2048, problems)
    if "taskToken" in given and not settings.callbacks:
        problems.append("taskToken: not declared; the job's owner allows it with callbacks")
    array = _array(given, settings, problems) if "array" in given else None
    count = array.size if array else _count(given.get("count", 1), settings, problems)
    tags = _tags(given.get("tags", {}), settings, problems)
    capacity = _capacity(given.get("capacity", settings.capacity), settings, problems)
    task_role = _task_role(given["role"], settings, problems) if "role" in given else ""
    command = _command(given["command"], settings, problems) if "command" in given else None
    environment = _environment(given.get("environment", {}), settings, problems)
    payload = _payload(given["payload"], settings, problems) if "payload" in given else None

    at = _at(given, settings, problems) if given.keys() & {"at", "zone"} else None
    run = run or run_id(settings.family, "schedule" if at else namespace, key)
    if settings.result_prefix:
        environment = {**environment, "JOB_RESULT_S3_URI": f"{settings.result_prefix}{run}"}
    if array:
        # The last index: `for_index` puts each one's own in its place, which is no longer.
        environment = {**environment, "JOB_INDEX": str(array.size - 1), "JOB_COUNT": str(array.size)}
        if settings.result_prefix:
            environment["JOB_RESULT_S3_URI"] += f"/{array.size - 1}"
    task: dict[str, Any] = {}
    if "cpu" in given:
        task["cpu"] = str(cpu)
    if "memory" in given:
        task["memory"] = str(memory)
    if "ephemeralStorageGiB" in given:
        task["ephemeralStorage"] = {"sizeInGiB": storage}
    if task_role:
        task["taskRoleArn"] = task_role
    try:
        overrides, stored = _overrides(task, command, environment, payload, settings, key)
    except Rejected as too_large:
        raise Rejected([*problems, *too_large.problems]) from None
    if problems:
        raise Rejected(problems)
    return LaunchRequest(
        key=key,
        run=run,
        count=count,
        overrides=overrides,
        capacity=capacity,
        tags=tags,
        dry_run=dry_run,
        cpu=cpu,
        memory=memory,
        ephemeral_storage_gib=storage,
        task_role=task_role or settings.task_role,
        stored_payload=stored,
        asked={name: value for name, value in asked_of(given).items() if not (name == "payload" and stored)},
        requested_by=requested_by,
        task_token=task_token,
        array=array,
        at=at,
    )


_NOT_ASKED: Final = frozenset({"version", "idempotencyKey", "requestedBy", "taskToken", "dryRun", "at", "zone"})
_AS_DEFINED: Final[dict[str, Any]] = {"count": 1, "environment": {}, "tags": {}}


def asked_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What an event asks for, without values that equal the job's own: what two events with one key have in common."""
    return {name: it for name, it in event.items() if name not in _NOT_ASKED and it != _AS_DEFINED.get(name)}


def run_id(family_arn: str, namespace: str, key: str) -> str:
    """The id of the run of an idempotency key. Keys of two namespaces never meet."""
    return hashlib.sha256(f"{family_arn}|{namespace}|{key}".encode()).hexdigest()[:32]


def recorded(run: dict[str, Any], settings: Settings) -> LaunchRequest:
    """The request of a run, from its item. Raises Rejected if the job does not allow it any more."""
    asked: dict[str, Any] = json.loads(run["request"])
    request = parse(asked, settings, key=run["key"], run=run["run"])
    if "payload" not in run:
        return request
    containers: list[dict[str, Any]] = request.overrides.setdefault(
        "containerOverrides", [{"name": settings.container}]
    )
    variables: list[dict[str, str]] = containers[0].setdefault("environment", [])
    variables.append({"name": "JOB_PAYLOAD_S3_URI", "value": run["payload"]["uri"]})
    variables.sort(key=lambda it: it["name"])
    return request


def _of_index(name: str, value: str, index: int) -> str:
    """The value of a variable for one index. These names are the launcher's own: no caller may set them."""
    if name == "JOB_RESULT_S3_URI":
        return f"{value.rpartition('/')[0]}/{index}"
    return str(index) if name == "JOB_INDEX" else value


def _text(name: str, given: dict[str, Any], longest: int, problems: list[str]) -> str:
    text: Any = given.get(name, "")
    if isinstance(text, str) and (name not in given or 0 < len(text) <= longest) and text.isprintable():
        return text
    problems.append(f"{name}: a text of 1 to {longest} printable characters is expected")
    return ""


def _at(given: dict[str, Any], settings: Settings, problems: list[str]) -> LocalTime | None:
    if not settings.overrides.at or settings.scheduling is None:
        problems.append("at, zone: not declared; the job's owner allows them with overrides.at")
        return None
    if "at" not in given:
        problems.append("zone: is the time zone of at, which is missing")
        return None
    # Imported here: few launches are scheduled, and every import makes a cold start longer.
    from . import local_time

    return local_time.read(given["at"], given.get("zone", "UTC"), problems)


def _bounded(event: dict[str, Any]) -> None:
    """Checks depth, size and JSON of an event before anything else reads it. Raises Rejected."""
    level: list[Any] = [event]
    for _ in range(DEEPEST_EVENT):
        level = [
            inner
            for outer in level
            for inner in cast("list[Any]", list(outer.values()) if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            break
    else:
        raise Rejected([f"event: more than {DEEPEST_EVENT} levels of objects and lists"])
    try:
        size = len(json.dumps(event, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise Rejected(
            ["event: has a value that JSON does not have: NaN, Infinity, or half a surrogate pair"]
        ) from None
    if size > LARGEST_EVENT:
        raise Rejected([f"event: {size} bytes; at most {LARGEST_EVENT}; put the data into S3 and pass its address"])


def _overrides(
    task: dict[str, Any],
    command: list[str] | None,
    environment: dict[str, str],
    payload: str | None,
    settings: Settings,
    key: str,
) -> tuple[dict[str, Any], tuple[str, bytes] | None]:
    """RunTask's overrides, with the payload in them, or with its S3 address where it exceeds AWS's limit."""

    def built(variables: dict[str, str]) -> dict[str, Any]:
        container: dict[str, Any] = {"command": command} if command is not None else {}
        if variables:
            container["environment"] = [{"name": name, "value": variables[name]} for name in sorted(variables)]
        named = {"containerOverrides": [{"name": settings.container, **container}]} if container else {}
        return {**task, **named}

    most = fargate.OVERRIDES_CHARACTERS
    if payload is None:
        overrides, stored = built(environment), None
    else:
        overrides, stored = built({**environment, "JOB_PAYLOAD": payload}), None
        if _characters(overrides) > most:
            if not settings.payload_prefix:
                raise Rejected(
                    [
                        f"payload: {len(payload)} characters, {_characters(overrides)} with everything else that this "
                        f"launch overrides; at most {most} fit into a call to ECS; give the launcher a payload_bucket"
                    ]
                )
            # The name depends on the content too: the same key with another payload does not change what a job reads.
            name = hashlib.sha256(f"{settings.job}|{key}|{payload}".encode()).hexdigest()
            stored = (f"{settings.payload_prefix}{name}.json", payload.encode())
            overrides = built({**environment, "JOB_PAYLOAD_S3_URI": stored[0]})
    size = _characters(overrides)
    if size > most:
        raise Rejected(
            [f"environment, command: the launch overrides {size} characters; at most {most} fit into a call to ECS"]
        )
    return overrides, stored


def _characters(overrides: dict[str, Any]) -> int:
    """Characters as Java counts them, in which ECS is written: one beyond the first 65,536 counts as two."""
    return len(json.dumps(overrides, separators=(",", ":"), ensure_ascii=False).encode("utf-16-le")) // 2


def _key(key: object, problems: list[str]) -> str:
    if isinstance(key, str) and 0 < len(key) <= 256 and key.isprintable():
        return key
    problems.append("idempotencyKey: a string of 1 to 256 printable characters is expected")
    return ""


def _size(given: dict[str, Any], settings: Settings, problems: list[str]) -> tuple[int, int]:
    cpu = _ceiling("cpu", given, settings.cpu, settings.overrides.cpu, "CPU units", problems)
    memory = _ceiling("memory", given, settings.memory, settings.overrides.memory, "MiB", problems)
    if cpu and memory and ("cpu" in given or "memory" in given):
        problem = fargate.size_problem(cpu, memory)
        problems += [problem] if problem else []
    return cpu, memory


def _storage(given: dict[str, Any], settings: Settings, problems: list[str]) -> int:
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


def _count(count: object, settings: Settings, problems: list[str]) -> int:
    most = settings.overrides.max_count
    if type(count) is int and 1 <= count <= most:
        return count
    problems.append(f"count: a whole number from 1 to {most} is expected (overrides.max_count)")
    return 0


def _array(given: dict[str, Any], settings: Settings, problems: list[str]) -> Array | None:
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
        problems.append(f"array: an object with size is expected, not {_kind(array)}")
        return None
    asked, before = cast("dict[str, Any]", array), len(problems)
    problems += _unknown("array", asked, _ARRAY, "unknown", f"an array has {', '.join(_ARRAY)}")
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


def _command(command: object, settings: Settings, problems: list[str]) -> list[str] | None:
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


def _environment(environment: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(environment, dict):
        problems.append(f"environment: an object of names and strings is expected, not {_kind(environment)}")
        return {}
    given, declared = cast("dict[str, object]", environment), settings.overrides.environment
    taken = {name for name in given if fargate.reserved(name)}
    allowed = f"declared: {_listed(declared)}"
    problems += _unknown("environment", given, declared - taken, "not declared under overrides.environment", allowed)
    if taken:
        places = _places(given, taken)
        problems.append(f"environment: {places}: no caller may set such a name: AWS, a loader or the launcher uses it")
    for name in (it for it in given if it in declared):
        value = given[name]
        if not isinstance(value, str):
            problems.append(f"environment.{name}: a string is expected, not {_kind(value)}")
        elif re.search(_UNPRINTABLE, value):
            problems.append(f"environment.{name}: holds control characters")
    return cast("dict[str, str]", environment)


def _payload(payload: object, settings: Settings, problems: list[str]) -> str:
    if not settings.overrides.payload:
        problems.append("payload: not declared; the job's owner allows it with overrides.payload")
        return ""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def _tags(tags: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(tags, dict):
        problems.append(f"tags: an object of keys and strings is expected, not {_kind(tags)}")
        return {}
    given, declared = cast("dict[str, object]", tags), settings.overrides.tags
    allowed = f"declared: {_listed(declared)}"
    problems += _unknown("tags", given, declared, "not declared under overrides.tags", allowed)
    for key in (it for it in given if it in declared):
        value = given[key]
        if not isinstance(value, str) or len(value) > 256 or not re.fullmatch(_TAG, value) or value.startswith("aws:"):
            problems.append(
                f"tags.{key}: a string of at most 256 letters, digits, spaces and . : / = + @ _ - is expected, "
                "which does not begin with aws:"
            )
    return cast("dict[str, str]", tags)


def _capacity(capacity: object, settings: Settings, problems: list[str]) -> str:
    allowed = settings.overrides.capacity | {settings.capacity}
    if isinstance(capacity, str) and capacity in allowed:
        return capacity
    problems.append(f"capacity: one of {', '.join(sorted(allowed))} is expected (overrides.capacity)")
    return ""


def _task_role(alias: object, settings: Settings, problems: list[str]) -> str:
    roles = settings.overrides.task_roles
    if isinstance(alias, str) and alias in roles:
        return roles[alias]
    allowed = _listed(roles)
    problems.append(f"role: an alias declared under overrides.task_roles is expected; declared: {allowed}")
    return ""


def _unknown(field: str, given: Iterable[str], known: Collection[str], why: str, allowed: str) -> Iterator[str]:
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


def _kind(value: object) -> str:
    names: dict[object, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
