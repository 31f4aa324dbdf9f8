"""Launches with an ECS that fails in all known ways: no task is lost or launched twice, and no answer is wrong."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from fargate_job_launcher.handler import ends
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.calls import DENIED_TRIES, Origin
from fargate_job_launcher.handler.launch import ROUNDS
from fargate_job_launcher.handler.timing import CALL_SECONDS, Budget, Pace, jitter

from tools.ecs_endpoint import TRANSIENT, ecs_endpoint
from tools.launching import DECLARED, ROLE, SETTINGS, Launching, asked, settings


def once(*faults: str) -> Any:
    """The first requests fail in these ways, one each; later ones succeed."""
    left = list(faults)
    return lambda _: left.pop(0) if left else ""


def always(fault: str) -> Any:
    return lambda _: fault


class Killed(BaseException):
    """The function was killed during a call: timeout, out of memory, a lost machine."""


class Mortal:
    """An ECS during whose calls the function is killed: before the first request arrives, or before its answer does."""

    def __init__(self, client: Any, kills: list[str]) -> None:
        self.client, self.kills = client, kills

    def run_task(self, **request: Any) -> dict[str, Any]:
        kill = self.kills.pop(0) if self.kills else ""
        if kill == "before":
            raise Killed
        answer = self.client.run_task(**request)
        if kill == "after":
            raise Killed
        return answer

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        return self.client.list_tasks(**request)


def test_an_empty_event_is_exactly_this_request_of_a_botocore_client() -> None:
    request = asked({})
    ecs: Any = boto3.client("ecs", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    arn = "arn:aws:ecs:eu-west-1:123456789012:task/jobs/0123"
    with Stubber(ecs) as stubber:
        stubber.add_response(
            "run_task",
            {"tasks": [{"taskArn": arn}], "failures": []},
            {
                "cluster": SETTINGS.cluster,
                "taskDefinition": SETTINGS.task_definition,
                "count": 1,
                "clientToken": Origin(request.run).token(0, 0),
                "startedBy": f"import/{request.run}",
                "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": ["subnet-1", "subnet-2"],
                        "securityGroups": ["sg-1"],
                        "assignPublicIp": "ENABLED",
                    }
                },
                "enableECSManagedTags": True,
                "propagateTags": "TASK_DEFINITION",
            },
        )
        result = Launching(ecs).launch({})
        stubber.assert_no_pending_responses()
    assert result == {
        "status": "LAUNCHED",
        "run": request.run,
        "state": "RUNNING",
        "requested": 1,
        "launched": 1,
        "new": 1,
        "tasks": [{"arn": arn, "id": "0123", "logGroup": "/p/dev/import/job", "logStream": "job/job/0123"}],
        "failures": [],
        "attempts": 1,
        "idempotencyKey": "r-1",
        "startedBy": f"import/{request.run}",
        "taskDefinition": SETTINGS.task_definition,
        "capacityUsed": {"FARGATE_SPOT": 1},
        "maxCostUsdPerHour": 0.024,
    }


def test_our_client_sends_and_returns_the_same_as_botocores() -> None:
    """The same request on the wire, the same answers, the same errors."""
    faults = ["", "server_error_before", "denied", "no_capacity", "", "unreadable", "throttled_in_disguise"]
    event = {"environment": {"SOURCE": "ä\n€"}, "cpu": 1024, "memory": 4096, "tags": {"customer": "a b"}, "count": 2}
    with ecs_endpoint(once(*faults, *faults)) as endpoint:
        theirs: Any = boto3.client(
            "ecs", region_name="eu-west-1", endpoint_url=endpoint.url, aws_access_key_id="a", aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip
        seen: list[list[Any]] = []
        for client in (endpoint.client(), theirs):
            seen.append([])
            for number in range(len(faults)):
                # Time for one call: the test compares the results of one answer.
                one = Launching(client, seconds=iter([CALL_SECONDS, 0, 0, 0]).__next__)
                result = one.launch(event, f"key-{number}")
                seen[-1].append((result["status"], result["failures"], result["attempts"]))
        half = len(endpoint.calls) // 2
        assert endpoint.calls[:half] == endpoint.calls[half:]
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[0]] == [
        "LAUNCHED",
        "FAILED",
        "FAILED",
        "FAILED",
        "LAUNCHED",
        *["FAILED"] * 2,
    ]


@pytest.mark.parametrize("fault", TRANSIENT)
def test_after_a_fault_exactly_the_requested_tasks_run(fault: str) -> None:
    with ecs_endpoint(once(fault)) as endpoint:
        result = Launching(endpoint.client()).launch({"count": 4})
    assert (result["status"], result["launched"], result["failures"]) == ("LAUNCHED", 4, [])
    assert endpoint.launched == {result["startedBy"]: 4}
    assert len({task["arn"] for task in result["tasks"]}) == 4
    assert result["attempts"] == len(endpoint.calls) == 2
    tokens = [call["clientToken"] for call in endpoint.calls]
    # Tasks that certainly do not run are requested again, the missing ones only; an unknown call is repeated as it was.
    requested_again = {"no_capacity": 4, "partial": 2}
    assert (tokens[0] != tokens[1]) == (fault in requested_again)
    assert endpoint.calls[1]["count"] == requested_again.get(fault, 4)


@pytest.mark.parametrize(
    ("fault", "reason", "retryable"),
    [
        ("denied", "AccessDeniedException", False),
        ("invalid", "InvalidParameterException", False),
        ("unplaceable", "ATTRIBUTE", False),
        ("role_unready", "ClientException", True),
    ],
)
def test_a_call_that_cannot_succeed_is_not_repeated(fault: str, reason: str, retryable: bool) -> None:
    with ecs_endpoint(always(fault)) as endpoint:
        result = Launching(endpoint.client()).launch({})
    assert (result["status"], result["launched"], len(endpoint.calls)) == ("FAILED", 0, 1)
    (failure,) = result["failures"]
    assert (failure["reason"], failure["retryable"]) == (reason, retryable)


@pytest.mark.parametrize("fault", ["denied", "role_unready"])
def test_just_after_a_deploy_a_denied_call_is_repeated(fault: str) -> None:
    young = iter([True, True, False])
    with ecs_endpoint(once(fault, fault)) as endpoint:
        result = Launching(endpoint.client(), settling=young.__next__).launch({})
    assert (result["status"], len(endpoint.calls)) == ("LAUNCHED", 3)
    with ecs_endpoint(always(fault)) as endpoint:
        grown = iter([True, False])
        result = Launching(endpoint.client(), settling=grown.__next__).launch({})
    assert (result["status"], len(endpoint.calls)) == ("FAILED", 2)


def test_ten_tasks_go_into_a_call() -> None:
    with ecs_endpoint() as endpoint:
        result = Launching(endpoint.client()).launch({"count": 25})
    assert sorted(call["count"] for call in endpoint.calls) == [5, 10, 10]
    assert len({call["clientToken"] for call in endpoint.calls}) == 3
    assert {call["startedBy"] for call in endpoint.calls} == {result["startedBy"]}
    assert (result["launched"], result["attempts"], result["capacityUsed"]) == (25, 3, {"FARGATE_SPOT": 25})
    assert re.fullmatch(r"[A-Za-z0-9/_-]{1,128}", result["startedBy"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", call["clientToken"]) for call in endpoint.calls)


def test_tasks_for_which_spot_has_no_capacity_run_on_demand_if_the_job_allows_it() -> None:
    event = {"count": 4, "capacity": "spot_then_on_demand"}
    with ecs_endpoint(once("partial")) as endpoint:
        result = Launching(endpoint.client()).launch(event)
        assert result["capacityUsed"] == {"FARGATE": 2, "FARGATE_SPOT": 2} == dict(endpoint.capacity)
        assert [it.get("launchType") for it in endpoint.calls] == [None, "FARGATE"]
    with ecs_endpoint(once("partial")) as endpoint:
        result = Launching(endpoint.client()).launch({"count": 4})
        assert result["capacityUsed"] == {"FARGATE_SPOT": 4}


def test_the_same_key_launches_once_however_often_it_comes() -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client())
        event = {"count": 12, "idempotencyKey": "k"}
        first, second = one.launch(event), one.launch({**event, "requestedBy": "me"})
        assert (first["status"], first["new"], second["status"], second["new"]) == ("LAUNCHED", 12, "DUPLICATE", 0)
        assert first["tasks"] == second["tasks"]
        # Days later, after a deploy: ECS knows neither token nor tasks any more.
        one.of = settings(taskDefinition=SETTINGS.task_definition[:-1] + "8")
        one.clock = lambda: time.time() + 80 * 86400
        third = one.launch(event)
        assert (third["status"], third["launched"], third["failures"]) == ("DUPLICATE", 12, [])
        assert endpoint.launched == {first["startedBy"]: 12}
        assert one.launch({}, "other")["status"] == "LAUNCHED"
        # What a repeated launch costs does not grow with its number.
        calls = len(one.table.calls)
        costs = [len(one.table.calls) - calls for _ in range(3) if one.launch(event)]
    assert costs == [costs[0], 2 * costs[0], 3 * costs[0]]
    assert len(endpoint.calls) == 3


@pytest.mark.parametrize(
    ("changed", "differing"),
    [
        ({"count": 3}, "count"),
        ({"count": 25}, "count"),
        ({"command": ["hunter2"]}, "command"),
        ({"environment": {"SOURCE": "hunter2"}}, "environment"),
        ({"payload": {"a": "hunter2"}}, "payload"),
        ({"payload": "hunter2" * 9000}, "payload"),
        ({"tags": {"customer": "hunter2"}, "cpu": 1024, "memory": 2048}, "cpu, memory, tags"),
        ({"role": "reader"}, "role"),
        ({"capacity": "on_demand"}, "capacity"),
    ],
)
def test_the_same_key_with_another_request_is_a_conflict_that_names_what_differs(
    changed: dict[str, Any], differing: str
) -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client(), settings(payloadPrefix="s3://b/p/"), store=lambda *_: None)
        first = one.launch({"count": 2, "idempotencyKey": "k"})
        other = one.launch({"count": 2, **changed, "idempotencyKey": "k"})
        again = one.launch({"count": 2, "environment": {}, "tags": {}, "idempotencyKey": "k"})
    (failure,) = other["failures"]
    assert (other["status"], other["new"], failure["reason"], failure["retryable"]) == (
        "CONFLICT",
        0,
        "Conflict",
        False,
    )
    assert f"differs in {differing};" in failure["detail"]
    assert "hunter2" not in json.dumps(other)
    assert (again["status"], again["tasks"]) == ("DUPLICATE", first["tasks"])
    assert endpoint.launched == {first["startedBy"]: 2}


def test_keys_of_different_triggers_never_meet() -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client())
        results = [one.launch({"idempotencyKey": "k"}, namespace=it) for it in ("call", "queue", "event", "schedule")]
    assert [it["status"] for it in results] == ["LAUNCHED"] * 4
    assert len({it["run"] for it in results}) == len(endpoint.launched) == 4


def test_a_launch_that_launched_nothing_is_tried_again_with_the_same_key() -> None:
    with ecs_endpoint(once("unplaceable")) as endpoint:
        one = Launching(endpoint.client())
        refused = one.launch({"count": 3})
        assert (refused["status"], refused["state"], len(endpoint.calls)) == ("FAILED", "REJECTED", 1)
        result = one.launch({"count": 3})
    assert (result["status"], result["state"], dict(endpoint.launched)) == (
        "LAUNCHED",
        "RUNNING",
        {result["startedBy"]: 3},
    )


def test_a_later_delivery_requests_what_is_missing_and_nothing_else() -> None:
    with ecs_endpoint(once("partial", *["no_capacity"] * (3 * ROUNDS - 1))) as endpoint:
        one = Launching(endpoint.client())
        first = one.launch({"count": 4}, redelivered=True)
        assert (first["status"], first["state"], first["attempts"]) == ("PARTIAL", "LAUNCHING", ROUNDS)
        assert [it["retryable"] for it in first["failures"]] == [True]
        second = one.launch({"count": 4}, redelivered=True)
        assert (second["status"], second["attempts"]) == ("PARTIAL", ROUNDS)
        assert one.launch({"count": 4}, redelivered=True)["status"] == "PARTIAL"
        last = one.launch({"count": 4}, redelivered=True)
    assert (last["status"], last["launched"], last["new"], last["attempts"]) == ("LAUNCHED", 4, 2, 1)
    assert endpoint.launched == {first["startedBy"]: 4}
    assert [it["count"] for it in endpoint.calls] == [4, *[2] * (3 * ROUNDS)]


@pytest.mark.parametrize(("minutes", "listed"), [(5, 0), (29, 0), (40, 2), (54, 2)])
@pytest.mark.parametrize("kill", ["before", "after"])
@pytest.mark.parametrize("deployed", [False, True])
def test_a_delivery_after_a_crash_finds_what_was_launched(minutes: int, listed: int, kill: str, deployed: bool) -> None:
    """By the token while ECS knows it for certain, then by startedBy, running and stopped, on every page."""
    now = [1_000_000.0]
    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        endpoint.page = 2
        client = endpoint.client()
        one = Launching(Mortal(client, [kill]), clock=lambda: now[0])
        with pytest.raises(Killed):
            one.launch({"count": 5}, redelivered=True)
        # Another delivery does not step in while the first may still be calling.
        one.ecs = client
        early = one.launch({"count": 5}, redelivered=True)
        assert [(it["reason"], it["retryable"]) for it in early["failures"]] == [("LaunchUnderWay", True)]
        for arn in list(endpoint.tasks)[:3]:
            endpoint.end(arn)
        now[0] += 60 * minutes
        if deployed:
            one.of = settings(taskDefinition=SETTINGS.task_definition[:-1] + "8")
        again = one.launch({"count": 5}, redelivered=True)
    assert (again["status"], again["launched"], again["new"]) == ("LAUNCHED", 5, 5)
    assert endpoint.launched == {again["startedBy"]: 5}
    assert len({it["desiredStatus"] for it in endpoint.listed}) == listed


def test_when_only_events_can_tell_what_was_launched_nothing_is_launched_before_they_have() -> None:
    now = [1_000_000.0]
    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        one = Launching(Mortal(endpoint.client(), ["after"]), clock=lambda: now[0])
        with pytest.raises(Killed):
            one.launch({}, redelivered=True)
        (arn,) = endpoint.tasks
        endpoint.end(arn)
        now[0] += 2 * 3600
        late = one.launch({}, redelivered=True)
        assert [(it["reason"], it["retryable"]) for it in late["failures"]] == [("OutcomeOpen", True)]
        assert sum(endpoint.launched.values()) == 1
        (run,) = one.table.plain("run")
        ends.ended(run, {"task": arn.rpartition("/")[2], "attempt": 1, "root": "", "capacity": "FARGATE", "seconds": 60,
                         "outcome": "succeeded", "reason": "r"}, now=now[0], retry=False)  # fmt: skip
        one.launcher.records.put(run)
        found = one.launch({}, redelivered=True)
    assert (found["status"], found["launched"], sum(endpoint.launched.values())) == ("DUPLICATE", 1, 1)


@pytest.mark.parametrize(
    "fault", ["before", "ThrottlingException", "AccessDeniedException", "ResourceNotFoundException"]
)
def test_without_a_table_that_answers_nothing_is_launched_and_the_event_comes_again(fault: str) -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client())
        one.table.fault = lambda *_: fault
        refused = one.launch({"count": 2})
        assert (refused["status"], endpoint.calls) == ("FAILED", [])
        assert [(it["reason"], it["retryable"]) for it in refused["failures"]] == [("RunNotRecorded", True)]
        one.table.fault = lambda *_: ""
        assert one.launch({"count": 2})["status"] == "LAUNCHED"
    assert list(endpoint.launched.values()) == [2]


@pytest.mark.parametrize("fault", ["before", "after", "ThrottlingException"])
def test_when_the_table_fails_after_the_call_the_caller_gets_the_tasks_and_the_run_gets_them_later(fault: str) -> None:
    now = [1_000_000.0]
    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        one = Launching(endpoint.client(), clock=lambda: now[0])
        one.table.fault = lambda *_: fault if endpoint.calls else ""
        first = one.launch({"count": 2})
        assert (first["status"], first["launched"]) == ("LAUNCHED", 2)
        one.table.fault = lambda *_: ""
        now[0] += 600
        again = one.launch({"count": 2})
    assert (again["launched"], again["tasks"]) == (2, first["tasks"])
    assert endpoint.launched == {first["startedBy"]: 2}


def test_an_answer_of_the_table_that_was_lost_is_recognized() -> None:
    faults = iter(["after", "", "", "", "", "", ""])
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client())
        one.table.fault = lambda *_: next(faults)
        assert one.launch({})["status"] == "LAUNCHED"
    assert len(endpoint.calls) == 1


def test_jobs_of_the_same_name_of_two_stacks_in_one_cluster_launch_their_own_tasks() -> None:
    other = settings(taskDefinition=SETTINGS.task_definition.replace("/f:", "/other-f:"))
    with ecs_endpoint() as endpoint:
        results = [Launching(endpoint.client(), of).launch({}, "event-1") for of in (SETTINGS, other)]
    assert [it["status"] for it in results] == ["LAUNCHED", "LAUNCHED"]
    assert dict(endpoint.launched) == {it["startedBy"]: 1 for it in results}
    assert results[0]["tasks"] != results[1]["tasks"]


def test_no_call_is_made_without_time_for_its_answer() -> None:
    with ecs_endpoint(always("throttled")) as endpoint:
        late = Launching(endpoint.client(), seconds=lambda: CALL_SECONDS - 0.1).launch({"count": 11})
        assert (late["status"], late["attempts"], endpoint.calls) == ("FAILED", 0, [])
        assert [(it["reason"], it["retryable"]) for it in late["failures"]] == [("OutOfTime", True)] * 2
        left = iter([60.0, 30.0, CALL_SECONDS - 0.1])
        result = Launching(endpoint.client(), seconds=left.__next__).launch({})
    assert (result["status"], result["attempts"], len(endpoint.calls)) == ("FAILED", 2, 2)
    assert [(it["reason"], it["retryable"]) for it in result["failures"]] == [("ThrottlingException", True)]


def test_waiting_stays_within_the_time_left_and_never_sleeps_past_it() -> None:
    assert not Budget(lambda: 10.0).pause(3.0)
    assert Budget(lambda: 10.0).pause(0.001)
    assert all(0 <= jitter(tries) <= 5 for tries in range(100))


def test_launches_keep_to_fargates_rate() -> None:
    pace = Pace(burst=100, per_second=20)
    assert pace.reserve(100) == 0
    assert pace.reserve(10) == pytest.approx(0.5, abs=0.1)
    assert pace.reserve(10) == pytest.approx(1.0, abs=0.1)


def test_a_payload_that_cannot_be_stored_launches_nothing_and_can_be_tried_again() -> None:
    of, stored = settings(payloadPrefix="s3://b/p/"), list[tuple[str, bytes]]()
    event = {"payload": "x" * 9000}
    request = asked(event, of=of)

    def broken(*_: Any) -> None:
        raise OSError("no route to S3")

    with ecs_endpoint() as endpoint:
        failed = Launching(endpoint.client(), of, store=broken).launch(event)
        assert (failed["status"], endpoint.calls) == ("FAILED", [])
        assert [(it["reason"], it["retryable"]) for it in failed["failures"]] == [("PayloadNotStored", True)]
        done = Launching(endpoint.client(), of, store=lambda *it: stored.append(it)).launch(event)
        (call,) = endpoint.calls
    assert done["status"] == "LAUNCHED"
    assert stored == [request.stored_payload]
    assert call["overrides"]["containerOverrides"][0]["environment"] == [
        {"name": "JOB_PAYLOAD_S3_URI", "value": stored[0][0]}
    ]


def test_calls_to_an_unreachable_ecs_are_repeated_until_the_time_is_up() -> None:
    with ecs_endpoint() as endpoint:
        client = endpoint.client()
    left = iter([60.0, 60.0, 60.0, 0.0])
    result = Launching(client, seconds=left.__next__).launch({})
    assert (result["status"], result["attempts"]) == ("FAILED", 3)
    assert [(it["reason"], it["retryable"]) for it in result["failures"]] == [("EndpointConnectionError", True)]


def test_an_error_of_our_own_is_raised() -> None:
    class Broken:
        def run_task(self, **_: Any) -> dict[str, Any]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Launching(Broken()).launch({})


class Refusing:
    """An ECS that returns this error."""

    def __init__(self, code: str = "InvalidParameterException", message: str = "", status: int = 400) -> None:
        self.error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def run_task(self, **_: Any) -> dict[str, Any]:
        raise ClientError(cast("Any", self.error), "RunTask")


@pytest.mark.parametrize(
    ("refusing", "retryable", "calls"),
    [
        # A name in the message does not count.
        (Refusing("AccessDeniedException", "User: role/throttle-report is not authorized"), False, 1),
        (Refusing("TooManyRequestsException"), True, 2),
        (Refusing("RequestLimitExceeded"), True, 2),
        (Refusing("RequestTimeout", status=408), True, 2),
    ],
)
def test_an_error_means_what_its_code_says(refusing: Refusing, retryable: bool, calls: int) -> None:
    left = iter([60.0, 60.0, 0.0])
    result = Launching(refusing, seconds=left.__next__).launch({})
    assert ([it["retryable"] for it in result["failures"]], result["attempts"]) == ([retryable], calls)


def test_a_null_in_an_answer_counts_as_absent() -> None:
    class Answering:
        def run_task(self, **request: Any) -> dict[str, Any]:
            arn = f"arn:task/{request['clientToken']}"
            return {"tasks": [{"taskArn": arn}], "failures": [{"reason": None, "detail": None}]}

    assert Launching(Answering()).launch({})["status"] == "LAUNCHED"
    result = Launching(Answering()).launch({"count": 2})
    assert result["launched"] == 2, "two calls, a task each"


def test_a_denied_launch_names_the_role_but_not_the_event() -> None:
    with ecs_endpoint(always("denied")) as endpoint:
        result = Launching(endpoint.client()).launch({"role": "reader"})
    assert endpoint.calls[0]["overrides"] == {"taskRoleArn": ROLE}
    assert result["failures"][0]["detail"].startswith("User: u is not authorized to perform: iam:PassRole")


def test_max_running_is_exact_for_any_number_of_callers_at_once() -> None:
    with ecs_endpoint() as endpoint, ThreadPoolExecutor(8) as pool:
        one = Launching(endpoint.client(), settings(maxRunning=7))
        results = list(pool.map(lambda it: one.launch({"count": 2}, f"key-{it}"), range(16)))
    assert sum(endpoint.launched.values()) == 6
    refused = [it["failures"][0] for it in results if it["status"] != "LAUNCHED"]
    assert {(it["reason"], it["retryable"]) for it in refused} == {("MaxRunning", True)}
    (job,) = one.table.plain("job")
    assert sum(job["holders"].values()) == 6


def test_a_launch_that_finds_no_capacity_holds_no_room_while_it_waits() -> None:
    with ecs_endpoint(once(*["no_capacity"] * ROUNDS)) as endpoint:
        one = Launching(endpoint.client(), settings(maxRunning=1))
        assert one.launch({}, "a", redelivered=True)["status"] == "FAILED"
        assert one.launch({}, "b", redelivered=True)["status"] == "LAUNCHED"
        waiting = one.launch({}, "a", redelivered=True)
    assert [it["reason"] for it in waiting["failures"]] == ["MaxRunning"]


def test_what_overlap_skips_is_a_run_of_its_own() -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client(), settings(maxRunning=1, overlap="skip"))
        assert one.launch({}, "a")["status"] == "LAUNCHED"
        skipped = one.launch({}, "b")
        assert (skipped["status"], skipped["state"], skipped["failures"]) == ("SKIPPED", "SKIPPED", [])
        assert one.launch({}, "b")["status"] == "SKIPPED"
    assert sum(endpoint.launched.values()) == 1
    # Only what was launched counts as an attempt.
    assert {it["key"]: it["attempts"] for it in one.table.plain("run")} == {"a": 1, "b": 0}


def test_overlap_replace_has_the_running_task_stopped_and_then_launches() -> None:
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client(), settings(maxRunning=1, overlap="replace"))
        first = one.launch({}, "a")
        second, third = one.launch({}, "b"), one.launch({}, "c")
        assert (second["status"], third["status"]) == ("WAITING", "WAITING")
        run = one.run(first)
        assert "stopping" in run
        assert run["due"] <= time.time() + 1
        ends.ended(run, {"task": first["tasks"][0]["id"], "attempt": 1, "root": "", "capacity": "FARGATE", "seconds": 1,
                         "outcome": "stopped", "reason": "r"}, now=time.time(), retry=False)  # fmt: skip
        one.launcher.records.put(run, was=one.run(first))
        assert not one.launcher.again(second["run"])
        assert one.launcher.again(third["run"])
    assert [one.run(it)["state"] for it in (first, second, third)] == ["STOPPED", "STOPPED", "RUNNING"]
    assert sum(endpoint.launched.values()) == 2


def test_a_retry_is_launched_as_the_run_was_and_only_where_it_is_owed() -> None:
    gone = list[str]()
    with ecs_endpoint() as endpoint:
        one = Launching(
            endpoint.client(),
            settings(payloadPrefix="s3://b/p/", policy={**DECLARED["policy"], "retries": 3}),
            store=lambda *_: None,
            stored=lambda it: it not in gone,
        )
        event = {"payload": "x" * 9000, "environment": {"SOURCE": "s"}, "tags": {"customer": "c"}, "cpu": 1024,
                 "memory": 2048, "role": "reader", "capacity": "spot_then_on_demand"}  # fmt: skip
        first = one.launch(event)
        root = first["tasks"][0]["id"]
        assert not one.launcher.retry(first["run"], root)

        def end(outcome: str, task: str, attempt: int) -> None:
            was = one.run(first)
            run = runs.copied(was)
            fact = {"task": task, "attempt": attempt, "root": root[:16] if attempt > 1 else "", "capacity": "FARGATE",
                    "seconds": 60, "outcome": outcome, "reason": "r"}  # fmt: skip
            assert ends.ended(run, fact, now=time.time(), retry=True)
            one.launcher.records.put(run, was=was)

        end("failed", root, 1)
        assert one.launcher.retry(first["run"], root)
        assert not one.launcher.retry(first["run"], root)
        again = one.run(first)["open"][root]["task"]
        end("interrupted", again, 2)
        assert one.launcher.retry(first["run"], root)
        calls = endpoint.calls
        assert [it["startedBy"] for it in calls] == [
            f"import/{first['run']}{it}" for it in ("", f"/1/{root}", f"/2/{root}")
        ]
        same = ("overrides", "tags", "taskDefinition", "networkConfiguration")
        assert all(calls[0][key] == it[key] for it in calls for key in same)
        # A task whose Spot capacity was taken back is launched again on demand.
        assert [it.get("launchType") for it in calls] == [None, None, "FARGATE"]
        end("failed", one.run(first)["open"][root]["task"], 3)
        gone.append(json.loads(json.dumps(one.run(first)["payload"]["uri"])))
        assert one.launcher.retry(first["run"], root)
    run = one.run(first)
    assert (len(endpoint.calls), run["state"], run["failed"]) == (3, "FAILED", 1)
    assert "could not be retried: PayloadExpired: the payload that was stored for it is gone" in run["last"]["reason"]


def test_a_message_whose_answer_was_lost_is_not_launched_again_when_others_held_it_back_for_hours() -> None:
    """ECS has forgotten its token and its task by then."""
    now = [1_000_000.0]
    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        one = Launching(Mortal(endpoint.client(), ["after"]), settings(maxRunning=1), clock=lambda: now[0])
        with pytest.raises(Killed):
            one.launch({}, "message", namespace="queue", redelivered=True)
        (arn,) = endpoint.tasks
        endpoint.end(arn)
        # The room stays taken while nobody knows what was launched.
        others = one.launch({}, "other", namespace="queue", redelivered=True)
        assert [it["reason"] for it in others["failures"]] == ["MaxRunning"]
        records = one.launcher.records
        (run,) = one.table.plain("run")
        fact = {"task": arn.rpartition("/")[2], "attempt": 1, "root": "", "capacity": "FARGATE", "seconds": 60}
        changed = runs.copied(run)
        ends.ended(changed, {**fact, "outcome": "succeeded", "reason": "r"}, now=now[0], retry=False)
        records.put(changed, was=run)
        assert one.launch({}, "other", namespace="queue", redelivered=True)["status"] == "LAUNCHED"
        for _ in range(5):
            now[0] += 3600
            again = one.launch({}, "message", namespace="queue", redelivered=True)
            assert (again["status"], again["state"], again["new"]) == ("DUPLICATE", "SUCCEEDED", 0)
    assert sum(endpoint.launched.values()) == 2


def test_a_denied_call_of_a_new_function_is_repeated_a_few_times_only() -> None:
    with ecs_endpoint(always("denied")) as endpoint:
        result = Launching(endpoint.client(), settling=lambda: True).launch({})
    assert (result["status"], result["state"], len(endpoint.calls)) == ("FAILED", "REJECTED", DENIED_TRIES)


def test_a_throttled_list_of_tasks_is_asked_for_again() -> None:
    now = [1_000_000.0]

    class Busy(Mortal):
        refusals = 2

        def list_tasks(self, **request: Any) -> dict[str, Any]:
            self.refusals -= 1
            if self.refusals >= 0:
                raise ClientError(cast("Any", {"Error": {"Code": "ThrottlingException", "Message": "m"}}), "ListTasks")
            return super().list_tasks(**request)

    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        one = Launching(Busy(endpoint.client(), ["after"]), clock=lambda: now[0])
        with pytest.raises(Killed):
            one.launch({"count": 2}, redelivered=True)
        now[0] += 40 * 60
        assert one.launch({"count": 2}, redelivered=True)["launched"] == 2
    assert len(endpoint.calls) == 1


def test_a_delivery_that_was_overtaken_between_its_read_and_its_write_makes_no_call() -> None:
    now = [1_000_000.0]
    with ecs_endpoint(clock=lambda: now[0]) as endpoint:
        one = Launching(Mortal(endpoint.client(), ["before", "before"]), clock=lambda: now[0])
        with pytest.raises(Killed):
            one.launch({}, redelivered=True)
        now[0] += 70
        other, hooked = Launching(one.ecs, one.of, one.table, clock=one.clock), list[str]()

        def overtaken(operation: str, _: dict[str, Any]) -> str:
            if operation == "PutItem" and len(one.table.calls) > begun and not hooked:
                hooked.append(operation)
                with pytest.raises(Killed):
                    other.launch({}, redelivered=True)
            return ""

        # The second write is the one that takes the lease; the first only asks whether the run is new.
        begun = len(one.table.calls) + 1
        one.table.fault = overtaken
        result = one.launch({}, redelivered=True)
    assert hooked
    assert [it["reason"] for it in result["failures"]] == ["LaunchUnderWay"]
    assert endpoint.calls == []
