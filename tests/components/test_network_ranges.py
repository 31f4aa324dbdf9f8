"""The address ranges of a new VPC: what may change without AWS refusing a subnet, and what it refuses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.network import examine_network
from fargate_job_launcher.ranges import MOST_ZONES, addresses, subnet_ranges
from fargate_job_launcher.sandbox import DeploymentFailed, Emulator, deploy
from fargate_job_launcher.sandbox.aws import subnets

from tools.recording import program, record

PREFIXES = range(16, 25)
WAYS_OUT: dict[str, dict[str, Any]] = {
    "public": {"subnets": "public"},
    "single": {"nat_gateways": "single"},
    "one_per_az": {"nat_gateways": "one_per_az"},
    "endpoints": {"nat_gateways": "none", "endpoints": ["s3", "ecr.api", "ecr.dkr", "logs"]},
}
SOURCE = """
from fargate_job_launcher import JobNetwork
for name, arguments in {networks!r}.items():
    network = JobNetwork(name, arguments)
"""


def vpcs(folder: Path, networks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The inputs of the VPC that each of these networks asks awsx for."""
    recording = record(program(folder, SOURCE.format(networks=networks)))
    return {it.name: it.inputs for it in recording.kind("awsx:ec2:Vpc")}


def layout(inputs: dict[str, Any]) -> dict[tuple[str, int], str]:
    """Kind and zone of each subnet → its range, as awsx computes it."""
    zones, specs = int(inputs["numberOfAvailabilityZones"]), inputs["subnetSpecs"]
    ranges = subnets.subnet_ranges(inputs["cidrBlock"], zones, specs, inputs["subnetStrategy"])
    return {(spec["type"], zone): ranges[zone][number] for zone in range(zones) for number, spec in enumerate(specs)}


def conflicts(before: dict[tuple[str, int], str], after: dict[tuple[str, int], str]) -> list[str]:
    """The subnets that AWS refuses in an update: Pulumi makes each new one while every old one is still there."""
    there, refused = [ipaddress.ip_network(it) for it in before.values()], list[str]()
    for which, it in after.items():
        if before.get(which) == it:
            continue
        if any(ipaddress.ip_network(it).overlaps(other) for other in there):
            refused.append(it)
        there.append(ipaddress.ip_network(it))
    return refused


def test_no_change_of_zones_or_of_the_way_out_moves_a_subnet_or_meets_another_one(tmp_path: Path) -> None:
    for block in ("10.0.0.0/16", "192.168.7.0/24"):
        networks = {
            f"{way}-{zones}": {**arguments, "availability_zones": zones, "cidr_block": block}
            for way, arguments in WAYS_OUT.items()
            for zones in range(1, MOST_ZONES + 1)
        }
        layouts = {name: layout(inputs) for name, inputs in vpcs(tmp_path, networks).items()}
        assert layouts.keys() == networks.keys()
        for before, after in product(layouts.values(), layouts.values()):
            assert conflicts(before, after) == []
            assert all(before[which] == after[which] for which in before.keys() & after.keys())


def test_every_vpc_has_room_for_both_kinds_in_every_zone() -> None:
    for prefix in PREFIXES:
        block = f"10.20.0.0/{prefix}"
        ranges = [ipaddress.ip_network(it) for kind in ("private", "public") for it in subnet_ranges(block, kind, 6)]
        assert len(ranges) == 2 * MOST_ZONES
        assert all(it.subnet_of(ipaddress.ip_network(block)) for it in ranges)  # pyright: ignore[reportArgumentType]
        assert not any(one.overlaps(other) for one, other in pairwise(sorted(ranges, key=int_of)))
        assert all(it.num_addresses == 2 ** (32 - prefix) // 16 for it in ranges)
        # The least that EC2 takes.
        assert all(it.num_addresses >= subnets.FEWEST_ADDRESSES for it in ranges)
    assert (addresses("10.0.0.0/16"), addresses("10.0.0.0/24")) == (4091, 11)


def int_of(network: Any) -> int:
    return int(network.network_address)


def test_more_endpoints_than_addresses_are_refused_and_so_are_unknown_ranges() -> None:
    endpoints = ["s3", "ecr.api", "ecr.dkr", "logs", *(f"service-{number}" for number in range(8))]
    full: Any = {"nat_gateways": "none", "endpoints": endpoints, "cidr_block": "10.0.0.0/24"}
    assert examine_network(full)[1] == [
        "cidr_block: '10.0.0.0/24' gives each subnet 11 addresses, and 11 interface endpoints leave none for tasks; "
        "choose a larger range or fewer endpoints"
    ]
    fewer: Any = {**full, "endpoints": endpoints[:-1]}
    larger: Any = {**full, "cidr_block": "10.0.0.0/23"}
    assert [examine_network(it)[1] for it in (fewer, larger)] == [[], []]
    unknown: Any = {"subnet_ranges": "auto"}
    assert examine_network(unknown)[1] == ["subnet_ranges: 'auto' is unknown; allowed: fixed, divided"]
    assert (
        "subnet_ranges: configures a new VPC, but vpc_id adopts one; keep one of them"
        in examine_network({"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "subnet_ranges": "fixed"})[1]
    )


# What version 0.1 asked awsx for, and so what its VPCs have.
OF_0_1 = {
    "public": ({"subnets": "public"}, {("Public", 0): "10.0.0.0/17", ("Public", 1): "10.0.128.0/17"}),
    "private": (
        {},
        {
            **{("Private", 0): "10.0.0.0/18", ("Public", 0): "10.0.64.0/18"},
            **{("Private", 1): "10.0.128.0/18", ("Public", 1): "10.0.192.0/18"},
        },
    ),
    "endpoints": (WAYS_OUT["endpoints"], {("Isolated", 0): "10.0.0.0/17", ("Isolated", 1): "10.0.128.0/17"}),
}


@pytest.mark.parametrize("made", OF_0_1)
def test_a_vpc_of_version_0_1_keeps_its_subnets_where_the_network_says_so(tmp_path: Path, made: str) -> None:
    arguments, before = OF_0_1[made]
    divided = {**arguments, "subnet_ranges": "divided"}
    found = vpcs(tmp_path, {"kept": divided, "forgotten": arguments, "third": {**divided, "availability_zones": 3}})
    assert layout(found["kept"]) == before
    assert "cidrBlocks" not in str(found["kept"])
    # Without that word AWS refuses the new subnets, before anything of the old ones is gone.
    assert conflicts(before, layout(found["forgotten"]))
    # A third zone did the same.
    assert conflicts(before, layout(found["third"]))


def test_the_sandbox_cuts_a_vpc_as_awsx_does() -> None:
    # From the words of AWS in https://github.com/pulumi/pulumi-awsx/issues/910
    isolated = subnets.subnet_ranges("10.0.0.0/16", 3, [{"type": "Isolated", "cidrMask": 24}], None)
    assert isolated == [["10.0.0.0/24"], ["10.0.64.0/24"], ["10.0.128.0/24"]]
    assert subnets.subnet_ranges("10.0.0.0/16", 2, None, None) == [
        ["10.0.0.0/18", "10.0.64.0/19"],
        ["10.0.128.0/18", "10.0.192.0/19"],
    ]
    blocks: dict[str, Any] = {"type": "Public", "cidrBlocks": ["10.0.0.0/24"]}
    for zones, specs, said in (
        (2, [blocks], r"The number of CIDR blocks in subnetSpecs\[0\] must match the number of availability zones"),
        (1, [blocks, {"type": "Private"}], "all subnets must have explicit cidrBlocks"),
        (1, [blocks, {**blocks, "type": "Private"}], "The following subnets overlap"),
    ):
        with pytest.raises(subnets.NotMade, match=said):
            subnets.subnet_ranges("10.0.0.0/16", zones, specs, "Auto")


@pytest.fixture(scope="module")
def vpc_id(emulator: Emulator) -> Iterator[str]:
    """A VPC with one subnet: 10.9.1.0/24."""
    ec2 = emulator.client("ec2")
    made = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=made, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    yield made
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=made)


@pytest.mark.parametrize(
    ("block", "code", "said"),
    [
        ("10.9.1.0/24", "InvalidSubnet.Conflict", "The CIDR '10.9.1.0/24' conflicts with another subnet"),
        ("10.9.0.0/20", "InvalidSubnet.Conflict", "The CIDR '10.9.0.0/20' conflicts with another subnet"),
        ("10.9.1.128/28", "InvalidSubnet.Conflict", "The CIDR '10.9.1.128/28' conflicts with another subnet"),
        ("10.10.0.0/24", "InvalidSubnet.Range", "The CIDR '10.10.0.0/24' is invalid."),
        ("10.8.0.0/15", "InvalidSubnet.Range", "The CIDR '10.8.0.0/15' is invalid."),
        ("10.9.2.0/29", "InvalidSubnet.Range", "The CIDR '10.9.2.0/29' is invalid."),
        ("10.9.2.1/24", "InvalidParameterValue", "This is not a valid CIDR block."),
    ],
)
def test_a_subnet_that_ec2_refuses_is_refused_in_its_words(
    emulator: Emulator, vpc_id: str, block: str, code: str, said: str
) -> None:
    with pytest.raises(ClientError) as refused:
        emulator.client("ec2").create_subnet(VpcId=vpc_id, CidrBlock=block)
    error: Any = refused.value.response["Error"]
    assert error["Code"] == code
    assert said in error["Message"]


def test_a_subnet_beside_the_other_is_made_and_one_of_no_vpc_is_not(emulator: Emulator, vpc_id: str) -> None:
    ec2 = emulator.client("ec2")
    beside = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.9.2.0/28")["Subnet"]["SubnetId"]
    ec2.delete_subnet(SubnetId=beside)
    with pytest.raises(ClientError, match="does not exist"):
        ec2.create_subnet(VpcId="vpc-00000000000000000", CidrBlock="10.9.2.0/28")


def test_more_zones_than_the_region_has_are_refused_in_the_words_of_awsx(tmp_path: Path, emulator: Emulator) -> None:
    stack = program(tmp_path, SOURCE.format(networks={"jobs": {"subnets": "public", "availability_zones": 4}}))
    with pytest.raises(DeploymentFailed, match=r"does not have at least 4 Availability Zones.*eu-west-1 has 3"):
        deploy(stack, emulator)
    assert subnets.zone_names("us-east-1", 6)[-1] == "us-east-1f"


def test_a_network_in_the_sandbox_has_the_ranges_that_never_move(tmp_path: Path, emulator: Emulator) -> None:
    arguments = {"availability_zones": 3, "nat_gateways": "single", "cidr_block": "10.7.0.0/20"}
    deployed = deploy(program(tmp_path, SOURCE.format(networks={"jobs": arguments})), emulator)
    (made,) = deployed.of_kind("aws:ec2/vpc:Vpc")
    found = emulator.client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [made.id]}])["Subnets"]
    names = {it.id: it.name for it in deployed.of_kind("aws:ec2/subnet:Subnet")}
    assert {names[it.get("SubnetId", "")]: it.get("CidrBlock") for it in found} == {
        f"jobs-{kind}-{zone + 1}": block
        for kind in ("private", "public")
        for zone, block in enumerate(subnet_ranges("10.7.0.0/20", kind, 3))
    }
    (network,) = deployed.of_kind("fargate-job-launcher:index:JobNetwork")
    assert [names[it] for it in network.outputs["subnet_ids"]] == [f"jobs-private-{zone}" for zone in (1, 2, 3)]
