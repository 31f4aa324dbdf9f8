"""Launches at a later time: what is scheduled, once, and the run that its delivery makes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from fargate_job_launcher.handler.event import Rejected
from fargate_job_launcher.handler.later import LONGEST_DAYS, Later
from fargate_job_launcher.handler.request import run_id
from fargate_job_launcher.handler.result import LaunchResult
from fargate_job_launcher.handler.scheduled import LARGEST_INPUT
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.trigger import identify

from tools.dynamodb import Memory
from tools.launching import CLOSED, DECLARED, FUNCTION, SETTINGS, Launching, asked, settings
from tools.scheduler import Schedules

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
AT: dict[str, Any] = {"at": "2026-12-01T03:00", "zone": "Europe/Dublin", "idempotencyKey": "mine"}


class NoTasks:
    """ECS, where nothing is to be launched."""

    def run_task(self, **_: Any) -> Any:
        raise AssertionError("a task was launched")


class Tasks:
    """ECS that launches whatever is requested."""

    def __init__(self) -> None:
        self.launched = 0

    def run_task(self, **request: Any) -> Any:
        self.launched += request["count"]
        return {"tasks": [{"taskArn": f"arn:task/{self.launched - it}"} for it in range(request["count"])]}


@dataclass
class World:
    """A launcher, Scheduler, and the clock."""

    of: Settings = SETTINGS
    schedules: Schedules = field(default_factory=Schedules)
    table: Memory = field(default_factory=Memory)
    ecs: Any = field(default_factory=Tasks)
    now: float = NOW

    @property
    def later(self) -> Later:
        records = Launching(self.ecs, self.of, self.table, clock=lambda: self.now).launcher.records
        return Later(self.of, records, lambda: self.schedules, FUNCTION)

    def schedule(self, event: dict[str, Any], key: str = "r-1", namespace: str = "call") -> LaunchResult:
        return self.later.schedule(asked(event, key, namespace=namespace, of=self.of), event)

    def fire(self) -> LaunchResult:
        """Scheduler's delivery of the only schedule, which is gone afterwards."""
        ((place, made),) = self.schedules.made.items()
        del self.schedules.made[place]
        text = made["Target"]["Input"]
        for name, value in {
            "scheduled-time": "2026-12-01T03:00:00Z",
            "schedule-arn": "arn:aws:scheduler:eu-west-1:1:schedule/g/n",
            "execution-id": "e-1",
        }.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        assert made["Target"]["Arn"].endswith(":async")
        trigger = identify(json.loads(text), request_id="r-9", function_arn=made["Target"]["Arn"])
        (delivery,) = trigger.deliveries
        assert (trigger.kind, delivery.schedule, delivery.problem) == ("asynchronous", "", "")
        launching = Launching(self.ecs, self.of, self.table, clock=lambda: self.now)
        return launching.launch(delivery.event, delivery.key, namespace=delivery.namespace, redelivered=True)


def test_the_delivery_makes_exactly_the_run_that_was_told() -> None:
    world = World()
    event = {**AT, "environment": {"SOURCE": "a.csv"}, "requestedBy": "Ada", "count": 2, "payload": {"rows": [1]}}
    told = world.schedule(event)
    assert (told["status"], told.get("scheduledFor"), told["requested"], told["launched"], told["tasks"]) == (
        *("SCHEDULED", "2026-12-01T03:00:00.000Z"),
        *(2, 0, []),
    )
    assert told["run"] == run_id(SETTINGS.family, "schedule", "mine")
    assert [it["state"] for it in world.table.plain()] == []
    ((group, name), made), *more = world.schedules.made.items()
    assert (group, name, more) == ("jobs-schedules", f"import-1234abcd-{told['run']}", [])
    assert len(name) <= 64
    text = made["Target"].pop("Input")
    assert made == {
        "Name": name,
        "GroupName": group,
        "Description": "Launches the job import once.",
        "ScheduleExpression": "at(2026-12-01T03:00:00)",
        "ScheduleExpressionTimezone": "Europe/Dublin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": f"{FUNCTION}:async",
            "RoleArn": "arn:aws:iam::123456789012:role/import-schedule",
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:import-dead-letters"},
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
        },
    }
    made["Target"]["Input"] = text
    fired = world.fire()
    assert (fired["status"], fired["run"], fired["launched"]) == ("LAUNCHED", told["run"], 2)
    (run,) = world.table.plain("run")
    assert (run["trigger"], run["key"], run["requestedBy"], "schedule" in run) == ("schedule", "mine", "Ada", False)
    assert json.loads(run["request"]) == {"environment": {"SOURCE": "a.csv"}, "count": 2, "payload": {"rows": [1]}}


def test_the_same_key_is_scheduled_once_and_launched_once() -> None:
    world = World()
    first = world.schedule(AT)
    # Who asks is not what is asked; and a field that is as the job has it asks for nothing.
    assert world.schedule({**AT, "requestedBy": "Bob", "count": 1}) == first
    # Nor is the way in which the same instant is written.
    assert world.schedule({**AT, "at": "2026-12-01T03:00:00"}) == first
    assert world.schedule({**AT, "at": "2026-12-01T04:00:00+01:00"}) == first
    assert world.schedules.calls.count("CreateSchedule") == 4
    assert len(world.schedules.made) == 1
    world.fire()
    again = world.schedule(AT)
    assert (again["status"], again["run"], again["launched"]) == ("DUPLICATE", first["run"], 1)
    # Its time is in the past by now, which is no reason to refuse what has been launched.
    world.now += 365 * 86400
    assert world.schedule(AT)["status"] == "DUPLICATE"
    assert (world.schedules.made, world.ecs.launched) == ({}, 1)
    # Another namespace, another run: the key of a launch for now is none of a later one.
    assert Launching(world.ecs, table=world.table).launch({"idempotencyKey": "mine"})["run"] != first["run"]


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"at": "2026-12-01T03:01"}, "at"),
        ({"zone": "Europe/Paris"}, "at"),
        ({"at": "2026-12-01T03:00-00:30"}, "at"),
        ({"count": 2}, "count"),
        ({"count": 2, "payload": 1, "zone": "Asia/Tokyo"}, "at, count, payload"),
    ],
)
def test_the_same_key_with_another_request_is_a_conflict(other: dict[str, Any], differs: str) -> None:
    world = World()
    run = world.schedule(AT)["run"]
    before = dict(world.schedules.made)
    for fired in (False, True):
        if fired:
            if differs == "at":
                continue  # of a run, only the request is left
            world.fire()
            differs = differs.removeprefix("at, ")
        answer = world.schedule({**AT, **other})
        assert (answer["status"], answer["run"]) == ("CONFLICT", run)
        assert f"which differs in {differs};" in answer["failures"][0]["detail"]
        assert fired or world.schedules.made == before


def test_an_array_is_launched_later_too() -> None:
    world = World()
    array = {"size": 3, "parallelism": 2}
    told = world.schedule({**AT, "array": array})
    assert (told["status"], told["requested"]) == ("SCHEDULED", 3)
    assert world.schedule({**AT, "array": {"size": 4}})["status"] == "CONFLICT"
    assert world.fire()["run"] == told["run"]
    (run,) = world.table.plain("run")
    assert (json.loads(run["request"])["array"], world.ecs.launched) == (array, 2)


@pytest.mark.parametrize("namespace", ["call", "queue", "event"])
def test_an_event_without_a_key_has_that_of_its_delivery(namespace: str) -> None:
    world = World()
    event = {"at": "2026-12-01T03:00"}
    told = world.schedule(event, "message-1", namespace)
    assert told["idempotencyKey"] == "message-1"
    assert world.schedule(event, "message-1", namespace)["run"] == told["run"] == world.fire()["run"]


def test_a_lost_answer_is_settled() -> None:
    faults = ["after"]
    world = World(schedules=Schedules(lambda _: faults.pop() if faults else ""))
    lost = world.schedule(AT)
    assert (lost["status"], lost["failures"][0]["retryable"]) == ("FAILED", True)
    assert lost["run"]
    again = world.schedule(AT)
    assert (again["status"], again["run"]) == ("SCHEDULED", lost["run"])
    assert world.schedules.calls == ["CreateSchedule", "CreateSchedule", "GetSchedule"]


@pytest.mark.parametrize(
    ("fault", "retryable"),
    [
        ("before", True),
        ("ThrottlingException", True),
        ("InternalServerException", True),
        ("ServiceQuotaExceededException", True),
        ("ValidationException", False),
        ("AccessDeniedException", False),
        ("ResourceNotFoundException", False),
    ],
)
def test_what_scheduler_refuses_is_said_in_its_words(fault: str, retryable: bool) -> None:
    world = World(schedules=Schedules(lambda _: fault))
    answer = world.schedule(AT)
    assert (answer["status"], answer["launched"], world.schedules.made) == ("FAILED", 0, {})
    (failure,) = answer["failures"]
    assert (failure["reason"], failure["retryable"]) == ("ReadTimeoutError" if fault == "before" else fault, retryable)


def test_a_schedule_that_went_off_between_two_calls_is_asked_about_again() -> None:
    world = World()
    world.schedule(AT)
    world.schedules.fault = lambda it: "ResourceNotFoundException" if it == "GetSchedule" else ""
    (failure,) = world.schedule(AT)["failures"]
    assert (failure["reason"], failure["retryable"]) == ("ScheduleUnknown", True)


def test_without_the_table_nothing_is_scheduled() -> None:
    world = World(table=Memory(fault=lambda *_: "AccessDeniedException"))
    (failure,) = world.schedule(AT)["failures"]
    assert (failure["reason"], failure["retryable"], world.schedules.calls) == ("RunNotRecorded", True, [])


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("2026-11-26T12:00", "at: is in the past; leave it out to launch now"),
        ("2026-11-26T12:00:01", ""),
        ("2027-11-27T12:00:00", ""),
        ("2027-11-27T12:00:01", f"at: is more than {LONGEST_DAYS} days ahead"),
    ],
)
def test_a_time_is_ahead_and_within_a_year(at: str, problem: str) -> None:
    world = World()
    answer = world.schedule({"at": at})
    assert [it["detail"] for it in answer["failures"]] == ([problem] if problem else [])
    assert answer["status"] == ("REJECTED" if problem else "SCHEDULED")


def test_what_is_larger_than_an_input_is_refused_before_any_call() -> None:
    world = World(settings({**DECLARED, "payloadPrefix": "s3://b/p/"}))
    assert world.schedule({**AT, "payload": "x" * (LARGEST_INPUT - 2000)})["status"] == "SCHEDULED"
    world.schedules.calls.clear()
    answer = world.schedule({**AT, "payload": "é" * (LARGEST_INPUT // 2), "idempotencyKey": "two"})
    assert (answer["status"], world.schedules.calls) == ("REJECTED", [])
    assert "as the input of a schedule; at most 262144; put the data into S3" in answer["failures"][0]["detail"]


def test_a_large_payload_is_stored_by_the_delivery() -> None:
    # Scheduled whole: what a bucket keeps for weeks only would be gone.
    world = World(settings({**DECLARED, "payloadPrefix": "s3://b/p/"}))
    world.schedule({**AT, "payload": "x" * 20_000})
    ((_, made),) = world.schedules.made.items()
    assert "x" * 20_000 in made["Target"]["Input"]


def test_what_a_caller_writes_like_an_attribute_of_scheduler_stays_as_it_is() -> None:
    world = World()
    key = "<aws.scheduler.scheduled-time> & <b>"
    told = world.schedule({**AT, "idempotencyKey": key, "environment": {"SOURCE": "<aws.scheduler.execution-id>"}})
    assert world.fire()["run"] == told["run"]
    (run,) = world.table.plain("run")
    assert (run["key"], "<aws.scheduler.execution-id>" in run["request"]) == (key, True)


def test_a_dry_run_says_what_would_be_scheduled() -> None:
    world = World(ecs=NoTasks())
    plan = world.schedule({**AT, "dryRun": True})
    assert (plan["status"], plan.get("scheduledFor")) == ("DRY_RUN", "2026-12-01T03:00:00.000Z")
    assert (world.schedules.calls, world.table.calls) == ([], [])
    planned = plan.get("dryRun", {})
    told = world.schedule(AT)
    assert [planned["createSchedule"]] == list(world.schedules.made.values())
    assert plan["run"] == told["run"]
    first, second = planned["iam"][:2]
    assert first["action"] == "scheduler:CreateSchedule"
    assert first["resource"].endswith(f":schedule/jobs-schedules/import-1234abcd-{told['run']}")
    assert second == {
        "action": "iam:PassRole",
        "resource": "arn:aws:iam::123456789012:role/import-schedule",
        "context": {"iam:PassedToService": "scheduler.amazonaws.com"},
    }
    assert planned["runTask"]
    assert world.schedule({**AT, "at": "2026-01-01T03:00", "dryRun": True})["status"] == "REJECTED"


def test_a_launch_that_waits_is_cancelled_and_may_be_scheduled_again() -> None:
    world = World()
    run = world.schedule(AT)["run"]
    assert world.later.cancel(run) == ""
    assert world.schedules.made == {}
    assert "no launch of this run waits" in world.later.cancel(run)
    assert world.schedule(AT)["run"] == run
    world.fire()
    assert world.later.cancel(run).startswith("the run was launched at 2026-11-26T12:00:00.000Z, and is ")
    world.schedules.fault = lambda _: "AccessDeniedException"
    assert world.later.cancel(run) == "AccessDeniedException: AccessDeniedException"
    assert "overrides.at" in World(settings(CLOSED)).later.cancel(run)


@pytest.mark.parametrize("event", [AT, {"zone": "UTC"}, {"at": "2026-12-01T03:00"}])
def test_a_job_whose_owner_allows_no_later_launch_has_none(event: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"at, zone: not declared; the job's owner allows them with overrides\.at"):
        asked(event, of=settings(CLOSED))
    # Settings of before there were any: the code is new for a moment, and they are not.
    old = {key: it for key, it in CLOSED.items() if key not in ("scheduling", "schedules")}
    overrides = {key: it for key, it in CLOSED["overrides"].items() if key != "at"}
    with pytest.raises(Rejected, match="not declared"):
        asked(event, of=settings({**old, "overrides": overrides}))


def test_everything_else_is_checked_when_it_is_scheduled() -> None:
    with pytest.raises(Rejected) as refused:
        asked({"at": "2026-02-30T03:00", "zone": "secret", "count": 10**6, "environment": {"SOURCE": 1}})
    assert [it.partition(":")[0] for it in refused.value.problems] == ["count", "environment.SOURCE", "at", "zone"]
    with pytest.raises(Rejected, match=r"zone: is the time zone of at, which is missing"):
        asked({"zone": "UTC"})
