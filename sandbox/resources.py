"""Pulumi resource type → the AWS calls that create it, and the outputs that the AWS provider would give.

One function a type. An input that the function does not take is an error, and so is a type without a function:
nothing is ever skipped in silence.
"""

from __future__ import annotations

import io
import ipaddress
import json
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pulumi

from .server import Emulator

State = dict[str, Any]


class Unsupported(Exception):
    """A resource type, or an input of one, that the sandbox does not know."""


@dataclass(frozen=True)
class Made:
    """A resource as AWS has it."""

    id: str
    outputs: State
    """What AWS says of it beyond its inputs."""
    parts: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """What a component of another package made inside: type, name and id of each."""


class Inputs:
    """The inputs of one resource, each to be taken once."""

    def __init__(self, kind: str, name: str, given: Mapping[str, Any]) -> None:
        self.kind = kind
        self.name = name
        self._left = {key: value for key, value in given.items() if value is not None}

    def take(self, key: str, default: Any = None) -> Any:
        """An input, or the default where it is not given."""
        return self._left.pop(key, default)

    def physical_name(self, key: str = "name", *, longest: int = 255) -> str:
        """The name given, or one made from the resource's as the AWS provider does."""
        return self.take(key) or f"{self.name[: longest - 8]}-{secrets.token_hex(4)[:7]}"

    def tags(self) -> dict[str, str]:
        """The tags given."""
        return self.take("tags", {})

    def given(self, **parameters: Any) -> dict[str, Any]:
        """These parameters without the ones that nobody gave."""
        return {key: value for key, value in parameters.items() if value not in (None, [], {})}

    def done(self) -> None:
        """Raises Unsupported when an input was not taken."""
        if self._left:
            raise Unsupported(f"{self.kind}: the sandbox does not know its input {', '.join(sorted(self._left))}")


Creator = Callable[[Emulator, Inputs], Made]
_CREATORS: Final[dict[str, Creator]] = {}


def creates(kind: str) -> Callable[[Creator], Creator]:
    """Marks the function that creates resources of this type."""

    def register(creator: Creator) -> Creator:
        _CREATORS[kind] = creator
        return creator

    return register


def create(aws: Emulator, kind: str, name: str, given: Mapping[str, Any]) -> Made:
    """Create a resource. Raises Unsupported, ConstraintViolation, or botocore's own errors."""
    creator = _CREATORS.get(kind)
    if creator is None:
        raise Unsupported(
            f"{kind}: the sandbox does not know this resource type; it knows {', '.join(sorted(_CREATORS))}"
        )
    inputs = Inputs(kind, name, given)
    made = creator(aws, inputs)
    inputs.done()
    return made


def invoke(aws: Emulator, token: str) -> State:
    """What a data source of the AWS provider answers. Raises Unsupported."""
    if token == "aws:index/getCallerIdentity:getCallerIdentity":  # noqa: S105
        me = aws.client("sts").get_caller_identity()
        return {"accountId": me["Account"], "arn": me["Arn"], "userId": me["UserId"], "id": me["Account"]}
    if token == "aws:index/getRegion:getRegion":  # noqa: S105
        return {"region": aws.region, "name": aws.region, "id": aws.region, "endpoint": aws.endpoint}
    if token == "aws:index/getPartition:getPartition":  # noqa: S105
        return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws", "reverseDnsPrefix": "com.amazonaws"}
    raise Unsupported(f"{token}: the sandbox does not know this data source")


def _tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: tags[name]} for name in sorted(tags)]


@creates("aws:iam/role:Role")
def _role(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=64)
    role = aws.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs.take("assumeRolePolicy"),
        **inputs.given(
            Path=inputs.take("path"),
            Description=inputs.take("description"),
            PermissionsBoundary=inputs.take("permissionsBoundary"),
            MaxSessionDuration=inputs.take("maxSessionDuration"),
            Tags=_tag_list(inputs.tags()),
        ),
    )["Role"]
    return Made(name, {"name": name, "arn": role["Arn"], "uniqueId": role["RoleId"], "path": role["Path"]})


@creates("aws:iam/rolePolicy:RolePolicy")
def _role_policy(aws: Emulator, inputs: Inputs) -> Made:
    name, role = inputs.physical_name(longest=128), inputs.take("role")
    aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs.take("policy"))
    return Made(f"{role}:{name}", {"name": name})


@creates("aws:iam/policy:Policy")
def _policy(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=128)
    policy = aws.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=inputs.take("policy"),
        **inputs.given(Path=inputs.take("path"), Description=inputs.take("description"), Tags=_tag_list(inputs.tags())),
    )["Policy"]
    return Made(policy["Arn"], {"name": name, "arn": policy["Arn"]})


@creates("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def _role_policy_attachment(aws: Emulator, inputs: Inputs) -> Made:
    role, policy = inputs.take("role"), inputs.take("policyArn")
    aws.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
    return Made(f"{role}-{policy}", {})


@creates("aws:cloudwatch/logGroup:LogGroup")
def _log_group(aws: Emulator, inputs: Inputs) -> Made:
    name, retention, logs = inputs.physical_name(longest=512), inputs.take("retentionInDays"), aws.client("logs")
    logs.create_log_group(logGroupName=name, **inputs.given(kmsKeyId=inputs.take("kmsKeyId"), tags=inputs.tags()))
    if retention:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(retention))
    return Made(name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"})


@creates("aws:secretsmanager/secret:Secret")
def _secret(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=512)
    secret = aws.client("secretsmanager").create_secret(
        Name=name,
        **inputs.given(
            Description=inputs.take("description"), KmsKeyId=inputs.take("kmsKeyId"), Tags=_tag_list(inputs.tags())
        ),
    )
    return Made(secret["ARN"], {"name": name, "arn": secret["ARN"]})


@creates("aws:ecs/cluster:Cluster")
def _cluster(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name()
    cluster = aws.client("ecs").create_cluster(
        clusterName=name,
        **inputs.given(settings=inputs.take("settings"), tags=_tag_list(inputs.tags(), "key", "value")),
    )["cluster"]
    return Made(cluster["clusterArn"], {"name": name, "arn": cluster["clusterArn"]})


@creates("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
def _cluster_capacity_providers(aws: Emulator, inputs: Inputs) -> Made:
    cluster = inputs.take("clusterName")
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=inputs.take("capacityProviders", []),
        defaultCapacityProviderStrategy=inputs.take("defaultCapacityProviderStrategies", []),
    )
    return Made(cluster, {})


@creates("aws:ecs/taskDefinition:TaskDefinition")
def _task_definition(aws: Emulator, inputs: Inputs) -> Made:
    inputs.take("skipDestroy")
    definition = aws.client("ecs").register_task_definition(
        family=inputs.take("family"),
        containerDefinitions=json.loads(inputs.take("containerDefinitions")),
        **inputs.given(
            requiresCompatibilities=inputs.take("requiresCompatibilities"),
            networkMode=inputs.take("networkMode"),
            cpu=inputs.take("cpu"),
            memory=inputs.take("memory"),
            executionRoleArn=inputs.take("executionRoleArn"),
            taskRoleArn=inputs.take("taskRoleArn"),
            runtimePlatform=inputs.take("runtimePlatform"),
            ephemeralStorage=inputs.take("ephemeralStorage"),
            tags=_tag_list(inputs.tags(), "key", "value"),
        ),
    )["taskDefinition"]
    arn, revision = definition["taskDefinitionArn"], definition["revision"]
    return Made(
        definition["family"],
        {
            "arn": arn,
            "arnWithoutRevision": arn.rpartition(":")[0],
            "revision": revision,
            "family": definition["family"],
        },
    )


@creates("aws:lambda/function:Function")
def _function(aws: Emulator, inputs: Inputs) -> Made:
    name, lambda_ = inputs.physical_name(longest=64), aws.client("lambda")
    environment, logging = inputs.take("environment"), inputs.take("loggingConfig")
    timeout, memory = inputs.take("timeout"), inputs.take("memorySize")
    function = lambda_.create_function(
        FunctionName=name,
        Role=inputs.take("role"),
        Code={"ZipFile": zip_archive(inputs.take("code"))},
        **inputs.given(
            Runtime=inputs.take("runtime"),
            Handler=inputs.take("handler"),
            Description=inputs.take("description"),
            Timeout=int(timeout) if timeout else None,
            MemorySize=int(memory) if memory else None,
            Architectures=inputs.take("architectures"),
            Environment={"Variables": environment["variables"]} if environment else None,
            LoggingConfig={_pascal(key): value for key, value in logging.items()} if logging else None,
            Tags=inputs.tags(),
        ),
    )
    arn = function["FunctionArn"]
    return Made(name, {"name": name, "arn": arn, "qualifiedArn": f"{arn}:$LATEST", "version": "$LATEST"})


@creates("aws:ec2/securityGroup:SecurityGroup")
def _security_group(aws: Emulator, inputs: Inputs) -> Made:
    ec2, name = aws.client("ec2"), inputs.physical_name()
    group = ec2.create_security_group(
        GroupName=name,
        Description=inputs.take("description", "Managed by Pulumi"),
        VpcId=inputs.take("vpcId"),
        **inputs.given(TagSpecifications=_specification("security-group", inputs.tags())),
    )["GroupId"]
    # A new group lets everything out; the provider takes that away and writes what was asked for.
    ec2.revoke_security_group_egress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    for rule in inputs.take("egress", []):
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[_permission(rule)])
    for rule in inputs.take("ingress", []):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[_permission(rule)])
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:security-group/{group}"
    return Made(group, {"name": name, "arn": arn})


@creates("awsx:ec2:Vpc")
def _vpc(aws: Emulator, inputs: Inputs) -> Made:
    """What awsx's component makes: a VPC, a subnet of each kind in each zone, and the gateways between them."""
    ec2, tags, parts = aws.client("ec2"), inputs.tags(), list[tuple[str, str, str]]()

    def named(kind: str, name: str) -> list[dict[str, Any]]:
        return _specification(kind, {**tags, "Name": name})

    def made(kind: str, name: str, identifier: str) -> str:
        parts.append((kind, name, identifier))
        return identifier

    base, cidr = inputs.name, ipaddress.ip_network(inputs.take("cidrBlock", "10.0.0.0/16"))
    zones = ec2.describe_availability_zones()["AvailabilityZones"][: int(inputs.take("numberOfAvailabilityZones", 3))]
    kinds = [spec["type"] for spec in inputs.take("subnetSpecs", [{"type": "Private"}, {"type": "Public"}])]
    strategy = inputs.take("natGateways", {}).get("strategy", "OnePerAz")
    inputs.take("subnetStrategy")
    if unknown := set(kinds) - {"Public", "Private"}:
        raise Unsupported(f"{inputs.kind}: the sandbox does not know subnets of type {', '.join(sorted(unknown))}")

    vpc = ec2.create_vpc(CidrBlock=str(cidr), TagSpecifications=named("vpc", base))["Vpc"]["VpcId"]
    made("aws:ec2/vpc:Vpc", base, vpc)
    for attribute, key in (("EnableDnsHostnames", "enableDnsHostnames"), ("EnableDnsSupport", "enableDnsSupport")):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": bool(inputs.take(key, True))}})
    internet = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", base))
    gateway = made("aws:ec2/internetGateway:InternetGateway", base, internet["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    ranges = cidr.subnets(prefixlen_diff=max(1, (len(zones) * len(kinds) - 1).bit_length()))
    subnets: dict[str, list[str]] = {"Public": [], "Private": []}
    nats: list[str] = []
    for kind in sorted(kinds, reverse=True):  # public first: NAT gateways stand in public subnets
        for number, zone in enumerate(zones, 1):
            name = f"{base}-{kind.lower()}-{number}"
            subnet = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=str(next(ranges)),
                AvailabilityZone=zone["ZoneName"],
                TagSpecifications=named("subnet", name),
            )["Subnet"]["SubnetId"]
            subnets[kind].append(made("aws:ec2/subnet:Subnet", name, subnet))
            table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name))
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
            elif nats:
                ec2.create_route(
                    RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nats[(number - 1) % len(nats)]
                )
    return Made(
        vpc,
        {
            "vpcId": vpc,
            "publicSubnetIds": subnets["Public"],
            "privateSubnetIds": subnets["Private"],
            "isolatedSubnetIds": [],
        },
        parts,
    )


def _specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": _tag_list(tags)}] if tags else []


def _permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    described = {"Description": rule["description"]} if rule.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": rule["protocol"]}
    if rule["protocol"] != "-1":
        permission |= {"FromPort": int(rule["fromPort"]), "ToPort": int(rule["toPort"])}
    if rule.get("cidrBlocks"):
        permission["IpRanges"] = [{"CidrIp": block, **described} for block in rule["cidrBlocks"]]
    if rule.get("ipv6CidrBlocks"):
        permission["Ipv6Ranges"] = [{"CidrIpv6": block, **described} for block in rule["ipv6CidrBlocks"]]
    if rule.get("securityGroups"):
        permission["UserIdGroupPairs"] = [{"GroupId": group, **described} for group in rule["securityGroups"]]
    return permission


def _pascal(camel: str) -> str:
    return camel[0].upper() + camel[1:]


def zip_archive(code: Any) -> bytes:
    """A function's archive as bytes, the same for the same files: fixed order, dates and modes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_files(code, "")):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()


def _files(code: Any, prefix: str) -> list[tuple[str, bytes]]:
    if isinstance(code, pulumi.AssetArchive):
        files: list[tuple[str, bytes]] = []
        for name, inner in cast("dict[str, Any]", code.assets).items():
            files += _files(inner, f"{prefix}/{name}" if prefix else name)
        return files
    if isinstance(code, pulumi.FileAsset):
        return [(prefix, Path(code.path).read_bytes())]
    if isinstance(code, pulumi.StringAsset):
        return [(prefix, code.text.encode())]
    if isinstance(code, pulumi.FileArchive) and Path(code.path).is_dir():
        root = Path(code.path)
        inside = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return [(f"{prefix}/{path.relative_to(root)}".lstrip("/"), path.read_bytes()) for path in inside]
    raise Unsupported(f"code: the sandbox does not know an archive of type {type(code).__name__}")
