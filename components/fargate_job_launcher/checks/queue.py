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

RECOGNIZED_SECONDS: Final = 3600
"""How long ECS certainly recognizes a launch: a clientToken lives for one hour after its last task, or 24 hours.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

VISIBILITY_TIMEOUTS: Final = 6
"""A queue's visibility timeout, in timeouts of its function.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""


def batch_size(queue: Mapping[str, Any], max_count: int) -> int:
    """Messages for one invocation: ten, or fewer if one invocation cannot launch as many."""
    return queue.get("batch_size", max(1, min(10, LARGEST_COUNT // max(1, max_count))))


def deliveries(timeout_seconds: int, *, waits: bool = False) -> int:
    """How often a message may be delivered: ten times, or fewer while ECS certainly recognizes its earlier launch.

    `waits`: the launch may have to wait for others to end (max_running), and is for one task, so that it can never have
    started in part.
    """
    if waits:
        return MOST_DELIVERIES
    return max(FEWEST_DELIVERIES, min(10, 1 + RECOGNIZED_SECONDS // (VISIBILITY_TIMEOUTS * timeout_seconds)))


def redelivery_problems(queue: Mapping[str, Any], timeout_seconds: int, max_count: int) -> list[str]:
    """The problem with deliveries over more than an hour: ECS recognizes the tasks of an earlier delivery no longer."""
    most = deliveries(timeout_seconds)
    asked = queue.get("max_receive_count", most)
    if max_count == 1 or (asked - 1) * VISIBILITY_TIMEOUTS * timeout_seconds <= RECOGNIZED_SECONDS:
        return []
    return [
        f"queue.max_receive_count: {asked} deliveries, {VISIBILITY_TIMEOUTS} times function.timeout_seconds "
        f"({timeout_seconds}) apart, take longer than the hour for which ECS recognizes a launch, and a part of "
        f"overrides.max_count {max_count} tasks could start twice; at most {most}, with a timeout of at most "
        f"{RECOGNIZED_SECONDS // VISIBILITY_TIMEOUTS // (most - 1)}"
    ]
