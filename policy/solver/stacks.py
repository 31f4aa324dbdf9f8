"""The principals of a stack, as the rules read it, for the solver.

A policy of AWS's grants what managed.py has of it. A policy of which only the ARN is known may allow
everything; so may those that a principal outside the stack has besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from fargate_job_launcher.policies.documents import Document, Unreadable
from fargate_job_launcher.policies.managed import known
from fargate_job_launcher.policies.principals import (
    BEARERS,
    POLICY,
    ROLE,
    Principal,
    attached_arns,
    documents,
    principals,
    trust,
)
from fargate_job_launcher.policies.stack import Resource, Stack, Unknown

from .evaluation import Holder
from .question import World

_FUNCTION = "aws:lambda/function:Function"


def holders(stack: Stack) -> dict[str, Holder]:
    """Each principal to which a stack gives permissions, by its name in the program."""
    return {it.resource.name: _holder(it, stack) for it in principals(stack)}


def world(stack: Stack) -> World:
    """The roles of a stack, and the functions that run with them."""
    roles = tuple(_holder(it, stack) for it in principals(stack) if it.resource.kind == ROLE)
    functions = ((it.known("arn"), it.known("role")) for it in stack.of(_FUNCTION))
    return World(roles, {arn: role for arn, role in functions if isinstance(arn, str) and isinstance(role, str)})


def _holder(it: Principal, stack: Stack) -> Holder:
    own = it.resource
    unread = [f"{one.path} of {one.urn}" for one in it.unknown]
    unread += [arn for arn in _attached(own, stack) if known(arn) is None and stack.named(POLICY, arn) is None]
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
    arn = own.known("arn")
    name = arn if isinstance(arn, str) and arn.startswith("arn:") else f"arn:aws:iam::000000000000:role/{own.name}"
    return Holder(name, tuple(held.document for held in it.held), tuple(limits), tuple(unread), trusts)


def _boundary(arn: str, stack: Stack) -> tuple[Document, ...]:
    policy = stack.named(POLICY, arn)
    if policy is not None:
        return tuple(it.document for it in documents(policy))
    read = known(arn)
    return () if read is None else (read,)


def _attached(holder: Resource, stack: Stack) -> Iterator[str]:
    """ARNs of the policies that the stack attaches to a principal."""
    for it in stack.of(*BEARERS):
        named = [it.known(prop) for prop in ("role", "roleName", "user", "userName", "group", "groupName")]
        for prop in ("roles", "users", "groups"):
            named += cast("list[Any]", it.known(prop) or [])
        own = {holder.known("name"), holder.known("id"), holder.known("arn"), holder.name} - {None}
        if it is holder or any(isinstance(one, str) and one in own for one in named):
            try:
                yield from attached_arns(it)
            except Unknown as unknown:
                yield f"{unknown.path} of {unknown.urn}"
