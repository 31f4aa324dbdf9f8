"""Paused schedules: what a person's word does, and what a delivery of a paused schedule becomes."""

from __future__ import annotations

from typing import Any

import pytest
from fargate_job_launcher.handler import instruction, paused
from fargate_job_launcher.handler.ending import described
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.trigger import identify

from tools.dynamodb import Memory
from tools.launching import CLOSED, DECLARED, FUNCTION, SETTINGS, Launching, settings

NOW = 1_795_687_200.0
"""2026-11-26T10:00:00Z."""


class Tasks:
    """ECS that launches whatever is requested."""

    def __init__(self) -> None:
        self.launched = 0

    def run_task(self, **request: Any) -> Any:
        self.launched += request["count"]
        return {"tasks": [{"taskArn": f"arn:task/{self.launched}"}]}


def world(table: Memory | None = None, of: Settings = SETTINGS) -> Launching:
    return Launching(Tasks(), of, table or Memory(), clock=lambda: NOW)


def change(it: Launching, name: str = "nightly", *, pause: bool = True, by: str = "Ada") -> str:
    return paused.change(it.launcher.records, it.of, name, paused=pause, by=by)


def delivered(it: Launching, at: str = "2026-11-26T03:00:00Z", schedule: str = "nightly", **detail: Any) -> Any:
    """A delivery by Scheduler, as a schedule of the job sends it."""
    event = {
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": at,
        "resources": [f"arn:aws:scheduler:eu-west-1:1:schedule/g/{schedule}"],
        "schedule": schedule,
        "detail": detail,
    }
    (delivery,) = identify(event, request_id="r", function_arn=f"{FUNCTION}:async").deliveries
    return it.launch(
        delivery.event,
        delivery.key,
        namespace=delivery.namespace,
        redelivered=True,
        schedule=delivery.schedule,
    )


def test_a_delivery_of_a_paused_schedule_is_a_run_that_was_skipped_and_says_why() -> None:
    it = world()
    assert change(it) == ""
    answer = delivered(it)
    run = it.run(answer)
    assert (answer["status"], answer["failures"], it.ecs.launched) == ("SKIPPED", [], 0)
    assert (run["state"], run["trigger"], run["schedule"], run["reserved"]) == ("SKIPPED", "schedule", "nightly", 0)
    why = "its schedule nightly is paused since 2026-11-26T10:00:00.000Z, by Ada"
    assert run["skipped"] == why
    assert (described(run, lines=[])["outcome"], described(run, lines=[])["reason"]) == ("skipped", why)
    # The same delivery again, also once the schedule is resumed: that time is over.
    assert delivered(it)["status"] == "SKIPPED"
    assert change(it, pause=False) == ""
    assert (delivered(it)["status"], delivered(it)["run"]) == ("SKIPPED", answer["run"])
    launched = delivered(it, "2026-11-27T03:00:00Z")
    assert (launched["status"], it.run(launched)["schedule"], it.ecs.launched) == ("LAUNCHED", "nightly", 1)


def test_a_run_that_overlaps_keeps_its_own_reason() -> None:
    it = world(of=settings({**DECLARED, "maxRunning": 1, "overlap": "skip"}))
    delivered(it)
    second = it.run(delivered(it, "2026-11-27T03:00:00Z"))
    assert second["state"] == "SKIPPED"
    assert described(second, lines=[])["reason"] == "the job runs already, and its overlap is skip"


def test_an_array_of_a_paused_schedule_is_skipped_whole() -> None:
    it = world()
    change(it)
    answer = delivered(it, array={"size": 5})
    run = it.run(answer)
    assert (answer["status"], run["state"], it.ecs.launched) == ("SKIPPED", "SKIPPED", 0)
    assert described(run, lines=[])["reason"].startswith("its schedule nightly is paused since")
    # Nothing of it is pending but its end.
    assert (run["launch"]["closed"], run["reserved"], "tell" in run) == (True, 0, True)


def test_a_launch_that_was_made_stays_made_when_its_schedule_is_paused() -> None:
    it = world()
    launched = delivered(it)
    change(it)
    assert (delivered(it)["status"], delivered(it)["run"]) == ("DUPLICATE", launched["run"])


@pytest.mark.parametrize("how", ["other", "one-off", "direct"])
def test_a_pause_holds_for_one_schedule_and_no_other_trigger(how: str) -> None:
    it = world()
    change(it)
    if how == "other":
        assert delivered(it, schedule="weekly")["status"] == "LAUNCHED"
    elif how == "one-off":
        assert it.launch({}, namespace="schedule")["status"] == "LAUNCHED"
    else:
        assert it.launch({})["status"] == "LAUNCHED"


def test_only_a_delivery_of_a_job_with_schedules_reads_the_item() -> None:
    none = world(of=settings(CLOSED))
    delivered(none)
    it = world()
    it.launch({})
    assert ("GetItem" in none.table.calls, "GetItem" in it.table.calls) == (False, False)
    delivered(it)
    assert it.table.calls.count("GetItem") == 1


def test_if_it_cannot_be_read_nothing_is_launched_and_the_delivery_comes_again() -> None:
    table = Memory(fault=lambda operation, _: "AccessDeniedException" if operation == "GetItem" else "")
    it = world(table)
    answer = delivered(it)
    (failure,) = answer["failures"]
    assert (failure["reason"], failure["retryable"], it.ecs.launched) == ("RunNotRecorded", True, 0)
    assert list(table.plain()) == []


def test_who_paused_it_first_remains() -> None:
    it = world()
    assert [change(it), change(it, by="Bob"), change(it, "weekly", by="")] == ["", "", ""]
    (item,) = it.table.plain("schedules")
    at = "2026-11-26T10:00:00.000Z"
    assert (item["pk"], item["sk"]) == ("f", "schedules")
    assert item["paused"] == {"nightly": {"at": at, "by": "Ada"}, "weekly": {"at": at}}
    assert [change(it, pause=False), change(it, pause=False)] == ["", ""]
    assert [item["paused"] for item in it.table.plain("schedules")] == [{"weekly": {"at": at}}]
    assert "expires" not in item


def test_a_name_that_the_job_has_not_is_refused() -> None:
    it = world()
    said = "import has no schedule of this name; its schedules: nightly, weekly"
    assert [change(it, "nightly2"), change(it, "nightly2", pause=False)] == [said, said]
    assert list(it.table.plain()) == []
    # One that a deployment has taken away can be resumed, so that a new one of its name is not paused.
    change(it)
    without = world(it.table, settings({**DECLARED, "schedules": []}))
    assert change(without, pause=False) == ""
    assert change(without) == "import has no schedule of this name; its schedules: none"


def test_two_who_change_it_at_once_lose_nothing() -> None:
    table = Memory()
    it = world(table)
    change(it, "weekly", pause=True)
    meanwhile = ["nightly"]

    def fault(operation: str, _: Any) -> str:
        if operation == "PutItem" and meanwhile:
            change(it, meanwhile.pop(), by="Bob")
        return ""

    table.fault = fault
    assert change(it, "weekly", pause=False) == ""
    (item,) = table.plain("schedules")
    assert (sorted(item["paused"]), item["version"]) == (["nightly"], 3)


RUN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("event", "read"),
    [
        ({"scheduleOf": {"name": "nightly", "paused": True}}, ("pause", "nightly", "")),
        ({"scheduleOf": {"name": "n", "paused": False, "requestedBy": "Ada"}}, ("resume", "n", "Ada")),
        ({"cancelOf": RUN}, ("cancelOf", RUN, "")),
        ({"cancelOf": RUN, "more": 1}, None),
    ],
)
def test_what_a_person_asks_for_is_read_whole_or_not_at_all(event: object, read: object) -> None:
    assert instruction.read(event) == read


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"scheduleOf": {"name": "nightly", "paused": 1}}, "name, that of a schedule, and paused, true or false"),
        ({"scheduleOf": {"name": "nightly"}}, "name, that of a schedule, and paused, true or false"),
        ({"scheduleOf": {"name": "Nightly", "paused": True}}, "name, that of a schedule, and paused, true or false"),
        (
            {"scheduleOf": {"name": "nightly", "paused": True, "more": 1}},
            "name, that of a schedule, and paused, true or false",
        ),
        (
            {"scheduleOf": {"name": "nightly", "paused": True, "requestedBy": "a\nb"}},
            "name, that of a schedule, and paused, true or false",
        ),
        (
            {"scheduleOf": {"name": "nightly", "paused": True, "requestedBy": "a" * 257}},
            "name, that of a schedule, and paused, true or false",
        ),
        (
            {"scheduleOf": {"name": "nightly", "paused": True, "requestedBy": None}},
            "name, that of a schedule, and paused, true or false",
        ),
        ({"scheduleOf": "nightly"}, "name, that of a schedule, and paused, true or false"),
        ({"cancelOf": "../x"}, "cancelOf: the id of a run, 32 hexadecimal digits, is expected"),
        ({"nextOf": 5}, "nextOf: the id of a run"),
        ({"arrayOf": {"run": "x", "pause": True}}, "arrayOf: an object with run, the id of an array run"),
        ({"stopOf": {"run": "x"}}, "stopOf: an object with run, the id of a run"),
        ({"stopOf": {"run": "f" * 32, "pause": True}}, "stopOf: an object with run, the id of a run"),
        ({"retryOf": {"run": RUN}}, "retryOf: an object with run and root"),
    ],
)
def test_what_is_wrong_with_such_a_request_is_said(event: object, said: str) -> None:
    with pytest.raises(instruction.Malformed) as malformed:
        instruction.read(event)
    assert said in str(malformed.value)
