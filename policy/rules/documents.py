"""IAM policy documents, read as IAM reads them: JSON in, statements out. Pure; this file has no rules.

Forms that IAM treats alike give the same result: a string or a list of one, any case of an action or a condition key,
an operator and its Like form without a wildcard, an IfExists together with a Null that requires the key.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

_QUANTIFIERS: Final = {"forallvalues": "all", "foranyvalue": "any"}
_EXACT: Final = {"stringequals", "stringequalsignorecase", "arnequals"}
_LIKE: Final = {"stringlike", "arnlike", "arnequals"}
"""Operators in whose values `*` and `?` are wildcards; ArnEquals behaves as ArnLike does."""
_ELEMENTS: Final = {
    it.lower(): it
    for it in (
        *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"),
        *("Principal", "NotPrincipal", "Condition"),
    )
}


class Unreadable(ValueError):
    """A text that IAM does not accept as a policy document, or that it reads differently from a person."""


@dataclass(frozen=True)
class Condition:
    """One key of a condition block: the request's value of the key is compared with these values."""

    operator: str
    """In lower case, without quantifier and without IfExists: `stringequals`."""
    quantifier: str
    """`all` (ForAllValues: true also when the request has no value), `any` (ForAnyValue) or nothing."""
    if_exists: bool
    """Whether it is true if the request does not have the key."""
    key: str
    """In lower case."""
    values: tuple[str, ...]

    @property
    def holds_without_key(self) -> bool:
        """Whether a request without the key satisfies the condition."""
        return self.if_exists or self.quantifier == "all"


@dataclass(frozen=True)
class Statement:
    """A statement. Actions are patterns in lower case; exactly one of each pair with Not… is not None."""

    sid: str
    allows: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...]
    """(type, id): ("Service", "ecs-tasks.amazonaws.com"), ("AWS", "*")."""
    not_principal: bool
    conditions: tuple[Condition, ...]

    def covers(self, action: str) -> bool:
        """Whether the statement applies to this action."""
        wanted = action.lower()
        if self.actions is not None:
            return any(matches(it, wanted) for it in self.actions)
        return not any(matches(it, wanted) for it in self.not_actions or ())

    def reaching(self, shape: str) -> tuple[str, ...]:
        """Its resources that can match this shape, such as `arn:@:iam::@:role/*`; `NotResource` counts as all."""
        if self.resources is None:
            return () if "*" in (self.not_resources or ()) else ("NotResource",)
        return tuple(it for it in self.resources if can_be(_variables_as_wildcards(it), shape))

    def pinned(self, key: str) -> tuple[str, ...]:
        """The exact values to which a condition restricts this key; empty if the key may have another value or none."""
        wanted = key.lower()
        required = any(
            it.operator == "null"
            and it.key == wanted
            and not it.if_exists
            and {v.lower() for v in it.values} == {"false"}
            for it in self.conditions
        )
        for it in self.conditions:
            if it.key != wanted or it.operator not in _EXACT | _LIKE or not it.values:
                continue
            if it.holds_without_key and not required:
                continue
            if any(is_pattern(value) for value in it.values):
                continue
            return it.values
        return ()

    @property
    def of_everyone(self) -> bool:
        """Whether it is about everyone, as far as no condition says otherwise."""
        return self.not_principal or any(is_pattern(name) for _, name in self.principals)

    @property
    def of_one_owner(self) -> bool:
        """Whether a condition restricts the requests, or the sources of a service's requests, to one account,
        organization or network. What AWS itself takes for not public is:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
        return any(self.limited(key) for key in _OF_ONE_OWNER)

    def limited(self, key: str) -> bool:
        """Whether a condition restricts this key to one account or organization: to exact values, or to a pattern of
        its ARNs or of the organization's paths."""
        return bool(self.pinned(key)) or any(
            it.key == key.lower()
            and it.operator in _LIKE
            and not it.holds_without_key
            and bool(it.values)
            and all(of_one_owner(value) for value in it.values)
            for it in self.conditions
        )


_OF_ONE_OWNER: Final = (
    *("aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:SourceOwner"),
    *("aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"),
    *("aws:SourceVpc", "aws:SourceVpce"),
)
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}/.*")


@dataclass(frozen=True)
class Document:
    """A policy document."""

    statements: tuple[Statement, ...]
    version: str = ""
    """Only in 2012-10-17 does IAM read policy variables, and `${*}`."""

    def allowing(self, action: str) -> Iterator[Statement]:
        """The statements that allow this action on something."""
        return (it for it in self.statements if it.allows and it.covers(action))


def read(given: str | Mapping[str, Any]) -> Document:
    """The document of a policy property: JSON text, or the object itself. Raises Unreadable with the problem."""
    if isinstance(given, str):
        return _read_text(given)
    return _document(given)


@lru_cache(maxsize=16_384)
def _read_text(text: str) -> Document:
    try:
        loaded = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error.msg}, at character {error.pos}") from None
    if not isinstance(loaded, dict):
        raise Unreadable("is JSON, but not an object")
    return _document(cast("dict[str, Any]", loaded))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises Unreadable for a key that appears twice: a reader may see only one of its values."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [key for key, _ in pairs]
        twice = sorted({key for key in names if names.count(key) > 1})
        raise Unreadable(f"has the key {', '.join(map(repr, twice))} twice in one object")
    return made


def _document(loaded: Mapping[str, Any]) -> Document:
    keys = _by_lower(loaded)
    if "statement" not in keys:
        raise Unreadable("has no Statement")
    statements = loaded[keys["statement"]]
    listed = statements if isinstance(statements, Sequence) and not isinstance(statements, str) else [statements]
    version = str(loaded[keys["version"]]) if "version" in keys else ""
    return Document(tuple(_statement(it) for it in cast("Sequence[Any]", listed)), version)


def _by_lower(given: Mapping[str, Any]) -> dict[str, str]:
    """Keys by their name in lower case. Raises Unreadable for two that differ only in case, as for one that appears
    twice."""
    found: dict[str, str] = {}
    for key in given:
        if key.lower() in found:
            raise Unreadable(f"has {found[key.lower()]} and {key}, which are the same element")
        found[key.lower()] = key
    return found


def _statement(given: Any) -> Statement:
    if not isinstance(given, Mapping):
        raise Unreadable("has a Statement that is not an object")
    _by_lower(cast("Mapping[str, Any]", given))
    found: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", given).items():
        name = _ELEMENTS.get(key.lower())
        if name is None:
            raise Unreadable(f"has a statement with {key!r}, which is not an element of a statement")
        found[name] = value
    effect = str(found.get("Effect", "")).lower()
    if effect not in ("allow", "deny"):
        raise Unreadable(f"has a statement whose Effect is {found.get('Effect')!r}; write Allow or Deny")
    if ("Action" in found) == ("NotAction" in found):
        raise Unreadable("has a statement that needs exactly one of Action and NotAction")
    return Statement(
        sid=str(found.get("Sid", "")),
        allows=effect == "allow",
        actions=_patterns(found, "Action"),
        not_actions=_patterns(found, "NotAction"),
        resources=_strings(found, "Resource"),
        not_resources=_strings(found, "NotResource"),
        principals=tuple(_principals(found.get("Principal"))),
        not_principal="NotPrincipal" in found,
        conditions=tuple(_conditions(found.get("Condition") or {})),
    )


def _patterns(found: Mapping[str, Any], element: str) -> tuple[str, ...] | None:
    strings = _strings(found, element)
    return None if strings is None else tuple(it.lower() for it in strings)


def _strings(found: Mapping[str, Any], element: str) -> tuple[str, ...] | None:
    if element not in found:
        return None
    return _listed(found[element], element)


def _listed(value: Any, element: str) -> tuple[str, ...]:
    listed = (
        list(cast("Sequence[Any]", value)) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    )
    if any(not isinstance(it, str | bool | int | float) for it in listed):
        raise Unreadable(f"has a statement whose {element} contains {value!r}; strings are expected")
    return tuple(str(it).lower() if isinstance(it, bool) else str(it) for it in listed)


def _principals(given: Any) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    if isinstance(given, str):
        yield ("AWS", given)
        return
    if not isinstance(given, Mapping):
        raise Unreadable(f"has a statement whose Principal is {given!r}")
    for kind, ids in cast("Mapping[str, Any]", given).items():
        for it in _listed(ids, "Principal"):
            yield (kind, it)


def _conditions(block: Any) -> Iterator[Condition]:
    if not isinstance(block, Mapping):
        raise Unreadable(f"has a statement whose Condition is {block!r}")
    for written, keys in cast("Mapping[str, Any]", block).items():
        quantifier, _, rest = written.lower().rpartition(":")
        if quantifier and quantifier not in _QUANTIFIERS:
            raise Unreadable(f"has the condition operator {written!r}, which IAM does not have")
        if not isinstance(keys, Mapping):
            raise Unreadable(f"has a condition {written} with {keys!r}, which is not an object")
        for key, values in cast("Mapping[str, Any]", keys).items():
            yield Condition(
                operator=rest.removesuffix("ifexists"),
                quantifier=_QUANTIFIERS.get(quantifier, ""),
                if_exists=rest.endswith("ifexists"),
                key=key.lower(),
                values=_listed(values, f"Condition {key}"),
            )


def is_pattern(text: str) -> bool:
    """Whether this can match more than one string: it has a wildcard, or a policy variable that is not an escape.

    `${*}`, `${?}` and `${$}` are the characters themselves.
    """
    bare = re.sub(r"\$\{[*?$]\}", "", text)
    return "*" in bare or "?" in bare or "${" in bare


def of_one_owner(arn: str) -> bool:
    """Whether an ARN, a pattern of ARNs or an organization's path belongs to one account or organization. The
    ARN of an S3 bucket has no account, but its name is unique in the world."""
    if _ORGANIZATION.fullmatch(arn):
        return True
    parts = arn.split(":", 5)
    if len(parts) < 6 or is_pattern(parts[2]):
        return False
    owner = parts[5].split("/")[0] if parts[2] == "s3" else parts[4]
    return bool(owner) and not is_pattern(owner)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of `*` and `?` matches the whole text."""
    return _compiled(pattern).fullmatch(text) is not None


def covers(pattern: str, arn: str) -> bool:
    """Whether a pattern of a Resource element can match an ARN: a policy variable has any value."""
    return matches(_variables_as_wildcards(pattern), arn)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(it) or re.escape(it) for it in pattern), re.DOTALL)


def _variables_as_wildcards(text: str) -> str:
    return re.sub(r"\$\{[^*?$}][^}]*\}", "*", text)


@lru_cache(maxsize=16_384)
def can_be(pattern: str, shape: str) -> bool:
    """Whether a pattern matches some text of a shape: `*` in a shape is any text, `@` any text without a colon."""
    reachable = _past_stars(pattern, {0})
    for character in shape:
        after: set[int] = set()
        for at in reachable:
            if character in "*@":
                end = at
                while end < len(pattern) and (character == "*" or pattern[end] != ":"):
                    end += 1
                after.update(range(at, end + 1))
            elif at < len(pattern) and pattern[at] == "*":
                after.add(at)
            elif at < len(pattern) and pattern[at] in ("?", character):
                after.add(at + 1)
        reachable = _past_stars(pattern, after)
    return len(pattern) in reachable


def _past_stars(pattern: str, at: set[int]) -> set[int]:
    found = set(at)
    for start in at:
        where = start
        while where < len(pattern) and pattern[where] == "*":
            where += 1
            found.add(where)
    return found
