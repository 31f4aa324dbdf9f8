"""`fargate-job explain`."""

from __future__ import annotations

import json

import click

from ..errors import JobError
from .asked import Asked, common


@click.command()
@click.argument("job")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "mermaid", "mutations"]),
    help="The form of the explanation (as --output).",
)
@common
def explain(asked: Asked, job: str, shape: str | None) -> None:
    """Show which role may be passed to which service for JOB, and what breaks without each statement."""
    found = asked.job(job)
    try:
        # Its proof takes the extra `sandbox`, which nothing else here needs.
        from fargate_job_launcher.sandbox.proof import explanations, facts
    except ModuleNotFoundError as error:
        raise JobError(f"{error.name} is not installed", "pip install 'fargate-job-launcher[sandbox]'") from None
    with asked.account.asking():
        try:
            its = facts.read(asked.account.client, found.role)
        except facts.NotALauncher as error:
            raise JobError(str(error)) from None
    wanted = shape or ("json" if asked.output.json else "text")
    if wanted == "mutations":
        click.echo(explanations.mutation_table(its))
        return
    explanation = explanations.explain(its)
    if wanted == "json":
        click.echo(json.dumps(explanation.as_json(), indent=2))
    else:
        click.echo((explanations.as_mermaid if wanted == "mermaid" else explanations.as_text)(explanation))
