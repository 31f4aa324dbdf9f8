"""The real Pulumi engine: the `pulumi` on the PATH, or one that is built once from Go's module index, if Go is
installed.

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
"""The folder of go.mod with the version, and of go.sum with the checksums of its modules."""
COMMAND: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
STAMP: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
PASSPHRASE: Final = "of a test"
WITHOUT: Final = "WITHOUT_ENGINE"
"""Set where the suite must not run although the engine is there: `.ci/run` runs it once, not on each Python."""


def version() -> str:
    """The version of the engine to build, such as v3.274.1."""
    found = re.search(r"^require github\.com/pulumi/pulumi/pkg/v3 (v\S+)$", (SOURCE / "go.mod").read_text(), re.M)
    if found is None:
        raise ValueError(f"{SOURCE / 'go.mod'} requires no github.com/pulumi/pulumi/pkg/v3")
    return found[1]


def kept() -> Path:
    """The path of the built engine, outside the repository: one for each version."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "fargate-job-launcher" / f"pulumi-{version()}" / "bin" / "pulumi"


def found() -> Path | None:
    """The engine, if there is one already."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return Path(on_path)
    return kept() if kept().exists() else None


def missing() -> str:
    """Why the suite of the real engine does not run here; empty if it does."""
    if os.environ.get(WITHOUT):
        return f"the real engine: {WITHOUT} is set, so its suite does not run here"
    if found() is not None:
        return ""
    how = "`make engine` builds it" if shutil.which("go") else "Go, which could build it, is not installed either"
    return f"the real engine: pulumi is not on the PATH, and {how}"


def hosts_missing() -> str:
    """Why programs in their own files, policy packs and plugins cannot run here; empty if they can."""
    if shutil.which("pulumi") is None:
        return "pulumi is not on the PATH, and this suite needs the real CLI with its language hosts"
    if shutil.which("pulumi-language-python") is None:
        return "pulumi-language-python is not on the PATH, and this suite runs programs and plugins through it"
    return ""


class NotBuilt(Exception):
    """The engine could not be built, and why."""


def build(say: Callable[[str], object] = print) -> Path:
    """Build the engine and keep it, as a whole or not at all. Raises NotBuilt with the last lines of Go."""
    if shutil.which("go") is None:
        raise NotBuilt("Go is not installed")
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
            raise NotBuilt(f"the built engine reports version {stamped!r}, not {version()}")
        made.replace(target)
    say(f"Built in {time.monotonic() - started:.0f} s, kept as {target}")
    return target


@dataclass(frozen=True)
class Step:
    """A step of the stand-in for the AWS provider."""

    step: str
    kind: str
    name: str
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def short(self) -> tuple[str, str, str]:
        """The step without its inputs."""
        return self.step, self.kind, self.name


def environment(folder: Path, standing_in: Path) -> dict[str, str]:
    """The environment variables of the engine and the stand-ins: nothing of the caller's own Pulumi or AWS, a backend
    in one folder, plugins in another."""
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
        # A backend in a folder writes the whole state again after every step: minutes for hundreds of resources.
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "STAND_IN": str(standing_in),
    }


def main() -> int:
    """Print which engine the tests run with, and build it if there is none."""
    engine = found()
    if engine is None:
        try:
            engine = build()
        except NotBuilt as error:
            print(f"The suite of the real engine is skipped: pulumi is not on the PATH and was not built: {error}")
            # Without Go it cannot be built; with Go, a failed build is an error.
            return 0 if shutil.which("go") is None else 1
    print(f"The real engine: {engine}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
