"""What the resources of one component have in common: their key, roles, tags, and what stays when it is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pulumi


class Kept(Protocol):
    """Arguments that a launcher and a JobRuns share, with every default filled in."""

    @property
    def kms_key_arn(self) -> pulumi.Input[str] | None:
        """The key of its log groups, queues, topic and functions; None: AWS's own."""
        ...

    @property
    def log_retention_days(self) -> int:
        """How long its log lines are kept."""
        ...

    @property
    def keep_logs(self) -> bool:
        """Whether its log groups outlive it."""
        ...

    @property
    def adopt_logs(self) -> Sequence[str]:
        """Its log groups that exist already."""
        ...

    @property
    def protect_logs(self) -> bool:
        """Whether Pulumi refuses to delete its log groups."""
        ...

    @property
    def protect_queues(self) -> bool:
        """Whether Pulumi refuses to delete its queues."""
        ...

    @property
    def role_path(self) -> str:
        """IAM path of its roles."""
        ...

    @property
    def permissions_boundary_arn(self) -> pulumi.Input[str] | None:
        """The boundary of its roles."""
        ...

    @property
    def tags(self) -> Mapping[str, pulumi.Input[str]]:
        """Tags of its resources."""
        ...
