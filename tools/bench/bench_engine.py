"""The time of the engine itself for previews of many launchers: `python tools/bench/bench_engine.py 50 200 500`.

With `pulumi` on the PATH and a stand-in for AWS's provider: launchers of the component, compared with the same
resources written flat, with the engine's checkpoints and without (PULUMI_SKIP_CHECKPOINTS). It is not a part of `make
bench`: five hundred launchers take many minutes. docs/environments.md has its figures.
"""

from __future__ import annotations

import os
import resource
import runpy
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from pulumi import automation as auto

from tools.bench.bench_program import COMPONENT, flat_source
from tools.recording import PROGRAM

CHECKPOINTS: Final = {"checkpoints": "false", "no checkpoints": "true"}


def main(sizes: list[int]) -> int:
    """Measure each of these numbers of launchers, in turn, and print a line for each run."""
    for jobs in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            sources = {"component": COMPONENT.format(jobs=jobs), "flat": flat_source(folder, jobs)}
            for checkpoints, skipped in CHECKPOINTS.items():
                for written, source in sources.items():
                    seconds, cpu, made = preview(folder / f"{written} {checkpoints}", source, skipped)
                    words = f"{jobs} launchers, {written}, {made} resources, {checkpoints}"
                    print(f"{words}: {seconds:.1f} s, of the engine and the provider {cpu:.1f} s of CPU", flush=True)
    return 0


def preview(folder: Path, source: str, skip_checkpoints: str) -> tuple[float, float, int]:
    """One preview from nothing: seconds, CPU seconds of the engine and what it started, and resources."""
    for path in (folder, folder / "stand-in", folder / "plugins", folder / "state"):
        path.mkdir()
    plugin = folder / "plugins" / "pulumi-resource-aws"
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}/tools/provider/provider.py" "$@"\n')
    plugin.chmod(0o755)
    (folder / "__main__.py").write_text(source)
    options = auto.LocalWorkspaceOptions(
        env_vars={
            "PATH": f"{folder / 'plugins'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of a bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_CHECKPOINTS": skip_checkpoints,
            "STAND_IN": str(folder / "stand-in"),
        }
    )
    stack = auto.create_stack("dev", "bench", lambda: _run(folder), opts=options)
    stack.set_config("aws:region", auto.ConfigValue("eu-west-1"))
    began, before = time.monotonic(), _children()
    done = stack.preview()
    return time.monotonic() - began, _children() - before, sum(done.change_summary.values())


def _run(folder: Path) -> None:
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main([int(it) for it in sys.argv[1:]]))
