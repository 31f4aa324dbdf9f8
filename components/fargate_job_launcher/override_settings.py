"""What a caller may change, as the function's settings have it: handler/settings.py reads it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .checks.overrides import parallelism


def override_settings(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of these `overrides`, which were checked before."""
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
