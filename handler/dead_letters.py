"""The dead-letter queue for events that can never be launched: each event as it came, and the reasons.

What SQS does not take, it refuses; whether an event can be kept must not depend on what its caller put into it. So
every event becomes a text that SQS takes and that means the same when it is launched again.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from .awsjson import code_of
from .result import LaunchResult
from .trigger import Delivery

LARGEST_MESSAGE: Final = 1024 * 1024
"""The most bytes of a message: its body, and the name, type and value of each attribute."""
LONGEST_REASONS: Final = 1000
_REFUSED: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that SQS refuses; the halves of surrogate pairs are among them."""
_TYPE: Final = "String"


class DeadLetters:
    """Keeps events that cannot be launched. To redrive a message is to launch it again."""

    def __init__(self, queue_url: str, client: Callable[[], Any]) -> None:
        """`client` returns an SQS client; it is called only when an event is kept."""
        self._queue_url, self._client = queue_url, client

    def park(self, delivery: Delivery, result: LaunchResult) -> bool:
        """Send an event with the reasons of its result to the queue. False if it was not sent: the job has no such
        queue, the event is larger than a message, or SQS fails. Then its trigger has to keep it."""
        if not self._queue_url:
            return False
        try:
            body = text_of(delivery)
            room = LARGEST_MESSAGE - len(body.encode())
            if room < 0:
                return _not_sent(f"it has {-room} bytes more than a message", delivery)
            attributes = attributes_of(result, room=room)
            self._client().send_message(QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the trigger still has the event
            # Only the kind of error: SQS may repeat what it refuses.
            return _not_sent(code_of(error) or type(error).__name__, delivery)
        return True


def _not_sent(why: object, delivery: Delivery) -> bool:
    message = f"an event could not be sent to the dead-letter queue: {why}"
    print(json.dumps({"level": "ERROR", "message": message, "messageId": delivery.message_id}), flush=True)
    return False


def text_of(delivery: Delivery) -> str:
    """The event as a text that SQS takes: a queue's message as its sender wrote it, any other event as compact JSON.

    A character that SQS refuses is written as JSON escapes it, which means the same in JSON. Raises RecursionError for
    an event that is too deep to be written.
    """
    written = delivery.body if delivery.message_id else _json(delivery.event)
    # SQS refuses an empty body too.
    return _REFUSED.sub(lambda it: f"\\u{ord(it[0]):04x}", written) or '""'


def attributes_of(result: LaunchResult, *, room: int) -> dict[str, dict[str, str]]:
    """The message's attributes: status, id of the run, reasons. The reasons are cut to what there is room for, in
    bytes.

    None has a value of the event: the idempotency key is left out, and AWS's words have been redacted.
    """
    reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
    run = str(result.get("run", ""))
    given = {
        "status": result["status"],
        "run": run if re.fullmatch(r"[0-9a-f]{32}", run) else "",
        "reasons": re.sub(r"[^\x20-\x7e]", "?", reasons)[:LONGEST_REASONS],
    }
    attributes: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        fits = value[: max(0, room - len(name) - len(_TYPE))]
        if fits == value or (fits and name == "reasons"):
            room -= len(name) + len(_TYPE) + len(fits)
            attributes |= {name: {"DataType": _TYPE, "StringValue": fits}} if fits else {}
    return attributes


def _json(event: object) -> str:
    # SQS counts bytes: UTF-8 keeps the event about as long as it came.
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
