"""The outcome of a stopped task, what its run keeps of it, and whether it is retried."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fargate_job_launcher.handler.attempt import belongs, facts, retried
from fargate_job_launcher.handler.outcome import KINDS, classify


def task(stop_code: str, exit_code: int | None = None, **more: Any) -> dict[str, Any]:
    job: dict[str, Any] = {"name": "job", **({} if exit_code is None else {"exitCode": exit_code})}
    if "job_reason" in more:
        job["reason"] = more.pop("job_reason")
    sidecar = {"name": "sidecar", "exitCode": 0, **({"reason": more.pop("beside")} if "beside" in more else {})}
    return {"stopCode": stop_code, "stoppedReason": more.pop("why", ""), "containers": [sidecar, job], **more}


@pytest.mark.parametrize(
    ("stopped", "kind", "said"),
    [
        (task("EssentialContainerExited", 0), "succeeded", "exit code 0"),
        (task("EssentialContainerExited", 1), "failed", "exit code 1"),
        (task("EssentialContainerExited", 127), "failed", "not found in the image"),
        (
            task("EssentialContainerExited", 137, job_reason="OutOfMemoryError: Container killed"),
            "failed",
            "out of memory",
        ),
        (task("TaskFailedToStart", why="CannotPullContainerError: pull denied"), "never_started", "pull denied"),
        (task("TaskFailedToStart", 0), "never_started", "it never started"),
        (task("EssentialContainerExited"), "never_started", "ECS gives no reason"),
        ({"stopCode": "EssentialContainerExited", "containers": []}, "never_started", "ECS gives no reason"),
        ({}, "never_started", "ECS gives no reason"),
        (
            task("TaskFailedToStart", why="Task failed to start", beside="CannotPullContainerError: a:1: not found"),
            "never_started",
            "its container sidecar: CannotPullContainerError",
        ),
        (
            task(
                "EssentialContainerExited", 143, why="Essential container in task exited", beside="OutOfMemoryError: a"
            ),
            "failed",
            "exit code 143: its container sidecar: OutOfMemoryError",
        ),
        (task("EssentialContainerExited", 2, beside="OutOfMemoryError: a"), "failed", "it ended with exit code 2"),
        (
            task("TaskFailedToStart", why="CannotPullContainerError: pull denied", beside="it never ran"),
            "never_started",
            "it never started: CannotPullContainerError",
        ),
        (task("EssentialContainerExited", startedAt="2026-01-01T00:00:00Z"), "failed", "cut off, without an exit code"),
        (task("TaskFailedToStart", startedAt="2026-01-01T00:00:00Z"), "never_started", "it never started"),
        (task("SpotInterruption", why="Your Spot Task was interrupted."), "interrupted", "Spot took its capacity"),
        # It had done its work, whatever stopped it then.
        (task("SpotInterruption", 0, why="Your Spot Task was interrupted."), "succeeded", "exit code 0"),
        (task("UserInitiated", 0, why="fargate-job-launcher: ran longer than 5 minutes"), "succeeded", "exit code 0"),
        (task("TerminationNotice"), "interrupted", "AWS retired the capacity"),
        (task("InfrastructureHealth", 1), "interrupted", "infrastructure"),
        (
            task("UserInitiated", 143, why="Task stopped by user"),
            "stopped",
            "somebody stopped it: Task stopped by user",
        ),
        (
            task("UserInitiated", why="fargate-job-launcher: did not start within 5 minutes"),
            "never_started",
            "it did not",
        ),
        (
            task("UserInitiated", 143, why="fargate-job-launcher: replaced by the run x"),
            "stopped",
            "it was replaced by",
        ),
        (task("UserInitiated", 137, why="fargate-job-launcher: ran longer than 5 minutes"), "timed_out", "ran longer"),
        (task("ServiceSchedulerInitiated", 143), "stopped", "a service stopped it"),
    ],
)
def test_a_stopped_task_has_its_outcome_and_is_no_success_without_an_exit_code(
    stopped: dict[str, Any], kind: str, said: str
) -> None:
    outcome = classify(stopped, "job")
    assert outcome.kind == kind in KINDS
    assert said in outcome.reason


RUN = {"container": "job", "usdPerHour": 3.6}
STARTED_BY = f"import/{'0a' * 16}"


def told(**more: Any) -> dict[str, Any]:
    """A stopped task, as the event of ECS has it."""
    return {
        "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/jobs/0123",
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/p-dev-import:7",
        "startedBy": STARTED_BY,
        "lastStatus": "STOPPED",
        **task("EssentialContainerExited", 1),
        **more,
    }


@pytest.mark.parametrize(
    ("started_by", "found"),
    [
        (STARTED_BY, ("p-dev-import", "import", "0a" * 16, 1, "")),
        (f"{STARTED_BY}/2/0123456789abcdef", ("p-dev-import", "import", "0a" * 16, 3, "0123456789abcdef")),
        ("somebody", None),
        ("", None),
        ("ecs-svc/0123456789012345678", None),
        (f"import/{'0a' * 15}", None),
        (f"{STARTED_BY}/2", None),
    ],
)
def test_a_task_belongs_to_the_run_that_its_started_by_names(started_by: str, found: Any) -> None:
    of = belongs(told(startedBy=started_by))
    assert found == (None if of is None else (of.pk, of.job, of.run, of.attempt, of.root))


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (("2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z", "2026-01-01T01:00:00.2Z"), 3601),
        ((None, "2026-01-01T00:00:30Z", "2026-01-01T00:05:30Z"), 300),
        (("2026-01-01T00:00:00Z", None, "2026-01-01T00:00:05Z"), 60),
        ((None, None, "2026-01-01T00:00:05Z"), 0),
        (("2026-01-01T00:00:00Z", None, None), 0),
    ],
)
def test_a_task_costs_from_its_images_download_to_its_end_and_a_minute_at_least(
    times: tuple[str | None, ...], seconds: int
) -> None:
    named = zip(("pullStartedAt", "startedAt", "stoppedAt"), times, strict=True)
    given = told(**{key: it for key, it in named if it is not None})
    of = belongs(given)
    assert of is not None
    found = facts(given, of, RUN)
    assert (found["seconds"], found["costUsd"]) == (seconds, round(seconds / 1000, 8))
    # botocore describes a task with datetimes.
    described = {**given, **{key: datetime.fromisoformat(given[key]) for key in given if key.endswith("At")}}
    assert facts(described, of, RUN)["seconds"] == seconds
    assert "costUsd" not in facts(given, of, {"container": "job"})


@pytest.mark.parametrize(
    ("found", "policy", "again"),
    [
        ({"outcome": "failed", "exitCode": 1}, {}, True),
        ({"outcome": "failed", "exitCode": 3}, {"neverRetryExitCodes": [3]}, False),
        ({"outcome": "failed", "exitCode": 3}, {"retryOn": [], "retryExitCodes": [3]}, True),
        ({"outcome": "timed_out", "exitCode": 75}, {"retryExitCodes": [75]}, True),
        ({"outcome": "timed_out", "exitCode": 137}, {"retryExitCodes": [75]}, False),
        ({"outcome": "interrupted"}, {"retryExitCodes": [3], "neverRetryExitCodes": [1]}, True),
        ({"outcome": "never_started"}, {"retryOn": ["failed"]}, False),
        ({"outcome": "succeeded", "exitCode": 0}, {"retryOn": ["succeeded"]}, False),
        ({"outcome": "stopped", "exitCode": 3}, {"retryExitCodes": [3]}, False),
        ({"outcome": "failed", "lost": True}, {}, False),
    ],
)
def test_a_policy_retries_by_exit_code_first_and_by_outcome_then(
    found: dict[str, Any], policy: dict[str, Any], again: bool
) -> None:
    usual = {"retryOn": ["failed", "interrupted"], "retryExitCodes": [], "neverRetryExitCodes": []}
    assert retried(found, {**usual, **policy}) == again
