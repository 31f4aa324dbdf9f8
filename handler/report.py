"""One JSON line for each launch: both its log record and its metrics.

CloudWatch reads the metrics from the line (embedded metric format), so that they need no call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
The line has no value of the event: `startedBy` has a hash of the idempotency key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    # At run time these would import botocore, which the components that use NAMESPACE do without.
    from .result import LaunchResult
    from .trigger import Kind

NAMESPACE: Final = "FargateJobLauncher"
METRICS: Final = {
    "TasksLaunched": "Count",
    "LaunchesRejected": "Count",
    "LaunchesDuplicate": "Count",
    "LaunchesFailed": "Count",
    "LaunchesWaiting": "Count",
    "CallsRetried": "Count",
    "LaunchLatency": "Milliseconds",
}
_FAILURES_SHOWN: Final = 5
_LEVELS: Final = {"REJECTED": "WARN", "CONFLICT": "WARN", "PARTIAL": "ERROR", "FAILED": "ERROR"}
_WAITING: Final = {"MaxRunning", "LaunchUnderWay", "OutcomeOpen"}


def line(
    result: LaunchResult,
    *,
    job: str,
    function: str,
    kind: Kind,
    request_id: str,
    now: float,
    seconds: float,
    calls: int,
) -> str:
    """The line of one launch. `now`: seconds since 1970. `seconds`: how long the launch took. `calls`: how many RunTask
    calls a launch of this size takes if none fails."""
    status = result["status"]
    reasons = {it["reason"] for it in result["failures"]}
    waiting = status == "WAITING" or bool(reasons and reasons <= _WAITING)
    record: dict[str, Any] = {
        "level": "WARN" if waiting else _LEVELS.get(status, "INFO"),
        "message": f"launch {status}: {result['launched']} of {result['requested']}",
        "requestId": request_id,
        "trigger": kind,
        "job": job,
        "status": status,
        "run": result["run"],
        "startedBy": result["startedBy"],
        "taskDefinition": result["taskDefinition"],
        "taskIds": [task["id"] for task in result["tasks"][: 10 * _FAILURES_SHOWN]],
        "capacityUsed": result["capacityUsed"],
        "attempts": result["attempts"],
        "failures": [
            {**failure, "detail": failure["detail"][:1000]} for failure in result["failures"][:_FAILURES_SHOWN]
        ],
        "TasksLaunched": result["new"],
        "LaunchesRejected": int(status in ("REJECTED", "CONFLICT")),
        "LaunchesDuplicate": int(status == "DUPLICATE"),
        "LaunchesFailed": int(status in ("FAILED", "PARTIAL") and not waiting),
        "LaunchesWaiting": int(waiting),
        "CallsRetried": max(0, result["attempts"] - calls),
        "LaunchLatency": round(seconds * 1000, 1),
    }
    if status == "SCHEDULED":
        record |= {"scheduledFor": result.get("scheduledFor"), "LaunchesScheduled": 1}
        return line_of(record, {**METRICS, "LaunchesScheduled": "Count"}, function=function, now=now)
    return line_of(record, METRICS, function=function, now=now)


def line_of(record: dict[str, Any], metrics: Mapping[str, str], *, function: str, now: float) -> str:
    """A record as a line. `metrics`: name → unit of each value that is a metric. `now`: seconds since 1970."""
    embedded = {
        "Namespace": NAMESPACE,
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in metrics.items()],
    }
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    aws = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [embedded]}} if metrics else {}
    return json.dumps({"timestamp": at, **record, "FunctionName": function, **aws})
