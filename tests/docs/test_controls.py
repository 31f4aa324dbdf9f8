"""The environment prod has the controls that docs/controls.md lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Stack

from tools.docs import controls, scan
from tools.recording import PROGRAM, Recording, record


@pytest.fixture(scope="module")
def prod() -> Recording:
    """The environment that the table is about."""
    return record(Stack.read(PROGRAM, "prod"))


def test_every_control_is_met_or_carries_its_reason(prod: Recording) -> None:
    for control in controls.CONTROLS:
        if control.offenders is None:
            assert control.reason, control.ids
            continue
        offenders = control.offenders(prod)
        if not control.reason:
            assert offenders == [], f"prod falls behind {control.ids} ({control.asks}): {', '.join(offenders)}"


def test_no_reason_outlives_what_it_excuses(prod: Recording) -> None:
    met = [it.ids for it in controls.CONTROLS if it.reason and it.offenders is not None and not it.offenders(prod)]
    assert met == []


FORBID = ("no ", "there ", "not ", "nothing ", "nobody ")
BY_DEFAULT = {"CKV_AWS_334, ECS.4", "CKV2_AWS_12, EC2.2", "CKV_AWS_227", "CKV_AWS_41", "KMS.3"}


def test_each_predicate_fails_on_resources_without_inputs(prod: Recording) -> None:
    bare = replace(prod, resources={urn: replace(it, inputs={}) for urn, it in prod.resources.items()})
    met = [it for it in controls.CONTROLS if not it.reason]
    blind = {it.ids for it in met if not it.asks.startswith(FORBID) and not _fails(it, bare)}
    # What forbids something, or what AWS gives without asking, is met by nothing at all.
    assert blind <= BY_DEFAULT


def _fails(control: controls.Control, recording: Recording) -> bool:
    assert control.offenders is not None
    try:
        return bool(control.offenders(recording))
    except (KeyError, TypeError, AttributeError, IndexError):
        return True


def _container(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        containers = json.loads(inputs["containerDefinitions"])
        return {**inputs, "containerDefinitions": json.dumps([{**it, **changed} for it in containers])}

    return change


def _statement(**changed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    usual = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}
    return lambda it: {**it, "policy": json.dumps({"Statement": [{**usual, **changed}]})}


@pytest.mark.parametrize(
    ("asks", "kind", "change"),
    [
        ("nothing is public", controls.BLOCK, lambda it: {"bucket": it["bucket"]}),
        *(
            ("nothing is public", controls.BLOCK, lambda it, key=key: {k: v for k, v in it.items() if k != key})
            for key in controls.CLOSED
        ),
        (
            "nothing accepts connections from outside",
            controls.GROUP,
            lambda it: {**it, "ingress": [{"protocol": "-1", "ipv6CidrBlocks": ["::/0"]}]},
        ),
        (
            "nothing accepts connections from outside",
            controls.GROUP,
            lambda it: {**it, "ingress": [{"protocol": "-1", "cidrBlocks": ["0.0.0.0/1"]}]},
        ),
        ("* only if the action has no resource type", controls.POLICY, _statement(Resource=["*"])),
        ("* only if the action has no resource type", controls.POLICY, _statement(Resource="*")),
        (
            "no environment variable contains a secret",
            controls.TASK,
            _container(environment=[{"name": "MYSQL_PWD", "value": "hunter22"}]),
        ),
        ("containers are not privileged", controls.TASK, _container(privileged=True)),
        ("alarms notify somebody", controls.SUBSCRIPTION, lambda it: {**it, "topic": "arn:of:another"}),
        *(
            (
                "only one role or one rule of this account may invoke it",
                controls.PERMISSION,
                lambda it, who=who: {**it, "principal": who},
            )
            for who in ("*", "123456789012", "arn:aws:iam::123456789012:root", "s3.amazonaws.com")
        ),
        (
            "the table is encrypted with a customer-managed key",
            controls.TABLE,
            lambda it: {**it, "serverSideEncryption": {}},
        ),
        ("alarms notify somebody", controls.ALARM, lambda it: {**it, "alarmActions": []}),
    ],
)
def test_a_predicate_sees_what_is_done_to_prod(
    prod: Recording, asks: str, kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    (control,) = (it for it in controls.CONTROLS if it.asks == asks)
    done = {
        urn: replace(it, inputs=change(it.inputs)) if it.kind == f"aws:{kind}" else it
        for urn, it in prod.resources.items()
    }
    assert done != prod.resources
    assert control.offenders is not None
    assert control.offenders(replace(prod, resources=done))


def test_the_table_is_fresh_and_names_no_control_twice(prod: Recording) -> None:
    assert (PROGRAM / "docs" / "controls.md").read_text() == controls.text(prod), "stale; run: make docs"
    ids = [it for control in controls.CONTROLS for it in control.ids.split(", ")]
    assert len(ids) == len(set(ids)) > 90


@pytest.mark.skipif(not scan.installed(), reason=f"checkov {scan.VERSION} is not installed; `make scan` does it once")
def test_checkov_itself_says_of_prod_what_the_page_says_and_sees_what_is_done_to_it(prod: Recording) -> None:
    worse = {
        urn: replace(it, inputs={**it.inputs, "enableKeyRotation": False}) if it.kind == f"aws:{controls.KEY}" else it
        for urn, it in prod.resources.items()
    }
    keys = [it.name for it in prod.kind(f"aws:{controls.KEY}")]
    said = controls.differences(*scan.verdicts(replace(prod, resources=worse)))
    assert said == [f"CKV_AWS_7 fails on {', '.join(f'aws_kms_key.{it}' for it in keys)}, and the page says met"]


def test_the_plan_for_a_scanner_has_every_resource_of_aws_with_its_references(prod: Recording) -> None:
    planned = scan.plan(prod)
    values = {it["address"]: it["values"] for it in planned["planned_values"]["root_module"]["resources"]}
    of_aws = [it for it in prod.resources.values() if it.kind.startswith(("aws:", "awsx:"))]
    assert len(values) == len(of_aws) > 80
    assert values["aws_ecs_cluster.jobs"]["setting"] == [{"name": "containerInsights", "value": "enabled"}]
    assert values["aws_security_group.jobs"]["egress"][0]["from_port"] == 0
    expressions = {it["address"]: it["expressions"] for it in planned["configuration"]["root_module"]["resources"]}
    policy = expressions["aws_iam_role_policy.nightly-report-launcher"]["policy"]["references"]
    assert {"aws_iam_role.nightly-report-task", "aws_iam_role.nightly-report-execution"} <= set(policy)


@pytest.mark.parametrize(
    ("failed", "passed", "said"),
    [
        ({"CKV_AWS_27": ["a"]}, set[str](), "CKV_AWS_27 fails on a, and the page says met"),
        ({"CKV_AWS_9999": ["a"]}, set[str](), "CKV_AWS_9999 fails on a, and the page does not have it"),
        ({}, {"CKV_AWS_50"}, "CKV_AWS_50 passes, and the page says: A launch is one call"),
        ({}, set[str](), "CKV_AWS_27 is not applied, and the page says: met"),
        ({}, {"CKV_AWS_385"}, "CKV_AWS_385 is applied after all"),
    ],
)
def test_where_a_scanner_says_other_than_the_page_is_a_difference(
    failed: dict[str, list[str]], passed: set[str], said: str
) -> None:
    assert any(it.startswith(said) for it in controls.differences(failed, passed))


def test_every_kind_of_resource_that_has_controls_is_in_the_table(prod: Recording) -> None:
    services = {it.kind.split(":")[1].partition("/")[0] for it in prod.resources.values() if it.kind.startswith("aws:")}
    names = {"cloudwatch": "CloudWatch", "secretsmanager": "Secrets Manager", "scheduler": "EventBridge", "ec2": "VPC"}
    known = {it.of.lower() for it in controls.CONTROLS}
    assert {names.get(it, it).lower() for it in services} <= known
