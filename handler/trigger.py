"""Which trigger spoke: known by the event's shape, and by the alias that was invoked. Pure.

Lambda does not tell a function whether its caller waits for the answer. EventBridge, Scheduler and SQS are known by
their events; other callers who do not wait invoke the alias `async`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from . import notifications
from .event import KEYS, Rejected
from .settings import ASYNCHRONOUS_ALIAS

Kind = Literal["direct", "asynchronous", "queue"]


@dataclass(frozen=True)
class Delivery:
    """One launch event, as a trigger delivered it."""

    event: object
    key: str
    """The idempotency key of an event that brings none: the same on every delivery."""
    number: int = 1
    """The how-manieth delivery it is, as far as the trigger tells."""
    message_id: str = ""
    """Of a message in a queue."""
    body: str = ""
    """Of a message in a queue, as it was sent."""
    problem: str = ""
    """Why there is no launch event in it; empty when there is one."""
    ignored: str = ""
    """Why it asks for nothing, neither a launch nor an answer; empty when it asks for something."""


@dataclass(frozen=True)
class Trigger:
    """Who spoke, which decides what an outcome is answered with."""

    kind: Kind
    deliveries: list[Delivery]


def identify(
    event: object,
    *,
    request_id: str,
    function_arn: str,
    trace_id: str,
    now: float,
    as_payload: bool = False,
    queue_as_payload: bool = False,
) -> Trigger:
    """The trigger of this invocation. `now` is in seconds since 1970, `as_payload` whether an event of a rule is the
    job's payload, `queue_as_payload` whether a message of the queue is.

    An event whose trigger cannot be told comes back as a delivery with a problem.
    """
    kind: Kind = "asynchronous" if function_arn.endswith(f":{ASYNCHRONOUS_ALIAS}") else "direct"
    given = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    launch_keys = sorted(given.keys() & {*KEYS, "retryOf"} - {"version"})
    if "Records" in given:
        return _records(given, request_id, queue_as_payload)
    if {"source", "detail-type"} <= given.keys():
        if launch_keys:
            said = f"event: is EventBridge's and a launch event at once; {', '.join(launch_keys)} belongs into `detail`"
            return Trigger("asynchronous", [Delivery(event, request_id, problem=said)])
        if as_payload and given["source"] != "aws.scheduler":
            key, number = str(given.get("id") or request_id), _number(now - _time(given.get("time"), now))
            return Trigger("asynchronous", [Delivery({"payload": given}, key, number)])
        return Trigger("asynchronous", [_eventbridge(given, request_id, now)])
    number = _number(now - _trace_time(trace_id, now)) if kind == "asynchronous" else 1
    return Trigger(kind, [Delivery(event, request_id, number)])


def _records(given: dict[str, Any], request_id: str, as_payload: bool) -> Trigger:
    records = cast("list[Any]", given["Records"]) if isinstance(given["Records"], list) else []
    ours = all(isinstance(it, dict) and it.get("eventSource") == "aws:sqs" and "messageId" in it for it in records)
    if len(given) > 1 or not records or not ours:
        said = (
            "event: has Records but is no SQS batch; S3 and SNS launch the job through its queue, with "
            "queue.as_payload and their ARNs in queue.sources"
        )
        # Whoever sends Records does not wait: S3 and SNS invoke asynchronously.
        return Trigger("asynchronous", [Delivery(given, request_id, problem=said)])
    return Trigger("queue", [_message(record, as_payload) for record in records])


def _message(record: dict[str, Any], as_payload: bool) -> Delivery:
    body, message_id = str(record.get("body", "")), str(record["messageId"])
    attributes = record.get("attributes")
    received = str(attributes.get("ApproximateReceiveCount", "1")) if isinstance(attributes, dict) else "1"
    number = max(1, int(received)) if re.fullmatch(r"[0-9]{1,4}", received) else 1
    try:
        event = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        if as_payload:
            # A payload is JSON, whoever sends it: a text becomes a JSON string.
            return Delivery({"payload": body}, message_id, number, message_id, body)
        return Delivery(None, message_id, number, message_id, body, problem="event: the message's body is not JSON")
    if source := notifications.test_of(event):
        return Delivery(event, message_id, number, message_id, body, ignored=f"is {source}'s test of the way here")
    if as_payload:
        # What lay among the dead letters is to be launched now, whatever became of it then.
        parked = isinstance(record.get("messageAttributes"), dict) and "status" in record["messageAttributes"]
        key = "" if parked else notifications.key_of(event)
        return Delivery({"payload": event}, key or message_id, number, message_id, body)
    if source := notifications.source_of(event):
        said = f"event: is {source}'s own message and no launch event; queue.as_payload gives it to the job"
        return Delivery(event, message_id, number, message_id, body, problem=said)
    return Delivery(event, message_id, number, message_id, body)


def _no_constant(text: str) -> None:
    """JSON has no NaN and no Infinity, which Python reads. Raises ValueError."""
    raise ValueError(f"{text} is no JSON")


def _eventbridge(given: dict[str, Any], request_id: str, now: float) -> Delivery:
    detail = given.get("detail")
    if isinstance(detail, str):  # Scheduler's own default
        try:
            detail = json.loads(detail)
        except (ValueError, RecursionError):
            return Delivery(given, request_id, problem="event: its detail is not JSON")
    key = str(given.get("id") or request_id)
    resources = given.get("resources")
    if given["source"] == "aws.scheduler" and isinstance(resources, list) and resources and given.get("time"):
        # Scheduler makes a new id for each of its attempts; the schedule and its time are the same in all of them.
        key = f"{resources[0]}@{given['time']}"[-256:]
    return Delivery(detail, key, _number(now - _time(given.get("time"), now)))


def _number(age: float) -> int:
    """The how-manieth delivery of an event of this age, in seconds, it is likely to be.

    Lambda delivers again about one minute after a failure, and about two minutes after the next:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    One too many does no harm: attempts that were never made are made without waiting.
    """
    return 1 if age < 60 else 2 if age < 180 else 3


def _time(text: object, now: float) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return now


def _trace_time(trace_id: str, now: float) -> float:
    """When the caller's request was made: the second part of the trace's root, in hexadecimal."""
    root = re.search(r"Root=1-([0-9a-f]{8})-", trace_id)
    return int(root[1], 16) if root else now


def problem_of(delivery: Delivery) -> None:
    """Raises Rejected when there is no launch event in this delivery."""
    if delivery.problem:
        raise Rejected([delivery.problem])
