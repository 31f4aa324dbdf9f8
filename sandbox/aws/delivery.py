"""Decides whether an AWS service may put a message into a queue: by the queue's policy and by the policy of its key.

The emulator checks the queue's policy only where it checks credentials, and never for EventBridge; it never checks the
key's policy. On AWS, as here, a message that is not admitted is lost without an error: SNS reports that it has sent the
message, and a rule sends the event to its target's dead-letter queue if there is one. Only S3 checks in advance, when
its notifications are configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from fargate_job_launcher.handler.partitions import service_host
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import kms, sqs

KEY_ACTIONS: Final = ("kms:GenerateDataKey", "kms:Decrypt")
"""The actions on a queue's key that SQS performs on behalf of the sender.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

# Internals of the emulator, which has no public interface for this; its version is pinned.
_kms: Any = kms
_sqs: Any = sqs


def admitted(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a queue admits a message of a service (`sns.amazonaws.com`), sent for a source of this account."""
    return hindrance(queue_arn, service, source_arn, source_account) == ""


def hindrance(
    queue_arn: str, service: str, source_arn: str, source_account: str
) -> Literal["", "queue", "policy", "key"]:
    """Why the queue does not admit the message: it does not exist, its policy, its key's policy. Empty if it does."""
    queue = _sqs._queue_by_arn(queue_arn)
    if queue is None:
        return "queue"
    source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account or source_arn.split(":")[4]}
    if not allows(queue["attributes"].get("Policy"), "sqs:SendMessage", queue_arn, service, source):
        return "policy"
    key = queue["attributes"].get("KmsMasterKeyId")
    return "key" if key and not _key_admits(key, queue_arn, service, source) else ""


def _key_admits(key_id: str, queue_arn: str, service: str, source: Mapping[str, str]) -> bool:
    """Whether the key's policy admits the service. The AWS managed key, alias/aws/sqs, admits none, which is fixed.

    https://github.com/aws/aws-cdk/issues/19796
    """
    key = _kms._resolve_key(key_id)
    if key_id.rpartition(":")[2].startswith("alias/aws/") or key is None or key["KeyState"] != "Enabled":
        return False
    _, partition, _, region, _, _ = queue_arn.split(":")
    context = {
        **source,
        "kms:viaservice": service_host("sqs", region, partition),
        "kms:encryptioncontext:aws:sqs:arn": queue_arn,
    }
    return all(allows(key["Policy"], it, key["Arn"], service, context) for it in KEY_ACTIONS)


def allows(policy: Any, action: str, resource: str, service: str, context: Mapping[str, str]) -> bool:
    """Whether the policy of a resource allows an AWS service this action, in this context with lower-case keys."""
    if not policy:
        return False
    asked = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=dict(context),
        secure_transport=True,
    )
    return evaluate_resource_policy(policy, asked, service=service).decision == "Allow"
