"""`fargate-job exec`: a command in a container of a running task."""

from __future__ import annotations

import shlex

import click

from ..sessions import open_shell
from ..task import SHORT
from .context import Command, Context, common


def of_a_task(command: Command) -> Command:
    """The options that choose a running task."""
    for option in (
        click.option("--container", default="", help="A container of the task (the job's own)."),
        click.option("--index", type=click.IntRange(min=0), help="With --run: an index of an array."),
        click.option(
            "--run", metavar="RUN", default="", help="The running task of this run, by its id or its beginning."
        ),
        click.option(
            "--task", "-t", "named", default="", help="A task's id, or its beginning (the only running task)."
        ),
    ):
        command = option(command)
    return command


def checked(named: str, run: str, index: int | None) -> None:
    """Raises UsageError for options that do not go together."""
    if named and run:
        raise click.UsageError("--task and --run: either names the task; leave one out")
    if index is not None and not run:
        raise click.UsageError("--index names an index of an array run; name the run with --run")


@click.command("exec")
@click.argument("job")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@of_a_task
@common
def executing(
    context: Context, job: str, command: tuple[str, ...], named: str, run: str, index: int | None, container: str
) -> int:
    """Open a session in a running task of JOB, as its `allow_exec` allows: /bin/sh, or the COMMAND after `--`.

    It needs AWS's session-manager-plugin on the PATH. The exit code is the plugin's; that of COMMAND is not known.
    """
    checked(named, run, index)
    # One word is a whole command line, as for `aws ecs execute-command --command`.
    line = (command[0] if len(command) == 1 else shlex.join(command)) or "/bin/sh"
    session = open_shell(
        context.job(job), line, task=named, run=run, index=index, container=container, told=context.output.note
    )
    context.output.note(f"{line} in task {session.task[:SHORT]}, container {session.container}")
    return session.run()
