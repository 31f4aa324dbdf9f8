"""How often a queue's messages are delivered, and how many at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .overrides import LARGEST_COUNT

MOST_DELIVERIES: Final = 1000
FEWEST_DELIVERIES: Final = 5
"""The fewest deliveries of a message before it is a dead letter: with fewer, a function that is only busy loses it.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

VISIBILITY_TIMEOUTS: Final = 6
"""A queue's visibility timeout, in timeouts of its function.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""


def batch_size(queue: Mapping[str, Any], max_count: int) -> int:
    """Messages for one invocation: ten, or fewer if one invocation cannot launch as many."""
    return queue.get("batch_size", max(1, min(10, LARGEST_COUNT // max(1, max_count))))


def deliveries(*, waits: bool = False) -> int:
    """How often a message may be delivered: ten times, or a thousand times, which takes days, if its launch may have to
    wait for others to end (max_running)."""
    return MOST_DELIVERIES if waits else 10
