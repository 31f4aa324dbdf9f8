"""`fargate-job ports`: a port of a running task, or of a host behind it, on this machine."""

from __future__ import annotations

import re
from typing import Final

import click

from ..sessions import open_port
from ..task import SHORT
from .context import Context, common
from .executing import checked, of_a_task

STANDARD_ERROR: Final = 2
"""Its file descriptor."""


def _port_and_local(_context: click.Context, _option: click.Parameter, given: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5})(?::([0-9]{1,5}))?", given)
    numbers = [int(it) for it in found.groups(default="0")] if found else []
    if not numbers or not 1 <= numbers[0] <= 65535 or numbers[1] > 65535:
        raise click.BadParameter(f"{given!r}: a port is expected, such as 5432, or 5432:15432 with the local one")
    return numbers[0], numbers[1]


@click.command()
@click.argument("job")
@click.argument("port", metavar="PORT[:LOCAL]", callback=_port_and_local)
@click.option("--host", default="", help="A host that the task can reach, such as a database (the task itself).")
@of_a_task
@common
def ports(
    context: Context,
    job: str,
    port: tuple[int, int],
    host: str,
    named: str,
    run: str,
    index: int | None,
    container: str,
) -> int:
    """Lead a port of this machine to PORT of a running task of JOB, as its `allow_exec` allows.

    LOCAL is the port on this machine; without it any free one is taken. It needs AWS's session-manager-plugin on the
    PATH, and goes on until Ctrl-C.
    """
    checked(named, run, index)
    remote, local = port
    session = open_port(
        context.job(job),
        remote,
        local=local,
        host=host,
        task=named,
        run=run,
        index=index,
        container=container,
        told=context.output.note,
    )
    there = f"{host or session.container}:{remote}"
    context.output.fact(f"{session.local} leads to {there}, through task {session.task[:SHORT]}; Ctrl-C ends it")
    context.output.data({"type": "session", **session.as_json()}, one_line=True)
    # What the plugin prints is not JSON.
    return session.run(output=STANDARD_ERROR if context.output.json else None)
