"""Launches with an ECS that fails in all known ways: no task is lost or launched twice, and no answer is wrong."""

from __future__ import annotations

import base64
import html
import json
import os
import random
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import quote, quote_plus

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from fargate_job_launcher.handler.launch import ATTEMPTS, Launcher, LaunchResult, run_task_request, started_by, token
from fargate_job_launcher.handler.redact import RUN, redacted, redacted_text, values_of
from fargate_job_launcher.handler.running import Running
from fargate_job_launcher.handler.timing import CALL_SECONDS, Budget, Pace, jitter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tools.ecs_endpoint import TRANSIENT, Endpoint, Request, ecs_endpoint
from tools.launching import ROLE, SETTINGS, asked, launcher, settings

LAUNCHES = int(os.environ.get("LAUNCHES", "600"))
"""How many launches the storm has: LAUNCHES=10000 make storm."""


def once(*faults: str) -> Any:
    """The first requests fail in these ways, one each; later ones succeed."""
    left = list(faults)
    return lambda _: left.pop(0) if left else ""


def always(fault: str) -> Any:
    return lambda _: fault


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
                "clientToken": token(SETTINGS, request),
                "startedBy": started_by(SETTINGS, request),
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
        result = launcher(ecs).launch(request)
        stubber.assert_no_pending_responses()
    assert result == {
        "status": "LAUNCHED",
        "requested": 1,
        "launched": 1,
        "tasks": [{"arn": arn, "id": "0123", "logGroup": "/p/dev/import/job", "logStream": "job/job/0123"}],
        "failures": [],
        "attempts": 1,
        "idempotencyKey": "r-1",
        "startedBy": started_by(SETTINGS, request),
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
                one = launcher(client, seconds=lambda: CALL_SECONDS)  # time for one call
                # No second call: the test compares the results of one answer.
                one.budget = Budget(iter([CALL_SECONDS, 0, 0, 0]).__next__)
                result = one.launch(asked(event, f"key-{number}"))
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
        result = launcher(endpoint.client()).launch(asked({"count": 4}))
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
        result = launcher(endpoint.client()).launch(asked({}))
    assert (result["status"], result["launched"], len(endpoint.calls)) == ("FAILED", 0, 1)
    (failure,) = result["failures"]
    assert (failure["reason"], failure["retryable"]) == (reason, retryable)


@pytest.mark.parametrize("fault", ["denied", "role_unready"])
def test_just_after_a_deploy_a_denied_call_is_repeated(fault: str) -> None:
    young = iter([True, True, False])
    with ecs_endpoint(once(fault, fault)) as endpoint:
        result = launcher(endpoint.client(), settling=young.__next__).launch(asked({}))
    assert (result["status"], len(endpoint.calls)) == ("LAUNCHED", 3)
    with ecs_endpoint(always(fault)) as endpoint:
        grown = iter([True, False])
        result = launcher(endpoint.client(), settling=grown.__next__).launch(asked({}))
    assert (result["status"], len(endpoint.calls)) == ("FAILED", 2)


def test_ten_tasks_go_into_a_call() -> None:
    with ecs_endpoint() as endpoint:
        result = launcher(endpoint.client()).launch(asked({"count": 25}))
    assert sorted(call["count"] for call in endpoint.calls) == [5, 10, 10]
    assert len({call["clientToken"] for call in endpoint.calls}) == 3
    assert {call["startedBy"] for call in endpoint.calls} == {result["startedBy"]}
    assert (result["launched"], result["attempts"], result["capacityUsed"]) == (25, 3, {"FARGATE_SPOT": 25})
    assert re.fullmatch(r"[A-Za-z0-9/_-]{1,128}", result["startedBy"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", call["clientToken"]) for call in endpoint.calls)


def test_tasks_for_which_spot_has_no_capacity_run_on_demand_if_the_job_allows_it() -> None:
    event = {"count": 4, "capacity": "spot_then_on_demand"}
    with ecs_endpoint(once("partial")) as endpoint:
        result = launcher(endpoint.client()).launch(asked(event))
        assert result["capacityUsed"] == {"FARGATE": 2, "FARGATE_SPOT": 2} == dict(endpoint.capacity)
        assert [it.get("launchType") for it in endpoint.calls] == [None, "FARGATE"]
    with ecs_endpoint(once("partial")) as endpoint:
        result = launcher(endpoint.client()).launch(asked({"count": 4}))
        assert result["capacityUsed"] == {"FARGATE_SPOT": 4}


def test_the_same_key_launches_once_however_often_it_comes() -> None:
    with ecs_endpoint() as endpoint:
        first, second = (launcher(endpoint.client()).launch(asked({"count": 12, "idempotencyKey": "k"})) for _ in "ab")
        assert first == second
        # A deploy in between: another revision, the same token.
        after = launcher(endpoint.client(), settings(taskDefinition=SETTINGS.task_definition[:-1] + "8"))
        third = after.launch(asked({"count": 12, "idempotencyKey": "k"}))
        assert (third["status"], third["launched"], third["failures"]) == ("DUPLICATE", 12, [])
        assert {it["arn"] for it in third["tasks"]} == {it["arn"] for it in first["tasks"]}
        # The same key for another request: the result names the running tasks, and no task is added.
        other = launcher(endpoint.client()).launch(asked({"count": 10, "command": ["x"], "idempotencyKey": "k"}))
        assert (other["status"], other["launched"]) == ("DUPLICATE", 10)
        assert endpoint.launched == {first["startedBy"]: 12}
        assert launcher(endpoint.client()).launch(asked({}, "other"))["status"] == "LAUNCHED"


def test_a_launch_of_an_older_version_is_found_by_its_token() -> None:
    """Version 0.1 requested on-demand capacity by a strategy: for ECS that is another request."""
    of = settings(capacity="on_demand")
    request = asked({"count": 3, "idempotencyKey": "k"}, of=of)
    older = {**run_task_request(of, request, count=3), "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}
    del older["launchType"]
    with ecs_endpoint() as endpoint:
        running = {it["taskArn"] for it in endpoint.client().run_task(**older)["tasks"]}
        result = launcher(endpoint.client(), of).launch(request)
        assert {it["arn"] for it in result["tasks"]} == running
        assert endpoint.launched == {result["startedBy"]: 3}
    assert (result["status"], result["capacityUsed"]) == ("DUPLICATE", {"FARGATE": 3})


def test_a_conflict_with_a_launch_that_launched_nothing_is_no_duplicate() -> None:
    with ecs_endpoint(once("unplaceable")) as endpoint:
        assert launcher(endpoint.client()).launch(asked({"count": 3}))["status"] == "FAILED"
        result = launcher(endpoint.client()).launch(asked({"count": 2}))
    assert (result["status"], result["launched"], dict(endpoint.launched)) == ("LAUNCHED", 2, {result["startedBy"]: 2})


def test_a_later_delivery_continues_after_the_last_attempt_of_the_one_before() -> None:
    """ECS repeats its first answer to a used token: only new attempts can still succeed."""
    with ecs_endpoint(once("partial", *["no_capacity"] * (3 * ATTEMPTS - 1))) as endpoint:
        first = launcher(endpoint.client()).launch(asked({"count": 4}))
        assert (first["status"], first["attempts"]) == ("PARTIAL", ATTEMPTS)
        assert [it["retryable"] for it in first["failures"]] == [True]
        second = launcher(endpoint.client()).launch(asked({"count": 4}, delivery=2))
        assert (second["status"], second["attempts"]) == ("PARTIAL", 2 * ATTEMPTS)
        third = launcher(endpoint.client()).launch(asked({"count": 4}, delivery=3))
    assert (third["status"], third["launched"]) == ("LAUNCHED", 4)
    assert endpoint.launched == {first["startedBy"]: 4}


def test_a_caller_that_counts_its_deliveries_does_not_receive_the_old_failures_again() -> None:
    with ecs_endpoint(once(*["no_capacity"] * ATTEMPTS)) as endpoint:
        event = {"count": 2, "idempotencyKey": "k"}
        assert launcher(endpoint.client()).launch(asked(event))["status"] == "FAILED"
        assert launcher(endpoint.client()).launch(asked(event))["status"] == "FAILED"
        again = launcher(endpoint.client()).launch(asked({**event, "delivery": 2}))
    assert (again["status"], again["launched"], sum(endpoint.launched.values())) == ("LAUNCHED", 2, 2)


def test_repeated_attempts_take_almost_nothing_from_the_rate() -> None:
    """Otherwise each delivery of a partial launch would spend its time on the attempts before it."""
    with ecs_endpoint(once(*["no_capacity"] * (10 * ATTEMPTS))) as endpoint:
        failed = launcher(endpoint.client()).launch(asked({"count": 100}))
        assert failed["launched"] == 0
        paced = launcher(endpoint.client())
        # Enough tokens for the launched tasks, and few for repeated attempts.
        paced.pace = Pace(burst=100 + 10 * ATTEMPTS, per_second=0.001)
        result = paced.launch(asked({"count": 100}, delivery=2))
    assert (result["status"], result["launched"]) == ("LAUNCHED", 100)


def test_jobs_of_the_same_name_of_two_stacks_in_one_cluster_launch_their_own_tasks() -> None:
    other = settings(taskDefinition=SETTINGS.task_definition.replace("/f:", "/other-f:"))
    with ecs_endpoint() as endpoint:
        results = [launcher(endpoint.client(), of).launch(asked({}, "event-1")) for of in (SETTINGS, other)]
    assert [it["status"] for it in results] == ["LAUNCHED", "LAUNCHED"]
    assert dict(endpoint.launched) == {it["startedBy"]: 1 for it in results}
    assert results[0]["tasks"] != results[1]["tasks"]


def test_a_deploy_between_two_deliveries_neither_repeats_nor_loses_the_rest() -> None:
    deployed = settings(taskDefinition=SETTINGS.task_definition[:-1] + "8")
    with ecs_endpoint(once("partial")) as endpoint:
        first = launcher(endpoint.client()).launch(asked({"count": 4}))
        assert (first["status"], first["attempts"]) == ("LAUNCHED", 2)
        # The first answer was lost.
        again = launcher(endpoint.client(), deployed).launch(asked({"count": 4}, delivery=2))
        assert (again["status"], again["launched"], again["failures"]) == ("DUPLICATE", 4, [])
        assert {it["arn"] for it in again["tasks"]} == {it["arn"] for it in first["tasks"]}
    with ecs_endpoint(once("partial", *["no_capacity"] * (ATTEMPTS - 1))) as endpoint:
        assert launcher(endpoint.client()).launch(asked({"count": 4}))["launched"] == 2
        rest = launcher(endpoint.client(), deployed).launch(asked({"count": 4}, delivery=2))
        assert (rest["launched"], sum(endpoint.launched.values())) == (4, 4)


def test_no_call_is_made_without_time_for_its_answer() -> None:
    with ecs_endpoint(always("throttled")) as endpoint:
        late = launcher(endpoint.client(), seconds=lambda: CALL_SECONDS - 0.1).launch(asked({"count": 11}))
        assert (late["status"], late["attempts"], endpoint.calls) == ("FAILED", 0, [])
        assert [(it["reason"], it["retryable"]) for it in late["failures"]] == [("OutOfTime", True)] * 2
        left = iter([60.0, 30.0, CALL_SECONDS - 0.1])
        result = launcher(endpoint.client(), seconds=left.__next__).launch(asked({}))
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
    request = asked({"payload": "x" * 9000}, of=of)

    def broken(*_: Any) -> None:
        raise OSError("no route to S3")

    with ecs_endpoint() as endpoint:
        failed = launcher(endpoint.client(), of, store=broken).launch(request)
        assert (failed["status"], endpoint.calls) == ("FAILED", [])
        assert [(it["reason"], it["retryable"]) for it in failed["failures"]] == [("PayloadNotStored", True)]
        done = launcher(endpoint.client(), of, store=lambda *it: stored.append(it)).launch(request)
        (call,) = endpoint.calls
    assert done["status"] == "LAUNCHED"
    assert stored == [request.stored_payload]
    assert call["overrides"]["containerOverrides"][0]["environment"] == [
        {"name": "JOB_PAYLOAD_S3_URI", "value": stored[0][0]}
    ]


def test_a_callers_values_are_removed_from_the_errors_of_aws() -> None:
    for event in (
        {"environment": {"SOURCE": "hunter2-hunter2"}, "command": ["run"]},
        {"command": ["run", "--token=hunter2-hunter2"]},
        {"tags": {"customer": "hunter2-hunter2"}},
        {"payload": {"a": [1, {"b": "hunter2-hunter2"}]}},
    ):
        request = asked(event)
        with ecs_endpoint(always("invalid")) as endpoint:
            result = redacted(launcher(endpoint.client()).launch(request), request)
        assert [it["detail"] for it in result["failures"]] == ["Invalid subnet; given the value ***."], event
    quoted = asked({"environment": {"SOURCE": 'a"b\n€'}})
    failure: Any = {"reason": "X", "detail": r"given a\"b\n\u20ac", "retryable": False}
    shown = redacted({**launcher(Refusing()).launch(quoted), "failures": [failure]}, quoted)
    assert shown["failures"][0]["detail"] == "given ***"


def in_base64(value: str, before: int) -> str:
    """The characters of a longer text's Base64 that depend on this value alone."""
    raw = value.encode()
    encoded = base64.b64encode(b"~" * before + raw + b"~~~~").decode()
    return encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


NOTATIONS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda it: json.dumps(it)[1:-1],
    "in JSON as UTF-8": lambda it: json.dumps(it, ensure_ascii=False)[1:-1],
    "in an address": lambda it: quote(it, safe=""),
    "in a form": quote_plus,
    "in HTML": html.escape,
    "in Base64": lambda it: in_base64(it, 0),
    "in Base64, a byte later": lambda it: in_base64(it, 1),
    "in Base64, two bytes later": lambda it: in_base64(it, 2),
    "in Base64 of addresses": lambda it: in_base64(it, 1).replace("+", "-").replace("/", "_"),
}


WRITTEN_OTHERWISE = st.sampled_from("aZ0&<>'\" +/=%?~\\\nüé€😀")
"""Characters that some notation writes in another way."""


@pytest.mark.parametrize("notation", NOTATIONS)
@given(
    value=st.text(WRITTEN_OTHERWISE, min_size=8, max_size=40)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=8, max_size=40),
    data=st.data(),
)
@hypothesis_settings(max_examples=60)
def test_no_part_of_a_value_remains_in_any_notation(notation: str, value: str, data: st.DataObject) -> None:
    written = NOTATIONS[notation](value)
    start = data.draw(st.integers(0, len(written) - RUN))
    part = written[start : data.draw(st.integers(start + RUN, len(written)))]
    assert redacted_text(f"Invalid [{part}] here [{part}", {value, "other"}) == "Invalid [***] here [***"


def test_what_the_job_is_called_remains_in_an_error_and_a_short_value_goes_where_it_is_whole() -> None:
    arn = f"{SETTINGS.task_definition.rpartition(':')[0]}:99"
    request = asked({"environment": {"SOURCE": arn}, "tags": {"customer": "Lee1"}})
    detail = f"not authorized on resource: {SETTINGS.task_definition}; Lee12; {arn}"
    failure: Any = {"reason": "X", "detail": detail, "retryable": False}
    shown = redacted({**launcher(Refusing()).launch(request), "failures": [failure]}, request)
    said = f"not authorized on resource: {SETTINGS.task_definition}; ***2; ***"
    assert shown["failures"][0]["detail"] == said


def test_the_largest_values_are_removed_from_a_long_text_in_time() -> None:
    payload = [f"row {number:05}" for number in range(500)]
    values = values_of(asked({"payload": payload, "command": ["x" * 1000], "environment": {"SOURCE": "secret word"}}))
    began = time.monotonic()
    shown = redacted_text("\n".join(["the secret wor", '"row 00007","row 00008"', "a line of the job" * 500]), values)
    assert shown.startswith("the ***\n***\na line of the job")
    assert time.monotonic() - began < 5


def test_calls_to_an_unreachable_ecs_are_repeated_until_the_time_is_up() -> None:
    with ecs_endpoint() as endpoint:
        client = endpoint.client()
    left = iter([60.0, 60.0, 60.0, 0.0])
    result = launcher(client, seconds=left.__next__).launch(asked({}))
    assert (result["status"], result["attempts"]) == ("FAILED", 3)
    assert [(it["reason"], it["retryable"]) for it in result["failures"]] == [("EndpointConnectionError", True)]


def test_an_error_of_our_own_is_raised() -> None:
    class Broken:
        def run_task(self, **_: Any) -> dict[str, Any]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        launcher(Broken()).launch(asked({}))


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
    result = launcher(refusing, seconds=left.__next__).launch(asked({}))
    assert ([it["retryable"] for it in result["failures"]], result["attempts"]) == ([retryable], calls)


def test_a_null_in_an_answer_counts_as_absent() -> None:
    class Answering:
        def run_task(self, **_: Any) -> dict[str, Any]:
            return {"tasks": [{"taskArn": "arn:task/1"}], "failures": [{"reason": None, "detail": None}]}

    assert launcher(Answering()).launch(asked({}))["status"] == "LAUNCHED"
    result = launcher(Answering()).launch(asked({"count": 2}))
    assert result["launched"] == 2, "two calls, a task each"


class Killed(BaseException):
    """The function was killed during a call: timeout, out of memory, a lost machine."""


def test_a_storm_loses_nothing_and_launches_nothing_twice() -> None:
    """Every third call fails, functions are killed during a call, and events are delivered twice at the same time."""
    dice = random.Random(7)

    def fault(_: Request) -> str:
        if dice.random() >= 0.3:
            return ""
        # Few timeouts: each takes the client's whole read timeout.
        return "time_out_after" if dice.random() < 0.04 else dice.choice(TRANSIENT[:-1])

    events = [(f"key-{number}", dice.choice([1, 1, 1, 2, 10, 11, 25])) for number in range(LAUNCHES)]
    kills = 0
    with ecs_endpoint(fault) as endpoint, ThreadPoolExecutor(8) as pool:
        client = endpoint.client()

        class Mortal:
            def run_task(self, **request: Any) -> dict[str, Any]:
                if dice.random() < 0.02:
                    raise Killed("before")
                answer = client.run_task(**request)
                if dice.random() < 0.02:
                    raise Killed("after")
                return answer

        mortal = Launcher(
            SETTINGS, Mortal(), Budget(lambda: 60.0), Pace(burst=float("inf")), lambda *_: None, lambda: False,
            wait=lambda _: 0.0,
        )  # fmt: skip

        def deliver(event: tuple[str, int]) -> LaunchResult:
            nonlocal kills
            key, count = event
            for delivery in range(1, 20):
                try:
                    result = mortal.launch(asked({"count": count}, key, delivery=delivery))
                except Killed:
                    kills += 1
                    continue
                if result["status"] == "LAUNCHED":
                    return result
                assert any(it["retryable"] for it in result["failures"]), result
            raise AssertionError(f"{key} was never launched")

        twice = [event for event in events for _ in range(2 if dice.random() < 0.1 else 1)]
        results = list(pool.map(deliver, twice))
    assert_exactly(endpoint, events, results)
    faulted = sum(number for name, number in endpoint.faults.items() if name != "none")
    assert faulted > 0.25 * len(endpoint.calls)
    assert kills > 0
    assert set(endpoint.faults) == {"none", *TRANSIENT}
    print(
        f"\n{len(events)} launches of {sum(count for _, count in events)} tasks, {len(twice) - len(events)} delivered "
        f"twice, {len(endpoint.calls)} calls, {faulted} of them faulted, {kills} functions killed: "
        f"{sum(endpoint.launched.values())} tasks run"
    )


def assert_exactly(endpoint: Endpoint, events: list[tuple[str, int]], results: list[LaunchResult]) -> None:
    wanted = {started_by(SETTINGS, asked({}, key)): count for key, count in events}
    assert dict(endpoint.launched) == wanted
    reported: dict[str, set[str]] = {}
    for result in results:
        assert (result["status"], result["launched"]) == ("LAUNCHED", result["requested"])
        reported.setdefault(result["startedBy"], set()).update(task["arn"] for task in result["tasks"])
    # Two results of a launch name the same tasks.
    assert {key: len(arns) for key, arns in reported.items()} == wanted


def test_a_denied_launch_names_the_role_but_not_the_event() -> None:
    with ecs_endpoint(always("denied")) as endpoint:
        result = launcher(endpoint.client()).launch(asked({"role": "reader"}))
    assert endpoint.calls[0]["overrides"] == {"taskRoleArn": ROLE}
    assert result["failures"][0]["detail"].startswith("User: u is not authorized to perform: iam:PassRole")


class Listing:
    """An ECS that lists these tasks in pages."""

    def __init__(self, *arns: str, page: int = 2, of_launch: tuple[str, ...] = ()) -> None:
        self.arns, self.page, self.of_launch = arns, page, of_launch

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        assert request["cluster"] == SETTINGS.cluster
        if "startedBy" in request:
            return {"taskArns": list(self.of_launch)}
        assert (request["family"], request["desiredStatus"]) == ("stack-import", "RUNNING")
        start = int(request.get("nextToken", 0))
        more = {"nextToken": str(start + self.page)} if start + self.page < len(self.arns) else {}
        return {"taskArns": list(self.arns[start : start + self.page]), **more}


def test_a_launch_that_would_exceed_max_running_is_refused_whole() -> None:
    limited = settings(maxRunning=4, taskDefinition="arn:aws:ecs:eu-west-1:123456789012:task-definition/stack-import:7")
    assert Running(Listing("a", "b", "c"), limited).refusal(1, "import/x") is None
    refusal = Running(Listing("a", "b", "c"), limited).refusal(2, "import/x")
    assert refusal is not None
    assert (refusal["reason"], refusal["retryable"]) == ("MaxRunning", True)
    # The tasks that this launch has already do not count twice; its missing ones do.
    assert Running(Listing("a", "b", "c", of_launch=("c",)), limited).refusal(2, "import/x") is None
    full = Listing("a", "b", "c", "d", of_launch=("d",))
    assert Running(full, limited).refusal(1, "import/x") is None
    assert Running(full, limited).refusal(2, "import/x") is not None
    # A retry of another task of the same launch is a new task.
    assert Running(full, limited).refusal(1, "import/x/1", retry=True) is not None


def test_own_tasks_count_before_ecs_lists_them() -> None:
    limited = settings(maxRunning=2, taskDefinition="arn:aws:ecs:eu-west-1:123456789012:task-definition/stack-import:7")
    running = Running(Listing("a"), limited)
    assert running.refusal(1, "import/x") is None
    running.launched(["b"])
    assert running.refusal(1, "import/y") is not None
    running.launched(["a"])
    assert running.refusal(1, "import/y") is not None
