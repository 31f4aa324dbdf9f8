"""SQS queues and SNS topics."""

from __future__ import annotations

from typing import Any

from ...aws.server import Emulator
from .creator import Inputs, Made, creates, tag_list


@creates("aws:sqs/queue:Queue")
def _queue(aws: Emulator, inputs: Inputs) -> Made:
    fifo = bool(inputs.take("fifoQueue", False))
    name, sqs = inputs.physical_name(longest=75), aws.client("sqs")
    name += ".fifo" if fifo and not name.endswith(".fifo") else ""
    attributes = {
        "FifoQueue": True if fifo else None,
        "ContentBasedDeduplication": inputs.take("contentBasedDeduplication"),
        "MaximumMessageSize": inputs.take("maxMessageSize"),
        "MessageRetentionPeriod": inputs.take("messageRetentionSeconds"),
        "VisibilityTimeout": inputs.take("visibilityTimeoutSeconds"),
        "ReceiveMessageWaitTimeSeconds": inputs.take("receiveWaitTimeSeconds"),
        "RedrivePolicy": inputs.take("redrivePolicy"),
        "RedriveAllowPolicy": inputs.take("redriveAllowPolicy"),
        "SqsManagedSseEnabled": inputs.take("sqsManagedSseEnabled"),
        "KmsMasterKeyId": inputs.take("kmsMasterKeyId"),
        "KmsDataKeyReusePeriodSeconds": inputs.take("kmsDataKeyReusePeriodSeconds"),
        "DelaySeconds": inputs.take("delaySeconds"),
        "DeduplicationScope": inputs.take("deduplicationScope"),
        "FifoThroughputLimit": inputs.take("fifoThroughputLimit"),
        "Policy": inputs.take("policy"),
    }
    url = sqs.create_queue(
        QueueName=name,
        Attributes={key: _attribute(value) for key, value in attributes.items() if value is not None},
        **inputs.given(tags=inputs.tags()),
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Made(url, {"name": name, "arn": arn, "url": url})


@creates("aws:sqs/queuePolicy:QueuePolicy")
def _queue_policy(aws: Emulator, inputs: Inputs) -> Made:
    url = inputs.take("queueUrl")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs.take("policy")})
    return Made(url, {})


@creates("aws:sqs/redrivePolicy:RedrivePolicy")
@creates("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy")
def _queue_redrive(aws: Emulator, inputs: Inputs) -> Made:
    url, key = inputs.take("queueUrl"), inputs.kind.rpartition(":")[2]
    document = inputs.take(f"{key[0].lower()}{key[1:]}")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={key: document})
    return Made(url, {})


@creates("aws:sns/topic:Topic")
def _topic(aws: Emulator, inputs: Inputs) -> Made:
    fifo, name = bool(inputs.take("fifoTopic", False)), inputs.physical_name()
    name += ".fifo" if fifo and not name.endswith(".fifo") else ""
    attributes = {
        "FifoTopic": True if fifo else None,
        "ContentBasedDeduplication": inputs.take("contentBasedDeduplication"),
        "KmsMasterKeyId": inputs.take("kmsMasterKeyId"),
        "DisplayName": inputs.take("displayName"),
        "DeliveryPolicy": inputs.take("deliveryPolicy"),
        "Policy": inputs.take("policy"),
    }
    given = {key: _attribute(value) for key, value in attributes.items() if value is not None}
    arn = aws.client("sns").create_topic(Name=name, **inputs.given(Attributes=given, Tags=tag_list(inputs.tags())))[
        "TopicArn"
    ]
    return Made(arn, {"name": name, "arn": arn})


@creates("aws:sns/topicSubscription:TopicSubscription")
def _topic_subscription(aws: Emulator, inputs: Inputs) -> Made:
    attributes = {"RawMessageDelivery": "true" if inputs.take("rawMessageDelivery") else None}
    attributes["FilterPolicy"] = inputs.take("filterPolicy")
    arn = aws.client("sns").subscribe(
        TopicArn=inputs.take("topic"),
        **inputs.given(Attributes={key: it for key, it in attributes.items() if it}),
        Protocol=inputs.take("protocol"),
        Endpoint=inputs.take("endpoint"),
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, {"arn": arn})


@creates("aws:sns/topicPolicy:TopicPolicy")
def _topic_policy(aws: Emulator, inputs: Inputs) -> Made:
    arn = inputs.take("arn")
    aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=inputs.take("policy"))
    return Made(arn, {})


def _attribute(value: Any) -> str:
    """An attribute of SQS or SNS: always a string, even for a number or a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(int(value))
