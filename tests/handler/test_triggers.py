"""Each trigger and the answer that it receives: the function's entry point, with an ECS endpoint on the wire."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.handler.dead_letters import LARGEST_MESSAGE, DeadLetters, text_of
from fargate_job_launcher.handler.launch import ROUNDS
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.result import rejection
from fargate_job_launcher.handler.table import Table
from fargate_job_launcher.handler.timing import Pace
from fargate_job_launcher.handler.trigger import Delivery, identify
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_request import EVENTS

from tools.dynamodb import Memory
from tools.ecs_endpoint import Endpoint, ecs_endpoint
from tools.launching import DECLARED, SETTINGS
from tools.scheduler import Schedules

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:import-launcher"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"
SECRET = "hunter2-hunter2"


@dataclass
class Context:
    """Lambda's context object."""

    invoked_function_arn: str = FUNCTION
    aws_request_id: str = "request-1"
    function_name: str = "import-launcher"
    seconds: float = 60

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Deployed:
    """The function in its environment, and the calls that services received from it."""

    app: Any
    ecs: Endpoint
    table: Memory
    capture: Callable[[], str]
    parked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stored: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    answered: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Answers to executions of Step Functions."""
    broken: bool = False
    """Whether SQS fails."""

    def invoke(self, event: object, **context: Any) -> Any:
        return self.app.handle(event, Context(**context))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.capture().splitlines()]


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Deployed]]:
    """Deploys the function as a stack does."""
    with ecs_endpoint() as endpoint:
        table = Memory()

        def deploy(fault: Callable[[Any], str] = lambda _: "", **changed: Any) -> Deployed:
            endpoint.fault = fault
            settings = {**DECLARED, "deadLetterQueue": QUEUE, "payloadPrefix": "s3://b/p/", **changed}
            for key, value in {
                "LAUNCHER_SETTINGS": json.dumps(settings),
                "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": endpoint.url,
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": SECRET,
            }.items():
                monkeypatch.setenv(key, value)
            sys.modules.pop("fargate_job_launcher.handler.app", None)
            app = importlib.import_module("fargate_job_launcher.handler.app")
            deployed = Deployed(app, endpoint, table, lambda: capsys.readouterr().out)

            class Service:
                def send_message(self, **message: Any) -> None:
                    if deployed.broken:
                        raise OSError("SQS is down")
                    deployed.parked.append(message)

                def put_object(self, **put: Any) -> None:
                    deployed.stored.append(put)

                def send_task_failure(self, **answer: Any) -> None:
                    deployed.answered.append(answer)

            monkeypatch.setattr(app, "_client", lambda _: Service())
            monkeypatch.setattr(app, "jitter", lambda _: 0.0)
            monkeypatch.setattr(app, "RECORDS", Records(Table(table, "runs", wait=lambda _: None)))
            monkeypatch.setattr(app, "SETTLING_SECONDS", 0.0)
            monkeypatch.setattr(app, "_PACE", Pace(burst=float("inf")))
            return deployed

        yield deploy


def sqs(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"message-{number}", "eventSource": "aws:sqs", "body": body}
            for number, body in enumerate(bodies)
        ]
    }


def rule(detail: Any, **changed: Any) -> dict[str, Any]:
    event = {"version": "0", "id": "event-1", "source": "shop", "detail-type": "Paid", "detail": detail}
    return {**event, "time": "2026-01-31T00:00:00Z", "resources": [], **changed}


def test_a_direct_caller_receives_the_result(function: Callable[..., Deployed]) -> None:
    deployed = function()
    result = deployed.invoke({"count": 2})
    assert (result["status"], result["launched"], result["idempotencyKey"]) == ("LAUNCHED", 2, "request-1")
    refused = deployed.invoke({"count": 0})
    assert (refused["status"], len(deployed.ecs.calls), deployed.parked) == ("REJECTED", 1, [])


def test_an_asynchronous_event_is_delivered_again_or_kept(function: Callable[..., Deployed]) -> None:
    deployed = function(lambda _: "no_capacity")
    waiting = {"invoked_function_arn": f"{FUNCTION}:async"}
    with pytest.raises(deployed.app.LaunchIncomplete) as raised:
        deployed.invoke({"count": 2}, **waiting)
    # Lambda logs the error.
    assert json.loads(str(raised.value)) == {**json.loads(str(raised.value)), "status": "FAILED", "idempotencyKey": ""}
    assert deployed.parked == []
    event = {"count": 0, "environment": {"SOURCE": SECRET}}
    assert deployed.invoke(event, **waiting)["status"] == "REJECTED"
    (parked,) = deployed.parked
    assert (parked["QueueUrl"], json.loads(parked["MessageBody"])) == (QUEUE, event)
    reasons = parked["MessageAttributes"]["reasons"]["StringValue"]
    assert reasons == "Rejected: count: a whole number from 1 to 1000 is expected (overrides.max_count)"
    # If the event cannot be kept, the function fails, and Lambda keeps it: no event is dropped silently.
    deployed.broken = True
    with pytest.raises(deployed.app.LaunchIncomplete, match="REJECTED"):
        deployed.invoke(event, **waiting)
    with pytest.raises(Exception, match="REJECTED"):
        function(deadLetterQueue="").invoke(event, **waiting)


def test_a_partial_launch_is_delivered_again_for_the_rest(function: Callable[..., Deployed]) -> None:
    left = ["partial", *["no_capacity"] * (ROUNDS - 1)]
    deployed = function(lambda _: left.pop(0) if left else "")
    waiting = {"invoked_function_arn": f"{FUNCTION}:async"}
    with pytest.raises(deployed.app.LaunchIncomplete):
        deployed.invoke({"count": 4, "idempotencyKey": "k"}, **waiting)
    assert sum(deployed.ecs.launched.values()) == 2
    result = deployed.invoke({"count": 4, "idempotencyKey": "k"}, **waiting)
    assert (result["status"], result["launched"]) == ("LAUNCHED", 4)
    assert sum(deployed.ecs.launched.values()) == 4


def test_records_of_another_service_are_kept_as_their_sender_does_not_wait(function: Callable[..., Deployed]) -> None:
    deployed = function()
    event = {"Records": [{"eventSource": "aws:s3", "s3": "é\uffff"}]}
    assert deployed.invoke(event)["status"] == "REJECTED"
    (parked,) = deployed.parked
    assert json.loads(parked["MessageBody"]) == event
    # As short as it came, and without the characters that SQS refuses.
    assert "é" in parked["MessageBody"]
    assert "\uffff" not in parked["MessageBody"]


def kept_of(event: object) -> Delivery:
    return Delivery(event, "k", "call")


def taken_by_sqs(text: str) -> bool:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
    ranges = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
    return text != "" and all(it in "\t\n\r" or any(least <= ord(it) <= most for least, most in ranges) for it in text)


ANY_CHARACTER = st.characters(exclude_categories=()) | st.sampled_from('\ud800\udfff\ufffe\uffff\x00\x1f\x7f"\\')


@given(
    event=st.recursive(st.text(ANY_CHARACTER), lambda it: st.lists(it) | st.dictionaries(st.text(ANY_CHARACTER), it))
)
def test_an_event_is_kept_as_a_text_that_sqs_takes_and_that_reads_as_it_came(event: Any) -> None:
    kept = text_of(kept_of(event))
    assert taken_by_sqs(kept)
    assert json.loads(kept) == event
    body = json.dumps(event, ensure_ascii=False)
    message = Delivery(event, "k", "queue", message_id="m", body=body)
    assert taken_by_sqs(text_of(message))
    assert json.loads(text_of(message)) == event


@given(body=st.text(ANY_CHARACTER))
def test_a_message_that_is_no_json_is_kept_too(body: str) -> None:
    kept = text_of(Delivery(None, "k", "queue", message_id="m", body=body))
    assert taken_by_sqs(kept)
    if taken_by_sqs(body):
        assert kept == body


@pytest.mark.parametrize("over", [-1300, -1060, -1000, -61, -30, -1, 0])
def test_the_reasons_are_cut_until_the_message_is_no_larger_than_sqs_takes(over: int) -> None:
    sent = list[dict[str, Any]]()

    class Service:
        def send_message(self, **message: Any) -> None:
            sent.append(message)

    result: Any = {**rejection(SETTINGS, ["x" * 3000]), "idempotencyKey": "mallory", "run": "0" * 32}
    letters = DeadLetters(QUEUE, Service)
    event = "é" * ((LARGEST_MESSAGE + over - 2) // 2)
    assert letters.park(kept_of(event), result)
    (message,) = sent
    attributes = {name: it["StringValue"] for name, it in message["MessageAttributes"].items()}
    size = len(message["MessageBody"].encode()) + sum(len(f"{name}String{it}") for name, it in attributes.items())
    assert size <= LARGEST_MESSAGE
    assert json.loads(message["MessageBody"]) == event
    assert "mallory" not in str(attributes)
    # The short ones remain as long as there is room for them.
    assert ("status" in attributes) == (over <= -30)
    assert ("run" in attributes) == (over <= -61)
    if over == -1300:
        assert (attributes["run"], len(attributes["reasons"])) == ("0" * 32, 1000)
    assert not letters.park(kept_of(event + "x" * (4 - over)), result)


def test_an_event_that_sqs_does_not_take_stays_with_its_trigger(function: Callable[..., Deployed]) -> None:
    deployed = function()
    # SQS counts an escaped character as six bytes.
    grown = {"x": "\uffff" * (LARGEST_MESSAGE // 5)}

    def refusing(**_: Any) -> None:
        error: Any = {"Error": {"Code": "InvalidMessageContents", "Message": f"must be shorter: {SECRET}"}}
        raise ClientError(error, "SendMessage")

    deployed.app._client = lambda _: SimpleNamespace(send_message=refusing)
    for event in (grown, {"x": SECRET}):
        with pytest.raises(deployed.app.LaunchIncomplete):
            deployed.invoke(event, invoked_function_arn=f"{FUNCTION}:async")
        again = deployed.invoke(sqs(json.dumps(event, ensure_ascii=False)))
        assert again == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    captured = deployed.capture()
    assert captured.count("could not be sent to the dead-letter queue: InvalidMessageContents") == 2
    assert captured.count("could not be sent to the dead-letter queue: it has 209") == 2
    assert SECRET not in captured


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"count": 1, "count": 2}', "event: `count` is given twice in "),
        ('{"payload": {"hunter2": 1, "hunter2": 2}}', "event: an object has a key twice in "),
        ('{"payload": [{"a": 1, "b": {}, "a": 2}]}', "event: an object has a key twice in "),
    ],
)
def test_json_that_two_readers_read_differently_is_rejected_through_every_trigger(
    text: str, said: str, function: Callable[..., Deployed]
) -> None:
    for deployed in (function(), function(queueAsPayload=True)):
        assert deployed.invoke(sqs(text)) == {"batchItemFailures": []}
        (parked,) = deployed.parked
        assert parked["MessageBody"] == text
        assert parked["MessageAttributes"]["reasons"]["StringValue"].startswith(f"Rejected: {said}the message's body")
    for event in (rule(text), rule(text, source="aws.scheduler")):
        (failure,) = deployed.invoke(event)["failures"]
        assert failure["detail"] == f"{said}its detail"
    assert deployed.ecs.calls == []
    assert "hunter2" not in deployed.capture()


def test_each_delivery_says_whose_ids_its_key_is_one_of() -> None:
    def namespaces(event: object, alias: str = "") -> list[tuple[str, str]]:
        found = identify(event, request_id="r", function_arn=f"{FUNCTION}{alias}")
        return [(it.namespace, it.key) for it in found.deliveries]

    assert namespaces({}) == namespaces({}, ":async") == namespaces({"Records": []}) == [("call", "r")]
    assert namespaces(sqs("{}", "x")) == [("queue", "message-0"), ("queue", "message-1")]
    assert namespaces(rule({})) == [("event", "event-1")]
    assert [it for it, _ in namespaces(rule("{"))] == ["event"]
    assert [it for it, _ in namespaces(rule({}, source="aws.scheduler"))] == ["schedule"]
    assert [it for it, _ in namespaces({**rule({}, source="aws.scheduler"), "count": 1})] == ["schedule"]


def test_a_batch_does_not_exceed_max_running(function: Callable[..., Deployed]) -> None:
    deployed = function(maxRunning=3)
    answer = deployed.invoke(sqs(*["{}"] * 10))
    assert sum(deployed.ecs.launched.values()) == 3
    assert len(answer["batchItemFailures"]) == 7


def test_an_execution_that_waits_is_told_that_its_launch_was_refused(function: Callable[..., Deployed]) -> None:
    deployed = function(callbacks=True, maxRunning=1)
    for event in (
        {"count": 0},
        {"idempotencyKey": "k", "count": 1},
        {"idempotencyKey": "k", "cpu": 512, "memory": 1024},
    ):
        deployed.invoke({**event, "taskToken": f"token of {event}"})
    deployed.invoke({"idempotencyKey": "other", "taskToken": "full"})
    assert [it["error"] for it in deployed.answered] == ["JobRunRejected", "JobRunConflict", "JobRunFailed"]
    assert "MaxRunning" in json.loads(deployed.answered[-1]["cause"])["reason"]
    assert "token" not in deployed.capture()


def test_an_event_whose_run_was_replaced_meanwhile_is_no_dead_letter(function: Callable[..., Deployed]) -> None:
    deployed = function(maxRunning=1, overlap="replace")
    waiting = {"invoked_function_arn": f"{FUNCTION}:async"}
    assert deployed.invoke({"idempotencyKey": "running"}, **waiting)["status"] == "LAUNCHED"
    assert deployed.invoke({"idempotencyKey": "replaced"}, **waiting)["status"] == "WAITING"
    assert deployed.invoke({"idempotencyKey": "newest"}, **waiting)["status"] == "WAITING"
    (replaced,) = (it["run"] for it in deployed.table.plain("run") if it["key"] == "replaced")
    assert deployed.invoke({"continueOf": replaced}) == {"done": False}
    again = deployed.invoke({"idempotencyKey": "replaced"}, **waiting)
    assert (again["status"], again["state"], deployed.parked) == ("DUPLICATE", "STOPPED", [])


def test_a_rule_launches_its_events_detail_once(function: Callable[..., Deployed]) -> None:
    deployed = function()
    first = deployed.invoke(rule({"count": 3}))
    again = deployed.invoke(rule({"count": 3}), aws_request_id="request-2")
    assert (first["idempotencyKey"], first["status"], again["status"]) == ("event-1", "LAUNCHED", "DUPLICATE")
    assert first["tasks"] == again["tasks"]
    assert sum(deployed.ecs.launched.values()) == 3
    assert deployed.invoke(rule({"count": 3, "x": 1}))["status"] == "REJECTED"
    assert [json.loads(it["MessageBody"]) for it in deployed.parked] == [{"count": 3, "x": 1}]


def test_a_schedule_launches_once_at_each_of_its_times(function: Callable[..., Deployed]) -> None:
    deployed = function()
    arn = "arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly"
    for attempt in range(3):
        event = rule({}, source="aws.scheduler", id=f"execution-{attempt}", resources=[arn])
        result = deployed.invoke(event)
        assert result["idempotencyKey"] == f"{arn}@2026-01-31T00:00:00Z"
    deployed.invoke(rule("{}", source="aws.scheduler", time="2026-02-01T00:00:00Z", resources=[arn]))
    assert sum(deployed.ecs.launched.values()) == 2


def test_each_message_of_a_batch_is_launched_kept_or_delivered_again(function: Callable[..., Deployed]) -> None:
    faults = {7: "no_capacity", 9: "denied"}
    deployed = function(lambda call: faults.get(call["count"], ""))
    bodies = [
        '{"count": 2}',
        "not JSON",
        '{"count": 7}',
        '{"x": 1}',
        '{"count": 9}',
        '{"idempotencyKey": "own"}',
        "[" * 9999,
    ]
    answer = deployed.invoke(sqs(*bodies))
    # A message that may succeed later is delivered again; one that never can is kept at once, as it came.
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}
    assert sorted(it["MessageBody"] for it in deployed.parked) == sorted(bodies[number] for number in (1, 3, 4, 6))
    assert sorted(deployed.ecs.launched.values()) == [0, 1, 2]
    statuses = {line["requestId"]: line["trigger"] for line in deployed.lines()}
    assert statuses == {"request-1": "queue"}
    # Delivered twice, launched once.
    deployed.invoke(sqs(*bodies[:1]))
    assert sorted(deployed.ecs.launched.values()) == [0, 1, 2]


def test_a_message_that_cannot_be_kept_goes_back_to_its_queue(function: Callable[..., Deployed]) -> None:
    deployed = function()
    deployed.broken = True
    assert deployed.invoke(sqs("x", "{}")) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    said = "an event could not be sent to the dead-letter queue: OSError"
    assert [it["messageId"] for it in deployed.lines() if it["message"] == said] == ["message-0"]
    assert function(deadLetterQueue="").invoke(sqs("x")) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_a_later_delivery_from_the_queue_makes_new_attempts(function: Callable[..., Deployed]) -> None:
    left = ["no_capacity"] * ROUNDS
    deployed = function(lambda _: left.pop(0) if left else "")
    assert deployed.invoke(sqs("{}"))["batchItemFailures"] != []
    assert deployed.invoke(sqs("{}")) == {"batchItemFailures": []}
    assert sum(deployed.ecs.launched.values()) == 1


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"Records": [{"eventSource": "aws:s3"}]}, "event: has Records but is not a batch of SQS"),
        ({"Records": []}, "event: has Records but is not a batch of SQS"),
        ({"Records": 1}, "event: has Records but is not a batch of SQS"),
        ({**sqs("{}"), "count": 1}, "event: has Records but is not a batch of SQS"),
        (
            {**rule({}), "count": 1, "payload": 1},
            "event: is both EventBridge's event and a launch event; put count, payload into",
        ),
        (rule("{"), "event: its detail is not JSON"),
        (rule(None), "event: a JSON object is expected, not null"),
        (7, "event: a JSON object is expected, not a number"),
    ],
)
def test_an_event_that_no_trigger_sends_is_rejected(
    event: object, said: str, function: Callable[..., Deployed]
) -> None:
    deployed = function()
    result = deployed.invoke(event)
    assert (result["status"], deployed.ecs.calls) == ("REJECTED", [])
    (failure,) = result["failures"]
    assert failure["detail"].startswith(said)


def test_each_launch_writes_one_line_with_metrics_and_without_values(function: Callable[..., Deployed]) -> None:
    left = ["throttled", "invalid"]
    deployed = function(lambda _: left.pop(0) if left else "")
    event = {
        "environment": {"SOURCE": SECRET},
        "command": [SECRET],
        "payload": SECRET,
        "idempotencyKey": "a-secret-key",
        "tags": {"customer": "Mallory"},
    }
    deployed.invoke(event)
    larger = {**event, "payload": {"p": SECRET * 1000}, "idempotencyKey": "another-secret-key"}
    deployed.invoke(larger)
    deployed.invoke(larger)
    deployed.invoke({**larger, "payload": SECRET})
    deployed.invoke({**event, 'x\n{"level": "FATAL"}': SECRET, "count": 0})
    captured = deployed.capture()
    lines = [json.loads(line) for line in captured.splitlines()]
    assert [line["status"] for line in lines] == ["FAILED", "LAUNCHED", "DUPLICATE", "CONFLICT", "REJECTED"]
    for secret in (SECRET, "secret-key", "Mallory"):
        assert secret not in captured
    metrics = lines[0]["_aws"]["CloudWatchMetrics"][0]
    assert metrics["Dimensions"] == [["FunctionName"]]
    for line in lines:
        assert all(isinstance(line[it["Name"]], int | float) for it in metrics["Metrics"])
        assert line["FunctionName"] == "import-launcher"
    # An event that is delivered again counts once.
    names = ("TasksLaunched", "LaunchesDuplicate", "LaunchesRejected", "LaunchesFailed", "CallsRetried")
    assert [[line[name] for name in names] for line in lines] == [
        [0, 0, 0, 1, 1],
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 0, 0],
    ]
    put = deployed.stored[0]
    assert (put["Bucket"], json.loads(put["Body"])) == ("b", {"p": SECRET * 1000})


def test_a_dry_run_makes_no_call_through_any_trigger(function: Callable[..., Deployed]) -> None:
    deployed = function()
    event = {"dryRun": True, "payload": "x" * 9000}
    result = deployed.invoke(event)
    assert (result["status"], result["dryRun"]["payload"]["bytes"]) == ("DRY_RUN", 9002)
    assert deployed.invoke(rule(event))["status"] == "DRY_RUN"
    assert deployed.invoke(sqs(json.dumps(event))) == {"batchItemFailures": []}
    assert (deployed.ecs.calls, deployed.stored, deployed.parked) == ([], [], [])


@given(event=EVENTS | st.builds(rule, EVENTS) | st.builds(lambda it: sqs(json.dumps(it)), EVENTS))
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_function_answers_any_event(event: Any, function: Callable[..., Deployed]) -> None:
    deployed = function()
    deployed.ecs.forget()
    deployed.table.items.clear()
    answer = deployed.invoke(event)
    assert answer == {"batchItemFailures": []} or answer["status"] in ("LAUNCHED", "REJECTED", "DRY_RUN")
    for call in deployed.ecs.calls:
        assert call["cluster"] == SETTINGS.cluster
        assert call["taskDefinition"] == SETTINGS.task_definition


def test_a_launch_at_a_later_time_is_scheduled_and_cancelled(
    function: Callable[..., Deployed], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed, schedules = function(), Schedules()
    monkeypatch.setattr(deployed.app, "_client", lambda service: {"scheduler": schedules}[service])
    at = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"
    alias = f"{FUNCTION}:live"
    told = deployed.invoke({"at": at, "environment": {"SOURCE": "a"}}, invoked_function_arn=alias)
    assert (told["status"], told["scheduledFor"]) == ("SCHEDULED", f"{at}:00.000Z")
    (line,) = deployed.lines()
    assert (line["message"], line["scheduledFor"]) == ("launch SCHEDULED: 0 of 1", told["scheduledFor"])
    metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert (line["LaunchesScheduled"], {"Name": "LaunchesScheduled", "Unit": "Count"} in metrics) == (1, True)
    (made,) = schedules.made.values()
    # Whatever alias was invoked: Scheduler does not wait for the answer.
    assert made["Target"]["Arn"] == f"{FUNCTION}:async"
    # A caller who does not wait is not told an error, and a message of the queue is done.
    deployed.invoke({"at": at}, aws_request_id="request-2", invoked_function_arn=f"{FUNCTION}:async")
    assert deployed.invoke(sqs(json.dumps({"at": at}))) == {"batchItemFailures": []}
    assert len(schedules.made) == 3
    assert deployed.ecs.calls == []
    assert deployed.invoke({"cancelOf": told["run"]}) == {"done": True}
    again = deployed.invoke({"cancelOf": told["run"]})
    assert (again["done"], "no launch of this run waits" in again["problem"]) == (False, True)
    # What Scheduler refuses has no value of the event, and is delivered again if that may help.
    schedules.fault = lambda _: "ThrottlingException"
    with pytest.raises(Exception, match="ThrottlingException") as raised:
        deployed.invoke({"at": at, "environment": {"SOURCE": SECRET}}, invoked_function_arn=f"{FUNCTION}:async")
    assert SECRET not in str(raised.value)
    # A payload that a launch now would have stored in S3 is in the schedule.
    schedules.fault = lambda _: SECRET
    payload = {"text": "x" * 9000, "token": SECRET}
    refused = deployed.invoke({"at": at, "payload": payload, "idempotencyKey": "p"})
    assert (refused["status"], SECRET in refused["failures"][0]["detail"]) == ("FAILED", False)


def test_a_person_pauses_a_schedule_whose_deliveries_are_skipped(function: Callable[..., Deployed]) -> None:
    deployed = function()
    wish: dict[str, Any] = {"name": "nightly", "paused": True, "requestedBy": "Ada"}
    assert deployed.invoke({"scheduleOf": wish}) == {"done": True}
    delivery = {
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": "2026-11-26T03:00:00Z",
        "resources": ["arn:aws:scheduler:eu-west-1:1:schedule/g/n"],
        "schedule": "nightly",
        "detail": {},
    }
    assert deployed.invoke(delivery)["status"] == "SKIPPED"
    assert (deployed.parked, deployed.ecs.calls) == ([], [])
    assert deployed.invoke({"scheduleOf": {**wish, "paused": False}}) == {"done": True}
    assert deployed.invoke({**delivery, "time": "2026-11-27T03:00:00Z"})["status"] == "LAUNCHED"
    unknown = deployed.invoke({"scheduleOf": {**wish, "name": "hourly"}})
    assert unknown == {"done": False, "problem": "import has no schedule of this name; its schedules: nightly, weekly"}


def test_what_few_launches_need_is_not_imported_for_the_others(function: Callable[..., Deployed]) -> None:
    lazy = [f"fargate_job_launcher.handler.{it}" for it in ("later", "local_time", "paused", "scheduled")]
    for name in lazy:
        sys.modules.pop(name, None)
    function().invoke({})
    assert [it for it in lazy if it in sys.modules] == []
