"""A stand-in for awsx, for the suite of the real Pulumi CLI: its Vpc, with the resources that awsx creates for it."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
import pulumi_aws as aws
from fargate_job_launcher.sandbox.aws.subnets import subnet_ranges
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import main


class Vpc(pulumi.ComponentResource):
    """A VPC, a subnet of each kind in each zone, and a route table for each."""

    def __init__(self, name: str, inputs: dict[str, Any], options: pulumi.ResourceOptions) -> None:
        super().__init__("awsx:ec2:Vpc", name, {}, options)
        child = pulumi.ResourceOptions(parent=self)
        vpc = aws.ec2.Vpc(name, cidr_block=inputs["cidrBlock"], tags=inputs.get("tags"), opts=child)
        self.outputs: dict[str, Any] = {"vpcId": vpc.id, "routeTables": []}
        for kind in ("Public", "Private", "Isolated"):
            self.outputs[f"{kind.lower()}SubnetIds"] = []
        zones, specs = int(inputs["numberOfAvailabilityZones"]), inputs["subnetSpecs"]
        ranges = subnet_ranges(inputs["cidrBlock"], zones, specs, inputs.get("subnetStrategy"))
        for number, spec in enumerate(specs):
            for zone in range(zones):
                base = f"{name}-{spec['type'].lower()}-{zone + 1}"
                subnet = aws.ec2.Subnet(base, vpc_id=vpc.id, cidr_block=ranges[zone][number], opts=child)
                table = aws.ec2.RouteTable(base, vpc_id=vpc.id, opts=child)
                self.outputs[f"{spec['type'].lower()}SubnetIds"].append(subnet.id)
                self.outputs["routeTables"].append(table)
        self.register_outputs(self.outputs)


class Network(Provider):
    """The package awsx, of which the program uses one component."""

    def __init__(self) -> None:
        super().__init__("3.11.0", '{"name":"awsx","version":"3.11.0"}')

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Raises ValueError for a component that the stand-in does not know."""
        if resource_type != "awsx:ec2:Vpc":
            raise ValueError(f"the stand-in does not know {resource_type}")
        made = Vpc(name, dict(inputs), options or pulumi.ResourceOptions())
        return ConstructResult(made.urn, made.outputs)


if __name__ == "__main__":
    main(Network(), sys.argv[1:])
