"""What a team says of its job, and whether it can be built. Pure: no resource is made here.

Every default stands in its field's description; they are the safe ones.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi

from fargate_job_launcher.handler import fargate
from fargate_job_launcher.iam import Place

from . import container, iam
from .checks import shapes
from .checks.containers import WRITABLE_PATHS, container_problems
from .checks.function import function_problems
from .checks.kinds import json_object, outside, retention_problems
from .checks.overrides import override_problems
from .checks.place import place_problems
from .checks.plain import plain_problems
from .checks.supervision import supervision_problems
from .checks.tags import LAUNCHER_TAGS, tag_problems
from .checks.triggers import trigger_problems
from .container import EfsVolume, HealthCheck, LogOptions, Sidecar, Ulimits

CAPACITIES: Final = ("on_demand", "spot", "spot_then_on_demand")


class LaunchOverrides(TypedDict, total=False):
    """What a caller of the launcher may change for one launch. Whatever is not declared here is refused."""

    environment: Sequence[str]
    """Names of environment variables that a caller may set. Default: none."""
    command: bool
    """Whether a caller may replace the command. Default: false."""
    payload: bool
    """Whether a caller may give data, any JSON, which the job finds in JOB_PAYLOAD. Default: false."""
    cpu: int
    """The most CPU units that a caller may ask for. Default: none may be asked for."""
    memory: int
    """The most memory in MiB that a caller may ask for. Default: none may be asked for."""
    ephemeral_storage_gib: int
    """The most ephemeral storage in GiB that a caller may ask for, 21 to 200. Default: none may be asked for."""
    max_count: int
    """The most tasks that one event may ask for, 1 to 1000; ECS takes ten in a call. Default: 1."""
    capacity: Sequence[str]
    """Capacities that a caller may choose besides the job's own. Default: none."""
    tags: Sequence[str]
    """Keys of tags that a caller may set on the tasks. Default: none."""
    task_roles: Mapping[str, pulumi.Input[str]]
    """Alias → ARN of a role that a caller may choose for the job's code, in place of the task role. Default: none."""


class LaunchPrices(TypedDict):
    """What Fargate costs, so that a launch can say the most that it costs. https://aws.amazon.com/fargate/pricing/"""

    date: str
    """When somebody last looked, as YYYY-MM-DD. It stands beside each figure."""
    vcpu_hour: float
    """US dollars per vCPU and hour."""
    memory_gib_hour: float
    """US dollars per GiB of memory and hour."""
    storage_gib_hour: float
    """US dollars per GiB of ephemeral storage and hour, for what goes beyond 20 GiB."""
    public_ipv4_hour: NotRequired[float]
    """US dollars per public IPv4 address and hour, which a task with `assign_public_ip` has one of. Default: 0.005, as
    https://aws.amazon.com/vpc/pricing/ says of every region."""


class SignedCode(TypedDict):
    """Where the signed archive of the function's code lies."""

    bucket: pulumi.Input[str]
    """Name of the S3 bucket."""
    key: pulumi.Input[str]
    """Key of the object that AWS Signer wrote."""
    version: NotRequired[pulumi.Input[str]]
    """Version of the object. Default: its latest."""


class LauncherFunction(TypedDict, total=False):
    """The launcher's Lambda function."""

    timeout_seconds: int
    """Seconds until Lambda stops it, 30 to 900: one call to ECS may take 8. Default: 60, more where more than 100
    tasks can be asked for at once, by one event or by a batch, which Fargate starts at 20 a second."""
    memory_mib: int
    """Memory in MiB, 128 to 10240; CPU comes with it. Default: 512."""
    reserved_concurrency: int
    """The most invocations at once, and no other function can take them away. Default: not reserved."""
    tracing: bool
    """Whether X-Ray traces invocations. Default: false."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets of a VPC to run the function in, with `security_group_ids`; from there it has to reach ECS, CloudWatch
    Logs and whatever else it calls, through NAT or VPC endpoints. Default: outside of any VPC."""
    security_group_ids: Sequence[pulumi.Input[str]]
    """Security groups of the function in those subnets."""
    code_signing_config_arn: pulumi.Input[str]
    """ARN of a Lambda code signing configuration; goes with `signed_code`. Default: none."""
    signed_code: SignedCode
    """The archive that `python -m fargate_job_launcher archive` writes, signed by AWS Signer, in a bucket. Default:
    the function's code is uploaded as it is in this package."""


class LaunchSchedule(TypedDict):
    """When the job is launched by itself, through EventBridge Scheduler."""

    expression: str
    """`cron(0 3 * * ? *)`, `rate(1 hour)` or `at(2026-01-31T03:00:00)`."""
    time_zone: NotRequired[str]
    """Of the expression, such as Europe/Berlin; it knows summer time. Default: UTC."""
    flexible_window_minutes: NotRequired[int]
    """The job may start this much later, 1 to 1440, which spreads the load. Default: it starts on time."""
    event: NotRequired[str]
    """The launch event, as JSON. Default: an empty one, which launches the job as defined."""
    retries: NotRequired[int]
    """How often Scheduler tries to reach the launcher again, 0 to 185. Default: 10."""
    max_age_seconds: NotRequired[int]
    """How late it may still be launched, 60 to 86400. Default: 3600."""
    enabled: NotRequired[bool]
    """Default: true."""


class LaunchQueue(TypedDict, total=False):
    """A queue whose messages are launch events, or what the job is to work on. It is made here, encrypted, with dead
    letters."""

    as_payload: bool
    """Whether each message is the job's payload (`overrides.payload` goes with it), as S3, SNS and EventBridge send
    them: their JSON as it comes, SNS's envelope included unless the subscription has raw delivery, and what is no JSON
    as text. Told twice of, it is launched once. S3's test messages launch nothing. Default: false, each message is a
    launch event."""
    sources: Sequence[pulumi.Input[str]]
    """ARNs of the S3 buckets, SNS topics and EventBridge rules that may send to the queue. With `kms_key_arn` the key's
    policy lets `s3.amazonaws.com` and `sns.amazonaws.com` `kms:GenerateDataKey` and `kms:Decrypt`. Default: none; who
    sends has the right by IAM."""
    batch_size: int
    """Messages for one invocation, 1 to 10. Default: 10, or as many as ask for 1000 tasks together at most."""
    maximum_concurrency: int
    """The most invocations at once for this queue, 2 to 1000. Default: as many as Lambda likes."""
    max_receive_count: int
    """How often a message is delivered before it is a dead letter, 5 to 1000. Default: 10, or as often as fits the hour
    for which ECS recognizes a launch: where a launch has several tasks, more than that could start some twice. 1000
    where a launch of one task may have to wait for `max_running`."""


class LaunchEventRule(TypedDict):
    """Events that launch the job."""

    pattern: pulumi.Input[str]
    """EventBridge's pattern of them, as JSON."""
    bus: NotRequired[pulumi.Input[str]]
    """Name of the event bus. Default: default."""
    as_payload: NotRequired[bool]
    """Whether the whole event is the job's payload (`overrides.payload` goes with it). Default: false, the event's
    `detail` is the launch event."""


class Supervision(TypedDict, total=False):
    """What is done about a job after its launch."""

    max_runtime_minutes: int
    """Minutes after which a task is stopped, 1 to 20160. Default: none is."""
    retries: int
    """How often a task is launched again that ended badly, 0 to 10. Default: 0."""
    retry_on: Sequence[str]
    """Which ends are retried: `failed`, `never_started`, `interrupted`, `timed_out`. Default: the first three."""
    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic, no FIFO topic, that hears of each final failure, in the cluster's region. One that is
    encrypted with a customer-managed key has the job's `kms_key_arn`; one of another account lets this one publish.
    Default: one is made here."""


class Alarms(TypedDict, total=False):
    """CloudWatch alarms of the launcher, and its dashboard."""

    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that alarms go to. Default: the supervision's; without one they only show."""
    dashboard: bool
    """Whether a dashboard is made, which costs 3 USD a month. Default: false."""
    max_job_minutes: int
    """Minutes after which a job that took longer raises an alarm; goes with supervision. Default: no such alarm."""


class FargateJobLauncherArgs(TypedDict):
    """A container job and where it runs."""

    image: pulumi.Input[str]
    """The container image, as a task definition names it. Pin it by digest in production."""
    pull_through_cache: NotRequired[bool]
    """Whether the image is in ECR through a pull-through cache rule, so that ECS may have ECR fetch it and, the first
    time, make its repository. Default: false, it lies in ECR already or in another registry."""
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
    entry_point: NotRequired[Sequence[str]]
    """The program that the command is given to, in place of the image's own. No caller can change it. Default: the
    image's own."""
    working_directory: NotRequired[str]
    """The folder of the container that its program starts in, such as /app. Default: the image's own."""
    ulimits: NotRequired[Ulimits]
    """Limits of the container's processes. Default: Fargate's own."""
    log_options: NotRequired[LogOptions]
    """What becomes of output that CloudWatch Logs does not take in time, of every container of the task. Default: as
    the account says."""
    user: NotRequired[str]
    """Who runs the container's program: a number or a name of the image's, with a group after a colon if need be. An
    image that has to begin as root says `0` here. Default: 65532:65532, who owns nothing in the image."""
    read_only_root: NotRequired[bool]
    """Whether the container's root file system is read-only. Default: true, unless `allow_exec`."""
    writable_paths: NotRequired[Mapping[str, int]]
    """Folder → MiB of the task's memory (tmpfs) for what a container with a read-only root writes there, or 0 for the
    task's disk (`ephemeral_storage_gib`), where it belongs to root unless the image declares the folder a VOLUME.
    Default: /tmp, 64 MiB."""
    stop_timeout_seconds: NotRequired[int]
    """Seconds from SIGTERM to SIGKILL when the task is stopped, 2 to 120. Default: ECS's own 30."""
    health_check: NotRequired[HealthCheck]
    """How ECS sees whether the container is well. Default: it does not look."""
    sidecars: NotRequired[Sequence[Sidecar]]
    """Containers beside the job's own. Default: none."""
    efs_volumes: NotRequired[Sequence[EfsVolume]]
    """Folders of EFS file systems, mounted with the task role, which is allowed to. Default: none."""
    repository_credentials_arn: NotRequired[pulumi.Input[str]]
    """ARN of the Secrets Manager secret with the user name and password of a private registry outside ECR.
    Default: none."""
    architecture: NotRequired[str]
    """`x86_64` or `arm64`: what the image is built for. Default: x86_64."""
    allow_exec: NotRequired[bool]
    """Whether `aws ecs execute-command` can open a shell in the job's tasks, for debugging. Default: false, and the
    launcher is denied to run a task so."""
    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variables of the container. Readable to whoever may describe the task: no secrets here; what looks
    like one is refused."""
    not_secret: NotRequired[Sequence[str]]
    """Names of environment variables that look like secrets and are none; `command`, `entry_point` or `health_check`
    for what stands there. Default: none."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variable → ARN of the Secrets Manager secret or SSM parameter that ECS reads into it. After a
    secret's ARN may follow which part of it, as `:JSON-KEY:VERSION-STAGE:VERSION-ID`: `ARN:password::` is the value of
    `password` in a secret that is JSON. Default: none."""
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
    ephemeral_storage_gib: NotRequired[int]
    """Scratch space in GiB, 20 to 200. Default: 20, which every Fargate task has."""
    capacity: NotRequired[str]
    """`on_demand`, on any cluster; `spot` (cheaper, may be interrupted) or `spot_then_on_demand` (on demand for what
    Spot has no room for), on a cluster with the capacity provider FARGATE_SPOT, as JobCluster makes it. Default:
    on_demand."""
    overrides: NotRequired[LaunchOverrides]
    """What a caller may change. Default: nothing."""
    payload_bucket: NotRequired[pulumi.Input[str]]
    """Name of the bucket for payloads that do not fit a call to ECS; PayloadBucket makes one. Default: none, and such
    a payload is rejected."""
    prices: NotRequired[LaunchPrices]
    """What Fargate costs, for the most that a launch costs per hour. Default: none, and no cost is given."""
    asynchronous: NotRequired[bool]
    """Whether callers may invoke the launcher without waiting for its answer: through its alias `async`, with
    deliveries repeated for what may succeed later and a dead-letter queue for the rest. Default: false."""
    function: NotRequired[LauncherFunction]
    """The launcher's Lambda function. Default: see there."""
    schedule: NotRequired[LaunchSchedule]
    """When the job is launched by itself. Default: never."""
    queue: NotRequired[LaunchQueue]
    """A queue of launch events. Default: none."""
    event_rule: NotRequired[LaunchEventRule]
    """Events that launch the job. Default: none."""
    supervision: NotRequired[Supervision]
    """Retries, a maximum runtime, notices of failures. Default: none of it."""
    max_running: NotRequired[int]
    """The most tasks of the job at once, 1 to 5000. Exact where `function.reserved_concurrency` is 1 and callers are of
    one kind, else a close bound. A launch beyond it is told so, or goes back to its queue. Default: no limit."""
    alarms: NotRequired[Alarms]
    """Alarms and a dashboard. Default: none."""
    log_retention_days: NotRequired[int]
    """How long the job's and the launcher's log lines are kept, in days, as CloudWatch Logs knows them. Default: 30."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the customer-managed KMS key for the log groups, queues, the topic, the functions' settings, and payloads
    of a bucket that uses it; its key policy has to admit CloudWatch Logs, EventBridge and CloudWatch. Default: none
    (AWS's own keys)."""
    further_kms_key_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the KMS keys that `kms_key_arn` had before or gets next: what is encrypted with them can be read, and its
    queues and topic can be moved from one key to another without a moment in which a message cannot. Default: none."""
    keep_logs: NotRequired[bool]
    """Whether the log groups stay where they are, with their lines, when the launcher is deleted. Default: false."""
    adopt_logs: NotRequired[Sequence[str]]
    """Log groups that are there already, kept from a launcher of this name: `job`, `launcher`, `supervisor`. They are
    imported with the lines that they hold; afterwards this is taken out again. Default: none, and CloudWatch Logs
    refuses to make one that exists."""
    protect_logs: NotRequired[bool]
    """Whether Pulumi refuses to delete the two log groups. Default: false."""
    protect_queues: NotRequired[bool]
    """Whether Pulumi refuses to delete the queues of launch events, of tasks' ends and of dead letters, whose messages
    are kept for 14 days. Default: false."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource that takes some, and of each task. Default: none."""


PUBLIC_IPV4_HOUR: Final = 0.005
"""US dollars. https://aws.amazon.com/vpc/pricing/ of 2026-11-01"""

RETRIED: Final = ("failed", "never_started", "interrupted")
"""What is retried unless the job says otherwise: what timed out would most likely do so again."""


@dataclass(frozen=True)
class Job:
    """The arguments, checked and with every default filled in."""

    image: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    pull_through_cache: bool = False
    assign_public_ip: pulumi.Input[bool] = False
    command: Sequence[str] = ()
    entry_point: Sequence[str] = ()
    working_directory: str | None = None
    ulimits: Ulimits = field(default_factory=Ulimits)
    log_options: LogOptions = field(default_factory=LogOptions)
    user: str = container.NOBODY
    read_only_root: bool = True
    writable_paths: Mapping[str, int] = field(default_factory=lambda: WRITABLE_PATHS)
    stop_timeout_seconds: int = 0
    """0: ECS's own."""
    health_check: HealthCheck | None = None
    sidecars: Sequence[Sidecar] = ()
    efs_volumes: Sequence[EfsVolume] = ()
    repository_credentials_arn: pulumi.Input[str] | None = None
    architecture: str = "x86_64"
    allow_exec: bool = False
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    not_secret: Sequence[str] = ()
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    secret_key_arns: Sequence[pulumi.Input[str]] = ()
    task_policy: pulumi.Input[str] | None = None
    task_role_arn: pulumi.Input[str] | None = None
    execution_role_arn: pulumi.Input[str] | None = None
    role_path: str = "/"
    permissions_boundary_arn: pulumi.Input[str] | None = None
    cpu: int = 256
    memory: int = 0
    ephemeral_storage_gib: int = fargate.EPHEMERAL_STORAGE_DEFAULT_GIB
    capacity: str = "on_demand"
    overrides: LaunchOverrides = field(default_factory=LaunchOverrides)
    payload_bucket: pulumi.Input[str] | None = None
    prices: LaunchPrices | None = None
    asynchronous: bool = False
    function: LauncherFunction = field(default_factory=LauncherFunction)
    schedule: LaunchSchedule | None = None
    queue: LaunchQueue | None = None
    event_rule: LaunchEventRule | None = None
    supervision: Supervision | None = None
    max_running: int = 0
    alarms: Alarms | None = None
    log_retention_days: int = 30
    kms_key_arn: pulumi.Input[str] | None = None
    further_kms_key_arns: Sequence[pulumi.Input[str]] = ()
    keep_logs: bool = False
    adopt_logs: Sequence[str] = ()
    protect_logs: bool = False
    protect_queues: bool = False
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

    @property
    def key_arns(self) -> list[pulumi.Input[str]]:
        """The keys of its queues, its topic and its payloads: the one of now first, then those before and after it."""
        return [*([] if self.kms_key_arn is None else [self.kms_key_arn]), *self.further_kms_key_arns]

    @property
    def has_dead_letters(self) -> bool:
        """Whether events reach the launcher from callers who do not wait."""
        triggers = (self.schedule, self.queue, self.event_rule)
        return self.asynchronous or any(it is not None for it in triggers)


def check(name: str, args: FargateJobLauncherArgs) -> Job:
    """The job that these arguments describe.

    Raises pulumi.RunError naming every problem at once: field, value, rule and remedy.
    """
    given, problems = examine(name, args)
    shapes.refuse("FargateJobLauncher", name, problems)
    return Job(**given)


def examine(name: str, args: FargateJobLauncherArgs, *, place: Place | None = None) -> tuple[dict[str, Any], list[str]]:
    """The fields of the job that these arguments describe, and every problem with them: `field: what is wrong`.

    `place` is where its cluster will be, where the arguments do not say so.
    """
    problems = _name_problems(name)
    given = shapes.read("", args, FargateJobLauncherArgs, problems)
    asked = cast("dict[str, Any]", given.get("overrides", {}))
    for key in ("cpu", "capacity", "ephemeral_storage_gib"):
        given.setdefault(key, getattr(Job, key))
    given.setdefault("memory", fargate.SIZES.get(given["cpu"], (0,))[0])
    if not any(it.startswith(("cpu", "memory")) for it in problems):
        problem = fargate.size_problem(given["cpu"], given["memory"])
        problems += [problem] if problem else []
    problems += retention_problems("log_retention_days", given.get("log_retention_days", Job.log_retention_days))
    for path, capacity in (
        ("capacity", given["capacity"]),
        *(("overrides.capacity", it) for it in asked.get("capacity", [])),
    ):
        if capacity not in CAPACITIES:
            problems.append(f"{path}: {capacity!r} is unknown; allowed: {', '.join(CAPACITIES)}")
    problems += outside("ephemeral_storage_gib", given["ephemeral_storage_gib"], 20, 200)
    problems += _adoption_problems(given)
    problems += override_problems(asked, given.get("environment", {}), given.get("secrets", {}))
    problems += function_problems(given.get("function", {}), asked.get("max_count", 1), given.get("queue"))
    problems += _price_problems(given.get("prices"))
    problems += trigger_problems(given)
    problems += supervision_problems(given)
    if "task_policy" in given and "task_role_arn" in given:
        problems.append(
            "task_policy: goes with a role made here, but task_role_arn adopts one; attach it there yourself"
        )
    if isinstance(given.get("task_policy"), str) and json_object(given["task_policy"]) is None:
        problems.append('task_policy: is not the JSON of an IAM policy: {"Version": "2012-10-17", "Statement": […]}')
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS - LAUNCHER_TAGS)
    if not re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", given.get("role_path", Job.role_path)):
        problems.append(f"role_path: {given['role_path']!r} does not begin and end with a slash, such as /jobs/")
    problems += place_problems(given, place)
    problems += _role_problems(given, asked)
    problems += container_problems(given)
    problems += plain_problems(given)
    given.setdefault("read_only_root", not given.get("allow_exec", False))
    if not problems:
        problems += container.size_problems(Job(**given))
    return given, problems


LOG_GROUPS: Final = ("job", "launcher", "supervisor")
"""Of a launcher; the last one where the job is supervised."""


def _adoption_problems(given: Mapping[str, Any]) -> list[str]:
    adopted = given.get("adopt_logs", [])
    problems = [
        f"adopt_logs: {it!r} is none; allowed: {', '.join(LOG_GROUPS)}" for it in adopted if it not in LOG_GROUPS
    ]
    problems += [f"adopt_logs: {it!r} is named twice; once is enough" for it in shapes.repeated(adopted)]
    if "supervisor" in adopted and "supervision" not in given:
        problems.append("adopt_logs: supervisor goes with supervision; without it there is no such log group")
    return problems


def _price_problems(prices: Mapping[str, Any] | None) -> list[str]:
    if prices is None:
        return []
    problems: list[str] = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(prices.get("date", "2026-01-01"))):
        problems.append(f"prices.date: {prices['date']!r} is no date, such as 2026-01-31")
    for key in ("vcpu_hour", "memory_gib_hour", "storage_gib_hour", "public_ipv4_hour"):
        price: Any = prices.get(key, 0)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            problems.append(f"prices.{key}: {price!r} is no price in US dollars")
    return problems


def _role_problems(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[str]:
    """Roles are named by ARN, one by one: a pattern here would be a pattern in iam:PassRole."""
    arns = {key: given[key] for key in ("task_role_arn", "execution_role_arn") if key in given}
    arns |= {f"overrides.task_roles.{alias}": arn for alias, arn in overrides.get("task_roles", {}).items()}
    boundary = given.get("permissions_boundary_arn")
    problems = list[str]()
    if isinstance(boundary, str) and not iam.is_policy_arn(boundary):
        problems.append(
            f"permissions_boundary_arn: {boundary!r} is not the ARN of a policy; it looks like "
            "arn:aws:iam::123456789012:policy/NAME"
        )
    return problems + [
        f"{key}: {arn!r} is not the ARN of one role; it looks like arn:aws:iam::123456789012:role/NAME, no wildcard"
        for key, arn in arns.items()
        if isinstance(arn, str) and not iam.is_role_arn(arn)
    ]


def _name_problems(name: Any) -> list[str]:
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,39}", name):
        return []
    return [
        f"name: {name!r} is not a letter followed by at most 39 letters, digits and hyphens "
        "(roles and functions carry it, and IAM ends their names at 64 characters)"
    ]
