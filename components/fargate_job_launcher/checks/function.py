"""Problems with the launcher's function, and how much it does in one invocation. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fargate_job_launcher.handler import fargate

from .kinds import outside
from .queue import batch_size


def function_problems(function: Mapping[str, Any], max_count: int, queue: Mapping[str, Any] | None) -> list[str]:
    """Problems with `function`, which has to launch `max_count` tasks for an event, and for each message of a batch."""
    problems = outside("function.timeout_seconds", function.get("timeout_seconds", 60), 30, 900)
    problems += outside("function.memory_mib", function.get("memory_mib", 512), 128, 10240)
    problems += outside(
        "function.reserved_concurrency", function.get("reserved_concurrency", 1), 1, 1000, unlimited="none reserved"
    )
    least = seconds_to_launch(max_count, queue)
    if not problems and function.get("timeout_seconds", least) < least:
        batch = "" if queue is None else f" in a batch of {batch_size(queue, max_count)}"
        problems.append(
            f"function.timeout_seconds: {function['timeout_seconds']} is too short for overrides.max_count "
            f"{max_count}{batch}: Fargate starts {fargate.LAUNCHES_PER_SECOND} tasks a second; give it {least} or "
            "leave it out"
        )
    for one, other in (("subnet_ids", "security_group_ids"), ("code_signing_config_arn", "signed_code")):
        if (one in function) != (other in function):
            problems.append(f"function.{one}: needs function.{other}; give both or leave both out")
    return problems


def seconds_to_launch(max_count: int, queue: Mapping[str, Any] | None) -> int:
    """The function's timeout in seconds, for all tasks that one invocation may launch: 60, plus the wait for Fargate's
    rate."""
    count = max_count if queue is None else max_count * batch_size(queue, max_count)
    return 60 + max(0, -(-(count - fargate.LAUNCH_BURST) // fargate.LAUNCHES_PER_SECOND))
