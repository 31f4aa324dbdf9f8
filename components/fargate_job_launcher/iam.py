"""IAM policy documents of a launcher: ARNs in, documents out. Pure functions; no Pulumi, no AWS call.

What is granted, to whom, and why, is decided here and nowhere else. Who gets a document attached is in roles.py.

The condition keys used are only those that the action knows: a key that an action does not know makes its
Allow deny for ever. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
LAMBDA_SERVICE: Final = "lambda.amazonaws.com"

Statement = dict[str, Any]
Document = dict[str, Any]

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)(?::[^:@/]+)?(?:@sha256:[0-9a-f]{64})?"
)


@dataclass(frozen=True)
class Place:
    """Where ARNs live: partition (`aws`, `aws-cn`, `aws-us-gov`), region and account.

    Read from the ARN of the cluster that runs the job, so that none of the three is ever assumed.
    """

    partition: str
    region: str
    account: str

    @staticmethod
    def of(cluster_arn: str) -> Place:
        """The place of an ECS cluster. Raises ValueError when the ARN is not a cluster's."""
        match = re.fullmatch(r"arn:([a-z0-9-]+):ecs:([a-z0-9-]+):(\d{12}):cluster/[A-Za-z0-9_-]{1,255}", cluster_arn)
        if match is None:
            raise ValueError(
                f"cluster_arn: {cluster_arn!r} is not the ARN of an ECS cluster; "
                "it looks like arn:aws:ecs:eu-west-1:123456789012:cluster/NAME (its `arn` output, not its name)"
            )
        return Place(*match.groups())


LONGEST_INLINE_POLICY: Final = 10_240
"""Characters that all inline policies of one role may have together, white space not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


def to_json(policy: Document) -> str:
    """A document as IAM stores it. Raises ValueError when it is longer than IAM takes."""
    text = json.dumps(policy, separators=(",", ":"), sort_keys=True)
    if len(text) > LONGEST_INLINE_POLICY:
        raise ValueError(
            f"policy: {len(text)} characters, at most {LONGEST_INLINE_POLICY} fit in a role; "
            "declare fewer secrets or override roles, or group secrets into one with JSON keys"
        )
    return text


def document(*statements: Statement) -> Document:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def tasks_trust(place: Place) -> Document:
    """Who may assume a task's role: ECS tasks of this account and region, nobody else's.

    The two conditions keep ECS from being used as a confused deputy by another account.
    A finer SourceArn than this is not supported by ECS:
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


def lambda_trust() -> Document:
    """Who may assume the launcher's role: the Lambda service."""
    return document(
        {
            "Sid": "OnlyLambda",
            "Effect": "Allow",
            "Principal": {"Service": LAMBDA_SERVICE},
            "Action": "sts:AssumeRole",
        }
    )


def repository_arn(image: str, partition: str) -> str | None:
    """The ECR repository that an image comes from; None for an image outside a private ECR registry."""
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    return f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"


def execution_policy(
    place: Place,
    *,
    image: str,
    log_group_arn: str,
    secret_arns: Sequence[str] = (),
    secret_key_arns: Sequence[str] = (),
) -> Document:
    """What ECS itself may do to start this one task: pull its image, write its log, read its declared secrets.

    An image outside ECR needs no permission, so none of the ECR statements is written for it. `secret_key_arns` are
    the customer-managed KMS keys that secrets or parameters are encrypted with; AWS's own keys need no permission.
    """
    statements: list[Statement] = []
    repository = repository_arn(image, place.partition)
    if repository is not None:
        statements += [
            {
                "Sid": "LogInToRegistry",
                "Effect": "Allow",
                "Action": "ecr:GetAuthorizationToken",
                "Resource": "*",  # the action has no resource type
            },
            {
                "Sid": "PullOnlyThisImage",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                "Resource": repository,
            },
        ]
    statements.append(_write_log("WriteJobLog", log_group_arn))
    secrets = sorted({_secret(arn) for arn in secret_arns if _service(arn) == "secretsmanager"})
    parameters = sorted({arn for arn in secret_arns if _service(arn) == "ssm"})
    if secrets:
        statements.append(_allow("ReadDeclaredSecrets", "secretsmanager:GetSecretValue", secrets))
    if parameters:
        statements.append(_allow("ReadDeclaredParameters", "ssm:GetParameters", parameters))
    if secret_key_arns:
        statements.append(_allow("DecryptDeclaredSecrets", "kms:Decrypt", sorted(set(secret_key_arns))))
    return document(*statements)


def launcher_policy(
    place: Place,
    *,
    cluster_arn: str,
    task_definition_arn: str,
    passed_role_arns: Sequence[str],
    cpu: int,
    memory: int,
    log_group_arn: str,
) -> Document:
    """What the launcher's function may do: run this one revision, in this one cluster, with these roles.

    `passed_role_arns` is everything that RunTask may hand to ECS: execution role, task role, and the roles that a
    caller may choose instead of the task role. Raises ValueError for one that is not the ARN of a single role.
    `cpu` (units) and `memory` (MiB) are the most that a launch may ask for.
    """
    for arn in passed_role_arns:
        if not is_role_arn(arn):
            raise ValueError(f"passed role: {arn!r} is not the ARN of one role; a pattern here could pass many")
    roles = sorted(set(passed_role_arns))
    cluster_name = cluster_arn.rpartition("/")[2]
    return document(
        {
            "Sid": "RunOnlyThisTask",
            "Effect": "Allow",
            "Action": "ecs:RunTask",
            "Resource": task_definition_arn,
            "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
        },
        {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": TASKS_SERVICE}},
        },
        {
            "Sid": "NeverAnotherRole",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "NotResource": roles,
        },
        {
            "Sid": "TagOnlyAtLaunch",
            "Effect": "Allow",
            "Action": "ecs:TagResource",
            "Resource": f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_name}/*",
            "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        },
        _never("NoExec", {"StringEquals": {"ecs:enable-execute-command": "true"}}),
        _never("NoEbs", {"StringEquals": {"ecs:enable-ebs-volumes": "true"}}),
        _never("CpuCap", {"NumericGreaterThan": {"ecs:task-cpu": str(cpu)}}),
        _never("MemoryCap", {"NumericGreaterThan": {"ecs:task-memory": str(memory)}}),
        _write_log("WriteOwnLogs", log_group_arn),
    )


def is_role_arn(arn: str) -> bool:
    """Whether this is the ARN of exactly one role."""
    return (
        re.fullmatch(r"arn:[a-z0-9-]+:iam::\d{12}:role/([\x21-\x29\x2b-\x3e\x40-\x7e]*/)?[\w+=,.@-]{1,64}", arn)
        is not None
    )


def _service(arn: str) -> str:
    return arn.split(":", 3)[2] if arn.count(":") >= 5 else ""


def _secret(value_from: str) -> str:
    """The secret itself: a container's `valueFrom` may go on with `:json-key:version-stage:version-id`."""
    return ":".join(value_from.split(":")[:7])


def _allow(sid: str, action: str, resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}


def _never(sid: str, condition: Mapping[str, Mapping[str, str]]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Action": "ecs:RunTask", "Resource": "*", "Condition": condition}


def _write_log(sid: str, log_group_arn: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{log_group_arn.removesuffix(':*')}:*",
    }
