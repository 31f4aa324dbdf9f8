"""The launcher's Lambda function: its archive, settings and log group. Its code is in handler/."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler.settings import JOB_TAG, STACK_TAG, VARIABLE

from . import iam
from .arguments import KEEP_DAYS, PUBLIC_IPV4_HOUR, RETRIED, Job, LauncherFunction
from .checks.function import seconds_to_launch
from .checks.names import CONTAINER
from .checks.overrides import override_settings
from .resolving import as_json
from .roles import Role, Runs
from .scheduling import Scheduling
from .task_definition import family, log_group

RUNTIME: Final = "python3.13"
MEMORY_MIB: Final = 512
LARGEST_ENVIRONMENT: Final = 4096
"""Bytes of all environment variables of a function together, their names included.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


def launcher_log_group(name: str, job: Job, *, parent: pulumi.Resource) -> aws.cloudwatch.LogGroup:
    """The log group of the function's own lines."""
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
    execution_role: Role,
    task_role: Role,
    job_logs: aws.cloudwatch.LogGroup,
    role: Role,
    logs: aws.cloudwatch.LogGroup,
    runs: Runs,
    scheduling: Scheduling | None,
    dead_letters: aws.sqs.Queue | None,
    parent: pulumi.Resource,
) -> aws.lambda_.Function:
    """The function. It depends on every policy of all three roles: from its first moment it may launch the job, and the
    job has its permissions."""
    overrides = job.overrides
    settings = {
        "job": name,
        "cluster": job.cluster_arn,
        "taskDefinition": task_definition.arn,
        "container": CONTAINER,
        "executionRole": execution_role.arn,
        "taskRole": task_role.arn,
        "cpu": job.cpu,
        "memory": job.memory,
        "ephemeralStorageGib": job.ephemeral_storage_gib,
        "subnets": job.subnet_ids,
        "securityGroups": job.security_group_ids,
        "assignPublicIp": job.assign_public_ip,
        "capacity": job.capacity,
        "logGroup": job_logs.name,
        "overrides": override_settings(overrides),
        "payloadPrefix": ""
        if job.payload_bucket is None or not overrides.get("payload", False)
        else pulumi.Output.concat("s3://", job.payload_bucket, f"/{family(name)}/"),
        "payloadKey": "" if job.payload_bucket is None else job.kms_key_arn or "",
        "deadLetterQueue": "" if dead_letters is None else dead_letters.url,
        "maxRunning": job.max_running,
        "exec": job.allow_exec,
        "eventAsPayload": (job.event_rule or {}).get("as_payload", False),
        "queueAsPayload": (job.queue or {}).get("as_payload", False),
        "prices": None
        if job.prices is None
        else {
            "date": job.prices["date"],
            "vcpuHour": job.prices["vcpu_hour"],
            "memoryGibHour": job.prices["memory_gib_hour"],
            "storageGibHour": job.prices["storage_gib_hour"],
            "publicIpv4Hour": job.prices.get("public_ipv4_hour", PUBLIC_IPV4_HOUR),
        },
        **_run_settings(job, runs),
        "schedules": list(job.named_schedules),
        "scheduling": scheduling.settings(dead_letters)
        if scheduling is not None and dead_letters is not None and job.launches_later
        else None,
    }
    function = job.function
    return aws.lambda_.Function(
        f"{name}-launcher",
        description=f"Launches the job {name} on Fargate.",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="handler.app.handle",
        **_code(function),
        role=role.arn,
        timeout=timeout_seconds(job),
        memory_size=function.get("memory_mib", MEMORY_MIB),
        reserved_concurrent_executions=function.get("reserved_concurrency"),
        # An alias points to a version.
        publish=True if job.has_dead_letters else None,
        kms_key_arn=job.kms_key_arn,
        environment={"variables": {VARIABLE: as_json(settings).apply(_fits)}},
        tracing_config={"mode": "Active"} if function.get("tracing") else None,
        vpc_config={"subnet_ids": function["subnet_ids"], "security_group_ids": function["security_group_ids"]}
        if "subnet_ids" in function and "security_group_ids" in function
        else None,
        logging_config={"log_format": "JSON", "log_group": logs.name},
        # The command fargate-job finds a launcher by these, without its stack.
        tags={**job.tags, JOB_TAG: name, STACK_TAG: f"{pulumi.get_project()}/{pulumi.get_stack()}"},
        opts=pulumi.ResourceOptions(
            parent=parent, depends_on=[*execution_role.policies, *task_role.policies, *role.policies]
        ),
    )


def _run_settings(job: Job, runs: Runs) -> dict[str, Any]:
    """Where runs are kept, and what follows when one fails, is late or is one too many."""
    policy = job.supervision or {}
    prefix = f"/{runs.family}/{iam.RESULTS}"
    return {
        "runs": {
            "table": runs.table_arn.apply(lambda it: it.rpartition("/")[2]),
            "keepDays": job.runs.get("keep_days", KEEP_DAYS),
        },
        "policy": {
            "retries": policy.get("retries", 0),
            "retryOn": sorted(policy.get("retry_on", RETRIED)),
            "maxRuntimeMinutes": policy.get("max_runtime_minutes", 0),
            "startTimeoutMinutes": policy.get("start_timeout_minutes", 0),
            "retryExitCodes": sorted(set(policy.get("retry_exit_codes", []))),
            "neverRetryExitCodes": sorted(set(policy.get("never_retry_exit_codes", []))),
        },
        "overlap": job.overlap,
        "noticeTopic": runs.topic_arn or "",
        "logLines": (job.notify or {}).get("log_lines", 0),
        "callbacks": bool(job.callbacks),
        "resultPrefix": pulumi.Output.concat("s3://", job.payload_bucket, prefix)
        if job.result and job.payload_bucket is not None
        else "",
    }


def _code(function: LauncherFunction) -> dict[str, Any]:
    if "signed_code" not in function:
        return {"code": archive()}
    signed = function["signed_code"]
    return {
        "s3_bucket": signed["bucket"],
        "s3_key": signed["key"],
        "s3_object_version": signed.get("version"),
        "code_signing_config_arn": function.get("code_signing_config_arn"),
    }


def timeout_seconds(job: Job) -> int:
    """The function's timeout in seconds."""
    return job.function.get("timeout_seconds", seconds_to_launch(job.overrides.get("max_count", 1), job.queue))


def _fits(settings: str) -> str:
    """The settings unchanged. Raises ValueError when they are too large for Lambda."""
    size = len(VARIABLE) + len(settings.encode())
    if size > LARGEST_ENVIRONMENT:
        raise ValueError(
            f"overrides: {size} bytes of settings, at most {LARGEST_ENVIRONMENT} fit in a function's environment; "
            "declare fewer roles, environment names, tags or schedules, or shorten them"
        )
    return settings
