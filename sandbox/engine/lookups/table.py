"""Data sources that are one call of AWS: the operation of each, its parameters, where its answer has the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Lookup:
    """A data source that is one operation, which describes existing resources."""

    operation: str
    """`service.python_name`, as boto3 names it."""
    arguments: Mapping[str, str]
    """Argument → the operation's parameter. A list's parameter ends in `[]`."""
    at: str
    """The path to the result in the answer: a dot selects a member, a number an item of a list."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """Output → its key in the result; `=` is the whole result, `*KEY` is the key of each item."""


LOOKUPS: Final[dict[str, Lookup]] = {
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
