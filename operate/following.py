"""Tasks followed to their end: each change of state, each line of output, and the result.

Following keeps no state in AWS: a caller can stop following at any time and follow the same tasks again.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from .catalogue import Job
from .errors import NoSuchTask, StillRunning
from .task import Task, describe

POLL_SECONDS: Final = 1.0
READS_PER_SECOND: Final = 5
"""Reads of log streams, for all tasks together: a fifth of CloudWatch's limit for an account.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
SETTLE_SECONDS: Final = 2.0
"""A stopped task's last lines can arrive after its state; its log is complete after this time without a new line."""
APPEAR_SECONDS: Final = 60.0
"""ECS may not show a new task for this long."""
LAST_LINES: Final = 5


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


class Stream:
    """The log lines of one task, read from the beginning."""

    def __init__(self, job: Job, stream: str) -> None:
        self._job, self._stream = job, stream
        self._token = ""
        self.last: list[str] = []

    def read(self) -> list[tuple[int, str]]:
        """The lines since the last call: milliseconds since 1970, and the text."""
        found = list[tuple[int, str]]()
        while True:
            events, token = self._page()
            found += [(int(it["timestamp"]), str(it["message"]).rstrip("\n")) for it in events]
            # At the end CloudWatch returns the same token again; before, it may return empty pages.
            if token in ("", self._token):
                break
            self._token = token
        self.last = [*self.last, *(text for _, text in found)][-LAST_LINES:]
        return found

    def _page(self) -> tuple[list[Any], str]:
        more = {"nextToken": self._token} if self._token else {}
        named = {"logGroupName": self._job.settings.log_group, "logStreamName": self._stream}
        with self._job.account.asking():
            try:
                page = self._job.account.client("logs").get_log_events(**named, startFromHead=True, **more)
            except ClientError as error:
                # The stream is created when the container starts.
                if cast("Any", error.response)["Error"].get("Code") == "ResourceNotFoundException":
                    return [], ""
                raise
        return page["events"], page["nextForwardToken"]


class _Followed:
    def __init__(self, job: Job, arn: str) -> None:
        self.id = arn.rpartition("/")[2]
        container = job.settings.container
        self.stream = Stream(job, f"{container}/{container}/{self.id}")
        self.status = ""
        self.quiet_since: float | None = None
        self.ended = False


def follow(
    job: Job, arns: Sequence[str], *, lines: bool = True, timeout_seconds: float | None = None
) -> Generator[Change | Line | End]:
    """Yield each event of these tasks until all of them have ended.

    Without `lines` their output is not read. Raises StillRunning after `timeout_seconds` (default: never),
    NoSuchTask for a task that ECS does not know, or AWS's error as a JobError.
    """
    begun = time.monotonic()
    left = {it.id: it for it in (_Followed(job, arn) for arn in arns)}
    while left:
        seen = {task.id: task for task in describe(job, list(left))}
        missing = sorted(left.keys() - seen.keys())
        if missing and (time.monotonic() - begun > APPEAR_SECONDS or any(left[it].status for it in missing)):
            raise NoSuchTask(
                f"ECS does not know task {', '.join(missing)} of {job.name}", "It may have ended more than an hour ago"
            )
        for task_id, task in seen.items():
            yield from _step(left[task_id], task, lines=lines)
        left = {task_id: it for task_id, it in left.items() if not it.ended}
        if left:
            over = timeout_seconds is not None and time.monotonic() - begun > timeout_seconds
            if over:
                raise StillRunning(
                    f"{job.name} has not ended within {timeout_seconds:g} seconds",
                    f"It keeps running: fargate-job logs {job.name} --task {next(iter(left))} --follow",
                )
            time.sleep(max(POLL_SECONDS, len(left) / READS_PER_SECOND if lines else 0))


def _step(it: _Followed, task: Task, *, lines: bool) -> Generator[Change | Line | End]:
    if task.status != it.status:
        it.status = task.status
        yield Change(task)
    stopped, now = task.status == "STOPPED", time.monotonic()
    if not lines and not (stopped and task.outcome == "failed"):
        # The output of a failed task may show the cause.
        it.ended = stopped
    elif task.started is not None:
        read = it.stream.read()
        for at, text in read if lines else []:
            yield Line(task, at, text)
        if read or it.quiet_since is None:
            it.quiet_since = now
        it.ended = stopped and (not lines or now - it.quiet_since >= SETTLE_SECONDS)
    else:
        it.ended = stopped
    if it.ended:
        yield End(task, task.advised(it.stream.last))
