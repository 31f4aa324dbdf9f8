"""Problems with a launcher's triggers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fargate_job_launcher import iam

from .kinds import json_object, outside
from .queue import FEWEST_DELIVERIES, MOST_DELIVERIES


def trigger_problems(given: Mapping[str, Any]) -> list[str]:
    """Problems with queue and event rule. scheduled.py has those with schedules."""
    queue, rule = (given.get(key, {}) for key in ("queue", "event_rule"))
    problems = [
        *outside("queue.batch_size", queue.get("batch_size", 1), 1, 10),
        *outside(
            "queue.maximum_concurrency", queue.get("maximum_concurrency", 2), 2, 1000, unlimited="Lambda's own limit"
        ),
        *outside("queue.max_receive_count", queue.get("max_receive_count", 5), FEWEST_DELIVERIES, MOST_DELIVERIES),
    ]
    if isinstance(rule.get("pattern"), str):
        problems += _pattern_problems(rule["pattern"])
    if rule.get("as_payload") and not given.get("overrides", {}).get("payload"):
        problems.append("event_rule.as_payload: needs overrides.payload: the event is the job's payload")
    return problems + _queue_problems(queue, given)


def _queue_problems(queue: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Problems with the queue's sources and its messages."""
    problems = list[str]()
    if queue.get("as_payload") and not given.get("overrides", {}).get("payload"):
        problems.append("queue.as_payload: needs overrides.payload: the message is the job's payload")
    for index, arn in enumerate(queue.get("sources", [])):
        if isinstance(arn, str) and not iam.is_sender_arn(arn):
            problems.append(
                f"queue.sources[{index}]: {arn!r} is not the ARN of an S3 bucket, an SNS topic or an EventBridge rule, "
                "such as arn:aws:s3:::BUCKET; others send with sqs:SendMessage in a policy of their own role"
            )
    return problems


def _pattern_problems(text: str) -> list[str]:
    """An event rule's pattern: an object whose values are lists, at every depth.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    pattern = json_object(text)
    if pattern is None:
        return ["event_rule.pattern: is not a JSON object"]
    problems, open_objects = list[str](), [("", pattern)]
    while open_objects:
        path, entries = open_objects.pop(0)
        if not entries:
            problems.append(f"event_rule.pattern{path}: is empty and would match nothing; name what launches the job")
        for key, value in entries.items():
            at = f"{path}.{key}"
            if isinstance(value, dict):
                open_objects.append((at, value))
            elif key == "$or" and isinstance(value, list):
                for it in cast("list[Any]", value):
                    if isinstance(it, dict):
                        open_objects.append((at, cast("dict[str, Any]", it)))
                    else:
                        problems.append(f"event_rule.pattern{at}: {it!r} is not an object")
            elif not isinstance(value, list) or not value:
                problems.append(f"event_rule.pattern{at}: {value!r} is not a list of allowed values, as [{value!r}]")
    return problems
