"""Problems with the arguments of a job's containers, and ECS's limits for them. Pure.

Limits: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fargate_job_launcher import iam

from .choices import CONDITIONS, LOG_MODES, Architecture
from .kinds import outside
from .names import CONTAINER
from .references import image_problems

WRITABLE_PATHS: Final[Mapping[str, int]] = {"/tmp": 64}  # noqa: S108 - a path in the container
LARGEST_TMPFS_MIB: Final = 65536
STOP_SECONDS: Final = 30
LONGEST_STOP_SECONDS: Final = 120
"""Seconds between SIGTERM and SIGKILL: Fargate's default and its maximum."""
ARCHITECTURES: Final[Mapping[Architecture, str]] = {"x86_64": "X86_64", "arm64": "ARM64"}
MOST_CONTAINERS: Final = 10
"""The most containers of a task definition. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html"""
MOST_FILES: Final = 1048576
"""The most open files that Linux lets a process request (fs.nr_open)."""


def container_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Problems with the arguments of the job's containers; `memory` has its default already."""
    architecture = given.get("architecture", "x86_64")
    if architecture not in ARCHITECTURES:
        yield f"architecture: {architecture!r} is unknown; allowed: {', '.join(ARCHITECTURES)}"
    if given.get("allow_exec") and given.get("read_only_root"):
        yield "allow_exec: ECS Exec writes to the container's root; it does not go with read_only_root true"
    mounted: list[str] = []
    yield from _container_problems("", given, given["memory"], mounted)
    yield from _log_problems(given.get("log_options", {}), given["memory"])
    if len(given.get("sidecars", [])) >= MOST_CONTAINERS:
        yield f"sidecars: {len(given['sidecars'])}; a task has {MOST_CONTAINERS} containers at most, the job's included"
    names = [CONTAINER]
    for number, sidecar in enumerate(given.get("sidecars", [])):
        path = f"sidecars[{number}]."
        name = str(sidecar.get("name", ""))
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name):
            yield f"{path}name: {name!r} is not a container's name: 1 to 255 letters, digits, hyphens, underscores"
        elif name in names:
            yield f"{path}name: {name!r} is taken; give each container of a task its own name"
        names.append(name)
        condition = sidecar.get("job_waits_for", "START")
        if condition not in CONDITIONS:
            yield f"{path}job_waits_for: {condition!r} is unknown; allowed: {', '.join(CONDITIONS)}"
        elif condition == "HEALTHY" and "health_check" not in sidecar:
            yield f"{path}job_waits_for: HEALTHY needs a health_check of this sidecar"
        elif condition in ("COMPLETE", "SUCCESS") and sidecar.get("essential"):
            yield f"{path}job_waits_for: {condition} waits for its end, but the task ends with an essential container"
        yield from _container_problems(path, sidecar, given["memory"], [])
    for number, volume in enumerate(given.get("efs_volumes", [])):
        path = f"efs_volumes[{number}]."
        yield from _path_problems(f"{path}path", volume.get("path", ""), mounted)
        for key, shape in (("file_system_id", r"fs-[0-9a-f]{8,40}"), ("access_point_id", r"fsap-[0-9a-f]{8,40}")):
            value = volume.get(key)
            if isinstance(value, str) and not re.fullmatch(shape, value):
                yield f"{path}{key}: {value!r} is no such id; it looks like {shape.partition('-')[0]}-0123456789abcdef0"


def _container_problems(path: str, given: Mapping[str, Any], memory: int, mounted: list[str]) -> Iterator[str]:
    """`memory` is the task's, in MiB; the container's paths are added to `mounted`."""
    image = given.get("image")
    yield from image_problems(path, given)
    stop = given.get("stop_timeout_seconds", STOP_SECONDS)
    yield from outside(f"{path}stop_timeout_seconds", stop, 2, LONGEST_STOP_SECONDS)
    user = given.get("user")
    if user is not None and not re.fullmatch(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?", str(user)):
        yield f"{path}user: {user!r} is not a user; give a name or number of the image's, or USER:GROUP"
    read_only = given.get("read_only_root", not given.get("allow_exec", False))
    if "writable_paths" in given and not read_only:
        yield f"{path}writable_paths: need read_only_root; where it is false, everything is writable"
    for at, mib in given.get("writable_paths", WRITABLE_PATHS if read_only else {}).items():
        yield from _path_problems(f"{path}writable_paths", at, mounted)
        if not 0 <= mib <= LARGEST_TMPFS_MIB:
            yield f"{path}writable_paths.{at}: {mib} is not between 0 (on disk) and {LARGEST_TMPFS_MIB} MiB of memory"
    in_memory = sum(given.get("writable_paths", {}).values())
    if in_memory > memory:
        yield (
            f"{path}writable_paths: {in_memory} MiB of memory, more than the task's {memory}; raise `memory`, or write "
            "to its disk (0)"
        )
    registry = given.get("repository_credentials_arn")
    if registry is not None and isinstance(image, str) and iam.is_ecr_image(image):
        yield f"{path}repository_credentials_arn: is for a registry outside ECR; ECR needs the execution role only"
    elif isinstance(registry, str) and not iam.is_whole_secret_arn(registry):
        yield (
            f"{path}repository_credentials_arn: is not the ARN of a Secrets Manager secret (not shown, it may be one); "
            "it looks like arn:aws:secretsmanager:…:secret:NAME-AbCdEf, whole, with no key of its JSON"
        )
    for field in ("environment", "secrets"):
        for name in given.get(field, {}):
            if not re.fullmatch(r"[^=\x00]+", name):
                yield f"{path}{field}: {name!r} is not the name of an environment variable"
    for key in sorted(given.get("environment", {}).keys() & given.get("secrets", {}).keys()):
        yield f"{path}environment.{key}: is also under secrets; keep it in one of the two"
    for key, arn in given.get("secrets", {}).items():
        if isinstance(arn, str) and not arn.startswith("arn:"):
            yield (
                f"{path}secrets.{key}: is not an ARN (not shown, it may be a secret); put the value into Secrets "
                "Manager or an SSM parameter and give the ARN of that"
            )
        elif isinstance(arn, str) and (problem := iam.secret_reference_problem(arn)):
            yield f"{path}secrets.{key}: {problem}"
        elif isinstance(arn, str) and not iam.is_secret_arn(arn):
            yield (
                f"{path}secrets.{key}: is not the ARN of a secret or a parameter that IAM knows (not shown, it may be "
                f"a secret); {iam.VALUE_FROM_SHAPE}"
            )
    yield from _health_problems(f"{path}health_check.", given.get("health_check"))
    yield from _process_problems(path, given)


def _process_problems(path: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Problems with the container's first process: its working directory and its limit of open files."""
    folder = given.get("working_directory", "/")
    if not re.fullmatch(r"/[^\x00]*", folder):
        yield f"{path}working_directory: {folder!r} is not an absolute path, such as /app"
    limit = given.get("ulimits", {}).get("nofile", {})
    if {"soft", "hard"} <= limit.keys() and not 1 <= limit["soft"] <= limit["hard"] <= MOST_FILES:
        yield (
            f"{path}ulimits.nofile: soft {limit['soft']}, hard {limit['hard']}; each is 1 to {MOST_FILES}, "
            "soft no higher than hard"
        )


def _log_problems(given: Mapping[str, Any], memory: int) -> Iterator[str]:
    mode, size = given.get("mode"), given.get("max_buffer_size")
    if mode is not None and mode not in LOG_MODES:
        yield f"log_options.mode: {mode!r} is unknown; allowed: {', '.join(LOG_MODES)}"
    if size is None:
        return
    found = re.fullmatch(r"([1-9]\d*)([kmg])", size)
    if found is None:
        yield f"log_options.max_buffer_size: {size!r} is not a size; write a number and k, m or g, such as 25m"
    elif int(found[1]) * {"k": 1, "m": 1024, "g": 1024 * 1024}[found[2]] > memory * 1024:
        yield f"log_options.max_buffer_size: {size} does not fit the task's memory of {memory} MiB; raise `memory`"
    if mode in (None, "blocking"):
        yield "log_options.max_buffer_size: needs log_options.mode non-blocking; a blocking log has no buffer"


def _health_problems(path: str, given: Mapping[str, Any] | None) -> Iterator[str]:
    if given is None:
        return
    command = list(given.get("command", []))
    most = {"CMD": len(command), "CMD-SHELL": 2}.get(command[0] if command else "", 0)
    if not 2 <= len(command) <= most:
        yield f'{path}command: {command!r} is no check; write ["CMD-SHELL", "test -f /tmp/ready"] or ["CMD", "ready"]'
    for key, least, most in (
        ("interval_seconds", 5, 300),
        ("timeout_seconds", 2, 60),
        ("retries", 1, 10),
        ("start_period_seconds", 0, 300),
    ):
        yield from outside(f"{path}{key}", given.get(key, least), least, most)


def _path_problems(path: str, at: Any, mounted: list[str]) -> Iterator[str]:
    if not re.fullmatch(r"/[^\x00:]*[^\x00:/]", str(at)) or ".." in str(at).split("/"):
        yield f"{path}: {at!r} is not an absolute path without a slash at its end, such as /data"
    elif at in mounted:
        yield f"{path}: {at!r} is mounted twice; the default of writable_paths has /tmp"
    mounted.append(at)
