"""A retry (`retryOf`) → the launch event of the task that it retries. Pure: no AWS call is made here.

The supervisor retries a task once, an operator once for each `key`. What the task was launched with is turned back
into a launch event. request.py checks that event like any other, so that a forged retry gains its sender nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from .event import Rejected, delivery_problem
from .settings import Settings


@dataclass(frozen=True)
class Retry:
    """A retry of one task."""

    event: dict[str, Any]
    """The launch event of the task."""
    key: str
    """The idempotency key of the retry: the same for each delivery of it."""
    delivery: int
    """The number of this delivery of the retry, from 1, as its sender counts."""
    origin: str
    """The part of `startedBy` that all attempts of the first launch share: 32 hexadecimal digits."""
    attempt: int
    """The number of this retry, from 1."""
    stored_payload_uri: str
    """Address of the payload that the first launch stored in S3; empty when it stored none."""
    interrupted: bool
    """Whether AWS took the task's capacity back."""


def read_retry(given: dict[str, Any], settings: Settings) -> Retry:
    """The retry that an event with `retryOf` requests. Raises Rejected with the first problem."""
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
    delivery: Any = retry.get("delivery", 1)
    if problem := delivery_problem("retryOf.delivery", delivery):
        raise Rejected([problem])
    key = retry.get("key", "")
    if not (isinstance(key, str) and re.fullmatch(r"[\w-]{0,64}", key, re.ASCII)):
        raise Rejected(["retryOf.key: at most 64 letters, digits, _ and - are expected"])
    try:
        event, stored = _launched_with(retry.get("overrides", {}), settings)
        tags: dict[str, Any] = dict(retry.get("tags", {}))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise Rejected(["retryOf: its overrides or tags are not what ECS describes"]) from None
    event["capacity"] = _capacity_of(str(retry.get("capacityProvider", "")), settings)
    event["tags"] = {key: tags[key] for key in sorted(settings.overrides.tags & tags.keys())}
    return Retry(
        event=event,
        key=f"retry of {task}" + (f" for {key}" if key else ""),
        delivery=delivery,
        origin=origin,
        attempt=attempt,
        stored_payload_uri=stored,
        interrupted=retry.get("interrupted") is True,
    )


def _capacity_of(provider: str, settings: Settings) -> str:
    """The capacity that a task on FARGATE or FARGATE_SPOT was launched with: the job's own if it fits, otherwise the
    one that its caller must have chosen."""
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
