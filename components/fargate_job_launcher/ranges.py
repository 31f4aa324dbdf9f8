"""The address range of each subnet of a new VPC, which is the same whatever other zones and subnets the VPC has.

A subnet's range cannot be changed, and AWS refuses a subnet that overlaps another one of its VPC, even one that will be
deleted next. So nothing here depends on the rest of the network. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import Final

KINDS: Final = ("private", "public")
"""Each kind has one half of the VPC's range, in this order. Private subnets without a NAT gateway keep their range."""
MOST_ZONES: Final = 6
"""The most availability zones that an AWS region has."""
_PLACES: Final = 8
"""Parts of a half, one for each zone and two to spare: the smallest power of two that has room for the zones."""
RESERVED: Final = 5
"""Addresses of each subnet that AWS keeps. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""


def subnet_ranges(cidr_block: str, kind: str, zones: int) -> list[str]:
    """The ranges of the subnets of a kind, one for each of the first `zones` zones: sixteenths of the VPC's range."""
    block = ipaddress.IPv4Network(cidr_block)
    parts = list(block.subnets(prefixlen_diff=(len(KINDS) * _PLACES).bit_length() - 1))
    first = KINDS.index(kind) * _PLACES
    return [str(it) for it in parts[first : first + zones]]


def addresses(cidr_block: str) -> int:
    """How many addresses each subnet has for tasks, VPC endpoints and NAT gateways."""
    return ipaddress.IPv4Network(subnet_ranges(cidr_block, KINDS[0], 1)[0]).num_addresses - RESERVED
