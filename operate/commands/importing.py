"""`fargate-job import`."""

from __future__ import annotations

from pathlib import Path

import click

from ..extras import extra
from .context import Context, common


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--name", default="", help="The job's name here, or which of the file's jobs (all of them).")
@click.option("--environment", default="", help="Copilot's environment whose values apply (none).")
@click.option("--container", default="", help="The job's own container of a task definition with several.")
@common
def importing(context: Context, file: Path, name: str, environment: str, container: str) -> None:
    """Show the job in FILE as an entry for a stack's config, and line by line what is not carried over.

    FILE is a Copilot job's manifest.yml, an ecschedule file, the JSON of a task definition, or a Pulumi.STACK.yaml.
    Nothing is guessed, and nothing is written or called.
    """
    with extra("cli"):
        import yaml

        from ..importing.jobs import imported, text_of
    jobs, document = imported(file.name, text_of(file), job=name, environment=environment, container=container)
    entries = {it.name: it.entry for it in jobs}
    if context.output.json:
        problems = {it.name: it.problems for it in jobs}
        left = [it.as_json() for it in document.left]
        context.output.data({"jobs": entries, "left": left, "problems": problems})
        return
    click.echo(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110), nl=False)
    if document.left:
        click.echo(f"\nNot carried over from {file.name}:", err=True)
    for it in sorted(document.left, key=lambda it: it.line):
        where = f"line {it.line}" if it.line else "the file"
        click.echo(f"  {where}: {f'{it.path}: ' if it.path else ''}{it.why}", err=True)
    for it in jobs:
        if it.problems:
            click.echo(f"\nStill to do for {it.name}:", err=True)
        for problem in it.problems:
            click.echo(f"  - {problem}", err=True)
