"""The plan of a launch: its exact calls, the requests that IAM would decide, its highest cost. No call is made."""

from __future__ import annotations

from typing import Any, Final

from .launch import SPOT, LaunchResult, capacity_of, chunks, cost_per_hour, run_task_request, started_by, unlaunched
from .partitions import service_host
from .request import LaunchRequest
from .settings import Settings

_TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"


def dry_run(settings: Settings, request: LaunchRequest) -> LaunchResult:
    """The plan of this request."""
    calls = [
        run_task_request(settings, request, count=count, chunk=chunk) for chunk, count in enumerate(chunks(request))
    ]
    plan: dict[str, Any] = {"runTask": calls, "iam": decisions(settings, request, calls[0])}
    if request.stored_payload is not None:
        plan["payload"] = {"uri": request.stored_payload[0], "bytes": len(request.stored_payload[1])}
    if settings.prices is not None:
        plan["pricesOf"] = settings.prices.date
    return {
        **unlaunched(settings, "DRY_RUN"),
        "requested": request.count,
        "idempotencyKey": request.key,
        "startedBy": started_by(settings, request),
        "maxCostUsdPerHour": cost_per_hour(settings, request, request.count),
        "dryRun": plan,
    }


def decisions(settings: Settings, request: LaunchRequest, call: dict[str, Any]) -> list[dict[str, Any]]:
    """Every request that IAM decides for this launch: action, resource, and condition keys."""
    tags: dict[str, Any] = {}
    if request.tags:
        tags = {"aws:TagKeys": sorted(request.tags)}
        tags |= {f"aws:RequestTag/{key}": value for key, value in sorted(request.tags.items())}
    tasks = settings.cluster.replace(":cluster/", ":task/") + "/*"
    run = {
        "ecs:cluster": settings.cluster,
        "ecs:enable-execute-command": str(settings.exec).lower(),
        "ecs:enable-ebs-volumes": "false",
        "ecs:task-cpu": str(request.cpu),
        "ecs:task-memory": str(request.memory),
        **tags,
    }
    # A call with a launch type names no capacity provider, and IAM gets no such condition key.
    provider = {"ecs:capacity-provider": SPOT} if capacity_of(call) == SPOT else {}
    requests = [("ecs:RunTask", settings.task_definition, {**run, **provider})]
    if request.capacity == "spot_then_on_demand":
        requests.append(("ecs:RunTask", settings.task_definition, run))
    if settings.max_running:
        requests.append(("ecs:ListTasks", "*", {"ecs:cluster": settings.cluster}))
    roles = (settings.execution_role, settings.task_role, request.task_role)
    requests += [("iam:PassRole", role, {"iam:PassedToService": _TASKS_SERVICE}) for role in dict.fromkeys(roles)]
    requests.append(("ecs:TagResource", tasks, {"ecs:CreateAction": "RunTask", **tags}))
    if request.stored_payload is not None:
        partition = settings.cluster.split(":")[1]
        address = request.stored_payload[0].removeprefix("s3://")
        requests.append(("s3:PutObject", f"arn:{partition}:s3:::{address}", {}))
        if settings.payload_key:
            region = settings.cluster.split(":")[3]
            via = service_host("s3", region, partition)
            requests.append(("kms:GenerateDataKey", settings.payload_key, {"kms:ViaService": via}))
    return [{"action": action, "resource": resource, "context": context} for action, resource, context in requests]
