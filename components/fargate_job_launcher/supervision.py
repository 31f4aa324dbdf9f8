"""Supervision of a job after its launch: retries, a maximum runtime, notices. The code is handler/supervise.py.

A task stops → EventBridge → a queue → the supervisor's function, which acts once on an event that is delivered twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.settings import SUPERVISOR_SECONDS

from . import iam
from .arguments import RETRIED, Job, Supervision
from .checks.names import CONTAINER
from .checks.queue import VISIBILITY_TIMEOUTS
from .function import RUNTIME, archive
from .resolving import as_json, resolved
from .roles import supervisor_role
from .task_definition import family, log_group
from .triggers import encrypted_queue, invocable, queue_policy

MEMORY_MIB: Final = 256
MAX_RECEIVE_COUNT: Final = 20
"""A retry that has to wait (for max_running or capacity) is delivered again for two hours."""
MOST_AT_ONCE: Final = 10
"""How many stopped tasks are handled at once, so that many leave concurrency to the account's other functions."""


@dataclass(frozen=True)
class Supervisor:
    """The parts of a supervisor that other resources need."""

    function: aws.lambda_.Function
    topic_arn: pulumi.Output[str]
    dead_letters: aws.sqs.Queue
    reaper: aws.cloudwatch.EventRule | None
    """The rule that invokes it to look for tasks that run too long."""


def supervise(
    name: str,
    job: Job,
    args: Supervision,
    *,
    place: pulumi.Output[iam.Place],
    launcher: aws.lambda_.Function,
    logs: aws.cloudwatch.LogGroup,
    parent: pulumi.Resource,
) -> Supervisor:
    """The supervisor of a job."""
    base, child = f"{name}-supervisor", pulumi.ResourceOptions(parent=parent)
    topic_arn = pulumi.Output.from_input(args["topic_arn"]) if "topic_arn" in args else _topic(name, job, parent=parent)
    dead_letters = encrypted_queue(f"{name}-unsupervised", job, parent=parent)
    redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
    queue = encrypted_queue(
        base,
        job,
        parent=parent,
        visibility_timeout_seconds=VISIBILITY_TIMEOUTS * SUPERVISOR_SECONDS,
        redrive_policy=as_json(redrive),
    )
    rule = aws.cloudwatch.EventRule(
        base,
        description=f"A task of the job {name} has stopped.",
        event_pattern=as_json(
            {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Task State Change"],
                "detail": {
                    "lastStatus": ["STOPPED"],
                    "clusterArn": [job.cluster_arn],
                    "taskDefinitionArn": [{"prefix": place.apply(lambda it: iam.family_arn(it, family(name)) + ":")}],
                },
            }
        ),
        tags=job.tags,
        opts=child,
    )
    opened = [
        queue_policy(base, queue, [rule.arn], parent=parent),
        queue_policy(f"{name}-unsupervised", dead_letters, [rule.arn], parent=parent),
    ]
    aws.cloudwatch.EventTarget(
        base,
        rule=rule.name,
        arn=queue.arn,
        input_path="$.detail",
        dead_letter_config={"arn": dead_letters.arn},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=opened),
    )
    function = _function(
        name, job, args, queue=queue, topic_arn=topic_arn, place=place, launcher=launcher, logs=logs, parent=parent
    )
    reaper = None
    if "max_runtime_minutes" in args:
        reaper = _reaper(f"{name}-reaper", job, args["max_runtime_minutes"], function, place, parent=parent)
    return Supervisor(function, topic_arn, dead_letters, reaper)


def _function(
    name: str,
    job: Job,
    args: Supervision,
    *,
    queue: aws.sqs.Queue,
    topic_arn: pulumi.Output[str],
    place: pulumi.Output[iam.Place],
    launcher: aws.lambda_.Function,
    logs: aws.cloudwatch.LogGroup,
    parent: pulumi.Resource,
) -> aws.lambda_.Function:
    base, retries, limit = f"{name}-supervisor", args.get("retries", 0), args.get("max_runtime_minutes", 0)
    own_logs = log_group(name, "supervisor", job, parent=parent)

    def policy(it: dict[str, Any]) -> str:
        return iam.to_json(iam.supervisor_policy(stops=limit > 0, **it))

    known: dict[str, Any] = {
        "place": place,
        "cluster_arn": job.cluster_arn,
        "queue_arn": queue.arn,
        "topic_arn": topic_arn,
        "log_group_arn": own_logs.arn,
        "launcher_arn": launcher.arn if retries else "",
        "key_arns": job.key_arns,
    }
    role = supervisor_role(name, job, policy=resolved(known).apply(policy), parent=parent)
    settings = {
        "job": name,
        "container": CONTAINER,
        "cluster": job.cluster_arn,
        "family": family(name),
        "launcher": launcher.arn,
        "max_runtime_minutes": limit,
        "retries": retries,
        "retry_on": sorted(args.get("retry_on", RETRIED)),
        "topic": topic_arn,
        "log_group": logs.name,
        "own_log_group": own_logs.name,
        "deliveries": MAX_RECEIVE_COUNT,
    }
    function = aws.lambda_.Function(
        base,
        description=f"Supervises the job {name}: retries, maximum runtime, notices.",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="handler.supervise.handle",
        code=archive(),
        role=role.arn,
        timeout=SUPERVISOR_SECONDS,
        memory_size=MEMORY_MIB,
        kms_key_arn=job.kms_key_arn,
        environment={"variables": {"SUPERVISOR_SETTINGS": as_json(settings)}},
        logging_config={"log_format": "JSON", "log_group": own_logs.name},
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=role.policies),
    )
    aws.lambda_.EventSourceMapping(
        base,
        event_source_arn=queue.arn,
        function_name=function.arn,
        # An event waits for the launcher, and must not delay the others.
        batch_size=1,
        function_response_types=["ReportBatchItemFailures"],
        # The launcher's concurrency may be limited too. Lambda accepts no maximum below two for SQS.
        scaling_config={
            "maximum_concurrency": max(2, min(MOST_AT_ONCE, job.function.get("reserved_concurrency", MOST_AT_ONCE)))
        },
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return function


def _reaper(
    name: str,
    job: Job,
    minutes: int,
    function: aws.lambda_.Function,
    place: pulumi.Output[iam.Place],
    *,
    parent: pulumi.Resource,
) -> aws.cloudwatch.EventRule:
    """Regularly looks for tasks that run too long, also when nothing is launched any more."""
    every = reaper_minutes(minutes)
    rule = aws.cloudwatch.EventRule(
        name,
        description="Looks for tasks that run too long.",
        schedule_expression=f"rate({every} minute{'s' if every > 1 else ''})",
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    invoking = invocable(name, None, function.name, rule, place, parent=parent)
    aws.cloudwatch.EventTarget(
        name,
        rule=rule.name,
        arn=function.arn,
        input='{"reap":true}',
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[invoking]),
    )
    return rule


def reaper_minutes(limit: int) -> int:
    """Minutes between two searches for tasks that run longer than `limit` minutes, and the most by which a task exceeds
    its limit: a tenth of the limit, at least 1 and at most 15."""
    return min(15, max(1, limit // 10))


def _topic(name: str, job: Job, *, parent: pulumi.Resource) -> pulumi.Output[str]:
    child = pulumi.ResourceOptions(parent=parent)
    return aws.sns.Topic(f"{name}-failures", kms_master_key_id=job.kms_key_arn, tags=job.tags, opts=child).arn
