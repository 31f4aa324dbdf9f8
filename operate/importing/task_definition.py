"""A task definition's JSON, as `aws ecs register-task-definition` takes it or `describe-task-definition` shows it.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
"""

from __future__ import annotations

import re
from typing import Any, Final

from fargate_job_launcher.checks.plain_secrets import secret_variable

from ..errors import JobError
from .source import HELD_BACK, READ_ONLY, Document, Given

ROLE: Final = "the launcher creates a role with what this task needs; to keep yours, write executionRoleArn"
_COMPUTED: Final = (
    *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt"),
    *("registeredBy", "deregisteredAt", "enableFaultInjection"),
)
"""What ECS adds to a definition that it shows."""
_SIZE: Final = "the size is the whole task's: cpu and memory of the job"
_WHY: Final = {
    "portMappings": "a job accepts no connections",
    "environmentFiles": "write the variables of the file under environment",
    "cpu": _SIZE,
    "memory": _SIZE,
    "memoryReservation": _SIZE,
    "firelensConfiguration": "every container's output goes to the launcher's log group",
}


def read(document: Document, *, container: str = "") -> tuple[str, dict[str, Any]]:
    """The family, and the arguments of the job. `container` names the job's own container among several."""
    content: Any = document.content
    wrapped = isinstance(content, dict) and "taskDefinition" in content
    whole = Given(document, (), content)
    given = whole.inside("taskDefinition") if wrapped else whole
    given.drop(*_COMPUTED)
    family = str(given.take("family", str) or "")
    entry: dict[str, Any] = {}
    containers = list(given.items("containerDefinitions"))
    named = [(it.take("name", str) or "", it.take("essential", bool) is not False, it) for it in containers]
    own = _own(document, [(name, essential) for name, essential, _ in named], container)
    volumes = {str(it.take("name", str)): it for it in given.items("volumes")}
    others, sidecars, waits = {name for name, _, _ in named}, list[dict[str, Any]](), dict[str, str]()
    for name, _, it in named:
        if name == own:
            for on in it.items("dependsOn"):
                other = str(on.take("containerName", str))
                if other in others:
                    waits[other] = str(on.take("condition", str))
                else:
                    document.leave(on.path, f"no container is named {other!r}")
            entry |= _container(it)
            _mounts(it, volumes, entry, alone=len(named) == 1)
            _log(it, entry)
            it.rest(_WHY)
    for name, essential, it in named:
        if name != own:
            sidecar = {"name": name, **_container(it), **({"essential": True} if essential else {})}
            if name in waits:
                sidecar["jobWaitsFor"] = waits[name]
            _log(it, None)
            it.rest(_WHY)
            sidecars.append(sidecar)
    entry |= {"sidecars": sidecars} if sidecars else {}
    _task(given, entry)
    # A definition that ECS shows has its tags beside it.
    pairs = [*given.items("tags"), *(whole.items("tags") if wrapped else [])]
    tags = {str(it.take("key", str)): str(it.take("value", str) or "") for it in pairs}
    entry |= {"tags": tags} if tags else {}
    for name, it in volumes.items():
        if it:
            it.leave(it.untaken()[0], f"no container mounts the volume {name!r} in a way that a job can")
    given.rest()
    return family, entry


def _own(document: Document, named: list[tuple[str, bool]], asked: str) -> str:
    names, essential = [it for it, _ in named], [name for name, needed in named if needed]
    if asked and asked not in names:
        raise JobError(f"{document.name} has no container {asked!r}", f"Give one of {', '.join(names)}")
    if not names:
        raise JobError(f"{document.name} has no containerDefinitions", "Give the JSON of a whole task definition")
    if not asked and len(names) > 1 and len(essential) != 1:
        raise JobError(
            f"{document.name} has {len(names)} containers, and it does not say which is the job's",
            f"Name it with --container: {', '.join(names)}",
        )
    return asked or (names[0] if len(names) == 1 else essential[0])


def _task(given: Given, entry: dict[str, Any]) -> None:
    for key, units in (("cpu", {"": 1, "vcpu": 1024}), ("memory", {"": 1, "gb": 1024})):
        value = given.take(key, str, int)
        if value is not None:
            found = re.fullmatch(r"\s*(\d*\.?\d+)\s*([A-Za-z]*)\s*", str(value))
            if found is None or found[2].lower() not in units:
                given.leave(key, "is not a size")
            else:
                entry[key] = int(float(found[1]) * units[found[2].lower()])
    storage, platform = given.inside("ephemeralStorage"), given.inside("runtimePlatform")
    if size := storage.take("sizeInGiB", int):
        entry["ephemeralStorageGib"] = size
    if architecture := platform.take("cpuArchitecture", str):
        entry["architecture"] = architecture.lower()
    if platform.take("operatingSystemFamily", str) not in (None, "LINUX"):
        platform.leave("operatingSystemFamily", "a job runs on Linux")
    if given.take("networkMode", str) not in (None, "awsvpc"):
        given.leave("networkMode", "a task on Fargate has a network interface of its own (awsvpc)")
    if "FARGATE" not in (given.take("requiresCompatibilities", list) or ["FARGATE"]):
        given.leave("requiresCompatibilities", "the job runs on Fargate")
    role = given.take("taskRoleArn", str)
    if role is not None and not role.startswith("arn:"):
        given.leave("taskRoleArn", "is not an ARN; write taskRoleArn with the role's ARN")
    elif role is not None:
        entry["taskRoleArn"] = role
    if given.take("executionRoleArn") is not None:
        given.leave("executionRoleArn", ROLE)


def _container(it: Given) -> dict[str, Any]:
    """What the job's own container and a sidecar have in common."""
    found: dict[str, Any] = {}
    plain = {"image": str, "command": list, "entryPoint": list, "workingDirectory": str, "user": str}
    for key, kind in plain.items():
        found[key] = it.take(key, kind)
    found["stopTimeoutSeconds"] = it.take("stopTimeout", int)
    found["readOnlyRoot"] = it.take("readonlyRootFilesystem", bool)
    if found["readOnlyRoot"] is None:
        it.leave("readonlyRootFilesystem", f"was not set, so the root was writable; {READ_ONLY}")
    if found["user"] is None:
        it.leave("user", "was not set, so the image's own user ran; here it is 65532:65532, unless you write user")
    found["environment"] = {}
    for pair in it.items("environment"):
        name, value = str(pair.take("name", str)), pair.take("value", str)
        if value is not None and secret_variable(name, value):
            pair.leave("value", HELD_BACK)
        elif value is not None:
            found["environment"][name] = value
    found["secrets"] = {}
    for pair in it.items("secrets"):
        name, source = str(pair.take("name", str)), pair.take("valueFrom", str)
        if source is not None and not source.startswith("arn:"):
            pair.leave("valueFrom", f"is a name; write the ARN of {name}'s secret or parameter under secrets")
        elif source is not None:
            found["secrets"][name] = source
    found["repositoryCredentialsArn"] = it.inside("repositoryCredentials").take("credentialsParameter", str)
    check = it.inside("healthCheck")
    keys = {"command": "command", "interval": "intervalSeconds", "timeout": "timeoutSeconds", "retries": "retries"}
    keys["startPeriod"] = "startPeriodSeconds"
    given = {name: check.take(key, list if key == "command" else int) for key, name in keys.items()}
    found["healthCheck"] = {key: value for key, value in given.items() if value is not None}
    check.rest()
    for limit in it.items("ulimits"):
        name, soft, hard = limit.take("name", str), limit.take("softLimit", int), limit.take("hardLimit", int)
        if name == "nofile":
            found["ulimits"] = {"nofile": {"soft": soft, "hard": hard}}
        else:
            limit.leave("name", "Fargate sets no other limit than nofile")
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def _mounts(it: Given, volumes: dict[str, Given], entry: dict[str, Any], *, alone: bool) -> None:
    for mount in it.items("mountPoints"):
        volume, path = volumes.get(str(mount.take("sourceVolume", str))), mount.take("containerPath", str)
        read_only = mount.take("readOnly", bool) is True
        efs = Given(it.document, (), {}) if volume is None else volume.inside("efsVolumeConfiguration")
        access = efs.inside("authorizationConfig")
        system, point = efs.take("fileSystemId", str), access.take("accessPointId", str)
        if system is not None and point is not None:
            kept = {"fileSystemId": system, "accessPointId": point, "path": path}
            entry.setdefault("efsVolumes", []).append({**kept, **({"readOnly": True} if read_only else {})})
            # A job's folder is always mounted encrypted and with the task role, and is the access point's.
            efs.drop("rootDirectory")
            if (encrypted := efs.take("transitEncryption", str)) not in (None, "ENABLED"):
                efs.leave("transitEncryption", f"is {encrypted} there; a job's traffic to it is always encrypted")
            access.drop("iam")
            efs.rest()
        elif system is not None:
            mount.leave("sourceVolume", "is a file system without an access point; create one, and write efsVolumes")
        elif volume is not None and alone and not volume.inside("host") and not volume:
            entry.setdefault("writablePaths", {})[path] = 0
        else:
            mount.leave("sourceVolume", "is a volume that a job cannot have; for scratch space write writablePaths")


def _log(it: Given, entry: dict[str, Any] | None) -> None:
    log = it.inside("logConfiguration")
    if not log:
        return
    options = log.inside("options")
    given = {"mode": options.take("mode", str), "maxBufferSize": options.take("max-buffer-size", str)}
    kept = {key: value for key, value in given.items() if value is not None}
    if entry is not None and kept:
        entry["logOptions"] = kept
    it.leave("logConfiguration", "the launcher creates a log group of its own for every container")
