"""What Amazon ECS refuses that its service model does not say: the rules of RunTask and RegisterTaskDefinition. Pure.

The words are ECS's own where they are known, and the page beside a rule shows them; the others follow those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from fargate_job_launcher.container import LARGEST_DEFINITION
from fargate_job_launcher.handler.fargate import SIZES

Request = Mapping[str, Any]
Refusal = tuple[str, str]
"""Code and message."""


def refusal(operation: str, request: Request) -> Refusal | None:
    """Why ECS would refuse this request, whatever else there is in the account; None when it would not.

    The first reason only: a rule counts on those before it.
    """
    code, rules = _RULES.get(operation, ("", lambda _: iter(())))
    return next(((code, message) for message in rules(request)), None)


def override_refusal(request: Request, definition: Request) -> Refusal | None:
    """The same of a task's overrides, which the task definition has to fit."""
    known = {it["name"]: it for it in definition["containerDefinitions"]}
    for override in request.get("overrides", {}).get("containerOverrides", []):
        # https://github.com/azavea/django-ecsmanage/issues/21
        if override and override.get("name") not in known:
            said = f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            return "InvalidParameterException", said
    return None


FARGATE_PROVIDERS: Final = ("FARGATE", "FARGATE_SPOT")


def capacity_refusal(request: Request, definition: Request, cluster: Request) -> Refusal | None:
    """The same of what a task is to run on: what RunTask asks for, or else the cluster's default, or else EC2.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    """
    code, strategy = "InvalidParameterException", request.get("capacityProviderStrategy") or []
    if said := next(_unassociated(strategy, cluster.get("capacityProviders") or []), None):
        return code, said
    default = cluster.get("defaultCapacityProviderStrategy") or []
    launch_type = request.get("launchType") or ("" if strategy or default else "EC2")
    fits = definition.get("networkMode") == "awsvpc" and definition.get("cpu") and definition.get("memory")
    if launch_type == "FARGATE" and not fits:
        # https://github.com/oranmoshai/ecsServiceRestart/issues/2
        return code, "Task definition does not support launch_type FARGATE."
    if launch_type == "EC2" and not cluster.get("registeredContainerInstancesCount"):
        # https://github.com/aws/aws-cdk/issues/30171
        return code, "No Container Instances were found in your cluster."
    return None


def _unassociated(strategy: Sequence[Request], providers: Sequence[str]) -> Iterator[str]:
    # https://github.com/dask/dask-cloudprovider/issues/328
    if any(it.get("capacityProvider") not in providers for it in strategy):
        yield (
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with "
            "the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and "
            "try again."
        )


def _mixed(strategy: Sequence[Request]) -> Iterator[str]:
    # https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/68
    if len({it.get("capacityProvider") in FARGATE_PROVIDERS for it in strategy}) > 1:
        yield (
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and "
            "Fargate providers. Specify one or the other and try again."
        )


def _cluster_providers(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html"""
    strategy = request.get("defaultCapacityProviderStrategy") or []
    yield from _mixed(strategy)
    yield from _unassociated(strategy, request.get("capacityProviders") or [])


def _run_task(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"""
    if not 1 <= request.get("count", 1) <= 10:
        yield "Count must be between 1 and 10."
    size = len(json.dumps(request.get("overrides", {}), separators=(",", ":"), ensure_ascii=False))
    if size > 8192:
        yield f"Overrides length must be at most 8192, it is {size}."
    if not re.fullmatch(r"[\x21-\x7e]{0,64}", request.get("clientToken", "")):
        yield "clientToken must be at most 64 ASCII characters from 33 to 126."
    started_by = request.get("startedBy") or ""
    if len(started_by) > 128:
        yield "startedBy longer than 128."  # https://github.com/mapbox/ecs-watchbot/issues/78
    if not re.fullmatch(r"[a-zA-Z0-9_/-]*", started_by):
        yield "startedBy contains invalid characters."
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    if network and not network["subnets"]:
        yield "subnets can not be empty."  # https://github.com/getmoto/moto/blob/master/moto/ecs/models.py
    for given, name, most in (
        (network, "subnets", 16),  # https://github.com/opensearch-project/opensearch-migrations/issues/1430
        (network, "securityGroups", 5),
        (request, "capacityProviderStrategy", 20),
    ):
        if len(given.get(name, [])) > most:
            yield f"{name} can have at most {most} items."
    strategy = request.get("capacityProviderStrategy") or []
    if request.get("launchType") and strategy:
        # https://github.com/terraform-linters/tflint-ruleset-aws/issues/349
        yield "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
    yield from _mixed(strategy)
    yield from _tags(request)


def _tags(request: Request) -> Iterator[str]:
    """Their number, lengths and characters are in the service model.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html
    """
    for tag in request.get("tags", []):
        if any(str(tag.get(it)).lower().startswith("aws:") for it in ("key", "value")):
            yield "Tag keys and values can't start with aws:, which is reserved for AWS."


def _task_definition(request: Request) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"""
    containers = request["containerDefinitions"]
    size = len(json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode())
    if size > LARGEST_DEFINITION:
        # https://github.com/awsdocs/amazon-ecs-developer-guide/pull/149 has the words
        yield f"Actual length: '{size}'. Max allowed length is '{LARGEST_DEFINITION}' bytes."
    if not containers:
        yield "Container list cannot be empty."  # https://github.com/awsdocs/aws-cloudformation-user-guide/pull/454
    for container in containers:
        for field in ("name", "image"):  # https://github.com/hashicorp/terraform/issues/2888
            if not container.get(field):
                yield f"Container.{field} should not be null or empty."
    names = [it["name"] for it in containers if it.get("name")]
    if len(set(names)) < len(names):
        # https://github.com/Shippable/support/issues/2946
        yield "Container names must be unique within a Task Definition."
    if not any(it.get("essential", True) for it in containers):
        yield "Task definition doesn't have any essential container."  # https://github.com/eagletmt/hako/pull/68
    volumes = {it.get("name") for it in request.get("volumes", [])}
    for container in containers:
        mounts = container.get("mountPoints", [])
        for mount in mounts:
            if mount.get("sourceVolume") not in volumes:
                # https://github.com/ansible/ansible/issues/35751
                yield f"Unknown volume '{mount.get('sourceVolume')}'."
        if len({it.get("containerPath") for it in mounts}) < len(mounts):
            # https://github.com/mapbox/ecs-watchbot/issues/254
            yield "containerPath values aren't unique across mountPoints."
    yield from _sizes(request, containers)
    yield from _tags(request)


def _sizes(request: Request, containers: list[Request]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""
    size: dict[str, int] = {}
    for name in ("cpu", "memory"):
        found = re.fullmatch(r"(\d+|\d*\.?\d+ ?(vcpu|gb))", (request.get(name) or "0").lower())
        if found is None:
            yield f"Invalid '{name}' setting for task."
        else:
            # CPU units or MiB; 1 vCPU is 1024, 2 GB is 2048.
            size[name] = int(float(re.sub(r"[ a-z]", "", found[1])) * (1024 if found[2] else 1))
    if "FARGATE" in request.get("requiresCompatibilities", []):
        for name in ("cpu", "memory"):
            if not size.get(name, 1):
                # https://github.com/aws/amazon-ecs-cli/issues/982
                yield f"Fargate requires that '{name}' be defined at the task level."
        if size.get("memory") not in SIZES.get(size.get("cpu", 0), ()):
            # https://github.com/towardsthecloud/aws-cdk-examples/issues/1
            yield f"No Fargate configuration exists for given values: {size['cpu']} CPU, {size['memory']} memory."
    for container in containers:
        memory, name = container.get("memory") or 0, container["name"]
        if not (size["memory"] or memory or container.get("memoryReservation")):
            # https://github.com/aws/aws-cli/issues/4453
            said = "At least one of 'memory' or 'memoryReservation' must be specified."
            yield f"Invalid setting for container '{name}'. {said}"
        if memory > (size["memory"] or memory):
            # https://github.com/pulumi/pulumi-awsx/issues/1220
            yield f"The 'memory' setting for container '{name}' is greater than for the task."
    reserved = sum(it.get("cpu") or 0 for it in containers)
    if reserved > (size["cpu"] or reserved):
        # https://github.com/klothoplatform/klotho/issues/892
        yield "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."


_RULES: Final[dict[str, tuple[str, Callable[[Request], Iterator[str]]]]] = {
    "CreateCluster": ("InvalidParameterException", _cluster_providers),
    "PutClusterCapacityProviders": ("InvalidParameterException", _cluster_providers),
    "RunTask": ("InvalidParameterException", _run_task),
    "RegisterTaskDefinition": ("ClientException", _task_definition),
}
