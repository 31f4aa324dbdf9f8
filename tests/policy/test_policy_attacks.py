"""The published ways from iam:PassRole and ECS to an administrator, each refused in every environment.

After pathfinding.cloud, ECS-001 to ECS-009. Each is tried wide, as published, and narrow: one named administrator,
one cluster, the service pinned, which is as careful as such a policy can be written.
"""

from __future__ import annotations

from typing import Any

import pytest
from fargate_job_launcher.policies import RULES, Environment
from pulumi_policy import EnforcementLevel

from tools.pack.judging import judge
from tools.pack.policy_cases import (
    ADMINISTRATOR,
    CLUSTER,
    DEFINITION,
    IN_CLUSTER,
    LAUNCHES,
    ONLY_LAMBDA,
    REGIONAL,
    TASK,
    TO_TASKS,
    Stack,
    allow,
    attached,
    definition,
    function,
    inline,
    role,
)

PATHS: dict[str, list[str]] = {
    "ECS-001": ["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    "ECS-002": ["iam:PassRole", "ecs:CreateCluster", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    "ECS-003": ["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:CreateService"],
    "ECS-004": ["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"],
    "ECS-005": ["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:StartTask"],
    "ECS-006": ["ecs:ExecuteCommand", "ecs:DescribeTasks"],
    "ECS-007": ["iam:PassRole", "ecs:RegisterContainerInstance", "ecs:StartTask"],
    "ECS-008": ["iam:PassRole", "ecs:RunTask"],
    "ECS-009": ["iam:PassRole", "ecs:StartTask"],
}
"""The actions that each needs."""

MANDATORY: dict[Environment, set[str]] = {
    "dev": {rule.id for rule in RULES if rule.level("dev") is EnforcementLevel.MANDATORY},
    "prod": {rule.id for rule in RULES if rule.level("prod") is EnforcementLevel.MANDATORY},
}
NARROW: dict[str, tuple[Any, Any]] = {
    "iam:PassRole": (TASK, TO_TASKS),
    "ecs:RunTask": (DEFINITION, IN_CLUSTER),
    "ecs:StartTask": (DEFINITION, IN_CLUSTER),
    "ecs:CreateService": (REGIONAL % ("ecs", "service/jobs/one"), IN_CLUSTER),
    "ecs:CreateCluster": (CLUSTER, None),
    "ecs:RegisterContainerInstance": (CLUSTER, None),
    "ecs:ExecuteCommand": (REGIONAL % ("ecs", "task/jobs/*"), None),
    "ecs:DescribeTasks": (REGIONAL % ("ecs", "task/jobs/*"), None),
}


def wide(actions: list[str]) -> Stack:
    """Every action on every resource, as found in published policies."""
    return [role("launcher", ONLY_LAMBDA), inline(allow(actions)), function()]


def narrow(actions: list[str]) -> Stack:
    """Each action on one resource, and an administrator's role to reach."""
    statements = [allow(it, *NARROW.get(it, ("*", None))) for it in actions]
    administrator = [role("task"), attached(ADMINISTRATOR, role="task"), definition()]
    return [role("launcher", ONLY_LAMBDA), inline(*statements), function(), *administrator]


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("path", PATHS)
def test_every_published_escalation_through_ecs_is_refused(path: str, environment: Environment) -> None:
    actions = PATHS[path]
    refused = judge(wide(actions), environment=environment).rules & MANDATORY[environment]
    assert refused & ({"exec-named-tasks"} if path == "ECS-006" else {"passrole-named-roles"})
    refused = judge(narrow(actions), environment=environment).rules & MANDATORY[environment]
    assert refused & ({"task-no-administrator"} if path == "ECS-006" else {"passrole-no-administrator"})
    if {"ecs:RegisterTaskDefinition", "ecs:CreateService", "ecs:StartTask"} & set(actions):
        assert "passrole-alone" in refused


def test_a_launcher_that_passes_two_harmless_roles_violates_none_of_these_rules() -> None:
    stack = [*LAUNCHES, function(), role("task"), role("execution"), definition()]
    assert judge(stack).rules == set()
