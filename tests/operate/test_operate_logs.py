"""`fargate-job logs` and its calls: of tasks, runs, indexes and sidecars; merged, cut, and why there is none."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.client import BaseClient
from fargate_job_launcher.operate import (
    Account,
    ArrayRun,
    IndexTask,
    JobError,
    NoLog,
    find,
    launch,
    log_lines,
    logs_of,
)
from fargate_job_launcher.operate.runs import read as run_of
from fargate_job_launcher.operate.streams import Stream
from fargate_job_launcher.operate.task import describe
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from shell import Ran, block, command, eventually, leading_to, prompt_queues

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns
cluster = aws.ecs.Cluster("c")
runs = JobRuns("jobs", {"cluster_arns": [cluster.arn]})
common = {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
}
FargateJobLauncher("job", {
    **common, "asynchronous": True, "supervision": {"retries": 1, "retry_on": ["failed"]},
    "sidecars": [{"name": "proxy", "image": "envoy"}],
    "overrides": {"max_count": 3, "array": {"max_size": 30, "max_parallelism": 30}, "at": True},
})
FargateJobLauncher("skipping", {**common, "max_running": 1, "overlap": "skip"})
FargateJobLauncher("idle", common)
"""
NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
NEVER = Run(
    None, 0.1, stop_code="TaskFailedToStart", reason="CannotPullContainerError: nginx:nope: not found", lines=()
)
LONG = Run(0, 3600)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as aws, leading_to(aws), prompt_queues():
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), aws)
        yield aws


def emptied(aws: Emulator, task: str) -> None:
    """Delete what the sandbox has written to the log of a task by itself, as soon as the task runs."""
    logs, group = aws.client("logs"), find(Account(), "job").settings.log_group
    eventually(
        lambda: logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"job/job/{task}")["logStreams"]
    )
    for it in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        if it["logStreamName"].endswith(task):
            logs.delete_log_stream(logGroupName=group, logStreamName=it["logStreamName"])


def written(aws: Emulator, task: str, *lines: tuple[float, str], container: str = "job") -> None:
    """Lines in the log of a task, each with the seconds since NOON."""
    logs, named = aws.client("logs"), {"logGroupName": find(Account(), "job").settings.log_group}
    named["logStreamName"] = f"{container}/{container}/{task}"
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(**named)
    events = [{"timestamp": int((NOON.timestamp() + at) * 1000), "message": text} for at, text in lines]
    for start in range(0, len(events), 5000):
        logs.put_log_events(**named, logEvents=events[start : start + 5000])


def two(aws: Emulator) -> tuple[str, str, str]:
    """A run of two tasks that run, and have written; its id and theirs."""
    aws.script(find(Account(), "job").family, LONG, LONG)
    it = launch("job", count=2)
    one, other = (task["id"] for task in it.result["tasks"])
    for task in (one, other):
        emptied(aws, task)
    written(aws, one, (1, "first"), (3, "third"), (3.5, "[not markup] :smile:"))
    written(aws, other, (2, "second"), (4, "fourth"))
    return it.run, one, other


def test_lines_of_several_tasks_come_by_their_times_behind_their_tasks_and_the_last_and_newest_can_be_chosen(
    aws: Emulator,
) -> None:
    run, one, other = two(aws)
    a, b = one[:8], other[:8]
    merged = [f"{a}  first", f"{b}  second", f"{a}  third", f"{a}  [not markup] :smile:", f"{b}  fourth"]
    by_run = command("logs", "job", "--run", run[:8])
    assert (by_run.code, by_run.err, by_run.out.splitlines()) == (0, "", merged)
    by_task = command("logs", "job", "-t", other[:8], "-t", one[:8], "-t", one)
    assert by_task.out.splitlines() == merged
    assert "\x1b" not in by_run.out
    assert command("logs", "job", "--run", run, "--tail", "1").out.splitlines() == merged[3:]
    assert command("logs", "job", "-t", b, "-t", a, "--tail", "1").out.splitlines() == merged[3:]
    since = f"{NOON + timedelta(seconds=3):%Y-%m-%dT%H:%M:%S}"
    assert command("logs", "job", "--run", run, "--since", since).out.splitlines() == merged[2:]
    assert command("logs", "job", "--run", run, "--since", "7d").out.splitlines() == merged
    first = f"{NOON + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}.000Z"
    assert command("logs", "job", "-t", a, "--timestamps", "--tail", "9").out.splitlines()[0] == f"{first}  first"
    told = command("logs", "job", "--run", run, "-o", "json").events
    assert told[0] == {"type": "line", "task": one, "at": first, "text": "first"}
    assert [it["text"] for it in told] == [it[10:] for it in merged]
    from_python = [it.text for it in log_lines(find(Account(), "job"), logs_of(find(Account(), "job"), run=run))]
    assert from_python == [it[10:] for it in merged]
    for wrong in ("yesterday", "", "3 hours", "2026-13-01", "99999d"):
        refused = command("logs", "job", "--since", wrong)
        assert (refused.code, "a duration such as 90m" in refused.err) == (2, True), wrong
    command("stop", "job", "--all")


def test_the_last_lines_of_a_large_stream_are_read_without_those_before_and_all_lines_in_all_pages(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.script(find(Account(), "job").family, LONG)
    (task,) = (it["id"] for it in launch("job").result["tasks"])
    emptied(aws, task)
    written(aws, task, *((at / 1000, f"line {at}") for at in range(25_000)))
    answered, call = list[int](), cast("Any", BaseClient)._make_api_call

    def counted(client: Any, operation: str, parameters: Any) -> Any:
        answer = call(client, operation, parameters)
        if operation == "GetLogEvents":
            answered.append(len(answer["events"]))
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    assert command("logs", "job", "-t", task, "--tail", "3").out == "line 24997\nline 24998\nline 24999\n"
    assert sum(answered) == 3
    assert command("logs", "job", "-t", task).out.splitlines() == [f"line {it}" for it in range(25_000)]
    # The lines after the last ones are those that have been written since.
    stream = Stream(find(Account(), "job"), f"job/job/{task}")
    assert [text for _, text in stream.last(11_000)][::10_999] == ["line 14000", "line 24999"]
    written(aws, task, (30, "later"))
    assert [text for _, text in stream.read()] == ["later"]
    command("stop", "job", "--all")


def test_cloudwatch_may_answer_with_empty_pages_before_the_end(monkeypatch: pytest.MonkeyPatch, aws: Emulator) -> None:
    assert aws.region
    events = [{"timestamp": at, "message": f"{at}"} for at in range(4)]
    backwards = iter([([], "b1"), (events[2:], "b2"), ([], "b3"), (events[:2], "b4"), ([], "b4")])
    forwards = iter([([], "f1"), (events[:3], "f2"), ([], "f3"), (events[3:], "f4"), ([], "f4")])

    def answered(_client: Any, _operation: str, parameters: Any) -> Any:
        ahead = parameters["startFromHead"]
        some, token = next(forwards if ahead else backwards)
        return {"events": some, "nextForwardToken": token if ahead else "f", "nextBackwardToken": token}

    job = find(Account(), "job")
    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    assert Stream(job, "s").read() == [(at, f"{at}") for at in range(4)]
    assert Stream(job, "s").last(9) == [(at, f"{at}") for at in range(4)]


def test_a_task_or_a_run_without_a_log_says_why_and_what_to_do(aws: Emulator) -> None:
    job = find(Account(), "job")
    aws.script(job.family, NEVER)
    it = launch("job")
    eventually(lambda: it.tasks()[0].status == "STOPPED")
    (task,) = (one["id"] for one in it.result["tasks"])
    why = (
        f"task {task} of job has no log: it never started: CannotPullContainerError: nginx:nope: not found. "
        "There is no such image or tag: push it, or correct `image` and deploy again"
    )
    for asked in ((), ("--task", task[:8]), ("--run", it.run[:8]), ("--follow",), ("--tail", "5")):
        done = command("logs", "job", *asked)
        assert (done.code, done.out, done.err) == (125, "", f"error: {why}.\n"), asked
    told = json.loads(command("logs", "job", "-o", "json").err)["error"]
    assert (told["kind"], f"{told['message']}. {told['next']}") == ("NoLog", why)

    # One that runs has written nothing yet; that is no failure.
    aws.script(job.family, LONG)
    going = launch("job").result["tasks"][0]["id"]
    emptied(aws, going)
    silent = command("logs", "job", "-t", going)
    assert (silent.code, silent.out) == (0, "")
    assert re.match(rf"task {going} of job is [A-Z]+ and has written nothing yet\. fargate-job logs", silent.err)
    # Beside others, a log that cannot be is a remark.
    written(aws, going, (1, "here"))
    both = command("logs", "job", "-t", going, "-t", task)
    assert (both.code, both.out, both.err) == (0, f"{going[:8]}  here\n", f"{why}.\n")
    events = command("logs", "job", "-t", going, "-t", task, "-o", "json").events
    assert [(it["type"], it["task"]) for it in events] == [("line", going), ("silent", task)]
    assert events[1]["remedy"].startswith("There is no such image")
    command("stop", "job", "--all")
    eventually(lambda: all(it.status == "STOPPED" for it in describe(job, [going])))
    aws.client("logs").delete_log_stream(logGroupName=job.settings.log_group, logStreamName=f"job/job/{going}")
    gone = command("logs", "job", "-t", going)
    assert (gone.code, gone.out) == (0, "")
    assert "its lines have expired or were deleted in the log group" in gone.err

    skipping = find(Account(), "skipping")
    aws.script(skipping.family, LONG)
    launch("skipping")
    skipped = launch("skipping")
    done = command("logs", "skipping", "--run", skipped.run[:8])
    assert (done.code, done.out) == (125, "")
    assert done.err.startswith(f"error: run {skipped.run[:8]} of skipping has no log: it is SKIPPED: ")
    assert "fargate-job runs show skipping" in done.err
    idle = command("logs", "idle")
    assert (idle.code, idle.err) == (
        125,
        "error: idle has no run, and so no log. Launch it: fargate-job launch idle.\n",
    )
    command("stop", "skipping", "--all")


def test_a_run_that_ecs_has_forgotten_still_has_the_logs_of_its_attempts(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = find(Account(), "job")
    aws.script(job.family, Run(3, 0.1, lines=("tried",)), Run(0, 0.1, lines=("tried again",)))
    it = launch("job")
    eventually(lambda: (run_of(job, it.run) or {})["state"] == "SUCCEEDED")
    (first,) = (one["id"] for one in it.result["tasks"])
    call, forgotten = (
        cast("Any", BaseClient)._make_api_call,
        {"ListTasks": {"taskArns": []}, "DescribeTasks": {"tasks": []}},
    )

    def an_hour_later(client: Any, operation: str, parameters: Any) -> Any:
        return forgotten.get(operation) or call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", an_hour_later)
    assert not command("status", "job", "-o", "json").json["tasks"]
    kept = command("logs", "job", "--run", it.run[:8])
    retry = next(one.task for one in logs_of(job, run=it.run) if one.attempt == 2)
    assert kept.out.splitlines() == [f"{first[:8]}  tried", f"{retry[:8]}  tried again"]
    assert command("logs", "job", "--run", it.run[:8], "--follow").out == kept.out
    # By id: the first attempt is in the table's run; of the retry the log group has the log.
    assert [command("logs", "job", "-t", task[:9]).out for task in (first, retry)] == ["tried\n", "tried again\n"]
    # The newest task is that of the newest run.
    assert command("logs", "job").out == "tried again\n"
    assert [line.text for line in log_lines(job, logs_of(job, run=it.run))] == ["tried", "tried again"]


def test_a_sidecar_has_a_log_of_its_own_and_an_unknown_container_is_answered_with_those_that_there_are(
    aws: Emulator,
) -> None:
    run, one, other = two(aws)
    written(aws, one, (2, "proxied"), container="proxy")
    assert command("logs", "job", "-t", one, "--container", "proxy").out == "proxied\n"
    several = command("logs", "job", "--run", run, "--container", "proxy")
    assert (several.code, several.out) == (0, f"{one[:8]}  proxied\n")
    assert several.err.startswith(f"task {other} of job is ")
    unknown = command("logs", "job", "-t", one, "--container", "sidecar")
    said = "error: a task of job has no container 'sidecar'. Its containers: job, proxy.\n"
    assert (unknown.code, unknown.err) == (125, said)
    command("stop", "job", "--all")
    followed = command("logs", "job", "-t", one, "--container", "proxy", "--follow", "--tail", "1")
    assert "proxied\n" in followed.out
    assert "first" not in followed.out


def test_indexes_are_merged_behind_their_numbers_and_followed_so(aws: Emulator) -> None:
    job = find(Account(), "job")
    aws.script(job.family, *30 * [LONG])
    it = launch("job", array=12, parallelism=12)
    assert it.array
    tasks = {one.index: one.task for one in started(it.array)}
    for index, task in tasks.items():
        emptied(aws, task)
        written(aws, task, (20 - index, f"of {index}"))
    shown = command("logs", "job", "--run", it.run[:8], "--index", "3,9-11")
    assert shown.out.splitlines() == ["11  of 11", "10  of 10", "9   of 9", "3   of 3"]
    assert command("logs", "job", "--index", "3", "-o", "json").events == [
        {"type": "line", "index": 3, "task": tasks[3], "at": at(17), "text": "of 3"}
    ]
    whole = command("logs", "job", "--run", it.run, "--tail", "1")
    assert [line[:2].strip() for line in whole.out.splitlines()] == [str(index) for index in range(11, -1, -1)]
    none = command("logs", "job", "--index", "12")
    assert (none.code, "has the indexes 0-11" in none.err) == (125, True)
    for arguments in (("--task", "x", "--run", "y"), ("--task", "x", "--index", "1")):
        assert command("logs", "job", *arguments).code == 2
    command("stop", "job", "--all")
    ended = command("logs", "job", "--run", it.run, "--index", "0,11", "--follow")
    assert "11  of 11\n" in ended.out


def started(array: ArrayRun) -> list[IndexTask]:
    """The tasks of an array's indexes, as soon as each has one."""
    eventually(lambda: not array.progress().not_started)
    return array.indexes("0-11")


def at(seconds: int) -> str:
    return f"{NOON + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.000Z"


WRONG = "0f0f0f0f0f"


@pytest.mark.parametrize(
    ("what", "arguments"),
    [
        *(
            ("run", it)
            for it in (("runs", "show"), ("runs", "follow"), ("runs", "stop"), ("rerun",), ("logs", "--run"))
        ),
        *(("task", it) for it in (("logs", "--task"), ("retry", "--task"))),
        ("running task", ("stop", "--task")),
        ("waiting launch", ("schedules", "cancel")),
        *(("dead letter", ("dead-letters", it)) for it in ("show", "redrive", "edit", "discard")),
    ],
)
@pytest.mark.parametrize("wrong", [WRONG, f"{WRONG:0<32}", "latest", "x" * 100, ""])
def test_a_wrong_id_fails_with_the_same_words_everywhere_and_names_the_command_that_lists_them(
    aws: Emulator, what: str, arguments: tuple[str, ...], wrong: str
) -> None:
    assert aws.region
    verb = [it for it in arguments if not it.startswith("-")]
    options = [it for it in arguments if it.startswith("-")]
    more = ["--yes"] if "discard" in arguments else ["--event", "{}"] if "edit" in arguments else []
    done: Ran = command(*verb, "job", *options, wrong, *more)
    assert (done.code, done.out) == (125, "")
    assert done.err.startswith(f"error: job has no {what} with id {wrong[:40]!r}. fargate-job ")
    listing = re.search(r"fargate-job ([a-z-]+(?: list)? job) shows", done.err)
    assert listing
    assert command(*listing[1].split()).code == 0


def test_more_logs_than_are_merged_at_once_are_refused(aws: Emulator) -> None:
    job = find(Account(), "job")
    aws.script(job.family, Run(0, 0.1))
    (one,) = logs_of(job, run=launch("job").run)
    with pytest.raises(JobError, match=r"1001 logs are more than the 1000 .* Name fewer indexes"):
        list(log_lines(job, [one] * 1001))
    with pytest.raises(NoLog, match="has no run"):
        logs_of(find(Account(), "idle"))


def test_what_the_page_says_about_logs_works(aws: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    job = find(Account(), "job")
    aws.script(job.family, *30 * [Run(0, 0.1, lines=("said",))])
    array = launch("job", array=21)
    assert array.array
    array.array.wait()
    single = launch("job")
    single.wait()
    written(aws, logs_of(job, run=single.run)[0].task, (1, "proxied"), container="proxy")
    for line in block("operating", "logs").splitlines():
        run = array.run if "--index" in line else single.run
        done = command(*shlex.split(line.replace("RUN", run), comments=True)[1:])
        assert (done.code, done.err) == (0, ""), line
        assert "said" in done.out or "proxied" in done.out, line
    exec(compile(block("operating", "logs from Python").replace("RUN", single.run), "docs/operating.md", "exec"), {})
    assert capsys.readouterr().out.endswith(" said\n")
