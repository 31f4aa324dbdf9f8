"""Roles outside the stack: what they may do is read from the account, and judged as a role of the stack is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.operate import Account, JobError, NoSuchRole, audited, known_roles
from fargate_job_launcher.policies import roles_of_list
from fargate_job_launcher.sandbox import Emulator

from tests.operate.shell import command, leading_to
from tools.pack.as_files import export
from tools.pack.judging import Thing, judge
from tools.pack.policy_cases import (
    ACCOUNT,
    ADMINISTRATOR,
    EXECUTION,
    ONLY_LAMBDA,
    ONLY_TASKS,
    PASSES,
    TASK,
    allow,
    attached,
    definition,
    inline,
    passes,
    role,
    template,
    text,
    trusting,
)

LAUNCHER = [role("launcher", ONLY_LAMBDA), inline(PASSES)]


def known(arn: str = TASK, *documents: Any, trust: str = ONLY_TASKS) -> dict[str, Any]:
    return {
        "arn": arn,
        "readAt": "2026-11-26T10:00:00+00:00",
        "assumeRolePolicy": json.loads(trust),
        "policies": [{"name": f"p{number}", "document": it} for number, it in enumerate(documents)],
    }


def document(*statements: Any) -> Any:
    return json.loads(text(*statements))


def rules(stack: list[Thing], *roles: dict[str, Any]) -> set[str]:
    return judge(stack, known_roles=roles_of_list(json.dumps({"roles": list(roles)}))).rules


def test_a_role_outside_the_stack_is_a_finding_until_it_is_known() -> None:
    assert "roles-known" in rules(LAUNCHER)
    assert "roles-known" in rules(LAUNCHER, known(TASK))
    assert rules(LAUNCHER, known(TASK), known(EXECUTION)) == set()


@pytest.mark.parametrize(
    ("rule", "stack", "outside"),
    [
        ("passrole-no-administrator", LAUNCHER, known(TASK, document(allow("*")))),
        ("passrole-no-administrator", LAUNCHER, known(TASK, document(allow("iam:PutRolePolicy", TASK)))),
        ("passrole-no-administrator", [*LAUNCHER, attached(ADMINISTRATOR, role="task")], known(TASK)),
        ("passrole-trust", LAUNCHER, known(TASK, trust=trusting({"AWS": "*"}))),
        ("task-no-administrator", [definition()], known(TASK, document(allow("*")))),
        (
            "passrole-alone",
            [role("l"), inline(passes("scheduler.amazonaws.com"), allow("scheduler:CreateSchedule"), role="l")],
            known(TASK, document(allow("ecs:RunTask"))),
        ),
        (
            "assume-named-roles",
            [role("l"), inline(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/task*"), role="l")],
            known(TASK, document(allow("*")), trust=trusting({"AWS": ACCOUNT})),
        ),
    ],
)
def test_what_a_known_role_may_do_is_judged(rule: str, stack: list[Thing], outside: dict[str, Any]) -> None:
    assert rule in rules(stack, outside)
    harmless = known(TASK, document(allow("s3:GetObject", "arn:aws:s3:::in/*")))
    if not any(it.kind.endswith("Attachment") for it in stack):
        assert rule not in rules(stack, harmless)


def test_a_known_role_is_looked_up_and_not_judged_itself() -> None:
    wide = known("arn:aws:iam::123456789012:role/other", document(allow(["iam:PassRole", "ecs:*"])))
    assert rules([role("task")], wide) == set()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "known roles: not JSON"),
        ("[]", 'known roles: expected {"roles": […]}, as `fargate-job known-roles` prints it'),
        ('{"roles": [1]}', "known roles: roles[0]: 1 is not an object with arn, assumeRolePolicy, policies, readAt"),
        ('{"roles": [{"arn": "x", "more": 1}]}', "roles[0]: more: unknown, assumeRolePolicy: missing"),
        (json.dumps({"roles": [known("task")]}), "roles[0].arn: 'task' is not the ARN of a role"),
        (json.dumps({"roles": [known(TASK, {"Statement": 1})]}), "roles[0].policies[0].document: has a Statement that"),
        (json.dumps({"roles": [{**known(), "policies": [{"name": "p"}]}]}), "policies[0]: {'name': 'p'} is not an obj"),
        (json.dumps({"roles": [{**known(), "policies": "p"}]}), "roles[0].policies: 'p' is not a list of policies"),
    ],
)
def test_a_list_of_another_form_is_refused(given: str, said: str) -> None:
    with pytest.raises(ValueError, match="known roles: ") as raised:
        roles_of_list(given)
    assert said in str(raised.value)


@pytest.fixture(scope="module")
def iam() -> Iterator[Any]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws):
        client = Account().client("iam")
        for name in ("shared-task", "empty"):
            client.create_role(RoleName=name, Path="/jobs/", AssumeRolePolicyDocument=ONLY_TASKS)
        client.put_role_policy(RoleName="shared-task", PolicyName="own", PolicyDocument=text(allow("s3:*")))
        arn = client.create_policy(PolicyName="more", PolicyDocument=text(allow("sqs:*")))["Policy"]["Arn"]
        client.attach_role_policy(RoleName="shared-task", PolicyArn=arn)
        yield client


def test_the_command_prints_the_list_that_the_pack_reads(iam: Any) -> None:
    arn = iam.get_role(RoleName="shared-task")["Role"]["Arn"]
    ran = command("known-roles", arn, "empty")
    assert (ran.code, ran.err) == (0, "")
    first, second = ran.json["roles"]
    assert (first["arn"], first["assumeRolePolicy"]) == (arn, json.loads(ONLY_TASKS))
    assert [it["document"]["Statement"][0]["Action"] for it in first["policies"]] == ["s3:*", "sqs:*"]
    assert second["policies"] == []
    task, _ = roles_of_list(ran.out)
    assert (task.urn, task.name, len(task.props["inlinePolicies"])) == (arn, "shared-task", 2)


def test_an_audited_file_takes_the_list_too(tmp_path: Path) -> None:
    file, roles = tmp_path / "export.json", tmp_path / "known-roles.json"
    file.write_text(export(LAUNCHER))
    roles.write_text(json.dumps({"roles": [known(TASK, document(allow("*"))), known(EXECUTION)]}))
    assert {it.rule for it in audited(file).broken} == {"roles-known"}
    assert {it.rule for it in audited(file, known_roles=roles).broken} == {"passrole-no-administrator"}
    ran = command("audit", str(file), "--known-roles", str(roles), "-o", "json")
    assert (ran.code, {it["rule"] for it in ran.json["findings"]}) == (1, {"passrole-no-administrator"})
    roles.write_text("{}")
    with pytest.raises(JobError, match=r"known-roles\.json: known roles: expected"):
        audited(file, known_roles=roles)


def test_resources_of_a_template_in_an_exported_stack_are_audited(tmp_path: Path) -> None:
    wide = json.loads(text(allow("iam:PassRole")))
    its = {"Type": "AWS::IAM::RolePolicy", "Properties": {"RoleName": "r", "PolicyName": "p", "PolicyDocument": wide}}
    file = tmp_path / "export.json"
    file.write_text(export([template({"Wide": its})]))
    (found,) = [it for it in audited(file).broken if it.rule == "passrole-named-roles"]
    assert (found.urn, found.resource.partition(" > ")[0]) == (template({}).urn, "legacy")


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("nobody", NoSuchRole, "there is no role nobody"),
        ("arn:aws:iam::999999999999:role/empty", NoSuchRole, "the credentials' account has arn:aws:iam::"),
        ("a b", JobError, "'a b' is not the name or ARN of a role"),
        ("arn:aws:iam::123456789012:user/ada", JobError, "is not the name or ARN of a role"),
    ],
)
@pytest.mark.usefixtures("iam")
def test_a_role_that_is_not_there_is_named(said: str, kind: type[JobError], message: str) -> None:
    with pytest.raises(kind) as raised:
        known_roles([said])
    assert message in str(raised.value)
    assert command("known-roles", said).code == 125


def test_a_list_of_no_roles_is_refused() -> None:
    with pytest.raises(JobError, match="no role is named"):
        known_roles([])
