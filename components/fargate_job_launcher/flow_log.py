"""A new VPC's flow log, which records its connections, and the VPC's default security group, closed."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from . import iam


def close_default_group(
    name: str, vpc_id: pulumi.Output[str], *, tags: Mapping[str, pulumi.Input[str]], parent: pulumi.Resource
) -> None:
    """Removes every rule from the VPC's default security group: a resource that names no other group has no network."""
    aws.ec2.DefaultSecurityGroup(
        f"{name}-default", vpc_id=vpc_id, tags=tags, opts=pulumi.ResourceOptions(parent=parent)
    )


def flow_log(
    name: str,
    days: int,
    *,
    vpc_id: pulumi.Output[str],
    kms_key_arn: pulumi.Input[str] | None,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> None:
    """The log of all traffic of a VPC, its log group, and the role with which VPC writes it."""
    base, child = f"{name}-flow-log", pulumi.ResourceOptions(parent=parent)
    group = aws.cloudwatch.LogGroup(
        base,
        name=f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}/flow-log",
        retention_in_days=days,
        kms_key_id=kms_key_arn,
        tags=tags,
        opts=child,
    )
    role = aws.iam.Role(
        base,
        description=f"VPC writes the flow log of {name} with this role.",
        assume_role_policy=group.arn.apply(lambda arn: iam.to_json(iam.flow_log_trust(arn))),
        force_detach_policies=True,
        tags=tags,
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        base,
        role=role.name,
        policy=group.arn.apply(lambda arn: iam.to_json(iam.flow_log_policy(arn))),
        opts=child,
    )
    aws.ec2.FlowLog(
        base,
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
