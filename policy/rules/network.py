"""Networks of tasks: no public address, no incoming connection, two subnets, and no shell.

What a resource says about the tasks that it launches, launched.py reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from .config import PUBLIC, Limit
from .launched import LAUNCHING, PLACED, launched
from .principals import declared
from .rule import ADVISORY, DISABLED, HIGH, MANDATORY, MEDIUM, Limits, resources, rule
from .stack import UNKNOWN, Resource, Stack, number

SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SECURITY_GROUP_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@rule(
    "no-public-ip",
    says="A task has no public address.",
    why="With a public address the task can be reached from everywhere as soon as a security group is opened.",
    remedy="run it in private subnets with a NAT gateway or VPC endpoints, and set assignPublicIp to false "
    "(JobNetwork: subnets: private)",
    severity=MEDIUM,
    levels=(DISABLED, MANDATORY),
    on=resources(*PLACED),
    kinds=PLACED,
    beside=("Security Hub ECS.2, ECS.16", "checkov CKV_AWS_333"),
)
def no_public_ip(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for task in launched(it):
        if task.known(it, "assignPublicIp", task.public):
            yield task.said("assigns public addresses to its tasks")
        elif "assignPublicIp" in task.computed:
            yield task.said("takes assignPublicIp from its input: whether its tasks have public addresses is not known")


@rule(
    "two-subnets",
    says="Tasks can run in at least two subnets.",
    why="One subnet is one availability zone: if that zone has no capacity, no task is launched.",
    remedy="name subnets of two or more availability zones",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=resources(*PLACED),
    kinds=PLACED,
    limits=(Limit("minimum", "The fewest subnets.", "integer", 2, 2, 1),),
)
def two_subnets(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    for task in launched(it):
        subnets = task.known(it, "subnets", task.subnets)
        named = {str(one) for one in subnets or () if one is not UNKNOWN}
        others = sum(one is UNKNOWN for one in subnets or ())
        if subnets is not None and len(named) + others < limits["minimum"]:
            listed = ", ".join(sorted(named)) or "no subnet"
            yield task.said(f"names {listed}: at least {int(limits['minimum'])} are needed")


@rule(
    "no-exec",
    says="No shell can be opened in a task.",
    why="ECS Exec gives its caller the permissions of the task role, and runs commands that are not part of the image.",
    remedy="set enableExecuteCommand to false; debug in a separate cluster",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=resources(*LAUNCHING),
    kinds=LAUNCHING,
)
def no_exec(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for task in launched(it):
        if task.known(it, "enableExecuteCommand", task.exec):
            yield task.said("sets enableExecuteCommand")
        elif "enableExecuteCommand" in task.computed:
            yield task.said("takes enableExecuteCommand from its input: whether a shell can be opened is not known")


@rule(
    "nothing-comes-in",
    says="No security group accepts connections from the whole internet.",
    why="A job calls others; nobody has to call it.",
    remedy="remove the ingress rule, or name the security group or address range that may connect. A web service for "
    "everyone: open TCP 80 and 443 only, and name its security group in the rule's `public`",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(SECURITY_GROUP, DEFAULT_GROUP, SECURITY_GROUP_RULE, INGRESS_RULE),
    kinds=(SECURITY_GROUP, DEFAULT_GROUP, SECURITY_GROUP_RULE, INGRESS_RULE),
    limits=(PUBLIC,),
    beside=("Security Hub EC2.18, EC2.19 (partly)", "checkov CKV_AWS_260, CKV_AWS_277", "cdk-nag AwsSolutions-EC23"),
)
def nothing_comes_in(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    public = declared(it, limits["public"]) or it.known("securityGroupId") in limits["public"]
    for where, one, ranges in _ingress(it):
        wide = [cidr for cidr in ranges if isinstance(cidr, str) and _internet(cidr)]
        if wide and not (public and _web(one)):
            yield f"{where} allows connections from {', '.join(wide)}" + (
                f" to {_ports(one)}; a public web service has TCP 80 and 443 only" if public else ""
            )


def _ingress(it: Resource) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Each ingress rule: where it is, the rule, and its address ranges."""
    if it.kind in (SECURITY_GROUP, DEFAULT_GROUP):
        for index, one in enumerate(it.whole("ingress", default=[])):
            rules = cast("dict[str, Any]", one)
            yield f"ingress[{index}]", rules, [*(rules.get("cidrBlocks") or []), *(rules.get("ipv6CidrBlocks") or [])]
    elif it.kind == SECURITY_GROUP_RULE:
        if it.get("type") == "ingress":
            yield "it", it.props, [*it.whole("cidrBlocks", default=[]), *it.whole("ipv6CidrBlocks", default=[])]
    else:
        yield "it", it.props, [it.get("cidrIpv4"), it.get("cidrIpv6")]


def _web(one: dict[str, Any]) -> bool:
    """Whether a rule opens a port of the web, and nothing else."""
    protocol = str(one.get("protocol", one.get("ipProtocol"))).lower()
    first, last = (number(one.get(key)) for key in ("fromPort", "toPort"))
    return protocol in ("tcp", "6") and first in (80, 443) and last == first


def _ports(one: dict[str, Any]) -> str:
    given = (one.get("protocol", one.get("ipProtocol")), one.get("fromPort"), one.get("toPort"))
    protocol, first, last = (int(it) if isinstance(it, float) else it for it in given)
    return f"{protocol} {first}" + (f"-{last}" if last != first else "")


def _internet(cidr: str) -> bool:
    """Whether a range is the Internet or a large part of it: nobody owns a range of more than 2^24 addresses."""
    address, _, bits = cidr.partition("/")
    if not bits.isdigit():
        return False
    if ":" in address:
        return int(bits) < 16
    private = address.split(".")[0] in ("10",)
    return int(bits) < 8 and not private
