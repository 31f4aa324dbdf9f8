"""Refusals of EventBridge and EventBridge Scheduler for a schedule. ../schedules.py has the grammar."""

from __future__ import annotations

import json
from typing import Any, Final

from .row import Before, Refusal

TYPES: Final = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
SCHEDULER_SERVICE: Final = "scheduler.amazonaws.com"
RULE: Final[dict[str, Any]] = {"Name": "rows", "State": "DISABLED"}
SCHEDULE: Final[dict[str, Any]] = {
    "Name": "rows",
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:rows",
        "RoleArn": "arn:aws:iam::123456789012:role/rows",
    },
    "State": "DISABLED",
}
CHANGED: Final = {**SCHEDULE, "Name": "rows-changed"}
NOT_ASSUMED: Final = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
BUG: Final = "https://github.com/aws/aws-sdk-js-v3/issues/5720"
API: Final = "https://docs.aws.amazon.com/scheduler/latest/APIReference"


def assumable(name: str, *, only_for: str = "") -> Before:
    """The call that makes a role that Scheduler can assume; `only_for`: for schedules of this group only."""
    group = f"arn:aws:scheduler:eu-west-1:123456789012:schedule-group/{only_for}"
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": SCHEDULER_SERVICE},
        "Action": "sts:AssumeRole",
        **({"Condition": {"StringEquals": {"aws:SourceArn": group}}} if only_for else {}),
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return "iam", "CreateRole", {"RoleName": name, "AssumeRolePolicyDocument": trust}


def by_role(name: str, schedule: str, **more: Any) -> dict[str, Any]:
    """A schedule whose target has this role."""
    target = {**SCHEDULE["Target"], "RoleArn": f"arn:aws:iam::123456789012:role/{name}"}
    return {**SCHEDULE, "Name": schedule, "Target": target, **more}


def _there(role: str, schedule: str) -> tuple[Before, ...]:
    """The calls that make a schedule, and its role."""
    return assumable(role), ("scheduler", "CreateSchedule", by_role(role, schedule))


ROWS: Final = (
    Refusal(
        id="scheduler.CreateSchedule.GroupName",
        refuses="The group of a schedule must exist",
        code="ResourceNotFoundException",
        words="Schedule group {group} does not exist.",
        sources=(f"{API}/API_CreateSchedule.html",),
        request={**SCHEDULE, "GroupName": "rows-nowhere"},
        fields={"group": "rows-nowhere"},
        before=(assumable("rows-grouped"),),
        takes=by_role("rows-grouped", "rows-grouped"),
        status=404,
        seen=False,
    ),
    Refusal(
        id="scheduler.CreateSchedule.Name",
        refuses="A group has one schedule of each name",
        code="ConflictException",
        words="Schedule {name} already exists.",
        sources=("https://github.com/getmoto/moto/issues/6624", f"{API}/API_CreateSchedule.html"),
        request=by_role("rows-named", "rows-named"),
        fields={"name": "rows-named"},
        before=_there("rows-named", "rows-named"),
        takes=by_role("rows-named", "rows-named-too"),
        status=409,
        seen=False,
    ),
    Refusal(
        id="scheduler.CreateSchedule.RoleArn",
        refuses="The trust policy of a schedule's role must let Scheduler assume it, for the group of the schedule",
        code="ValidationException",
        words=NOT_ASSUMED,
        sources=(
            "https://github.com/aws/aws-sdk-js-v3/issues/6494",
            "https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html",
        ),
        request=by_role("rows-other-group", "rows-other-group"),
        before=(assumable("rows-other-group", only_for="other"), assumable("rows-own-group", only_for="default")),
        takes=by_role("rows-own-group", "rows-own-group"),
    ),
    Refusal(
        id="scheduler.UpdateSchedule.RoleArn",
        refuses="An update of a schedule needs a role that Scheduler can assume, too",
        code="ValidationException",
        words=NOT_ASSUMED,
        sources=("https://github.com/aws/aws-sdk-js-v3/issues/6494", f"{API}/API_UpdateSchedule.html"),
        request=by_role("rows-no-role", "rows-updated"),
        before=_there("rows-updated", "rows-updated"),
        takes=by_role("rows-updated", "rows-updated"),
    ),
    *(
        Refusal(
            id=f"scheduler.{operation}.Name",
            refuses=f"{operation} needs a schedule that exists in the group",
            code="ResourceNotFoundException",
            words="Schedule {name} does not exist.",
            sources=(BUG, f"{API}/API_{operation}.html"),
            request={**CHANGED, "Name": "rows-none"} if operation == "UpdateSchedule" else {"Name": "rows-none"},
            fields={"name": "rows-none"},
            status=404,
        )
        for operation in ("UpdateSchedule", "GetSchedule", "DeleteSchedule")
    ),
    Refusal(
        id="events.PutRule.ScheduleExpression",
        refuses="A rule's schedule is rate(1 hour), in the plural for any number but 1, or cron(…) with six fields",
        code="ValidationException",
        words="Parameter ScheduleExpression is not valid.",
        sources=(
            "https://github.com/buildkite/buildkite-agent-scaler/pull/100",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html",
        ),
        request={**RULE, "ScheduleExpression": "rate(1 minutes)"},
        takes={**RULE, "ScheduleExpression": "rate(1 minute)"},
    ),
    Refusal(
        id="scheduler.CreateSchedule.ScheduleExpression",
        refuses="A schedule is rate(…), cron(…) with six fields, or at(…) without a time zone",
        code="ValidationException",
        words="Invalid Schedule Expression {expression}.",
        sources=("https://github.com/localstack/localstack/issues/9284", TYPES),
        request={**SCHEDULE, "ScheduleExpression": "cron(60 3 * * ? *)"},
        fields={"expression": "cron(60 3 * * ? *)"},
        before=(assumable("rows-expression"),),
        takes=by_role(
            "rows-expression", "rows-expression", ScheduleExpression="cron(0/15 8-17 ? JAN-mar MON,WED 2026/2)"
        ),
    ),
    Refusal(
        id="scheduler.CreateSchedule.ScheduleExpressionTimezone",
        refuses="A time zone must be one of IANA's",
        code="ValidationException",
        words="Invalid Schedule Expression Timezone {zone}.",
        sources=("https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",),
        request={**SCHEDULE, "Name": "rows-zone", "ScheduleExpressionTimezone": "Europe/Berln"},
        fields={"zone": "Europe/Berln"},
        before=(assumable("rows-zone"),),
        takes=by_role("rows-zone", "rows-zone", ScheduleExpressionTimezone="Europe/Berlin"),
        seen=False,
    ),
    Refusal(
        id="scheduler.UpdateSchedule.ScheduleExpression",
        refuses="An update of a schedule must follow the same grammar as a new schedule",
        code="ValidationException",
        words="Invalid Schedule Expression {expression}.",
        sources=("https://github.com/localstack/localstack/issues/9284", TYPES),
        request={**CHANGED, "ScheduleExpression": "rate(0 days)"},
        fields={"expression": "rate(0 days)"},
        before=_there("rows-changed", "rows-changed"),
        takes=by_role("rows-changed", "rows-changed"),
    ),
    Refusal(
        id="scheduler.UpdateSchedule.ScheduleExpressionTimezone",
        refuses="An update of a schedule accepts the same time zones as a new schedule",
        code="ValidationException",
        words="Invalid Schedule Expression Timezone {zone}.",
        sources=("https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html",),
        request={**CHANGED, "Name": "rows-moved", "ScheduleExpressionTimezone": "Europe/Berln"},
        fields={"zone": "Europe/Berln"},
        before=_there("rows-moved", "rows-moved"),
        seen=False,
    ),
)
