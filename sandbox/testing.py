"""For a team's own tests: deploy their program, launch its jobs, read the tasks, the log lines and IAM's refusals.

Each deployment has its own emulated AWS, in the region of its stack: two deployments do not see each other. The page
about it is docs/testing.md.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import yaml
from fargate_job_launcher.checks.names import CONTAINER
from fargate_job_launcher.handler import arrays
from fargate_job_launcher.handler.attempt import belongs
from fargate_job_launcher.handler.run import ENDED, sort_key
from fargate_job_launcher.handler.settings import HISTORY_INDEX
from fargate_job_launcher.handler.table import plain

from .aws.server import Emulator
from .aws.tasks.run import Run
from .engine import jobs
from .engine.deploy import deploy
from .engine.deployment import Deployment
from .engine.stack import Stack

WAIT_SECONDS: Final = 120
"""How long a test waits for a task. In the sandbox a task ends within seconds; a busy machine takes longer."""
REGION: Final = "us-east-1"
"""The region of a program that is given as source, unless its config names another."""


class NotStopped(Exception):
    """The task or the run goes on after the wait; the message names its state."""


class NoSuchRun(Exception):
    """The task belongs to no run of the stack. The message names the task."""


@dataclass(frozen=True)
class Task:
    """A task as ECS describes it."""

    described: Mapping[str, Any]
    """The whole description that DescribeTasks returns."""

    @property
    def arn(self) -> str:
        """ARN of the task."""
        return self.described["taskArn"]

    @property
    def id(self) -> str:
        """The last part of the ARN; the name of the log stream ends with it."""
        return self.arn.rpartition("/")[2]

    @property
    def status(self) -> str:
        """PROVISIONING, PENDING, RUNNING, … STOPPED."""
        return self.described["lastStatus"]

    @property
    def exit_code(self) -> int | None:
        """Exit code of the job's container. None while it runs, and if it never started."""
        (container,) = (it for it in self.described["containers"] if it["name"] == CONTAINER)
        return container.get("exitCode")

    @property
    def stopped_reason(self) -> str:
        """ECS's reason why the task stopped; empty while it runs."""
        return self.described.get("stoppedReason", "")

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that this launch set, besides those of the task definition."""
        return {it["name"]: it["value"] for it in self._override.get("environment", [])}

    @property
    def command(self) -> list[str] | None:
        """The command that this launch set; None if the task runs the command of its task definition."""
        return self._override.get("command")

    @property
    def _override(self) -> dict[str, Any]:
        overrides = self.described.get("overrides", {}).get("containerOverrides", [])
        return next((it for it in overrides if it["name"] == CONTAINER), {})


@dataclass(frozen=True)
class JobRun:
    """A run: one launch and everything that came of it, as the table of runs has it."""

    item: Mapping[str, Any]
    """The whole item, as plain data."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.item["run"]

    @property
    def state(self) -> str:
        """LAUNCHING, RUNNING, SUCCEEDED, FAILED, STOPPED, REJECTED or SKIPPED."""
        return self.item["state"]

    @property
    def trigger(self) -> str:
        """What launched it: call, queue, event or schedule."""
        return self.item["trigger"]

    @property
    def task_ids(self) -> list[str]:
        """Ids of the launched tasks, without retries."""
        return list(self.item["tasks"])

    @property
    def attempts(self) -> int:
        """How many tasks it took, retries included."""
        return self.item["attempts"]

    @property
    def array(self) -> Mapping[str, Any] | None:
        """How an array stands: `size`, `parallelism`, and the indexes that `succeeded`, `failed`, were `stopped`, are
        `running`, or `notStarted`, as ranges such as 0-41,43. None for any other run."""
        return arrays.summary(dict(self.item)) if "array" in self.item else None

    @property
    def reason(self) -> str:
        """Why the task that failed last failed, in words; empty if none failed."""
        return self.item.get("last", {}).get("reason", "")

    @property
    def result(self) -> str | None:
        """The text that the job left at JOB_RESULT_S3_URI; None if it left none."""
        return self.item.get("result", {}).get("text")


@dataclass(frozen=True)
class Refusal:
    """A call that IAM refused."""

    principal: str
    """ARN of the assumed role that made the call."""
    action: str
    """The refused action, such as iam:PassRole."""
    resource: str
    """ARN of the resource of the call."""
    sid: str
    """Sid of the statement that denies the call; empty if no statement allows it."""


class DeployedStack:
    """A program, deployed to its own emulated AWS on this machine."""

    def __init__(self, deployment: Deployment, aws: Emulator) -> None:
        self.deployment = deployment
        """Every resource, by URN."""
        self.aws = aws
        """The emulated AWS: `aws.client("ecs", role_arn=…)` returns a boto3 client that calls it with a role."""

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The exports of the program."""
        return self.deployment.outputs

    def launcher(self, job: str = "") -> Mapping[str, Any]:
        """The outputs of a job's launcher, in Python's spelling; of the first launcher if `job` is empty. Raises
        NoSuchJob."""
        return jobs.find(self.deployment, job).outputs

    def launch(self, job: str = "", event: Mapping[str, Any] | None = None) -> list[Task]:
        """Invoke a job's launcher with a launch event (default: an empty one) and return the launched tasks. Raises
        LaunchFailed, with the launcher's message, if fewer tasks were launched than requested. A launch that waits or
        is skipped, as the job's `overlap` says, returns no tasks: `runs` has its run."""
        return [Task(it) for it in jobs.launch(self.aws, jobs.find(self.deployment, job), dict(event or {})).tasks]

    def script(self, job: str, *runs: Run, indexes: Mapping[int, Run] | None = None) -> None:
        """Set what the job's next tasks do, one `Run` for each task in order, and what each task of an array with one
        of these `indexes` does; no container runs. Without a `Run` a task runs for five seconds and ends with exit code
        0."""
        self.aws.script(_family(self.launcher(job)), *runs, indexes=indexes)

    def stopped(self, task: Task, seconds: float = WAIT_SECONDS) -> Task:
        """Wait until the task has stopped and return it. Raises NotStopped after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            cluster = task.described["clusterArn"]
            (described,) = self.aws.client("ecs").describe_tasks(cluster=cluster, tasks=[task.arn])["tasks"]
            if described["lastStatus"] == "STOPPED":
                return Task(described)
            if time.monotonic() > deadline:
                raise NotStopped(f"{task.arn} is {described['lastStatus']} after {seconds} seconds")
            time.sleep(0.05)

    def attempts(self, task: Task, count: int, seconds: float = WAIT_SECONDS) -> list[Task]:
        """Wait until `count` tasks of this task's launch, retries by supervision included, have stopped; return them in
        order. Raises NotStopped after `seconds`."""
        ecs, cluster = self.aws.client("ecs"), task.described["clusterArn"]
        deadline = time.monotonic() + seconds
        # Of a retry, startedBy goes on with its number.
        origin = "/".join(task.described["startedBy"].split("/")[:2])
        while True:
            # A task that stops between the two calls is on both lists.
            arns = list(
                {
                    arn: None
                    for status in ("RUNNING", "STOPPED")
                    for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
                    for arn in page["taskArns"]
                }
            )
            found = [
                it
                for start in range(0, len(arns), jobs.DESCRIBED_AT_ONCE)
                for it in ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + jobs.DESCRIBED_AT_ONCE])[
                    "tasks"
                ]
                if it["startedBy"] == origin or it["startedBy"].startswith(f"{origin}/")
            ]
            ended = sum(it["lastStatus"] == "STOPPED" for it in found)
            if ended >= count:
                return [Task(it) for it in sorted(found, key=lambda it: (_attempt(it), it["startedBy"]))]
            if time.monotonic() > deadline:
                raise NotStopped(f"{ended} of {count} tasks of {origin} have stopped after {seconds} seconds")
            time.sleep(0.05)

    def run(self, of: Task | JobRun) -> JobRun:
        """The run of a task, or a run, as it is now. Raises NoSuchRun if the stack has no such run."""
        if isinstance(of, JobRun):
            pk, run = str(of.item["pk"]), of.id
        else:
            found = belongs(of.described)
            pk, run = (found.pk, found.run) if found else ("", "")
        for launcher in self.deployment.launchers.values():
            if _family(launcher.outputs) == pk:
                item = self.aws.client("dynamodb").get_item(
                    TableName=launcher.outputs["runs_table_name"],
                    Key={"pk": {"S": pk}, "sk": {"S": sort_key(run)}},
                    ConsistentRead=True,
                )
                if "Item" in item:
                    return JobRun(plain(item["Item"]))
        raise NoSuchRun(f"no launcher of this stack has a run of {of.id}")

    def ended(self, of: Task | JobRun, seconds: float = WAIT_SECONDS) -> JobRun:
        """Wait until a run, or a task's run, has ended, retries by supervision included, and its end has been told: by
        the event and, if it failed, by the notice. Return the run. Raises NotStopped after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            run = self.run(of)
            if run.state in ENDED and "tell" not in run.item:
                return run
            if time.monotonic() > deadline:
                told = ", and its end has not been told" if run.state in ENDED else ""
                raise NotStopped(f"run {run.id} is {run.state}{told} after {seconds} seconds")
            time.sleep(0.05)

    def runs(self, job: str = "") -> list[JobRun]:
        """Every run of a job, whatever launched it, the newest first; of the first job if `job` is empty."""
        launcher = self.launcher(job)
        pages = (
            self.aws.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=launcher["runs_table_name"],
                IndexName=HISTORY_INDEX,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": _family(launcher)}},
                ScanIndexForward=False,
            )
        )
        return [JobRun(plain(it)) for page in pages for it in page["Items"]]

    def log_lines(self, task: Task) -> list[str]:
        """The log lines of the task's container: the lines of its `Run`, written when it stops."""
        arn = task.described["taskDefinitionArn"]
        definition = self.aws.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
        (container,) = (it for it in definition["containerDefinitions"] if it["name"] == CONTAINER)
        options = container["logConfiguration"]["options"]
        stream = f"{options['awslogs-stream-prefix']}/{CONTAINER}/{task.id}"
        logs = self.aws.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            found = logs.get_log_events(logGroupName=options["awslogs-group"], logStreamName=stream, startFromHead=True)
            return [it["message"] for it in found["events"]]
        return []

    def refusals(self) -> list[Refusal]:
        """Every call so far that the deployed policies of a role refused to that role, oldest first."""
        return [
            Refusal(it["principal"], it["action"], it["resource"], it["sid"] or "")
            for it in self.aws.calls()
            if it.get("allowed") is False
        ]


def _attempt(described: Mapping[str, Any]) -> int:
    of = belongs(described)
    return of.attempt if of else 0


def _family(launcher: Mapping[str, Any]) -> str:
    """Name of a job's task definitions: the partition key of its runs."""
    return launcher["task_definition_arn"].rpartition("/")[2].rpartition(":")[0]


class FargateSandbox:
    """Deploys programs, and stops everything that it started when the `with` block ends. The fixture
    `fargate_sandbox` is an instance."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> FargateSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def deploy(
        self, program: Path | str, stack: str = "dev", *, config: Mapping[str, Any] | None = None
    ) -> DeployedStack:
        """Deploy a program: the folder of its Pulumi.yaml, or the Python source of its `__main__.py`. A folder contains
        the config of its stacks; give `config` with source only, such as {"aws:region": "eu-west-1"}. Raises
        DeploymentFailed if AWS or the program refuses, StackFileError for a stack that cannot be read."""
        if isinstance(program, Path) and config is not None:
            raise TypeError(f"config: only with source; {program} has its own in Pulumi.{stack}.yaml")
        folder = program if isinstance(program, Path) else self._written(program, stack, config or {})
        read = Stack.read(folder.resolve(), stack)
        aws = self._closing.enter_context(Emulator(region=read.region))
        return DeployedStack(deploy(read, aws), aws)

    def _written(self, source: str, stack: str, config: Mapping[str, Any]) -> Path:
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="fargate-job-launcher-")))
        (folder / "Pulumi.yaml").write_text("name: program\nruntime: python\n")
        settings = {"config": {"aws:region": REGION, **cast("dict[str, Any]", config)}}
        (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(settings))
        (folder / "__main__.py").write_text(source)
        return folder
