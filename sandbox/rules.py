"""What Amazon ECS refuses that its service model does not say: the rules of RunTask and RegisterTaskDefinition. Pure.

The words are ECS's own where they are known, and the page beside a rule shows them; the others follow those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
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
    "RunTask": ("InvalidParameterException", _run_task),
    "RegisterTaskDefinition": ("ClientException", _task_definition),
}
