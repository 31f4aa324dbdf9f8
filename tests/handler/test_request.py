"""What a caller may request: everything that is declared and nothing else; one rejection lists every problem."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from fargate_job_launcher.function import archive
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.calls import Origin, chunks, run_task_request
from fargate_job_launcher.handler.dry_run import dry_run
from fargate_job_launcher.handler.event import PROBLEMS_SHOWN, Rejected
from fargate_job_launcher.handler.request import LARGEST_EVENT, LaunchRequest, parse, recorded
from fargate_job_launcher.handler.result import rejection
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.sandbox.aws.constraints import violations
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tools.launching import CLOSED, DECLARED, ROLE, SETTINGS, asked, settings
from tools.recording import PROGRAM


def refused(event: object, of: Settings = SETTINGS) -> list[str]:
    with pytest.raises(Rejected) as raised:
        parse(event, of, key="r")
    return raised.value.problems


def test_everything_that_is_declared_may_be_requested() -> None:
    request = asked(
        {
            "version": "1",
            "idempotencyKey": "2026-01-31",
            "command": ["run", "--all"],
            "environment": {"SOURCE": "s3://a\n"},
            "cpu": 2048,
            "memory": 8192,
            "ephemeralStorageGiB": 100,
            "count": 2,
            "tags": {"customer": "Überseehandel 1"},
            "payload": {"a": [1, None, "ü"]},
            "role": "reader",
            "capacity": "on_demand",
            "dryRun": True,
        }
    )
    assert request.overrides == {
        "cpu": "2048",
        "memory": "8192",
        "ephemeralStorage": {"sizeInGiB": 100},
        "taskRoleArn": ROLE,
        "containerOverrides": [
            {
                "name": "job",
                "command": ["run", "--all"],
                "environment": [
                    {"name": "JOB_PAYLOAD", "value": '{"a":[1,null,"ü"]}'},
                    {"name": "SOURCE", "value": "s3://a\n"},
                ],
            }
        ],
    }
    assert (request.key, request.count, request.capacity, request.dry_run) == ("2026-01-31", 2, "on_demand", True)
    call = run_task_request(SETTINGS, request, Origin(request.run), count=2)
    assert call["tags"] == [{"key": "customer", "value": "Überseehandel 1"}]
    assert (call["launchType"], call.get("capacityProviderStrategy")) == ("FARGATE", None)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, ["event: a JSON object is expected, not null"]),
        ([], ["event: a JSON object is expected, not a list"]),
        ({"cluster": "other"}, ["event: name 1 of 1: unknown; a launch event has version, idempotencyKey"]),
        ({"count": 1, "enviroment": {}}, ["enviroment: unknown; did you mean `environment`? A launch event has"]),
        ({"taskDefinition": "x", "networkConfiguration": {}, "image": "x", "entryPoint": [], "enableExecuteCommand": 1},
         ["event: names 1, 2, 3, 4 and 5 of 5: unknown; a launch event has"]),
        ({"count": 1, "overrides": {"taskRoleArn": "arn:aws:iam::1:role/admin"}}, ["event: name 2 of 2: unknown"]),
        ({"a\nb": 1, "countx\n": 1}, ["event: names 1 and 2 of 2: unknown"]),
        ({"version": "2"}, ["version: '1' is the only version"]),
        ({"environment": {"OTHER": "x", "SOURCE": 1}}, ["environment: name 1 of 2: not declared under "
         "overrides.environment; declared: SOURCE", "environment.SOURCE: a string is expected, not a number"]),
        ({"environment": {"SORUCE": "x"}}, ["environment.SORUCE: not declared under overrides.environment; "
         "did you mean `SOURCE`? Declared: SOURCE"]),
        ({"environment": {"AWS_ACCESS_KEY_ID": "x", "ld_preload": "x", "ECS_X": "", "JOB_PAYLOAD": "", "PATH": "/x"}},
         ["environment: names 1, 2, 3, 4 and 5 of 5: no caller may set such a name: AWS, a loader or the launcher"]),
        ({"environment": {"SOURCE": "a\x00b"}}, ["environment.SOURCE: holds control characters"]),
        ({"environment": []}, ["environment: an object of names and strings is expected, not a list"]),
        ({"command": "rm"}, ["command: a list of at least one string is expected"]),
        ({"command": []}, ["command: a list of at least one string is expected"]),
        ({"command": ["a", 1]}, ["command: a list of at least one string is expected"]),
        ({"command": ["a\x1b[2J"]}, ["command: holds control characters"]),
        ({"cpu": 4096}, ["cpu: a whole number of CPU units up to 2048 is expected (overrides.cpu)"]),
        ({"cpu": True}, ["cpu: a whole number of CPU units up to 2048"]),
        ({"cpu": 300}, ["cpu: 300 is no Fargate size; allowed: 256, 512"]),
        ({"cpu": 256, "memory": 8192}, ["memory: 8192 MiB does not go with cpu 256; allowed with it: 512, 1024, 2048"]),
        ({"memory": "2048"}, ["memory: a whole number of MiB up to 8192"]),
        ({"ephemeralStorageGiB": 20}, ["ephemeralStorageGiB: 20 is less than 21"]),
        ({"ephemeralStorageGiB": 101}, ["ephemeralStorageGiB: a whole number of GiB up to 100"]),
        ({"role": ROLE}, ["role: an alias declared under overrides.task_roles is expected; declared: reader"]),
        ({"role": ["reader"]}, ["role: an alias declared"]),
        ({"role": None}, ["role: an alias declared"]),
        ({"capacity": "cheap"}, ["capacity: one of on_demand, spot, spot_then_on_demand is expected"]),
        ({"tags": {"owner": "x"}}, ["tags: name 1 of 1: not declared under overrides.tags; declared: customer"]),
        ({"tags": {"customer": "a<b"}}, ["tags.customer: a string of at most 256 letters"]),
        ({"count": 1001}, ["count: a whole number from 1 to 1000 is expected"]),
        ({"count": True}, ["count: a whole number from 1 to 1000 is expected"]),
        ({"count": 2.0}, ["count: a whole number from 1 to 1000 is expected"]),
        ({"count": 0, "idempotencyKey": ""}, ["idempotencyKey: a string of 1 to 256", "count: a whole number from 1"]),
        ({"idempotencyKey": "a\nb"}, ["idempotencyKey: a string of 1 to 256 printable characters"]),
        ({"delivery": 2}, ["event: name 1 of 1: unknown"]),
        ({"requestedBy": "x" * 257}, ["requestedBy: a text of 1 to 256 printable characters is expected"]),
        ({"requestedBy": "", "taskToken": 1}, ["requestedBy: a text of 1 to 256", "taskToken: a text of 1 to 2048",
         "taskToken: not declared; the job's owner allows it with callbacks"]),
        ({"count": 0, "environment": {"SOURCE": "x" * 9000}}, ["count: a whole number", "environment, command: the"]),
        ({"environment": {"SOURCE": "a\x9b2J"}}, ["environment.SOURCE: holds control characters"]),
        ({"tags": {"customer": "aws:x"}}, ["tags.customer: a string of at most 256 letters"]),
        ({"retryOf": {"run": "0" * 32, "root": "a"}, "count": 1}, ["event: name 1 of 2: unknown"]),
        ({"endOf": "a"}, ["event: name 1 of 1: unknown"]),
        ({"dryRun": "yes"}, ["dryRun: true or false is expected, not a string"]),
        ({"payload": float("nan")}, ["event: has a value that JSON does not have"]),
        ({"payload": "\ud800"}, ["event: has a value that JSON does not have"]),
        ({"payload": "x" * (LARGEST_EVENT + 1)}, [f"event: {LARGEST_EVENT + 16} bytes; at most {LARGEST_EVENT}"]),
    ],
)  # fmt: skip
def test_an_undeclared_request_is_rejected_with_every_problem(event: object, said: list[str]) -> None:
    problems = refused(event)
    assert [problem[: len(start)] for problem, start in zip(problems, said, strict=True)] == said
    result = rejection(SETTINGS, problems)
    assert (result["status"], result["launched"], result["attempts"], result["tasks"]) == ("REJECTED", 0, 0, [])
    assert [it["detail"] for it in result["failures"]] == problems


def test_a_job_that_declares_nothing_accepts_nothing() -> None:
    closed = settings(CLOSED)
    assert parse({}, closed, key="r").overrides == {}
    fields = {
        "command": ["x"], "environment": {"A": "x"}, "cpu": 256, "memory": 512, "ephemeralStorageGiB": 30, "count": 2,
        "tags": {"a": "b"}, "payload": 1, "role": "r", "capacity": "spot",
    }  # fmt: skip
    for field, value in fields.items():
        (problem,) = refused({field: value}, closed)
        assert problem.startswith(field)
    assert len(refused(fields, closed)) == len(fields)


def test_an_event_that_is_too_deep_is_rejected_before_it_is_read() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert refused({"payload": deep}) == ["event: more than 64 levels of objects and lists"]
    # Freeing it recursively would overflow the stack too.
    while isinstance(deep, list):
        deep = deep[0]


def test_a_hundred_problems_make_a_short_message() -> None:
    (problem,) = refused({f"key-{number}": "hunter2" for number in range(100)})
    assert problem.startswith("event: names 1, 2, 3, 4 and 96 more of 100: unknown; a launch event has version")
    declared = [f"NAME_{number:03}" for number in range(100)]
    overrides = {**DECLARED["overrides"], "environment": declared}
    problems = refused({"environment": dict.fromkeys(declared, 7)}, settings(overrides=overrides))
    assert len(problems) == PROBLEMS_SHOWN + 1
    assert problems[-1] == "and 80 more problems"


@pytest.mark.parametrize(
    "name",
    ["password=hunter2", "hunter2", "count=hunter2", "SOURCE=hunter2", "customer:hunter2", "AWS_hunter2", "x" * 99_999],
)
def test_a_name_that_carries_a_value_is_not_repeated(name: str) -> None:
    for event in ({name: 1}, {"environment": {name: "x\x00"}}, {"environment": {name: 1}}, {"tags": {name: "a<b"}}):
        problems = refused(event)
        assert problems
        assert "hunter2" not in str(problems)
        assert all(len(it) < 300 for it in problems)


def test_an_event_of_nothing_but_names_is_refused_at_once() -> None:
    began = time.monotonic()
    *slips, last = refused({f"cout{number}": 1 for number in range(60_000)})
    assert [it[:5] for it in slips] == [f"cout{number}" for number in range(10)]
    assert "of 60000: unknown" in last
    assert time.monotonic() - began < 5


def test_a_message_lists_at_most_ten_declared_names() -> None:
    overrides = {**DECLARED["overrides"], "environment": [f"NAME_{number:03}" for number in range(100)]}
    (problem,) = refused({"environment": {"OTHER": "x"}}, settings(overrides=overrides))
    assert problem.endswith("NAME_008, NAME_009, and 90 more")


def test_what_a_run_was_asked_for_is_requested_again_as_it_was() -> None:
    of = settings(payloadPrefix="s3://b/p/", resultPrefix="s3://b/r/")
    event = {
        **{"command": ["run"], "environment": {"SOURCE": "s"}, "cpu": 1024, "memory": 2048, "count": 3},
        **{"role": "reader", "tags": {"customer": "c"}, "capacity": "on_demand"},
        **{"idempotencyKey": "k", "requestedBy": "me"},
    }
    for payload in ({}, {"payload": {"a": 1}}, {"payload": "x" * 9000}):
        request = asked({**event, **payload}, of=of)
        assert request.requested_by == "me"
        run: dict[str, Any] = {"run": request.run, "key": "k", "request": json.dumps(request.asked)}
        if request.stored_payload is not None:
            run["payload"] = {"uri": request.stored_payload[0]}
        assert not request.asked.keys() & {"idempotencyKey", "requestedBy"}
        again = recorded(run, of)
        for name in ("run", "count", "overrides", "capacity", "tags", "cpu", "memory", "task_role"):
            assert getattr(again, name) == getattr(request, name), name
        variables = {it["name"]: it["value"] for it in again.overrides["containerOverrides"][0]["environment"]}
        assert variables["JOB_RESULT_S3_URI"] == f"s3://b/r/{request.run}"
    with pytest.raises(Rejected, match="declared under overrides"):
        recorded(run, settings(overrides={**DECLARED["overrides"], "environment": []}))


def test_overrides_are_counted_as_aws_counts_them_to_the_character() -> None:
    def size(request: LaunchRequest) -> int:
        return len(json.dumps(request.overrides, separators=(",", ":"), ensure_ascii=False))

    room = fargate.OVERRIDES_CHARACTERS - size(asked({"environment": {"SOURCE": ""}}))
    assert size(asked({"environment": {"SOURCE": "ü" * room}})) == fargate.OVERRIDES_CHARACTERS
    (problem,) = refused({"environment": {"SOURCE": "ü" * (room + 1)}})
    assert problem == "environment, command: the launch overrides 8193 characters; at most 8192 fit into a call to ECS"
    assert refused({"environment": {"SOURCE": '"' * (room // 2 + 1)}})
    # Java counts a character beyond the first 65,536 as two.
    assert refused({"environment": {"SOURCE": "😀" * (room // 2 + 1)}})
    assert asked({"environment": {"SOURCE": "😀" * (room // 2)}})


def test_a_payload_that_fits_is_in_the_call_and_a_larger_one_is_in_the_bucket() -> None:
    room = fargate.OVERRIDES_CHARACTERS - len(
        json.dumps(asked({"payload": ""}).overrides, separators=(",", ":"), ensure_ascii=False)
    )
    fits, too_long = {"payload": "x" * room}, {"payload": "x" * (room + 1)}
    assert asked(fits).stored_payload is None
    (problem,) = refused(too_long)
    assert problem == (
        f"payload: {room + 3} characters, 8193 with everything else that this launch overrides; at most 8192 fit "
        "into a call to ECS; give the launcher a payload_bucket"
    )
    of = settings(payloadPrefix="s3://payloads/p-dev-import/")
    assert asked(fits, of=of).stored_payload is None
    request = asked(too_long, of=of)
    assert request.stored_payload is not None
    uri, body = request.stored_payload
    assert re.fullmatch(r"s3://payloads/p-dev-import/[0-9a-f]{64}\.json", uri)
    assert json.loads(body) == too_long["payload"]
    (variable,) = request.overrides["containerOverrides"][0]["environment"]
    assert variable == {"name": "JOB_PAYLOAD_S3_URI", "value": uri}
    # The same event uses the same object; the same key with another payload does not change what a job reads.
    assert asked(too_long, of=of).stored_payload == request.stored_payload
    other = asked({"payload": "y" * (room + 1)}, of=of).stored_payload
    assert other is not None
    assert other[0] != uri


def test_a_dry_run_has_the_exact_calls_the_requests_to_iam_and_the_highest_cost() -> None:
    event = {"count": 12, "cpu": 1024, "memory": 2048, "ephemeralStorageGiB": 30, "role": "reader", "dryRun": True}
    request = asked(event)
    plan = dry_run(SETTINGS, request)
    assert (plan["status"], plan["launched"], plan["attempts"]) == ("DRY_RUN", 0, 0)
    assert plan["maxCostUsdPerHour"] == pytest.approx(12 * (0.04 + 2 * 0.004 + 10 * 0.0001))
    # A public address costs money too, if the task has one and its price is known.
    priced: dict[str, Any] = {**DECLARED["prices"], "publicIpv4Hour": 0.005}
    for public, more in ((True, 12 * 0.005), (False, 0)):
        of = settings(prices=priced, assignPublicIp=public)
        assert dry_run(of, asked(event, of=of))["maxCostUsdPerHour"] == pytest.approx(
            (plan["maxCostUsdPerHour"] or 0) + more
        )
    details = plan.get("dryRun", {})
    assert details["pricesOf"] == "2026-11-01"
    assert [call["count"] for call in details["runTask"]] == [10, 2]
    assert details["runTask"][1] == run_task_request(SETTINGS, request, Origin(request.run), count=2, chunk=1)
    assert [(it["action"], it["resource"].rpartition("/")[2]) for it in details["iam"]] == [
        ("ecs:RunTask", "f:7"),
        ("ecs:ListTasks", "*"),
        ("dynamodb:GetItem", "jobs-runs"),
        ("dynamodb:PutItem", "jobs-runs"),
        ("iam:PassRole", "import-execution"),
        ("iam:PassRole", "import-task"),
        ("iam:PassRole", "reader"),
        ("ecs:TagResource", "*"),
    ]
    limited = settings(maxRunning=4, payloadPrefix="s3://b/p/", payloadKey="arn:aws:kms:eu-west-1:123456789012:key/k")
    more = asked({"capacity": "spot_then_on_demand", "payload": "x" * 9000, "dryRun": True}, of=limited)
    asked_of_iam = dry_run(limited, more).get("dryRun", {})["iam"]
    assert [it["action"] for it in asked_of_iam] == [
        *("ecs:RunTask", "ecs:RunTask", "ecs:ListTasks", "dynamodb:GetItem", "dynamodb:PutItem"),
        *("iam:PassRole", "iam:PassRole", "ecs:TagResource", "s3:PutObject", "kms:GenerateDataKey"),
    ]
    # The fallback is a launch type, for which IAM has no condition key.
    assert [it["context"].get("ecs:capacity-provider") for it in asked_of_iam[:2]] == ["FARGATE_SPOT", None]
    assert asked_of_iam[-1]["context"] == {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SENSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "version": st.just("1"),
    "idempotencyKey": st.text(min_size=1, max_size=20),
    "command": st.lists(st.text(), min_size=1, max_size=3),
    "environment": st.dictionaries(st.sampled_from(["SOURCE", "AWS_X", "OTHER"]), st.text(), max_size=2),
    "cpu": st.sampled_from([256, 512, 1024, 2048, 4096]),
    "memory": st.sampled_from([512, 1024, 2048, 4096, 8192, 16384]),
    "ephemeralStorageGiB": st.integers(18, 110),
    "count": st.integers(-1, 1100),
    "tags": st.dictionaries(st.sampled_from(["customer", "other"]), st.text(), max_size=2),
    "payload": JSON,
    "role": st.sampled_from(["reader", "writer"]),
    "capacity": st.sampled_from(["spot", "on_demand", "free"]),
    "dryRun": st.booleans(),
    "requestedBy": st.text(max_size=300),
    "taskToken": st.text(max_size=20),
}
EVENTS = JSON | st.fixed_dictionaries(
    {}, optional={key: usual | JSON for key, usual in SENSIBLE.items()} | {"cluster": JSON, "overrides": JSON}
)
RUN_TASK: Any = get_session().get_service_model("ecs").operation_model("RunTask")


@given(event=EVENTS)
@hypothesis_settings(max_examples=1500, deadline=None)
def test_any_event_is_a_valid_request_within_the_declaration_or_a_rejection(event: Any) -> None:
    problems: list[str] = []
    try:
        request = asked(event)
    except Rejected as rejected:
        request, problems = None, rejected.problems
    assert all(len(problem) < 1000 and problem.isprintable() for problem in problems)
    if request is None:
        assert problems
        return
    declared = SETTINGS.overrides
    assert sum(chunks(request.count)) == request.count <= declared.max_count
    for chunk, count in enumerate(chunks(request.count)):
        call = run_task_request(SETTINGS, request, Origin(request.run), count=count, chunk=chunk)
        assert violations(RUN_TASK, call) == []
        assert 1 <= call["count"] <= 10
        # Exactly one of the two, or ECS refuses the call.
        asked_for = (call.get("launchType"), call.get("capacityProviderStrategy"))
        spot = (None, [{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
        assert asked_for == (("FARGATE", None) if request.capacity == "on_demand" else spot)
        fixed = run_task_request(SETTINGS, asked({}), Origin(request.run), count=1)
        free = {"count", "clientToken", "startedBy", "launchType", "capacityProviderStrategy", "overrides", "tags"}
        assert {key: call[key] for key in call.keys() - free} == {key: fixed[key] for key in fixed.keys() - free}
        overrides = call.get("overrides", {})
        assert overrides.keys() <= {"cpu", "memory", "ephemeralStorage", "taskRoleArn", "containerOverrides"}
        assert overrides.get("taskRoleArn", ROLE) == ROLE
        assert int(overrides.get("cpu", 0)) <= declared.cpu
        assert int(overrides.get("memory", 0)) <= declared.memory
        for container in overrides.get("containerOverrides", []):
            assert container.keys() <= {"name", "command", "environment"}
            names = {variable["name"] for variable in container.get("environment", [])}
            assert names <= declared.environment | {"JOB_PAYLOAD"}
        assert {tag["key"] for tag in call.get("tags", [])} <= declared.tags
        assert len(json.dumps(overrides, separators=(",", ":"), ensure_ascii=False)) <= fargate.OVERRIDES_CHARACTERS


def test_the_archive_has_the_modules_of_the_handler_and_nothing_else() -> None:
    sources = PROGRAM / "handler"
    assets: dict[str, Any] = archive().assets
    assert list(assets) == sorted(f"handler/{path.name}" for path in sources.glob("*.py"))
    assert {Path(asset.path).resolve().parent for asset in assets.values()} == {sources}
