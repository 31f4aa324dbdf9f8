"""A launch event → a LaunchRequest, or everything that is wrong with it. Pure: no AWS call is made here.

IAM has no condition key for a task's command, environment or count, so what a caller may change is decided here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from .settings import Settings

VERSION: Final = "1"
KEYS: Final = ("version", "idempotencyKey", "command", "environment", "count", "role")


class Rejected(Exception):
    """The event asks for something that this launcher does not do. Nothing was launched; a retry will not help."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class LaunchRequest:
    """What to launch, within what the component declared."""

    key: str
    command: tuple[str, ...] | None
    environment: dict[str, str]
    count: int
    task_role: str | None = None
    """ARN of the role for the job's code, where the caller chose one of those declared."""


def parse(event: object, settings: Settings, *, request_id: str) -> LaunchRequest:
    """The request that an event makes. `request_id` is the key of an event that brings none.

    Raises Rejected with every problem at once.
    """
    if not isinstance(event, dict):
        raise Rejected([f"event: a JSON object is expected, not {_kind(event)}"])
    given = cast("dict[str, Any]", event)
    problems = [f"{key}: unknown; a launch event knows {', '.join(KEYS)}" for key in given if key not in KEYS]
    if given.get("version", VERSION) != VERSION:
        problems.append(f"version: only {VERSION!r} is understood")
    request = LaunchRequest(
        key=_key(given.get("idempotencyKey", request_id), problems),
        command=_command(given.get("command"), settings, problems),
        environment=_environment(given.get("environment", {}), settings, problems),
        count=_count(given.get("count", 1), settings, problems),
        task_role=_task_role(given.get("role"), settings, problems),
    )
    if problems:
        raise Rejected(problems)
    return request


def _key(key: object, problems: list[str]) -> str:
    if isinstance(key, str) and 0 < len(key) <= 256:
        return key
    problems.append(f"idempotencyKey: a string of 1 to 256 characters is expected, not {_kind(key)}")
    return ""


def _command(command: object, settings: Settings, problems: list[str]) -> tuple[str, ...] | None:
    if command is None:
        return None
    if not settings.overrides.command:
        problems.append(
            f"command: {settings.job} does not let callers change it; declare overrides.command to allow it"
        )
    words = cast("list[object]", command) if isinstance(command, list) else []
    if words and all(isinstance(word, str) for word in words):
        return tuple(cast("list[str]", words))
    problems.append("command: a list of at least one string is expected")
    return None


def _environment(environment: object, settings: Settings, problems: list[str]) -> dict[str, str]:
    if not isinstance(environment, dict):
        problems.append(f"environment: an object of names and strings is expected, not {_kind(environment)}")
        return {}
    allowed = ", ".join(sorted(settings.overrides.environment)) or "none"
    for name, value in cast("dict[str, object]", environment).items():
        if name not in settings.overrides.environment:
            problems.append(f"environment.{name}: not declared under overrides.environment; declared: {allowed}")
        if not isinstance(value, str):
            problems.append(f"environment.{name}: a string is expected, not {_kind(value)}")
    return cast("dict[str, str]", environment)


def _count(count: object, settings: Settings, problems: list[str]) -> int:
    most = settings.overrides.max_count
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= most:
        return count
    problems.append(f"count: a whole number from 1 to {most} is expected (overrides.max_count)")
    return 0


def _task_role(alias: object, settings: Settings, problems: list[str]) -> str | None:
    if alias is None:
        return None
    roles = settings.overrides.task_roles
    if isinstance(alias, str) and alias in roles:
        return roles[alias]
    allowed = ", ".join(sorted(roles)) or "none"
    problems.append(f"role: an alias declared under overrides.task_roles is expected; declared: {allowed}")
    return None


def _kind(value: object) -> str:
    names: dict[object, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
