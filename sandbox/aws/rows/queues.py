"""Messages that a queue does not get: its policy or its key does not admit the bucket, topic or rule that sends them.

../delivery.py and ../asynchronous.py implement this.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..admission import admitting
from .row import Before, Refusal, Shape
from .shapes import SECONDS, Checked

if TYPE_CHECKING:
    from ..server import Emulator

KEYS: Final = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
S3: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html"


def bucket(name: str) -> Before:
    """The call that creates a bucket."""
    return "s3", "CreateBucket", {"Bucket": name, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}


def queue(name: str, admitted: str = "", **attributes: str) -> Before:
    """The call that creates a queue, whose policy admits this bucket."""
    policy = {"Policy": admitting("*", f"arn:aws:s3:::{admitted}")} if admitted else {}
    return "sqs", "CreateQueue", {"QueueName": name, "Attributes": {**policy, **attributes}}


def notified(bucket_name: str, queue_name: str) -> dict[str, Any]:
    """The parameters that configure a bucket's notifications to this queue."""
    to = {"QueueArn": f"arn:aws:sqs:eu-west-1:123456789012:{queue_name}", "Events": ["s3:ObjectCreated:*"]}
    return {"Bucket": bucket_name, "NotificationConfiguration": {"QueueConfigurations": [to]}}


Sender = tuple[str, Callable[[str], Any]]
"""The ARN of the source that sends to a queue, and a function that makes it send a text."""


@contextmanager
def _topic(aws: Emulator, name: str, queue_arn: str) -> Generator[Sender, None, None]:
    sns = aws.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    yield arn, lambda text: sns.publish(TopicArn=arn, Message=text)
    sns.delete_topic(TopicArn=arn)


@contextmanager
def _rule(aws: Emulator, name: str, queue_arn: str) -> Generator[Sender, None, None]:
    events = aws.client("events")
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn, "InputPath": "$.detail.text"}])
    event = {"Source": name, "DetailType": "row"}
    yield arn, lambda text: events.put_events(Entries=[{**event, "Detail": json.dumps({"text": text})}])
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


Sending = Callable[["Emulator", str, str], AbstractContextManager[Sender]]


def _admits(aws: Emulator, name: str, sending: Sending, *, by_key: bool) -> Checked:
    """The messages that a queue gets before and after it admits a source, by its policy or by the policy of its key."""
    sqs, kms = aws.client("sqs"), aws.client("kms")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    key = kms.create_key()["KeyMetadata"]["Arn"] if by_key else ""
    with sending(aws, name, arn) as (source, send):
        open_queue = {"Policy": admitting(arn, source)}
        if by_key:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={**open_queue, "KmsMasterKeyId": key})
        send("dropped")
        if by_key:
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=_key_for(source, aws.account))
        else:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=open_queue)
        send("admitted")
        got: list[str] = []
        deadline = time.monotonic() + SECONDS
        while not got and time.monotonic() < deadline:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            got += [it["Body"].strip('"') for it in found.get("Messages", [])]
    sqs.delete_queue(QueueUrl=url)
    return got, ["admitted"]


def _key_for(source_arn: str, account: str) -> str:
    """The policy of a key that the service of this source may use."""
    administered = {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*"}
    used = {
        "Principal": {"Service": f"{source_arn.split(':')[2]}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    statements = [{"Effect": "Allow", "Resource": "*", **it} for it in (administered, used)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


ROWS: Final = (
    Refusal(
        id="s3.PutBucketNotificationConfiguration.destination",
        refuses="S3 sends a test message to each queue and topic of a configuration; its policy must admit the bucket",
        code="InvalidArgument",
        words="Unable to validate the following destination configurations",
        sources=(
            "https://github.com/aws/aws-cdk/issues/20127",
            "https://github.com/hashicorp/terraform/issues/28360",
            S3,
        ),
        request=notified("rows-notified", "rows-closed"),
        before=(bucket("rows-notified"), queue("rows-closed"), queue("rows-open", "rows-notified")),
        takes=notified("rows-notified", "rows-open"),
    ),
    Refusal(
        id="s3.PutBucketNotificationConfiguration.key",
        refuses="S3 cannot send the test message to a queue whose key does not admit S3, such as alias/aws/sqs",
        code="InvalidArgument",
        words="Unable to validate the following destination configurations",
        sources=("https://github.com/aws/aws-cdk/issues/14370", S3),
        request=notified("rows-keyed", "rows-aws-key"),
        before=(
            bucket("rows-keyed"),
            queue("rows-aws-key", "rows-keyed", KmsMasterKeyId="alias/aws/sqs"),
            queue("rows-sqs-key", "rows-keyed", SqsManagedSseEnabled="true"),
        ),
        takes=notified("rows-keyed", "rows-sqs-key"),
    ),
    Shape(
        "sns.Publish.queue_policy",
        "SNS accepts a message although the queue does not admit the topic, and the queue never gets it",
        ("https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html",),
        partial(_admits, name="rows-by-policy", sending=_topic, by_key=False),
    ),
    Shape(
        "sns.Publish.queue_key",
        "SNS accepts a message although the key of the queue does not admit SNS, and the queue never gets it",
        (KEYS, "https://github.com/aws/aws-cdk/issues/11122"),
        partial(_admits, name="rows-by-key", sending=_topic, by_key=True),
    ),
    Shape(
        "events.PutEvents.queue_policy",
        "An event that matches a rule does not reach a queue whose policy does not admit the rule",
        ("https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html",),
        partial(_admits, name="rows-by-policy-of-events", sending=_rule, by_key=False),
    ),
    Shape(
        "events.PutEvents.queue_key",
        "An event that matches a rule does not reach a queue whose key does not admit EventBridge",
        (KEYS, "https://github.com/aws/aws-cdk/issues/33169"),
        partial(_admits, name="rows-by-key-of-events", sending=_rule, by_key=True),
    ),
    Shape(
        "s3.PutObject.queue_key",
        "A notification of S3 does not reach a queue whose key does not admit S3",
        (KEYS, "https://github.com/aws/aws-cdk/issues/18988"),
        held_by="handler/test_filled_queue.py::test_what_a_key_does_not_admit_does_not_arrive",
    ),
)
