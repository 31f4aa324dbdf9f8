"""Limits and problems that several checks share. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher import iam

from .choices import LOG_RETENTION_DAYS

LARGEST_DEFINITION: Final = 65_536
"""The most bytes of a task definition. https://github.com/awsdocs/amazon-ecs-developer-guide/pull/149"""


def outside(key: str, value: int, least: int, most: int, *, unlimited: str = "") -> list[str]:
    """The problem with a number outside its range; empty when it is inside. `unlimited` says what there is without the
    argument, for one whose 0 means that."""
    if least <= value <= most:
        return []
    none = f"; for {unlimited}, leave it out" if value == 0 and unlimited else ""
    return [f"{key}: {value} is not between {least} and {most}{none}"]


def retention_problems(key: str, days: int) -> list[str]:
    """The problem with a retention that CloudWatch Logs does not accept; empty when it does."""
    if days in LOG_RETENTION_DAYS:
        return []
    allowed = ", ".join(map(str, LOG_RETENTION_DAYS))
    return [f"{key}: {days!r} is not a period of CloudWatch Logs; allowed: {allowed}"]


def json_object(text: str) -> dict[str, Any] | None:
    """The object that this JSON text holds; None when it is not a JSON object."""
    try:
        found = json.loads(text)
    except (RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def policy_problems(key: str, text: str) -> list[str]:
    """The problem with a text that is not an IAM policy with statements, as JSON; empty when it is one."""
    document = json_object(text)
    if document is None or not isinstance(document.get("Statement", []), list | dict):
        return [f'{key}: is not the JSON of an IAM policy: {{"Version": "2012-10-17", "Statement": […]}}']
    if not document.get("Statement"):
        return [f"{key}: has no Statement, which IAM requires; to allow nothing, leave the argument out"]
    return []


def topic_problems(key: str, arn: Any) -> list[str]:
    """The problem with a topic that cannot take notices or alarms; empty for one that can, and for none."""
    if not isinstance(arn, str) or iam.is_topic_arn(arn):
        return []
    return [
        f"{key}: {arn!r} is not the ARN of a topic; it looks like "
        "arn:aws:sns:eu-west-1:123456789012:NAME (a FIFO topic cannot take notices)"
    ]


def role_path_problems(given: Mapping[str, Any]) -> list[str]:
    """The problem with the `role_path` of these arguments; empty when IAM accepts it."""
    path = given.get("role_path", "/")
    if re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", path):
        return []
    return [f"role_path: {path!r} does not begin and end with a slash, such as /jobs/"]


def boundary_problems(given: Mapping[str, Any]) -> list[str]:
    """The problem with the `permissions_boundary_arn` of these arguments; empty when it is a policy's."""
    boundary = given.get("permissions_boundary_arn")
    if not isinstance(boundary, str) or iam.is_policy_arn(boundary):
        return []
    return [
        f"permissions_boundary_arn: {boundary!r} is not the ARN of a policy; it looks like "
        "arn:aws:iam::123456789012:policy/NAME"
    ]
