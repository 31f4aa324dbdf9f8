"""The policy pack over a file, from Python and for `fargate-job audit`. The rules and converters are in policy/."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from .errors import JobError
from .extras import extra

if TYPE_CHECKING:
    from fargate_job_launcher.policies.audit import Audit


class NotAuditable(JobError):
    """The file cannot be read, or is no exported stack, CloudFormation template or Terraform plan."""


def audited(
    file: Path | str,
    *,
    environment: Literal["dev", "prod"] | None = None,
    config: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
    known_roles: Path | str | None = None,
) -> Audit:
    """The findings of the policy pack in a file, without Pulumi's engine. Nothing is called, and no credentials are
    needed.

    `file` is the path of an exported stack (`pulumi stack export`), a CloudFormation template (JSON or YAML), or a plan
    or state (`terraform show -json`); its content tells which. `environment` says whose severities and limits apply: by
    default those that the pack takes for an exported stack's name, and prod's for other files. `config` has the rules'
    settings, as `pulumi preview --policy-pack-config` has them. `parameters` are values of a template's parameters.
    `known_roles` is the path of a list of roles outside the file, as the command `known-roles` prints it.

    `broken` of the result lists the findings, `not_judged` what no rule could judge because a value is not known, and
    `left` what is not converted; `complete` tells whether both are empty. Raises NotAuditable for another file, and
    JobError without the extra `policies`.
    """
    path = Path(file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotAuditable(f"{path}: cannot be read: {error.strerror}", _GIVE) from None
    return audited_text(
        content,
        name=str(file),
        environment=environment,
        config=config,
        parameters=parameters,
        known_roles=known_roles,
    )


def audited_text(
    content: bytes,
    *,
    name: str,
    environment: Literal["dev", "prod"] | None = None,
    config: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
    known_roles: Path | str | None = None,
) -> Audit:
    """The same of a file's content."""
    with extra("cli,policies"):
        from fargate_job_launcher.policies import audit, files, read_known_roles
    try:
        known = () if known_roles is None else read_known_roles(Path(known_roles))
    except (OSError, ValueError) as error:
        raise NotAuditable(str(error), "Write the list again: fargate-job known-roles ROLE …") from None
    try:
        # As a shell writes it: PowerShell's `>` writes UTF-16.
        text = content.decode(json.detect_encoding(content))
        if _CONTROL.search(text):
            raise NotAuditable(*_not_text(name))
        return audit.audited(
            text.removeprefix("\ufeff"),
            name=name,
            environment=environment,
            config=config,
            parameters=parameters,
            known_roles=known,
        )
    except UnicodeDecodeError:
        raise NotAuditable(*_not_text(name)) from None
    except files.NotAStack as error:
        raise NotAuditable(f"{name} {error}") from None
    except RecursionError:
        raise NotAuditable(f"{name} has a document that nests objects and lists too deeply to be read", _GIVE) from None


def _not_text(name: str) -> tuple[str, str]:
    return f"{name} is not text", "For a saved plan, write its JSON: terraform show -json PLAN"


_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Characters that neither JSON nor YAML has."""
_GIVE: Final = (
    "Give a file: an exported stack (pulumi stack export), a CloudFormation template, or a plan or state "
    "(terraform show -json)"
)


def settings_of(file: Path) -> dict[str, Any]:
    """The rules' settings in a file, as --policy-pack-config takes it. Raises NotAuditable."""
    try:
        loaded = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise NotAuditable(
            f"{file}: is no configuration of the rules: {error}", "Write JSON: rule → settings"
        ) from None
    if not isinstance(loaded, dict):
        raise NotAuditable(f"{file}: is no configuration of the rules", "Write JSON: an object of rule → settings")
    return cast("dict[str, Any]", loaded)
