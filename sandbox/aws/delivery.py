"""Whether a service of AWS may put a message into a queue: by the queue's policy, and by that of the queue's key.

The emulator asks for the first only where it asks for credentials, of EventBridge never, and for the second not at all.
What may not come in is lost without a word, on AWS as here: SNS says that it has sent, a rule goes on to its target's
dead-letter queue where it has one. S3 alone asks before, when its notifications are configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from fargate_job_launcher.handler.partitions import service_host
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_region
from ministack.services import kms, sqs

KEY_ACTIONS: Final = ("kms:GenerateDataKey", "kms:Decrypt")
"""What SQS does with a queue's key in the name of who sends.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""

# The emulator's own steps, which it gives no public way to; its version is pinned.
_kms: Any = kms
_sqs: Any = sqs


def admitted(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    """Whether a queue takes a message of a service (`sns.amazonaws.com`), sent for a source of this account."""
    return hindrance(queue_arn, service, source_arn, source_account) == ""


def hindrance(
    queue_arn: str, service: str, source_arn: str, source_account: str
) -> Literal["", "queue", "policy", "key"]:
    """What keeps such a message out of a queue: that it is not there, its policy, the policy of its key; or nothing."""
    queue = _sqs._queue_by_arn(queue_arn)
    if queue is None:
        return "queue"
    source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account or source_arn.split(":")[4]}
    if not _allowed(queue["attributes"].get("Policy"), "sqs:SendMessage", queue_arn, service, source):
        return "policy"
    key = queue["attributes"].get("KmsMasterKeyId")
    return "key" if key and not _key_admits(key, queue_arn, service, source) else ""


def _key_admits(key_id: str, queue_arn: str, service: str, source: Mapping[str, str]) -> bool:
    """AWS's own key for SQS, alias/aws/sqs, admits no service, and nobody can change that.

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
    return all(_allowed(key["Policy"], it, key["Arn"], service, context) for it in KEY_ACTIONS)


def _allowed(policy: str | None, action: str, resource: str, service: str, context: Mapping[str, str]) -> bool:
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
