"""Resource types whose creation is one call of AWS, with the names of that call: which operation, and what differs.

The AWS provider names its inputs after the operation's, in camel case; the service model, as botocore ships it, says
the rest. What a type needs beyond that is written out in `resources.py` and its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fargate_job_launcher.archive import asset

from ..aws.server import Emulator
from .resources import Inputs, Made, Unsupported, code_of, creates, specification, tag_list

# botocore computes its models' attributes at run time, where no type checker sees them.
Shape = Any
State = dict[str, Any]


@dataclass(frozen=True)
class Derived:
    """A resource type as one operation of a service."""

    operation: str
    """`service.OperationName`, as the service model has it."""
    id: str
    """Where the resource's id stands in the answer, or in the request where it begins with `=`; a dot goes inside."""
    named: str = ""
    """The input that is made from the resource's name where nobody gives it."""
    longest: int = 255
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input → the operation's own name for it, where that is another."""
    inside: Mapping[str, str] = field(default_factory=dict[str, str])
    """Key of a block inside an input → the operation's own name for it, where that is another."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Output → where it stands, as in `id`; `{}` in it is filled in: region, account, id."""
    tags: str = ""
    """EC2's name of the type, where tags go into TagSpecifications."""
    without: tuple[str, ...] = ()
    """Inputs that say something of a later change or of the end, which never comes here."""
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the provider always sends."""


DERIVED: Final[dict[str, Derived]] = {
    "aws:efs/mountTarget:MountTarget": Derived("efs.CreateMountTarget", "MountTargetId"),
    "aws:cloudwatch/eventBus:EventBus": Derived(
        "events.CreateEventBus", "=Name", named="name", outputs={"arn": "EventBusArn", "name": "=Name"}
    ),
    "aws:ssm/parameter:Parameter": Derived(
        "ssm.PutParameter",
        "=Name",
        named="name",
        renamed={"dataType": "DataType"},
        outputs={
            "arn": "arn:aws:ssm:{region}:{account}:parameter/{id}",
            "name": "=Name",
            "version": "Version",
        },
    ),
    "aws:ecr/repository:Repository": Derived(
        "ecr.CreateRepository",
        "=repositoryName",
        named="name",
        longest=256,
        renamed={"name": "repositoryName"},
        outputs={
            "arn": "repository.repositoryArn",
            "repositoryUrl": "repository.repositoryUri",
            "registryId": "repository.registryId",
            "name": "=repositoryName",
        },
        without=("forceDelete",),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Derived(
        "ecr.PutLifecyclePolicy",
        "=repositoryName",
        renamed={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Derived(
        "ecr.SetRepositoryPolicy", "=repositoryName", renamed={"repository": "repositoryName", "policy": "policyText"}
    ),
    "aws:ec2/vpc:Vpc": Derived(
        "ec2.CreateVpc", "Vpc.VpcId", tags="vpc", without=("enableDnsHostnames", "enableDnsSupport")
    ),
    "aws:ec2/subnet:Subnet": Derived(
        "ec2.CreateSubnet", "Subnet.SubnetId", tags="subnet", without=("mapPublicIpOnLaunch",)
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Derived("ec2.AssociateRouteTable", "AssociationId"),
    "aws:ec2/route:Route": Derived(
        "ec2.CreateRoute", "=RouteTableId", renamed={"vpcPeeringConnectionId": "VpcPeeringConnectionId"}
    ),
    "aws:ec2/eip:Eip": Derived(
        "ec2.AllocateAddress",
        "AllocationId",
        tags="elastic-ip",
        outputs={"allocationId": "AllocationId", "publicIp": "PublicIp"},
    ),
    "aws:ec2/natGateway:NatGateway": Derived("ec2.CreateNatGateway", "NatGateway.NatGatewayId", tags="natgateway"),
    "aws:s3/bucketVersioning:BucketVersioning": Derived("s3.PutBucketVersioning", "=Bucket"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Derived(
        "s3.PutBucketOwnershipControls", "=Bucket", renamed={"rule": "OwnershipControls.Rules"}
    ),
    "aws:lambda/functionUrl:FunctionUrl": Derived(
        "lambda.CreateFunctionUrlConfig",
        "=FunctionName",
        renamed={"authorizationType": "AuthType"},
        outputs={"functionUrl": "FunctionUrl", "functionArn": "FunctionArn"},
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": Derived(
        "secretsmanager.PutResourcePolicy", "=SecretId", renamed={"secretArn": "SecretId", "policy": "ResourcePolicy"}
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": Derived(
        "logs.PutMetricFilter",
        "=filterName",
        named="name",
        renamed={"name": "filterName", "pattern": "filterPattern", "metricTransformation": "metricTransformations"},
        inside={"name": "metricName", "namespace": "metricNamespace", "value": "metricValue"},
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": Derived(
        "logs.PutSubscriptionFilter",
        "=filterName",
        named="name",
        renamed={"name": "filterName", "logGroup": "logGroupName"},
    ),
    "aws:iam/user:User": Derived(
        "iam.CreateUser",
        "=UserName",
        named="name",
        longest=64,
        renamed={"name": "UserName"},
        outputs={"arn": "User.Arn", "name": "=UserName"},
        without=("forceDestroy",),
    ),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": Derived(
        "iam.AttachUserPolicy", "=PolicyArn", renamed={"user": "UserName"}
    ),
    "aws:lambda/layerVersionPermission:LayerVersionPermission": Derived(
        "lambda.AddLayerVersionPermission", "=StatementId", without=("skipDestroy",)
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Derived(
        "lambda.PutProvisionedConcurrencyConfig", "=FunctionName", without=("skipDestroy",)
    ),
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": Derived(
        "lambda.PutFunctionRecursionConfig", "=FunctionName"
    ),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": Derived(
        "events.PutPermission", "=EventBusName", fixed={"EventBusName": "default"}
    ),
    "aws:cloudwatch/eventPermission:EventPermission": Derived(
        "events.PutPermission",
        "=StatementId",
        fixed={"EventBusName": "default", "Action": "events:PutEvents"},
    ),
    "aws:cloudwatch/eventArchive:EventArchive": Derived(
        "events.CreateArchive",
        "=ArchiveName",
        named="name",
        longest=48,
        renamed={"name": "ArchiveName"},
        outputs={"arn": "ArchiveArn", "name": "=ArchiveName"},
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Derived(
        "scheduler.CreateScheduleGroup",
        "=Name",
        named="name",
        longest=64,
        outputs={"arn": "ScheduleGroupArn", "name": "=Name"},
    ),
    "aws:cloudwatch/logStream:LogStream": Derived(
        "logs.CreateLogStream",
        "=logStreamName",
        named="name",
        renamed={"name": "logStreamName"},
        outputs={
            "arn": "arn:aws:logs:{region}:{account}:log-stream:{id}",
            "name": "=logStreamName",
        },
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Derived("logs.PutResourcePolicy", "=policyName"),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": Derived("efs.PutFileSystemPolicy", "=FileSystemId"),
    "aws:efs/backupPolicy:BackupPolicy": Derived("efs.PutBackupPolicy", "=FileSystemId"),
    "aws:ecs/accountSettingDefault:AccountSettingDefault": Derived("ecs.PutAccountSettingDefault", "=name"),
    "aws:kms/keyPolicy:KeyPolicy": Derived("kms.PutKeyPolicy", "=KeyId", fixed={"PolicyName": "default"}),
    "aws:kinesis/stream:Stream": Derived(
        "kinesis.CreateStream",
        "=StreamName",
        named="name",
        longest=128,
        renamed={"name": "StreamName"},
        outputs={"arn": "arn:aws:kinesis:{region}:{account}:stream/{id}", "name": "=StreamName"},
        without=("enforceConsumerDeletion", "retentionPeriod", "shardLevelMetrics"),
    ),
    "aws:sfn/stateMachine:StateMachine": Derived(
        "stepfunctions.CreateStateMachine",
        "stateMachineArn",
        named="name",
        longest=80,
        outputs={"arn": "stateMachineArn", "name": "=name"},
    ),
}


def _creator(kind: str, derived: Derived) -> Callable[[Emulator, Inputs], Made]:
    service, _, operation = derived.operation.partition(".")

    def create(aws: Emulator, inputs: Inputs) -> Made:
        client = aws.client(service)
        shape: Shape = client.meta.service_model.operation_model(operation).input_shape
        request: State = dict(derived.fixed)
        if derived.named:
            request[_member(shape, derived, derived.named, kind)] = inputs.physical_name(
                derived.named, longest=derived.longest
            )
        for key in derived.without:
            inputs.take(key)
        tags = inputs.tags()
        if tags and derived.tags:
            request["TagSpecifications"] = specification(derived.tags, tags)
        elif tags and (member := next((it for it in shape.members if it.lower() == "tags"), "")):
            request[member] = _tags(shape.members[member], tags)
        for key, value in inputs.rest().items():
            request |= _put(shape, _member(shape, derived, key, kind), value, kind, derived.inside)
        answer = getattr(client, _python(client, operation))(**request)
        known = {"region": aws.region, "account": aws.account}
        identifier = str(_at(derived.id, request, answer))
        known["id"] = identifier.removeprefix("/")
        outputs = {
            key: path.format(**known) if "{" in path else _at(path, request, answer)
            for key, path in derived.outputs.items()
        }
        return Made(identifier, outputs)

    return create


def _python(client: Any, operation: str) -> str:
    mapping: dict[str, str] = client.meta.method_to_api_mapping
    return next(name for name, api in mapping.items() if api == operation)


def _member(shape: Shape, derived: Derived, key: str, kind: str) -> str:
    wanted = derived.renamed.get(key, key)
    first, _, rest = wanted.partition(".")
    lower = {it.lower(): it for it in shape.members}
    found = lower.get(first.lower()) or lower.get(f"{first.lower()}name")
    if found is None:
        raise Unsupported(f"{kind}: the sandbox does not know its input {key}")
    return f"{found}.{rest}" if rest else found


def _put(shape: Shape, path: str, value: Any, kind: str, inside: Mapping[str, str]) -> State:
    first, _, rest = path.partition(".")
    inner = shape.members[first]
    return {first: _put(inner, rest, value, kind, inside) if rest else _value(inner, value, kind, inside)}


def _value(shape: Shape, value: Any, kind: str, inside: Mapping[str, str]) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        made: State = {}
        for key, inner in cast("Mapping[str, Any]", value).items():
            if inner is not None:
                # A repeated block is called in the plural by Pulumi.
                name = inside.get(key, key).lower()
                names = (name, name.removesuffix("s"), f"{name}s")
                member = next((it for it in shape.members if it.lower() in names), None)
                if member is None:
                    raise Unsupported(f"{kind}: the sandbox does not know its input {key}")
                made[member] = _value(shape.members[member], inner, kind, inside)
        return made
    if shape.type_name == "list":
        return [_value(shape.member, it, kind, inside) for it in (value if isinstance(value, list) else [value])]
    if shape.type_name == "map":
        return {key: _value(shape.value, it, kind, inside) for key, it in value.items()}
    if shape.type_name in ("integer", "long") and isinstance(value, int | float | str):
        return int(value)
    if shape.type_name in ("double", "float") and isinstance(value, str):
        return float(value)
    if shape.type_name == "string" and isinstance(value, float):
        return str(int(value))  # numbers come as floats
    return value


def _tags(shape: Shape, tags: Mapping[str, str]) -> Any:
    if shape.type_name == "map":
        return dict(tags)
    key, value = shape.member.members
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def _at(path: str, request: State, answer: State) -> Any:
    found: Any = request if path.startswith("=") else answer
    for key in path.removeprefix("=").split("."):
        found = found[key]
    return found


for _kind, _derived in DERIVED.items():
    creates(_kind)(_creator(_kind, _derived))


@creates("aws:lambda/layerVersion:LayerVersion")
def _layer_version(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name("layerName", longest=140)
    for key in ("skipDestroy", "sourceCodeHash"):
        inputs.take(key)
    layer = aws.client("lambda").publish_layer_version(
        LayerName=name,
        Content=code_of(inputs),
        **inputs.given(
            CompatibleRuntimes=inputs.take("compatibleRuntimes"),
            CompatibleArchitectures=inputs.take("compatibleArchitectures"),
            Description=inputs.take("description"),
            LicenseInfo=inputs.take("licenseInfo"),
        ),
    )
    arn, version = layer["LayerVersionArn"], str(layer["Version"])
    return Made(arn, {"arn": arn, "layerArn": layer["LayerArn"], "layerName": name, "version": version})


@creates("aws:cloudwatch/eventConnection:EventConnection")
def _event_connection(aws: Emulator, inputs: Inputs) -> Made:
    """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnection.html"""
    name, given = inputs.physical_name(longest=64), inputs.take("authParameters")
    parameters: State = {}
    if key := given.get("apiKey"):
        parameters["ApiKeyAuthParameters"] = {"ApiKeyName": key["key"], "ApiKeyValue": key["value"]}
    if basic := given.get("basic"):
        parameters["BasicAuthParameters"] = {"Username": basic["username"], "Password": basic["password"]}
    if oauth := given.get("oauth"):
        client = oauth.get("clientParameters") or {}
        parameters["OAuthParameters"] = {
            "AuthorizationEndpoint": oauth["authorizationEndpoint"],
            "HttpMethod": oauth["httpMethod"],
            **(
                {"ClientParameters": {"ClientID": client["clientId"], "ClientSecret": client["clientSecret"]}}
                if client
                else {}
            ),
            **_http_parameters("OAuthHttpParameters", oauth.get("oauthHttpParameters")),
        }
    parameters |= _http_parameters("InvocationHttpParameters", given.get("invocationHttpParameters"))
    made = aws.client("events").create_connection(
        Name=name,
        AuthorizationType=inputs.take("authorizationType"),
        AuthParameters=parameters,
        **inputs.given(Description=inputs.take("description"), KmsKeyIdentifier=inputs.take("kmsKeyIdentifier")),
    )
    return Made(name, {"name": name, "arn": made["ConnectionArn"]})


def _http_parameters(named: str, given: Mapping[str, Any] | None) -> State:
    kinds = {"bodies": "BodyParameters", "headers": "HeaderParameters", "queryStrings": "QueryStringParameters"}
    found = {
        kinds[kind]: [
            {"Key": it["key"], "Value": it["value"], "IsValueSecret": bool(it.get("isValueSecret"))} for it in some
        ]
        for kind, some in (given or {}).items()
        if some
    }
    return {named: found} if found else {}


@creates("aws:iam/instanceProfile:InstanceProfile")
def _instance_profile(aws: Emulator, inputs: Inputs) -> Made:
    name, role, iam = inputs.physical_name(longest=128), inputs.take("role"), aws.client("iam")
    made = iam.create_instance_profile(
        InstanceProfileName=name, **inputs.given(Path=inputs.take("path"), Tags=tag_list(inputs.tags()))
    )["InstanceProfile"]
    if role:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"name": name, "arn": made["Arn"]})


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
        named = {f"{key[0].upper()}{key[1:]}": value for key, value in target.items()}
        ec2.create_route(RouteTableId=identifier, DestinationCidrBlock=route["cidrBlock"], **named)
    return Made(identifier, {})


@creates("aws:s3/bucketNotification:BucketNotification")
def _bucket_notification(aws: Emulator, inputs: Inputs) -> Made:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html"""
    bucket, configuration = inputs.take("bucket"), State()
    if inputs.take("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    for key, member, arn, target in (
        ("queues", "QueueConfigurations", "queueArn", "QueueArn"),
        ("topics", "TopicConfigurations", "topicArn", "TopicArn"),
        ("lambdaFunctions", "LambdaFunctionConfigurations", "lambdaFunctionArn", "LambdaFunctionArn"),
    ):
        for it in inputs.take(key, []):
            ends = [("prefix", it.get("filterPrefix")), ("suffix", it.get("filterSuffix"))]
            rules = [{"Name": name, "Value": value} for name, value in ends if value]
            one: State = {target: it[arn], "Events": it["events"]}
            one |= {"Id": it["id"]} if it.get("id") else {}
            one |= {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
            configuration.setdefault(member, []).append(one)
    aws.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    return Made(bucket, {})


@creates("aws:s3/bucketObject:BucketObject")
@creates("aws:s3/bucketObjectv2:BucketObjectv2")
def _bucket_object(aws: Emulator, inputs: Inputs) -> Made:
    bucket, key = inputs.take("bucket"), inputs.physical_name("key", longest=1024)
    content: Any = inputs.take("content")
    source: Any = inputs.take("source")
    if content is None and source is None:
        raise Unsupported(f"{inputs.kind}: the sandbox takes an object's `content` or its `source`")
    body = asset(source) if content is None else content.encode()
    kept = inputs.given(ContentType=inputs.take("contentType"), Metadata=inputs.take("metadata"))
    etag = aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **kept)["ETag"]
    return Made(key, {"key": key, "etag": etag.strip('"'), "arn": f"arn:aws:s3:::{bucket}/{key}"})


@creates("aws:sns/topicPolicy:TopicPolicy")
def _topic_policy(aws: Emulator, inputs: Inputs) -> Made:
    arn = inputs.take("arn")
    aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.take("policy"))
    return Made(arn, {})


@creates("aws:dynamodb/table:Table")
def _table(aws: Emulator, inputs: Inputs) -> Made:
    name, keys = inputs.physical_name(), [(inputs.take("hashKey"), "HASH"), (inputs.take("rangeKey"), "RANGE")]
    ttl, dynamodb = inputs.take("ttl"), aws.client("dynamodb")
    mode = inputs.take("billingMode", "PROVISIONED")
    units = {"ReadCapacityUnits": inputs.take("readCapacity"), "WriteCapacityUnits": inputs.take("writeCapacity")}
    throughput = {key: int(value) for key, value in units.items() if value}
    table = dynamodb.create_table(
        TableName=name,
        BillingMode=mode,
        AttributeDefinitions=[
            {"AttributeName": it["name"], "AttributeType": it["type"]} for it in inputs.take("attributes", [])
        ],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys if key],
        **inputs.given(
            ProvisionedThroughput=throughput if mode == "PROVISIONED" else None,
            Tags=[{"Key": key, "Value": value} for key, value in sorted(inputs.tags().items())],
        ),
    )["TableDescription"]
    if ttl:
        said = {"AttributeName": ttl["attributeName"], "Enabled": bool(ttl.get("enabled", True))}
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=said)
    return Made(name, {"name": name, "arn": table["TableArn"]})


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
