"""Remembers which state machine gave out a task token: on AWS the token is for that state machine alone, and IAM
authorizes an answer to it on that state machine. The emulator does not keep it.

A token of an activity is not remembered; the launcher answers to state machines only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from ministack.services import stepfunctions

# Internals of the emulator, which has no public interface for this; its version is pinned.
_states: Any = stepfunctions

_GIVEN: Final[dict[str, str]] = {}
_WALKING: Final = threading.local()
"""A state machine walks through its states in one thread."""


def install() -> None:
    """Make the emulator remember it."""
    _states._execute_task = _in_machine(_states._execute_task)
    _states._invoke_with_callback = _remembered(_states._invoke_with_callback)


def state_machine(token: str) -> str:
    """ARN of the state machine that gave out this token; empty if none did."""
    return _GIVEN.get(token, "")


def _in_machine(execute: Callable[..., Any]) -> Callable[..., Any]:
    def executed(state: Any, given: Any, execution: Any, context: dict[str, Any]) -> Any:
        _WALKING.machine = context.get("StateMachine", {}).get("Id", "")
        return execute(state, given, execution, context)

    return executed


def _remembered(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def invoked(resource: str, given: Any, token: str, state: Any) -> Any:
        _GIVEN[token] = _WALKING.machine
        return invoke(resource, given, token, state)

    return invoked
