"""Stops the tasks of a cluster when it is deleted, so that one `pulumi destroy` deletes the whole stack.

A resource hook would need `pulumi destroy --run-program`, which nobody types. Instead the stack has a function for it:
the AWS provider invokes it when it deletes the Invocation, after everything that could launch a task is deleted and
before the cluster is. The code is handler/drain.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from . import iam
from .function import RUNTIME, archive

TIMEOUT_SECONDS: Final = 600
"""A container has at most two minutes to end; its network interface is deleted after that."""
MEMORY_MIB: Final = 256
LOG_DAYS: Final = 14


def drained(
    name: str, cluster: aws.ecs.Cluster, *, tags: Mapping[str, pulumi.Input[str]], parent: pulumi.Resource
) -> aws.lambda_.Invocation:
    """The resource that everything that uses the cluster depends on, and that is therefore deleted after it."""
    base, child = f"{name}-drain", pulumi.ResourceOptions(parent=parent)
    logs = aws.cloudwatch.LogGroup(
        base,
        name=f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}/drain",
        retention_in_days=LOG_DAYS,
        tags=tags,
        opts=child,
    )
    role = aws.iam.Role(
        base,
        description=f"The Lambda that empties the cluster {name} before it is deleted runs with this role.",
        assume_role_policy=iam.to_json(iam.lambda_trust()),
        force_detach_policies=True,
        tags=tags,
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        base,
        role=role.name,
        policy=pulumi.Output.all(cluster.arn, logs.arn).apply(
            lambda it: iam.to_json(iam.drain_policy(iam.Place.of(it[0]), cluster_arn=it[0], log_group_arn=it[1]))
        ),
        opts=child,
    )
    function = aws.lambda_.Function(
        base,
        description=f"Stops the tasks of the cluster {name} when it is deleted.",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="handler.drain.handle",
        code=archive(),
        role=role.arn,
        timeout=TIMEOUT_SECONDS,
        memory_size=MEMORY_MIB,
        environment={"variables": {"DRAINED_CLUSTER": cluster.arn}},
        logging_config={"log_format": "JSON", "log_group": logs.name},
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
    return aws.lambda_.Invocation(base, function_name=function.name, input="{}", lifecycle_scope="CRUD", opts=child)
