"""Every trigger of a launch, and the launch's result."""

from __future__ import annotations

import json
import uuid

from fargate_job_launcher.operate import launch

from .place import Place


def marker() -> str:
    """A value that no other launch has."""
    return f"hello-{uuid.uuid4().hex[:12]}"


def asking(greeting: str, **more: object) -> dict[str, object]:
    return {"environment": {"GREETING": greeting}, **more}


def test_a_function_is_called_and_the_job_runs_with_its_roles_in_its_subnets(place: Place) -> None:
    said, job = marker(), place.job("shell")
    result = place.invoke("shell", asking(said))
    assert (result["status"], result["launched"]) == ("LAUNCHED", 1)
    (task,) = result["tasks"]
    ended = place.stopped(task["arn"])
    assert ended["containers"][0]["exitCode"] == 0, ended
    assert ended["taskDefinitionArn"] == job["taskDefinitionArn"]
    definition = place.client("ecs").describe_task_definition(taskDefinition=job["taskDefinitionArn"])["taskDefinition"]
    assert definition["taskRoleArn"] == job["taskRoleArn"]
    assert definition["executionRoleArn"] == job["executionRoleArn"]
    assert (task["logGroup"], job["logGroupName"]) == (job["logGroupName"], task["logGroup"])

    def lines() -> list[str]:
        logs = place.client("logs")
        found = logs.get_log_events(logGroupName=task["logGroup"], logStreamName=task["logStream"], startFromHead=True)
        return [it["message"] for it in found["events"]]

    assert place.eventually(lines, "the job has written") == [said]


def test_the_command_launches_follows_and_ends_with_the_jobs_exit_code(place: Place) -> None:
    said = marker()
    well = place.command("launch", "shell", "--env", f"GREETING={said}", "--follow")
    assert (well.code, f"\n{said}\n" in well.out) == (0, True), well
    script = f"sh -c 'echo {said}; exit 7'"
    badly = place.command("launch", "shell", "--command", script, "--env", f"GREETING={said}", "--wait")
    assert badly.code == 7, badly
    assert "it ended with exit code 7" in badly.out


def test_a_line_of_python_launches_and_waits(place: Place) -> None:
    launched = launch(place.job("shell")["functionName"], environment={"GREETING": marker()}, payload={"rows": [1, 2]})
    (ended,) = launched.wait(timeout_seconds=place.patience_seconds)
    assert (ended.outcome, ended.exit_code) == ("succeeded", 0)
    shown = place.command("logs", "shell", "--task", ended.id)
    assert (shown.code, shown.out.rstrip().endswith('{"rows":[1,2]}')) == (0, True), shown


def test_a_message_in_the_queue_launches(place: Place) -> None:
    said = marker()
    place.client("sqs").send_message(QueueUrl=place.job("shell")["queueUrl"], MessageBody=json.dumps(asking(said)))
    (task,) = place.eventually(lambda: place.tasks("shell", containing=said), "the message was launched")
    assert task["startedBy"].startswith("shell/")


def test_an_event_on_the_bus_launches(place: Place) -> None:
    said = marker()
    entry = {"Source": place.outputs["eventSource"], "DetailType": "Greeting", "Detail": json.dumps(asking(said))}
    assert place.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert len(place.eventually(lambda: place.tasks("shell", containing=said), "the event was launched")) == 1


def test_a_schedule_launches_at_its_time(place: Place) -> None:
    place.pass_minutes(1)
    (task, *_) = place.eventually(lambda: place.tasks("ticking"), "the schedule has launched")
    assert place.stopped(task["taskArn"])["containers"][0]["exitCode"] == 0


def test_a_launch_is_as_large_as_it_asks_to_be(place: Place) -> None:
    result = place.invoke("shell", asking(marker(), cpu=512, memory=1024, count=3))
    assert (result["status"], result["launched"]) == ("LAUNCHED", 3)
    arns = [it["arn"] for it in result["tasks"]]
    described = place.client("ecs").describe_tasks(cluster=place.outputs["clusterArn"], tasks=arns)["tasks"]
    assert {(it["overrides"]["cpu"], it["overrides"]["memory"]) for it in described} == {("512", "1024")}


def test_what_was_not_declared_is_rejected_and_launches_nothing(place: Place) -> None:
    said = marker()
    result = place.invoke("shell", {**asking(said), "count": 4, "taskRole": "x"})
    assert (result["status"], result["launched"]) == ("REJECTED", 0)
    problems = " ".join(it["detail"] for it in result["failures"])
    assert "count" in problems
    assert "name 3 of 3: unknown" in problems
    assert place.tasks("shell", containing=said) == []


def test_the_same_key_launches_once(place: Place) -> None:
    said = marker()
    event = asking(said, idempotencyKey=said)
    first, second = place.invoke("shell", event), place.invoke("shell", event)
    assert [it["arn"] for it in first["tasks"]] == [it["arn"] for it in second["tasks"]]
    assert len(place.tasks("shell", containing=said)) == 1


def test_a_dry_run_says_what_would_be_done_and_does_nothing(place: Place) -> None:
    said = marker()
    result = place.invoke("shell", asking(said, dryRun=True))
    assert (result["status"], len(result["dryRun"]["runTask"])) == ("DRY_RUN", 1)
    assert place.tasks("shell", containing=said) == []
