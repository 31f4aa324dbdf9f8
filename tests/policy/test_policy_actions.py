"""The actions for which the rules look are those of AWS's data, and each is reviewed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fargate_job_launcher.policies.actions import CHANGES_FUNCTION, CHANGES_RIGHTS, RUNS_AS_ROLE, SERVICES, services

from tools.pack import actions
from tools.pack.actions import MODULE, REVIEWED, computed, dependents, differences, reviewed, written

TEXT = REVIEWED.read_text()


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    return computed()


def test_every_action_of_the_data_is_reviewed_and_the_module_is_computed_from_it(found: dict[str, set[str]]) -> None:
    assert differences(TEXT, found) == []
    assert written(MODULE.read_text(), TEXT) == MODULE.read_text(), "stale; run `make actions`"
    assert {section: len(it) >= 20 for section, it in found.items()} == dict.fromkeys(reviewed(TEXT), True)


def test_an_action_that_is_new_in_the_data_or_gone_from_it_is_named(found: dict[str, set[str]]) -> None:
    more = {**found, "roles": (found["roles"] | {"ecs:RunTwice"}) - {"ecs:CreateDaemon"}}
    assert differences(TEXT, more) == [
        "[roles] ecs:RunTwice is new: review it in actions.txt",
        "[roles] ecs:CreateDaemon is no longer in the data: remove it from actions.txt",
    ]


def test_an_action_that_nobody_reviewed_stops_the_computation(
    found: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(actions, "computed", lambda: {**found, "rights": found["rights"] | {"iam:MakeKing"}})
    before = MODULE.read_text()
    assert actions.main() == 1
    assert capsys.readouterr().err == "[rights] iam:MakeKing is new: review it in actions.txt\n"
    assert MODULE.read_text() == before


def test_a_line_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"neither \[section\] nor"):
        reviewed("[roles]\necs RunTask")


@pytest.mark.parametrize("where", ["dependentActions", "resourceTypes"])
def test_an_action_that_needs_iam_pass_role_is_one_that_takes_a_role(where: str) -> None:
    told: dict[str, Any] = {"dependentActions": [], "resourceTypes": []}
    told[where] = ["iam:PassRole"] if where == "dependentActions" else [{"dependentActions": ["iam:PassRole"]}]
    assert dependents([("a:B", told), ("a:C", {"dependentActions": ["a:B"], "resourceTypes": []})]) == {"a:B"}


def test_the_actions_of_published_escalations_are_among_them() -> None:
    assert RUNS_AS_ROLE.keys() >= {
        *("ecs:CreateExpressGatewayService", "ecs:CreateDaemon", "ecs:RegisterDaemonTaskDefinition", "ecs:RunTask"),
        *("scheduler:CreateSchedule", "events:PutTargets", "states:CreateStateMachine", "pipes:CreatePipe"),
        *("lambda:CreateFunction", "batch:RegisterJobDefinition", "ec2:RunInstances", "glue:CreateJob"),
        *("cloudformation:CreateStack", "codebuild:CreateProject", "sagemaker:CreateNotebookInstance"),
        *("apprunner:CreateService", "bedrock-agentcore:CreateCodeInterpreter", "datapipeline:PutPipelineDefinition"),
    }
    assert CHANGES_RIGHTS.keys() >= {"iam:PutRolePolicy", "iam:CreateAccessKey", "sts:AssumeRole"}
    assert CHANGES_FUNCTION.keys() >= {"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"}
    assert RUNS_AS_ROLE["ecs:UpdateService"] == ("arn:@:ecs:@:@:service/*",)
    assert RUNS_AS_ROLE["ecs:RegisterTaskDefinition"] == ("arn:@:ecs:@:@:task-definition/*",)
    assert ("ecs-tasks.amazonaws.com" in services("batch:RegisterJobDefinition"), services("glue:CreateJob")) == (
        True,
        ("glue.amazonaws.com",),
    )


def test_the_services_are_those_of_actions_for_which_the_rules_look() -> None:
    assert SERVICES.keys() <= RUNS_AS_ROLE.keys() | {it.partition(":")[0] for it in RUNS_AS_ROLE}
    named = {it for action in RUNS_AS_ROLE for it in services(action)} - {"prod.finspacekx.aws.internal"}
    # Those of China and of one region have the same name for the rules.
    assert [it for it in sorted(named) if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com", it)] == []


def test_an_action_can_have_other_services_than_its_prefix() -> None:
    assert services("ecs:RunTask") == ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com")
    assert services("ecs:CreateCapacityProvider") == ("ecs.amazonaws.com", "ec2.amazonaws.com")
    assert services("batch:SubmitServiceJob") == ("sagemaker.amazonaws.com",)
