"""The rules' settings in a file, as `pulumi preview --policy-pack-config` takes it, for an audit without the engine.

What only the engine does with such a file (its own exceptions, environments of Pulumi ESC) is said, and not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.config import Configured, configured
from fargate_job_launcher.policies.files.declared import mapping
from fargate_job_launcher.policies.rule import Environment, Rule
from pulumi_policy import EnforcementLevel

_LEVELS: Final = {it.value: it for it in EnforcementLevel}
_ALL: Final = "all"
_ENGINES: Final = {
    "environments": "Pulumi ESC is not opened: write the settings into the file",
    "exceptions": "only Pulumi's engine applies them: give the rule a waiver, if it can be waived",
}
"""What a file has for the engine alone → what to do for an audit."""


def of_rules(config: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """The settings by the rules' names; those of a file of version 2 are under `policies`."""
    made = dict(config)
    # Without a number it is, to the engine too, the name of a rule.
    if isinstance(made.get("version"), int | float):
        made |= mapping(made.pop("policies", None))
        if made.pop("version") != 2:
            problems.append(f"version: {config['version']} is not a version of such a file; write 2")
    for key, says in _ENGINES.items():
        if key in made and made.pop(key):
            problems.append(f"{key}: {says}")
    known = {it.id for it in RULES}
    problems += [f"{it}: no rule is called so" for it in made if it not in known and it != _ALL]
    problems += [
        f"{key}: {value!r} is neither an enforcement level nor an object of settings"
        for key, value in made.items()
        if not isinstance(value, str | Mapping)
    ]
    return {key: value for key, value in made.items() if isinstance(value, str | Mapping)}


def settings(
    rule: Rule, config: Mapping[str, Any], environment: Environment, problems: list[str]
) -> tuple[EnforcementLevel, Configured]:
    """A rule's severity and settings; a rule that cannot be waived keeps its severity."""
    fields = _fields(config.get(rule.id, {}))
    common = _fields(config.get(_ALL, {})).get("enforcementLevel")
    wanted = fields.pop("enforcementLevel", common if rule.waivable else None)
    level = rule.level(environment)
    if wanted is not None and wanted not in _LEVELS:
        problems.append(f"{rule.id}: enforcementLevel {wanted!r} is none of {', '.join(_LEVELS)}")
    elif wanted is not None and not rule.waivable and _LEVELS[wanted] is not EnforcementLevel.MANDATORY:
        problems.append(f"{rule.id}: enforcementLevel {wanted}: this rule is always mandatory; fix the violation")
    elif wanted is not None:
        level = _LEVELS[wanted]
    made = configured(rule.id, fields, rule.limits, environment, waivable=rule.waivable)
    problems += [f"{rule.id}: {it}" for it in made.problems]
    return level, made


def _fields(given: Any) -> dict[str, Any]:
    """Settings as an object; a text alone is the enforcement level."""
    return dict(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else {"enforcementLevel": given}
