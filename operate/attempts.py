"""The attempts of a run, those that run and those that have ended: what the table keeps of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fargate_job_launcher.handler import arrays
from fargate_job_launcher.handler.attempt import outcome_of
from fargate_job_launcher.handler.ending import logs_link
from fargate_job_launcher.handler.run import Item

from . import runs
from .catalogue import Job
from .task import DESCRIBED_AT_ONCE, Task, describe
from .times import instant


@dataclass(frozen=True)
class Attempt:
    """A task of a run."""

    task: str
    """The task's id; empty for a retry that is about to be launched."""
    number: int
    """1 for the launch itself."""
    status: str
    """STOPPED, or what ECS says now: PROVISIONING, PENDING, RUNNING, …; LAUNCHING before the task is there."""
    index: int | None
    """Of an array."""
    outcome: str
    """succeeded, failed, never_started, interrupted, timed_out or stopped; empty before its end."""
    exit_code: int | None
    reason: str
    """How it ended, in words; empty before."""
    remedy: str
    """What to do; empty if only the log shows the cause."""
    capacity: str
    """FARGATE or FARGATE_SPOT; empty before its end."""
    created: datetime | None
    started: datetime | None
    stopped: datetime | None
    cost_usd: float | None
    log: str
    """Address of its log in CloudWatch's console; empty if it never started."""

    @property
    def seconds(self) -> float | None:
        """How long its containers have run; None if they have not started."""
        return None if self.started is None else ((self.stopped or datetime.now(UTC)) - self.started).total_seconds()

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "task": self.task or None,
            "attempt": self.number,
            "index": self.index,
            "status": self.status,
            "outcome": self.outcome or None,
            "exitCode": self.exit_code,
            "reason": self.reason or None,
            "remedy": self.remedy or None,
            "capacity": self.capacity or None,
            "createdAt": instant(self.created),
            "startedAt": instant(self.started),
            "stoppedAt": instant(self.stopped),
            "seconds": self.seconds,
            "costUsd": self.cost_usd,
            "log": self.log or None,
        }


def attempts(job: Job, run: Item, recorded: Sequence[Item] | None = None) -> list[Attempt]:
    """The attempts of a run: by index in an array, then in the order of their launches. `recorded`: those that have
    ended, if they have been read before."""
    found = [_ended(run, it) for it in (runs.attempts(job, run["run"]) if recorded is None else recorded)]
    known = {it.task for it in found}
    going = {root: it for root, it in run["open"].items() if it.get("task") not in known}
    named = [it["task"] for it in going.values() if "calls" not in it][:DESCRIBED_AT_ONCE]
    seen = {it.id: it for it in describe(job, named)}
    found += [_open(run, root, it, seen.get(it.get("task", ""))) for root, it in going.items()]
    return sorted(found, key=lambda it: (it.index or 0, it.number, it.created or datetime.max.replace(tzinfo=UTC)))


def _ended(run: Item, it: Item) -> Attempt:
    began = it["outcome"] != "never_started" and it["task"]
    return Attempt(
        task=it["task"],
        number=int(it["attempt"]),
        status="STOPPED",
        index=it.get("index"),
        outcome=it["outcome"],
        exit_code=it.get("exitCode"),
        reason=it["reason"],
        remedy=it.get("remedy") or outcome_of(it).remedy,
        capacity=it["capacity"],
        created=_moment(it.get("createdAt")),
        started=_moment(it.get("startedAt")),
        stopped=_moment(it.get("stoppedAt")),
        cost_usd=it.get("costUsd"),
        log=logs_link(run, it["task"]) if began else "",
    )


def _open(run: Item, root: str, entry: Item, task: Task | None) -> Attempt:
    """A lineage that is open: its task runs, or its next attempt is about to be launched."""
    soon = "calls" in entry
    return Attempt(
        task="" if soon else entry["task"],
        number=int(entry["attempt"]) + soon,
        status=task.status if task and not soon else "LAUNCHING",
        index=arrays.index_of(root) if "array" in run else None,
        # ECS may tell an end before the supervisor has recorded it.
        outcome=task.outcome if task and not soon else "",
        exit_code=task.exit_code if task and not soon else None,
        reason=task.reason if task and not soon else "",
        remedy=task.remedy if task and not soon else "",
        capacity="",
        created=task.created if task and not soon else None,
        started=task.started if task and not soon else None,
        stopped=task.stopped if task and not soon else None,
        cost_usd=None,
        log="" if soon else logs_link(run, entry["task"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
