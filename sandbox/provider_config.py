"""The config with which the real AWS provider, the Pulumi CLI's, talks to the sandbox in place of AWS."""

from __future__ import annotations

from typing import Final

import yaml

SERVICES: Final = (
    *("cloudwatch", "cloudwatchlogs", "dynamodb", "ec2", "ecr", "ecs", "efs", "events", "iam", "kms", "lambda"),
    *("s3", "s3control", "scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts"),
)
"""By the names that the provider gives its endpoints:
https://www.pulumi.com/registry/packages/aws/installation-configuration/"""


def provider_config(endpoint: str, region: str) -> str:
    """The `config:` of a Pulumi.STACK.yaml: where the services are, dummy keys, and none of the checks that ask AWS."""
    settings = {
        "aws:region": region,
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        "aws:skipCredentialsValidation": True,
        "aws:skipMetadataApiCheck": True,
        "aws:skipRequestingAccountId": True,
        "aws:s3UsePathStyle": True,
        # S3 Control puts the account before the host, which no resolver knows: these calls go through the emulator as
        # their proxy. Go sends what is for 127.0.0.1 itself to no proxy.
        "aws:httpProxy": endpoint,
        "aws:endpoints": [dict.fromkeys(SERVICES, endpoint)],
    }
    return yaml.safe_dump({"config": settings}, sort_keys=False)
