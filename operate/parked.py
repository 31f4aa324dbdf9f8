"""A job's dead letters: events that could not be launched, shown and launched again. None is lost.

A message is deleted only after the launcher has answered that its tasks were launched.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from fargate_job_launcher.handler.event import MOST_DELIVERIES
from fargate_job_launcher.handler.event import Rejected as NoLaunchEvent
from fargate_job_launcher.handler.notifications import source_of
from fargate_job_launcher.handler.trigger import identify, require_launch_event

from .catalogue import Job
from .errors import JobError, Rejected
from .launching import Launch, invoke

HELD_SECONDS: Final = 300
"""How long other consumers do not see the messages that are read here; afterwards they are visible again at once."""
WAIT_SECONDS: Final = 2
"""With a wait, SQS queries all of its servers; without one, its answer can leave messages out."""
DELIVERED_BEFORE: Final = 10
"""The most deliveries of an event before it becomes a dead letter, unless a queue's owner has set more."""
AT_ONCE: Final = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""


@dataclass(frozen=True)
class DeadLetter:
    """A launch event that was never launched, and why."""

    id: str
    """Id of the message."""
    parked: datetime | None
    reasons: str
    event: dict[str, Any] | None
    """The launch event, or its rest if it was launched in part; None if the message has no launch event."""
    again: dict[str, Any]
    """The event of a redrive: with a key, and with a delivery number after all that were used."""
    launched: int
    """How many of its tasks were launched nevertheless."""
    body: str
    receipt: str

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "id": self.id,
            "parkedAt": None if self.parked is None else self.parked.isoformat(),
            "reasons": self.reasons,
            "event": self.event,
            "launched": self.launched,
            "body": self.body,
        }


def queue_url(job: Job) -> str:
    """URL of the job's dead-letter queue. Raises JobError if it has none."""
    if not job.settings.dead_letter_queue:
        raise JobError(
            f"{job.name} has no dead-letter queue",
            "All of its callers wait for the answer; `asynchronous`, `schedule`, `queue` or `event_rule` add one",
        )
    return job.settings.dead_letter_queue


def waiting(job: Job) -> int | None:
    """The approximate number of dead letters; None if the job has no dead-letter queue."""
    if not job.settings.dead_letter_queue:
        return None
    name = "ApproximateNumberOfMessages"
    with job.account.asking():
        client = job.account.client("sqs")
        found = client.get_queue_attributes(QueueUrl=job.settings.dead_letter_queue, AttributeNames=[name])
    return int(found["Attributes"][name])


@contextmanager
def dead_letters(job: Job) -> Generator[list[DeadLetter]]:
    """All of the job's dead letters, hidden from other consumers until the block ends."""
    url, sqs = queue_url(job), job.account.client("sqs")
    held: dict[str, DeadLetter] = {}
    deadline = time.monotonic() + HELD_SECONDS / 2
    try:
        with job.account.asking():
            while time.monotonic() < deadline:
                answer = sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=AT_ONCE,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                    VisibilityTimeout=HELD_SECONDS,
                    WaitTimeSeconds=WAIT_SECONDS,
                )
                if not answer.get("Messages"):
                    break
                held |= {it["MessageId"]: read(it, job) for it in answer["Messages"]}
        yield sorted(held.values(), key=lambda it: it.parked or datetime.max.replace(tzinfo=UTC))
    finally:
        with job.account.asking():
            receipts = [it.receipt for it in held.values()]
            for start in range(0, len(receipts), AT_ONCE):
                # Messages that were deleted meanwhile fail here one by one, which is expected.
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(receipts[start : start + AT_ONCE])
                ]
                sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def read(message: dict[str, Any], job: Job) -> DeadLetter:
    """Read a message of any sender: the launcher, Lambda, SQS, EventBridge or Scheduler."""
    attributes = {key: str(it.get("StringValue", "")) for key, it in message.get("MessageAttributes", {}).items()}
    body = str(message["Body"])
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = None
    reasons, launched, key = attributes.get("reasons", ""), 0, attributes.get("idempotencyKey", "")
    record = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    if "requestPayload" in record and "requestContext" in record:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        context, given = record["requestContext"], record["requestPayload"]
        key = str(context.get("requestId", ""))
        reasons, launched = _result(record.get("responsePayload"), str(context.get("condition", "")))
    elif "ERROR_CODE" in attributes or "ERROR_MESSAGE" in attributes:
        reasons = f"{attributes.get('ERROR_CODE', '')}: {attributes.get('ERROR_MESSAGE', '')}".strip(": ")
    system = message.get("Attributes", {})
    sent, received = system.get("SentTimestamp"), int(system.get("ApproximateReceiveCount", 1))
    event, own_key, problem = _launch_event(given, job, key=key or str(message["MessageId"]))
    event, rest = _rest(event, launched)
    return DeadLetter(
        id=message["MessageId"],
        parked=None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
        reasons=reasons or problem or "not launched after the last delivery that the queue allows",
        event=event,
        again=_again(event or {}, own_key, rest=rest, message=str(message["MessageId"]), received=received),
        launched=launched,
        body=body,
        receipt=message["ReceiptHandle"],
    )


def redrive(job: Job, letter: DeadLetter) -> Launch:
    """Launch an event again and delete its message. Raises the errors of `invoke`; the message then stays."""
    if letter.event is None:
        raise Rejected(job.name, [letter.reasons])
    launched = invoke(job, letter.again)
    delete(job, [letter])
    return launched


def delete(job: Job, letters: Iterable[DeadLetter]) -> None:
    """Delete these messages permanently."""
    with job.account.asking():
        for letter in letters:
            job.account.client("sqs").delete_message(QueueUrl=queue_url(job), ReceiptHandle=letter.receipt)


def _launch_event(given: Any, job: Job, *, key: str) -> tuple[dict[str, Any] | None, str, str]:
    """The launch event in a trigger's event and the key under which it was launched, or why there is none."""
    if job.settings.queue_as_payload and source_of(given) in ("S3", "SNS"):
        return {"payload": given}, key, ""
    found = identify(
        given, request_id=key, function_arn="", trace_id="", now=time.time(), as_payload=job.settings.event_as_payload
    )
    if len(found.deliveries) != 1:
        return None, "", "it contains several messages, not one launch event"
    (delivery,) = found.deliveries
    try:
        require_launch_event(delivery)
    except NoLaunchEvent as problem:
        return None, "", str(problem)
    if not isinstance(delivery.event, dict):
        return None, "", "it contains no launch event; a JSON object is expected"
    event = cast("dict[str, Any]", delivery.event)
    return event, str(event.get("idempotencyKey", delivery.key))[:256], ""


def _rest(event: dict[str, Any] | None, launched: int) -> tuple[dict[str, Any] | None, int]:
    """The rest of an event that was launched in part, and its number of tasks; any other event as it is, and 0."""
    count = None if event is None else event.get("count", 1)
    if event is None or not launched or not isinstance(count, int) or launched >= count:
        return event, 0
    return {**event, "count": count - launched}, count - launched


def _again(event: dict[str, Any], key: str, *, rest: int, message: str, received: int) -> dict[str, Any]:
    """The event that launches this one again. It keeps its key if it has one. If nothing can have been launched in
    part, the key is made of the message's id; otherwise it is the old key, under which launched tasks are recognized.

    For a while, ECS repeats its answer to a failed call with the same key and number, so each redrive continues the
    numbers of the deliveries before it. A number that is too high does not launch twice.
    """
    if "retryOf" in event:
        retry = event["retryOf"]
        return {"retryOf": {**retry, "delivery": _number(retry, received)}} if isinstance(retry, dict) else event
    if rest:
        return {**event, "idempotencyKey": f"{key[:200]}, rest of {rest}", "delivery": min(received, MOST_DELIVERIES)}
    if "idempotencyKey" in event or event.get("count", 1) != 1:
        return {"idempotencyKey": key, **event, "delivery": _number(event, received)}
    return {**event, "idempotencyKey": f"redrive of {message}", "delivery": min(received, MOST_DELIVERIES)}


def _number(counted: Mapping[str, Any], received: int) -> int:
    own = counted.get("delivery", 1)
    return min((own if isinstance(own, int) else 1) + DELIVERED_BEFORE + received, MOST_DELIVERIES)


def _result(response: Any, condition: str) -> tuple[str, int]:
    """The reasons in the function's last answer, and how many tasks it launched."""
    said = str(cast("dict[str, Any]", response).get("errorMessage", "")) if isinstance(response, dict) else ""
    try:
        result: Any = json.loads(said)
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        return reasons, int(result["launched"])
    except (KeyError, TypeError, ValueError):
        return said or condition, 0
