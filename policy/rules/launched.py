"""Tasks that a resource launches, and what it says about each: its network, and whether a shell can be opened in it.

A service, a schedule, an event target and a pipe say it in properties of their own; a state machine in its states; a
launcher of this package in its LAUNCHER_SETTINGS. No rule is here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from .functions import EVENT_TARGET, SCHEDULE
from .stack import UNKNOWN, Resource, Unknown
from .tasks import FUNCTION, true

SERVICE: Final = "aws:ecs/service:Service"
STATE_MACHINE: Final = "aws:sfn/stateMachine:StateMachine"
PIPE: Final = "aws:pipes/pipe:Pipe"
_TARGETS: Final = {
    SERVICE: (),
    SCHEDULE: ("target", "ecsParameters"),
    EVENT_TARGET: ("ecsTarget",),
    PIPE: ("targetParameters", "ecsTaskParameters"),
}
LAUNCHING: Final = (*_TARGETS, STATE_MACHINE)
"""Types that launch tasks without a launcher."""
PLACED: Final = (*LAUNCHING, FUNCTION)
"""Types that give tasks a network."""
_LOWER: Final = {
    it.lower(): it
    for it in (*("networkConfiguration", "awsvpcConfiguration", "assignPublicIp", "subnets", "enableExecuteCommand"),)
}


@dataclass(frozen=True)
class Launched:
    """A task that a resource launches."""

    where: str
    """The state of a state machine; empty where a resource launches one kind of task only."""
    public: Any
    """Whether it gets a public address; UNKNOWN if that is not known yet, as the others."""
    subnets: Any
    """Its subnets; None if nothing is said about its network, or it is computed when it runs."""
    exec: Any
    """Whether a shell can be opened in it."""

    def known(self, by: Resource, prop: str, value: Any) -> Any:
        """A value of it. Raises Unknown."""
        if value is UNKNOWN:
            raise Unknown(by.urn, prop)
        return value

    def said(self, what: str) -> str:
        """A message about it."""
        return f"state {self.where} {what}" if self.where else what


def launched(it: Resource) -> Iterator[Launched]:
    """The tasks that a resource launches. Raises Unknown."""
    if it.kind == FUNCTION:
        settings = _json(it.get("environment", "variables", "LAUNCHER_SETTINGS"))
        if settings is not None:
            yield Launched("", true(settings.get("assignPublicIp")), settings.get("subnets"), exec=False)
    elif it.kind == STATE_MACHINE:
        definition = _json(it.get("definition"))
        for name, state in _states(definition or {}):
            yield _one(name, state)
    else:
        path = _TARGETS[it.kind]
        yield _one("", _mapping(it.get(*path)) if path else it.props)


def _one(where: str, given: dict[str, Any]) -> Launched:
    """A task by the parameters of RunTask, or by the provider's form of them."""
    said = _spelt(given)
    shell, outer = said.get("enableExecuteCommand"), said.get("networkConfiguration")
    network = _mapping(outer).get("awsvpcConfiguration", outer)
    public, subnets = (
        UNKNOWN if network is UNKNOWN else _mapping(network).get(key) for key in ("assignPublicIp", "subnets")
    )
    return Launched(
        where,
        public if public is UNKNOWN else public == "ENABLED" or true(public),
        subnets if subnets is UNKNOWN or isinstance(subnets, list) else None,
        exec=shell if shell is UNKNOWN else true(shell),
    )


def _states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The states that run a task, by name, with their parameters; those of branches and iterations too."""
    for name, given in _mapping(machine.get("States")).items():
        state = _mapping(given)
        resource = str(state.get("Resource", "")).lower()
        if ":ecs:runtask" in resource:
            yield name, _mapping(state.get("Arguments")) or _mapping(state.get("Parameters"))
        for branch in state.get("Branches") or []:
            yield from _states(_mapping(branch))
        for key in ("Iterator", "ItemProcessor"):
            yield from _states(_mapping(state.get(key)))


def _spelt(value: Any) -> dict[str, Any]:
    """Parameters in one spelling: a state machine writes `NetworkConfiguration`, the provider not."""
    made: dict[str, Any] = {}
    for key, inner in _mapping(value).items():
        name = _LOWER.get(key.lower())
        if name is not None:
            made[name] = _spelt(inner) if isinstance(inner, dict) else inner
    return made


def _json(text: Any) -> dict[str, Any] | None:
    try:
        return _mapping(json.loads(text)) if isinstance(text, str) else None
    except json.JSONDecodeError:
        return None


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
