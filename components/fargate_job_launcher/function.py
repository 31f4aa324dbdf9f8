"""The launcher's Lambda function: its archive, its settings and its log group. What it does is in handler/."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from .arguments import Job
from .roles import Role
from .task_definition import CONTAINER, log_group

RUNTIME: Final = "python3.13"
TIMEOUT_SECONDS: Final = 60
MEMORY_MIB: Final = 512


def launcher_log_group(name: str, job: Job, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """Where the function's own log lines go."""
    return log_group(name, "launcher", job, parent=parent)


def archive() -> pulumi.AssetArchive:
    """The function's code: every module of the handler and nothing else, in a fixed order."""
    folder = Path(str(resources.files(f"{__package__}.handler")))
    return pulumi.AssetArchive(
        {f"handler/{path.name}": pulumi.FileAsset(str(path.absolute())) for path in sorted(folder.glob("*.py"))}
    )


def launcher_function(
    name: str,
    job: Job,
    *,
    task_definition: aws.ecs.TaskDefinition,
    job_logs: aws.cloudwatch.LogGroup,
    role: Role,
    logs: aws.cloudwatch.LogGroup,
    parent: pulumi.Resource,
) -> aws.lambda_.Function:
    """The function. It waits for its policy: from its first moment it may do what it is there for."""
    settings = {
        "job": name,
        "cluster": job.cluster_arn,
        "taskDefinition": task_definition.arn,
        "container": CONTAINER,
        "subnets": job.subnet_ids,
        "securityGroups": job.security_group_ids,
        "assignPublicIp": job.assign_public_ip,
        "capacity": job.capacity,
        "logGroup": job_logs.name,
        "overrides": {
            "environment": sorted(job.overrides.get("environment", [])),
            "command": job.overrides.get("command", False),
            "maxCount": job.overrides.get("max_count", 1),
            "taskRoles": job.overrides.get("task_roles", {}),
        },
    }
    return aws.lambda_.Function(
        f"{name}-launcher",
        description=f"Launches the job {name} on Fargate.",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="handler.app.handle",
        code=archive(),
        role=role.arn,
        timeout=TIMEOUT_SECONDS,
        memory_size=MEMORY_MIB,
        environment={"variables": {"LAUNCHER_SETTINGS": pulumi.Output.json_dumps(settings, sort_keys=True)}},
        logging_config={"log_format": "JSON", "log_group": logs.name},
        tags=job.tags,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=role.policies),
    )
