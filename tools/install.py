"""Creates the virtual environment of `make`, and prints its progress: it takes a minute or more.

    python tools/install.py FOLDER REQUIREMENTS

The Python of the new environment runs it before anything is installed, so it uses only the standard library.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from threading import Thread
from typing import IO, Final

LINES_KEPT: Final = 40
"""The last lines of pip, shown if it fails."""
STEPS: Final = 4
"""Number of progress lines for each half of the work, if the output is not a terminal."""


def main(folder: Path, requirements: Path) -> int:
    """Create it. The exit code is 0 if all requirements are installed."""
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        import ensurepip
        import venv

        del ensurepip, venv
    except ImportError as error:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        print(
            f"error: {sys.executable} (Python {version}) cannot create a virtual environment: its module {error.name} "
            f"is missing. On Debian and Ubuntu: apt-get install {package}. Or use another: make PYTHON=python3.13",
            file=sys.stderr,
        )
        return 1
    wanted = len(re.findall(r"^[A-Za-z0-9].*==", requirements.read_text(), re.MULTILINE))
    print(f"Setting up {folder} with Python {version}, once: {wanted} packages", flush=True)
    begun = time.monotonic()
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False)
    if made.returncode:
        return made.returncode
    code = _install(folder, requirements, wanted)
    if code == 0:
        print(f"  done after {time.monotonic() - begun:.0f} s", flush=True)
    return code


def _install(folder: Path, requirements: Path, wanted: int) -> int:
    command = [
        *(str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"),
        *("--progress-bar", "off", "--require-hashes", "--requirement", str(requirements)),
    ]
    before = _installed(folder)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        said = _PipOutput(pip.stdout)
        said.start()
        progress = _Progress(wanted)
        ended = False
        while not ended:
            ended = pip.poll() is not None
            if ended:
                said.join()
            progress.show("downloaded", said.collected, said.newest)
            # pip prints nothing while it unpacks them.
            progress.show("installed", _installed(folder) - before, "")
            time.sleep(0 if ended else 0.2)
    progress.end()
    if pip.returncode:
        print("".join(said.kept), end="", file=sys.stderr)
        print(
            f"error: pip could not install {requirements}; its output is above. It needs a Python package index: "
            "PyPI, or the one that `pip config list` names",
            file=sys.stderr,
        )
    return pip.returncode


def _installed(folder: Path) -> int:
    return sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))


class _PipOutput(Thread):
    """Reads the output of pip, so that pip never waits for a reader."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.collected = 0
        self.newest = ""
        self.kept: deque[str] = deque(maxlen=LINES_KEPT)

    def run(self) -> None:
        for line in self._stream:
            self.kept.append(line)
            found = re.match(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+)", line)
            if found is not None:
                self.collected += 1
                # For a wheel in a folder, pip prints the file's path.
                self.newest = found[1].rpartition("/")[2]


class _Progress:
    """One line that changes on a terminal; in a pipe a few lines that stay."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._live = sys.stdout.isatty()
        self._shown: dict[str, int] = {}

    def show(self, what: str, count: int, newest: str) -> None:
        count = min(count, self._wanted)
        step = count if self._live else count * STEPS // self._wanted
        if step <= self._shown.get(what, 0):
            return
        self._shown[what] = step
        text = f"  {what} {count} of {self._wanted}"
        print(f"\r\033[K{text} {newest}" if self._live else text, end="" if self._live else "\n", flush=True)

    def end(self) -> None:
        if self._live:
            print("\r\033[K", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
