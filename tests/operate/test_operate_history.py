"""What ran, what runs and what will run: history, list, runs show; against the sandbox and a table of 100,000 runs."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from fargate_job_launcher.handler.run import ENDED
from fargate_job_launcher.handler.table import typed
from fargate_job_launcher.operate import Account, JobError, Launch, NoSuchJob, Task, find, history, launch
from fargate_job_launcher.operate.asked import asked, told
from fargate_job_launcher.operate.commands.status import shown as shown_of
from fargate_job_launcher.operate.past import FACTS, PastRun, Sums, percentile
from fargate_job_launcher.operate.pipes import writable
from fargate_job_launcher.operate.runs import each_of, read
from fargate_job_launcher.operate.show import who
from fargate_job_launcher.operate.tables import Columns, broken, once
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import command, completed, leading_to

from tools.bench.bench_history import RUNS, history_endpoint
from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
common = {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": JobRuns("jobs", {"cluster_arns": [cluster.arn]}).shared,
    "prices": {"date": "2026-11-01", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001},
}
FargateJobLauncher("import", {
    **common, "supervision": {"retries": 1}, "max_running": 4, "overlap": "skip",
    "schedules": {"nightly": {"expression": "cron(0 3 * * ? *)"}},
    "overrides": {"max_count": 4, "array": {"max_size": 4, "max_parallelism": 4}},
})
FargateJobLauncher("idle", common)
"""
WELL, FAILING, LONG = Run(0, 0.1), Run(3, 0.1), Run(0, 3600)
NEVER = Run(
    None, 0.1, stop_code="TaskFailedToStart", reason="CannotPullContainerError: nginx:nope: not found", lines=()
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as emulator, leading_to(emulator):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), emulator)
        yield emulator


def ended(it: Launch) -> Any:
    """The item of a run that has ended."""
    deadline = time.monotonic() + 60
    while (item := read(it.job, it.run) or {"state": ""})["state"] not in ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return item


@pytest.fixture(scope="module")
def runs(aws: Emulator) -> list[Any]:
    """Runs of every kind, the oldest first: a success, a retried success, a failure, one that never starts, an array,
    one that runs, and one that was skipped."""
    family, found = find(Account(), "import").family, list[Any]()
    for script in ([WELL], [FAILING, WELL], [FAILING, FAILING], [NEVER, NEVER]):
        aws.script(family, *script)
        found.append(ended(launch("import")))
    aws.script(family, WELL, WELL, FAILING, FAILING)
    found.append(ended(launch("import", array=3, parallelism=1)))
    aws.script(family, LONG, LONG, LONG, LONG)
    running, skipped = launch("import", count=4), launch("import")
    return [*found, read(running.job, running.run), ended(skipped)]


def test_history_has_the_outcome_of_every_run_the_newest_first_with_marks_and_sums(runs: list[Any]) -> None:
    shown = json.loads(command("history", "import", "-o", "json").out)
    assert [it["run"] for it in shown["runs"]] == [it["run"] for it in reversed(runs)]
    states = ["SKIPPED", "RUNNING", "FAILED", "FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert [it["state"] for it in shown["runs"]] == states
    assert [it["attempts"] for it in shown["runs"]] == [0, 4, 4, 2, 2, 2, 1]
    assert [it["arraySize"] for it in shown["runs"]] == [None, None, 3, None, None, None, None]
    assert shown["runs"][3]["reason"].startswith("it never started: CannotPullContainerError")
    assert (shown["sums"]["successRate"], shown["sums"]["states"]["FAILED"]) == (0.4, 3)
    assert shown["sums"]["costUsd"] == pytest.approx(sum(it["costUsd"] for it in runs), abs=1e-7)
    text = command("history", "import").out
    assert "\noldest ✓✓✗✗✗▶· newest\n" in text
    assert re.search(r"\nsuccess rate 40\.0%, median \d+ s, 95 % within \d+ s, cost 0\.00\d\d USD\nnext  .*\n$", text)
    assert text.endswith(f"\nnext  fargate-job runs show import {runs[4]['run'][:8]}\n")
    assert "\n7 runs: 1 RUNNING, 2 SUCCEEDED, 3 FAILED, 1 SKIPPED\n" in text
    assert [it["costUsd"] is None for it in shown["runs"]] == [True, True, *[False] * 5]
    assert [it["seconds"] is None for it in shown["runs"]] == [True, *[False] * 6]
    assert re.search(
        r"^\S+ +\S+ \S+ +FAILED +\S+ +4 +0\.\d+ .*array of 3: 1 failed; the last: it ended", text, re.MULTILINE
    )
    assert re.search(r"^\S+ +\S+ \S+ +RUNNING +\S+ +4 +call +\S+ +4 tasks$", text, re.MULTILINE)
    failed = command("history", "import", "--state", "failed")
    assert (
        "success rate" in failed.out,
        json.loads(command("history", "import", "--state", "failed", "-o", "json").out)["sums"]["successRate"],
    ) == (False, None)
    for it in [value for run in shown["runs"] for key, value in run.items() if key.endswith("At") and value]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", it)


def test_history_reads_what_is_wanted_and_no_more(runs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    call, queries = BaseClient._make_api_call, list[Any]()  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]

    def counted(client: Any, operation: str, parameters: Any) -> Any:
        queries.extend([parameters] if operation == "Query" else [])
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    job = find(Account(), "import")
    assert [it.run for it in history(job, most=2)] == [runs[-1]["run"], runs[-2]["run"]]
    assert [it["Limit"] for it in queries] == [2]
    assert "open" not in queries[0]["ExpressionAttributeNames"].values()
    failed = list(history(job, states=["FAILED"], since=timedelta(hours=1)))
    assert [it.state for it in failed] == ["FAILED"] * 3
    assert list(history("import", states=["failed"], since="1h")) == failed
    with pytest.raises(JobError, match=r"states: 'NOPE': no state of a run\. The states are LAUNCHING, RUNNING, SUCC"):
        history(job, states=["nope"])
    with pytest.raises(JobError, match="since: 'soon': a duration such as 90m"):
        history(job, since="soon")
    with pytest.raises(NoSuchJob, match="has no job 'imports'"):
        history("imports")
    assert list(history(job, since=timedelta(0))) == []
    assert [it["run"] for it in each_of(job, 1)] == [runs[-1]["run"]]
    said = command("history", "idle", "--since", "2h", "--state", "failed")
    assert said.code == 0
    assert re.fullmatch(r"No failed run of idle since [0-9-]{10} [0-9:]{5} UTC\.\n", said.out)
    said = command("history", "idle", "--since", "2026-11-26T03:00+01:00")
    assert said.out == "No run of idle since 2026-11-26 02:00 UTC.\n"
    assert (
        "'soon': a duration such as 90m, 2h or 7d is expected, or a time"
        in command("history", "import", "--since", "soon").err
    )


def test_every_table_fits_sixty_columns_and_breaks_no_word(runs: list[Any]) -> None:
    for verb in (
        ["history", "import"],
        ["list"],
        ["status", "import"],
        *(["runs", "show", "import", it["run"]] for it in runs),
    ):
        shown = command(*verb, width=60).out
        wide = [it for it in shown.splitlines() if len(it) > 60 and not it.startswith("log   https://")]
        assert wide == [], verb
        assert "\x1b" not in shown
    whole, narrow = (command("runs", "show", "import", runs[3]["run"], width=it).out for it in (0, 60))
    assert set(whole.replace("WHY", "").split()) <= set(narrow.split())


def test_a_run_is_shown_with_its_attempts_reasons_remedies_and_log(runs: list[Any]) -> None:
    never, array = (command("runs", "show", "import", it["run"][:8]).out for it in (runs[3], runs[4]))
    assert never.count("CannotPullContainerError: nginx:nope: not found\n") == 1
    assert never.count("as above\n") == 2
    assert never.count("There is no such image or tag: push it") == 1
    assert "\nlog   " not in never
    assert re.search(rf"\nnext  fargate-job rerun import {runs[3]['run'][:8]}\n$", never)
    assert re.search(r"\nINDEX  TRY  TASK      STATE      EXIT  RAN +CAPACITY\n0 +1 +\S{8}  succeeded  0 ", array)
    assert re.search(r"\nlog   https://eu-west-1\.console\.aws\.amazon\.com/cloudwatch/\S+\nnext  ", array)
    going = json.loads(command("runs", "show", "import", runs[5]["run"], "-o", "json").out)
    assert [_times(it) for it in (going, command("status", "import", "-o", "json").json)] != [[], []]
    ended_well = command("runs", "show", "import", runs[0]["run"], "-o", "json").json
    for document in (going, ended_well, *(command(*it, "-o", "json").json for it in (["status", "import"], ["list"]))):
        for at in _times(document):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(at)), at
    assert [(it["attempt"], it["status"], it["outcome"]) for it in going["tasks"]] == [(1, "RUNNING", None)] * 4
    retried = json.loads(command("runs", "show", "import", runs[1]["run"], "-o", "json").out)
    assert [(it["attempt"], it["exitCode"]) for it in retried["tasks"]] == [(1, 3), (2, 0)]
    assert (
        "asked        as the job is defined\ntasks        1 requested, 2 launched, retries included\n"
        in command("runs", "show", "import", runs[3]["run"][:8]).out
    )
    assert "asked        an array of 3, 1 at once\ntasks        3 requested, 4 launched, retries included\n" in array
    assert re.search(r"\nwhy +1 failed; the last, index 2: it ended with exit code 3\n", array)
    assert json.loads(command("runs", "show", "import", runs[4]["run"], "-o", "json").out)["request"] == {
        "array": {"size": 3, "parallelism": 1}
    }
    assert re.search(r"\nbilled +2 min 0 s \(Fargate bills at least 1 min of each task\)\n", never)


def _times(document: Any) -> list[Any]:
    """Every time in a document."""
    if isinstance(document, list):
        return [at for it in document for at in _times(it)]
    if not isinstance(document, dict):
        return []
    own = [it for key, it in document.items() if (key == "at" or key.endswith("At")) and it is not None]
    return own + [at for it in document.values() for at in _times(it)]


def test_of_a_run_that_launched_nothing_no_task_no_time_and_no_cost_is_shown(runs: list[Any]) -> None:
    text = command("runs", "show", "import", runs[6]["run"][:8]).out
    names = [it.split("  ")[0] for it in text.splitlines() if it]
    assert names == [
        "run",
        "state",
        "launched",
        "ended",
        "asked by",
        "key",
        "asked",
        "tasks",
        "why",
        "revision",
        "next",
    ]
    assert "tasks        1 requested, 0 launched\n" in text
    shown = json.loads(command("runs", "show", "import", runs[6]["run"], "-o", "json").out)
    assert (shown["attempts"], shown["costUsd"], shown["tasks"]) == (0, None, [])


def test_what_was_asked_is_told_without_a_payload_and_cut_where_it_is_long() -> None:
    event = {
        "environment": {"B": "x" * 100, "A": "2026/03.csv"},
        "command": ["python", "a b.py"],
        **{"cpu": 512, "memory": 1024, "ephemeralStorageGiB": 30, "count": 2, "capacity": "spot", "role": "reader"},
        "tags": {"team": "data"},
        "payload": {"secret": "ü"},
    }
    found = asked({"request": json.dumps(event)})
    assert found == {**event, "payload": {"bytes": 15}}
    assert told(found, longest=20) == (
        f"A=2026/03.csv, B={'x' * 19}…; command python 'a b.py'; 2 tasks; 512 CPU units; 1024 MiB; 30 GiB of storage; "
        "capacity spot; role reader; a payload of 15 bytes; tags team=data"
    )
    stored = asked({"request": "{}", "payload": {"uri": "s3://b/k", "sha256": "0"}})
    assert (stored, told(stored)) == ({"payload": {"uri": "s3://b/k"}}, "the payload s3://b/k")
    assert told(asked({"request": "{}"})) == ""


def test_a_long_name_of_a_caller_leaves_room_and_a_number_stays_with_its_unit() -> None:
    long = "assumed-role/AWSReservedSSO_PowerUserAccess_0123456789abcdef/ada.lovelace@example.com"
    assert (who(long), who("user/ada"), who("root"), who("")) == ("ada.lovelace@example.com", "ada", "root", "")
    assert broken("it took 1 h 5 min and cost 0.0255 USD or 95 % of 512 MiB", 13) == [
        *("it took 1 h", "5 min and", "cost", "0.0255 USD or", "95 % of", "512 MiB"),
    ]
    assert once(["a long reason", "", "a long reason", "", "short", "short"], ["told already"]) == [
        *("a long reason", "", "as above", "", "short", "short"),
    ]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("encoding", "marks"), [("cp1252", "++xxx>\xb7"), ("latin-1:strict", "++xxx>\xb7"), ("ascii", "++xxx>.")]
)
def test_an_output_that_lacks_a_mark_gets_another_and_nothing_fails(encoding: str, marks: str) -> None:
    words = [sys.executable, "-m", "fargate_job_launcher.operate", "history", "import"]
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(words, env=environ, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert f"\noldest {marks} newest\n".encode("latin-1") in done.stdout
    assert _written("✓ ✗ ■ · ▶ ↻ … é 値") == b"+ x # . > ~ ... ? ?"


def _written(text: str) -> bytes:
    """A text on an output that has only ASCII."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    writable(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue()


@pytest.mark.usefixtures("runs")
def test_status_says_a_state_and_an_outcome_once() -> None:
    shown = command("status", "import").out
    lines = shown.splitlines()
    assert (sum(" RUNNING " in it for it in lines[:-1]), shown.count("exit code")) == (4, 0)
    assert len(re.findall(r"^\S+ +\S+ +(?:2 +)?failed +3 +", shown, re.MULTILINE)) == shown.count("failed") - 1
    assert lines[1].split() == ["TASK", "RUN", "INDEX", "STATE", "EXIT", "AGO", "RAN", "TRY", "WHY"]
    assert shown.count("CannotPullContainerError: nginx:nope: not found") == shown.count("as above") == 1
    assert "15 tasks: 5 failed, 4 RUNNING, 4 succeeded, 2 never_started" in shown


@pytest.mark.usefixtures("aws")
def test_of_many_tasks_those_that_run_and_those_that_failed_for_good_are_shown_first() -> None:
    def task(number: int, outcome: str, attempt: int = 1, root: str = "") -> Task:
        record = {"taskArn": f"arn:aws:ecs:eu-west-1:1:task/c/{_id(number)}", "lastStatus": "RUNNING"}
        return replace(Task.of(find(Account(), "import"), record), outcome=outcome, run="r", attempt=attempt, root=root)

    its = [task(it, "succeeded") for it in range(40)]
    its += [task(100, ""), task(102, "failed", 2, _id(101)[:16]), task(101, "failed"), task(103, "failed")]
    assert [it.id for it in shown_of(its)] == [_id(it) for it in [*range(17), 100, 102, 103]]


def _id(number: int) -> str:
    return f"{number:03}".ljust(32, "0")


def test_no_word_is_broken_and_no_command_to_paste() -> None:
    said = "job goes on all the same; to follow it again: fargate-job runs follow job 1f0d9a4b. Then more"
    lines = ["job goes on all the same; to", "follow it again:", "fargate-job runs follow job 1f0d9a4b.", "Then more"]
    assert broken(said, 30) == lines
    assert " ".join(broken(said, 30)) == said


def test_list_has_the_last_run_what_runs_now_and_the_next_time(runs: list[Any]) -> None:
    idle, busy = json.loads(command("list", "-o", "json").out)
    assert (idle["job"], idle["last"], idle["running"], idle["next"]) == ("idle", None, 0, None)
    # The newest run was skipped, because that one goes on.
    assert (busy["last"]["run"], busy["running"], busy["paused"]) == (runs[-2]["run"], 4, [])
    assert busy["next"].endswith("T03:00:00.000Z")
    assert re.search(r"\nimport +RUNNING +\S+ +4 +\d\d-\d\d 03:00 +other/dev\n$", command("list").out)
    command("schedules", "pause", "import", "nightly")
    try:
        assert re.search(r"\nimport +RUNNING +\S+ +4 +nightly +other/dev\n$", command("list").out)
        assert json.loads(command("list", "-o", "json").out)[1]["paused"] == ["nightly"]
    finally:
        command("schedules", "resume", "import", "nightly")


@pytest.mark.usefixtures("runs")
def test_list_shows_the_jobs_also_to_a_person_who_may_only_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    call: Any = BaseClient._make_api_call  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]

    def denied(client: Any, operation: str, parameters: Any) -> Any:
        if operation in ("Query", "ListTasks", "ListSchedules"):
            message = f"User: u is not authorized to perform: x:{operation} on resource: r"
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", denied)
    done = command("list")
    assert (done.code, re.findall(r"^(\w+) +(\?) ", done.out, re.MULTILINE)) == (0, [("idle", "?"), ("import", "?")])
    assert done.err.count('"Action": "x:ListTasks"') == 1


def test_the_first_page_of_a_hundred_thousand_runs_takes_no_second(monkeypatch: pytest.MonkeyPatch) -> None:
    with history_endpoint(RUNS) as endpoint:
        for name, value in endpoint.environ.items():
            monkeypatch.setenv(name, value)
        began = time.perf_counter()
        done = command("history", "import")
        took = time.perf_counter() - began
        assert done.code == 0
        assert "\n50 runs: " in done.out
        assert endpoint.read == 50
        # Four times what it may take: this machine runs other tests at the same time. `make bench` measures it.
        assert took < 4
        found = json.loads(command("history", "import", "--since", "3d", "-o", "json").out)
    assert 3 * 1440 - 2 <= len(found["runs"]) == found["sums"]["runs"] <= 3 * 1440


def test_sums_leave_out_what_did_not_run() -> None:
    def past(state: str, seconds: int, cost: float | None = 0.5) -> PastRun:
        item = {"run": "r", "state": state, "trigger": "call", "launchedAt": "2026-11-26T03:00:00.000Z", "requested": 1}
        item |= {"request": "{}", "attempts": int(state != "SKIPPED"), "failures": []}
        item |= {"endedAt": f"2026-11-26T03:00:{seconds:02}.000Z"}
        return PastRun.of({**item, **({"costUsd": cost} if cost else {})})

    several = [past("SUCCEEDED", it) for it in range(1, 20)] + [past("FAILED", 50), past("SKIPPED", 0, None)]
    sums = Sums.of(several)
    assert (sums.success_rate, sums.median_seconds, sums.p95_seconds) == (0.95, 10, 19)
    assert (sums.cost_usd, sums.runs) == (10.0, 21)
    assert Sums.of([]).success_rate is None
    assert (percentile([], 95), percentile([3], 95), percentile([1, 2], 50)) == (None, 3, 1)
    assert {it.partition(".")[0] for it in FACTS} <= {*typed({it.partition(".")[0]: 1 for it in FACTS})}


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (None, ["A   B      WHY", "1   22     because of this and of that"]),
        (24, ["A   B", "1   22", "    because of this and", "    of that"]),
        (6, ["B", "22", "    because", "    of", "    this", "    and", "    of", "    that"]),
        (70, ["A   B      WHY", "1   22     because of this and of that"]),
    ],
)
def test_what_does_not_fit_is_left_out_or_moves_below(width: int | None, shown: list[str]) -> None:
    columns = Columns(("A", "B", "WHY"), width=width, spare=("A",), below=True)
    rows = [["1", "22", "because of this and of that"], ["12", "12345", ""]]
    lines = [it.plain for it in columns.lines(rows)]
    assert lines[:-1] == shown


def test_a_line_break_or_an_escape_sequence_in_a_reason_does_not_break_a_table() -> None:
    lines = Columns(("A", "WHY"), below=True).lines([["1", "line\r\nbreak \x1b[31mred"]])
    assert [it.plain for it in lines] == ["A  WHY", "1  line break  [31mred"]


@pytest.mark.parametrize(
    ("typed_words", "expected"),
    [
        (["status", "i"], ["idle", "import"]),
        (["runs", "show", "im"], ["import"]),
        (["status", "importer"], []),
        (["status", "--region", "not a region", ""], []),
        (["history", "import", "--sta"], ["--stack", "--state"]),
        (["h"], ["history"]),
    ],
)
def test_a_shell_completes_commands_options_and_names(
    aws: Emulator, typed_words: list[str], expected: list[str]
) -> None:
    assert aws.endpoint
    *words, incomplete = typed_words
    assert completed(words, incomplete) == expected


def test_a_shell_completes_the_newest_runs_of_a_job(runs: list[Any]) -> None:
    run = runs[-1]["run"]
    assert run[:8] in completed(["rerun", "import"], "")
    assert completed(["rerun", "import"], run[:12]) == [run[:12]]
    assert completed(["logs", "import", "--run"], run[:12]) == [run[:12]]
    tasks = runs[1]["tasks"]
    assert completed(["logs", "import", "--task"], tasks[0][:12]) == [tasks[0][:12]]
    assert completed(["launch", "import", "--zone"], "Europe/Dub") == ["Europe/Dublin"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed_once_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    startup = tmp_path / f".{shell}rc"
    startup.write_text("alias a=b")
    done = [command("completion"), command("completion")]
    assert [it.code for it in done] == [0, 0]
    (script,) = tmp_path.rglob("completion.*" if shell != "fish" else "*.fish")
    assert "_FARGATE_JOB_COMPLETE" in script.read_text()
    lines = startup.read_text().splitlines()
    assert lines == ["alias a=b", *([f'[ -f "{script}" ] && . "{script}"'] if shell != "fish" else [])]
    assert command("completion", "--print").out.strip() == script.read_text().strip()
    monkeypatch.setenv("SHELL", "/bin/sh")
    assert "completion is for bash, zsh, fish; name one of them" in command("completion").err
