"""The Fargate task definition of a job and the log group that its container writes to."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_aws as aws

from . import iam
from .arguments import Job
from .roles import Role

CONTAINER: Final = "job"
"""Name of the container in the task definition; a launch's overrides address it."""


def job_log_group(name: str, job: Job, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """Where the container's output goes."""
    return log_group(name, "job", job, parent=parent)


def log_group(name: str, of: str, job: Job, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """A log group of this launcher, named so that the console lists a stack's groups together."""
    return aws.cloudwatch.LogGroup(
        f"{name}-{of}",
        name=f"/{pulumi.get_project()}/{pulumi.get_stack()}/{name}/{of}",
        retention_in_days=job.log_retention_days,
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent, protect=job.protect_logs),
    )


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
    launch that is being retried while the stack is updated still finds it."""
    container = {
        "name": CONTAINER,
        "image": job.image,
        "essential": True,
        **({"command": list(job.command)} if job.command else {}),
        "environment": [{"name": key, "value": value} for key, value in sorted(job.environment.items())],
        "secrets": [{"name": key, "valueFrom": arn} for key, arn in sorted(job.secrets.items())],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": logs.name,
                "awslogs-region": place.apply(lambda it: it.region),
                "awslogs-stream-prefix": CONTAINER,
            },
        },
    }
    return aws.ecs.TaskDefinition(
        name,
        family=f"{pulumi.get_project()}-{pulumi.get_stack()}-{name}",
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(job.cpu),
        memory=str(job.memory),
        execution_role_arn=execution_role.arn,
        task_role_arn=task_role.arn,
        container_definitions=pulumi.Output.json_dumps([container], sort_keys=True),
        skip_destroy=True,
        tags=job.tags,
        # A task started before its execution role may pull the image would fail.
        opts=pulumi.ResourceOptions(parent=parent, depends_on=execution_role.policies),
    )
