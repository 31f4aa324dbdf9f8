"""The launch event: what a caller may send. How it is checked, and what becomes of it, is in request.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypedDict


class LaunchEvent(TypedDict, total=False):
    """An empty one launches the job as defined; nearly all else, the job has to declare under `overrides`."""

    version: str
    """Of this contract. Default: 1, which is the only one."""
    idempotencyKey: str
    """The same key launches once, whoever repeats it; 1 to 256 printable characters. Default: the SQS message's id,
    the EventBridge event's, the schedule and its time, else the request's id."""
    delivery: int
    """The how-manieth time it is asked for under its key, 1 to 99. ECS answers what it was asked before as it did then,
    for about an hour, a lack of capacity too: who repeats a launch that may succeed later counts this up. Triggers
    count by themselves. Default: 1."""
    command: Sequence[str]
    """The container's command, where `overrides.command` allows one. Default: the job's."""
    environment: Mapping[str, str]
    """Environment variables of the container, of the names in `overrides.environment`. Default: the job's own."""
    cpu: int
    """CPU units, at most `overrides.cpu`, of the sizes that Fargate has. Default: the job's."""
    memory: int
    """Memory in MiB, at most `overrides.memory`, of the sizes that go with the CPU. Default: the job's."""
    ephemeralStorageGiB: int
    """Scratch space in GiB, 21 to `overrides.ephemeral_storage_gib`. Default: the job's."""
    count: int
    """Tasks to launch, 1 to `overrides.max_count`. Default: 1."""
    tags: Mapping[str, str]
    """Tags of the tasks, of the keys in `overrides.tags`, besides the job's own. Default: none."""
    payload: object
    """Any JSON, where `overrides.payload` allows one: the job finds it as JSON in JOB_PAYLOAD (a text with its quotes),
    or, past the 8,192 characters of a call, in S3 at JOB_PAYLOAD_S3_URI. Default: none."""
    role: str
    """Alias of a role in `overrides.task_roles`, in place of the task role. Default: the task role."""
    capacity: str
    """`on_demand`, `spot` or `spot_then_on_demand`: the job's own or one in `overrides.capacity`. Default: its own."""
    dryRun: bool
    """Whether only to answer what would be done: the exact calls, what IAM would be asked, what it costs. Default:
    false."""


KEYS: Final = tuple(LaunchEvent.__annotations__)
