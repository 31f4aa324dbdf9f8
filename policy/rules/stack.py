"""A stack as the rules see it: resources by type, plain values, and a mark for each value that a preview does not know
yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

from pulumi_policy import PolicyResource, ResourceValidationArgs
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

Made = TypeVar("Made")


class Unknown(Exception):
    """A rule needs a value that is not known yet."""

    def __init__(self, urn: str, path: str) -> None:
        super().__init__(f"{urn}: {path}")
        self.urn = urn
        self.path = path


class Missing:
    """The mark of a value that is not known yet, inside plain values."""

    def __repr__(self) -> str:
        return "<not known yet>"


UNKNOWN = Missing()
INSIDE = " > "
"""Between the URN of a resource and what is inside it, of which the engine knows nothing."""


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource of the stack: its inputs when it is judged alone, its outputs in a whole stack."""

    urn: str
    kind: str
    name: str
    raw: Mapping[str, Any]
    """The properties as Pulumi passes them: reading an unknown value raises UnknownValueError."""
    origins: Mapping[str, Sequence[PolicyResource]] = field(default_factory=dict[str, Sequence[PolicyResource]])
    """Property → the resources from which its value was computed; empty for a resource that is judged alone."""
    outputs: bool = False
    """Whether the values are the outputs, including those that the provider fills in."""

    @cached_property
    def props(self) -> dict[str, Any]:
        """The values, with UNKNOWN for each that is not known yet."""
        return cast("dict[str, Any]", _plain(self.raw))

    def get(self, *path: str, default: Any = None) -> Any:
        """The value at a path of property names; `default` where there is none. Raises Unknown."""
        value: Any = self.raw
        for position, key in enumerate(path):
            try:
                value = cast("Mapping[str, Any]", value)[key] if isinstance(value, Mapping) else None
            except KeyError:
                return default
            except UnknownValueError:
                raise Unknown(self.urn, ".".join(path[: position + 1])) from None
            if value is None:
                return default
        return _plain(value)

    def whole(self, *path: str, default: Any = None) -> Any:
        """The same. Raises Unknown also for an unknown value inside it."""
        value = self.get(*path, default=default)
        where = _first_unknown(value)
        if where is not None:
            raise Unknown(self.urn, ".".join((*path, *where)))
        return value

    def known(self, *path: str) -> Any:
        """The value at a path; None if there is none or it is not known yet."""
        try:
            return self.get(*path)
        except Unknown:
            return None

    def number(self, *path: str, default: Any = None) -> Any:
        """The number at a path, also if it is written as a text. Raises Unknown, and ValueError for another text."""
        return number(self.get(*path, default=default))

    @staticmethod
    def alone(args: ResourceValidationArgs) -> Resource:
        """A resource that is judged alone, before it is created."""
        return Resource(args.urn, args.resource_type, args.name, args.props)

    @staticmethod
    def of_stack(it: PolicyResource) -> Resource:
        """A resource of a whole stack."""
        return Resource(it.urn, it.resource_type, it.name, it.props, it.property_dependencies, outputs=True)


class Stack:
    """Resources, found by type and by the values that name them."""

    def __init__(
        self, resources: Iterable[Resource], *, whole: bool = True, known_roles: Iterable[Resource] = ()
    ) -> None:
        self.whole = whole
        """True for a whole stack, False for one resource that is about to be created."""
        self.known_roles = {str(it.known("arn")): it for it in known_roles}
        """Roles outside the stack of which it is known what they may do, by ARN: they are looked up, not judged."""
        self._known_names = {it.name: it for it in self.known_roles.values()}
        self._kinds: dict[str, list[Resource]] = {}
        self.by_urn: dict[str, Resource] = {}
        for it in resources:
            self._kinds.setdefault(it.kind, []).append(it)
            self.by_urn[it.urn] = it
        self._named: dict[str, dict[str, Resource]] = {}
        self._made: dict[Any, Any] = {}

    @property
    def kinds(self) -> Mapping[str, list[Resource]]:
        """The resources by their types."""
        return self._kinds

    def once(self, make: Callable[[Stack], Made]) -> Made:
        """A value computed from the stack, computed once for all subjects."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def of(self, *kinds: str) -> Iterator[Resource]:
        """The resources of these types."""
        for kind in kinds:
            yield from self._kinds.get(kind, [])

    @staticmethod
    def grouped(resources: Iterable[Resource], by: Callable[[Resource], Resource | None]) -> dict[str, list[Resource]]:
        """Resources by the URN of the resource that each belongs to."""
        made: dict[str, list[Resource]] = {}
        for it in resources:
            owner = by(it)
            if owner is not None:
                made.setdefault(owner.urn, []).append(it)
        return made

    def named(self, kind: str, value: str) -> Resource | None:
        """The resource of a type with this ARN, name, URL or id. A function's may end with an alias or a version."""
        if kind not in self._named:
            self._named[kind] = {}
            for it in self.of(kind):
                for key in ("arn", "name", "id", "url", "invokeArn"):
                    known = it.known(key)
                    if isinstance(known, str):
                        self._named[kind].setdefault(known, it)
        found = self._named[kind]
        one = found.get(value) or found.get(value.rpartition(":")[0])
        if one is None and kind == "aws:iam/role:Role":
            return self.known_roles.get(value) or self._known_names.get(value)
        return one

    def meant(self, by: Resource, prop: str, kind: str, value: Any = None) -> Resource | None:
        """The resource of a type that a property names: by its value or, if that names no resource here or is not known
        yet, by the resource from which it is computed. None for a resource outside this stack. `value` is the value, if
        it is nested inside the property."""
        said = by.known(prop) if value is None else value
        if isinstance(said, str):
            found = self.named(kind, said)
            if found is not None:
                return found
        fitting = {it.urn for it in by.origins.get(prop, ()) if it.resource_type == kind}
        return self.by_urn.get(fitting.pop()) if len(fitting) == 1 else None


def number(value: Any) -> Any:
    """A number that may be written as a text. Raises ValueError for another text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None


def true(value: Any) -> bool:
    """Whether a value is true or the text `true`: Pulumi accepts both."""
    return value is True or str(value).lower() == "true"


def marked(value: Any) -> Any:
    """Plain values with Pulumi's own mark, in place of UNKNOWN, for what is not known."""
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in cast("dict[str, Any]", value).items()}
    return [marked(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def unmarked(value: Any) -> Any:
    """The same the other way: UNKNOWN for each value with Pulumi's mark."""
    return _plain(unknown_checking_proxy({"value": value}))["value"]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {key: _item(mapping, key) for key in mapping}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        sequence = cast("Sequence[Any]", value)
        return [_item(sequence, index) for index in range(len(sequence))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except UnknownValueError:
        return UNKNOWN
    return _plain(value)


def _first_unknown(value: Any) -> tuple[str, ...] | None:
    if value is UNKNOWN:
        return ()
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
    elif isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
    for key, inner in items:
        found = _first_unknown(inner)
        if found is not None:
            return (str(key), *found)
    return None
