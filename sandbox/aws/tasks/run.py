"""Defines what a task does in the sandbox, where no container runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """The scripted run of one task."""

    exit_code: int | None = 0
    """Of the job's container; None if the container never starts."""
    seconds: float = 5.0
    """How long it runs."""
    started_minutes_ago: float = 0
    """Minutes by which its start time is moved back, so that a test need not wait for a limit."""
    stop_code: str = "EssentialContainerExited"
    """As ECS names it: SpotInterruption, TaskFailedToStart, …"""
    reason: str = "Essential container in task exited"
    lines: tuple[str, ...] = ()
    """Its log lines; without any, one line that says that no container has run."""
    container_reason: str = ""
    """The container's `reason` in ECS, such as OutOfMemoryError: Container killed due to memory usage."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "lines": list(self.lines)}

    @staticmethod
    def of(given: Mapping[str, Any]) -> Run:
        """From plain data. Raises TypeError for a key that is not a field."""
        fields: dict[str, Any] = {**given, "lines": tuple(given.get("lines", ()))}
        return Run(**fields)
