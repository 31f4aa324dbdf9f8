"""Deploys the stack to an emulated AWS on this machine: `pip install -r requirements-test.txt`, then `pytest`."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.sandbox import DeployedStack, FargateSandbox, LaunchFailed, Run


@pytest.fixture(scope="module")
def stack(fargate_sandbox: FargateSandbox) -> DeployedStack:
    return fargate_sandbox.deploy(Path(__file__).parents[1])


def test_a_report_is_made_for_the_date_that_its_caller_asks_for(stack: DeployedStack) -> None:
    stack.script("report", Run(seconds=0.1, lines=("report for 2026-01-31", "done")))
    (task,) = stack.launch("report", {"environment": {"REPORT_DATE": "2026-01-31"}})
    assert task.environment == {"REPORT_DATE": "2026-01-31"}
    task = stack.stopped(task)
    assert task.exit_code == 0
    assert stack.log_lines(task) == ["report for 2026-01-31", "done"]
    assert stack.refusals() == []


def test_a_report_that_fails_is_retried_once(stack: DeployedStack) -> None:
    stack.script("report", Run(exit_code=1, seconds=0.1), Run(seconds=0.1))
    (task,) = stack.launch("report")
    attempts = stack.attempts(task, 2)
    assert [it.exit_code for it in attempts] == [1, 0]
    assert stack.ended(task).state == "SUCCEEDED"


def test_a_report_that_fails_twice_is_told_of(stack: DeployedStack) -> None:
    stack.script("report", Run(exit_code=1, seconds=0.1), Run(exit_code=2, seconds=0.1))
    (task,) = stack.launch("report")
    run = stack.ended(task)
    assert (run.state, run.attempts, run.reason) == ("FAILED", 2, "it ended with exit code 2")
    assert stack.ended(stack.runs("report")[0]) == run


def test_a_caller_can_set_nothing_that_is_not_declared(stack: DeployedStack) -> None:
    with pytest.raises(
        LaunchFailed, match=r"count: a whole number from 1 to 2.*environment: name 1 of 1: not declared"
    ):
        stack.launch("report", {"count": 3, "environment": {"TABLE": "customers"}})


def test_the_launchers_role_cannot_run_a_task_as_an_administrator(stack: DeployedStack) -> None:
    launcher = stack.launcher("report")
    (task,) = stack.launch("report")
    ecs = stack.aws.client("ecs", role_arn=launcher["launcher_role_arn"])
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        ecs.run_task(
            cluster=task.described["clusterArn"],
            taskDefinition=launcher["task_definition_arn"],
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
            overrides={"taskRoleArn": "arn:aws:iam::123456789012:role/administrator"},
        )
    (refusal,) = stack.refusals()
    assert (refusal.action, refusal.resource) == ("iam:PassRole", "arn:aws:iam::123456789012:role/administrator")
    assert refusal.sid == "NeverAnotherRole"
