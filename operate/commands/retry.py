"""`fargate-job retry`."""

from __future__ import annotations

import functools

import click

from ..errors import NoSuchTask
from ..launching import retry
from ..show import SHORT
from ..task import chosen, later_attempt, tasks
from .asked import Asked, common
from .staying import stay


@click.command("retry")
@click.argument("job")
@click.option(
    "--task", "-t", "named", multiple=True, help="A task's id, or the beginning of it (the newest failed task)."
)
@click.option(
    "--follow", "-f", is_flag=True, help="Print the output as it arrives; exit with the container's exit code."
)
@click.option(
    "--wait", "-w", is_flag=True, help="Wait for the end without the output; exit with the container's exit code."
)
@common
def retrying(asked: Asked, job: str, named: tuple[str, ...], follow: bool, wait: bool) -> int:
    """Launch a task of JOB again with the same overrides. A task that was already retried is left out, unless you name
    it."""
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
        code = stay(asked, found, functools.partial(retry, found, task), follow=follow, wait=wait) or code
    return code
