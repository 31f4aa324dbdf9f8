"""Messages that S3, SNS and EventBridge put into a queue: their source, and their idempotency key. Pure.

Each service may publish the same change twice, as two messages with two ids: only an id inside the message identifies
the change.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, cast

from . import strict_json


def source_of(event: object) -> str:
    """The service that sent this message; empty if it is none of these."""
    given = _object(event)
    if _s3_records(given) or _is_s3_test(given):
        return "S3"
    if given.get("Type") == "Notification" and {"MessageId", "TopicArn", "Message"} <= given.keys():
        return "SNS"
    return "EventBridge" if {"source", "detail-type", "id", "detail"} <= given.keys() else ""


def test_of(event: object) -> str:
    """The service that tests its way to the queue with this message; empty if the message is not a test.

    S3 sends a test when its notifications are configured, through SNS too:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    given = _object(event)
    return "S3" if _is_s3_test(given) or _is_s3_test(_inside(given)) else ""


def key_of(event: object) -> str:
    """The idempotency key of the change in a message: the same for every message about it. Empty if it has no id.

    S3: the sequencer of each change of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    SNS: MessageId: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    """
    given = _object(event)
    source = source_of(given)
    if source == "S3":
        return _s3_key(_s3_records(given))
    if source == "SNS":
        # S3 may have published the change to SNS twice.
        return _s3_key(_s3_records(_inside(given))) or f"sns-{_digest([given['TopicArn'], given['MessageId']])}"
    return f"event-{_digest([given['source'], given['id']])}" if source == "EventBridge" else ""


def _s3_key(records: list[dict[str, Any]]) -> str:
    ids = list[Any]()
    for record in records:
        s3 = _object(record.get("s3"))
        bucket, changed = _object(s3.get("bucket")), _object(s3.get("object"))
        if not changed.get("sequencer"):
            return ""
        ids += [
            record.get("eventName"),
            bucket.get("arn"),
            *(changed.get(it) for it in ("key", "versionId", "sequencer")),
        ]
    return f"s3-{_digest(ids)}" if ids else ""


def _s3_records(given: dict[str, Any]) -> list[dict[str, Any]]:
    records = given.get("Records")
    found = [_object(it) for it in cast("list[Any]", records)] if isinstance(records, list) else []
    return found if found and all(it.get("eventSource") == "aws:s3" for it in found) else []


def _is_s3_test(given: dict[str, Any]) -> bool:
    return given.get("Service") == "Amazon S3" and given.get("Event") == "s3:TestEvent"


def _inside(given: dict[str, Any]) -> dict[str, Any]:
    """The message in SNS's envelope; empty if it is not an object."""
    if given.get("Type") != "Notification" or not isinstance(given.get("Message"), str):
        return {}
    try:
        return _object(strict_json.read(given["Message"]))
    except (ValueError, RecursionError):
        return {}


def _digest(ids: list[Any]) -> str:
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:48]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
