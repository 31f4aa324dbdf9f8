"""Who controls a launcher: a principal that may change its code, its permissions or its trust has all that it has.

Also the two ways in which a principal takes permissions that nobody gave it: to change its own, and to become a role
that has more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .config import DEPLOYERS
from .documents import Unreadable, is_pattern, matches
from .functions import launchers
from .granted import ASSUME_ROLE, FUNCTIONS, RIGHTS, administrates, covers_any, everything, granted, rewrites
from .passed import ROLES, role_arns
from .principals import (
    GRANTING,
    ROLE,
    Held,
    Principal,
    declared,
    documents,
    granting,
    holder,
    principals,
    trust,
)
from .rule import CRITICAL, HIGH, MANDATORY, Finding, Limits, Scope, rule
from .stack import Resource, Stack, Unknown

_CODE: Final = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
"""Actions that decide which code runs: the configuration names layers, a handler, and what the launcher launches."""
_ROLE: Final = ("iam:AttachRolePolicy", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy")
_POLICY: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
LAMBDA: Final = "lambda.amazonaws.com"


@dataclass(frozen=True)
class _Control:
    """A permission to change something that a launcher consists of."""

    by: Principal
    held: Held
    action: str
    on: str

    def reaches(self, arn: Any) -> bool:
        """Whether it covers a resource; a function also by one of its versions or aliases."""
        return self.on == "NotResource" or (
            isinstance(arn, str) and (matches(self.on, arn) or self.on.startswith(f"{arn}:"))
        )


def _controls(stack: Stack) -> dict[str, list[_Control]]:
    """What the principals of a stack may change: action → each permission."""
    found: dict[str, list[_Control]] = {it: [] for it in (*_CODE, *_ROLE, *_POLICY)}
    for it in stack.once(principals):
        for held in it.held:
            for statement in held.document.statements:
                for table in (FUNCTIONS, RIGHTS):
                    for action, reached in granted(statement, table):
                        for on in reached if action in found else ():
                            found[action].append(_Control(it, held, action, on))
    return found


@rule(
    "launcher-controlled",
    says="Only a declared deployer may change a launcher: its code, its permissions, or who may become it.",
    why="A principal that may do so can run any container as any role that the launcher may pass, whatever the "
    "launcher's own policy says.",
    remedy="take the action away, or allow it on functions and roles other than the launcher's. If it is the role that "
    "deploys, name it in the rule's `deployers`. A launcher's role trusts lambda.amazonaws.com alone",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=launchers,
    limits=(DEPLOYERS,),
)
def controlled(it: Resource, stack: Stack, limits: Limits) -> Iterator[Finding]:
    controls = stack.once(_controls)
    role = stack.meant(it, "role", ROLE)
    # A launcher is a function with a role of the stack.
    who = holder(stack, role) if role is not None else None
    for actions, arns in (
        (_CODE, [it.known("arn")]),
        (_ROLE, [role.known("arn")] if role is not None else []),
        (_POLICY, sorted(who.policies) if who is not None else []),
    ):
        found = [one for action in actions for one in controls[action] if not _deploys(one.by, limits)]
        if found and any(arn is None for arn in arns):
            raise Unknown(it.urn, "arn")
        for one in found:
            reached = [arn for arn in arns if one.reaches(arn)]
            if reached:
                yield Finding(
                    f"{one.held.what} lets {one.by.resource.name} change the launcher {it.name}: {one.action} on "
                    f"{', '.join(reached)}",
                    one.held.urn,
                )
    if role is not None:
        others = sorted({name for _, name in _trusted(role)} - {LAMBDA})
        if others:
            yield Finding(f"the role of the launcher {it.name} can be assumed by {', '.join(others)} too", role.urn)


def _deploys(it: Principal, limits: Limits) -> bool:
    return declared(it.resource, limits["deployers"]) or it.outside in limits["deployers"]


def _trusted(role: Resource) -> Iterator[tuple[str, str]]:
    try:
        document = trust(role)
    except Unreadable:
        # Another rule reports it.
        return
    for statement in document.statements:
        if statement.allows:
            yield from statement.principals
            if statement.not_principal:
                yield "AWS", "*"


@rule(
    "no-own-permissions",
    says="No role, user or group may change its own permissions.",
    why="What it may do is then what it decides, an administrator's permissions included.",
    remedy="take its own ARN, and patterns that match it, out of the statement; permissions are the deployment's to "
    "change. If it is the role that deploys, name it in the rule's `deployers`",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: stack.once(principals),
    limits=(DEPLOYERS,),
)
def no_own_permissions(it: Principal, _stack: Stack, limits: Limits) -> Iterator[Finding]:
    for held in [] if _deploys(it, limits) else it.held:
        found = rewrites(it, held)
        if found:
            yield Finding(f"{held.what} lets {it.resource.name} do {found}", held.urn)


@rule(
    "assume-named-roles",
    says="sts:AssumeRole is allowed on named roles only, and on none that has administrator permissions.",
    why="A pattern covers every role that trusts the account, also those that another team creates later.",
    remedy="name the roles by their ARNs; where roles of many accounts have one name, write arn:aws:iam::*:role/NAME",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: [*granting(stack), *(stack.once(principals) if stack.whole else ())],
    kinds=GRANTING,
    scope=Scope.BOTH,
)
def assume_named_roles(it: Principal | Resource, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    if isinstance(it, Resource):
        for held in documents(it):
            for on in _assumed(held):
                if on == "NotResource" or covers_any(on, ASSUME_ROLE):
                    yield Finding(f"{held.what} allows sts:AssumeRole on {on}")
        return
    for held in it.held:
        for on in _assumed(held):
            for arn, role in stack.once(role_arns).items():
                if covers_any(on, ASSUME_ROLE) or role is it.resource or not matches(on, arn):
                    continue
                grant = administrates(holder(stack, role)) if _may_assume(it, role) else ""
                if grant:
                    how = f"on {on}, which covers {role.name}" if is_pattern(on) else f"on {role.name}"
                    yield Finding(f"{held.what} allows sts:AssumeRole {how}, which {grant}", held.urn)


def _assumed(held: Held) -> Iterator[str]:
    """The resources on which a document allows assuming roles."""
    for statement in held.document.allowing(ASSUME_ROLE):
        if not everything(statement):
            yield from statement.reaching(ROLES)


def _may_assume(it: Principal, role: Resource) -> bool:
    """Whether a role trusts a principal, by its ARN, its account or everyone."""
    own = it.resource.known("arn")
    for kind, name in _trusted(role):
        if kind == "AWS" and (name == "*" or name.endswith(":root") or name.isdigit() or own is None or name == own):
            return True
    return False
