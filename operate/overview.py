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
from .runs import SHOWN
from .scheduling import Scheduled, scheduled
from .task import running
from .times import instant

AT_ONCE: Final = 8
"""How many jobs are asked about at the same time."""
Answer = TypeVar("Answer")


@dataclass
class Overview:
    """How a job stands. What the caller may not read is None, and `problems` say why."""

    found: Found
    last: PastRun | None = None
    """The last of its newest runs that was not skipped, or else the newest; None also if it has none."""
    running: int | None = None
    """How many of its tasks run."""
    next: datetime | None = None
    """When its next schedule or its next launch at a later time is, in UTC; None also without any."""
    paused: tuple[str, ...] = ()
    """Its schedules that are paused, by name."""
    problems: list[JobError] = field(default_factory=list[JobError])

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "job": self.found.name,
            "stack": self.found.stack or None,
            "function": self.found.function_name,
            "last": self.last.as_json() if self.last else None,
            "running": self.running,
            "next": instant(self.next),
            "paused": list(self.paused),
        }


def overview(account: Account, found: Sequence[Found]) -> list[Overview]:
    """How these jobs stand. A job that cannot be read hides none of the others."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda it: _of(account, it), found))


def attempted(question: Callable[[], Answer], problems: list[JobError]) -> Answer | None:
    """An answer; None if there is none, and why is then one of the problems."""
    try:
        return question()
    except JobError as problem:
        problems.append(problem)
        return None


def _of(account: Account, found: Found) -> Overview:
    it = Overview(found)
    job = attempted(lambda: find(account, found.function), it.problems)
    if job is not None:
        it.last = attempted(lambda: _last(job), it.problems)
        it.running = attempted(lambda: running(job), it.problems)
        its = attempted(lambda: scheduled(job, last_runs=False), it.problems)
        if its is not None:
            it.next = next_of(its)
            it.paused = tuple(one.name for one in its.schedules if one.state == "paused")
    return it


def _last(job: Job) -> PastRun | None:
    """While a run goes on, a frequent schedule may have every other one skipped."""
    some = list(history(job, most=SHOWN))
    return next((it for it in some if it.state != "SKIPPED"), some[0] if some else None)


def next_of(its: Scheduled) -> datetime | None:
    """When a job is launched next by a schedule that is neither paused nor disabled, or by a launch that waits for its
    time, in UTC; None if it is not."""
    times = [it.next[0] for it in its.schedules if it.state == "enabled" and it.next]
    return min((it.astimezone(UTC) for it in (*times, *(it.at for it in its.waiting))), default=None)


def next_time(job: Job) -> datetime | None:
    """`next_of` a job's schedules. Raises as `scheduled` does."""
    return next_of(scheduled(job, last_runs=False))
