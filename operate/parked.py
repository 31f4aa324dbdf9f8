"""A job's dead letters: events that could not be launched; read, launched again as they are or edited, or discarded.

None is lost, and no task is launched twice. A message is deleted only after the launcher has answered that its tasks
are launched, or has recorded that they were; after a redrive that is cut off before that, the message is still there.
Each message has one key for its redrives and one for its edits, the same for every caller: a launch that was begun is
continued and not repeated.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError
from fargate_job_launcher.handler.run import ENDED, Item, missing
from fargate_job_launcher.handler.trigger import identify

from . import runs
from .catalogue import Job
from .errors import Conflict, JobError, Rejected, picked
from .launching import invoke
from .letters import DeadLetter, read

HELD_SECONDS: Final = 300
"""How long other consumers do not see the messages that are read here; afterwards they are visible again at once."""
WAIT_SECONDS: Final = 2
"""With a wait, SQS queries all of its servers; without one, its answer can leave messages out."""
EDIT: Final = "edit of message"
"""The beginning of the key of an edit."""
AT_ONCE: Final = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""


@dataclass(frozen=True)
class Redriven:
    """The launch of a dead letter that has left the queue."""

    status: str
    """LAUNCHED, DUPLICATE if its tasks had been launched before, WAITING, or SCHEDULED for a later time."""
    run: str
    """Id of the run that has the tasks."""
    tasks: list[str]
    """Ids of the tasks."""
    key: str
    """Key of the run's launch."""


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


def held_elsewhere(job: Job, ours: int) -> int:
    """About how many dead letters another reader holds at this moment, besides `ours`. They are shown again when it is
    done with them, or five minutes later."""
    name = "ApproximateNumberOfMessagesNotVisible"
    with job.account.asking():
        client = job.account.client("sqs")
        found = client.get_queue_attributes(QueueUrl=queue_url(job), AttributeNames=[name])
    return max(0, int(found["Attributes"][name]) - ours)


def chosen(job: Job, wanted: Iterable[str], among: Sequence[DeadLetter]) -> list[DeadLetter]:
    """The dead letters with these ids, or beginnings of ids. Raises NoSuchDeadLetter."""
    return picked(job.name, "dead letter", wanted, among, lambda it: it.id)


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


def redrive(job: Job, letter: DeadLetter) -> Redriven:
    """Launch what an event's run still lacks and delete its message.

    Raises the errors of `launching.invoke`, and JobError if it is not known yet what the run has launched or if the
    launcher skips the launch; the message then stays.
    """
    begun = _begun(job, letter)
    event = _still(job, letter, begun)
    if begun is not None and event is None:
        _delete(job, letter, begun["run"])
        return Redriven("DUPLICATE", begun["run"], list(begun["tasks"]), begun["key"])
    return _launched(job, letter, event or {})


def redrive_event(job: Job, letter: DeadLetter) -> dict[str, Any] | None:
    """The launch event that `redrive` sends now; None if all of its tasks have been launched before. Raises as
    `redrive` does before it sends anything."""
    return _still(job, letter, _begun(job, letter))


def _begun(job: Job, letter: DeadLetter) -> Item | None:
    """The run that a letter's event has begun. The run of a conflict is that of another request."""
    return runs.read(job, letter.run) if letter.run and letter.status != "CONFLICT" else None


def _still(job: Job, letter: DeadLetter, begun: Item | None) -> dict[str, Any] | None:
    if letter.event is None:
        raise Rejected(job.name, [letter.reasons])
    return None if begun is not None and not missing(begun, "") else _again(job, letter, begun)


def edit(job: Job, letter: DeadLetter, event: Mapping[str, Any]) -> Redriven:
    """Launch an edited launch event in place of a dead letter's, whole, and delete the message.

    The edited event is another request, so the key of the event as it was stays with that. It gets a key of its own,
    the same for every edit of this message: once an edit has launched, a different one is a Conflict. A key that the
    edit itself adds or changes is used as it is.

    Raises Rejected if the launcher, which checks it before it launches, does not accept it, JobError if the event as it
    was has been launched in part, and as `redrive` does; the message then stays.
    """
    begun = _begun(job, letter)
    done = begun is not None and (begun["tasks"] or begun["launch"]["open"] or begun["state"] not in ENDED)
    if letter.status == "PARTIAL" or done:
        raise JobError(
            f"run {letter.run} of {job.name} has launched tasks for this dead letter, or may yet: an edit would launch "
            "them once more",
            f"Launch the rest: fargate-job dead-letters redrive {job.name} {letter.id}",
        )
    _require_launch_event(job, event)
    wanted, own = dict(event), (letter.event or {}).get("idempotencyKey")
    if wanted.get("idempotencyKey", own) == own:
        wanted["idempotencyKey"] = edit_key(job, letter)
    try:
        return _launched(job, letter, wanted)
    except Conflict as error:
        if str(wanted["idempotencyKey"]).startswith(f"{EDIT} {letter.id}"):
            error.also(
                f"Another edit of this message is launched already (run {error.result['run']}); to delete the message: "
                f"fargate-job dead-letters discard {job.name} {letter.id}"
            )
        raise


def _require_launch_event(job: Job, event: Mapping[str, Any]) -> None:
    """Raise JobError for what the launcher would not read as one launch."""
    given = job.settings
    found = identify(
        dict(event),
        request_id="",
        function_arn="",
        as_payload=given.event_as_payload,
        queue_as_payload=given.queue_as_payload,
    )
    if found.kind != "direct":
        raise JobError(
            "the edited event has the form of a trigger's event", "Write the launch event itself, such as its `detail`"
        )
    if event.get("dryRun"):
        raise JobError("dryRun: the edited event would launch nothing, and its message would be gone", "Leave it out")


def edit_key(job: Job, letter: DeadLetter) -> str:
    """The key of every edit of a dead letter. One whose launch ended without a task is used up."""

    def series(number: int) -> str:
        return f"{EDIT} {letter.id}" + (f", {number}" if number > 1 else "")

    return runs.unused_key(job, series, lambda it: it["state"] in ENDED and not it["tasks"])


def _launched(job: Job, letter: DeadLetter, event: dict[str, Any]) -> Redriven:
    """Launch an event, then delete its message."""
    result = invoke(job, event, repeatable=False).result
    if result["status"] == "SKIPPED":
        raise JobError(f"{job.name} runs already, and its `overlap` is skip", "Try it again when the job has ended")
    _delete(job, letter, result["run"])
    return Redriven(result["status"], result["run"], [it["id"] for it in result["tasks"]], result["idempotencyKey"])


def _delete(job: Job, letter: DeadLetter, run: str) -> None:
    """Delete the message of an event that is launched."""
    try:
        with job.account.asking():
            try:
                job.account.client("sqs").delete_message(QueueUrl=queue_url(job), ReceiptHandle=letter.receipt)
            except ClientError as error:
                # Somebody has deleted it meanwhile, or reads it now, and then finds it launched.
                if error.response.get("Error", {}).get("Code") != "ReceiptHandleIsInvalid":
                    raise
    except JobError as error:
        again = f"fargate-job dead-letters redrive {job.name} {letter.id}"
        error.also(f"Run {run} is launched, and the message is still there; this deletes it: {again}")
        raise


def discard(job: Job, letters: Iterable[DeadLetter]) -> None:
    """Delete these messages permanently; what they asked for is not launched."""
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
                f"Launch the rest: fargate-job launch {job.name}; then delete the message: fargate-job dead-letters "
                f"discard {job.name} {letter.id}",
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
