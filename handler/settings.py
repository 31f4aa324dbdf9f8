"""What the component tells the function: the one job that it launches, and what a caller may change of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

VARIABLE: Final = "LAUNCHER_SETTINGS"


@dataclass(frozen=True)
class Overrides:
    """What a caller may change for one launch."""

    environment: frozenset[str]
    command: bool
    max_count: int
    task_roles: Mapping[str, str]
    """Alias → ARN of a role for the job's code."""


@dataclass(frozen=True)
class Settings:
    """The job, as the stack deployed it."""

    job: str
    cluster: str
    task_definition: str
    container: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    assign_public_ip: bool
    capacity: str
    log_group: str
    overrides: Overrides

    @staticmethod
    def read(environ: Mapping[str, str]) -> Settings:
        """The settings in the function's environment. Raises KeyError or ValueError for any but the component's."""
        given: dict[str, Any] = json.loads(environ[VARIABLE])
        overrides = given["overrides"]
        return Settings(
            job=given["job"],
            cluster=given["cluster"],
            task_definition=given["taskDefinition"],
            container=given["container"],
            subnets=tuple(given["subnets"]),
            security_groups=tuple(given["securityGroups"]),
            assign_public_ip=given["assignPublicIp"],
            capacity=given["capacity"],
            log_group=given["logGroup"],
            overrides=Overrides(
                environment=frozenset(overrides["environment"]),
                command=overrides["command"],
                max_count=int(overrides["maxCount"]),
                task_roles=dict(overrides["taskRoles"]),
            ),
        )
