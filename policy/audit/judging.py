"""Judges a file's resources as Pulumi would have the rules judge them: each by its inputs, then the whole stack."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

from fargate_job_launcher.policies import RULES, environment_of
from fargate_job_launcher.policies.config import RENEWED, Configured, configured
from fargate_job_launcher.policies.files import Converted, Declared, converted
from fargate_job_launcher.policies.inside import expanded
from fargate_job_launcher.policies.rule import Environment, Rule, Scope, Verdict
from fargate_job_launcher.policies.stack import INSIDE, Resource, Stack
from pulumi_policy import EnforcementLevel, PolicyCustomTimeouts, PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import unknown_checking_proxy

_OPTIONS: Final = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
_LEVELS: Final = {it.value: it for it in EnforcementLevel}


@dataclass(frozen=True)
class Broken:
    """A rule that a resource breaks."""

    rule: str
    """The rule's id."""
    level: str
    """`mandatory` or `advisory`."""
    resource: str
    """The resource's name in the file."""
    kind: str
    """Its type as Pulumi names it."""
    urn: str
    """Its URN; a waiver names it."""
    line: int
    """Its line in a template; 0 in other files."""
    says: str
    """What is wrong."""
    remedy: str
    """What to do."""


@dataclass(frozen=True)
class NotJudged:
    """A value that the file does not tell, and the rules that needed it."""

    resource: str
    path: str
    rules: tuple[str, ...]


@dataclass
class Audit:
    """The result of `audited`."""

    name: str
    """The file's name."""
    form: str
    """What the file is: `a CloudFormation template`."""
    environment: Environment
    """Whose severities and limits apply."""
    resources: int
    """How many resources were judged."""
    broken: list[Broken] = field(default_factory=list[Broken])
    not_judged: list[NotJudged] = field(default_factory=list[NotJudged])
    left: dict[str, str] = field(default_factory=dict[str, str])
    """What of the file is not converted, so that no rule saw it → why."""
    problems: list[str] = field(default_factory=list[str])
    """What is wrong in the rules' configuration; a setting with a problem is not used."""

    @property
    def mandatory(self) -> int:
        """How many findings are mandatory, and problems of the configuration."""
        return len(self.problems) + sum(it.level == EnforcementLevel.MANDATORY.value for it in self.broken)

    def as_json(self) -> dict[str, Any]:
        """The audit as plain values."""
        return {
            "file": self.name,
            "form": self.form,
            "environment": self.environment,
            "resources": self.resources,
            "mandatory": self.mandatory,
            "findings": [asdict(it) for it in self.broken],
            "notJudged": [{**asdict(it), "rules": list(it.rules)} for it in self.not_judged],
            "notConverted": [{"what": what, "why": why} for what, why in self.left.items()],
            "problems": self.problems,
        }


def audited(
    text: str,
    *,
    name: str = "",
    environment: Environment | None = None,
    config: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
    known_roles: tuple[Resource, ...] = (),
    rules: Iterable[Rule] = RULES,
    today: datetime.date | None = None,
) -> Audit:
    """The findings of the rules in a file. Nothing is called, and no credentials are needed.

    `text` is an exported Pulumi stack, a CloudFormation template (JSON or YAML), or what `terraform show -json`
    prints; `name` is the file's name, for messages. `environment` says whose severities and limits apply: by default
    those of an exported stack's name, and prod's for every other file. `config` is that of
    `pulumi preview --policy-pack-config`: rule → settings. `parameters` are values of a template's parameters.
    `known_roles` are roles outside the file of which it is known what they may do (`read_known_roles`).
    `today` is the date with which a waiver's expiry is compared (today's, in UTC).

    Raises NotAStack if the text is none of these files.
    """
    file = converted(text, parameters=parameters)
    chosen = environment or _environment(file)
    audit = Audit(name, file.form, chosen, len(file.resources), left=file.left)
    day = today or datetime.datetime.now(datetime.UTC).date()
    known = {it.id for it in RULES}
    audit.problems += [f"{it}: no rule is called so" for it in config or {} if it not in known and it != "all"]
    each, whole = _resources(file.resources, known_roles)
    by_urn = {it.urn: it for it in file.resources}
    missing: dict[tuple[str, str], set[str]] = {}
    for rule in rules:
        level, settings = _settings(rule, config or {}, chosen, audit.problems)
        if level is EnforcementLevel.DISABLED:
            continue
        if level is EnforcementLevel.REMEDIATE:
            level = EnforcementLevel.MANDATORY
        audit.broken += _expired(rule, level, settings, by_urn, day)
        for verdict in _verdicts(rule, each, whole, settings):
            _add(audit, rule, level, verdict, settings, by_urn, day)
            for it in verdict.unknown:
                missing.setdefault((it.urn, it.path), set()).add(rule.id)
    audit.broken = list(dict.fromkeys(audit.broken))
    for (urn, path), ids in missing.items():
        named = by_urn[urn].name if urn in by_urn else urn
        audit.not_judged.append(NotJudged(named, path, tuple(sorted(ids))))
    return audit


def _verdicts(rule: Rule, each: list[Resource], whole: Stack, settings: Configured) -> Iterator[Verdict]:
    if rule.scope is not Scope.STACK:
        for it in each:
            if it.kind in rule.kinds:
                yield rule.verdict(Stack([it], whole=False), settings.limits)
    if rule.scope is not Scope.EACH:
        yield rule.verdict(whole, settings.limits)


def _add(
    audit: Audit,
    rule: Rule,
    level: EnforcementLevel,
    verdict: Verdict,
    settings: Configured,
    by_urn: Mapping[str, Declared],
    today: datetime.date,
) -> None:
    for it in verdict.findings:
        if settings.waived(it.urn, today):
            continue
        # The finding may be about a resource inside another, which is what a file names.
        urn = it.urn.partition(INSIDE)[0]
        of = by_urn.get(urn)
        name, kind, line = (urn, "", 0) if of is None else (of.name, of.kind, of.line)
        name += it.urn.removeprefix(urn)
        audit.broken.append(Broken(rule.id, level.value, name, kind, urn, line, it.says, rule.remedy))


def _expired(
    rule: Rule, level: EnforcementLevel, settings: Configured, by_urn: Mapping[str, Declared], today: datetime.date
) -> Iterator[Broken]:
    """The waivers of resources in the file whose last day is over."""
    for it in settings.expired(today):
        of = by_urn.get(it.urn)
        if of is not None:
            yield Broken(rule.id, level.value, of.name, of.kind, of.urn, of.line, it.over, RENEWED)


def _settings(
    rule: Rule, config: Mapping[str, Any], environment: Environment, problems: list[str]
) -> tuple[EnforcementLevel, Configured]:
    """A rule's severity and settings; a rule that cannot be waived keeps its severity."""
    given = config.get(rule.id, {})
    fields = dict(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else {"enforcementLevel": given}
    common = config.get("all") if isinstance(config.get("all"), str) else None
    wanted = fields.pop("enforcementLevel", common if rule.waivable else None)
    level = rule.level(environment)
    if wanted is not None and wanted not in _LEVELS:
        problems.append(f"{rule.id}: enforcementLevel {wanted!r} is none of {', '.join(_LEVELS)}")
    elif wanted is not None and not rule.waivable and _LEVELS[wanted] is not EnforcementLevel.MANDATORY:
        problems.append(f"{rule.id}: enforcementLevel {wanted}: this rule is always mandatory; fix the violation")
    elif wanted is not None:
        level = _LEVELS[wanted]
    settings = configured(rule.id, fields, rule.limits, environment, waivable=rule.waivable)
    problems += [f"{rule.id}: {it}" for it in settings.problems]
    return level, settings


def _environment(file: Converted) -> Environment:
    """That of the stack's name in an exported stack; prod for a file that names none."""
    owned = next((it.own_urn for it in file.resources if it.own_urn), "")
    return environment_of(owned.removeprefix("urn:pulumi:").partition("::")[0])


def _resources(declared: Iterable[Declared], known_roles: tuple[Resource, ...]) -> tuple[list[Resource], Stack]:
    """The resources as they are judged alone, by their inputs, and as a stack, with what AWS adds."""
    each: list[Resource] = []
    made: dict[str, PolicyResource] = {}
    listed = list(declared)
    for it in listed:
        inputs = unknown_checking_proxy(dict(it.inputs))
        each.append(Resource(it.urn, it.kind, it.name, inputs))
        outputs = unknown_checking_proxy({**it.inputs, **it.outputs})
        made[it.urn] = PolicyResource(it.kind, outputs, it.urn, it.name, _OPTIONS, None, None, [], {})
    for it in listed:
        for prop, urns in it.origins.items():
            origins = [made[one] for one in urns if one in made and one != it.urn]
            made[it.urn].property_dependencies[prop] = origins
    whole = expanded(Resource.of_stack(it) for it in made.values())
    return list(expanded(each)), Stack(whole, known_roles=known_roles)
