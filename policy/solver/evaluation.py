"""IAM's evaluation: the policies of a principal, and whether they allow a request.

A Deny anywhere decides. Otherwise an Allow is needed in the principal's policies, and one in each limit: a permissions
boundary, a session's policies, each level of service control policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import z3
from fargate_job_launcher.policies.documents import Document, Statement, read
from fargate_job_launcher.policies.principals import account

from .conditions import holds
from .patterns import crosses, equals, has_variable, is_wild, unescaped, wildcard
from .request import Request
from .three import FALSE, TRUE, Three, every, known, some, unknown

_WITH_VARIABLES: Final = "2012-10-17"


@dataclass(frozen=True)
class Holder:
    """A principal, and all that decides what it may do."""

    arn: str
    documents: tuple[Document, ...]
    limits: tuple[tuple[Document, ...], ...] = ()
    """A permissions boundary and the like: each has to allow too, and denies by itself."""
    unread: tuple[str, ...] = ()
    """What else it holds, whose text is not known: it may allow and deny everything."""
    trust: Document | None = None
    """Who may assume it, if it is a role and its trust policy is known."""

    @staticmethod
    def of(
        arn: str,
        *documents: str | Mapping[str, Any],
        boundary: str | Mapping[str, Any] | None = None,
        limits: Iterable[Iterable[str | Mapping[str, Any]]] = (),
        unread: Iterable[str] = (),
        trust: str | Mapping[str, Any] | None = None,
    ) -> Holder:
        """From policies, as JSON or as objects.

        `arn` is the role's or user's own. `boundary` is its permissions boundary; each of `limits` is one more set of
        policies of which one has to allow: a session's, or one level of service control policies. `unread` names
        policies that it has and whose text is not at hand. Raises Unreadable for what is not a policy.
        """
        bounds = [[boundary]] if boundary is not None else []
        return Holder(
            arn,
            tuple(read(it) for it in documents),
            tuple(tuple(read(it) for it in limit) for limit in (*bounds, *limits)),
            tuple(unread),
            None if trust is None else read(trust),
        )

    @property
    def account(self) -> str:
        """The account of its ARN; empty if that has none."""
        return account(self.arn)

    @property
    def every_document(self) -> list[Document]:
        """Those of its limits too."""
        return [*self.documents, *(it for limit in self.limits for it in limit)]

    def names(self, action: str) -> bool:
        """Whether an Allow is about this action, on whatever resource: without one, nothing else need be asked."""
        return bool(self.unread) or any(True for it in self.documents for _ in it.allowing(action))

    @property
    def fixed(self) -> dict[str, str | None]:
        """The condition keys that its ARN decides, with their values; None for one that no request of it has."""
        made: dict[str, str | None] = {"aws:PrincipalArn": self.arn}
        parts = self.arn.split(":")
        if len(parts) > 5:
            made["aws:PrincipalAccount"] = parts[4]
            kind, _, name = parts[5].partition("/")
            if kind in ("role", "user"):
                made["aws:PrincipalIsAWSService"] = "false"
            if kind == "role":
                made |= {"aws:username": None, "aws:PrincipalType": "AssumedRole"}
            elif kind == "user":
                made |= {"aws:username": name.rpartition("/")[2], "aws:PrincipalType": "User"}
        return made


def allowed(holder: Holder, request: Request) -> Three:
    """Whether a principal's policies allow a request."""
    return identity_allows(holder, request) & within_limits(holder, request) & ~denied(holder, request)


def identity_allows(holder: Holder, request: Request) -> Three:
    """Whether a policy of the principal itself has an Allow."""
    return some([_allows(holder.documents, request), *_unread(holder)])


def within_limits(holder: Holder, request: Request) -> Three:
    """Whether each of its limits has an Allow."""
    return every(_allows(limit, request) for limit in holder.limits)


def denied(holder: Holder, request: Request) -> Three:
    """Whether any policy has a Deny."""
    denials = (applies(it, request, d) for d in holder.every_document for it in d.statements if not it.allows)
    return some([*denials, *_unread(holder)])


def _unread(holder: Holder) -> Iterator[Three]:
    return (unknown(f"{holder.arn} has {it}, whose text is not known") for it in holder.unread)


def _allows(documents: Iterable[Document], request: Request) -> Three:
    return some(applies(it, request, d) for d in documents for it in d.statements if it.allows)


def applies(statement: Statement, request: Request, document: Document) -> Three:
    """Whether a statement is about a request. Who is meant by a statement of a resource's policy is not asked here."""
    covered = _action(statement, request)
    if covered is FALSE:
        return FALSE
    if document.version != _WITH_VARIABLES and any("${" in it for it in _texts(statement)):
        return covered & unknown(f"a policy variable in a policy whose Version is {document.version or 'not given'}")
    return every([covered, _resource(statement, request), *(holds(it, request) for it in statement.conditions)])


def _texts(statement: Statement) -> Iterator[str]:
    yield from (*(statement.resources or ()), *(statement.not_resources or ()))
    yield from (value for it in statement.conditions for value in it.values)


def _action(statement: Statement, request: Request) -> Three:
    if isinstance(request.action, str):
        return TRUE if statement.covers(request.action) else FALSE
    patterns = statement.actions if statement.actions is not None else statement.not_actions or ()
    named = [it for it in patterns if is_wild(it) or it not in request.never]
    if not named:
        return FALSE if statement.actions is not None else TRUE
    found = known(z3.Or([_fits(it, request.action) for it in named]))
    return found if statement.actions is not None else ~found


def _fits(pattern: str, text: Any) -> Any:
    return z3.InRe(text, wildcard(pattern)) if is_wild(pattern) else equals(text, pattern)


def _resource(statement: Statement, request: Request) -> Three:
    if statement.resources is None and statement.not_resources is None:
        # A trust policy has none; IAM refuses any other policy without.
        return TRUE if statement.principals or statement.not_principal else unknown("a statement without Resource")
    if statement.resources is not None:
        return some(_names(it, request.resource) for it in statement.resources)
    return ~some(_names(it, request.resource) for it in statement.not_resources or ())


def _names(pattern: str, resource: Any) -> Three:
    """Whether a pattern of a Resource element matches a resource."""
    if pattern == "*":
        return TRUE
    if has_variable(pattern):
        return unknown(f"the policy variable in {pattern}")
    if not is_wild(pattern):
        return known(equals(resource, unescaped(pattern)))
    loose = z3.InRe(resource, wildcard(pattern))
    if not crosses(pattern):
        return known(loose)
    why = f"{pattern}: AWS does not say whether a * inside a part of an ARN matches a colon"
    return Three(loose, z3.InRe(resource, wildcard(pattern, within_parts=True)), frozenset([why]))
