"""The arguments of a job, and the check of whether it can be built. Pure: no resource is made here.

Each field's description has its default, which is the safe value.
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
from .checks.choices import (
    CAPACITIES,
    LOG_GROUPS,
    Architecture,
    Capacity,
    Cpu,
    LogGroup,
    LogRetentionDays,
    Overlap,
    RetriedOutcome,
)
from .checks.containers import WRITABLE_PATHS, container_problems
from .checks.function import function_problems
from .checks.kinds import boundary_problems, outside, policy_problems, retention_problems, role_path_problems
from .checks.later import checked_later
from .checks.overrides import override_problems
from .checks.place import place_problems
from .checks.plain import plain_problems
from .checks.runs import run_problems
from .checks.scheduled import ONLY_SCHEDULE, schedules_problems
from .checks.supervision import supervision_problems
from .checks.tags import LAUNCHER_TAGS, tag_problems
from .checks.triggers import trigger_problems
from .container import EfsVolume, HealthCheck, LogOptions, Sidecar, Ulimits


class LaunchArray(TypedDict):
    """The largest array that a caller may request: tasks of one run, each with its own number in JOB_INDEX (from 0) and
    their number in JOB_COUNT."""

    max_size: int
    """The most tasks of one array, 1 to 10000."""
    max_parallelism: NotRequired[int]
    """The most tasks of one array that run at once, 1 to 1000 and at most `max_size`. `max_running` limits them too.
    Default: 100, or `max_size` if that is less."""


class LaunchOverrides(TypedDict, total=False):
    """What a caller of the launcher may change for one launch. The launcher rejects everything that is not declared
    here."""

    environment: Sequence[str]
    """Names of environment variables that a caller may set. Default: none."""
    command: bool
    """Whether a caller may replace the command. Default: false."""
    payload: bool
    """Whether a caller may send data, any JSON, which the job finds as JSON in JOB_PAYLOAD. Default: false."""
    cpu: Cpu
    """The most CPU units that a caller may request. Default: a caller may request none."""
    memory: int
    """The most memory in MiB that a caller may request. Default: a caller may request none."""
    ephemeral_storage_gib: int
    """The most ephemeral storage in GiB that a caller may request, 21 to 200. Default: a caller may request none."""
    max_count: int
    """The most tasks that one event may request, 1 to 1000; one call to ECS launches up to ten. Default: 1."""
    array: LaunchArray
    """The largest array that a caller may request. Default: a caller may request none."""
    at: bool
    """Whether a caller may have the job launched at a later time, by a schedule that the launcher creates for it.
    Default: false, and the launcher may create no schedule."""
    capacity: Sequence[Capacity]
    """Capacities that a caller may choose besides the job's own. Default: none."""
    tags: Sequence[str]
    """Keys of tags that a caller may set on the tasks. Default: none."""
    task_roles: Mapping[str, pulumi.Input[str]]
    """Alias → ARN of a role that a caller may choose for the job's code, in place of the task role. Default: none."""


class LaunchPrices(TypedDict):
    """Fargate's prices, from which a launch computes the most that it costs. https://aws.amazon.com/fargate/pricing/"""

    date: str
    """The date of these prices, as YYYY-MM-DD. It is shown beside each figure."""
    vcpu_hour: float
    """US dollars per vCPU and hour."""
    memory_gib_hour: float
    """US dollars per GiB of memory and hour."""
    storage_gib_hour: float
    """US dollars per GiB of ephemeral storage and hour, beyond 20 GiB."""
    public_ipv4_hour: NotRequired[float]
    """US dollars per public IPv4 address and hour; a task with `assign_public_ip` has one address. Default: 0.005, the
    price in every region (https://aws.amazon.com/vpc/pricing/)."""


class SignedCode(TypedDict):
    """Where the signed archive of the function's code is stored."""

    bucket: pulumi.Input[str]
    """Name of the S3 bucket."""
    key: pulumi.Input[str]
    """Key of the object that AWS Signer wrote."""
    version: NotRequired[pulumi.Input[str]]
    """Version of the object. Default: the latest."""


class LauncherFunction(TypedDict, total=False):
    """The launcher's Lambda function."""

    timeout_seconds: int
    """Seconds until Lambda stops the function, 30 to 900; one call to ECS may take 8. Default: 60, and more if one
    event or one batch can request more than 100 tasks, which Fargate starts at 20 a second."""
    memory_mib: int
    """Memory in MiB, 128 to 10240, which also determines the CPU. Default: 512."""
    reserved_concurrency: int
    """The most concurrent invocations, reserved for this function. Default: not reserved."""
    tracing: bool
    """Whether X-Ray traces invocations. Default: false."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets of a VPC to run the function in, with `security_group_ids`; from there it has to reach ECS, CloudWatch
    Logs and every other service that it calls, through NAT or VPC endpoints. Default: outside any VPC."""
    security_group_ids: Sequence[pulumi.Input[str]]
    """Security groups of the function in those subnets."""
    code_signing_config_arn: pulumi.Input[str]
    """ARN of a Lambda code signing configuration; needs `signed_code`. Default: none."""
    signed_code: SignedCode
    """The archive that `python -m fargate_job_launcher archive` writes, signed by AWS Signer, in a bucket. Default: the
    function's code is uploaded from this package."""


class LaunchSchedule(TypedDict):
    """When EventBridge Scheduler launches the job."""

    expression: str
    """`cron(0 3 * * ? *)`, `rate(1 hour)` or `at(2026-01-31T03:00:00)`."""
    time_zone: NotRequired[str]
    """Time zone of the expression, such as Europe/Berlin, with its summer time. Default: UTC."""
    flexible_window_minutes: NotRequired[int]
    """By how many minutes the job may start later, 1 to 1440, which spreads the load. Default: it starts on time."""
    event: NotRequired[str]
    """The launch event, as JSON. Default: an empty event, which launches the job as defined."""
    retries: NotRequired[int]
    """How often Scheduler retries to reach the launcher, 0 to 185. Default: 10."""
    max_age_seconds: NotRequired[int]
    """How many seconds after its time the job may still be launched, 60 to 86400. Default: 3600."""
    enabled: NotRequired[bool]
    """Default: true."""


class LaunchQueue(TypedDict, total=False):
    """A queue whose messages are launch events, or the payloads of the job. The launcher creates it, encrypted, with a
    dead-letter queue."""

    as_payload: bool
    """Whether each message is the job's payload (this needs `overrides.payload`): JSON as S3, SNS and EventBridge
    send it, with the envelope of SNS unless the subscription has raw delivery; a text that is not JSON becomes a JSON
    string, `"order 17"` with its quotes. A message that arrives twice is launched once. S3's test messages launch
    nothing. Default: false, each message is a launch event."""
    sources: Sequence[pulumi.Input[str]]
    """ARNs of the S3 buckets, SNS topics and EventBridge rules that may send to the queue. With `kms_key_arn`, the
    policy of the key has to allow each service that sends (`s3.amazonaws.com`, `sns.amazonaws.com`,
    `events.amazonaws.com`) `kms:GenerateDataKey` and `kms:Decrypt`, with its account as `aws:SourceAccount`; otherwise
    S3 refuses the notification, and messages of the others are lost without an error. Default: none; a sender needs the
    permission in its own IAM policy."""
    batch_size: int
    """The most messages in one invocation, 1 to 10. Default: 10, or as many as can request 1000 tasks together."""
    maximum_concurrency: int
    """The most concurrent invocations for this queue, 2 to 1000. Default: Lambda's own limit."""
    max_receive_count: int
    """How often a message is delivered before it goes to the dead-letter queue, 5 to 1000. Default: 10, or
    1000 if a launch may have to wait for `max_running`."""


class LaunchEventRule(TypedDict):
    """Events that launch the job."""

    pattern: pulumi.Input[str]
    """The EventBridge pattern of the events, as JSON."""
    bus: NotRequired[pulumi.Input[str]]
    """Name of the event bus. Default: default."""
    as_payload: NotRequired[bool]
    """Whether the whole event is the job's payload (this needs `overrides.payload`). Default: false, the `detail` of
    the event is the launch event."""


class Supervision(TypedDict, total=False):
    """What happens to a task after its launch."""

    max_runtime_minutes: int
    """Minutes after which a task is stopped, 1 to 20160. Default: no limit."""
    retries: int
    """How often a failed task is launched again, 0 to 10. Default: 0."""
    retry_on: Sequence[RetriedOutcome]
    """Which outcomes are retried: `failed`, `never_started`, `interrupted`, `timed_out`. Default: the first three."""
    start_timeout_minutes: int
    """Minutes after which a task that has not started is stopped, 1 to 1440; it counts as `never_started`. Default: no
    limit."""
    retry_exit_codes: Sequence[int]
    """Exit codes of the job's container, 1 to 255, that are retried whatever `retry_on` says. Default: none."""
    never_retry_exit_codes: Sequence[int]
    """Exit codes of the job's container, 1 to 255, that are never retried: another attempt would fail in the same way.
    Default: none."""


class Notify(TypedDict, total=False):
    """Who receives a notice of a run that failed after its last retry, and what is in it."""

    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that receives a notice of each final failure: a standard topic, in the cluster's region. If
    it is encrypted with a customer-managed key, that key has to be the job's `kms_key_arn`; a topic of another account
    has to let this account publish. Default: the topic of `runs`."""
    log_lines: int
    """How many of the last lines of the failed task's log the notice and the event of the run have, 0 to 50. Anyone
    who may read these may then read the lines. Default: 0."""


class LaunchRuns(TypedDict, total=False):
    """The table in which every launch of the job is kept as a run. The outputs of a `JobRuns`; without a table the
    launcher creates a `JobRuns` of its own."""

    table_arn: pulumi.Input[str]
    """ARN of the table of runs, with `supervisor_role_arn` and `notice_topic_arn` of the same `JobRuns`. It has to be
    in the cluster's account and region, and its `JobRuns` has to follow the cluster. Default: a table of its own."""
    supervisor_role_arn: pulumi.Input[str]
    """ARN of the role of the function that follows the runs in this table, which may then invoke the launcher."""
    notice_topic_arn: pulumi.Input[str]
    """ARN of the topic that receives notices unless `notify.topic_arn` names another."""
    schedule_group_arn: pulumi.Input[str]
    """ARN of the schedule group of the same `JobRuns`, in which the launcher's schedules are; needed with `table_arn`
    if the launcher has schedules or `overrides.at`."""
    kms_key_arn: pulumi.Input[str]
    """ARN of the customer-managed KMS key of the table and of its topic. Default: the job's `kms_key_arn`."""
    keep_days: int
    """How many days the table keeps a run after its end, 1 to 3650; for as long, an idempotency key launches once.
    Default: 90."""


class Alarms(TypedDict, total=False):
    """CloudWatch alarms of the launcher, and its dashboard."""

    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that receives the alarms. Default: the topic of the notices; without one the alarms notify
    nobody."""
    dashboard: bool
    """Whether to create a dashboard, which costs 3 USD a month. Default: false."""
    max_job_minutes: int
    """A run that took longer than this many minutes raises an alarm. Default: no such alarm."""


class FargateJobLauncherArgs(TypedDict):
    """A container job and where it runs."""

    image: pulumi.Input[str]
    """The container image, as a task definition names it. Pin it by digest in production."""
    pull_through_cache: NotRequired[bool]
    """Whether the image is in ECR through a pull-through cache rule, so that ECS may let ECR fetch the image and, the
    first time, create its repository. Default: false, the image is already in ECR or in another registry."""
    cluster_arn: pulumi.Input[str]
    """ARN of the ECS cluster, the only one in which the launcher can run its job."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets of the task, 1 to 16."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups of the task, 1 to 5."""
    assign_public_ip: NotRequired[pulumi.Input[bool]]
    """Whether the task gets a public address; it needs one to pull its image from a public subnet. Default: false."""
    command: NotRequired[Sequence[str]]
    """The command, in place of the image's own."""
    entry_point: NotRequired[Sequence[str]]
    """The program that gets the command as its arguments, in place of the image's own. No caller can change it.
    Default: the image's own."""
    working_directory: NotRequired[str]
    """The folder in which the program of the container starts, such as /app. Default: the image's own."""
    ulimits: NotRequired[Ulimits]
    """Limits of the container's processes. Default: Fargate's own."""
    log_options: NotRequired[LogOptions]
    """What happens to output that CloudWatch Logs does not accept in time, for every container of the task. Default:
    the setting of the account."""
    user: NotRequired[str]
    """The user of the container's program: a number, or a name in the image, optionally with a group after a colon. For
    an image that has to start as root, set `0`. Default: 65532:65532, which owns nothing in the image."""
    read_only_root: NotRequired[bool]
    """Whether the container's root file system is read-only. Default: true, unless `allow_exec`."""
    writable_paths: NotRequired[Mapping[str, int]]
    """Folders in which a container with a read-only root may write: folder → MiB of the task's memory (tmpfs), or 0 for
    the task's disk (`ephemeral_storage_gib`), where the folder belongs to root unless the image declares it a VOLUME.
    Default: /tmp, 64 MiB."""
    stop_timeout_seconds: NotRequired[int]
    """Seconds from SIGTERM to SIGKILL when the task is stopped, 2 to 120. Default: 30, as in ECS."""
    health_check: NotRequired[HealthCheck]
    """How ECS checks whether the container is healthy. Default: no check."""
    sidecars: NotRequired[Sequence[Sidecar]]
    """Containers beside the job's own, in the same task. Default: none."""
    efs_volumes: NotRequired[Sequence[EfsVolume]]
    """Folders of EFS file systems, mounted with the task role, which gets the permission. Default: none."""
    repository_credentials_arn: NotRequired[pulumi.Input[str]]
    """ARN of the Secrets Manager secret with the user name and password of a private registry outside ECR.
    Default: none."""
    architecture: NotRequired[Architecture]
    """The processor that the image is built for: `x86_64` or `arm64`. Default: x86_64."""
    allow_exec: NotRequired[bool]
    """Whether `aws ecs execute-command` can open a shell in the job's tasks, for debugging. Default: false, and a
    policy denies the launcher to run a task with it."""
    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variables of the container. Everyone who may describe the task can read them: put no secrets here; a
    value that looks like a secret is refused."""
    not_secret: NotRequired[Sequence[str]]
    """Names of environment variables that look like secrets but are not; `command`, `entry_point` or `health_check` for
    a value in one of those. A Docker label of the container lists them, so that the policy pack knows them too.
    Default: none."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Environment variable → ARN of the Secrets Manager secret or SSM parameter that ECS reads into it. To read a part
    of a secret, append `:JSON-KEY:VERSION-STAGE:VERSION-ID` to its ARN: `ARN:password::` is the value of `password` in
    a secret that is JSON. Default: none."""
    secret_key_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the customer-managed KMS keys that those secrets are encrypted with. Default: none (AWS's own keys)."""
    task_policy: NotRequired[pulumi.Input[str]]
    """What the job's own code may do, as the JSON of an IAM policy. Default: nothing."""
    task_role_arn: NotRequired[pulumi.Input[str]]
    """An existing role for the job's code; the launcher attaches nothing to it. Default: the launcher creates one."""
    execution_role_arn: NotRequired[pulumi.Input[str]]
    """An existing role with which ECS starts the task; the launcher attaches nothing to it. Default: the launcher
    creates one."""
    role_path: NotRequired[str]
    """IAM path of the roles that the launcher creates, such as /jobs/. Default: /."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """ARN of the permissions boundary of the roles that the launcher creates. Default: none."""
    cpu: NotRequired[Cpu]
    """CPU units (1024 are one vCPU): 256, 512, 1024, 2048, 4096, 8192, 16384 or 32768. Default: 256."""
    memory: NotRequired[int]
    """Memory in MiB, one of the sizes that Fargate has for `cpu`. Default: the smallest."""
    ephemeral_storage_gib: NotRequired[int]
    """Scratch space in GiB, 20 to 200. Default: 20, which every Fargate task has."""
    capacity: NotRequired[Capacity]
    """`on_demand`, on any cluster; `spot` (cheaper, may be interrupted) or `spot_then_on_demand` (on demand for tasks
    for which Spot has no capacity), on a cluster with the capacity provider FARGATE_SPOT, such as a JobCluster.
    Default: on_demand."""
    overrides: NotRequired[LaunchOverrides]
    """What a caller may change. Default: nothing."""
    payload_bucket: NotRequired[pulumi.Input[str]]
    """Name of the bucket for payloads that do not fit into a call to ECS; PayloadBucket creates one. Default: none, and
    such a payload is rejected."""
    prices: NotRequired[LaunchPrices]
    """Fargate's prices, from which a launch computes the most that it costs per hour. Default: none, and no cost is
    shown."""
    asynchronous: NotRequired[bool]
    """Whether callers may invoke the launcher without waiting for its answer, through its alias `async`: an event that
    may succeed later is delivered again, and a dead-letter queue keeps the events that fail. Default: false."""
    function: NotRequired[LauncherFunction]
    """The launcher's Lambda function. Default: the defaults of its fields."""
    schedule: NotRequired[LaunchSchedule]
    """When EventBridge Scheduler launches the job. Its name is `schedule`. Default: never."""
    schedules: NotRequired[Mapping[str, LaunchSchedule]]
    """Further schedules by name: 1 to 31 lower-case letters, digits and hyphens, the first a letter. Default: none."""
    queue: NotRequired[LaunchQueue]
    """A queue of launch events. Default: none."""
    event_rule: NotRequired[LaunchEventRule]
    """Events that launch the job. Default: none."""
    runs: NotRequired[LaunchRuns]
    """The table in which every launch is kept as a run, and for how long. Default: a table of its own."""
    supervision: NotRequired[Supervision]
    """Retries and limits of time. Default: a failed task is not launched again, and no task is stopped."""
    notify: NotRequired[Notify]
    """Notices of runs that failed after their last retry. Default: with `supervision`, notices to the topic of `runs`;
    without it, none."""
    max_running: NotRequired[int]
    """The most tasks of the job that run at once, 1 to 5000, of every trigger together. `overlap` says what happens to
    a launch beyond the limit. Default: no limit."""
    overlap: NotRequired[Overlap]
    """What happens to a launch that `max_running` does not admit. `wait`: it goes back to its trigger; a direct launch
    fails with the reason MaxRunning. `skip`: it is kept as a run that was skipped, and is no failure. `replace`: what
    runs is stopped first. `allow`: there is no limit. Default: wait."""
    result: NotRequired[bool]
    """Whether a task may leave a result, an object in the `payload_bucket`, whose address it finds in
    JOB_RESULT_S3_URI; needs `payload_bucket`, and one task for each launch, or an array, each index of which has an
    address of its own. Default: false."""
    callbacks: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the Step Functions state machines whose executions may launch the job with a task token and wait for the
    end of its run. Default: none, and a task token is rejected."""
    alarms: NotRequired[Alarms]
    """Alarms and a dashboard. Default: none."""
    log_retention_days: NotRequired[LogRetentionDays]
    """How many days the log lines of the job and of the launcher are kept, one of the numbers that CloudWatch Logs
    accepts. Default: 30."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the customer-managed KMS key for the log groups, queues, the function's settings, a table of runs and a
    topic made here, and payloads and results of a bucket that uses it; its key policy has to allow CloudWatch Logs,
    EventBridge, CloudWatch, and the services that fill the queue (`queue.sources`) to use it. Default: none (AWS's own
    keys)."""
    further_kms_key_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the KMS keys that `kms_key_arn` had before or will have next. Data encrypted with them can be read, so
    the queues and the topic can change from one key to another while every message stays readable. Default: none."""
    keep_logs: NotRequired[bool]
    """Whether the two log groups and their lines are kept when the launcher is deleted. Default: false."""
    adopt_logs: NotRequired[Sequence[LogGroup]]
    """Existing log groups of an earlier launcher of this name to import, with their lines: `job`, `launcher`. Remove
    this argument after the deployment. Default: none, and CloudWatch Logs refuses to create a log group that exists."""
    protect_logs: NotRequired[bool]
    """Whether Pulumi refuses to delete the two log groups. Default: false."""
    protect_queues: NotRequired[bool]
    """Whether Pulumi refuses to delete the queues of launch events and of dead letters, which keep messages for 14
    days, and a table of runs made here. Default: false."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource that can have tags, and of each task. Default: none."""


PUBLIC_IPV4_HOUR: Final = 0.005
"""US dollars. https://aws.amazon.com/vpc/pricing/ of 2026-11-01"""

RETRIED: Final[tuple[RetriedOutcome, ...]] = ("failed", "never_started", "interrupted")
"""The outcomes that are retried by default. A task that timed out would most likely do so again."""

KEEP_DAYS: Final = 90
"""How long a run is kept after its end by default."""


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
    architecture: Architecture = "x86_64"
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
    cpu: Cpu = 256
    memory: int = 0
    ephemeral_storage_gib: int = fargate.EPHEMERAL_STORAGE_DEFAULT_GIB
    capacity: Capacity = "on_demand"
    overrides: LaunchOverrides = field(default_factory=LaunchOverrides)
    payload_bucket: pulumi.Input[str] | None = None
    prices: LaunchPrices | None = None
    asynchronous: bool = False
    function: LauncherFunction = field(default_factory=LauncherFunction)
    schedule: LaunchSchedule | None = None
    schedules: Mapping[str, LaunchSchedule] = field(default_factory=dict[str, LaunchSchedule])
    queue: LaunchQueue | None = None
    event_rule: LaunchEventRule | None = None
    runs: LaunchRuns = field(default_factory=LaunchRuns)
    supervision: Supervision | None = None
    notify: Notify | None = None
    max_running: int = 0
    overlap: Overlap = "wait"
    result: bool = False
    callbacks: Sequence[pulumi.Input[str]] = ()
    alarms: Alarms | None = None
    log_retention_days: LogRetentionDays = 30
    kms_key_arn: pulumi.Input[str] | None = None
    further_kms_key_arns: Sequence[pulumi.Input[str]] = ()
    keep_logs: bool = False
    adopt_logs: Sequence[LogGroup] = ()
    protect_logs: bool = False
    protect_queues: bool = False
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])

    @property
    def key_arns(self) -> list[pulumi.Input[str]]:
        """The keys of its queues, topic and payloads: the current one first, then earlier and later ones."""
        return [*([] if self.kms_key_arn is None else [self.kms_key_arn]), *self.further_kms_key_arns]

    @property
    def run_key_arns(self) -> list[pulumi.Input[str]]:
        """The keys of the table of runs and of its topic."""
        own = self.runs.get("kms_key_arn")
        return self.key_arns if own is None else [own, *self.further_kms_key_arns]

    @property
    def notifies(self) -> bool:
        """Whether there are notices of runs that failed."""
        return self.supervision is not None or self.notify is not None

    @property
    def named_schedules(self) -> dict[str, LaunchSchedule]:
        """Every schedule by its name, in the order of the names."""
        own = {} if self.schedule is None else {ONLY_SCHEDULE: self.schedule}
        return dict(sorted({**own, **self.schedules}.items()))

    @property
    def launches_later(self) -> bool:
        """Whether a caller may have the job launched at a later time."""
        return self.overrides.get("at", False)

    @property
    def uses_scheduler(self) -> bool:
        """Whether EventBridge Scheduler launches the job: by its schedules, or at the times that callers name."""
        return bool(self.named_schedules) or self.launches_later

    @property
    def has_dead_letters(self) -> bool:
        """Whether the launcher receives events from callers that do not wait."""
        triggers = (self.queue, self.event_rule)
        return self.asynchronous or self.uses_scheduler or any(it is not None for it in triggers)


def check(name: str, args: FargateJobLauncherArgs) -> Job:
    """The job that these arguments describe.

    Raises pulumi.RunError naming every problem at once: field, value, rule and remedy. A value that only the deployment
    knows raises it during the deployment.
    """
    given, problems = examine(name, args)
    shapes.refuse("FargateJobLauncher", name, problems)
    return Job(**checked_later("FargateJobLauncher", name, given, lambda it: examine(name, it)[1]))


def examine(name: str, args: FargateJobLauncherArgs, *, place: Place | None = None) -> tuple[dict[str, Any], list[str]]:
    """The fields of the job that these arguments describe, and every problem with them: `field: what is wrong`.

    `place` is the place of its cluster, if the arguments do not have it.
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
    problems += schedules_problems(name, given)
    problems += function_problems(given.get("function", {}), asked.get("max_count", 1), given.get("queue"))
    problems += _price_problems(given.get("prices"))
    problems += trigger_problems(given)
    problems += supervision_problems(given)
    problems += run_problems(given)
    if "task_policy" in given and "task_role_arn" in given:
        problems.append(
            "task_policy: is for a role made here, but task_role_arn adopts one; attach the policy to that yourself"
        )
    if isinstance(given.get("task_policy"), str):
        problems += policy_problems("task_policy", given["task_policy"])
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS - LAUNCHER_TAGS)
    problems += role_path_problems(given)
    problems += place_problems(given, place)
    problems += _role_problems(given, asked)
    problems += container_problems(given)
    problems += plain_problems(given)
    given.setdefault("read_only_root", not given.get("allow_exec", False))
    if not problems:
        problems += container.size_problems(Job(**given))
    return given, problems


def _adoption_problems(given: Mapping[str, Any]) -> list[str]:
    adopted = given.get("adopt_logs", [])
    problems = [
        f"adopt_logs: {it!r} is unknown; allowed: {', '.join(LOG_GROUPS)}" for it in adopted if it not in LOG_GROUPS
    ]
    return problems + [f"adopt_logs: {it!r} is named twice; once is enough" for it in shapes.repeated(adopted)]


def _price_problems(prices: Mapping[str, Any] | None) -> list[str]:
    if prices is None:
        return []
    problems: list[str] = []
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(prices.get("date", "2026-01-01"))):
        problems.append(f"prices.date: {prices['date']!r} is not a date, such as 2026-01-31")
    for key in ("vcpu_hour", "memory_gib_hour", "storage_gib_hour", "public_ipv4_hour"):
        price: Any = prices.get(key, 0)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            problems.append(f"prices.{key}: {price!r} is not a price in US dollars")
    return problems


def _role_problems(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[str]:
    """Roles are named by ARN, one by one: a pattern here would be a pattern in iam:PassRole."""
    arns = {key: given[key] for key in ("task_role_arn", "execution_role_arn") if key in given}
    arns |= {f"overrides.task_roles.{alias}": arn for alias, arn in overrides.get("task_roles", {}).items()}
    if "supervisor_role_arn" in given.get("runs", {}):
        arns["runs.supervisor_role_arn"] = given["runs"]["supervisor_role_arn"]
    return boundary_problems(given) + [
        f"{key}: {arn!r} is not the ARN of one role; it looks like arn:aws:iam::123456789012:role/NAME, no wildcard"
        for key, arn in arns.items()
        if isinstance(arn, str) and not iam.is_role_arn(arn)
    ]


def _name_problems(name: Any) -> list[str]:
    if output := shapes.output_in_name(name):
        return output
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,39}", name):
        return []
    return [
        f"name: {name!r} is not a letter followed by at most 39 letters, digits and hyphens "
        "(roles and functions carry it, and IAM ends their names at 64 characters)"
    ]
