"""Defines what a task does in the sandbox, where no container runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

NOT_PULLED: Final = "CannotPullContainerError: the image is not there"
"""A reason of ECS why a task never starts."""


@dataclass(frozen=True)
class Run:
    """The scripted run of one task."""

    exit_code: int | None = 0
    """Exit code of the job's container. None: the container has none, as when the task never starts."""
    seconds: float = 5.0
    """How many seconds the task runs."""
    started_minutes_ago: float = 0
    """How many minutes before its real start ECS reports that the task started: a test of a maximum runtime need not
    wait for it."""
    stop_code: str = "EssentialContainerExited"
    """ECS's stop code, such as TaskFailedToStart or SpotInterruption."""
    reason: str = "Essential container in task exited"
    """ECS's reason why the task stopped (`stoppedReason`)."""
    lines: tuple[str, ...] = ()
    """The lines that the container writes to its log. Without any, it writes one line: that no container has run."""
    container_reason: str = ""
    """ECS's reason why the container ended, such as OutOfMemoryError: Container killed due to memory usage."""

    @staticmethod
    def never_starts(reason: str = NOT_PULLED) -> Run:
        """A task that ECS cannot start, for this reason."""
        return Run(None, 0.1, stop_code="TaskFailedToStart", reason=reason)

    @staticmethod
    def out_of_memory(seconds: float = 5.0, lines: tuple[str, ...] = ()) -> Run:
        """A task whose container needs more memory than it has."""
        reason = "OutOfMemoryError: Container killed due to memory usage"
        return Run(137, seconds, lines=lines, container_reason=reason)

    @staticmethod
    def spot_interrupted(seconds: float = 5.0, lines: tuple[str, ...] = ()) -> Run:
        """A task whose capacity Spot takes back."""
        return Run(None, seconds, stop_code="SpotInterruption", reason="Your Spot Task was interrupted.", lines=lines)

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "lines": list(self.lines)}

    @staticmethod
    def of(given: Mapping[str, Any]) -> Run:
        """From plain data. Raises TypeError for a key that is not a field."""
        fields: dict[str, Any] = {**given, "lines": tuple(given.get("lines", ()))}
        return Run(**fields)
