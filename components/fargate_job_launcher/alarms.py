"""CloudWatch alarms and dashboards: the failures that an operator has to know about soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.report import NAMESPACE

from .arguments import Alarms, Job
from .resolving import as_json
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
    notice_topic_arn: pulumi.Output[str] | None,
    parent: pulumi.Resource,
) -> None:
    """Alarms for every failure of this launcher and of its runs."""
    watched = _watched(job, args, launcher, dead_letters)
    topic_arn = args.get("topic_arn", notice_topic_arn)
    for it in watched:
        # None goes off while its metric has no data.
        aws.cloudwatch.MetricAlarm(
            f"{name}-{it.name}",
            alarm_description=f"{name}: {it.description}",
            namespace=it.namespace,
            metric_name=it.metric,
            dimensions=it.dimensions,
            statistic=it.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=it.threshold,
            treat_missing_data="notBreaching",
            alarm_actions=None if topic_arn is None else [topic_arn],
            ok_actions=None if topic_arn is None else [topic_arn],
            tags=job.tags,
            opts=pulumi.ResourceOptions(parent=parent),
        )
    if args.get("dashboard", False):
        _dashboard(name, watched, launcher, parent=parent)


def _watched(
    job: Job,
    args: Alarms,
    launcher: aws.lambda_.Function,
    dead_letters: aws.sqs.Queue | None,
) -> list[_Watched]:
    function: dict[str, pulumi.Input[str]] = {"FunctionName": launcher.name}
    found = [
        _Watched("launch-failed", "a launch failed.", NAMESPACE, "LaunchesFailed", function),
        _Watched("launcher-error", "the launcher's function failed.", "AWS/Lambda", "Errors", function),
        _Watched("job-failed", "the job failed, retries included.", NAMESPACE, "RunsFailed", function),
    ]
    if dead_letters is not None:
        found.append(_depth("dead-letters", "events that could not be launched wait.", dead_letters))
    if (job.supervision or {}).keys() & {"max_runtime_minutes", "start_timeout_minutes"}:
        late = "a task ran too long, or did not start in time, and was stopped."
        found.append(_Watched("reaped", late, NAMESPACE, "TasksReaped", function))
    if "max_job_minutes" in args:
        minutes = args["max_job_minutes"]
        slow = f"the job took longer than {minutes} minutes."
        found.append(_Watched("slow", slow, NAMESPACE, "RunSeconds", function, minutes * 60, "Maximum"))
    return found


def _depth(name: str, description: str, queue: aws.sqs.Queue) -> _Watched:
    dimensions: dict[str, pulumi.Input[str]] = {"QueueName": queue.name}
    return _Watched(name, description, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, statistic="Maximum")


def _dashboard(name: str, watched: list[_Watched], launcher: aws.lambda_.Function, *, parent: pulumi.Resource) -> None:
    shown = {
        "Launches": ("TasksLaunched", "LaunchesRejected", "LaunchesDuplicate", "LaunchesWaiting", "CallsRetried"),
        "Runs": ("RunsSucceeded", "RunsFailed", "RunsStopped", "RunsSkipped", "AttemptsRetried"),
    }
    graphs: list[tuple[str, list[list[Any]]]] = [
        (title, [[NAMESPACE, metric, "FunctionName", launcher.name] for metric in metrics])
        for title, metrics in shown.items()
    ]
    for it in watched:
        ((key, value),) = it.dimensions.items()
        graphs.append((f"{name}: {it.description}", [[it.namespace, it.metric, key, value, {"stat": it.statistic}]]))
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
