"""A dead letter: what its message says, in the form of each sender, and why it was not launched. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from fargate_job_launcher.handler.event import Rejected as NoLaunchEvent
from fargate_job_launcher.handler.notifications import source_of
from fargate_job_launcher.handler.request import require_depth
from fargate_job_launcher.handler.trigger import identify, require_launch_event

from . import runs
from .catalogue import Job
from .hiding import hidden, hidden_text
from .times import instant


@dataclass(frozen=True)
class DeadLetter:
    """An event that was not launched, or not whole, and why."""

    id: str
    """Id of the message."""
    parked: datetime | None
    """When it was sent: to this queue or, if SQS moved it here after its last delivery, to the job's queue."""
    status: str
    """The launcher's last answer; empty if it did not say any."""
    reasons: str
    run: str
    """Id of the run of the event's key, which is in the table if the launcher has begun to launch it; empty if the
    message does not say the key."""
    event: dict[str, Any] | None
    """The launch event; None if the message has none."""
    body: str
    receipt: str

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "id": self.id,
            "parkedAt": instant(self.parked),
            "status": self.status or None,
            "ageSeconds": None if self.parked is None else round((datetime.now(UTC) - self.parked).total_seconds()),
            "reasons": self.reasons,
            "run": self.run or None,
            "event": None if self.event is None else hidden(self.event),
            "body": hidden_text(self.body),
        }


def read(message: dict[str, Any], job: Job) -> DeadLetter:
    """Read a message of any sender: the launcher, Lambda, SQS, EventBridge or Scheduler."""
    attributes = {key: str(it.get("StringValue", "")) for key, it in message.get("MessageAttributes", {}).items()}
    system, body = message.get("Attributes", {}), str(message["Body"])
    status, reasons, run = (attributes.get(it, "") for it in ("status", "reasons", "run"))
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    record = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    event: dict[str, Any] | None = None
    if "DeadLetterQueueSourceArn" in system:
        # SQS moved it here after its last delivery: as it was in the job's queue, with the same id.
        moved = {"eventSource": "aws:sqs", "messageId": message["MessageId"], "body": body}
        event, run, problem = _launch_event({"Records": [moved]}, job)
    elif status:
        event, _, problem = _launch_event(given, job)
    elif "requestPayload" in record and "requestContext" in record:
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        told: Any = record["requestContext"]
        context = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
        event, run, problem = _launch_event(record["requestPayload"], job, str(context.get("requestId", "")))
        status, reasons = _answer(record.get("responsePayload"))
        reasons = reasons or str(context.get("condition", ""))
    else:
        event, run, problem = _launch_event(given, job, str(message["MessageId"]))
        code, said = attributes.get("ERROR_CODE", ""), attributes.get("ERROR_MESSAGE", "")
        reasons = f"{code}: {said}".strip(": ")
    sent = system.get("SentTimestamp")
    return DeadLetter(
        id=message["MessageId"],
        parked=None if sent is None else datetime.fromtimestamp(int(sent) / 1000, UTC),
        status=status,
        reasons=reasons or problem or "not launched after the last delivery that the queue allows",
        run=run,
        event=event,
        body=body,
        receipt=message["ReceiptHandle"],
    )


def _launch_event(given: Any, job: Job, key: str = "") -> tuple[dict[str, Any] | None, str, str]:
    """The launch event in a trigger's event and the id of its run, or why there is none. `key` is that of an event
    without one; the id of the run is empty if it has none at all."""
    if job.settings.queue_as_payload and source_of(given) in ("S3", "SNS"):
        return {"payload": given}, "", ""
    found = identify(
        given,
        request_id=key,
        function_arn="",
        as_payload=job.settings.event_as_payload,
        queue_as_payload=job.settings.queue_as_payload,
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
    try:
        require_depth(event)
    except NoLaunchEvent as problem:
        return None, "", str(problem)
    named = str(event.get("idempotencyKey", delivery.key))
    return event, runs.of_key(job, delivery.namespace, named) if named else "", ""


def _answer(response: Any) -> tuple[str, str]:
    """Status and reasons in the function's last answer, as far as it has them."""
    said = str(cast("dict[str, Any]", response).get("errorMessage", "")) if isinstance(response, dict) else ""
    try:
        result: Any = json.loads(said)
        return str(result["status"]), "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return "", said
