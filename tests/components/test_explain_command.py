"""`python -m fargate_job_launcher explain`: from the sandbox, from an account through boto3, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from fargate_job_launcher.sandbox import Emulator, Stack, deploy

from tools.recording import PROGRAM


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fargate_job_launcher", "explain", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=PROGRAM,
        env={**os.environ, **environment},
    )


def test_it_explains_a_job_of_a_stack_in_words(environment: str) -> None:
    done = command("--stack", environment, "--job", "import")
    assert done.returncode == 0, done.stderr
    assert "  PassOnlyTheseRoles     may   iam:PassRole on role/import-execution-" in done.stdout
    assert "without it: cannot hand import-execution-" in done.stdout
    assert "Who may hand which role to ECS tasks" in done.stdout


def test_it_explains_a_live_role_through_boto3() -> None:
    stack = Stack.read(PROGRAM, "dev")
    with Emulator(region=stack.region, account=stack.account) as aws:
        launcher = deploy(stack, aws).launchers["import"]
        arn = launcher.outputs["launcher_role_arn"]
        account = {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": stack.region,
            "AWS_DEFAULT_REGION": stack.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        done = command("--role-arn", arn, "--json", **account)
        assert done.returncode == 0, done.stderr
        explanation = json.loads(done.stdout)
        name = arn.rpartition("/")[2]
        assert explanation["launcher"] == name
        sids = [line["sid"] for line in explanation["statements"][name]]
        assert sids == [
            *("RunOnlyThisTask", "TagOnlyAtLaunch", "ListTasks", "RecordOwnRuns", "Notify"),
            *("KeepPayloads", "ParkDeadLetters", "TakeFromQueue"),
            *("PassOnlyTheseRoles", "NeverAnotherRole", "ScheduleOwnLaunches", "PassScheduleRole"),
            *("NoExec", "NoEbs", "CpuCap", "MemoryCap"),
            *("AnnounceRuns", "WriteOwnLogs"),
        ]
        picture = command("--role-arn", arn, "--mermaid", **account)
        assert picture.stdout.startswith("flowchart LR\n")
        table = command("--role-arn", arn, "--mutations", **account)
        assert "without RunOnlyThisTask:\n    cannot run the job" in table.stdout
        missing = command("--role-arn", arn + "x", **account)
        assert (missing.returncode, missing.stdout) == (1, "")
        assert missing.stderr == f"error: {arn}x: there is no such role in this account\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--job", "nope"], "error: JOB: stack dev has no job 'nope'; it has nightly-report, import\n"),
        (["--stack", "nope"], "error: Pulumi.nope.yaml: there is no such file; stacks of this program: "),
    ],
)
def test_what_it_cannot_explain_is_one_line(arguments: list[str], said: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_a_reader_who_leaves_is_no_error() -> None:
    """As `head` does."""
    reading, writing = os.pipe()
    os.close(reading)
    explain = [sys.executable, "-m", "fargate_job_launcher", "explain"]
    done = subprocess.run(
        explain, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=600, check=False, cwd=PROGRAM
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
