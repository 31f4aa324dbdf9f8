"""What this repository promises of itself."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]


def pins(name: str) -> dict[str, str]:
    """The exact versions in a requirements file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))


def test_pulumi_installs_the_same_versions_as_the_tests_run_on() -> None:
    program, tested = pins("program.txt"), pins("dev.txt")
    assert {"pulumi", "pulumi-aws", "pulumi-awsx"} <= program.keys()
    assert {name: tested.get(name) for name in program} == program
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [it for it in lines if not it.startswith("#")] == ["--requirement requirements/program.txt", "--editable ."]


def test_every_tested_package_is_pinned_to_hashes_and_no_index_is_named() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) > 40
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    for name in ("requirements/dev.txt", "requirements/program.txt", "requirements.txt"):
        assert re.findall(r"https?://|--index|--extra-index|--find-links", (ROOT / name).read_text()) == []


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    exact = dict(it.split("==") for it in asked if "==" in it)
    assert exact
    assert {name: pins("dev.txt")[name] for name in exact} == exact


def test_ci_runs_exactly_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text()
    commands = [block.strip() for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)][:2]
    assert commands == ["make up", "make test"]
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [it for it in lines if it and not it.startswith(("#", "set ", "cd "))] == ["make test"]


def test_no_path_of_a_machine_is_committed() -> None:
    found = subprocess.run(
        ["git", "grep", "-nIE", r"/(home|Users)/[a-z]+/|/work/|/opt/", "--", ".", ":!tests/test_project.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in (1, 128), found.stdout
