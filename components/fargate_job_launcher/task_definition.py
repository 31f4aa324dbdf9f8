"""The Fargate task definition of a job and the log group that its container writes to."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from fargate_job_launcher.handler import fargate

from . import container, iam
from .arguments import Job
from .checks import shapes
from .checks.containers import ARCHITECTURES
from .kept import Kept
from .resolving import as_json
from .roles import Role


def job_log_group(name: str, job: Job, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """The log group of the container's output."""
    return log_group(name, "job", job, parent=parent)


def log_group(name: str, of: str, kept: Kept, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """A log group of a component, named so that the console lists a stack's groups together."""
    group = f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}/{of}"
    return aws.cloudwatch.LogGroup(
        f"{name}-{of}",
        name=group,
        retention_in_days=kept.log_retention_days,
        kms_key_id=kept.kms_key_arn,
        tags=kept.tags,
        # Not False: that would override the component's own resource options.
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=True if kept.protect_logs else None,
            retain_on_delete=True if kept.keep_logs else None,
            # The engine imports it unchanged, and then updates what differs from these arguments.
            import_=group if of in kept.adopt_logs else None,
        ),
    )


def family(name: str) -> str:
    """The family of a job's task definition (its name without the revision); the prefix of its payloads is the same.

    It is unique in the account. A digest of project, stack and job follows where a hyphen in a name could be mistaken
    for the one between two names, and where ECS does not accept a name unchanged.
    """
    project, stack = pulumi.get_project(), pulumi.get_stack()
    plain = f"{project}-{stack}-{name}"
    if re.fullmatch(r"\w+", project, re.ASCII) and re.fullmatch(r"\w+", stack, re.ASCII):
        return plain
    digest = hashlib.sha256(f"{project}/{stack}/{name}".encode()).hexdigest()[:6]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', plain)}-{digest}"


_TAKEN: Final = WeakKeyDictionary[pulumi.Resource, set[str]]()
"""The names of the launchers of each stack that this process deploys."""


def take_name(name: str) -> None:
    """Reserve a name in this stack. Raises pulumi.RunError when another launcher has it, also under another parent: log
    groups and task definition are named by it alone. A plugin does not know the stack, and AWS refuses the second log
    group; Pulumi's mocks have one stack for all tests of a process, which may create the same launcher again."""
    stack = pulumi.runtime.get_root_resource()
    if stack is None or isinstance(get_monitor(), MockMonitor):
        return
    names = _TAKEN.setdefault(stack, set())
    if name in names:
        problem = (
            f"name: {name!r} is already the name of a launcher in this stack, and names its log groups and task "
            "definition whatever its parent; choose another name"
        )
        shapes.refuse("FargateJobLauncher", name, [problem])
    names.add(name)


def task_definition(
    name: str,
    job: Job,
    *,
    place: pulumi.Output[iam.Place],
    execution_role: Role,
    task_role: Role,
    logs: aws.cloudwatch.LogGroup,
    parent: pulumi.Resource,
) -> aws.ecs.TaskDefinition:
    """The one task that the launcher may run. A change makes a new revision; the old one stays ACTIVE, so that a
    launch that is retried during an update still finds it."""
    storage = job.ephemeral_storage_gib
    options = {
        "awslogs-group": logs.name,
        "awslogs-region": place.apply(lambda it: it.region),
        **container.log_options(job.log_options),
    }
    containers = container.containers(job, options)
    return aws.ecs.TaskDefinition(
        name,
        family=family(name),
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(job.cpu),
        memory=str(job.memory),
        runtime_platform={
            "cpu_architecture": ARCHITECTURES[job.architecture],
            "operating_system_family": "LINUX",
        },
        volumes=container.volumes(job) or None,
        ephemeral_storage={"size_in_gib": storage} if storage > fargate.EPHEMERAL_STORAGE_DEFAULT_GIB else None,
        execution_role_arn=execution_role.arn,
        task_role_arn=task_role.arn,
        container_definitions=as_json(containers).apply(container.fitting),
        skip_destroy=True,
        tags=job.tags,
        # A task that starts before its execution role may pull the image fails.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=execution_role.policies),
    )
