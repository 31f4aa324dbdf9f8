"""What a caller may set at a launch, in words, from what the job's owner declared under `overrides`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fargate_job_launcher.handler.settings import Overrides


def allowed(overrides: Overrides) -> Iterator[tuple[str, str]]:
    """Field of the launch event → what it may be. Nothing for a job that is launched only as its owner defined it."""
    if overrides.environment:
        yield "environment", f"an object with {_names(overrides.environment)}"
    if overrides.command:
        yield "command", "a list of texts"
    if overrides.payload:
        yield "payload", "any JSON but null"
    if overrides.max_count > 1:
        yield "count", f"1 to {overrides.max_count}"
    if overrides.array_size:
        size, parallelism = overrides.array_size, overrides.array_parallelism
        yield "array", f'{{"size": 1 to {size}, "parallelism": 1 to {parallelism}, "maxFailed": a number}}'
    if overrides.cpu:
        yield "cpu", f"CPU units, at most {overrides.cpu}"
    if overrides.memory:
        yield "memory", f"MiB, at most {overrides.memory}"
    if overrides.ephemeral_storage_gib:
        yield "ephemeralStorageGiB", f"at most {overrides.ephemeral_storage_gib}"
    if overrides.capacity:
        yield "capacity", _names(overrides.capacity)
    if overrides.task_roles:
        yield "role", _names(overrides.task_roles)
    if overrides.tags:
        yield "tags", f"an object with {_names(overrides.tags)}"
    if overrides.at:
        yield "at, zone", "a later time, such as 2026-12-01T03:00, and its time zone"


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
