"""What S3, SNS and EventBridge put into a queue: whose a message is, and what makes it the same one again. Pure.

Each may send what it tells of more than once, as another message with another id: what is told of is known by its own.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast


def source_of(event: object) -> str:
    """Whose message this is; empty when it is of none of them."""
    given = _object(event)
    if _s3_records(given) or _is_s3_test(given):
        return "S3"
    if given.get("Type") == "Notification" and {"MessageId", "TopicArn", "Message"} <= given.keys():
        return "SNS"
    return "EventBridge" if {"source", "detail-type", "id", "detail"} <= given.keys() else ""


def test_of(event: object) -> str:
    """Who only tries, with this message, whether another would arrive; empty when it tells of something.

    S3 does when its notifications are configured, through SNS too:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    given = _object(event)
    return "S3" if _is_s3_test(given) or _is_s3_test(_inside(given)) else ""


def key_of(event: object) -> str:
    """The idempotency key of what a message tells of: the same however often it is told. Empty where it has none.

    S3: the sequencer of each change of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    SNS: MessageId: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    given = _object(event)
    source = source_of(given)
    if source == "S3":
        return _s3_key(_s3_records(given))
    if source == "SNS":
        # S3 may have told SNS twice.
        return _s3_key(_s3_records(_inside(given))) or f"sns-{_digest([given['TopicArn'], given['MessageId']])}"
    return f"event-{_digest([given['source'], given['id']])}" if source == "EventBridge" else ""


def _s3_key(records: list[dict[str, Any]]) -> str:
    told = list[Any]()
    for record in records:
        s3 = _object(record.get("s3"))
        bucket, changed = _object(s3.get("bucket")), _object(s3.get("object"))
        if not changed.get("sequencer"):
            return ""
        told += [
            record.get("eventName"),
            bucket.get("arn"),
            *(changed.get(it) for it in ("key", "versionId", "sequencer")),
        ]
    return f"s3-{_digest(told)}" if told else ""


def _s3_records(given: dict[str, Any]) -> list[dict[str, Any]]:
    records = given.get("Records")
    found = [_object(it) for it in cast("list[Any]", records)] if isinstance(records, list) else []
    return found if found and all(it.get("eventSource") == "aws:s3" for it in found) else []


def _is_s3_test(given: dict[str, Any]) -> bool:
    return given.get("Service") == "Amazon S3" and given.get("Event") == "s3:TestEvent"


def _inside(given: dict[str, Any]) -> dict[str, Any]:
    """The message in SNS's envelope, where it is an object."""
    if given.get("Type") != "Notification" or not isinstance(given.get("Message"), str):
        return {}
    try:
        return _object(json.loads(given["Message"]))
    except (ValueError, RecursionError):
        return {}


def _digest(told: list[Any]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:48]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
