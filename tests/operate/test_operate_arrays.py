"""Arrays through the command and the calls, end to end against the sandbox; and how they are shown."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from fargate_job_launcher.handler import ranges
from fargate_job_launcher.operate import (
    Account,
    ArrayFailed,
    ArrayRun,
    JobError,
    NoSuchRun,
    NoSuchTask,
    Progress,
    StillRunning,
    Unreachable,
    find,
    launch,
)
from fargate_job_launcher.operate.progress import Rate, line, shortly, summary
from fargate_job_launcher.operate.runs import named
from fargate_job_launcher.operate.task import tasks
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import block, command, leading_to

from tools.recording import program

SOURCE = f"""
import pulumi_aws as aws
cluster = aws.ecs.Cluster("c")
subnet_ids = ["subnet-0123456789abcdef0"]
security_group = aws.ec2.SecurityGroup("s", vpc_id="vpc-0123456789abcdef0")
{block("arrays", "a job with arrays")}
""".replace(
    '"supervision"',
    '"prices": {"date": "2026-11-01", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001},\n'
    '        "supervision"',
)
QUICK = Run(seconds=0.1, lines=("done",))
WRONG = Run(exit_code=3, seconds=0.1, lines=("bad part",))


@dataclass(frozen=True)
class Sandbox:
    aws: Emulator

    def script(self, *runs: Run, **indexes: Run) -> None:
        of = {int(it.removeprefix("i")): run for it, run in indexes.items()}
        self.aws.script(find(Account(), "parts").family, *runs, indexes=of)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), aws)
        yield Sandbox(aws)


def test_an_array_is_launched_followed_and_resumed(sandbox: Sandbox) -> None:
    sandbox.script(*40 * [QUICK], i3=WRONG, i7=WRONG)
    done = command("launch", "parts", "--array", "12", "--parallelism", "5", "--follow")
    assert done.code == 3
    assert "Launched parts, an array of 12, 5 at once, at most" in done.out
    (run,) = re.findall(r"^  run   ([0-9a-f]{8})$", done.out, re.MULTILINE)
    assert re.search(r"^✗ parts, index(es)? \S+: .*exit code 3", done.out, re.MULTILINE)
    assert re.search(
        rf"^✗ parts is FAILED after .*: 10 of 12 indexes succeeded; failed: 3,7\. To launch these only: "
        rf"fargate-job runs resume parts {run[:8]}$", done.out, re.MULTILINE,
    )  # fmt: skip

    shown = command("runs", "show", "parts", run[:8]).out
    assert re.search(r"^failed +3,7$", shown, re.MULTILINE)
    assert re.search(r"^succeeded +0-2,4-6,8-11$", shown, re.MULTILINE)
    assert re.search(r"^tasks +12 requested, 14 launched, retries included$", shown, re.MULTILINE)
    assert json.loads(command("runs", "show", "parts", run, "-o", "json").out)["array"]["failed"] == "3,7"

    logs = command("logs", "parts", "--run", run[:8], "--index", "2-3")
    assert logs.out.splitlines() == ["2  done", "3  bad part"]
    (event,) = command("logs", "parts", "--index", "7", "-o", "json").events
    assert (event["index"], event["text"]) == (7, "bad part")

    # `retry` launches no array again for one of its tasks.
    failed = next(it for it in tasks(find(Account(), "parts")) if it.outcome == "failed")
    said = command("retry", "parts", "--task", failed.id)
    assert said.code == 125
    assert f"fargate-job runs resume parts {run[:8]}" in said.err
    assert "left out" in command("retry", "parts").err

    sandbox.script(*5 * [QUICK])
    again = command("runs", "resume", "parts", run[:8])
    assert again.out.startswith("Resumed: its failed and unstarted indexes are launched; to follow it: ")
    followed = command("runs", "follow", "parts", run[:8], "-o", "json")
    assert followed.code == 0
    assert followed.events[-1] | {"state": "SUCCEEDED", "succeeded": "0-11", "failed": ""} == followed.events[-1]
    assert followed.events[-1]["costUsd"] > 0
    # Of each index the last attempt: that of the resumption.
    assert command("logs", "parts", "--run", run[:8], "--index", "3").out == "done\n"
    refused = command("runs", "resume", "parts", run[:8])
    assert "every index of" in refused.err
    assert "there is nothing to resume" in refused.err.lower()


def test_an_array_is_changed_while_it_runs(sandbox: Sandbox) -> None:
    sandbox.script(*40 * [Run(seconds=600)])
    started = launch("parts", array=20, parallelism=2)
    assert started.array is not None
    run = started.run
    with pytest.raises(StillRunning, match="It keeps running: fargate-job runs show parts"):
        started.wait(timeout_seconds=0)
    assert "Paused; to go on" in command("runs", "pause", "parts", run).out
    paused = started.array.progress()
    assert (paused.state, bool(paused.paused), paused.running) == ("RUNNING", True, "0-1")
    assert re.search(rf"Array {run[:8]} is RUNNING: 0 of 20 done, 2 running, paused", command("status", "parts").out)
    command("runs", "resume", "parts", run)
    assert "At most 6 indexes run at once." in command("runs", "parallelism", "parts", run, "6").out
    assert started.array.progress().running == "0-5"
    too_many = command("runs", "parallelism", "parts", run, "51")
    assert (too_many.code, "from 1 to 50 is expected (overrides.array.max_parallelism)" in too_many.err) == (125, True)
    assert "no further one starts" in command("runs", "stop", "parts", run).out
    sandbox.aws.pass_minutes(2)
    with pytest.raises(ArrayFailed, match="stopped: 0-5; not started: 6-19") as failed:
        started.array.wait()
    assert f"fargate-job runs resume parts {run[:8]}" in str(failed.value)
    assert started.array.wait(check=False).state == "STOPPED"


def test_stop_says_that_an_array_goes_on_and_stops_it_with_all(sandbox: Sandbox) -> None:
    sandbox.script(*40 * [Run(seconds=600)])
    array = launch("parts", array=20, parallelism=2).array
    assert array is not None
    job = find(Account(), "parts")
    one = next(it for it in tasks(job, running_only=True) if it.run == array.run)
    said = command("stop", "parts", "--task", one.id)
    assert f"Run {array.run[:8]} is an array and goes on; to stop all of it: fargate-job runs stop parts" in said.err
    assert f"array run {array.run}" in command("stop", "parts", "--all").out
    sandbox.aws.pass_minutes(2)
    ended = array.wait(check=False)
    assert (ended.state, ended.stopping.startswith("stopped")) == ("STOPPED", True)
    assert ranges.size(ended.not_started) >= 17
    assert re.search(r"^was +stopped", command("runs", "show", "parts", array.run).out, re.MULTILINE)


def test_what_is_wrong_is_said(sandbox: Sandbox) -> None:
    job = find(Account(), "parts")
    sandbox.script(*5 * [QUICK])
    array = launch("parts", array=3).array
    assert array is not None
    array.wait()
    for wanted, said in (
        ("0-3", "has the indexes 0-2, and not 0-3"),
        ("1-999999999999", "has the indexes 0-2, and not 1-9"),
        ("5-3", "names no indexes"),
        ("x", "names no indexes"),
        ("", "names no indexes"),
    ):
        with pytest.raises(NoSuchTask, match=said):
            array.indexes(wanted)
    with pytest.raises(NoSuchRun, match=r"parts has no run with id 'ffff'\. fargate-job history parts"):
        named(job, "ffff")
    assert named(job, array.run[:6].upper())["run"] == array.run
    with pytest.raises(NoSuchRun, match="has no run with id 'latest'"):
        named(job, "latest")
    with pytest.raises(NoSuchRun, match="has no run"):
        ArrayRun(job, "f" * 32).progress()
    plain = launch("parts")
    with pytest.raises(NoSuchRun, match="has no array"):
        ArrayRun(job, plain.run).progress()
    with pytest.raises(JobError, match="has no array"):
        ArrayRun(job, plain.run).pause()
    for arguments, said in (
        (("launch", "parts", "--parallelism", "5"), "add --array SIZE"),
        (("launch", "parts", "--array", "5", "--count", "2"), "exclude each other"),
        (("logs", "parts", "--task", "abcd", "--index", "3"), "give one or the other"),
        (("launch", "parts", "--key", ""), "an empty text is no key"),
        (("launch", "parts", "--key", "k", "--in", "2h"), "name the time with --at"),
    ):
        done = command(*arguments)
        assert (done.code, said in done.err) == (2, True), done.err
    for verb, then in (
        (["pause"], f"Only an array is paused; to end it: fargate-job runs stop parts {plain.run[:8]}."),
        (["parallelism"], "Only an array has a parallelism."),
        (["resume"], f"To launch its request once more: fargate-job rerun parts {plain.run[:8]}."),
    ):
        done = command("runs", *verb, "parts", plain.run, *(["2"] if verb == ["parallelism"] else []))
        assert (done.code, done.err) == (125, f"error: run {plain.run[:8]} of parts has no array. {then}\n")
    over = command("runs", "pause", "parts", array.run)
    assert over.err == f"error: parts: run: {array.run} is SUCCEEDED, and nothing of it runs any more.\n"
    rejected = command("launch", "parts", "--array", "1001")
    assert (
        rejected.code,
        "array.size: 1001: a whole number from 1 to 1000 is expected (overrides.array.max_size)" in rejected.err,
    ) == (125, True)


def test_a_lost_connection_says_that_the_array_goes_on_and_how_to_come_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.script(*2 * [QUICK])
    launched = launch("parts", array=2)
    call = cast("Any", BaseClient)._make_api_call

    def lost(client: Any, operation: str, parameters: Any) -> Any:
        if operation == "GetItem":
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return call(client, operation, parameters)

    back = f"fargate-job runs follow parts {launched.run[:8]}"
    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", lost)
        for wait in (launched.wait, ArrayRun(launched.job, launched.run).wait):
            with pytest.raises(
                Unreachable, match=rf"parts goes on all the same; to follow it again: {back}\.$"
            ) as raised:
                wait()
            assert str(raised.value).count(back) == 1
    with pytest.raises(NoSuchRun) as missing:
        ArrayRun(launched.job, "f" * 32).wait()
    assert "goes on" not in str(missing.value)
    launched.wait()


def test_everything_on_the_page_works(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.script(*70 * [QUICK], i17=Run(exit_code=2, seconds=0.1), i39=Run(seconds=8, lines=("the last",)))
    lines = [shlex.split(it)[1:] for it in block("arrays", "the way of an array").splitlines()]
    launched = command(*lines[0])
    (run,) = re.findall(r"^  run   ([0-9a-f]{8})$", launched.out, re.MULTILINE)
    assert "39 of 40 indexes succeeded; failed: 17" in launched.out
    assert sorted(command(*lines[1]).out.splitlines()) == ["0  done", "1  done", "2  done"]
    assert "the last" in command(*(it.replace("RUN", run[:8]) for it in lines[2])).out
    sandbox.script(i17=Run(seconds=600))
    codes: dict[str, int] = {}
    for words in lines[3:]:
        codes[words[1]] = command(*(it.replace("RUN", run[:8]) for it in words)).code
        if words[1] == "stop":
            sandbox.aws.pass_minutes(2)
    # It had ended, so there was nothing to change and to pause; then its failed index was resumed, and stopped.
    assert codes == {"show": 0, "parallelism": 125, "pause": 125, "resume": 0, "stop": 0, "follow": 143}

    sandbox.script(*70 * [QUICK], i5=Run(exit_code=2, seconds=0.1))
    exec(compile(block("arrays", "arrays from Python"), "docs/arrays.md", "exec"), {})
    assert capsys.readouterr().out == "5\n"


STANDS = Progress(
    run="0123456789abcdef" * 2, state="RUNNING", size=500, parallelism=50, succeeded="0-99", failed="100-104",
    stopped="", running="105-154", not_started="155-499", paused="", halted="", stopping="", seconds=600,
    reason="exit code 1", exit_code=1, cost_usd=1.5,
)  # fmt: skip


def test_a_bar_fits_into_every_terminal() -> None:
    wide = line(STANDS, 2.5, 120).plain
    assert wide == f"{'█' * 7}{'▒' * 3}{'·' * 20}  105/500  5 failed  50 running  2 min 38 s left  2.5/s"
    for width in range(12, 130):
        assert len(line(STANDS, 2.5, width).plain) <= width
    assert line(STANDS, 0.0, 20).plain == "105/500  5 failed"
    assert line(replace(STANDS, paused="ana"), 9.0, 80).plain.endswith("  105/500  5 failed  paused")
    assert "30.0/min" in line(STANDS, 0.5, 120).plain
    assert line(replace(STANDS, succeeded="0-499", failed="", running=""), 1.0, 80).plain.startswith("█" * 30)
    assert summary(STANDS) == "01234567 is RUNNING: 105 of 500 done, 5 failed, 50 running"


def test_a_rate_is_that_of_the_last_two_minutes() -> None:
    rate = Rate()
    rate.seen(0, 0)
    assert rate.per_second == 0
    for second in range(1, 200):
        rate.seen(second, 10 * second)
    for second in range(200, 400):
        rate.seen(second, 1990)
    assert rate.per_second == 0


def test_long_lists_of_indexes_are_cut_where_a_number_ends() -> None:
    odd = ranges.of(range(1, 500, 2))
    assert shortly("0-41,43") == "0-41,43"
    assert len(shortly(odd)) < 85
    assert re.fullmatch(r"1,3,(\d+,)+… \(250 in all\)", shortly(odd))
