"""What a team says of its job, and whether it can be built. Pure: no resource is made here.

Every default stands in its field's description; they are the safe ones.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi

from . import fargate, iam

CAPACITIES: Final = ("on_demand", "spot")


class LaunchOverrides(TypedDict, total=False):
    """What a caller of the launcher may change for one launch. Whatever is not declared here is refused."""

    environment: Sequence[str]
    """Names of environment variables that a caller may set. Default: none."""
    command: bool
    """Whether a caller may replace the command. Default: false."""
    max_count: int
    """The most tasks that one event may ask for, 1 to 10. Default: 1."""
    task_roles: Mapping[str, pulumi.Input[str]]
    """Alias → ARN of a role that a caller may choose for the job's code, in place of the task role. Default: none."""


class FargateJobLauncherArgs(TypedDict):
    """A container job and where it runs."""

    image: pulumi.Input[str]
    """The container image, as a task definition names it. Pin it by digest in production."""
    cluster_arn: pulumi.Input[str]
    """ARN of the ECS cluster; the launcher can run its job in no other."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets of the task, 1 to 16."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups of the task, 1 to 5."""
    assign_public_ip: NotRequired[pulumi.Input[bool]]
    """Whether the task gets a public address; it needs one to pull its image from a public subnet. Default: false."""
    command: NotRequired[Sequence[str]]
    """The command, in place of the image's own."""
    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variables of the container. Readable to whoever may describe the task: no secrets here."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variable → ARN of the Secrets Manager secret or SSM parameter that ECS reads into it."""
    secret_key_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the customer-managed KMS keys that those secrets are encrypted with. Default: none (AWS's own keys)."""
    task_policy: NotRequired[pulumi.Input[str]]
    """What the job's own code may do, as the JSON of an IAM policy. Default: nothing."""
    task_role_arn: NotRequired[pulumi.Input[str]]
    """An existing role for the job's code; nothing is attached to it. Default: one is made here."""
    execution_role_arn: NotRequired[pulumi.Input[str]]
    """An existing role for ECS to start the task with; nothing is attached to it. Default: one is made."""
    role_path: NotRequired[str]
    """IAM path of the roles made here, such as /jobs/. Default: /."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """ARN of the policy that bounds the roles made here. Default: none."""
    cpu: NotRequired[int]
    """CPU units, 1024 is one vCPU: 256, 512, 1024, 2048, 4096, 8192, 16384 or 32768. Default: 256."""
    memory: NotRequired[int]
    """Memory in MiB, of the sizes that go with `cpu`. Default: the smallest of them."""
    capacity: NotRequired[str]
    """`on_demand` or `spot` (cheaper, may be interrupted; the cluster needs FARGATE_SPOT). Default: on_demand."""
    overrides: NotRequired[LaunchOverrides]
    """What a caller may change. Default: nothing."""
    log_retention_days: NotRequired[int]
    """How long the job's and the launcher's log lines are kept, in days, as CloudWatch Logs knows them. Default: 30."""
    protect_logs: NotRequired[bool]
    """Whether Pulumi refuses to delete the two log groups. Default: false."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource that takes some, and of each task. Default: none."""


@dataclass(frozen=True)
class Job:
    """The arguments, checked and with every default filled in."""

    image: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    assign_public_ip: pulumi.Input[bool] = False
    command: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    secret_key_arns: Sequence[pulumi.Input[str]] = ()
    task_policy: pulumi.Input[str] | None = None
    task_role_arn: pulumi.Input[str] | None = None
    execution_role_arn: pulumi.Input[str] | None = None
    role_path: str = "/"
    permissions_boundary_arn: pulumi.Input[str] | None = None
    cpu: int = 256
    memory: int = 0
    capacity: str = "on_demand"
    overrides: LaunchOverrides = field(default_factory=LaunchOverrides)
    log_retention_days: int = 30
    protect_logs: bool = False
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])


def check(name: str, args: FargateJobLauncherArgs) -> Job:
    """The job that these arguments describe.

    Raises pulumi.RunError naming every problem at once: field, value, rule and remedy.
    """
    given = cast("dict[str, Any]", {key: value for key, value in args.items() if value is not None})
    problems = [*_name_problems(name), *_key_problems("", given, FargateJobLauncherArgs)]
    missing = sorted(FargateJobLauncherArgs.__required_keys__ - given.keys())
    problems += [f"{key}: is missing" for key in missing]
    overrides = cast("dict[str, Any]", given.get("overrides", {}))
    problems += _key_problems("overrides.", overrides, LaunchOverrides)

    # Through Pulumi's component host whole numbers arrive as floats.
    for key in ("cpu", "memory", "log_retention_days"):
        if key in given:
            given[key] = _whole(key, given[key], problems)
    cpu = given.get("cpu", Job.cpu)
    given.setdefault("memory", fargate.SIZES.get(cpu, (0,))[0])
    if not problems:
        problem = fargate.size_problem(cpu, given["memory"])
        problems += [problem] if problem else []
    retention = given.get("log_retention_days", Job.log_retention_days)
    if retention not in fargate.LOG_RETENTION_DAYS:
        allowed = ", ".join(map(str, fargate.LOG_RETENTION_DAYS))
        problems.append(f"log_retention_days: {retention!r} is no period of CloudWatch Logs; allowed: {allowed}")
    capacity = given.get("capacity", Job.capacity)
    if capacity not in CAPACITIES:
        problems.append(f"capacity: {capacity!r} is unknown; allowed: {', '.join(CAPACITIES)}")
    if "max_count" in overrides:
        count = overrides["max_count"] = _whole("overrides.max_count", overrides["max_count"], problems)
        if not 1 <= count <= 10:
            problems.append(f"overrides.max_count: {count} is not between 1 and 10, what one RunTask call takes")
    both = sorted(given.get("environment", {}).keys() & given.get("secrets", {}).keys())
    problems += [f"environment.{key}: is also under secrets; keep it in one of the two" for key in both]
    if "task_policy" in given and "task_role_arn" in given:
        problems.append(
            "task_policy: goes with a role made here, but task_role_arn adopts one; attach it there yourself"
        )
    if not re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", given.get("role_path", Job.role_path)):
        problems.append(f"role_path: {given['role_path']!r} does not begin and end with a slash, such as /jobs/")
    problems += _role_problems(given, overrides)
    problems += [
        f"secrets.{key}: {arn!r} is not an ARN; name a Secrets Manager secret or an SSM parameter by its ARN"
        for key, arn in given.get("secrets", {}).items()
        if isinstance(arn, str) and not arn.startswith("arn:")
    ]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise pulumi.RunError(f"FargateJobLauncher {name!r} cannot be built:\n{listed}")
    return Job(**given)


def _role_problems(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[str]:
    """Roles are named by ARN, one by one: a pattern here would be a pattern in iam:PassRole."""
    arns = {key: given[key] for key in ("task_role_arn", "execution_role_arn") if key in given}
    arns |= {f"overrides.task_roles.{alias}": arn for alias, arn in overrides.get("task_roles", {}).items()}
    return [
        f"{key}: {arn!r} is not the ARN of one role; it looks like arn:aws:iam::123456789012:role/NAME, no wildcard"
        for key, arn in arns.items()
        if isinstance(arn, str) and not iam.is_role_arn(arn)
    ]


def _name_problems(name: str) -> list[str]:
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,39}", name):
        return []
    return [
        f"name: {name!r} is not a letter followed by at most 39 letters, digits and hyphens "
        "(roles and functions carry it, and IAM ends their names at 64 characters)"
    ]


def _key_problems(path: str, given: Mapping[str, Any], declared: type) -> list[str]:
    known = list(declared.__annotations__)
    problems: list[str] = []
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
            problems.append(f"{path}{key}: unknown; {hint}")
    return problems


def _whole(key: str, value: Any, problems: list[str]) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        problems.append(f"{key}: {value!r} is not a whole number")
        return 0
    return int(value)
