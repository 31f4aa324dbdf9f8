"""What Amazon ECS refuses of a RegisterTaskDefinition."""

from __future__ import annotations

from typing import Any, Final

from .row import Refusal
from .run_task import FAMILY

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html"
SIZES: Final = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"
JOB: Final[dict[str, Any]] = FAMILY["containerDefinitions"][0]
MOUNT: Final = {"sourceVolume": "v", "containerPath": "/data"}


def containers(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"containerDefinitions": list(given), **more}


def _of_a_definition(
    what: str,
    refuses: str,
    words: str,
    request: dict[str, Any],
    *sources: str,
    takes: dict[str, Any] | None = None,
    **more: Any,
) -> Refusal:
    """A row whose example is a definition with something else in it."""
    whole = {**FAMILY, "family": "rows-refused"}
    return Refusal(
        id=f"ecs.RegisterTaskDefinition.{what}",
        refuses=refuses,
        code="ClientException",
        words=words,
        sources=(*sources, API),
        # None leaves a parameter out.
        request={key: value for key, value in {**whole, **request}.items() if value is not None},
        takes=None if takes is None else {**FAMILY, "family": "rows-taken", **takes},
        **more,
    )


ROWS: Final = (
    _of_a_definition(
        "length",
        "A task definition has at most 65,536 bytes, as JSON",
        "Actual length: '{length}'. Max allowed length is '65536' bytes.",
        containers({**JOB, "command": ["c" * 65536]}),
        "https://github.com/awsdocs/amazon-ecs-developer-guide/pull/149",
        fields={"length": "65720"},
        takes=containers({**JOB, "command": ["c" * 60000]}),
    ),
    _of_a_definition(
        "containers.none",
        "A task has at least one container",
        "Container list cannot be empty.",
        containers(),
        "https://github.com/awsdocs/aws-cloudformation-user-guide/pull/454",
    ),
    _of_a_definition(
        "container.required",
        "A container has a name and an image",
        "Container.{field} should not be null or empty.",
        containers({**JOB, "image": ""}),
        "https://github.com/hashicorp/terraform/issues/2888",
        fields={"field": "image"},
    ),
    _of_a_definition(
        "containers.unique",
        "No two containers have the same name",
        "Container names must be unique within a Task Definition.",
        containers(JOB, JOB),
        "https://github.com/Shippable/support/issues/2946",
        takes=containers(JOB, {**JOB, "name": "other"}),
    ),
    _of_a_definition(
        "containers.essential",
        "At least one container is essential",
        "Task definition doesn't have any essential container.",
        containers({**JOB, "essential": False}),
        "https://github.com/eagletmt/hako/pull/68",
        takes=containers(JOB, {**JOB, "name": "other", "essential": False}),
    ),
    _of_a_definition(
        "volume",
        "A mount names a volume of the task",
        "Unknown volume '{volume}'.",
        containers({**JOB, "mountPoints": [MOUNT]}),
        "https://github.com/ansible/ansible/issues/35751",
        fields={"volume": "v"},
        takes=containers({**JOB, "mountPoints": [MOUNT]}, volumes=[{"name": "v"}]),
    ),
    _of_a_definition(
        "mounts.unique",
        "No two mounts of a container have the same path",
        "containerPath values aren't unique across mountPoints.",
        containers(
            {**JOB, "mountPoints": [MOUNT, {**MOUNT, "sourceVolume": "w"}]}, volumes=[{"name": "v"}, {"name": "w"}]
        ),
        "https://github.com/mapbox/ecs-watchbot/issues/254",
        takes=containers({**JOB, "mountPoints": [MOUNT, {**MOUNT, "containerPath": "/w"}]}, volumes=[{"name": "v"}]),
    ),
    _of_a_definition(
        "size.unreadable",
        "cpu is in units or vCPUs (512, .5 vCPU), memory in MiB or GB (512, 2 GB)",
        "Invalid '{field}' setting for task.",
        {"cpu": "a lot"},
        SIZES,
        fields={"field": "cpu"},
        takes={"cpu": ".25 vCPU", "memory": "2 GB"},
        seen=False,
    ),
    _of_a_definition(
        "size.missing",
        "A task on Fargate has a cpu and a memory at the task level",
        "Fargate requires that '{field}' be defined at the task level.",
        {"memory": None},
        "https://github.com/aws/amazon-ecs-cli/issues/982",
        fields={"field": "memory"},
    ),
    _of_a_definition(
        "size.fargate",
        "cpu and memory are a combination that Fargate supports",
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.",
        {"memory": "4096"},
        "https://github.com/towardsthecloud/aws-cdk-examples/issues/1",
        fields={"cpu": "256", "memory": "4096"},
        takes={"memory": "2048"},
    ),
    _of_a_definition(
        "container.memory.missing",
        "A container has a memory if the task has none",
        "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified.",
        {"requiresCompatibilities": ["EC2"], "memory": ""},
        "https://github.com/aws/aws-cli/issues/4453",
        fields={"name": "job"},
        takes=containers({**JOB, "memoryReservation": 64}, requiresCompatibilities=["EC2"], memory=""),
    ),
    _of_a_definition(
        "container.memory.most",
        "A container has no more memory than its task",
        "The 'memory' setting for container '{name}' is greater than for the task.",
        containers({**JOB, "memory": 513}),
        "https://github.com/pulumi/pulumi-awsx/issues/1220",
        fields={"name": "job"},
        takes=containers({**JOB, "memory": 512}),
    ),
    _of_a_definition(
        "containers.cpu",
        "The containers together have no more cpu than the task",
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        containers({**JOB, "cpu": 200}, {"name": "b", "image": "b", "cpu": 57}),
        "https://github.com/klothoplatform/klotho/issues/892",
        takes=containers({**JOB, "cpu": 200}, {"name": "b", "image": "b", "cpu": 56}),
    ),
    _of_a_definition(
        "tags.aws",
        "No tag key or value begins with aws:",
        "Tag keys and values can't start with aws:, which is reserved for AWS.",
        {"tags": [{"key": "aws:k", "value": "v"}]},
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
        seen=False,
    ),
)
