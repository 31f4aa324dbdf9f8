"""CloudWatch alarms and dashboard of a launcher: the failures that an operator has to know about soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.report import NAMESPACE

from .arguments import Alarms, Job
from .resolving import as_json
from .supervision import Supervisor
from .task_definition import family

PERIOD_SECONDS: Final = 300


@dataclass(frozen=True)
class _Watched:
    """A metric and the threshold of its alarm."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, pulumi.Input[str]]
    threshold: float = 0
    statistic: str = "Sum"


def watch(
    name: str,
    job: Job,
    args: Alarms,
    *,
    launcher: aws.lambda_.Function,
    dead_letters: aws.sqs.Queue | None,
    supervisor: Supervisor | None,
    parent: pulumi.Resource,
) -> None:
    """Alarms for every failure of this launcher; none goes off while its metric has no data."""
    watched = _watched(name, args, launcher, dead_letters, supervisor)
    topic = args.get("topic_arn", None if supervisor is None else supervisor.topic_arn)
    for it in watched:
        aws.cloudwatch.MetricAlarm(
            f"{name}-{it.name}",
            alarm_description=it.description,
            namespace=it.namespace,
            metric_name=it.metric,
            dimensions=it.dimensions,
            statistic=it.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=it.threshold,
            treat_missing_data="notBreaching",
            alarm_actions=None if topic is None else [topic],
            ok_actions=None if topic is None else [topic],
            tags=job.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )
    if args.get("dashboard", False):
        _dashboard(name, watched, launcher, parent=parent)


def _watched(
    name: str,
    args: Alarms,
    launcher: aws.lambda_.Function,
    dead_letters: aws.sqs.Queue | None,
    supervisor: Supervisor | None,
) -> list[_Watched]:
    function: dict[str, pulumi.Input[str]] = {"FunctionName": launcher.name}
    found = [
        _Watched("launch-failed", f"{name}: a launch failed.", NAMESPACE, "LaunchesFailed", function),
        _Watched("launcher-error", f"{name}: the launcher's function failed.", "AWS/Lambda", "Errors", function),
    ]
    if dead_letters is not None:
        found.append(_depth("dead-letters", f"{name}: events that could not be launched wait.", dead_letters))
    if supervisor is None:
        return found
    watcher: dict[str, pulumi.Input[str]] = {"FunctionName": supervisor.function.name}
    found += [
        _Watched("job-failed", f"{name}: the job failed, retries included.", NAMESPACE, "JobsFailed", watcher),
        _Watched("reaped", f"{name}: a task ran too long and was stopped.", NAMESPACE, "TasksReaped", watcher),
        _Watched("supervisor-error", f"{name}: the supervisor's function failed.", "AWS/Lambda", "Errors", watcher),
        _depth("unsupervised", f"{name}: tasks whose end could not be dealt with wait.", supervisor.dead_letters),
    ]
    if supervisor.reaper is not None:
        description = f"{name}: the supervisor could not be told to look for tasks that run too long."
        rule: dict[str, pulumi.Input[str]] = {"RuleName": supervisor.reaper.name}
        found.append(_Watched("not-reaping", description, "AWS/Events", "FailedInvocations", rule))
    if "max_job_minutes" in args:
        minutes = args["max_job_minutes"]
        description = f"{name}: the job took longer than {minutes} minutes."
        found.append(_Watched("slow", description, NAMESPACE, "JobSeconds", watcher, minutes * 60, "Maximum"))
    return found


def _depth(name: str, description: str, queue: aws.sqs.Queue) -> _Watched:
    dimensions: dict[str, pulumi.Input[str]] = {"QueueName": queue.name}
    return _Watched(name, description, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, statistic="Maximum")


def _dashboard(name: str, watched: list[_Watched], launcher: aws.lambda_.Function, *, parent: pulumi.Resource) -> None:
    launches = [
        ["FargateJobLauncher", metric, "FunctionName", launcher.name]
        for metric in ("TasksLaunched", "LaunchesRejected", "LaunchesDuplicate", "LaunchesWaiting", "CallsRetried")
    ]
    graphs: list[tuple[str, list[list[Any]]]] = [("Launches", launches)]
    for it in watched:
        ((key, value),) = it.dimensions.items()
        graphs.append((it.description, [[it.namespace, it.metric, key, value, {"stat": it.statistic}]]))
    widgets = [
        {
            "type": "metric",
            "x": number % 3 * 8,
            "y": number // 3 * 6,
            "width": 8,
            "height": 6,
            "properties": {
                "title": title,
                "metrics": metrics,
                "stat": "Sum",
                "period": PERIOD_SECONDS,
                "region": launcher.arn.apply(lambda arn: arn.split(":")[3]),
            },
        }
        for number, (title, metrics) in enumerate(graphs)
    ]
    aws.cloudwatch.Dashboard(
        name,
        dashboard_name=family(name),
        dashboard_body=as_json({"widgets": widgets}),
        opts=pulumi.ResourceOptions(parent=parent),
    )
