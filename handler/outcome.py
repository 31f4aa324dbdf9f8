"""A stopped task → what became of it, in words. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from .remedy import advice, remedy

Kind = Literal["succeeded", "failed", "never_started", "interrupted", "timed_out", "stopped"]
KINDS: Final = get_args(Kind)

TIMED_OUT: Final = "fargate-job-launcher: ran longer than"
"""How the reason begins with which the reaper stops a task."""

_INTERRUPTIONS: Final = {
    "SpotInterruption": "Fargate Spot took its capacity back",
    "TerminationNotice": "AWS retired the capacity it ran on",
    "InfrastructureHealth": "AWS's infrastructure under it failed",
}
_EXIT_CODES: Final = {
    126: "its command cannot be executed",
    127: "its command was not found in the image",
    134: "it aborted",
    137: "it was killed (SIGKILL); often it did not end in time after SIGTERM, or was out of memory",
    139: "it broke off with a segmentation fault",
    143: "it was ended (SIGTERM)",
}
_ENDED_FROM_OUTSIDE: Final = frozenset({137, 143})
"""Exit codes of a container that a signal ended, as ECS does to the others when an essential one has ended."""
_GENERAL: Final = frozenset({"", "Task failed to start", "Essential container in task exited"})
"""Reasons of a stopped task that name no cause."""


@dataclass(frozen=True)
class Outcome:
    """What became of a task."""

    kind: Kind
    reason: str
    """In words."""
    exit_code: int | None
    """Of the job's container; None when it never ran to an end."""

    @property
    def remedy(self) -> str:
        """What to do about it, in a sentence; empty where nothing is wrong or only the log can tell.

        A task that never started has no log: where no cause that is known fits, it says so.
        """
        if self.kind in ("succeeded", "stopped"):
            return ""
        return advice(self.reason) if self.kind == "never_started" else remedy(self.reason)


def classify(task: Mapping[str, Any], container: str) -> Outcome:
    """The outcome of a stopped task, as ECS describes it or as its event has it.

    A task without an exit code never started or was cut off: it is never a success.
    """
    job = next((it for it in task.get("containers", []) if it.get("name") == container), None)
    code: int | None = None if job is None or job.get("exitCode") is None else int(job["exitCode"])
    stop_code, stopped = str(task.get("stopCode", "")), str(task.get("stoppedReason", ""))
    if stop_code == "UserInitiated":
        if stopped.startswith(TIMED_OUT):
            return Outcome("timed_out", stopped.removeprefix("fargate-job-launcher: "), code)
        return Outcome("stopped", f"somebody stopped it: {stopped or 'no reason given'}", code)
    if stop_code == "ServiceSchedulerInitiated":
        return Outcome("stopped", f"a service stopped it: {stopped or 'no reason given'}", code)
    if stop_code in _INTERRUPTIONS:
        return Outcome("interrupted", f"{_INTERRUPTIONS[stop_code]}: {stopped}".rstrip(": "), code)
    told = str((job or {}).get("reason", "")) or _of_another(task, container, stopped)
    if code is None and task.get("startedAt") and stop_code != "TaskFailedToStart":
        return Outcome(
            "failed", f"it was cut off, without an exit code: {told or stopped or 'ECS gives no reason'}", None
        )
    if stop_code == "TaskFailedToStart" or code is None:
        return Outcome("never_started", f"it never started: {told or stopped or 'ECS gives no reason'}", code)
    if code == 0:
        return Outcome("succeeded", "it ended with exit code 0", code)
    why = _EXIT_CODES.get(code, "")
    if told.startswith("OutOfMemory"):
        why = "it ran out of memory"
    elif told and code in _ENDED_FROM_OUTSIDE:
        why = told
    return Outcome("failed", f"it ended with exit code {code}" + (f": {why}" if why else ""), code)


def _of_another(task: Mapping[str, Any], container: str, stopped: str) -> str:
    """What another container of the task says, where the task itself says no more than that it ended: a sidecar that
    cannot be pulled, or runs out of memory, takes the job with it."""
    if stopped not in _GENERAL:
        return ""
    others = [it for it in task.get("containers", []) if it.get("name") != container and it.get("reason")]
    return f"its container {others[0]['name']}: {others[0]['reason']}" if others else ""
