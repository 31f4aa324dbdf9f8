"""Terraform plans: values that AWS assigns later are found by what the program's expressions name."""

from __future__ import annotations

import json
from typing import Any

from fargate_job_launcher.policies.audit import audited
from fargate_job_launcher.policies.files import Converted, converted
from fargate_job_launcher.policies.files.declared import NOT_KNOWN

ROLE = "arn:aws:iam::123456789012:role/task"


def resource(address: str, values: dict[str, Any], unknown: Any = None, **more: Any) -> dict[str, Any]:
    """A resource in `resource_changes`, from which the others are made."""
    kind = address.removeprefix("data.").split(".")[-2].partition("[")[0]
    mode = "data" if address.startswith("data.") else "managed"
    actions = ["read"] if mode == "data" else ["create"]
    change = {"actions": actions, "before": None, "after": values, "after_unknown": unknown or {}}
    return {"address": address, "mode": mode, "type": kind, "change": change, **more}


def plan(changes: list[dict[str, Any]], expressions: dict[str, Any], **root: Any) -> str:
    """What `terraform show -json` prints of a plan."""
    planned = [
        {"address": it["address"], "mode": it["mode"], "type": it["type"], "values": it["change"]["after"]}
        for it in changes
    ]
    configured = [{"address": address, "expressions": it} for address, it in expressions.items()]
    return json.dumps(
        {
            "format_version": "1.2",
            "planned_values": {"root_module": {"resources": planned}},
            "resource_changes": changes,
            "configuration": {"root_module": {"resources": configured, **root}},
        }
    )


def references(*said: str) -> dict[str, Any]:
    """As Terraform lists them: each, then what it is of."""
    return {"references": [it for one in said for it in (one, one.rpartition(".")[0])]}


def policy_of(made: Converted, name: str = "aws_iam_role_policy.p") -> Any:
    (found,) = (it for it in made.resources if it.name == name)
    policy = found.inputs["policy"]
    return policy if policy == NOT_KNOWN else json.loads(policy)["Statement"]


TASK = resource("aws_iam_role.task", {"name": "task", "assume_role_policy": "{}"}, {"arn": True, "id": True})
UNKNOWN_POLICY = resource("aws_iam_role_policy.p", {"role": "launcher"}, {"policy": True, "id": True})


def document(statements: list[dict[str, Any]], unknown: list[Any]) -> dict[str, Any]:
    address = "data.aws_iam_policy_document.d"
    return resource(address, {"statement": statements}, {"statement": unknown, "json": True, "id": True})


def test_a_document_of_arns_that_aws_assigns_later_is_judged() -> None:
    statements = [
        {"effect": None, "actions": ["iam:PassRole"], "resources": [None]},
        {
            "actions": ["ecs:RunTask"],
            "resources": ["*"],
            "condition": [{"test": "ArnEquals", "variable": "ecs:cluster", "values": ["arn:aws:ecs:eu:1:cluster/c"]}],
        },
    ]
    text = plan(
        [TASK, document(statements, [{"resources": [True]}, {}]), UNKNOWN_POLICY],
        {
            "aws_iam_role.task": {},
            "data.aws_iam_policy_document.d": {"statement": [{"resources": references("aws_iam_role.task.arn")}, {}]},
            "aws_iam_role_policy.p": {"policy": references("data.aws_iam_policy_document.d.json")},
        },
    )
    passes, runs = policy_of(converted(text))
    assert passes == {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": [ROLE]}
    assert runs["Condition"] == {"ArnEquals": {"ecs:cluster": ["arn:aws:ecs:eu:1:cluster/c"]}}
    rules = {it.rule for it in audited(text).broken if it.resource == "aws_iam_role_policy.p"}
    assert rules == {"passrole-service", "runtask-one-definition"}


def test_a_statement_that_a_plan_does_not_tell_is_said_and_does_not_hide_the_others() -> None:
    statements = [{"actions": ["iam:PassRole"], "resources": [None]}, {"actions": ["iam:*"], "resources": ["*"]}]
    text = plan(
        [document(statements, [{"resources": [True]}, {}]), UNKNOWN_POLICY],
        {
            "data.aws_iam_policy_document.d": {"statement": [{"resources": references("local.roles")}, {}]},
            "aws_iam_role_policy.p": {"policy": references("data.aws_iam_policy_document.d.json")},
        },
    )
    audit = audited(text)
    assert [it.rule for it in audit.broken if it.rule == "passrole-named-roles"] == ["passrole-named-roles"]
    assert {it.resource for it in audit.not_judged if it.path == "policy"} == {"aws_iam_role_policy.p.Statement[0]"}


def test_a_text_that_terraform_computes_is_said_by_name_with_what_to_write() -> None:
    text = plan(
        [TASK, UNKNOWN_POLICY], {"aws_iam_role_policy.p": {"policy": references("aws_iam_role.task.arn", "local.x.y")}}
    )
    audit = audited(text)
    assert "aws_iam_policy_document" in audit.left["aws_iam_role_policy.p"]
    assert any(it.resource == "aws_iam_role_policy.p" and it.path == "policy" for it in audit.not_judged)


def test_a_text_that_names_one_arn_only_is_not_taken_for_that_arn() -> None:
    # jsonencode({... Resource = aws_iam_role.task.arn ...}): the plan has the reference, not the text around it.
    text = plan([TASK, UNKNOWN_POLICY], {"aws_iam_role_policy.p": {"policy": references("aws_iam_role.task.arn")}})
    assert policy_of(converted(text)) == NOT_KNOWN


def test_a_module_is_followed_in_both_directions() -> None:
    inner = resource("module.m.aws_ecs_task_definition.d", {"family": "f"}, {"arn": True, "task_role_arn": True})
    target = resource("aws_cloudwatch_event_target.t", {"arn": "c"}, {"ecs_target": [{"task_definition_arn": True}]})
    target["change"]["after"]["ecs_target"] = [{"launch_type": "FARGATE"}]
    calls = {
        "m": {
            "expressions": {"role": references("aws_iam_role.task.arn")},
            "module": {
                "resources": [
                    {
                        "address": "aws_ecs_task_definition.d",
                        "expressions": {"task_role_arn": {"references": ["var.role"]}},
                    }
                ],
                "outputs": {"definition": {"expression": references("aws_ecs_task_definition.d.arn")}},
            },
        }
    }
    expressions = {
        "aws_cloudwatch_event_target.t": {
            "ecs_target": [{"task_definition_arn": {"references": ["module.m.definition", "module.m"]}}]
        }
    }
    made = {it.name: it for it in converted(plan([TASK, inner, target], expressions, module_calls=calls)).resources}
    assert made["module.m.aws_ecs_task_definition.d"].inputs["taskRoleArn"] == ROLE
    origin = made["module.m.aws_ecs_task_definition.d"].origins["taskRoleArn"]
    assert origin == (made["aws_iam_role.task"].urn,)
    definition = made["module.m.aws_ecs_task_definition.d"].outputs["arn"]
    assert made["aws_cloudwatch_event_target.t"].inputs["ecsTarget"] == {
        "launchType": "FARGATE",
        "taskDefinitionArn": definition,
    }


def test_one_of_several_is_found_by_its_key_and_all_of_them_are_not_guessed() -> None:
    many = [resource(f'aws_iam_role.many["{it}"]', {"name": it}, {"arn": True}) for it in "ab"]
    one = resource("aws_lambda_function.one", {}, {"role": True})
    every = resource("aws_lambda_function.every", {}, {"role": True})
    made = {
        it.name: it.inputs.get("role")
        for it in converted(
            plan(
                [*many, one, every],
                {
                    "aws_lambda_function.one": {"role": references('aws_iam_role.many["b"].arn')},
                    "aws_lambda_function.every": {"role": references("aws_iam_role.many.arn")},
                },
            )
        ).resources
    }
    assert made["aws_lambda_function.one"] == "arn:aws:iam::123456789012:role/b"
    assert made["aws_lambda_function.every"] == NOT_KNOWN


def test_what_is_about_to_be_destroyed_is_not_judged() -> None:
    gone = resource("aws_iam_role_policy.gone", {})
    gone["change"] = {"actions": ["delete"], "before": {"policy": "{}"}, "after": None, "after_unknown": {}}
    loaded = json.loads(plan([TASK], {}))
    loaded["resource_changes"].append(gone)
    assert [it.name for it in converted(json.dumps(loaded)).resources] == ["aws_iam_role.task"]
    # A failed replacement left an object behind, at the address of the one that stays.
    function = resource("aws_lambda_function.f", {}, {"role": True})
    loaded = json.loads(
        plan([TASK, function], {"aws_lambda_function.f": {"role": references("aws_iam_role.task.arn")}})
    )
    loaded["resource_changes"].append({**gone, "address": "aws_lambda_function.f", "deposed": "1a2b"})
    made = {it.name: it for it in converted(json.dumps(loaded)).resources}
    assert made["aws_lambda_function.f"].inputs["role"] == ROLE


def test_a_resource_of_another_provider_for_aws_is_said() -> None:
    made = converted(plan([resource("awscc_iam_role.r", {}), resource("random_id.r", {})], {}))
    assert list(made.left) == ["awscc_iam_role.r"]


def test_a_plan_of_a_part_of_the_configuration_is_said() -> None:
    whole = json.loads(plan([TASK], {}))
    assert converted(json.dumps({**whole, "complete": True, "errored": False, "deferred_changes": []})).left == {}
    made = converted(json.dumps({**whole, "complete": False, "errored": True, "deferred_changes": [{"reason": "x"}]}))
    assert list(made.left) == [
        "Terraform plan: complete",
        "Terraform plan: errored",
        "Terraform plan: deferred_changes",
    ]


def test_a_text_inside_a_block_is_not_taken_for_what_it_names() -> None:
    values = {"name": "r", "inline_policy": [{"name": "i"}]}
    launcher = resource("aws_iam_role.r", values, {"inline_policy": [{"policy": True}]})
    expressions = {"aws_iam_role.r": {"inline_policy": [{"policy": references("aws_iam_role.task.arn")}]}}
    made = {it.name: it for it in converted(plan([TASK, launcher], expressions)).resources}
    # It does not hide the role's other policies.
    assert (
        "inlinePolicies" not in made["aws_iam_role.r"].inputs or made["aws_iam_role.r"].inputs["inlinePolicies"] == []
    )
    beside = made["aws_iam_role.r.inline_policy[0]"]
    assert (beside.kind, beside.inputs) == ("aws:iam/rolePolicy:RolePolicy", {"role": "r", "policy": NOT_KNOWN})


def test_two_modules_roles_of_the_same_local_name_are_two_roles() -> None:
    addresses = [f"module.{it}.aws_iam_role.this" for it in "ab"] + [
        'aws_iam_role.many["a/b"]',
        'aws_iam_role.many["a_b"]',
    ]
    roles = [resource(it, {"name_prefix": "x"}, {"arn": True, "name": True, "id": True}) for it in addresses]
    # One name in two accounts, by two providers.
    roles += [resource(f"aws_iam_role.{it}", {"name": "same"}, {"arn": True}) for it in ("here", "there")]
    made = {it.name: it for it in converted(plan(roles, {})).resources}
    assert len({it.outputs["arn"] for it in made.values()}) == len(roles)
    assert {made[f"aws_iam_role.{it}"].outputs["name"] for it in ("here", "there")} == {"same"}
    assert made["module.a.aws_iam_role.this"].outputs["arn"].endswith(":role/module.a.aws_iam_role.this")


def test_a_document_that_includes_others_is_judged_with_those_that_are_known() -> None:
    def statement(sid: str, action: str) -> dict[str, Any]:
        return {"sid": sid, "actions": [action], "resources": ["*"]}

    inner = resource("data.aws_iam_policy_document.inner", {"statement": [statement("i", "s3:Get*")]}, {"json": True})
    own = {
        "statement": [statement("a", "iam:PassRole"), statement("b", "ecs:*")],
        "source_policy_documents": [
            None,
            json.dumps({"Statement": {"Sid": "b", "Effect": "Allow", "Action": "*"}}),
            None,
        ],
        "override_policy_documents": [json.dumps({"Statement": [{"Sid": "a", "Effect": "Deny", "Action": "*"}]})],
    }
    unknown = {"source_policy_documents": [True, False, True], "json": True}
    outer = resource("data.aws_iam_policy_document.outer", own, unknown)
    text = plan(
        [outer, inner, UNKNOWN_POLICY],
        {
            "data.aws_iam_policy_document.inner": {"statement": [{}]},
            "data.aws_iam_policy_document.outer": {
                "source_policy_documents": references("data.aws_iam_policy_document.inner.json", "local.more.text"),
                "statement": [{}, {}],
            },
            "aws_iam_role_policy.p": {"policy": references("data.aws_iam_policy_document.outer.json")},
        },
    )
    known = policy_of(converted(text))
    assert [(it["Sid"], it["Effect"], it["Action"]) for it in known] == [
        ("i", "Allow", ["s3:Get*"]),
        ("b", "Allow", ["ecs:*"]),
        ("a", "Deny", "*"),
    ]
    audit = audited(text)
    assert "runtask-one-definition" in {it.rule for it in audit.broken}
    assert {it.because for it in audit.not_judged if it.path == "policy"} == {
        ("local.more.text", "source_policy_documents[2]")
    }
    assert not audit.left
