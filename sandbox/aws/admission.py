"""The policy by which a queue lets a source of AWS's own in: a topic, a bucket, a rule. Pure.

For queues that the sandbox makes itself, to look at what arrives. Whether a source is let in is said by delivery.py.
"""

from __future__ import annotations

import json


def admitting(queue_arn: str, source_arn: str) -> str:
    """A queue's policy, as JSON, that admits this source and nothing else.

    https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{source_arn.split(':')[2]}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
