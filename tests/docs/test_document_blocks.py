"""Every command and every block of code in the README and in docs/ is run here, or says who runs it.

A block is told by the comment right above it, or by its language:

- `<!-- needs AWS -->`, `<!-- needs the Pulumi CLI -->`, `<!-- needs a package index -->`: no test can run it here.
- `<!-- run by tests/… -->`, `<!-- NAME: run by tests/… -->`: that file runs it.
- between `<!-- NAME -->` and `<!-- /NAME -->`: it is computed, and held by test_documents.py.
- `sh`: each of its lines is run, `fargate-job` in the stack dev of a sandbox; of `make`, that there is such a target,
  which its own tests run.
- `json`, `yaml`: it is read; a launch event is checked by the launcher's own parser.
- `python`: it is compiled, and every name that it imports of this package is there.
- `text`: it shows what is said elsewhere.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml
from botocore.client import BaseClient
from click.testing import CliRunner
from fargate_job_launcher.handler import ends
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.ending import described
from fargate_job_launcher.handler.event import KEYS
from fargate_job_launcher.handler.request import parse
from fargate_job_launcher.handler.result import log_stream
from fargate_job_launcher.handler.settings import RUN_EVENT, RUN_EVENTS_SOURCE
from fargate_job_launcher.operate import Account, Job, Task, find, tasks
from fargate_job_launcher.operate.command import main
from fargate_job_launcher.operate.runs import read
from fargate_job_launcher.sandbox import Emulator, Stack, deploy
from fargate_job_launcher.sandbox.aws.tasks.run import Run
from fargate_job_launcher.sandbox.engine.deployment import Resource
from fargate_job_launcher.sandbox.engine.progress import Briefly

from tools.docs.documents import PAGES, PICTURES, TABLES
from tools.docs.transcripts import masked, of_job, renewed, steady
from tools.ecs_endpoint import ecs_endpoint
from tools.launching import DECLARED, Launching, settings
from tools.recording import ENVIRONMENTS, PROGRAM, program, record

PRELUDE = """
import pulumi_aws as aws
cluster = aws.ecs.Cluster("c")
subnet_ids = ["subnet-0123456789abcdef0"]
security_group = aws.ec2.SecurityGroup("s")
from fargate_job_launcher import FargateJobLauncher
"""
"""What a piece of a program takes for granted."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    marker: str
    """The comment right above it; empty where there is none."""
    language: str
    code: str


def blocks() -> Iterator[Block]:
    """Every block that is not computed."""
    for page in PAGES:
        text = page.read_text()
        for name in {**TABLES, **PICTURES}:
            begin, end = re.escape(f"<!-- {name} -->"), re.escape(f"<!-- /{name} -->")
            text = re.sub(f"{begin}.*?{end}", lambda it: "\n" * it[0].count("\n"), text, flags=re.DOTALL)
        for found in re.finditer(r"(?:<!-- ([^\n]+?) -->\n)?^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text[: found.start(2)].count("\n") + 1
            yield Block(page.name, line, found[1] or "", found[2], found[3])


BLOCKS = list(blocks())
ELSEWHERE = ("needs AWS", "needs the Pulumi CLI", "needs a package index")
"""Markers of the blocks that a reader runs and no test does."""


def of(language: str) -> list[Any]:
    """The blocks of a language that nobody else runs, as parameters."""
    return [pytest.param(it, id=f"{it.page}:{it.line}") for it in BLOCKS if it.language == language and not it.marker]


def commands(block: Block) -> list[str]:
    """The lines of a shell's block, without comments."""
    return [line for it in block.code.splitlines() if (line := re.sub(r"(^|\s+)#.*", "", it).strip())]


def test_every_block_is_run_or_says_who_runs_it() -> None:
    for it in BLOCKS:
        where = f"{it.page}:{it.line}"
        assert it.language in ("sh", "json", "yaml", "python", "text", "mermaid"), f"{where}: no language"
        if " run by " in f" {it.marker}":
            runner = PROGRAM / it.marker.rpartition("run by ")[2].split()[0].rstrip(",;")
            assert runner.is_file(), f"{where}: there is no {it.marker}"
        elif it.language == "sh" and it.marker not in ELSEWHERE:
            theirs = [line for line in commands(it) if re.match(r"(pulumi|aws|docker|terraform|npm|pip) ", line)]
            assert not theirs, f"{where}: write <!-- needs AWS --> above {theirs}"
        else:
            assert it.marker in ("", *ELSEWHERE) or it.language in ("text", "mermaid"), f"{where}: {it.marker}"


@dataclass(frozen=True)
class Dev:
    """The stack dev in a sandbox, and the environment that leads to it, as `make sandbox` prints it."""

    aws: Emulator
    environ: dict[str, str]


@pytest.fixture(scope="module")
def dev() -> Iterator[Dev]:
    stack = Stack.read(PROGRAM, "dev")
    with Emulator(region=stack.region) as aws:
        deploy(stack, aws)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FARGATE_JOB_"))}
        leading = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": stack.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        yield Dev(aws, {**kept, **leading})


@pytest.mark.parametrize("block", of("sh"))
def test_each_command_does_what_the_page_says(block: Block, dev: Dev) -> None:
    for line in commands(block):
        words = shlex.split(line)
        if words[0].rpartition("/")[2] == "fargate-job" and "|" not in words:
            done = CliRunner(env=dev.environ).invoke(main, words[1:], prog_name="fargate-job", catch_exceptions=False)
            assert done.exit_code == 0, f"{block.page}:{block.line}: {line}\n{done.output}"
            continue
        # What a target does is run by its own tests; make itself cannot be run by a test that it runs.
        # The tests may run in another environment than .venv, which is the one that `make` creates by default.
        here = line.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
        command = f"make --dry-run {line.removeprefix('make ')}" if words[0] == "make" else here
        ran = subprocess.run(
            command, shell=True, cwd=PROGRAM, env=dev.environ, capture_output=True, text=True, timeout=600, check=False
        )
        assert ran.returncode == 0, f"{block.page}:{block.line}: {line}\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize("block", of("json"))
def test_each_document_is_one(block: Block) -> None:
    found = json.loads(block.code)
    if found.keys() <= set(KEYS):
        overrides = {**DECLARED["overrides"], "environment": list(found.get("environment", {}))}
        size = found.get("array", {}).get("size", found.get("count", 1))
        assert parse(found, settings(overrides=overrides), key="k").count == size


def test_the_event_of_an_end_has_the_keys_and_kinds_of_values_that_the_page_shows() -> None:
    (block,) = (it for it in BLOCKS if it.marker.startswith("the event of an end:"))
    shown = json.loads(block.code)
    assert (shown["source"], shown["detail-type"]) == (RUN_EVENTS_SOURCE, RUN_EVENT)
    with ecs_endpoint() as endpoint:
        one = Launching(endpoint.client(), settings(logLines=2))
        result = one.launch({"environment": {"SOURCE": "a"}})
        run = one.run(result)
    end = {"task": result["tasks"][0]["id"], "attempt": 1, "root": "", "capacity": "FARGATE", "seconds": 1}
    end |= {"outcome": "failed", "reason": shown["detail"]["reason"], "exitCode": 137, "costUsd": 0.1}
    ends.ended(run, end, now=time.time(), retry=False)
    runs.follow(run, now=time.time())
    detail = described(run, lines=["Killed"])
    assert list(detail) == list(shown["detail"])
    assert detail["remedy"] == shown["detail"]["remedy"]
    kinds = {key: type(it) for key, it in shown["detail"].items()}
    assert {key: type(it) for key, it in detail.items()} == kinds
    assert (detail["asked"].keys(), detail["links"].keys()) == ({"environment", "payload"}, {"logs"})


def test_each_configuration_can_be_read() -> None:
    for it in BLOCKS:
        if it.language == "yaml":
            yaml.safe_load(it.code)


def imports(code: str) -> list[tuple[str, str]]:
    """Module and name of everything that is imported of this package."""
    return [
        (it.module, name.name)
        for it in ast.walk(ast.parse(code))
        if isinstance(it, ast.ImportFrom) and it.module and it.module.startswith("fargate_job_launcher")
        for name in it.names
    ]


@pytest.mark.parametrize(
    "block", [pytest.param(it, id=f"{it.page}:{it.line}") for it in BLOCKS if it.language == "python"]
)
def test_each_piece_of_python_imports_what_there_is(block: Block) -> None:
    for module, name in imports(block.code):
        assert hasattr(import_module(module), name), f"{module}.{name}"


def ours(word: str) -> list[Block]:
    return [it for it in BLOCKS if it.language == "python" and "test_document_blocks" in it.marker and word in it.code]


def test_each_piece_of_a_program_registers_a_launcher(tmp_path: Path) -> None:
    # What exports is a whole program, which the next test deploys.
    written = [it for it in BLOCKS if it.language == "python" and "FargateJobLauncher(\n" in it.code]
    pieces = [it for it in written if "pulumi.export" not in it.code]
    assert len(pieces) >= 2
    for number, it in enumerate(pieces):
        (tmp_path / str(number)).mkdir()
        recording = record(program(tmp_path / str(number), PRELUDE + it.code))
        assert recording.kind("fargate-job-launcher:index:FargateJobLauncher"), f"{it.page}:{it.line}"


def test_the_whole_program_is_deployed_and_launched_by_its_own_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = (it for it in ours("pulumi.export") if it.page == "your-own-program.md")
    (tested,) = ours("Emulator(")
    (tmp_path / "__main__.py").write_text(whole.code)
    for it in BLOCKS:
        if it.page == whole.page and it.language == "yaml":
            (tmp_path / it.code.partition("\n")[0].removeprefix("# ")).write_text(it.code)
    assert sorted(it.name for it in tmp_path.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml", "__main__.py"]
    monkeypatch.chdir(tmp_path)
    exec(tested.code, {})


def test_a_test_with_pulumis_own_mocks_passes_and_so_does_a_second_one_of_the_same_name(tmp_path: Path) -> None:
    (block,) = (it for it in BLOCKS if it.language == "python" and "set_mocks" in it.code)
    start = block.code.index("@pulumi.runtime.test")
    again = block.code[start:].replace("def test_the_job", "def test_again_the_job")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_job.py"]
    (tmp_path / "test_job.py").write_text(f"{block.code}\n\n{again}")
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in ran.stdout, ran.stdout
    # It asks what it says: with another list it fails.
    (tmp_path / "test_job.py").write_text(block.code.replace('"report-task"]', '"report"]'))
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed" in ran.stdout, ran.stdout


def test_each_launch_from_python_launches(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in dev.environ.items():
        monkeypatch.setenv(name, value)
    pieces = [it for it in ours("operate import") if it.page in ("README.md", "launching.md")]
    assert [it.page for it in pieces] == ["README.md", "launching.md", "launching.md"]
    for it in pieces:
        exec(it.code, {})


def ended(job: Job, task: Task) -> None:
    """Wait until a task's run has ended, retries included."""
    deadline = time.monotonic() + 180
    while (run := read(job, task.run)) is None or run["state"] not in runs.ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.1)


ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
}
"""Operations whose IAM action is called otherwise."""


def test_an_operator_needs_exactly_what_the_page_says(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    (policy,) = (json.loads(it.code) for it in BLOCKS if it.marker.startswith("operator policy:"))
    granted = [it["Action"] for it in policy["Statement"]]
    allowed = {action for it in granted for action in ([it] if isinstance(it, str) else it)}
    for name, value in dev.environ.items():
        monkeypatch.setenv(name, value)
    job = find(Account(), "import")
    queue = job.settings.dead_letter_queue
    dev.aws.client("sqs").send_message(QueueUrl=queue, MessageBody='{"environment": {"SOURCE_KEY": "a"}}')
    dev.aws.script(job.family, Run(0, 3600), Run(0, 0.1))
    # A log whose task neither ECS nor the table knows any more.
    forgotten = "0" * 32
    dev.aws.client("logs").create_log_stream(
        logGroupName=job.settings.log_group, logStreamName=log_stream("job", forgotten)
    )
    called, call = set[str](), cast("Any", BaseClient)._make_api_call

    def recorded(client: Any, operation: str, parameters: Any) -> Any:
        name = f"{client.meta.service_model.service_name}:{operation}"
        called.add(ACTIONS.get(name, name))
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", recorded)
    for command in (
        *(
            "list",
            "schedules",
            "history import",
            "status import",
            "launch import",
            "stop import --all",
            "retry import --follow",
        ),
        *("logs import --container job", f"logs import --task {forgotten}"),
        *("dead-letters import", "dead-letters redrive import"),
    ):
        done = CliRunner().invoke(main, command.split(), prog_name="fargate-job", catch_exceptions=False)
        assert done.exit_code == 0, f"{command}: {done.output}"
        if command.startswith("stop "):
            # Until its end is recorded, the supervisor may still retry the task.
            ended(job, tasks(job)[0])
    # It takes no permission.
    assert called - {"sts:GetCallerIdentity"} == allowed


@dataclass(frozen=True)
class Recording:
    """The subject of a recording: the day of the requested report, how far it is followed, and ECS's reason if the
    job's code never ran."""

    day: str
    options: str = "--follow"
    never: Run | None = None

    def run(self) -> Run:
        """What the container does: what the job's code does, run here."""
        if self.never is not None:
            return self.never
        code, lines = of_job("dev", REPORT_DATE=self.day)
        return Run(code, 1.5, lines=lines)


RECORDED: Final = {
    "succeeds": Recording("2026-01-31"),
    "fails": Recording("2026-02-31"),
    "never starts": Recording(
        "2026-01-31", "--follow --attempt-only",
        Run(
            None, 0.1, stop_code="TaskFailedToStart",
            reason="CannotPullContainerError: public.ecr.aws/docker/library/python:3.31-slim: not found",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_each_recording_is_what_the_command_shows(name: str, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = (it for it in BLOCKS if it.page == "launching.md" and it.marker.startswith(f"{name}:"))
    for key, value in dev.environ.items():
        monkeypatch.setenv(key, value)
    job = find(Account(), "nightly-report")
    its = RECORDED[name]
    # What follows one attempt has not ended when the command looks, on a busy machine either.
    after = Run(0, 15) if "--attempt-only" in its.options else its.run()
    dev.aws.script(job.family, its.run(), after, after)
    command = f"fargate-job launch nightly-report --env REPORT_DATE={its.day} {its.options}"
    done = subprocess.run(
        shlex.split(command), env=dev.environ, capture_output=True, text=True, timeout=600, check=False
    )
    recording = f"$ {command}\n{done.stdout}{done.stderr}$ echo $?\n{done.returncode}\n"
    print(recording)  # what belongs into the page where it does not agree
    # The next recording's run is not for a retry after this one.
    ended(job, next(it for it in tasks(job) if it.id in done.stdout))
    dev.aws.script(job.family)
    assert steady(shown.code) == steady(recording)


def test_the_readme_shows_the_end_of_make_test_in_its_shape() -> None:
    (shown,) = (it for it in BLOCKS if it.marker.startswith("shown by make test"))
    recipe = subprocess.run(
        ["make", "--dry-run", "test"],
        cwd=PROGRAM,
        capture_output=True,
        text=True,
        check=True,
        env=without("MAKE", "PYTHON", "VENV"),
    ).stdout.splitlines()
    *said, tests = [it for it in shown.code.splitlines() if it != "…"]
    # Before these, make may set up the .venv.
    assert [it for it in said if it.startswith(".venv/bin/")] == recipe[-4:]
    assert [re.sub(r"\d+", "N", it) for it in said if not it.startswith(".venv/bin/")] == [
        "N files already formatted",
        "All checks passed!",
        "N errors, N warnings, N notes",
    ]
    assert "0 errors, 0 warnings" in shown.code
    number = r"(\d+|…)"
    assert re.fullmatch(rf"=+ {number} passed, {number} skipped in (\d+\.\d+s \(\d:\d\d:\d\d\)|…) =+", tests)


def test_the_readme_says_what_the_dev_stack_costs() -> None:
    text = (PROGRAM / "README.md").read_text()
    said = re.search(r"The dev stack costs (\S+) USD a month while nothing is launched", text)
    # The table is computed, and held by test_documents.py.
    computed = re.search(r"^\| idle, USD a month \| (\S+) \|", text, re.MULTILINE)
    assert said is not None
    assert computed is not None
    assert said[1] == computed[1]


def test_the_readme_says_one_number_of_resources_and_why_more_are_made() -> None:
    text = (PROGRAM / "README.md").read_text()
    said = re.search(r"^(\d+) resources of AWS, and \d+ that awsx makes for the network, in ", text, re.MULTILINE)
    # The table is computed; the test of a newcomer checks the printed text.
    computed = re.search(r"^\| resources of AWS, without components \| (\d+) \|", text, re.MULTILINE)
    assert said is not None
    assert computed is not None
    assert said[1] == computed[1]


@pytest.mark.parametrize(("day", "ends"), [("2026-01-31", (0, "report for 2026-01-31")), ("", (0, "report for 20"))])
def test_the_demo_job_reports_for_the_day_that_it_is_given_or_for_today(day: str, ends: tuple[int, str]) -> None:
    for stack in ENVIRONMENTS:
        code, (line,) = of_job(stack, **({"REPORT_DATE": day} if day else {}))
        assert (code, line[: len(ends[1])]) == ends


def test_every_job_reads_each_variable_that_it_is_given_or_lets_a_launch_give() -> None:
    for stack in ENVIRONMENTS:
        jobs = json.loads(Stack.read(PROGRAM, stack).config["fargate-job-launcher:jobs"])
        for name, job in jobs.items():
            declared = {*job.get("environment", {}), *job.get("secrets", {}), *job["overrides"].get("environment", [])}
            unread = {it for it in declared if it not in " ".join(job["command"])}
            assert not unread, f"Pulumi.{stack}.yaml, {name}: {unread}"


def without(*prefixes: str) -> dict[str, str]:
    """This process's environment, less the variables that begin so."""
    return {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}


def test_a_newcomer_in_an_empty_clone_sees_what_the_readme_shows(tmp_path: Path) -> None:
    """A clone with the package built from it, this .venv in place of the one that `make up` would set up; what `make
    up` then runs, and what the README does next with `make sandbox`."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(PROGRAM), str(clone)], check=True, capture_output=True)
    (clone / ".venv").symlink_to(Path(sys.prefix))
    # Without it the package would be the one of this folder, to which the .venv's own install leads.
    site = tmp_path / "site"
    install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(site),
    ]
    subprocess.run([sys.executable, *install, "."], cwd=clone, check=True, capture_output=True)
    environ = {**without("MAKE", "VENV", "AWS_", "STACK", "JOB", "FARGATE_JOB_"), "PYTHONPATH": str(site)}
    where = "import fargate_job_launcher; print(fargate_job_launcher.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=clone, env=environ, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout).is_relative_to(site)
    recipe = subprocess.run(
        ["make", "--dry-run", "up"], cwd=clone, env=environ, capture_output=True, text=True, check=True
    )
    assert "fargate_job_launcher.sandbox up" in recipe.stdout
    done = subprocess.run(
        [sys.executable, "-m", "fargate_job_launcher.sandbox", "up"],
        cwd=clone, env=environ, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (shown,) = (it for it in BLOCKS if it.marker.startswith("shown by make up"))
    printed = masked(done.stdout)
    assert [line for line in masked(shown.code) if line not in printed] == []

    with subprocess.Popen(
        [sys.executable, "-u", "-m", "fargate_job_launcher.sandbox", "serve"],
        cwd=clone, env=environ, stdout=subprocess.PIPE, text=True,
    ) as served:  # fmt: skip
        try:
            assert served.stdout is not None
            (export,) = islice((it.split()[1:] for it in served.stdout if it.startswith("  export ")), 1)
            leading = {**environ, **dict(it.split("=", 1) for it in export)}
            for words in pasted():
                ran = subprocess.run(
                    words, cwd=clone, env=leading, capture_output=True, text=True, timeout=600, check=False
                )
                assert ran.returncode == 0, f"{words}: {ran.stdout}{ran.stderr}"
        finally:
            served.send_signal(signal.SIGINT)
            # Popen itself closes the pipe before it waits.
            served.wait(180)
    assert served.returncode == 130


def pasted() -> Iterator[list[str]]:
    """What the README has its reader do in a sandbox that stays up, in order."""
    for it in BLOCKS:
        if it.page == "README.md" and it.language == "sh" and "fargate-job " in it.code and not it.marker:
            yield from map(shlex.split, commands(it))
        elif it.page == "README.md" and it.language == "python" and "operate import" in it.code:
            yield [sys.executable, "-c", it.code]


def test_the_attack_ends_as_the_readme_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fargate_job_launcher.sandbox", "attack"],
        cwd=PROGRAM, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (shown,) = (it for it in BLOCKS if it.marker.startswith("shown by make attack"))
    # Nothing but what the page shows.
    assert masked(shown.code) == masked(done.stdout)


def test_a_transcript_is_renewed_where_a_number_has_changed_and_only_there() -> None:
    task = "640ed76a-0829-4968-8ff1-4eab0c6dd6ef"
    shown = f"Launched a\n  task   {task}\n  state  PENDING\n  …\n76 resources in 4.4 s\n"
    printed = f"created\nLaunched a\n  task   {task.replace('6', '7')}\n  state  RUNNING\nmore\n81 resources in 5.1 s\n"
    assert renewed(shown, printed) == shown.replace("76 resources in 4.4 s", "81 resources in 5.1 s")
    with pytest.raises(LookupError, match="edit it by hand: Launched a"):
        renewed(shown, printed.replace("Launched a", "Launched b"))


@pytest.mark.parametrize(
    ("terminal", "said"), [("1", "Deploying dev to an emulated AWS: 1 resources so far"), ("", "")]
)
def test_what_deploys_first_says_so_on_a_terminal_and_nothing_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: str, said: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", terminal)
    with Briefly("dev") as progress:
        progress.seen(Resource("urn", "aws:sqs/queue:Queue", "q", "", id="q-1"), True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
    assert bool(said) is bool(shown.err)
