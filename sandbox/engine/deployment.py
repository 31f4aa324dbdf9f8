"""What a deployment is: the resources of a stack, its outputs, and the failure that ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .stack import Stack


class DeploymentFailed(Exception):
    """The program could not be deployed. The message names the resource and quotes AWS, or quotes the program."""


@dataclass(frozen=True)
class Resource:
    """A resource of the deployed stack."""

    urn: str
    kind: str
    name: str
    parent: str
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Deployment:
    """A deployed stack: its resources and outputs."""

    stack: Stack
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    declared: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Type and name of each resource, in the order of the program. They reach the monitor in another order."""

    @property
    def launchers(self) -> dict[str, Resource]:
        """Every FargateJobLauncher by name, in the order of the program, each with its outputs."""
        place = {it: number for number, it in reversed(list(enumerate(self.declared)))}
        found = self.of_kind("fargate-job-launcher:index:FargateJobLauncher")
        return {it.name: it for it in sorted(found, key=lambda it: place.get((it.kind, it.name), len(place)))}

    def of_kind(self, kind: str) -> list[Resource]:
        """Every resource of a type, such as `aws:iam/role:Role`."""
        return [resource for resource in self.resources.values() if resource.kind == kind]


Seen = Callable[[Resource, bool], None]
"""Called twice for each resource: when its creation starts (False) and when it exists (True)."""
