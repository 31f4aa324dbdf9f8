"""Problems with the overrides that a caller may send, and the function's settings of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher.handler import arrays, fargate

from .kinds import outside
from .tags import is_tag_key, tag_key_problem

ARRAY_VARIABLES: Final = ("JOB_INDEX", "JOB_COUNT")
"""Environment variables that tell a task of an array which one it is."""
PARALLELISM: Final = 100
"""The most tasks of one array that run at once, unless the job says otherwise."""
LARGEST_COUNT: Final = 1000
"""The most tasks of one event: its answer can name as many, well within the size that Lambda returns."""


def override_problems(
    overrides: Mapping[str, Any], environment: Mapping[str, Any], secrets: Mapping[str, Any]
) -> list[str]:
    """Problems with `overrides`, also in combination with the job's own `environment` and `secrets`."""
    problems = outside("overrides.max_count", overrides.get("max_count", 1), 1, LARGEST_COUNT)
    problems += _array_problems(overrides, environment)
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
            problems.append(f"overrides.tags: {tag_key_problem(key)}")
    if len(overrides.get("tags", [])) > fargate.TAGS:
        problems.append(f"overrides.tags: {len(overrides['tags'])} keys; a task has at most {fargate.TAGS} tags")
    return problems


def parallelism(array: Mapping[str, Any]) -> int:
    """The most tasks of such an array that run at once."""
    return array.get("max_parallelism", min(PARALLELISM, array["max_size"]))


def override_settings(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller may change, as the function's settings have it; handler/settings.py reads it."""
    array = overrides.get("array")
    return {
        "environment": sorted(overrides.get("environment", [])),
        "command": overrides.get("command", False),
        "payload": overrides.get("payload", False),
        "tags": sorted(overrides.get("tags", [])),
        "capacity": sorted(overrides.get("capacity", [])),
        "maxCount": overrides.get("max_count", 1),
        "taskRoles": overrides.get("task_roles", {}),
        "cpu": overrides.get("cpu", 0),
        "memory": overrides.get("memory", 0),
        "ephemeralStorageGib": overrides.get("ephemeral_storage_gib", 0),
        "at": overrides.get("at", False),
        "array": None if array is None else {"maxSize": array["max_size"], "maxParallelism": parallelism(array)},
    }


def _array_problems(overrides: Mapping[str, Any], environment: Mapping[str, Any]) -> list[str]:
    array = overrides.get("array")
    if array is None:
        return []
    size, at_once = array.get("max_size", arrays.LARGEST), array.get("max_parallelism", 1)
    problems = outside("overrides.array.max_size", size, 1, arrays.LARGEST)
    problems += outside("overrides.array.max_parallelism", at_once, 1, arrays.MOST_AT_ONCE)
    if not problems and at_once > size:
        problems.append(
            f"overrides.array.max_parallelism: {at_once} is more than max_size, {size}: no array has as many tasks; "
            "leave it out, or set max_size higher"
        )
    for name in ARRAY_VARIABLES:
        told = f"{name!r} tells a task of an array its own part of the work" if name == "JOB_INDEX" else ""
        told = told or f"{name!r} tells a task of an array how many tasks there are"
        if name in environment:
            problems.append(f"environment.{name}: {told}; choose another name")
        if name in overrides.get("environment", []):
            problems.append(f"overrides.environment: {told}; choose another name")
    return problems
