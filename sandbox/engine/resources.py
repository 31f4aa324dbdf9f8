"""Pulumi resource type → the AWS calls that create it, and the outputs that the AWS provider would give.

One function a type. An input that the function does not take is an error, and so is a type without a function:
nothing is ever skipped in silence.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fargate_job_launcher.archive import zipped

from ..aws.server import Emulator
from ..aws.subnets import NotMade, subnet_ranges, zone_names
from .naming import UnknownInput, spelt

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
    references: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    """Output → the type and the names of the parts that it gives as resources."""


class Inputs:
    """The inputs of one resource, each to be taken once."""

    def __init__(
        self, kind: str, name: str, given: Mapping[str, Any], default_tags: Mapping[str, str] | None = None
    ) -> None:
        self._default_tags = default_tags or {}
        self.kind = kind
        self.name = name
        self._left = {key: value for key, value in given.items() if value is not None}
        self.documents: dict[str, str] = {}
        """Inputs that were given as objects, as the JSON that they are kept as."""

    def take(self, key: str, default: Any = None) -> Any:
        """An input, or the default where it is not given."""
        return self._left.pop(key, default)

    def spelt(self, key: str, service: str, shape: str) -> Any:
        """An input as AWS spells it, by the name of the shape in the service's model. Raises Unsupported."""
        return self.as_spelt(key, self.take(key), service, shape)

    def as_spelt(self, key: str, value: Any, service: str, shape: str) -> Any:
        """The same of what was taken as this input."""
        try:
            return spelt(service, shape, value)
        except UnknownInput as unknown:
            raise Unsupported(f"{self.kind}: {key}: {unknown}") from None

    def document(self, key: str) -> str | None:
        """A policy as JSON, whether it was given so or as the object that it is; the provider gives it back as JSON."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        self.documents[key] = json.dumps(value)
        return self.documents[key]

    def rest(self) -> dict[str, Any]:
        """Every input that was not taken yet; all of them are taken by this."""
        left, self._left = self._left, {}
        return left

    def physical_name(self, key: str = "name", *, longest: int = 255) -> str:
        """The name given, or one made from the resource's as the AWS provider does."""
        prefix = self.take(f"{key}Prefix", f"{self.name[: longest - 8]}-")
        return self.take(key) or f"{prefix}{secrets.token_hex(4)[:7]}"

    def hold_region(self, aws: Emulator) -> None:
        """Raises Unsupported where this one is to be in another region than the sandbox is."""
        region = self.take("region", aws.region)
        if region != aws.region:
            raise Unsupported(f"{self.kind}: the sandbox is in {aws.region}, and its input region says {region}")

    def tags(self) -> dict[str, str]:
        """The tags given, and those that the provider gives to everything."""
        return {**self._default_tags, **self.take("tags", {})}

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


def known_types() -> frozenset[str]:
    """Every resource type that the sandbox can create."""
    return frozenset(_CREATORS)


def create(
    aws: Emulator, kind: str, name: str, given: Mapping[str, Any], default_tags: Mapping[str, str] | None = None
) -> Made:
    """Create a resource. Raises Unsupported, ConstraintViolation, or botocore's own errors."""
    creator = _CREATORS.get(kind)
    if creator is None:
        raise Unsupported(
            f"{kind}: the sandbox does not know this resource type; it knows {', '.join(sorted(_CREATORS))}"
        )
    inputs = Inputs(kind, name, given, default_tags)
    if kind != "pulumi:providers:aws":
        inputs.hold_region(aws)
    made = creator(aws, inputs)
    inputs.done()
    return replace(made, outputs={**inputs.documents, **made.outputs})


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: tags[name]} for name in sorted(tags)]


@creates("aws:iam/role:Role")
def _role(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=64)
    inputs.take("forceDetachPolicies")  # of its end, which never comes here
    iam, longest = aws.client("iam"), inputs.take("maxSessionDuration")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs.document("assumeRolePolicy"),
        **inputs.given(
            Path=inputs.take("path"),
            Description=inputs.take("description"),
            PermissionsBoundary=inputs.take("permissionsBoundary"),
            MaxSessionDuration=int(longest) if longest else None,
            Tags=tag_list(inputs.tags()),
        ),
    )["Role"]
    for arn in inputs.take("managedPolicyArns", []):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for it in inputs.take("inlinePolicies", []):
        # One without a name says that there are to be none.
        if it.get("name"):
            iam.put_role_policy(RoleName=name, PolicyName=it["name"], PolicyDocument=it["policy"])
    return Made(name, {"name": name, "arn": role["Arn"], "uniqueId": role["RoleId"], "path": role["Path"]})


@creates("aws:iam/rolePolicy:RolePolicy")
def _role_policy(aws: Emulator, inputs: Inputs) -> Made:
    name, role = inputs.physical_name(longest=128), inputs.take("role")
    aws.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=inputs.document("policy"))
    return Made(f"{role}:{name}", {"name": name})


@creates("aws:iam/policy:Policy")
def _policy(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=128)
    policy = aws.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=inputs.document("policy"),
        **inputs.given(Path=inputs.take("path"), Description=inputs.take("description"), Tags=tag_list(inputs.tags())),
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
    try:
        inputs.take("skipDestroy")
        given = inputs.given(
            kmsKeyId=inputs.take("kmsKeyId"), logGroupClass=inputs.take("logGroupClass"), tags=inputs.tags()
        )
        logs.create_log_group(logGroupName=name, **given)
    except logs.exceptions.ResourceAlreadyExistsException as error:
        raise NotMade(
            f"{error}. {name} was kept from before. Adopt it: adopt_logs of its launcher (adoptLogs in a stack's "
            "config), import_ in a program of your own; or give the job another name"
        ) from None
    if retention:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(retention))
    return Made(name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"})


@creates("aws:secretsmanager/secret:Secret")
def _secret(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=512)
    inputs.take("recoveryWindowInDays")  # of its end, which never comes here
    secret = aws.client("secretsmanager").create_secret(
        Name=name,
        **inputs.given(
            Description=inputs.take("description"), KmsKeyId=inputs.take("kmsKeyId"), Tags=tag_list(inputs.tags())
        ),
    )
    return Made(secret["ARN"], {"name": name, "arn": secret["ARN"]})


@creates("aws:ecs/cluster:Cluster")
def _cluster(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name()
    cluster = aws.client("ecs").create_cluster(
        clusterName=name,
        **inputs.given(
            settings=inputs.spelt("settings", "ecs", "ClusterSettings"),
            configuration=inputs.spelt("configuration", "ecs", "ClusterConfiguration"),
            serviceConnectDefaults=inputs.spelt(
                "serviceConnectDefaults", "ecs", "ClusterServiceConnectDefaultsRequest"
            ),
            tags=tag_list(inputs.tags(), "key", "value"),
        ),
    )["cluster"]
    return Made(cluster["clusterArn"], {"name": name, "arn": cluster["clusterArn"]})


@creates("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
def _cluster_capacity_providers(aws: Emulator, inputs: Inputs) -> Made:
    cluster = inputs.take("clusterName")
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=cluster,
        capacityProviders=inputs.take("capacityProviders", []),
        defaultCapacityProviderStrategy=inputs.spelt(
            "defaultCapacityProviderStrategies", "ecs", "CapacityProviderStrategy"
        )
        or [],
    )
    return Made(cluster, {})


@creates("aws:ecs/taskDefinition:TaskDefinition")
def _task_definition(aws: Emulator, inputs: Inputs) -> Made:
    for key in ("skipDestroy", "trackLatest"):
        inputs.take(key)
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
            runtimePlatform=inputs.spelt("runtimePlatform", "ecs", "RuntimePlatform"),
            ephemeralStorage=inputs.spelt("ephemeralStorage", "ecs", "EphemeralStorage"),
            volumes=_volumes(inputs),
            placementConstraints=inputs.spelt("placementConstraints", "ecs", "TaskDefinitionPlacementConstraints"),
            ipcMode=inputs.take("ipcMode"),
            pidMode=inputs.take("pidMode"),
            enableFaultInjection=inputs.take("enableFaultInjection"),
            tags=tag_list(inputs.tags(), "key", "value"),
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


def _volumes(inputs: Inputs) -> Any:
    """The provider has a host's folder beside the others, and AWS inside."""
    given: list[State] = inputs.take("volumes") or []
    plain = [{key: value for key, value in it.items() if key != "hostPath"} for it in given]
    made = inputs.as_spelt("volumes", plain, "ecs", "VolumeList")
    for volume, it in zip(made, given, strict=True):
        volume |= {"host": {"sourcePath": it["hostPath"]}} if it.get("hostPath") else {}
    return made


@creates("aws:lambda/function:Function")
def _function(aws: Emulator, inputs: Inputs) -> Made:
    name, lambda_ = inputs.physical_name(longest=64), aws.client("lambda")
    environment = inputs.take("environment")
    timeout, memory = inputs.take("timeout"), inputs.take("memorySize")
    concurrency, files, storage = (
        inputs.take(key) for key in ("reservedConcurrentExecutions", "fileSystemConfig", "ephemeralStorage")
    )
    for key in ("skipDestroy", "sourceCodeHash", "replaceSecurityGroupsOnDestroy", "replacementSecurityGroupIds"):
        inputs.take(key)
    function = lambda_.create_function(
        FunctionName=name,
        Role=inputs.take("role"),
        Code=code_of(inputs),
        **inputs.given(
            Runtime=inputs.take("runtime"),
            Handler=inputs.take("handler"),
            Description=inputs.take("description"),
            Timeout=int(timeout) if timeout else None,
            MemorySize=int(memory) if memory else None,
            Architectures=inputs.take("architectures"),
            Environment={"Variables": environment["variables"]} if environment else None,
            KMSKeyArn=inputs.take("kmsKeyArn"),
            LoggingConfig=inputs.spelt("loggingConfig", "lambda", "LoggingConfig"),
            Publish=inputs.take("publish"),
            PackageType=inputs.take("packageType"),
            ImageConfig=_image_config(inputs),
            Layers=inputs.take("layers"),
            DeadLetterConfig=inputs.spelt("deadLetterConfig", "lambda", "DeadLetterConfig"),
            EphemeralStorage={"Size": int(storage["size"])} if storage else None,
            FileSystemConfigs=[{"Arn": files["arn"], "LocalMountPath": files["localMountPath"]}] if files else None,
            SnapStart=_snap_start(inputs),
            CodeSigningConfigArn=inputs.take("codeSigningConfigArn"),
            TracingConfig=inputs.spelt("tracingConfig", "lambda", "TracingConfig"),
            VpcConfig=inputs.spelt("vpcConfig", "lambda", "VpcConfig"),
            Tags=inputs.tags(),
        ),
    )
    if concurrency is not None:
        lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(concurrency))
    arn, version = f"arn:aws:lambda:{aws.region}:{aws.account}:function:{name}", function["Version"]
    return Made(name, {"name": name, "arn": arn, "qualifiedArn": f"{arn}:{version}", "version": version})


@creates("aws:lambda/invocation:Invocation")
def _invocation(aws: Emulator, inputs: Inputs) -> Made:
    """An invocation at each step of the resource's life, or at its creation only, with what the provider adds."""
    name, given = inputs.take("functionName"), json.loads(inputs.take("input"))
    if inputs.take("lifecycleScope", "CREATE_ONLY") == "CRUD":
        given[inputs.take("terraformKey", "tf")] = {"action": "create", "prev_input": None}
    qualifier, payload = inputs.take("qualifier", "$LATEST"), json.dumps(given)
    answer = aws.client("lambda").invoke(FunctionName=name, Qualifier=qualifier, Payload=payload)
    said = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise NotMade(f"invoking Lambda Function ({name}): {said}")
    return Made(
        f"{name},{qualifier},{hashlib.md5(payload.encode(), usedforsecurity=False).hexdigest()}", {"result": said}
    )


@creates("aws:lambda/alias:Alias")
def _alias(aws: Emulator, inputs: Inputs) -> Made:
    alias = aws.client("lambda").create_alias(
        FunctionName=inputs.take("functionName"),
        Name=inputs.physical_name(),
        FunctionVersion=inputs.take("functionVersion"),
        **inputs.given(
            Description=inputs.take("description"),
            RoutingConfig=inputs.spelt("routingConfig", "lambda", "AliasRoutingConfiguration"),
        ),
    )
    return Made(alias["AliasArn"], {"name": alias["Name"], "arn": alias["AliasArn"]})


@creates("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
def _function_event_invoke_config(aws: Emulator, inputs: Inputs) -> Made:
    function, retries, age = (
        inputs.take(key) for key in ("functionName", "maximumRetryAttempts", "maximumEventAgeInSeconds")
    )
    destinations = {
        _pascal(key): {"Destination": it["destination"]} for key, it in inputs.take("destinationConfig", {}).items()
    }
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        **inputs.given(
            Qualifier=inputs.take("qualifier"),
            MaximumRetryAttempts=int(retries) if retries is not None else None,
            MaximumEventAgeInSeconds=int(age) if age else None,
            DestinationConfig=destinations,
        ),
    )
    return Made(function, {})


@creates("aws:sqs/queue:Queue")
def _queue(aws: Emulator, inputs: Inputs) -> Made:
    fifo = bool(inputs.take("fifoQueue", False))
    name, sqs = inputs.physical_name(longest=75), aws.client("sqs")
    name += ".fifo" if fifo and not name.endswith(".fifo") else ""
    attributes = {
        "FifoQueue": True if fifo else None,
        "ContentBasedDeduplication": inputs.take("contentBasedDeduplication"),
        "MaximumMessageSize": inputs.take("maxMessageSize"),
        "MessageRetentionPeriod": inputs.take("messageRetentionSeconds"),
        "VisibilityTimeout": inputs.take("visibilityTimeoutSeconds"),
        "ReceiveMessageWaitTimeSeconds": inputs.take("receiveWaitTimeSeconds"),
        "RedrivePolicy": inputs.take("redrivePolicy"),
        "RedriveAllowPolicy": inputs.take("redriveAllowPolicy"),
        "SqsManagedSseEnabled": inputs.take("sqsManagedSseEnabled"),
        "KmsMasterKeyId": inputs.take("kmsMasterKeyId"),
        "KmsDataKeyReusePeriodSeconds": inputs.take("kmsDataKeyReusePeriodSeconds"),
        "DelaySeconds": inputs.take("delaySeconds"),
        "DeduplicationScope": inputs.take("deduplicationScope"),
        "FifoThroughputLimit": inputs.take("fifoThroughputLimit"),
        "Policy": inputs.take("policy"),
    }
    url = sqs.create_queue(
        QueueName=name,
        Attributes={key: _attribute(value) for key, value in attributes.items() if value is not None},
        **inputs.given(tags=inputs.tags()),
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Made(url, {"name": name, "arn": arn, "url": url})


@creates("aws:sqs/queuePolicy:QueuePolicy")
def _queue_policy(aws: Emulator, inputs: Inputs) -> Made:
    url = inputs.take("queueUrl")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs.take("policy")})
    return Made(url, {})


@creates("aws:sqs/redrivePolicy:RedrivePolicy")
@creates("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
def _queue_redrive(aws: Emulator, inputs: Inputs) -> Made:
    url, key = inputs.take("queueUrl"), inputs.kind.rpartition(":")[2]
    document = inputs.take(f"{key[0].lower()}{key[1:]}")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={key: document})
    return Made(url, {})


@creates("aws:sns/topic:Topic")
def _topic(aws: Emulator, inputs: Inputs) -> Made:
    fifo, name = bool(inputs.take("fifoTopic", False)), inputs.physical_name()
    name += ".fifo" if fifo and not name.endswith(".fifo") else ""
    attributes = {
        "FifoTopic": True if fifo else None,
        "ContentBasedDeduplication": inputs.take("contentBasedDeduplication"),
        "KmsMasterKeyId": inputs.take("kmsMasterKeyId"),
        "DisplayName": inputs.take("displayName"),
        "DeliveryPolicy": inputs.take("deliveryPolicy"),
        "Policy": inputs.take("policy"),
    }
    said = {key: _attribute(value) for key, value in attributes.items() if value is not None}
    arn = aws.client("sns").create_topic(Name=name, **inputs.given(Attributes=said, Tags=tag_list(inputs.tags())))[
        "TopicArn"
    ]
    return Made(arn, {"name": name, "arn": arn})


@creates("aws:cloudwatch/eventRule:EventRule")
def _event_rule(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.physical_name(longest=64)
    inputs.take("forceDestroy")  # of its end, which never comes here
    enabled = inputs.take("isEnabled", True)
    rule = aws.client("events").put_rule(
        Name=name,
        **inputs.given(
            EventPattern=inputs.take("eventPattern"),
            ScheduleExpression=inputs.take("scheduleExpression"),
            EventBusName=inputs.take("eventBusName"),
            Description=inputs.take("description"),
            State=inputs.take("state", None if enabled else "DISABLED"),
            RoleArn=inputs.take("roleArn"),
            Tags=tag_list(inputs.tags()),
        ),
    )
    return Made(name, {"name": name, "arn": rule["RuleArn"]})


@creates("aws:cloudwatch/eventTarget:EventTarget")
def _event_target(aws: Emulator, inputs: Inputs) -> Made:
    rule, dead, sqs = inputs.take("rule"), inputs.take("deadLetterConfig"), inputs.take("sqsTarget")
    changed, kinesis, commands = (
        inputs.take(key) for key in ("inputTransformer", "kinesisTarget", "runCommandTargets")
    )
    inputs.take("forceDestroy")  # of its end, which never comes here
    transformer = changed and inputs.given(
        InputPathsMap=changed.get("inputPaths"), InputTemplate=changed["inputTemplate"]
    )
    target = inputs.given(
        Id=inputs.physical_name("targetId", longest=64),
        Arn=inputs.take("arn"),
        Input=inputs.take("input"),
        InputPath=inputs.take("inputPath"),
        DeadLetterConfig={"Arn": dead["arn"]} if dead else None,
        SqsParameters={"MessageGroupId": sqs["messageGroupId"]} if sqs else None,
        RoleArn=inputs.take("roleArn"),
        InputTransformer=transformer,
        KinesisParameters={"PartitionKeyPath": kinesis["partitionKeyPath"]} if kinesis else None,
        RunCommandParameters={"RunCommandTargets": [{"Key": it["key"], "Values": it["values"]} for it in commands]}
        if commands
        else None,
        RetryPolicy=inputs.spelt("retryPolicy", "events", "RetryPolicy"),
        EcsParameters=_ecs_target(inputs),
        HttpParameters=inputs.spelt("httpTarget", "events", "HttpParameters"),
    )
    answer = aws.client("events").put_targets(
        Rule=rule, Targets=[target], **inputs.given(EventBusName=inputs.take("eventBusName"))
    )
    if answer["FailedEntryCount"]:
        raise Unsupported(f"{inputs.kind}: {answer['FailedEntries'][0]['ErrorMessage']}")
    return Made(f"{rule}-{target['Id']}", {})


def _ecs_target(inputs: Inputs) -> State | None:
    given = inputs.take("ecsTarget")
    if not given:
        return None
    network = given.get("networkConfiguration")
    plain = {key: value for key, value in given.items() if key not in ("networkConfiguration", "tags", "taskCount")}
    named = {"capacityProviderStrategies": "capacityProviderStrategy"}
    made = inputs.as_spelt(
        "ecsTarget", {named.get(key, key): value for key, value in plain.items()}, "events", "EcsParameters"
    )
    count, tags = given.get("taskCount"), given.get("tags")
    return made | inputs.given(
        TaskCount=int(count) if count else None,
        NetworkConfiguration=_awsvpc(network, "Subnets", "SecurityGroups", "AssignPublicIp"),
        Tags=tag_list(tags) if tags else None,
    )


def _awsvpc(given: Mapping[str, Any] | None, subnets: str, groups: str, public: str) -> State | None:
    """A task's network as EventBridge and ECS have it: in an object of its own, whether it is public in a word."""
    if not given:
        return None
    made = {subnets: given["subnets"], public: "ENABLED" if given.get("assignPublicIp") else "DISABLED"}
    return {
        "awsvpcConfiguration": {**made, **({groups: given["securityGroups"]} if given.get("securityGroups") else {})}
    }


@creates("aws:ecs/service:Service")
def _service(aws: Emulator, inputs: Inputs) -> Made:
    """A service as ECS keeps it; which tasks it runs is not followed here."""
    # Of a change or its end, which never come here.
    for key in ("forceDelete", "forceNewDeployment", "sigintRollback", "triggers", "waitForSteadyState"):
        inputs.take(key)
    cluster, count, grace = (inputs.take(key) for key in ("cluster", "desiredCount", "healthCheckGracePeriodSeconds"))
    most, least = inputs.take("deploymentMaximumPercent"), inputs.take("deploymentMinimumHealthyPercent")
    breaker = inputs.spelt("deploymentCircuitBreaker", "ecs", "DeploymentCircuitBreaker")
    percent = inputs.given(
        maximumPercent=int(most) if most else None,
        minimumHealthyPercent=int(least) if least is not None else None,
        deploymentCircuitBreaker=breaker,
    )
    name = inputs.physical_name()
    made = aws.client("ecs").create_service(
        serviceName=name,
        **inputs.given(
            cluster=cluster,
            taskDefinition=inputs.take("taskDefinition"),
            desiredCount=int(count) if count is not None else None,
            launchType=inputs.take("launchType"),
            role=inputs.take("iamRole"),
            platformVersion=inputs.take("platformVersion"),
            propagateTags=inputs.take("propagateTags"),
            schedulingStrategy=inputs.take("schedulingStrategy"),
            enableECSManagedTags=inputs.take("enableEcsManagedTags"),
            enableExecuteCommand=inputs.take("enableExecuteCommand"),
            availabilityZoneRebalancing=inputs.take("availabilityZoneRebalancing"),
            healthCheckGracePeriodSeconds=int(grace) if grace is not None else None,
            deploymentConfiguration=percent,
            deploymentController=inputs.spelt("deploymentController", "ecs", "DeploymentController"),
            networkConfiguration=_awsvpc(
                inputs.take("networkConfiguration"), "subnets", "securityGroups", "assignPublicIp"
            ),
            capacityProviderStrategy=inputs.spelt("capacityProviderStrategies", "ecs", "CapacityProviderStrategy"),
            placementConstraints=inputs.spelt("placementConstraints", "ecs", "PlacementConstraints"),
            placementStrategy=inputs.spelt("orderedPlacementStrategies", "ecs", "PlacementStrategies"),
            tags=tag_list(inputs.tags(), "key", "value"),
        ),
    )["service"]
    return Made(made["serviceArn"], {"name": name, "arn": made["serviceArn"]})


@creates("aws:lambda/permission:Permission")
def _permission_of_function(aws: Emulator, inputs: Inputs) -> Made:
    statement = inputs.physical_name("statementId", longest=100)
    aws.client("lambda").add_permission(
        FunctionName=inputs.take("function"),
        StatementId=statement,
        Action=inputs.take("action"),
        Principal=inputs.take("principal"),
        **inputs.given(
            SourceArn=inputs.take("sourceArn"),
            SourceAccount=inputs.take("sourceAccount"),
            Qualifier=inputs.take("qualifier"),
            PrincipalOrgID=inputs.take("principalOrgId"),
            EventSourceToken=inputs.take("eventSourceToken"),
            FunctionUrlAuthType=inputs.take("functionUrlAuthType"),
        ),
    )
    return Made(statement, {})


@creates("aws:lambda/eventSourceMapping:EventSourceMapping")
def _event_source_mapping(aws: Emulator, inputs: Inputs) -> Made:
    size, window = inputs.take("batchSize"), inputs.take("maximumBatchingWindowInSeconds")
    ends = inputs.take("destinationConfig")
    mapping = aws.client("lambda").create_event_source_mapping(
        EventSourceArn=inputs.take("eventSourceArn"),
        FunctionName=inputs.take("functionName"),
        **inputs.given(
            BatchSize=int(size) if size else None,
            Enabled=inputs.take("enabled"),
            MaximumBatchingWindowInSeconds=int(window) if window else None,
            StartingPosition=inputs.take("startingPosition"),
            BisectBatchOnFunctionError=inputs.take("bisectBatchOnFunctionError"),
            FilterCriteria=inputs.spelt("filterCriteria", "lambda", "FilterCriteria"),
            DestinationConfig={"OnFailure": {"Destination": ends["onFailure"]["destinationArn"]}} if ends else None,
            KMSKeyArn=inputs.take("kmsKeyArn"),
            FunctionResponseTypes=inputs.take("functionResponseTypes"),
            ScalingConfig=inputs.spelt("scalingConfig", "lambda", "ScalingConfig"),
            Tags=inputs.tags(),
        ),
    )
    return Made(mapping["UUID"], {"uuid": mapping["UUID"]})


@creates("aws:scheduler/schedule:Schedule")
def _schedule(aws: Emulator, inputs: Inputs) -> Made:
    name, group = inputs.physical_name(longest=64), inputs.take("groupName", "default")
    schedule = aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=inputs.take("scheduleExpression"),
        FlexibleTimeWindow=inputs.spelt("flexibleTimeWindow", "scheduler", "FlexibleTimeWindow"),
        Target=inputs.spelt("target", "scheduler", "Target"),
        **inputs.given(
            ScheduleExpressionTimezone=inputs.take("scheduleExpressionTimezone"),
            State=inputs.take("state"),
            Description=inputs.take("description"),
            GroupName=None if group == "default" else group,
            StartDate=inputs.take("startDate"),
            EndDate=inputs.take("endDate"),
            KmsKeyArn=inputs.take("kmsKeyArn"),
            ActionAfterCompletion=inputs.take("actionAfterCompletion"),
        ),
    )
    return Made(f"{group}/{name}", {"name": name, "arn": schedule["ScheduleArn"]})


@creates("aws:cloudwatch/metricAlarm:MetricAlarm")
def _metric_alarm(aws: Emulator, inputs: Inputs) -> Made:
    name, enough = inputs.physical_name(), inputs.take("datapointsToAlarm")
    dimensions = [{"Name": key, "Value": value} for key, value in inputs.take("dimensions", {}).items()]
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Period=int(inputs.take("period")),
        EvaluationPeriods=int(inputs.take("evaluationPeriods")),
        Threshold=float(inputs.take("threshold")),
        ComparisonOperator=inputs.take("comparisonOperator"),
        **inputs.given(
            AlarmDescription=inputs.take("alarmDescription"),
            Namespace=inputs.take("namespace"),
            MetricName=inputs.take("metricName"),
            Dimensions=dimensions,
            Statistic=inputs.take("statistic"),
            ExtendedStatistic=inputs.take("extendedStatistic"),
            Unit=inputs.take("unit"),
            ActionsEnabled=inputs.take("actionsEnabled"),
            DatapointsToAlarm=None if enough is None else int(enough),
            InsufficientDataActions=inputs.take("insufficientDataActions"),
            TreatMissingData=inputs.take("treatMissingData"),
            AlarmActions=inputs.take("alarmActions"),
            OKActions=inputs.take("okActions"),
            Tags=tag_list(inputs.tags()),
        ),
    )
    return Made(name, {"name": name, "arn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}"})


@creates("aws:cloudwatch/dashboard:Dashboard")
def _dashboard(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.take("dashboardName")
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs.take("dashboardBody"))
    arn = f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"
    return Made(name, {"dashboardArn": arn})


@creates("aws:s3/bucket:Bucket")
def _bucket(aws: Emulator, inputs: Inputs) -> Made:
    # In lower case, as the AWS provider names buckets: AutoNameTransform in its provider/resources.go.
    name, s3 = inputs.physical_name("bucket", longest=63).lower(), aws.client("s3")
    inputs.take("forceDestroy")  # of its end, which never comes here
    place = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    s3.create_bucket(Bucket=name, **place)
    tags = inputs.tags()
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(tags)})
    return Made(name, {"bucket": name, "arn": f"arn:aws:s3:::{name}", "region": aws.region})


@creates("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def _bucket_public_access_block(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    blocked = {_pascal(key): bool(inputs.take(key, False)) for key in keys}
    aws.client("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
    return Made(bucket, {})


@creates("aws:s3/bucketPolicy:BucketPolicy")
def _bucket_policy(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
    return Made(bucket, {})


@creates("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def _bucket_encryption(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = inputs.spelt("rules", "s3", "ServerSideEncryptionRules")
    aws.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    return Made(bucket, {})


@creates("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def _bucket_lifecycle(aws: Emulator, inputs: Inputs) -> Made:
    bucket = inputs.take("bucket")
    rules = inputs.spelt("rules", "s3", "LifecycleRules")
    aws.client("s3").put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    return Made(bucket, {})


@creates("aws:ec2/securityGroup:SecurityGroup")
def _security_group(aws: Emulator, inputs: Inputs) -> Made:
    ec2, name = aws.client("ec2"), inputs.physical_name()
    group = ec2.create_security_group(
        GroupName=name,
        Description=inputs.take("description", "Managed by Pulumi"),
        VpcId=inputs.take("vpcId"),
        **inputs.given(TagSpecifications=specification("security-group", inputs.tags())),
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
        return specification(kind, {**tags, "Name": name})

    def made(kind: str, name: str, identifier: str) -> str:
        parts.append((kind, name, identifier))
        return identifier

    base, cidr = inputs.name, ipaddress.ip_network(inputs.take("cidrBlock", "10.0.0.0/16"))
    zones = zone_names(aws.region, int(inputs.take("numberOfAvailabilityZones", 3)))
    specs, strategy = inputs.take("subnetSpecs"), inputs.take("natGateways", {}).get("strategy", "OnePerAz")
    kinds = ["Private", "Public"] if specs is None else [spec["type"] for spec in specs]
    ranges = subnet_ranges(str(cidr), len(zones), specs, inputs.take("subnetStrategy"))
    if more := sorted({key for spec in specs or [] for key in spec} - {"type", "cidrBlocks", "cidrMask"}):
        raise Unsupported(f"{inputs.kind}: the sandbox does not know {', '.join(more)} of subnetSpecs")
    if unknown := set(kinds) - {"Public", "Private", "Isolated"}:
        raise Unsupported(f"{inputs.kind}: the sandbox does not know subnets of type {', '.join(sorted(unknown))}")

    vpc = ec2.create_vpc(CidrBlock=str(cidr), TagSpecifications=named("vpc", base))["Vpc"]["VpcId"]
    made("aws:ec2/vpc:Vpc", base, vpc)
    for attribute, key in (("EnableDnsHostnames", "enableDnsHostnames"), ("EnableDnsSupport", "enableDnsSupport")):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": bool(inputs.take(key, True))}})
    internet = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", base))
    gateway = made("aws:ec2/internetGateway:InternetGateway", base, internet["InternetGateway"]["InternetGatewayId"])
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    subnets: dict[str, list[str]] = {"Public": [], "Private": [], "Isolated": []}
    nats, tables = list[str](), list[str]()
    for kind in sorted(kinds, reverse=True):  # public first: NAT gateways stand in public subnets
        for number, zone in enumerate(zones, 1):
            name = f"{base}-{kind.lower()}-{number}"
            subnet = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=ranges[number - 1][kinds.index(kind)],
                AvailabilityZone=zone,
                TagSpecifications=named("subnet", name),
            )["Subnet"]["SubnetId"]
            subnets[kind].append(made("aws:ec2/subnet:Subnet", name, subnet))
            table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", name))
            tables.append(name)
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
            elif kind == "Private" and nats:
                ec2.create_route(
                    RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nats[(number - 1) % len(nats)]
                )
    return Made(
        vpc,
        {
            "vpcId": vpc,
            "publicSubnetIds": subnets["Public"],
            "privateSubnetIds": subnets["Private"],
            "isolatedSubnetIds": subnets["Isolated"],
        },
        parts,
        {"routeTables": ("aws:ec2/routeTable:RouteTable", tables)},
    )


def specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tag_list(tags)}] if tags else []


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


def _image_config(inputs: Inputs) -> State | None:
    given = inputs.take("imageConfig")
    named = {"commands": "Command", "entryPoints": "EntryPoint", "workingDirectory": "WorkingDirectory"}
    return {named[key]: value for key, value in given.items() if value} if given else None


def _snap_start(inputs: Inputs) -> State | None:
    given = inputs.take("snapStart")
    return {"ApplyOn": given["applyOn"]} if given else None


def _attribute(value: Any) -> str:
    """An SQS attribute: all of them are strings, numbers and truth values too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(int(value))


def _pascal(camel: str) -> str:
    return camel[0].upper() + camel[1:]


def code_of(inputs: Inputs) -> dict[str, Any]:
    """A function's code: an archive of the program's, or one that lies in a bucket."""
    bucket, key, version, image = (inputs.take(it) for it in ("s3Bucket", "s3Key", "s3ObjectVersion", "imageUri"))
    if image:
        return {"ImageUri": image}
    if bucket:
        return {"S3Bucket": bucket, "S3Key": key, **inputs.given(S3ObjectVersion=version)}
    return {"ZipFile": zipped(inputs.take("code"))}
