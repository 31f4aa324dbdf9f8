"""The containers of a job's task: their arguments, and the ECS container definitions made of these. Pure.

Limits: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, TypedDict

import pulumi

from .checks.choices import LogMode, SidecarCondition
from .checks.containers import STOP_SECONDS, WRITABLE_PATHS
from .checks.kinds import LARGEST_DEFINITION
from .checks.names import CONTAINER
from .checks.plain_secrets import not_secret_label

NOBODY: Final = "65532:65532"
"""A user and group that own no file in any usual image."""


class Ulimit(TypedDict):
    """A limit of a container's processes."""

    soft: int
    """The limit until a process raises it, 1 to `hard`."""
    hard: int
    """The highest limit that a process may set, up to 1048576."""


class Ulimits(TypedDict, total=False):
    """Limits of a container's processes; Fargate lets you set one.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html
    """

    nofile: Ulimit
    """Open files. Default: Fargate's own, 65535 and 65535."""


class LogOptions(TypedDict, total=False):
    """What happens to output that CloudWatch Logs does not accept in time.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html
    """

    mode: LogMode
    """`non-blocking`: output waits in memory, and is lost if it does not fit; `blocking`: the program that writes it
    waits. Default: the account's defaultLogDriverMode, which is non-blocking unless it was changed."""
    max_buffer_size: str
    """How much output may wait, with `mode` non-blocking: a number followed by k, m or g, such as `25m`. Default:
    10m."""


class HealthCheck(TypedDict):
    """How ECS checks whether a container is healthy."""

    command: Sequence[str]
    """`["CMD", …]` runs a program of the image, `["CMD-SHELL", "…"]` a line in its shell; exit code 0 means healthy."""
    interval_seconds: NotRequired[int]
    """Seconds between two checks, 5 to 300. Default: 30."""
    timeout_seconds: NotRequired[int]
    """Seconds that one check may take, 2 to 60. Default: 5."""
    retries: NotRequired[int]
    """Failures in a row until the container is unhealthy, 1 to 10. Default: 3."""
    start_period_seconds: NotRequired[int]
    """Seconds at the start in which failures do not count, 0 to 300. Default: 0."""


class Sidecar(TypedDict):
    """A container beside the job's own, in the same task: it shares its network, its size and its task role."""

    name: str
    """Name of the container; not `job`."""
    image: pulumi.Input[str]
    """The container image, as a task definition names it. Pin it by digest in production."""
    pull_through_cache: NotRequired[bool]
    """As the job's. Default: false."""
    command: NotRequired[Sequence[str]]
    """Default: the image's own."""
    entry_point: NotRequired[Sequence[str]]
    """As the job's. Default: the image's own."""
    working_directory: NotRequired[str]
    """As the job's. Default: the image's own."""
    ulimits: NotRequired[Ulimits]
    """As the job's. Default: Fargate's own."""
    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variables. No secrets here. Default: none."""
    not_secret: NotRequired[Sequence[str]]
    """As the job's. Default: none."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """As the job's. Default: none."""
    repository_credentials_arn: NotRequired[pulumi.Input[str]]
    """As the job's. Default: none."""
    essential: NotRequired[bool]
    """Whether the task ends when this container ends. Default: false, the task ends with the job."""
    user: NotRequired[str]
    """As the job's `user`. Default: 65532:65532."""
    read_only_root: NotRequired[bool]
    """As the job's `read_only_root`. Default: true."""
    writable_paths: NotRequired[Mapping[str, int]]
    """As the job's `writable_paths`. Default: /tmp, 64 MiB."""
    health_check: NotRequired[HealthCheck]
    """Default: none."""
    stop_timeout_seconds: NotRequired[int]
    """As the job's. Default: 30."""
    job_waits_for: NotRequired[SidecarCondition]
    """What the job waits for before it starts: `START`, `HEALTHY`, `SUCCESS` (exit code 0) or `COMPLETE` (any exit
    code). Default: HEALTHY if there is a health check, otherwise START."""


class EfsVolume(TypedDict):
    """A folder of an EFS file system in the job's container, mounted through an access point with the task role."""

    file_system_id: pulumi.Input[str]
    """Id of the file system, such as fs-0123456789abcdef0. Its mount targets have to accept connections from the task's
    security groups (TCP 2049)."""
    access_point_id: pulumi.Input[str]
    """Id of the access point, such as fsap-0123456789abcdef0. It determines folder and user, and the IAM policies name
    it."""
    path: str
    """Path of the folder in the container, such as /data."""
    read_only: NotRequired[bool]
    """Default: false."""


def containers(job: Any, logs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The container definitions, the job's own first; `logs` are the options of their log driver."""
    sidecars: Sequence[Sidecar] = job.sidecars
    waits = [
        {
            "containerName": it["name"],
            "condition": it.get("job_waits_for", "HEALTHY" if "health_check" in it else "START"),
        }
        for it in sidecars
    ]
    own: dict[str, Any] = {
        **{"command": job.command, "environment": job.environment, "secrets": job.secrets, "user": job.user},
        "not_secret": job.not_secret,
        **{"read_only_root": job.read_only_root, "writable_paths": job.writable_paths},
        **{"health_check": job.health_check, "stop_timeout_seconds": job.stop_timeout_seconds},
        "repository_credentials_arn": job.repository_credentials_arn,
        **{"entry_point": job.entry_point, "working_directory": job.working_directory, "ulimits": job.ulimits},
    }
    main: dict[str, Any] = {
        **_container(CONTAINER, job.image, own, logs, essential=True),
        **({"dependsOn": waits} if waits else {}),
    }
    if job.allow_exec:
        # ECS Exec leaves zombie processes, which process 1 has to reap.
        main["linuxParameters"] = {"initProcessEnabled": True, **main.get("linuxParameters", {})}
    for number, volume in enumerate(job.efs_volumes):
        mount: dict[str, Any] = {"sourceVolume": f"efs-{number}", "containerPath": volume["path"]}
        read_only = {"readOnly": True} if volume.get("read_only") else {}
        main["mountPoints"] = [*main.get("mountPoints", []), {**mount, **read_only}]
    beside = [_container(it["name"], it["image"], it, logs, essential=it.get("essential", False)) for it in sidecars]
    return [main, *beside]


def log_options(given: LogOptions) -> dict[str, str]:
    """The options of every container's log driver, by ECS's names."""
    named = {"mode": given.get("mode"), "max-buffer-size": given.get("max_buffer_size")}
    return {key: value for key, value in named.items() if value is not None}


def _container(
    name: str, image: pulumi.Input[str], given: Mapping[str, Any], logs: Mapping[str, Any], *, essential: bool
) -> dict[str, Any]:
    """A container definition without fields that equal their default.

    ECS does not return some empty fields (a start period of 0, an empty list). The AWS provider compares what ECS
    returns with the request, and would replace the task definition with every update.
    """
    optional: dict[str, Any] = {}
    if not essential:
        optional["essential"] = False
    if given.get("read_only_root", True):
        optional["readonlyRootFilesystem"] = True
    for key, named in (("command", "command"), ("entry_point", "entryPoint")):
        if given.get(key):
            optional[named] = list(given[key])
    if given.get("working_directory"):
        optional["workingDirectory"] = given["working_directory"]
    if limits := [
        {"name": kind, "softLimit": limit["soft"], "hardLimit": limit["hard"]}
        for kind, limit in sorted((given.get("ulimits") or {}).items())
    ]:
        optional["ulimits"] = limits
    if environment := sorted(given.get("environment", {}).items()):
        optional["environment"] = [{"name": key, "value": value} for key, value in environment]
    if labels := not_secret_label(given.get("not_secret", ())):
        optional["dockerLabels"] = labels
    if secrets := sorted(given.get("secrets", {}).items()):
        optional["secrets"] = [{"name": key, "valueFrom": arn} for key, arn in secrets]
    if given.get("health_check"):
        optional["healthCheck"] = _health_check(given["health_check"])
    if given.get("stop_timeout_seconds", 0) not in (0, STOP_SECONDS):
        optional["stopTimeout"] = given["stop_timeout_seconds"]
    if given.get("repository_credentials_arn") is not None:
        optional["repositoryCredentials"] = {"credentialsParameter": given["repository_credentials_arn"]}
    paths = _writable_paths(given)
    if tmpfs := [{"containerPath": path, "size": mib} for path, mib in paths.items() if mib]:
        optional["linuxParameters"] = {"tmpfs": tmpfs}
    if mounts := [{"sourceVolume": volume, "containerPath": path} for volume, path in _on_disk(name, paths)]:
        optional["mountPoints"] = mounts
    return {
        "name": name,
        "image": image,
        "user": given.get("user", NOBODY),
        "logConfiguration": {"logDriver": "awslogs", "options": {**logs, "awslogs-stream-prefix": name}},
        **optional,
    }


def _health_check(given: HealthCheck) -> dict[str, Any]:
    """The first three are included although they are defaults: ECS fills them in and returns them.

    https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/148
    """
    start = given.get("start_period_seconds", 0)
    return {
        "command": list(given["command"]),
        "interval": given.get("interval_seconds", 30),
        "timeout": given.get("timeout_seconds", 5),
        "retries": given.get("retries", 3),
        **({"startPeriod": start} if start else {}),
    }


def _writable_paths(given: Mapping[str, Any]) -> Mapping[str, int]:
    """The paths that a container with a read-only root may write to; empty for any other container."""
    return given.get("writable_paths", WRITABLE_PATHS) if given.get("read_only_root", True) else {}


def _on_disk(container: str, paths: Mapping[str, int]) -> list[tuple[str, str]]:
    """Volume and path of each writable path on the task's disk. EFS volumes have other names."""
    return [
        (f"disk-{container}-{number}", path) for number, path in enumerate(it for it, mib in paths.items() if not mib)
    ]


def fitting(definitions: str) -> str:
    """The container definitions unchanged, as JSON. Raises ValueError when they are too large for ECS."""
    size = len(definitions.encode())
    if size > LARGEST_DEFINITION:
        raise ValueError(
            f"{_largest(json.loads(definitions))}: the task definition has {size} bytes or more, and ECS accepts "
            f"{LARGEST_DEFINITION}; move long values into the image, a file in S3 or a secret, and give their names"
        )
    return definitions


def size_problems(job: Any) -> list[str]:
    """The problem of a task definition that is too large even with empty outputs."""
    known = containers(job, {"awslogs-group": "", "awslogs-region": ""})
    try:
        fitting(json.dumps(known, sort_keys=True, default=lambda _later: ""))
    except ValueError as error:
        return [str(error)]
    return []


def _largest(definitions: Sequence[Mapping[str, Any]]) -> str:
    """The argument that most of the definitions' bytes come from."""
    sizes: dict[int, str] = {}
    for number, it in enumerate(definitions):
        path = f"sidecars[{number - 1}]." if number else ""
        sizes |= {len(json.dumps(it.get(key, ""))): f"{path}{key}" for key in ("command", "environment", "secrets")}
    return sizes[max(sizes)]


def volumes(job: Any) -> list[Any]:
    """The task's volumes, in the form of the task definition's `volumes`: empty ones to write to, and EFS."""
    own = {"read_only_root": job.read_only_root, "writable_paths": job.writable_paths}
    writing = [(CONTAINER, own), *((it["name"], it) for it in job.sidecars)]
    found: list[Any] = [{"name": volume} for name, it in writing for volume, _ in _on_disk(name, _writable_paths(it))]
    for number, volume in enumerate(job.efs_volumes):
        configuration = {
            "file_system_id": volume["file_system_id"],
            "transit_encryption": "ENABLED",
            "authorization_config": {"access_point_id": volume["access_point_id"], "iam": "ENABLED"},
        }
        found.append({"name": f"efs-{number}", "efs_volume_configuration": configuration})
    return found


def secrets(job: Any) -> list[pulumi.Input[str]]:
    """ARNs of every secret and parameter that ECS reads to start the task."""
    own = {"secrets": job.secrets, "repository_credentials_arn": job.repository_credentials_arn}
    found: list[pulumi.Input[str]] = []
    for it in (own, *job.sidecars):
        registry = it.get("repository_credentials_arn")
        found += [*it.get("secrets", {}).values(), *([] if registry is None else [registry])]
    return found
