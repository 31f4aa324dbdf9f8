"""`fargate-job launch`."""

from __future__ import annotations

from typing import Any

import click

from ..launching import invoke
from .context import Context, common
from .requesting import event_of, request_options, staying_of
from .staying import stay, staying_options


@click.command()
@click.argument("job")
@request_options
@staying_options
@common
def launch(context: Context, job: str, **given: Any) -> int:
    """Launch JOB as it is defined, or with what its owner declared under `overrides`."""
    event = event_of(given)
    staying, found = staying_of(given, event), context.job(job)
    return stay(context, found, lambda: invoke(found, event), staying, zone=event.get("zone", "UTC"))
