"""CloudWatch: log groups, alarms, dashboards."""

from __future__ import annotations

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from .creator import Inputs, Made, creates, tag_list


@creates("aws:cloudwatch/logGroup:LogGroup")
def _log_group(aws: Emulator, inputs: Inputs) -> Made:
    name, retention, logs = inputs.physical_name(longest=512), inputs.take("retentionInDays"), aws.client("logs")
    try:
        inputs.take("skipDestroy")
        given = inputs.given(
            kmsKeyId=inputs.take("kmsKeyId"), logGroupClass=inputs.take("logGroupClass"), tags=inputs.tags()
        )
        logs.create_log_group(logGroupName=name, **given)
    except logs.exceptions.ResourceAlreadyExistsException as error:
        raise NotMade(
            f"{error}. An earlier deployment kept {name}. Adopt it: adopt_logs of its launcher (adoptLogs in a stack's "
            "config), import_ in your own program; or give the job another name"
        ) from None
    if retention:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(retention))
    return Made(name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"})


@creates("aws:cloudwatch/metricAlarm:MetricAlarm")
def _metric_alarm(aws: Emulator, inputs: Inputs) -> Made:
    name, enough = inputs.physical_name(), inputs.take("datapointsToAlarm")
    dimensions = [{"Name": key, "Value": value} for key, value in inputs.take("dimensions", {}).items()]
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Period=int(inputs.take("period")),
        EvaluationPeriods=int(inputs.take("evaluationPeriods")),
        Threshold=float(inputs.take("threshold")),
        ComparisonOperator=inputs.take("comparisonOperator"),
        **inputs.given(
            AlarmDescription=inputs.take("alarmDescription"),
            Namespace=inputs.take("namespace"),
            MetricName=inputs.take("metricName"),
            Dimensions=dimensions,
            Statistic=inputs.take("statistic"),
            ExtendedStatistic=inputs.take("extendedStatistic"),
            Unit=inputs.take("unit"),
            ActionsEnabled=inputs.take("actionsEnabled"),
            DatapointsToAlarm=None if enough is None else int(enough),
            InsufficientDataActions=inputs.take("insufficientDataActions"),
            TreatMissingData=inputs.take("treatMissingData"),
            AlarmActions=inputs.take("alarmActions"),
            OKActions=inputs.take("okActions"),
            Tags=tag_list(inputs.tags()),
        ),
    )
    return Made(name, {"name": name, "arn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}"})


@creates("aws:cloudwatch/dashboard:Dashboard")
def _dashboard(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.take("dashboardName")
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs.take("dashboardBody"))
    arn = f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"
    return Made(name, {"dashboardArn": arn})
