"""`fargate-job rerun`."""

from __future__ import annotations

from typing import Any

import click

from ..rerunning import again, event_again
from ..runs import named
from .context import Context, JobFirstCommand, common
from .requesting import event_of, request_options, staying_of
from .staying import stay, staying_options


@click.command(cls=JobFirstCommand)
@click.argument("job")
@click.argument("run")
@request_options
@click.option("--unset", multiple=True, metavar="NAME", help="Leave out a variable of RUN; repeat it for more.")
@staying_options
@common
def rerun(context: Context, job: str, run: str, unset: tuple[str, ...], **given: Any) -> int:
    """Launch the request of RUN once more, as a new run, with the changes that the options say: variables are merged by
    name, everything else is replaced. RUN is a run's id, or the beginning of it; it may have succeeded."""
    found = context.job(job)
    item = named(found, run)
    changes = event_of(given, of_array="array" in item)
    if unset:
        changes["environment"] = {**dict.fromkeys(unset), **changes.get("environment", {})}
    event = event_again(found, item, changes)
    staying = staying_of(given, event)
    return stay(context, found, lambda: again(found, event), staying, zone=event.get("zone", "UTC"))
