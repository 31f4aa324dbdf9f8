"""The package as another team gets it: built, installed into an empty environment, used by a program there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from tools.recording import PROGRAM, program

ROOMS = ("components", "environments", "handler", "operate", "policy", "sandbox")
SOURCES = (*ROOMS, "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
VERSION = tomllib.loads((PROGRAM / "pyproject.toml").read_text())["project"]["version"]

LAUNCHER = """
import pulumi, pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("report", {
    "image": "nginx",
    "cluster_arn": aws.ecs.Cluster("jobs").arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
})
"""
"""Five lines that a team writes."""

ELSEWHERE = """
import hashlib, io, json, sys, urllib.request, zipfile
from pathlib import Path
import fargate_job_launcher
from fargate_job_launcher.sandbox import Emulator, Stack, deploy
from fargate_job_launcher.sandbox.engine.jobs import launch
with Emulator(region="eu-west-1") as aws:
    launcher = deploy(Stack.read(Path(sys.argv[1]), "dev"), aws).launchers["report"]
    location = aws.client("lambda").get_function(FunctionName=launcher.outputs["function_name"])["Code"]["Location"]
    code = urllib.request.urlopen(location).read()
    launched = launch(aws, launcher, {})
    print(json.dumps({
        "package": fargate_job_launcher.__file__,
        "names": zipfile.ZipFile(io.BytesIO(code)).namelist(),
        "sha256": hashlib.sha256(code).hexdigest(),
        "status": launched.result["status"],
        "tasks": len(launched.tasks),
    }))
"""
"""Deploys a program and launches its job, in the environment that the package was installed into."""


ALONE = """
import re, sys
from importlib import metadata
locked = set(sys.argv[1:])
absent = {
    module for module, owners in metadata.packages_distributions().items()
    if not locked & {re.sub("[-_.]+", "-", owner).lower() for owner in owners}
}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import fargate_job_launcher.provider
from fargate_job_launcher.__main__ import main
sys.exit(main(["archive", "handler.zip"]) or 1 - main(["explain"]))
"""
"""Uses the package where no extra of it is installed: what the lock of the program does not name is not there."""


WITH = """
import re, runpy, sys
from importlib import metadata
from packaging.requirements import Requirement
extras, asked = sys.argv[1].split(), sys.argv[2:]
def name(of):
    return re.sub("[-_.]+", "-", of).lower()
installed, queue = set(), [("fargate-job-launcher", extra) for extra in ["", *extras]]
while queue:
    owner, extra = queue.pop()
    if (owner, extra) in installed:
        continue
    installed.add((owner, extra))
    try:
        needed = metadata.requires(owner) or []
    except metadata.PackageNotFoundError:
        continue
    for it in map(Requirement, needed):
        if it.marker is None or it.marker.evaluate({"extra": extra}):
            queue += [(name(it.name), more) for more in ["", *it.extras]]
present = {owner for owner, _ in installed}
absent = {
    module for module, owners in metadata.packages_distributions().items()
    if not present & {name(owner) for owner in owners}
}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for loaded in [it for it in sys.modules if it.partition(".")[0] in absent]:
    del sys.modules[loaded]
sys.meta_path.insert(0, Absent())
sys.argv = asked
if asked[0] == "fargate-job":
    from fargate_job_launcher.operate.terminal import fargate_job
    fargate_job()
runpy.run_module(asked[0], run_name="__main__")
"""
"""Runs a command where only some extras are installed: what they do not require, directly or not, is not there."""


PROGRAMS = """
import sys
import fargate_job_launcher
import fargate_job_launcher_pytest
import pytest
from fargate_job_launcher.sandbox import DeploymentFailed

def test_two_programs_have_modules_of_the_same_name(fargate_sandbox, tmp_path):
    print(fargate_job_launcher.__file__, fargate_job_launcher_pytest.__file__)
    for word in ("first", "second"):
        folder = tmp_path / word
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: words\\nruntime: python\\n")
        (folder / "Pulumi.dev.yaml").write_text("config: {aws:region: eu-west-1}")
        (folder / "words.py").write_text(f"WORD = {word!r}")
        (folder / "__main__.py").write_text("import pulumi, words\\npulumi.export('word', words.WORD)")
        assert fargate_sandbox.deploy(folder).outputs == {"word": word}
    assert "words" not in sys.modules

def test_a_program_is_given_as_source(fargate_sandbox):
    stack = fargate_sandbox.deploy("import pulumi\\npulumi.export('a', pulumi.Config().get('a'))", config={"a": "b"})
    assert stack.outputs == {"a": "b"}
    with pytest.raises(DeploymentFailed, match="nothing like that"):
        fargate_sandbox.deploy("import pulumi\\nraise pulumi.RunError('nothing like that')")
"""
"""Tests that a team could have written too."""


@dataclass(frozen=True)
class Built:
    """What is handed out."""

    wheel: Path
    sdist: Path


def run(*command: str | Path, cwd: Path, umask: int = 0o022) -> str:
    """What a command prints. Nothing of this process's own packages reaches it through its environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "COV_"))}
    done = subprocess.run(
        command, cwd=cwd, env=kept, umask=umask, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(source: Path, out: Path, *kinds: str) -> None:
    """Build as `make dist` does, of a copy: what a build leaves behind stays out of the working tree."""
    run(sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", out, source, cwd=source)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        if (PROGRAM / name).is_dir():
            shutil.copytree(PROGRAM / name, folder / "source" / name, ignore=ignored)
        else:
            shutil.copy(PROGRAM / name, folder / "source")
    build(folder / "source", folder / "dist")
    (wheel,), (sdist,) = (list((folder / "dist").glob(it)) for it in ("*.whl", "*.tar.gz"))
    return Built(wheel, sdist)


def environment(folder: Path, wheel: Path, *, umask: int = 0o022) -> Path:
    """The interpreter of a new environment that holds the wheel; what it depends on is this environment's."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    # A folder named in a .pth file is searched, but the .pth files in it are not read: the editable install stays out.
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-warn-script-location", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder, umask=umask)
    return python


def test_the_wheel_holds_the_package_and_the_sdist_builds_the_same(built: Built, tmp_path: Path) -> None:
    folders = {
        "components/fargate_job_launcher": "fargate_job_launcher",
        "components/fargate_job_launcher/checks": "fargate_job_launcher/checks",
        "components/fargate_job_launcher/iam": "fargate_job_launcher/iam",
        "operate": "fargate_job_launcher/operate",
        "operate/commands": "fargate_job_launcher/operate/commands",
        "operate/importing": "fargate_job_launcher/operate/importing",
        "operate/page": "fargate_job_launcher/operate/page",
        "policy/audit": "fargate_job_launcher/policies/audit",
        "policy/files": "fargate_job_launcher/policies/files",
        "policy/rules": "fargate_job_launcher/policies",
        "policy/solver": "fargate_job_launcher/policies/solver",
        "environments": "fargate_job_launcher/environments",
        "sandbox/pytest_plugin": "fargate_job_launcher_pytest",
        "handler": "fargate_job_launcher/handler",
        "sandbox": "fargate_job_launcher/sandbox",
        "sandbox/aws": "fargate_job_launcher/sandbox/aws",
        "sandbox/aws/rows": "fargate_job_launcher/sandbox/aws/rows",
        "sandbox/aws/tasks": "fargate_job_launcher/sandbox/aws/tasks",
        "sandbox/engine": "fargate_job_launcher/sandbox/engine",
        "sandbox/engine/lookups": "fargate_job_launcher/sandbox/engine/lookups",
        "sandbox/engine/resources": "fargate_job_launcher/sandbox/engine/resources",
        "sandbox/proof": "fargate_job_launcher/sandbox/proof",
    }
    modules = {
        f"{inside}/{path.name}" for folder, inside in folders.items() for path in (PROGRAM / folder).glob("*.py")
    }
    with zipfile.ZipFile(built.wheel) as wheel:
        listed = {it.filename: it.CRC for it in wheel.infolist()}
        metadata = message_from_string(wheel.read(f"fargate_job_launcher-{VERSION}.dist-info/METADATA").decode())
    package = {it for it in listed if not it.startswith(f"fargate_job_launcher-{VERSION}.dist-info/")}
    page = PROGRAM / "operate" / "page"
    shown = (it.relative_to(page) for folder in ("static", "templates") for it in (page / folder).iterdir())
    data = {
        *("fargate_job_launcher/py.typed", "fargate_job_launcher/environments/stack-config.schema.json"),
        *(f"fargate_job_launcher/operate/page/{it}" for it in shown),
    }
    assert package == {*modules, *data}
    assert {re.split(r"[<>=]", it)[0] for it in metadata.get_all("Requires-Dist", []) if "extra" not in it} == {
        *("pulumi", "pulumi-aws", "pulumi-awsx")
    }
    assert {"sandbox"} <= set(metadata.get_all("Provides-Extra", []))

    # `built` made its wheel of the sdist; a wheel straight from the sources has to be the same one.
    with tarfile.open(built.sdist) as sdist:
        assert [it for it in sdist.getnames() if "/tests" in it or "__pycache__" in it] == []
        # As an argument it is newer than the oldest Python that is promised.
        sdist.extraction_filter = getattr(tarfile, "data_filter", None)
        sdist.extractall(tmp_path)
    build(tmp_path / f"fargate_job_launcher-{VERSION}", tmp_path / "again", "--wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(again) as other:
        assert {it.filename: it.CRC for it in other.infolist()} == listed


def test_a_program_elsewhere_deploys_a_launcher_of_the_installed_wheel(built: Built, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", built.wheel)
    (tmp_path / "team").mkdir()
    program(tmp_path / "team", LAUNCHER)
    said: dict[str, Any] = json.loads(run(python, "-c", ELSEWHERE, tmp_path / "team", cwd=tmp_path))
    assert Path(said["package"]).is_relative_to(tmp_path / "venv")
    assert said["names"] == sorted(f"handler/{path.name}" for path in (PROGRAM / "handler").glob("*.py"))
    assert (said["status"], said["tasks"]) == ("LAUNCHED", 1)


def test_a_team_tests_its_own_program_with_the_fixture_of_the_installed_wheel(built: Built, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", built.wheel)
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(PROGRAM / "examples" / "tested-job", tmp_path / "team", ignore=ignored)
    # A team's own strictness: what Pulumi's SDK warns of is none of its tests'.
    (tmp_path / "team" / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "team" / "conftest.py").write_text("import fargate_job_launcher.sandbox\n")
    (tmp_path / "team" / "tests" / "test_programs.py").write_text(PROGRAMS)
    said = run(python, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", cwd=tmp_path / "team")
    assert "7 passed in" in said
    assert said.count(f"{tmp_path / 'venv'}") == 2, "the fixture, and what it deploys with, are the wheel's"


def test_without_its_extras_the_package_needs_nothing_but_pulumi(built: Built, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", built.wheel)
    lock = (PROGRAM / "requirements" / "program.txt").read_text()
    locked = re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)
    assert "pulumi-aws" in locked
    assert "boto3" not in locked
    assert run(python, "-c", ALONE, "fargate-job-launcher", *locked, cwd=tmp_path).endswith("handler.zip\n")


@pytest.mark.parametrize(
    ("extras", "runs"),
    [
        ("", False),
        ("cli", True),
        ("sandbox", True),
        ("ui", True),
        ("policies", False),
        ("program", False),
        ("prove", False),
    ],
)
def test_the_command_runs_with_each_extra_that_promises_it_and_else_says_what_to_install(
    built: Built, tmp_path: Path, extras: str, runs: bool
) -> None:
    python = environment(tmp_path / "venv", built.wheel)
    command = (python, "-c", WITH, extras, "fargate-job")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AWS_"))}
    said = subprocess.run([*command, "exec", "--help"], env=kept, capture_output=True, text=True, check=False)
    if not runs:
        assert (said.returncode, said.stdout) == (1, "")
        assert said.stderr == "error: click is not installed; pip install 'fargate-job-launcher[cli]'\n"
        return
    assert said.returncode == 0, said.stderr
    # Without a region it asks nothing of AWS; by then everything that it needs has been imported.
    regionless = r"error: no AWS region is set\. Name the stack's region: --region or AWS_REGION\.\n"
    pageless = r"error: (hypercorn|jinja2|starlette) is not installed\. pip install 'fargate-job-launcher\[ui\]'\.\n"
    for verb, expected in (("list", regionless), ("ui", regionless if extras == "ui" else pageless)):
        lists = subprocess.run(
            [*command, verb], env={**kept, "AWS_CONFIG_FILE": os.devnull}, capture_output=True, text=True, check=False
        )
        assert lists.returncode == 125
        assert re.fullmatch(expected, lists.stderr), lists.stderr
    if extras == "sandbox":
        run(python, "-c", WITH, extras, "fargate_job_launcher.sandbox", "script", "--help", cwd=tmp_path)


def test_an_audit_needs_the_policies_and_says_so(built: Built, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", built.wheel)
    file = tmp_path / "template.json"
    file.write_text('{"Resources": {"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 365}}}}')
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AWS_"))}

    def audit(extras: str) -> subprocess.CompletedProcess[str]:
        words = [python, "-c", WITH, extras, "fargate-job", "audit", file]
        return subprocess.run(words, env=kept, capture_output=True, text=True, check=False)

    without = audit("cli")
    assert (without.returncode, without.stdout) == (125, "")
    install = "pip install 'fargate-job-launcher[cli,policies]'"
    assert without.stderr == f"error: pulumi_policy is not installed. {install}.\n"
    found = audit("cli policies")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.endswith("1 resources, prod: 0 mandatory, 0 advisory\n")


def test_the_archive_is_the_same_bytes_wherever_the_wheel_is_installed(built: Built, tmp_path: Path) -> None:
    command = ("-m", "fargate_job_launcher", "archive")
    first = environment(tmp_path / "first", built.wheel)
    (tmp_path / "other folder").mkdir()
    second = environment(tmp_path / "other folder" / "second", built.wheel, umask=0o077)
    (handler,) = (tmp_path / "other folder").glob("second/lib/*/site-packages/fargate_job_launcher/handler")
    (handler / "__pycache__" / "app.cpython-999.pyc").write_bytes(b"compiled by another Python")
    for path in handler.glob("*.py"):
        path.chmod(0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    files: list[bytes] = []
    for python, name, umask in ((first, "a.zip", 0o022), (second, "b.zip", 0o077)):
        said = run(python, *command, tmp_path / name, cwd=tmp_path, umask=umask)
        files.append((tmp_path / name).read_bytes())
        assert said == f"{hashlib.sha256(files[-1]).hexdigest()}  {tmp_path / name}\n"
    assert files[0] == files[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        contents = {it: archive.read(it) for it in archive.namelist()}
        # Compressed, the bytes would be those of whichever zlib this machine has.
        assert {(it.compress_type, it.date_time, it.create_system) for it in archive.infolist()} == {
            (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 3)
        }
    assert contents == {f"handler/{it.name}": it.read_bytes() for it in sorted((PROGRAM / "handler").glob("*.py"))}
    assert list(contents) == sorted(contents)
