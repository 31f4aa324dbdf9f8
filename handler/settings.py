"""The settings that the component gives the function: its job, and what a caller may change for one launch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

VARIABLE: Final = "LAUNCHER_SETTINGS"
ASYNCHRONOUS_ALIAS: Final = "async"
"""The function's alias for callers that do not wait for the result."""
SUPERVISOR_SECONDS: Final = 60
"""The supervisor's timeout."""
JOB_TAG: Final = "fargate-job-launcher:job"
"""Tag of a launcher's function: the name of its job."""
STACK_TAG: Final = "fargate-job-launcher:stack"
"""Tag of a launcher's function: project/stack."""
HISTORY_INDEX: Final = "history"
"""The table's index of runs by job and time of launch."""
DUE_INDEX: Final = "due"
"""The table's index of what is pending, by the time at which it is looked at."""
SCHEDULES: Final = "schedules"
"""The sort key of the item of a job that says which of its schedules are paused."""
EXPIRES: Final = "expires"
"""The attribute by which DynamoDB deletes old items: seconds since 1970."""
SWEEP: Final = {"sweep": True}
"""The message with which a rule has the supervisor look for what is due, every minute."""
RUN_EVENTS_SOURCE: Final = "fargate-job-launcher"
RUN_EVENT: Final = "Job Run State Change"
"""Source and detail type of the EventBridge event about the end of a run."""


@dataclass(frozen=True, eq=False, repr=False)
class Overrides:
    """What a caller may change for one launch."""

    environment: frozenset[str]
    command: bool
    payload: bool
    tags: frozenset[str]
    """Keys of the tags that a caller may set."""
    capacity: frozenset[str]
    """The capacities that a caller may choose in place of the job's own."""
    max_count: int
    task_roles: Mapping[str, str]
    """Alias → ARN of a role for the job's code."""
    cpu: int
    """The most CPU units that a caller may request; 0 if it may not choose."""
    memory: int
    """The most MiB of memory that a caller may request; 0 if it may not choose."""
    ephemeral_storage_gib: int
    """The most GiB of ephemeral storage that a caller may request; 0 if it may not choose."""
    array_size: int
    """The most indexes of an array; 0 if a caller may request none."""
    array_parallelism: int
    """The most indexes of an array that run at once, and as many as run if a caller names no number."""
    at: bool
    """Whether a caller may have the job launched at a later time."""


@dataclass(frozen=True, eq=False, repr=False)
class Scheduling:
    """Where the schedules of launches at a later time are made."""

    group: str
    """Name of the stack's schedule group."""
    role: str
    """ARN of the role with which Scheduler invokes the launcher."""
    prefix: str
    """With this the names of the job's own one-off schedules begin."""
    dead_letters: str
    """ARN of the dead-letter queue."""


@dataclass(frozen=True, eq=False, repr=False)
class Prices:
    """What a task costs per hour, in US dollars, and the date of these prices."""

    date: str
    vcpu_hour: float
    memory_gib_hour: float
    storage_gib_hour: float
    """For each GiB beyond the 20 GiB that every task has."""
    public_ipv4_hour: float
    """For a task's public address."""


@dataclass(frozen=True, eq=False, repr=False)
class Policy:
    """What follows when a task fails or is late; a run keeps the policy that it was launched under."""

    retries: int
    """How often a failed task is launched again; 0: never."""
    retry_on: frozenset[str]
    """The outcomes that are retried: kinds of outcome.py."""
    max_runtime_minutes: int
    """How long a task may run; 0: no limit."""
    start_timeout_minutes: int
    """How long a task may take to start; 0: no limit."""
    retry_exit_codes: frozenset[int]
    """The exit codes that are retried whatever `retry_on` says."""
    never_retry_exit_codes: frozenset[int]
    """The exit codes that are never retried."""

    def as_json(self) -> dict[str, Any]:
        """As in the settings."""
        return {
            "retries": self.retries,
            "retryOn": sorted(self.retry_on),
            "maxRuntimeMinutes": self.max_runtime_minutes,
            "startTimeoutMinutes": self.start_timeout_minutes,
            "retryExitCodes": sorted(self.retry_exit_codes),
            "neverRetryExitCodes": sorted(self.never_retry_exit_codes),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Settings:
    """The job, as the stack deployed it."""

    job: str
    cluster: str
    task_definition: str
    container: str
    execution_role: str
    task_role: str
    cpu: int
    memory: int
    ephemeral_storage_gib: int
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    assign_public_ip: bool
    capacity: str
    log_group: str
    overrides: Overrides
    payload_prefix: str
    """`s3://bucket/prefix/` for payloads that do not fit into a call; empty without a bucket."""
    payload_key: str
    """ARN of the KMS key that encrypts those payloads; empty for S3's own key."""
    dead_letter_queue: str
    """URL of the dead-letter queue; empty without one."""
    prices: Prices | None
    max_running: int
    """The most tasks of the job at once; 0: no limit."""
    exec: bool
    """Whether tasks run with ECS Exec."""
    event_as_payload: bool
    """Whether an event of a rule is the job's payload; otherwise its detail is the launch event."""
    queue_as_payload: bool
    """Whether a message of the queue is the job's payload; otherwise it is the launch event."""
    runs_table: str
    """Name of the table of runs."""
    keep_days: int
    """How many days the table keeps a run after its end."""
    policy: Policy
    overlap: str
    """What happens to a launch that `max_running` does not admit: `wait`, `skip` or `replace`; `allow`: never asked."""
    notice_topic: str
    """ARN of the topic that receives notices of final failures; empty without notices."""
    log_lines: int
    """How many of the last lines of a failed task's log its event and notice have."""
    callbacks: bool
    """Whether a launch event may have the task token of a Step Functions execution."""
    result_prefix: str
    """`s3://bucket/prefix/` below which each task may leave a result; empty if the job has none."""
    schedules: tuple[str, ...]
    """Names of the job's schedules."""
    scheduling: Scheduling | None
    """None if no caller may have the job launched at a later time."""

    @property
    def family(self) -> str:
        """ARN of the task definition without its revision."""
        return self.task_definition.rpartition(":")[0]

    @staticmethod
    def read(environ: Mapping[str, str]) -> Settings:
        """The settings in the function's environment. Raises KeyError or ValueError if they are not the component's."""
        given: dict[str, Any] = json.loads(environ[VARIABLE])
        overrides, prices, policy = given["overrides"], given["prices"], given["policy"]
        # What is read with `get` is not in the settings of earlier versions, with which this code may run for a moment.
        array: dict[str, Any] = overrides.get("array") or {}
        scheduling = given.get("scheduling")
        return Settings(
            job=given["job"],
            cluster=given["cluster"],
            task_definition=given["taskDefinition"],
            container=given["container"],
            execution_role=given["executionRole"],
            task_role=given["taskRole"],
            cpu=int(given["cpu"]),
            memory=int(given["memory"]),
            ephemeral_storage_gib=int(given["ephemeralStorageGib"]),
            subnets=tuple(given["subnets"]),
            security_groups=tuple(given["securityGroups"]),
            assign_public_ip=given["assignPublicIp"],
            capacity=given["capacity"],
            log_group=given["logGroup"],
            overrides=Overrides(
                environment=frozenset(overrides["environment"]),
                command=overrides["command"],
                payload=overrides["payload"],
                tags=frozenset(overrides["tags"]),
                capacity=frozenset(overrides["capacity"]),
                max_count=int(overrides["maxCount"]),
                task_roles=dict(overrides["taskRoles"]),
                cpu=int(overrides["cpu"]),
                memory=int(overrides["memory"]),
                ephemeral_storage_gib=int(overrides["ephemeralStorageGib"]),
                array_size=int(array.get("maxSize", 0)),
                array_parallelism=int(array.get("maxParallelism", 0)),
                at=overrides.get("at", False),
            ),
            payload_prefix=given["payloadPrefix"],
            payload_key=given["payloadKey"],
            dead_letter_queue=given["deadLetterQueue"],
            prices=None
            if prices is None
            else Prices(
                date=prices["date"],
                vcpu_hour=float(prices["vcpuHour"]),
                memory_gib_hour=float(prices["memoryGibHour"]),
                storage_gib_hour=float(prices["storageGibHour"]),
                public_ipv4_hour=float(prices.get("publicIpv4Hour", 0)),
            ),
            max_running=int(given["maxRunning"]),
            exec=given["exec"],
            event_as_payload=given["eventAsPayload"],
            queue_as_payload=given["queueAsPayload"],
            runs_table=given["runs"]["table"],
            keep_days=int(given["runs"]["keepDays"]),
            policy=Policy(
                retries=int(policy["retries"]),
                retry_on=frozenset(policy["retryOn"]),
                max_runtime_minutes=int(policy["maxRuntimeMinutes"]),
                start_timeout_minutes=int(policy["startTimeoutMinutes"]),
                retry_exit_codes=frozenset(policy["retryExitCodes"]),
                never_retry_exit_codes=frozenset(policy["neverRetryExitCodes"]),
            ),
            overlap=given["overlap"],
            notice_topic=given["noticeTopic"],
            log_lines=int(given["logLines"]),
            callbacks=given["callbacks"],
            result_prefix=given["resultPrefix"],
            schedules=tuple(given.get("schedules", ())),
            scheduling=None
            if scheduling is None
            else Scheduling(
                group=scheduling["group"],
                role=scheduling["role"],
                prefix=scheduling["prefix"],
                dead_letters=scheduling["deadLetters"],
            ),
        )
