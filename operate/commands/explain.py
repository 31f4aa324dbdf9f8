"""`fargate-job explain`."""

from __future__ import annotations

import json

import click

from ..explaining import facts_of
from ..show import Output
from .context import Context, common


@click.command()
@click.argument("job")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "mermaid", "mutations"]),
    help="The form of the explanation (as --output).",
)
@common
def explain(context: Context, job: str, shape: str | None) -> None:
    """Show which role may be passed to which service for JOB, and what breaks without each statement."""
    its = facts_of(context.job(job))
    # Only installed with the extra `sandbox`, which facts_of asks for.
    from fargate_job_launcher.sandbox.proof import explanations

    wanted = shape or ("json" if context.output.json else "text")
    if wanted == "mutations":
        click.echo(explanations.mutation_table(its))
        return
    explanation = explanations.explain(its)
    if wanted == "json":
        click.echo(json.dumps(explanation.as_json(), indent=2))
    elif wanted == "mermaid":
        click.echo(explanations.as_mermaid(explanation))
    else:
        written = Output("text")
        for line in explanations.as_text(explanation).splitlines():
            written.laid_out(line)
