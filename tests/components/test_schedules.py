"""One grammar of schedules for the component and the sandbox, compared with AWS's pages and public reports."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest
from fargate_job_launcher.checks.schedules import expression_problem, never_problem, schedule_problems
from fargate_job_launcher.checks.unix_cron import from_unix
from fargate_job_launcher.sandbox.aws.rows import Refused
from fargate_job_launcher.sandbox.aws.schedules import hold_rule, hold_schedule


def rule_refusal(request: dict[str, str]) -> str | None:
    """What EventBridge says to a rule; None where it takes it."""
    try:
        hold_rule(request)
    except Refused as refused:
        return refused.message
    return None


def schedule_refusal(request: dict[str, str]) -> str | None:
    """The same of Scheduler."""
    try:
        hold_schedule("CreateSchedule", request)
    except Refused as refused:
        return refused.message
    return None


PAGE: Final = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
SCHEDULER: Final = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"
LOCALSTACK: Final = "https://github.com/localstack/localstack/issues/13572"  # each tried on AWS
KEEL: Final = "https://github.com/teamkeel/keel/pull/1286"
VALIDATOR: Final = "https://github.com/grumBit/aws_cron_expression_validator/issues/6"
NOT_SAID: Final = "nowhere said that AWS takes it; the remedy is what AWS surely takes"

TAKEN: Final = (
    ("cron(0 10 * * ? *)", PAGE),
    ("cron(15 12 * * ? *)", PAGE),
    ("cron(0 18 ? * MON-FRI *)", PAGE),
    ("cron(0 8 1 * ? *)", PAGE),
    ("cron(0/15 * * * ? *)", PAGE),
    ("cron(0/10 * ? * MON-FRI *)", PAGE),
    ("cron(0/5 8-17 ? * MON-FRI *)", PAGE),
    ("cron(15 10 ? * 6L 2019-2022)", PAGE),
    ("cron(0 9 ? * 2#1 *)", PAGE),
    ("cron(0 0 3W * ? *)", PAGE),
    ("cron(0 0 L * ? *)", PAGE),
    ("cron(0 0 ? JAN,FEB,MAR 3#2 *)", PAGE),
    ("cron(1/10 * 1-15 * ? *)", PAGE),
    ("cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", LOCALSTACK),
    ("cron(30-30 13-13 ? * 2,4,6 *)", LOCALSTACK),
    ("cron(1-31/30 1-1 ? * 1,7 *)", LOCALSTACK),
    ("cron(0 11-23/4 ? * 2-6 *)", VALIDATOR),
    ("cron(0 0 1 1-12/3 ? *)", VALIDATOR),
    ("cron(* 1 * * ? *)", "https://github.com/aws-cloudformation/cfn-lint/issues/1351"),
    ("cron(00 05 ? * mon-fri *)", "https://github.com/aws/aws-cdk/issues/1181"),
    ("rate(5 minutes)", PAGE),
    ("rate(1 hour)", PAGE),
    ("rate(7 days)", PAGE),
)
"""What both services take, and where that is said."""

REFUSED: Final = (
    ("cron(0 3 ? * 3#1,6#3 *)", "'3#1,6#3' is not valid for day of week: 3#1 cannot be in a list", PAGE),
    ("cron(0 3 ? * 2,3#1 *)", "3#1 cannot be in a list", PAGE),
    ("cron(0 3 ? * MON,FRIL *)", "6L cannot be in a list", NOT_SAID),
    ("cron(0 3 1,L * ? *)", "L cannot be in a list", NOT_SAID),
    ("cron(0 3 1W,15 * ? *)", "1W cannot be in a list", NOT_SAID),
    ("cron(0 3 1-15W * ? *)", "'1-15W' is not valid for day of month: 1 to 31, or L or 15W", NOT_SAID),
    (
        "cron(0 3 ? * */2 *)",
        "'*/2' is not valid for day of week: this field does not accept /",
        KEEL,
    ),
    ("cron(0 3 ? * MON-FRI/2 *)", "this field does not accept /", KEEL),
    ("cron(0 3 ? * -1 *)", "'-1' is not valid for day of week: 1 to 7", "https://github.com/winglang/wing/issues/7115"),
    ("cron(0 3 ? * 0 *)", "'0' is not valid for day of week: 1 to 7, SUN to SAT", PAGE),
    ("cron(0 3 ? * 3#6 *)", "'3#6' is not valid for day of week", PAGE),
    ("cron(0 3 ? * W *)", "'W' is not valid for day of week", PAGE),
    ("cron(*/60 * * * ? *)", "a step is 1 to 59", "https://github.com/aws/aws-sdk-js/issues/4212"),
    ("cron(0/0 3 * * ? *)", "a step is 1 to 59", NOT_SAID),
    (
        "cron(*/1 * * * *)",
        "is Unix's cron; AWS's has six fields",
        "https://github.com/cds-snc/notification-terraform/pull/344",
    ),
    ("cron(0 50 0,6,12,18 * ? *)", "'50' is not valid for hours", "https://github.com/aws/aws-cdk/issues/32753"),
    ("cron(* 1 * * * *)", "has to be ?", "https://github.com/aws-cloudformation/cfn-lint/issues/1351"),
    ("cron(15 0 * * MON-FRI *)", "has to be ?", "https://github.com/aws/aws-cdk/issues/1181"),
    ("cron(0 3 ? * ? *)", "has to be ?", PAGE),
    (
        "cron(0 22-2 * * ? *)",
        "'22-2' is not valid for hours: 22-2 ends before it begins; write two ranges: 22-23,0-2",
        NOT_SAID,
    ),
    ("cron(0 3 ? * SAT-SUN *)", "write two ranges: 7-7,1-1", NOT_SAID),
    ("cron(0 3 *,5 * ? *)", "* cannot be in a list", NOT_SAID),
    ("cron(? 3 * * ? *)", "only the two day fields accept ?", PAGE),
    ("cron(0 3 * L ? *)", "'L' is not valid for month", PAGE),
    ("cron(0 3 * MONDAY ? *)", "'MONDAY' is not valid for month: 1 to 12, JAN to DEC", PAGE),
    ("cron(0 3 * JANUARY ? *)", "'JANUARY' is not valid for month", PAGE),
    ("cron(0 3 * * ? 1969)", "1970 to 2199", PAGE),
    ("cron(0 3 * * ? 2026-2200)", "1970 to 2199", PAGE),
    (
        "cron(0/5, 9-18, ?, *, MON-FRI, *)",
        "'0/5,' is not valid for minutes",
        "https://github.com/boto/boto3/issues/2876",
    ),
    ("cron(0  3 * * ? *)", "write one blank between two fields, and none at the ends: cron(0 3 * * ? *)", NOT_SAID),
    ("cron( 0 3 * * ? *)", "none at the ends", NOT_SAID),
    ("cron(0 3 * * ? *", "is not a schedule", PAGE),
    ("CRON(0 3 * * ? *)", "is not a schedule", NOT_SAID),
    (
        "rate(2 minute)",
        "more than one is written as rate(2 minutes)",
        "https://github.com/buildkite/buildkite-agent-scaler/pull/100",
    ),
    ("rate(0 minutes)", "a rate is a whole number", PAGE),
    ("rate(1 week)", "minutes, hours or days", PAGE),
    ("rate(5minutes)", "a rate is", NOT_SAID),
    ("at(2026-1-31T03:00:00)", "a time is written as", SCHEDULER),
    ("at(2026-02-30T03:00:00)", "this time does not exist", SCHEDULER),
    ("at(2026-01-31T03:00:00Z)", "its zone is the argument time_zone", SCHEDULER),
    ("at(2026-01-31 03:00:00)", "a time is written as", SCHEDULER),
)
"""Expressions that neither accepts, the message for each, and the source."""


@pytest.mark.parametrize(("expression", "source"), TAKEN)
def test_what_aws_takes_is_taken_by_the_component_and_by_both_services_of_the_sandbox(
    expression: str, source: str
) -> None:
    assert (expression_problem(expression), never_problem(expression)) == ("", ""), source
    assert rule_refusal({"ScheduleExpression": expression}) is None
    assert schedule_refusal({"ScheduleExpression": expression}) is None


@pytest.mark.parametrize(("expression", "said", "source"), REFUSED)
def test_what_aws_refuses_is_refused_by_all_three_and_the_component_says_why(
    expression: str, said: str, source: str
) -> None:
    assert said in expression_problem(expression), source
    assert rule_refusal({"ScheduleExpression": expression}) == "Parameter ScheduleExpression is not valid."
    assert schedule_refusal({"ScheduleExpression": expression}) == f"Invalid Schedule Expression {expression}."


def test_where_rules_and_scheduler_differ() -> None:
    # https://github.com/aws/aws-cdk/issues/32753: no rule is rate(1 minutes). The API of Scheduler names it.
    assert rule_refusal({"ScheduleExpression": "rate(1 minutes)"})
    assert schedule_refusal({"ScheduleExpression": "rate(1 minutes)"}) is None
    # A rule knows no single time.
    assert rule_refusal({"ScheduleExpression": "at(2026-01-31T03:00:00)"})
    assert schedule_refusal({"ScheduleExpression": "at(2026-01-31T03:00:00)"}) is None


@pytest.mark.parametrize("zone", ["Factory", "localtime", "posixrules", "europe/berlin", "+01:00"])
def test_a_file_among_a_machines_time_zones_that_is_none_is_refused_by_both(zone: str) -> None:
    (said,) = schedule_problems("schedule", {"expression": "rate(1 day)", "time_zone": zone})
    assert said.startswith(f"schedule.time_zone: {zone!r} is unknown")
    assert schedule_refusal({"ScheduleExpression": "rate(1 day)", "ScheduleExpressionTimezone": zone}) is not None


@pytest.mark.parametrize(
    ("days", "months", "never"),
    [
        *(("31", "2", True), ("30", "FEB", True), ("29", "2", False), ("31", "4,6,9,11", True), ("31", "4-6", False)),
        *(("30-31", "2", True), ("29,31", "2", False), ("31", "4/2", False), ("31", "4/5", True), ("31", "*", False)),
        *(("31", "2/2", False), ("30", "*/2", False), ("L", "2", False), ("31", "9,11", True), ("30W", "2", False)),
    ],
)
def test_a_date_that_no_month_has_is_refused_by_the_component_alone(days: str, months: str, never: bool) -> None:
    expression = f"cron(0 3 {days} {months} ? *)"
    problems = list(schedule_problems("schedule", {"expression": expression}))
    assert ("never happens: no month of" in "".join(problems)) is never
    # What AWS does with it is not known, so the sandbox takes it.
    assert schedule_refusal({"ScheduleExpression": expression}) is None


def test_a_remedy_is_an_expression_that_is_taken() -> None:
    remedies = {
        "cron(0 22-2 * * ? *)": "cron(0 22-23,0-2 * * ? *)",
        "cron(0 3 ? * SAT-SUN *)": "cron(0 3 ? * 7-7,1-1 *)",
        "cron(0  3 * * ? *)": "cron(0 3 * * ? *)",
        "rate(2 minute)": "rate(2 minutes)",
        "cron(0 3 ? * */2 *)": "cron(0 3 ? * MON,WED,FRI *)",
    }
    for wrong, right in remedies.items():
        said = expression_problem(wrong)
        assert any(part in said for part in (right, right.split(" ")[-2], right.split(" ")[1])), said
        assert expression_problem(right) == ""


def test_every_number_that_is_in_a_field_is_taken_there_and_no_other() -> None:
    ranges = {0: range(60), 1: range(24), 2: range(1, 32), 3: range(1, 13), 5: range(1970, 2200)}
    for at, values in ranges.items():
        for number in {*values, values.start - 1, values.stop} - {-1}:
            fields = ["0", "3", "*", "*", "?", "*"]
            fields[at] = str(number)
            assert (expression_problem(f"cron({' '.join(fields)})") == "") is (number in values)
    for day, nth in product(range(10), range(8)):
        expression = f"cron(0 3 ? * {day}#{nth} *)"
        assert (expression_problem(expression) == "") is (1 <= day <= 7 and 1 <= nth <= 5)


@pytest.mark.parametrize(
    ("unix", "aws"),
    [
        ("0 3 * * *", ["cron(0 3 * * ? *)"]),
        ("*/15 8-18 * * 1-5", ["cron(*/15 8-18 ? * MON-FRI *)"]),
        ("0 3 1 * *", ["cron(0 3 1 * ? *)"]),
        ("0 3 * * 0", ["cron(0 3 ? * SUN *)"]),
        ("0 3 * * 7", ["cron(0 3 ? * SUN *)"]),
        ("0 3 * * 5-7", ["cron(0 3 ? * SUN,FRI,SAT *)"]),
        ("0 3 * * fri-mon", ["cron(0 3 ? * SUN,MON,FRI,SAT *)"]),
        ("0 3 * * */2", ["cron(0 3 ? * SUN,TUE,THU,SAT *)"]),
        ("0 3 * * 0-6", ["cron(0 3 * * ? *)"]),
        ("0 3 * JAN mon,wed", ["cron(0 3 ? JAN MON,WED *)"]),
        ("0 3 1,15 * 1", ["cron(0 3 1,15 * ? *)", "cron(0 3 ? * MON *)"]),
        ("  0   3 * * *\t", ["cron(0 3 * * ? *)"]),
        ("@daily", ["cron(0 0 * * ? *)"]),
        ("@weekly", ["cron(0 0 ? * SUN *)"]),
        ("@yearly", ["cron(0 0 1 1 ? *)"]),
        ("@every 1h30m", ["rate(90 minutes)"]),
        ("@every 1h", ["rate(1 hour)"]),
        ("@every 30s", []),
        ("@every ", []),
        ("@reboot", []),
        ("0 3 */2 * 1", []),
        ("0 3 * * 8", []),
        ("0 3 * * MON#1", []),
        ("0 3 * * ? *", []),
    ],
)
def test_a_schedule_of_unix_is_told_in_aws_terms(unix: str, aws: list[str]) -> None:
    assert from_unix(unix) == aws
    assert [it for it in aws if expression_problem(it)] == []
    assert [it for it in aws if it not in expression_problem(unix)] == []


@pytest.mark.parametrize(
    ("expression", "remedy"),
    [
        ("cron(0 3 * * *)", "is Unix's cron; AWS's has six fields ({}): write cron(0 3 * * ? *)"),
        ("0 3 * * MON", "is Unix's cron; AWS's has six fields ({}): write cron(0 3 ? * MON *)"),
        ("0 3 * * ? *", "is not a schedule; write cron(0 3 * * ? *)"),
        ("1 hour", "is not a schedule; write rate(1 hour)"),
        ("2026-01-31T03:00:00", "is not a schedule; write at(2026-01-31T03:00:00)"),
        ("@every 5m", "is the form of other schedulers; write rate(5 minutes)"),
        (
            "cron(0 0 3 * * ? *)",
            "has 7 fields, the first for seconds, which AWS's cron does not have: write cron(0 3 * * ? *)",
        ),
        ("cron(0 3 * * * *)", "exactly one of day of month and day of week has to be ?: write cron(0 3 * * ? *)"),
        ("cron(0 3 * * MON *)", "exactly one of day of month and day of week has to be ?: write cron(0 3 ? * MON *)"),
    ],
)
def test_an_expression_that_lacks_little_is_told_whole(expression: str, remedy: str) -> None:
    fields = "minutes, hours, day of month, month, day of week, year"
    assert expression_problem(expression) == remedy.format(fields)
    assert expression_problem(remedy.rpartition("write ")[2]) == ""
