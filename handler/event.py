"""The launch event: what a caller may send, and the error for what it may not. request.py checks each event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NotRequired, TypedDict


class LaunchArray(TypedDict):
    """An array: tasks that are told apart by JOB_INDEX, from 0 to JOB_COUNT - 1."""

    size: int
    """How many indexes there are, 1 to `overrides.array.max_size`."""
    parallelism: NotRequired[int]
    """The most indexes that run at once, 1 to `overrides.array.max_parallelism`. Default: `max_parallelism`."""
    maxFailed: NotRequired[int]
    """How many indexes may fail after their last retry: one more, and no index is started any more; 0 or more.
    Default: any number."""


class LaunchEvent(TypedDict, total=False):
    """An empty event launches the job as defined; the job has to declare nearly everything else under `overrides`."""

    version: str
    """Version of the launch event. Default: 1, the only one."""
    idempotencyKey: str
    """The same key launches once, even if several callers send it; 1 to 256 printable characters. Default: the id of
    the SQS message or of the EventBridge event, the schedule and its time, otherwise the id of the request."""
    requestedBy: str
    """Who or what requests the launch, as its caller states it; at most 256 printable characters. Nobody checks it: it
    is kept with the run. Default: none."""
    command: Sequence[str]
    """The container's command, if `overrides.command` allows it. Default: the job's."""
    environment: Mapping[str, str]
    """Environment variables of the container, with names from `overrides.environment`. Default: the job's own."""
    cpu: int
    """CPU units, at most `overrides.cpu`, one of Fargate's sizes. Default: the job's."""
    memory: int
    """Memory in MiB, at most `overrides.memory`, one of the sizes that Fargate has for the CPU. Default: the job's."""
    ephemeralStorageGiB: int
    """Scratch space in GiB, 21 to `overrides.ephemeral_storage_gib`. Default: the job's."""
    count: int
    """Tasks to launch, all alike, 1 to `overrides.max_count`. Default: 1."""
    array: LaunchArray
    """Tasks that each do one part of the job, in place of `count`, if `overrides.array` allows it. Default: none."""
    tags: Mapping[str, str]
    """Tags of the tasks, with keys from `overrides.tags`, in addition to the job's own. Default: none."""
    payload: object
    """Any JSON, if `overrides.payload` allows it: the job finds it as JSON in JOB_PAYLOAD (a text with its quotes), or
    in S3 at JOB_PAYLOAD_S3_URI if it does not fit into the 8,192 characters of a call. Default: none."""
    role: str
    """Alias of a role in `overrides.task_roles`, in place of the task role. Default: the task role."""
    capacity: str
    """`on_demand`, `spot` or `spot_then_on_demand`: the job's own or one in `overrides.capacity`. Default: the job's
    own."""
    taskToken: str
    """Task token of an AWS Step Functions execution that waits for the end of the run; 1 to 2,048 characters, from a
    state machine in the job's `callbacks`. Default: none, and nobody waits."""
    at: str
    """When to launch, if `overrides.at` allows it: a local time such as 2026-12-01T03:00 in `zone`, or with Z or an
    offset; at most 366 days ahead. Default: now."""
    zone: str
    """Time zone of `at`, an IANA name such as Europe/Dublin. Default: UTC."""
    dryRun: bool
    """Whether to launch nothing and only return the exact calls, the decisions that IAM would make, and the cost.
    Default: false."""


KEYS: Final = tuple(LaunchEvent.__annotations__)

PROBLEMS_SHOWN: Final = 20
"""How many problems of one event are reported."""


class Rejected(Exception):
    """The event requests something that this launcher does not allow. Nothing was launched; a retry cannot help."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - PROBLEMS_SHOWN
        self.problems = problems[:PROBLEMS_SHOWN] + ([f"and {more} more problems"] if more > 0 else [])
        super().__init__("; ".join(self.problems))
