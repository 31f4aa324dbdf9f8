"""The three roles of a launcher, and what is attached to each. What the documents say is in iam.py.

- The execution role is assumed by ECS itself, before the container runs: pull the image, read secrets, write logs.
- The task role is assumed by the job's own code.
- The launcher role is assumed by the function; it may pass the two others to ECS, and no other role.

A role that already exists is adopted: its ARN is used, and nothing is attached to it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from . import iam
from .arguments import Job


@dataclass(frozen=True)
class Role:
    """A role made here or adopted."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    policies: list[aws.iam.RolePolicy] = field(default_factory=list[aws.iam.RolePolicy])
    """What was attached to it here; whoever acts with the role has to wait for these."""


def execution_role(
    name: str, job: Job, *, place: pulumi.Output[iam.Place], log_group_arn: pulumi.Input[str], parent: pulumi.Resource
) -> Role:
    """The role that ECS starts the task with, and its only policy."""
    if job.execution_role_arn is not None:
        return _adopted(job.execution_role_arn)
    secrets, keys = list(job.secrets.values()), list(job.secret_key_arns)

    def policy(place: iam.Place, image: str, group: str, secrets: list[str], keys: list[str]) -> str:
        return iam.to_json(
            iam.execution_policy(place, image=image, log_group_arn=group, secret_arns=secrets, secret_key_arns=keys)
        )

    role = _role(
        f"{name}-execution",
        job,
        description=f"ECS starts the job {name} with this role: image, secrets, log.",
        trust=place.apply(lambda it: iam.to_json(iam.tasks_trust(it))),
        parent=parent,
    )
    attached = aws.iam.RolePolicy(
        f"{name}-execution",
        role=role.name,
        policy=pulumi.Output.all(place, job.image, log_group_arn, secrets, keys).apply(lambda it: policy(*it)),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return Role(role.arn, role.name, [attached])


def task_role(name: str, job: Job, *, place: pulumi.Output[iam.Place], parent: pulumi.Resource) -> Role:
    """The role of the job's own code. It may do what the job declares, and nothing without that."""
    if job.task_role_arn is not None:
        return _adopted(job.task_role_arn)
    role = _role(
        f"{name}-task",
        job,
        description=f"The code of the job {name} runs with this role.",
        trust=place.apply(lambda it: iam.to_json(iam.tasks_trust(it))),
        parent=parent,
    )
    if job.task_policy is None:
        return Role(role.arn, role.name)
    attached = aws.iam.RolePolicy(
        f"{name}-task",
        role=role.name,
        policy=pulumi.Output.from_input(job.task_policy).apply(lambda it: iam.to_json(json.loads(it))),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return Role(role.arn, role.name, [attached])


def launcher_role(
    name: str,
    job: Job,
    *,
    place: pulumi.Output[iam.Place],
    task_definition_arn: pulumi.Input[str],
    passed_role_arns: Sequence[pulumi.Input[str]],
    log_group_arn: pulumi.Input[str],
    parent: pulumi.Resource,
) -> Role:
    """The function's role, and the policy computed from what it may run and pass.

    The policy is replaced, not updated: the new one stands before the function moves to the new revision and the
    old one goes after it has, so that an update has no moment without permission.
    """

    def policy(place: iam.Place, cluster: str, definition: str, group: str, passed: list[str]) -> str:
        return iam.to_json(
            iam.launcher_policy(
                place,
                cluster_arn=cluster,
                task_definition_arn=definition,
                passed_role_arns=passed,
                cpu=job.cpu,
                memory=job.memory,
                log_group_arn=group,
            )
        )

    role = _role(
        f"{name}-launcher",
        job,
        description=f"The Lambda that launches the job {name} runs with this role.",
        trust=iam.to_json(iam.lambda_trust()),
        parent=parent,
    )
    attached = aws.iam.RolePolicy(
        f"{name}-launcher",
        role=role.name,
        policy=pulumi.Output.all(
            place, job.cluster_arn, task_definition_arn, log_group_arn, list(passed_role_arns)
        ).apply(lambda it: policy(*it)),
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=["policy"]),
    )
    return Role(role.arn, role.name, [attached])


def _role(name: str, job: Job, *, description: str, trust: pulumi.Input[str], parent: pulumi.Resource) -> aws.iam.Role:
    return aws.iam.Role(
        name,
        description=description,
        assume_role_policy=trust,
        path=job.role_path,
        permissions_boundary=job.permissions_boundary_arn,
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _adopted(arn: pulumi.Input[str]) -> Role:
    known = pulumi.Output.from_input(arn)
    return Role(known, known.apply(lambda it: it.rpartition("/")[2]))
