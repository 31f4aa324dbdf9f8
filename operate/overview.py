"""Every job in a line: its last run, what runs now, and its next time. Several jobs are asked about at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from .account import Account
from .catalogue import Found, Job, find
from .errors import JobError
from .past import PastRun, history
from .scheduling import scheduled
from .task import running

AT_ONCE: Final = 8
"""How many jobs are asked about at the same time."""
Answer = TypeVar("Answer")


@dataclass
class Overview:
    """How a job stands. What the caller may not read is None, and `problems` say why."""

    found: Found
    last: PastRun | None = None
    """Its newest run; None also if it has none."""
    running: int | None = None
    """How many of its tasks run."""
    next: datetime | None = None
    """When its next schedule or its next launch at a later time is, in UTC; None also without any."""
    problems: list[JobError] = field(default_factory=list[JobError])

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "job": self.found.name,
            "stack": self.found.stack or None,
            "function": self.found.function.rpartition(":")[2],
            "last": self.last.as_json() if self.last else None,
            "running": self.running,
            "next": self.next.isoformat() if self.next else None,
        }


def overview(account: Account, found: Sequence[Found]) -> list[Overview]:
    """How these jobs stand. A job that cannot be read hides none of the others."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda it: _of(account, it), found))


def _of(account: Account, found: Found) -> Overview:
    it = Overview(found)

    def ask(question: Callable[[], Answer]) -> Answer | None:
        try:
            return question()
        except JobError as problem:
            it.problems.append(problem)
            return None

    job = ask(lambda: find(account, found.function))
    if job is not None:
        it.last = ask(lambda: next(history(job, most=1), None))
        it.running = ask(lambda: running(job))
        it.next = ask(lambda: next_time(job))
    return it


def next_time(job: Job) -> datetime | None:
    """When the job is launched next by a schedule that is neither paused nor disabled, or by a launch that waits for
    its time, in UTC; None if it is not. Raises as `scheduled` does."""
    its = scheduled(job, last_runs=False)
    times = [it.next[0] for it in its.schedules if it.state == "enabled" and it.next]
    return min((it.astimezone(UTC) for it in (*times, *(it.at for it in its.waiting))), default=None)
