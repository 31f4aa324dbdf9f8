"""Shared by the handler's tests: a launcher's settings, and a launcher on an ECS endpoint that does not wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from fargate_job_launcher.handler.launch import Launcher
from fargate_job_launcher.handler.request import LaunchRequest, parse
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.timing import Budget, Pace

ROLE: Final = "arn:aws:iam::123456789012:role/reader"
DECLARED: Final[dict[str, Any]] = {
    "job": "import",
    "cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs",
    "taskDefinition": "arn:aws:ecs:eu-west-1:123456789012:task-definition/f:7",
    "container": "job",
    "executionRole": "arn:aws:iam::123456789012:role/import-execution",
    "taskRole": "arn:aws:iam::123456789012:role/import-task",
    "cpu": 512,
    "memory": 1024,
    "ephemeralStorageGib": 20,
    "subnets": ["subnet-1", "subnet-2"],
    "securityGroups": ["sg-1"],
    "assignPublicIp": True,
    "capacity": "spot",
    "logGroup": "/p/dev/import/job",
    "overrides": {
        "environment": ["SOURCE"],
        "command": True,
        "payload": True,
        "tags": ["customer"],
        "capacity": ["on_demand", "spot_then_on_demand"],
        "maxCount": 1000,
        "taskRoles": {"reader": ROLE},
        "cpu": 2048,
        "memory": 8192,
        "ephemeralStorageGib": 100,
    },
    "payloadPrefix": "",
    "payloadKey": "",
    "deadLetterQueue": "",
    "maxRunning": 0,
    "exec": False,
    "eventAsPayload": False,
    "queueAsPayload": False,
    "runs": {"table": "jobs-runs", "keepDays": 90},
    "policy": {
        "retries": 0,
        "retryOn": [],
        "maxRuntimeMinutes": 0,
        "startTimeoutMinutes": 0,
        "retryExitCodes": [],
        "neverRetryExitCodes": [],
    },
    "overlap": "wait",
    "noticeTopic": "",
    "logLines": 0,
    "callbacks": False,
    "resultPrefix": "",
    "prices": {"date": "2026-11-01", "vcpuHour": 0.04, "memoryGibHour": 0.004, "storageGibHour": 0.0001},
}
"""Of a job whose callers may change everything that a caller ever may."""

CLOSED: Final[dict[str, Any]] = {
    **DECLARED,
    "capacity": "on_demand",
    "overrides": {
        "environment": [],
        "command": False,
        "payload": False,
        "tags": [],
        "capacity": [],
        "maxCount": 1,
        "taskRoles": {},
        "cpu": 0,
        "memory": 0,
        "ephemeralStorageGib": 0,
    },
    "prices": None,
}
"""Of a job whose callers may change nothing."""


def settings(declared: dict[str, Any] = DECLARED, **changed: Any) -> Settings:
    return Settings.read({"LAUNCHER_SETTINGS": json.dumps({**declared, **changed})})


SETTINGS: Final = settings()


def asked(event: object, key: str = "r-1", *, delivery: int = 1, of: Settings = SETTINGS) -> LaunchRequest:
    """The request of an event."""
    return parse(event, of, key=key, delivery=delivery)


def launcher(
    ecs: Any,
    of: Settings = SETTINGS,
    *,
    seconds: Callable[[], float] = lambda: 60.0,
    settling: Callable[[], bool] = lambda: False,
    store: Callable[[str, bytes], None] | None = None,
) -> Launcher:
    """A launcher that does not wait between attempts, unless a test is about waiting."""

    def nowhere(uri: str, _: bytes) -> None:
        raise AssertionError(f"a payload was stored at {uri}")

    unlimited = Pace(burst=float("inf"))
    return Launcher(of, ecs, Budget(seconds), unlimited, store or nowhere, settling, wait=lambda _: 0.0)
