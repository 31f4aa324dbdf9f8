"""What a job's runs were: listed from the table's index by the time of their launch, and summed up.

`history("import-orders", since="7d", states=["failed"])`
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fargate_job_launcher.handler.run import ENDED, Item, at, began

from . import runs
from .account import Account
from .asked import asked
from .catalogue import Job, find
from .errors import JobError
from .times import instant, since_of

FACTS: Final = (
    *("run", "state", "trigger", "schedule", "requestedBy", "launchedAt", "resumedAt", "endedAt", "requested"),
    *(
        "attempts",
        "succeeded",
        "failed",
        "stopped",
        "costUsd",
        "last",
        "failures",
        "skipped",
        "array.size",
        "request",
        "payload",
    ),
)
"""What is read of each run."""
MARKS: Final = {
    **{"LAUNCHING": "▶", "RUNNING": "▶", "SUCCEEDED": "✓", "FAILED": "✗", "REJECTED": "✗", "STOPPED": "■"},
    "SKIPPED": "·",
}
"""Every state of a run, in the order in which they are counted → its mark in a line of runs."""


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
    asked: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was requested beyond the job's definition, under the names of the launch event; of a payload its size."""

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
            asked=asked(item),
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
            "request": self.asked,
            "launchedAt": instant(self.launched),
            "endedAt": instant(self.ended),
            "seconds": None if self.took is None else round(self.took, 3),
            "requested": self.requested,
            "attempts": self.attempts,
            "arraySize": self.size,
            "costUsd": self.cost_usd,
            "reason": self.reason or None,
            "exitCode": self.exit_code,
        }


def cost_of(item: Item) -> float | None:
    """What the attempts of a run that have ended cost, in US dollars; None without prices, without an attempt, and
    before the first of them ends."""
    cost = item.get("costUsd")
    unknown = not item["attempts"] or (not cost and item["state"] not in ENDED)
    return None if cost is None or unknown else float(cost)


def why(item: Item, index: int | None = None) -> str:
    """Why a run is not a success: what its last task said, why tasks are missing, or why it was skipped; empty
    otherwise. Of an array how its indexes ended, and what the last said, which is `index` if that is known."""
    if item["state"] == "SKIPPED":
        return str(item.get("skipped", "the job was running, and its `overlap` is skip"))
    last: dict[str, Any] = item.get("last", {})
    if last.get("outcome", "succeeded") != "succeeded" and item["state"] != "SUCCEEDED":
        which = "the last" if index is None else f"the last, index {index}"
        return f"{_indexes(item)}; {which}: {last['reason']}" if "array" in item else str(last["reason"])
    if item["state"] in ("FAILED", "REJECTED", "LAUNCHING"):
        return "; ".join(dict.fromkeys(f"{it['reason']}: {it['detail']}" for it in item["failures"]))
    return ""


def _indexes(item: Item) -> str:
    """How the indexes of an array that is not a success ended."""
    counted = {it: int(item[it]) for it in ("failed", "stopped")}
    ended = sum(counted.values()) + int(item["succeeded"])
    if item["state"] in ENDED:
        counted["not started"] = int(item["array"]["size"]) - ended
    return ", ".join(f"{number} {what}" for what, number in counted.items() if number)


@dataclass(frozen=True)
class Sums:
    """What several runs come to."""

    states: dict[str, int]
    """State → how many runs, always in the same order, without those of which there is none."""
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
            states={it: states[it] for it in MARKS if states[it]},
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
    job: Job | str,
    *,
    since: datetime | timedelta | str | None = None,
    until: datetime | None = None,
    states: Collection[str] = (),
    most: int | None = None,
) -> Iterator[PastRun]:
    """The runs of a job, the newest first, read from the table a page at a time as they are taken.

    `job`: also its name, in the account and region of the caller. `since`: none that was launched earlier, or longer
    ago; also as a text such as 90m, 7d or 2026-11-26T03:00 (UTC). `until`: none that was launched later. `states`:
    those in one of these states, in capitals or not; all by default. `most`: at most so many; all that the table keeps
    by default. Raises JobError for any other value, the errors of `find`, and AWS's error as a JobError.
    """
    wanted = [it.upper() for it in ([states] if isinstance(states, str) else states)]
    if unknown := [it for it in wanted if it not in MARKS]:
        raise JobError(
            f"states: {', '.join(map(repr, unknown))}: no state of a run", f"The states are {', '.join(MARKS)}"
        )
    begin = None if since is None else beginning(since)
    earliest, latest = ("" if it is None else at(it.timestamp()) for it in (begin, until))
    found = find(Account(), job) if isinstance(job, str) else job
    return map(PastRun.of, runs.each_of(found, most, since=earliest, until=latest, states=wanted, facts=FACTS))


def beginning(since: datetime | timedelta | str) -> datetime:
    """The time that `since` means, as `history` takes it. Raises JobError."""
    try:
        since = since_of(since) if isinstance(since, str) else since
        return datetime.now(UTC) - since if isinstance(since, timedelta) else since
    except (ValueError, OverflowError) as error:
        raise JobError(f"since: {error}") from None


def costs(job: Job, *, since: datetime) -> Iterator[tuple[datetime, float]]:
    """When each run that has a cost was launched, the newest first, and its cost in USD: less to read than `history`.

    `since`: none that was launched earlier. Raises AWS's error as a JobError.
    """
    for item in runs.each_of(job, since=at(since.timestamp()), facts=("launchedAt", "costUsd")):
        if "costUsd" in item:
            yield datetime.fromisoformat(item["launchedAt"]), item["costUsd"]
