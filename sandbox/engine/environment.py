"""Creators for what an environment has besides its launchers: key, endpoints, flow log, subscriptions.

Like resources.py, which imports this file so that its types are known.
"""

from __future__ import annotations

import json

from ..aws.server import Emulator
from .resources import Inputs, Made, Unsupported, creates, specification, tag_list


@creates("aws:kms/key:Key")
def _key(aws: Emulator, inputs: Inputs) -> Made:
    kms = aws.client("kms")
    inputs.take("deletionWindowInDays")  # of its end, which never comes here
    key = kms.create_key(
        **inputs.given(
            Description=inputs.take("description"),
            Policy=inputs.take("policy"),
            Tags=tag_list(inputs.tags(), "TagKey", "TagValue"),
        )
    )["KeyMetadata"]
    if inputs.take("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return Made(key["KeyId"], {"keyId": key["KeyId"], "arn": key["Arn"]})


@creates("aws:kms/alias:Alias")
def _alias(aws: Emulator, inputs: Inputs) -> Made:
    name, key = inputs.take("name"), inputs.take("targetKeyId")
    aws.client("kms").create_alias(AliasName=name, TargetKeyId=key)
    return Made(name, {"name": name, "arn": f"arn:aws:kms:{aws.region}:{aws.account}:{name}"})


@creates("aws:secretsmanager/secretVersion:SecretVersion")
def _secret_version(aws: Emulator, inputs: Inputs) -> Made:
    secret = inputs.take("secretId")
    version = aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=inputs.take("secretString"))[
        "VersionId"
    ]
    return Made(f"{secret}|{version}", {"versionId": version, "arn": secret})


@creates("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(aws: Emulator, inputs: Inputs) -> Made:
    attributes = {"RawMessageDelivery": "true" if inputs.take("rawMessageDelivery") else None}
    attributes["FilterPolicy"] = inputs.take("filterPolicy")
    arn = aws.client("sns").subscribe(
        TopicArn=inputs.take("topic"),
        **inputs.given(Attributes={key: it for key, it in attributes.items() if it}),
        Protocol=inputs.take("protocol"),
        Endpoint=inputs.take("endpoint"),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, {"arn": arn})


@creates("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
def _default_security_group(aws: Emulator, inputs: Inputs) -> Made:
    """Adopts the group that AWS made with the VPC, and takes every rule from it."""
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


@creates("pulumi:providers:aws")
def _provider(aws: Emulator, inputs: Inputs) -> Made:
    """A provider of the program's own. It may be of the emulator's own region and account only."""
    region, allowed = inputs.take("region"), json.loads(inputs.take("allowedAccountIds", "[]"))
    for key in ("skipCredentialsValidation", "skipRegionValidation"):
        inputs.take(key)  # the SDK's own defaults
    inputs.take("defaultTags")  # given to each resource by deploy.py
    if region != aws.region:
        raise Unsupported(f"{inputs.kind}: the sandbox is in {aws.region}, and this provider in {region}")
    if allowed and aws.account not in allowed:
        raise Unsupported(f"{inputs.kind}: AWS account ID not allowed: {aws.account}; allowed: {', '.join(allowed)}")
    return Made(inputs.name, {})
