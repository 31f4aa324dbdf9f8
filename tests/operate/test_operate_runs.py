"""What the command and the calls make of runs: launches that wait or are skipped, conflicts, retries, redrives."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fargate_job_launcher.handler.run import ENDED
from fargate_job_launcher.handler.table import typed
from fargate_job_launcher.operate import (
    Account,
    Conflict,
    JobError,
    NoSuchTask,
    NotLaunched,
    StillRunning,
    find,
    launch,
    retry,
    tasks,
)
from fargate_job_launcher.operate.letters import DeadLetter, read
from fargate_job_launcher.operate.parked import queue_url, redrive
from fargate_job_launcher.operate.runs import newest, retry_event
from fargate_job_launcher.operate.runs import read as run_of
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from fargate_job_launcher.sandbox.proof.supervised import SWEEPING, supervisor_of
from shell import command, eventually, leading_to

from tools.recording import program

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobRuns, PayloadBucket
cluster = aws.ecs.Cluster("c")
runs = JobRuns("jobs", {"cluster_arns": [cluster.arn]})
bucket = PayloadBucket("payloads", {"force_destroy": True})
common = {
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "runs": runs.shared,
}
FargateJobLauncher("skipping", {**common, "max_running": 1, "overlap": "skip", "asynchronous": True})
FargateJobLauncher("replacing", {**common, "max_running": 1, "overlap": "replace"})
FargateJobLauncher("again", {**common, "supervision": {"retries": 1}})
FargateJobLauncher("halted", {**common, "supervision": {"retries": 1}})
FargateJobLauncher("retried", common)
FargateJobLauncher("job", {
    **common, "queue": {}, "payload_bucket": bucket.bucket_name,
    "overrides": {"payload": True, "environment": ["A"], "max_count": 3},
})
"""
WELL, FAILING, LONG = Run(0, 0.1), Run(3, 0.1), Run(0, 3600)


def state(job: str, run: str) -> str:
    """The state of a run."""
    item = run_of(find(Account(), job), run)
    assert item is not None
    return item["state"]


def ended(job: str, run: str) -> str:
    """The state of a run that has ended."""
    return eventually(lambda: found if (found := state(job, run)) in ENDED else None)


@contextmanager
def sweeping(aws: Emulator) -> Generator[None]:
    """The supervisor looks for what is due again and again, and not only every minute."""
    done = threading.Event()
    function = supervisor_of(aws, find(Account(), "replacing").settings.runs_table)

    def sweep() -> None:
        while not done.wait(0.5):
            aws.pass_minutes(2)
            aws.client("lambda").invoke(FunctionName=function, Payload=SWEEPING)

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(region="eu-west-1") as emulator, leading_to(emulator):
        deploy(program(tmp_path_factory.mktemp("program"), SOURCE), emulator)
        events = emulator.client("events")
        # A test says when the supervisor looks.
        for rule in events.list_rules(NamePrefix="jobs-sweep")["Rules"]:
            events.disable_rule(Name=rule["Name"])
        yield emulator


def script(aws: Emulator, job: str, *runs: Run) -> None:
    """What the job's next tasks do."""
    aws.script(find(Account(), job).family, *runs)


def test_a_skipped_launch_is_no_failure(aws: Emulator) -> None:
    script(aws, "skipping", LONG)
    first = launch("skipping")
    skipped = launch("skipping")
    assert (skipped.result["status"], skipped.wait()) == ("SKIPPED", [])
    done = command("launch", "skipping", "--wait")
    # What comes after it in a shell does not go on as if it had run; without waiting, that is no failure.
    assert (done.code, done.err) == (125, "")
    assert re.fullmatch(
        r"Not launched: skipping runs already, and its `overlap` is skip\n  run   [0-9a-f]{8}\n", done.out
    )
    assert command("launch", "skipping").code == 0
    assert command("launch", "skipping", "--follow", "-o", "json").events[0]["status"] == "SKIPPED"
    assert command("runs", "follow", "skipping", skipped.run).code == 125
    assert json.loads(command("launch", "skipping", "-o", "json").out)["state"] == "SKIPPED"
    states = {it["run"]: it["state"] for it in newest(find(Account(), "skipping"))}
    assert (states[first.run], states[skipped.run]) == ("RUNNING", "SKIPPED")
    # A redrive that is skipped leaves the message; once the job has ended, its key is a new one.
    job, letter = find(Account(), "skipping"), parked("skipping", {})
    with pytest.raises(JobError, match=r"skipping runs already.*Try it again when the job has ended"):
        redrive(job, letter)
    first.stop()
    ended("skipping", first.run)
    assert redrive(job, letter).status == "LAUNCHED"


def test_a_run_is_stopped_with_the_retries_that_it_would_have(aws: Emulator) -> None:
    job = find(Account(), "halted")
    script(aws, "halted", FAILING, LONG, FAILING, LONG, LONG)
    first = launch("halted")
    # The task of the launch has ended, and its retry runs.
    retry_runs = lambda: any(it["attempt"] == 2 and "calls" not in it for it in open_of(first.run).values())  # noqa: E731
    eventually(retry_runs)
    first.stop("wrong file")
    assert ended("halted", first.run) == "STOPPED"
    assert sorted(it.outcome for it in tasks(job) if it.run == first.run) == ["failed", "stopped"]
    first.stop()

    # By the command; nothing is launched after it, and it is no array.
    second = launch("halted")
    with sweeping(aws):
        done = command("runs", "stop", "halted", second.run[:8])
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            "Its tasks are stopped within a minute, and none is retried.",
        )
        assert ended("halted", second.run) in ("STOPPED", "FAILED")
    assert len([it for it in tasks(job) if it.run == second.run]) <= 2
    over = command("runs", "stop", "halted", second.run)
    assert (
        over.code,
        re.search(rf"halted: run: {second.run} is [A-Z]+, and nothing of it runs any more\.$", over.err) is not None,
    ) == (125, True), over.err
    paused = command("runs", "pause", "halted", second.run)
    assert (paused.code, "has no array" in paused.err) == (125, True)


def test_a_launch_that_waits_is_stopped_before_it_has_a_task(aws: Emulator) -> None:
    script(aws, "replacing", LONG, LONG)
    first = launch("replacing")
    waits = launch("replacing")
    assert waits.result["status"] == "WAITING"
    waits.stop()
    with sweeping(aws):
        assert ended("replacing", first.run) == "STOPPED"
        assert ended("replacing", waits.run) == "STOPPED"
    assert not [it for it in tasks(find(Account(), "replacing")) if it.run == waits.run]


def open_of(run: str) -> Any:
    return (run_of(find(Account(), "halted"), run) or {"open": {}})["open"]


def test_a_launch_that_waits_is_followed_once_its_tasks_are_there(aws: Emulator) -> None:
    script(aws, "replacing", LONG, LONG, WELL)
    first = launch("replacing")
    replacing = launch("replacing")
    assert (replacing.result["status"], replacing.task_arns) == ("WAITING", [])
    with pytest.raises(StillRunning, match="not launched within 0 seconds: it waits until its running tasks have sto"):
        replacing.wait(timeout_seconds=0)
    said = command("launch", "replacing")
    assert said.out.startswith("Not yet launched: replacing waits until its running tasks have stopped (`overlap`: rep")
    assert re.search(r"\n  next  fargate-job runs follow replacing [0-9a-f]{8}\n$", said.out)
    shown = command("status", "replacing").out
    assert re.search(r"\nRun \w{8} of \S+Z is LAUNCHING and has no task yet\.\n", shown)
    # The newest one replaces those that wait, too.
    third = newest(find(Account(), "replacing"))[0]["run"]
    with sweeping(aws):
        with pytest.raises(NotLaunched, match=r"replacing: 0 of 1 tasks launched: Replaced: a later launch replaced"):
            replacing.wait()
        eventually(lambda: state("replacing", third) == "RUNNING")
        done = command("launch", "replacing", "--wait", "-o", "json")
    waited, started, *_, end = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, waited["status"], started["status"], end["outcome"]) == (0, "WAITING", "LAUNCHED", "succeeded")
    assert (waited["run"], end["id"]) == (started["run"], started["tasks"][0]["id"])
    assert ended("replacing", first.run) == "STOPPED"


def test_a_key_of_another_request_is_a_conflict_with_the_names_that_differ(aws: Emulator) -> None:
    script(aws, "job", WELL)
    first = launch("job", environment={"A": "1"}, idempotency_key="mine")
    with pytest.raises(Conflict) as raised:
        launch("job", environment={"A": "secret"}, payload=[1], idempotency_key="mine")
    assert str(raised.value) == (
        "job was not launched: the idempotency key belongs to another request, which differs in environment, payload. "
        "Send the same request again, or use another key."
    )
    assert raised.value.result["tasks"] == first.result["tasks"]
    done = command("launch", "job", "--key", "mine", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["kind"]) == (125, "Conflict")


def test_a_task_that_supervision_retries_is_left_out_and_launched_again_once_its_retry_failed(aws: Emulator) -> None:
    script(aws, "again", FAILING, LONG)
    first = launch("again")
    first.wait(check=False, attempt_only=True)
    retried = eventually(lambda: next((it for it in tasks(find(Account(), "again")) if it.attempt == 2), None))
    assert (retried.run, retried.root) == (first.run, first.result["tasks"][0]["id"][:16])
    # The run knows of the second attempt before or after ECS shows it.
    eventually(
        lambda: f"{first.result['tasks'][0]['id'][:8]} is left out: attempt 2 is un" in command("retry", "again").err
    )
    command("stop", "again", "--all")
    assert ended("again", first.run) == "STOPPED"
    script(aws, "again", WELL)
    done = command("retry", "again", "--wait", "-o", "json")
    assert (done.code, json.loads(done.out.splitlines()[-1])["attempt"]) == (0, 1)
    script(aws, "again", FAILING, WELL)
    second = launch("again")
    assert ended("again", second.run) == "SUCCEEDED"
    said = command("retry", "again")
    # Nothing is launched: the other failed tasks have been launched again before.
    assert (said.code, said.out) == (125, ""), said
    assert f"{second.result['tasks'][0]['id'][:8]} is left out: attempt 2 succeeded; " in said.err
    assert "Name a task with --task to retry it all the same" in said.err


def test_a_task_that_was_retried_is_not_retried_again_unless_it_is_named(aws: Emulator) -> None:
    script(aws, "retried", FAILING, LONG, FAILING, WELL)
    (failed,) = launch("retried").wait(check=False)
    again = json.loads(command("retry", "retried", "-o", "json").out)
    done = command("retry", "retried", "--wait")
    assert done.code == 125
    assert f"{failed.id[:8]} is left out: its retry, run {again['run']}, is RUNNING; " not in done.out
    assert f"{failed.id[:8]} is left out: its retry, run {again['run']}, is RUNNING." in done.err
    assert command("retry", "retried", "--task", failed.id, "--wait").code == 3
    command("stop", "retried", "--all")
    assert ended("retried", again["run"]) == "STOPPED"
    # The newest that failed is a retry: its own retry does the work of all of them.
    done = command("retry", "retried", "--wait", "-o", "json")
    assert done.code == 0
    assert ended("retried", json.loads(done.out.splitlines()[0])["run"]) == "SUCCEEDED"
    said = command("retry", "retried").err
    assert said.count("is left out: its retry, run ") == 3


def test_two_that_retry_a_task_at_the_same_time_launch_it_once(aws: Emulator) -> None:
    script(aws, "job", FAILING, FAILING, WELL)
    several = launch("job", count=2, environment={"A": "kept"})
    several.wait(check=False)
    job, (one, _) = find(Account(), "job"), several.tasks()
    event = retry_event(job, one)
    assert event == {"environment": {"A": "kept"}, "idempotencyKey": f"retry 1 of {one.id}"}
    assert retry_event(job, one) == event
    assert retry(job, one).result["launched"] == 1
    assert retry_event(job, one)["idempotencyKey"] == f"retry 2 of {one.id}"


def test_a_retry_has_the_payload_that_was_stored_or_says_that_it_is_gone(aws: Emulator) -> None:
    script(aws, "job", FAILING, WELL)
    payload = {"rows": ["é" * 50] * 500}
    (task,) = launch("job", payload=payload).wait(check=False)
    job = find(Account(), "job")
    (well,) = retry(job, task).wait()
    (variable,) = well.record["overrides"]["containerOverrides"][0]["environment"]
    assert variable["name"] == "JOB_PAYLOAD_S3_URI"
    item = run_of(job, well.run)
    assert item is not None
    bucket, _, key = item["payload"]["uri"].removeprefix("s3://").partition("/")
    s3 = aws.client("s3")
    assert json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) == payload
    s3.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(
        JobError, match=rf"the payload of the run is gone, .*: s3://{bucket}/{key}\. Launch the job with"
    ):
        retry(job, well)
    # A run that the table has forgotten cannot be launched again as it was.
    aws.client("dynamodb").delete_item(
        TableName=job.settings.runs_table, Key={"pk": {"S": job.family}, "sk": {"S": f"run#{task.run}"}}
    )
    with pytest.raises(NoSuchTask, match=r"is not in the table .*Launch the job instead"):
        retry(job, task)


def parked(job: str, body: Any, **changed: Any) -> DeadLetter:
    """A dead letter of a job with this body, received; `changed` of its message is as it is given."""
    found = find(Account(), job)
    sqs = found.account.client("sqs")
    sqs.send_message(QueueUrl=queue_url(found), MessageBody=json.dumps(body))
    (message,) = sqs.receive_message(QueueUrl=queue_url(found), VisibilityTimeout=600, WaitTimeSeconds=2)["Messages"]
    return read({**message, **changed}, found)


def left(job: str) -> int:
    """How many messages are in a job's dead-letter queue, received or not."""
    its, names = find(Account(), job), ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = its.account.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=queue_url(its), AttributeNames=names)["Attributes"]
    return sum(int(it) for it in found.values())


def delivered(aws: Emulator, body: Any) -> tuple[str, str]:
    """Let the launcher have a message of the queue. Its id, and the id of the run."""
    job, message = find(Account(), "job"), str(uuid.uuid4())
    event = {"Records": [{"eventSource": "aws:sqs", "messageId": message, "body": json.dumps(body)}]}
    answer = aws.client("lambda").invoke(FunctionName=job.function, Payload=json.dumps(event).encode())
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    return message, next(it["run"] for it in newest(job) if it["key"] in (message, body.get("idempotencyKey")))


def lacking(aws: Emulator, run: str, **launch: Any) -> list[str]:
    """Let a run look as if its last task had never been launched, and its trigger would not
    deliver it again. The other tasks."""
    job = find(Account(), "job")
    item = run_of(job, run)
    assert item is not None
    gone = item["tasks"].pop()
    item["open"].pop(gone, None)
    item["launch"] |= {"closed": False, "lease": 0, "open": False, **launch}
    item |= {"state": "LAUNCHING", "version": item["version"] + 1}
    aws.client("dynamodb").put_item(TableName=job.settings.runs_table, Item=typed(item))
    return item["tasks"]


def moved(message: str) -> dict[str, Any]:
    """How SQS delivers a message that it has moved from the job's queue, with its id."""
    return {"MessageId": message, "Attributes": {"DeadLetterQueueSourceArn": "arn:aws:sqs:eu-west-1:1:job-queue"}}


def test_a_redrive_launches_what_a_messages_run_lacks_and_nothing_twice(aws: Emulator) -> None:
    job, body = find(Account(), "job"), {"count": 3, "environment": {"A": "rest"}}
    script(aws, "job", LONG, LONG, LONG, LONG)
    message, run = delivered(aws, body)
    kept = lacking(aws, run)
    letter = parked("job", body, **moved(message))
    assert letter.run == run
    done = redrive(job, letter)
    assert (done.status, len(done.tasks), left("job")) == ("LAUNCHED", 1, 0)
    assert done.tasks[0] not in kept
    # The same letter again, because its message could not be deleted: nothing is launched twice.
    again = redrive(job, parked("job", body, **moved(message)))
    assert (again.status, again.tasks) == ("DUPLICATE", done.tasks)
    script(aws, "job", LONG)
    assert launch("job").result["launched"] == 1
    command("stop", "job", "--all")


def test_a_redrive_of_what_was_launched_whole_says_so_and_launches_nothing(aws: Emulator) -> None:
    job, before = find(Account(), "job"), len(aws.calls())
    script(aws, "job", WELL)
    message, run = delivered(aws, {"idempotencyKey": "whole"})
    letter = parked("job", {"idempotencyKey": "whole"}, **moved(message))
    assert letter.run == run
    done = redrive(job, letter)
    assert (done.status, done.run, left("job")) == ("DUPLICATE", run, 0)
    assert [it["action"] for it in aws.calls()[before:]].count("ecs:RunTask") == 1


def test_a_redrive_waits_until_it_is_known_what_was_launched(aws: Emulator) -> None:
    job = find(Account(), "job")
    script(aws, "job", LONG, LONG)
    message, run = delivered(aws, {"count": 2})
    lacking(aws, run, open=True)
    letter = parked("job", {"count": 2}, **moved(message))
    with pytest.raises(JobError, match=rf"what run {run} of job launches is not known yet\. Redrive it again in"):
        redrive(job, letter)
    assert left("job") == 1
    aws.client("sqs").purge_queue(QueueUrl=queue_url(job))
    command("stop", "job", "--all")


def test_a_letter_says_what_the_launcher_answered_and_a_conflict_is_launched_under_a_key_of_its_own(
    aws: Emulator,
) -> None:
    job = find(Account(), "job")
    script(aws, "job", LONG, LONG)
    other = launch("job", idempotency_key="theirs")
    body = {"idempotencyKey": "theirs", "environment": {"A": "1"}}
    told = {name: {"StringValue": it} for name, it in {"status": "CONFLICT", "run": other.run, "reasons": "R"}.items()}
    letter = parked("job", body, MessageAttributes=told)
    assert (letter.status, letter.run, letter.reasons, letter.event) == ("CONFLICT", other.run, "R", body)
    done = redrive(job, letter)
    assert (done.status, done.run != other.run, left("job")) == ("LAUNCHED", True, 0)
    # Of a run that the table has forgotten, nobody knows which tasks are missing.
    told = {name: {"StringValue": it} for name, it in {"status": "PARTIAL", "run": "0" * 32}.items()}
    with pytest.raises(JobError, match=r"some of its tasks were launched, and the table has no run 0{32} any more"):
        redrive(job, parked("job", {"count": 2}, MessageAttributes=told))
    assert left("job") == 1
    aws.client("sqs").purge_queue(QueueUrl=queue_url(job))
    command("stop", "job", "--all")
