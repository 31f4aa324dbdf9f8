"""What a task does in the sandbox, where no container runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """What one task does."""

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

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "lines": list(self.lines)}

    @staticmethod
    def of(given: Mapping[str, Any]) -> Run:
        """From plain data. Raises TypeError for what is no field of it."""
        fields: dict[str, Any] = {**given, "lines": tuple(given.get("lines", ()))}
        return Run(**fields)
