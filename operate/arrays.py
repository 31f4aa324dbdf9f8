"""Array runs: how they stand, changed while they run, followed to their end, and the logs of their indexes.

`launch("import", array=500, parallelism=50).array.wait()`
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fargate_job_launcher.handler import arrays, ranges
from fargate_job_launcher.handler.result import log_stream
from fargate_job_launcher.handler.run import ENDED, Item
from fargate_job_launcher.handler.run import began as began_at

from . import runs
from .catalogue import Job
from .errors import ArrayFailed, NoSuchRun, NoSuchTask, StillRunning, unknown
from .following import going_on
from .instructions import carry_out
from .task import SHORT

POLL_SECONDS: Final = 2.0
"""How often the run is read while it is followed."""


@dataclass(frozen=True)
class Progress:
    """How an array stands at a moment. Indexes are ranges such as `0-41,43`."""

    run: str
    state: str
    """LAUNCHING, RUNNING, SUCCEEDED, FAILED, STOPPED, REJECTED or SKIPPED."""
    size: int
    parallelism: int
    """The most indexes that run at once."""
    succeeded: str
    failed: str
    """Those that failed after their last retry."""
    stopped: str
    running: str
    not_started: str
    paused: str
    """Who paused it, or when; empty if it is not paused."""
    halted: str
    """Why no further index starts; empty otherwise."""
    stopping: str
    """Why it is being stopped, or was, such as `stopped by` and a name; empty otherwise."""
    seconds: float
    """Since its launch, or since it was resumed after its last end; or how long that took."""
    reason: str
    """Why the index that failed last failed, or why nothing was launched; empty without a failure."""
    exit_code: int | None
    """Of the index that failed last."""
    cost_usd: float | None
    """Of what has ended so far; None without prices."""

    @staticmethod
    def of(run: Item) -> Progress:
        """From the run's item."""
        it, last = arrays.summary(run), run.get("last", {})
        began = datetime.fromisoformat(began_at(run))
        ended = datetime.fromisoformat(run["endedAt"]) if "endedAt" in run else datetime.now(UTC)
        paused: dict[str, str] = it.get("paused") or {}
        why = "; ".join(f"{one['reason']}: {one['detail']}" for one in run["failures"])
        return Progress(
            run=run["run"],
            state=run["state"],
            size=it["size"],
            parallelism=it["parallelism"],
            succeeded=it["succeeded"],
            failed=it["failed"],
            stopped=it["stopped"],
            running=it["running"],
            not_started=it["notStarted"],
            paused=paused.get("by", paused.get("at", "")),
            halted=it.get("halted", ""),
            stopping=run.get("stopping", {}).get("reason", ""),
            seconds=(ended - began).total_seconds(),
            reason=last["reason"] if last.get("outcome", "succeeded") != "succeeded" else why,
            exit_code=last.get("exitCode"),
            cost_usd=run.get("costUsd"),
        )

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self.state in ENDED

    @property
    def done(self) -> int:
        """How many indexes have ended."""
        return sum(ranges.size(it) for it in (self.succeeded, self.failed, self.stopped))

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "run": self.run,
            "state": self.state,
            "size": self.size,
            "parallelism": self.parallelism,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "stopped": self.stopped,
            "running": self.running,
            "notStarted": self.not_started,
            "paused": self.paused or None,
            "halted": self.halted or None,
            "stopping": self.stopping or None,
            "seconds": round(self.seconds, 3),
            "reason": self.reason or None,
            "costUsd": self.cost_usd,
        }


@dataclass(frozen=True)
class IndexTask:
    """The task that runs, or last ran, an index."""

    index: int
    task: str
    """The task's id."""
    attempt: int
    outcome: str
    """Empty while it runs."""
    reason: str

    def log_stream(self, job: Job) -> str:
        """Its log stream."""
        return log_stream(job.settings.container, self.task)


@dataclass(frozen=True)
class ArrayRun:
    """An array run of a job."""

    job: Job
    run: str
    """Id of the run."""

    def item(self) -> Item:
        """The run as the table has it. Raises NoSuchRun if it has no such run, or one without an array."""
        found = runs.read(self.job, self.run)
        if found is None:
            raise unknown(self.job.name, "run", self.run)
        if "array" not in found:
            raise NoSuchRun(f"run {self.run} of {self.job.name} has no array", "fargate-job launch --array makes one")
        return found

    def progress(self) -> Progress:
        """How it stands now. Raises NoSuchRun."""
        return Progress.of(self.item())

    def follow(self, *, timeout_seconds: float | None = None) -> Iterator[Progress]:
        """Yield how it stands every two seconds, until it has ended. Raises StillRunning after `timeout_seconds`; every
        other error says too that the array goes on, and how to come back."""
        with going_on(self.job, f"fargate-job runs follow {self.job.name} {self.run[:SHORT]}"):
            yield from self._follow(timeout_seconds)

    def _follow(self, timeout_seconds: float | None) -> Iterator[Progress]:
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            it = self.progress()
            yield it
            if it.ended:
                return
            if deadline is not None and time.monotonic() >= deadline:
                raise StillRunning(
                    f"run {self.run} of {self.job.name} has not ended within {timeout_seconds:g} seconds",
                    f"It keeps running: fargate-job runs show {self.job.name} {self.run[:SHORT]}",
                )
            time.sleep(POLL_SECONDS)

    def wait(self, *, timeout_seconds: float | None = None, check: bool = True) -> Progress:
        """Wait until it has ended, retries included. Raises ArrayFailed unless every index succeeded or `check` is
        False, and StillRunning after `timeout_seconds`."""
        *_, it = self.follow(timeout_seconds=timeout_seconds)
        if check and it.state != "SUCCEEDED":
            raise ArrayFailed(self.job.name, it)
        return it

    def set_parallelism(self, most: int) -> None:
        """Let at most so many indexes run at once, 1 to `overrides.array.max_parallelism`; those that run go on. Raises
        JobError."""
        self._change(parallelism=most)

    def pause(self) -> None:
        """Start no further index, and no retry; what runs goes on. Raises JobError."""
        self._change(pause=True)

    def resume(self) -> None:
        """Go on after a pause or, when the run has ended, launch the indexes that failed, were stopped or never
        started, under the same run. Raises JobError."""
        self._change(resume=True)

    def stop(self) -> None:
        """Start no further index, and stop those that run, within a minute. Raises JobError."""
        self._change(stop=True)

    def indexes(self, wanted: str) -> list[IndexTask]:
        """The tasks of these indexes, given as ranges: the one that runs, or the last attempt. Raises NoSuchTask for an
        index that has not started."""
        run = self.item()
        last, then = int(run["array"]["size"]) - 1, f"fargate-job runs show {self.job.name} {self.run[:SHORT]}"
        try:
            pairs = ranges.pairs(wanted)
        except ValueError as error:
            raise NoSuchTask(f"{wanted!r} names no indexes: {error}", "Write them as 3 or 0-41,43") from None
        if not pairs:
            raise NoSuchTask("an empty text names no indexes", "Write them as 3 or 0-41,43")
        if pairs[-1][1] > last:
            raise NoSuchTask(f"run {self.run} has the indexes 0-{last}, and not {wanted}", then)
        asked = set(ranges.numbers(wanted))
        found: dict[int, tuple[tuple[int, int], IndexTask]] = {}
        for it in runs.attempts(self.job, self.run):
            order = (arrays.resumed(it["root"]), int(it["attempt"]))
            index = int(it["index"])
            if index in asked and (index not in found or order > found[index][0]):
                found[index] = order, IndexTask(index, it["task"], order[1], it["outcome"], it["reason"])
        latest = {index: it for index, (_, it) in found.items()}
        for root, entry in run["open"].items():
            if "calls" not in entry and arrays.index_of(root) in asked:
                index = arrays.index_of(root)
                latest[index] = IndexTask(index, entry["task"], int(entry["attempt"]), "", "")
        if missing := ranges.of(asked - latest.keys()):
            raise NoSuchTask(f"index {missing} of run {self.run} has no task yet", then)
        return [latest[it] for it in sorted(latest)]

    def instruction(self, **what: Any) -> dict[str, Any]:
        """What the launcher is sent for a change: `parallelism=5`, `pause=True`, `resume=True` or `stop=True`."""
        return {"arrayOf": {"run": self.run, **what, **self.job.account.claim()}}

    def _change(self, **what: Any) -> None:
        carry_out(self.job, self.instruction(**what))
