"""Data sources that need more than one call of AWS, filters, or none at all: one function each."""

from __future__ import annotations

import json
from typing import Any

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from ..resources import Inputs, State
from .answerer import answers
from .policy_documents import NoDocument, policy_document


@answers("aws:index/getCallerIdentity:getCallerIdentity")
def _caller_identity(aws: Emulator, _: Inputs) -> State:
    me = aws.client("sts").get_caller_identity()
    return {"accountId": me["Account"], "arn": me["Arn"], "userId": me["UserId"], "id": me["Account"]}


@answers("aws:index/getRegion:getRegion")
def _region(aws: Emulator, _: Inputs) -> State:
    return {"name": aws.region, "id": aws.region, "endpoint": aws.endpoint}


@answers("aws:index/getPartition:getPartition")
def _partition(_: Emulator, __: Inputs) -> State:
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws", "reverseDnsPrefix": "com.amazonaws"}


@answers("aws:iam/getPolicyDocument:getPolicyDocument")
def _policy_document(_: Emulator, inputs: Inputs) -> State:
    try:
        return policy_document(inputs.rest())
    except NoDocument as error:
        raise NotMade(str(error)) from None


@answers("aws:iam/getPolicy:getPolicy")
def _policy(aws: Emulator, inputs: Inputs) -> State:
    name, arn, iam = inputs.take("name"), inputs.take("arn"), aws.client("iam")
    if arn is None:
        named = (it for it in iam.list_policies(Scope="All")["Policies"] if it["PolicyName"] == name)
        arn = next((it["Arn"] for it in named), None)
    if arn is None:
        raise NotMade(f"there is no policy {name}")
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    document = version["Document"]
    text = document if isinstance(document, str) else json.dumps(document)
    return {"id": arn, "arn": arn, "name": found["PolicyName"], "path": found["Path"], "policy": text}


@answers("aws:index/getAvailabilityZones:getAvailabilityZones")
def _zones(aws: Emulator, inputs: Inputs) -> State:
    without = set(inputs.take("excludeNames", []))
    if inputs.take("state", "available") != "available":
        return {"id": aws.region, "names": [], "zoneIds": []}
    every = aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    found = [it for it in every if it["ZoneName"] not in without]
    names = sorted(it["ZoneName"] for it in found)
    return {"id": aws.region, "names": names, "zoneIds": [it["ZoneId"] for it in found if "ZoneId" in it]}


def _filters(inputs: Inputs, **named: str) -> list[dict[str, Any]]:
    """EC2's filters of a data source: from `filters`, from `tags`, and from each argument that is one filter."""
    given = [{"Name": it["name"], "Values": it["values"]} for it in inputs.take("filters", [])]
    given += [{"Name": f"tag:{key}", "Values": [value]} for key, value in inputs.take("tags", {}).items()]
    for argument, name in named.items():
        value = inputs.take(argument)
        if value is not None:
            given.append({"Name": name, "Values": [str(value).lower() if isinstance(value, bool) else value]})
    return given


def _one(found: list[Any]) -> Any:
    """The only result. Raises NotMade for none and for several, in the provider's words."""
    if len(found) != 1:
        raise NotMade(f"{'no' if not found else 'multiple'} matching resources found")
    return found[0]


@answers("aws:ec2/getVpc:getVpc")
def _vpc(aws: Emulator, inputs: Inputs) -> State:
    asked = _filters(inputs, default="is-default", id="vpc-id", state="state", cidrBlock="cidr")
    it = _one(aws.client("ec2").describe_vpcs(Filters=asked)["Vpcs"])
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:vpc/{it['VpcId']}"
    return {"id": it["VpcId"], "arn": arn, "cidrBlock": it["CidrBlock"], "default": it.get("IsDefault", False)}


@answers("aws:ec2/getSubnets:getSubnets")
def _subnets(aws: Emulator, inputs: Inputs) -> State:
    found = aws.client("ec2").describe_subnets(Filters=_filters(inputs))["Subnets"]
    return {"id": aws.region, "ids": [it["SubnetId"] for it in found]}


@answers("aws:ec2/getSubnet:getSubnet")
def _subnet(aws: Emulator, inputs: Inputs) -> State:
    asked = _filters(
        inputs,
        **{"id": "subnet-id", "vpcId": "vpc-id", "availabilityZone": "availability-zone", "cidrBlock": "cidr-block"},
        defaultForAz="default-for-az",
    )
    it = _one(aws.client("ec2").describe_subnets(Filters=asked)["Subnets"])
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:subnet/{it['SubnetId']}"
    made = {"id": it["SubnetId"], "arn": arn, "vpcId": it["VpcId"], "cidrBlock": it["CidrBlock"]}
    return {**made, "availabilityZone": it["AvailabilityZone"]}


@answers("aws:ec2/getSecurityGroup:getSecurityGroup")
def _security_group(aws: Emulator, inputs: Inputs) -> State:
    asked = _filters(inputs, id="group-id", name="group-name", vpcId="vpc-id")
    it = _one(aws.client("ec2").describe_security_groups(Filters=asked)["SecurityGroups"])
    arn = f"arn:aws:ec2:{aws.region}:{aws.account}:security-group/{it['GroupId']}"
    return {"id": it["GroupId"], "arn": arn, "name": it["GroupName"], "vpcId": it["VpcId"]}


@answers("aws:lambda/getLayerVersion:getLayerVersion")
def _layer_version(aws: Emulator, inputs: Inputs) -> State:
    name, version, runtime = (inputs.take(key) for key in ("layerName", "version", "compatibleRuntime"))
    asked = inputs.given(LayerName=name, CompatibleRuntime=runtime)
    every = aws.client("lambda").list_layer_versions(**asked)["LayerVersions"]
    found = [it for it in every if version is None or it["Version"] == int(version)]
    it = max(found, key=lambda it: it["Version"], default=None)
    if it is None:
        raise NotMade(f"there is no layer {name}")
    arn = it["LayerVersionArn"]
    return {"id": arn, "arn": arn, "layerArn": arn.rpartition(":")[0], "version": it["Version"]}


@answers("aws:sqs/getQueue:getQueue")
def _queue(aws: Emulator, inputs: Inputs) -> State:
    name, sqs = inputs.take("name"), aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"id": url, "url": url, "arn": arn}


@answers("aws:sns/getTopic:getTopic")
def _topic(aws: Emulator, inputs: Inputs) -> State:
    name = inputs.take("name")
    every = (it["TopicArn"] for it in aws.client("sns").list_topics()["Topics"])
    arn = _one([it for it in every if it.rpartition(":")[2] == name])
    return {"id": arn, "arn": arn}


@answers("aws:s3/getBucket:getBucket")
def _bucket(aws: Emulator, inputs: Inputs) -> State:
    name = inputs.take("bucket")
    aws.client("s3").head_bucket(Bucket=name)
    return {"id": name, "arn": f"arn:aws:s3:::{name}", "bucketRegion": aws.region}


@answers("aws:cloudwatch/getLogGroup:getLogGroup")
def _log_group(aws: Emulator, inputs: Inputs) -> State:
    name = inputs.take("name")
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    it = _one([it for it in found if it["logGroupName"] == name])
    return {"id": name, "arn": it["arn"].removesuffix(":*"), "retentionInDays": it.get("retentionInDays", 0)}


@answers("aws:dynamodb/getTableItem:getTableItem")
def _table_item(aws: Emulator, inputs: Inputs) -> State:
    """https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/dynamodb/table_item_data_source.go"""
    table, key = inputs.take("tableName"), json.loads(inputs.take("key"))
    asked = inputs.given(
        ProjectionExpression=inputs.take("projectionExpression"),
        ExpressionAttributeNames=inputs.take("expressionAttributeNames"),
    )
    # The provider always reads consistently.
    found = aws.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True, **asked).get("Item")
    if found is None:
        raise NotMade("reading DynamoDB Table Item: empty result")
    return {"id": table, "item": json.dumps(found)}


@answers("aws:kms/getAlias:getAlias")
def _alias(aws: Emulator, inputs: Inputs) -> State:
    name = inputs.take("name")
    it = _one([it for it in aws.client("kms").list_aliases()["Aliases"] if it["AliasName"] == name])
    key = f"arn:aws:kms:{aws.region}:{aws.account}:key/{it['TargetKeyId']}"
    return {"id": it["AliasArn"], "arn": it["AliasArn"], "targetKeyId": it["TargetKeyId"], "targetKeyArn": key}
