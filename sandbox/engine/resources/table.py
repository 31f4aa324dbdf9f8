"""Resource types whose creation is one call of AWS: the operation of each, and what differs from its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Derived:
    """A resource type that is created by one operation of a service."""

    operation: str
    """`service.OperationName`, as the service model names it."""
    id: str
    """The path to the resource's id in the answer, or in the request if it begins with `=`; a dot selects a member."""
    named: str = ""
    """The input that is made from the resource's name if it is not given."""
    longest: int = 255
    """The longest such name, in characters."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input → the operation's name for it, where the two differ."""
    inside: Mapping[str, str] = field(default_factory=dict[str, str])
    """Key of a block inside an input → the operation's name for it, where the two differ."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Output → its path, as in `id`; or a text in which `{region}`, `{account}` and `{id}` are filled in."""
    tags: str = ""
    """EC2's name for the type, where the request takes tags as TagSpecifications."""
    without: tuple[str, ...] = ()
    """Inputs that affect a later update or the deletion, which do not happen here."""
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters that the provider always sends."""


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
