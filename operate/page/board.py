"""What the pages read from AWS, through operate/'s functions. Answers are remembered for seconds, so that a page that
refreshes itself, or two that are open, do not ask again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from fargate_job_launcher.handler.run import ENDED

from .. import runs as kept
from ..account import Account
from ..catalogue import Found, Job, find, jobs
from ..errors import JobError, NoSuchJob
from ..overview import AT_ONCE, attempted, next_time
from ..parked import waiting
from ..past import PastRun, costs, history

STRIP: Final = 20
"""Runs of a job's strip in the list."""
LONG_STRIP: Final = 60
"""Runs of the strip on a job's own page."""
WEEKS: Final = 6
"""How many weeks of costs are shown."""
_SECONDS: Final = {"jobs": 60, "job": 600, "recent": 2, "next": 120, "letters": 30, "day": 20, "weeks": 600}
"""How long each kind of answer is remembered."""
RUNS: Final = 20
"""The attempts of so many runs are remembered."""
REST: Final = 20
"""How many times longer than it took, the attempts of a run that goes on are not read again."""
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Read:
    """The attempts of a run as they were read."""

    version: int
    """Of the run's item."""
    until: float
    """When they may be read again, on the monotonic clock."""
    items: list[kept.Item]


class Recorded:
    """The attempts of runs that have ended. None of them ever changes, and an array can have tens of thousands: they
    are read again only when the run's item has changed, and while the run goes on for a small part of the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, _Read] = {}

    def of(self, job: Job, run: kept.Item) -> list[kept.Item]:
        """Those of this run. The table has written each together with a new version of the run's item."""
        began = time.monotonic()
        with self._lock:
            held = self._held.get(run["run"])
        if held and (held.version == run["version"] or (run["state"] not in ENDED and began < held.until)):
            return held.items
        items = kept.attempts(job, run["run"])
        now = time.monotonic()
        with self._lock:
            self._held.pop(run["run"], None)
            self._held[run["run"]] = _Read(run["version"], now + REST * (now - began), items)
            for oldest in list(self._held)[:-RUNS]:
                del self._held[oldest]
        return items


class Remembered:
    """Answers of AWS, each kept for a time. Errors are not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[Any, ...], tuple[float, Any]] = {}

    def of(self, kind: str, *key: Any, ask: Callable[[], Answer]) -> Answer:
        """The answer of this kind and key. Two threads that ask at the same time may both ask AWS."""
        named = (kind, *key)
        with self._lock:
            until, known = self._held.get(named, (0.0, None))
        if time.monotonic() < until:
            return cast("Answer", known)
        answer = ask()
        with self._lock:
            self._held[named] = (time.monotonic() + _SECONDS[kind], answer)
        return answer

    def drop(self, *named: Any) -> None:
        """Ask again for this kind and key."""
        with self._lock:
            self._held.pop(named, None)

    def forget(self) -> None:
        """Ask again from now on: something was changed."""
        with self._lock:
            self._held = {key: it for key, it in self._held.items() if key[0] in ("jobs", "job", "weeks")}


@dataclass(frozen=True)
class Row:
    """A job in the list."""

    found: Found
    runs: Sequence[PastRun] = ()
    """The last ones, the newest first."""
    next: datetime | None = None
    letters: int | None = None
    """Dead letters; None if the job has no queue for them."""
    problems: tuple[JobError, ...] = ()

    @property
    def last(self) -> PastRun | None:
        """Its newest run."""
        return self.runs[0] if self.runs else None

    @property
    def running(self) -> int:
        """How many of its last runs have not ended."""
        return sum(it.state not in ENDED for it in self.runs)


@dataclass(frozen=True)
class Lane:
    """A job in the timeline of a day."""

    found: Found
    runs: Sequence[PastRun] = ()
    problems: tuple[JobError, ...] = ()


@dataclass(frozen=True)
class Costs:
    """A job's costs by week, the newest first."""

    found: Found
    weeks: Sequence[float | None] = ()
    """USD; None for a week without any run that has a cost."""
    problems: tuple[JobError, ...] = ()


class Board:
    """A stack's jobs, or the account's, and what is known of them."""

    def __init__(self, account: Account, *, stack: str = "", program: Path | None = None) -> None:
        self.account, self.stack, self._program = account, stack, program
        self._remembered, self._recorded = Remembered(), Recorded()

    def jobs(self) -> list[Found]:
        """All jobs."""
        return self._remembered.of("jobs", ask=lambda: jobs(self.account, stack=self.stack, program=self._program))

    def named(self, text: str) -> list[Found]:
        """The jobs whose name or stack has this text in it."""
        wanted = text.strip().lower()
        return [it for it in self.jobs() if wanted in it.name.lower() or wanted in it.stack.lower()]

    def job(self, function: str) -> Job:
        """The job with this function. Raises NoSuchJob also for one that is not of this page's stack."""
        found = next((it for it in self.jobs() if it.function_name == function), None)
        if found is None:
            raise NoSuchJob(
                f"there is no job with the function {function}", "The list of jobs has those that there are"
            )
        return self._remembered.of("job", function, ask=lambda: self._found(found))

    def _found(self, found: Found) -> Job:
        job = find(self.account, found.function)
        # A function found by its name says nothing of its stack.
        return Job(job.name, found.stack, job.function, job.role, job.settings, job.account)

    def recent(self, job: Job, most: int) -> list[PastRun]:
        """The last runs of a job, the newest first."""
        return self._remembered.of("recent", job.function, most, ask=lambda: list(history(job, most=most)))

    def recorded(self, job: Job, run: kept.Item) -> list[kept.Item]:
        """The attempts of a run that have ended."""
        return self._recorded.of(job, run)

    def next_time(self, job: Job) -> datetime | None:
        """When it is launched next, in UTC; None if it is not known."""
        known = self._remembered.of("next", job.function, ask=lambda: next_time(job))
        if known is not None and known < datetime.now(UTC):
            # It has passed since it was read.
            self._remembered.drop("next", job.function)
            return self._remembered.of("next", job.function, ask=lambda: next_time(job))
        return known

    def letters(self, job: Job) -> int | None:
        """How many dead letters it has."""
        return self._remembered.of("letters", job.function, ask=lambda: waiting(job))

    def rows(self, some: Sequence[Found]) -> list[Row]:
        """These jobs, asked about at once. One that cannot be read hides none of the others."""
        return _at_once(self._row, some)

    def lanes(self, some: Sequence[Found], day: datetime) -> list[Lane]:
        """The runs of these jobs on the day that begins at `day`, in UTC."""
        return _at_once(lambda it: self._lane(it, day), some)

    def costs(self, some: Sequence[Found]) -> list[Costs]:
        """The costs of these jobs in the last weeks."""
        return _at_once(self._costs, some)

    def forget(self) -> None:
        """Ask again: something was changed."""
        self._remembered.forget()

    def _row(self, found: Found) -> Row:
        problems = list[JobError]()
        job = attempted(lambda: self.job(found.function_name), problems)
        if job is None:
            return Row(found, problems=tuple(problems))
        runs = attempted(lambda: self.recent(job, STRIP), problems) or []
        soon = attempted(lambda: self.next_time(job), problems)
        letters = attempted(lambda: self.letters(job), problems)
        return Row(found, runs, soon, letters, tuple(problems))

    def _lane(self, found: Found, day: datetime) -> Lane:
        try:
            runs = self._remembered.of("day", found.function, day, ask=lambda: self._of_day(found, day))
        except JobError as problem:
            return Lane(found, problems=(problem,))
        return Lane(found, runs)

    def _of_day(self, found: Found, day: datetime) -> list[PastRun]:
        end = day + timedelta(days=1)
        # A run that began on the day before may go on in it.
        return list(history(self.job(found.function_name), since=day - timedelta(days=1), until=end))

    def _costs(self, found: Found) -> Costs:
        try:
            weeks = self._remembered.of("weeks", found.function, ask=lambda: self._of_weeks(found))
        except JobError as problem:
            return Costs(found, problems=(problem,))
        return Costs(found, weeks)

    def _of_weeks(self, found: Found) -> list[float | None]:
        begins = weeks()
        sums: list[float | None] = [None] * WEEKS
        for launched, cost in costs(self.job(found.function_name), since=begins[-1]):
            number = next(number for number, monday in enumerate(begins) if launched >= monday)
            sums[number] = (sums[number] or 0.0) + cost
        return sums


def weeks(now: datetime | None = None) -> list[datetime]:
    """When each of the last weeks began, in UTC, the newest first: on its Monday."""
    today = (now or datetime.now(UTC)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=it) for it in range(WEEKS)]


def page_of(runs: Iterable[PastRun], most: int) -> tuple[list[PastRun], bool]:
    """So many of some runs, and whether there are more."""
    some = list(islice(runs, most + 1))
    return some[:most], len(some) > most


def _at_once(ask: Callable[[Found], Answer], some: Sequence[Found]) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(ask, some))
