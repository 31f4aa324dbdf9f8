"""The config with which the Pulumi CLI's AWS provider calls the sandbox instead of AWS."""

from __future__ import annotations

from typing import Final

import yaml

SERVICES: Final = (
    *("cloudwatch", "cloudwatchlogs", "dynamodb", "ec2", "ecr", "ecs", "efs", "events", "iam", "kms", "lambda"),
    *("s3", "s3control", "scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)
"""The services, as the provider names their endpoints:
https://www.pulumi.com/registry/packages/aws/installation-configuration/"""


def provider_config(endpoint: str, region: str) -> str:
    """The `config:` of a Pulumi.STACK.yaml: the endpoints, dummy keys, and no checks that would call AWS."""
    settings = {
        "aws:region": region,
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        "aws:skipCredentialsValidation": True,
        "aws:skipMetadataApiCheck": True,
        "aws:skipRequestingAccountId": True,
        "aws:s3UsePathStyle": True,
        # S3 Control puts the account before the host name, which no resolver knows, so these calls use the emulator as
        # their proxy. Go uses no proxy for requests to 127.0.0.1 itself.
        "aws:httpProxy": endpoint,
        "aws:endpoints": [dict.fromkeys(SERVICES, endpoint)],
    }
    return yaml.safe_dump({"config": settings}, sort_keys=False)
