"""The stack deployed with the Pulumi engine, its state in a folder of the run.

The program runs in this process (an inline program of the Automation API), so that no other environment has to be set
up for it; the providers are the engine's own affair.
"""

from __future__ import annotations

import contextlib
import json
import runpy
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from pulumi import automation as auto

from .place import PROJECT

PASSPHRASE: Final = "end-to-end"
"""The stack has no secret, and its state is deleted with it."""


class ByPulumi:
    """A Deployer, with a backend of its own in `folder`."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        name: str,
        region: str,
        account: str,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._program, self._folder, self._name = program, folder, name
        self._environ = {
            **(environ or {}),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self._config = {
            "aws:region": auto.ConfigValue(region),
            # The provider refuses another account too.
            "aws:allowedAccountIds": auto.ConfigValue(json.dumps([account])),
        }
        self._opened: auto.Stack | None = None

    def up(self) -> Mapping[str, Any]:
        """Deploy; what the stack exports."""
        stack = self._stack()
        for key, value in self._config.items():
            stack.set_config(key, value)
        done = stack.up(on_output=_say)
        return {key: it.value for key, it in done.outputs.items()}

    def destroy(self) -> None:
        """Take down whatever stands of it, protected or not."""
        stack = self._stack()
        # An update that was killed has left its lock.
        with contextlib.suppress(auto.CommandError):
            stack.cancel()
        self._free(stack)
        stack.destroy(on_output=_say)
        stack.workspace.remove_stack(self._name)
        self._opened = None

    def remaining(self) -> list[str]:
        """URNs of what is in the state, and of what may have been made when it was last written."""
        stack = self._existing()
        if stack is None:
            return []
        deployment = self._deployment(stack)
        standing = [
            f"{it['urn']}  {it.get('id', '')}".strip() for it in deployment.get("resources", []) if it.get("custom")
        ]
        begun = [f"{it['resource']['urn']}  (perhaps)" for it in deployment.get("pending_operations") or []]
        return [it for it in (*standing, *begun) if "::pulumi:providers:" not in it]

    def by_hand(self) -> str:
        """The command that goes on with `destroy`."""
        settings = f"export PULUMI_BACKEND_URL=file://{self._folder} PULUMI_CONFIG_PASSPHRASE={PASSPHRASE}"
        free, destroy = (f"pulumi {it} --yes --stack {self._name}" for it in ("state unprotect --all", "destroy"))
        return f"cd {shlex.quote(str(self._work))} && {settings} && {free} && {destroy}"

    @property
    def _work(self) -> Path:
        """Where the project's settings are: the command by hand needs them."""
        return self._folder / "work"

    def _stack(self) -> auto.Stack:
        if self._opened is None:
            self._work.mkdir(exist_ok=True)
            self._opened = auto.create_or_select_stack(
                stack_name=self._name,
                project_name=PROJECT,
                program=self._run,
                opts=auto.LocalWorkspaceOptions(
                    work_dir=str(self._work),
                    env_vars=self._environ,
                    project_settings=auto.ProjectSettings(name=PROJECT, runtime="python"),
                ),
            )
        return self._opened

    def _existing(self) -> auto.Stack | None:
        """The stack; None where there is none, because it never came so far or is gone."""
        if self._opened is None and not any(self._folder.glob(f".pulumi/stacks/{PROJECT}/{self._name}.json")):
            return None
        return self._stack()

    def _run(self) -> None:
        sys.path.insert(0, str(self._program))
        try:
            runpy.run_path(str(self._program / "__main__.py"), run_name="__main__")
        finally:
            sys.path.remove(str(self._program))

    def _free(self, stack: auto.Stack) -> None:
        """Nothing is protected any more, and what an interrupted update had begun is looked for by its tag only."""
        deployment = self._deployment(stack)
        if not deployment.get("resources"):
            return
        for it in deployment["resources"]:
            it.pop("protect", None)
        deployment.pop("pending_operations", None)
        stack.import_stack(auto.Deployment(version=3, deployment=deployment))

    def _deployment(self, stack: auto.Stack) -> dict[str, Any]:
        return cast("dict[str, Any]", stack.export_stack().deployment or {})


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
