"""Whether a principal's policies allow exactly what is intended: nothing more, and all of it, for every request.

What is intended is not written as a policy, so that a mistake about policies is not made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import z3

from .asking import Found, ask
from .evaluation import Holder, allowed
from .patterns import string
from .request import Request, Variables
from .three import known


@dataclass(frozen=True)
class Needs:
    """What a request's context has to be like."""

    key: str
    how: Literal["is", "only", "not", "at most"]
    """`is`: present, and one of these; `only`: present, and each of its values is one of these; `not`: absent, or none
    of these; `at most`: absent, or a number that is not greater."""
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

    One request is shown of those that are allowed and not intended, and one of each intention that is not allowed.
    """
    found: list[Difference] = []
    looks = [need.key.lower() for it in intended for need in it.needs]
    request = _any_request(holder, looks)
    meant = z3.Or([_covers(it, request) for it in intended])
    more = ask(holder, [request], allowed(holder, request) & known(z3.Not(meant)))
    if more.verdict != "no":
        found.append(Difference("allowed, not intended" if more.verdict == "yes" else "not decided", more))
    for it in intended:
        request = _any_request(holder, looks)
        less = ask(holder, [request], ~allowed(holder, request) & known(_covers(it, request)))
        if less.verdict != "no":
            found.append(Difference("intended, not allowed" if less.verdict == "yes" else "not decided", less, it.why))
    return found


def _any_request(holder: Holder, looks: Iterable[str]) -> Request:
    variables = Variables(holder.every_document, fixed=holder.fixed, looks=looks)
    action, resource = z3.String("action"), z3.String("resource")
    return Request("request", action, resource, variables, (z3.InRe(action, _ACTION), resource != string("")))


def _covers(intended: Intended, request: Request) -> Any:
    resources: Iterable[Any] = (
        *(request.resource == string(it) for it in intended.resources),
        *(z3.PrefixOf(string(it), request.resource) for it in intended.below),
    )
    return z3.And(
        z3.Or([request.action == string(it.lower()) for it in intended.actions]),
        z3.Or(list(resources)) if intended.resources or intended.below else True,
        *(_met(it, request) for it in intended.needs),
    )


def _met(need: Needs, request: Request) -> Any:
    key = request.key(need.key.lower())
    if need.how == "at most":
        return z3.Or(z3.Not(key.present), key.number <= z3.RealVal(need.values[0]))
    among = [z3.Or([value == string(it) for it in need.values]) for value in key.values]
    if need.how == "not":
        return z3.And([z3.Not(z3.And(used, it)) for used, it in zip(key.used, among, strict=True)])
    if need.how == "only":
        return z3.And(key.present, *(z3.Or(z3.Not(used), it) for used, it in zip(key.used, among, strict=True)))
    return z3.And(key.present, among[0])


_LETTERS: Final = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"))
_ACTION: Final = z3.Concat(z3.Plus(z3.Union(_LETTERS, z3.Re("-"))), z3.Re(":"), z3.Plus(_LETTERS))
"""SERVICE:NAME, in lower case."""
