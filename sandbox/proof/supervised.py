"""Tries supervision in the sandbox: a job that fails is launched again, a job that runs too long is stopped, and a
failure is told.

The supervisor gets only what AWS would send it: the ends of tasks, and the event of its rule of every minute.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fargate_job_launcher.handler.run import sort_key
from fargate_job_launcher.handler.settings import SWEEP, Settings

from ..aws.admission import admitting
from ..aws.server import Emulator
from ..aws.tasks.run import Run
from ..engine.deployment import Resource
from ..engine.jobs import launch

SWEEPING: Final = json.dumps({"Records": [{"messageId": "sweep", "body": json.dumps(SWEEP)}]}).encode()
"""The message that its rule sends the supervisor every minute, as Lambda brings it from the queue."""
WAIT_SECONDS: Final = 180

FAILING: Final = {
    "failed": Run(1, 0.1),
    "never_started": Run.never_starts(),
    "interrupted": Run.spot_interrupted(0.1),
    "timed_out": Run(1, 0.1, stop_code="UserInitiated", reason="fargate-job-launcher: ran longer than its limit"),
}
"""Outcome → a run that ends with it."""

Found = TypeVar("Found")


class NotSupervised(Exception):
    """Supervision did not do its work. The message says what did not happen."""


@dataclass(frozen=True)
class Supervised:
    """How a failing task and a task that ran too long ended."""

    retried: tuple[dict[str, Any], ...]
    """The failing job's tasks, in the order of its attempts; none if the job has no retries."""
    stopped: dict[str, Any] | None
    """The task that ran too long; None if the job has no limit."""
    staged_minutes: float
    """How many minutes before its real start ECS was made to report that this task started: nobody waits for the limit.
    0 if the job has no limit."""
    notice: str
    """The first line of the notice about it; empty if the job was launched again instead."""


def supervises(aws: Emulator, launcher: Resource) -> bool:
    """Whether the job has something to try: retries or a limit of its runtime."""
    policy = _settings(aws, launcher).policy
    return bool((policy.retries and policy.retry_on) or policy.max_runtime_minutes)


def supervise(aws: Emulator, launcher: Resource) -> Supervised:
    """Let the job fail once, then let it run too long. Raises NotSupervised if the first task is not retried, or if the
    second is not stopped and reported."""
    settings = _settings(aws, launcher)
    policy, family = settings.policy, settings.family.rpartition("/")[2]
    retried: tuple[dict[str, Any], ...] = ()
    if policy.retries and policy.retry_on:
        aws.script(family, FAILING[min(policy.retry_on)], Run(0, 0.1))
        origin = launch(aws, launcher, {}).result["startedBy"]
        retried = _eventually(lambda: _ended(aws, settings.cluster, origin, 2), f"{origin} was not launched again")
    if not policy.max_runtime_minutes:
        return Supervised(retried, None, 0, "")
    mail = mailbox(aws, settings.notice_topic)
    runaway, retried_then = Run(0, 3600, started_minutes_ago=policy.max_runtime_minutes + 1), Run(0, 0.1)
    again = "timed_out" in policy.retry_on and policy.retries
    # A run that no task uses would be used by the job's next task.
    aws.script(family, runaway, *([retried_then] if again else []))
    result = launch(aws, launcher, {}).result
    origin = result["startedBy"]
    _eventually(lambda: _tasks(aws, settings.cluster, origin, "RUNNING"), f"{origin} did not start")

    def stopped_in_time() -> tuple[dict[str, Any], ...]:
        found = _ended(aws, settings.cluster, origin, 1)
        if not found:
            _sweep(aws, settings.runs_table, family, result["run"])
        return found

    stopped = _eventually(stopped_in_time, f"{origin} was not stopped")
    if again:
        return Supervised(retried, stopped[0], runaway.started_minutes_ago, "")
    notice = _eventually(lambda: _notice(aws, mail), f"no notice about {origin} arrived")
    return Supervised(retried, stopped[0], runaway.started_minutes_ago, notice)


def _settings(aws: Emulator, launcher: Resource) -> Settings:
    function = aws.client("lambda").get_function_configuration(FunctionName=launcher.outputs["function_name"])
    return Settings.read(function["Environment"]["Variables"])


def supervisor_of(aws: Emulator, table: str) -> str:
    """Name of the function that supervises the runs of a table."""
    for page in aws.client("lambda").get_paginator("list_functions").paginate():
        for it in page["Functions"]:
            given = it.get("Environment", {}).get("Variables", {}).get("SUPERVISOR_SETTINGS")
            if given and json.loads(given)["table"] == table:
                return it["FunctionName"]
    raise NotSupervised(f"no function supervises the runs of table {table}")


def _sweep(aws: Emulator, table: str, family: str, run: str) -> None:
    """Let the time come at which the supervisor looks at a run, and call it as its rule does every minute."""
    dynamodb = aws.client("dynamodb")
    # The run may have ended meanwhile: nothing of it is due then.
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": family}, "sk": {"S": sort_key(run)}},
            UpdateExpression="SET due = :now",
            ConditionExpression="attribute_exists(due)",
            ExpressionAttributeValues={":now": {"N": str(int(time.time()) - 1)}},
        )
    aws.client("lambda").invoke(FunctionName=supervisor_of(aws, table), Payload=SWEEPING)


def _ended(aws: Emulator, cluster: str, started_by: str, count: int) -> tuple[dict[str, Any], ...]:
    """The stopped tasks of this launch if there are `count` of them; empty until then."""
    found = _tasks(aws, cluster, started_by, "STOPPED")
    return tuple(found) if len(found) == count else ()


def _tasks(aws: Emulator, cluster: str, started_by: str, status: str) -> list[dict[str, Any]]:
    ecs, states = aws.client("ecs"), {"RUNNING", "STOPPED"}
    # A task that stops between the two calls is on both lists.
    arns = sorted({it for state in states for it in ecs.list_tasks(cluster=cluster, desiredStatus=state)["taskArns"]})
    found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    ours = [it for it in found if it["startedBy"].startswith(started_by) and it["lastStatus"] == status]
    return sorted(ours, key=lambda it: it["startedBy"])


def mailbox(aws: Emulator, topic_arn: str, name: str = "notices") -> str:
    """The URL of a new queue that receives the messages of a topic."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    # SNS drops, without an error, a message that a queue's policy does not admit.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": admitting(arn, topic_arn)})
    aws.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    return url


def _notice(aws: Emulator, mail: str) -> str:
    messages = aws.client("sqs").receive_message(QueueUrl=mail).get("Messages", [])
    return "" if not messages else json.loads(messages[0]["Body"])["Message"].partition("\n")[0]


def _eventually(look: Callable[[], Found], otherwise: str) -> Found:
    """Call `look` until it finds something. Raises NotSupervised after WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise NotSupervised(f"{otherwise} within {WAIT_SECONDS} seconds")
