"""A launcher's schedules: their group, their one role, what they send, what the function learns of them, and what a
deployment says of those that are paused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Emulator, deploy
from fargate_job_launcher.scheduling import own_prefix

from tools.recording import Recording, program, record

SCHEDULE, ROLE, POLICY = "aws:scheduler/schedule:Schedule", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
GROUP = "aws:scheduler/scheduleGroup:ScheduleGroup"
FUNCTION = "aws:lambda/function:Function"
NIGHTLY = {"schedules": {"nightly": {"expression": "cron(0 3 * * ? *)"}}}


def source(given: dict[str, Any], before: str = "", runs: str = "") -> str:
    return f"""
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
{before}
FargateJobLauncher("job", {{"image": "nginx", "cluster_arn": cluster.arn, "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"], **{given!r}, {runs}}})
"""


def recorded(folder: Path, given: dict[str, Any], **more: Any) -> Recording:
    return record(program(folder, source(given)), **more)


def settings(recording: Recording) -> dict[str, Any]:
    function = recording.one(FUNCTION, "job-launcher")
    return json.loads(function.inputs["environment"]["variables"]["LAUNCHER_SETTINGS"])


def test_all_schedules_are_in_the_group_of_the_runs_with_one_role_and_each_says_its_name(tmp_path: Path) -> None:
    given = {"schedule": {"expression": "rate(1 hour)", "event": '{"count": 1}'}, **NIGHTLY}
    recording = recorded(tmp_path, {**given, "tags": {"team": "data"}})
    (group,) = recording.kind(GROUP)
    assert (group.name, group.inputs["tags"]) == ("job-runs", {"team": "data"})
    found = {it.name: it.inputs for it in recording.kind(SCHEDULE)}
    assert found.keys() == {"job-schedule", "job.nightly"}
    role = recording.one(ROLE, "job-schedule")
    for it in found.values():
        assert it["groupName"] == "job-runs-0a1b2c3"
        assert it["target"]["roleArn"] == role.outputs["arn"]
        assert it["target"]["deadLetterConfig"]["arn"].endswith(":job-dead-letters-0a1b2c3")
    sent = {name: json.loads(it["target"]["input"]) for name, it in found.items()}
    assert {name: (it["schedule"], it["detail"]) for name, it in sent.items()} == {
        "job-schedule": ("schedule", {"count": 1}),
        "job.nightly": ("nightly", {}),
    }
    assert {it["source"] for it in sent.values()} == {"aws.scheduler"}
    assert settings(recording)["schedules"] == ["nightly", "schedule"]
    assert settings(recording)["scheduling"] is None


def test_only_schedules_of_the_group_may_assume_the_role_and_another_group_makes_another_role(tmp_path: Path) -> None:
    recording = recorded(tmp_path, NIGHTLY)
    role = recording.one(ROLE, "job-schedule")
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    (group,) = recording.kind(GROUP)
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012", "aws:SourceArn": group.outputs["arn"]}
    }
    assert "assumeRolePolicy" in role.replaced_on


def test_there_is_a_role_for_launches_at_a_later_time_without_any_schedule(tmp_path: Path) -> None:
    recording = recorded(tmp_path, {"overrides": {"at": True, "array": {"max_size": 40}}})
    assert recording.kind(SCHEDULE) == []
    role, (group,) = recording.one(ROLE, "job-schedule"), recording.kind(GROUP)
    known = settings(recording)
    assert known["overrides"]["at"] is True
    assert known["overrides"]["array"] == {"maxSize": 40, "maxParallelism": 40}
    assert known["schedules"] == []
    assert known["scheduling"] == {
        "group": "job-runs-0a1b2c3",
        "role": role.outputs["arn"],
        "prefix": own_prefix("job", "other-dev-job"),
        "deadLetters": "arn:aws:sqs:eu-west-1:123456789012:job-dead-letters-0a1b2c3",
    }
    statements = json.loads(recording.one(POLICY, "job-launcher-guard").inputs["policy"])["Statement"]
    guard = {it["Sid"]: it for it in statements}
    own = group.outputs["arn"].replace(":schedule-group/", ":schedule/") + "/" + own_prefix("job", "other-dev-job")
    assert guard["ScheduleOwnLaunches"]["Resource"] == f"{own}*"
    assert guard["PassScheduleRole"]["Resource"] == role.outputs["arn"]
    assert role.outputs["arn"] in guard["NeverAnotherRole"]["NotResource"]
    assert role.outputs["arn"] not in guard["PassOnlyTheseRoles"]["Resource"]
    # A one-off goes to the alias, with the dead letters of the others.
    policy = json.loads(recording.one(POLICY, "job-schedule").inputs["policy"])
    assert {it["Sid"]: it["Resource"].rpartition(":")[2] for it in policy["Statement"]} == {
        "InvokeLauncher": "async",
        "KeepUndelivered": "job-dead-letters-0a1b2c3",
    }


def test_a_launcher_that_scheduler_never_starts_has_none_of_it(tmp_path: Path) -> None:
    recording = recorded(tmp_path, {"overrides": {"at": False}})
    assert [it.name for it in recording.kind(ROLE) if "schedule" in it.name] == []
    known = settings(recording)
    assert (known["overrides"]["at"], known["overrides"]["array"]) == (False, None)
    assert (known["schedules"], known["scheduling"]) == ([], None)
    guard = recording.one(POLICY, "job-launcher-guard").inputs["policy"]
    assert "cheduler" not in guard


@pytest.mark.parametrize(
    ("array", "parallelism"),
    [({"max_size": 10000}, 100), ({"max_size": 7}, 7), ({"max_size": 500, "max_parallelism": 200}, 200)],
)
def test_an_array_runs_at_most_a_hundred_tasks_at_once_unless_the_job_says_otherwise(
    tmp_path: Path, array: dict[str, int], parallelism: int
) -> None:
    known = settings(recorded(tmp_path, {"overrides": {"array": array}}))
    assert known["overrides"]["array"]["maxParallelism"] == parallelism


def test_the_prefix_leaves_room_for_a_run_and_no_other_schedule_has_it() -> None:
    jobs = ["j", "job", "job-2", "j" * 18, "j" * 40, "j" * 39]
    prefixes = {own_prefix(it, f"other-dev-{it}") for it in jobs}
    assert len(prefixes) == len(jobs)
    assert max(len(it) for it in prefixes) + 32 <= 64
    # A schedule of the arguments has one dot at most, and the prefix two.
    assert all(it.count(".") == 2 for it in prefixes)
    assert own_prefix("job", "other-dev-job") != own_prefix("job", "other-prod-job")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    """What the program says: warnings and information, each with the name of its resource."""
    found: dict[str, list[tuple[str, str]]] = {"warn": [], "info": []}
    for kind, kept in found.items():
        monkeypatch.setattr(
            f"pulumi.log.{kind}",
            lambda text, at, kept=kept: kept.append((text, at._name)),  # pyright: ignore[reportUnknownLambdaType]
        )
    return found


PAUSED = {
    "pk": {"S": "other-dev-job"},
    "sk": {"S": "schedules"},
    "paused": {
        "M": {
            "nightly": {"M": {"at": {"S": "2026-11-26T09:00:00Z"}, "by": {"S": "ann"}}},
            "gone": {"M": {"at": {"S": "2026-11-26T09:00:00Z"}}},
        }
    },
}
TOLD = (
    "Schedule 'nightly' of the job job is paused since 2026-11-26T09:00:00Z (by ann), and this deployment leaves it "
    "so: it launches nothing until `fargate-job schedules resume job nightly`"
)


def test_a_deployment_warns_of_each_schedule_that_is_paused(
    tmp_path: Path, said: dict[str, list[tuple[str, str]]]
) -> None:
    recorded(tmp_path, NIGHTLY, paused=PAUSED)
    assert said == {"warn": [(TOLD, "job.nightly")], "info": []}


@pytest.mark.parametrize(
    ("given", "more"),
    [
        # Nothing is paused: there is no such item, or it says so.
        (NIGHTLY, {}),
        (NIGHTLY, {"paused": {**PAUSED, "paused": {"M": {}}}}),
        # A preview of the first deployment knows no table.
        (NIGHTLY, {"paused": PAUSED, "preview": True}),
        # Without schedules nobody asks.
        ({"overrides": {"at": True}}, {"paused": PAUSED}),
    ],
)
def test_a_deployment_says_nothing_where_none_is_paused(
    tmp_path: Path, said: dict[str, list[tuple[str, str]]], given: dict[str, Any], more: dict[str, Any]
) -> None:
    recorded(tmp_path, given, **more)
    assert said == {"warn": [], "info": []}


RUNS = """
import pulumi
runs = JobRuns("runs", {"cluster_arns": [cluster.arn]})
for key, value in runs.shared.items():
    pulumi.export(key, value)
"""


def test_what_is_paused_in_the_table_is_told_by_the_next_deployment_and_a_missing_table_fails_none(
    tmp_path: Path, said: dict[str, list[tuple[str, str]]]
) -> None:
    keys = ("table_arn", "supervisor_role_arn", "notice_topic_arn", "schedule_group_arn")
    with Emulator(region="eu-west-1") as aws:
        shared = deploy(program(tmp_path, source(NIGHTLY, RUNS, "'runs': runs.shared")), aws).outputs
        # The first deployment asked, and there was no item.
        assert said == {"warn": [], "info": []}
        table = shared["table_arn"].rpartition("/")[2]
        aws.client("dynamodb").put_item(TableName=table, Item=PAUSED)
        # Another stack, of the same name, as the sandbox deploys a stack once.
        for folder, name in (("again", shared["table_arn"]), ("lost", shared["table_arn"] + "-2")):
            (tmp_path / folder).mkdir()
            kept = {**{key: shared[key] for key in keys}, "table_arn": name}
            text = source({**NIGHTLY, "runs": kept}).replace('Cluster("c")', f'Cluster("{folder}")')
            log_groups = [it["logGroupName"] for it in aws.client("logs").describe_log_groups()["logGroups"]]
            for it in log_groups:
                aws.client("logs").delete_log_group(logGroupName=it)
            deploy(program(tmp_path / folder, text), aws)
    assert said["warn"] == [(TOLD, "job.nightly")]
    ((text, at),) = said["info"]
    assert at == "job"
    assert text.startswith(f"Whether schedules are paused is not known: table {table}-2 cannot be read: ")
    assert "ResourceNotFoundException" in text
