"""CloudFormation's names of types and properties, as Pulumi's AWS provider names them. Tables; aws-native has the same
names with a small first letter."""

from __future__ import annotations

from typing import Any, Final, cast

from .declared import camel, listed, mapping

KINDS: Final = {
    "AWS::ApiGateway::Method": "aws:apigateway/method:Method",
    "AWS::ApiGatewayV2::Api": "aws:apigatewayv2/api:Api",
    "AWS::ApiGatewayV2::Integration": "aws:apigatewayv2/integration:Integration",
    "AWS::ApiGatewayV2::Route": "aws:apigatewayv2/route:Route",
    "AWS::Batch::ComputeEnvironment": "aws:batch/computeEnvironment:ComputeEnvironment",
    "AWS::Batch::JobDefinition": "aws:batch/jobDefinition:JobDefinition",
    "AWS::DynamoDB::Table": "aws:dynamodb/table:Table",
    "AWS::EC2::SecurityGroup": "aws:ec2/securityGroup:SecurityGroup",
    "AWS::EC2::SecurityGroupIngress": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "AWS::ECR::Repository": "aws:ecr/repository:Repository",
    "AWS::ECS::Cluster": "aws:ecs/cluster:Cluster",
    "AWS::ECS::ClusterCapacityProviderAssociations": "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
    "AWS::ECS::Daemon": "aws:ecs/daemon:Daemon",
    "AWS::ECS::DaemonTaskDefinition": "aws:ecs/daemonTaskDefinition:DaemonTaskDefinition",
    "AWS::ECS::ExpressGatewayService": "aws:ecs/expressGatewayService:ExpressGatewayService",
    "AWS::ECS::Service": "aws:ecs/service:Service",
    "AWS::ECS::TaskDefinition": "aws:ecs/taskDefinition:TaskDefinition",
    "AWS::ECS::TaskSet": "aws:ecs/taskSet:TaskSet",
    "AWS::Events::Rule": "aws:cloudwatch/eventRule:EventRule",
    "AWS::IAM::Group": "aws:iam/group:Group",
    "AWS::IAM::InstanceProfile": "aws:iam/instanceProfile:InstanceProfile",
    "AWS::IAM::ManagedPolicy": "aws:iam/policy:Policy",
    "AWS::IAM::Role": "aws:iam/role:Role",
    "AWS::IAM::User": "aws:iam/user:User",
    "AWS::Lambda::Alias": "aws:lambda/alias:Alias",
    "AWS::Lambda::EventInvokeConfig": "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "aws:lambda/eventSourceMapping:EventSourceMapping",
    "AWS::Lambda::Function": "aws:lambda/function:Function",
    "AWS::Lambda::Permission": "aws:lambda/permission:Permission",
    "AWS::Lambda::Url": "aws:lambda/functionUrl:FunctionUrl",
    "AWS::Logs::LogGroup": "aws:cloudwatch/logGroup:LogGroup",
    "AWS::Pipes::Pipe": "aws:pipes/pipe:Pipe",
    "AWS::S3::Bucket": "aws:s3/bucket:Bucket",
    "AWS::SNS::Topic": "aws:sns/topic:Topic",
    "AWS::SQS::Queue": "aws:sqs/queue:Queue",
    "AWS::SSO::PermissionSet": "aws:ssoadmin/permissionSet:PermissionSet",
    "AWS::Scheduler::Schedule": "aws:scheduler/schedule:Schedule",
    "AWS::SecretsManager::Secret": "aws:secretsmanager/secret:Secret",
    "AWS::StepFunctions::StateMachine": "aws:sfn/stateMachine:StateMachine",
}
"""Types with one resource for one; cloudformation.py makes several of some."""

BESIDE: Final = (
    *(f"aws:iam/{it}Policy:{it.title()}Policy" for it in ("role", "user", "group")),
    *(f"aws:iam/{it}PolicyAttachment:{it.title()}PolicyAttachment" for it in ("role", "user", "group")),
    *("aws:iam/userGroupMembership:UserGroupMembership", "aws:iam/groupMembership:GroupMembership"),
    *("aws:cloudwatch/eventTarget:EventTarget", "aws:sqs/queuePolicy:QueuePolicy"),
    *("aws:apigateway/integration:Integration", "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
)
"""Types that a property of another resource becomes."""

OTHERWISE: Final = {
    "AWS::ApiGateway::Method": {"restApiId": "restApi", "authorizationType": "authorization"},
    "AWS::ECS::ClusterCapacityProviderAssociations": {"cluster": "clusterName"},
    "AWS::ECS::Service": {"capacityProviderStrategy": "capacityProviderStrategies"},
    "AWS::IAM::ManagedPolicy": {"policyDocument": "policy"},
    "AWS::IAM::Role": {"assumeRolePolicyDocument": "assumeRolePolicy"},
    "AWS::Lambda::Permission": {"functionName": "function", "principalOrgID": "principalOrgId"},
    "AWS::Lambda::Url": {"targetFunctionArn": "functionName", "authType": "authorizationType"},
    "AWS::SQS::Queue": {"visibilityTimeout": "visibilityTimeoutSeconds"},
    "AWS::SSO::PermissionSet": {"managedPolicies": "managedPolicyArns"},
    "AWS::StepFunctions::StateMachine": {"definitionString": "definition"},
}
"""Properties whose name is not CloudFormation's with a small first letter."""

NAME: Final = {
    **{f"AWS::IAM::{it}": f"{it}Name" for it in ("Role", "User", "Group")},
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::ECS::TaskDefinition": "Family",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Events::Rule": "Name",
}
"""Type → the property with its name; otherwise AWS makes one up, here the logical id."""

REF_IS_ARN: Final = (
    *("AWS::ECS::TaskDefinition", "AWS::ECS::Service", "AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"),
    *("AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret", "AWS::Lambda::Alias"),
    *("AWS::Batch::JobDefinition", "AWS::Batch::ComputeEnvironment", "AWS::Batch::JobQueue"),
)
"""Types whose Ref is the ARN."""

FREE: Final = (
    *("Variables", "Tags", "Options", "DockerLabels", "DriverOpts", "Labels", "PolicyDocument", "ResourcePolicy"),
    *("AssumeRolePolicyDocument", "Definition", "DefinitionSubstitutions", "InlinePolicy"),
)
"""Properties whose keys are the user's own, or a document's."""


def native(token: str) -> str:
    """CloudFormation's type of one of aws-native: `aws-native:iam:Role` is `AWS::IAM::Role`; empty if unknown."""
    _, module, name = [*token.split(":"), "", ""][:3]
    wanted = f"aws::{module}::{name}".lower()
    return next((it for it in KINDS if it.lower() == wanted), "")


def properties(type_name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A resource's properties in Pulumi's names; a block `AwsvpcConfiguration` is what contains it."""
    made = cast("dict[str, Any]", _renamed(given))
    for old, new in OTHERWISE.get(type_name, {}).items():
        if old in made:
            made[new] = made.pop(old)
    name = camel(NAME.get(type_name, ""))
    if name in made and name not in ("family", "name"):
        made["name"] = made.pop(name)
    return made


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(it) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in cast("dict[str, Any]", value).items():
        if key[:1].upper() + key[1:] in FREE:
            made[camel(key)] = inner
        elif key.lower() in ("awsvpcconfiguration", "awsvpcconfig"):
            network = mapping(_renamed(inner))
            public = network.get("assignPublicIp")
            made |= {
                **network,
                **({"assignPublicIp": public == "ENABLED"} if public in ("ENABLED", "DISABLED") else {}),
            }
        elif key in ("CapacityProviderStrategy", "capacityProviderStrategy"):
            made["capacityProviderStrategies"] = [_renamed(it) for it in listed(inner)]
        else:
            made[camel(key)] = _renamed(inner)
    return made
