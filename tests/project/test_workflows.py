"""GitHub's workflows and the changelog: what they name exists, and nothing is kept secret in them."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.recording import ENVIRONMENTS, PROGRAM

WORKFLOWS = {path.name: path for path in (PROGRAM / ".github" / "workflows").iterdir()}


def read(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    loaded = yaml.safe_load(WORKFLOWS[name].read_text())
    return {"on" if key is True else key: value for key, value in loaded.items()}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_runs_only_what_exists_at_a_fixed_version_and_without_secrets(name: str) -> None:
    text, workflow = WORKFLOWS[name].read_text(), read(name)
    assert workflow.keys() == {"name", "on", "permissions", "jobs"}
    assert workflow["permissions"]["contents"] == "read"
    assert re.findall(r"secrets\.|secrets: *inherit|access[_-]key", text, re.IGNORECASE) == []
    targets = set(re.findall(r"^\.PHONY: (\S+)", (PROGRAM / "Makefile").read_text(), re.MULTILINE))
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step), step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"]), step
        for line in step.get("run", "").splitlines():
            command, *arguments = line.split()
            if command == "make":
                assert set(arguments) <= targets, line
            elif command == "pulumi":
                assert arguments == ["install"], line
            else:
                assert os.access(PROGRAM / command, os.X_OK), line
    for job in workflow["jobs"].values():
        if "uses" in job:
            called = read(Path(job["uses"]).name)["on"]["workflow_call"] or {}
            assert (PROGRAM / job["uses"]).is_file()
            assert job.get("with", {}).keys() == called.get("inputs", {}).keys()
        else:
            assert job["timeout-minutes"] <= 60


def test_a_pull_request_is_previewed_and_main_is_tested_then_deployed_to_dev_then_to_prod() -> None:
    preview, deploy, stack = read("preview.yml"), read("deploy.yml"), read("stack.yml")
    assert preview["on"] == {"pull_request": {"branches": ["main"]}}
    (job,) = preview["jobs"].values()
    assert job["strategy"]["matrix"]["stack"] == ENVIRONMENTS
    assert job["with"]["command"] == "preview"
    assert deploy["on"] == {"push": {"branches": ["main"]}}
    jobs = deploy["jobs"]
    assert {name: it.get("needs") for name, it in jobs.items()} == {"test": None, "dev": "test", "prod": "dev"}
    for name in ENVIRONMENTS:
        assert jobs[name]["with"] == {"command": "up", "stack": name, "environment": name}
    (run,) = (step for step in steps(stack) if "command" in step.get("with", {}))
    assert run["with"]["upsert"] == "${{ inputs.command == 'up' }}", "a preview must not make a stack"
    called: set[str] = set()
    for workflow in (preview, deploy, stack):
        assert workflow["permissions"]["id-token"] == "write"
    for step in steps(stack):
        called.add(step.get("uses", "").partition("@")[0])
        if step.get("uses", "").startswith("aws-actions/"):
            assert step["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"
    assert called >= {"aws-actions/configure-aws-credentials", "pulumi/actions"}
    assert [it["run"] for it in steps(read("test.yml")) if "run" in it] == [".ci/run"]


def test_the_changelog_has_this_version_and_says_of_each_what_an_upgrade_asks_for() -> None:
    text = (PROGRAM / "CHANGELOG.md").read_text()
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    numbers = [tuple(map(int, version.split("."))) for version, date in versions[1:] if date]
    assert len(numbers) == len(versions) - 1
    assert numbers == sorted(numbers, reverse=True)
    assert versions[1][0] == tomllib.loads((PROGRAM / "pyproject.toml").read_text())["project"]["version"]
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known", "Upgrade"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= known
    for section in text.split("\n## ")[2:]:
        assert "### Upgrade" in section or not re.search(r"### (Changed|Removed)", section)
