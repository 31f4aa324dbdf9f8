"""What a task does in the sandbox, where no container runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """What one task does."""

    exit_code: int | None = 0
    """Of the job's container; None: it never starts."""
    seconds: float = 5.0
    """How long it runs."""
    started_minutes_ago: float = 0
    """How long it is said to have run already when it starts, so that nobody has to wait for a limit."""
    stop_code: str = "EssentialContainerExited"
    """As ECS names it: SpotInterruption, TaskFailedToStart, …"""
    reason: str = "Essential container in task exited"
    lines: tuple[str, ...] = ()
    """What it writes; where nothing is given, that no container has run."""
    container_reason: str = ""
    """What ECS says of the container, such as OutOfMemoryError: Container killed due to memory usage."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "lines": list(self.lines)}

    @staticmethod
    def of(given: Mapping[str, Any]) -> Run:
        """From plain data. Raises TypeError for what is no field of it."""
        fields: dict[str, Any] = {**given, "lines": tuple(given.get("lines", ()))}
        return Run(**fields)
