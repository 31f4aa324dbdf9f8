"""JobNetwork: a new VPC for jobs, made with awsx, or an existing one. It writes no routes itself."""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import ipaddress
import re
from collections.abc import Mapping, Sequence, Set
from typing import Final, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from fargate_job_launcher.handler import fargate

from .checks import shapes
from .checks.choices import (
    LOG_RETENTION_DAYS,
    SUBNET_RANGES,
    SUBNETS,
    LogRetentionDays,
    NatGateways,
    NetworkSubnets,
    SubnetRanges,
)
from .checks.kinds import outside, retention_problems
from .checks.later import checked_later
from .checks.names import LOGGED_NETWORK, NETWORK, name_problems
from .checks.place import place_problems
from .checks.tags import tag_problems
from .endpoints import GATEWAYS, endpoint_problems, endpoints
from .flow_log import close_default_group, flow_log
from .ranges import MOST_ZONES, addresses, subnet_ranges

NAT_GATEWAYS: Final[dict[NatGateways, awsx.ec2.NatGatewayStrategy]] = {
    "none": awsx.ec2.NatGatewayStrategy.NONE,
    "single": awsx.ec2.NatGatewayStrategy.SINGLE,
    "one_per_az": awsx.ec2.NatGatewayStrategy.ONE_PER_AZ,
}
SUBNET_TYPES: Final = {
    "public": awsx.ec2.SubnetType.PUBLIC,
    "private": awsx.ec2.SubnetType.PRIVATE,
    "isolated": awsx.ec2.SubnetType.ISOLATED,
}
CIDR_BLOCK: Final = "10.0.0.0/16"
PREFIXES: Final = (16, 24)
"""Prefix lengths of a new VPC: AWS allows no larger range, and a smaller one has too few addresses for each subnet."""
AWSX_TAGS: Final = 2
"""Tags that awsx adds to a new VPC's subnets: their name and their type."""


class JobNetworkArgs(TypedDict, total=False):
    """Either the shape of a new VPC, or the ids of an existing one."""

    subnets: NetworkSubnets
    """`private`: tasks reach others through NAT gateways or VPC endpoints; `public`: tasks have public addresses,
    without NAT. Default: private."""
    nat_gateways: NatGateways
    """For private subnets: `single`, `one_per_az` (each costs by the hour), or `none` if tasks reach AWS only, through
    `endpoints`. Default: one_per_az."""
    endpoints: Sequence[str]
    """AWS services for which a new VPC gets endpoints, such as `s3` (free), `ecr.api`, `ecr.dkr`, `logs`,
    `secretsmanager` (each costs by the hour and zone). Default: none."""
    flow_log_days: LogRetentionDays
    """How many days the flow log of the new VPC is kept, one of the numbers that CloudWatch Logs accepts. Default: no
    flow log."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the KMS key that encrypts the flow log. Default: none (CloudWatch's own key)."""
    availability_zones: int
    """How many availability zones have subnets, 1 to 6, and no more than the region has. Default: 2."""
    cidr_block: str
    """Address range of the new VPC, /16 to /24. Each subnet has a sixteenth of it: from 4,091 addresses of a /16 to 11
    of a /24, of which each interface endpoint uses one. Default: 10.0.0.0/16."""
    subnet_ranges: SubnetRanges
    """`fixed`: the range of a subnet never changes, so that zones, `subnets` and `nat_gateways` can change. `divided`:
    the existing subnets divide the VPC's range, as in version 0.1; use it for a VPC of that version, whose zones,
    `subnets` and `nat_gateways` then cannot change. Default: fixed."""
    vpc_id: NotRequired[pulumi.Input[str]]
    """Id of an existing VPC to adopt; set `subnet_ids` with it, and none of the fields above."""
    subnet_ids: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subnets of the adopted VPC, 1 to 16."""
    assign_public_ip: bool
    """Whether the adopted subnets are public. Default: false."""
    tags: Mapping[str, pulumi.Input[str]]
    """Tags of every resource. Default: none."""


class JobNetwork(pulumi.ComponentResource):
    """Subnets and a security group for tasks, with no inbound and all outbound traffic."""

    vpc_id: pulumi.Output[str]
    """Id of the VPC."""
    subnet_ids: pulumi.Output[Sequence[str]]
    """Ids of the subnets that tasks run in."""
    security_group_id: pulumi.Output[str]
    """Id of the tasks' security group: no ingress."""
    assign_public_ip: pulumi.Output[bool]
    """Whether tasks in these subnets need a public address."""

    def __init__(self, name: str, args: JobNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments are invalid."""
        args, problems = examine_network(args)
        rule = LOGGED_NETWORK if "flow_log_days" in args else NETWORK
        shapes.refuse("JobNetwork", name, [*name_problems(name, rule), *problems])
        args = cast("JobNetworkArgs", checked_later("JobNetwork", name, args, lambda it: examine_network(it)[1]))
        super().__init__("fargate-job-launcher:index:JobNetwork", name, {}, opts)
        tags = args.get("tags", {})
        vpc = None
        if "vpc_id" in args and "subnet_ids" in args:
            public = args.get("assign_public_ip", False)
            self.vpc_id = pulumi.Output.from_input(args["vpc_id"])
            self.subnet_ids = pulumi.Output.all(args["subnet_ids"]).apply(lambda it: cast("Sequence[str]", it[0]))
        else:
            public = args.get("subnets", "private") == "public"
            vpc = self._vpc(name, args, public, tags)
            self.vpc_id = vpc.vpc_id
            isolated = args.get("nat_gateways") == "none" and args.get("subnet_ranges") == "divided"
            private = vpc.isolated_subnet_ids if isolated else vpc.private_subnet_ids
            self.subnet_ids = vpc.public_subnet_ids if public else private
        security_group = aws.ec2.SecurityGroup(
            name,
            description="Fargate jobs: nothing comes in.",
            vpc_id=self.vpc_id,
            egress=[
                {
                    "description": "Images, logs and whatever the job calls.",
                    "protocol": "-1",
                    "from_port": 0,
                    "to_port": 0,
                    "cidr_blocks": ["0.0.0.0/0"],
                }
            ],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if vpc is not None:
            close_default_group(name, self.vpc_id, tags=tags, parent=self)
            endpoints(
                name,
                args.get("endpoints", []),
                vpc_id=self.vpc_id,
                subnet_ids=self.subnet_ids,
                route_tables=vpc.route_tables,
                tasks=security_group,
                tags=tags,
                parent=self,
            )
        if "flow_log_days" in args:
            key, days = args.get("kms_key_arn"), args["flow_log_days"]
            flow_log(name, days, vpc_id=self.vpc_id, kms_key_arn=key, tags=tags, parent=self)
        self.security_group_id = security_group.id
        self.assign_public_ip = pulumi.Output.from_input(public)
        self.register_outputs({key: getattr(self, key) for key in JobNetwork.__annotations__})

    def _vpc(
        self, name: str, args: JobNetworkArgs, public: bool, tags: Mapping[str, pulumi.Input[str]]
    ) -> awsx.ec2.Vpc:
        nat = "none" if public else args.get("nat_gateways", "one_per_az")
        cidr_block, zones = args.get("cidr_block", CIDR_BLOCK), args.get("availability_zones", 2)
        divided = args.get("subnet_ranges") == "divided"
        if public:
            kinds = ["public"]
        elif nat == "none":
            # A private subnet gains a route with a NAT gateway and is kept; an isolated subnet would be replaced.
            kinds = ["isolated" if divided else "private"]
        else:
            kinds = ["private", "public"]
        return awsx.ec2.Vpc(
            name,
            cidr_block=cidr_block,
            number_of_availability_zones=zones,
            nat_gateways={"strategy": NAT_GATEWAYS[nat]},
            # When ranges are given, awsx computes none, whatever the strategy.
            subnet_strategy=awsx.ec2.SubnetAllocationStrategy.AUTO,
            subnet_specs=[
                {"type": SUBNET_TYPES[kind]}
                if divided
                else {"type": SUBNET_TYPES[kind], "cidr_blocks": subnet_ranges(cidr_block, kind, zones)}
                for kind in kinds
            ],
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def examine_network(args: JobNetworkArgs) -> tuple[JobNetworkArgs, list[str]]:
    """These arguments in their declared types, and every problem with them: `field: what is wrong`."""
    problems: list[str] = []
    given = cast("JobNetworkArgs", shapes.read("", args, JobNetworkArgs, problems))
    # An argument of the wrong type counts as given.
    named = given.keys() | {re.split(r"[.:[]", it)[0] for it in problems}
    shaping = {"subnets", "nat_gateways", "availability_zones", "cidr_block", "subnet_ranges"}
    shaping |= {"endpoints", "flow_log_days"}
    made = shaping & named
    adopted = {"vpc_id", "subnet_ids"} & named
    problems += place_problems(given)
    problems += _range_problems(given)
    if len(adopted) == 1:
        problems += [f"{key}: vpc_id and subnet_ids go together, to adopt an existing VPC" for key in adopted]
    elif adopted and made:
        problems += [f"{key}: configures a new VPC, but vpc_id adopts one; keep one of them" for key in sorted(made)]
    if "assign_public_ip" in given and not adopted:
        problems.append("assign_public_ip: needs vpc_id; for a new VPC write subnets: public")
    problems += _way_out_problems(given, named)
    zones = given.get("availability_zones", 2)
    problems += outside("availability_zones", zones, 1, MOST_ZONES)
    problems += retention_problems("flow_log_days", given.get("flow_log_days", LOG_RETENTION_DAYS[0]))
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS - (0 if adopted else AWSX_TAGS))
    return given, problems


def _way_out_problems(given: JobNetworkArgs, named: Set[str]) -> list[str]:
    """Problems with how tasks of a new VPC reach other services; `named` are all given arguments, valid or not."""
    problems: list[str] = []
    subnets, nat = given.get("subnets", "private"), given.get("nat_gateways")
    isolated = nat == "none" and subnets == "private" and not ({"subnets", "endpoints"} & named) - given.keys()
    if subnets not in SUBNETS:
        problems.append(f"subnets: {subnets!r} is unknown; allowed: {', '.join(SUBNETS)}")
    if nat is not None and nat not in NAT_GATEWAYS:
        problems.append(f"nat_gateways: {nat!r} is unknown; allowed: {', '.join(NAT_GATEWAYS)}")
    elif subnets == "public" and nat not in (None, "none"):
        problems.append(
            f"nat_gateways: {nat!r} needs private subnets, and subnets is public: tasks have "
            "addresses of their own; leave one of them out"
        )
    elif isolated and not given.get("endpoints"):
        problems.append(
            "nat_gateways: none leaves private subnets no way out; write single, subnets: public, or name endpoints"
        )
    services = given.get("endpoints", [])
    return problems + endpoint_problems(services, only_way_out=isolated and len(services) > 0)


def _range_problems(given: JobNetworkArgs) -> list[str]:
    """Problems with a new VPC's address range, or with too few addresses for its endpoints and tasks."""
    cidr_block, ranges = given.get("cidr_block", CIDR_BLOCK), given.get("subnet_ranges", "fixed")
    problems = list[str]()
    if ranges not in SUBNET_RANGES:
        problems.append(f"subnet_ranges: {ranges!r} is unknown; allowed: {', '.join(SUBNET_RANGES)}")
    least, most = PREFIXES
    try:
        prefix = ipaddress.IPv4Network(cidr_block).prefixlen
    except ValueError:
        problems.append(
            f"cidr_block: {cidr_block!r} is not an address range that begins at its first address, such as 10.0.0.0/16"
        )
        return problems
    if not least <= prefix <= most:
        problems.append(
            f"cidr_block: {cidr_block!r} is not between /{least} and /{most}: a VPC has room for subnets in these"
        )
        return problems
    interfaces = {it for it in given.get("endpoints", []) if it not in GATEWAYS}
    if ranges == "fixed" and len(interfaces) >= addresses(cidr_block):
        problems.append(
            f"cidr_block: {cidr_block!r} gives each subnet {addresses(cidr_block)} addresses, and {len(interfaces)} "
            "interface endpoints leave none for tasks; choose a larger range or fewer endpoints"
        )
    return problems
