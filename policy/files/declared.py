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
