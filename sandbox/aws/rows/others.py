"""What other services refuse of the few calls that the sandbox answers in the emulator's place."""

from __future__ import annotations

import json
from typing import Any, Final

from .row import Refusal

ADMITTING: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::rows-notified"}},
        }
    ],
}
"""A queue's policy that lets the bucket of the rows in."""


def notified(queue: str) -> dict[str, Any]:
    """The configuration of that bucket's notifications, into this queue."""
    to = {"QueueArn": f"arn:aws:sqs:eu-west-1:123456789012:{queue}", "Events": ["s3:ObjectCreated:*"]}
    return {"Bucket": "rows-notified", "NotificationConfiguration": {"QueueConfigurations": [to]}}


ROWS: Final = (
    Refusal(
        id="s3.PutBucketNotificationConfiguration.destination",
        refuses="S3 sends a test message to each configured queue and topic; their policies have to allow the bucket",
        code="InvalidArgument",
        words="Unable to validate the following destination configurations",
        sources=(
            "https://github.com/aws/aws-cdk/issues/20127",
            "https://github.com/hashicorp/terraform/issues/28360",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html",
        ),
        request=notified("rows-closed"),
        before=(
            (
                "s3",
                "CreateBucket",
                {"Bucket": "rows-notified", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}},
            ),
            ("sqs", "CreateQueue", {"QueueName": "rows-closed"}),
            ("sqs", "CreateQueue", {"QueueName": "rows-open", "Attributes": {"Policy": json.dumps(ADMITTING)}}),
        ),
        takes=notified("rows-open"),
    ),
    Refusal(
        id="iam.SimulatePrincipalPolicy.source",
        refuses="A simulated principal exists",
        code="NoSuchEntity",
        words="The entity with ARN {arn} cannot be found.",
        sources=("https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",),
        request={"PolicySourceArn": "arn:aws:iam::123456789012:role/nobody", "ActionNames": ["ecs:RunTask"]},
        fields={"arn": "arn:aws:iam::123456789012:role/nobody"},
        status=404,
        seen=False,
    ),
    Refusal(
        id="logs.AssociateKmsKey.group",
        refuses="A key is associated with an existing log group",
        code="ResourceNotFoundException",
        words="The specified log group does not exist.",
        sources=("https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html",),
        request={
            "logGroupName": "/rows/nowhere",
            "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
        },
    ),
)
