"""Which address range each subnet of a new VPC has: the same one, whatever other zones and kinds of subnets there are.

A subnet's range cannot be changed, and AWS refuses a subnet that overlaps another of its VPC, one that is about to go
included. So nothing here depends on what else the network has. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import Final

KINDS: Final = ("private", "public")
"""Each has a half of the VPC's range, in this order. Where there is no NAT gateway, the private ones have no way out:
they are the same subnets, with a route less."""
MOST_ZONES: Final = 6
"""As many as a region of AWS has at most."""
_PLACES: Final = 8
"""Parts of a half, one for each zone and two to spare: as few as there are in a power of two."""
RESERVED: Final = 5
"""Addresses of each subnet that AWS keeps. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""


def subnet_ranges(cidr_block: str, kind: str, zones: int) -> list[str]:
    """The ranges of the subnets of a kind, one for each of the first `zones` zones: sixteenths of the VPC's."""
    block = ipaddress.IPv4Network(cidr_block)
    parts = list(block.subnets(prefixlen_diff=(len(KINDS) * _PLACES).bit_length() - 1))
    first = KINDS.index(kind) * _PLACES
    return [str(it) for it in parts[first : first + zones]]


def addresses(cidr_block: str) -> int:
    """How many addresses each subnet has for tasks, VPC endpoints and NAT gateways."""
    return ipaddress.IPv4Network(subnet_ranges(cidr_block, KINDS[0], 1)[0]).num_addresses - RESERVED
