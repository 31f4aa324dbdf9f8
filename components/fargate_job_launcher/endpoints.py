"""VPC endpoints: AWS services that tasks reach without a NAT gateway. AWS decides which services have one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler import partitions

from .checks.shapes import repeated

GATEWAYS: Final = ("s3", "dynamodb")
"""Services with a gateway endpoint, which costs nothing. https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html"""

TO_START_A_TASK: Final = ("ecr.api", "ecr.dkr", "logs", "s3")
"""The services that Fargate needs to pull an image from ECR and write a log, where there is no other way out.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
"""


def endpoints(
    name: str,
    services: Sequence[str],
    *,
    vpc_id: pulumi.Output[str],
    subnet_ids: pulumi.Output[Sequence[str]],
    route_tables: pulumi.Output[Any],
    tasks: aws.ec2.SecurityGroup,
    tags: Mapping[str, pulumi.Input[str]],
    parent: pulumi.Resource,
) -> None:
    """An endpoint for each service: in the route tables, or in each subnet, open to the tasks only."""
    child = pulumi.ResourceOptions(parent=parent)
    interfaces = [it for it in services if it not in GATEWAYS]
    door = None
    if interfaces:
        door = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            description="VPC endpoints: only the jobs' tasks come in.",
            vpc_id=vpc_id,
            ingress=[
                {
                    "description": "TLS from the tasks.",
                    "protocol": "tcp",
                    "from_port": 443,
                    "to_port": 443,
                    "security_groups": [tasks.id],
                }
            ],
            tags=tags,
            opts=child,
        )
    for service in sorted(services):
        shape: dict[str, Any]
        if door is None or service in GATEWAYS:
            shape = {
                "vpc_endpoint_type": "Gateway",
                "route_table_ids": route_tables.apply(lambda tables: [it.id for it in tables]),
            }
        else:
            shape = {
                "vpc_endpoint_type": "Interface",
                "subnet_ids": subnet_ids,
                "security_group_ids": [door.id],
                "private_dns_enabled": True,
            }
        aws.ec2.VpcEndpoint(
            f"{name}-{service.replace('.', '-')}",
            vpc_id=vpc_id,
            service_name=_service_name(tasks.arn, service, shape["vpc_endpoint_type"], parent=parent),
            tags=tags,
            opts=child,
            **shape,
        )


def endpoint_problems(services: Sequence[str], *, only_way_out: bool) -> list[str]:
    """Problems with the names of these services."""
    problems = [
        f"endpoints: {it!r} is not the name of a service, such as ecr.api or s3"
        for it in services
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", it)
    ]
    problems += [f"endpoints: {it!r} is named twice; one endpoint is enough" for it in repeated(services)]
    missing = [it for it in TO_START_A_TASK if it not in services]
    if only_way_out and missing:
        problems.append(
            f"endpoints: {', '.join(missing)} missing: without NAT no task can pull its image or write its log"
        )
    return problems


def _service_name(arn: pulumi.Output[str], service: str, kind: str, *, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The name of a service's endpoints, in the region of this ARN.

    In some partitions some services have other names. Which ones depends on the region and changes, so the name is
    looked up in the account there. https://github.com/aws/aws-cdk/pull/36471
    """

    def named(known: str) -> pulumi.Input[str]:
        _, partition, _, region, _ = known.split(":", 4)
        first, *others = service_names(partition, region, service)
        if not others:
            return first
        found = aws.ec2.get_vpc_endpoint_service_output(
            filters=[{"name": "service-name", "values": [first, *others]}],
            service_type=kind,
            opts=pulumi.InvokeOutputOptions(parent=parent),
        )
        return found.apply(lambda it: it.service_name)

    return arn.apply(named)


def service_names(partition: str, region: str, service: str) -> list[str]:
    """Possible names of a service's endpoints: with the reversed suffix of AWS's hosts, or of the partition's."""
    suffixes = dict.fromkeys(partitions.partition(it).suffix for it in ("aws", partition))
    return [f"{'.'.join(reversed(it.split('.')))}.{region}.{service}" for it in suffixes]
