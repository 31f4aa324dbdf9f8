"""FargateJobLauncher: wires the rooms of this package into one component, and decides nothing itself."""

# No `from __future__ import annotations` here: Pulumi's component host reads these annotations at run time.
import pulumi

from . import iam
from .arguments import FargateJobLauncherArgs, check
from .function import launcher_function, launcher_log_group
from .roles import execution_role, launcher_role, task_role
from .task_definition import job_log_group, task_definition


class FargateJobLauncher(pulumi.ComponentResource):
    """A container job on AWS Fargate and the Lambda function that launches it.

    The function may run this one task definition in this one cluster and pass these two roles to ECS, and nothing
    else: its policy is computed from what is created here.
    """

    function_name: pulumi.Output[str]
    """Name of the function: invoke it with a launch event."""
    function_arn: pulumi.Output[str]
    """ARN of the function."""
    task_definition_arn: pulumi.Output[str]
    """ARN of the task definition, with its revision."""
    execution_role_arn: pulumi.Output[str]
    """ARN of the role that ECS starts the task with."""
    task_role_arn: pulumi.Output[str]
    """ARN of the role of the job's own code."""
    task_role_name: pulumi.Output[str]
    """Name of that role: attach to it what the job may do."""
    launcher_role_arn: pulumi.Output[str]
    """ARN of the function's role."""
    launcher_policy: pulumi.Output[str]
    """The function's policy, as JSON."""
    log_group_name: pulumi.Output[str]
    """Log group of the job's container."""
    launcher_log_group_name: pulumi.Output[str]
    """Log group of the function."""

    def __init__(self, name: str, args: FargateJobLauncherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Raises pulumi.RunError, naming every problem at once, when the arguments make no launcher."""
        job = check(name, args)
        super().__init__("fargate-job-launcher:index:FargateJobLauncher", name, {}, opts)
        place = pulumi.Output.from_input(job.cluster_arn).apply(iam.Place.of)

        job_logs = job_log_group(name, job, parent=self)
        execution = execution_role(name, job, place=place, log_group_arn=job_logs.arn, parent=self)
        task = task_role(name, job, place=place, parent=self)
        definition = task_definition(
            name, job, place=place, execution_role=execution, task_role=task, logs=job_logs, parent=self
        )
        launcher_logs = launcher_log_group(name, job, parent=self)
        launcher = launcher_role(
            name,
            job,
            place=place,
            task_definition_arn=definition.arn,
            passed_role_arns=[execution.arn, task.arn, *job.overrides.get("task_roles", {}).values()],
            log_group_arn=launcher_logs.arn,
            parent=self,
        )
        function = launcher_function(
            name,
            job,
            task_definition=definition,
            job_logs=job_logs,
            role=launcher,
            logs=launcher_logs,
            parent=self,
        )

        self.function_name = function.name
        self.function_arn = function.arn
        self.task_definition_arn = definition.arn
        self.execution_role_arn = execution.arn
        self.task_role_arn = task.arn
        self.task_role_name = task.name
        self.launcher_role_arn = launcher.arn
        self.launcher_policy = launcher.policies[0].policy
        self.log_group_name = job_logs.name
        self.launcher_log_group_name = launcher_logs.name
        self.register_outputs({key: getattr(self, key) for key in FargateJobLauncher.__annotations__})
