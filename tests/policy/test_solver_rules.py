"""Where the rules and the solver differ: over the pack's own cases and the published paths, each with a reason."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest
from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.principals import POLICY, ROLE
from fargate_job_launcher.policies.stack import Resource
from fargate_job_launcher.policies.stack import Stack as Read
from test_policy_attacks import PATHS, narrow, wide

from tools.pack.judging import Thing, judge, resources
from tools.pack.policy_cases import (
    CASES,
    EXECUTION,
    ONLY_LAMBDA,
    ONLY_TASKS,
    PASSES,
    RUNS,
    TASK,
    attached,
    inline,
    role,
)

pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from fargate_job_launcher.policies.solver import Allowed, Proven, Undecided, runs_another_role
from fargate_job_launcher.policies.solver.stacks import holders, world

ASKED: Final = (
    *("passrole-named-roles", "passrole-service", "passrole-no-administrator", "passrole-trust", "passrole-alone"),
    *("runtask-one-definition", "runtask-cluster", "known-condition-keys", "exec-named-tasks"),
)
"""The rules about who runs what as whom."""
ABOUT_ELSE: Final = {
    "passrole-service": "the roles trust ECS only, so passing them elsewhere fails today; the rule holds when a trust "
    "policy changes",
    "passrole-trust": "others may assume the role that is passed; the launcher may not do more",
    "passrole-alone": "code of the caller's runs, but as a role of the set, or in a function that is not known",
    "runtask-one-definition": "other definitions run, with the same roles: which are passed is what counts",
    "runtask-cluster": "the task runs elsewhere, with the same roles",
    "known-condition-keys": "a condition that says nothing, and so a surprise; nobody gets another role by it",
}
"""Rule → why a stack that it refuses may be proven: it asks another question, and neither is wrong."""
OPEN: Final = {
    "may change permissions": "afterwards other policies decide: the rule refuses, the solver does not know",
    "may enter tasks": "which permissions a task or a function has that is not in the stack is not known",
    "of which nothing is known": "roles outside the stack",
    "which calls have": "no reviewed action passes a role to that service, which may act with it all the same",
    "policy variable": "the encoding has no values of tags",
    "has not by the data": "keys that the action does not send, by data that may age",
}
"""Part of the reason → why the solver leaves a case open."""


def completed(stack: list[Thing], rule: str) -> list[Thing]:
    """A case as a whole stack: with the roles that it is about, its policies attached, the launcher's other half."""
    there = {it.name for it in stack if it.kind == ROLE}
    trusts = {"launcher": ONLY_LAMBDA, "task": ONLY_TASKS, "execution": ONLY_TASKS}
    roles = [role(name, trust) for name, trust in trusts.items() if name not in there]
    named = {str(it.props.get("policyArn")) for it in stack}
    policies = [str(it.outputs["arn"]) for it in stack if it.kind == POLICY]
    held = [attached(arn, name=f"held-{n}") for n, arn in enumerate(policies) if arn not in named]
    half = inline(RUNS if rule.startswith("passrole") else PASSES, name="other-half")
    return [*stack, *roles, *held, half]


STACKS: Final[dict[str, list[Thing]]] = {
    **{
        f"{rule}, {verdict}: {name}": completed(stack, rule)
        for rule in ASKED
        for verdict, stacks in (("refused", CASES[rule].catches), ("accepted", CASES[rule].passes))
        for name, stack in stacks.items()
    },
    **{f"{path}, {how.__name__}": how(actions) for path, actions in PATHS.items() for how in (wide, narrow)},
}
SEEN: Counter[str] = Counter()
NOT_LAUNCHERS: Final = ("task", "execution", "administrator", "breakglass", "deployer")


def answer(stack: list[Thing]) -> tuple[Any, str]:
    """The worst answer for any principal of a stack, and what it is."""
    read = Read(Resource.of_stack(it) for it in resources(stack))
    answers = [
        runs_another_role(it, [EXECUTION, TASK], world(read))
        for it in holders(read)
        if it.arn.rpartition("/")[2] not in NOT_LAUNCHERS
    ]
    for kind in (Allowed, Undecided):
        worst = next((it for it in answers if isinstance(it, kind)), None)
        if worst is not None:
            return kind, str(worst)
    return Proven, ""


@pytest.mark.parametrize("name", STACKS)
def test_a_difference_between_rules_and_solver_has_a_reason(name: str) -> None:
    stack = STACKS[name]
    refused = judge(stack, rules=[it for it in RULES if it.id in ASKED]).rules
    kind, said = answer(stack)
    SEEN[f"{'refused' if refused else 'accepted'}, {kind.__name__}"] += 1
    if kind is Allowed:
        # The rules miss nothing of what the solver finds.
        assert refused, said
    elif kind is Undecided:
        assert any(part in said for part in OPEN), said
    elif refused:
        assert refused <= set(ABOUT_ELSE), (refused, said)


def test_the_cases_have_answers_of_each_kind() -> None:
    print(dict(SEEN))
    if not SEEN:
        pytest.skip("the test above did not run in this process")
    assert min(SEEN["refused, Allowed"], SEEN["accepted, Proven"], SEEN["refused, Proven"]) > 10
