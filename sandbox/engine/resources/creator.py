"""Pulumi resource type → the AWS calls that create it, and the outputs that the AWS provider would give.

One function a type. An input that the function does not take is an error, and so is a type without a function:
nothing is ever skipped in silence.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ...aws.server import Emulator
from .naming import UnknownInput, spelt

State = dict[str, Any]


class Unsupported(Exception):
    """A resource type, or an input of one, that the sandbox does not know."""


@dataclass(frozen=True)
class Made:
    """A resource as AWS has it."""

    id: str
    outputs: State
    """What AWS says of it beyond its inputs."""
    parts: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """What a component of another package made inside: type, name and id of each."""
    references: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    """Output → the type and the names of the parts that it gives as resources."""


class Inputs:
    """The inputs of one resource, each to be taken once."""

    def __init__(
        self, kind: str, name: str, given: Mapping[str, Any], default_tags: Mapping[str, str] | None = None
    ) -> None:
        self._default_tags = default_tags or {}
        self.kind = kind
        self.name = name
        self._left = {key: value for key, value in given.items() if value is not None}
        self.documents: dict[str, str] = {}
        """Inputs that were given as objects, as the JSON that they are kept as."""

    def take(self, key: str, default: Any = None) -> Any:
        """An input, or the default where it is not given."""
        return self._left.pop(key, default)

    def spelt(self, key: str, service: str, shape: str) -> Any:
        """An input as AWS spells it, by the name of the shape in the service's model. Raises Unsupported."""
        return self.as_spelt(key, self.take(key), service, shape)

    def as_spelt(self, key: str, value: Any, service: str, shape: str) -> Any:
        """The same of what was taken as this input."""
        try:
            return spelt(service, shape, value)
        except UnknownInput as unknown:
            raise Unsupported(f"{self.kind}: {key}: {unknown}") from None

    def document(self, key: str) -> str | None:
        """A policy as JSON, whether it was given so or as the object that it is; the provider gives it back as JSON."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        self.documents[key] = json.dumps(value)
        return self.documents[key]

    def rest(self) -> dict[str, Any]:
        """Every input that was not taken yet; all of them are taken by this."""
        left, self._left = self._left, {}
        return left

    def physical_name(self, key: str = "name", *, longest: int = 255) -> str:
        """The name given, or one made from the resource's as the AWS provider does."""
        prefix = self.take(f"{key}Prefix", f"{self.name[: longest - 8]}-")
        return self.take(key) or f"{prefix}{secrets.token_hex(4)[:7]}"

    def hold_region(self, aws: Emulator) -> None:
        """Raises Unsupported where this one is to be in another region than the sandbox is."""
        region = self.take("region", aws.region)
        if region != aws.region:
            raise Unsupported(f"{self.kind}: the sandbox is in {aws.region}, and its input region says {region}")

    def tags(self) -> dict[str, str]:
        """The tags given, and those that the provider gives to everything."""
        return {**self._default_tags, **self.take("tags", {})}

    def given(self, **parameters: Any) -> dict[str, Any]:
        """These parameters without the ones that nobody gave."""
        return {key: value for key, value in parameters.items() if value not in (None, [], {})}

    def done(self) -> None:
        """Raises Unsupported when an input was not taken."""
        if self._left:
            raise Unsupported(f"{self.kind}: the sandbox does not know its input {', '.join(sorted(self._left))}")


Creator = Callable[[Emulator, Inputs], Made]
_CREATORS: Final[dict[str, Creator]] = {}


def creates(kind: str) -> Callable[[Creator], Creator]:
    """Marks the function that creates resources of this type."""

    def register(creator: Creator) -> Creator:
        _CREATORS[kind] = creator
        return creator

    return register


def known_types() -> frozenset[str]:
    """Every resource type that the sandbox can create."""
    return frozenset(_CREATORS)


def create(
    aws: Emulator, kind: str, name: str, given: Mapping[str, Any], default_tags: Mapping[str, str] | None = None
) -> Made:
    """Create a resource. Raises Unsupported, ConstraintViolation, or botocore's own errors."""
    creator = _CREATORS.get(kind)
    if creator is None:
        raise Unsupported(
            f"{kind}: the sandbox does not know this resource type; it knows {', '.join(sorted(_CREATORS))}"
        )
    inputs = Inputs(kind, name, given, default_tags)
    if kind != "pulumi:providers:aws":
        inputs.hold_region(aws)
    made = creator(aws, inputs)
    inputs.done()
    return replace(made, outputs={**inputs.documents, **made.outputs})


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tag_list(tags)}] if tags else []
