"""Problems with a launcher's schedules: their names, their times and the events that they send. Pure.

schedules.py has the grammar of an expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fargate_job_launcher.handler.arrays import LARGEST
from fargate_job_launcher.handler.event import Rejected
from fargate_job_launcher.handler.request import parse
from fargate_job_launcher.handler.settings import VARIABLE, Settings

from .kinds import json_object, outside
from .names import CONTAINER, PULUMI_ADDS
from .overrides import override_settings
from .schedules import schedule_problems

ONLY_SCHEDULE: Final = "schedule"
"""Name of the schedule of the argument `schedule`."""
LONGEST_NAME: Final = 64
"""The most characters of a schedule's name in AWS.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""


def resource_name(job: str, schedule: str) -> str:
    """Pulumi's name of a schedule's resource. The dot, which no job's name has, keeps the names of two jobs apart."""
    return f"{job}-{schedule}" if schedule == ONLY_SCHEDULE else f"{job}.{schedule}"


def schedules_of(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schedule of a job, with the path of its argument."""
    if "schedule" in given:
        yield "schedule", given["schedule"]
    for name, schedule in given.get("schedules", {}).items():
        yield f"schedules.{name}", schedule


def schedules_problems(job: Any, given: Mapping[str, Any]) -> Iterator[str]:
    """Problems with `schedule` and `schedules`; the job's sizes and capacity have their defaults already."""
    for name in given.get("schedules", {}):
        yield from _name_problems(job, name)
    if "schedule" in given and ONLY_SCHEDULE in given.get("schedules", {}):
        yield (
            f"schedules.{ONLY_SCHEDULE}: is the name of the schedule in the argument schedule; give this one another "
            "name, or leave the argument schedule out"
        )
    for path, schedule in schedules_of(given):
        window = schedule.get("flexible_window_minutes", 1)
        yield from outside(f"{path}.flexible_window_minutes", window, 1, 1440, unlimited="none")
        yield from outside(f"{path}.retries", schedule.get("retries", 0), 0, 185)
        yield from outside(f"{path}.max_age_seconds", schedule.get("max_age_seconds", 60), 60, 86400)
        yield from schedule_problems(path, schedule)
        yield from _event_problems(path, schedule, given)


def _name_problems(job: Any, name: str) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        yield (
            f"schedules.{name}: {name!r} is not the name of a schedule; use a lower-case letter followed by at most 30 "
            "lower-case letters, digits and hyphens"
        )
        return
    whole, longest = resource_name(str(job), name), LONGEST_NAME - PULUMI_ADDS
    if len(whole) > longest:
        yield (
            f"schedules.{name}: in AWS the name begins with {whole!r}, {len(whole)} characters, at most {longest} are "
            f"possible (Pulumi adds {PULUMI_ADDS}, and Scheduler ends a name at {LONGEST_NAME}); shorten it by "
            f"{len(whole) - longest}, or the job's name"
        )


def _event_problems(path: str, schedule: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """The reasons for which the launcher would reject the schedule's event every time."""
    event = json_object(schedule.get("event", "{}"))
    if event is None:
        yield f"{path}.event: is not a JSON object"
        return
    try:
        parse(event, Settings.read({VARIABLE: json.dumps(_settings(given))}), key="schedule")
    except Rejected as rejected:
        yield from (f"{path}.event: {problem}" for problem in rejected.problems)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the function will have, as far as a launch event is checked by them."""
    overrides: dict[str, Any] = {**given.get("overrides", {})}
    if "array" in overrides:
        overrides["array"] = {"max_size": LARGEST, **overrides["array"]}
    # Only an alias can be in an event; its role may not be known yet.
    overrides["task_roles"] = dict.fromkeys(overrides.get("task_roles", {}), "")
    texts = ("job", "cluster", "taskDefinition", "executionRole", "taskRole", "logGroup", "deadLetterQueue")
    return {
        **dict.fromkeys((*texts, "payloadKey", "overlap", "noticeTopic", "resultPrefix"), ""),
        **dict.fromkeys(("assignPublicIp", "exec", "eventAsPayload", "queueAsPayload"), False),
        **{"container": CONTAINER, "subnets": [], "securityGroups": [], "maxRunning": 0, "logLines": 0},
        "cpu": given["cpu"],
        "memory": given["memory"],
        "ephemeralStorageGib": given["ephemeral_storage_gib"],
        "capacity": given["capacity"],
        "overrides": override_settings(overrides),
        "payloadPrefix": "s3://" if "payload_bucket" in given else "",
        "prices": None,
        "runs": {"table": "", "keepDays": 0},
        "policy": {
            **dict.fromkeys(("retries", "maxRuntimeMinutes", "startTimeoutMinutes"), 0),
            **dict.fromkeys(("retryOn", "retryExitCodes", "neverRetryExitCodes"), ()),
        },
        "callbacks": "callbacks" in given,
    }
