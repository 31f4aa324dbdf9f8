"""A job after its launch: retries, stops, notices, status; and the calls that nobody may make."""

from __future__ import annotations

import json
import uuid
from typing import Any

from .place import Place


def running(place: Place, task: str) -> Any:
    (found,) = place.client("ecs").describe_tasks(cluster=place.outputs["clusterArn"], tasks=[task])["tasks"]
    assert found["lastStatus"] != "STOPPED", found.get("stoppedReason")
    return found["lastStatus"] == "RUNNING"


def test_a_job_that_fails_is_launched_again_and_then_told_of(place: Place) -> None:
    said = f"fail-{uuid.uuid4().hex[:12]}"
    event = {"command": ["sh", "-c", f"echo {said}; exit 3"], "environment": {"GREETING": said}}
    result = place.invoke("shell", event)
    origin, (first,) = result["startedBy"], result["tasks"]
    notice = place.notices("exit code 3")
    assert (notice["job"], notice["outcome"], notice["exitCode"], notice["attempts"]) == ("shell", "failed", 3, 2)
    assert (notice["run"], notice["state"]) == (result["run"], "FAILED")
    again = f"{origin}/1/{first['id'][:16]}"
    assert sorted(it["startedBy"] for it in place.tasks("shell", containing=said)) == [origin, again]


def test_a_job_that_runs_away_is_stopped_and_told_of(place: Place) -> None:
    (task,) = place.invoke("shell", {"command": ["sh", "-c", "sleep 3000"]})["tasks"]
    place.eventually(lambda: running(place, task["arn"]), "the job runs")
    place.pass_minutes(3)
    ended = place.stopped(task["arn"])
    assert ended["stoppedReason"] == "fargate-job-launcher: ran longer than 2 minutes"
    notice = place.notices("ran longer than 2 minutes")
    assert (notice["task"], notice["outcome"], notice["attempts"]) == (task["arn"], "timed_out", 1)


def test_a_job_without_an_image_never_starts_and_says_what_to_do(place: Place) -> None:
    done = place.command("launch", "absent", "--wait")
    assert done.code == 125, done
    assert "it never started: CannotPullContainerError" in done.out
    assert "There is no such image or tag: push it, or correct `image` and deploy again." in done.out
    (task,) = place.tasks("absent")
    assert task["stopCode"] == "TaskFailedToStart"
    assert "exitCode" not in task["containers"][0]


def test_a_running_job_is_listed_shown_and_stopped(place: Place) -> None:
    function = place.job("shell")["functionName"]
    listed = place.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "end-to-end", "Values": [place.stack]}], ResourceTypeFilters=["lambda:function"]
    )["ResourceTagMappingList"]
    assert any(it["ResourceARN"].endswith(f":{function}") for it in listed)
    (task,) = place.invoke("shell", {"command": ["sh", "-c", "sleep 3000"]})["tasks"]
    place.eventually(lambda: running(place, task["arn"]), "the job runs")
    shown = place.command("status", "shell", "-o", "json").json
    assert task["id"] in [it["id"] for it in shown["tasks"] if it["status"] == "RUNNING"]
    stopped = place.command("stop", "shell", "--task", task["id"], "-o", "json")
    assert (stopped.code, stopped.json["stopped"]) == (0, [task["id"]])
    place.stopped(task["arn"])
    (ended,) = (it for it in place.command("status", "shell", "-o", "json").json["tasks"] if it["id"] == task["id"])
    # Nobody is told, and it is not launched again.
    assert ended["outcome"] == "stopped"


def test_what_cannot_be_launched_is_kept_and_launched_again_once_it_can(place: Place) -> None:
    said = f"redrive-{uuid.uuid4().hex[:12]}"
    job, lambda_, sqs = place.job("shell"), place.client("lambda"), place.client("sqs")
    never = json.dumps({"count": 4, "environment": {"GREETING": said}}).encode()
    lambda_.invoke(FunctionName=job["asynchronousFunctionArn"], InvocationType="Event", Payload=never)
    good = json.dumps({"environment": {"GREETING": said}})
    sqs.send_message(QueueUrl=job["deadLetterQueueUrl"], MessageBody=good)

    def parked() -> list[Any] | None:
        found = place.command("dead-letters show", "shell", "-o", "json").json
        return found if len(found) == 2 else None

    reasons = [it["reasons"] for it in place.eventually(parked, "both are dead letters")]
    assert any("count: a whole number from 1 to 3 is expected" in it for it in reasons), reasons
    done = place.command("dead-letters redrive", "shell", "-o", "json").json
    assert sorted(it["launched"] for it in done) == [False, True]
    assert len(place.tasks("shell", containing=said)) == 1
    (left,) = place.command("dead-letters show", "shell", "-o", "json").json
    assert left["event"]["count"] == 4
    sqs.purge_queue(QueueUrl=job["deadLetterQueueUrl"])


def test_the_launcher_may_pass_its_own_two_roles_to_ecs_and_none_elsewhere(place: Place) -> None:
    job = place.job("shell")
    account = job["launcherRoleArn"].split(":")[4]
    administrator = f"arn:{job['launcherRoleArn'].split(':')[1]}:iam::{account}:role/Administrator"

    def decided(role: str, service: str) -> str:
        (result,) = place.client("iam").simulate_principal_policy(
            PolicySourceArn=job["launcherRoleArn"],
            ActionNames=["iam:PassRole"],
            ResourceArns=[role],
            ContextEntries=[
                {
                    "ContextKeyName": "iam:PassedToService",
                    "ContextKeyValues": [service],
                    "ContextKeyType": "string",
                }
            ],
        )["EvaluationResults"]
        return result["EvalDecision"]

    for own in (job["taskRoleArn"], job["executionRoleArn"]):
        assert decided(own, "ecs-tasks.amazonaws.com") == "allowed"
        assert decided(own, "lambda.amazonaws.com") == "implicitDeny"
    assert decided(administrator, "ecs-tasks.amazonaws.com") == "explicitDeny"
    # Another launcher of the same stack has roles of its own.
    assert decided(place.job("ticking")["taskRoleArn"], "ecs-tasks.amazonaws.com") == "explicitDeny"


def test_both_logs_are_kept_as_long_as_was_asked(place: Place) -> None:
    job = place.job("shell")
    for name in (job["logGroupName"], job["launcherLogGroupName"]):
        groups = place.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        assert [it["retentionInDays"] for it in groups if it["logGroupName"] == name] == [1]
