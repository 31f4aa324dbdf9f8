"""The dead-letter queue for events that can never be launched: each event as it came, and the reasons."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .result import LaunchResult


class DeadLetters:
    """Keeps events that cannot be launched. To redrive a message is to launch it again."""

    def __init__(self, queue_url: str, client: Callable[[], Any]) -> None:
        """`client` returns an SQS client; it is called only when an event is kept."""
        self._queue_url, self._client = queue_url, client

    def park(self, body: str, result: LaunchResult) -> bool:
        """Send an event with the reasons of its result to the queue; False if the job has no such queue."""
        if not self._queue_url:
            return False
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        values = {"status": result["status"], "reasons": reasons, "idempotencyKey": result["idempotencyKey"]}
        attributes = {
            name: {"DataType": "String", "StringValue": re.sub(r"[^\x20-\x7e]", "?", value)[:1000]}
            for name, value in values.items()
            if value
        }
        self._client().send_message(QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes)
        return True
