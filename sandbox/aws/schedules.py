"""Schedule expressions as EventBridge and EventBridge Scheduler take them; the emulator takes nearly any. Pure."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Any

from dateutil.zoneinfo import get_zonefile_instance
from fargate_job_launcher.checks.schedules import NO_ZONES, expression_problem

from .rows import refuse


def hold_rule(parameters: Mapping[str, Any]) -> None:
    """Hold the schedule of a PutRule against what EventBridge takes. Raises Refused."""
    expression = parameters.get("ScheduleExpression") or ""
    plural = re.fullmatch(r"rate\((\d+) \w+?(s?)\)", expression)
    one_as_many = plural is not None and (int(plural[1]) == 1) is bool(plural[2])
    if expression and (one_as_many or expression.startswith("at(") or expression_problem(expression)):
        refuse("events.PutRule.ScheduleExpression")


def hold_schedule(operation: str, parameters: Mapping[str, Any]) -> None:
    """Hold a CreateSchedule or an UpdateSchedule against what Scheduler takes. Raises Refused.

    It takes `1 minutes` as well as `1 minute`: its page shows plurals only, its API names both.
    """
    expression, zone = parameters.get("ScheduleExpression") or "", parameters.get("ScheduleExpressionTimezone")
    if expression and expression_problem(expression):
        refuse(f"scheduler.{operation}.ScheduleExpression", expression=expression)
    if zone and zone not in _zones():
        refuse(f"scheduler.{operation}.ScheduleExpressionTimezone", zone=zone)


@cache
def _zones() -> frozenset[str]:
    """IANA's: a machine may have none of its own, and those of dateutil, which botocore needs, are older."""
    return (frozenset(zoneinfo.available_timezones()) | frozenset(get_zonefile_instance().zones)) - NO_ZONES
