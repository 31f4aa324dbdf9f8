"""Whether a principal's policies allow exactly what is intended: nothing more, and all of it, for every request.

An intention is not written as a policy, so that a mistake about policies is not made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import z3

from .asking import Found, ask
from .evaluation import Holder, allowed
from .patterns import SOMETHING, beginning, equals, is_wild
from .request import Request, Variables
from .three import known


@dataclass(frozen=True)
class Needs:
    """What a request's context has to be like."""

    key: str
    how: Literal["is", "begins", "not", "at most"]
    """`is`: present, and each of its values is one of these; `begins`: or begins with one; `not`: absent, or none of
    these; `at most`: absent, or a number that is not greater."""
    values: tuple[str, ...]


@dataclass(frozen=True)
class Intended:
    """Requests that are to be allowed: each of these actions, on each of these resources, in this context. Every other
    condition key is free."""

    why: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """Exact ARNs."""
    below: tuple[str, ...] = ()
    """Beginnings of ARNs. With neither, on everything."""
    needs: tuple[Needs, ...] = ()


@dataclass(frozen=True)
class Difference:
    """A request on which the policies and the intention differ, or why that is not known."""

    kind: Literal["allowed, not intended", "intended, not allowed", "not decided"]
    found: Found
    why: str = ""
    """The intention that is not allowed."""

    def __str__(self) -> str:
        shown = "; ".join(str(it) for it in self.found.requests) or "; ".join(self.found.why)
        return f"{self.kind}{f' ({self.why})' if self.why else ''}: {shown}"


def differences(holder: Holder, intended: Sequence[Intended]) -> list[Difference]:
    """Where a principal's policies differ from the intention; empty if they are the same for every request.

    One request is shown for each action that is allowed too widely, and for each intention that is not allowed.
    """
    named = {it for d in holder.every_document for s in d.statements for it in s.actions or () if not is_wild(it)}
    found = list(exceeding(holder, intended, {*named, *(action for it in intended for action in it.actions)}))
    looks = _looks(intended)
    for it in intended:
        for request in (_request(holder, looks, action.lower()) for action in it.actions):
            less = ask(holder, [request], ~allowed(holder, request) & known(_covers(it, request)))
            if less.verdict != "no":
                kind = "intended, not allowed" if less.verdict == "yes" else "not decided"
                found.append(Difference(kind, less, it.why))
    return found


def exceeding(
    holder: Holder, intended: Sequence[Intended], actions: Iterable[str], *, others: bool = True
) -> Iterator[Difference]:
    """What a principal's policies allow of these actions, and with `others` of all others, that is not intended: one
    request for each action, and one of all others."""
    named, looks = sorted({it.lower() for it in actions}), _looks(intended)
    # The actions that somebody names, one after the other, and all others together: small questions have fast answers.
    last = [_request(holder, looks, other_than=named)] if others else []
    for request in (*(_request(holder, looks, it) for it in named), *last):
        meant = z3.Or([_covers(it, request) for it in intended])
        more = ask(holder, [request], allowed(holder, request) & known(z3.Not(meant)))
        if more.verdict != "no":
            yield Difference("allowed, not intended" if more.verdict == "yes" else "not decided", more)


def _looks(intended: Sequence[Intended]) -> list[str]:
    return [need.key.lower() for it in intended for need in it.needs]


def _request(
    holder: Holder, looks: Iterable[str], action: str = "", *, other_than: Iterable[str] = frozenset()
) -> Request:
    """Any request with an action, or with any other than some."""
    variables = Variables(holder.every_document, fixed=holder.fixed, looks=looks)
    resource = z3.String("resource")
    if action:
        return Request("request", action, resource, variables, (z3.InRe(resource, SOMETHING),))
    anything, never = z3.String("action"), frozenset(other_than)
    shape = (z3.InRe(anything, _ACTION), z3.InRe(resource, SOMETHING), *(z3.Not(equals(anything, it)) for it in never))
    return Request("request", anything, resource, variables, shape, never)


def _covers(intended: Intended, request: Request) -> Any:
    if isinstance(request.action, str) and request.action not in {it.lower() for it in intended.actions}:
        return z3.BoolVal(False)
    resources: Iterable[Any] = (
        *(equals(request.resource, it) for it in intended.resources),
        *(z3.InRe(request.resource, beginning(it)) for it in intended.below),
    )
    return z3.And(
        z3.Or([request.has_action(it.lower()) for it in intended.actions]),
        z3.Or(list(resources)) if intended.resources or intended.below else True,
        *(_met(it, request) for it in intended.needs),
    )


def _met(need: Needs, request: Request) -> Any:
    key = request.key(need.key.lower())
    if need.how == "at most":
        return z3.Or(z3.Not(key.present), key.number <= z3.RealVal(need.values[0]))
    begins = need.how == "begins"
    among = [
        z3.Or([z3.InRe(value, beginning(it)) if begins else equals(value, it) for it in need.values])
        for value in key.values
    ]
    if need.how == "not":
        return z3.And([z3.Not(z3.And(used, it)) for used, it in zip(key.used, among, strict=True)])
    # With several values, each of them.
    return z3.And(key.present, *(z3.Or(z3.Not(used), it) for used, it in zip(key.used, among, strict=True)))


_LETTERS: Final = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"))
_ACTION: Final = z3.Concat(z3.Plus(z3.Union(_LETTERS, z3.Re("-"))), z3.Re(":"), z3.Plus(_LETTERS))
"""SERVICE:NAME, in lower case."""
