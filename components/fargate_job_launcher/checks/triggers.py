"""Problems with a launcher's triggers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fargate_job_launcher import iam
from fargate_job_launcher.handler.event import Rejected
from fargate_job_launcher.handler.request import parse
from fargate_job_launcher.handler.settings import Overrides, Policy, Settings

from .kinds import json_object, outside
from .names import CONTAINER
from .queue import FEWEST_DELIVERIES, MOST_DELIVERIES
from .schedules import schedule_problems


def trigger_problems(given: Mapping[str, Any]) -> list[str]:
    """Problems with schedule, queue and event rule; the job's sizes and capacity have their defaults already."""
    schedule, queue, rule = (given.get(key, {}) for key in ("schedule", "queue", "event_rule"))
    problems = [
        *outside("schedule.flexible_window_minutes", schedule.get("flexible_window_minutes", 1), 1, 1440),
        *outside("schedule.retries", schedule.get("retries", 0), 0, 185),
        *outside("schedule.max_age_seconds", schedule.get("max_age_seconds", 60), 60, 86400),
        *outside("queue.batch_size", queue.get("batch_size", 1), 1, 10),
        *outside("queue.maximum_concurrency", queue.get("maximum_concurrency", 2), 2, 1000),
        *outside("queue.max_receive_count", queue.get("max_receive_count", 5), FEWEST_DELIVERIES, MOST_DELIVERIES),
    ]
    if schedule:
        problems += [*schedule_problems(schedule), *_scheduled_event_problems(given)]
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


def _scheduled_event_problems(given: Mapping[str, Any]) -> list[str]:
    """The reasons for which the launcher would reject the schedule's event every time."""
    text = given.get("schedule", {}).get("event", "{}")
    event = json_object(text)
    if event is None:
        return ["schedule.event: is not a JSON object"]
    overrides, zero = given.get("overrides", {}), {"cpu": 0, "memory": 0, "ephemeral_storage_gib": 0}
    sizes = {key: overrides.get(key, least) for key, least in zero.items()}
    array = overrides.get("array", {})
    declared = Overrides(
        environment=frozenset(overrides.get("environment", [])),
        command=overrides.get("command", False),
        payload=overrides.get("payload", False),
        tags=frozenset(overrides.get("tags", [])),
        capacity=frozenset(overrides.get("capacity", [])),
        max_count=overrides.get("max_count", 1),
        task_roles=dict.fromkeys(overrides.get("task_roles", {}), ""),
        array_size=array.get("max_size", 0),
        array_parallelism=array.get("max_parallelism", min(100, array.get("max_size", 0))),
        **sizes,
    )
    own = {key: given[key] for key in ("cpu", "memory", "ephemeral_storage_gib", "capacity")}
    nowhere = dict.fromkeys(
        ("job", "cluster", "task_definition", "execution_role", "task_role", "log_group", "dead_letter_queue"), ""
    )
    unrecorded = dict.fromkeys(("runs_table", "overlap", "notice_topic", "result_prefix"), "")
    settings = Settings(
        **own,
        **nowhere,
        container=CONTAINER,
        subnets=(),
        security_groups=(),
        assign_public_ip=False,
        overrides=declared,
        payload_prefix="s3://" if "payload_bucket" in given else "",
        payload_key="",
        prices=None,
        max_running=0,
        exec=False,
        event_as_payload=False,
        queue_as_payload=False,
        **unrecorded,
        keep_days=0,
        policy=Policy(0, frozenset(), 0, 0, frozenset(), frozenset()),
        log_lines=0,
        callbacks="callbacks" in given,
    )
    try:
        parse(event, settings, key="schedule")
    except Rejected as rejected:
        return [f"schedule.event: {problem}" for problem in rejected.problems]
    return []


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
