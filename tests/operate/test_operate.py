"""The command `fargate-job` and its Python functions, end to end against the sandbox."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.client import BaseClient
from fargate_job_launcher.handler.settings import JOB_TAG, STACK_TAG, VARIABLE
from fargate_job_launcher.handler.table import typed
from fargate_job_launcher.operate import (
    Account,
    AmbiguousJob,
    JobFailed,
    NoSuchJob,
    NotLaunched,
    Rejected,
    StillRunning,
    find,
    launch,
    task,
)
from fargate_job_launcher.operate.catalogue import Job
from fargate_job_launcher.operate.runs import read
from fargate_job_launcher.sandbox import Deployment, Emulator, deploy
from fargate_job_launcher.sandbox.aws.tasks.run import Run
from fargate_job_launcher.sandbox.engine.jobs import launch as sandbox_launch
from fargate_job_launcher.sandbox.proof.supervised import supervise
from shell import command, leading_to

from tools.docs.documents import SOURCE
from tools.recording import program

FARGATE_JOB = [sys.executable, "-m", "fargate_job_launcher.operate"]
WELL = Run(0, 0.1, lines=("first line", "second line"))
FAILING = Run(3, 0.1, lines=("about to fail",))
NEVER = Run(
    None, 0.1, stop_code="TaskFailedToStart", reason="CannotPullContainerError: nginx:nope: not found", lines=()
)
ARGUMENTS: dict[str, Any] = {
    "asynchronous": True,
    "runs": {},
    "overrides": {"environment": ["A"], "payload": True, "command": True, "cpu": 1024, "memory": 4096, "max_count": 3},
}


@dataclass(frozen=True)
class Sandbox:
    """A deployed job, and the environment variables that lead to it."""

    aws: Emulator
    deployment: Deployment
    environ: dict[str, str]

    def next(self, *runs: Run) -> None:
        """What the job's next tasks do."""
        self.aws.script(find(Account(), "job", stack="dev").family, *runs)

    def forget(self, run: str, tasks: int) -> None:
        """Let a run look as if so many of its tasks had never been launched."""
        job, dynamodb = find(Account(), "job", stack="dev"), self.aws.client("dynamodb")
        item = cast("dict[str, Any]", read(job, run))
        item["tasks"], gone = item["tasks"][:-tasks], item["tasks"][-tasks:]
        item["open"] = {root: entry for root, entry in item["open"].items() if root not in gone}
        dynamodb.put_item(TableName=job.settings.runs_table, Item=typed(item))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    source = "import pulumi, pulumi_aws as aws\n" + re.sub(
        r'"arn:aws:ecs:[^"]*"', 'aws.ecs.Cluster("c").arn', SOURCE.format(arguments=ARGUMENTS)
    )
    source = source.replace('FargateJobLauncher("job"', 'job = FargateJobLauncher("job"')
    source += 'pulumi.export("jobs", {"job": {"functionArn": job.function_arn}})\n'
    with Emulator(region="eu-west-1") as aws, leading_to(aws):
        deployed = deploy(program(tmp_path_factory.mktemp("program"), source), aws)
        yield Sandbox(aws, deployed, {**os.environ})


def test_following_a_job_shows_its_lines_and_ends_with_its_exit_code(sandbox: Sandbox) -> None:
    sandbox.next(WELL, FAILING, NEVER)
    good, bad, never = (command("launch", "job", "--follow") for _ in range(3))
    assert (good.code, bad.code, never.code) == (0, 3, 125)
    assert re.search(r"\nfirst line\nsecond line\n✓ job after \d s: it ended with exit code 0\n$", good.out)
    assert re.search(r"\nabout to fail\n✗ job after \d s: it ended with exit code 3\n$", bad.out)
    assert "\x1b" not in good.out + bad.out + never.out
    assert never.out.endswith(
        "✗ job: it never started: CannotPullContainerError: nginx:nope: not found. "
        "There is no such image or tag: push it, or correct `image` and deploy again.\n"
    )


def test_a_failed_job_that_was_waited_for_names_its_log_and_ends_no_sentence_twice(sandbox: Sandbox) -> None:
    reason = "Your Spot Task was interrupted."
    sandbox.next(FAILING, NEVER, Run(None, 0.1, stop_code="SpotInterruption", reason=reason))
    failed, never, interrupted = (command("launch", "job", "--wait") for _ in range(3))
    log = r"Its log: fargate-job logs job --task \S{36}\.\n$"
    assert re.search(r"\n✗ job after \d s: it ended with exit code 3\. " + log, failed.out)
    assert "Its log" not in never.out
    assert "back: Your Spot Task was interrupted. AWS has no such capacity now: launch again later" in interrupted.out
    assert re.search(log, interrupted.out)


def partly(monkeypatch: pytest.MonkeyPatch, missing: int) -> list[dict[str, Any]]:
    """Let the launcher answer that it found capacity for fewer tasks than requested. Returns the events that it
    receives."""
    call, given = cast("Any", BaseClient)._make_api_call, list[dict[str, Any]]()

    def answered(client: Any, operation: str, parameters: Any) -> Any:
        if operation != "Invoke":
            return call(client, operation, parameters)
        event = json.loads(parameters["Payload"])
        given.append(event)
        count = event.get("count", 1) - missing
        asked = {**parameters, "Payload": json.dumps({**event, "count": count})} if count else None
        answer = call(client, operation, asked) if asked else {}
        nothing = {
            "run": "",
            "state": "FAILED",
            "tasks": [],
            "launched": 0,
            "idempotencyKey": event.get("idempotencyKey", ""),
        }
        result = json.loads(answer["Payload"].read()) if answer else nothing
        failure = {"reason": "RESOURCE:FARGATE", "detail": "", "retryable": True}
        result |= {"status": "PARTIAL", "requested": count + missing, "failures": [failure]}
        return {**answer, "Payload": io.BytesIO(json.dumps(result).encode())}

    monkeypatch.setattr(BaseClient, "_make_api_call", answered)
    return given


def test_the_tasks_of_a_partial_launch_are_shown_and_followed_before_the_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    partly(monkeypatch, 1)
    sandbox.next(WELL, WELL)
    done = command("launch", "job", "--count", "3", "--key", "a b", "--follow")
    assert (done.code, done.out.count("second line"), done.out.count("✓ job")) == (125, 2, 2)
    assert done.out.startswith("Launched job, 2 of 3 tasks")
    assert done.err.startswith("error: job: 2 of 3 tasks launched: RESOURCE:FARGATE. AWS has no such capacity now")
    assert done.err.endswith(". To launch only what is missing, repeat the launch with --key 'a b'.\n")
    sandbox.next(WELL, WELL)
    plain = command("launch", "job", "--count", "3", "-o", "json")
    assert (plain.code, plain.json["status"], len(plain.json["tasks"])) == (125, "PARTIAL", 2)
    said = json.loads(plain.err)["error"]
    assert said["kind"] == "NotLaunched"
    assert said["next"].endswith(f"--key {plain.json['idempotencyKey']}")
    with pytest.raises(NotLaunched) as raised:
        launch("job", count=2, idempotency_key="k")
    assert len(raised.value.result["tasks"]) == 1
    assert raised.value.then.endswith("with --key k")


@pytest.mark.usefixtures("sandbox")
def test_a_launch_that_failed_for_lack_of_capacity_can_be_repeated_with_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        partly(patch, 1)
        failed = command("launch", "job", "--key", "again")
    assert (failed.code, failed.out) == (125, "")
    asked = re.search(r"(--key again)\.$", failed.err)
    assert asked is not None, failed.err
    assert command("launch", "job", *asked[1].split()).code == 0
    # A retry is repeated as it is.
    (newest, *_) = command("status", "job", "-o", "json").json["tasks"]
    command("stop", "job", "--all")
    partly(monkeypatch, 1)
    said = command("retry", "job", "--task", newest["id"]).err
    assert ("AWS has no such capacity now" in said, "--key" in said) == (True, False)


def test_following_as_json_prints_a_document_in_each_line(sandbox: Sandbox) -> None:
    sandbox.next(FAILING, Run(255, 0.1, lines=("exec /bin/job: exec format error",)))
    done = command("launch", "job", "--count", "2", "--follow", "-o", "json")
    first, *events = done.events
    assert (done.code, first["type"], first["status"], first["launched"]) == (3, "launch", "LAUNCHED", 2)
    ends = {it["exitCode"]: it for it in events if it["type"] == "end"}
    assert ends.keys() == {3, 255}
    assert ends[3].keys() == {
        *(
            "type",
            "id",
            "arn",
            "status",
            "startedBy",
            "run",
            "attempt",
            "createdAt",
            "startedAt",
            "stoppedAt",
            "seconds",
        ),
        *("outcome", "reason", "remedy", "exitCode", "logGroup", "logStream"),
    }
    assert (ends[3]["outcome"], ends[3]["remedy"]) == ("failed", None)
    # Fargate does not report it; the job's own log does.
    assert ends[255]["remedy"].startswith("The image is built for another processor")
    assert {it["text"] for it in events if it["type"] == "line"} == {
        "about to fail",
        "exec /bin/job: exec format error",
    }
    assert {it["status"] for it in events if it["type"] == "state"} >= {"STOPPED"}


def test_a_launch_that_is_not_followed_names_the_command_for_it_and_its_settings_arrive(sandbox: Sandbox) -> None:
    sandbox.next(WELL)
    given = ("-e", "A=b c", "--command", "sh -c 'echo $A'", "--cpu", "512", "--memory", "1024", "--payload", '{"a": 1}')
    done = command("launch", "job", *given, "-o", "json")
    (task,) = done.json["tasks"]
    ecs = sandbox.aws.client("ecs")
    (record,) = ecs.describe_tasks(cluster=task["arn"].split("/")[1], tasks=[task["arn"]])["tasks"]
    (container,) = record["overrides"]["containerOverrides"]
    assert (record["overrides"]["cpu"], record["overrides"]["memory"]) == ("512", "1024")
    assert container["command"] == ["sh", "-c", "echo $A"]
    assert {it["name"]: it["value"] for it in container["environment"]} == {"A": "b c", "JOB_PAYLOAD": '{"a":1}'}
    waited = command("logs", "job", "--task", task["id"][:13], "--follow")
    assert (waited.code, "second line" in waited.out) == (0, True), waited.err
    again = command("logs", "job", "--task", task["id"])
    assert (again.code, again.out) == (0, "first line\nsecond line\n")
    sandbox.next(WELL)
    said = command("launch", "job", "--key", "once").out
    assert re.search(r"^  next  fargate-job runs follow job [0-9a-f]{8}$", said, re.MULTILINE)
    assert command("launch", "job", "--key", "once", "-o", "json").json["tasks"][0]["id"] in said


def test_a_task_that_stops_between_the_two_lists_of_ecs_is_one_task(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.next(Run(0, 3600))
    running = command("launch", "job", "-o", "json").json["tasks"][0]["arn"]
    listed = vars(task)["_listed"]

    def stopping(job: Job, status: str) -> Iterator[str]:
        yield from listed(job, status)
        yield from [running] if status == "STOPPED" else []

    monkeypatch.setattr(task, "_listed", stopping)
    assert [it["arn"] for it in command("status", "job", "-o", "json").json["tasks"]].count(running) == 1
    assert command("stop", "job", "--task", running.rpartition("/")[2][:13]).code == 0


@pytest.mark.usefixtures("sandbox")
def test_a_dry_run_launches_nothing() -> None:
    before = len(command("status", "job", "-o", "json").json["tasks"])
    done = command("launch", "job", "--dry-run", "-o", "json")
    assert (done.code, done.json["status"], len(done.json["dryRun"]["runTask"])) == (0, "DRY_RUN", 1)
    assert "Would launch job" in command("launch", "job", "--dry-run").out
    assert len(command("status", "job", "-o", "json").json["tasks"]) == before
    assert command("launch", "job", "--dry-run", "--wait").code == 2


def test_status_stop_and_retry(sandbox: Sandbox) -> None:
    sandbox.next(NEVER, NEVER, Run(0, 3600), WELL)
    command("launch", "job", "--count", "2", "--wait")
    # The sandbox's times are whole seconds, and tasks of one second have no order.
    time.sleep(1.1)
    task = command("launch", "job", "-e", "A=kept", "-o", "json").json["tasks"][0]["id"]
    assert "1 running, 0 dead letters  (other-dev-job" in command("status", "job").out
    assert command("retry", "job", "--task", task).code == 125
    stopped = command("stop", "job", "-o", "json")
    assert stopped.json == {"job": "job", "stopped": [task]}
    newest = command("status", "job", "-o", "json").json["tasks"][0]
    assert (newest["id"], newest["outcome"], newest["exitCode"]) == (task, "stopped", 143)
    assert newest["reason"] == "somebody stopped it: stopped with fargate-job"
    shown = command("status", "job").out
    assert "somebody stopped it" in shown
    # A task that a person stopped needs no remedy; of the tasks before, each distinct remedy is printed once.
    known = command("status", "job", "-o", "json").json["tasks"]
    remedies = {it["remedy"] for it in known if it["remedy"]}
    assert remedies
    for remedy in remedies:
        ids = ", ".join(it["id"][:8] for it in known if it["remedy"] == remedy)
        assert shown.count(f"\n{ids}: {remedy}.\n") == 1
    assert command("stop", "job").err == "error: job has no running task. fargate-job status job shows its tasks.\n"

    done = command("retry", "job", "--wait", "-o", "json")
    assert (done.code, done.events[0]["status"]) == (0, "LAUNCHED")
    end = done.events[-1]
    assert (end["startedBy"], end["attempt"]) == (f"job/{end['run']}", 1)
    assert end["run"] != newest["run"]
    (record,) = sandbox.aws.client("ecs").describe_tasks(cluster=end["arn"].split("/")[1], tasks=[end["arn"]])["tasks"]
    assert record["overrides"]["containerOverrides"][0]["environment"] == [{"name": "A", "value": "kept"}]


def test_several_running_tasks_are_not_stopped_by_mistake(sandbox: Sandbox) -> None:
    sandbox.next(*[Run(0, 3600)] * 3)
    command("launch", "job", "--count", "3")
    one = command("stop", "job")
    assert (one.code, one.err.startswith("error: job has 3 running tasks: ")) == (125, True)
    assert len(command("stop", "job", "--all", "-o", "json").json["stopped"]) == 3


def test_dead_letters_are_shown_and_launched_again_and_none_is_lost(sandbox: Sandbox) -> None:
    alias = sandbox.deployment.launchers["job"].outputs["asynchronous_function_arn"]
    queue, sqs = find(Account(), "job").settings.dead_letter_queue, sandbox.aws.client("sqs")
    sandbox.aws.client("lambda").invoke(
        FunctionName=alias, InvocationType="Event", Payload=b'{"environment": {"NOT_DECLARED": "1"}}'
    )
    # Lambda's record of an event after its last attempt: two of three tasks were launched.
    sandbox.next(*[Run(0, 3600)] * 3)
    begun = command(*("launch", "job", "--count", "3", "--env", "A=rest", "--key", "r-1", "-o", "json")).json
    sandbox.forget(begun["run"], 1)
    failure = {"reason": "RESOURCE:CPU", "detail": "none left", "retryable": True}
    result = {"status": "PARTIAL", "launched": 2, "failures": [failure]}
    record = {
        "requestContext": {"requestId": "r-1", "condition": "RetriesExhausted"},
        "requestPayload": {"count": 3, "environment": {"A": "rest"}},
        "responsePayload": {"errorMessage": json.dumps(result), "errorType": "LaunchIncomplete"},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(record))
    # An event that a rule could not deliver, in EventBridge's own form.
    event = {
        "version": "0",
        "id": "e-1",
        "source": "shop",
        "detail-type": "Paid",
        "detail": {"environment": {"A": "d"}},
    }
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    shown = list[dict[str, Any]]()
    for _ in range(20):
        shown = command("dead-letters", "show", "job", "-o", "json").json
        if len(shown) == 4:
            break
    by = {it["reasons"]: it for it in shown}
    assert len(by) == 4
    rest = by["RESOURCE:CPU: none left"]
    assert (rest["status"], rest["run"], rest["event"]["count"]) == ("PARTIAL", begun["run"], 3)
    (undeclared,) = (it for it in shown if it["status"] == "REJECTED")
    assert undeclared["run"] is None
    assert undeclared["body"] == '{"environment":{"NOT_DECLARED":"1"}}'
    told = command("dead-letters", "show", "job").out
    assert re.match(r"ID +PARKED +STATUS +RUN +WHY\n", told)
    # As it was sent: the key that it is launched again with is ours.
    of_rule = next(it["id"] for it in shown if it["event"] == {"environment": {"A": "d"}})
    told = command("dead-letters", "show", "job", of_rule).out
    assert '{\n  "environment": {\n    "A": "d"\n  }\n}\n' in told
    assert "redrive of" not in told

    sandbox.next(WELL, WELL)
    done = command("dead-letters", "redrive", "job", "-o", "json")
    assert done.code == 125
    assert sorted(it["launched"] for it in done.json) == [False, False, True, True]
    left = command("dead-letters", "show", "job", "-o", "json").json
    assert sorted(it["body"] for it in left) == sorted(["poison", undeclared["body"]])
    # What the run lacked was launched, and nothing else of it.
    launched = {it["id"]: it["tasks"] for it in done.json}[rest["id"]]
    assert {task["id"] for task in begun["tasks"][:2]} < set(launched)
    known = command("status", "job", "-o", "json").json["tasks"]
    assert len([it for it in known if it["run"] == begun["run"]]) == 4
    command("stop", "job", "--all")
    sqs.purge_queue(QueueUrl=queue)


def test_an_unknown_job_is_answered_with_the_nearest_names_and_a_function_is_found_by_its_name(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = sandbox.deployment.launchers["job"].outputs["function_name"]
    (listed,) = command("list", "-o", "json").json
    assert (listed["job"], listed["stack"], listed["function"]) == ("job", "other/dev", function)
    assert find(Account(), function).name == find(Account(), "job", stack="dev").name == "job"
    missing = command("status", "jop", "-o", "json")
    assert (missing.code, missing.out) == (125, "")
    said = {"kind": "NoSuchJob", "message": "region eu-west-1 has no job 'jop'", "next": "Did you mean job?"}
    assert json.loads(missing.err) == {"error": said}
    elsewhere = command("status", "job", "--region", "us-east-1")
    assert "region us-east-1 has no launchers. Check the region" in elsewhere.err
    arn = sandbox.deployment.launchers["job"].outputs["function_arn"]
    other = command("status", arn, "--region", "us-east-1")
    assert other.err.endswith("is in region eu-west-1, not in us-east-1. Add --region eu-west-1.\n")
    nostack = command("status", "job", "--stack", "prod")
    assert "Stacks with jobs here: other/dev" in nostack.err

    tagged, code = sandbox.aws.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", "")
    twin = tagged.create_function(
        FunctionName="twin", Role="arn:aws:iam::123456789012:role/r", Code={"ZipFile": code.getvalue()},
        Runtime="python3.13", Handler="a.b", Tags={JOB_TAG: "job", STACK_TAG: "other/prod"},
    )  # fmt: skip
    try:
        with pytest.raises(AmbiguousJob, match=r"2 jobs are called job: other/dev, other/prod\. Name the stack"):
            find(Account(), "job")
        with pytest.raises(NoSuchJob, match="is not a launcher"):
            find(Account(), "twin")
        assert find(Account(), "job", stack="other/dev").function == function
    finally:
        tagged.delete_function(FunctionName=twin["FunctionName"])

    # A stack's exports, as the pulumi command prints them; this one stands in for it.
    exports = tmp_path / "pulumi"
    answer = json.dumps(sandbox.deployment.outputs)
    exports.write_text(
        f"#!/bin/sh\n[ \"$6\" = dev ] && echo '{answer}' && exit 0\n"
        "echo \"error: no stack named '$6' found\" >&2; exit 255\n"
    )
    exports.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    at = ("--program", str(tmp_path))
    assert command("list", "--stack", "dev", *at, "-o", "json").json[0]["function"] == function
    assert "no stack named 'x' found. pulumi stack ls" in command("list", "--stack", "x", *at).err


def test_one_call_from_python(sandbox: Sandbox) -> None:
    sandbox.next(WELL, FAILING, Run(0, 3600))
    (task,) = launch("job", environment={"A": "1"}).wait()
    assert (task.outcome, task.exit_code) == ("succeeded", 0)
    with pytest.raises(
        JobFailed, match=r"^job failed: it ended with exit code 3\. Its log: fargate-job logs job --task"
    ):
        launch("job").wait()
    slow = launch("job")
    with pytest.raises(StillRunning, match=r"It keeps running: fargate-job runs follow job [0-9a-f]{8}\.$"):
        slow.wait(timeout_seconds=0.1)
    slow.stop()
    assert [it.outcome for it in slow.wait(check=False)] == ["stopped"]
    with pytest.raises(Rejected, match=r"count: 4: a whole number from 1 to 3 .*; environment: 'B': not declared"):
        launch("job", count=4, environment={"B": "1"})
    assert launch("job", dry_run=True).result["status"] == "DRY_RUN"


CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Gives a program the terminal that is its standard input, so that Ctrl-C there reaches it."""


class Terminal:
    """A program on a terminal of its own, and what it has shown."""

    def __init__(self, sandbox: Sandbox, *arguments: str) -> None:
        self._ours, theirs = os.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTROLLING, *FARGATE_JOB, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**sandbox.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
        )
        os.close(theirs)
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                some = os.read(self._ours, 4096)
            except OSError:  # as Linux ends a terminal that nobody holds any more
                some = b""
            with self._changed:
                self.shown += some.decode(errors="replace")
                self._changed.notify_all()
            if not some:
                return

    def until(self, said: str) -> None:
        """Until it has shown this."""
        with self._changed:
            assert self._changed.wait_for(lambda: said in self.shown, 60), self.shown

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def end(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(60)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._ours)


def test_on_a_terminal_the_state_is_drawn_live_and_ctrl_c_leaves_the_job_running(sandbox: Sandbox) -> None:
    sandbox.next(Run(0, 3600, lines=("it is under way",)), WELL)
    with Terminal(sandbox, "launch", "job", "--follow") as terminal:
        terminal.until("it is under way")
        terminal.until("RUNNING")
        terminal.type(b"\x03")
        assert terminal.end() == 130
        terminal.until("To follow it again: ")
    shown = terminal.shown
    found = re.search(r"job keeps running\. To follow it again: fargate-job (runs follow job [0-9a-f]{8})\b", shown)
    assert found is not None, shown
    # Drawn over and over, on one line, and gone at the end.
    assert shown.count("Ctrl-C leaves it running") > 1
    assert "\x1b[2K" in shown
    (running,) = (it for it in command("status", "job", "-o", "json").json["tasks"] if it["status"] == "RUNNING")
    with Terminal(sandbox, *found[1].split()) as back:
        back.until("it is under way")
        command("stop", "job", "--task", running["id"])
        assert back.end() == 143
        back.until("somebody stopped it")


def test_ctrl_c_while_launching_says_how_to_find_out_and_before_it_says_nothing(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = cast("Any", BaseClient)._make_api_call
    pressed_at = ""

    def pressed(client: Any, operation: str, parameters: Any) -> Any:
        if operation == pressed_at:
            raise KeyboardInterrupt
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", pressed)
    pressed_at = "Invoke"
    text, data = command("launch", "job"), command("launch", "job", "-o", "json")
    assert (text.code, text.err) == (
        130,
        "\ninterrupted while launching. To see whether it launched: fargate-job status job\n",
    )
    assert (data.code, json.loads(data.err)["error"]["next"]) == (
        130,
        "To see whether it launched: fargate-job status job",
    )
    pressed_at = "GetFunctionConfiguration"
    text, data = command("launch", "job"), command("launch", "job", "-o", "json")
    assert (text.code, text.err) == (130, "")
    assert (data.code, json.loads(data.err)["error"]["kind"]) == (130, "Interrupted")
    pressed_at = "DescribeTasks"
    sandbox.next(WELL)
    data = command("launch", "job", "--follow", "-o", "json")
    assert json.loads(data.err)["error"]["next"].startswith("To follow it again: fargate-job runs follow job ")


def test_ctrl_c_while_the_command_is_loaded_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-c", "from fargate_job_launcher.operate.terminal import fargate_job; fargate_job()"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("shape", ["text", "json"])
def test_a_reader_who_leaves_is_no_error(sandbox: Sandbox, shape: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*FARGATE_JOB, "status", "job", "-o", shape],
        stdout=writing, stderr=subprocess.PIPE, text=True, timeout=600, check=False, env=sandbox.environ,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.usefixtures("sandbox")
def test_a_function_that_cannot_be_explained_is_reported_as_every_other_error(monkeypatch: pytest.MonkeyPatch) -> None:
    explained = command("explain", "job", "-o", "json")
    role = find(Account(), "job").role.rpartition("/")[2]
    assert (explained.code, explained.json["launcher"]) == (0, role)
    assert command("explain", "job", "--format", "mermaid").out.startswith("flowchart LR\n")
    assert re.search(rf"^  {role} +none of these roles$", command("explain", "job").out, re.MULTILINE)
    for line in command("explain", "job", width=60).out.splitlines():
        # Only a name that is longer.
        assert len(line) <= 60 or " " not in line.strip(), line
    assert "without RunOnlyThisTask:" in command("explain", "job", "--format", "mutations").out
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9")
    gone = command("explain", "job", "-o", "json")
    assert (gone.code, gone.out, json.loads(gone.err)["error"]["kind"]) == (125, "", "Unreachable")


@pytest.mark.usefixtures("sandbox")
def test_a_launcher_of_another_version_is_reported_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    call = cast("Any", BaseClient)._make_api_call

    def older(client: Any, operation: str, parameters: Any) -> Any:
        answer = call(client, operation, parameters)
        if operation == "GetFunctionConfiguration":
            settings = json.loads(answer["Environment"]["Variables"][VARIABLE])
            del settings["maxRunning"]
            answer["Environment"]["Variables"][VARIABLE] = json.dumps(settings)
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", older)
    found = "the launcher of job of stack other/dev was deployed by another version of this package"
    done = command("status", "job")
    assert (done.code, done.err) == (125, f"error: {found}. Run pulumi up with this version.\n")
    data = command("status", "job", "-o", "json")
    assert (data.code, json.loads(data.err)["error"]["message"]) == (125, found)


def test_no_run_of_a_supervised_trial_is_left_for_the_jobs_next_task(tmp_path: Path) -> None:
    arguments = {"runs": {}, "supervision": {"retries": 1, "retry_on": ["failed"], "max_runtime_minutes": 5}}
    source = "import pulumi_aws as aws\n" + re.sub(
        r'"arn:aws:ecs:[^"]*"', 'aws.ecs.Cluster("c").arn', SOURCE.format(arguments=arguments)
    )
    with Emulator(region="eu-west-1") as aws:
        launcher = deploy(program(tmp_path, source), aws).launchers["job"]
        assert supervise(aws, launcher).notice.startswith("job failed: ran longer than 5 minutes")
        (task,) = sandbox_launch(aws, launcher, {}).tasks
        time.sleep(1)
        ecs = aws.client("ecs")
        (task,) = ecs.describe_tasks(cluster=task["clusterArn"], tasks=[task["taskArn"]])["tasks"]
        assert task["lastStatus"] == "RUNNING"


def test_in_a_pipe_the_same_is_plain_lines_as_they_arrive(sandbox: Sandbox) -> None:
    sandbox.next(FAILING)
    done = subprocess.run(
        [*FARGATE_JOB, "launch", "job", "--follow"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=sandbox.environ,
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert [lines[0], lines[-2]] == ["Launched job", "about to fail"]
    # Which states are seen depends on when it looks; each has a line of its own, in the order of a task's life.
    life = ["job is PROVISIONING", "job is PENDING", "job is RUNNING"]
    assert [it for it in lines if it.startswith("job is ")] == [it for it in life if it in lines]


def test_neither_the_command_nor_the_functions_wait_for_pulumi_or_the_sandbox() -> None:
    seen = "import sys, fargate_job_launcher.operate.command; print([it for it in sys.modules if it.startswith(%r)])"
    loaded = seen % (("pulumi", "ministack", "fargate_job_launcher.sandbox"),)
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_launchers_own_denial_names_the_statement_that_is_missing(sandbox: Sandbox) -> None:
    """The launcher's guards hold, since it is the launcher that is asked; and nobody else is."""
    role = sandbox.deployment.launchers["job"].outputs["launcher_role_arn"].rpartition("/")[2]
    iam = sandbox.aws.client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = {it: iam.get_role_policy(RoleName=role, PolicyName=it)["PolicyDocument"] for it in names}
    ((name, document),) = (it for it in documents.items() if "PassOnlyTheseRoles" in json.dumps(it[1]))
    without = {**document, "Statement": [it for it in document["Statement"] if it["Sid"] != "PassOnlyTheseRoles"]}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(without))
    try:
        with pytest.raises(
            NotLaunched, match=r"The launcher's role lacks \{.*\"iam:PassRole\", \"Resource\": \"arn:aws"
        ):
            launch("job", account=Account())
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
