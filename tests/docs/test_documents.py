"""The pages of docs/ say what is so."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from fargate_job_launcher.sandbox import Emulator, Run, deploy

from tools.docs.documents import DOCS, PAGES, PICTURES, PRICES, SOURCE, TABLES, written
from tools.recording import PROGRAM, Recording, program


@pytest.mark.parametrize("page", PAGES, ids=lambda it: it.name)
def test_a_computed_table_is_what_it_would_be_computed_to_now(page: Path) -> None:
    text = page.read_text()
    assert text == written(text), f"{page.name} is stale: make docs"


def test_each_table_stands_in_one_page_and_the_costs_with_the_date_of_their_prices() -> None:
    pages = {name: [it for it in PAGES if f"<!-- {name} -->" in it.read_text()] for name in TABLES}
    assert {name: len(found) for name, found in pages.items()} == dict.fromkeys(TABLES, 1)
    assert PRICES["date"] in pages["features"][0].read_text()


def test_the_reference_knows_every_key_of_an_event_and_every_export(recording: Recording) -> None:
    page = (DOCS / "reference.md").read_text()
    jobs = recording.exports["jobs"].values()
    exported = {*recording.exports.keys() - {"jobs", "runs"}, *(f"jobs.JOB.{key}" for job in jobs for key in job)}
    exported |= {f"runs.{key}" for key in recording.exports["runs"]}
    listed = set(re.findall(r"^\| `([\w.]+)`", page.partition("## Exports")[2], re.MULTILINE))
    assert exported <= listed
    assert "| `idempotencyKey` | `str` |" in page
    assert "| `cluster_arn` (required) | string |" in page


def test_each_picture_stands_somewhere() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    assert [name for name in PICTURES if f"<!-- {name} -->" not in pages or f"<!-- /{name} -->" not in pages] == []


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_each_file_and_folder_that_a_page_names_is_there(page: str) -> None:
    text = (PROGRAM / page).read_text()
    top = "|".join(it.name for it in PROGRAM.iterdir() if it.is_dir() and re.fullmatch(r"[.\w]+", it.name))
    named = set(re.findall(rf"(?:`|\(|pytest )((?:{top})/[\w./-]*)[`#) ]", text))
    assert len(named) > 4
    assert [it for it in sorted(named) if not it.startswith((".venv/", "dist/")) and not (PROGRAM / it).exists()] == []


def test_contributing_says_how_long_each_room_takes() -> None:
    text = (PROGRAM / "CONTRIBUTING.md").read_text().partition("## One room's tests")[2].partition("\n## ")[0]
    rooms = {it.name for it in (PROGRAM / "tests").iterdir() if any(it.glob("test_*.py"))}
    assert set(re.findall(r"^\| `tests/(\w+)` \|", text, re.MULTILINE)) == rooms


def block(page: str, marker: str) -> str:
    """The code after this marker in a page of docs/."""
    found = re.search(rf"<!-- {marker}: run by .*? -->\n```\w+\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found is not None, marker
    return found[1]


def test_a_state_machine_that_waits_for_the_run_and_any_code_launch_the_job_once_for_each_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program").mkdir()
    machine_arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:report"
    source = SOURCE.format(arguments={"runs": {}, "overrides": {"payload": True}, "callbacks": [machine_arn]})
    source = "import pulumi_aws as aws\n" + re.sub(r'"arn:aws:ecs:[^"]*"', 'aws.ecs.Cluster("c").arn', source)
    with Emulator(region="eu-west-1") as aws:
        job = deploy(program(tmp_path / "program", source), aws).launchers["job"]
        name = job.outputs["function_name"]
        aws.script(job.outputs["task_definition_arn"].rpartition("/")[2].rpartition(":")[0], Run(3, 0.1), Run(0, 0.1))
        iam, states, ecs = (aws.client(it) for it in ("iam", "stepfunctions", "ecs"))

        def tasks() -> list[dict[str, Any]]:
            (cluster,) = ecs.list_clusters()["clusterArns"]
            listed = [ecs.list_tasks(cluster=cluster, desiredStatus=it)["taskArns"] for it in ("RUNNING", "STOPPED")]
            arns = sorted({*listed[0], *listed[1]})
            return ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []

        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        function = aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
        definition = block("when-to-use-what.md", "state machine").replace("LAUNCHER_FUNCTION_ARN", function)
        machine = states.create_state_machine(name="report", roleArn=role, definition=definition)["stateMachineArn"]
        assert machine == machine_arn

        def executed(name: str) -> dict[str, Any]:
            asked = {"stateMachineArn": machine, "name": name, "input": '{"rows": [1, 2]}'}
            execution, deadline = states.start_execution(**asked)["executionArn"], time.monotonic() + 180
            while (it := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            return it

        failed, succeeded = executed("run-1"), executed("run-2")
        assert (failed["status"], failed["error"]) == ("FAILED", "JobRunFailed")
        assert json.loads(failed["cause"])["exitCode"] == 3
        assert (succeeded["status"], json.loads(succeeded["output"])["state"]) == ("SUCCEEDED", "SUCCEEDED")
        for task in tasks():
            (variable,) = task["overrides"]["containerOverrides"][0]["environment"]
            assert (variable["name"], json.loads(variable["value"])) == ("JOB_PAYLOAD", {"rows": [1, 2]})

        monkeypatch.setattr(boto3, "client", aws.client)
        code: dict[str, Any] = {}
        exec(block("when-to-use-what.md", "code"), code)
        first = code["launch"](name, "run-7", payload={"a": 1})
        assert code["launch"](name, "run-7", payload={"a": 1}) == first
        assert len(tasks()) == 3
        with pytest.raises(RuntimeError, match="REJECTED"):
            code["launch"](name, "run-8", image="nginx")
