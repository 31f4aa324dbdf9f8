"""Tasks and runs followed to their end: each change of state, each line of output, each retry, and the result.

Following keeps no state in AWS: a caller can stop following at any time and follow the same tasks again.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fargate_job_launcher.handler.attempt import retried
from fargate_job_launcher.handler.result import log_stream
from fargate_job_launcher.handler.run import ENDED

from . import runs
from .catalogue import Job
from .errors import JobError, NoSuchRun, NoSuchTask, StillRunning, unknown
from .streams import Stream
from .task import SHORT, Task, describe

POLL_SECONDS: Final = 1.0
READS_PER_SECOND: Final = 5
"""Reads of log streams, for all tasks together: a fifth of CloudWatch's limit for an account.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
SETTLE_SECONDS: Final = 2.0
"""A stopped task's last lines can arrive after its state; its log is complete after this time without a new line."""
APPEAR_SECONDS: Final = 60.0
"""ECS may not show a new task for this long."""
LAST_LINES: Final = 5
RUN_SECONDS: Final = 2.0
"""How often a run is read while its retry is awaited."""
ROOT_CHARACTERS: Final = 16
"""How many characters of the id of its first task a retry has in its startedBy."""


@dataclass(frozen=True)
class Change:
    """A task has another state."""

    task: Task


@dataclass(frozen=True)
class Line:
    """A task has written a line."""

    task: Task
    milliseconds: int
    """Since 1970."""
    text: str


@dataclass(frozen=True)
class End:
    """A task has stopped, and all of its output has been read."""

    task: Task
    advice: str
    """What to do; empty if nothing is wrong, or if only the log shows the cause."""


@dataclass(frozen=True)
class Retry:
    """A task has failed, and the supervisor launches it again."""

    task: Task
    attempt: int
    """The number of the attempt that follows."""
    most: int
    """How many attempts there are at most."""


@dataclass(frozen=True)
class Reading:
    """Which lines of followed tasks are read."""

    container: str = ""
    """Name of a sidecar; empty for the job's own container."""
    since: datetime | None = None
    """No line of before; None: from the beginning."""
    tail: int | None = None
    """Of the lines that a task has written when it is followed, so many of the last; None: all."""


ALL: Final = Reading()


class _Followed:
    def __init__(self, job: Job, arn: str, reading: Reading) -> None:
        self.id = arn.rpartition("/")[2]
        named = log_stream(reading.container or job.settings.container, self.id)
        self._stream, self._tail = Stream(job, named, since=reading.since), reading.tail
        self.last: list[str] = []
        self.status = ""
        self.since = time.monotonic()
        self.quiet_since: float | None = None
        self.ended = False

    def read(self) -> list[tuple[int, str]]:
        """The lines since the last call."""
        found = self._stream.read() if self._tail is None else self._stream.last(self._tail)
        self._tail = None
        self.last = [*self.last, *(text for _, text in found)][-LAST_LINES:]
        return found


class _Retries:
    """The retries of a run's tasks that are awaited."""

    def __init__(self, job: Job, run: str, awaited: Mapping[str, int]) -> None:
        self._job, self._run, self._looked = job, run, 0.0
        self.awaited = dict(awaited)
        """First task of a lineage → the number of the attempt that follows."""

    def after(self, task: Task) -> Retry | None:
        """The retry that follows the end of a task; None if none does."""
        run = runs.read(self._job, self._run) if self._run and task.outcome not in ("succeeded", "stopped") else None
        if run is None or "array" in run or "stopping" in run:
            return None
        policy: dict[str, Any] = run["policy"]
        code = {} if task.exit_code is None else {"exitCode": task.exit_code}
        if task.attempt > policy["retries"] or not retried({"outcome": task.outcome, **code}, policy):
            return None
        self.awaited[runs.root_of(run, task)] = task.attempt + 1
        return Retry(task, task.attempt + 1, policy["retries"] + 1)

    def launched(self) -> list[str]:
        """The tasks of awaited retries that are launched by now."""
        if not self.awaited or time.monotonic() - self._looked < RUN_SECONDS:
            return []
        self._looked = time.monotonic()
        run = runs.read(self._job, self._run)
        found = list[str]()
        for root, number in list(self.awaited.items()):
            entry = None if run is None else run["open"].get(root)
            if entry is not None and entry["attempt"] == number and "calls" not in entry:
                task = entry["task"]
            elif entry is not None and entry["attempt"] < number:
                continue
            else:
                # It has ended by now; or there is none, because the run was stopped or the retry could not be launched.
                some = (it for it in runs.attempts(self._job, self._run) if it["root"] == root)
                task = next((it["task"] for it in some if it["attempt"] == number), "")
            found += [task] if task else []
            del self.awaited[root]
        return found


def follow(
    job: Job,
    arns: Sequence[str],
    *,
    lines: bool = True,
    timeout_seconds: float | None = None,
    run: str = "",
    awaited: Mapping[str, int] | None = None,
    reading: Reading = ALL,
) -> Generator[Change | Line | End | Retry]:
    """Yield each event of these tasks, by ARN or id, until all have ended; with `run`, the id of their run, also those
    of the tasks that retry them.

    Without `lines` their output is not read; `reading` says which of their lines are. `awaited`: retries that are about
    to be launched, as the first task of each and the number of the attempt. Raises StillRunning after `timeout_seconds`
    (default: never), NoSuchTask for a task that ECS does not know, or AWS's error as a JobError.
    """
    begun = time.monotonic()
    left = {it.id: it for it in (_Followed(job, arn, reading) for arn in arns)}
    retries = _Retries(job, run, awaited or {})
    while left or retries.awaited:
        seen = {task.id: task for task in describe(job, list(left))}
        now = time.monotonic()
        missing = sorted(
            it for it in left.keys() - seen.keys() if left[it].status or now - left[it].since > APPEAR_SECONDS
        )
        if missing:
            raise NoSuchTask(
                f"ECS does not know task {', '.join(missing)} of {job.name}", "It may have ended more than an hour ago"
            )
        for task_id, task in seen.items():
            for event in _step(left[task_id], task, lines=lines):
                yield event
                retry = retries.after(task) if isinstance(event, End) else None
                if retry is not None:
                    yield retry
        left = {task_id: it for task_id, it in left.items() if not it.ended}
        left |= {it.id: it for it in (_Followed(job, arn, reading) for arn in retries.launched())}
        if left or retries.awaited:
            if timeout_seconds is not None and time.monotonic() - begun > timeout_seconds:
                back = (
                    f"runs follow {job.name} {run[:SHORT]}"
                    if run
                    else f"logs {job.name} --task {next(iter(left))} --follow"
                )
                raise StillRunning(
                    f"{job.name} has not ended within {timeout_seconds:g} seconds",
                    f"It keeps running: fargate-job {back}",
                )
            time.sleep(max(POLL_SECONDS, len(left) / READS_PER_SECOND if lines else 0))


def follow_run(
    job: Job,
    run: str | runs.WithRun,
    *,
    lines: bool = True,
    timeout_seconds: float | None = None,
    reading: Reading = ALL,
) -> Generator[Change | Line | End | Retry]:
    """Yield each event of the tasks of a run that run now, and of those that retry them, until the run's last task has
    ended; nothing for a run that has ended. Arrays are followed by `ArrayRun.follow`. `run` is its id, the beginning
    of it, or what is of it: a PastRun, a Launch.

    Raises NoSuchRun if the table has no such run, and as `follow` does.
    """
    begun = time.monotonic()
    its = runs.id_of(job, run)
    while True:
        item = runs.read(job, its)
        if item is None:
            raise unknown(job.name, "run", its)
        if item["tasks"] or item["state"] in ENDED:
            break
        if timeout_seconds is not None and time.monotonic() - begun > timeout_seconds:
            raise StillRunning(
                f"{job.name} was not launched within {timeout_seconds:g} seconds",
                f"It keeps waiting: fargate-job runs follow {job.name} {its[:SHORT]}",
            )
        time.sleep(RUN_SECONDS)
    named = [it["task"] for it in item["open"].values() if "calls" not in it]
    awaited = {root: it["attempt"] + 1 for root, it in item["open"].items() if "calls" in it}
    left = None if timeout_seconds is None else timeout_seconds - (time.monotonic() - begun)
    yield from follow(job, named, lines=lines, timeout_seconds=left, run=its, awaited=awaited, reading=reading)


@contextmanager
def going_on(job: Job, again: str) -> Generator[None]:
    """Add to an error on the way, such as a lost connection or an expired login, that the job goes on, and how to come
    back."""
    try:
        yield
    except (NoSuchTask, NoSuchRun, StillRunning):
        raise
    except JobError as error:
        # One within the other says it once.
        if again not in error.then:
            error.also(f"{job.name} goes on all the same; to follow it again: {again}")
        raise


def last_of_each(ended: Iterable[Task]) -> list[Task]:
    """Of tasks that have ended, in this order, the last attempt of each lineage."""
    return list({(it.run, it.root or it.id[:ROOT_CHARACTERS]): it for it in ended}.values())


def _step(it: _Followed, task: Task, *, lines: bool) -> Generator[Change | Line | End]:
    if task.status != it.status:
        it.status = task.status
        yield Change(task)
    stopped, now = task.status == "STOPPED", time.monotonic()
    if not lines and not (stopped and task.outcome == "failed"):
        # The output of a failed task may show the cause.
        it.ended = stopped
    elif task.started is not None:
        read = it.read()
        for at, text in read if lines else []:
            yield Line(task, at, text)
        if read or it.quiet_since is None:
            it.quiet_since = now
        it.ended = stopped and (not lines or now - it.quiet_since >= SETTLE_SECONDS)
    else:
        it.ended = stopped
    if it.ended:
        yield End(task, task.advised(it.last))
