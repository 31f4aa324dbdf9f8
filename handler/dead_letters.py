"""The queue for what can never be launched: the launch event as it came, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .launch import LaunchResult


class DeadLetters:
    """Where nothing is lost. Redriving a message is launching it again."""

    def __init__(self, queue_url: str, client: Callable[[], Any]) -> None:
        """`client` makes an SQS client, the first time that one is needed."""
        self._queue_url, self._client = queue_url, client

    def park(self, body: str, result: LaunchResult) -> bool:
        """Keep an event with the reasons of its result; False when there is no queue for it."""
        if not self._queue_url:
            return False
        reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
        said = {"status": result["status"], "reasons": reasons, "idempotencyKey": result["idempotencyKey"]}
        attributes = {
            name: {"DataType": "String", "StringValue": re.sub(r"[^\x20-\x7e]", "?", value)[:1000]}
            for name, value in said.items()
            if value
        }
        self._client().send_message(QueueUrl=self._queue_url, MessageBody=body, MessageAttributes=attributes)
        return True
