"""Shared by the handler's tests: a launcher's settings, and a launcher on an ECS endpoint that does not wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fargate_job_launcher.handler.calls import CALLS_AT_ONCE, Calls
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.request import LaunchRequest, parse
from fargate_job_launcher.handler.result import LaunchResult
from fargate_job_launcher.handler.run import Item
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.table import Table
from fargate_job_launcher.handler.timing import Budget, Pace
from fargate_job_launcher.handler.waves import Waves

from .dynamodb import Memory

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
        "array": {"maxSize": 10_000, "maxParallelism": 1000},
        "at": True,
    },
    "scheduling": {
        "group": "jobs-schedules",
        "role": "arn:aws:iam::123456789012:role/import-schedule",
        "prefix": "import-1234abcd-",
        "deadLetters": "arn:aws:sqs:eu-west-1:123456789012:import-dead-letters",
    },
    "schedules": ["nightly", "weekly"],
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
        "array": None,
        "at": False,
    },
    "scheduling": None,
    "schedules": [],
    "prices": None,
}
"""Of a job whose callers may change nothing."""


def settings(declared: dict[str, Any] = DECLARED, **changed: Any) -> Settings:
    return Settings.read({"LAUNCHER_SETTINGS": json.dumps({**declared, **changed})})


SETTINGS: Final = settings()


def asked(event: object, key: str = "r-1", *, namespace: str = "call", of: Settings = SETTINGS) -> LaunchRequest:
    """The request of an event."""
    return parse(event, of, key=key, namespace=namespace)


FUNCTION: Final = "arn:aws:lambda:eu-west-1:123456789012:function:import-launcher"


@dataclass
class Launching:
    """A launcher that does not wait between its calls, unless a test is about waiting, and its table."""

    ecs: Any
    of: Settings = SETTINGS
    table: Memory = field(default_factory=Memory)
    seconds: Callable[[], float] = lambda: 60.0
    settling: Callable[[], bool] = lambda: False
    store: Callable[[str, bytes], None] | None = None
    stored: Callable[[str], bool] = lambda _: True
    clock: Callable[[], float] = time.time
    at_once: int = CALLS_AT_ONCE

    @property
    def launcher(self) -> Waves:
        """The launcher of a new delivery."""

        def nowhere(uri: str, _: bytes) -> None:
            raise AssertionError(f"a payload was stored at {uri}")

        calls = Calls(
            self.ecs, Budget(self.seconds), Pace(burst=float("inf")), self.settling, lambda _: 0.0, self.at_once
        )
        records = Records(Table(self.table, "runs", wait=lambda _: None), clock=self.clock)
        return Waves(self.of, calls, records, self.store or nowhere, self.stored, lambda: 60.0, FUNCTION)

    def launch(
        self,
        event: object,
        key: str = "r-1",
        *,
        namespace: str = "call",
        redelivered: bool = False,
        schedule: str = "",
    ) -> LaunchResult:
        """Deliver an event."""
        request = asked(event, key, namespace=namespace, of=self.of)
        return self.launcher.launch(request, trigger=namespace, redelivered=redelivered, schedule=schedule)

    def run(self, result: LaunchResult) -> Item:
        """The item of a result's run."""
        (found,) = (it for it in self.table.plain("run") if it["run"] == result["run"])
        return found
