"""Identifies the trigger of an invocation by the shape of its event and by the invoked alias. Pure.

Lambda does not tell a function whether its caller waits for the answer. The events of EventBridge, Scheduler and SQS
identify these triggers; other callers that do not wait invoke the alias `async`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from .event import KEYS, Rejected
from .settings import ASYNCHRONOUS_ALIAS, RUN_EVENTS_SOURCE

if TYPE_CHECKING:
    from . import strict_json

Kind = Literal["direct", "asynchronous", "queue"]
Namespace = Literal["call", "queue", "event", "schedule"]
"""Whose ids a delivery's key is one of: those of direct and asynchronous calls, of the queue's messages, of the events
of rules, or of the times of schedules. Two triggers may have the same id and mean two launches."""


@dataclass(frozen=True, eq=False, repr=False)
class Delivery:
    """One launch event, as a trigger delivered it."""

    event: object
    key: str
    """The idempotency key for an event that has no key of its own: the same on every delivery."""
    namespace: Namespace
    message_id: str = ""
    """Id of a queue's message; empty for other triggers."""
    body: str = ""
    """Body of a queue's message, as it was sent; empty for other triggers."""
    problem: str = ""
    """Why the delivery has no launch event; empty if it has one."""
    ignored: str = ""
    """Why the delivery needs no launch, and is no failure either; empty otherwise."""
    schedule: str = ""
    """Name of the job's schedule that delivers; empty for a launch at a later time, and for other triggers."""


@dataclass(frozen=True, eq=False, repr=False)
class Trigger:
    """Kind of the trigger, which decides how the function answers, and its deliveries."""

    kind: Kind
    deliveries: list[Delivery]


def identify(
    event: object,
    *,
    request_id: str,
    function_arn: str,
    as_payload: bool = False,
    queue_as_payload: bool = False,
) -> Trigger:
    """The trigger of this invocation. `as_payload`: whether an event of a rule is the job's payload;
    `queue_as_payload`: whether a message of the queue is.

    An event that no trigger sends becomes a delivery with a problem.
    """
    kind: Kind = "asynchronous" if function_arn.endswith(f":{ASYNCHRONOUS_ALIAS}") else "direct"
    given = cast("dict[str, Any]", event) if isinstance(event, dict) else {}
    launch_keys = sorted(given.keys() & _LAUNCH_KEYS - {"version"})
    if "Records" in given:
        return _records(given, request_id, queue_as_payload)
    if {"source", "detail-type"} <= given.keys():
        namespace: Namespace = "schedule" if given["source"] == "aws.scheduler" else "event"
        if launch_keys:
            keys = ", ".join(launch_keys)
            problem = f"event: is both EventBridge's event and a launch event; put {keys} into `detail`"
            return Trigger("asynchronous", [Delivery(event, request_id, namespace, problem=problem)])
        if as_payload and namespace == "event":
            return Trigger("asynchronous", [Delivery({"payload": given}, _id(given, request_id), namespace)])
        return Trigger("asynchronous", [_eventbridge(given, request_id, namespace)])
    return Trigger(kind, [Delivery(event, request_id, "call")])


_LAUNCH_KEYS: Final = frozenset(KEYS)


def _records(given: dict[str, Any], request_id: str, as_payload: bool) -> Trigger:
    records = cast("list[Any]", given["Records"]) if isinstance(given["Records"], list) else []
    is_batch = all(isinstance(it, dict) and it.get("eventSource") == "aws:sqs" and "messageId" in it for it in records)
    if len(given) > 1 or not records or not is_batch:
        problem = (
            "event: has Records but is not a batch of SQS; S3 and SNS launch the job through its queue, with "
            "queue.as_payload and their ARNs in queue.sources"
        )
        # A caller that sends Records does not wait: S3 and SNS invoke asynchronously.
        return Trigger("asynchronous", [Delivery(given, request_id, "call", problem=problem)])
    return Trigger("queue", [_message(record, as_payload) for record in records])


def _message(record: dict[str, Any], as_payload: bool) -> Delivery:
    # Imported here: a direct call does without, and every import makes a cold start longer.
    from . import notifications, strict_json

    body, message_id = str(record.get("body", "")), str(record["messageId"])

    def delivery(event: object, key: str = "", *, problem: str = "", ignored: str = "") -> Delivery:
        return Delivery(event, key or message_id, "queue", message_id, body, problem, ignored)

    try:
        event = strict_json.read(body)
    except strict_json.KeyTwice as twice:
        return delivery(None, problem=f"event: {_twice(twice)} in the message's body")
    except (ValueError, RecursionError):
        if as_payload:
            # A payload is always JSON: text becomes a JSON string.
            return delivery({"payload": body})
        return delivery(None, problem="event: the message's body is not JSON")
    if source := notifications.test_of(event):
        return delivery(event, ignored=f"{source} tests its way to the queue")
    if as_payload:
        # A redriven dead letter has its message's id as key: it is launched now, whatever happened before.
        parked = isinstance(record.get("messageAttributes"), dict) and "status" in record["messageAttributes"]
        return delivery({"payload": event}, "" if parked else notifications.key_of(event))
    if source := notifications.source_of(event):
        problem = f"event: is a message of {source} and no launch event; queue.as_payload makes it the job's payload"
        return delivery(event, problem=problem)
    return delivery(event)


def _twice(twice: strict_json.KeyTwice) -> str:
    """What an object has twice. A key that no launch event has is not repeated: it may carry a value."""
    return f"`{twice.key}` is given twice" if twice.key in _LAUNCH_KEYS else "an object has a key twice"


def _eventbridge(given: dict[str, Any], request_id: str, namespace: Namespace) -> Delivery:
    detail = given.get("detail")
    if isinstance(detail, str):  # by default, Scheduler sends it as text
        from . import strict_json

        try:
            detail = strict_json.read(detail)
        except strict_json.KeyTwice as twice:
            return Delivery(given, request_id, namespace, problem=f"event: {_twice(twice)} in its detail")
        except (ValueError, RecursionError):
            return Delivery(given, request_id, namespace, problem="event: its detail is not JSON")
    key = _id(given, request_id)
    resources = given.get("resources")
    if namespace == "schedule" and isinstance(resources, list) and resources and given.get("time"):
        # Scheduler sends a new id with each attempt, but the same schedule and time.
        key = f"{resources[0]}@{given['time']}"[-256:]
    schedule = given.get("schedule") if namespace == "schedule" else None
    return Delivery(detail, key, namespace, schedule=schedule if isinstance(schedule, str) else "")


def _id(given: dict[str, Any], request_id: str) -> str:
    """The id of an EventBridge event. The end of a run may be told by two events, with two ids; what they tell has
    one."""
    detail = given.get("detail")
    if given["source"] == RUN_EVENTS_SOURCE and isinstance(detail, dict):
        told = cast("dict[str, Any]", detail)
        if {"run", "end"} <= told.keys():
            return f"end {told['end']} of {told['run']}"[:256]
    return str(given.get("id") or request_id)


def require_launch_event(delivery: Delivery) -> None:
    """Raises Rejected if this delivery has no launch event."""
    if delivery.problem:
        raise Rejected([delivery.problem])
