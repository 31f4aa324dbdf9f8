"""Plain text in a job's arguments that looks like a secret. Pure, except `checked_environment`, which waits for values
that only a deployment knows.

plain_secrets.py knows what a secret looks like. No message holds a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

import pulumi
from pulumi.output import Unknown

from . import shapes
from .kinds import json_object
from .plain_secrets import secret_variable, secrets_of
from .scheduled import schedules_of


def plain_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Each text of a job and its sidecars that looks like a secret and is not named under `not_secret`."""
    yield from _container_problems("", given)
    for number, it in enumerate(given.get("sidecars", [])):
        yield from _container_problems(f"sidecars[{number}].", it)
    for path, schedule in schedules_of(given):
        yield from _event_problems(f"{path}.event", schedule.get("event", "{}"), given.get("not_secret", []))


def _event_problems(at: str, event: str, fine: Collection[str]) -> Iterator[str]:
    """A schedule's event reaches the container as variables or as a part of its payload."""
    for path, name, text in texts(at, json_object(event)):
        looks = None if name in fine else secret_variable(name, text)
        if looks is not None:
            yield message(path, looks, name, "")


def _container_problems(path: str, container: Mapping[str, Any]) -> Iterator[str]:
    words: dict[str, Any] = {key: container.get(key, []) for key in ("command", "entry_point")}
    words["health_check"] = container.get("health_check", {}).get("command", [])
    for it in secrets_of(container.get("environment", {}).items(), words, container.get("not_secret", [])):
        part = "health_check.command" if it.part == "health_check" else it.part
        at = f".{it.at}" if isinstance(it.at, str) else f"[{it.at}]"
        yield message(f"{path}{part}{at}", it.looks, it.name, path)


def message(path: str, looks: str, name: str, container: str) -> str:
    """The problem with such a text at a path, in this container's arguments."""
    return (
        f"{path}: looks like a secret in plain text (not shown): it {looks}; put the value into Secrets Manager or an "
        f"SSM parameter and name that under {container}secrets; if it is not a secret, name {name!r} under "
        f"{container}not_secret"
    )


def texts(path: str, value: Any, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, name and text of each string inside a value; a string in a list has the list's name."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from texts(f"{path}.{key}", inner, key)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from texts(f"{path}[{number}]", inner, name)


def checked_environment(component: str, path: str, container: Mapping[str, Any]) -> dict[str, pulumi.Input[str]]:
    """The environment of a container. An output in it raises pulumi.RunError, once it is known, if it is a Pulumi
    secret or looks like a secret."""
    fine: Any = container.get("not_secret", [])

    def seen(name: str, value: pulumi.Input[str]) -> pulumi.Input[str]:
        if isinstance(value, str | Unknown) or name in fine:
            return value
        output = pulumi.Output.from_input(value)

        def refuse(looks: str | None) -> None:
            at = f"{path}environment.{name}"
            shapes.refuse("FargateJobLauncher", component, [] if looks is None else [message(at, looks, name, path)])

        # A preview already knows this, but perhaps not the value.
        secret = pulumi.Output.from_input(output.is_secret()).apply(
            lambda it: refuse("is a Pulumi secret, which the task definition would show" if it else None)
        )
        text = output.apply(lambda it: refuse(secret_variable(name, it)) or it)
        return pulumi.Output.all(secret, text).apply(lambda it: cast("str", it[1]))

    return {name: seen(name, value) for name, value in container.get("environment", {}).items()}
