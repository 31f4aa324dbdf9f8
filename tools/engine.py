"""The real Pulumi engine: the `pulumi` of the PATH, or one built once from Go's module index where there is Go.

With it and Pulumi's Automation API a program runs inside the tests' own process: that needs the engine and a provider,
which is a stand-in (tools/provider/), and no language host, no account and no network. `make engine` builds it,
`make test` never does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SOURCE: Final = Path(__file__).parent / "provider"
"""Where go.mod names the version, and go.sum what its modules must be."""
COMMAND: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
STAMP: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PASSPHRASE: Final = "of a test"
WITHOUT: Final = "WITHOUT_ENGINE"
"""Set where the suite is not to run although the engine is there: `.ci/run` runs it once, not on each Python."""


def version() -> str:
    """The engine's version that is built, such as v3.274.1."""
    found = re.search(r"^require github\.com/pulumi/pulumi/pkg/v3 (v\S+)$", (SOURCE / "go.mod").read_text(), re.M)
    if found is None:
        raise ValueError(f"{SOURCE / 'go.mod'} requires no github.com/pulumi/pulumi/pkg/v3")
    return found[1]


def kept() -> Path:
    """Where the engine that was built is kept, outside the repository: one for each version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "fargate-job-launcher" / f"pulumi-{version()}" / "bin" / "pulumi"


def found() -> Path | None:
    """The engine, where there is one already."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return Path(on_path)
    return kept() if kept().exists() else None


def missing() -> str:
    """Why the suite of the real engine does not run here; empty where it does."""
    if os.environ.get(WITHOUT):
        return f"the real engine: {WITHOUT} is set, its suite runs once and not here"
    if found() is not None:
        return ""
    how = "`make engine` builds it" if shutil.which("go") else "there is no Go to build it with either"
    return f"the real engine: pulumi is not on the PATH, and {how}"


def hosts_missing() -> str:
    """Why programs of their own files, policy packs and plugins cannot run here; empty where they can."""
    if shutil.which("pulumi") is None:
        return "pulumi is not on the PATH, and this suite is of the real CLI with its language hosts"
    if shutil.which("pulumi-language-python") is None:
        return "pulumi-language-python is not on the PATH, and this suite runs programs and plugins through it"
    return ""


class NotBuilt(Exception):
    """The engine could not be built, and why."""


def build(say: Callable[[str], object] = print) -> Path:
    """Build the engine and keep it, at once or not at all. Raises NotBuilt, with the last words of Go."""
    if shutil.which("go") is None:
        raise NotBuilt("there is no Go here")
    target = kept()
    target.parent.mkdir(parents=True, exist_ok=True)
    say(f"Building Pulumi's engine {version()} from Go's module index, once; the first time takes minutes …")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=target.parent.parent) as folder:
        made = Path(folder) / "pulumi"
        flags = ["-mod=readonly", "-buildvcs=false", "-ldflags", f"-s -w -X {STAMP}={version()}"]
        command = ["go", "build", *flags, "-o", str(made), COMMAND]
        with subprocess.Popen(command, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as go:
            said: list[str] = []
            for line in go.stdout or ():
                said.append(line.rstrip())
                if line.startswith("go: downloading"):
                    say(f"  {line.rstrip()}")
        if go.returncode:
            raise NotBuilt(f"go build ended with {go.returncode}: {''.join(said[-10:]).strip()}")
        stamped = subprocess.run([made, "version"], capture_output=True, text=True, check=False).stdout.strip()
        if stamped != version():
            raise NotBuilt(f"what was built says that it is {stamped!r}, not {version()}")
        made.replace(target)
    say(f"Built in {time.monotonic() - started:.0f} s, kept as {target}")
    return target


@dataclass(frozen=True)
class Step:
    """Something that the stand-in for the AWS provider was asked to do, in order."""

    step: str
    kind: str
    name: str
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def short(self) -> tuple[str, str, str]:
        """Without what it was asked with."""
        return self.step, self.kind, self.name


def environment(folder: Path, standing_in: Path) -> dict[str, str]:
    """What the engine and the stand-ins are told: nothing of the caller's own Pulumi or AWS, a backend in a folder,
    plugins in another."""
    plugins = folder / "plugins"
    if not plugins.exists():
        for path in (standing_in, folder / "home", plugins):
            path.mkdir(parents=True, exist_ok=True)
        for package, module in {"aws": "provider", "awsx": "network"}.items():
            plugin = plugins / f"pulumi-resource-{package}"
            plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SOURCE}/{module}.py" "$@"\n')
            plugin.chmod(0o755)
    engine = found()
    path = [str(plugins), *([] if engine is None else [str(engine.parent)]), os.environ["PATH"]]
    return {
        "PATH": os.pathsep.join(path),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{standing_in}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A folder keeps the whole state anew after every step: minutes for hundreds of resources.
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "STAND_IN": str(standing_in),
    }


def main() -> int:
    """Say which engine the tests run with, and build it where there is none."""
    engine = found()
    if engine is None:
        try:
            engine = build()
        except NotBuilt as error:
            print(f"The suite of the real engine is skipped: pulumi is not on the PATH and was not built: {error}")
            # Without Go there is nothing to build it with; with Go, a build that fails is a fault.
            return 0 if shutil.which("go") is None else 1
    print(f"The real engine: {engine}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
