"""`fargate-job launch`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import click

from ..launching import invoke
from .context import Context, common
from .staying import stay


@click.command()
@click.argument("job")
@click.option("--count", type=click.IntRange(min=1), help="Number of tasks.")
@click.option(
    "--env",
    "-e",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="An environment variable; repeat it for more.",
)
@click.option("--command", help="Another command, written as in a shell: 'python report.py --full'.")
@click.option("--cpu", type=click.IntRange(min=1), help="CPU units; 1024 are one vCPU.")
@click.option("--memory", type=click.IntRange(min=1), help="Memory in MiB.")
@click.option("--payload", metavar="JSON", help="The payload of the job (JOB_PAYLOAD); @FILE reads a file.")
@click.option(
    "--capacity", type=click.Choice(["on_demand", "spot", "spot_then_on_demand"]), help="The capacity to run on."
)
@click.option("--key", metavar="KEY", help="The idempotency key: the same key launches once (default: a new key).")
@click.option("--dry-run", is_flag=True, help="Print what would be done and what it would cost; launch nothing.")
@click.option(
    "--follow", "-f", is_flag=True, help="Print the output as it arrives; exit with the container's exit code."
)
@click.option(
    "--wait", "-w", is_flag=True, help="Wait for the end without the output; exit with the container's exit code."
)
@common
def launch(context: Context, job: str, follow: bool, wait: bool, dry_run: bool, key: str | None, **given: Any) -> int:
    """Launch JOB as it is defined, or with what its owner declared under `overrides`."""
    if dry_run and (follow or wait):
        raise click.UsageError("--dry-run launches nothing to --follow or --wait for")
    event, found = _event(dry_run=dry_run, key=key, **given), context.job(job)
    return stay(context, found, lambda: invoke(found, event), follow=follow, wait=wait)


EVENT_OPTIONS: Final = ("count", "cpu", "memory", "capacity")
"""Options that go into the launch event unchanged."""


def _event(*, dry_run: bool, key: str | None, **given: Any) -> dict[str, Any]:
    """The launch event of these options."""
    event: dict[str, Any] = {name: given[name] for name in EVENT_OPTIONS if given[name]}
    if given["environment"]:
        event["environment"] = dict(_variable(it) for it in cast("Iterable[str]", given["environment"]))
    if given["command"] is not None:
        try:
            event["command"] = shlex.split(given["command"])
        except ValueError as error:
            raise click.BadParameter(f"{given['command']!r}: {error}", param_hint="--command") from None
    if given["payload"] is not None:
        event["payload"] = _payload(given["payload"])
    if key:
        event["idempotencyKey"] = key
    return {**event, "dryRun": True} if dry_run else event


def _variable(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.BadParameter("NAME=VALUE is expected", param_hint="--env")
    return name, value


def _payload(given: str) -> Any:
    try:
        return json.loads(Path(given[1:]).read_text() if given.startswith("@") else given)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--payload") from None
