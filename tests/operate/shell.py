"""What the tests of the command share: the command in this process, and the environment that leads it to a sandbox."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from fargate_job_launcher.operate import parked
from fargate_job_launcher.operate.command import main
from fargate_job_launcher.sandbox import Emulator

from tools.recording import PROGRAM

Found = TypeVar("Found")


@dataclass(frozen=True)
class Ran:
    """Exit code and output of the command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its standard output, one JSON document in each line."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments: str, width: int = 0, typed: str | None = None) -> Ran:
    """The command, in this process. `width`: the columns of its terminal; 0: it writes to a pipe. `typed`: its standard
    input."""
    columns = {"FARGATE_JOB_COLUMNS": str(width)} if width else {}
    done = CliRunner(env=columns).invoke(
        main, list(arguments), input=typed, prog_name="fargate-job", catch_exceptions=False
    )
    return Ran(done.exit_code, done.stdout, done.stderr)


@contextmanager
def leading_to(aws: Emulator) -> Generator[None]:
    """The environment variables that lead a command to a sandbox, and none of this machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [it for it in os.environ if it.startswith(("AWS_", "FARGATE_JOB_"))]:
            patch.delenv(name)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        patch.setenv("AWS_REGION", aws.region)
        yield


@contextmanager
def prompt_queues() -> Generator[None]:
    """Do not wait for messages: the emulator is one server, which leaves none out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parked, "WAIT_SECONDS", 0)
        yield


def eventually(look: Callable[[], Found | None]) -> Found:
    """What is found sooner or later. Fails after two minutes."""
    deadline = time.monotonic() + 120
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def completed(words: list[str], incomplete: str) -> list[str]:
    """What the shell is offered."""
    found = ShellComplete(main, {}, "fargate-job", "_FARGATE_JOB_COMPLETE").get_completions(words, incomplete)
    return sorted(it.value for it in found if not it.value.startswith("-") or incomplete.startswith("-"))


def block(page: str, name: str) -> str:
    """A block of a page of docs/, by the name in the comment above it."""
    text = (PROGRAM / "docs" / f"{page}.md").read_text()
    found = re.search(rf"<!-- {name}: run by [^\n]+ -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"docs/{page}.md has no block {name}"
    return found[1]
