"""Problems with the overrides that a caller may send. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher.handler import fargate

from .kinds import outside
from .tags import is_tag_key

LARGEST_COUNT: Final = 1000
"""The most tasks of one event: its answer can name as many, well within the size that Lambda returns."""


def override_problems(
    overrides: Mapping[str, Any], environment: Mapping[str, Any], secrets: Mapping[str, Any]
) -> list[str]:
    """Problems with `overrides`, also in combination with the job's own `environment` and `secrets`."""
    problems = outside("overrides.max_count", overrides.get("max_count", 1), 1, LARGEST_COUNT)
    cpu = overrides.get("cpu")
    if cpu is not None and cpu not in fargate.SIZES:
        problems.append(f"overrides.cpu: {cpu} is no Fargate size; allowed: {', '.join(map(str, fargate.SIZES))}")
    largest = max(memory for sizes in fargate.SIZES.values() for memory in sizes)
    problems += outside("overrides.memory", overrides.get("memory", 512), 512, largest)
    problems += outside("overrides.ephemeral_storage_gib", overrides.get("ephemeral_storage_gib", 21), 21, 200)
    for name in overrides.get("environment", []):
        if name in secrets:
            problems.append(
                f"overrides.environment: {name!r} is also under secrets; ECS refuses a launch that sets both"
            )
        if not fargate.ENVIRONMENT_NAME.fullmatch(name):
            problems.append(f"overrides.environment: {name!r} is not the name of an environment variable")
        elif fargate.reserved(name):
            problems.append(f"overrides.environment: {name!r} is reserved; a caller who sets it could run other code")
    problems += [
        f"environment.{name}: is reserved for the launcher, which passes the payload in it; choose another name"
        for name in environment
        if name.startswith("JOB_PAYLOAD")
    ]
    for key in overrides.get("tags", []):
        if not is_tag_key(key):
            problems.append(f"overrides.tags: {key!r} is not a valid key for your own tag")
    if len(overrides.get("tags", [])) > fargate.TAGS:
        problems.append(f"overrides.tags: {len(overrides['tags'])} keys; a task has at most {fargate.TAGS} tags")
    return problems
