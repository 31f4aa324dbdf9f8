"""What the components refuse to build, and how they say it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pulumi
import pytest
from fargate_job_launcher import (
    FargateJobLauncher,
    FargateJobLauncherArgs,
    JobCluster,
    JobNetwork,
    JobNetworkArgs,
    JobRuns,
    PayloadBucket,
)
from fargate_job_launcher.arguments import Job, check, examine
from fargate_job_launcher.handler import fargate
from pulumi.output import Unknown

from tools.declared import nodes
from tools.recording import program, record

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
KEPT = {
    "table_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs",
    "supervisor_role_arn": "arn:aws:iam::123456789012:role/follower",
    "notice_topic_arn": "arn:aws:sns:eu-west-1:123456789012:notices",
}


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """Outputs need one, and whatever ran before in this process may have ended its own."""
    own = asyncio.new_event_loop()
    asyncio.set_event_loop(own)
    yield
    own.close()


def arguments(**changed: Any) -> FargateJobLauncherArgs:
    given = {"image": "nginx", "cluster_arn": CLUSTER, "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    return cast("FargateJobLauncherArgs", {**given, **changed})


def refusal(name: str = "report", **changed: Any) -> str:
    with pytest.raises(pulumi.RunError) as raised:
        check(name, arguments(**changed))
    return str(raised.value)


def test_the_smallest_job_has_the_safe_defaults() -> None:
    job = check("report", arguments())
    assert job == Job("nginx", CLUSTER, ["subnet-1"], ["sg-1"], cpu=256, memory=512)
    assert (job.capacity, job.assign_public_ip, job.log_retention_days, job.overrides) == ("on_demand", False, 30, {})


def test_memory_is_the_smallest_that_goes_with_the_cpu() -> None:
    assert {cpu: check("report", arguments(cpu=cpu)).memory for cpu in fargate.SIZES} == {
        cpu: memory[0] for cpu, memory in fargate.SIZES.items()
    }


def test_whole_numbers_that_arrive_as_floats_are_taken() -> None:
    job = check("report", arguments(cpu=512.0, memory=1024.0, log_retention_days=7.0, overrides={"max_count": 3.0}))
    assert (job.cpu, job.memory, job.log_retention_days, job.overrides.get("max_count")) == (512, 1024, 7, 3)
    assert all(type(it) is int for it in (job.cpu, job.memory, job.log_retention_days))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cpu": 300}, "cpu: 300 is no Fargate size; allowed: 256, 512, 1024, 2048, 4096, 8192, 16384, 32768"),
        ({"cpu": 512, "memory": 512}, "memory: 512 MiB does not go with cpu 512; allowed with it: 1024, 2048, 3072"),
        ({"cpu": True}, "cpu: True is not a whole number"),
        ({"memory": "512"}, "memory: '512' is not a whole number"),
        (
            {"log_retention_days": 15},
            "log_retention_days: 15 is not a period of CloudWatch Logs; allowed: 1, 3, 5, 7",
        ),
        ({"capacity": "cheap"}, "capacity: 'cheap' is unknown; allowed: on_demand, spot"),
        ({"enviroment": {}}, "enviroment: unknown; did you mean `environment`?"),
        ({"max_runtime_minutes": 5}, "max_runtime_minutes: unknown here; there is one inside `supervision`"),
        ({"retries": 5}, "retries: unknown here; there is one inside `health_check` or `schedule` or `supervision`"),
        ({"overrides": {"comand": True}}, "overrides.comand: unknown; did you mean `command`?"),
        ({"overrides": {"max_cpu": 512}}, "overrides.max_cpu: unknown; did you mean `cpu`?"),
        ({"tags": {"": "z"}}, "tags.: '' is not a valid key for your own tag; a key has 1 to 128 letters, digits"),
        ({"overrides": {"max_count": 1001}}, "overrides.max_count: 1001 is not between 1 and 1000"),
        (
            {"overrides": {"max_count": 500}, "function": {"timeout_seconds": 60}},
            "function.timeout_seconds: 60 is too short for overrides.max_count 500: Fargate starts 20 tasks a second; "
            "give it 80 or leave it out",
        ),
        ({"overrides": {"cpu": 300}}, "overrides.cpu: 300 is no Fargate size; allowed: 256, 512"),
        ({"overrides": {"memory": 1}}, "overrides.memory: 1 is not between 512 and 249856"),
        ({"overrides": {"environment": ["LD_PRELOAD"]}}, "overrides.environment: 'LD_PRELOAD' is reserved"),
        ({"overrides": {"environment": ["A-B"]}}, "overrides.environment: 'A-B' is not the name of an environment"),
        ({"overrides": {"tags": ["aws:x"]}}, "overrides.tags: 'aws:x' is not a valid key for your own tag"),
        ({"overrides": {"capacity": ["cheap"]}}, "overrides.capacity: 'cheap' is unknown; allowed: on_demand"),
        ({"ephemeral_storage_gib": 201}, "ephemeral_storage_gib: 201 is not between 20 and 200"),
        ({"environment": {"JOB_PAYLOAD": "x"}}, "environment.JOB_PAYLOAD: is reserved for the launcher"),
        ({"function": {"timeout_seconds": 5}}, "function.timeout_seconds: 5 is not between 30 and 900"),
        ({"function": {"memory": 5}}, "function.memory: unknown; did you mean `memory_mib`?"),
        ({"prices": {"date": "soon"}}, "prices.date: 'soon' is not a date, such as 2026-01-31"),
        ({"prices": {"date": "2026-01-01", "vcpu_hour": "1"}}, "prices.vcpu_hour: '1' is not a price in US dollars"),
        ({"environment": {"A": "1"}, "secrets": {"A": "arn:x"}}, "environment.A: is also under secrets"),
        ({"secrets": {"A": "hunter2"}}, "secrets.A: is not an ARN (not shown, it may be a secret); put the value into"),
        ({"user": "1 2"}, "user: '1 2' is not a user; give a name or number of the image's"),
        ({"image": None}, "image: is missing"),
    ],
)
def test_a_problem_names_the_field_the_value_the_rule_and_the_remedy(changed: dict[str, Any], said: str) -> None:
    assert f"  - {said}" in refusal(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": ""}, "image: '' is no image; give its name without white space"),
        ({"image": "nginx latest"}, "image: 'nginx latest' is no image"),
        ({"cluster_arn": "jobs"}, "cluster_arn: 'jobs' is not the ARN of an ECS cluster; it looks like arn:aws:ecs:"),
        ({"subnet_ids": []}, "subnet_ids: 0 subnets; a task takes 1 to 16"),
        ({"subnet_ids": [f"subnet-{it}" for it in range(17)]}, "subnet_ids: 17 subnets; a task takes 1 to 16"),
        ({"subnet_ids": ("subnet-1", "subnet-1")}, "subnet_ids: 'subnet-1' is named twice; once is enough"),
        ({"security_group_ids": []}, "security_group_ids: 0 security groups; a task takes 1 to 5"),
        ({"security_group_ids": list("abcdef")}, "security_group_ids: 6 security groups; a task takes 1 to 5"),
        ({"security_group_ids": ["sg-1", "sg-1"]}, "security_group_ids: 'sg-1' is named twice"),
        (
            {"secrets": {"A": "arn:aws:s3:::bucket"}},
            "secrets.A: is not the ARN of a secret or a parameter that IAM knows",
        ),
        (
            {"secrets": {"A": "arn:aws:ssm:eu-west-1:1:parameter/p"}},
            "secrets.A: is not the ARN of a secret or a parameter",
        ),
        (
            {"sidecars": [{"name": "a", "image": "b", "secrets": {"A": "arn:aws:s3:::bucket"}}]},
            "sidecars[0].secrets.A: is not the ARN of a secret or a parameter",
        ),
        (
            {"kms_key_arn": "alias/jobs"},
            "kms_key_arn: 'alias/jobs' is an alias of a KMS key, not the ARN of a KMS key; it looks like arn:aws",
        ),
        (
            {"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:alias/jobs"},
            "kms_key_arn: 'arn:aws:kms:eu-west-1:123456789012:alias/jobs' is the ARN of an alias, by which IAM grants",
        ),
    ],
)
def test_a_place_that_aws_would_refuse_is_refused_before(changed: dict[str, Any], said: str) -> None:
    assert f"  - {said}" in refusal(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"schedule": {"expression": "every day"}},
            "schedule.expression: 'every day': is not a schedule, such as cron(0 3",
        ),
        ({"schedule": {"expression": "rate(0 minutes)"}}, "schedule.expression: 'rate(0 minutes)': a rate is a whole"),
        ({"schedule": {"expression": "rate(5 weeks)"}}, "schedule.expression: 'rate(5 weeks)': a rate is a whole"),
        ({"schedule": {"expression": "rate(1.5 hours)"}}, "schedule.expression: 'rate(1.5 hours)': a rate is"),
        ({"schedule": {"expression": "at(2026-01-31)"}}, "schedule.expression: 'at(2026-01-31)': a time is written as"),
        (
            {"schedule": {"expression": "at(2026-02-30T00:00:00)"}},
            "schedule.expression: 'at(2026-02-30T00:00:00)': this time does not exist",
        ),
        ({"schedule": {"expression": "at(2026-01-31T00:00:00Z)"}}, "schedule.expression: 'at(2026-01-31T00:00:00Z)':"),
        (
            {"schedule": {"expression": "cron(0 3 ? * 3#1,6#3 *)"}},
            "schedule.expression: 'cron(0 3 ? * 3#1,6#3 *)': '3#1,6#3' is not valid for day of week: 3#1 cannot be in",
        ),
        (
            {"schedule": {"expression": "cron(0 3 31 2 ? *)"}},
            "schedule.expression: 'cron(0 3 31 2 ? *)': never happens: no month of '2' has a day 31",
        ),
        (
            {"schedule": {"expression": "rate(1 hour)", "time_zone": "Europe/Berlln"}},
            "schedule.time_zone: 'Europe/Berlln' is unknown; write an IANA name, such as Europe/Berlin",
        ),
        (
            {"schedule": {"expression": "rate(1 hour)", "event": "[]"}},
            "schedule.event: is not a JSON object",
        ),
        (
            {"schedule": {"expression": "rate(1 hour)", "event": '{"environment": {"A": "x"}}'}},
            "schedule.event: environment: name 1 of 1: not declared under overrides.environment",
        ),
        (
            {"schedule": {"expression": "rate(1 hour)", "event": '{"enviroment": {}}'}},
            "schedule.event: enviroment: unknown; did you mean `environment`? A launch event has",
        ),
        (
            {
                "overrides": {"max_count": 2, "cpu": 1024},
                "schedule": {"expression": "rate(1 hour)", "event": '{"count": 3, "cpu": 1024}'},
            },
            "schedule.event: memory: 512 MiB does not go with cpu 1024",
        ),
        ({"event_rule": {"pattern": "{}"}}, "event_rule.pattern: is empty and would match nothing"),
        ({"event_rule": {"pattern": "[]"}}, "event_rule.pattern: is not a JSON object"),
        (
            {"event_rule": {"pattern": '{"source": "shop"}'}},
            "event_rule.pattern.source: 'shop' is not a list of allowed values, as ['shop']",
        ),
        (
            {"event_rule": {"pattern": '{"detail": {"state": {"now": []}}}'}},
            "event_rule.pattern.detail.state.now: [] is not a list of allowed values",
        ),
        ({"event_rule": {"pattern": '{"detail": {}}'}}, "event_rule.pattern.detail: is empty"),
        (
            {"event_rule": {"pattern": '{"detail": {"$or": [{"a": [1]}, {"b": 2}]}}'}},
            "event_rule.pattern.detail.$or.b: 2 is not a list",
        ),
        ({"event_rule": {"pattern": '{"$or": [1]}'}}, "event_rule.pattern.$or: 1 is not an object"),
        ({"event_rule": {"pattern": '{"a":' * 9999 + "1" + "}" * 9999}}, "event_rule.pattern: is not a JSON object"),
        ({"schedule": {"expression": f"cron({'1' * 5000} 3 * * ? *)"}}, "schedule.expression: 'cron(111"),
        *(
            (
                {"schedules": {it: {"expression": "rate(1 day)"}}},
                f"schedules.{it}: {it!r} is not the name of a schedule; use a lower-case letter followed by at most 30",
            )
            for it in ("Nightly", "1am", "a_b", "", "a.b", "a" * 32)
        ),
        (
            {"schedule": {"expression": "rate(1 day)"}, "schedules": {"schedule": {"expression": "rate(1 day)"}}},
            "schedules.schedule: is the name of the schedule in the argument schedule; give this one another name",
        ),
        ({"schedules": {"a": {}}}, "schedules.a.expression: is missing"),
        ({"schedules": {"a": "rate(1 day)"}}, "schedules.a: 'rate(1 day)' is not an object of names and values; write"),
        (
            {"schedules": {"a": {"expression": "rate(1 day)"}, "b": {"expression": "rate(5 weeks)"}}},
            "schedules.b.expression: 'rate(5 weeks)': a rate is a whole number and minutes, hours or days",
        ),
        (
            {"schedules": {"a": {"expression": "rate(1 day)", "time_zone": "Europe/Berlln"}}},
            "schedules.a.time_zone: 'Europe/Berlln' is unknown; write an IANA name",
        ),
        *(
            (
                {"schedules": {"a": {"expression": "rate(1 day)", key: value}}},
                f"schedules.a.{key}: {value} is not between {least} and {most}",
            )
            for key, value, least, most in (
                ("flexible_window_minutes", 1441, 1, 1440),
                ("retries", 186, 0, 185),
                ("max_age_seconds", 59, 60, 86400),
            )
        ),
        (
            {"schedules": {"a": {"expression": "rate(1 day)", "event": '{"command": ["x"]}'}}},
            "schedules.a.event: command: not declared; the job's owner allows it with overrides.command",
        ),
        (
            {"schedules": {"a": {"expression": "rate(1 day)", "event": "[]"}}},
            "schedules.a.event: is not a JSON object",
        ),
        (
            {
                "overrides": {"payload": True},
                "schedule": {"expression": "rate(1 day)", "event": '{"payload": {"day": "1"}}'},
                "schedules": {"a": {"expression": "rate(1 day)", "event": '{"payload": {"dbPassword": "hunter2"}}'}},
            },
            "schedules.a.event.payload.dbPassword: looks like a secret in plain text (not shown)",
        ),
        ({"overrides": {"array": {}}}, "overrides.array.max_size: is missing"),
        ({"overrides": {"array": 5}}, "overrides.array: 5 is not an object of names and values; "),
        ({"overrides": {"at": "yes"}}, "overrides.at: 'yes' is not true or false"),
        *(
            ({"overrides": {"array": {"max_size": it}}}, f"overrides.array.max_size: {it} is not between 1 and 10000")
            for it in (0, 10001)
        ),
        *(
            (
                {"overrides": {"array": {"max_size": 10000, "max_parallelism": it}}},
                f"overrides.array.max_parallelism: {it} is not between 1 and 1000",
            )
            for it in (0, 1001)
        ),
        (
            {"overrides": {"array": {"max_size": 5, "max_parallelism": 6}}},
            "overrides.array.max_parallelism: 6 is more than max_size, 5: no array has as many tasks; leave it out",
        ),
        (
            {"overrides": {"array": {"max_size": 5}}, "environment": {"JOB_INDEX": "0"}},
            "environment.JOB_INDEX: 'JOB_INDEX' tells a task of an array its own part of the work; choose another name",
        ),
        (
            {"overrides": {"array": {"max_size": 5}, "environment": ["JOB_COUNT"]}},
            "overrides.environment: 'JOB_COUNT' tells a task of an array how many tasks there are; choose another name",
        ),
        *(
            (
                {**scheduled, "runs": KEPT},
                f"runs.schedule_group_arn: is missing, and {asked} needs it; give the output of that name of the",
            )
            for asked, scheduled in {
                "schedule": {"schedule": {"expression": "rate(1 day)"}},
                "schedules": {"schedules": {"a": {"expression": "rate(1 day)"}}},
                "overrides.at": {"overrides": {"at": True}},
            }.items()
        ),
        (
            {"runs": {"schedule_group_arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/jobs"}},
            "runs.schedule_group_arn: is of the JobRuns whose table is in runs.table_arn, which is missing",
        ),
        ({"cpu": 10**400}, "cpu: 1000"),
        (
            {"notify": {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:a.fifo"}},
            "notify.topic_arn: 'arn:aws:sns:eu-west-1:123456789012:a.fifo' is not the ARN of a topic",
        ),
        (
            {"alarms": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:a"}},
            "alarms.topic_arn: 'arn:aws:sns:us-east-1:123456789012:a' is in another region than the cluster; name "
            "one in eu-west-1",
        ),
        *(
            (
                {"repository_credentials_arn": it},
                "repository_credentials_arn: is not the ARN of a Secrets Manager secret",
            )
            for it in ("hunter2", "arn:aws:ssm:eu-west-1:123456789012:parameter/p", f"{SECRET}:password::")
        ),
        ({"permissions_boundary_arn": "x"}, "permissions_boundary_arn: 'x' is not the ARN of a policy; it looks like"),
        (
            {"secrets": {"A": SECRET}, "overrides": {"environment": ["A"]}},
            "overrides.environment: 'A' is also under secrets; ECS refuses a launch that sets both",
        ),
        (
            {"writable_paths": {"/tmp": 300, "/a": 300, "/disk": 0}},
            "writable_paths: 600 MiB of memory, more than the task's 512; raise `memory`, or write to its disk (0)",
        ),
        (
            {"sidecars": [{"name": "a", "image": "b", "writable_paths": {"/tmp": 513}}]},
            "sidecars[0].writable_paths: 513 MiB of memory, more than the task's 512",
        ),
        (
            {"health_check": {"command": ["CMD-SHELL", "test", "-f"]}},
            "health_check.command: ['CMD-SHELL', 'test', '-f'] is no check; write",
        ),
        (
            {"sidecars": [{"name": "a", "image": "1.dkr.ecr.a.amazonaws.com/b", "repository_credentials_arn": SECRET}]},
            "sidecars[0].repository_credentials_arn: is for a registry outside ECR",
        ),
    ],
)
def test_what_would_fail_at_its_first_launch_is_refused_before(changed: dict[str, Any], said: str) -> None:
    assert f"  - {said}" in refusal(**changed)


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(1 hour)", "rate(1 hours)", "rate(15 minutes)", "at(2026-01-31T03:00:00)", "cron(0 3 * * ? *)"),
        *("cron(0/15 8-17 ? * MON-FRI *)", "cron(0,30 * ? jan-mar,12 2#1 2026-2030)", "cron(0 0 L * ? *)"),
        *("cron(0 0 15W * ? *)", "cron(0 0 ? * 6L *)", "cron(59 23 31 DEC ? 2199)", "cron(*/5 * ? * SUN,3 *)"),
        *("cron(0 0 ? * fri#2 *)", "cron(0 0 LW * ? *)", "cron(0 0 L-3 * ? *)", "cron(0 0 ? * FRIL *)"),
    ],
)
def test_what_scheduler_takes_is_taken(expression: str) -> None:
    event = {"environment": {"A": "x"}, "count": 2, "payload": {"x": ["y" * 9000]}, "role": "reader"}
    overrides = {
        "environment": ["A"],
        "max_count": 2,
        "payload": True,
        "task_roles": {"reader": pulumi.Output.secret("")},
    }
    schedule = {"expression": expression, "time_zone": "America/New_York", "event": json.dumps(event)}
    check("report", arguments(schedule=schedule, overrides=overrides, payload_bucket="payloads"))


def test_a_schedule_whose_name_would_be_too_long_on_aws_is_refused_with_the_number_of_letters_to_leave_out() -> None:
    schedules = {"n" * 31: {"expression": "rate(1 day)"}}
    check("j" * 24, arguments(schedules=schedules))
    said = refusal("j" * 25, schedules=schedules)
    assert "57 characters, at most 56 are possible (Pulumi adds 8, and Scheduler ends a name at 64)" in said
    assert "shorten it by 1, or the job's name" in said


def test_the_names_that_a_table_takes_without_schedules_are_not_asked_for_their_group() -> None:
    check("report", arguments(runs=KEPT, schedules={}))
    group = "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/jobs"
    check("report", arguments(runs={**KEPT, "schedule_group_arn": group}, overrides={"at": True}))


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}], "$or": [{"a": [1]}, {"b": [None]}]}},
        {"source": [{"prefix": "shop."}]},
    ],
)
def test_a_pattern_that_eventbridge_takes_is_taken(pattern: dict[str, Any]) -> None:
    check("report", arguments(event_rule={"pattern": json.dumps(pattern)}))


def test_what_aws_takes_is_taken() -> None:
    secret = "arn:aws-us-gov:secretsmanager:us-gov-east-1:123456789012:secret:db-AbCdEf"
    check(
        "report",
        arguments(
            image="123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/a/b:c@sha256:" + "0" * 64,
            cluster_arn="arn:aws-us-gov:ecs:us-gov-west-1:123456789012:cluster/a_b-c",
            subnet_ids=[f"subnet-{it}" for it in range(16)],
            security_group_ids=[f"sg-{it}" for it in range(5)],
            secrets={
                "A": secret,
                "B": f"{secret}:key::",
                "C": "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/a/b",
            },
            kms_key_arn="arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef",
            environment={"discovery.type": "single-node", "my-var": "x", "L" * 200: "x"},
            repository_credentials_arn=None,
            permissions_boundary_arn="arn:aws-us-gov:iam::aws:policy/PowerUserAccess",
        ),
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": 5}, "image: 5 is not text"),
        ({"subnet_ids": "subnet-1"}, "subnet_ids: 'subnet-1' is not a list; write ['subnet-1']"),
        ({"subnet_ids": ["subnet-1", 2]}, "subnet_ids[1]: 2 is not text"),
        ({"assign_public_ip": "no"}, "assign_public_ip: 'no' is not true or false"),
        ({"environment": {"A": 1}}, "environment.A: 1 is not text; write '1'"),
        ({"environment": {1: "x"}}, "environment: the name 1 is not text"),
        ({"environment": "A=1"}, "environment: 'A=1' is not an object of names and values; write {'A': '1'}"),
        ({"secrets": {"A": ["hunter2"]}}, "secrets.A: a value (not shown, it may be a secret) is not text"),
        ({"tags": {"a": 1}}, "tags.a: 1 is not text"),
        ({"tags": {1: "a"}}, "tags: the name 1 is not text"),
        ({"overrides": []}, "overrides: [] is not an object of names and values"),
        ({"overrides": {"environment": [1]}}, "overrides.environment[0]: 1 is not text"),
        ({"overrides": {"task_roles": {"a": 1}}}, "overrides.task_roles.a: 1 is not text"),
        ({"sidecars": [5]}, "sidecars[0]: 5 is not an object of names and values"),
        ({"sidecars": [{"name": "a", "image": 5}]}, "sidecars[0].image: 5 is not text"),
        ({"efs_volumes": ["fs-1"]}, "efs_volumes[0]: 'fs-1' is not an object of names and values"),
        ({"health_check": []}, "health_check: [] is not an object of names and values"),
        ({"cpu": float("inf")}, "cpu: inf is not a whole number"),
        ({"memory": float("nan")}, "memory: nan is not a whole number"),
        ({5: "x"}, "5: unknown; known: image"),
        ({"prices": {"date": "2026-01-01", "vcpu_hour": float("nan")}}, "prices.vcpu_hour: nan is not a price in US"),
    ],
)
def test_a_plain_value_of_another_kind_is_a_problem_and_no_crash(changed: dict[Any, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        check("report", cast("FargateJobLauncherArgs", {**arguments(), **changed}))
    assert f"  - {said}" in str(raised.value)


def test_what_is_no_arguments_or_no_name_is_a_problem_too() -> None:
    for nothing in (None, [], "image"):
        with pytest.raises(pulumi.RunError, match=r"args: .* is not an object of names and values"):
            check("report", cast("Any", nothing))
    with pytest.raises(pulumi.RunError, match="name: 5 is not a letter followed by"):
        check(cast("Any", 5), arguments())


def test_an_output_in_a_name_or_formatted_into_a_text_is_told_in_one_line() -> None:
    name = pulumi.Output.from_input("report")
    formatted = f"job-{name}"
    for component in (FargateJobLauncher, JobCluster, JobNetwork, JobRuns, PayloadBucket):
        for given, said in (
            (name, "name: is an output, known only while the stack is deployed, or a secret; a plain value is needed"),
            (formatted, "name: is formatted from an output, whose value is known only while the stack is deployed; a "),
        ):
            with pytest.raises(pulumi.RunError) as raised:
                component(cast("Any", given), cast("Any", arguments() if component is FargateJobLauncher else {}))
            head, first, *_ = str(raised.value).splitlines()
            assert head == f"{component.__name__} cannot be built:"
            assert first.startswith(f"  - {said}")
    said = refusal(image=formatted, user=formatted, environment={formatted: "a", "B": formatted})
    assert said.splitlines()[1:] == [
        "  - image: is formatted from an output, whose value is known only while the stack is deployed; write "
        "pulumi.Output.format('{}…', OUTPUT) or pulumi.Output.concat(OUTPUT, '…')",
        "  - user: is formatted from an output, whose value is known only while the stack is deployed; a plain text is "
        "needed here, such as 'nightly-report' or pulumi.get_stack()",
        "  - environment: a name is an output, or formatted from one; names are plain text",
        "  - environment.B: is formatted from an output, whose value is known only while the stack is deployed; write "
        "pulumi.Output.format('{}…', OUTPUT) or pulumi.Output.concat(OUTPUT, '…')",
    ]


NUMBERS: Final = [path for path, hint in nodes(FargateJobLauncherArgs) if hint is int]


@pytest.mark.parametrize("path", NUMBERS)
def test_a_number_outside_its_range_is_told_once_and_zero_says_how_to_have_no_limit(path: str) -> None:
    for number in (-1, 0, 10**9):
        value: Any = number
        for step in reversed(path.replace("[0]", ".[0]").split(".")):
            value = [value] if step == "[0]" else {step: value}
        found = [it for it in examine("report", cast("Any", {**arguments(), **value}))[1] if it.startswith(f"{path}:")]
        assert len(found) <= 1, found
        if number == 0 and path in ("max_running", "supervision.max_runtime_minutes"):
            assert found[0].endswith("; for no limit, leave it out")


@pytest.mark.parametrize("within", [False, True])
def test_what_only_a_deployment_knows_passes(within: bool) -> None:
    async def later() -> str:
        return "arn:aws:ecs:eu-west-1:123456789012:cluster/c"

    def known(text: Any) -> pulumi.Output[Any]:
        return pulumi.Output.from_input(text).apply(lambda it: it)

    one: dict[str, Any] = {"subnet_ids": [known("subnet-1"), Unknown()], "security_group_ids": ("sg-1", known("sg-2"))}
    other: dict[str, Any] = {"subnet_ids": known(["subnet-1"]), "security_group_ids": Unknown()}
    key, secret = (
        f"arn:aws:{it}" for it in ("kms:eu-west-1:123456789012:key/k", "ssm:eu-west-1:123456789012:parameter/p")
    )
    given: dict[str, Any] = {
        **{"image": known("nginx"), "cluster_arn": later(), "assign_public_ip": known(True), "kms_key_arn": known(key)},
        **{"environment": {"A": known("a")}, "secrets": {"B": known(secret)}, "tags": {"c": known("d")}},
        **{"task_policy": known("{}"), "function": {"subnet_ids": [known("subnet-1")], "security_group_ids": ["sg-1"]}},
        **(one if within else other),
    }
    job = check("report", arguments(**given))

    async def deployed() -> list[Any]:
        outputs: list[Any] = [job.image, job.cluster_arn, job.environment["A"], job.secrets["B"], job.tags["c"]]
        return [await it.future() for it in outputs]

    found = asyncio.get_event_loop().run_until_complete(deployed())
    assert found == ["nginx", "arn:aws:ecs:eu-west-1:123456789012:cluster/c", "a", secret, "d"]


def test_all_problems_are_told_at_once() -> None:
    said = refusal("9" * 50, image=None, capacity="x", log_retention_days=2, cpu=1.5, comand=[])
    assert said.startswith(f"FargateJobLauncher '{'9' * 50}' cannot be built:\n")
    assert [line.split(":")[0].strip(" -") for line in said.splitlines()[1:]] == [
        *("name", "cpu", "comand", "image", "log_retention_days", "capacity"),
    ]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"subnets": "both"}, "subnets: 'both' is unknown; allowed: private, public"),
        ({"nat_gateways": "none"}, "nat_gateways: none leaves private subnets no way out"),
        ({"nat_gateways": "two"}, "nat_gateways: 'two' is unknown; allowed: none, single, one_per_az"),
        ({"availability_zones": 7}, "availability_zones: 7 is not between 1 and 6"),
        ({"vpc_id": "vpc-1"}, "vpc_id: vpc_id and subnet_ids go together"),
        (
            {"vpc_id": "v", "subnet_ids": ["s"], "subnets": "public"},
            "subnets: configures a new VPC, but vpc_id",
        ),
        ({"assign_public_ip": True}, "assign_public_ip: needs vpc_id"),
        ({"zones": 2}, "zones: unknown"),
    ],
)
def test_a_network_that_cannot_be_is_refused(args: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        JobNetwork("jobs", cast("JobNetworkArgs", args))
    assert f"  - {said}" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "task_policy: is not the JSON of an IAM policy"),
        ("[]", "task_policy: is not the JSON of an IAM policy"),
        ('{"Statement": "all"}', "task_policy: is not the JSON of an IAM policy"),
        (
            '{"Version": "2012-10-17", "Statement": []}',
            "task_policy: has no Statement, which IAM requires",
        ),
        ('{"Version": "2012-10-17"}', "task_policy: has no Statement"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_task_policy_that_iam_refuses_is_refused_here_whenever_its_text_is_known(
    tmp_path: Path, text: str, said: str, known: bool
) -> None:
    policy = repr(text) if known else f"pulumi.Output.from_input({text!r})"
    place = {"cluster_arn": CLUSTER, "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    source = f"""
import pulumi
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {{"image": "nginx", **{place!r}, "task_policy": {policy}}})
"""
    with pytest.raises(pulumi.RunError) as raised:
        record(program(tmp_path, source))
    assert said in str(raised.value)
