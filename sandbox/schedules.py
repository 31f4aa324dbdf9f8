"""Schedule expressions as EventBridge and EventBridge Scheduler take them; the emulator takes nearly any. Pure."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Any

from dateutil.zoneinfo import get_zonefile_instance
from fargate_job_launcher.checks.schedules import expression_problem


def rule_refusal(parameters: Mapping[str, Any]) -> str | None:
    """EventBridge's words against the schedule of a PutRule; None when it takes it.

    https://github.com/buildkite/buildkite-agent-scaler/pull/100 has them, and the plural that is asked for.
    """
    expression = parameters.get("ScheduleExpression") or ""
    plural = re.fullmatch(r"rate\((\d+) \w+?(s?)\)", expression)
    one_as_many = plural is not None and (int(plural[1]) == 1) is bool(plural[2])
    if expression and (one_as_many or expression.startswith("at(") or expression_problem(expression)):
        return "Parameter ScheduleExpression is not valid."
    return None


def schedule_refusal(parameters: Mapping[str, Any]) -> str | None:
    """Scheduler's words against a CreateSchedule or an UpdateSchedule; None when it takes it.

    It takes `1 minutes` as well as `1 minute`: its page shows plurals only, its API names both.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    """
    expression, zone = parameters.get("ScheduleExpression") or "", parameters.get("ScheduleExpressionTimezone")
    if expression and expression_problem(expression):
        # https://github.com/localstack/localstack/issues/9284
        return f"Invalid Schedule Expression {expression}."
    if zone and zone not in _zones():
        return f"Invalid Schedule Expression Timezone {zone}."
    return None


@cache
def _zones() -> frozenset[str]:
    """IANA's: a machine may have none of its own, and those of dateutil, which botocore needs, are older."""
    return frozenset(zoneinfo.available_timezones()) | frozenset(get_zonefile_instance().zones)
