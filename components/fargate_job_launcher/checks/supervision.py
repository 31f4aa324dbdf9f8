"""Problems with the supervision of a job after its launch. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher import iam
from fargate_job_launcher.handler.outcome import KINDS

from .kinds import outside

RETRYABLE: Final = tuple(kind for kind in KINDS if kind not in ("succeeded", "stopped"))


def supervision_problems(given: Mapping[str, Any]) -> list[str]:
    """Problems with `supervision`, `max_running` and `alarms`."""
    supervision, alarms = given.get("supervision", {}), given.get("alarms", {})
    problems = [
        *outside("supervision.max_runtime_minutes", supervision.get("max_runtime_minutes", 1), 1, 20160),
        *outside("supervision.retries", supervision.get("retries", 0), 0, 10),
        *outside("max_running", given.get("max_running", 1), 1, 5000),
        *outside("alarms.max_job_minutes", alarms.get("max_job_minutes", 1), 1, 20160),
    ]
    for kind in supervision.get("retry_on", []):
        if kind not in RETRYABLE:
            problems.append(f"supervision.retry_on: {kind!r} is unknown; allowed: {', '.join(RETRYABLE)}")
    for path, topic in (("supervision", supervision.get("topic_arn")), ("alarms", alarms.get("topic_arn"))):
        if isinstance(topic, str) and not iam.is_topic_arn(topic):
            problems.append(
                f"{path}.topic_arn: {topic!r} is not the ARN of a topic; it looks like "
                "arn:aws:sns:eu-west-1:123456789012:NAME (a FIFO topic cannot take notices)"
            )
    if "max_job_minutes" in alarms and "supervision" not in given:
        problems.append("alarms.max_job_minutes: needs supervision, which measures how long a job took")
    largest = given.get("overrides", {}).get("max_count", 1)
    if given.get("max_running", largest) < largest:
        problems.append(
            f"max_running: {given['max_running']} is less than overrides.max_count {largest}: such a launch never runs"
        )
    return problems
