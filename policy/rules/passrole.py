"""iam:PassRole: which roles may be passed, to which service, and with which other actions. No rule here can be waived.

A principal that may pass a role to ECS can run a container as that role. Each rule here closes one of the published
ways from there to an administrator: https://pathfinding.cloud/paths/?services=ecs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .config import BOUNDARIES
from .documents import Document, Statement, Unreadable, is_pattern, matches
from .granted import administrates
from .passed import PASS_ROLE, ROLES, passed
from .principals import GRANTING, Principal, bounding, documents, granting, principals, trust
from .rule import CRITICAL, HIGH, MANDATORY, Finding, Limits, Scope, rule
from .stack import Resource, Stack

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
_ALWAYS: Final = (MANDATORY, MANDATORY)


@rule(
    "passrole-named-roles",
    says="iam:PassRole is allowed on named roles only.",
    why="With PassRole on a pattern, its holder can run a container as any role that matches the pattern and trusts "
    "ECS, an administrator role included.",
    remedy="grant iam:PassRole by itself, on the ARNs of the task's execution role and task role and nothing else "
    "(FargateJobLauncher computes that policy): Action iam:PassRole, Resource [execution_role.arn, task_role.arn], "
    "Condition StringEquals iam:PassedToService ecs-tasks.amazonaws.com",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=granting,
    kinds=GRANTING,
    scope=Scope.PARTS,
    limits=(BOUNDARIES,),
    waivable=False,
    beside=(
        "checkov CKV_AWS_289, CKV_AWS_290, CKV_AWS_355 (only `*`)",
        "cdk-nag AwsSolutions-IAM5 (partly)",
        "Security Hub IAM.1, IAM.21 (partly)",
    ),
)
def named_roles(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for held in [] if bounding(it, stack, limits["boundaries"]) else documents(it):
        for statement in held.document.allowing(PASS_ROLE):
            wide = [pattern for pattern in statement.reaching(ROLES) if is_pattern(pattern) or pattern == "NotResource"]
            if wide:
                yield f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} on {', '.join(wide)}"


@rule(
    "passrole-service",
    says="iam:PassRole is allowed for one exactly named service only.",
    why="Without iam:PassedToService, or with a condition that a pattern or a missing key satisfies, the role can be "
    "passed to any service that it trusts.",
    remedy='add "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}} to the statement; '
    "no wildcard, no IfExists, no ForAllValues",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=granting,
    kinds=GRANTING,
    scope=Scope.PARTS,
    limits=(BOUNDARIES,),
    waivable=False,
)
def exact_service(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for held in [] if bounding(it, stack, limits["boundaries"]) else documents(it):
        for statement in held.document.allowing(PASS_ROLE):
            services = set(statement.pinned("iam:PassedToService"))
            if statement.reaching(ROLES) and len(services) > 1:
                yield (
                    f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} to "
                    f"{', '.join(sorted(services))}; name one service"
                )
            elif statement.reaching(ROLES) and not services:
                tried = [c for c in statement.conditions if c.key == "iam:passedtoservice"]
                how = f"with {_written(tried[0])}, which does not restrict it to one value" if tried else "without it"
                yield (
                    f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} without an exact "
                    f"iam:PassedToService ({how})"
                )


@rule(
    "passrole-no-administrator",
    says="No role that may be passed has administrator permissions.",
    why="A principal that may pass a role has its permissions: the principal that launches the container chooses its "
    "command.",
    remedy="give the passed role only what the job needs, or take it out of the PassRole statement",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=lambda stack: stack.once(principals),
    waivable=False,
    beside=("Security Hub IAM.1 (partly)", "checkov CKV_AWS_274 (partly)"),
)
def no_administrator(it: Principal, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    for held, role, _ in passed(it, stack):
        grant = administrates(role)
        if grant:
            yield Finding(f"{held.what} lets {it.resource.name} pass {role.resource.name}, which {grant}", held.urn)


@rule(
    "passrole-trust",
    says="A role that may be passed trusts only the service to which it is passed.",
    why="If the role trusts other principals too, they can assume it, with all permissions of the job.",
    remedy="make ecs-tasks.amazonaws.com the only principal of the passed role's trust policy; give others a role of "
    "their own",
    severity=HIGH,
    levels=_ALWAYS,
    on=lambda stack: stack.once(principals),
    waivable=False,
)
def trusts_only_service(it: Principal, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    # Another rule refuses patterns; the roles that match one add nothing.
    for held, role, passed_to in passed(it, stack, patterns=False):
        trusts = set(_trusted(role.resource))
        if len(set(passed_to)) != 1 and len(trusts) == 1 and all(".amazonaws." in it for it in trusts):
            # Another rule refuses that no service, or several, are named: whichever it is, no other can have the role.
            continue
        service = passed_to[0] if len(set(passed_to)) == 1 else TASKS_SERVICE
        others = sorted(trusts - {service})
        if others:
            too = " too" if service in trusts else f", and not {service}, to which it is passed"
            yield Finding(f"{held.what} passes {role.resource.name}, which trusts {', '.join(others)}{too}", held.urn)


def _trusted(role: Resource) -> Iterator[str]:
    try:
        document: Document = trust(role)
    except Unreadable:
        return
    for statement in document.statements:
        if statement.allows:
            yield from (name for _, name in statement.principals)
            if statement.not_principal:
                yield "everyone but some"


def _sid(sid: str) -> str:
    return f" ({sid})" if sid else ""


def _through(statement: Statement) -> str:
    """The wider action through which iam:PassRole is allowed; empty if it is named itself."""
    if statement.actions is None:
        return " (through NotAction)"
    named = [it for it in statement.actions if it == PASS_ROLE.lower()]
    wider = [it for it in statement.actions if it != PASS_ROLE.lower() and matches(it, PASS_ROLE.lower())]
    return "" if named or not wider else f" (through {wider[0]})"


def _written(condition: Any) -> str:
    prefix = {"all": "ForAllValues:", "any": "ForAnyValue:"}.get(condition.quantifier, "")
    suffix = "IfExists" if condition.if_exists else ""
    return f"{prefix}{condition.operator}{suffix} {', '.join(condition.values)}"
