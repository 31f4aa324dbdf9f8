"""The three roles of a launcher, and what is attached to each. What the documents say is in iam.py.

- The execution role is assumed by ECS itself, before the container runs: pull the image, read secrets, write logs.
- The task role is assumed by the job's own code.
- The launcher role is assumed by the function; it may pass the two others to ECS, and no other role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from . import iam


def execution_role(
    name: str,
    *,
    place: pulumi.Output[iam.Place],
    image: pulumi.Input[str],
    log_group_arn: pulumi.Input[str],
    secret_arns: Sequence[pulumi.Input[str]],
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """The role that ECS starts the task with, and its only policy."""
    role = aws.iam.Role(
        f"{name}-execution",
        description=f"ECS starts the job {name} with this role: image, secrets, log.",
        assume_role_policy=place.apply(lambda it: json.dumps(iam.tasks_trust(it))),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-execution",
        role=role.name,
        policy=pulumi.Output.all(place, image, log_group_arn, *secret_arns).apply(
            lambda it: json.dumps(iam.execution_policy(it[0], image=it[1], log_group_arn=it[2], secret_arns=it[3:]))
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return role, policy


def task_role(
    name: str,
    *,
    place: pulumi.Output[iam.Place],
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> aws.iam.Role:
    """The role of the job's own code. It may do nothing until somebody grants it something."""
    return aws.iam.Role(
        f"{name}-task",
        description=f"The code of the job {name} runs with this role.",
        assume_role_policy=place.apply(lambda it: json.dumps(iam.tasks_trust(it))),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def launcher_role(
    name: str,
    *,
    place: pulumi.Output[iam.Place],
    cluster_arn: pulumi.Input[str],
    task_definition_arn: pulumi.Input[str],
    passed_role_arns: Sequence[pulumi.Input[str]],
    cpu: int,
    memory: int,
    log_group_arn: pulumi.Input[str],
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """The function's role, and the policy computed from what it may run and pass.

    The policy is replaced, not updated: the new one stands before the function moves to the new revision and the
    old one goes after it has, so that an update has no moment without permission.
    """
    role = aws.iam.Role(
        f"{name}-launcher",
        description=f"The Lambda that launches the job {name} runs with this role.",
        assume_role_policy=json.dumps(iam.lambda_trust()),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-launcher",
        role=role.name,
        policy=pulumi.Output.all(place, cluster_arn, task_definition_arn, log_group_arn, *passed_role_arns).apply(
            lambda it: json.dumps(
                iam.launcher_policy(
                    it[0],
                    cluster_arn=it[1],
                    task_definition_arn=it[2],
                    passed_role_arns=it[4:],
                    cpu=cpu,
                    memory=memory,
                    log_group_arn=it[3],
                )
            )
        ),
        opts=pulumi.ResourceOptions(parent=parent, replace_on_changes=["policy"]),
    )
    return role, policy
