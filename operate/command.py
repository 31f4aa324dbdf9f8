"""The command `fargate-job`: a thin shell over this package's functions.

It ends with 0, with the container's exit code where it was waited for, with 2 for a command that is spelt wrongly, with
130 after Ctrl-C, with 141 when its reader has left, and with 125 for everything that went wrong before or beside the
container.
"""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click
from fargate_job_launcher.handler.launch import LaunchResult
from fargate_job_launcher.handler.request import MOST_DELIVERIES

from .account import Account
from .catalogue import Job, find, jobs
from .errors import JobError, NoSuchTask, NotLaunched
from .following import End, Line, Stream, follow
from .launching import Launch, invoke, retry, stop
from .parked import DeadLetter, dead_letters, redrive, waiting
from .pipes import INTERRUPTED, reader_gone
from .show import SHORT, TASK_COLUMNS, Following, Output, ago, launched, task_row
from .task import Task, chosen, later_attempt, tasks

FAILED: Final = 125
"""As `docker run` has it: whatever failed was not the container."""


class Interrupted(JobError):
    """Ctrl-C; what goes on all the same is in the message."""


Command = TypeVar("Command", bound=Callable[..., Any])


class Asked:
    """What every command is given: where to look, and how to answer."""

    def __init__(self, *, stack: str, program: Path | None, profile: str, region: str, output: str) -> None:
        self.output = Output(output)
        self._stack, self._program, self._profile, self._region = stack, program, profile, region

    @functools.cached_property
    def account(self) -> Account:
        """The caller's."""
        return Account(profile=self._profile, region=self._region)

    def job(self, name: str) -> Job:
        """The job of this name."""
        return find(self.account, name, stack=self._stack, program=self._program)

    def jobs(self) -> list[Any]:
        """All of them."""
        return jobs(self.account, stack=self._stack, program=self._program)


def _common(command: Command) -> Command:
    """The options of every command, and its errors as one line and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        named = {key: given.pop(key) for key in ("stack", "program", "profile", "region", "output")}
        asked = Asked(**named)
        try:
            code = command(*args, asked=asked, **given)
        except (Interrupted, KeyboardInterrupt) as error:
            asked.output.interrupted(error if isinstance(error, Interrupted) else Interrupted("interrupted"))
            code = INTERRUPTED
        except JobError as error:
            asked.output.error(error)
            code = FAILED
        except BrokenPipeError:
            # click would make 1 of it.
            code = reader_gone()
        click.get_current_context().exit(code or 0)

    options = (
        click.option(
            "--stack", "-s", default="", envvar="FARGATE_JOB_STACK", help="The Pulumi stack that the job is of."
        ),
        click.option(
            "--program",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            envvar="FARGATE_JOB_PROGRAM",
            help="The Pulumi program's folder, to ask pulumi for the stack's exports (this one).",
        ),
        click.option("--profile", default="", help="The AWS profile (AWS_PROFILE)."),
        click.option("--region", default="", help="The AWS region (AWS_REGION)."),
        click.option(
            "--output", "-o", type=click.Choice(["text", "json"]), default="text", help="How to answer (text)."
        ),
    )
    return cast("Command", functools.reduce(lambda it, option: option(it), reversed(options), run))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fargate-job-launcher")
def main() -> None:
    """Launch, follow and understand container jobs on AWS Fargate.

    JOB is a job's name, its function's name, or its function's ARN.
    """


@main.command()
@click.argument("job")
@click.option("--count", type=click.IntRange(min=1), help="How many tasks.")
@click.option("--env", "-e", "environment", multiple=True, metavar="NAME=VALUE", help="A variable; again for more.")
@click.option("--command", help="Another command, as words of a shell: 'python report.py --full'.")
@click.option("--cpu", type=click.IntRange(min=1), help="CPU units; 1024 are one vCPU.")
@click.option("--memory", type=click.IntRange(min=1), help="Memory in MiB.")
@click.option("--payload", metavar="JSON", help="What the job finds in JOB_PAYLOAD; @FILE reads a file.")
@click.option("--capacity", type=click.Choice(["on_demand", "spot", "spot_then_on_demand"]), help="What to run on.")
@click.option("--key", metavar="KEY", help="The idempotency key: the same one launches once (a new one).")
@click.option(
    "--delivery",
    type=click.IntRange(1, MOST_DELIVERIES),
    help="The how-manieth launch with its --key; one more after each that failed for want of capacity (1).",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done and what it would cost; launch nothing.")
@click.option("--follow", "-f", is_flag=True, help="Show the output as it comes; end with the container's exit code.")
@click.option("--wait", "-w", is_flag=True, help="Wait for the end without the output; end with the exit code.")
@_common
def launch(asked: Asked, job: str, follow: bool, wait: bool, dry_run: bool, key: str | None, **given: Any) -> int:
    """Launch JOB as it is defined, or with what its owner declared under `overrides`."""
    if dry_run and (follow or wait):
        raise click.UsageError("--dry-run launches nothing to --follow or --wait for")
    event, found = _event(dry_run=dry_run, key=key, **given), asked.job(job)
    return _launched(asked, found, lambda: invoke(found, event), follow=follow, wait=wait)


@main.command("list")
@_common
def listing(asked: Asked) -> None:
    """The jobs of the account and region, or of a stack."""
    found = asked.jobs()
    rows = [{"job": it.name, "stack": it.stack or None, "function": it.function.rpartition(":")[2]} for it in found]
    asked.output.data(rows)
    if not found:
        asked.output.fact(f"No jobs in {asked.account.region}; another region is named with --region.")
    else:
        asked.output.table(("JOB", "STACK", "FUNCTION"), [list(row.values()) for row in rows])


@main.command()
@click.argument("job")
@_common
def status(asked: Asked, job: str) -> None:
    """JOB's tasks that run, those of the last hour, and its dead letters."""
    found = asked.job(job)
    its, dead = tasks(found), waiting(found)
    asked.output.data(
        {
            "job": found.name,
            "stack": found.stack or None,
            "function": found.function,
            "taskDefinition": found.settings.task_definition,
            "deadLetters": dead,
            "tasks": [it.as_json() for it in its],
        }
    )
    running = sum(1 for it in its if it.status != "STOPPED")
    letters = "" if dead is None else f", {dead} dead letter{'' if dead == 1 else 's'}"
    revision = found.settings.task_definition.rpartition("/")[2]
    asked.output.fact(f"{found.name}: {running} running{letters}  ({revision})")
    if its:
        asked.output.table(TASK_COLUMNS, map(task_row, its))
        for remedy in dict.fromkeys(it.remedy for it in its if it.remedy):
            ids = ", ".join(it.id[:SHORT] for it in its if it.remedy == remedy)
            asked.output.fact(f"{ids}: {remedy}.")
    else:
        asked.output.fact("No task in the last hour.")
    if dead:
        asked.output.fact(f"fargate-job dead-letters show {found.name}")


@main.command()
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or its beginning (the newest task).")
@click.option("--follow", "-f", "live", is_flag=True, help="Stay until it ends; end with the container's exit code.")
@_common
def logs(asked: Asked, job: str, named: tuple[str, ...], live: bool) -> int:
    """The output of JOB's newest task, or of those named."""
    found = asked.job(job)
    known = tasks(found)
    some = chosen(found, named, known) if named else known[:1]
    if not some:
        raise NoSuchTask(
            f"{found.name} has no task",
            f"ECS shows tasks for an hour; launch one, or look in the log group {found.settings.log_group}",
        )
    if live:
        return _follow(asked, found, [it.arn for it in some], lines=True)
    for task in some:
        for at, text in Stream(found, task.log_stream).read():
            line = Line(task, at, text)
            Following(asked.output, found.name, len(some)).seen(line)
    return 0


@main.command("stop")
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or its beginning (the only one that runs).")
@click.option("--all", "every", is_flag=True, help="All of its tasks.")
@click.option("--reason", default="stopped with fargate-job", help="What ECS keeps as the reason.")
@_common
def stopping(asked: Asked, job: str, named: tuple[str, ...], every: bool, reason: str) -> None:
    """Stop JOB's task. What is stopped is not retried."""
    found = asked.job(job)
    running = [it for it in tasks(found, running_only=True) if it.status != "STOPPED"]
    some = chosen(found, named, running) if named else running
    if not some:
        raise NoSuchTask(f"{found.name} has no task that runs", f"fargate-job status {found.name}")
    if len(some) > 1 and not (named or every):
        ids = ", ".join(it.id[:SHORT] for it in some)
        raise NoSuchTask(f"{len(some)} tasks of {found.name} run: {ids}", "Name one with --task, or say --all")
    for task in some:
        stop(found, task.arn, reason)
        asked.output.fact(f"Stopping {found.name}, task {task.id}")
    asked.output.data({"job": found.name, "stopped": [it.id for it in some]})


@main.command("retry")
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or its beginning (the newest that failed).")
@click.option("--follow", "-f", is_flag=True, help="Show the output as it comes; end with the container's exit code.")
@click.option("--wait", "-w", is_flag=True, help="Wait for the end without the output; end with the exit code.")
@_common
def retrying(asked: Asked, job: str, named: tuple[str, ...], follow: bool, wait: bool) -> int:
    """Launch a task of JOB again, as it was launched. One that was retried since is left out, unless it is named."""
    found = asked.job(job)
    known = tasks(found)
    some, left_out = chosen(found, named, known), list[str]()
    for it in [] if named else [it for it in known if it.outcome not in ("", "succeeded")]:
        later = later_attempt(it, known)
        if later is None:
            some = [it]
            break
        left_out.append(f"{it.id[:SHORT]} was retried: attempt {later.attempt} is {later.outcome or later.status}")
    if not some:
        said = "; ".join([f"no task of {found.name} has failed in the last hour that was not retried", *left_out])
        raise NoSuchTask(said, "Name any task with --task")
    for said in left_out:
        asked.output.note(said)
    code = 0
    for task in some:
        code = _launched(asked, found, functools.partial(retry, found, task), follow=follow, wait=wait) or code
    return code


@main.group("dead-letters")
def letters() -> None:
    """What could never be launched: look at it, launch it again."""


@letters.command("show")
@click.argument("job")
@_common
def show_letters(asked: Asked, job: str) -> None:
    """JOB's dead letters, and why they are there."""
    found = asked.job(job)
    with dead_letters(found) as parked:
        asked.output.data([it.as_json() for it in parked])
        if not parked:
            asked.output.fact(f"{found.name} has no dead letters")
        else:
            rows = [(it.id, ago(it.parked), it.reasons, _shortly(it)) for it in parked]
            asked.output.table(("MESSAGE", "PARKED", "WHY", "EVENT"), rows)


@letters.command("redrive")
@click.argument("job")
@click.option("--message", "-m", "named", multiple=True, help="A message's id, or its beginning (all).")
@_common
def redrive_letters(asked: Asked, job: str, named: tuple[str, ...]) -> int:
    """Launch JOB's dead letters again. What is launched leaves the queue, what is not stays."""
    found = asked.job(job)
    done = list[dict[str, Any]]()
    with dead_letters(found) as parked:
        some = [it for it in parked if not named or it.id.startswith(named)]
        for letter in some:
            try:
                result = redrive(found, letter).result
            except JobError as error:
                some_run = error.result["tasks"] if isinstance(error, NotLaunched) else []
                ids = [task["id"] for task in some_run]
                done.append({"id": letter.id, "launched": False, "tasks": ids, "reason": str(error)})
                asked.output.fact(f"stays     {letter.id}  {error}")
            else:
                ids = [task["id"] for task in result["tasks"]]
                done.append({"id": letter.id, "launched": True, "tasks": ids, "reason": None})
                asked.output.fact(f"launched  {letter.id}  task {', '.join(ids)}")
    asked.output.data(done)
    if not done:
        asked.output.fact(f"{found.name} has no {'such ' if named else ''}dead letters")
    return 0 if all(it["launched"] for it in done) else FAILED


@main.command()
@click.argument("job")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "mermaid", "mutations"]), help="How (as --output)."
)
@_common
def explain(asked: Asked, job: str, shape: str | None) -> None:
    """Who may pass what to whom for JOB, and what breaks without each statement."""
    found = asked.job(job)
    try:
        # Its proof takes the extra `sandbox`, which nothing else here needs.
        from fargate_job_launcher.sandbox.proof import explanations, facts
    except ModuleNotFoundError as error:
        raise JobError(f"{error.name} is not installed", "pip install 'fargate-job-launcher[sandbox]'") from None
    with asked.account.asking():
        try:
            its = facts.read(asked.account.client, found.role)
        except facts.NotALauncher as error:
            raise JobError(str(error)) from None
    wanted = shape or ("json" if asked.output.json else "text")
    if wanted == "mutations":
        click.echo(explanations.mutation_table(its))
        return
    explanation = explanations.explain(its)
    if wanted == "json":
        click.echo(json.dumps(explanation.as_json(), indent=2))
    else:
        click.echo((explanations.as_mermaid if wanted == "mermaid" else explanations.as_text)(explanation))


EVENT_OPTIONS: Final = ("count", "cpu", "memory", "capacity", "delivery")
"""What goes into the launch event as it is given."""


def _event(*, dry_run: bool, key: str | None, **given: Any) -> dict[str, Any]:
    """The launch event that the options make."""
    event: dict[str, Any] = {name: given[name] for name in EVENT_OPTIONS if given[name]}
    if given["environment"]:
        event["environment"] = dict(_variable(it) for it in cast("Iterable[str]", given["environment"]))
    if given["command"] is not None:
        try:
            event["command"] = shlex.split(given["command"])
        except ValueError as error:
            raise click.BadParameter(f"{given['command']!r}: {error}", param_hint="--command") from None
    if given["payload"] is not None:
        event["payload"] = _payload(given["payload"])
    if key:
        event["idempotencyKey"] = key
    return {**event, "dryRun": True} if dry_run else event


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.BadParameter("NAME=VALUE is expected", param_hint="--env")
    return name, value


def _payload(given: str) -> Any:
    try:
        return json.loads(Path(given[1:]).read_text() if given.startswith("@") else given)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"no JSON: {error}", param_hint="--payload") from None


def _launched(asked: Asked, job: Job, launch: Callable[[], Launch], *, follow: bool, wait: bool) -> int:
    """Launch, tell of it and, where asked to, stay with it. Raises NotLaunched after the tasks that were launched."""
    missing: NotLaunched | None = None
    try:
        it = launch()
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted while launching", f"Whether it launched: fargate-job status {job.name}"
        ) from None
    except NotLaunched as error:
        if not error.result["tasks"]:
            raise
        it, missing = Launch(job, cast("LaunchResult", error.result)), error
    code = _told(asked, it, follow=follow, wait=wait)
    if missing is not None:
        raise missing
    return code


def _told(asked: Asked, it: Launch, *, follow: bool, wait: bool) -> int:
    result = cast("dict[str, Any]", it.result)
    if follow or wait:
        asked.output.data({"type": "launch", **result}, one_line=True)
    else:
        asked.output.data(result)
    if "dryRun" in result:
        cost = result["maxCostUsdPerHour"]
        asked.output.fact(f"Would launch {it.job.name}" + ("" if cost is None else f", at most {cost:.4f} USD an hour"))
        asked.output.fact(json.dumps(result["dryRun"], indent=2))
        return 0
    launched(asked.output, it.job.name, result)
    if follow or wait:
        return _follow(asked, it.job, it.task_arns, lines=follow)
    asked.output.fact(f"  next  {_back(it.job, it.task_arns)}")
    return 0


def _follow(asked: Asked, job: Job, named: list[str], *, lines: bool) -> int:
    """Stay with tasks until all have ended; the first exit code that is not 0."""
    ended = list[Task]()
    try:
        with Following(asked.output, job.name, len(named), lines=lines) as following:
            for event in follow(job, named, lines=lines):
                following.seen(event)
                if isinstance(event, End):
                    ended.append(event.task)
    except KeyboardInterrupt:
        raise Interrupted(f"{job.name} keeps running", f"Come back with: {_back(job, named)}") from None
    return next((it.exit_status for it in ended if it.exit_status), 0)


def _back(job: Job, arns: list[str]) -> str:
    """How to find these tasks again."""
    if len(arns) > 5:
        return f"fargate-job status {job.name}"
    return " ".join(["fargate-job logs", job.name, *(f"--task {it.rpartition('/')[2]}" for it in arns), "--follow"])


def _shortly(letter: DeadLetter) -> str:
    text = letter.body if letter.event is None else json.dumps(letter.event)
    return text if len(text) <= 80 else f"{text[:77]}..."
