"""`fargate-job retry`."""

from __future__ import annotations

import functools

import click

from ..errors import NoSuchTask
from ..launching import retry
from ..runs import taken_up
from ..task import SHORT, chosen, tasks
from .context import Context, common
from .staying import Staying, stay, staying_options


@click.command("retry")
@click.argument("job")
@click.option(
    "--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the newest failed task)."
)
@staying_options
@common
def retrying(context: Context, job: str, named: tuple[str, ...], follow: bool, wait: bool, attempt_only: bool) -> int:
    """Launch a task of JOB again with the same request, as a new run. A task that was already retried is left out,
    unless you name it."""
    staying, found = Staying(follow, wait, attempt_only), context.job(job)
    known = tasks(found)
    some, left_out = chosen(found, named, known), list[str]()
    for it in [] if named else [it for it in known if it.outcome not in ("", "succeeded")]:
        since = taken_up(found, it)
        if not since:
            some = [it]
            break
        left_out.append(f"{it.id[:SHORT]} is left out: {since}")
    if not some:
        said = "; ".join([f"no failed task of {found.name} in the last hour is left to retry", *left_out])
        raise NoSuchTask(said, "Name a task with --task to retry it all the same")
    for said in left_out:
        context.output.note(said)
    for it in [] if named else some:
        context.output.fact(f"The newest failed task: {it.id[:SHORT]}, {it.reason}")
    code = 0
    for task in some:
        code = stay(context, found, functools.partial(retry, found, task), staying) or code
    return code
