"""A resource that a file declares, in the names of Pulumi's AWS provider, and what of a file is not converted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

NOT_KNOWN: Final = UNKNOWN_STRING_VALUE
"""Pulumi's mark for a value that is not known: the rules then say what they could not judge."""
ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
"""Stand for the account and region of a file that does not name its own, as in AWS's documentation."""


class NotKnown(str):
    """NOT_KNOWN with what it depends on; equal to it, and so read alike."""

    __slots__ = ("because",)
    because: tuple[str, ...]

    def __new__(cls, *because: str) -> NotKnown:
        made = super().__new__(cls, NOT_KNOWN)
        made.because = tuple(dict.fromkeys(because))
        return made


EXPECTED: Final = (
    "an exported stack (pulumi stack export), a CloudFormation template, or a plan (terraform show -json PLAN)"
)


class NotAStack(ValueError):
    """A text that is no exported stack, template or plan; the message says what it is instead."""


@dataclass(frozen=True)
class Declared:
    """A resource that a file declares."""

    kind: str
    """Its type as Pulumi names it: `aws:iam/role:Role`."""
    name: str
    """Its name in the file: a logical id, an address, or Pulumi's name."""
    inputs: Mapping[str, Any]
    """Its properties as Pulumi names them. NOT_KNOWN stands for a value that the file does not tell."""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Properties that AWS or the provider adds, such as `arn`. Those of a template or plan are made up from the name,
    so that two resources that name each other are joined."""
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Property → URNs of the resources from which its value is computed."""
    own_urn: str = ""
    line: int = 0
    """Its line in the file; 0 where a line would tell nobody anything."""

    @property
    def urn(self) -> str:
        """Its URN in the exported stack; for another file one that is formed alike."""
        return self.own_urn or urn(self.kind, self.name)


@dataclass
class Converted:
    """A file, converted."""

    form: str
    """`an exported Pulumi stack`, `a CloudFormation template`, `a Terraform plan`, `a Terraform state`."""
    resources: list[Declared] = field(default_factory=list[Declared])
    left: dict[str, str] = field(default_factory=dict[str, str])
    """What is not converted → why; each is something that no rule judges."""
    otherwise: tuple[Converted, ...] = ()
    """The same file where its conditions on unknown values hold otherwise; each is judged too."""


def urn(kind: str, name: str) -> str:
    """The URN of a resource of a file that has none."""
    return f"urn:pulumi:file::file::{kind}::{name}"


def camel(name: str) -> str:
    """The name of a property in the AWS provider: `CidrIp` and `cidr_ip` are `cidrIp`."""
    if "_" in name:
        first, *rest = name.split("_")
        return first + "".join(it[:1].upper() + it[1:] for it in rest)
    leading = re.match(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z]", name)
    return name if leading is None else leading[0].lower() + name[leading.end() :]


def has_unknown(value: Any) -> bool:
    """Whether some part of a value is not known."""
    if isinstance(value, dict):
        return any(has_unknown(it) for it in cast("dict[str, Any]", value).values())
    if isinstance(value, list):
        return any(has_unknown(it) for it in cast("list[Any]", value))
    return value == NOT_KNOWN


def listed(value: Any) -> list[Any]:
    """A list, also of a value that stands for a list of one."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def mapping(value: Any) -> dict[str, Any]:
    """A mapping; an empty one where the value is none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """A list of objects. Raises TypeError, naming the place, for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"{where} is {_shown(value)}; a list is expected")
    for number, it in enumerate(cast("list[Any]", value)):
        if not isinstance(it, dict):
            raise TypeError(f"{where}[{number}] is {_shown(it)}; an object is expected")
    return cast("list[dict[str, Any]]", value)


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:60]


def reasons(value: Any) -> tuple[str, ...]:
    """What the unknown parts of a value depend on."""
    return tuple(dict.fromkeys(_reasons(value)))


def _reasons(value: Any) -> Iterator[str]:
    if isinstance(value, NotKnown):
        yield from value.because
    elif isinstance(value, dict):
        for it in cast("dict[str, Any]", value).values():
            yield from _reasons(it)
    elif isinstance(value, list):
        for it in cast("list[Any]", value):
            yield from _reasons(it)


def split(document: Any) -> list[tuple[str, Any]]:
    """A policy document as documents that grant the same together: one of all that is known, and one of each statement
    with an unknown value, with a suffix for its name. The rules then judge what is known, and name the others."""
    if document == NOT_KNOWN or not isinstance(document, dict) or not has_unknown(document):
        return [("", document)]
    whole = cast("dict[str, Any]", document)
    key = _key(whole, "statement")
    statements = listed(whole.get(key))
    certain = known_part(whole)
    parts: list[tuple[str, Any]] = [("", certain)] if certain is not None else []
    for number, it in enumerate(statements):
        if has_unknown(_without_sid(it)):
            parts.append((f".Statement[{number}]" if parts or number else "", {**whole, key: [it]}))
    return parts or [("", whole)]


def known_part(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """A policy document of what is known of each statement; None if that is nothing.

    Of a list of actions, resources or principals each known element is granted, whatever the others are. A condition
    that compares with an unknown value is taken for one that compares with the right value. What an exclusion
    (NotAction) or an effect that is not known does to a statement nobody knows.
    """
    key = _key(document, "statement")
    made = [it for it in map(_known_statement, listed(document.get(key))) if it is not None]
    rest = {name: it for name, it in document.items() if name != key and not has_unknown(it)}
    return {**rest, key: made} if made else None


_WIDENING: Final = ("action", "resource", "principal")


def _known_statement(statement: Any) -> Any:
    if not has_unknown(statement):
        return statement
    made: dict[str, Any] = {}
    for name, value in mapping(_without_sid(statement)).items():
        kept = value
        if name.lower() in _WIDENING:
            kept = _known_elements(value)
        elif name.lower() == "condition":
            kept = {operator: _compared(operator.lower(), keys) for operator, keys in mapping(value).items()}
        if kept is None or has_unknown(kept):
            return None
        made[name] = kept
    return made or None


def _known_elements(value: Any) -> Any:
    """The known elements of a list, also of the lists of an object; None if there is none."""
    if isinstance(value, dict):
        kept = {key: _known_elements(it) for key, it in cast("dict[str, Any]", value).items()}
        return {key: it for key, it in kept.items() if it is not None} or None
    if isinstance(value, list):
        return [it for it in cast("list[Any]", value) if not has_unknown(it)] or None
    return None if value == NOT_KNOWN else value


def _compared(operator: str, keys: Any) -> Any:
    """The keys of a condition, with a value that fits in place of each that is not known."""
    if not operator.rpartition(":")[2].startswith(("string", "arn")) or "not" in operator:
        return keys
    return {
        key: [_FITTING.get(key.lower(), _ANY_ARN) if it == NOT_KNOWN else it for it in listed(values)]
        for key, values in mapping(keys).items()
    }


_ANY_ARN: Final = f"arn:aws:unknown:{REGION}:{ACCOUNT}:unknown"
_FITTING: Final = {
    "iam:passedtoservice": "ecs-tasks.amazonaws.com",
    **dict.fromkeys(("aws:sourceaccount", "aws:principalaccount", "aws:resourceaccount"), ACCOUNT),
}


def _without_sid(statement: Any) -> Any:
    """A statement without a Sid that is not known: it changes nothing."""
    if not isinstance(statement, dict):
        return statement
    given = cast("dict[str, Any]", statement)
    return {name: it for name, it in given.items() if name.lower() != "sid" or not has_unknown(it)}


def _key(given: Mapping[str, Any], name: str) -> str:
    return next((it for it in given if it.lower() == name), "")
