"""The outcome of a stopped task, its retry, and its notice."""

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
    if "job_reason" in more:
        job["reason"] = more.pop("job_reason")
    sidecar = {"name": "sidecar", "exitCode": 0, **({"reason": more.pop("beside")} if "beside" in more else {})}
    return {"stopCode": stop_code, "stoppedReason": more.pop("why", ""), "containers": [sidecar, job], **more}


@pytest.mark.parametrize(
    ("stopped", "kind", "said"),
    [
        (task("EssentialContainerExited", 0), "succeeded", "exit code 0"),
        (task("EssentialContainerExited", 1), "failed", "exit code 1"),
        (task("EssentialContainerExited", 127), "failed", "not found in the image"),
        (
            task("EssentialContainerExited", 137, job_reason="OutOfMemoryError: Container killed"),
            "failed",
            "out of memory",
        ),
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
def test_a_stopped_task_has_its_outcome_and_is_no_success_without_an_exit_code(
    stopped: dict[str, Any], kind: str, said: str
) -> None:
    outcome = classify(stopped, "job")
    assert outcome.kind == kind in KINDS
    assert said in outcome.reason


ORIGIN = "0123456789abcdef" * 2


def retry(overrides: Any, **changed: Any) -> dict[str, Any]:
    return {"retryOf": {"task": "t-1", "origin": ORIGIN, "attempt": 2, "overrides": overrides, "tags": {}, **changed}}


def test_a_retry_requests_what_the_task_was_launched_with() -> None:
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


def test_a_retry_uses_the_stored_payload() -> None:
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
    """A launcher with a given answer, and a topic and a log that remember their calls."""

    exceptions = SimpleNamespace(
        ResourceAlreadyExistsException=FileExistsError, TooManyRequestsException=BlockingIOError
    )

    def __init__(self, **answer: Any) -> None:
        self.answer, self.notices = answer, list[dict[str, Any]]()
        self.invocations = 0
        self.streams = dict[str, float]()
        """Name → creation time, in seconds since 1970."""
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
        self.invocations += 1
        if self.busy:
            raise BlockingIOError("rate exceeded")
        error = {"FunctionError": "Unhandled"} if "errorMessage" in self.answer else {}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode()), **error}

    def publish(self, **notice: Any) -> None:
        if self.topic_gone:
            raise OSError("no such topic")
        self.notices.append(notice)


def supervisor(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Any:
    """The supervisor's module, newly imported in its environment."""
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
    ("answer", "delivery", "left", "notice"),
    [
        (refused(retryable=True), 3, ["a", "b"], ""),
        ({"errorMessage": "it broke"}, 3, ["a", "b"], ""),
        (refused(retryable=True), 4, [], "could not be retried: not by the last delivery: X: no room"),
        (refused(retryable=False), 3, [], "could not be retried: X: no room"),
        ({"launched": 1, "failures": []}, 3, [], ""),
    ],
)
def test_a_retry_that_has_to_wait_is_delivered_again_until_its_notice(
    answer: dict[str, Any], delivery: int, left: list[str], notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervise = supervisor(monkeypatch)
    aws = Aws(**answer)
    monkeypatch.setattr(supervise, "_client", aws)
    assert delivered(supervise, *(record(it, delivery) for it in "ab")) == [f"m-{it}" for it in left]
    # A waiting event does not delay the other one.
    assert aws.invocations == 2
    assert [notice in it["Message"] for it in aws.notices] == ([True, True] if notice else [])


def record(task_id: str, delivery: int = 1, *, started_by: str = f"job/{ORIGIN}") -> dict[str, Any]:
    """The queue's record for the end of a failed task."""
    stopped = {
        **task("EssentialContainerExited", 1),
        "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/c/{task_id}",
        "startedBy": started_by,
    }
    received = {"ApproximateReceiveCount": str(delivery)}
    return {"messageId": f"m-{task_id}", "body": json.dumps(stopped), "attributes": received}


def delivered(supervise: Any, *records: dict[str, Any]) -> list[str]:
    """Ids of the messages that SQS has to deliver again."""
    answered = supervise.handle({"Records": records}, SimpleNamespace(aws_request_id="r-1"))
    return [it["itemIdentifier"] for it in answered["batchItemFailures"]]


@pytest.fixture
def unretried(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Aws]:
    """A supervisor without retries, and the AWS that it calls."""
    supervise, aws = supervisor(monkeypatch, retries=0), Aws()
    monkeypatch.setattr(supervise, "_client", aws)
    return supervise, aws


def test_a_final_failure_causes_exactly_one_notice(unretried: tuple[Any, Aws]) -> None:
    supervise, aws = unretried
    # The id of another task may begin with the same letters.
    assert delivered(supervise, record("ab")) == []
    assert len(aws.notices) == 1
    aws.notices.clear()
    # The topic refuses the notice: the function fails, which raises its alarm, and the event is delivered again. The
    # next notice follows after the function's timeout, when the first delivery has surely ended.
    aws.topic_gone = True
    with pytest.raises(OSError, match="no such topic"):
        delivered(supervise, record("a"))
    aws.topic_gone = False
    assert delivered(supervise, record("a", 2)) == ["m-a"]
    assert aws.notices == []
    aws.streams["a/telling/0"] -= supervise.SUPERVISOR_SECONDS
    assert delivered(supervise, record("a", 3)) == []
    assert len(aws.notices) == 1
    # Later deliveries change nothing, nor does the event from EventBridge's dead-letter queue.
    whole = record("a")
    whole["body"] = json.dumps({"detail-type": "ECS Task State Change", "detail": json.loads(whole["body"])})
    assert delivered(supervise, record("a"), whole, record("a", 4)) == []
    assert len(aws.notices) == 1


@pytest.mark.parametrize("after_a_dead_one", [False, True])
def test_of_two_deliveries_at_the_same_time_one_publishes(unretried: tuple[Any, Aws], after_a_dead_one: bool) -> None:
    supervise, aws = unretried
    if after_a_dead_one:
        aws.streams["a/telling/0"] = time.time() - supervise.SUPERVISOR_SECONDS
    publish, others = aws.publish, list[list[str]]()

    def while_another_does(**notice: Any) -> None:
        others.append(delivered(supervise, record("a")))
        publish(**notice)

    aws.publish = while_another_does
    assert delivered(supervise, record("a")) == []
    assert others == [["m-a"]]
    assert len(aws.notices) == 1


def test_a_failure_is_published_even_if_it_cannot_be_marked(unretried: tuple[Any, Aws]) -> None:
    supervise, aws = unretried
    aws.logs_gone = True
    assert delivered(supervise, record("a")) == []
    assert len(aws.notices) == 1


def test_a_retried_task_is_complete_even_if_the_launcher_later_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    supervise, aws = supervisor(monkeypatch), Aws(launched=1, failures=[])
    monkeypatch.setattr(supervise, "_client", aws)
    assert delivered(supervise, record("a")) == []
    aws.answer = refused(retryable=True)
    assert delivered(supervise, record("a"), record("a", 4)) == []
    assert (aws.invocations, aws.notices) == (1, [])


def test_a_launcher_that_is_busy_until_the_last_delivery_causes_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    supervise, aws = supervisor(monkeypatch), Aws()
    monkeypatch.setattr(supervise, "_client", aws)
    aws.busy = True
    assert delivered(supervise, record("a", 3)) == ["m-a"]
    assert delivered(supervise, record("a", 4)) == []
    assert "could not be retried: not by the last delivery: rate exceeded" in aws.notices[0]["Message"]


def test_the_other_tasks_are_stopped_if_one_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
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
