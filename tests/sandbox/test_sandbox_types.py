"""Resource types beside ours that a right program has, and a team's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fargate_job_launcher.sandbox import Deployment, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.engine.resources import known_types

from tools.recording import PROGRAM, program

SOURCE = """
import json, pulumi, pulumi_aws as aws
vpc = aws.ec2.Vpc("v", cidr_block="10.8.0.0/16", tags={"a": "b"})
subnet = aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.8.0.0/24", availability_zone="eu-west-1a")
gateway = aws.ec2.InternetGateway("g", vpc_id=vpc.id)
table = aws.ec2.RouteTable("t", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}])
aws.ec2.RouteTableAssociation("a", route_table_id=table.id, subnet_id=subnet.id)
group = aws.ec2.SecurityGroup("nfs", vpc_id=vpc.id)
aws.ec2.SecurityGroupRule("r", type="ingress", security_group_id=group.id, protocol="tcp", from_port=2049,
                          to_port=2049, cidr_blocks=["10.8.0.0/16"])
files = aws.efs.FileSystem("f")
target = aws.efs.MountTarget("m", file_system_id=files.id, subnet_id=subnet.id, security_groups=[group.id])
bus = aws.cloudwatch.EventBus("bus")
parameter = aws.ssm.Parameter("p", type="String", value="v", name="/a/b")
repository = aws.ecr.Repository("repo", image_tag_mutability="IMMUTABLE", force_delete=True)
oldest = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
expiry = {"rules": [{"rulePriority": 1, "selection": oldest, "action": {"type": "expire"}}]}
aws.ecr.LifecyclePolicy("l", repository=repository.name, policy=json.dumps(expiry))
items = aws.dynamodb.Table("items", hash_key="id", billing_mode="PAY_PER_REQUEST",
                           attributes=[{"name": "id", "type": "S"}])
key = aws.kms.Key("k")
runs = aws.dynamodb.Table(
    "runs", name="runs", hash_key="pk", range_key="sk", billing_mode="PAY_PER_REQUEST", tags={"of": "runs"},
    attributes=[{"name": name, "type": kind} for name, kind in (("pk", "S"), ("sk", "S"), ("duty", "S"), ("due", "N"))],
    global_secondary_indexes=[
        {"name": "due", "hash_key": "duty", "range_key": "due", "projection_type": "KEYS_ONLY"},
        {"name": "some", "hash_key": "duty", "projection_type": "INCLUDE", "non_key_attributes": ["status"]},
    ],
    ttl={"attribute_name": "expires", "enabled": True},
    point_in_time_recovery={"enabled": True, "recovery_period_in_days": 7},
    deletion_protection_enabled=True, server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
)
pulumi.export("runs", [runs.id, runs.arn, runs.name, key.arn])
bucket = aws.s3.Bucket("b")
aws.s3.BucketVersioning("b", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
aws.s3.BucketObjectv2("o", bucket=bucket.id, key="k", content="hello")
pulumi.export("parameter", parameter.arn)
pulumi.export("repository", repository.repository_url)
pulumi.export("bus", bus.arn)
pulumi.export("items", items.name)
pulumi.export("target", target.id)
pulumi.export("bucket", bucket.bucket)
"""


def check_runs(aws: Emulator, outputs: list[str]) -> None:
    """The table of runs has each of its declared settings."""
    identifier, arn, name, key = outputs
    assert (identifier, name, arn) == ("runs", "runs", f"arn:aws:dynamodb:{aws.region}:{aws.account}:table/runs")
    db = aws.client("dynamodb")
    table = db.describe_table(TableName="runs")["Table"]
    assert [it["AttributeName"] for it in table["KeySchema"]] == ["pk", "sk"]
    projected = {it["IndexName"]: (it["Projection"], len(it["KeySchema"])) for it in table["GlobalSecondaryIndexes"]}
    included = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["status"]}
    assert projected == {"due": ({"ProjectionType": "KEYS_ONLY"}, 2), "some": (included, 1)}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    expiry = db.describe_time_to_live(TableName="runs")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = db.describe_continuous_backups(TableName="runs")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert db.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "of", "Value": "runs"}]


def test_what_programs_have_beside_a_job_is_made(tmp_path: Path, emulator: Emulator) -> None:
    outputs = deploy(program(tmp_path, SOURCE), emulator).outputs
    client = emulator.client
    assert client("ssm").get_parameter(Name="/a/b")["Parameter"]["ARN"] == outputs["parameter"]
    urls = [it["repositoryUri"] for it in client("ecr").describe_repositories()["repositories"]]
    assert outputs["repository"] in urls
    assert outputs["bus"] in [it["Arn"] for it in client("events").list_event_buses()["EventBuses"]]
    assert client("dynamodb").describe_table(TableName=outputs["items"])["Table"]["TableStatus"] == "ACTIVE"
    check_runs(emulator, outputs["runs"])
    (target,) = client("efs").describe_mount_targets(MountTargetId=outputs["target"])["MountTargets"]
    assert target["AvailabilityZoneName"] == "eu-west-1a"
    assert client("s3").get_object(Bucket=outputs["bucket"], Key="k")["Body"].read() == b"hello"
    assert client("s3").get_bucket_versioning(Bucket=outputs["bucket"])["Status"] == "Enabled"


MORE = (
    SOURCE
    + """
import pulumi_awsx as awsx
zone = aws.ec2.Subnet("z", vpc_id=vpc.id, cidr_block="10.8.1.0/24", availability_zone="eu-west-1b")
address = aws.ec2.Eip("e", domain="vpc", tags={"a": "b"})
nat = aws.ec2.NatGateway("n", allocation_id=address.id, subnet_id=subnet.id, tags={"a": "b"})
private = aws.ec2.RouteTable("private", vpc_id=vpc.id)
aws.ec2.Route("out", route_table_id=private.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id)
point = aws.efs.AccessPoint("a", file_system_id=files.id, posix_user={"uid": 1, "gid": 1})
statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Resource": "*"}
def policy(*actions, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Action": list(actions), **more}]})
aws.ecr.RepositoryPolicy("r", repository=repository.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": statement["Principal"], "Action": ["ecr:BatchGetImage"]}]}))
user = aws.iam.User("u", force_destroy=True, tags={"a": "b"})
readers = aws.iam.Policy("readers", policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
aws.iam.UserPolicyAttachment("u", user=user.name, policy_arn=readers.arn)
trust = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
role = aws.iam.Role("r", assume_role_policy=trust)
aws.iam.RolePolicyAttachment("r", role=role.name, policy_arn=readers.arn)
code = pulumi.AssetArchive({"f.py": pulumi.StringAsset("def handle(event, context): return 1")})
function = aws.lambda_.Function("f", role=role.arn, runtime="python3.13", handler="f.handle", code=code)
aws.lambda_.FunctionUrl("f", function_name=function.name, authorization_type="AWS_IAM")
logs = aws.cloudwatch.LogGroup("g", name="/types")
aws.cloudwatch.LogMetricFilter("errors", log_group_name=logs.name, pattern="ERROR", metric_transformation={
    "name": "Errors", "namespace": "types", "value": "1", "default_value": "0"})
allowed = aws.lambda_.Permission("logs", function=function.name, action="lambda:InvokeFunction",
                                 principal="logs.eu-west-1.amazonaws.com")
aws.cloudwatch.LogSubscriptionFilter("errors", log_group=logs.name, filter_pattern="ERROR",
                                     destination_arn=function.arn, opts=pulumi.ResourceOptions(depends_on=[allowed]))
secret = aws.secretsmanager.Secret("s", name="types")
aws.secretsmanager.SecretVersion("s", secret_id=secret.id, secret_string="v")
aws.secretsmanager.SecretPolicy("s", secret_arn=secret.arn, policy=policy("secretsmanager:GetSecretValue"))
topic = aws.sns.Topic("t")
aws.sns.TopicPolicy("t", arn=topic.arn, policy=topic.arn.apply(lambda it: policy("sns:Publish", Resource=it)))
aws.s3.BucketOwnershipControls("b", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
aws.s3.BucketNotification("b", bucket=bucket.id, eventbridge=True)
aws.s3.BucketObject("old", bucket=bucket.id, key="old", content="hello")
dead = aws.sqs.Queue("dead")
alive = aws.sqs.Queue("alive", delay_seconds=5, policy=policy("sqs:SendMessage"))
aws.sqs.RedrivePolicy("alive", queue_url=alive.id, redrive_policy=dead.arn.apply(
    lambda it: json.dumps({"deadLetterTargetArn": it, "maxReceiveCount": 7})))
aws.sqs.RedriveAllowPolicy("dead", queue_url=dead.id, redrive_allow_policy=alive.arn.apply(
    lambda it: json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [it]})))
archive = pulumi.AssetArchive({"python/layered.py": pulumi.StringAsset("value = 1")})
layer = aws.lambda_.LayerVersion("layered", layer_name="layered", code=archive, compatible_runtimes=["python3.13"])
aws.lambda_.LayerVersionPermission("layered", layer_name=layer.layer_name, version_number=1, statement_id="shared",
                                   action="lambda:GetLayerVersion", principal="123456789012")
published = aws.lambda_.Function("p", role=role.arn, runtime="python3.13", handler="f.handle", code=code, publish=True,
                                 layers=[layer.arn], ephemeral_storage={"size": 1024})
aws.lambda_.ProvisionedConcurrencyConfig("p", function_name=published.name, qualifier=published.version,
                                         provisioned_concurrent_executions=2)
aws.lambda_.FunctionRecursionConfig("p", function_name=published.name, recursive_loop="Allow")
orders = aws.cloudwatch.EventBus("orders", name="orders")
aws.cloudwatch.EventBusPolicy("orders", event_bus_name=orders.name, policy=policy("events:PutEvents", Sid="whole"))
shared = aws.cloudwatch.EventBus("shared", name="shared")
aws.cloudwatch.EventPermission("shared", principal="123456789012", statement_id="one", event_bus_name=shared.name)
aws.cloudwatch.EventArchive("orders", name="orders", event_source_arn=orders.arn, retention_days=7)
aws.cloudwatch.EventConnection("hook", name="hook", authorization_type="API_KEY",
    auth_parameters={"api_key": {"key": "x-key", "value": "none"}})
group = aws.scheduler.ScheduleGroup("nightly", name="nightly")
aws.cloudwatch.LogStream("mine", name="mine", log_group_name=logs.name)
aws.cloudwatch.LogResourcePolicy("dns", policy_name="dns", policy_document=policy("logs:PutLogEvents"))
aws.efs.FileSystemPolicy("f", file_system_id=files.id, policy=files.arn.apply(
    lambda it: policy("elasticfilesystem:ClientMount", Resource=it)))
aws.efs.BackupPolicy("f", file_system_id=files.id, backup_policy={"status": "ENABLED"})
aws.ecs.AccountSettingDefault("long", name="taskLongArnFormat", value="enabled")
managed = aws.kms.Key("managed")
aws.kms.KeyPolicy("managed", key_id=managed.id, policy=policy("kms:*", Sid="mine"))
aws.kinesis.Stream("clicks", name="clicks", shard_count=1)
aws.sfn.StateMachine("steps", role_arn=role.arn, definition=json.dumps(
    {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
aws.iam.InstanceProfile("i", role=role.name)
group = aws.ec2.SecurityGroup("g", vpc_id=vpc.id)
aws.vpc.SecurityGroupIngressRule("in", security_group_id=group.id, ip_protocol="tcp", from_port=8443, to_port=8443,
                                 cidr_ipv4="10.0.0.0/8")
aws.vpc.SecurityGroupEgressRule("out", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0")
served = aws.ecs.Cluster("served")
task = aws.ecs.TaskDefinition("served", family="served", requires_compatibilities=["FARGATE"], network_mode="awsvpc",
    cpu="256", memory="512", container_definitions=json.dumps([{"name": "web", "image": "nginx"}]))
aws.ecs.Service("served", cluster=served.arn, task_definition=task.arn, desired_count=0, launch_type="FARGATE",
    network_configuration={"subnets": [subnet.id], "assign_public_ip": True})
pushed = awsx.ecr.Repository("pushed", name="pushed")
awsx.ecr.Image("pushed", repository_url=pushed.url, context=".", dockerfile="Dockerfile", platform="linux/amd64")
"""
)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Deployment, Deployment]]:
    """An AWS with prod and with what other programs have."""
    folder = tmp_path_factory.mktemp("more")
    (folder / "Dockerfile").write_text("FROM scratch")
    with Emulator(region="eu-west-1") as aws:
        more = deploy(program(folder, MORE), aws)
        yield aws, more, deploy(Stack.read(PROGRAM, "prod"), aws)


def whole(aws: Emulator, service: str, operation: str, **given: Any) -> str:
    """AWS's answer about its resources, as one text."""
    return str(getattr(aws.client(service), operation)(**given))


Read = Callable[[Emulator, str], str]


def listed(service: str, operation: str, key: str = "", *, several: bool = True) -> Read:
    """Reads a resource back by its id, as the value of this parameter; without one, all that there is of its kind."""

    def read(aws: Emulator, identifier: str) -> str:
        return whole(aws, service, operation, **({key: [identifier] if several else identifier} if key else {}))

    return read


def each(service: str, names: tuple[str, str, str], operation: str, key: str, **more: Any) -> Read:
    """Reads what belongs to another resource back, by asking for that of each of those: `names` is the operation that
    lists them, where in its answer, and what of each is the value of the parameter `key`."""

    def read(aws: Emulator, _: str) -> str:
        client, (every, members, name) = aws.client(service), names
        said = list[str]()
        for it in getattr(client, every)()[members]:
            try:
                said.append(whole(aws, service, operation, **{key: it[name]}, **more))
            except client.exceptions.ClientError as missing:
                said.append(str(missing))
        return " ".join(said)

    return read


FUNCTIONS: Final = ("list_functions", "Functions", "FunctionName")
ROLES: Final = ("list_roles", "Roles", "RoleName")

READ: Final[dict[str, Read]] = {
    "aws:cloudwatch/dashboard:Dashboard": listed("cloudwatch", "get_dashboard", "DashboardName", several=False),
    "aws:cloudwatch/eventBus:EventBus": listed("events", "describe_event_bus", "Name", several=False),
    "aws:cloudwatch/eventRule:EventRule": listed("events", "describe_rule", "Name", several=False),
    "aws:cloudwatch/eventTarget:EventTarget": each(
        "events", ("list_rules", "Rules", "Name"), "list_targets_by_rule", "Rule"
    ),
    "aws:cloudwatch/logGroup:LogGroup": listed("logs", "describe_log_groups", "logGroupNamePrefix", several=False),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": listed("logs", "describe_metric_filters"),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": lambda aws, _: whole(
        aws, "logs", "describe_subscription_filters", logGroupName="/types"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": listed("cloudwatch", "describe_alarms", "AlarmNames"),
    "aws:dynamodb/table:Table": listed("dynamodb", "describe_table", "TableName", several=False),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": listed("ec2", "describe_security_groups", "GroupIds"),
    "aws:ec2/eip:Eip": listed("ec2", "describe_addresses", "AllocationIds"),
    "aws:ec2/flowLog:FlowLog": listed("ec2", "describe_flow_logs", "FlowLogIds"),
    "aws:ec2/internetGateway:InternetGateway": listed("ec2", "describe_internet_gateways", "InternetGatewayIds"),
    "aws:ec2/natGateway:NatGateway": listed("ec2", "describe_nat_gateways", "NatGatewayIds"),
    "aws:ec2/route:Route": listed("ec2", "describe_route_tables", "RouteTableIds"),
    "aws:ec2/routeTable:RouteTable": listed("ec2", "describe_route_tables", "RouteTableIds"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": listed("ec2", "describe_route_tables"),
    "aws:ec2/securityGroup:SecurityGroup": listed("ec2", "describe_security_groups", "GroupIds"),
    "aws:ec2/securityGroupRule:SecurityGroupRule": listed(
        "ec2", "describe_security_group_rules", "SecurityGroupRuleIds"
    ),
    "aws:ec2/subnet:Subnet": listed("ec2", "describe_subnets", "SubnetIds"),
    "aws:ec2/vpc:Vpc": listed("ec2", "describe_vpcs", "VpcIds"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": listed("ec2", "describe_vpc_endpoints", "VpcEndpointIds"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": listed("ecr", "get_lifecycle_policy", "repositoryName", several=False),
    "aws:ecr/repository:Repository": listed("ecr", "describe_repositories", "repositoryNames"),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": listed(
        "ecr", "get_repository_policy", "repositoryName", several=False
    ),
    "aws:ecs/cluster:Cluster": listed("ecs", "describe_clusters", "clusters"),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": listed("ecs", "describe_clusters", "clusters"),
    "aws:ecs/taskDefinition:TaskDefinition": listed("ecs", "describe_task_definition", "taskDefinition", several=False),
    "aws:efs/accessPoint:AccessPoint": listed("efs", "describe_access_points", "AccessPointId", several=False),
    "aws:efs/fileSystem:FileSystem": listed("efs", "describe_file_systems", "FileSystemId", several=False),
    "aws:efs/mountTarget:MountTarget": listed("efs", "describe_mount_targets", "MountTargetId", several=False),
    "aws:iam/policy:Policy": listed("iam", "get_policy", "PolicyArn", several=False),
    "aws:iam/role:Role": listed("iam", "get_role", "RoleName", several=False),
    "aws:iam/rolePolicy:RolePolicy": each("iam", ROLES, "list_role_policies", "RoleName"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": each("iam", ROLES, "list_attached_role_policies", "RoleName"),
    "aws:iam/user:User": listed("iam", "get_user", "UserName", several=False),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": each(
        "iam", ("list_users", "Users", "UserName"), "list_attached_user_policies", "UserName"
    ),
    "aws:kms/alias:Alias": listed("kms", "list_aliases"),
    "aws:kms/key:Key": listed("kms", "describe_key", "KeyId", several=False),
    "aws:lambda/alias:Alias": each("lambda", FUNCTIONS, "list_aliases", "FunctionName"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": listed(
        "lambda", "get_event_source_mapping", "UUID", several=False
    ),
    "aws:lambda/function:Function": listed("lambda", "get_function", "FunctionName", several=False),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": each(
        "lambda", FUNCTIONS, "list_function_event_invoke_configs", "FunctionName"
    ),
    "aws:lambda/functionUrl:FunctionUrl": listed("lambda", "get_function_url_config", "FunctionName", several=False),
    "aws:lambda/permission:Permission": each("lambda", FUNCTIONS, "get_policy", "FunctionName"),
    "aws:s3/bucket:Bucket": listed("s3", "list_buckets"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": listed(
        "s3", "get_bucket_lifecycle_configuration", "Bucket", several=False
    ),
    "aws:s3/bucketNotification:BucketNotification": listed(
        "s3", "get_bucket_notification_configuration", "Bucket", several=False
    ),
    "aws:s3/bucketObject:BucketObject": each("s3", ("list_buckets", "Buckets", "Name"), "list_objects_v2", "Bucket"),
    "aws:s3/bucketObjectv2:BucketObjectv2": each(
        "s3", ("list_buckets", "Buckets", "Name"), "list_objects_v2", "Bucket"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": listed(
        "s3", "get_bucket_ownership_controls", "Bucket", several=False
    ),
    "aws:s3/bucketPolicy:BucketPolicy": listed("s3", "get_bucket_policy", "Bucket", several=False),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": listed(
        "s3", "get_public_access_block", "Bucket", several=False
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": listed(
        "s3", "get_bucket_encryption", "Bucket", several=False
    ),
    "aws:s3/bucketVersioning:BucketVersioning": listed("s3", "get_bucket_versioning", "Bucket", several=False),
    "aws:scheduler/schedule:Schedule": listed("scheduler", "list_schedules"),
    "aws:secretsmanager/secret:Secret": listed("secretsmanager", "describe_secret", "SecretId", several=False),
    "aws:secretsmanager/secretPolicy:SecretPolicy": listed(
        "secretsmanager", "get_resource_policy", "SecretId", several=False
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": lambda aws, identifier: whole(
        aws, "secretsmanager", "get_secret_value", SecretId=identifier.partition("|")[0]
    ),
    "aws:sns/topic:Topic": listed("sns", "get_topic_attributes", "TopicArn", several=False),
    "aws:sns/topicPolicy:TopicPolicy": listed("sns", "get_topic_attributes", "TopicArn", several=False),
    "aws:sns/topicSubscription:TopicSubscription": listed("sns", "list_subscriptions"),
    "aws:sqs/queue:Queue": lambda aws, url: whole(
        aws, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]
    ),
    "aws:sqs/queuePolicy:QueuePolicy": lambda aws, url: whole(
        aws, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"]
    ),
    "aws:ssm/parameter:Parameter": listed("ssm", "get_parameter", "Name", several=False),
    **dict.fromkeys(
        ("aws:sqs/redrivePolicy:RedrivePolicy", "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy"),
        lambda aws, url: whole(aws, "sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]),
    ),
    "aws:lambda/layerVersion:LayerVersion": listed("lambda", "get_layer_version_by_arn", "Arn", several=False),
    "aws:lambda/layerVersionPermission:LayerVersionPermission": lambda aws, _: whole(
        aws, "lambda", "get_layer_version_policy", LayerName="layered", VersionNumber=1
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": lambda aws, name: whole(
        aws, "lambda", "get_provisioned_concurrency_config", FunctionName=name, Qualifier="1"
    ),
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": listed(
        "lambda", "get_function_recursion_config", "FunctionName", several=False
    ),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": listed("events", "describe_event_bus", "Name", several=False),
    "aws:cloudwatch/eventPermission:EventPermission": lambda aws, _: whole(
        aws, "events", "describe_event_bus", Name="shared"
    ),
    "aws:cloudwatch/eventArchive:EventArchive": listed("events", "describe_archive", "ArchiveName", several=False),
    "aws:cloudwatch/eventConnection:EventConnection": listed("events", "describe_connection", "Name", several=False),
    "aws:scheduler/scheduleGroup:ScheduleGroup": listed("scheduler", "get_schedule_group", "Name", several=False),
    "aws:cloudwatch/logStream:LogStream": lambda aws, _: whole(
        aws, "logs", "describe_log_streams", logGroupName="/types"
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": listed("logs", "describe_resource_policies"),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": listed(
        "efs", "describe_file_system_policy", "FileSystemId", several=False
    ),
    "aws:efs/backupPolicy:BackupPolicy": listed("efs", "describe_backup_policy", "FileSystemId", several=False),
    "aws:ecs/accountSettingDefault:AccountSettingDefault": listed("ecs", "list_account_settings"),
    "aws:ecs/service:Service": lambda aws, arn: whole(
        aws, "ecs", "describe_services", cluster=arn.split("/")[-2], services=[arn]
    ),
    "aws:kms/keyPolicy:KeyPolicy": lambda aws, key: whole(
        aws, "kms", "get_key_policy", KeyId=key, PolicyName="default"
    ),
    "aws:kinesis/stream:Stream": listed("kinesis", "describe_stream_summary", "StreamName", several=False),
    "aws:sfn/stateMachine:StateMachine": listed(
        "stepfunctions", "describe_state_machine", "stateMachineArn", several=False
    ),
    "aws:iam/instanceProfile:InstanceProfile": listed(
        "iam", "get_instance_profile", "InstanceProfileName", several=False
    ),
    **dict.fromkeys(
        (
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        ),
        listed("ec2", "describe_security_group_rules", "SecurityGroupRuleIds"),
    ),
    "awsx:ec2:Vpc": listed("ec2", "describe_vpcs", "VpcIds"),
    "awsx:ecr:Image": lambda aws, _: whole(aws, "ecr", "list_images", repositoryName="pushed"),
    "awsx:ecr:Repository": listed("ecr", "describe_repositories", "repositoryNames"),
}
"""How boto3 reads a resource of each type back."""

SHOWN: Final = {
    "aws:cloudwatch/eventTarget:EventTarget": "'Id': 'jobs-stopped-",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "'metricNamespace': 'types'",
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "'destinationArn': 'arn:aws:lambda:",
    "aws:ec2/eip:Eip": "'Key': 'a'",
    "aws:ec2/internetGateway:InternetGateway": "'VpcId': 'vpc-",
    "aws:ec2/natGateway:NatGateway": "'State': 'available'",
    "aws:ec2/route:Route": "'NatGatewayId': 'nat-",
    "aws:ec2/securityGroupRule:SecurityGroupRule": "'ToPort': 2049",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "sinceImagePushed",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "ecr:BatchGetImage",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "'FARGATE_SPOT'",
    "aws:iam/user:User": "'Value': 'b'",
    "aws:lambda/functionUrl:FunctionUrl": "'AuthType': 'AWS_IAM'",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "'DaysAfterInitiation': 1",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "'RestrictPublicBuckets': True",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "BucketKeyEnabled",
    "aws:s3/bucketNotification:BucketNotification": "EventBridgeConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "BucketOwnerEnforced",
    "aws:s3/bucketPolicy:BucketPolicy": "'Policy': '{",
    "aws:s3/bucketVersioning:BucketVersioning": "'Status': 'Enabled'",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "secretsmanager:GetSecretValue",
    "aws:secretsmanager/secretVersion:SecretVersion": "'SecretString': 'v'",
    "aws:sns/topicPolicy:TopicPolicy": "sns:Publish",
    "aws:sqs/queuePolicy:QueuePolicy": "aws:SecureTransport",
    "awsx:ecr:Image": "sha256:",
    "aws:sqs/redrivePolicy:RedrivePolicy": '"maxReceiveCount":7',
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": "byQueue",
    "aws:lambda/layerVersion:LayerVersion": "layer:layered",
    "aws:lambda/layerVersionPermission:LayerVersionPermission": "lambda:GetLayerVersion",
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": (
        "'RequestedProvisionedConcurrentExecutions': 2"
    ),
    "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": "'RecursiveLoop': 'Allow'",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": '"whole"',
    "aws:cloudwatch/eventPermission:EventPermission": "events:PutEvents",
    "aws:cloudwatch/eventArchive:EventArchive": "'RetentionDays': 7",
    "aws:cloudwatch/eventConnection:EventConnection": "'ApiKeyName': 'x-key'",
    "aws:efs/fileSystemPolicy:FileSystemPolicy": "elasticfilesystem:ClientMount",
    "aws:efs/backupPolicy:BackupPolicy": "'Status': 'ENABLED'",
    "aws:kms/keyPolicy:KeyPolicy": '"mine"',
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "'ToPort': 8443",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "'IsEgress': True",
}
"""What the answer shows of it; of a type that is not here, the last part of its id."""

NOWHERE: Final = {
    "pulumi:providers:aws": "a provider is of the engine's, nothing in AWS",
    "aws:lambda/invocation:Invocation": "a call leaves nothing; what the function did with it has its own tests",
}


def test_every_type_that_the_sandbox_knows_has_a_case() -> None:
    of_teams = {it for it in known_types() if it.startswith("random:")}
    assert set(READ) | set(NOWHERE) == known_types() - of_teams
    assert set(SHOWN) <= set(READ)


@pytest.mark.parametrize("kind", READ)
def test_what_was_made_of_a_type_is_read_back(everything: tuple[Emulator, Deployment, Deployment], kind: str) -> None:
    aws, *deployments = everything
    found = [it for deployment in deployments for it in deployment.resources.values() if it.kind == kind]
    assert found, f"nothing of the type {kind} was deployed"
    shown = SHOWN.get(kind) or re.split(r"[/|,]|:(?!.*[/:])", found[0].id.rstrip("/"))[-1]
    assert shown
    assert shown in READ[kind](aws, found[0].id)


def test_a_team_adds_a_type_as_the_page_shows(tmp_path: Path, emulator: Emulator) -> None:
    page = (PROGRAM / "docs" / "testing.md").read_text()
    marker = "<!-- run by tests/sandbox/test_sandbox_types.py -->"
    (example,) = re.findall(rf"{marker}\n```python\n(.*?)```", page, re.DOTALL)
    exec(compile(example, "page", "exec"), {})
    source = """
import pulumi
pet = pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {"length": 3})
pulumi.export("pet", pet.id)
"""
    assert deploy(program(tmp_path, source), emulator).outputs["pet"] == "quiet-heron-brave"
