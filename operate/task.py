"""A job's tasks as ECS describes them, and the results of those that have stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fargate_job_launcher.handler import remedy
from fargate_job_launcher.handler.attempt import belongs
from fargate_job_launcher.handler.outcome import classify
from fargate_job_launcher.handler.result import log_stream

from .catalogue import Job
from .errors import picked
from .times import instant

SHORT: Final = 8
"""Characters of a task's id, or of a run's, that tell them apart."""
DESCRIBED_AT_ONCE: Final = 100
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html"""


@dataclass(frozen=True)
class Task:
    """A task of a job."""

    id: str
    arn: str
    status: str
    """ECS's lastStatus: PROVISIONING, PENDING, ACTIVATING, RUNNING, …, STOPPED."""
    started_by: str
    """job/run; of a retry: job/run/number/root."""
    run: str
    """Id of its run; empty if no launcher started it."""
    attempt: int
    """The number of this attempt: 1 for the launch itself."""
    root: str
    """Of a retry: how the id of the first task begins, which it launches again; otherwise empty."""
    created: datetime | None
    started: datetime | None
    stopped: datetime | None
    outcome: str
    """Of a stopped task: succeeded, failed, never_started, interrupted, timed_out, stopped; empty before."""
    reason: str
    """Of a stopped task: how it ended, in words."""
    remedy: str
    """What to do; empty if only the log shows the cause."""
    exit_code: int | None
    """Of the job's container; None if it did not run to its end."""
    log_group: str
    log_stream: str
    record: Mapping[str, Any]
    """The task as ECS describes it."""

    @staticmethod
    def of(job: Job, record: Mapping[str, Any]) -> Task:
        """From ECS's description."""
        container, task_id = job.settings.container, str(record["taskArn"]).rpartition("/")[2]
        stopped = record["lastStatus"] == "STOPPED"
        outcome = classify(record, container) if stopped else None
        of = belongs(record)
        return Task(
            id=task_id,
            arn=record["taskArn"],
            status=record["lastStatus"],
            started_by=str(record.get("startedBy", "")),
            run=of.run if of else "",
            attempt=of.attempt if of else 1,
            root=of.root if of else "",
            created=record.get("createdAt"),
            started=record.get("startedAt"),
            stopped=record.get("stoppedAt") if stopped else None,
            outcome=outcome.kind if outcome else "",
            reason=outcome.reason if outcome else "",
            remedy=outcome.remedy if outcome else "",
            exit_code=outcome.exit_code if outcome else None,
            log_group=job.settings.log_group,
            log_stream=log_stream(container, task_id),
            record=record,
        )

    @property
    def seconds(self) -> float | None:
        """How long its containers have run; None if they have not started."""
        return None if self.started is None else ((self.stopped or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def exit_status(self) -> int:
        """The exit code of a command that waited for it: the container's, or 125 if it has none or if it is 0 in a task
        that did not succeed."""
        if self.exit_code is None or (self.exit_code == 0 and self.outcome != "succeeded"):
            return 125
        return self.exit_code

    def advised(self, lines: Sequence[str]) -> str:
        """What to do, judged also by its last lines of output."""
        if not self.remedy and self.outcome == "failed" and any(remedy.EXEC_FORMAT in it for it in lines):
            return remedy.remedy(remedy.EXEC_FORMAT)
        return self.remedy

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "id": self.id,
            "arn": self.arn,
            "status": self.status,
            "startedBy": self.started_by,
            "run": self.run or None,
            "attempt": self.attempt,
            "createdAt": instant(self.created),
            "startedAt": instant(self.started),
            "stoppedAt": instant(self.stopped),
            "seconds": self.seconds,
            "outcome": self.outcome or None,
            "reason": self.reason or None,
            "remedy": self.remedy or None,
            "exitCode": self.exit_code,
            "logGroup": self.log_group,
            "logStream": self.log_stream,
        }


def describe(job: Job, tasks: Sequence[str]) -> list[Task]:
    """These tasks, by ARN or id, as far as ECS still shows them."""
    ecs, found = job.account.client("ecs"), list[Task]()
    for start in range(0, len(tasks), DESCRIBED_AT_ONCE):
        some = list(tasks[start : start + DESCRIBED_AT_ONCE])
        with job.account.asking():
            described = ecs.describe_tasks(cluster=job.settings.cluster, tasks=some, include=["TAGS"])
        found += [Task.of(job, record) for record in described["tasks"]]
    return found


def tasks(job: Job, *, running_only: bool = False) -> list[Task]:
    """The tasks of the job's launcher, newest first: those that run, and those of the last hour."""
    asked = ("RUNNING",) if running_only else ("RUNNING", "STOPPED")
    # One that stops in between is in both lists.
    arns = dict.fromkeys(arn for status in asked for arn in _listed(job, status))
    ours = [it for it in describe(job, list(arns)) if it.started_by.startswith(f"{job.name}/")]
    return sorted(ours, key=lambda it: it.created or datetime.max.replace(tzinfo=UTC), reverse=True)


def running(job: Job) -> int:
    """How many tasks of the job run, or are starting."""
    return sum(1 for _ in _listed(job, "RUNNING"))


def _listed(job: Job, status: str) -> Iterator[str]:
    pages = job.account.client("ecs").get_paginator("list_tasks")
    with job.account.asking():
        for page in pages.paginate(cluster=job.settings.cluster, family=job.family, desiredStatus=status):
            yield from page["taskArns"]


def chosen(job: Job, asked: Sequence[str], among: Sequence[Task], *, what: str = "task") -> list[Task]:
    """The tasks that these ids, beginnings of ids, or ARNs name. Raises NoSuchTask."""
    return picked(job.name, what, [it.rpartition("/")[2] for it in asked], among, lambda it: it.id)
