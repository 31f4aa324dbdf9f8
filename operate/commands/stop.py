"""`fargate-job stop`."""

from __future__ import annotations

import click
from fargate_job_launcher.handler.arrays import is_root

from ..arrays import ArrayRun
from ..errors import NoSuchTask
from ..launching import stop
from ..task import SHORT, chosen, tasks
from .context import Context, common


@click.command("stop")
@click.argument("job")
@click.option(
    "--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the only running task)."
)
@click.option("--all", "every", is_flag=True, help="All running tasks of JOB.")
@click.option("--reason", default="stopped with fargate-job", help="The reason that ECS records.")
@common
def stopping(context: Context, job: str, named: tuple[str, ...], every: bool, reason: str) -> None:
    """Stop JOB's task. Supervision does not retry a stopped task. With --all, arrays start no further index either."""
    found = context.job(job)
    running = [it for it in tasks(found, running_only=True) if it.status != "STOPPED"]
    some = chosen(found, named, running, what="running task") if named else running
    if not some:
        raise NoSuchTask(f"{found.name} has no running task", f"fargate-job status {found.name} shows its tasks")
    if len(some) > 1 and not (named or every):
        ids = ", ".join(it.id[:SHORT] for it in some)
        raise NoSuchTask(
            f"{found.name} has {len(some)} running tasks: {ids}", "Name one with --task, or stop all with --all"
        )
    arrays = list(dict.fromkeys(it.run for it in some if is_root(it.root)))
    for run in arrays if every else []:
        ArrayRun(found, run).stop()
        context.output.fact(f"Stopping {found.name}, array run {run}")
    for task in some:
        stop(found, task.arn, reason)
        context.output.fact(f"Stopping {found.name}, task {task.id}")
    context.output.data({"job": found.name, "stopped": [it.id for it in some]})
    for run in arrays if not every else []:
        context.output.note(
            f"Run {run[:SHORT]} is an array and goes on; to stop all of it: fargate-job runs stop {found.name} "
            f"{run[:SHORT]}"
        )
