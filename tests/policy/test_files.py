"""Files of other tools: what the rules find in them is what they find in the stack that the file is of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fargate_job_launcher.policies import RULES, Rule
from fargate_job_launcher.policies.audit import Audit, audited

from tools.pack.as_files import export, state
from tools.pack.judging import TODAY, judge, things
from tools.pack.policy_cases import CASES, Stack
from tools.recording import Recording

_BY_ID = {rule.id: rule for rule in RULES}
_ALL = [
    (_BY_ID[key], name, stack)
    for key, cases in CASES.items()
    for name, stack in (*cases.catches.items(), *cases.passes.items())
]
EVERY = {rule.id: "mandatory" for rule in RULES}


def rules_of(audit: Audit) -> set[str]:
    return {it.rule for it in audit.broken}


def audit_of(text: str, rule: Rule | None = None, **more: Any) -> Audit:
    """Every rule is mandatory, or one is, as `judge` has it."""
    rules = RULES if rule is None else [rule]
    return audited(text, environment="prod", config=EVERY, rules=rules, today=TODAY, **more)


def _ids(cases: list[tuple[Rule, str, Stack]]) -> list[str]:
    return [f"{rule.id}: {name}" for rule, name, _ in cases]


@pytest.mark.parametrize(("rule", "name", "stack"), _ALL, ids=_ids(_ALL))
def test_a_stack_and_its_files_are_judged_alike(rule: Rule, name: str, stack: Stack) -> None:
    judged = judge(stack, rules=[rule])
    expected = {
        (message.partition(": ")[2].partition("\nFix")[0], urn) for message, urn in judged.violations.get(rule.id, [])
    }
    exported = audit_of(export(stack), rule)
    assert {(it.says, it.urn) for it in exported.broken} == expected, name
    assert (exported.left, exported.problems, exported.not_judged) == ({}, [], [])
    planned = audit_of(state(stack), rule)
    assert rules_of(planned) == judged.rules, name
    assert len(planned.broken) == len(expected)


def test_this_repositorys_stacks_are_judged_alike(recording: Recording) -> None:
    listed = things(recording)
    judged = judge(listed)
    for text in (export(listed), state([it for it in listed if it.kind.startswith("aws:")])):
        assert rules_of(audit_of(text)) == judged.rules


SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def exported(*resources: dict[str, Any]) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": list(resources)}})


def policy(document: Any, **more: Any) -> dict[str, Any]:
    kind = "aws:iam/rolePolicy:RolePolicy"
    return {
        "urn": f"urn:pulumi:dev::p::{kind}::secret",
        "type": kind,
        "inputs": {"role": "r", "policy": document},
        **more,
    }


def test_an_encrypted_value_of_an_export_is_said_and_a_decrypted_one_is_judged() -> None:
    encrypted = audited(exported(policy({SIGNATURE: SECRET, "ciphertext": "v1:x"})))
    assert encrypted.left["secret"].startswith("values of urn:pulumi:dev::p::aws:iam/rolePolicy:RolePolicy::secret are")
    assert {(it.resource, it.path) for it in encrypted.not_judged} == {("secret", "policy")}
    wide = json.dumps({"Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}})
    shown = audited(exported(policy({SIGNATURE: SECRET, "plaintext": json.dumps(wide)})))
    assert "passrole-named-roles" in rules_of(shown)
    assert (shown.left, shown.not_judged) == ({}, [])


def test_the_environment_is_that_of_the_exported_stacks_name() -> None:
    assert audited(exported(policy("{}"))).environment == "dev"
    assert audited(exported(policy("{}")), environment="prod").environment == "prod"
    assert audited(exported()).environment == "prod"


def test_a_resource_that_is_about_to_be_deleted_and_pulumis_own_are_not_judged() -> None:
    stack = {"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "type": "pulumi:pulumi:Stack"}
    assert audited(exported(stack, policy("{}", delete=True))).resources == 0
