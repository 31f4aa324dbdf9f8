"""The supervisor's function, and how it receives the ends of tasks. Its code is handler/supervise.py.

A task stops → EventBridge → a queue → the supervisor, which writes into the table of runs what follows, and asks the
launcher for what only the launcher may do. A rule sends it a message every minute to look for what is late, so that
a run ends even if an event is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.report import NAMESPACE
from fargate_job_launcher.handler.settings import SUPERVISOR_SECONDS, SWEEP

from . import iam
from .alarms import PERIOD_SECONDS
from .checks.queue import VISIBILITY_TIMEOUTS
from .compact import compact
from .function import RUNTIME, archive
from .kept import Kept
from .resolving import as_json, resolved
from .roles import supervisor_role
from .task_definition import log_group
from .triggers import encrypted_queue, queue_policy

MEMORY_MIB: Final = 256
BATCH_SIZE: Final = 10
"""Ends of tasks for one invocation."""
LONGEST_AGE_SECONDS: Final = 900
"""How long an end may wait before the alarm goes off: longer than two deliveries take."""
MOST_AT_ONCE: Final = 10
"""Instances, so that many ends leave concurrency to the account's other functions."""
MAX_RECEIVE_COUNT: Final = 20
"""An end that cannot be written down is delivered again for two hours."""


class Supervisor:
    """The supervisor's function with its role, log group, queues and rules."""

    def __init__(
        self,
        name: str,
        kept: Kept,
        *,
        cluster_arns: Sequence[pulumi.Input[str]],
        key_arns: Sequence[pulumi.Input[str]],
        place: pulumi.Output[iam.Place],
        table: aws.dynamodb.Table,
        parent: pulumi.Resource,
    ) -> None:
        """`key_arns` are the keys of the table and of the queues."""
        self._name, self._kept, self._parent = name, kept, parent
        self.dead_letters = encrypted_queue(f"{name}-dead-letters", kept, parent=parent)
        """The ends of tasks that could not be dealt with."""
        redrive = {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
        queue = self.queue = encrypted_queue(
            f"{name}-stopped",
            kept,
            parent=parent,
            visibility_timeout_seconds=VISIBILITY_TIMEOUTS * SUPERVISOR_SECONDS,
            redrive_policy=as_json(redrive),
        )
        self.logs = log_group(name, "supervisor", kept, parent=parent)
        known = {
            "place": place,
            "cluster_arns": list(cluster_arns),
            "queue_arn": queue.arn,
            "table_arn": table.arn,
            "log_group_arn": self.logs.arn,
            "key_arns": list(key_arns),
        }
        policy = resolved(known).apply(lambda it: iam.to_json(iam.supervisor_policy(**it)))
        self.role = supervisor_role(name, kept, policy=policy, parent=parent)
        self.function = self._function({"table": table.name, "queue": queue.url})
        stopped, sweep = self._stopped_rule(cluster_arns), self._sweep_rule()
        opened = [
            queue_policy(f"{name}-stopped", queue, [stopped.arn, sweep.arn], parent=parent),
            queue_policy(f"{name}-dead-letters", self.dead_letters, [stopped.arn, sweep.arn], parent=parent),
        ]
        self.following: list[pulumi.Output[str]] = [
            self._mapping(queue).id,
            self._stopped_target(stopped, queue, opened).id,
            self._sweep_target(sweep, queue, opened).id,
        ]
        """Ids of what brings it the ends of tasks, and makes it look for what is late."""

    def alarm(self, topic_arn: pulumi.Input[str]) -> aws.cloudwatch.MetricAlarm:
        """Goes off when ends of tasks wait or are dead letters, and when the supervisor could not look at a run."""

        def query(
            id_: str, namespace: str, metric: str, **dimension: pulumi.Input[str]
        ) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
            return {
                "id": id_,
                "metric": {
                    "namespace": namespace,
                    "metric_name": metric,
                    "dimensions": dimension,
                    "period": PERIOD_SECONDS,
                    "stat": "Maximum",
                },
            }

        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-unfollowed",
            alarm_description=f"{self._name}: ends of tasks wait, or could not be dealt with.",
            metric_queries=[
                {
                    "id": "unfollowed",
                    "expression": (
                        f"IF(FILL(age, 0) > {LONGEST_AGE_SECONDS} OR FILL(dead, 0) > 0 OR FILL(unwatched, 0) > 0, 1, 0)"
                    ),
                    "label": "not dealt with",
                    "return_data": True,
                },
                query("age", "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=self.queue.name),
                query("dead", "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=self.dead_letters.name),
                query("unwatched", NAMESPACE, "RunsUnwatched", FunctionName=self.function.name),
            ],
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            tags=self._kept.tags,
            opts=self._child,
        )

    @property
    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._parent)

    def _function(self, settings: dict[str, object]) -> aws.lambda_.Function:
        return aws.lambda_.Function(
            f"{self._name}-supervisor",
            description="Follows each run of a job to its end: retries, deadlines, notices.",
            runtime=RUNTIME,
            architectures=["arm64"],
            handler="handler.supervise.handle",
            code=archive(),
            role=self.role.arn,
            timeout=SUPERVISOR_SECONDS,
            memory_size=MEMORY_MIB,
            kms_key_arn=self._kept.kms_key_arn,
            environment={"variables": {"SUPERVISOR_SETTINGS": as_json(settings)}},
            logging_config={"log_format": "JSON", "log_group": self.logs.name},
            tags=self._kept.tags,
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=self.role.policies),
        )

    def _mapping(self, queue: aws.sqs.Queue) -> aws.lambda_.EventSourceMapping:
        return aws.lambda_.EventSourceMapping(
            f"{self._name}-supervisor",
            event_source_arn=queue.arn,
            function_name=self.function.arn,
            batch_size=BATCH_SIZE,
            scaling_config={"maximum_concurrency": MOST_AT_ONCE},
            function_response_types=["ReportBatchItemFailures"],
            tags=self._kept.tags,
            opts=self._child,
        )

    def _stopped_rule(self, cluster_arns: Sequence[pulumi.Input[str]]) -> aws.cloudwatch.EventRule:
        """The ends of tasks in these clusters, without those of services."""
        detail = {"lastStatus": ["STOPPED"], "clusterArn": list(cluster_arns), "group": [{"prefix": "family:"}]}
        pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"], "detail": detail}
        return aws.cloudwatch.EventRule(
            f"{self._name}-stopped",
            description="A task has stopped.",
            event_pattern=as_json(pattern),
            tags=self._kept.tags,
            opts=self._child,
        )

    def _stopped_target(
        self, rule: aws.cloudwatch.EventRule, queue: aws.sqs.Queue, opened: Sequence[aws.sqs.QueuePolicy]
    ) -> aws.cloudwatch.EventTarget:
        return aws.cloudwatch.EventTarget(
            f"{self._name}-stopped",
            rule=rule.name,
            arn=queue.arn,
            input_path="$.detail",
            dead_letter_config={"arn": self.dead_letters.arn},
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=opened),
        )

    def _sweep_rule(self) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{self._name}-sweep",
            description="Looks for runs that are late.",
            schedule_expression="rate(1 minute)",
            tags=self._kept.tags,
            opts=self._child,
        )

    def _sweep_target(
        self, rule: aws.cloudwatch.EventRule, queue: aws.sqs.Queue, opened: Sequence[aws.sqs.QueuePolicy]
    ) -> aws.cloudwatch.EventTarget:
        """Through the queue too: what the queue cannot deliver is seen by one alarm."""
        return aws.cloudwatch.EventTarget(
            f"{self._name}-sweep",
            rule=rule.name,
            arn=queue.arn,
            input=compact(SWEEP),
            # The next one comes in a minute.
            retry_policy={"maximum_event_age_in_seconds": 60, "maximum_retry_attempts": 1},
            dead_letter_config={"arn": self.dead_letters.arn},
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=opened),
        )


def invocable_by_role(
    name: str, function: pulumi.Input[str], role_arn: pulumi.Input[str], *, parent: pulumi.Resource
) -> aws.lambda_.Permission:
    """Lets this one role of this account invoke a function; the role needs no policy of its own for that."""
    return aws.lambda_.Permission(
        name,
        action="lambda:InvokeFunction",
        function=function,
        principal=role_arn,
        opts=pulumi.ResourceOptions(parent=parent),
    )
