"""Transcripts of commands in the documents, renewed by running them: `make docs` writes them, a test checks them.

A transcript may leave lines out. Values that differ at each run (ids, times, the state in which a task is seen) are
masked for the comparison, and stay unchanged in the page.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fargate_job_launcher.sandbox import Stack

from tools.recording import PROGRAM

STATES: Final = "PROVISIONING|PENDING|RUNNING"
JOB: Final = "nightly-report"


def masked(text: str) -> list[str]:
    """The lines of a text, without the values that differ at each run."""
    # The last alternative is the beginning of a task's id, in the startedBy of a retry.
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{2}\b", "ID", text)
    text = re.sub(r"(^  run   |runs follow \S+ )[0-9a-f]{8}$", r"\1ID", text, flags=re.MULTILINE)
    text = re.sub(r"-[0-9a-f]{7}\b", "-RANDOM", text)
    text = re.sub(rf"^(  state  )({STATES})$", r"\1STATE", text, flags=re.MULTILINE)
    return [re.sub(r"\d+(\.\d)? s\b", "TIME", it).rstrip() for it in text.splitlines() if it.strip() not in ("", "…")]


def steady(text: str) -> list[str]:
    """The same, without the states of a followed task: which of them are seen depends on the moment."""
    return [it for it in masked(text) if not re.search(rf" is ({STATES})$", it)]


def renewed(shown: str, printed: str) -> str:
    """A transcript in which each line that is no longer printed is replaced by the first printed line that differs from
    it in numbers only. Raises LookupError if there is none."""
    known, lines = set(masked(printed)), printed.splitlines()

    def line(it: str) -> str:
        if not masked(it) or masked(it)[0] in known:
            return it
        for found in lines:
            if masked(found) and _without_numbers(found) == _without_numbers(it):
                return found
        raise LookupError(f"no line like this is printed any more; edit it by hand: {it}")

    return "".join(f"{line(it)}\n" for it in shown.splitlines())


def _without_numbers(line: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", masked(line)[0])


def of_sandbox(action: str, folder: Path = PROGRAM, **environ: str) -> str:
    """What `make up` or `make attack` prints once everything is installed."""
    command = [sys.executable, "-m", "fargate_job_launcher.sandbox", action]
    return subprocess.run(command, cwd=folder, env=environ or None, capture_output=True, text=True, check=True).stdout


def of_job(stack: str, **variables: str) -> tuple[int, tuple[str, ...]]:
    """The exit code and the lines of the demo job's own code with these variables. It is Python, so it needs no
    container."""
    jobs = json.loads(Stack.read(PROGRAM, stack).config["fargate-job-launcher:jobs"])
    python, *arguments = jobs[JOB]["command"]
    assert python == "python"
    done = subprocess.run([sys.executable, *arguments], env=variables, capture_output=True, text=True, check=False)
    return done.returncode, tuple((done.stdout + done.stderr).splitlines())


SHOWN: Final[dict[str, Callable[[], str]]] = {
    "shown by make up": lambda: of_sandbox("up"),
    "shown by make attack": lambda: of_sandbox("attack"),
}
"""How a transcript's comment begins → the command that prints it."""


def write(page: Path) -> None:
    """Renew the page's transcripts."""
    text = page.read_text()
    for marker, printed in SHOWN.items():
        found = re.search(rf"<!-- {marker}[^\n]*-->\n```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if found is not None:
            text = text[: found.start(1)] + renewed(found[1], printed()) + text[found.end(1) :]
    page.write_text(text)


if __name__ == "__main__":
    write(PROGRAM / "README.md")
