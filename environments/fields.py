"""A component's arguments as a stack's config spells them: camelCase, plain values, and nothing written twice.

The fields, their types and their descriptions are read from the component's own TypedDict.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NotRequired, Required, cast

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

_GENERIC: Final[dict[str, Any]] = {"Sequence": list, "Mapping": dict}


class Fields(BaseModel):
    """A mapping of the config. Nothing is guessed: text is text, a number is a number, and no key is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel, frozen=True)


def derived(
    name: str,
    declared: type,
    *,
    without: Collection[str] = (),
    optional: bool = False,
    allowed: Mapping[str, Sequence[Any]] | None = None,
) -> type[Fields]:
    """The model of a TypedDict's fields, except those in `without`; with `optional`, none is required.

    `allowed` lists the values of fields that accept only a few, for an editor: the component refuses all others itself.
    """
    described = descriptions(declared)
    required: frozenset[str] = cast("Any", declared).__required_keys__
    fields: dict[str, Any] = {}
    for key, hint in declared.__annotations__.items():
        if key in without:
            continue
        plain = _plain(f"{name}{to_camel(key)[0].upper()}{to_camel(key)[1:]}", hint, allowed or {})
        few: dict[str, Any] = {"enum": list(allowed[key])} if allowed is not None and key in allowed else {}
        # The items of a list are all text.
        extra: dict[str, Any] = (
            {"items": {"type": "string", **few}} if few and typing.get_origin(plain) is list else few
        )
        needed = key in required and not optional
        fields[key] = (
            plain if needed else plain | None,
            Field(... if needed else None, description=described.get(key), json_schema_extra=extra or None),
        )
    return create_model(name, __base__=Fields, __doc__=camel(inspect.getdoc(declared) or ""), **fields)


def _plain(name: str, hint: Any, allowed: Mapping[str, Sequence[Any]]) -> Any:
    """The type of the value in a config: no Input, no Output."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (NotRequired, Required):
        return _plain(name, arguments[0], allowed)
    if origin in (typing.Union, types.UnionType):
        # pulumi.Input[T] is T, an awaitable of it, or an Output of it: a config only ever has the first.
        return _plain(name, arguments[0], allowed)
    if isinstance(hint, type) and typing.is_typeddict(hint):
        return derived(name, hint, allowed=allowed)
    if origin is not None:
        return types.GenericAlias(_GENERIC[origin.__name__], tuple(_plain(name, it, allowed) for it in arguments))
    return hint


def descriptions(declared: type) -> dict[str, str]:
    """Field → the docstring that follows it, in a config's spelling."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(declared))).body
    found: dict[str, str] = {}
    body = cast("ast.ClassDef", node).body
    for field, after in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[ast.unparse(field.target)] = camel(" ".join(str(after.value.value).split()))
    return found


NAMES: Final[set[str]] = set()
"""Names of fields that a config spells in another way."""


def spelt(*declared: type) -> None:
    """Let `camel` know the fields of these TypedDicts, and of those inside them."""
    for it in declared:
        NAMES.update(key for key in it.__annotations__ if "_" in key)
        spelt(*(inner for hint in it.__annotations__.values() for inner in _declared_in(hint)))


def _declared_in(hint: Any) -> list[type]:
    """The TypedDicts that a field's type names."""
    if typing.is_typeddict(hint):
        return [hint]
    return [inner for it in typing.get_args(hint) for inner in _declared_in(it)]


def camel(text: str) -> str:
    """A sentence of a component with its fields in a config's spelling; quoted text is unchanged."""
    pieces = re.split(r"('[^']*')", text)
    return "".join(it if it.startswith("'") else re.sub(r"[a-z]+(?:_[a-z]+)+", _camel_name, it) for it in pieces)


def _camel_name(match: re.Match[str]) -> str:
    return to_camel(match[0]) if match[0] in NAMES else match[0]
