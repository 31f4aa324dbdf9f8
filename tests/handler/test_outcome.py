"""What became of a stopped task, and what a retry of it asks for."""

from __future__ import annotations

import importlib
import io
import json
import sys
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from fargate_job_launcher.handler.event import Rejected
from fargate_job_launcher.handler.launch import run_task_request, started_by
from fargate_job_launcher.handler.outcome import KINDS, classify

from tools.launching import CLOSED, SETTINGS, asked, settings


def task(stop_code: str, exit_code: int | None = None, **more: Any) -> dict[str, Any]:
    job: dict[str, Any] = {"name": "job", **({} if exit_code is None else {"exitCode": exit_code})}
    if "told" in more:
        job["reason"] = more.pop("told")
    sidecar = {"name": "sidecar", "exitCode": 0, **({"reason": more.pop("beside")} if "beside" in more else {})}
    return {"stopCode": stop_code, "stoppedReason": more.pop("why", ""), "containers": [sidecar, job], **more}


@pytest.mark.parametrize(
    ("stopped", "kind", "said"),
    [
        (task("EssentialContainerExited", 0), "succeeded", "exit code 0"),
        (task("EssentialContainerExited", 1), "failed", "exit code 1"),
        (task("EssentialContainerExited", 127), "failed", "not found in the image"),
        (task("EssentialContainerExited", 137, told="OutOfMemoryError: Container killed"), "failed", "out of memory"),
        (task("TaskFailedToStart", why="CannotPullContainerError: pull denied"), "never_started", "pull denied"),
        (task("TaskFailedToStart", 0), "never_started", "it never started"),
        (task("EssentialContainerExited"), "never_started", "ECS gives no reason"),
        ({"stopCode": "EssentialContainerExited", "containers": []}, "never_started", "ECS gives no reason"),
        ({}, "never_started", "ECS gives no reason"),
        (
            task("TaskFailedToStart", why="Task failed to start", beside="CannotPullContainerError: a:1: not found"),
            "never_started",
            "its container sidecar: CannotPullContainerError",
        ),
        (
            task(
                "EssentialContainerExited", 143, why="Essential container in task exited", beside="OutOfMemoryError: a"
            ),
            "failed",
            "exit code 143: its container sidecar: OutOfMemoryError",
        ),
        (task("EssentialContainerExited", 2, beside="OutOfMemoryError: a"), "failed", "it ended with exit code 2"),
        (
            task("TaskFailedToStart", why="CannotPullContainerError: pull denied", beside="it never ran"),
            "never_started",
            "it never started: CannotPullContainerError",
        ),
        (task("EssentialContainerExited", startedAt="2026-01-01T00:00:00Z"), "failed", "cut off, without an exit code"),
        (task("TaskFailedToStart", startedAt="2026-01-01T00:00:00Z"), "never_started", "it never started"),
        (task("SpotInterruption", 0, why="Your Spot Task was interrupted."), "interrupted", "Spot took its capacity"),
        (task("TerminationNotice"), "interrupted", "AWS retired the capacity"),
        (task("InfrastructureHealth", 1), "interrupted", "infrastructure"),
        (task("UserInitiated", 0, why="Task stopped by user"), "stopped", "somebody stopped it: Task stopped by user"),
        (task("UserInitiated", 137, why="fargate-job-launcher: ran longer than 5 minutes"), "timed_out", "ran longer"),
        (task("ServiceSchedulerInitiated", 0), "stopped", "a service stopped it"),
    ],
)
def test_a_stopped_task_is_what_it_was_and_never_a_success_without_an_exit_code(
    stopped: dict[str, Any], kind: str, said: str
) -> None:
    outcome = classify(stopped, "job")
    assert outcome.kind == kind in KINDS
    assert said in outcome.reason


ORIGIN = "0123456789abcdef" * 2


def retry(overrides: Any, **changed: Any) -> dict[str, Any]:
    return {"retryOf": {"task": "t-1", "origin": ORIGIN, "attempt": 2, "overrides": overrides, "tags": {}, **changed}}


def test_a_retry_asks_for_what_the_task_was_launched_with() -> None:
    event = {
        "command": ["run"],
        "environment": {"SOURCE": "a"},
        "cpu": 1024,
        "memory": 4096,
        "ephemeralStorageGiB": 50,
        "payload": {"a": [1]},
        "role": "reader",
        "tags": {"customer": "c"},
        "capacity": "spot_then_on_demand",
    }
    first = asked(event)
    again = asked(retry(first.overrides, tags={"customer": "c", "aws:ecs:x": "y"}))
    assert (again.overrides, again.tags, again.count) == (first.overrides, first.tags, 1)
    assert started_by(SETTINGS, again) == f"import/{ORIGIN}/2"
    assert asked(retry(first.overrides)).key == again.key != asked(retry({}, task="t-2")).key
    byhand = asked(retry(first.overrides, key="k-1"))
    assert byhand.key not in (again.key, asked(retry(first.overrides, key="k-2")).key)
    assert byhand.overrides == first.overrides
    plain = asked(retry({}))
    assert plain.overrides == {}
    fallback = settings(capacity="spot_then_on_demand")
    for provider, own, capacity in (
        ("FARGATE", "spot", "on_demand"),
        ("FARGATE_SPOT", "on_demand", "spot_then_on_demand"),
        ("FARGATE", "spot_then_on_demand", "spot_then_on_demand"),
        ("", "spot", "spot"),
    ):
        assert asked(retry({}, capacityProvider=provider), of=settings(capacity=own)).capacity == capacity
    closed = settings({**CLOSED, "capacity": "spot"})
    assert asked(retry({}, capacityProvider="FARGATE"), of=closed).capacity == "spot"
    call = run_task_request(fallback, asked(retry({}, interrupted=True), of=fallback), count=1)
    assert (call["launchType"], call.get("capacityProviderStrategy")) == ("FARGATE", None)


def test_a_retry_finds_the_payload_that_was_stored() -> None:
    of = settings(payloadPrefix="s3://b/p/")
    first = asked({"payload": "x" * 9000, "environment": {"SOURCE": "s"}}, of=of)
    assert first.stored_payload is not None
    again = asked(retry(first.overrides), of=of)
    assert again.stored_payload is None
    assert sorted(map(str, again.overrides["containerOverrides"][0]["environment"])) == sorted(
        map(str, first.overrides["containerOverrides"][0]["environment"])
    )


@pytest.mark.parametrize(
    "event",
    [
        retry({"taskRoleArn": "arn:aws:iam::123456789012:role/Administrator"}),
        retry({"cpu": "16384"}),
        retry({"containerOverrides": [{"name": "job", "environment": [{"name": "LD_PRELOAD", "value": "x"}]}]}),
        retry({"containerOverrides": [{"name": "job", "environment": [{"name": "OTHER", "value": "x"}]}]}),
        retry({"containerOverrides": [{"name": "job", "environment": [
            {"name": "JOB_PAYLOAD_S3_URI", "value": "s3://another/bucket"}]}]}),
        retry({"containerOverrides": [{"name": "job", "environment": [{"name": "JOB_PAYLOAD", "value": "{"}]}]}),
        retry({"containerOverrides": 1}),
        retry([]),
        retry({}, tags=1),
        retry({}, task="a b"),
        retry({}, task=None),
        retry({}, origin="x"),
        retry({}, attempt=True),
        retry({}, attempt=100),
        retry({}, key="a b"),
        retry({}, key=1),
        {"retryOf": 1},
        {**retry({}), "command": ["sh"]},
    ],
)  # fmt: skip
def test_a_forged_retry_gains_nothing(event: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        asked(event)
    with pytest.raises(Rejected):
        asked(retry({"containerOverrides": [{"name": "job", "command": ["sh"]}]}), of=settings(CLOSED))


class Aws:
    """A launcher that answers as it is told, a topic and a log that remember."""

    exceptions = SimpleNamespace(
        ResourceAlreadyExistsException=FileExistsError, TooManyRequestsException=BlockingIOError
    )

    def __init__(self, **answer: Any) -> None:
        self.answer, self.told = answer, list[dict[str, Any]]()
        self.asked = 0
        self.streams = dict[str, float]()
        """Name → when it was made."""
        self.topic_gone = self.logs_gone = self.busy = False

    def create_log_stream(self, **request: Any) -> None:
        assert request["logGroupName"] == "o"
        if self.logs_gone:
            raise OSError("no such log group")
        if request["logStreamName"] in self.streams:
            raise FileExistsError
        self.streams[request["logStreamName"]] = time.time()

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        assert request["logGroupName"] == "o"
        if self.logs_gone:
            raise OSError("no such log group")
        found = {name: at for name, at in self.streams.items() if name.startswith(request["logStreamNamePrefix"])}
        return {"logStreams": [{"logStreamName": name, "creationTime": int(at * 1000)} for name, at in found.items()]}

    def __call__(self, _service: str) -> Aws:
        return self

    def describe_tasks(self, **_request: Any) -> dict[str, Any]:
        return {"tasks": []}

    def invoke(self, **_request: Any) -> dict[str, Any]:
        self.asked += 1
        if self.busy:
            raise BlockingIOError("rate exceeded")
        error = {"FunctionError": "Unhandled"} if "errorMessage" in self.answer else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **error}

    def publish(self, **notice: Any) -> None:
        if self.topic_gone:
            raise OSError("no such topic")
        self.told.append(notice)


def supervisor(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Any:
    """The supervisor's module, as it begins in its function."""
    given = {
        **{"job": "job", "container": "job", "cluster": "c", "family": "f", "launcher": "l"},
        **{"retries": 2, "retry_on": ["failed"], "max_runtime_minutes": 0, "deliveries": 4},
        **{"topic": "t", "log_group": "g", "own_log_group": "o"},
    }
    monkeypatch.setenv("SUPERVISOR_SETTINGS", json.dumps({**given, **changed}))
    monkeypatch.delitem(sys.modules, "fargate_job_launcher.handler.supervise", raising=False)
    return importlib.import_module("fargate_job_launcher.handler.supervise")


def refused(*, retryable: bool) -> dict[str, Any]:
    return {"launched": 0, "failures": [{"reason": "X", "detail": "no room", "retryable": retryable}]}


@pytest.mark.parametrize(
    ("answer", "delivery", "left", "told"),
    [
        (refused(retryable=True), 3, ["a", "b"], ""),
        ({"errorMessage": "it broke"}, 3, ["a", "b"], ""),
        (refused(retryable=True), 4, [], "could not be retried: not in time: X: no room"),
        (refused(retryable=False), 3, [], "could not be retried: X: no room"),
        ({"launched": 1, "failures": []}, 3, [], ""),
    ],
)
def test_a_retry_that_has_to_wait_is_delivered_again_until_somebody_is_told(
    answer: dict[str, Any], delivery: int, left: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervise = supervisor(monkeypatch)
    aws = Aws(**answer)
    monkeypatch.setattr(supervise, "_client", aws)
    assert delivered(supervise, *(record(it, delivery) for it in "ab")) == [f"m-{it}" for it in left]
    # One that waits holds nobody up.
    assert aws.asked == 2
    assert [told in it["Message"] for it in aws.told] == ([True, True] if told else [])


def record(task_id: str, delivery: int = 1, *, started_by: str = f"job/{ORIGIN}") -> dict[str, Any]:
    """The end of a task that failed, as the queue brings it."""
    stopped = {
        **task("EssentialContainerExited", 1),
        "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/c/{task_id}",
        "startedBy": started_by,
    }
    received = {"ApproximateReceiveCount": str(delivery)}
    return {"messageId": f"m-{task_id}", "body": json.dumps(stopped), "attributes": received}


def delivered(supervise: Any, *records: dict[str, Any]) -> list[str]:
    """Which of these messages are to come again."""
    answered = supervise.handle({"Records": records}, SimpleNamespace(aws_request_id="r-1"))
    return [it["itemIdentifier"] for it in answered["batchItemFailures"]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Aws]:
    """A supervisor that retries nothing, and what it calls."""
    supervise, aws = supervisor(monkeypatch, retries=0), Aws()
    monkeypatch.setattr(supervise, "_client", aws)
    return supervise, aws


def test_a_final_failure_is_told_of_once_and_never_left_out(told: tuple[Any, Aws]) -> None:
    supervise, aws = told
    # Another task's name may begin with the same letters.
    assert delivered(supervise, record("ab")) == []
    assert len(aws.told) == 1
    aws.told.clear()
    # The topic does not take it: the function fails, for an alarm to see, and the event comes again. It is told of
    # then, no sooner than its teller is surely dead.
    aws.topic_gone = True
    with pytest.raises(OSError, match="no such topic"):
        delivered(supervise, record("a"))
    aws.topic_gone = False
    assert delivered(supervise, record("a", 2)) == ["m-a"]
    assert aws.told == []
    aws.streams["a/telling/0"] -= supervise.SUPERVISOR_SECONDS
    assert delivered(supervise, record("a", 3)) == []
    assert len(aws.told) == 1
    # It comes as often as it likes then, and as EventBridge keeps it that could not deliver it.
    whole = record("a")
    whole["body"] = json.dumps({"detail-type": "ECS Task State Change", "detail": json.loads(whole["body"])})
    assert delivered(supervise, record("a"), whole, record("a", 4)) == []
    assert len(aws.told) == 1


@pytest.mark.parametrize("after_a_dead_one", [False, True])
def test_of_two_that_would_tell_at_the_same_time_one_does(told: tuple[Any, Aws], after_a_dead_one: bool) -> None:
    supervise, aws = told
    if after_a_dead_one:
        aws.streams["a/telling/0"] = time.time() - supervise.SUPERVISOR_SECONDS
    publish, others = aws.publish, list[list[str]]()

    def while_another_does(**notice: Any) -> None:
        others.append(delivered(supervise, record("a")))
        publish(**notice)

    aws.publish = while_another_does
    assert delivered(supervise, record("a")) == []
    assert others == [["m-a"]]
    assert len(aws.told) == 1


def test_what_cannot_be_noted_is_told_of_all_the_same(told: tuple[Any, Aws]) -> None:
    supervise, aws = told
    aws.logs_gone = True
    assert delivered(supervise, record("a")) == []
    assert len(aws.told) == 1


def test_a_task_that_was_retried_is_done_with_whatever_the_launcher_says_later(monkeypatch: pytest.MonkeyPatch) -> None:
    supervise, aws = supervisor(monkeypatch), Aws(launched=1, failures=[])
    monkeypatch.setattr(supervise, "_client", aws)
    assert delivered(supervise, record("a")) == []
    aws.answer = refused(retryable=True)
    assert delivered(supervise, record("a"), record("a", 4)) == []
    assert (aws.asked, aws.told) == (1, [])


def test_a_launcher_that_is_busy_to_the_end_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    supervise, aws = supervisor(monkeypatch), Aws()
    monkeypatch.setattr(supervise, "_client", aws)
    aws.busy = True
    assert delivered(supervise, record("a", 3)) == ["m-a"]
    assert delivered(supervise, record("a", 4)) == []
    assert "could not be retried: not in time: rate exceeded" in aws.told[0]["Message"]


def test_a_task_that_cannot_be_stopped_does_not_save_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    supervise = supervisor(monkeypatch, max_runtime_minutes=1)
    stopped = list[str]()

    class Ecs:
        def get_paginator(self, _name: str) -> Ecs:
            return self

        def paginate(self, **_request: Any) -> list[dict[str, Any]]:
            return [{"taskArns": ["a"]}, {"taskArns": ["b", "c"]}]

        def describe_tasks(self, tasks: list[str], **_request: Any) -> dict[str, Any]:
            began = datetime(2026, 1, 1, tzinfo=UTC)
            return {"tasks": [{"taskArn": it, "createdAt": began, "startedBy": f"job/{ORIGIN}"} for it in tasks]}

        def stop_task(self, task: str, **_request: Any) -> None:
            if task == "a":
                raise OSError("throttled")
            stopped.append(task)

    monkeypatch.setattr(supervise, "_client", lambda _service: Ecs())
    with pytest.raises(supervise.TaskNotStopped, match="a: throttled"):
        supervise.handle({"reap": True}, SimpleNamespace(aws_request_id="r-1"))
    assert stopped == ["b", "c"]
