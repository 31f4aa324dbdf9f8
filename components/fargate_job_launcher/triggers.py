"""The triggers of a launcher besides a direct call, and the queue of events that could never be launched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.settings import ASYNCHRONOUS_ALIAS

from . import iam
from .arguments import (
    Job,
    LaunchEventRule,
    LaunchQueue,
)
from .checks.queue import VISIBILITY_TIMEOUTS, batch_size, deliveries
from .kept import Kept
from .resolving import as_json
from .roles import Role

RETRIES: Final = 2
"""How often Lambda delivers an asynchronous event again; Lambda's maximum."""
OLDEST_EVENT_SECONDS: Final = 6 * 3600
"""Lambda's own default for how long an event may wait."""
KEEP_SECONDS: Final = 14 * 24 * 3600
"""How long a message is kept: SQS's maximum."""
LARGEST_MESSAGE: Final = 1024 * 1024
"""Bytes of a message: the size limit of an event, and SQS's maximum."""


@dataclass(frozen=True)
class Launchable:
    """What the triggers need to know about a launcher."""

    name: str
    job: Job
    place: pulumi.Output[iam.Place]
    function: aws.lambda_.Function
    role: Role
    alias: aws.lambda_.Alias
    parked: aws.lambda_.FunctionEventInvokeConfig
    """What Lambda does with an event that fails; each trigger depends on it."""
    dead_letters: aws.sqs.Queue
    parent: pulumi.Resource

    @property
    def child(self) -> pulumi.ResourceOptions:
        """Options of a resource of this launcher."""
        return pulumi.ResourceOptions(parent=self.parent)


@dataclass(frozen=True)
class FilledQueue:
    """A queue and the policy that lets its sources send to it."""

    queue: aws.sqs.Queue
    policy: aws.sqs.QueuePolicy

    @property
    def open_arn(self) -> pulumi.Output[str]:
        """ARN of the queue once its sources may send to it: S3 tests that before it accepts a notification's ARN."""
        return pulumi.Output.all(self.queue.arn, self.policy.id).apply(lambda it: cast("str", it[0]))


def dead_letter_queue(name: str, job: Job, *, parent: pulumi.Resource) -> aws.sqs.Queue:
    """The encrypted queue of events that could never be launched. `triggers` decides who may send to it."""
    return encrypted_queue(f"{name}-dead-letters", job, parent=parent)


def launch_queue(
    name: str,
    job: Job,
    dead_letters: aws.sqs.Queue,
    *,
    place: pulumi.Output[iam.Place],
    timeout_seconds: int,
    parent: pulumi.Resource,
) -> FilledQueue | None:
    """The queue of launch events, if the job has one."""
    if job.queue is None:
        return None
    waits = job.max_running > 0 and job.overlap == "wait"
    redrive = {
        "deadLetterTargetArn": dead_letters.arn,
        "maxReceiveCount": job.queue.get("max_receive_count", deliveries(waits=waits)),
    }
    queue = encrypted_queue(
        f"{name}-queue",
        job,
        parent=parent,
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        visibility_timeout_seconds=VISIBILITY_TIMEOUTS * timeout_seconds,
        redrive_policy=as_json(redrive),
    )
    sources = job.queue.get("sources", [])
    policy = aws.sqs.QueuePolicy(
        f"{name}-queue",
        queue_url=queue.id,
        policy=pulumi.Output.all(place, queue.arn, *sources).apply(
            lambda it: iam.to_json(
                iam.filled_queue_policy(cast("str", it[1]), cast("list[str]", it[2:]), cast("iam.Place", it[0]).account)
            )
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return FilledQueue(queue, policy)


def triggers(it: Launchable, queue: aws.sqs.Queue | None) -> None:
    """Queue and event rule of the launcher; each depends on its own permission, the least that it needs. scheduling.py
    has its schedules."""
    rule = None if it.job.event_rule is None else _event_rule(it, it.job.event_rule)
    open_to = [] if rule is None else [rule.arn]
    opened = queue_policy(f"{it.name}-dead-letters", it.dead_letters, open_to, parent=it.parent)
    if queue is not None and it.job.queue is not None:
        _event_source(it, queue, it.job.queue)
    if it.job.event_rule is not None and rule is not None:
        _event_target(it, it.job.event_rule, rule, opened)


def queue_policy(
    name: str, queue: aws.sqs.Queue, rule_arns: Sequence[pulumi.Input[str]], *, parent: pulumi.Resource
) -> aws.sqs.QueuePolicy:
    """Lets a queue accept TLS only, and these rules send to it."""
    known = pulumi.Output.all(queue.arn, *rule_arns)
    return aws.sqs.QueuePolicy(
        name,
        queue_url=queue.id,
        policy=known.apply(lambda arns: iam.to_json(iam.queue_policy(arns[0], arns[1:]))),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def encrypted_queue(name: str, kept: Kept, *, parent: pulumi.Resource, **more: Any) -> aws.sqs.Queue:
    """An encrypted queue that keeps its messages for SQS's maximum."""
    return aws.sqs.Queue(
        name,
        message_retention_seconds=KEEP_SECONDS,
        max_message_size=LARGEST_MESSAGE,
        tags=kept.tags,
        opts=pulumi.ResourceOptions(parent=parent, protect=True if kept.protect_queues else None),
        **_encryption(kept),
        **more,
    )


def _encryption(kept: Kept) -> dict[str, Any]:
    """How a queue of a component is encrypted: with the component's key if it has one, otherwise with SQS's own."""
    if kept.kms_key_arn is None:
        return {"sqs_managed_sse_enabled": True}
    return {"kms_master_key_id": kept.kms_key_arn}


def _event_source(it: Launchable, queue: aws.sqs.Queue, args: LaunchQueue) -> None:
    most = args.get("maximum_concurrency")
    aws.lambda_.EventSourceMapping(
        f"{it.name}-queue",
        event_source_arn=queue.arn,
        function_name=it.alias.arn,
        batch_size=batch_size(args, it.job.overrides.get("max_count", 1)),
        function_response_types=["ReportBatchItemFailures"],
        scaling_config={"maximum_concurrency": most} if most else None,
        tags=it.job.tags,
        opts=pulumi.ResourceOptions(parent=it.parent, depends_on=it.role.policies),
    )


def _event_rule(it: Launchable, args: LaunchEventRule) -> aws.cloudwatch.EventRule:
    return aws.cloudwatch.EventRule(
        f"{it.name}-events",
        description=f"Launches the job {it.name}.",
        event_pattern=args["pattern"],
        event_bus_name=args.get("bus"),
        tags=it.job.tags,
        opts=it.child,
    )


def _event_target(
    it: Launchable, args: LaunchEventRule, rule: aws.cloudwatch.EventRule, opened: aws.sqs.QueuePolicy
) -> None:
    """`opened`: the policy that lets this rule send undelivered events to the dead-letter queue."""
    name = f"{it.name}-events"
    invoking = invocable(name, it.alias.name, it.function.name, rule, it.place, parent=it.parent)
    aws.cloudwatch.EventTarget(
        name,
        rule=rule.name,
        event_bus_name=args.get("bus"),
        arn=it.alias.arn,
        dead_letter_config={"arn": it.dead_letters.arn},
        opts=pulumi.ResourceOptions(parent=it.parent, depends_on=[invoking, opened, it.parked]),
    )


def invocable(
    name: str,
    alias: pulumi.Input[str] | None,
    function: pulumi.Input[str],
    rule: aws.cloudwatch.EventRule,
    place: pulumi.Output[iam.Place],
    *,
    parent: pulumi.Resource,
) -> aws.lambda_.Permission:
    """Lets this one rule of this account invoke a function, or one alias of it; the rule's target depends on it."""
    return aws.lambda_.Permission(
        name,
        action="lambda:InvokeFunction",
        function=function,
        qualifier=alias,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
        source_account=place.apply(lambda it: it.account),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def asynchronous_alias(
    name: str, function: aws.lambda_.Function, dead_letters: aws.sqs.Queue, *, parent: pulumi.Resource
) -> tuple[aws.lambda_.Alias, aws.lambda_.FunctionEventInvokeConfig]:
    """The alias for callers who do not wait, and its configuration: retries, then the dead-letter queue."""
    alias = aws.lambda_.Alias(
        f"{name}-async",
        name=ASYNCHRONOUS_ALIAS,
        description="For callers who do not wait: what fails is delivered again, then kept as a dead letter.",
        function_name=function.name,
        function_version=function.version,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    parked = aws.lambda_.FunctionEventInvokeConfig(
        f"{name}-async",
        function_name=function.name,
        qualifier=alias.name,
        maximum_retry_attempts=RETRIES,
        maximum_event_age_in_seconds=OLDEST_EVENT_SECONDS,
        destination_config={"on_failure": {"destination": dead_letters.arn}},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return alias, parked
