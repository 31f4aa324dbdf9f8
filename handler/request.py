"""A launch event → a LaunchRequest, or everything that is wrong with it. Pure: no AWS call is made here.

IAM has no condition key for a task's command, environment, image, network or count, so what a caller may change of
them is decided here alone. No value of the event is repeated in what is said of it: it may be a secret.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from . import fargate
from .event import KEYS
from .settings import Settings

VERSION: Final = "1"
LARGEST_EVENT: Final = 1024 * 1024
"""Bytes of an event's JSON: what SQS, EventBridge and an asynchronous invocation carry at most."""
DEEPEST_EVENT: Final = 64
"""Objects and lists within one another."""
PROBLEMS_TOLD: Final = 20

MOST_DELIVERIES: Final = 99
NAMES_TOLD: Final = 10

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TAG: Final = re.compile(r"[\w .:/=+@-]*")


class Rejected(Exception):
    """The event asks for something that this launcher does not do. Nothing was launched; a retry will not help."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - PROBLEMS_TOLD
        self.problems = problems[:PROBLEMS_TOLD] + ([f"and {more} problems more"] if more > 0 else [])
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class LaunchRequest:
    """What to launch, within what the component declared."""

    key: str
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
    """Where the payload has to be put before the launch, and its JSON; None when it travels in the call itself."""
    delivery: int = 1
    """The how-manieth delivery of this event it is; some triggers deliver again what could not be launched."""
    origin: str = ""
    """Of a retry: what `startedBy` says of the launch that it goes back to."""
    attempt: int = 0
    """Of a retry: the how-manieth it is."""


def parse(event: object, settings: Settings, *, key: str, delivery: int = 1) -> LaunchRequest:
    """The request that an event makes. `key` is the idempotency key of an event that brings none.

    Raises Rejected with every problem at once.
    """
    if not isinstance(event, dict):
        raise Rejected([f"event: a JSON object is expected, not {_kind(event)}"])
    given = cast("dict[str, Any]", event)
    _bounded(given)
    if "retryOf" in given:
        return _retry(given, settings, delivery)
    problems: list[str] = []
    for name in given:
        if name not in KEYS:
            problems.append(f"{_shown(name)}: unknown; a launch event knows {', '.join(KEYS)}")
    if given.get("version", VERSION) != VERSION:
        problems.append(f"version: only {VERSION!r} is understood")
    cpu, memory = _size(given, settings, problems)
    storage = _storage(given, settings, problems)
    dry_run = given.get("dryRun", False)
    if not isinstance(dry_run, bool):
        problems.append(f"dryRun: true or false is expected, not {_kind(dry_run)}")
    key = _key(given.get("idempotencyKey", key), problems)
    again = _delivery("delivery", given.get("delivery", 1), problems)
    count = _count(given.get("count", 1), settings, problems)
    tags = _tags(given.get("tags", {}), settings, problems)
    capacity = _capacity(given.get("capacity", settings.capacity), settings, problems)
    task_role = _task_role(given["role"], settings, problems) if "role" in given else ""
    command = _command(given["command"], settings, problems) if "command" in given else None
    environment = _environment(given.get("environment", {}), settings, problems)
    payload = _payload(given["payload"], settings, problems) if "payload" in given else None

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
        delivery=max(delivery, again),
    )


def _retry(given: dict[str, Any], settings: Settings, delivery: int) -> LaunchRequest:
    """The launch of a task again, as the supervisor asks for it, and whoever starts a retry by hand.

    The supervisor retries a task once, a person once for each `key`. What the task was launched with is turned back
    into a launch event and held to the same declaration, so that whoever sends it gains nothing by it.
    """
    retry = given["retryOf"]
    if len(given) > 1 or not isinstance(retry, dict):
        raise Rejected(["retryOf: an object is expected, and nothing else beside it"])
    retry = cast("dict[str, Any]", retry)
    task, origin, attempt = (retry.get(key) for key in ("task", "origin", "attempt"))
    if not (isinstance(task, str) and re.fullmatch(r"[\w-]{1,64}", task, re.ASCII)):
        raise Rejected(["retryOf.task: the id of a task is expected"])
    if not (isinstance(origin, str) and re.fullmatch(r"[0-9a-f]{32}", origin)):
        raise Rejected(["retryOf.origin: 32 hexadecimal digits are expected"])
    if not (type(attempt) is int and 1 <= attempt <= 99):
        raise Rejected(["retryOf.attempt: a whole number from 1 to 99 is expected"])
    problems: list[str] = []
    delivery = max(delivery, _delivery("retryOf.delivery", retry.get("delivery", 1), problems))
    if problems:
        raise Rejected(problems)
    again = retry.get("key", "")
    if not (isinstance(again, str) and re.fullmatch(r"[\w-]{0,64}", again, re.ASCII)):
        raise Rejected(["retryOf.key: at most 64 letters, digits, _ and - are expected"])
    try:
        event, stored = _launched_with(retry.get("overrides", {}), settings)
        tags: dict[str, Any] = dict(retry.get("tags", {}))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise Rejected(["retryOf: its overrides or tags are not what ECS describes"]) from None
    event["capacity"] = _capacity_of(str(retry.get("capacityProvider", "")), settings)
    event["tags"] = {key: tags[key] for key in sorted(settings.overrides.tags & tags.keys())}
    request = parse(event, settings, key=f"retry of {task}" + (f" for {again}" if again else ""), delivery=delivery)
    overrides, capacity = request.overrides, request.capacity
    if stored:
        containers: list[dict[str, Any]] = overrides.setdefault("containerOverrides", [{"name": settings.container}])
        containers[0].setdefault("environment", []).append({"name": "JOB_PAYLOAD_S3_URI", "value": stored})
    if retry.get("interrupted") is True and capacity == "spot_then_on_demand":
        capacity = "on_demand"
    return replace(request, overrides=overrides, capacity=capacity, origin=origin, attempt=attempt)


def _capacity_of(provider: str, settings: Settings) -> str:
    """The capacity that a task on FARGATE or FARGATE_SPOT was launched with, as far as can be told: the job's own, or
    one that its caller chose."""
    own = settings.capacity
    fitting = {"FARGATE": ("on_demand", "spot_then_on_demand"), "FARGATE_SPOT": ("spot", "spot_then_on_demand")}
    found = fitting.get(provider, (own,))
    return own if own in found else next((it for it in found if it in settings.overrides.capacity), own)


def _launched_with(overrides: dict[str, Any], settings: Settings) -> tuple[dict[str, Any], str]:
    """The launch event that leads to these overrides, and the address of the payload that was stored for it."""
    event: dict[str, Any] = {}
    for key in ("cpu", "memory"):
        if overrides.get(key):
            event[key] = int(overrides[key])
    if overrides.get("ephemeralStorage"):
        event["ephemeralStorageGiB"] = int(overrides["ephemeralStorage"]["sizeInGiB"])
    if overrides.get("taskRoleArn"):
        aliases = {arn: alias for alias, arn in settings.overrides.task_roles.items()}
        event["role"] = aliases.get(overrides["taskRoleArn"])
    environment: dict[str, str] = {}
    for container in overrides.get("containerOverrides", []):
        if container["name"] != settings.container:
            continue
        if container.get("command"):
            event["command"] = container["command"]
        environment = {str(variable["name"]): variable["value"] for variable in container.get("environment", [])}
    stored = environment.pop("JOB_PAYLOAD_S3_URI", "")
    if stored and not (settings.payload_prefix and stored.startswith(settings.payload_prefix)):
        raise ValueError(stored)
    if "JOB_PAYLOAD" in environment:
        event["payload"] = json.loads(environment.pop("JOB_PAYLOAD"))
    event["environment"] = environment
    return event, stored


def _bounded(event: dict[str, Any]) -> None:
    """Before anything else looks at it: neither too deep, nor too large, nor anything but JSON."""
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
        raise Rejected([f"event: more than {DEEPEST_EVENT} objects and lists within one another"])
    try:
        size = len(json.dumps(event, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise Rejected(["event: holds what JSON cannot: NaN, Infinity, or half a character"]) from None
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
    """RunTask's overrides with the payload in them, or with its address when they would not fit AWS's limit."""

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
                        f"launch overrides; at most {most} fit in a call to ECS; give the launcher a payload_bucket"
                    ]
                )
            # Named after its content too: the same key with another payload never changes what a job is reading.
            name = hashlib.sha256(f"{settings.job}|{key}|{payload}".encode()).hexdigest()
            stored = (f"{settings.payload_prefix}{name}.json", payload.encode())
            overrides = built({**environment, "JOB_PAYLOAD_S3_URI": stored[0]})
    size = _characters(overrides)
    if size > most:
        raise Rejected(
            [f"environment, command: the launch overrides {size} characters, at most {most} fit in a call to ECS"]
        )
    return overrides, stored


def _characters(overrides: dict[str, Any]) -> int:
    """As Java counts them, which ECS is written in: a character beyond the first 65,536 is two."""
    return len(json.dumps(overrides, separators=(",", ":"), ensure_ascii=False).encode("utf-16-le")) // 2


def _delivery(name: str, number: object, problems: list[str]) -> int:
    if type(number) is int and 1 <= number <= MOST_DELIVERIES:
        return number
    problems.append(f"{name}: a whole number from 1 to {MOST_DELIVERIES} is expected")
    return 1


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
        problems.append(f"ephemeralStorageGiB: {storage} is less than {least}, the least that can be asked for")
    return storage


def _ceiling(name: str, given: dict[str, Any], own: int, most: int, unit: str, problems: list[str]) -> int:
    """What a caller asks for, or the job's own; 0 when it may not be."""
    if name not in given:
        return own
    field = "ephemeral_storage_gib" if name == "ephemeralStorageGiB" else name
    if not most:
        problems.append(f"{name}: not declared; the job's owner allows it with overrides.{field}")
        return 0
    asked = given[name]
    if type(asked) is int and 0 < asked <= most:
        return asked
    problems.append(f"{name}: a whole number of {unit} up to {most} is expected (overrides.{field})")
    return 0


def _count(count: object, settings: Settings, problems: list[str]) -> int:
    most = settings.overrides.max_count
    if type(count) is int and 1 <= count <= most:
        return count
    problems.append(f"count: a whole number from 1 to {most} is expected (overrides.max_count)")
    return 0


def _command(command: object, settings: Settings, problems: list[str]) -> list[str] | None:
    if not settings.overrides.command:
        problems.append("command: not declared; the job's owner allows it with overrides.command")
        return None
    words = cast("list[object]", command) if isinstance(command, list) else []
    if not words or not all(isinstance(word, str) for word in words):
        problems.append("command: a list of at least one string is expected")
        return None
    if any(_UNPRINTABLE.search(word) for word in cast("list[str]", words)):
        problems.append("command: holds control characters")
    return cast("list[str]", words)


def _environment(environment: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(environment, dict):
        problems.append(f"environment: an object of names and strings is expected, not {_kind(environment)}")
        return {}
    allowed = _told(settings.overrides.environment)
    for name, value in cast("dict[str, object]", environment).items():
        path = f"environment.{_shown(name)}"
        if fargate.reserved(name):
            problems.append(f"{path}: no caller may set it; AWS, a loader or this launcher gives it its meaning")
        elif name not in settings.overrides.environment:
            problems.append(f"{path}: not declared under overrides.environment; declared: {allowed}")
        if not isinstance(value, str):
            problems.append(f"{path}: a string is expected, not {_kind(value)}")
        elif _UNPRINTABLE.search(value):
            problems.append(f"{path}: holds control characters")
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
    allowed = _told(settings.overrides.tags)
    for key, value in cast("dict[str, object]", tags).items():
        if key not in settings.overrides.tags:
            problems.append(f"tags.{_shown(key)}: not declared under overrides.tags; declared: {allowed}")
        if not isinstance(value, str) or len(value) > 256 or not _TAG.fullmatch(value) or value.startswith("aws:"):
            problems.append(
                f"tags.{_shown(key)}: a string of at most 256 letters, digits, spaces and . : / = + @ _ - is expected, "
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
    allowed = _told(roles)
    problems.append(f"role: an alias declared under overrides.task_roles is expected; declared: {allowed}")
    return ""


def _shown(name: str) -> str:
    """A key of the event, as it may stand in a message or a log line."""
    return name if re.fullmatch(r"[\w.:/-]{1,64}", name, re.ASCII) else json.dumps(name[:64])


def _told(names: Iterable[str]) -> str:
    """What is declared, in few words."""
    known = sorted(names)
    more = [f"and {len(known) - NAMES_TOLD} more"] if len(known) > NAMES_TOLD else []
    return ", ".join([*known[:NAMES_TOLD], *more]) or "none"


def _kind(value: object) -> str:
    names: dict[object, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
