"""A stack of the real engine whose program is a function of the tests: Pulumi's Automation API, no language host."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation

from tools import engine
from tools.engine import Step

Program = Callable[[], None]


@dataclass(frozen=True)
class Done:
    """What the engine did."""

    ok: bool
    said: str
    steps: list[Step]

    def of(self, *steps: str) -> list[tuple[str, str, str]]:
        """These of its steps."""
        return [it.short for it in self.steps if it.step in steps]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What was made, changed or deleted."""
        return self.of("create", "update", "delete")


@dataclass(frozen=True)
class Inline:
    """A stack in a folder of its own, with the stand-ins for the providers."""

    folder: Path
    project: str = "fargate-job-launcher"
    name: str = "dev"

    @property
    def kept(self) -> Path:
        """What the stand-in for AWS keeps, its log included."""
        return self.folder / "stand-in"

    def steps(self) -> list[Step]:
        """Everything that the stand-in was asked so far."""
        log = self.kept / "log.jsonl"
        return [Step(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def up(self, program: Program, config: dict[str, str] | None = None) -> Done:
        """Deploy the program."""
        return self._run(program, config, lambda it: it.up())

    def preview(self, program: Program, config: dict[str, str] | None = None) -> Done:
        """Say what deploying it would do."""
        return self._run(program, config, lambda it: it.preview())

    def refresh(self, program: Program, config: dict[str, str] | None = None) -> Done:
        """Read every resource again."""
        return self._run(program, config, lambda it: it.refresh())

    def destroy(self, program: Program, config: dict[str, str] | None = None) -> Done:
        """Take everything away."""
        return self._run(program, config, lambda it: it.destroy())

    def state(self) -> list[dict[str, Any]]:
        """The resources that the engine knows."""
        with self._opened(lambda: None, None) as stack:
            return (stack.export_stack().deployment or {}).get("resources", [])

    def unprotect(self) -> None:
        """What `pulumi state unprotect --all` does."""
        with self._opened(lambda: None, None) as stack:
            exported = stack.export_stack()
            for it in (exported.deployment or {}).get("resources", []):
                it.pop("protect", None)
            stack.import_stack(exported)

    def _run(self, program: Program, config: dict[str, str] | None, command: Callable[[automation.Stack], Any]) -> Done:
        before, said, ok = len(self.steps()), "", True
        with self._opened(program, config) as stack:
            try:
                said = command(stack).stdout
            except automation.CommandError as error:
                ok, said = False, str(error)
        return Done(ok, said, self.steps()[before:])

    @contextmanager
    def _opened(self, program: Program, config: dict[str, str] | None) -> Generator[automation.Stack]:
        variables = engine.environment(self.folder, self.kept)
        settings = automation.ProjectSettings(
            name=self.project,
            runtime="python",
            backend=automation.ProjectBackend(url=variables["PULUMI_BACKEND_URL"]),
        )
        before = dict(os.environ)
        # The Automation API looks for the engine on this process's own PATH.
        os.environ["PATH"] = variables["PATH"]
        try:
            stack = automation.create_or_select_stack(
                stack_name=f"organization/{self.project}/{self.name}",
                project_name=self.project,
                program=program,
                opts=automation.LocalWorkspaceOptions(
                    work_dir=str(self.folder), project_settings=settings, env_vars=variables
                ),
            )
            for key, value in (config or {}).items():
                stack.set_config(key, automation.ConfigValue(value))
            yield stack
        finally:
            os.environ.clear()
            os.environ.update(before)
