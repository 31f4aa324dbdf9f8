"""`fargate-job report`."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import JobError
from ..extras import extra
from .context import Context, common
from .durations import since_of


@click.command()
@click.argument("job")
@click.option(
    "--html", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option(
    "--since",
    metavar="SINCE",
    default="30d",
    help="Runs that were launched since then: 12h, 7d (default: 30d), or 2026-11-26T03:00 (UTC).",
)
@common
def report(context: Context, job: str, file: Path, since: str) -> None:
    """Write the runs of JOB into one HTML file that can be mailed: strip, sums, a timeline of its days, what failed."""
    begin = since_of(since, "--since")
    found = context.job(job)
    with extra("ui"):
        from ..page.report import report as written
    text = written(found, since=begin)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise JobError(f"--html {file}: {error.strerror}", "Name a file that can be written") from None
    context.output.data({"job": found.name, "file": str(file), "bytes": len(text.encode())})
    context.output.fact(f"Wrote {file}, {len(text.encode()) / 1024:.0f} KiB")
