"""The plan of a launch: its exact calls, the requests that IAM would decide, its highest cost. No call is made."""

from __future__ import annotations

from typing import Any, Final

from .calls import SPOT, Origin, capacity_of, chunks, run_task_request
from .partitions import service_host
from .request import LaunchRequest
from .result import LaunchResult, cost_per_hour, unlaunched
from .settings import Settings

_TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"


def dry_run(settings: Settings, request: LaunchRequest) -> LaunchResult:
    """The plan of this request."""
    origin, array = Origin(request.run), request.array
    if array is None:
        calls = [
            run_task_request(settings, request, origin, count=count, chunk=chunk)
            for chunk, count in enumerate(chunks(request.count))
        ]
    else:
        # The calls of the other indexes differ in their index only.
        first = Origin(request.run, "i0")
        calls = [run_task_request(settings, request.for_index(0), first, count=1, number=1)]
    plan: dict[str, Any] = {"runTask": calls, "iam": decisions(settings, request)}
    if array is not None:
        plan["array"] = {"size": array.size, "parallelism": array.parallelism}
    if request.stored_payload is not None:
        plan["payload"] = {"uri": request.stored_payload[0], "bytes": len(request.stored_payload[1])}
    if settings.prices is not None:
        plan["pricesOf"] = settings.prices.date
    return {
        **unlaunched(settings, "DRY_RUN"),
        "requested": request.count,
        "idempotencyKey": request.key,
        "run": request.run,
        "startedBy": origin.started_by(settings.job),
        "maxCostUsdPerHour": cost_per_hour(settings, request, array.parallelism if array else request.count),
        "dryRun": plan,
    }


def decisions(settings: Settings, request: LaunchRequest) -> list[dict[str, Any]]:
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
    provider = {"ecs:capacity-provider": SPOT} if capacity_of(request) == SPOT else {}
    requests = [("ecs:RunTask", settings.task_definition, {**run, **provider})]
    if request.capacity == "spot_then_on_demand":
        requests.append(("ecs:RunTask", settings.task_definition, run))
    requests.append(("ecs:ListTasks", "*", {"ecs:cluster": settings.cluster}))
    _, partition, _, region, account, _ = settings.cluster.split(":", 5)
    table = f"arn:{partition}:dynamodb:{region}:{account}:table/{settings.runs_table}"
    keys = {"dynamodb:LeadingKeys": [settings.family.rpartition("/")[2]]}
    requests += [(f"dynamodb:{it}", table, keys) for it in ("GetItem", "PutItem")]
    roles = (settings.execution_role, settings.task_role, request.task_role)
    requests += [("iam:PassRole", role, {"iam:PassedToService": _TASKS_SERVICE}) for role in dict.fromkeys(roles)]
    requests.append(("ecs:TagResource", tasks, {"ecs:CreateAction": "RunTask", **tags}))
    if request.stored_payload is not None:
        address = request.stored_payload[0].removeprefix("s3://")
        requests.append(("s3:PutObject", f"arn:{partition}:s3:::{address}", {}))
        if settings.payload_key:
            via = service_host("s3", region, partition)
            requests.append(("kms:GenerateDataKey", settings.payload_key, {"kms:ViaService": via}))
    return [{"action": action, "resource": resource, "context": context} for action, resource, context in requests]
