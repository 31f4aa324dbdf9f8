"""The principals of a stack, as the rules read it, for the solver.

A policy of AWS's grants what managed.py has of it. A policy of which only the ARN is known may allow
everything; so may those that a principal outside the stack has besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from fargate_job_launcher.policies.documents import Document, Unreadable
from fargate_job_launcher.policies.launched import FUNCTION
from fargate_job_launcher.policies.managed import known, whole
from fargate_job_launcher.policies.principals import (
    BEARERS,
    POLICY,
    ROLE,
    Principal,
    attached_arns,
    documents,
    principals,
    trust,
    unreadable,
)
from fargate_job_launcher.policies.stack import Resource, Stack, Unknown

from .evaluation import Holder
from .question import World

UNKNOWN_ACCOUNT = "arn:aws:iam::000000000000"


def holders(stack: Stack) -> list[Holder]:
    """Each principal to which a stack gives permissions. An ARN that nobody knows yet has the account 000000000000."""
    return [_holder(it, stack) for it in principals(stack)]


def world(stack: Stack) -> World:
    """The roles of a stack, and the functions that run with them."""
    roles = tuple(_holder(it, stack) for it in principals(stack) if it.resource.kind == ROLE)
    functions = ((it.known("arn"), it.known("role")) for it in stack.of(FUNCTION))
    return World(roles, {arn: role for arn, role in functions if isinstance(arn, str) and isinstance(role, str)})


def _holder(it: Principal, stack: Stack) -> Holder:
    own = it.resource
    unread = [f"{one.path} of {one.urn}" for one in it.unknown]
    for bearer in _bearers(own, stack):
        unread += [f"{what} of {bearer.urn}, which {why}" for what, why in _unreadable(bearer)]
        for arn in _attached(bearer):
            policy = stack.named(POLICY, arn)
            if policy is not None:
                unread += [f"{what} of {policy.urn}, which {why}" for what, why in _unreadable(policy)]
            elif not whole(arn):
                unread.append(arn)
    unread += [f"the group {name}" for name in it.groups_outside]
    limits: list[tuple[Document, ...]] = []
    trusts: Document | None = None
    if own.kind == ROLE:
        try:
            trusts = trust(own)
        except (Unknown, Unreadable):
            trusts = None
    elif own.kind in BEARERS:
        unread.append("policies outside the stack")
    boundary = own.known("permissionsBoundary")
    if isinstance(boundary, str):
        limits = [_boundary(boundary, stack)]
        unread += [] if limits[0] else [f"the permissions boundary {boundary}"]
        limits = limits if limits[0] else []
    return Holder(_arn(it), tuple(held.document for held in it.held), tuple(limits), tuple(unread), trusts)


def _arn(it: Principal) -> str:
    arn = it.resource.known("arn")
    if isinstance(arn, str) and arn.startswith("arn:") and not it.outside:
        return arn
    kind = it.word if it.word in ("user", "group") else "role"
    return it.outside if it.outside.startswith("arn:") else f"{UNKNOWN_ACCOUNT}:{kind}/{it.outside or it.resource.name}"


def _boundary(arn: str, stack: Stack) -> tuple[Document, ...]:
    policy = stack.named(POLICY, arn)
    if policy is not None:
        return tuple(it.document for it in documents(policy))
    read = known(arn)
    return () if read is None else (read,)


def _bearers(holder: Resource, stack: Stack) -> Iterator[Resource]:
    """The resources that give a principal its permissions; itself among them."""
    own = {holder.known("name"), holder.known("id"), holder.known("arn"), holder.name} - {None}
    for it in stack.of(*BEARERS):
        named = [it.known(prop) for prop in ("role", "roleName", "user", "userName", "group", "groupName")]
        for prop in ("roles", "users", "groups"):
            named += cast("list[Any]", it.known(prop) or [])
        if it is holder or any(isinstance(one, str) and one in own for one in named):
            yield it


def _unreadable(bearer: Resource) -> list[tuple[str, str]]:
    try:
        return list(unreadable(bearer))
    except Unknown:
        # It is among what is not known of the principal.
        return []


def _attached(bearer: Resource) -> list[str]:
    """ARNs of the policies that a resource attaches."""
    try:
        return list(attached_arns(bearer))
    except Unknown as unknown:
        return [f"{unknown.path} of {unknown.urn}"]
