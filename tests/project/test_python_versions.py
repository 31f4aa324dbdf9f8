"""The tested Python versions are the promised ones, and the code uses nothing newer than the oldest of them."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tools.recording import PROGRAM

PROJECT: Final[dict[str, Any]] = tomllib.loads((PROGRAM / "pyproject.toml").read_text())
PROMISED: Final = tuple(int(it) for it in PROJECT["project"]["requires-python"].removeprefix(">=").split("."))

LATER: Final = {
    # https://docs.python.org/3.11/library/tarfile.html#tarfile.TarFile.extractall
    ("extractall", "filter"): "3.11.4",
    ("extract", "filter"): "3.11.4",
    ("unpack_archive", "filter"): "3.11.4",
    # https://docs.python.org/3.11/library/email.utils.html#email.utils.getaddresses
    ("getaddresses", "strict"): "3.11.10",
    ("parseaddr", "strict"): "3.11.10",
    # https://docs.python.org/3.13/library/argparse.html#deprecated
    ("add_argument", "deprecated"): "3.13",
}
"""Method or function, and an argument of it → since when. The type checker sees none of these: they came with a bugfix
release, and it knows a Python by its first two numbers only, or go through `**kwargs`."""


def sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=PROGRAM, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [PROGRAM / it for it in listed.stdout.splitlines() if (PROGRAM / it).is_file()]


def too_new(code: str) -> Iterator[str]:
    """The arguments in it that the first release of the promised version does not have."""
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            for argument in call.keywords:
                if since := LATER.get((name, argument.arg or "")):
                    yield f"line {call.lineno}: {name}({argument.arg}=…) came with Python {since}"


def test_no_argument_is_used_that_came_later_and_that_the_type_checker_does_not_see() -> None:
    assert list(too_new("import tarfile\ntarfile.open('a').extractall('b', filter='data')")) == [
        "line 2: extractall(filter=…) came with Python 3.11.4"
    ]
    found = {str(path.relative_to(PROGRAM)): list(too_new(path.read_text())) for path in sources()}
    assert len(found) > 100
    assert {path: said for path, said in found.items() if said} == {}


def test_everybody_who_names_the_oldest_python_names_the_same_one() -> None:
    minor = "{}.{}".format(*PROMISED)
    assert PROJECT["tool"]["basedpyright"]["pythonVersion"] == minor
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{minor.replace('.', '')}"
    assert f"sys.version_info >= {PROMISED} " in (PROGRAM / "Makefile").read_text()
    for page in ("README.md", "CONTRIBUTING.md"):
        assert re.findall(r"Python (3\.\d+)\+", (PROGRAM / page).read_text()) == [minor], page


def test_the_type_checker_refuses_what_a_later_python_brought(tmp_path: Path) -> None:
    """Whatever Python the checker itself runs on, and whichever has the calls."""
    calls = {
        "pathlib.Path('.').walk()": "3.12",
        "itertools.batched('abc', 2)": "3.12",
        "asyncio.Queue[int]().shutdown()": "3.13",
        "pathlib.Path('.').read_text(newline='')": "3.13",
    }
    modules = "import asyncio, itertools, pathlib\n"
    (tmp_path / "later.py").write_text(modules + "".join(f"{it}\n" for it in calls))
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"pythonVersion": PROJECT["tool"]["basedpyright"]["pythonVersion"], "typeCheckingMode": "strict"})
    )
    checker = Path(sys.executable).parent / "basedpyright"
    done = subprocess.run(
        [checker, "--outputjson", "later.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    refused = {
        it["range"]["start"]["line"]
        for it in json.loads(done.stdout)["generalDiagnostics"]
        if it["severity"] == "error"
    }
    assert refused == set(range(1, len(calls) + 1)), done.stdout
    checked = PROJECT["tool"]["basedpyright"]["include"]
    assert {path.relative_to(PROGRAM).parts[0] for path in sources()} <= set(checked)


def pythons(path: str) -> list[str]:
    done = subprocess.run(
        [PROGRAM / ".ci" / "pythons"],
        env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_ci_finds_each_python_of_the_machine_that_is_promised_and_no_other(tmp_path: Path) -> None:
    """Those that stand in for others print what such a Python would."""
    for name, said in {
        "python3.98": "3.98.2 /somewhere/python3.98",
        "python3.99": "3.99.10 /somewhere/python3.99",
        "python3": "3.98.2 /somewhere/again",
    }.items():
        script = f'#!/bin/sh\n[ "$3" = {".".join(map(str, PROMISED))} ] && echo {said}\n'
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "python3.97").write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    (tmp_path / "python3.97").chmod(0o755)
    found = pythons(f"{tmp_path}:{os.environ['PATH']}")
    assert found[-2:] == ["/somewhere/again", "/somewhere/python3.99"]
    versions = [
        tuple(int(it) for it in subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:3])"], capture_output=True, text=True, check=True
        ).stdout.split())
        for python in found[:-2]
    ]  # fmt: skip
    assert versions == sorted(set(versions))
    assert all(it >= PROMISED for it in versions)


INSTALL: Final = (sys.executable, PROGRAM / "tools" / "install.py")


def packages(folder: Path, *names: str) -> dict[str, str]:
    """Wheels of packages with nothing in them, a requirements file that locks them, and the environment in which pip
    finds them and nothing else."""
    locked: list[str] = []
    for name in names:
        wheel, about = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{about}/RECORD", "")
        locked.append(f"{name}==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    (folder / "locked.txt").write_text("".join(locked))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    return {**kept, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def test_setting_up_says_what_happens_and_how_far_it_is(tmp_path: Path) -> None:
    names = [f"package{it}" for it in range(8)]
    environ = packages(tmp_path, *names)
    command = [*INSTALL, tmp_path / "made", tmp_path / "locked.txt"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    first, *steps, last = done.stdout.splitlines()
    version = ".".join(map(str, sys.version_info[:3]))
    assert first == f"Setting up {tmp_path / 'made'} with Python {version}, once: 8 packages"
    counts = {
        what: [int(it.split()[1]) for it in steps if it.split()[0] == what] for what in ("downloaded", "installed")
    }
    assert sum(map(len, counts.values())) == len(steps)
    # However quick it is, both halves are told to their end, and each in a few lines at most.
    for it in counts.values():
        assert it == sorted(set(it))
        assert it[-1] == 8
        assert len(it) <= 4
    assert re.fullmatch(r"  done after \d+ s", last)
    listed = subprocess.run([tmp_path / "made" / "bin" / "pip", "list"], capture_output=True, text=True, check=True)
    assert set(names) <= set(listed.stdout.split())


def test_setting_up_on_a_terminal_is_one_line_that_goes_away(tmp_path: Path) -> None:
    environ = packages(tmp_path, "package")
    command = [*INSTALL, tmp_path / "made", tmp_path / "locked.txt"]
    ours, theirs = os.openpty()
    with subprocess.Popen(command, env=environ, stdout=theirs, stderr=subprocess.STDOUT) as setting_up:
        os.close(theirs)
        shown = b""
        # A terminal that nobody writes to any more is an error to read from.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                shown += piece
    os.close(ours)
    assert setting_up.returncode == 0
    assert b"\r\x1b[K  downloaded 1 of 1 package-1-py3-none-any.whl" in shown
    assert b"\r\x1b[K  installed 1 of 1" in shown
    assert shown.count(b"\n") == 2


def test_what_pip_cannot_install_is_said_in_its_words(tmp_path: Path) -> None:
    environ = packages(tmp_path, "package")
    (tmp_path / "package-1-py3-none-any.whl").unlink()
    command = [*INSTALL, tmp_path / "made", tmp_path / "locked.txt"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No matching distribution found for package==1" in done.stderr
    assert f"error: pip could not install {tmp_path / 'locked.txt'}; its output is above." in done.stderr


def test_make_does_not_take_a_folder_of_another_python_for_the_one_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "made" / "bin").mkdir(parents=True)
    (tmp_path / "made" / "installed").touch()
    (tmp_path / "made" / "bin" / "python").write_text("#!/bin/sh\necho Python 3.98.1\n")
    (tmp_path / "made" / "bin" / "python").chmod(0o755)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    for name in ("PYTHON", "VENV"):
        environ.pop(name, None)
    command = ["make", f"VENV={tmp_path / 'made'}", f"PYTHON={sys.executable}", "asked-python"]
    done = subprocess.run(command, cwd=PROGRAM, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"was made with Python 3.98.1, and PYTHON={sys.executable} is Python {version}; make clean" in done.stderr


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_that_makes_no_virtual_environment_says_what_to_install(tmp_path: Path, module: str) -> None:
    """As Debian's own, without its package python3-venv."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
    command = [*INSTALL, tmp_path / "made", PROGRAM / "requirements" / "dev.txt"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    minor = "{}.{}".format(*sys.version_info[:2])
    assert f"its module {module} is missing. On Debian and Ubuntu: apt-get install python{minor}-venv." in done.stderr
    assert not (tmp_path / "made").exists()
