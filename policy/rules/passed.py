"""The roles that a principal may pass: those of the stack, and those outside it. No rule is here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .documents import covers, is_pattern
from .principals import ROLE, Held, Principal, holder
from .stack import UNKNOWN, Resource, Stack, Unknown

PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action, not a password
ROLES: Final = "arn:@:iam::@:role/*"


def may_pass(it: Principal) -> bool:
    """Whether a principal may pass a role."""
    return any(statement.reaching(ROLES) for _, statement in it.allowing(PASS_ROLE))


def passed(it: Principal, stack: Stack, *, patterns: bool = True) -> Iterator[tuple[Held, Principal, tuple[str, ...]]]:
    """The roles of the stack that a principal may pass, and the services to which it may pass them."""
    by_arn = stack.once(role_arns)
    unknown: list[Resource] = []
    for held, statement in it.allowing(PASS_ROLE):
        for pattern in statement.reaching(ROLES):
            arns = [pattern] if pattern in by_arn else [it for it in by_arn if patterns and covers(pattern, it)]
            for arn in arns:
                yield held, holder(stack, by_arn[arn]), statement.pinned("iam:PassedToService")
            if not arns or (patterns and is_pattern(pattern)):
                unknown += [role for role in stack.once(_roles_without_arn) if _may_be(role, pattern)]
    for role in unknown:
        raise Unknown(role.urn, "arn")


def outside(it: Principal, stack: Stack) -> Iterator[tuple[str, tuple[str, ...], None]]:
    """The named roles outside the stack that a principal may pass, and the services to which it may pass them."""
    by_arn = stack.once(role_arns)
    for _, statement in it.allowing(PASS_ROLE):
        for arn in statement.reaching(ROLES):
            new = any(_may_be(role, arn) for role in stack.once(_roles_without_arn))
            if not (arn in by_arn or is_pattern(arn) or arn == "NotResource" or new):
                yield arn, statement.pinned("iam:PassedToService"), None


def role_arns(stack: Stack) -> dict[str, Resource]:
    """The roles of the stack, and the known ones outside it, by their ARN."""
    own = {arn: role for role in stack.of(ROLE) if isinstance(arn := role.known("arn"), str)}
    return {**stack.known_roles, **own}


def _roles_without_arn(stack: Stack) -> list[Resource]:
    return [role for role in stack.of(ROLE) if role.props.get("arn") is UNKNOWN]


def _may_be(role: Resource, pattern: str) -> bool:
    """Whether a pattern may match a role whose ARN is not known yet."""
    name = role.known("name")
    return name is None or covers(pattern.rpartition("/")[2], name)
