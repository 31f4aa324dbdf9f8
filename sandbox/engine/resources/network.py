"""EC2's network resources: security groups, route tables, internet gateways, endpoints, flow logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...aws.server import Emulator
from .creator import Inputs, Made, State, creates, specification, tag_list
from .naming import pascal


@creates("aws:ec2/securityGroup:SecurityGroup")
def _security_group(aws: Emulator, inputs: Inputs) -> Made:
    ec2, name = aws.client("ec2"), inputs.physical_name()
    group = ec2.create_security_group(
        GroupName=name,
        Description=inputs.take("description", "Managed by Pulumi"),
        VpcId=inputs.take("vpcId"),
        **inputs.given(TagSpecifications=specification("security-group", inputs.tags())),
    )["GroupId"]
    # AWS gives a new group a rule that allows all egress; the provider removes it and adds the requested rules.
    ec2.revoke_security_group_egress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    for rule in inputs.take("egress", []):
        ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[_permission(rule)])
    for rule in inputs.take("ingress", []):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[_permission(rule)])
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:security-group/{group}"
    return Made(group, {"name": name, "arn": arn})


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


@creates("aws:ec2/securityGroupRule:SecurityGroupRule")
def _security_group_rule(aws: Emulator, inputs: Inputs) -> Made:
    group, kind = inputs.take("securityGroupId"), inputs.take("type")
    permission: State = {"IpProtocol": inputs.take("protocol")}
    permission |= {"FromPort": int(inputs.take("fromPort")), "ToPort": int(inputs.take("toPort"))}
    source, described = inputs.take("sourceSecurityGroupId"), inputs.given(Description=inputs.take("description"))
    permission |= inputs.given(
        IpRanges=[{"CidrIp": it, **described} for it in inputs.take("cidrBlocks", [])],
        Ipv6Ranges=[{"CidrIpv6": it, **described} for it in inputs.take("ipv6CidrBlocks", [])],
        UserIdGroupPairs=[{"GroupId": group if inputs.take("self") else source, **described}] if source else [],
    )
    authorize = getattr(aws.client("ec2"), f"authorize_security_group_{kind}")
    rules = authorize(GroupId=group, IpPermissions=[permission]).get("SecurityGroupRules", [])
    identifier = rules[0]["SecurityGroupRuleId"] if rules else f"sgrule-{json.dumps(permission, sort_keys=True)}"
    return Made(identifier, {"securityGroupRuleId": identifier})


@creates("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
@creates("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
def _security_group_one_rule(aws: Emulator, inputs: Inputs) -> Made:
    group, protocol, described = (
        inputs.take("securityGroupId"),
        inputs.take("ipProtocol"),
        inputs.given(Description=inputs.take("description")),
    )
    first, last = inputs.take("fromPort"), inputs.take("toPort")
    four, six, source, prefixes = (
        inputs.take(key) for key in ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId", "prefixListId")
    )
    permission = {
        "IpProtocol": protocol,
        **inputs.given(
            FromPort=None if first is None else int(first),
            ToPort=None if last is None else int(last),
            IpRanges=[{"CidrIp": four, **described}] if four else None,
            Ipv6Ranges=[{"CidrIpv6": six, **described}] if six else None,
            UserIdGroupPairs=[{"GroupId": source, **described}] if source else None,
            PrefixListIds=[{"PrefixListId": prefixes, **described}] if prefixes else None,
        ),
    }
    way = "ingress" if "Ingress" in inputs.kind else "egress"
    answer = getattr(aws.client("ec2"), f"authorize_security_group_{way}")(
        GroupId=group,
        IpPermissions=[permission],
        **inputs.given(TagSpecifications=specification("security-group-rule", inputs.tags())),
    )
    rules = answer.get("SecurityGroupRules", [])
    identifier = rules[0]["SecurityGroupRuleId"] if rules else f"sgr-{json.dumps(permission, sort_keys=True)}"
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:security-group-rule/{identifier}"
    return Made(identifier, {"arn": arn, "securityGroupRuleId": identifier})


@creates("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
def _default_security_group(aws: Emulator, inputs: Inputs) -> Made:
    """Adopts the security group that AWS created with the VPC, and removes all its rules."""
    ec2, vpc = aws.client("ec2"), inputs.take("vpcId")
    (group,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    tags = inputs.tags()
    if tags:
        ec2.create_tags(Resources=[group["GroupId"]], Tags=tag_list(tags))
    return Made(group["GroupId"], {"name": "default"})


@creates("aws:ec2/internetGateway:InternetGateway")
def _internet_gateway(aws: Emulator, inputs: Inputs) -> Made:
    ec2, vpc = aws.client("ec2"), inputs.take("vpcId")
    made = ec2.create_internet_gateway(
        **inputs.given(TagSpecifications=specification("internet-gateway", inputs.tags()))
    )
    identifier = made["InternetGateway"]["InternetGatewayId"]
    if vpc:
        ec2.attach_internet_gateway(InternetGatewayId=identifier, VpcId=vpc)
    return Made(identifier, {})


@creates("aws:ec2/routeTable:RouteTable")
def _route_table(aws: Emulator, inputs: Inputs) -> Made:
    ec2 = aws.client("ec2")
    made = ec2.create_route_table(
        VpcId=inputs.take("vpcId"), **inputs.given(TagSpecifications=specification("route-table", inputs.tags()))
    )
    identifier = made["RouteTable"]["RouteTableId"]
    for route in inputs.take("routes", []):
        target = {key: value for key, value in route.items() if value and key != "cidrBlock"}
        named = {pascal(key): value for key, value in target.items()}
        ec2.create_route(RouteTableId=identifier, DestinationCidrBlock=route["cidrBlock"], **named)
    return Made(identifier, {})


@creates("aws:ec2/vpcEndpoint:VpcEndpoint")
def _vpc_endpoint(aws: Emulator, inputs: Inputs) -> Made:
    endpoint = aws.client("ec2").create_vpc_endpoint(
        VpcId=inputs.take("vpcId"),
        ServiceName=inputs.take("serviceName"),
        VpcEndpointType=inputs.take("vpcEndpointType"),
        **inputs.given(
            RouteTableIds=inputs.take("routeTableIds"),
            SubnetIds=inputs.take("subnetIds"),
            SecurityGroupIds=inputs.take("securityGroupIds"),
            PrivateDnsEnabled=inputs.take("privateDnsEnabled"),
            TagSpecifications=specification("vpc-endpoint", inputs.tags()),
        ),
    )["VpcEndpoint"]["VpcEndpointId"]
    return Made(endpoint, {"arn": f"arn:aws:ec2:{aws.region}:{aws.account}:vpc-endpoint/{endpoint}"})


@creates("aws:ec2/flowLog:FlowLog")
def _flow_log(aws: Emulator, inputs: Inputs) -> Made:
    answer = aws.client("ec2").create_flow_logs(
        ResourceIds=[inputs.take("vpcId")],
        ResourceType="VPC",
        TrafficType=inputs.take("trafficType"),
        LogDestinationType=inputs.take("logDestinationType"),
        LogDestination=inputs.take("logDestination"),
        DeliverLogsPermissionArn=inputs.take("iamRoleArn"),
        **inputs.given(TagSpecifications=specification("vpc-flow-log", inputs.tags())),
    )
    (identifier,) = answer["FlowLogIds"]
    return Made(identifier, {"arn": f"arn:aws:ec2:{aws.region}:{aws.account}:vpc-flow-log/{identifier}"})
