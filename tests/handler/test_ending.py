"""The end of a run is told once to everybody who waits for it, in words, and without a value of the launch event."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fargate_job_launcher.handler import ends
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.ending import LARGEST_EVENT, LARGEST_RESULT, NotTold, Teller
from fargate_job_launcher.handler.result import LaunchResult

from tools.dynamodb import refused
from tools.ecs_endpoint import Endpoint, ecs_endpoint
from tools.launching import DECLARED, Launching, settings

SECRET = "hunter2-hunter2"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:notices"


class Absent(Exception):
    """An AWS error of this kind."""


class Services:
    """EventBridge, SNS, Step Functions, CloudWatch Logs and S3."""

    exceptions = SimpleNamespace(ResourceNotFoundException=Absent)

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.result: bytes | None = None
        self.failing: set[str] = set()

    def __call__(self, service: str) -> Services:
        if service in self.failing:
            raise refused("InternalError", service)
        return self

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        (entry,) = Entries
        assert (entry["Source"], entry["DetailType"]) == ("fargate-job-launcher", "Job Run State Change")
        if "quota" in self.failing:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "m"}]}
        self.events.append(json.loads(entry["Detail"]))
        return {"FailedEntryCount": 0}

    def publish(self, **notice: Any) -> None:
        self.notices.append(notice)

    def send_task_success(self, **answer: Any) -> None:
        if "token" in self.failing:
            raise refused("TaskTimedOut", "SendTaskSuccess")
        self.answers.append(answer)

    def send_task_failure(self, **answer: Any) -> None:
        self.answers.append(answer)

    def get_log_events(self, *, limit: int, **asked: Any) -> dict[str, Any]:
        assert asked["logGroupName"] == "/p/dev/import/job"
        if not self.lines:
            raise Absent
        return {"events": [{"message": it} for it in self.lines[-limit:]]}

    def get_object(self, *, Bucket: str, Key: str, Range: str) -> dict[str, Any]:  # noqa: N803
        assert (Bucket, Key[:2]) == ("b", "r/")
        if self.result is None:
            raise refused("AccessDenied", "GetObject")
        most = int(Range.rpartition("-")[2]) + 1
        part = self.result[:most]
        size = f"bytes 0-{len(part)}/{len(self.result)}"
        return {"Body": io.BytesIO(part), "ContentLength": len(part), "ContentRange": size}


class Told:
    """A run, and those who are told its end."""

    def __init__(self, endpoint: Endpoint, **changed: Any) -> None:
        self.services = Services()
        self.of = settings(noticeTopic=TOPIC, callbacks=True, **changed)
        self.one = Launching(endpoint.client(), self.of)
        self.lines: list[dict[str, Any]] = []

    def launch(self, **event: Any) -> LaunchResult:
        return self.one.launch(event)

    def end(self, result: LaunchResult, code: int | None, **fact: Any) -> None:
        """End every task of a run."""
        was = self.one.run(result)
        run = runs.copied(was)
        outcome = "succeeded" if code == 0 else "never_started" if code is None else "failed"
        for it in result["tasks"]:
            exited = {} if code is None else {"exitCode": code}
            ends.ended(run, {"task": it["id"], "attempt": 1, "root": "", "capacity": "FARGATE", "seconds": 90,
                             "costUsd": 0.25, "outcome": outcome, "reason": f"it ended: {code}", **exited, **fact},
                       now=time.time(), retry=False)  # fmt: skip
        self.one.launcher.records.put(run, was=was)

    def tell(self, result: LaunchResult) -> bool:
        def log(level: str, message: str, **told: Any) -> None:
            self.lines.append({"level": level, "message": message, **told})

        records = self.one.launcher.records
        return Teller(self.of, records, self.services, lambda: 0.0, log).tell("f", result["run"])


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with ecs_endpoint() as found:
        yield found


def test_the_end_of_a_failed_run_says_everything_but_the_callers_values(endpoint: Endpoint) -> None:
    told = Told(endpoint, logLines=3)
    told.services.lines = ["first", "connecting", f"login with {SECRET} failed", SECRET[3:12]]
    result = told.launch(
        environment={"SOURCE": SECRET}, command=["run", SECRET], payload={"a": [SECRET]}, tags={"customer": "Mallory"},
        count=2, requestedBy="arn:aws:iam::123456789012:user/me", taskToken="token-token",
    )  # fmt: skip
    told.end(result, 137, reason="it ended with exit code 137: it ran out of memory")
    assert told.tell(result)
    (event,) = told.services.events
    assert event.pop("seconds") < 60
    assert event.pop("endedAt") >= event.pop("launchedAt")
    assert event == {
        "version": "1",
        "job": "import",
        "run": result["run"],
        "end": 1,
        "state": "FAILED",
        "outcome": "failed",
        "reason": "it ended with exit code 137: it ran out of memory",
        "remedy": event["remedy"],
        "exitCode": 137,
        "requested": 2,
        "launched": 2,
        "succeeded": 0,
        "failed": 2,
        "stopped": 0,
        "attempts": 2,
        "taskSeconds": 180,
        "costUsd": 0.5,
        "trigger": "call",
        "requestedBy": "arn:aws:iam::123456789012:user/me",
        "asked": {"count": 2, "environment": ["SOURCE"], "tags": ["customer"], "commandWords": 2, "payload": True},
        "task": result["tasks"][-1]["arn"],
        "cluster": DECLARED["cluster"],
        "taskDefinition": DECLARED["taskDefinition"],
        "links": event["links"],
        "logLines": ["connecting", "login with *** failed", "***"],
    }
    assert event["remedy"].startswith("Give the job more memory")
    assert event["links"]["logs"].startswith(
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#"
    )
    (notice,) = told.services.notices
    assert (notice["TopicArn"], notice["Subject"]) == (TOPIC, "import: failed")
    assert "It was tried 2 times." in notice["Message"]
    assert "login with *** failed" in notice["Message"]
    (answer,) = told.services.answers
    assert (answer["taskToken"], answer["error"], json.loads(answer["cause"])["run"]) == (
        "token-token", "JobRunFailed", result["run"]
    )  # fmt: skip
    for secret in (SECRET, "Mallory", "token-token"):
        assert secret not in json.dumps([event, notice, told.lines, answer["cause"]])
    assert [it["RunsFailed"] for it in told.lines if "RunsFailed" in it] == [1]


def test_an_end_is_told_once(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    result = told.launch()
    assert not told.tell(result)
    told.end(result, 0)
    assert told.tell(result)
    assert not told.tell(result)
    assert [it["state"] for it in told.services.events] == ["SUCCEEDED"]
    assert told.services.notices == []
    assert "duty" not in told.one.run(result)


def test_a_step_that_fails_is_told_again_and_the_steps_before_it_are_not(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    result = told.launch(taskToken="t")
    told.end(result, 1)
    for failing in ({"events"}, {"quota"}, {"sns"}, {"sns"}, {"stepfunctions"}):
        told.services.failing = failing
        with pytest.raises(NotTold):
            told.tell(result)
        assert "tell" in told.one.run(result)
    told.services.failing = set()
    assert told.tell(result)
    services = told.services
    assert (len(services.events), len(services.notices), len(services.answers)) == (1, 1, 1)


def test_an_execution_that_waits_is_answered_also_by_a_job_that_never_started(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    done, broken, gone = (told.launch(taskToken=it, idempotencyKey=it) for it in ("a", "b", "c"))
    told.end(done, 0)
    told.end(broken, None, reason="it never started: CannotPullContainerError: pull access denied")
    told.end(gone, 0)
    for it in (done, broken):
        assert told.tell(it)
    told.services.failing = {"token"}
    assert told.tell(gone)
    first, second = told.services.answers
    assert (first["taskToken"], json.loads(first["output"])["state"]) == ("a", "SUCCEEDED")
    assert (second["taskToken"], json.loads(second["cause"])["outcome"]) == ("b", "never_started")
    assert any("no execution waits" in it["message"] for it in told.lines)


def test_a_launch_that_ecs_refuses_ends_too(endpoint: Endpoint) -> None:
    endpoint.fault = lambda _: "invalid"
    told = Told(endpoint)
    result = told.launch(taskToken="t")
    assert result["state"] == "REJECTED"
    assert told.tell(result)
    (event,) = told.services.events
    assert (event["state"], event["outcome"], event["launched"]) == ("REJECTED", "not_launched", 0)
    assert event["reason"].startswith("0 of 1 tasks were launched: InvalidParameterException")
    assert [it["Subject"] for it in told.services.notices] == ["import: not launched"]
    assert [it["error"] for it in told.services.answers] == ["JobRunRejected"]


@pytest.mark.parametrize(
    ("left", "carried"),
    [
        (b'{"rows": 3}', {"bytes": 11, "text": '{"rows": 3}'}),
        (None, {"bytes": 0}),
        (b"\xff\xfe", {"bytes": 2, "binary": True}),
        (b"x" * LARGEST_RESULT, {"bytes": LARGEST_RESULT, "text": "x" * LARGEST_RESULT}),
        (
            b"x" * (LARGEST_RESULT + 1),
            {"bytes": LARGEST_RESULT + 1, "tooLarge": "a run carries at most 32768 bytes of a result"},
        ),
    ],
)
def test_a_run_carries_what_the_job_left(left: bytes | None, carried: dict[str, Any], endpoint: Endpoint) -> None:
    told = Told(endpoint, resultPrefix="s3://b/r/")
    result = told.launch()
    variables = endpoint.calls[0]["overrides"]["containerOverrides"][0]["environment"]
    uri = f"s3://b/r/{result['run']}"
    assert variables == [{"name": "JOB_RESULT_S3_URI", "value": uri}]
    told.services.result = left
    told.end(result, 0)
    assert told.tell(result)
    assert told.services.events[0]["result"] == told.one.run(result)["result"] == {"uri": uri, **carried}


def test_a_run_that_goes_on_while_its_end_is_told_ends_a_second_time(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    endpoint.fault = lambda it: "partial" if it["count"] > 2 else "unplaceable"
    result = told.launch(count=4)
    assert (result["status"], result["launched"]) == ("PARTIAL", 2)
    told.end(result, 0)
    assert told.one.run(result)["state"] == "FAILED"
    put = told.services.put_events

    def while_told(**more: Any) -> dict[str, Any]:
        endpoint.fault = lambda _: ""
        assert told.launch(count=4)["new"] == 2
        return put(**more)

    told.services.put_events = while_told  # type: ignore[method-assign]
    assert told.tell(result)
    told.services.put_events = put  # type: ignore[method-assign]
    run = told.one.run(result)
    assert (run["state"], len(run["open"]), run["ends"]) == ("RUNNING", 2, 1)
    told.end(told.launch(count=4), 0)
    assert told.tell(result)
    assert [(it["state"], it["end"]) for it in told.services.events] == [("FAILED", 1), ("SUCCEEDED", 2)]


def test_the_largest_event_is_one_that_eventbridge_takes(endpoint: Endpoint) -> None:
    told = Told(endpoint, resultPrefix="s3://b/r/", logLines=50)
    told.services.lines = ["\x00" * 5000] * 50
    told.services.result = b"\x00" * LARGEST_RESULT
    for code in (0, 1):
        result = told.launch(idempotencyKey=str(code))
        told.end(result, code)
        assert told.tell(result)
    for event in told.services.events:
        assert len(json.dumps(event)) <= LARGEST_EVENT < 256 * 1024


def test_each_execution_that_waits_for_a_run_is_answered_also_one_that_comes_after_its_end(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    result = told.launch(taskToken="a", idempotencyKey="k")
    assert told.launch(taskToken="b", idempotencyKey="k")["status"] == "DUPLICATE"
    told.end(result, 0)
    assert told.tell(result)
    assert told.launch(taskToken="b", idempotencyKey="k")["new"] == 0
    assert not told.tell(result)
    assert told.launch(taskToken="c", idempotencyKey="k")["state"] == "SUCCEEDED"
    assert told.tell(result)
    assert [it["taskToken"] for it in told.services.answers] == ["a", "b", "c"]
    assert len(told.services.events) == 1


def test_what_aws_repeats_of_a_value_is_not_told(endpoint: Endpoint) -> None:
    endpoint.fault = lambda _: "invalid"  # its message has the value
    told = Told(endpoint)
    result = told.launch(environment={"SOURCE": SECRET})
    assert told.tell(result)
    assert SECRET not in json.dumps([told.services.events, told.services.notices])
    assert "given the value ***" in told.services.events[0]["reason"]


def test_our_own_words_stay_when_the_command_has_them_too(endpoint: Endpoint) -> None:
    told = Told(endpoint)
    result = told.launch(command=["sh", "-c", f"echo {SECRET}; exit 3 # it ended with exit"])
    told.end(result, 3, reason=f"it ended with exit code 3: exec {SECRET}: not found")
    assert told.tell(result)
    assert told.services.events[0]["reason"] == "it ended with exit code 3: exec***: not found"
