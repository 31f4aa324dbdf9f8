"""Arrays on a test clock: how fast they launch, what they cost, and how they go on after failures, pauses and kills.

INDEXES says how large the large one is; `make array` runs it with 10,000.
"""

from __future__ import annotations

import heapq
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import pytest
from fargate_job_launcher.handler import arrays, fargate, ranges
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.array_changes import Refused, change
from fargate_job_launcher.handler.ending import described
from fargate_job_launcher.handler.ends import ended
from fargate_job_launcher.handler.event import Rejected
from fargate_job_launcher.handler.run import Item
from fargate_job_launcher.handler.table import typed
from storm import Killed, Storm

from tools.dynamodb import refused, size
from tools.launching import CLOSED, DECLARED, asked, settings
from tools.recording import PROGRAM

INDEXES: Final = int(os.environ.get("INDEXES", "600"))
"""How many indexes the large array has."""


class Clear(Storm):
    """The same world in which nothing goes wrong, unless a test says so. Ends come ten at a time, as from SQS."""

    def __init__(self, event: dict[str, Any], *, seconds: float = 100, **changed: Any) -> None:
        super().__init__(1, settings(capacity="on_demand", **changed), {"key": event})
        self.calm, self.changed, self.seconds = True, changed, seconds
        self.code: Callable[[int, int], int] = lambda _index, _attempt: 0
        """Index and attempt → exit code."""
        self.launches: list[float] = []
        self.stopped: list[str] = []
        self.running = self.most = 0
        self.begun = False
        """The most tasks that ever ran at once."""
        self.calls: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.largest = 0

    def launching(self) -> Any:
        launching = super().launching()
        launching.of = settings(capacity="on_demand", **self.changed)
        return launching

    def task(self, request: dict[str, Any]) -> str:
        task = f"{next(self.number):032x}"[::-1]
        self.tasks[task] = {
            "taskArn": f"{str(DECLARED['cluster']).replace(':cluster/', ':task/')}/{task}",
            "startedBy": request["startedBy"], "taskDefinitionArn": request["taskDefinition"],
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": runs.at(self.now),
            "pullStartedAt": runs.at(self.now), "startedAt": runs.at(self.now), "launchType": "FARGATE",
            "containers": [{"name": "job"}], "overrides": request.get("overrides", {}),
        }  # fmt: skip
        self.by.setdefault(request["startedBy"], []).append(task)
        self.launches.append(self.now)
        self.running += 1
        self.most = max(self.most, self.running)
        self.later(self.seconds, lambda: self.ends(task))
        return str(self.tasks[task]["taskArn"])

    def ends(self, task: str) -> None:
        if self.tasks[task]["lastStatus"] == "STOPPED":
            return
        _, _, *lineage = self.tasks[task]["startedBy"].split("/")
        code = self.code(arrays.index_of(lineage[1]), int(lineage[0]) + 1) if lineage else 0
        self.tasks[task] |= {
            "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedAt": runs.at(self.now), "ended": self.now,
            "stopCode": "EssentialContainerExited", "containers": [{"name": "job", "exitCode": code}],
        }  # fmt: skip
        self.told_later(task)

    def told_later(self, task: str) -> None:
        self.running -= 1
        self.stopped.append(task)
        if len(self.stopped) == 1:
            self.later(0.5, self.ended_now)

    def ended_now(self) -> None:
        some, self.stopped = self.stopped[:10], self.stopped[10:]
        if self.stopped:
            self.later(0.0, self.ended_now)
        self.calls["supervisor"] += 1
        self.supervisor().ended([self.tasks[it] for it in some])

    def asked(self, event: dict[str, Any]) -> None:
        self.calls["launcher"] += 1
        super().asked(event)

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.calls["RunTask"] += 1
        return super().run_task(**request)

    def table_fault(self, operation: str, request: dict[str, Any]) -> str:
        """Counts calls and request units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"""
        self.calls[operation] += 1
        puts = [it["Put"] for it in request.get("TransactItems", [])] or ([request] if "Item" in request else [])
        for put in puts:
            large = size(put["Item"])
            self.largest = max(self.largest, large)
            self.units["write"] += (2 if len(puts) > 1 else 1) * math.ceil(large / 1024)
        if operation == "GetItem":
            key = request["Key"]["pk"]["S"], request["Key"]["sk"]["S"]
            self.units["read"] += math.ceil(size(self.table.items.get(key, {})) / 4096) or 1
        return super().table_fault(operation, request)

    def stop_task(self, *, task: str, reason: str, **_: Any) -> None:
        self.tasks[task] |= {
            "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedAt": runs.at(self.now), "ended": self.now,
            "stopCode": "UserInitiated", "stoppedReason": reason, "containers": [{"name": "job", "exitCode": 143}],
        }  # fmt: skip
        self.told_later(task)

    @property
    def of_run(self) -> Item:
        (run,) = (it for it in self.table.plain("run") if it["key"] == "key")
        return run

    def until(self, true: Callable[[], bool]) -> None:
        """Let everything happen until something is true."""
        if not self.begun:
            self.begun = True
            self.later(0, lambda: self.deliver("key"))
            self.later(60, self.sweep)
        for _ in range(1_000_000):
            if true():
                return
            if not self.pending:
                # Nothing is left to do: only the time passes.
                self.later(60, self.sweep)
            at, _, do = heapq.heappop(self.pending)
            self.now = max(self.now, at)
            do()
        raise AssertionError("it never came true")

    def end(self) -> Item:
        key = ("f", runs.sort_key(asked(self.events["key"], "key", of=self.launching().of).run))

        def ended() -> bool:
            # Not `of_run`, which is asked a million times.
            item = self.table.items.get(key, {})
            return item.get("state", {}).get("S") in runs.ENDED and "tell" not in item

        self.until(ended)
        return self.of_run

    def change(self, **asked_for: Any) -> None:
        run = self.of_run["run"]
        change(self.launching().launcher, run, {"run": run, **asked_for})

    def indexes(self) -> Counter[int]:
        """How often each index was launched."""
        return Counter(arrays.index_of(it["startedBy"].split("/")[3]) for it in self.tasks.values())


def array(size: int, **more: Any) -> dict[str, Any]:
    return {"array": {"size": size, **more}}


def rates(moments: list[float]) -> float:
    """The most tokens that these launches ever lacked in Fargate's bucket: 100 at once, then 20 a second."""
    tokens, at, worst = 100.0, moments[0], 0.0
    for moment in moments:
        tokens = min(100.0, tokens + 20 * (moment - at)) - 1
        at, worst = moment, max(worst, -tokens)
    return worst


def test_a_large_array_launches_at_fargates_rate_and_costs_next_to_nothing() -> None:
    parallelism = min(1000, INDEXES // 2)
    world = Clear(array(INDEXES, parallelism=parallelism), seconds=parallelism / 25)
    run = world.end()

    assert (run["state"], run["succeeded"], run["array"]["succeeded"]) == ("SUCCEEDED", INDEXES, f"0-{INDEXES - 1}")
    assert world.indexes() == Counter(range(INDEXES))
    assert world.calls["RunTask"] == INDEXES
    assert world.most <= parallelism
    assert rates(world.launches) <= 0
    took = world.launches[-1] - world.launches[0]
    fastest = (INDEXES - 100) / 20
    # The reminders begin with the first end that is told, or with a sweep.
    assert took <= 1.1 * fastest + world.seconds
    if INDEXES >= 10_000:
        assert took <= 1.1 * fastest
    assert world.largest < 400 * 1024
    known = json.loads((PROGRAM / "docs" / "prices.json").read_text())
    invocations = world.calls["supervisor"] + world.calls["launcher"]
    usd = {
        "table": world.units["write"] * known["dynamodbMillionWriteUnits"]
        + world.units["read"] * known["dynamodbMillionReadUnits"],
        # A function of 512 MiB; a launch takes half a second of a tenth of its time, as ten calls are made at once.
        "functions": invocations * known["lambdaMillionRequests"]
        + (0.1 * invocations + 0.05 * INDEXES) * 0.5 * 1_000_000 * known["lambdaGibSecondArm"],
        "queue": 3 * (INDEXES + world.seen["reminders"]) * known["sqsMillionRequests"],
    }
    told = ", ".join(f"{name} {value / 1_000_000:.4f} USD" for name, value in usd.items())
    print(
        f"\n{INDEXES} indexes, {parallelism} at once: launched in {took:.0f} s, {took / fastest:.2f} of the limit's "
        f"{fastest:.0f} s ({INDEXES / took:.1f} a second); calls: {dict(world.calls)}, reminders "
        f"{world.seen['reminders']}, units {dict(world.units)}, largest item {world.largest} bytes; {told}"
    )


def test_failed_indexes_are_retried_by_themselves_and_only_they_are_resumed() -> None:
    world = Clear(array(40, parallelism=9), policy={**DECLARED["policy"], "retries": 1, "retryOn": ["failed"]})
    world.code = lambda index, attempt: int(index in (3, 17, 18) or (index == 5 and attempt == 1))
    run = world.end()
    assert (run["state"], run["array"]["failed"], run["succeeded"]) == ("FAILED", "3,17-18", 37)
    assert world.indexes() == Counter(range(40)) + Counter((3, 5, 17, 18))
    assert (run["attempts"], run["failed"], run["taskSeconds"]) == (44, 3, 4400)
    attempts = [it for it in world.table.plain("attempt") if it["index"] == 5]
    assert sorted((it["attempt"], it["outcome"]) for it in attempts) == [(1, "failed"), (2, "succeeded")]
    assert [it for it in world.told if it[0] == run["run"]] == [(run["run"], 1)]

    with pytest.raises(Refused, match=r"is FAILED, and nothing of it runs any more; `resume` launches what did not"):
        world.change(pause=True)

    # Days later.
    world.now += 3 * 86400
    world.code = lambda index, _: int(index == 18)
    world.change(resume=True)
    run = world.end()
    assert (run["array"]["failed"], run["array"]["succeeded"], run["failed"]) == ("18", "0-17,19-39", 1)
    assert world.indexes()[3] == 3
    assert world.indexes()[18] == 4
    assert world.indexes()[4] == 1
    world.code = lambda *_: 0
    world.change(resume=True)
    run = world.end()
    assert (run["state"], run["succeeded"], run["ends"], run["last"]["outcome"]) == ("SUCCEEDED", 40, 3, "succeeded")
    with pytest.raises(Refused, match=r"every index of [0-9a-f]{32} succeeded: there is nothing to resume"):
        world.change(resume=True)


def test_more_failures_than_max_failed_stop_what_has_not_started() -> None:
    world = Clear(array(50, parallelism=1, maxFailed=2))
    world.code = lambda index, _: int(index % 2)
    run = world.end()
    summary = arrays.summary(run)
    assert (run["state"], summary["failed"], summary["succeeded"]) == ("FAILED", "1,3,5", "0,2,4")
    assert (summary["halted"], summary["notStarted"]) == ("more than 2 indexes failed (maxFailed)", "6-49")
    world.code = lambda *_: 0
    world.change(resume=True)
    assert (world.end()["state"], sorted(world.indexes())) == ("SUCCEEDED", list(range(50)))


def test_a_pause_starts_nothing_and_a_parallelism_is_changed_while_it_runs() -> None:
    world = Clear(array(60, parallelism=4), policy={**DECLARED["policy"], "retries": 1, "retryOn": ["failed"]})
    world.code = lambda index, attempt: int(index == 1 and attempt == 1)
    world.until(lambda: len(world.launches) == 4)
    world.change(pause=True, requestedBy="ana")
    assert world.of_run["array"]["paused"]["by"] == "ana"
    world.until(lambda: world.of_run["succeeded"] == 3)
    later = world.now + 1800
    world.until(lambda: world.now > later)
    assert (len(world.launches), world.of_run["state"]) == (4, "RUNNING")
    world.now += 86400
    world.change(resume=True)
    # The retry of index 1 and three new indexes.
    assert (len(world.launches), world.of_run["open"]["i1"]["attempt"]) == (8, 2)
    world.change(parallelism=20)
    assert len(world.launches) == 24
    world.change(parallelism=3)
    before = len(world.launches)
    world.until(lambda: len(world.of_run["open"]) <= 3)
    assert len(world.launches) == before
    assert world.end()["state"] == "SUCCEEDED"
    assert world.indexes() == Counter(range(60)) + Counter([1])


def test_a_stopped_array_starts_nothing_more_and_says_what_never_started() -> None:
    world = Clear(array(30, parallelism=4), seconds=10_000)
    world.until(lambda: len(world.launches) == 4)
    world.change(stop=True, requestedBy="ana")
    run = world.end()
    assert (run["state"], run["array"]["stopped"], run["array"]["todo"]) == ("STOPPED", "0-3", "4-29")
    assert len(world.launches) == 4
    reasons = {it["stoppedReason"] for it in world.tasks.values()}
    assert len(reasons) == 1
    assert "stopped by ana" in reasons.pop()
    world.seconds = 1
    world.change(resume=True)
    assert (world.end()["state"], world.indexes()[0], world.indexes()[29]) == ("SUCCEEDED", 2, 1)


def test_an_array_that_aws_refuses_ends_and_can_be_resumed() -> None:
    world = Clear(array(30, parallelism=3), seconds=10)
    world.until(lambda: len(world.launches) == 3)
    good, world.run_task = world.run_task, denied  # type: ignore[method-assign]
    run = world.end()
    assert (run["state"], run["array"]["succeeded"], run["array"]["todo"]) == ("FAILED", "0-2", "3-29")
    assert "no further index could be launched: AccessDeniedException" in run["array"]["halted"]
    first = world.launching().launch({"array": {"size": 5}}, "other", redelivered=True)
    assert (first["status"], first["state"], first["array"]["notStarted"]) == ("FAILED", "REJECTED", "0-4")
    assert [it["retryable"] for it in first["failures"]] == [False]
    world.run_task = good  # type: ignore[method-assign]
    world.change(resume=True)
    world.until(lambda: len(world.launches) == 30)


def denied(**_: Any) -> Any:
    raise refused("AccessDeniedException", "RunTask")


def test_without_capacity_an_array_waits_longer_and_longer_and_gives_up_after_two_hours() -> None:
    world = Clear(array(500, parallelism=100), seconds=10)
    tried: list[float] = []

    def none(**_: Any) -> Any:
        tried.append(world.now)
        return {"tasks": [], "failures": [{"reason": "RESOURCE:CPU", "detail": "no capacity"}]}

    world.run_task = none  # type: ignore[method-assign]
    run = world.end()
    assert (run["state"], run["array"]["todo"]) == ("FAILED", "0-499")
    assert 2 * 3600 < tried[-1] - tried[0] < 3 * 3600
    assert len(set(tried)) < 16


def test_max_running_holds_for_an_array_and_a_launch_beside_it() -> None:
    world = Clear(array(40, parallelism=10), maxRunning=6)
    world.until(lambda: len(world.launches) == 6)
    other = world.launching().launch({"count": 2}, "other", redelivered=True)
    assert [it["reason"] for it in other["failures"]] == ["MaxRunning"]
    assert world.end()["state"] == "SUCCEEDED"
    assert world.most == 6
    assert world.indexes() == Counter(range(40))


def test_an_array_takes_what_other_runs_leave_of_max_running() -> None:
    world = Clear(array(9, parallelism=9), seconds=1000, maxRunning=6)
    first = world.launching().launch({"array": {"size": 2}}, "other")
    assert first["launched"] == 2
    world.until(lambda: bool(world.table.items) and len(world.launches) > 2)
    assert (len(world.launches), world.running) == (6, 6)
    assert world.end()["state"] == "SUCCEEDED"
    assert world.most == 6


def test_without_any_end_the_supervisor_reminds_itself_of_an_array() -> None:
    world = Clear(array(450, parallelism=450), seconds=100_000)
    world.until(lambda: len(world.launches) == 450)
    # A sweep within a minute or two, then a hundred every five seconds.
    assert world.launches[-1] - world.launches[0] < 150
    assert rates(world.launches) <= 0
    assert world.seen["reminders"] in (3, 4)


def test_a_late_end_of_one_index_is_not_taken_for_another_whose_number_begins_the_same() -> None:
    world = Clear(array(20, parallelism=20))
    world.until(lambda: len(world.launches) == 20)
    (task,) = (key for key, it in world.tasks.items() if it["startedBy"].endswith("/i1"))
    world.ends(task)
    world.until(lambda: world.of_run["succeeded"] == 1)
    run = world.of_run
    # The end of index 1 comes again while the outcome of the call for index 10 is open.
    run["open"]["i10"] = {"attempt": 0, "since": 0, "calls": {"capacity": "FARGATE", "began": 0, "open": True}}
    facts = {"task": task, "attempt": 1, "root": "i1", "outcome": "succeeded", "seconds": 1, "capacity": "FARGATE"}
    before = runs.copied(run)
    assert ended(run, {**facts, "reason": ""}, now=0, retry=False) is None
    assert run == before


def test_a_wave_that_is_under_way_is_left_to_the_function_that_makes_its_calls() -> None:
    world = Clear(array(3, parallelism=3))
    good = world.run_task

    def meanwhile(**request: Any) -> Any:
        world.run_task = good  # type: ignore[method-assign]
        assert world.launching().launcher.next(world.of_run["run"]) is None
        return good(**request)

    world.run_task = meanwhile  # type: ignore[method-assign]
    world.until(lambda: len(world.launches) == 3)
    assert world.calls["RunTask"] == 3


def test_a_function_that_outlived_its_lease_does_not_decide_about_the_calls_of_another() -> None:
    world = Clear(array(1))
    others = {"round": 7, "by": "another", "began": world.now}

    def late(**_: Any) -> Any:
        run = world.of_run
        run["open"]["i0"]["calls"] |= others
        world.records().table.put(run)
        return {"tasks": [], "failures": [{"reason": "RESOURCE:CPU", "detail": "no capacity"}]}

    world.run_task = late  # type: ignore[method-assign]
    world.deliver("key")
    calls = world.of_run["open"]["i0"]["calls"]
    assert others.items() | {("open", True)} <= calls.items()
    assert world.of_run["array"]["todo"] == ""


def test_a_lost_end_is_found_while_ecs_still_knows_the_task_however_busy_the_array_is() -> None:
    world = Clear(array(400, parallelism=5))
    lost: list[str] = []
    told = world.told_later

    def lose(task: str) -> None:
        if lost:
            told(task)
        else:
            lost.append(task)
            world.running -= 1

    world.told_later = lose  # type: ignore[method-assign]
    world.until(lambda: len(world.launches) > 0)
    world.until(lambda: "i0" not in world.of_run["open"])
    assert world.now - world.launches[0] < 1100
    assert (world.end()["state"], world.indexes()) == ("SUCCEEDED", Counter(range(400)))


def test_a_waiting_array_that_is_stopped_ends() -> None:
    world = Clear(array(4, parallelism=1), seconds=10_000, maxRunning=1, overlap="replace")
    world.launching().launch({}, "other")
    stop_task, world.stop_task = world.stop_task, lambda **_: None  # type: ignore[method-assign]
    world.until(lambda: bool(world.table.items) and any(it["key"] == "key" for it in world.table.plain("run")))
    assert world.of_run["waiting"]
    world.change(stop=True)
    assert (world.of_run["state"], world.of_run["array"]["todo"], world.launches) == (
        "STOPPED",
        "0-3",
        [world.launches[0]],
    )
    world.stop_task = stop_task  # type: ignore[method-assign]


def test_a_thousand_indexes_wait_for_capacity_within_the_largest_item_and_fargates_rate() -> None:
    world = Clear(array(1000, parallelism=1000), policy={**DECLARED["policy"], "retries": 1, "retryOn": ["failed"]})
    world.seconds, world.code = 200, lambda *_: 1
    world.until(lambda: len(world.launches) == 1000)
    good, tried = world.run_task, list[float]()

    def none(**_: Any) -> Any:
        tried.append(world.now)
        why = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
        return {"tasks": [], "failures": [{"reason": why, "detail": ""}]}

    world.run_task = none  # type: ignore[method-assign]
    later = world.now + 1500
    world.until(lambda: world.now > later)
    run = world.of_run
    assert len(run["failures"]) == 1
    resting = [it["calls"] for it in run["open"].values() if not it["calls"]["open"]]
    assert len(resting) > 800
    assert all("by" not in it for it in resting)
    assert world.largest < 400 * 1024
    assert rates(tried) <= 0
    world.run_task, world.code, world.seconds = good, lambda *_: 0, 100_000  # type: ignore[method-assign]
    world.until(lambda: len(world.launches) == 2000)
    assert rates(world.launches[1000:]) <= 0


def test_a_resumed_array_goes_on_as_the_job_is_now() -> None:
    world = Clear(array(6, parallelism=6))
    world.code = lambda index, _: int(index < 2)
    world.end()
    world.now += 30 * 86400
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/other"
    revision = "arn:aws:ecs:eu-west-1:123456789012:task-definition/f:9"
    world.changed = {"policy": {**DECLARED["policy"], "retries": 1, "retryOn": ["failed"]}, "cluster": cluster}
    world.changed["taskDefinition"] = revision
    world.change(resume=True)
    run = world.of_run
    assert (run["cluster"], run["taskDefinition"], run["policy"]["retries"]) == (cluster, revision, 1)
    run = world.end()
    assert (run["failed"], world.indexes()[0], world.indexes()[2]) == (2, 3, 1)
    assert described(run, lines=[])["seconds"] < 500


def test_an_array_ends_whose_launcher_cannot_be_invoked_any_more() -> None:
    world = Clear(array(3, parallelism=3))

    def killed(**_: Any) -> Any:
        raise Killed

    world.run_task = killed  # type: ignore[method-assign]
    world.invoke = lambda **_: (_ for _ in ()).throw(refused("AccessDeniedException", "Invoke"))  # type: ignore[method-assign]
    world.deliver("key")
    world.pending.clear()
    later = world.now + 86400
    world.until(lambda: world.now > later)
    assert (world.of_run["state"], world.of_run["array"]["todo"]) == ("FAILED", "0-2")
    assert "its launcher does not launch it" in world.of_run["array"]["halted"]


def test_the_end_of_an_array_says_what_happened() -> None:
    """What failed before what was stopped, and who stopped it; a refused resumption is no rejected launch."""
    world = Clear(array(4, parallelism=4), seconds=1000)
    world.until(lambda: len(world.launches) == 4)
    for task in list(world.tasks):
        world.stop_task(task=task, reason="by hand")
    run = world.end()
    assert (run["state"], described(run, lines=[])["outcome"]) == ("STOPPED", "stopped")

    world = Clear(array(9, parallelism=3))
    world.code = lambda index, _: int(index == 1)
    world.until(lambda: len(world.launches) == 6)
    world.change(stop=True, requestedBy="ana")
    run = world.end()
    assert (run["state"], run["last"]["exitCode"]) == ("FAILED", 1)
    world.run_task = denied  # type: ignore[method-assign]
    world.change(resume=True)
    run = world.of_run
    assert (run["state"], ranges.size(run["array"]["todo"])) == ("FAILED", 7)

    world = Clear(array(9, parallelism=3))
    world.until(lambda: len(world.launches) == 3)
    world.change(pause=True)
    assert "expires" not in world.of_run
    world.until(lambda: world.of_run["succeeded"] == 3)
    world.change(stop=True, requestedBy="ana")
    run = world.of_run
    assert described(run, lines=[])["reason"] == "it was stopped by ana; of 9 indexes 3 succeeded, 6 never started"


def test_the_largest_item_fits_into_the_table() -> None:
    """Every index that may run at once waits for a retry with the longest reason, and the ranges are the longest."""
    run: Item = {"open": {}, "requested": 10_000, "array": arrays.new(10_000, arrays.MOST_AT_ONCE, None)}
    run["array"] |= {"todo": ranges.of(range(1000, 10_000, 2)), "succeeded": ranges.of(range(1001, 10_000, 2))}
    for index in range(arrays.MOST_AT_ONCE):
        facts = {"task": "f" * 32, "outcome": "never_started", "reason": "x" * arrays.LONGEST_REASON, "exitCode": 137}
        calls: Item = {"round": -1, "open": False, "lease": 0, "next": NOW}
        if index < 2 * fargate.LAUNCH_BURST:
            # Two waves are under way.
            calls = {"round": 99999, "open": True, "asked": 1, "lease": NOW, "next": NOW, "began": NOW, "by": "f" * 16}
            calls |= {"capacity": "FARGATE_SPOT", "late": NOW}
        entry = {"attempt": 10, "since": NOW, "seen": NOW, "calls": calls}
        run["open"][f"i{index}r99"] = {**entry, "failed": {**facts, "at": NOW}}
    of_launch = {"request": "x" * 20_000, "taskTokens": ["x" * 2048] * runs.MOST_TOKENS}
    assert size(typed({**run, **of_launch})) < 400 * 1024


NOW: Final = 1795690033.523


def test_each_index_finds_its_own_number_and_the_others_nothing() -> None:
    world = Clear(array(3))
    world.end()
    told = {}
    for it in world.tasks.values():
        (container,) = it["overrides"]["containerOverrides"]
        told[it["startedBy"].rpartition("/")[2]] = {one["name"]: one["value"] for one in container["environment"]}
    assert told == {f"i{index}": {"JOB_INDEX": str(index), "JOB_COUNT": "3"} for index in range(3)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"array": {"size": 0}}, "array.size: a whole number from 1 to 10000 is expected (overrides.array.max_size)"),
        ({"array": {"size": 10_001}}, "array.size: a whole number from 1 to 10000"),
        ({"array": {"size": True}}, "array.size: a whole number from 1 to 10000"),
        ({"array": {"size": 2.0}}, "array.size: a whole number from 1 to 10000"),
        ({"array": {}}, "array.size: a whole number from 1 to 10000"),
        ({"array": 5}, "array: an object with size is expected, not a number"),
        ({"array": None}, "array: an object with size is expected, not null"),
        ({"array": {"size": 5, "parallelism": 1001}}, "array.parallelism: a whole number from 1 to 1000"),
        ({"array": {"size": 5, "parallelism": 0}}, "overrides.array.max_parallelism"),
        ({"array": {"size": 5, "maxFailed": -1}}, "array.maxFailed: a whole number from 0 to 10000"),
        ({"array": {"size": 5, "maxFailed": None}}, "array.maxFailed: a whole number from 0 to 10000"),
        ({"array": {"size": 5, "maxfailed": 1}}, "array.maxfailed: unknown; did you mean `maxFailed`?"),
        ({"array": {"size": 5}, "count": 1}, "array, count: an event has one of them"),
        ({"array": {"size": 5}, "environment": {"JOB_INDEX": "1"}}, "environment: name 1 of 1: no caller may set"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected) as rejected:
        asked(given)
    assert said in str(rejected.value)


def test_an_array_that_is_not_declared_is_rejected() -> None:
    with pytest.raises(Rejected, match=r"array: not declared; the job's owner allows it with overrides\.array"):
        asked({"array": {"size": 2}}, of=settings(CLOSED))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parallelism": 1001}, "parallelism: a whole number from 1 to 1000 is expected"),
        ({"parallelism": True}, "parallelism: a whole number"),
        ({"pause": 1}, "pause: true is expected"),
        ({}, "one of parallelism, pause, resume, stop is expected"),
        ({"pause": True, "stop": True}, "one of parallelism, pause, resume, stop is expected"),
        ({"resume": True}, "and is not paused; resume it when it has ended"),
        ({"pause": True, "requestedBy": "a\nb"}, "requestedBy: a text of at most 256 printable characters"),
    ],
)
def test_what_is_wrong_with_a_change_is_said_and_nothing_is_changed(given: dict[str, Any], said: str) -> None:
    world = Clear(array(9, parallelism=2))
    world.until(lambda: len(world.launches) == 2)
    before = world.of_run
    with pytest.raises(Refused) as refused_change:
        world.change(**given)
    assert said in str(refused_change.value)
    assert world.of_run == before


@pytest.mark.parametrize("text", ["", "0", "0-41,43", "1,3-5,7", "0-9999"])
def test_ranges_are_read_and_written(text: str) -> None:
    assert ranges.text(ranges.pairs(text)) == text
    assert ranges.of(ranges.numbers(text)) == text
    assert ranges.size(text) == len(ranges.numbers(text))
    taken, rest = ranges.first(text, 3)
    assert taken == ranges.numbers(text)[:3]
    assert ranges.union(ranges.of(taken), rest) == text


@pytest.mark.parametrize("text", ["-", "1-", "5-3", "a", "1,,2", "²"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is neither a number nor a range|ends before it begins"):
        ranges.pairs(text)
