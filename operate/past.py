"""What a job's runs were: listed from the table's index by the time of their launch, and summed up.

`history(job, since=timedelta(days=7), states=["FAILED"])`
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fargate_job_launcher.handler.run import ENDED, Item, at, began

from . import runs
from .catalogue import Job

FACTS: Final = (
    *("run", "state", "trigger", "schedule", "requestedBy", "launchedAt", "resumedAt", "endedAt", "requested"),
    *("attempts", "succeeded", "failed", "stopped", "costUsd", "last", "failures", "skipped", "array.size"),
)
"""What is read of each run."""
MARKS: Final = {
    **{"SUCCEEDED": "✓", "FAILED": "✗", "REJECTED": "✗", "STOPPED": "■", "SKIPPED": "·"},
    **{"RUNNING": "▶", "LAUNCHING": "▶"},
}
"""The state of a run → its mark in a line of runs."""


@dataclass(frozen=True)
class PastRun:
    """A run in a list of runs."""

    run: str
    """Its id."""
    state: str
    """LAUNCHING, RUNNING, SUCCEEDED, FAILED, STOPPED, REJECTED or SKIPPED."""
    trigger: str
    """call, asynchronous, queue, event or schedule."""
    schedule: str
    """Name of the schedule; empty for another trigger."""
    requested_by: str
    """Who asked for it, as the caller said and nobody checked; empty if it said nothing."""
    launched: datetime
    began: datetime
    """When it was launched, or resumed after its last end."""
    ended: datetime | None
    """None as long as it has not ended."""
    requested: int
    """How many tasks were requested; the size of an array."""
    attempts: int
    """How many tasks were launched, retries included."""
    size: int | None
    """How many indexes an array has; None for any other run."""
    cost_usd: float | None
    """Of the attempts that have ended; None without prices, without an attempt, and before the first of them ends."""
    reason: str
    """Why the task that failed last failed, or why nothing was launched; empty without a failure."""
    exit_code: int | None
    """Of the task that failed last, or ended first."""

    @staticmethod
    def of(item: Item) -> PastRun:
        """From the run's item, which has the FACTS."""
        state, last = str(item["state"]), item.get("last", {})
        over = state in ENDED and "endedAt" in item
        return PastRun(
            run=item["run"],
            state=state,
            trigger=item["trigger"],
            schedule=item.get("schedule", ""),
            requested_by=item.get("requestedBy", ""),
            launched=datetime.fromisoformat(item["launchedAt"]),
            began=datetime.fromisoformat(began(item)),
            ended=datetime.fromisoformat(item["endedAt"]) if over else None,
            requested=item["requested"],
            attempts=item["attempts"],
            size=item.get("array", {}).get("size"),
            cost_usd=cost_of(item),
            reason=why(item),
            exit_code=last.get("exitCode"),
        )

    @property
    def seconds(self) -> float:
        """From its launch or its resumption to its end, retries included; to now if it has not ended."""
        return ((self.ended or datetime.now(UTC)) - self.began).total_seconds()

    @property
    def took(self) -> float | None:
        """`seconds`; None if no task was launched."""
        return self.seconds if self.attempts else None

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "run": self.run,
            "state": self.state,
            "trigger": self.trigger,
            "schedule": self.schedule or None,
            "requestedBy": self.requested_by or None,
            "launchedAt": self.launched.isoformat(),
            "endedAt": self.ended.isoformat() if self.ended else None,
            "seconds": None if self.took is None else round(self.took, 3),
            "requested": self.requested,
            "attempts": self.attempts,
            "arraySize": self.size,
            "costUsd": self.cost_usd,
            "reason": self.reason or None,
            "exitCode": self.exit_code,
        }


def cost_of(item: Item) -> float | None:
    """What the attempts of a run that have ended cost, in US dollars; None without prices, without an attempt, and before
    the first of them ends."""
    cost = item.get("costUsd")
    unknown = not item["attempts"] or (not cost and item["state"] not in ENDED)
    return None if cost is None or unknown else float(cost)


def why(item: Item) -> str:
    """Why a run is not a success: what its last task said, why tasks are missing, or why it was skipped; empty
    otherwise."""
    if item["state"] == "SKIPPED":
        return str(item.get("skipped", "the job was running, and its `overlap` is skip"))
    last: dict[str, Any] = item.get("last", {})
    if last.get("outcome", "succeeded") != "succeeded" and item["state"] != "SUCCEEDED":
        return str(last["reason"])
    if item["state"] in ("FAILED", "REJECTED", "LAUNCHING"):
        return "; ".join(dict.fromkeys(f"{it['reason']}: {it['detail']}" for it in item["failures"]))
    return ""


@dataclass(frozen=True)
class Sums:
    """What several runs come to."""

    states: dict[str, int]
    """State → how many runs."""
    success_rate: float | None
    """Of the runs that SUCCEEDED, FAILED or were REJECTED, the part that succeeded; None without any."""
    median_seconds: float | None
    """Of the runs that SUCCEEDED or FAILED, how long those with tasks took, retries included; None without any."""
    p95_seconds: float | None
    """95 of 100 of them took no longer."""
    cost_usd: float | None
    """None if no run has a cost."""

    @staticmethod
    def of(some: Iterable[PastRun]) -> Sums:
        """The sums of some runs."""
        states, took, costs = Counter[str](), list[float](), list[float]()
        for it in some:
            states[it.state] += 1
            if it.took is not None and it.state in ("SUCCEEDED", "FAILED"):
                took.append(it.took)
            if it.cost_usd is not None:
                costs.append(it.cost_usd)
        judged = sum(states[it] for it in ("SUCCEEDED", "FAILED", "REJECTED"))
        return Sums(
            states=dict(states),
            success_rate=states["SUCCEEDED"] / judged if judged else None,
            median_seconds=percentile(took, 50),
            p95_seconds=percentile(took, 95),
            cost_usd=sum(costs) if costs else None,
        )

    @property
    def runs(self) -> int:
        """How many runs."""
        return sum(self.states.values())

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "runs": self.runs,
            "states": self.states,
            "successRate": None if self.success_rate is None else round(self.success_rate, 4),
            "medianSeconds": self.median_seconds,
            "p95Seconds": self.p95_seconds,
            "costUsd": None if self.cost_usd is None else round(self.cost_usd, 8),
        }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest value that so many per cent of the values do not exceed (nearest rank); None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def history(
    job: Job, *, since: datetime | timedelta | None = None, states: Collection[str] = (), most: int | None = None
) -> Iterator[PastRun]:
    """The runs of a job, the newest first, read from the table a page at a time as they are taken.

    `since`: none that was launched earlier, or longer ago. `states`: those in one of these states; all by default.
    `most`: at most so many; all that the table keeps by default. Raises AWS's error as a JobError.
    """
    begin = datetime.now(UTC) - since if isinstance(since, timedelta) else since
    earliest = "" if begin is None else at(begin.timestamp())
    for item in runs.each_of(job, most, since=earliest, states=states, facts=FACTS):
        yield PastRun.of(item)
