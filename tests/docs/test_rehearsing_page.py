"""The walk of the page about rehearsing is run as a reader runs it: in a shell, against a served sandbox."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fargate_job_launcher.sandbox.script import PROGRAM as COMMAND
from fargate_job_launcher.sandbox.script import command, options
from rich.console import Console

from tools.recording import PROGRAM

PAGE = (PROGRAM / "docs" / "rehearsing.md").read_text()
WALK = re.findall(r"<!-- the walk: run by [^\n]+ -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
ENVIRON = {
    **{it: value for it, value in os.environ.items() if not it.startswith(("AWS_", "FARGATE_JOB_"))},
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}


@pytest.fixture(scope="module")
def printed() -> Iterator[str]:
    """What a served sandbox prints until it waits."""
    serve = [sys.executable, "-u", "-m", "fargate_job_launcher.sandbox", "serve"]
    with subprocess.Popen(serve, cwd=PROGRAM, env=ENVIRON, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list[str]()
        for line in process.stdout:
            lines.append(line)
            if line.startswith("this into a separate Pulumi"):
                break
        try:
            yield "".join(lines)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def checked(line: str) -> str:
    """A line of the walk that ends the shell, in words, unless it exits with the code that its comment has."""
    bare, _, comment = line.partition("  # exit code ")
    waits = f"until {bare} | grep -q SORCE_KEY; do sleep 0.5; done\n" if "dead-letters show" in bare else ""
    wrong = shlex.quote(f"{bare.strip()} exited with")
    return f"{waits}{bare}\ncode=$?; [ $code = {comment or 0} ] || {{ echo {wrong} $code; exit 99; }}\n"


def test_the_walk_does_what_the_page_says_after_the_printed_line_is_pasted(printed: str) -> None:
    (exports,) = re.findall(r"^ +(export .*)$", printed, re.MULTILINE)
    lines = [it for walk in WALK for it in walk.splitlines()]
    walk = exports + "\n" + "".join(checked(it) for it in lines)
    done = subprocess.run(["bash", "-c", walk], cwd=PROGRAM, env=ENVIRON, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    for said in (
        r"no rows for today\n.*exit code 1\n↻ nightly-report: attempt 2 of at most 3 follows\nreport for today\n",
        r"✗ import after \d+ s: it ended with exit code 3\na.csv: broken\n",
        r"\na.csv: 500 rows\n",
        r"\nb.csv: 20 rows\n",
        r"attempt 4 of at most 4 follows\n✗ import: it never started",
        r"4 of 5 indexes succeeded; failed: 3",
        r"✓ import is SUCCEEDED after .*: 5 of 5 indexes",
        r"stays +[0-9a-f-]+ +import was not launched: environment.SORCE_KEY: not declared",
    ):
        assert re.search(said, done.stdout), f"{said}\n{done.stdout}"


def test_the_printed_commands_lead_to_the_sandbox_and_what_was_staged_is_said(printed: str) -> None:
    (exports,) = re.findall(r"^ +export (.*)$", printed, re.MULTILINE)
    pasted = dict(it.split("=", 1) for it in shlex.split(exports))
    assert pasted["AWS_REGION"] == pasted["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert re.search(rf"  \S*{COMMAND} nightly-report --exit-code 1 --line boom\n", printed)
    assert "  staged   nobody waited: ECS was made to report that the runaway started 61 minutes earlier" in printed


def test_the_table_has_every_option_of_the_command() -> None:
    listed = {it for row in re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE) for it in [row]}
    assert listed | {"--clear", "--endpoint", "--help"} == set(options())
    with pytest.raises(SystemExit):
        command(["--help"], Console())
