"""What this repository promises of itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

from tools.recording import PROGRAM


def pins(name: str) -> dict[str, str]:
    """The exact versions in a requirements file."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (PROGRAM / "requirements" / name).read_text(), re.MULTILINE))


def test_pulumi_installs_the_same_versions_as_the_tests_run_on() -> None:
    program, tested = pins("program.txt"), pins("dev.txt")
    assert {"pulumi", "pulumi-aws", "pulumi-awsx"} <= program.keys()
    assert {name: tested.get(name) for name in program} == program
    lines = (PROGRAM / "requirements.txt").read_text().splitlines()
    assert [it for it in lines if not it.startswith("#")] == ["--requirement requirements/program.txt", "--editable ."]


def test_every_tested_package_is_pinned_to_hashes_and_no_index_is_named() -> None:
    text = (PROGRAM / "requirements" / "dev.txt").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert len(blocks) > 40
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    for name in ("requirements/dev.txt", "requirements/program.txt", "requirements.txt"):
        assert re.findall(r"https?://|--index|--extra-index|--find-links", (PROGRAM / name).read_text()) == []


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    project = tomllib.loads((PROGRAM / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    exact = dict(it.split("==") for it in asked if "==" in it)
    assert exact
    assert {name: pins("dev.txt")[name] for name in exact} == exact


def test_ci_runs_the_readmes_test_command_on_the_newest_and_on_the_oldest_python_and_the_engine_once(
    tmp_path: Path,
) -> None:
    readme = (PROGRAM / "README.md").read_text()
    commands = [block.strip() for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)][:2]
    assert commands == ["make up", "make test"]

    def runs(*pythons: str, fails: str = "") -> list[str]:
        """What `.ci/run` calls on a machine with these Pythons."""
        (tmp_path / ".ci").mkdir(exist_ok=True)
        shutil.copy(PROGRAM / ".ci" / "run", tmp_path / ".ci")
        stands_in(tmp_path / ".ci" / "pythons", "".join(f"echo {it}\n" for it in pythons))
        stands_in(tmp_path / ".ci" / "browser", "")
        said = 'echo "${VENV:-.venv} $PYTHON ${WITHOUT_ENGINE:+without }make $*" >> called\n'
        stands_in(tmp_path / "make", said + (f'[ "$PYTHON" != {fails} ]\n' if fails else ""))
        (tmp_path / "called").write_text("")
        path = f"{tmp_path}:{os.environ['PATH']}"
        environ = {
            **{key: value for key, value in os.environ.items() if key not in ("PYTHON", "VENV", "WITHOUT_ENGINE")},
            "PATH": path,
        }
        done = subprocess.run([tmp_path / ".ci" / "run"], env=environ, check=False)
        assert (done.returncode != 0) is bool(fails)
        return (tmp_path / "called").read_text().splitlines()

    # The engine is built before the last one, whose last line is that of the tests on the oldest Python.
    newest = ".venv-newest /b/python3.13 without make test"
    oldest = [".venv /a/python3.11 make engine", ".venv /a/python3.11 make test"]
    assert runs("/a/python3.11", "/a/python3.12", "/b/python3.13") == [newest, *oldest]
    assert runs("/a/python3.11") == oldest
    assert runs() == [".venv python3 make engine", ".venv python3 make test"]
    assert runs("/a/python3.11", "/b/python3.13", fails="/b/python3.13") == [newest]
    assert runs("/a/python3.11", "/b/python3.13", fails="/a/python3.11") == [newest, oldest[0]]


def test_the_readmes_test_command_builds_no_engine() -> None:
    """It takes a newcomer's machine a quarter of an hour of Go."""
    asked = subprocess.run(
        ["make", "--dry-run", "test"], cwd=PROGRAM, capture_output=True, text=True, check=True
    ).stdout
    assert "tools.engine" not in asked
    assert "pytest" in asked
    built = subprocess.run(
        ["make", "--dry-run", "engine"], cwd=PROGRAM, capture_output=True, text=True, check=True
    ).stdout
    assert "tools.engine" in built


def stands_in(path: Path, script: str) -> None:
    """A command in the place of another."""
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def test_no_path_of_a_machine_is_committed() -> None:
    found = subprocess.run(
        ["git", "grep", "-nIE", r"/(home|Users)/[a-z]+/|/work/|/opt/", "--", ".", ":!tests/project/test_project.py"],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in (1, 128), found.stdout
