"""What a task may do: its execution role and its task role. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fargate_job_launcher.handler import partitions

from .arns import (
    VALUE_FROM_SHAPE,
    Place,
    is_secret_arn,
    refuse_ecr_image,
    refuse_key,
    repository_arn,
    service_of,
    whole_secret,
)
from .documents import TASKS_SERVICE, Document, Statement, allow, document, everywhere, use_key, write_log

RESULTS: Final = "results/"
"""Where results lie below a job's prefix of the bucket."""


def tasks_trust(place: Place) -> Document:
    """The trust policy of a task's role: only ECS tasks of this account and region may assume it.

    The two conditions keep another account from using ECS as a confused deputy.
    ECS does not support a narrower SourceArn:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    return document(
        {
            "Sid": "OnlyTasksOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": TASKS_SERVICE},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:ecs:{place.region}:{place.account}:*"},
            },
        }
    )


def execution_policy(
    place: Place,
    *,
    images: Sequence[str],
    log_group_arn: str,
    secret_arns: Sequence[str] = (),
    secret_key_arns: Sequence[str] = (),
    cached_images: Sequence[str] = (),
) -> Document:
    """What ECS itself may do to start this one task: pull its images, write its log, read its declared secrets.

    An image outside ECR needs no permission and has no statement. `secret_key_arns` are the customer-managed KMS keys
    that encrypt secrets or parameters; AWS's own keys need no permission. `cached_images` are the images that ECR
    fetches through a pull-through cache. Raises ValueError for an image or a secret whose ARN IAM would not match: its
    permission would have no effect.
    """
    for image in images:
        refuse_ecr_image("image", image)
    for arn in secret_arns:
        if not is_secret_arn(arn):
            raise ValueError(
                "secrets: one of them is not the ARN of a secret or a parameter that IAM knows (not shown, it may be a "
                f"secret); {VALUE_FROM_SHAPE}"
            )
    for arn in secret_key_arns:
        refuse_key("secret_key_arns", arn)
    statements: list[Statement] = []
    repositories, cached = (
        sorted({it for image in some if (it := repository_arn(image, place.partition)) is not None})
        for some in (images, cached_images)
    )
    if repositories:
        statements += [
            {
                "Sid": "LogInToRegistry",
                "Effect": "Allow",
                "Action": "ecr:GetAuthorizationToken",
                "Resource": "*",  # the action has no resource type
            },
            {
                "Sid": "PullOnlyTheseImages",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                "Resource": repositories,
            },
        ]
    if cached:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
        actions = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
        statements.append({"Sid": "ImportThroughCache", "Effect": "Allow", "Action": actions, "Resource": cached})
    statements.append(write_log("WriteJobLog", log_group_arn))
    secrets = sorted({whole_secret(arn) for arn in secret_arns if service_of(arn) == "secretsmanager"})
    parameters = sorted({arn for arn in secret_arns if service_of(arn) == "ssm"})
    if secrets:
        statements.append(allow("ReadDeclaredSecrets", "secretsmanager:GetSecretValue", secrets))
    if parameters:
        statements.append(allow("ReadDeclaredParameters", "ssm:GetParameters", parameters))
    services = [service for service, arns in (("secretsmanager", secrets), ("ssm", parameters)) if arns]
    if secret_key_arns and services:
        # A key decrypts in its own region only, which is the region of the secret.
        regions = sorted({arn.split(":")[3] for arn in secret_key_arns})
        through = [partitions.service_host(it, region, place.partition) for it in services for region in regions]
        statements.append(
            {
                **allow("DecryptDeclaredSecrets", "kms:Decrypt", sorted(set(secret_key_arns))),
                "Condition": {"StringEquals": {"kms:ViaService": through}},
            }
        )
    return document(*statements)


def payload_reader_policy(place: Place, payload_objects_arn: str, key_arns: Sequence[str] = ()) -> Document:
    """What the job's code may do to read its payload; `key_arns` are the keys that may encrypt it."""
    decrypt = use_key("DecryptPayloads", key_arns, place, "s3", "kms:Decrypt")
    return document(
        {"Sid": "ReadPayloads", "Effect": "Allow", "Action": "s3:GetObject", "Resource": payload_objects_arn},
        *([decrypt] if key_arns else []),
    )


def result_writer_policy(place: Place, result_objects_arn: str, key_arns: Sequence[str] = ()) -> Document:
    """What the job's code may do to leave its result; `key_arns` are the keys that encrypt it."""
    encrypt = use_key("EncryptResults", key_arns, place, "s3", "kms:GenerateDataKey")
    return document(
        {"Sid": "LeaveResults", "Effect": "Allow", "Action": "s3:PutObject", "Resource": result_objects_arn},
        *([encrypt] if key_arns else []),
    )


def mount_policy(place: Place, volumes: Sequence[Mapping[str, Any]]) -> Document:
    """What the task's role may do to mount these EFS folders, and to write to those that are not read-only."""

    for it in volumes:
        for key in ("file_system_id", "access_point_id"):
            if ":" in it[key]:
                raise ValueError(f"efs_volumes: {key}: {it[key]!r} is an ARN; give the `id` output")

    def on(sid: str, action: str, some: Sequence[Mapping[str, Any]]) -> Statement:
        base = f"arn:{place.partition}:elasticfilesystem:{place.region}:{place.account}"
        points = sorted({f"{base}:access-point/{it['access_point_id']}" for it in some})
        return {
            **allow(sid, action, sorted({f"{base}:file-system/{it['file_system_id']}" for it in some})),
            "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": points}},
        }

    written = [it for it in volumes if not it.get("read_only", False)]
    return document(
        on("MountVolumes", "elasticfilesystem:ClientMount", volumes),
        *([on("WriteVolumes", "elasticfilesystem:ClientWrite", written)] if written else []),
    )


def exec_policy() -> Document:
    """What ECS Exec needs of the task's role. The actions have no resource type.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    channels = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
    return document(everywhere("OpenShellForWhoMayExec", [f"ssmmessages:{it}" for it in channels]))
