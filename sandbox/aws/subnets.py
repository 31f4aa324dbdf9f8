"""Amazon EC2's rules for a new subnet, and the ranges that awsx gives to the subnets of a VPC.

The emulator accepts any subnet. On AWS a subnet is inside a range of its VPC, has 16 to 65,536 addresses, and overlaps
no other subnet: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

from .rows import refusal, refuse

Ask = Callable[[dict[str, str]], Awaitable[Element]]
"""Sends another EC2 request to the emulator: takes the parameters, returns the answer's document."""

FEWEST_ADDRESSES: Final = 16
MOST_ADDRESSES: Final = 65536
"""https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""


class NotMade(Exception):
    """awsx, the AWS provider or the engine would not create this resource. The message has their words."""


async def hold(request: Mapping[str, str], ask: Ask) -> None:
    """Check a CreateSubnet against its VPC and the other subnets; accept every other request. Raises Refused."""
    if request.get("Action") != "CreateSubnet" or "CidrBlock" not in request:
        return
    given, vpc = request["CidrBlock"], request.get("VpcId", "")
    vpcs = await ask({"Action": "DescribeVpcs", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": vpc})
    ranges = [ipaddress.ip_network(it) for it in _texts(vpcs, "cidrBlock")]
    if not ranges:
        refuse("ec2.CreateSubnet.vpc", vpc=vpc)
    try:
        block = ipaddress.ip_network(given)
    except ValueError:
        raise refusal("ec2.CreateSubnet.range.format", given=given) from None
    inside = any(block.version == it.version and block.subnet_of(it) for it in ranges)  # pyright: ignore[reportArgumentType]
    if not inside or not FEWEST_ADDRESSES <= block.num_addresses <= MOST_ADDRESSES:
        refuse("ec2.CreateSubnet.range", given=given)
    subnets = await ask({"Action": "DescribeSubnets", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": vpc})
    if any(block.overlaps(ipaddress.ip_network(it)) for it in _texts(subnets, "cidrBlock")):
        refuse("ec2.CreateSubnet.range.conflict", given=given)


def _texts(document: Element, tag: str) -> list[str]:
    return [it.text for it in document.iter() if it.tag.rpartition("}")[2] == tag and it.text]


ZONES: Final = {"us-east-1": 6, "us-west-2": 4, "ap-northeast-2": 4, "us-west-1": 2}
"""The number of availability zones that an account has in a region, where it is not three.

https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
"""


def zone_names(region: str, wanted: int) -> list[str]:
    """The first zones of a region, as awsx chooses them. Raises NotMade where the region has fewer (getDefaultAzs)."""
    most = ZONES.get(region, 3)
    if wanted > most:
        raise NotMade(
            f"The configured region for this provider does not have at least {wanted} Availability Zones. Either "
            "specify an explicit list of zones in availabilityZoneNames or choose a region with at least "
            f"{wanted} AZs. ({region} has {most}.)"
        )
    return [f"{region}{letter}" for letter in "abcdef"[:wanted]]


def subnet_ranges(
    cidr_block: str, zones: int, specs: Sequence[Mapping[str, Any]] | None, strategy: str | None
) -> list[list[str]]:
    """The ranges that awsx 3 gives to the subnets of a VPC: for each zone one range for each spec, in their order.

    Raises NotMade for arguments that awsx refuses. The specs' own ranges are used if there are any and the strategy is
    not Legacy, the default. Otherwise each zone gets a part of the VPC's range, and each spec a part of the zone's.
    https://github.com/pulumi/pulumi-awsx/blob/master/awsx/ec2/subnetDistributorNew.ts
    """
    vpc = ipaddress.IPv4Network(cidr_block)
    of_zone = vpc.prefixlen + (zones - 1).bit_length()
    if specs is None:
        # Private in the first half of a zone, public in its third quarter.
        specs = [{"type": "Private", "cidrMask": of_zone + 1}, {"type": "Public", "cidrMask": of_zone + 2}]
    given = [it["cidrBlocks"] for it in specs if it.get("cidrBlocks") is not None]
    if given and strategy not in (None, "Legacy"):
        return _explicit(vpc, zones, given, len(specs), exact=strategy == "Exact")
    return [
        _of_zone(base, specs, legacy=strategy in (None, "Legacy"))
        for base, _ in zip(vpc.subnets(new_prefix=of_zone), range(zones), strict=False)
    ]


def _explicit(
    vpc: ipaddress.IPv4Network, zones: int, given: Sequence[Sequence[str]], specs: int, *, exact: bool
) -> list[list[str]]:
    if len(given) < specs:
        raise NotMade("If any subnet spec has explicit cidrBlocks, all subnets must have explicit cidrBlocks.")
    for number, blocks in enumerate(given):
        if len(blocks) != zones:
            raise NotMade(
                f"The number of CIDR blocks in subnetSpecs[{number}] must match the number of availability zones "
                f"({zones})."
            )
    by_zone = [[blocks[zone] for blocks in given] for zone in range(zones)]
    networks = [ipaddress.IPv4Network(it) for blocks in by_zone for it in blocks]
    if any(one.overlaps(other) for at, one in enumerate(networks) for other in networks[at + 1 :]):
        raise NotMade("The following subnets overlap with at least one other subnet.")
    if exact and sum(it.num_addresses for it in networks) != vpc.num_addresses:
        raise NotMade("There are gaps in the subnet ranges.")
    return by_zone


_LARGEST: Final = {"Private": 19, "Public": 20, "Isolated": 24}
"""The largest subnet that the strategy Legacy gives to each type, as a prefix length."""


def _of_zone(zone: ipaddress.IPv4Network, specs: Sequence[Mapping[str, Any]], *, legacy: bool) -> list[str]:
    """The ranges of a zone's subnets, one after the other, each aligned to its own size."""
    found, free = list[str](), int(zone.network_address)
    for spec in specs:
        usual = zone.prefixlen + ((len(specs) - 1).bit_length() if not legacy else min(1, len(specs) - 1))
        prefix = int(spec.get("cidrMask") or (max(usual, _LARGEST.get(spec["type"], 24)) if legacy else usual))
        size = 2 ** (32 - prefix)
        start = -(-free // size) * size
        block = ipaddress.IPv4Network((start, prefix))
        if not block.subnet_of(zone):
            raise NotMade(
                f"Subnets are too large for VPC. VPC has {zone.num_addresses} addresses, but subnets require more."
            )
        found.append(str(block))
        free = start + size
    return found
