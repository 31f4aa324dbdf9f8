"""The supervisor's entry point: retries a failed task or publishes a notice, and stops tasks that run too long.

It has no table: a task's `startedBy` has its origin and its attempt. Events are delivered at least once. The
idempotency key of a retry is made from the id of its task, so that two deliveries of an event cause one retry.
Empty log streams of this function, named after the task, mark that it was retried or reported.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast

from .event import MOST_DELIVERIES
from .outcome import TIMED_OUT, Outcome, classify
from .report import line_of
from .settings import SUPERVISOR_SECONDS

_METRICS: Final = {"JobsSucceeded", "JobsFailed", "JobsRetried", "TasksReaped"}
LAUNCHER_SECONDS: Final = SUPERVISOR_SECONDS - 15
"""How long the supervisor waits for the launcher's answer to a retry."""


@dataclass(frozen=True)
class Settings:
    """The job, as deployed."""

    job: str
    container: str
    cluster: str
    family: str
    launcher: str
    """ARN of the launcher's function."""
    max_runtime_minutes: int
    """0: no limit."""
    retries: int
    retry_on: frozenset[str]
    topic: str
    log_group: str
    own_log_group: str
    deliveries: int
    """The most deliveries of an event. A retry that cannot be launched by the last delivery has failed."""

    @staticmethod
    def read(text: str) -> Settings:
        """The settings in this text. Raises KeyError, TypeError or ValueError if they are not the component's."""
        given: dict[str, Any] = json.loads(text)
        given["retry_on"] = frozenset(given["retry_on"])
        return Settings(**given)


SETTINGS: Final = Settings.read(os.environ["SUPERVISOR_SETTINGS"])


class RetryNotLaunched(Exception):
    """A retry could not be launched now; SQS delivers the event again."""


class NoticeUnderWay(Exception):
    """Another delivery of the event is publishing the notice; the next delivery checks whether it succeeded."""


class TaskNotStopped(Exception):
    """Tasks that ran too long could not be stopped; Lambda retries, and so does the next scheduled check."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle the events of stopped tasks one after another; without events, stop the tasks that run too long."""
    if "Records" not in event:
        return {"stopped": reap()}
    failed: list[str] = []
    for record in event["Records"]:
        try:
            body = json.loads(record["body"])
            # Redriven from EventBridge's dead-letter queue, an event has its task in `detail`.
            stopped(body.get("detail", body), int(record["attributes"]["ApproximateReceiveCount"]))
        except (RetryNotLaunched, NoticeUnderWay) as waiting:  # any other error fails the function and raises its alarm
            _log("WARN", f"{type(waiting).__name__}: {waiting}", request=context.aws_request_id)
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed]}


def stopped(task: dict[str, Any], delivery: int) -> None:
    """Handle the end of a task: do nothing, retry it, or publish a notice after its last attempt.

    `delivery`: the number of this delivery of the event, from 1. Raises RetryNotLaunched or NoticeUnderWay.
    """
    ours = re.fullmatch(re.escape(SETTINGS.job) + r"/([0-9a-f]{32})(?:/(\d+))?", str(task.get("startedBy", "")))
    if ours is None:
        _log("INFO", f"{task['taskArn']} was not started by this job's launcher", startedBy=task.get("startedBy"))
        return
    origin, attempt = ours[1], int(ours[2] or 0)
    outcome = classify(task, SETTINGS.container)
    facts = {"task": task["taskArn"], "outcome": outcome.kind, "exitCode": outcome.exit_code, "attempt": attempt + 1}
    facts["seconds"] = _seconds(task)
    if outcome.kind in ("succeeded", "stopped"):
        _log("INFO", outcome.reason, JobsSucceeded=int(outcome.kind == "succeeded"), **facts)
        return
    name = task["taskArn"].rpartition("/")[2]
    marks = _marks(name)
    if marks.keys() & {f"{name}/retried", f"{name}/told"}:
        _log("INFO", "the event was delivered again; its task has been retried or reported", **facts)
        return
    if outcome.kind in SETTINGS.retry_on and attempt < SETTINGS.retries:
        try:
            problem = _retry(task, name, origin, attempt + 1, outcome, delivery)
        except Exception as waiting:
            if delivery < SETTINGS.deliveries:
                raise
            problem = f"not by the last delivery: {waiting}"
        if not problem:
            _mark(f"{name}/retried")
            _log("WARN", f"retried: {outcome.reason}", JobsRetried=1, **facts)
            return
        outcome = Outcome(outcome.kind, f"{outcome.reason}; it could not be retried: {problem}", outcome.exit_code)
    # One delivery publishes at a time. If its function died, another may publish after the function's timeout.
    if any(time.time() - it < SUPERVISOR_SECONDS for it in marks.values()) or not _mark(f"{name}/telling/{len(marks)}"):
        raise NoticeUnderWay(name)
    _log("ERROR", outcome.reason, JobsFailed=1, **facts)
    _notify(task, name, outcome, attempt + 1)
    _mark(f"{name}/told")


def reap() -> list[str]:
    """Stop every task of the job that has exceeded max_runtime_minutes; their ARNs. Raises TaskNotStopped."""
    ecs, stopped_arns, failed = _client("ecs"), list[str](), list[str]()
    if not SETTINGS.max_runtime_minutes:
        return stopped_arns
    limit = SETTINGS.max_runtime_minutes
    reason = f"{TIMED_OUT} {limit} minute{'' if limit == 1 else 's'}"
    # A page has at most the 100 tasks that DescribeTasks accepts.
    for page in ecs.get_paginator("list_tasks").paginate(
        cluster=SETTINGS.cluster, family=SETTINGS.family, desiredStatus="RUNNING", PaginationConfig={"PageSize": 100}
    ):
        arns = page["taskArns"]
        for task in ecs.describe_tasks(cluster=SETTINGS.cluster, tasks=arns)["tasks"] if arns else []:
            # A task that hangs before it starts has no startedAt.
            age = datetime.now(UTC) - (task.get("startedAt") or task["createdAt"])
            ours = str(task.get("startedBy", "")).startswith(f"{SETTINGS.job}/")
            if not ours or age.total_seconds() <= limit * 60:
                continue
            try:
                ecs.stop_task(cluster=SETTINGS.cluster, task=task["taskArn"], reason=reason)
                stopped_arns.append(task["taskArn"])
            except Exception as error:  # noqa: BLE001 - the other tasks are stopped first; TaskNotStopped follows
                failed.append(f"{task['taskArn']}: {error}")
    if stopped_arns:
        _log("WARN", f"stopped {len(stopped_arns)}: {reason}", TasksReaped=len(stopped_arns))
    if failed:
        raise TaskNotStopped("; ".join(failed))
    return stopped_arns


def _retry(task: dict[str, Any], name: str, origin: str, attempt: int, outcome: Outcome, delivery: int) -> str:
    """Launch the task again as it was requested. Returns why it can never be launched, or an empty string.

    Raises RetryNotLaunched if a later delivery may succeed.
    """
    described = _client("ecs").describe_tasks(cluster=SETTINGS.cluster, tasks=[task["taskArn"]], include=["TAGS"])
    tags = {tag["key"]: tag["value"] for it in described["tasks"] for tag in it.get("tags", [])}
    if not described["tasks"]:
        _log("WARN", f"retried without its own tags: ECS no longer knows {task['taskArn']}")
    event = {
        "retryOf": {
            "task": name,
            "origin": origin,
            "attempt": attempt,
            "capacityProvider": _capacity([*described["tasks"], task]),
            # ECS repeats its answer to a repeated request: a later delivery needs its own number.
            "delivery": min(delivery, MOST_DELIVERIES),
            "overrides": task.get("overrides", {}),
            "tags": tags,
            "interrupted": outcome.kind == "interrupted",
        }
    }
    launcher = _client("lambda")
    try:
        answer = launcher.invoke(FunctionName=SETTINGS.launcher, Payload=json.dumps(event).encode())
    except launcher.exceptions.TooManyRequestsException as busy:
        raise RetryNotLaunched(str(busy)) from None
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RetryNotLaunched(f"the launcher failed: {result.get('errorMessage', '')}")
    if result["launched"]:
        return ""
    reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
    if any(it["retryable"] for it in result["failures"]):
        raise RetryNotLaunched(reasons)
    return reasons


def _capacity(descriptions: list[dict[str, Any]]) -> str:
    """FARGATE_SPOT or FARGATE, from descriptions of one task: its capacity provider, otherwise its launch type, which
    is FARGATE on Spot too."""
    named = [it[key] for key in ("capacityProviderName", "launchType") for it in descriptions if it.get(key)]
    return named[0] if named else ""


def _marks(name: str) -> dict[str, float]:
    """The marks of a task: name → seconds since 1970; empty if they cannot be read."""
    try:
        found = _client("logs").describe_log_streams(
            logGroupName=SETTINGS.own_log_group, logStreamNamePrefix=f"{name}/"
        )
    except Exception as error:  # noqa: BLE001 - two notices are better than none
        _log("ERROR", f"the marks of {name} cannot be read: {error}")
        return {}
    return {it["logStreamName"]: it["creationTime"] / 1000 for it in found["logStreams"]}


def _mark(stream: str) -> bool:
    """Create a mark; False if it exists, True also if that is unknown."""
    logs = _client("logs")
    try:
        logs.create_log_stream(logGroupName=SETTINGS.own_log_group, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        return False
    except Exception as error:  # noqa: BLE001 - two notices are better than none
        _log("ERROR", f"the mark {stream} cannot be created: {error}")
    return True


def _notify(task: dict[str, Any], name: str, outcome: Outcome, attempts: int) -> None:
    stream = f"{SETTINGS.container}/{SETTINGS.container}/{name}"
    partition, region = task["taskArn"].split(":")[1], task["taskArn"].split(":")[3]
    console = {
        "aws-cn": "console.amazonaws.cn",
        "aws-eusc": "console.amazonaws-eusc.eu",  # https://github.com/ByteNess/aws-vault/pull/285
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }.get(partition, "console.aws.amazon.com")
    logs = (
        f"https://{region}.{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
        f"{_encoded_twice(SETTINGS.log_group)}/log-events/{_encoded_twice(stream)}"
    )
    tried = "once" if attempts == 1 else f"{attempts} times"
    notice = {
        "job": SETTINGS.job,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "remedy": outcome.remedy,
        "exitCode": outcome.exit_code,
        "attempts": attempts,
        "task": task["taskArn"],
        "startedBy": task["startedBy"],
        "logs": logs,
    }
    then = f"{outcome.remedy}.\n\n" if outcome.remedy else ""
    words = f"{SETTINGS.job} failed: {outcome.reason}. It was tried {tried}.\n\n{then}Logs: {logs}\n\n"
    _client("sns").publish(
        TopicArn=SETTINGS.topic,
        Subject=f"{SETTINGS.job}: {outcome.kind.replace('_', ' ')}"[:100],
        Message=words + json.dumps(notice, indent=2),
    )


def _encoded_twice(text: str) -> str:
    """A name in an address of CloudWatch's console: encoded twice, with $ for %."""
    from urllib.parse import quote

    return quote(quote(text, safe=""), safe="").replace("%", "$")


def _seconds(task: dict[str, Any]) -> float | None:
    """How many seconds the task's containers ran; None if they never started."""
    try:
        began, ended = (datetime.fromisoformat(str(task[it])) for it in ("startedAt", "stoppedAt"))
    except (KeyError, ValueError):
        return None
    return (ended - began).total_seconds()


def _log(level: str, message: str, **facts: Any) -> None:
    units = dict.fromkeys(facts.keys() & _METRICS, "Count")
    if facts.get("seconds") is not None:
        units["JobSeconds"] = "Seconds"
        facts["JobSeconds"] = facts["seconds"]
    record: dict[str, Any] = {"level": level, "message": message, "job": SETTINGS.job, **facts}
    print(line_of(record, units, function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""), now=time.time()), flush=True)


@cache
def _client(service: str) -> Any:
    import botocore.session
    from botocore.config import Config

    # The launcher may answer late: botocore repeats no call to it, and none to the topic, which would notify twice.
    once, seconds = service in ("lambda", "sns"), LAUNCHER_SECONDS if service == "lambda" else 5
    retries: Any = {"mode": "standard", "total_max_attempts": 1 if once else 3}
    config = Config(connect_timeout=2, read_timeout=seconds, retries=retries)
    return cast("Any", botocore.session.get_session().create_client(service, config=config))
