"""JobRuns: the table in which each launch is kept as a run, its supervisor (supervisor.py), the topic of notices, and
the group of the launchers' schedules.

One serves every launcher of a stack.
"""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws

from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.settings import DUE_INDEX, EXPIRES, HISTORY_INDEX

from . import iam
from .arguments import LaunchRuns
from .checks import shapes
from .checks.choices import LogRetentionDays
from .checks.kinds import retention_problems
from .checks.later import checked_later
from .checks.names import RUNS, name_problems
from .checks.place import place_problems
from .checks.runs import control_plane_problems
from .checks.tags import tag_problems
from .supervisor import Supervisor

ATTRIBUTES: Final = {"pk": "S", "sk": "S", "launchedAt": "S", "duty": "S", "due": "N"}
"""The attributes by which the table and its indexes find items, and their types; handler/ says what an item has."""


class RunsAlarms(TypedDict, total=False):
    """CloudWatch alarms of the supervisor."""

    enabled: bool
    """Whether there are alarms. Default: true."""
    topic_arn: pulumi.Input[str]
    """ARN of the SNS topic that receives them. Default: the topic of the notices."""


class JobRunsArgs(TypedDict):
    """Which tasks are followed, and how their runs are kept."""

    cluster_arns: Sequence[pulumi.Input[str]]
    """ARNs of the ECS clusters whose tasks are followed: those of every launcher that uses the table, 1 to 10, in one
    account and region."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """ARN of the SNS topic that receives the alarms, and notices of runs that failed after their last retry: a standard
    topic, in the region of the clusters. Default: a new one."""
    alarms: NotRequired[RunsAlarms]
    """Alarms of the supervisor. Default: there are alarms, and the topic receives them."""
    log_retention_days: NotRequired[LogRetentionDays]
    """How many days the supervisor's log lines are kept, one of the numbers that CloudWatch Logs accepts. Default:
    30."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the customer-managed KMS key for the table, the queues, the topic, the log group and the function's
    settings; its key policy has to allow CloudWatch Logs, EventBridge and CloudWatch to use it. Default: none (AWS's
    own keys)."""
    further_kms_key_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of the KMS keys that `kms_key_arn` had before or will have next. Default: none."""
    role_path: NotRequired[str]
    """IAM path of the supervisor's role, such as /jobs/. Default: /."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """ARN of the permissions boundary of the supervisor's role. It has to allow lambda:InvokeFunction on the launchers
    too: a boundary limits what a launcher's own policy grants the role. Default: none."""
    keep_logs: NotRequired[bool]
    """Whether the log group and its lines are kept when the component is deleted. Default: false."""
    adopt_logs: NotRequired[bool]
    """Whether the log group of an earlier JobRuns of this name is imported, with its lines. Remove this argument after
    the deployment. Default: false, and CloudWatch Logs refuses to create a log group that exists."""
    protect: NotRequired[bool]
    """Whether the table cannot be deleted and can be restored to any second of the last 35 days, and Pulumi refuses to
    delete table, queues and log group. Default: false."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource that can have tags. Default: none."""


@dataclass(frozen=True)
class ControlPlane:
    """The arguments, checked and with every default filled in."""

    cluster_arns: Sequence[pulumi.Input[str]]
    topic_arn: pulumi.Input[str] | None = None
    alarms: RunsAlarms = field(default_factory=RunsAlarms)
    log_retention_days: LogRetentionDays = 30
    kms_key_arn: pulumi.Input[str] | None = None
    further_kms_key_arns: Sequence[pulumi.Input[str]] = ()
    role_path: str = "/"
    permissions_boundary_arn: pulumi.Input[str] | None = None
    keep_logs: bool = False
    protect: bool = False
    tags: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    adopt_logs: Sequence[str] = ()

    @property
    def protect_queues(self) -> bool:
        """Whether Pulumi refuses to delete its queues."""
        return self.protect

    @property
    def protect_logs(self) -> bool:
        """Whether Pulumi refuses to delete its log group."""
        return self.protect

    @property
    def key_arns(self) -> list[pulumi.Input[str]]:
        """The keys of its table and queues: the current one first."""
        return [*([] if self.kms_key_arn is None else [self.kms_key_arn]), *self.further_kms_key_arns]


class JobRuns(pulumi.ComponentResource):
    """The table of runs, and the function that follows each run to its end: retries, deadlines, notices.

    The supervisor's function runs no task and passes no role; each launcher lets it invoke that launcher.
    """

    table_name: pulumi.Output[str]
    """Name of the table of runs."""
    table_arn: pulumi.Output[str]
    """ARN of the table, known once the ends of tasks are followed: the `runs.table_arn` of a launcher."""
    supervisor_function_name: pulumi.Output[str]
    """Name of the supervisor's function."""
    supervisor_role_arn: pulumi.Output[str]
    """ARN of its role: the `runs.supervisor_role_arn` of a launcher."""
    notice_topic_arn: pulumi.Output[str]
    """ARN of the topic that receives notices of runs that failed: the `runs.notice_topic_arn` of a launcher."""
    schedule_group_name: pulumi.Output[str]
    """Name of the schedule group, in which the schedules of the launchers are."""
    schedule_group_arn: pulumi.Output[str]
    """ARN of the schedule group: the `runs.schedule_group_arn` of a launcher."""
    dead_letter_queue_url: pulumi.Output[str]
    """URL of the queue of ends of tasks that could not be dealt with."""
    log_group_name: pulumi.Output[str]
    """Log group of the supervisor."""

    def __init__(self, name: str, args: JobRunsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments are invalid."""
        given, problems = examine_runs(args)
        shapes.refuse("JobRuns", name, [*name_problems(name, RUNS), *problems])
        known = checked_later("JobRuns", name, given, lambda it: examine_runs(cast("JobRunsArgs", it))[1])
        adopted: Sequence[str] = ("supervisor",) if known.pop("adopt_logs", False) else ()
        plane = ControlPlane(**known, adopt_logs=adopted)
        super().__init__("fargate-job-launcher:index:JobRuns", name, {}, opts)
        place = pulumi.Output.from_input(plane.cluster_arns[0]).apply(iam.Place.of)
        table = _table(name, plane, parent=self)
        topic_arn = _topic_arn(name, plane, parent=self)
        schedules = aws.scheduler.ScheduleGroup(name, tags=plane.tags, opts=pulumi.ResourceOptions(parent=self))
        supervisor = Supervisor(
            name,
            plane,
            cluster_arns=plane.cluster_arns,
            key_arns=plane.key_arns,
            place=place,
            table=table,
            parent=self,
        )
        if plane.alarms.get("enabled", True):
            topic = plane.alarms.get("topic_arn", topic_arn)
            supervisor.alarm(topic)

        self.table_name = table.name
        # A launcher that uses this ARN is created after the ends of its tasks are followed, and deleted before.
        self.table_arn = pulumi.Output.all(table.arn, *supervisor.following).apply(lambda it: cast("str", it[0]))
        self.supervisor_function_name = supervisor.function.name
        self.supervisor_role_arn = supervisor.role.arn
        self.notice_topic_arn = topic_arn
        self.schedule_group_name = schedules.name
        self.schedule_group_arn = schedules.arn
        self.dead_letter_queue_url = supervisor.dead_letters.url
        self.log_group_name = supervisor.logs.name
        self.register_outputs({key: getattr(self, key) for key in JobRuns.__annotations__})
        self._key_arn = plane.kms_key_arn

    @property
    def shared(self) -> LaunchRuns:
        """The `runs` of a launcher that uses this table."""
        runs: LaunchRuns = {
            "table_arn": self.table_arn,
            "supervisor_role_arn": self.supervisor_role_arn,
            "notice_topic_arn": self.notice_topic_arn,
            "schedule_group_arn": self.schedule_group_arn,
        }
        return runs if self._key_arn is None else {**runs, "kms_key_arn": self._key_arn}


def examine_runs(args: JobRunsArgs) -> tuple[dict[str, Any], list[str]]:
    """These arguments in their declared types, and every problem with them: `field: what is wrong`."""
    problems: list[str] = []
    given = shapes.read("", args, JobRunsArgs, problems)
    place, found = control_plane_problems(given)
    problems += found
    problems += retention_problems(
        "log_retention_days", given.get("log_retention_days", ControlPlane.log_retention_days)
    )
    problems += place_problems(given, place)
    problems += tag_problems(given.get("tags", {}), most=fargate.TAGS)
    return given, problems


def _table(name: str, plane: ControlPlane, *, parent: pulumi.Resource) -> aws.dynamodb.Table:
    """It is on demand: it costs nothing while nothing runs. Only items that owe something are in the index of what is
    due."""
    key = plane.kms_key_arn
    return aws.dynamodb.Table(
        name,
        attributes=[{"name": it, "type": kind} for it, kind in ATTRIBUTES.items()],
        hash_key="pk",
        range_key="sk",
        global_secondary_indexes=[
            _index(HISTORY_INDEX, "pk", "launchedAt", "ALL"),
            _index(DUE_INDEX, "duty", "due", "KEYS_ONLY"),
        ],
        billing_mode="PAY_PER_REQUEST",
        ttl={"attribute_name": EXPIRES, "enabled": True},
        server_side_encryption=None if key is None else {"enabled": True, "kms_key_arn": key},
        point_in_time_recovery={"enabled": plane.protect},
        deletion_protection_enabled=plane.protect,
        tags=plane.tags,
        opts=pulumi.ResourceOptions(parent=parent, protect=True if plane.protect else None),
    )


def _index(name: str, hash_key: str, range_key: str, projection: str) -> Any:
    keys = [{"attribute_name": hash_key, "key_type": "HASH"}, {"attribute_name": range_key, "key_type": "RANGE"}]
    return {"name": name, "key_schemas": keys, "projection_type": projection}


def _topic_arn(name: str, plane: ControlPlane, *, parent: pulumi.Resource) -> pulumi.Output[str]:
    if plane.topic_arn is not None:
        return pulumi.Output.from_input(plane.topic_arn)
    child = pulumi.ResourceOptions(parent=parent)
    return aws.sns.Topic(f"{name}-notices", kms_master_key_id=plane.kms_key_arn, tags=plane.tags, opts=child).arn
