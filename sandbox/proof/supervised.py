"""What supervision does, tried in the sandbox: a job that fails is launched again, one that runs away is stopped.

Nothing is told to the supervisor but what AWS tells it: the tasks end, and its reaper's rule speaks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ..aws.admission import admitting
from ..aws.server import Emulator
from ..aws.tasks.run import Run
from ..engine.deploy import Resource
from ..engine.jobs import launch

WAIT_SECONDS: Final = 180

FAILING: Final = {
    "failed": Run(1, 0.1),
    "never_started": Run(
        None, 0.1, stop_code="TaskFailedToStart", reason="CannotPullContainerError: the image is not there"
    ),
    "interrupted": Run(None, 0.1, stop_code="SpotInterruption", reason="Your Spot Task was interrupted."),
    "timed_out": Run(1, 0.1, stop_code="UserInitiated", reason="fargate-job-launcher: ran longer than its limit"),
}
"""Outcome → a run that ends so."""

Found = TypeVar("Found")


class NotSupervised(Exception):
    """Supervision did not do what it is there for, and what is there instead."""


@dataclass(frozen=True)
class Supervised:
    """What became of a failing and of a runaway task."""

    retried: tuple[dict[str, Any], ...]
    """The failing job's tasks, in the order of its attempts; none where nothing is retried."""
    stopped: dict[str, Any] | None
    """The runaway task; None where there is no limit."""
    notice: str
    """What was told of it, without its data; empty where it is launched again instead."""


def supervise(aws: Emulator, launcher: Resource) -> Supervised:
    """Let the job fail once, then let it run away. Raises NotSupervised when the one is not retried or the other is not
    stopped and told of."""
    name = launcher.outputs["supervisor_function_name"]
    function = aws.client("lambda").get_function_configuration(FunctionName=name)
    settings = json.loads(function["Environment"]["Variables"]["SUPERVISOR_SETTINGS"])
    retried: tuple[dict[str, Any], ...] = ()
    if settings["retries"] and settings["retry_on"]:
        aws.script(settings["family"], FAILING[settings["retry_on"][0]], Run(0, 0.1))
        origin = launch(aws, launcher, {}).result["startedBy"]
        retried = _eventually(lambda: _ended(aws, settings["cluster"], origin, 2), f"{origin} was not launched again")
    if not settings["max_runtime_minutes"]:
        return Supervised(retried, None, "")
    mail = mailbox(aws, settings["topic"])
    runaway, retried_then = Run(0, 3600, started_minutes_ago=settings["max_runtime_minutes"] + 1), Run(0, 0.1)
    again = "timed_out" in settings["retry_on"] and settings["retries"]
    # A run that nobody takes would be the job's next one.
    aws.script(settings["family"], runaway, *([retried_then] if again else []))
    origin = launch(aws, launcher, {}).result["startedBy"]
    _eventually(lambda: _tasks(aws, settings["cluster"], origin, "RUNNING"), f"{origin} did not start")
    _reap(aws, function["FunctionArn"])
    stopped = _eventually(lambda: _ended(aws, settings["cluster"], origin, 1), f"{origin} was not stopped")
    if again:
        return Supervised(retried, stopped[0], "")
    return Supervised(retried, stopped[0], _eventually(lambda: _notice(aws, mail), f"nobody was told of {origin}"))


def _reap(aws: Emulator, function_arn: str) -> None:
    """Have the supervisor look for what runs too long, as its rule does every few minutes."""
    events = aws.client("events")
    for rule in events.list_rule_names_by_target(TargetArn=function_arn)["RuleNames"]:
        for target in events.list_targets_by_rule(Rule=rule)["Targets"]:
            aws.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())


def _ended(aws: Emulator, cluster: str, started_by: str, count: int) -> tuple[dict[str, Any], ...]:
    """So many tasks of this launch that have stopped, or nothing yet."""
    found = _tasks(aws, cluster, started_by, "STOPPED")
    return tuple(found) if len(found) == count else ()


def _tasks(aws: Emulator, cluster: str, started_by: str, status: str) -> list[dict[str, Any]]:
    ecs, states = aws.client("ecs"), {"RUNNING", "STOPPED"}
    # A task that stops between the two lists is in both.
    arns = sorted({it for state in states for it in ecs.list_tasks(cluster=cluster, desiredStatus=state)["taskArns"]})
    found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    ours = [it for it in found if it["startedBy"].startswith(started_by) and it["lastStatus"] == status]
    return sorted(ours, key=lambda it: it["startedBy"])


def mailbox(aws: Emulator, topic_arn: str, name: str = "notices") -> str:
    """URL of a new queue that receives what is published to a topic."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    # SNS drops, without a word, what a queue's policy does not let in.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": admitting(arn, topic_arn)})
    aws.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    return url


def _notice(aws: Emulator, mail: str) -> str:
    messages = aws.client("sqs").receive_message(QueueUrl=mail).get("Messages", [])
    return "" if not messages else json.loads(messages[0]["Body"])["Message"].partition("\n")[0]


def _eventually(look: Callable[[], Found], otherwise: str) -> Found:
    """What is found sooner or later. Raises NotSupervised."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise NotSupervised(f"{otherwise} within {WAIT_SECONDS} seconds")
