"""A stack judged by the rules as Pulumi runs them: each resource by its inputs, then the whole stack by its outputs."""

from __future__ import annotations

import contextvars
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from fargate_job_launcher.policies import RULES, Environment, Rule
from fargate_job_launcher.policies.stack import Resource
from pulumi_policy import (
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from tools.recording import Recording

TODAY: Final = datetime.date(2026, 11, 24)
NOT_KNOWN: Final = UNKNOWN_STRING_VALUE
"""Pulumi's mark for a value that a preview does not know yet."""
_OPTIONS: Final = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


@dataclass(frozen=True)
class Thing:
    """A resource of a stack that is judged."""

    kind: str
    name: str
    props: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Outputs that the provider adds."""
    computed_from: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Property → names of the resources from which its value is computed."""

    @property
    def urn(self) -> str:
        """As Pulumi writes it."""
        return f"urn:pulumi:prod::other::{self.kind}::{self.name}"


@dataclass
class Judged:
    """The result of judging a stack."""

    violations: dict[str, list[tuple[str, str]]] = field(default_factory=dict[str, list[tuple[str, str]]])
    """Rule → (message, URN)."""
    not_judged: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Rule → what the advisory of a preview says."""

    @property
    def rules(self) -> set[str]:
        """The rules with a violation."""
        return set(self.violations)

    def messages(self, rule: str) -> list[str]:
        """The messages of a rule."""
        return [message for message, _ in self.violations.get(rule, [])]


def judge(
    stack: Iterable[Thing],
    *,
    rules: Iterable[Rule] = RULES,
    environment: Environment = "prod",
    config: Mapping[str, Mapping[str, Any]] | None = None,
    preview: bool = False,
    known_roles: tuple[Resource, ...] = (),
) -> Judged:
    """Judge a stack by rules, without regard to their severities."""
    things, judged = list(stack), Judged()

    def ask() -> None:
        # As the analyzer of pulumi-policy does before it runs a policy.
        pulumi.runtime.configure(pulumi.runtime.Settings(project="other", stack="prod", dry_run=preview))
        for rule in rules:
            policy = rule.policy(environment=environment, known_roles=known_roles, today=lambda: TODAY)
            _ask(policy, things, (config or {}).get(rule.id, {}), judged)

    # Pulumi keeps its settings in context variables: a separate context has its own settings.
    contextvars.Context().run(ask)
    return judged


def _ask(policy: Policy, things: list[Thing], config: Mapping[str, Any], judged: Judged) -> None:
    for ask in _questions(policy, things, config):

        def report(message: str, urn: str | None = None) -> None:
            judged.violations.setdefault(policy.name, []).append((message, urn or ""))

        try:
            ask(report)
        except UnknownValueError as unknown:
            judged.not_judged.setdefault(policy.name, []).append(unknown.message)


def _questions(policy: Policy, things: list[Thing], config: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(policy, ResourceValidationPolicy):
        for it in things:
            args = ResourceValidationArgs(
                it.kind, unknown_checking_proxy(dict(it.props)), it.urn, it.name, _OPTIONS, None, config
            )
            yield lambda report, args=args: policy.validate(args, report)
    if isinstance(policy, StackValidationPolicy):
        yield lambda report: policy.validate(StackValidationArgs(resources(things), config), report)


def resources(things: list[Thing]) -> list[PolicyResource]:
    """A stack as the policy SDK hands it to a rule: with outputs, and what each property was computed from."""
    made = {
        it.name + it.kind: PolicyResource(
            it.kind,
            unknown_checking_proxy({**it.props, **it.outputs}),
            it.urn,
            it.name,
            _OPTIONS,
            None,
            None,
            [],
            {},
        )
        for it in things
    }
    for it in things:
        for prop, names in it.computed_from.items():
            origins = [made[one.name + one.kind] for one in things if one.name in names and one is not it]
            made[it.name + it.kind].property_dependencies[prop] = origins
    return list(made.values())


def things(recording: Recording) -> list[Thing]:
    """Everything that a program registered, ready to be judged."""
    names = {urn: it.name for urn, it in recording.resources.items()}
    return [
        Thing(
            it.kind,
            it.name,
            it.inputs,
            {**it.outputs, **({"id": it.id} if it.id else {})},
            {prop: [names[urn] for urn in urns if urn in names] for prop, urns in it.computed_from.items()},
        )
        for it in recording.resources.values()
    ]
