"""A stopped task → its outcome, in words. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from .remedy import advice, remedy

Kind = Literal["succeeded", "failed", "never_started", "interrupted", "timed_out", "stopped"]
KINDS: Final = get_args(Kind)

OURS: Final = "fargate-job-launcher: "
"""The beginning of every reason with which the supervisor stops a task."""
TIMED_OUT: Final = f"{OURS}ran longer than"
NOT_STARTED: Final = f"{OURS}did not start within"

_INTERRUPTIONS: Final = {
    "SpotInterruption": "Fargate Spot took its capacity back",
    "TerminationNotice": "AWS retired the capacity it ran on",
    "InfrastructureHealth": "AWS's infrastructure under it failed",
}
_EXIT_CODES: Final = {
    126: "its command cannot be executed",
    127: "its command was not found in the image",
    134: "it aborted",
    137: "it was killed (SIGKILL), often because it did not end in time after SIGTERM, or because memory was short",
    139: "it crashed with a segmentation fault",
    143: "it was terminated (SIGTERM)",
}
OWN_WORDS: Final = "\n".join(
    (
        *("it ended with exit code ", "it never started: ", "it was cut off, without an exit code: ", "it was killed"),
        *("somebody stopped it: ", "a service stopped it: ", "it ran out of memory", "no reason given"),
        *("ECS gives no reason", "its container ", "ran longer than ", "did not start within ", " minutes"),
        *(*_EXIT_CODES.values(), *_INTERRUPTIONS.values()),
    )
)
"""What a reason says in this module's own words, which no caller's value is removed from."""
_ENDED_BY_SIGNAL: Final = frozenset({137, 143})
"""Exit codes of a container that a signal ended: ECS so ends the others after an essential container has ended."""
_GENERAL: Final = frozenset({"", "Task failed to start", "Essential container in task exited"})
"""Reasons of a stopped task that name no cause."""


@dataclass(frozen=True)
class Outcome:
    """How a task ended."""

    kind: Kind
    reason: str
    """In words."""
    exit_code: int | None
    """Exit code of the job's container; None if it has none, because it never started or was cut off."""

    @property
    def remedy(self) -> str:
        """The next step, in a sentence; empty if nothing is wrong, or if only the log shows the cause.

        A task that never started has no log: if no known cause fits, the sentence says so.
        """
        if self.kind in ("succeeded", "stopped"):
            return ""
        return advice(self.reason) if self.kind == "never_started" else remedy(self.reason)


def classify(task: Mapping[str, Any], container: str) -> Outcome:
    """The outcome of a stopped task, as DescribeTasks or the event of ECS has it.

    A task without an exit code never started or was cut off: it never counts as a success.
    """
    job = next((it for it in task.get("containers", []) if it.get("name") == container), None)
    code: int | None = None if job is None or job.get("exitCode") is None else int(job["exitCode"])
    stop_code, stopped = str(task.get("stopCode", "")), str(task.get("stoppedReason", ""))
    if code == 0 and stop_code != "TaskFailedToStart":
        # Also of a task that was stopped: it had done its work, or ended it in time.
        return Outcome("succeeded", "it ended with exit code 0", code)
    if stop_code == "UserInitiated":
        if stopped.startswith(TIMED_OUT):
            return Outcome("timed_out", stopped.removeprefix(OURS), code)
        if stopped.startswith(NOT_STARTED):
            return Outcome("never_started", f"it never started: it {stopped.removeprefix(OURS)}", code)
        if stopped.startswith(OURS):
            return Outcome("stopped", f"it was {stopped.removeprefix(OURS)}", code)
        return Outcome("stopped", f"somebody stopped it: {stopped or 'no reason given'}", code)
    if stop_code == "ServiceSchedulerInitiated":
        return Outcome("stopped", f"a service stopped it: {stopped or 'no reason given'}", code)
    if stop_code in _INTERRUPTIONS:
        return Outcome("interrupted", f"{_INTERRUPTIONS[stop_code]}: {stopped}".rstrip(": "), code)
    reason = str((job or {}).get("reason", "")) or _reason_of_another(task, container, stopped)
    if code is None and task.get("startedAt") and stop_code != "TaskFailedToStart":
        return Outcome(
            "failed", f"it was cut off, without an exit code: {reason or stopped or 'ECS gives no reason'}", None
        )
    if stop_code == "TaskFailedToStart" or code is None:
        return Outcome("never_started", f"it never started: {reason or stopped or 'ECS gives no reason'}", code)
    why = _EXIT_CODES.get(code, "")
    if reason.startswith("OutOfMemory"):
        why = "it ran out of memory"
    elif reason and code in _ENDED_BY_SIGNAL:
        why = reason
    return Outcome("failed", f"it ended with exit code {code}" + (f": {why}" if why else ""), code)


def _reason_of_another(task: Mapping[str, Any], container: str, stopped: str) -> str:
    """The reason of another container of the task, if the task's own reason names no cause: ECS stops the job when a
    sidecar cannot be pulled or runs out of memory."""
    if stopped not in _GENERAL:
        return ""
    others = [it for it in task.get("containers", []) if it.get("name") != container and it.get("reason")]
    return f"its container {others[0]['name']}: {others[0]['reason']}" if others else ""
