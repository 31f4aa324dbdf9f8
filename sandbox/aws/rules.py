"""What Amazon ECS refuses that its service model does not say: the rules of RunTask and RegisterTaskDefinition. Pure.

Each rule names its row of aws/, where the words, the sources and an example stand, and raises it (Refused). The first
reason only: a rule counts on those before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from fargate_job_launcher.checks.kinds import LARGEST_DEFINITION
from fargate_job_launcher.handler.fargate import SIZES

from .rows import refuse

Request = Mapping[str, Any]


def hold(operation: str, request: Request) -> None:
    """Hold a request against what ECS refuses whatever else there is in the account. Raises Refused."""
    rule = _RULES.get(operation)
    if rule is not None:
        rule(request)


def hold_overrides(request: Request, definition: Request) -> None:
    """The same of a task's overrides, which the task definition has to fit."""
    known = {it["name"]: it for it in definition["containerDefinitions"]}
    for override in request.get("overrides", {}).get("containerOverrides", []):
        if override and not override.get("name"):
            refuse("ecs.RunTask.overrides.name")
        if override and override["name"] not in known:
            refuse("ecs.RunTask.overrides.container", name=override["name"])


FARGATE_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")


def hold_capacity(request: Request, definition: Request, cluster: Request) -> None:
    """The same of what a task is to run on: what RunTask asks for, or else the cluster's default, or else EC2.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    strategy = request.get("capacityProviderStrategy") or []
    _associated("RunTask", strategy, cluster.get("capacityProviders") or [])
    default = cluster.get("defaultCapacityProviderStrategy") or []
    launch_type = request.get("launchType") or ("" if strategy or default else "EC2")
    fits = definition.get("networkMode") == "awsvpc" and definition.get("cpu") and definition.get("memory")
    if launch_type == "FARGATE" and not fits:
        refuse("ecs.RunTask.launchType.definition")
    if launch_type == "EC2" and not cluster.get("registeredContainerInstancesCount"):
        refuse("ecs.RunTask.launchType.instances")


def _associated(operation: str, strategy: Sequence[Request], providers: Sequence[str]) -> None:
    if any(it.get("capacityProvider") not in providers for it in strategy):
        refuse(f"ecs.{operation}.strategy.associated")


def _not_mixed(operation: str, strategy: Sequence[Request]) -> None:
    if len({it.get("capacityProvider") in FARGATE_PROVIDERS for it in strategy}) > 1:
        refuse(f"ecs.{operation}.strategy.mixed")


def _cluster_providers(operation: str, request: Request) -> None:
    strategy = request.get("defaultCapacityProviderStrategy") or []
    _not_mixed(operation, strategy)
    _associated(operation, strategy, request.get("capacityProviders") or [])


def _run_task(request: Request) -> None:
    if not 1 <= request.get("count", 1) <= 10:
        refuse("ecs.RunTask.count")
    size = len(json.dumps(request.get("overrides", {}), separators=(",", ":"), ensure_ascii=False))
    if size > 8192:
        refuse("ecs.RunTask.overrides.length", length=size)
    if not re.fullmatch(r"[\x21-\x7e]{0,64}", request.get("clientToken", "")):
        refuse("ecs.RunTask.clientToken")
    started_by = request.get("startedBy") or ""
    if len(started_by) > 128:
        refuse("ecs.RunTask.startedBy.length")
    if not re.fullmatch(r"[a-zA-Z0-9_/-]*", started_by):
        refuse("ecs.RunTask.startedBy.characters")
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    if network and not network["subnets"]:
        refuse("ecs.RunTask.subnets.none")
    for given, name, most in (
        (network, "subnets", 16),
        (network, "securityGroups", 5),
        (request, "capacityProviderStrategy", 20),
    ):
        if len(given.get(name, [])) > most:
            refuse(f"ecs.RunTask.{name}.most")
    strategy = request.get("capacityProviderStrategy") or []
    if request.get("launchType") and strategy:
        refuse("ecs.RunTask.launchType.strategy")
    _not_mixed("RunTask", strategy)
    _tags("RunTask", request)


def _tags(operation: str, request: Request) -> None:
    """Their number, lengths and characters are in the service model."""
    for tag in request.get("tags", []):
        if any(str(tag.get(it)).lower().startswith("aws:") for it in ("key", "value")):
            refuse(f"ecs.{operation}.tags.aws")


def _task_definition(request: Request) -> None:
    containers = request["containerDefinitions"]
    size = len(json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode())
    if size > LARGEST_DEFINITION:
        refuse("ecs.RegisterTaskDefinition.length", length=size)
    if not containers:
        refuse("ecs.RegisterTaskDefinition.containers.none")
    for container in containers:
        for field in ("name", "image"):
            if not container.get(field):
                refuse("ecs.RegisterTaskDefinition.container.required", field=field)
    names = [it["name"] for it in containers if it.get("name")]
    if len(set(names)) < len(names):
        refuse("ecs.RegisterTaskDefinition.containers.unique")
    if not any(it.get("essential", True) for it in containers):
        refuse("ecs.RegisterTaskDefinition.containers.essential")
    volumes = {it.get("name") for it in request.get("volumes", [])}
    for container in containers:
        mounts = container.get("mountPoints", [])
        for mount in mounts:
            if mount.get("sourceVolume") not in volumes:
                refuse("ecs.RegisterTaskDefinition.volume", volume=mount.get("sourceVolume"))
        if len({it.get("containerPath") for it in mounts}) < len(mounts):
            refuse("ecs.RegisterTaskDefinition.mounts.unique")
    _sizes(request, containers)
    _tags("RegisterTaskDefinition", request)


def _sizes(request: Request, containers: list[Request]) -> None:
    size: dict[str, int] = {}
    for name in ("cpu", "memory"):
        found = re.fullmatch(r"(\d+|\d*\.?\d+ ?(vcpu|gb))", (request.get(name) or "0").lower())
        if found is None:
            refuse("ecs.RegisterTaskDefinition.size.unreadable", field=name)
        # CPU units or MiB; 1 vCPU is 1024, 2 GB is 2048.
        size[name] = int(float(re.sub(r"[ a-z]", "", found[1])) * (1024 if found[2] else 1))
    if "FARGATE" in request.get("requiresCompatibilities", []):
        for name in ("cpu", "memory"):
            if not size[name]:
                refuse("ecs.RegisterTaskDefinition.size.missing", field=name)
        if size["memory"] not in SIZES.get(size["cpu"], ()):
            refuse("ecs.RegisterTaskDefinition.size.fargate", cpu=size["cpu"], memory=size["memory"])
    for container in containers:
        memory, name = container.get("memory") or 0, container["name"]
        if not (size["memory"] or memory or container.get("memoryReservation")):
            refuse("ecs.RegisterTaskDefinition.container.memory.missing", name=name)
        if memory > (size["memory"] or memory):
            refuse("ecs.RegisterTaskDefinition.container.memory.most", name=name)
    reserved = sum(it.get("cpu") or 0 for it in containers)
    if reserved > (size["cpu"] or reserved):
        refuse("ecs.RegisterTaskDefinition.containers.cpu")


_LISTED_ALONE: Final = ("family", "serviceName", "containerInstance", "launchType")
"""Filters of ListTasks that startedBy does not go with. `desiredStatus` it does: Airflow asks so at every reattachment.

https://github.com/apache/airflow/blob/main/providers/amazon/src/airflow/providers/amazon/aws/operators/ecs.py
"""


def _list_tasks(request: Request) -> None:
    if request.get("startedBy") and any(request.get(it) for it in _LISTED_ALONE):
        refuse("ecs.ListTasks.startedBy")
    if request.get("serviceName") and (request.get("family") or request.get("containerInstance")):
        refuse("ecs.ListTasks.serviceName")


def _describe_tasks(request: Request) -> None:
    if not request["tasks"]:
        refuse("ecs.DescribeTasks.none")


_RULES: Final[dict[str, Callable[[Request], None]]] = {
    "ListTasks": _list_tasks,
    "DescribeTasks": _describe_tasks,
    "CreateCluster": partial(_cluster_providers, "CreateCluster"),
    "PutClusterCapacityProviders": partial(_cluster_providers, "PutClusterCapacityProviders"),
    "RunTask": _run_task,
    "RegisterTaskDefinition": _task_definition,
}
