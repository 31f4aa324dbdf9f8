"""`fargate-job audit`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import click

from ..auditing import audited, audited_text, settings_of
from ..show import Output
from .context import offline

if TYPE_CHECKING:
    from fargate_job_launcher.policies.audit import Audit

REFUSED: Final = 1
"""A mandatory rule is broken, as a linter says it; by --strict also what no rule could judge."""


@click.command("audit")
@click.argument("file", type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option(
    "--environment",
    type=click.Choice(["dev", "prod"]),
    help="Whose severities and limits apply (those of an exported stack's name, prod's for other files).",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The rules' settings in JSON, as pulumi's --policy-pack-config takes them.",
)
@click.option(
    "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A value of a template's parameter, repeatable."
)
@click.option(
    "--known-roles",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The list of roles outside FILE that fargate-job known-roles printed.",
)
@click.option(
    "--format",
    "--output",
    "-o",
    "shape",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="The form of the findings (text).",
)
@click.option("--strict", is_flag=True, help="What no rule could judge counts as broken.")
@offline
def audit(
    output: Output,
    file: Path,
    environment: str | None,
    config: Path | None,
    given: tuple[str, ...],
    known_roles: Path | None,
    shape: str,
    strict: bool,
) -> int:
    """Show which rules of the policy pack the resources in FILE break, without Pulumi's engine.

    FILE is an exported stack (pulumi stack export), a CloudFormation template (JSON or YAML), or a plan or state
    (terraform show -json); - is standard input. Nothing is called, and no credentials are needed. The exit code is 1 if
    a mandatory rule is broken.
    """
    options: dict[str, Any] = {
        "environment": cast("Literal['dev', 'prod'] | None", environment),
        "config": None if config is None else settings_of(config),
        "parameters": dict(_pair(it) for it in given),
        "known_roles": known_roles,
    }
    stdin = str(file) == "-"
    found = audited_text(sys.stdin.buffer.read(), name="stdin", **options) if stdin else audited(file, **options)
    if shape == "json":
        click.echo(json.dumps(found.as_json(), indent=2))
    elif shape == "sarif":
        from fargate_job_launcher.policies.audit import as_sarif

        click.echo(json.dumps(as_sarif(found), indent=2))
    else:
        _show(output, found)
    return REFUSED if found.mandatory or (strict and not found.complete) else 0


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--parameter {given}: NAME=VALUE is expected")
    return name, value


def _show(output: Output, found: Audit) -> None:
    """Findings by resource, then what nobody could judge, then how many there are."""
    of: dict[tuple[str, str, int, str], list[Any]] = {}
    for it in found.broken:
        of.setdefault((it.resource, it.kind, it.line, it.urn), []).append(it)
    for (resource, kind, line, urn), broken in of.items():
        output.said(f"{resource}{f' ({kind})' if kind else ''}{f', line {line}' if line else ''}")
        if urn != resource:
            output.fact(f"  {urn}")
        for number, it in enumerate(broken):
            output.said(f"  {it.level} {it.rule}: {it.says}")
            if number + 1 == len(broken) or broken[number + 1].rule != it.rule:
                output.said(f"    Fix: {it.remedy}")
        output.fact("")
    if found.broken and not found.stack:
        output.said(
            "A Fix names properties as Pulumi does: sourceArn is SourceArn in CloudFormation, source_arn in Terraform."
        )
        output.fact("")
    if not found.complete:
        output.said("Not judged:")
        for it in found.not_judged:
            output.said(f"  {it.resource}: {it.said}")
        for what, why in found.left.items():
            output.said(f"  {what}: {why}")
        output.fact("")
    for problem in found.problems:
        output.said(f"The rules' settings: {problem}")
    advisory = sum(it.level == "advisory" for it in found.broken)
    unseen = len(found.not_judged) + len(found.left)
    output.said(
        f"{found.name}: {found.form}, {found.resources} resources, {found.environment}: "
        f"{found.mandatory} mandatory, {advisory} advisory{f', {unseen} not judged' if unseen else ''}"
    )
