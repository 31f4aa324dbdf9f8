"""A job's dead letters: what could never be launched, looked at and launched again. None is ever lost.

A message is deleted once the launcher has said that its tasks are there, and not before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from fargate_job_launcher.handler.notifications import source_of
from fargate_job_launcher.handler.request import MOST_DELIVERIES
from fargate_job_launcher.handler.request import Rejected as NoLaunchEvent
from fargate_job_launcher.handler.trigger import identify, problem_of

from .catalogue import Job
from .errors import JobError, Rejected
from .launching import Launch, invoke

HELD_SECONDS: Final = 300
"""How long others do not see the messages that are being looked at; they are given back at once afterwards."""
WAIT_SECONDS: Final = 2
"""SQS asks all of its servers when it may wait: without, an answer may leave messages out."""
DELIVERED_BEFORE: Final = 10
"""As often as a trigger delivers an event, unless a queue's owner asked for more, before it becomes a dead letter."""
AT_ONCE: Final = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""


@dataclass(frozen=True)
class DeadLetter:
    """A launch event that was never launched, and why."""

    id: str
    """The message's."""
    parked: datetime | None
    reasons: str
    event: dict[str, Any] | None
    """The launch event in it, of one that was launched in part the rest; None where there is none."""
    again: dict[str, Any]
    """What it is launched again with: the event with a key, and counted past the deliveries already made."""
    launched: int
    """How many of its tasks were launched all the same."""
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
    """The job's dead-letter queue. Raises JobError when it has none."""
    if not job.settings.dead_letter_queue:
        raise JobError(
            f"{job.name} has no dead-letter queue",
            "It has no callers who do not wait: `asynchronous`, `schedule`, `queue` or `event_rule` bring one",
        )
    return job.settings.dead_letter_queue


def waiting(job: Job) -> int | None:
    """About how many there are; None where the job has no such queue."""
    if not job.settings.dead_letter_queue:
        return None
    name = "ApproximateNumberOfMessages"
    with job.account.asking():
        client = job.account.client("sqs")
        found = client.get_queue_attributes(QueueUrl=job.settings.dead_letter_queue, AttributeNames=[name])
    return int(found["Attributes"][name])


@contextmanager
def dead_letters(job: Job) -> Generator[list[DeadLetter]]:
    """All of the job's dead letters, kept from everybody else until the block is left."""
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
                # Those that were deleted meanwhile fail here one by one, which is as it should be.
                entries = [
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(receipts[start : start + AT_ONCE])
                ]
                sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def read(message: dict[str, Any], job: Job) -> DeadLetter:
    """What a message says, whoever put it there: the launcher, Lambda, SQS, EventBridge or Scheduler."""
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
        reasons=reasons or problem or "delivered as often as the queue allows, never launched",
        event=event,
        again=_again(event or {}, own_key, rest=rest, message=str(message["MessageId"]), received=received),
        launched=launched,
        body=body,
        receipt=message["ReceiptHandle"],
    )


def redrive(job: Job, letter: DeadLetter) -> Launch:
    """Launch it again and delete it. Raises Rejected, NotLaunched and what else `invoke` raises; it then stays."""
    if letter.event is None:
        raise Rejected(job.name, [letter.reasons])
    launched = invoke(job, letter.again)
    delete(job, [letter])
    return launched


def delete(job: Job, letters: Iterable[DeadLetter]) -> None:
    """Delete these for good."""
    with job.account.asking():
        for letter in letters:
            job.account.client("sqs").delete_message(QueueUrl=queue_url(job), ReceiptHandle=letter.receipt)


def _launch_event(given: Any, job: Job, *, key: str) -> tuple[dict[str, Any] | None, str, str]:
    """The launch event in a trigger's event and the key that it was launched under, or why there is none."""
    if job.settings.queue_as_payload and source_of(given) in ("S3", "SNS"):
        return {"payload": given}, key, ""
    found = identify(
        given, request_id=key, function_arn="", trace_id="", now=time.time(), as_payload=job.settings.event_as_payload
    )
    if len(found.deliveries) != 1:
        return None, "", "it holds several messages, not one launch event"
    (delivery,) = found.deliveries
    try:
        problem_of(delivery)
    except NoLaunchEvent as problem:
        return None, "", str(problem)
    if not isinstance(delivery.event, dict):
        return None, "", "it holds no launch event: a JSON object is expected"
    event = cast("dict[str, Any]", delivery.event)
    return event, str(event.get("idempotencyKey", delivery.key))[:256], ""


def _rest(event: dict[str, Any] | None, launched: int) -> tuple[dict[str, Any] | None, int]:
    """What is left to launch of an event that was launched in part, and how many that is; 0 of any other."""
    count = None if event is None else event.get("count", 1)
    if event is None or not launched or not isinstance(count, int) or launched >= count:
        return event, 0
    return {**event, "count": count - launched}, count - launched


def _again(event: dict[str, Any], key: str, *, rest: int, message: str, received: int) -> dict[str, Any]:
    """The event that launches this one again. A key of its own stays. Where nothing can have been launched in part, the
    key is the message's; otherwise it is the old one, under which what is there is recognized.

    ECS gives what failed under a key before the same answer again for a while, so that each redrive counts on from the
    deliveries before it; an attempt too many is never made twice.
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
    """What the function's last answer says: the reasons, and how many tasks it launched."""
    said = str(cast("dict[str, Any]", response).get("errorMessage", "")) if isinstance(response, dict) else ""
    try:
        result: Any = json.loads(said)
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        return reasons, int(result["launched"])
    except (KeyError, TypeError, ValueError):
        return said or condition, 0
