"""What EventBridge Scheduler sends to a launcher, and how often: the same for a stack's schedules and one-offs. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .settings import ASYNCHRONOUS_ALIAS

RETRIES: Final = 10
"""How often Scheduler delivers again what Lambda did not accept."""
AGE_SECONDS: Final = 3600
"""How long Scheduler tries to deliver."""
SCHEDULED: Final = {
    "version": "0",
    "id": "<aws.scheduler.execution-id>",
    "source": "aws.scheduler",
    "detail-type": "Scheduled Event",
    "time": "<aws.scheduler.scheduled-time>",
    "resources": ["<aws.scheduler.schedule-arn>"],
}
"""EventBridge's own shape, with the schedule and its time, which make the idempotency key."""
LARGEST_INPUT: Final = 256 * 1024
"""Bytes of a target's input. https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html"""


def one_off_input(detail: Mapping[str, Any]) -> str:
    """The input of a schedule that delivers a launch event once."""
    text = json.dumps({**SCHEDULED, "detail": "@"}, separators=(",", ":"))
    before, _, after = text.rpartition('"@"')
    # Scheduler fills in its attributes wherever it finds them; those that a caller wrote stay as they are.
    escaped = json.dumps(detail, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
    return f"{before}{escaped}{after}"


def one_off_target(function: str, role: str, dead_letters: str, text: str) -> dict[str, Any]:
    """The target of such a schedule: the launcher's alias for callers that do not wait. `function` is its ARN
    without an alias, `role` and `dead_letters` are ARNs, `text` is the input."""
    return {
        "Arn": f"{function}:{ASYNCHRONOUS_ALIAS}",
        "RoleArn": role,
        "Input": text,
        "DeadLetterConfig": {"Arn": dead_letters},
        "RetryPolicy": {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": AGE_SECONDS},
    }
