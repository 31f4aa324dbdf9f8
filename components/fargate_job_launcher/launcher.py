"""FargateJobLauncher: connects the modules of this package into one component, and decides nothing itself."""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
from dataclasses import replace
from typing import Any, Final, cast

import pulumi

from . import container, iam
from .alarms import watch
from .arguments import FargateJobLauncherArgs, Job, check
from .capacity import warn_about_missing_spot
from .checks.plain import checked_environment
from .checks.runs import OF_ONE
from .container import Sidecar
from .function import launcher_function, launcher_log_group, timeout_seconds
from .payload import payload_objects, result_objects
from .roles import Runs, execution_role, launcher_role, task_role
from .runs import JobRuns, JobRunsArgs
from .scheduling import launch_schedules, scheduling
from .supervisor import invocable_by_role
from .task_definition import family, job_log_group, take_name, task_definition
from .triggers import Launchable, asynchronous_alias, dead_letter_queue, launch_queue, triggers

_MAY_BE_PARTIAL: Final = (
    "secrets: one ARN ends in a hyphen and six lower-case letters, which may be the end of its name. If the six "
    "characters that Secrets Manager adds are missing, IAM denies the job its secret: give the `arn` output"
)
"""Warning for an ARN that looks partial and may be whole."""


class FargateJobLauncher(pulumi.ComponentResource):
    """A container job on AWS Fargate and the Lambda function that launches it.

    The function may run this one task definition in this one cluster and pass these two roles to ECS, and nothing
    else: its policy is computed from what is created here.
    """

    function_name: pulumi.Output[str]
    """Name of the launcher's function: invoke it with a launch event."""
    function_arn: pulumi.Output[str]
    """ARN of the function, for callers that wait for its answer."""
    asynchronous_function_arn: pulumi.Output[str | None]
    """ARN of the alias for callers that do not wait; none unless the launcher is `asynchronous`."""
    dead_letter_queue_url: pulumi.Output[str | None]
    """URL of the dead-letter queue, which keeps the events that could not be launched; none unless the launcher has a
    trigger or is `asynchronous`."""
    queue_url: pulumi.Output[str | None]
    """URL of the queue of launch events; none without `queue`."""
    notice_topic_arn: pulumi.Output[str | None]
    """ARN of the topic that receives the notices of final failures; none without `supervision` or `notify`."""
    runs_table_name: pulumi.Output[str]
    """Name of the table in which each launch is kept as a run."""
    task_definition_arn: pulumi.Output[str]
    """ARN of the task definition, with its revision."""
    execution_role_arn: pulumi.Output[str]
    """ARN of the execution role, with which ECS starts the task."""
    task_role_arn: pulumi.Output[str]
    """ARN of the task role, which the job's own code has."""
    task_role_name: pulumi.Output[str]
    """Name of the task role: attach the job's permissions to it."""
    launcher_role_arn: pulumi.Output[str]
    """ARN of the function's role."""
    launcher_policy: pulumi.Output[str]
    """Everything that the function is allowed and denied, as one policy in JSON."""
    log_group_name: pulumi.Output[str]
    """Log group of the job's container."""
    launcher_log_group_name: pulumi.Output[str]
    """Log group of the function."""
    queue_arn: pulumi.Output[str | None]
    """ARN of the queue, for a bucket's notifications or a topic's subscription; known once `queue.sources` may send to
    it; none without `queue`."""

    def __init__(self, name: str, args: FargateJobLauncherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments are invalid."""
        job = _with_checked_environment(name, check(name, args))
        take_name(name)
        super().__init__("fargate-job-launcher:index:FargateJobLauncher", name, {}, opts)
        for arn in container.secrets(job):
            if isinstance(arn, str) and iam.may_be_partial(arn):
                pulumi.log.warn(_MAY_BE_PARTIAL, self)
        warn_about_missing_spot(name, job, resource=self)
        place = pulumi.Output.from_input(job.cluster_arn).apply(iam.Place.of)

        runs = _runs(name, job, parent=self)
        job_logs = job_log_group(name, job, parent=self)
        execution = execution_role(name, job, place=place, log_group_arn=job_logs.arn, parent=self)
        payloads, results = payload_objects(name, job, place), result_objects(name, job, place)
        task = task_role(name, job, place=place, payload_objects_arn=payloads, result_objects_arn=results, parent=self)
        definition = task_definition(
            name, job, place=place, execution_role=execution, task_role=task, logs=job_logs, parent=self
        )
        dead_letters = dead_letter_queue(name, job, parent=self) if job.has_dead_letters else None
        queue = (
            None
            if dead_letters is None
            else launch_queue(name, job, dead_letters, place=place, timeout_seconds=timeout_seconds(job), parent=self)
        )
        scheduler = scheduling(name, job, runs, place=place, parent=self)
        later = scheduler if job.launches_later else None
        launcher_logs = launcher_log_group(name, job, parent=self)
        launcher = launcher_role(
            name,
            job,
            place=place,
            task_definition_arn=definition.arn,
            passed_role_arns=[execution.arn, task.arn, *job.overrides.get("task_roles", {}).values()],
            log_group_arn=launcher_logs.arn,
            payload_objects_arn=payloads,
            result_objects_arn=results,
            dead_letter_queue_arn=None if dead_letters is None else dead_letters.arn,
            queue_arn=None if queue is None else queue.queue.arn,
            runs=runs,
            job_log_group_arn=job_logs.arn,
            schedule_role_arn="" if later is None else later.role.arn,
            own_schedules_arn="" if later is None else later.own_schedules_arn,
            parent=self,
        )
        function = launcher_function(
            name,
            job,
            task_definition=definition,
            execution_role=execution,
            task_role=task,
            job_logs=job_logs,
            role=launcher,
            logs=launcher_logs,
            runs=runs,
            scheduling=scheduler,
            dead_letters=dead_letters,
            parent=self,
        )
        invocable_by_role(f"{name}-supervisor", function.name, runs.supervisor_role_arn, parent=self)
        alias, said = None, pulumi.Output.from_input(None)
        if dead_letters is not None:
            alias, parked = asynchronous_alias(name, function, dead_letters, parent=self)
            launchable = Launchable(name, job, place, function, launcher, alias, parked, dead_letters, self)
            triggers(launchable, None if queue is None else queue.queue)
            if scheduler is not None:
                said = launch_schedules(launchable, scheduler, runs)
        if job.alarms is not None:
            watch(
                name,
                job,
                job.alarms,
                launcher=function,
                dead_letters=dead_letters,
                notice_topic_arn=runs.topic_arn,
                parent=self,
            )

        self.function_name = function.name
        self.function_arn = function.arn
        self.asynchronous_function_arn = pulumi.Output.from_input(None if alias is None else alias.arn)
        self.dead_letter_queue_url = pulumi.Output.from_input(None if dead_letters is None else dead_letters.url)
        self.task_definition_arn = definition.arn
        self.execution_role_arn = execution.arn
        self.task_role_arn = task.arn
        self.task_role_name = task.name
        self.queue_url = pulumi.Output.from_input(None if queue is None else queue.queue.url)
        self.queue_arn = pulumi.Output.from_input(None if queue is None else queue.open_arn)
        self.notice_topic_arn = pulumi.Output.from_input(runs.topic_arn)
        # The plugin answers when the outputs are known, and then its warnings have to be said.
        self.runs_table_name = pulumi.Output.all(runs.table_arn, said).apply(lambda it: it[0].rpartition("/")[2])
        self.launcher_role_arn = launcher.arn
        self.launcher_policy = pulumi.Output.all(*(it.policy for it in launcher.policies)).apply(
            lambda it: iam.joined(*it)
        )
        self.log_group_name = job_logs.name
        self.launcher_log_group_name = launcher_logs.name
        self.register_outputs({key: getattr(self, key) for key in FargateJobLauncher.__annotations__})


def _runs(name: str, job: Job, *, parent: pulumi.Resource) -> Runs:
    """The table of the job's runs: that of the arguments, or one of its own."""
    shared = job.runs
    if "table_arn" not in shared:
        shared = JobRuns(f"{name}-runs", _own_runs(job), pulumi.ResourceOptions(parent=parent)).shared
    table_arn, role_arn, topic_arn = (pulumi.Output.from_input(shared.get(it, "")) for it in OF_ONE)
    notify = job.notify or {}
    told = pulumi.Output.from_input(notify["topic_arn"]) if "topic_arn" in notify else topic_arn
    group_arn = pulumi.Output.from_input(shared.get("schedule_group_arn", ""))
    return Runs(family(name), table_arn, role_arn, told if job.notifies else None, group_arn)


def _own_runs(job: Job) -> JobRunsArgs:
    optional = {"kms_key_arn": job.kms_key_arn, "permissions_boundary_arn": job.permissions_boundary_arn}
    own: dict[str, Any] = {
        "cluster_arns": [job.cluster_arn],
        "further_kms_key_arns": list(job.further_kms_key_arns),
        "log_retention_days": job.log_retention_days,
        "role_path": job.role_path,
        "protect": job.protect_queues,
        "tags": job.tags,
        **{key: value for key, value in optional.items() if value is not None},
    }
    return cast("JobRunsArgs", own)


def _with_checked_environment(name: str, job: Job) -> Job:
    """The job with checks of environment values that only the deployment knows, its sidecars' included."""
    own = {"environment": job.environment, "not_secret": job.not_secret}
    sidecars = [
        cast("Sidecar", {**it, "environment": checked_environment(name, f"sidecars[{number}].", it)})
        if "environment" in it
        else it
        for number, it in enumerate(job.sidecars)
    ]
    return replace(job, environment=checked_environment(name, "", own), sidecars=sidecars)
