"""Data sources of the AWS provider: what a program asks for instead of making it.

Most are one call of AWS, whose names the table has; what more there is to say of one is a function marked with
`answers`. An argument that nobody takes is an error, and so is a data source without a row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..aws.server import Emulator
from ..aws.subnets import NotMade
from .policy_documents import NoDocument, policy_document
from .resources import Inputs, State, Unsupported

Answerer = Callable[[Emulator, Inputs], State]
_ANSWERERS: Final[dict[str, Answerer]] = {}


def answers(token: str) -> Callable[[Answerer], Answerer]:
    """Marks the function that answers for this data source, such as `aws:ec2/getVpc:getVpc`."""

    def register(answerer: Answerer) -> Answerer:
        _ANSWERERS[token] = answerer
        return answerer

    return register


def known_lookups() -> frozenset[str]:
    """Every data source that the sandbox can answer for."""
    return frozenset(_ANSWERERS)


def invoke(aws: Emulator, token: str, given: Mapping[str, Any]) -> State:
    """What a data source of the AWS provider answers. Raises Unsupported, or botocore's own errors."""
    answerer = _ANSWERERS.get(token)
    if answerer is None:
        raise Unsupported(
            f"{token}: the sandbox does not know this data source; it knows {', '.join(sorted(_ANSWERERS))}"
        )
    inputs = Inputs(token, token, given)
    inputs.hold_region(aws)
    answer = answerer(aws, inputs)
    inputs.done()
    return {**given, "region": aws.region, **answer}


@dataclass(frozen=True)
class Lookup:
    """A data source as one operation that describes what is there."""

    operation: str
    """`service.python_name`, as boto3 has it."""
    arguments: Mapping[str, str]
    """Argument → the operation's parameter. A list's parameter ends in `[]`."""
    at: str
    """Where the answer has what was asked for; a dot goes inside, a number into a list."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Output → its key there; `=` stands for the whole, `*KEY` for that of each."""


_LOOKUPS: Final[dict[str, Lookup]] = {
    "aws:iam/getRole:getRole": Lookup(
        "iam.get_role",
        {"name": "RoleName"},
        "Role",
        {"id": "RoleName", "arn": "Arn", "path": "Path", "uniqueId": "RoleId"},
    ),
    "aws:ecs/getCluster:getCluster": Lookup(
        "ecs.describe_clusters",
        {"clusterName": "clusters[]"},
        "clusters.0",
        {"id": "clusterArn", "arn": "clusterArn", "status": "status", "clusterName": "clusterName"},
    ),
    "aws:ecs/getClusters:getClusters": Lookup("ecs.list_clusters", {}, "clusterArns", {"clusterArns": "="}),
    "aws:ecs/getTaskDefinition:getTaskDefinition": Lookup(
        "ecs.describe_task_definition",
        {"taskDefinition": "taskDefinition"},
        "taskDefinition",
        {
            **{"id": "taskDefinitionArn", "arn": "taskDefinitionArn", "family": "family", "revision": "revision"},
            **{"taskRoleArn": "taskRoleArn", "executionRoleArn": "executionRoleArn", "cpu": "cpu", "memory": "memory"},
            **{"networkMode": "networkMode", "status": "status"},
        },
    ),
    "aws:ecr/getRepository:getRepository": Lookup(
        "ecr.describe_repositories",
        {"name": "repositoryNames[]"},
        "repositories.0",
        {"id": "repositoryName", "arn": "repositoryArn", "repositoryUrl": "repositoryUri", "registryId": "registryId"},
    ),
    "aws:efs/getFileSystem:getFileSystem": Lookup(
        "efs.describe_file_systems",
        {"fileSystemId": "FileSystemId", "creationToken": "CreationToken"},
        "FileSystems.0",
        {"id": "FileSystemId", "fileSystemId": "FileSystemId", "arn": "FileSystemArn", "encrypted": "Encrypted"},
    ),
    "aws:kms/getKey:getKey": Lookup(
        "kms.describe_key",
        {"keyId": "KeyId"},
        "KeyMetadata",
        {"id": "KeyId", "arn": "Arn", "enabled": "Enabled", "keyState": "KeyState"},
    ),
    "aws:lambda/getFunction:getFunction": Lookup(
        "lambda.get_function",
        {"functionName": "FunctionName", "qualifier": "Qualifier"},
        "Configuration",
        {
            **{"id": "FunctionName", "arn": "FunctionArn", "role": "Role", "runtime": "Runtime", "handler": "Handler"},
            **{"timeout": "Timeout", "memorySize": "MemorySize", "version": "Version", "codeSha256": "CodeSha256"},
        },
    ),
    "aws:lambda/getFunctionUrl:getFunctionUrl": Lookup(
        "lambda.get_function_url_config",
        {"functionName": "FunctionName", "qualifier": "Qualifier"},
        "",
        {
            "id": "FunctionArn",
            "functionUrl": "FunctionUrl",
            "functionArn": "FunctionArn",
            "authorizationType": "AuthType",
        },
    ),
    "aws:lambda/getAlias:getAlias": Lookup(
        "lambda.get_alias",
        {"functionName": "FunctionName", "name": "Name"},
        "",
        {"id": "AliasArn", "arn": "AliasArn", "functionVersion": "FunctionVersion", "description": "Description"},
    ),
    "aws:lambda/getFunctions:getFunctions": Lookup(
        "lambda.list_functions", {}, "Functions", {"functionNames": "*FunctionName", "functionArns": "*FunctionArn"}
    ),
    "aws:cloudwatch/getEventBus:getEventBus": Lookup(
        "events.describe_event_bus", {"name": "Name"}, "", {"id": "Name", "arn": "Arn"}
    ),
    "aws:secretsmanager/getSecret:getSecret": Lookup(
        "secretsmanager.describe_secret",
        {"name": "SecretId", "arn": "SecretId"},
        "",
        {"id": "ARN", "arn": "ARN", "name": "Name", "kmsKeyId": "KmsKeyId", "description": "Description"},
    ),
    "aws:secretsmanager/getSecretVersion:getSecretVersion": Lookup(
        "secretsmanager.get_secret_value",
        {"secretId": "SecretId", "versionId": "VersionId", "versionStage": "VersionStage"},
        "",
        {"id": "ARN", "arn": "ARN", "secretArn": "ARN", "secretString": "SecretString", "versionId": "VersionId"},
    ),
    "aws:ssm/getParameter:getParameter": Lookup(
        "ssm.get_parameter",
        {"name": "Name", "withDecryption": "WithDecryption"},
        "Parameter",
        {"id": "Name", "arn": "ARN", "type": "Type", "value": "Value", "version": "Version"},
    ),
    "aws:sqs/getQueues:getQueues": Lookup(
        "sqs.list_queues", {"queueNamePrefix": "QueueNamePrefix"}, "QueueUrls", {"queueUrls": "="}
    ),
}


def _at(path: str, answer: Any) -> Any:
    for key in path.split(".") if path else []:
        if isinstance(answer, list):
            answer = answer[int(key)] if int(key) < len(answer) else None
        else:
            answer = (answer or {}).get(key)
    return answer


def _answerer(lookup: Lookup) -> Answerer:
    service, _, operation = lookup.operation.partition(".")

    def answer(aws: Emulator, inputs: Inputs) -> State:
        asked: State = {}
        for argument, parameter in lookup.arguments.items():
            value = inputs.take(argument)
            if value is not None:
                asked[parameter.removesuffix("[]")] = [value] if parameter.endswith("[]") else value
        found: Any = _at(lookup.at, getattr(aws.client(service), operation)(**asked))
        several = any(name.startswith(("=", "*")) for name in lookup.outputs.values())
        if not found and not several:
            said = ", ".join(str(it[0] if isinstance(it, list) else it) for it in asked.values())
            raise NotMade(f"there is no {said}")
        made: State = {}
        for key, name in lookup.outputs.items():
            if name.startswith("*"):
                made[key] = [it[name[1:]] for it in found or []]
            elif name == "=":
                made[key] = found or []
            elif found and name in found:
                made[key] = found[name]
        return {"id": aws.region, **made}

    return answer


for _token, _lookup in _LOOKUPS.items():
    answers(_token)(_answerer(_lookup))


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
    """EC2's filters of a data source: those given, those of tags, and the arguments that are one each."""
    given = [{"Name": it["name"], "Values": it["values"]} for it in inputs.take("filters", [])]
    given += [{"Name": f"tag:{key}", "Values": [value]} for key, value in inputs.take("tags", {}).items()]
    for argument, name in named.items():
        value = inputs.take(argument)
        if value is not None:
            given.append({"Name": name, "Values": [str(value).lower() if isinstance(value, bool) else value]})
    return given


def _one(found: list[Any]) -> Any:
    """As the provider has it: none is an error, and so are several."""
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


@answers("aws:kms/getAlias:getAlias")
def _alias(aws: Emulator, inputs: Inputs) -> State:
    name = inputs.take("name")
    it = _one([it for it in aws.client("kms").list_aliases()["Aliases"] if it["AliasName"] == name])
    key = f"arn:aws:kms:{aws.region}:{aws.account}:key/{it['TargetKeyId']}"
    return {"id": it["AliasArn"], "arn": it["AliasArn"], "targetKeyId": it["TargetKeyId"], "targetKeyArn": key}
