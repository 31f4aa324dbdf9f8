"""Components of the package pulumi-awsx: a VPC, an image repository, an image."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
from pathlib import Path
from typing import Any

from ...aws.server import Emulator
from ...aws.subnets import subnet_ranges, zone_names
from .creator import Inputs, Made, Unsupported, creates, specification


@creates("awsx:ec2:Vpc")
def _vpc(aws: Emulator, inputs: Inputs) -> Made:
    """Creates what awsx's component creates: a VPC, a subnet of each kind in each zone, and the gateways."""
    ec2, tags, parts = aws.client("ec2"), inputs.tags(), list[tuple[str, str, str]]()

    def named(kind: str, name: str) -> list[dict[str, Any]]:
        return specification(kind, {**tags, "Name": name})

    def made(kind: str, name: str, identifier: str) -> str:
        parts.append((kind, name, identifier))
        return identifier

    base, cidr = inputs.name, ipaddress.ip_network(inputs.take("cidrBlock", "10.0.0.0/16"))
    zones = zone_names(aws.region, int(inputs.take("numberOfAvailabilityZones", 3)))
    specs, strategy = inputs.take("subnetSpecs"), inputs.take("natGateways", {}).get("strategy", "OnePerAz")
    kinds = ["Private", "Public"] if specs is None else [spec["type"] for spec in specs]
    ranges = subnet_ranges(str(cidr), len(zones), specs, inputs.take("subnetStrategy"))
    if more := sorted({key for spec in specs or [] for key in spec} - {"type", "cidrBlocks", "cidrMask"}):
        raise Unsupported(f"{inputs.kind}: the sandbox does not know {', '.join(more)} of subnetSpecs")
    if unknown := set(kinds) - {"Public", "Private", "Isolated"}:
        raise Unsupported(f"{inputs.kind}: the sandbox does not know subnets of type {', '.join(sorted(unknown))}")

    vpc = ec2.create_vpc(CidrBlock=str(cidr), TagSpecifications=named("vpc", base))["Vpc"]["VpcId"]
    made("aws:ec2/vpc:Vpc", base, vpc)
    for attribute, key in (("EnableDnsHostnames", "enableDnsHostnames"), ("EnableDnsSupport", "enableDnsSupport")):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": bool(inputs.take(key, True))}})
    internet = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", base))
    gateway = made("aws:ec2/internetGateway:InternetGateway", base, internet["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    subnets: dict[str, list[str]] = {"Public": [], "Private": [], "Isolated": []}
    nats, tables = list[str](), list[str]()
    for kind in sorted(kinds, reverse=True):  # public first: NAT gateways are in public subnets
        for number, zone in enumerate(zones, 1):
            name = f"{base}-{kind.lower()}-{number}"
            subnet = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=ranges[number - 1][kinds.index(kind)],
                AvailabilityZone=zone,
                TagSpecifications=named("subnet", name),
            )["Subnet"]["SubnetId"]
            subnets[kind].append(made("aws:ec2/subnet:Subnet", name, subnet))
            table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name))
            tables.append(name)
            table_id = made("aws:ec2/routeTable:RouteTable", name, table["RouteTable"]["RouteTableId"])
            ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)
            if kind == "Public":
                ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
                if strategy == "OnePerAz" or (strategy == "Single" and number == 1):
                    address = ec2.allocate_address(Domain="vpc", TagSpecifications=named("elastic-ip", name))
                    eip = made("aws:ec2/eip:Eip", name, address["AllocationId"])
                    nat = ec2.create_nat_gateway(
                        SubnetId=subnet, AllocationId=eip, TagSpecifications=named("natgateway", name)
                    )["NatGateway"]["NatGatewayId"]
                    nats.append(made("aws:ec2/natGateway:NatGateway", name, nat))
            elif kind == "Private" and nats:
                ec2.create_route(
                    RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nats[(number - 1) % len(nats)]
                )
    return Made(
        vpc,
        {
            "vpcId": vpc,
            "publicSubnetIds": subnets["Public"],
            "privateSubnetIds": subnets["Private"],
            "isolatedSubnetIds": subnets["Isolated"],
        },
        parts,
        {"routeTables": ("aws:ec2/routeTable:RouteTable", tables)},
    )


@creates("awsx:ecr:Repository")
def _repository(aws: Emulator, inputs: Inputs) -> Made:
    inputs.take("forceDelete")
    inputs.take("lifecyclePolicy")
    name = inputs.physical_name(longest=256)
    mutability, scan = inputs.take("imageTagMutability"), inputs.take("imageScanningConfiguration")
    made = aws.client("ecr").create_repository(
        repositoryName=name,
        **inputs.given(
            imageTagMutability=mutability,
            imageScanningConfiguration=scan,
            tags=[{"Key": key, "Value": value} for key, value in inputs.tags().items()],
        ),
    )["repository"]
    parts = [("aws:ecr/repository:Repository", inputs.name, name)]
    return Made(name, {"url": made["repositoryUri"]}, parts)


@creates("awsx:ecr:Image")
def _image(aws: Emulator, inputs: Inputs) -> Made:
    """Builds nothing: the digest is computed from the files of the build context."""
    context = Path(str(inputs.take("context", ".")))
    dockerfile = Path(str(inputs.take("dockerfile", context / "Dockerfile")))
    for key in ("args", "platform", "target", "builderVersion", "cacheFrom", "imageName", "imageTag", "registryId"):
        inputs.take(key)
    if not dockerfile.is_file():
        raise Unsupported(f"{inputs.kind}: dockerfile: there is no {dockerfile}")
    digest = hashlib.sha256()
    for path in sorted(it for it in context.rglob("*") if it.is_file()):
        digest.update(f"{path.relative_to(context)}\0".encode() + path.read_bytes())
    repository, pushed = str(inputs.take("repositoryUrl")), f"sha256:{digest.hexdigest()}"
    ecr, name = aws.client("ecr"), repository.partition("/")[2]
    with contextlib.suppress(ecr.exceptions.RepositoryNotFoundException):
        # A task can then pull it. The sandbox assumes that a repository which was not created here has every image.
        manifest = json.dumps({"schemaVersion": 2, "config": {"digest": pushed}})
        pushed = ecr.put_image(repositoryName=name, imageManifest=manifest)["image"]["imageId"]["imageDigest"]
    return Made(f"{repository}@{pushed}", {"imageUri": f"{repository}@{pushed}"})
