"""What a team says of its job, and whether it can be built. Pure: no resource is made here.

Every default stands in its field's description; they are the safe ones.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi

from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.outcome import KINDS
from fargate_job_launcher.handler.request import Rejected, parse
from fargate_job_launcher.handler.settings import Overrides, Settings

from . import container, iam, place, schedules, shapes
from .container import EfsVolume, HealthCheck, Sidecar

CAPACITIES: Final = ("on_demand", "spot", "spot_then_on_demand")

LARGEST_COUNT: Final = 1000
"""Tasks of one event: as many as its answer can name, well within what Lambda returns."""

MOST_DELIVERIES: Final = 1000
FEWEST_DELIVERIES: Final = 5
"""Of a message, before it is a dead letter: fewer would give up on a function that is merely busy.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

LOG_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""The retention periods that CloudWatch Logs knows.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""


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
    """A queue whose messages are launch events. It is made here, encrypted, with dead letters."""

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
    """ARN of the SNS topic that hears of each final failure. Default: one is made here."""


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
    ephemeral_storage_gib: NotRequired[int]
    """Scratch space in GiB, 20 to 200. Default: 20, which every Fargate task has."""
    capacity: NotRequired[str]
    """`on_demand`, `spot` (cheaper, may be interrupted; the cluster needs FARGATE_SPOT) or `spot_then_on_demand`
    (on-demand for what Spot has no room for). Default: on_demand."""
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
    protect_logs: NotRequired[bool]
    """Whether Pulumi refuses to delete the two log groups. Default: false."""
    protect_queues: NotRequired[bool]
    """Whether Pulumi refuses to delete the queues of launch events, of tasks' ends and of dead letters, whose messages
    are kept for 14 days. Default: false."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource that takes some, and of each task. Default: none."""


RETRYABLE: Final = tuple(kind for kind in KINDS if kind not in ("succeeded", "stopped"))
RETRIED: Final = ("failed", "never_started", "interrupted")
"""What is retried unless the job says otherwise: what timed out would most likely do so again."""


@dataclass(frozen=True)
class Job:
    """The arguments, checked and with every default filled in."""

    image: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    assign_public_ip: pulumi.Input[bool] = False
    command: Sequence[str] = ()
    user: str = container.NOBODY
    read_only_root: bool = True
    writable_paths: Mapping[str, int] = field(default_factory=lambda: container.WRITABLE_PATHS)
    stop_timeout_seconds: int = 0
    """0: ECS's own."""
    health_check: HealthCheck | None = None
    sidecars: Sequence[Sidecar] = ()
    efs_volumes: Sequence[EfsVolume] = ()
    repository_credentials_arn: pulumi.Input[str] | None = None
    architecture: str = "x86_64"
    allow_exec: bool = False
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
    protect_logs: bool = False
    protect_queues: bool = False
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

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
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise pulumi.RunError(f"FargateJobLauncher {name!r} cannot be built:\n{listed}")
    return Job(**given)


def examine(name: str, args: FargateJobLauncherArgs) -> tuple[dict[str, Any], list[str]]:
    """The fields of the job that these arguments describe, and every problem with them: `field: what is wrong`."""
    problems = _name_problems(name)
    given = shapes.read("", args, FargateJobLauncherArgs, problems)
    overrides, function = (cast("dict[str, Any]", given.get(key, {})) for key in ("overrides", "function"))
    cpu = given.get("cpu", Job.cpu)
    given.setdefault("memory", fargate.SIZES.get(cpu, (0,))[0])
    if not any(it.startswith(("cpu", "memory")) for it in problems):
        problem = fargate.size_problem(cpu, given["memory"])
        problems += [problem] if problem else []
    retention = given.get("log_retention_days", Job.log_retention_days)
    if retention not in LOG_RETENTION_DAYS:
        allowed = ", ".join(map(str, LOG_RETENTION_DAYS))
        problems.append(f"log_retention_days: {retention!r} is no period of CloudWatch Logs; allowed: {allowed}")
    for path, capacity in (
        ("capacity", given.get("capacity", Job.capacity)),
        *(("overrides.capacity", it) for it in overrides.get("capacity", [])),
    ):
        if capacity not in CAPACITIES:
            problems.append(f"{path}: {capacity!r} is unknown; allowed: {', '.join(CAPACITIES)}")
    storage = given.get("ephemeral_storage_gib", Job.ephemeral_storage_gib)
    problems += _outside("ephemeral_storage_gib", storage, 20, 200)
    problems += _override_problems(overrides, given.get("environment", {}), given.get("secrets", {}))
    problems += _function_problems(function, overrides.get("max_count", 1), given.get("queue"))
    problems += _price_problems(given.get("prices"))
    problems += _trigger_problems(given)
    problems += _supervision_problems(given)
    if "task_policy" in given and "task_role_arn" in given:
        problems.append(
            "task_policy: goes with a role made here, but task_role_arn adopts one; attach it there yourself"
        )
    if isinstance(given.get("task_policy"), str) and not _is_object(given["task_policy"]):
        problems.append('task_policy: is not the JSON of an IAM policy: {"Version": "2012-10-17", "Statement": […]}')
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS - LAUNCHER_TAGS)
    if not re.fullmatch(r"/|/[\x21-\x7e]{1,510}/", given.get("role_path", Job.role_path)):
        problems.append(f"role_path: {given['role_path']!r} does not begin and end with a slash, such as /jobs/")
    problems += place.problems(given)
    problems += _role_problems(given, overrides)
    problems += container.problems(given)
    given.setdefault("read_only_root", not given.get("allow_exec", False))
    return given, problems


def _override_problems(
    overrides: Mapping[str, Any], environment: Mapping[str, Any], secrets: Mapping[str, Any]
) -> list[str]:
    problems = _outside("overrides.max_count", overrides.get("max_count", 1), 1, LARGEST_COUNT)
    cpu = overrides.get("cpu")
    if cpu is not None and cpu not in fargate.SIZES:
        problems.append(f"overrides.cpu: {cpu} is no Fargate size; allowed: {', '.join(map(str, fargate.SIZES))}")
    largest = max(memory for sizes in fargate.SIZES.values() for memory in sizes)
    problems += _outside("overrides.memory", overrides.get("memory", 512), 512, largest)
    problems += _outside("overrides.ephemeral_storage_gib", overrides.get("ephemeral_storage_gib", 21), 21, 200)
    for name in overrides.get("environment", []):
        if name in secrets:
            problems.append(
                f"overrides.environment: {name!r} is also under secrets; ECS refuses a launch that sets both"
            )
        if not fargate.ENVIRONMENT_NAME.fullmatch(name):
            problems.append(f"overrides.environment: {name!r} is no name of an environment variable")
        elif fargate.reserved(name):
            problems.append(f"overrides.environment: {name!r} is reserved; a caller who sets it could run other code")
    problems += [
        f"environment.{name}: belongs to the launcher, which gives the payload in it; choose another name"
        for name in environment
        if name.startswith("JOB_PAYLOAD")
    ]
    for key in overrides.get("tags", []):
        if not _is_tag_key(key):
            problems.append(f"overrides.tags: {key!r} is no key of a tag of your own")
    if len(overrides.get("tags", [])) > fargate.TAGS:
        problems.append(f"overrides.tags: {len(overrides['tags'])} keys; a task has at most {fargate.TAGS} tags")
    return problems


LAUNCHER_TAGS: Final = 2
"""Of a launcher's function, besides the job's: its job, and its stack."""


def tag_problems(tags: Mapping[str, Any], *, most: int) -> list[str]:
    """What is wrong with tags of resources: `tags.KEY: what`.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    problems = list[str]()
    if len(tags) > most:
        problems.append(f"tags: {len(tags)} tags; there is room for {most}, AWS takes {fargate.TAGS} and some are ours")
    for key, value in tags.items():
        if not _is_tag_key(key):
            problems.append(f"tags.{key}: is no key of a tag of your own")
        elif isinstance(value, str) and not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            problems.append(
                f"tags.{key}: {value!r} is no value of a tag: up to 256 letters, digits, spaces and . : / = + - @ _"
            )
    return problems


def _is_tag_key(key: str) -> bool:
    return re.fullmatch(r"[\w .:/=+@-]{1,128}", key) is not None and not key.lower().startswith("aws:")


def _function_problems(function: Mapping[str, Any], max_count: int, queue: LaunchQueue | None) -> list[str]:
    problems = _outside("function.timeout_seconds", function.get("timeout_seconds", 60), 30, 900)
    problems += _outside("function.memory_mib", function.get("memory_mib", 512), 128, 10240)
    problems += _outside("function.reserved_concurrency", function.get("reserved_concurrency", 1), 1, 1000)
    least = seconds_to_launch(max_count, queue)
    if not problems and function.get("timeout_seconds", least) < least:
        batch = "" if queue is None else f" in a batch of {batch_size(queue, max_count)}"
        problems.append(
            f"function.timeout_seconds: {function['timeout_seconds']} is too short for overrides.max_count "
            f"{max_count}{batch}: Fargate starts {fargate.LAUNCHES_PER_SECOND} tasks a second; give it {least} or "
            "leave it out"
        )
    for one, other in (("subnet_ids", "security_group_ids"), ("code_signing_config_arn", "signed_code")):
        if (one in function) != (other in function):
            problems.append(f"function.{one}: goes with function.{other}; give both or neither")
    if queue is not None and not problems:
        problems += _redelivery_problems(queue, function.get("timeout_seconds", least), max_count)
    return problems


def seconds_to_launch(max_count: int, queue: LaunchQueue | None) -> int:
    """The function's timeout for all that one invocation may launch, in seconds: 60, and what Fargate's rate adds."""
    count = max_count if queue is None else max_count * batch_size(queue, max_count)
    return 60 + max(0, -(-(count - fargate.LAUNCH_BURST) // fargate.LAUNCHES_PER_SECOND))


def batch_size(queue: LaunchQueue, max_count: int) -> int:
    """Messages for one invocation: ten, or as many as one invocation can launch."""
    return queue.get("batch_size", max(1, min(10, LARGEST_COUNT // max(1, max_count))))


RECOGNIZED_SECONDS: Final = 3600
"""For so long ECS surely recognizes a launch: a clientToken lives for one hour after its last task, or 24 hours.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

VISIBILITY_TIMEOUTS: Final = 6
"""For so many timeouts of the function nobody else is given a message that it was given.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""


def deliveries(timeout_seconds: int, *, waits: bool = False) -> int:
    """How often a message may be delivered: ten times, or as often as ECS surely recognizes what it launched.

    `waits`: it may have to wait for its turn (max_running), and asks for one task: nothing of it can be there in part.
    """
    if waits:
        return MOST_DELIVERIES
    return max(FEWEST_DELIVERIES, min(10, 1 + RECOGNIZED_SECONDS // (VISIBILITY_TIMEOUTS * timeout_seconds)))


def _redelivery_problems(queue: LaunchQueue, timeout_seconds: int, max_count: int) -> list[str]:
    """What a launch of several tasks has started before is recognized for an hour only."""
    most = deliveries(timeout_seconds)
    asked = queue.get("max_receive_count", most)
    if max_count == 1 or (asked - 1) * VISIBILITY_TIMEOUTS * timeout_seconds <= RECOGNIZED_SECONDS:
        return []
    return [
        f"queue.max_receive_count: {asked} deliveries, {VISIBILITY_TIMEOUTS} times function.timeout_seconds "
        f"({timeout_seconds}) apart, take longer than the hour for which ECS recognizes a launch, and a part of "
        f"overrides.max_count {max_count} tasks could start twice; at most {most}, with a timeout of at most "
        f"{RECOGNIZED_SECONDS // VISIBILITY_TIMEOUTS // (most - 1)}"
    ]


def _trigger_problems(given: Mapping[str, Any]) -> list[str]:
    schedule, queue, rule = (given.get(key, {}) for key in ("schedule", "queue", "event_rule"))
    problems = [
        *_outside("schedule.flexible_window_minutes", schedule.get("flexible_window_minutes", 1), 1, 1440),
        *_outside("schedule.retries", schedule.get("retries", 0), 0, 185),
        *_outside("schedule.max_age_seconds", schedule.get("max_age_seconds", 60), 60, 86400),
        *_outside("queue.batch_size", queue.get("batch_size", 1), 1, 10),
        *_outside("queue.maximum_concurrency", queue.get("maximum_concurrency", 2), 2, 1000),
        *_outside("queue.max_receive_count", queue.get("max_receive_count", 5), FEWEST_DELIVERIES, MOST_DELIVERIES),
    ]
    problems += schedules.problems(schedule)
    problems += _scheduled_event_problems(given)
    if isinstance(rule.get("pattern"), str):
        problems += _pattern_problems(rule["pattern"])
    if rule.get("as_payload") and not given.get("overrides", {}).get("payload"):
        problems.append("event_rule.as_payload: goes with overrides.payload: the event is the job's payload")
    return problems


def _scheduled_event_problems(given: Mapping[str, Any]) -> list[str]:
    """What the launcher would reject of the schedule's event, every time."""
    text = given.get("schedule", {}).get("event", "{}")
    if not _is_object(text):
        return ["schedule.event: is not the JSON of an object"]
    overrides, zero = given.get("overrides", {}), {"cpu": 0, "memory": 0, "ephemeral_storage_gib": 0}
    sizes = {key: overrides.get(key, least) for key, least in zero.items()}
    declared = Overrides(
        environment=frozenset(overrides.get("environment", [])),
        command=overrides.get("command", False),
        payload=overrides.get("payload", False),
        tags=frozenset(overrides.get("tags", [])),
        capacity=frozenset(overrides.get("capacity", [])),
        max_count=overrides.get("max_count", 1),
        task_roles=dict.fromkeys(overrides.get("task_roles", {}), ""),
        **sizes,
    )
    own = {key: given.get(key, getattr(Job, key)) for key in ("cpu", "memory", "ephemeral_storage_gib", "capacity")}
    nowhere = dict.fromkeys(
        ("job", "cluster", "task_definition", "execution_role", "task_role", "log_group", "dead_letter_queue"), ""
    )
    settings = Settings(
        **own,
        **nowhere,
        container=container.CONTAINER,
        subnets=(),
        security_groups=(),
        assign_public_ip=False,
        overrides=declared,
        payload_prefix="s3://" if "payload_bucket" in given else "",
        payload_key="",
        prices=None,
        max_running=0,
        exec=False,
        event_as_payload=False,
    )
    try:
        parse(json.loads(text), settings, key="schedule")
    except Rejected as rejected:
        return [f"schedule.event: {problem}" for problem in rejected.problems]
    return []


def _pattern_problems(text: str) -> list[str]:
    """An event rule's pattern: an object whose values are lists, at every depth.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    if not _is_object(text):
        return ["event_rule.pattern: is not the JSON of an object"]
    problems, open_objects = list[str](), [("", json.loads(text))]
    while open_objects:
        path, entries = open_objects.pop(0)
        if not entries:
            problems.append(f"event_rule.pattern{path}: is empty and would match nothing; name what launches the job")
        for key, value in entries.items():
            at = f"{path}.{key}"
            if isinstance(value, dict):
                open_objects.append((at, value))
            elif key == "$or" and isinstance(value, list):
                open_objects += [(at, it) for it in cast("list[Any]", value) if isinstance(it, dict)]
            elif not isinstance(value, list) or not value:
                problems.append(f"event_rule.pattern{at}: {value!r} is no list of what it may be, such as [{value!r}]")
    return problems


def _supervision_problems(given: Mapping[str, Any]) -> list[str]:
    supervision, alarms = given.get("supervision", {}), given.get("alarms", {})
    problems = [
        *_outside("supervision.max_runtime_minutes", supervision.get("max_runtime_minutes", 1), 1, 20160),
        *_outside("supervision.retries", supervision.get("retries", 0), 0, 10),
        *_outside("max_running", given.get("max_running", 1), 1, 5000),
        *_outside("alarms.max_job_minutes", alarms.get("max_job_minutes", 1), 1, 20160),
    ]
    for kind in supervision.get("retry_on", []):
        if kind not in RETRYABLE:
            problems.append(f"supervision.retry_on: {kind!r} is none; allowed: {', '.join(RETRYABLE)}")
    for path, topic in (("supervision", supervision.get("topic_arn")), ("alarms", alarms.get("topic_arn"))):
        if isinstance(topic, str) and not iam.is_topic_arn(topic):
            problems.append(
                f"{path}.topic_arn: {topic!r} is not the ARN of a topic; it looks like "
                "arn:aws:sns:eu-west-1:123456789012:NAME"
            )
    if "max_job_minutes" in alarms and "supervision" not in given:
        problems.append("alarms.max_job_minutes: goes with supervision, which sees how long a job took")
    largest = given.get("overrides", {}).get("max_count", 1)
    if given.get("max_running", largest) < largest:
        problems.append(
            f"max_running: {given['max_running']} is less than overrides.max_count {largest}: such a launch never runs"
        )
    return problems


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _price_problems(prices: Mapping[str, Any] | None) -> list[str]:
    if prices is None:
        return []
    problems: list[str] = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(prices.get("date", "2026-01-01"))):
        problems.append(f"prices.date: {prices['date']!r} is no date, such as 2026-01-31")
    for key in ("vcpu_hour", "memory_gib_hour", "storage_gib_hour"):
        price: Any = prices.get(key, 0)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            problems.append(f"prices.{key}: {price!r} is no price in US dollars")
    return problems


def _outside(key: str, value: int, least: int, most: int) -> list[str]:
    return [] if least <= value <= most else [f"{key}: {value} is not between {least} and {most}"]


def _role_problems(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[str]:
    """Roles are named by ARN, one by one: a pattern here would be a pattern in iam:PassRole."""
    arns = {key: given[key] for key in ("task_role_arn", "execution_role_arn") if key in given}
    arns |= {f"overrides.task_roles.{alias}": arn for alias, arn in overrides.get("task_roles", {}).items()}
    return [
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
