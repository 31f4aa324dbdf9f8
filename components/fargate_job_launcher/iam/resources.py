"""The policies of queues, buckets and keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fargate_job_launcher.handler import partitions

from .arns import is_sender_arn
from .documents import Document, Statement, document


def only_tls(resources: Sequence[str], action: str) -> Document:
    """The resource policy of a bucket or a queue that refuses every request without TLS."""
    return document(
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": list(resources),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def queue_policy(queue_arn: str, sender_rule_arns: Sequence[str] = ()) -> Document:
    """The resource policy of a queue: TLS only, and these EventBridge rules may send to it."""
    (tls,) = only_tls([queue_arn], "sqs:*")["Statement"]
    senders: list[Statement] = [
        {
            "Sid": "OnlyTheseRules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": sorted(sender_rule_arns)}},
        }
    ]
    return document(tls, *(senders if sender_rule_arns else []))


def filled_queue_policy(queue_arn: str, source_arns: Sequence[str], account: str) -> Document:
    """The resource policy of a queue: TLS only, and these S3 buckets, SNS topics or EventBridge rules may send to it.

    Raises ValueError for the ARN of anything else. A bucket's ARN has no account, so the condition has it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    senders: list[Statement] = [
        {
            "Sid": f"OnlyThese{_SENDERS[service]}",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": arns}, "StringEquals": {"aws:SourceAccount": accounts}},
        }
        for service, arns, accounts in _by_service(source_arns, account)
    ]
    strangers = [it for it in source_arns if not is_sender_arn(it)]
    if strangers:
        raise ValueError(f"queue.sources: {', '.join(strangers)}: not the ARN of a bucket, a topic or a rule")
    return document(*only_tls([queue_arn], "sqs:*")["Statement"], *senders)


_SENDERS: Final = {"s3": "Buckets", "sns": "Topics", "events": "Rules"}


def _by_service(source_arns: Sequence[str], account: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each service that sends, the ARNs of its sources, and their accounts: a bucket's ARN has none, so `account` is
    assumed."""
    for service in _SENDERS:
        arns = sorted(it for it in source_arns if it.split(":")[2:3] == [service])
        if arns:
            yield service, arns, sorted({it.split(":")[4] or account for it in arns})


def sender_key_statements(source_arns: Sequence[str], account: str) -> list[Statement]:
    """Statements for a queue's KMS key that let these sources send to the queue: without them S3 refuses its
    configuration, and messages of SNS and EventBridge are lost without an error.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    return [
        {
            "Sid": f"{_SENDERS[service]}ThatFillQueues",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",  # in a key policy: this key
            "Condition": {"StringEquals": {"aws:SourceAccount": accounts}},
        }
        for service, _, accounts in _by_service(source_arns, account)
    ]


def key_policy(partition: str, account: str, region: str, source_arns: Sequence[str] = ()) -> Document:
    """The policy of a KMS key for launchers: the account's IAM administers it, and services that write for a launcher
    without its role may encrypt with it: log groups, events to a queue, alarms to a topic, and senders to queues.
    `source_arns` are those senders: buckets, topics and rules (`queue.sources`)."""
    suffix = partitions.partition(partition).suffix
    # The pages name it by region, in China with that suffix; elsewhere the name for every region applies:
    # https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts
    services = f"logs.{region}.{suffix}" if suffix.startswith("amazonaws.com") else "logs.amazonaws.com"
    log_groups = f"arn:{partition}:logs:{region}:{account}:log-group:*"
    return document(
        {
            "Sid": "AdministeredByIam",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",  # in a key policy: this key
        },
        {
            "Sid": "LogGroupsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": services},
            "Action": ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*",
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        },
        {
            "Sid": "EventsAndAlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        *sender_key_statements(source_arns, account),
    )
