"""Each example is deployed in the sandbox as it stands, and its job launched."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import DeployedStack, Deployment, Emulator, Run, Stack, deploy
from fargate_job_launcher.sandbox.engine.jobs import launch

from tools.docs import examples
from tools.docs.documents import PRICES
from tools.docs.examples import EXAMPLES
from tools.other_languages import in_python, read
from tools.recording import PROGRAM

LONGEST = 80
"""Lines of a program that somebody is to paste."""

PROGRAMS = sorted(it.parent for it in EXAMPLES.glob("*/__main__.py"))
ALONE = [it for it in PROGRAMS if it.name != "caller"]


def deployed(example: Path, aws: Emulator) -> Deployment:
    """Once for all tests: another time would be another stack of the same name."""
    if example.name not in _DEPLOYED:
        _DEPLOYED[example.name] = deploy(Stack.read(example, "dev"), aws)
    return _DEPLOYED[example.name]


_DEPLOYED: dict[str, Deployment] = {}


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as emulator:
        examples.adopt(emulator)
        yield emulator


@pytest.mark.parametrize("example", ALONE, ids=lambda it: it.name)
def test_an_example_is_deployed_and_its_jobs_launched(example: Path, aws: Emulator) -> None:
    deployment = deployed(example, aws)
    assert deployment.launchers
    for launcher in deployment.launchers.values():
        launched = launch(aws, launcher, {})
        assert len(launched.tasks) == 1
        assert launched.result["status"] == "LAUNCHED"
    assert deployment.outputs
    assert None not in deployment.outputs.values()


def test_the_success_of_a_job_launches_the_one_that_is_chained_to_it_and_a_failure_does_not(aws: Emulator) -> None:
    stack = DeployedStack(deployed(EXAMPLES / "chained-jobs", aws), aws)
    # `extract` has two retries.
    stack.script("extract", *[Run(1, 0.1)] * 3, Run(0, 0.1))
    failed, succeeded = (stack.ended(stack.launch("extract")[0]) for _ in range(2))
    assert (failed.state, failed.attempts, succeeded.state) == ("FAILED", 3, "SUCCEEDED")

    def chained() -> list[str]:
        asked = [json.loads(it.item["request"]) for it in stack.runs("load") if it.trigger == "event"]
        return [it["payload"]["detail"]["run"] for it in asked]

    deadline = time.monotonic() + 180
    while succeeded.id not in chained():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (chained().count(succeeded.id), chained().count(failed.id)) == (1, 0)


def test_an_execution_waits_for_its_job_with_all_of_its_retries(aws: Emulator) -> None:
    stack = DeployedStack(deployed(EXAMPLES / "step-functions", aws), aws)
    states = aws.client("stepfunctions")

    def executed(name: str, *runs: Run) -> dict[str, Any]:
        stack.script("report", *runs)
        started = states.start_execution(stateMachineArn=stack.outputs["stateMachineArn"], name=name, input="{}")
        deadline = time.monotonic() + 180
        while (it := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return it

    fails, succeeds = Run(4, 0.1), Run(0, 0.1)
    done = executed("retried", fails, fails, succeeds)
    assert (done["status"], json.loads(done["output"])["attempts"]) == ("SUCCEEDED", 3)
    done = executed("failed", fails, fails, fails)
    assert (done["status"], done["error"], json.loads(done["cause"])["exitCode"]) == ("FAILED", "JobRunFailed", 4)


def test_an_image_of_the_callers_own_is_named_by_its_digest_and_may_be_pulled(aws: Emulator) -> None:
    deployment = deployed(EXAMPLES / "from-dockerfile", aws)
    (launcher,) = deployment.launchers.values()
    image = deployment.outputs["imageUri"]
    assert "@sha256:" in image
    arn = launcher.outputs["task_definition_arn"]
    definition = aws.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert definition["containerDefinitions"][0]["image"] == image
    role = definition["executionRoleArn"].rpartition("/")[2]
    (name,) = aws.client("iam").list_role_policies(RoleName=role)["PolicyNames"]
    policy = aws.client("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    (pull,) = (it for it in policy["Statement"] if it["Sid"] == "PullOnlyTheseImages")
    repositories = {it["repositoryUri"]: it["repositoryArn"] for it in _repositories(aws)}
    assert pull["Resource"] == [repositories[image.partition("@")[0]]]


def _repositories(aws: Emulator) -> list[dict[str, Any]]:
    return aws.client("ecr").describe_repositories()["repositories"]


def test_a_caller_in_another_stack_launches_once_for_each_key(aws: Emulator) -> None:
    cluster = deploy(Stack.read(PROGRAM, "dev"), aws).outputs["clusterArn"]
    caller = deployed(EXAMPLES / "caller", aws).outputs["functionName"]

    def call(key: str) -> dict[str, Any]:
        answer = aws.client("lambda").invoke(FunctionName=caller, Payload=json.dumps({"key": key}).encode())
        return json.loads(answer["Payload"].read())

    first, again, other = call("2026/01.csv"), call("2026/01.csv"), call("2026/02.csv")
    assert first["status"] == "LAUNCHED"
    assert again["tasks"] == first["tasks"] != other["tasks"]
    assert len(aws.client("ecs").list_tasks(cluster=cluster)["taskArns"]) == 2


def test_a_program_is_short_enough_to_paste_and_says_first_what_it_is() -> None:
    assert len(PROGRAMS) >= 7
    for it in PROGRAMS:
        text = (it / "__main__.py").read_text()
        assert len(text.splitlines()) <= LONGEST, it
        assert ast.get_docstring(ast.parse(text)), it


def test_the_index_has_every_example_with_what_it_deploys_and_costs(aws: Emulator) -> None:
    page = examples.PAGE.read_text()
    rows = examples.rows(aws, _DEPLOYED)
    assert [it.name for it in sorted(rows, key=lambda it: it.name)] == [it.name for it in examples.folders()]
    shown = examples.times(page)
    stale = [it.name for it in rows if it.line(0).removesuffix(" 0 s |") not in shown]
    assert stale == [], "run: make docs"
    seconds = {it.name: shown[it.line(0).removesuffix(" 0 s |")] for it in rows}
    assert examples.table(rows, seconds) in page
    assert all(seconds.values())
    assert PRICES["date"] in page


def test_an_example_in_another_language_is_counted_by_the_same_program_in_python() -> None:
    text = in_python(read(EXAMPLES / "from-yaml"))
    assert "report = FargateJobLauncher('report', {'image': " in text
    assert "'subnet_ids': network.subnet_ids, 'security_group_ids': [network.security_group_id]" in text
    assert "'schedule': {'expression': 'cron(0 3 * * ? *)', 'time_zone': 'Europe/Berlin'" in text
