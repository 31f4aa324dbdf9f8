"""What a rule is, and how Pulumi runs one: severity per environment, limits, waivers, and values unknown in a preview.

The rules themselves are in the other files, by the resources that they check.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, cast

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from .config import RENEWED, WAIVERS, Configured, Limit, configured
from .inside import expanded, may_contain
from .principals import Held, Principal
from .serving import shared
from .stack import INSIDE, Resource, Stack, Unknown

Environment = Literal["dev", "prod"]
MANDATORY: Final = EnforcementLevel.MANDATORY
ADVISORY: Final = EnforcementLevel.ADVISORY
DISABLED: Final = EnforcementLevel.DISABLED
CRITICAL: Final = Severity.CRITICAL
HIGH: Final = Severity.HIGH
MEDIUM: Final = Severity.MEDIUM
LOW: Final = Severity.LOW

Limits = Mapping[str, Any]


class Scope(Enum):
    """When a rule is evaluated."""

    EACH = "each resource, before it is created"
    STACK = "the whole stack"
    BOTH = "each resource, before it is created, and the whole stack"
    PARTS = "each resource, before it is created; managed policies, over the whole stack"


@dataclass(frozen=True)
class Finding:
    """A violation of a rule."""

    says: str
    urn: str = ""
    """The resource at fault, if it is not the subject of the rule."""


Subject = Resource | Principal | Held | Any
Judge = Callable[[Any, Stack, Limits], Iterable[Finding | str]]
Subjects = Callable[[Stack], Iterable[Any]]
"""What a rule judges, one after the other; an Unknown among them is a subject that cannot be judged yet."""


@dataclass(frozen=True)
class Verdict:
    """The result of evaluating a rule."""

    findings: list[Finding] = field(default_factory=list[Finding])
    unknown: list[Unknown] = field(default_factory=list[Unknown])


class NotJudged(UnknownValueError):
    """Makes Pulumi print an advisory in a preview: what could not be judged, and that the update will judge it."""

    def __init__(self, unknown: Iterable[Unknown]) -> None:
        super().__init__(UNKNOWN_STRING_VALUE, [])
        listed = sorted({f"{_name(it.urn)}: {it.path}" for it in unknown})
        self.message = f"not known yet, will be judged at the update: {'; '.join(listed)}"


@dataclass(frozen=True)
class Rule:
    """A rule: its requirement, and how it finds violations. `policy()` makes it one of Pulumi's policies."""

    id: str
    says: str
    """The requirement, in one sentence."""
    why: str
    remedy: str
    severity: Severity
    dev: EnforcementLevel
    prod: EnforcementLevel
    scope: Scope
    kinds: frozenset[str]
    """Types of resources that it judges before they are created; empty for a rule on the whole stack."""
    subjects: Subjects
    judge: Judge
    limits: tuple[Limit, ...] = ()
    waivable: bool = True
    beside: tuple[str, ...] = ()
    """Controls of other tools that check the same, at least in part."""

    def level(self, environment: Environment) -> EnforcementLevel:
        """What a violation does in an environment."""
        return self.dev if environment == "dev" else self.prod

    def schema(self) -> dict[str, dict[str, Any]]:
        """JSON schema of its configuration, property by property."""
        return {**{it.name: it.schema for it in self.limits}, **(WAIVERS if self.waivable else {})}

    def verdict(self, stack: Stack, limits: Limits) -> Verdict:
        """Judge every subject of a stack."""
        verdict = Verdict()
        for subject in self.subjects(stack):
            if isinstance(subject, Unknown):
                verdict.unknown.append(subject)
                continue
            try:
                for found in self.judge(subject, stack, limits):
                    finding = found if isinstance(found, Finding) else Finding(found)
                    verdict.findings.append(Finding(finding.says, finding.urn or subject.urn))
            except Unknown as unknown:
                verdict.unknown.append(unknown)
            except (AttributeError, TypeError, ValueError) as error:
                # The provider's schema does not allow this form: it is a violation, not something to skip.
                verdict.findings.append(Finding(f"has a form that cannot be judged: {error}", subject.urn))
            if isinstance(subject, Principal):
                verdict.unknown.extend(subject.unknown)
        return verdict

    def policy(
        self,
        *,
        environment: Environment = "prod",
        level: EnforcementLevel | None = None,
        known_roles: tuple[Resource, ...] = (),
        today: Callable[[], datetime.date] = lambda: datetime.datetime.now(datetime.UTC).date(),
    ) -> Policy:
        """The rule as a policy for a PolicyPack.

        `environment` selects the severity and limits that apply without configuration; `level` replaces the rule's own
        severity. `known_roles` are roles outside the stack of which it is known what they may do. `today` is the date
        with which a waiver's expiry is compared.
        """
        about: dict[str, Any] = {
            "name": self.id,
            "description": self.says,
            "enforcement_level": level or self.level(environment),
            "config_schema": PolicyConfigSchema(self.schema()) if self.schema() else None,
            "severity": self.severity,
            "remediation_steps": self.remedy,
        }
        run = _Run(self, environment, known_roles, today)
        if self.scope is Scope.EACH:
            return ResourceValidationPolicy(validate=run.resource, **about)
        if self.scope is Scope.STACK:
            return StackValidationPolicy(validate=run.stack, **about)
        return _TwicePolicy(run, about)


def rule(
    rule_id: str,
    *,
    says: str,
    why: str,
    remedy: str,
    severity: Severity,
    levels: tuple[EnforcementLevel, EnforcementLevel],
    on: Subjects,
    kinds: Iterable[str] = (),
    scope: Scope | None = None,
    limits: tuple[Limit, ...] = (),
    waivable: bool = True,
    beside: tuple[str, ...] = (),
) -> Callable[[Judge], Rule]:
    """Turn a function into a rule. `levels` are dev's and prod's; with `kinds`, each resource is judged by itself."""
    types = frozenset(kinds)

    def made(judge: Judge) -> Rule:
        return Rule(
            id=rule_id,
            says=says,
            why=why,
            remedy=remedy,
            severity=severity,
            dev=levels[0],
            prod=levels[1],
            scope=scope or (Scope.EACH if types else Scope.STACK),
            kinds=types,
            subjects=on,
            judge=judge,
            limits=limits,
            waivable=waivable,
            beside=beside,
        )

    return made


def resources(*kinds: str) -> Subjects:
    """Every resource of these types."""
    return lambda stack: stack.of(*kinds)


@dataclass(frozen=True)
class _Run:
    """A rule as Pulumi runs it."""

    rule: Rule
    environment: Environment
    known_roles: tuple[Resource, ...]
    today: Callable[[], datetime.date]

    def resource(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in self.rule.kinds and not may_contain(args.resource_type):
            return
        config = self._config(args.get_config(), report)
        one = Resource.alone(args)
        inner = shared(("inside", one.urn), lambda: list(expanded([one]))[1:])
        verdict = self.rule.verdict(Stack([one, *inner], whole=False), config.limits)
        self._report(verdict, config, report, {one.urn})
        # A rule that also judges the whole stack reports it once, there.
        self._unknown(verdict, report, silent=self.rule.scope is Scope.BOTH and pulumi.runtime.is_dry_run())

    def stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        config = self._config(args.get_config(), report)
        stack = shared(
            ("stack", self.known_roles),
            lambda: Stack(expanded(map(Resource.of_stack, args.resources)), known_roles=self.known_roles),
        )
        verdict = self.rule.verdict(stack, config.limits)
        self._report(verdict, config, report, {it.urn for it in config.waivers})
        self._unknown(verdict, report, silent=False)

    def _config(self, given: Mapping[str, Any], report: ReportViolation) -> Configured:
        config = configured(self.rule.id, given, self.rule.limits, self.environment, waivable=self.rule.waivable)
        for problem in config.problems:
            report(f"The configuration of {self.rule.id}: {problem}", None)
        return config

    def _report(self, verdict: Verdict, config: Configured, report: ReportViolation, judged: set[str]) -> None:
        today = self.today()
        for finding in verdict.findings:
            if not config.waived(finding.urn, today):
                # The engine knows the resource that holds another.
                holder = finding.urn.partition(INSIDE)[0]
                report(f"{_name(finding.urn)}: {finding.says}\nFix: {self.rule.remedy}", holder)
        for waiver in config.expired(today):
            if waiver.urn in judged:
                report(f"{_name(waiver.urn)}: {waiver.over}; {RENEWED}", waiver.urn)

    def _unknown(self, verdict: Verdict, report: ReportViolation, *, silent: bool) -> None:
        if not verdict.unknown or silent:
            return
        if pulumi.runtime.is_dry_run():
            raise NotJudged(verdict.unknown)
        for urn, path in sorted({(it.urn, it.path) for it in verdict.unknown}):
            said = f"{_name(urn)}: {path} is not known even at the update, so it cannot be judged"
            report(said, urn.partition(INSIDE)[0])


class _TwicePolicy(ResourceValidationPolicy, StackValidationPolicy):
    """Judges each resource before it is created, and the whole stack: one policy, one name, one config."""

    def __init__(self, run: _Run, about: Mapping[str, Any]) -> None:
        # The __init__ of each base would call the other's where it means Policy's.
        Policy.__init__(self, **about)
        self._run = run

    def has_validation(self) -> bool:
        return True

    def has_remediation(self) -> bool:
        return False

    def validate(self, args: Any, report_violation: ReportViolation) -> None:
        if isinstance(args, StackValidationArgs):
            self._run.stack(args, report_violation)
        else:
            self._run.resource(cast("ResourceValidationArgs", args), report_violation)


def _name(urn: str) -> str:
    """The name and type of a resource, from its URN; with what is inside it, if that is meant."""
    whole, _, inside = urn.partition(INSIDE)
    parts = whole.split("::")
    named = f"{parts[-1]} ({parts[2].rpartition('$')[2]})" if len(parts) >= 4 else whole
    return f"{named}{INSIDE}{inside}" if inside else named
