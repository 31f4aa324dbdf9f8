"""`fargate-job stop`."""

from __future__ import annotations

import click

from ..errors import NoSuchTask
from ..launching import stop
from ..show import SHORT
from ..task import chosen, tasks
from .asked import Asked, common


@click.command("stop")
@click.argument("job")
@click.option(
    "--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the only running task)."
)
@click.option("--all", "every", is_flag=True, help="All running tasks of JOB.")
@click.option("--reason", default="stopped with fargate-job", help="The reason that ECS records.")
@common
def stopping(asked: Asked, job: str, named: tuple[str, ...], every: bool, reason: str) -> None:
    """Stop JOB's task. Supervision does not retry a stopped task."""
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
