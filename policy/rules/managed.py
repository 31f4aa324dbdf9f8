"""AWS managed policies, reduced to the actions that the rules look for; not their full text.

A policy whose text is neither in the stack nor here cannot be judged: the rule `policies-readable` reports it.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .documents import Document, read

_AWS_MANAGED = re.compile(r"arn:[a-z0-9-]+:iam::aws:policy/(?:[\w-]+/)*(?P<name>[\w+=,.@-]+)")


def _allow(*actions: str, resource: str = "*", **condition: str) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if condition:
        made["Condition"] = {operator: {"iam:PassedToService": value} for operator, value in condition.items()}
    return made


def _passes(service: str, operator: str = "StringLike") -> dict[str, Any]:
    return _allow("iam:PassRole", **{operator: service})


_GRANTING: Final[Mapping[str, list[dict[str, Any]]]] = {
    "AdministratorAccess": [_allow("*")],
    "IAMFullAccess": [_allow("iam:*")],
    "PowerUserAccess": [{"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}],
    "AmazonECS_FullAccess": [_allow("ecs:*"), _passes("ecs-tasks.amazonaws.com")],
    "AmazonEC2ContainerServiceEventsRole": [_allow("ecs:RunTask"), _passes("ecs-tasks.amazonaws.com")],
    "AWSLambda_FullAccess": [_allow("lambda:*"), _passes("lambda.amazonaws.com", "StringEquals")],
    "AmazonEventBridgeFullAccess": [_passes("events.amazonaws.com"), _passes("scheduler.amazonaws.com")],
    "AmazonEventBridgeSchedulerFullAccess": [_passes("scheduler.amazonaws.com")],
    "AWSStepFunctionsFullAccess": [_allow("states:*")],
    "AWSBatchFullAccess": [_passes("batch.amazonaws.com")],
    "AWSCodePipeline_FullAccess": [_passes("codepipeline.amazonaws.com")],
    "AmazonEC2ContainerServiceAutoscaleRole": [_allow("ecs:UpdateService")],
    "AWSGlueServiceRole": [_allow("glue:*")],
    "AmazonEKSClusterPolicy": [_allow("autoscaling:UpdateAutoScalingGroup", "ec2:ModifyInstanceAttribute")],
    "SecretsManagerReadWrite": [
        _allow("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
        _allow(
            *("lambda:AddPermission", "lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
            resource="arn:aws:lambda:*:*:function:SecretsManager*",
        ),
    ],
}
"""Policies that grant an action for which a rule looks; not all that each grants."""

_HARMLESS: Final = (
    *("AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSLambdaSQSQueueExecutionRole"),
    *("AWSLambdaKinesisExecutionRole", "AWSLambdaDynamoDBExecutionRole", "AWSXRayDaemonWriteAccess"),
    *("AWSXRayWriteOnlyAccess", "CloudWatchLambdaInsightsExecutionRolePolicy", "CloudWatchAgentServerPolicy"),
    *("AmazonECSTaskExecutionRolePolicy", "AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly"),
    *("AmazonEC2ContainerRegistryPowerUser", "AmazonSSMManagedInstanceCore", "AmazonSSMReadOnlyAccess"),
    *("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess", "AmazonDynamoDBReadOnlyAccess", "AmazonSQSFullAccess"),
    *("AmazonSQSReadOnlyAccess", "CloudWatchLogsFullAccess", "CloudWatchReadOnlyAccess", "ReadOnlyAccess"),
    *("ViewOnlyAccess", "SecurityAudit", "AWSKeyManagementServicePowerUser"),
    *("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerServiceforEC2Role"),
    *("AmazonAPIGatewayPushToCloudWatchLogs", "AWSAppSyncPushToCloudWatchLogs", "CloudWatchFullAccess"),
    *("AWSCloudFormationReadOnlyAccess", "AWSXrayWriteOnlyAccess", "AWSLambdaExecute", "AWS_ConfigRole"),
    *("AWSLambdaENIManagementAccess", "AWSLambdaInvocation-DynamoDB", "AWSLambdaMSKExecutionRole"),
    *("AmazonRDSEnhancedMonitoringRole", "AmazonDMSVPCManagementRole", "AmazonDMSCloudWatchLogsRole"),
    *("AmazonSNSFullAccess", "AmazonKinesisFullAccess", "AmazonKinesisReadOnlyAccess", "AmazonEC2ReadOnlyAccess"),
    *("AmazonVPCReadOnlyAccess", "AmazonElasticFileSystemClientReadWriteAccess"),
)
"""Policies that allow no action for which a rule or the solver looks."""

_KNOWN: Final = {
    **{name: read({"Statement": statements}) for name, statements in _GRANTING.items()},
    **{name: read({"Statement": []}) for name in _HARMLESS},
}


def aws_managed(arn: str) -> str | None:
    """The name of an AWS-managed policy; None for a customer's own."""
    match = _AWS_MANAGED.fullmatch(arn)
    return None if match is None else match["name"]


def whole(arn: str) -> bool:
    """Whether `known` has all that a policy grants, as far as the rules and the solver look for it."""
    return aws_managed(arn) in {*_HARMLESS, "AdministratorAccess", "PowerUserAccess", "IAMFullAccess"}


def known(arn: str) -> Document | None:
    """What an AWS-managed policy grants; None for one that is not known here."""
    return _KNOWN.get(aws_managed(arn) or "")
