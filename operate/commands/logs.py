"""`fargate-job logs`."""

from __future__ import annotations

import click

from ..errors import NoSuchTask
from ..following import Line, Stream
from ..show import Following
from ..task import chosen, tasks
from .asked import Asked, common
from .staying import follow_tasks


@click.command()
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the newest task).")
@click.option(
    "--follow", "-f", "live", is_flag=True, help="Stay until the task ends; exit with the container's exit code."
)
@common
def logs(asked: Asked, job: str, named: tuple[str, ...], live: bool) -> int:
    """Print the output of JOB's newest task, or of the tasks named with --task."""
    found = asked.job(job)
    known = tasks(found)
    some = chosen(found, named, known) if named else known[:1]
    if not some:
        raise NoSuchTask(
            f"{found.name} has no task",
            f"ECS shows tasks for an hour; launch one, or look in the log group {found.settings.log_group}",
        )
    if live:
        return follow_tasks(asked, found, [it.arn for it in some], lines=True)
    for task in some:
        for at, text in Stream(found, task.log_stream).read():
            line = Line(task, at, text)
            Following(asked.output, found.name, len(some)).seen(line)
    return 0
