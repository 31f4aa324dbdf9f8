"""Task definitions: how a container runs, from which image, with which log, and what its environment contains."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from fargate_job_launcher.checks.plain_secrets import NOT_SECRET_LABEL, labelled_not_secret, secret_variable, secrets_of
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.partitions import PARTITIONS

from .config import Limit
from .launched import FUNCTION, LAUNCHING, TASK_DEFINITION, launched
from .rule import ADVISORY, CRITICAL, DISABLED, HIGH, LOW, MANDATORY, MEDIUM, Limits, resources, rule
from .stack import Resource, Stack, true

_ON: Final = resources(TASK_DEFINITION)
_KINDS: Final = (TASK_DEFINITION,)
REGISTRIES: Final = [
    *sorted({f"*.dkr.ecr.*.{it.suffix}" for it in PARTITIONS}),
    *sorted({f"*.dkr-ecr.*.{it.dual_stack_registry_suffix}" for it in PARTITIONS}),
    "public.ecr.aws",
]


def containers(it: Resource) -> list[dict[str, Any]]:
    """A task definition's containers. Raises Unknown, and ValueError if they are not a list of containers."""
    given = it.whole("containerDefinitions", default="[]")
    loaded = json.loads(given) if isinstance(given, str) else given
    if not isinstance(loaded, list):
        raise ValueError("containerDefinitions is not a list")  # noqa: TRY004 - the user's value, not an argument
    listed = [_spelt(one) for one in cast("list[Any]", loaded) if isinstance(one, dict)]
    if not listed:
        raise ValueError("containerDefinitions names no container")
    return listed


_FREE: Final = ("options", "dockerlabels", "driveropts", "labels")
"""Maps whose keys are the user's own."""
_SPELT: Final = {
    it.lower(): it
    for it in (
        *("image", "name", "value", "valueFrom", "user", "privileged", "readonlyRootFilesystem", "environment"),
        *("logConfiguration", "logDriver", "options", "linuxParameters", "capabilities", "add", "drop", "command"),
        *("dockerLabels", "entryPoint", "healthCheck"),
    )
}
"""ECS's own spelling of the properties that the rules read."""


def _spelt(value: Any) -> Any:
    """A value in ECS's own spelling; the provider accepts `Image` or `IMAGE` for `image`, as in CloudFormation."""
    if isinstance(value, list):
        return [_spelt(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in cast("dict[str, Any]", value).items():
        name = _SPELT.get(key.lower(), key)
        if name in made:
            raise ValueError(f"a container has {name} twice")
        made[name] = inner if key.lower() in _FREE else _spelt(inner)
    return made


_WORDS: Final = {"command": "command", "entryPoint": "entry_point", "healthCheck": "health_check"}
"""Property with words of a command → its name in a launcher's arguments and in its label."""


def _called(container: Mapping[str, Any]) -> str:
    return f"container {container.get('name', '?')}"


@rule(
    "task-fargate",
    says="A task runs on Fargate, with its own network interface.",
    why="On a shared instance a task can reach the credentials of its neighbours and the role of the instance.",
    remedy='set requiresCompatibilities to ["FARGATE"] and networkMode to "awsvpc"',
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    beside=("Security Hub ECS.17",),
)
def on_fargate(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    compatible = it.whole("requiresCompatibilities", default=[])
    if compatible != ["FARGATE"]:
        yield f"requiresCompatibilities is {compatible or 'missing'}"
    mode = it.get("networkMode")
    if mode != "awsvpc":
        yield f"networkMode is {mode or 'missing, which is bridge'}"
    for prop in ("pidMode", "ipcMode"):
        if it.get(prop) == "host":
            yield f"{prop} is host"


@rule(
    "task-size",
    says="A task has a size that Fargate supports.",
    why="ECS refuses any other size when the task is started, not when it is deployed.",
    remedy="choose a cpu and memory that go together: "
    + "; ".join(f"{cpu}: {sizes[0]}-{sizes[-1]}" for cpu, sizes in fargate.SIZES.items())
    + " MiB",
    severity=LOW,
    levels=(MANDATORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    limits=(
        Limit("maximumCpu", "The most CPU units that a task may have.", "integer", 4096, 32768, 256),
        Limit("maximumMemory", "The most MiB of memory that a task may have.", "integer", 30720, 249856, 512),
    ),
)
def size(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    given = (it.get("cpu"), it.get("memory"))
    cpu, memory = (_units(value, unit) for value, unit in zip(given, ("vcpu", "gb"), strict=True))
    if cpu is None or memory is None:
        yield f"cpu {given[0] or 'is missing'}, memory {given[1] or 'is missing'}: both are needed, as numbers"
        return
    problem = fargate.size_problem(cpu, memory)
    if problem:
        yield problem
    if cpu > limits["maximumCpu"]:
        yield f"cpu {cpu} is above this environment's maximum of {int(limits['maximumCpu'])}"
    if memory > limits["maximumMemory"]:
        yield f"memory {memory} is above this environment's maximum of {int(limits['maximumMemory'])}"


def _units(value: Any, unit: str) -> int | None:
    """CPU units or MiB: `1024`, `1 vCPU`, `.5 vcpu`, `2 GB`."""
    match = re.fullmatch(rf"(\d*\.?\d+)\s*({unit})?", str(value).strip().lower()) if value is not None else None
    if match is None:
        return None
    number = float(match[1]) * (1024 if match[2] else 1)
    return int(number) if number == int(number) else None


@rule(
    "task-not-privileged",
    says="No container is privileged or has additional capabilities.",
    why="A privileged container is root on its host.",
    remedy="remove privileged and linuxParameters.capabilities.add",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    beside=("Security Hub ECS.4", "checkov CKV_AWS_334 (partly)"),
)
def not_privileged(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for container in containers(it):
        if true(container.get("privileged")):
            yield f"{_called(container)} is privileged"
        linux = container.get("linuxParameters") or {}
        added = (linux.get("capabilities") or {}).get("add") or []
        if added:
            yield f"{_called(container)} adds the capabilities {', '.join(added)}"


@rule(
    "task-read-only-root",
    says="A container cannot write to its own root file system.",
    why="An intruder can then leave nothing behind and change no program.",
    remedy="set readonlyRootFilesystem to true, and mount a volume where the job has to write",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    beside=("Security Hub ECS.5", "checkov CKV_AWS_336"),
)
def read_only_root(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for container in containers(it):
        if not true(container.get("readonlyRootFilesystem")):
            yield f"{_called(container)} has a writable root file system"


@rule(
    "task-user",
    says="A container names a user other than root.",
    why="Otherwise it runs as the user of the image, which is root by default.",
    remedy='set user to a number that is not 0, such as "65532:65532"',
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    beside=("Security Hub ECS.20",),
)
def user(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for container in containers(it):
        named = str(container.get("user") or "").strip()
        if not named:
            yield f"{_called(container)} names no user"
        elif re.fullmatch(r"root|([+-]?(0x)?0+)?", named.split(":")[0].strip().lower()):
            yield f"{_called(container)} runs as {named}"


@rule(
    "image-digest",
    says="An image is named by its digest.",
    why="A tag can be moved to another image, and the task then runs an image that nobody deployed.",
    remedy="write REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG@sha256:DIGEST; `docker buildx imagetools inspect IMAGE` "
    "prints it",
    severity=MEDIUM,
    levels=(DISABLED, ADVISORY),
    on=_ON,
    kinds=_KINDS,
    beside=("checkov CKV_AWS_51 (the repository's tags)",),
)
def image_digest(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for container in containers(it):
        image = str(container.get("image", ""))
        if not re.search(r"@sha256:[0-9a-f]{64}$", image):
            yield f"{_called(container)} runs {image or 'no image'}, which names no digest"


@rule(
    "image-registry",
    says="An image comes from an allowed registry.",
    why="Everyone who can push to the registry can run code in the task.",
    remedy="copy the image to ECR, or add its registry to the rule's `registries`",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    limits=(
        Limit(
            "registries",
            "Registries, or registries with the beginning of a repository's path, that images may come from; `*` "
            "stands for anything but a dot or a slash. Default: ECR and ECR Public.",
            "array",
            REGISTRIES,
            REGISTRIES,
        ),
    ),
)
def image_registry(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    for container in containers(it):
        image = str(container.get("image", ""))
        if not any(_from(image, registry) for registry in limits["registries"]):
            allowed = ", ".join(limits["registries"])
            yield f"{_called(container)} runs {image or 'no image'}, which is not from an allowed registry ({allowed})"


def _from(image: str, registry: str) -> bool:
    first = image.split("/")[0]
    # Docker reads a first part without a dot or a port as a name on Docker Hub.
    full = image if "/" in image and ("." in first or ":" in first) else f"docker.io/{image}"
    pattern = "".join("[^./]+" if it == "*" else re.escape(it) for it in registry.rstrip("/"))
    return re.match(rf"{pattern}/", full) is not None


@rule(
    "task-logs",
    says="Every container's output goes to a log.",
    why="Without a log nobody can see why a job failed.",
    remedy="set logConfiguration: logDriver awslogs with awslogs-group, awslogs-region and awslogs-stream-prefix, or "
    "another driver",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=_ON,
    kinds=_KINDS,
    beside=("Security Hub ECS.9", "cdk-nag AwsSolutions-ECS7"),
)
def logs(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for container in containers(it):
        config = container.get("logConfiguration") or {}
        driver = config.get("logDriver")
        if not driver or driver == "none":
            yield f"{_called(container)} has no logConfiguration"
        elif driver == "awslogs" and not (config.get("options") or {}).get("awslogs-group"):
            yield f"{_called(container)} logs to awslogs without awslogs-group"


@rule(
    "environment-no-secrets",
    says="Nothing in an environment, a container's command or what a launch overrides looks like a secret.",
    why="Every console, describe call and crash report shows both.",
    remedy="put the value into Secrets Manager and name its ARN under `secrets` (valueFrom); in a function, read it at "
    "run time. If the value is no secret, name it: in a launcher's `not_secret`, or in the container's Docker label "
    f"{NOT_SECRET_LABEL}, a JSON list",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(TASK_DEFINITION, FUNCTION, *LAUNCHING),
    kinds=(TASK_DEFINITION, FUNCTION, *LAUNCHING),
    beside=("Security Hub ECS.8", "checkov CKV_AWS_45"),
)
def no_secrets(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    if it.kind == FUNCTION:
        variables = it.get("environment", "variables", default={})
        for name, value in cast("dict[str, Any]", variables).items():
            # A variable that is not known yet does not hide the others.
            looks = secret_variable(name, value) if isinstance(value, str) else None
            if looks is not None:
                yield f"the variable {name} {looks}"
        it.whole("environment", "variables")
        return
    if it.kind != TASK_DEFINITION:
        for task in launched(it):
            for name, value in task.variables:
                looks = secret_variable(name, value)
                if looks is not None:
                    yield task.said(f"overrides the variable {name}, which {looks}")
        return
    for container in containers(it):
        variables = [
            (str(one.get("name", "")), str(one.get("value") or "")) for one in container.get("environment") or []
        ]
        words = {part: container.get(key) or [] for key, part in _WORDS.items()}
        words["health_check"] = (container.get("healthCheck") or {}).get("command") or []
        fine = [_WORDS.get(one, one) for one in labelled_not_secret(container.get("dockerLabels") or {})]
        for look in secrets_of(variables, words, fine):
            called = {part: key for key, part in _WORDS.items()}.get(look.part)
            at = f"the variable {look.at}" if called is None else f"{called}[{look.at}]"
            yield f"{_called(container)}: {at} {look.looks}"
