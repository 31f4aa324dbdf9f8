"""A policy as IAM stores it, its size limits, and the statements that several policies share. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fargate_job_launcher.compact import compact
from fargate_job_launcher.handler import partitions

from .arns import Place, refuse_key

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"


LAMBDA_SERVICE: Final = "lambda.amazonaws.com"


SCHEDULER_SERVICE: Final = "scheduler.amazonaws.com"


Statement = dict[str, Any]


Document = dict[str, Any]


LONGEST_INLINE_POLICY: Final = 10_240
"""Characters that all inline policies of one role may have together, without white space.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


def document(*statements: Statement) -> Document:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def to_json(policy: Document, *, longest: int = LONGEST_INLINE_POLICY) -> str:
    """A document as IAM stores it. Raises ValueError when it has more than `longest` characters."""
    text = compact(policy)
    if len(text) > longest:
        raise ValueError(
            f"policy: {len(text)} characters, at most {longest} fit in the role; declare fewer secrets or "
            "override roles, group secrets into one with JSON keys, or shorten role paths and names"
        )
    return text


@dataclass(frozen=True)
class PolicyLimit:
    """The size limit of a role whose policies are replaced, new before old: it has to hold two of each."""

    field: str
    """The argument that makes its policies long."""
    policies: str
    remedy: str


LAUNCHER_LIMIT: Final = PolicyLimit(
    "overrides.task_roles", "the launcher's policy has", "declare fewer roles, or shorten their paths and names"
)


EXECUTION_LIMIT: Final = PolicyLimit(
    "secrets",
    "the execution role's policy has",
    "declare fewer of them, group several into one secret with JSON keys, or adopt a role (execution_role_arn)",
)


TASK_LIMIT: Final = PolicyLimit(
    "task_policy",
    "the task role's policies have",
    "attach a managed policy to the role by its name (the output task_role_name), or adopt a role (task_role_arn)",
)


def fit_together(documents: Sequence[str], *, of: PolicyLimit, guard: str = "") -> list[str]:
    """The policies of a role, unchanged. Raises ValueError when the role cannot hold two of each, and its guard."""
    length, longest = sum(len(it) for it in documents), (LONGEST_INLINE_POLICY - len(guard)) // 2
    if length > longest:
        taken = f"of {LONGEST_INLINE_POLICY} its guard takes {len(guard)}, and " if guard else ""
        raise ValueError(
            f"{of.field}: {of.policies} {length} characters, at most {longest} fit in its role: {taken}an update holds "
            f"the old policy and the new one; {of.remedy}"
        )
    return list(documents)


def replaced_json(policy: Document, *, of: PolicyLimit, guard: str = "") -> str:
    """A policy as IAM stores it. Raises ValueError when the role has no room for its successor."""
    return fit_together([compact(policy)], of=of, guard=guard)[0]


def joined(*policies: str) -> str:
    """One document, as JSON, with the statements of several."""
    return to_json(document(*(statement for policy in policies for statement in json.loads(policy)["Statement"])))


def allow(sid: str, action: str, resources: list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resources}


def everywhere(sid: str, actions: list[str]) -> Statement:
    """A statement for actions that have no resource type, or that AWS checks without one."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"}


def use_key(sid: str, key_arns: Sequence[str], place: Place, service: str | list[str], *actions: str) -> Statement:
    """Use of KMS keys through these services only: DynamoDB, S3, SQS or SNS uses them on the caller's behalf.

    Keys are sorted, so that their order in the arguments changes no policy.
    """
    keys = sorted(set(key_arns))
    for arn in keys:
        refuse_key("kms_key_arn", arn)
    services = [service] if isinstance(service, str) else service
    through = [partitions.service_host(it, place.region, place.partition) for it in services]
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": keys[0] if len(keys) == 1 else keys,
        "Condition": {"StringEquals": {"kms:ViaService": through[0] if len(through) == 1 else through}},
    }


def use_keys(sid: str, key_arns: Mapping[str, Sequence[str]], place: Place, *actions: str) -> Iterator[Statement]:
    """Use of each service's KMS keys through that service; one statement for services with the same keys, as a role has
    little room."""
    services: dict[tuple[str, ...], list[str]] = {}
    for service, arns in key_arns.items():
        if arns:
            services.setdefault(tuple(sorted(set(arns))), []).append(service)
    for number, (keys, through) in enumerate(services.items()):
        yield use_key(f"{sid}{number + 1 if number else ''}", keys, place, through, *actions)


def take_messages(sid: str, queue_arn: str) -> Statement:
    """What Lambda needs of a function's role to deliver a queue's messages to it."""
    actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": queue_arn}


def list_tasks(*cluster_arns: str) -> Statement:
    return {
        "Sid": "ListTasks",
        "Effect": "Allow",
        "Action": "ecs:ListTasks",
        "Resource": "*",  # the action has no resource type of its own on Fargate
        "Condition": {"ArnEquals": {"ecs:cluster": cluster_arns[0] if len(cluster_arns) == 1 else list(cluster_arns)}},
    }


def write_log(sid: str, log_group_arn: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{log_group_arn.removesuffix(':*')}:*",
    }


def see_streams(sid: str, log_group_arn: str) -> Statement:
    return allow(sid, "logs:DescribeLogStreams", [f"{log_group_arn.removesuffix(':*')}:*"])
