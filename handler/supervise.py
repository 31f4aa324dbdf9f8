"""The supervisor's entry point: a task stopped → retry it or tell somebody; now and then, stop what runs too long.

It keeps no table: what it has to remember of a task, its origin and its attempt, is in the task's `startedBy`. Events
come at least once. The idempotency key of a retry is made of the task that it retries, so that the same event twice
retries once. That a task was retried or told of is noted by empty streams of this function's log, named after it.
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
"""How long a retry's answer is waited for."""


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
    """0: as long as it likes."""
    retries: int
    retry_on: frozenset[str]
    topic: str
    log_group: str
    own_log_group: str
    deliveries: int
    """How often an event is delivered; a retry that has to wait is given up with the last one."""

    @staticmethod
    def read(text: str) -> Settings:
        """From the function's environment. Raises KeyError, TypeError or ValueError for any but the component's."""
        given: dict[str, Any] = json.loads(text)
        given["retry_on"] = frozenset(given["retry_on"])
        return Settings(**given)


SETTINGS: Final = Settings.read(os.environ["SUPERVISOR_SETTINGS"])


class RetryNotLaunched(Exception):
    """A retry could not be launched now; the event is delivered again."""


class NoticeUnderWay(Exception):
    """Another delivery of the event is telling of the task; when it is delivered again, that is looked at."""


class TaskNotStopped(Exception):
    """Tasks that ran too long could not be stopped; Lambda tries again, and the next round does."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Stopped tasks, one at a time, or the time to look for what runs too long."""
    if "Records" not in event:
        return {"stopped": reap()}
    failed: list[str] = []
    for record in event["Records"]:
        try:
            body = json.loads(record["body"])
            # An event that EventBridge could not deliver comes back whole.
            stopped(body.get("detail", body), int(record["attributes"]["ApproximateReceiveCount"]))
        except (RetryNotLaunched, NoticeUnderWay) as waiting:  # whatever else it is, the function fails, for an alarm
            _log("WARN", f"{type(waiting).__name__}: {waiting}", request=context.aws_request_id)
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed]}


def stopped(task: dict[str, Any], delivery: int) -> None:
    """What is owed to a task that has stopped: nothing, a retry, or a notice of its final failure. It is the
    how-manieth delivery of that event."""
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
    notes = _notes(name)
    if notes.keys() & {f"{name}/retried", f"{name}/told"}:
        _log("INFO", "the event came again; it was dealt with", **facts)
        return
    if outcome.kind in SETTINGS.retry_on and attempt < SETTINGS.retries:
        try:
            problem = _retry(task, name, origin, attempt + 1, outcome, delivery)
        except Exception as waiting:
            if delivery < SETTINGS.deliveries:
                raise
            problem = f"not in time: {waiting}"
        if not problem:
            _note(f"{name}/retried")
            _log("WARN", f"retried: {outcome.reason}", JobsRetried=1, **facts)
            return
        outcome = Outcome(outcome.kind, f"{outcome.reason}; and it could not be retried: {problem}", outcome.exit_code)
    # One tells at a time; where it died, the next one does once that is sure.
    if any(time.time() - it < SUPERVISOR_SECONDS for it in notes.values()) or not _note(f"{name}/telling/{len(notes)}"):
        raise NoticeUnderWay(name)
    _log("ERROR", outcome.reason, JobsFailed=1, **facts)
    _notify(task, name, outcome, attempt + 1)
    _note(f"{name}/told")


def reap() -> list[str]:
    """Stop every task of the job that has run past its limit; their ARNs."""
    ecs, late, failed = _client("ecs"), list[str](), list[str]()
    if not SETTINGS.max_runtime_minutes:
        return late
    limit = SETTINGS.max_runtime_minutes
    reason = f"{TIMED_OUT} {limit} minute{'' if limit == 1 else 's'}"
    # A page is no more than what DescribeTasks takes.
    for page in ecs.get_paginator("list_tasks").paginate(
        cluster=SETTINGS.cluster, family=SETTINGS.family, desiredStatus="RUNNING", PaginationConfig={"PageSize": 100}
    ):
        arns = page["taskArns"]
        for task in ecs.describe_tasks(cluster=SETTINGS.cluster, tasks=arns)["tasks"] if arns else []:
            # What hangs before it starts is caught too.
            age = datetime.now(UTC) - (task.get("startedAt") or task["createdAt"])
            ours = str(task.get("startedBy", "")).startswith(f"{SETTINGS.job}/")
            if not ours or age.total_seconds() <= limit * 60:
                continue
            try:
                ecs.stop_task(cluster=SETTINGS.cluster, task=task["taskArn"], reason=reason)
                late.append(task["taskArn"])
            except Exception as error:  # noqa: BLE001 - the others are stopped first, then it is raised
                failed.append(f"{task['taskArn']}: {error}")
    if late:
        _log("WARN", f"stopped {len(late)}: {reason}", TasksReaped=len(late))
    if failed:
        raise TaskNotStopped("; ".join(failed))
    return late


def _retry(task: dict[str, Any], name: str, origin: str, attempt: int, outcome: Outcome, delivery: int) -> str:
    """Launch the task again, as it was asked for; why it never will be, or nothing. Raises RetryNotLaunched."""
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
            # ECS answers what it was asked before as it did then: a later delivery asks anew.
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


def _capacity(told: list[dict[str, Any]]) -> str:
    """FARGATE_SPOT or FARGATE, by what ECS tells of a task: its capacity provider, or else its launch type, which a
    task on Spot has too."""
    named = [it[key] for key in ("capacityProviderName", "launchType") for it in told if it.get(key)]
    return named[0] if named else ""


def _notes(name: str) -> dict[str, float]:
    """What is noted of a task: name → when, in seconds since 1970; nothing where it cannot be read."""
    try:
        found = _client("logs").describe_log_streams(
            logGroupName=SETTINGS.own_log_group, logStreamNamePrefix=f"{name}/"
        )
    except Exception as error:  # noqa: BLE001 - better told twice than never
        _log("ERROR", f"the notes of {name}: {error}")
        return {}
    return {it["logStreamName"]: it["creationTime"] / 1000 for it in found["logStreams"]}


def _note(stream: str) -> bool:
    """Note it; false where somebody has noted it before."""
    logs = _client("logs")
    try:
        logs.create_log_stream(logGroupName=SETTINGS.own_log_group, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        return False
    except Exception as error:  # noqa: BLE001 - the same
        _log("ERROR", f"{stream}: {error}")
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
        f"{_twice(SETTINGS.log_group)}/log-events/{_twice(stream)}"
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


def _twice(text: str) -> str:
    """As CloudWatch's console wants names in its addresses."""
    from urllib.parse import quote

    return quote(quote(text, safe=""), safe="").replace("%", "$")


def _seconds(task: dict[str, Any]) -> float | None:
    """How long the task's containers ran."""
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

    # The launcher takes its time; neither it nor a topic is asked a second time meanwhile.
    once, seconds = service in ("lambda", "sns"), LAUNCHER_SECONDS if service == "lambda" else 5
    retries: Any = {"mode": "standard", "total_max_attempts": 1 if once else 3}
    config = Config(connect_timeout=2, read_timeout=seconds, retries=retries)
    return cast("Any", botocore.session.get_session().create_client(service, config=config))
