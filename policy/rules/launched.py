"""Tasks that a resource launches, and what it says about each: its network, whether a shell can be opened in it, and
which roles and variables it overrides.

A service, a schedule, an event target and a pipe say it in properties of their own; a state machine in its states; a
schedule of ECS's API in its input; a launcher of this package in its LAUNCHER_SETTINGS. No rule is here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from fargate_job_launcher.policies.files.declared import mapping

from .actions import LAUNCHES
from .stack import UNKNOWN, Resource, Unknown, true, unmarked

TASK_DEFINITION: Final = "aws:ecs/taskDefinition:TaskDefinition"
FUNCTION: Final = "aws:lambda/function:Function"
SCHEDULE: Final = "aws:scheduler/schedule:Schedule"
EVENT_TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
SERVICE: Final = "aws:ecs/service:Service"
TASK_SET: Final = "aws:ecs/taskSet:TaskSet"
DAEMON: Final = "aws:ecs/daemon:Daemon"
STATE_MACHINE: Final = "aws:sfn/stateMachine:StateMachine"
PIPE: Final = "aws:pipes/pipe:Pipe"
_TARGETS: Final = {
    SERVICE: (),
    TASK_SET: (),
    DAEMON: (),
    SCHEDULE: ("target", "ecsParameters"),
    EVENT_TARGET: ("ecsTarget",),
    PIPE: ("targetParameters", "ecsTaskParameters"),
}
_OVERRIDES: Final = {
    SCHEDULE: ("target", "input"),
    EVENT_TARGET: ("input",),
    PIPE: ("targetParameters", "ecsTaskParameters", "overrides"),
}
"""Type → where it says what a task overrides."""
LAUNCHING: Final = (*_TARGETS, STATE_MACHINE)
"""Types that launch tasks without a launcher."""
ROLE_OF: Final = {
    SCHEDULE: ("target", "roleArn"),
    EVENT_TARGET: ("roleArn",),
    PIPE: ("roleArn",),
    STATE_MACHINE: ("roleArn",),
}
"""Type → the role as which it launches."""
_CALLS: Final = tuple(f":{it.lower()}" for it in LAUNCHES)
"""How the ARN of a call of an API names an action that launches."""
PLACED: Final = (*LAUNCHING, FUNCTION)
"""Types that give tasks a network."""
_LOWER: Final = {
    it.lower(): it
    for it in (
        *("networkConfiguration", "awsvpcConfiguration", "assignPublicIp", "subnets", "enableExecuteCommand"),
        *("overrides", "taskRoleArn", "executionRoleArn", "containerOverrides", "environment", "name", "value"),
    )
}
ROLES: Final = ("taskRoleArn", "executionRoleArn")
OVERRIDES: Final = "overrides"
_SWITCHES: Final = ("assignPublicIp", "enableExecuteCommand")
_PLAIN: Final = ("", "enabled", "disabled", "true", "false")
_PLACEHOLDER: Final = re.compile(r'"(?:[^"\\]|\\.)*"|<[^<>"]*>')
"""A text in JSON, or a value that EventBridge puts into a template."""


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
    roles: tuple[tuple[str, str], ...] = ()
    """The roles that it has instead of its task definition's: which of ROLES, and the ARN; empty if the ARN is computed
    when the task is launched. OVERRIDES stands for both where all that it overrides is computed then."""
    variables: tuple[tuple[str, str], ...] = ()
    """The variables that it sets or replaces, with their values."""
    computed: frozenset[str] = frozenset()
    """Which of `assignPublicIp` and `enableExecuteCommand` are computed when the task is launched."""

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
        given = mapping(it.get(*path)) if path else it.props
        if it.kind == SCHEDULE and str(it.get("target", "arn", default="")).lower().endswith(_CALLS):
            # A universal target: the input is the call's own.
            given = _json(it.get("target", "input")) or {}
        elif it.kind in _OVERRIDES and given:
            overrides = it.get(*_OVERRIDES[it.kind])
            if it.kind == EVENT_TARGET and overrides is None:
                overrides = _of_event(it)
            elif not isinstance(overrides, dict):
                overrides = _json(overrides)
            given = {**given, OVERRIDES: overrides}
        if given:
            yield _one("", given)


def _of_event(target: Resource) -> Any:
    """What an event target takes from the event as overrides: its template, or a text for what only the event tells.
    An event by itself has none: EventBridge decides what is at its top."""
    template = target.get("inputTransformer", "inputTemplate")
    if not isinstance(template, str):
        return target.get("inputPath")
    text = _PLACEHOLDER.sub(lambda it: it[0] if it[0].startswith('"') else json.dumps(it[0]), template)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return template


def _one(where: str, given: Any) -> Launched:
    """A task by the parameters of RunTask, or by the provider's form of them; of a state that has none, or computes
    them, what it gets is the parameters."""
    if given is None or isinstance(given, str):
        return Launched(where, False, None, exec=False, roles=((OVERRIDES, ""),), computed=frozenset(_SWITCHES))
    said = mapping(_spelt(given))
    overridden = said.get(OVERRIDES)
    overrides = mapping(overridden)
    containers = [one for one in overrides.get("containerOverrides") or [] if isinstance(one, dict)]
    variables = [v for one in containers for v in one.get("environment") or [] if isinstance(v, dict)]
    shell, outer = said.get("enableExecuteCommand"), said.get("networkConfiguration")
    network = mapping(outer).get("awsvpcConfiguration", outer)
    public, subnets = (
        UNKNOWN if network is UNKNOWN else mapping(network).get(key) for key in ("assignPublicIp", "subnets")
    )
    return Launched(
        where,
        public if public is UNKNOWN else public == "ENABLED" or true(public),
        subnets if subnets is UNKNOWN or isinstance(subnets, list) else None,
        exec=shell if shell is UNKNOWN else true(shell),
        roles=((OVERRIDES, ""),)
        if _computed(overridden)
        else tuple((it, _arn(overrides[it])) for it in ROLES if overrides.get(it)),
        variables=tuple((str(it.get("name", "")), str(it.get("value") or "")) for it in variables),
        computed=frozenset(
            it
            for it, value in zip(_SWITCHES, ((outer, network, public), (shell,)), strict=True)
            if any(map(_computed, value))
        ),
    )


def _computed(given: Any) -> bool:
    """Whether a value is computed when the task is launched: a path, an expression, or a value of the event."""
    return isinstance(given, str) and given.lower() not in _PLAIN


def _arn(given: Any) -> str:
    return given if isinstance(given, str) and given.startswith("arn:") else ""


def _states(machine: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The states that run a task, by name, with their parameters; those of branches and iterations too."""
    for name, given in mapping(machine.get("States")).items():
        state = mapping(given)
        resource = str(state.get("Resource", "")).lower()
        if any(call in resource for call in _CALLS):
            yield name, state.get("Arguments", state.get("Parameters"))
        for branch in state.get("Branches") or []:
            yield from _states(mapping(branch))
        for key in ("Iterator", "ItemProcessor"):
            yield from _states(mapping(state.get(key)))


def _spelt(value: Any) -> Any:
    """Parameters in one spelling: a state machine writes `NetworkConfiguration`, the provider not."""
    if isinstance(value, list):
        return [_spelt(it) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in cast("dict[str, Any]", value).items():
        # `TaskRoleArn.$` is a path into the state's input.
        name = _LOWER.get(key.lower().removesuffix(".$"))
        if name is not None:
            made[name] = _spelt(inner)
    return made


def _json(text: Any) -> dict[str, Any] | None:
    try:
        return mapping(unmarked(json.loads(text))) if isinstance(text, str) else None
    except json.JSONDecodeError:
        return None
