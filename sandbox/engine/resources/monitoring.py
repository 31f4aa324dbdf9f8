"""CloudWatch: log groups, alarms, dashboards."""

from __future__ import annotations

from ...aws.server import Emulator
from ...aws.subnets import NotMade
from .creator import Inputs, Made, State, creates, tag_list


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
    period, queries = inputs.take("period"), inputs.take("metricQueries", [])
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=int(inputs.take("evaluationPeriods")),
        Threshold=float(inputs.take("threshold")),
        ComparisonOperator=inputs.take("comparisonOperator"),
        **inputs.given(
            AlarmDescription=inputs.take("alarmDescription"),
            Namespace=inputs.take("namespace"),
            MetricName=inputs.take("metricName"),
            Period=None if period is None else int(period),
            Metrics=[_query(it) for it in queries] or None,
            Dimensions=_dimensions(inputs.take("dimensions", {})) or None,
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


def _dimensions(given: State) -> list[State]:
    return [{"Name": key, "Value": value} for key, value in given.items()]


def _query(given: State) -> State:
    """A metric of an alarm, or an expression of others."""
    metric = given.get("metric")
    named = {"id": "Id", "expression": "Expression", "label": "Label", "returnData": "ReturnData"}
    query: State = {named[key]: it for key, it in given.items() if key in named and it not in (None, "")}
    # The provider asks for the data of none that does not say so.
    query.setdefault("ReturnData", False)
    if metric:
        read = {"Namespace": metric["namespace"], "MetricName": metric["metricName"]}
        read["Dimensions"] = _dimensions(metric.get("dimensions") or {})
        query["MetricStat"] = {"Metric": read, "Period": int(metric["period"]), "Stat": metric["stat"]}
    return query


@creates("aws:cloudwatch/dashboard:Dashboard")
def _dashboard(aws: Emulator, inputs: Inputs) -> Made:
    name = inputs.take("dashboardName")
    aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs.take("dashboardBody"))
    arn = f"arn:aws:cloudwatch::{aws.account}:dashboard/{name}"
    return Made(name, {"dashboardArn": arn})
