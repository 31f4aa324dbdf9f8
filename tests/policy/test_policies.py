"""Every rule of the policy pack against the stacks that it must catch and those that it must pass."""

from __future__ import annotations

import pytest
from fargate_job_launcher.policies import RULES, Rule
from fargate_job_launcher.policies.principals import POLICY
from fargate_job_launcher.policies.rule import Scope

from tools.pack.judging import judge
from tools.pack.policy_cases import CASES, Stack

_BY_ID = {rule.id: rule for rule in RULES}
_CATCHES = [(_BY_ID[key], name, stack) for key, cases in CASES.items() for name, stack in cases.catches.items()]
_PASSES = [(_BY_ID[key], name, stack) for key, cases in CASES.items() for name, stack in cases.passes.items()]


def _ids(cases: list[tuple[Rule, str, Stack]]) -> list[str]:
    return [f"{rule.id}: {name}" for rule, name, _ in cases]


def test_every_rule_has_three_stacks_to_catch_one_of_them_devious_and_two_to_pass() -> None:
    assert list(CASES) == [rule.id for rule in RULES]
    for cases in CASES.values():
        assert len(cases.catches) >= 3
        assert any(name.startswith("devious") for name in cases.catches)
        assert len(cases.passes) >= 2


@pytest.mark.parametrize(("rule", "name", "stack"), _CATCHES, ids=_ids(_CATCHES))
def test_a_rule_catches_a_stack_and_names_the_fix(rule: Rule, name: str, stack: Stack) -> None:
    judged = judge(stack, rules=[rule])
    assert judged.violations, name
    for message, urn in judged.violations[rule.id]:
        assert rule.remedy in message
        assert urn in {thing.urn for thing in stack}


@pytest.mark.parametrize(("rule", "name", "stack"), _PASSES, ids=_ids(_PASSES))
def test_a_rule_passes_a_stack(rule: Rule, name: str, stack: Stack) -> None:
    judged = judge(stack, rules=[rule])
    assert (judged.violations, judged.not_judged) == ({}, {}), name
    # A stack without any resource that the rule judges would prove nothing.
    kinds = {*rule.kinds, *([POLICY] if rule.scope is Scope.PARTS else [])}
    assert kinds & {thing.kind for thing in stack} or not kinds
