"""Judges a file's resources as Pulumi would have the rules judge them: each by its inputs, then the whole stack."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, cast

from fargate_job_launcher.policies import RULES, environment_of
from fargate_job_launcher.policies.config import RENEWED, Configured
from fargate_job_launcher.policies.files import Converted, Declared, NotAStack, converted
from fargate_job_launcher.policies.files.declared import reasons
from fargate_job_launcher.policies.files.stack_export import FORM as STACK
from fargate_job_launcher.policies.inside import expanded
from fargate_job_launcher.policies.rule import Environment, Rule, Scope, Verdict
from fargate_job_launcher.policies.stack import INSIDE, Resource, Stack
from pulumi_policy import EnforcementLevel, PolicyCustomTimeouts, PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import unknown_checking_proxy

from .settings import of_rules, settings

_OPTIONS: Final = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


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
    """The property, and where in it the value is."""
    rules: tuple[str, ...]
    because: tuple[str, ...] = ()
    """What the value depends on: a parameter, an import, what a plan's expression names."""

    @property
    def said(self) -> str:
        """What is not known, in words."""
        return f"{self.path} is not known" + (f" ({', '.join(self.because)})" if self.because else "")


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

    @property
    def stack(self) -> bool:
        """Whether the file is an exported Pulumi stack, which has the names of the rules."""
        return self.form == STACK

    @property
    def complete(self) -> bool:
        """Whether every rule could judge everything in the file."""
        return not self.not_judged and not self.left

    def as_json(self) -> dict[str, Any]:
        """The audit as plain values."""
        return {
            "file": self.name,
            "form": self.form,
            "environment": self.environment,
            "resources": self.resources,
            "mandatory": self.mandatory,
            "findings": [asdict(it) for it in self.broken],
            "notJudged": [
                {**asdict(it), "rules": list(it.rules), "because": list(it.because)} for it in self.not_judged
            ],
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
    given = of_rules(config or {}, audit.problems)
    chosen_rules = [(rule, *settings(rule, given, chosen, audit.problems)) for rule in rules]
    missing: dict[tuple[str, str], set[str]] = {}
    declared: dict[str, Declared] = {}
    for way in (file, *file.otherwise):
        audit.left = {**way.left, **audit.left}
        by_urn = {it.urn: it for it in way.resources}
        declared = {**by_urn, **declared}
        for urn, path, rule in _judge(audit, chosen_rules, way.resources, by_urn, known_roles, day):
            missing.setdefault((urn, path), set()).add(rule)
    audit.resources = len(declared)
    audit.broken = list(dict.fromkeys(audit.broken))
    for (urn, path), ids in missing.items():
        audit.not_judged.append(_not_judged(declared.get(urn.partition(INSIDE)[0]), urn, path, ids))
    return audit


def _judge(
    audit: Audit,
    rules: Iterable[tuple[Rule, EnforcementLevel, Configured]],
    resources: Iterable[Declared],
    by_urn: Mapping[str, Declared],
    known_roles: tuple[Resource, ...],
    day: datetime.date,
) -> Iterator[tuple[str, str, str]]:
    """Add the findings in some resources; the values that are missing, and the rule that needed each."""
    each, whole = _resources(resources, known_roles)
    for rule, severity, chosen in rules:
        if severity is EnforcementLevel.DISABLED:
            continue
        level = EnforcementLevel.MANDATORY if severity is EnforcementLevel.REMEDIATE else severity
        audit.broken += _expired(rule, level, chosen, by_urn, day)
        try:
            verdicts = list(_verdicts(rule, each, whole, chosen))
        except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            # A form that the provider refuses, where a rule looks for its subjects.
            said = f"is {audit.form} with a part that has another form, which {rule.id} cannot judge: {error}"
            raise NotAStack(said) from None
        for verdict in verdicts:
            _add(audit, rule, level, verdict, chosen, by_urn, day)
            yield from ((it.urn, it.path, rule.id) for it in verdict.unknown)


def _not_judged(of: Declared | None, urn: str, path: str, rules: set[str]) -> NotJudged:
    value: Any = {} if of is None else {**of.outputs, **of.inputs}
    for key in path.split("."):
        if isinstance(value, dict) and key in value:
            value = cast("dict[str, Any]", value)[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(key)]
        else:
            break
    named = urn if of is None else of.name + urn.removeprefix(of.urn)
    return NotJudged(named, path, tuple(sorted(rules)), reasons(value))


def _verdicts(rule: Rule, each: list[Resource], whole: Stack, given: Configured) -> Iterator[Verdict]:
    if rule.scope is not Scope.STACK:
        for it in each:
            if it.kind in rule.kinds:
                yield rule.verdict(Stack([it], whole=False), given.limits)
    if rule.scope is not Scope.EACH:
        yield rule.verdict(whole, given.limits)


def _add(
    audit: Audit,
    rule: Rule,
    level: EnforcementLevel,
    verdict: Verdict,
    given: Configured,
    by_urn: Mapping[str, Declared],
    today: datetime.date,
) -> None:
    for it in verdict.findings:
        if given.waived(it.urn, today):
            continue
        # The finding may be about a resource inside another, which is what a file names.
        urn = it.urn.partition(INSIDE)[0]
        of = by_urn.get(urn)
        name, kind, line = (urn, "", 0) if of is None else (of.name, of.kind, of.line)
        name += it.urn.removeprefix(urn)
        audit.broken.append(Broken(rule.id, level.value, name, kind, urn, line, it.says, rule.remedy))


def _expired(
    rule: Rule, level: EnforcementLevel, given: Configured, by_urn: Mapping[str, Declared], today: datetime.date
) -> Iterator[Broken]:
    """The waivers of resources in the file whose last day is over."""
    for it in given.expired(today):
        of = by_urn.get(it.urn)
        if of is not None:
            yield Broken(rule.id, level.value, of.name, of.kind, of.urn, of.line, it.over, RENEWED)


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
