"""A launch event → a LaunchRequest, or everything that is wrong with it. Pure: no AWS call is made here.

IAM has no condition key for a task's command, environment, image, network or count: only this module and fields.py
decide what a caller may change of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from . import fargate, fields
from .event import KEYS, Rejected
from .fields import Array
from .settings import Settings

if TYPE_CHECKING:
    from .local_time import LocalTime

VERSION: Final = "1"
LARGEST_EVENT: Final = 1024 * 1024
"""The most bytes of an event's JSON: as many as SQS, EventBridge and an asynchronous invocation carry."""
DEEPEST_EVENT: Final = 64
"""The most levels of nested objects and lists."""


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
        raise Rejected([f"event: a JSON object is expected, not {fields.kind(event)}"])
    given = cast("dict[str, Any]", event)
    _bounded(given)
    problems: list[str] = []
    problems += fields.unknown("event", given, KEYS, "unknown", f"a launch event has {', '.join(KEYS)}")
    if given.get("version", VERSION) != VERSION:
        problems.append(f"version: {VERSION!r} is the only version")
    cpu, memory = fields.size(given, settings, problems)
    storage = fields.storage(given, settings, problems)
    dry_run = given.get("dryRun", False)
    if not isinstance(dry_run, bool):
        problems.append(f"dryRun: true or false is expected, not {fields.kind(dry_run)}")
    key = fields.key(given.get("idempotencyKey", key), problems)
    requested_by = fields.text("requestedBy", given, 256, problems)
    task_token = fields.text("taskToken", given, 2048, problems)
    if "taskToken" in given and not settings.callbacks:
        problems.append("taskToken: not declared; the job's owner allows it with callbacks")
    array = fields.array(given, settings, problems) if "array" in given else None
    count = array.size if array else fields.count(given.get("count", 1), settings, problems)
    tags = fields.tags(given.get("tags", {}), settings, problems)
    capacity = fields.capacity(given.get("capacity", settings.capacity), settings, problems)
    task_role = fields.task_role(given["role"], settings, problems) if "role" in given else ""
    command = fields.command(given["command"], settings, problems) if "command" in given else None
    environment = fields.environment(given.get("environment", {}), settings, problems)
    payload = fields.payload(given["payload"], settings, problems) if "payload" in given else None

    at = fields.at(given, settings, problems) if given.keys() & {"at", "zone"} else None
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


def require_depth(event: dict[str, Any]) -> None:
    """Raises Rejected for an event that is nested too deeply: what reads or writes it may call itself for each
    level."""
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


def _bounded(event: dict[str, Any]) -> None:
    """Checks depth, size and JSON of an event before anything else reads it. Raises Rejected."""
    require_depth(event)
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
