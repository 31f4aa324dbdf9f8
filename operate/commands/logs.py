"""`fargate-job logs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click
from fargate_job_launcher.handler.run import ENDED

from .. import runs
from ..catalogue import Job
from ..errors import NoLog
from ..following import Reading
from ..lines import Written
from ..logs import Log, log_lines, logs_of, silence
from .context import Context, common
from .durations import since_of
from .staying import follow_run, follow_tasks

TOLD: Final = 5
"""How many logs without a line are told about one by one."""


@click.command()
@click.argument("job")
@click.option("--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it; repeat it for more.")
@click.option("--run", metavar="RUN", help="A run's id, or the beginning of it: all of its attempts.")
@click.option("--index", metavar="INDEXES", help="Of that array run, or the newest: 17 or 3,17-20; the last attempts.")
@click.option("--container", metavar="NAME", default="", help="A sidecar (default: the job's own container).")
@click.option("--since", metavar="SINCE", help="Lines since then: 90m, 2h, 7d, or 2026-11-26T03:00 (UTC).")
@click.option("--tail", type=click.IntRange(min=1), help="The last lines of each task, so many.")
@click.option("--timestamps", is_flag=True, help="Write the time of each line before it, in UTC.")
@click.option("--follow", "-f", "live", is_flag=True, help="Stay until the end; exit with the container's exit code.")
@common
def logs(
    context: Context,
    job: str,
    named: tuple[str, ...],
    run: str | None,
    index: str | None,
    container: str,
    since: str | None,
    tail: int | None,
    timestamps: bool,
    live: bool,
) -> int:
    """Print the output of JOB's newest task, of the tasks named with --task, of the attempts of a run, or of indexes of
    an array run. Lines of several tasks come in the order of their times, each behind the beginning of its task's id,
    or its index.

    Where nothing ran, it says why, and exits with 125."""
    if named and (run is not None or index is not None):
        raise click.UsageError("--task names tasks, --run and --index those of a run: give one or the other")
    reading = Reading(container, since_of(since, "--since") if since is not None else None, tail)
    found = context.job(job)
    some = logs_of(found, named=named, run=run, indexes=index, container=container)
    shown = Written(
        context.output,
        several=len(some) > 1,
        timestamps=timestamps,
        indexes={it.task: it.index for it in some if it.index is not None},
    )
    going = [it for it in some if it.status not in ("", "STOPPED")]
    if live and going:
        item = runs.read(found, some[0].run) if run is not None and index is None else None
        if item is not None and "array" not in item and item["state"] not in ENDED:
            return follow_run(context, found, item, reading=reading, written=shown)
        return follow_tasks(context, found, [it.task for it in going], lines=True, reading=reading, written=shown)
    return _printed(context, found, some, shown, reading)


def _printed(context: Context, job: Job, some: Sequence[Log], shown: Written, reading: Reading) -> int:
    """Print what there is. Raises NoLog if there is nothing, and will be nothing."""
    seen = set[str]()
    for line in log_lines(job, some, since=reading.since, tail=reading.tail):
        seen.add(line.log.task)
        shown.line(line.log.task, line.milliseconds, line.text)
    silent = [it for it in some if it.task not in seen]
    why = [silence(job, it, since=reading.since) for it in silent]
    if all(it.never for it in some):
        more = f"none of {len(some)} tasks of {job.name} has a log; " if len(some) > 1 else ""
        raise NoLog(more + why[0].found, why[0].then)
    for it, said in zip(silent, why, strict=True):
        context.output.data({"type": "silent", **it.as_json(), "why": said.found, "next": said.then}, one_line=True)
    for said in why[:TOLD]:
        context.output.note(str(said))
    if len(why) > TOLD:
        context.output.note(f"{len(why) - TOLD} more of {len(some)} logs have no line")
    return 0
