"""Task definitions that a resource of another type has: a job definition of Batch, an Express service, a daemon's.

Each is judged as a task definition inside its resource. No rule is here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

from fargate_job_launcher.policies.files.declared import mapping
from pulumi_policy.proxy import unknown_checking_proxy

from .launched import TASK_DEFINITION, TASK_SET
from .stack import INSIDE, UNKNOWN, Resource, marked

_JOB: Final = "aws:batch/jobDefinition:JobDefinition"
_EXPRESS: Final = "aws:ecs/expressGatewayService:ExpressGatewayService"
_DAEMON: Final = "aws:ecs/daemonTaskDefinition:DaemonTaskDefinition"
_SINGULAR: Final = {
    "commands": "command",
    "entryPoints": "entryPoint",
    "environments": "environment",
    "adds": "add",
    "drops": "drop",
}
"""Lists as the provider names them where they are blocks."""
_FREE: Final = ("options", "dockerLabels")
_LOGGED: Final = {"logDriver": "awslogs", "options": {"awslogs-group": "/aws/batch/job"}}
"""Where Batch and ECS write the output of a container that no rule reports.
https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html"""


def definitions(it: Resource) -> Iterator[Resource]:
    """The task definitions of a resource, and how their tasks are connected."""
    yield from DEFINING[it.kind](it)


def _jobs(it: Resource) -> Iterator[Resource]:
    fargate = it.props.get("platformCapabilities") == ["FARGATE"]
    for prop in ("containerProperties", "ecsProperties", "nodeProperties"):
        given = it.props.get(prop)
        if given is UNKNOWN:
            yield _definition(it, prop, prop, {"containerDefinitions": UNKNOWN})
        for where, job in _tasks(prop, _value(given)):
            listed = [mapping(one) for one in _list(job.get("containers", [job]))]
            if not any("image" in one for one in listed):
                continue
            said: dict[str, Any] = {
                "containerDefinitions": [_container(it, one) for one in listed],
                "taskRoleArn": job.get("taskRoleArn", job.get("jobRoleArn")),
                "executionRoleArn": job.get("executionRoleArn"),
            }
            said |= _size(job, listed) if fargate else {"requiresCompatibilities": ["EC2"]}
            yield _definition(it, prop, where, said)
            network = mapping(job.get("networkConfiguration"))
            if network:
                # The subnets are the compute environment's.
                yield _inside(it, prop, f"{where}.networkConfiguration", TASK_SET, {"networkConfiguration": network})


def _tasks(prop: str, given: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The containers' properties, and where each is."""
    block = mapping(given)
    if prop == "containerProperties":
        yield prop, block
    elif prop == "ecsProperties":
        for number, one in enumerate(_list(block.get("taskProperties"))):
            yield f"{prop}.taskProperties[{number}]", mapping(one)
    else:
        for number, one in enumerate(_list(block.get("nodeRangeProperties"))):
            for inner, name in (("container", "containerProperties"), ("ecsProperties", "ecsProperties")):
                for where, job in _tasks(name, mapping(one).get(inner)):
                    yield f"{prop}.nodeRangeProperties[{number}].{where.replace(name, inner, 1)}", job


def _size(job: dict[str, Any], listed: list[dict[str, Any]]) -> dict[str, Any]:
    needs = {
        str(one.get("type")): one.get("value")
        for container in [job, *listed]
        for one in map(mapping, _list(container.get("resourceRequirements")))
    }
    made: dict[str, Any] = {"requiresCompatibilities": ["FARGATE"], "memory": needs.get("MEMORY")}
    try:
        made["cpu"] = str(int(float(str(needs.get("VCPU"))) * 1024))
    except ValueError:
        made["cpu"] = needs.get("VCPU")
    return made


def _express(it: Resource) -> Iterator[Resource]:
    primary = it.props.get("primaryContainer")
    said = {key: it.props.get(key) for key in ("cpu", "memory", "taskRoleArn", "executionRoleArn")}
    containers = UNKNOWN if primary is UNKNOWN else [_container(it, {"name": "Main", **mapping(primary)})]
    # ECS gives a service that names no size 1 vCPU and 2 GB.
    sized = {"cpu": said.pop("cpu") or "1024", "memory": said.pop("memory") or "2048"}
    yield _definition(
        it,
        "primaryContainer",
        "primaryContainer",
        {**said, **sized, "containerDefinitions": containers, "requiresCompatibilities": ["FARGATE"]},
    )


def _daemon(it: Resource) -> Iterator[Resource]:
    listed = it.props.get("containerDefinitions")
    said = {key: it.props.get(key) for key in ("cpu", "memory", "taskRoleArn", "executionRoleArn")}
    made = UNKNOWN if listed is UNKNOWN else [_written(one) for one in _list(listed)]
    yield _definition(
        it,
        "containerDefinitions",
        "containerDefinitions",
        {**said, "containerDefinitions": made, "requiresCompatibilities": ["MANAGED_INSTANCES"]},
    )


DEFINING: Final[dict[str, Callable[[Resource], Iterator[Resource]]]] = {
    _JOB: _jobs,
    _EXPRESS: _express,
    _DAEMON: _daemon,
}
"""Type → its task definitions."""


def _container(it: Resource, given: dict[str, Any]) -> dict[str, Any]:
    made = _written(given)
    environment = [one for one in made.get("environment") or [] if one is not UNKNOWN]
    # A value that is not known yet does not hide the others.
    made["environment"] = [one for one in environment if UNKNOWN not in mapping(one).values()]
    return {"name": it.name, **made, "logConfiguration": made.get("logConfiguration") or _LOGGED}


def _written(value: Any) -> Any:
    """A container's properties in ECS's own names."""
    if isinstance(value, list):
        return [_written(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {
        _SINGULAR.get(key, key): inner if key in _FREE else _written(inner)
        for key, inner in cast("dict[str, Any]", value).items()
    }


def _definition(it: Resource, prop: str, where: str, said: dict[str, Any]) -> Resource:
    return _inside(it, prop, where, TASK_DEFINITION, {"networkMode": "awsvpc", **said})


def _inside(it: Resource, prop: str, where: str, kind: str, said: dict[str, Any]) -> Resource:
    raw = cast("Any", unknown_checking_proxy(marked({key: one for key, one in said.items() if one is not None})))
    origins = {key: it.origins.get(key) or it.origins.get(prop, ()) for key in said}
    return Resource(f"{it.urn}{INSIDE}{where}", kind, f"{it.name}{INSIDE}{where}", raw, origins, outputs=it.outputs)


def _value(given: Any) -> Any:
    try:
        return json.loads(given) if isinstance(given, str) else given
    except json.JSONDecodeError:
        return None


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
