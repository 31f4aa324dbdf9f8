"""`fargate-job logs`."""

from __future__ import annotations

import click

from .. import runs as kept
from ..arrays import ArrayRun
from ..catalogue import Job
from ..errors import NoSuchRun, NoSuchTask
from ..following import Line, Stream
from ..show import Following, moment
from ..task import chosen, tasks
from .context import Context, common
from .staying import follow_tasks


@click.command()
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the newest task).")
@click.option("--run", metavar="RUN", help="An array run's id, or the beginning of it (the newest array run).")
@click.option("--index", metavar="INDEXES", help="Indexes of an array run: 17 or 0-4,9; of each its last attempt.")
@click.option(
    "--follow", "-f", "live", is_flag=True, help="Stay until the task ends; exit with the container's exit code."
)
@common
def logs(context: Context, job: str, named: tuple[str, ...], run: str | None, index: str | None, live: bool) -> int:
    """Print the output of JOB's newest task, of the tasks named with --task, or of indexes of an array run."""
    if (index is None and run is not None) or (index is not None and named):
        raise click.UsageError("--index names indexes of an array run, that of --run or the newest; --task names tasks")
    found = context.job(job)
    if index is not None:
        return _of_indexes(context, found, run, index, live=live)
    known = tasks(found)
    some = chosen(found, named, known) if named else known[:1]
    if not some:
        raise NoSuchTask(
            f"{found.name} has no task",
            f"ECS shows tasks for an hour; launch the job, or look in the log group {found.settings.log_group}",
        )
    if live:
        return follow_tasks(context, found, [it.arn for it in some], lines=True)
    for task in some:
        for at, text in Stream(found, task.log_stream).read():
            line = Line(task, at, text)
            Following(context.output, found.name, len(some)).seen(line)
    return 0


def _of_indexes(context: Context, job: Job, run: str | None, index: str, *, live: bool) -> int:
    array = ArrayRun(job, kept.named(job, run)["run"] if run else _newest(job))
    some = array.indexes(index)
    running = [it.task for it in some if not it.outcome]
    if live and running:
        return follow_tasks(context, job, running, lines=True)
    for it in some:
        before = f"{it.index}  " if len(some) > 1 else ""
        read = Stream(job, it.log_stream(job)).read()
        for at, text in read:
            context.output.data(
                {"type": "line", "index": it.index, "task": it.task, "at": moment(at), "text": text}, one_line=True
            )
            context.output.fact(f"{before}{text}")
        if not read:
            context.output.note(f"index {it.index} has no output yet" + (f": {it.reason}" if it.reason else ""))
    return 0


def _newest(job: Job) -> str:
    found = next((it["run"] for it in kept.newest(job) if "array" in it), None)
    if found is None:
        raise NoSuchRun(f"none of the newest runs of {job.name} is an array", "Name one with --run")
    return str(found)
