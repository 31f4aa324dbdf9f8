"""A creator is the function that creates the resources of a type. `creates` registers it, `create` calls it.

An input that the creator does not take is an error, and so is a type without a creator: nothing is skipped in silence.
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
    """The sandbox does not know this resource type, or one of its inputs."""


@dataclass(frozen=True)
class Made:
    """A resource that was created on AWS."""

    id: str
    outputs: State
    """The outputs that AWS gives it, besides its inputs."""
    parts: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """The resources that a component of another package created inside: type, name and id of each."""
    references: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    """Output → the type and the names of the parts that it returns as resources."""


class Inputs:
    """The inputs of one resource. A creator takes each of them once."""

    def __init__(
        self, kind: str, name: str, given: Mapping[str, Any], default_tags: Mapping[str, str] | None = None
    ) -> None:
        self._default_tags = default_tags or {}
        self.kind = kind
        self.name = name
        self._left = {key: value for key, value in given.items() if value is not None}
        self.documents: dict[str, str] = {}
        """The inputs that were given as objects → their JSON, which the provider returns."""

    def take(self, key: str, default: Any = None) -> Any:
        """An input, or the default if it is not given."""
        return self._left.pop(key, default)

    def spelt(self, key: str, service: str, shape: str) -> Any:
        """An input in AWS's spelling, which the shape of this name in the service's model gives. Raises Unsupported."""
        return self.as_spelt(key, self.take(key), service, shape)

    def as_spelt(self, key: str, value: Any, service: str, shape: str) -> Any:
        """The same for a value that was already taken; `key` is the input that an error names."""
        try:
            return spelt(service, shape, value)
        except UnknownInput as unknown:
            raise Unsupported(f"{self.kind}: {key}: {unknown}") from None

    def document(self, key: str) -> str | None:
        """A policy as JSON, given as JSON or as an object. The provider returns it as JSON."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value
        self.documents[key] = json.dumps(value)
        return self.documents[key]

    def rest(self) -> dict[str, Any]:
        """Takes every input that was not taken yet."""
        left, self._left = self._left, {}
        return left

    def physical_name(self, key: str = "name", *, longest: int = 255) -> str:
        """The name given, or one made from the resource's name as the AWS provider does."""
        prefix = self.take(f"{key}Prefix", f"{self.name[: longest - 8]}-")
        return self.take(key) or f"{prefix}{secrets.token_hex(4)[:7]}"

    def check_region(self, aws: Emulator) -> None:
        """Raises Unsupported if the resource is for another region than the sandbox's."""
        region = self.take("region", aws.region)
        if region != aws.region:
            raise Unsupported(f"{self.kind}: the sandbox is in {aws.region}, and its input region says {region}")

    def tags(self) -> dict[str, str]:
        """The tags given, and the provider's default tags."""
        return {**self._default_tags, **self.take("tags", {})}

    def given(self, **parameters: Any) -> dict[str, Any]:
        """These parameters without those that are None or empty."""
        return {key: value for key, value in parameters.items() if value not in (None, [], {})}

    def check_all_taken(self) -> None:
        """Raises Unsupported if an input was not taken."""
        if self._left:
            raise Unsupported(f"{self.kind}: the sandbox does not know its input {', '.join(sorted(self._left))}")


Creator = Callable[[Emulator, Inputs], Made]
_CREATORS: Final[dict[str, Creator]] = {}


def creates(kind: str) -> Callable[[Creator], Creator]:
    """Registers the function that creates resources of this type."""

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
        inputs.check_region(aws)
    made = creator(aws, inputs)
    inputs.check_all_taken()
    return replace(made, outputs={**inputs.documents, **made.outputs})


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def specification(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tag_list(tags)}] if tags else []
