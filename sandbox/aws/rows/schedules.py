"""What EventBridge and EventBridge Scheduler refuse of a schedule. The grammar itself is in ../schedules.py."""

from __future__ import annotations

from typing import Any, Final

from .row import Refusal

TYPES: Final = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
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

ROWS: Final = (
    Refusal(
        id="events.PutRule.ScheduleExpression",
        refuses="The schedule of a rule is rate(1 hour), with a plural except for 1, or cron(…) with six fields",
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
        takes={**SCHEDULE, "ScheduleExpression": "cron(0/15 8-17 ? JAN-mar MON,WED 2026/2)"},
    ),
    Refusal(
        id="scheduler.CreateSchedule.ScheduleExpressionTimezone",
        refuses="A time zone is an IANA time zone",
        code="ValidationException",
        words="Invalid Schedule Expression Timezone {zone}.",
        sources=("https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",),
        request={**SCHEDULE, "Name": "rows-zone", "ScheduleExpressionTimezone": "Europe/Berln"},
        fields={"zone": "Europe/Berln"},
        takes={**SCHEDULE, "Name": "rows-zone", "ScheduleExpressionTimezone": "Europe/Berlin"},
        seen=False,
    ),
    Refusal(
        id="scheduler.UpdateSchedule.ScheduleExpression",
        refuses="A changed schedule follows the same grammar as a new one",
        code="ValidationException",
        words="Invalid Schedule Expression {expression}.",
        sources=("https://github.com/localstack/localstack/issues/9284", TYPES),
        request={**CHANGED, "ScheduleExpression": "rate(0 days)"},
        fields={"expression": "rate(0 days)"},
        before=(("scheduler", "CreateSchedule", CHANGED),),
        takes=CHANGED,
    ),
    Refusal(
        id="scheduler.UpdateSchedule.ScheduleExpressionTimezone",
        refuses="A changed schedule has one of the time zones of a new one",
        code="ValidationException",
        words="Invalid Schedule Expression Timezone {zone}.",
        sources=("https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html",),
        request={**CHANGED, "Name": "rows-moved", "ScheduleExpressionTimezone": "Europe/Berln"},
        fields={"zone": "Europe/Berln"},
        before=(("scheduler", "CreateSchedule", {**CHANGED, "Name": "rows-moved"}),),
        seen=False,
    ),
)
