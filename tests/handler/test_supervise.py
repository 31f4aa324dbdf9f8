"""The supervisor looks for what is late, lost or pending; the table, ECS and Lambda are in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fargate_job_launcher.handler import holders
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.result import LaunchResult
from fargate_job_launcher.handler.supervise import Supervisor
from fargate_job_launcher.handler.table import Table

from tools.dynamodb import refused
from tools.ecs_endpoint import Endpoint, ecs_endpoint
from tools.launching import DECLARED, Launching, settings

MINUTE = 60.0


class Cluster:
    """ECS and Lambda as the supervisor sees them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint, self.now = endpoint, 1_000_000.0
        self.states: dict[str, dict[str, Any]] = {}
        self.stopped: list[tuple[str, str]] = []
        self.invoked: list[dict[str, Any]] = []
        self.refuses = self.ecs_refuses = ""
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.waiting = 0

    def launch(self, *, event: dict[str, Any] | None = None, key: str = "r-1", **changed: Any) -> LaunchResult:
        of = settings(policy={**DECLARED["policy"], **changed.pop("policy", {})}, capacity="on_demand", **changed)
        self.one = Launching(self.endpoint.client(), of, *self._table(), clock=lambda: self.now)
        return self.one.launch(event or {}, key)

    def _table(self) -> list[Any]:
        return [self.one.table] if hasattr(self, "one") else []

    @property
    def supervisor(self) -> Supervisor:
        records = Records(Table(self.one.table, "runs", wait=lambda _: None), clock=lambda: self.now)
        # The message that has it look is in the queue too.
        return Supervisor(records, self, self, lambda: self.waiting + 1, self._log, own=1)

    def _log(self, level: str, message: str, **told: Any) -> None:
        self.lines.append((level, message, told))

    def sweep(self, minutes: float) -> dict[str, int]:
        """Let the time pass, and look for what is due."""
        self.now += minutes * MINUTE
        return self.supervisor.sweep(lambda: 60.0)

    def describe_tasks(self, *, cluster: str, tasks: list[str]) -> dict[str, Any]:
        assert cluster == DECLARED["cluster"]
        if self.ecs_refuses:
            raise refused(self.ecs_refuses, "DescribeTasks")
        return {"tasks": [self.states[it] for it in tasks if it in self.states]}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        assert cluster == DECLARED["cluster"]
        self.stopped.append((task, reason))

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803
        assert (FunctionName.rpartition(":")[2], InvocationType) == ("import-launcher", "Event")
        if self.refuses:
            raise refused(self.refuses, "Invoke")
        self.invoked.append(json.loads(Payload))

    def state(self, task: str, last_status: str, **more: Any) -> dict[str, Any]:
        """Set what ECS says about a task."""
        arns = {it.rpartition("/")[2]: (it, by) for it, by in self.endpoint.tasks.items()}
        arn, started_by = arns[task]
        self.states[task] = {
            "taskArn": arn, "startedBy": started_by, "lastStatus": last_status, "desiredStatus": last_status,
            "taskDefinitionArn": DECLARED["taskDefinition"], "createdAt": runs.at(self.now), "containers": [],
            **more,
        }  # fmt: skip
        return self.states[task]

    def ends(self, task: str, code: int | None = 0, stop_code: str = "EssentialContainerExited") -> dict[str, Any]:
        """Let a task end, and tell the supervisor."""
        job = {"name": "job"} if code is None else {"name": "job", "exitCode": code}
        told = self.state(task, "STOPPED", stopCode=stop_code, containers=[job])
        self.supervisor.ended([told])
        return told

    def run(self, result: LaunchResult) -> dict[str, Any]:
        return self.one.run(result)


@pytest.fixture
def cluster() -> Any:
    with ecs_endpoint() as endpoint:
        found = Cluster(endpoint)
        endpoint.clock = lambda: found.now
        yield found


def test_a_task_that_does_not_start_or_runs_too_long_is_stopped_with_the_reason(cluster: Cluster) -> None:
    result = cluster.launch(policy={"startTimeoutMinutes": 5, "maxRuntimeMinutes": 30}, event={"count": 2})
    slow, long = (it["id"] for it in result["tasks"])
    cluster.state(slow, "PENDING")
    cluster.state(long, "RUNNING", startedAt=runs.at(cluster.now + MINUTE))
    cluster.sweep(4)
    assert cluster.stopped == []
    cluster.sweep(2)
    assert cluster.stopped == [(slow, "fargate-job-launcher: did not start within 5 minutes")]
    cluster.ends(slow, None, "UserInitiated")
    cluster.sweep(24)
    assert len(cluster.stopped) == 1
    cluster.sweep(2)
    assert cluster.stopped[1:] == [(long, "fargate-job-launcher: ran longer than 30 minutes")]
    reaped = [told for _, _, told in cluster.lines if "TasksReaped" in told]
    assert [it["function"].rpartition(":")[2] for it in reaped] == ["import-launcher"] * 2


def test_an_end_that_no_event_told_is_found(cluster: Cluster) -> None:
    result = cluster.launch()
    (task,) = (it["id"] for it in result["tasks"])
    told = cluster.state(task, "STOPPED", stopCode="EssentialContainerExited",
                         containers=[{"name": "job", "exitCode": 0}])  # fmt: skip
    assert cluster.sweep(14)["looked at"] == 0
    assert cluster.sweep(2)["looked at"] == 1
    assert cluster.run(result)["state"] == "SUCCEEDED"
    assert cluster.invoked == [{"endOf": result["run"]}]
    # The event comes after all: nothing is counted twice.
    cluster.supervisor.ended([told, told])
    assert (cluster.run(result)["succeeded"], len(cluster.invoked)) == (1, 1)


def test_a_task_that_ecs_has_forgotten_is_lost_only_when_no_event_waits(cluster: Cluster) -> None:
    result = cluster.launch(policy={"retries": 3, "retryOn": ["failed"]})
    cluster.waiting = 3
    for _ in range(8):
        cluster.sweep(16)
    assert cluster.run(result)["state"] == "RUNNING"
    cluster.waiting = 0
    cluster.sweep(16)
    run = cluster.run(result)
    # What it did is unknown, so it is not launched again.
    assert (run["state"], run["last"]["reason"]) == ("FAILED", "its end was not told, and ECS no longer knows it")
    assert len(cluster.endpoint.calls) == 1


def test_what_a_launcher_did_not_do_is_asked_for_again_and_given_up_with_its_function(cluster: Cluster) -> None:
    result = cluster.launch(policy={"retries": 1, "retryOn": ["failed"]})
    (task,) = (it["id"] for it in result["tasks"])
    cluster.ends(task, 1)
    asked = {"retryOf": {"run": result["run"], "root": task}}
    assert cluster.invoked == [asked]
    cluster.sweep(1)
    assert cluster.invoked == [asked]
    cluster.sweep(2)
    assert cluster.invoked == [asked, asked]
    cluster.refuses = "AccessDeniedException"
    cluster.sweep(3)
    assert cluster.run(result)["state"] == "RUNNING"
    cluster.refuses = "ResourceNotFoundException"
    cluster.sweep(3)
    run = cluster.run(result)
    assert (run["state"], run["failed"]) == ("FAILED", 1)
    assert "could not be retried: LauncherGone: its launcher no longer exists" in run["last"]["reason"]
    cluster.sweep(3)
    assert "tell" not in cluster.run(result)
    assert [told["EndsUntold"] for _, _, told in cluster.lines if "EndsUntold" in told] == [1]


def test_a_retry_that_finds_no_room_is_tried_for_two_hours(cluster: Cluster) -> None:
    result = cluster.launch(policy={"retries": 1, "retryOn": ["failed"]})
    (task,) = (it["id"] for it in result["tasks"])
    cluster.endpoint.fault = lambda _: "no_capacity"
    cluster.ends(task, 1)
    tries = 0
    for _ in range(200):
        while cluster.invoked and "retryOf" in cluster.invoked[0]:
            cluster.invoked.pop(0)
            cluster.one.launcher.retry(result["run"], task)
            tries += 1
        cluster.sweep(1)
    run = cluster.run(result)
    assert (run["state"], run["attempts"]) == ("FAILED", 1)
    assert "could not be retried: RESOURCE:CPU" in run["last"]["reason"]
    assert 5 <= tries <= 20


@pytest.mark.parametrize(
    "how",
    [
        lambda job: job["holders"].update({"f" * 32: 2}),
        lambda job: job["holders"].clear(),
        lambda job: job["holders"].update(dict.fromkeys(job["holders"], 7)),
    ],
)
def test_a_count_that_is_wrong_is_corrected_and_that_is_seen(
    how: Callable[[dict[str, Any]], None], cluster: Cluster
) -> None:
    result = cluster.launch(maxRunning=3)
    cluster.state(result["tasks"][0]["id"], "RUNNING", startedAt=runs.at(cluster.now))
    records = cluster.supervisor.records
    job = records.job("f")
    how(job)
    records.table.put(job)
    assert cluster.sweep(16)["corrected"] == 1
    assert [told["RunningCorrected"] for _, _, told in cluster.lines if "RunningCorrected" in told] == [1]
    assert holders.held(records.job("f")) == 1
    cluster.ends(result["tasks"][0]["id"])
    assert records.job("f")["holders"] == {}


def test_a_right_count_is_left_alone(cluster: Cluster) -> None:
    result = cluster.launch(maxRunning=3, event={"count": 2})
    for it in result["tasks"]:
        cluster.state(it["id"], "RUNNING", startedAt=runs.at(cluster.now))
    assert cluster.sweep(16) == {"looked at": 2, "corrected": 0, "failed": 0}
    assert holders.held(cluster.supervisor.records.job("f")) == 2


def test_tasks_of_others_are_none_of_its_business(cluster: Cluster) -> None:
    result = cluster.launch()
    told = cluster.state(result["tasks"][0]["id"], "STOPPED")
    before = len(cluster.one.table.calls)
    for changed in ({"startedBy": "somebody"}, {"startedBy": f"import/{'0' * 32}"}, {"lastStatus": "RUNNING"}):
        cluster.supervisor.ended([{**told, **changed}])
    assert set(cluster.one.table.calls[before:]) == {"GetItem"}
    assert cluster.invoked == []


def test_a_launch_whose_function_died_is_settled_and_ends(cluster: Cluster) -> None:
    class Dying:
        def run_task(self, **request: Any) -> dict[str, Any]:
            cluster.endpoint.client().run_task(**request)
            raise KeyboardInterrupt

    cluster.launch(key="other")
    cluster.one.ecs = Dying()
    with pytest.raises(KeyboardInterrupt):
        cluster.one.launch({"count": 3}, "killed")
    (run,) = (it for it in cluster.one.table.plain("run") if it["key"] == "killed")
    assert (run["state"], run["tasks"]) == ("LAUNCHING", [])

    class Pages:
        def paginate(self, **request: Any) -> list[dict[str, Any]]:
            return [cluster.endpoint.client().list_tasks(**request)]

    cluster.get_paginator = lambda _: Pages()  # type: ignore[attr-defined]
    for arn in cluster.endpoint.tasks:
        cluster.state(arn.rpartition("/")[2], "RUNNING", startedAt=runs.at(cluster.now))
    cluster.sweep(5)
    cluster.sweep(6)
    (run,) = (it for it in cluster.one.table.plain("run") if it["key"] == "killed")
    assert (run["state"], len(run["tasks"]), len(run["open"])) == ("RUNNING", 3, 3)


@pytest.mark.parametrize("gone", ["ClusterNotFoundException", "AccessDeniedException"])
def test_a_run_that_cannot_be_looked_at_keeps_no_other_from_it(gone: str, cluster: Cluster) -> None:
    broken = cluster.launch()
    (task,) = (it["id"] for it in broken["tasks"])
    cluster.ecs_refuses = "InternalFailure"
    assert cluster.sweep(16) == {"looked at": 1, "corrected": 0, "failed": 1}
    assert [level for level, message, _ in cluster.lines if "could not be looked at" in message] == ["ERROR"]
    # Its cluster is none of the supervisor's any more; or it is gone, and every task with it.
    cluster.ecs_refuses = gone
    for _ in range(7):
        cluster.sweep(16)
    assert (cluster.run(broken)["state"], cluster.run(broken)["last"]["task"]) == ("FAILED", task)


def test_a_launcher_that_does_nothing_is_asked_for_hours_and_not_for_ever(cluster: Cluster) -> None:
    result = cluster.launch(policy={"retries": 1, "retryOn": ["failed"]})
    (task,) = (it["id"] for it in result["tasks"])
    cluster.ends(task, 1)
    for _ in range(70):
        cluster.sweep(30)
    run = cluster.run(result)
    assert (run["state"], "duty" in run) == ("FAILED", False)
    assert "its launcher does not launch it" in run["last"]["reason"]
    assert [told["EndsUntold"] for _, _, told in cluster.lines if "EndsUntold" in told] == [1]
    asked = [next(iter(it)) for it in cluster.invoked]
    assert 5 < asked.count("retryOf") < 20
    assert 5 < asked.count("endOf") < 40
