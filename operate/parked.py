"""A job's dead letters: events that could not be launched, shown and launched again. None is lost, and no task is
launched twice.

A message is deleted only after the launcher has answered that its tasks are launched, or has recorded that they were.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from fargate_job_launcher.handler.event import Rejected as NoLaunchEvent
from fargate_job_launcher.handler.notifications import source_of
from fargate_job_launcher.handler.run import ENDED, Item, missing
from fargate_job_launcher.handler.trigger import identify, require_launch_event

from . import runs
from .catalogue import Job
from .errors import JobError, Rejected
from .launching import invoke

HELD_SECONDS: Final = 300
"""How long other consumers do not see the messages that are read here; afterwards they are visible again at once."""
WAIT_SECONDS: Final = 2
"""With a wait, SQS queries all of its servers; without one, its answer can leave messages out."""
AT_ONCE: Final = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""


@dataclass(frozen=True)
class DeadLetter:
    """An event that was not launched, or not whole, and why."""

    id: str
    """Id of the message."""
    parked: datetime | None
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
            "parkedAt": None if self.parked is None else self.parked.isoformat(),
            "status": self.status or None,
            "reasons": self.reasons,
            "run": self.run or None,
            "event": self.event,
            "body": self.body,
        }


@dataclass(frozen=True)
class Redriven:
    """The launch of a dead letter that has left the queue."""

    status: str
    """LAUNCHED, DUPLICATE if its tasks had been launched before, or WAITING."""
    run: str
    """Id of the run that has the tasks."""
    tasks: list[str]
    """Ids of the tasks."""


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
                    MessageSystemAttributeNames=["SentTimestamp", "DeadLetterQueueSourceArn"],
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
    system, body = message.get("Attributes", {}), str(message["Body"])
    status, reasons, run = (attributes.get(it, "") for it in ("status", "reasons", "run"))
    try:
        given: Any = json.loads(body)
    except ValueError:
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
        context = record["requestContext"]
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


def redrive(job: Job, letter: DeadLetter) -> Redriven:
    """Launch what an event's run still lacks and delete its message.

    Raises the errors of `launching.invoke`, and JobError if it is not known yet what the run has launched or if the
    launcher skips the launch; the message then stays.
    """
    if letter.event is None:
        raise Rejected(job.name, [letter.reasons])
    # The run of a conflict is that of another request.
    begun = runs.read(job, letter.run) if letter.run and letter.status != "CONFLICT" else None
    if begun is not None and not missing(begun, ""):
        done = Redriven("DUPLICATE", begun["run"], list(begun["tasks"]))
    else:
        result = invoke(job, _again(job, letter, begun), repeatable=False).result
        if result["status"] == "SKIPPED":
            raise JobError(f"{job.name} runs already, and its `overlap` is skip", "Redrive it when the job has ended")
        done = Redriven(result["status"], result["run"], [it["id"] for it in result["tasks"]])
    delete(job, [letter])
    return done


def delete(job: Job, letters: Iterable[DeadLetter]) -> None:
    """Delete these messages permanently."""
    with job.account.asking():
        for letter in letters:
            job.account.client("sqs").delete_message(QueueUrl=queue_url(job), ReceiptHandle=letter.receipt)


def _again(job: Job, letter: DeadLetter, begun: Item | None) -> dict[str, Any]:
    """The launch event of a redrive. Its key is the same for each redrive of the letter: the launcher continues what an
    earlier one has begun."""
    event, own = letter.event or {}, str((letter.event or {}).get("idempotencyKey", ""))
    if begun is None:
        if letter.status == "PARTIAL":
            raise JobError(
                f"some of its tasks were launched, and the table has no run {letter.run} any more that says how many",
                f"Launch the rest: fargate-job launch {job.name}; then delete the message",
            )
        # Nothing is launched under a key of its own either, unless it belongs to another request.
        kept = own if letter.status != "CONFLICT" else ""
        return {**event, "idempotencyKey": _key(job, f"redrive of message {letter.id}", kept)}
    if begun["trigger"] == "call":
        # The launcher continues the run itself.
        return {**event, "idempotencyKey": _key(job, f"redrive of message {letter.id}", begun["key"])}
    launch = begun["launch"]
    under_way = launch["open"] or launch["lease"] > time.time() or "accepted" in begun
    if begun["state"] not in ENDED and under_way:
        raise JobError(
            f"what run {begun['run']} of {job.name} launches is not known yet",
            "Redrive it again in a quarter of an hour: the supervisor finds out",
        )
    key = _key(job, f"redrive of run {begun['run']}")
    earlier = runs.read(job, runs.of_key(job, "call", key))
    # An earlier redrive of it goes on as it began.
    rest = missing(begun, "") if earlier is None else earlier["requested"]
    return {**event, "idempotencyKey": key, "count": rest}


def _key(job: Job, name: str, first: str = "") -> str:
    """The key of a redrive: `first`, or one of this name. A key whose launch was skipped is used up."""

    def series(number: int) -> str:
        own = number - bool(first)
        return first if own == 0 else name if own == 1 else f"{name}, {own}"

    return runs.unused_key(job, series, lambda it: it["state"] == "SKIPPED")


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
    named = str(event.get("idempotencyKey", delivery.key))
    return event, runs.of_key(job, delivery.namespace, named) if named else "", ""


def _answer(response: Any) -> tuple[str, str]:
    """Status and reasons in the function's last answer, as far as it has them."""
    said = str(cast("dict[str, Any]", response).get("errorMessage", "")) if isinstance(response, dict) else ""
    try:
        result: Any = json.loads(said)
        return str(result["status"]), "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
    except (KeyError, TypeError, ValueError):
        return "", said
