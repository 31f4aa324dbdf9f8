"""The text of a CloudFormation template as plain values: JSON, or YAML with its short forms (!Ref, !Sub, !GetAtt)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

import yaml

from .declared import EXPECTED, NotAStack


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as CloudFormation reads it: a date is a text, and `!Name value` is {"Fn::Name": value}."""


def _short(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        value: Any = loader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_scalar(node)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


def _mapping(loader: Any, node: Any) -> Any:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = sorted({str(it) for it in keys if keys.count(it) > 1})
    if twice:
        raise NotAStack(f"has the key {', '.join(twice)} twice in one object, line {node.start_mark.line + 1}")
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _short)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


DEEPEST: Final = 100
"""More levels than any of these files has; the rules follow each level by a call."""


@dataclass(frozen=True)
class Read:
    """A text, read."""

    content: Any
    _text: str
    _node: Any = None

    def lines(self) -> dict[str, int]:
        """The line of each key of `Resources`."""
        if isinstance(self._node, yaml.MappingNode):
            whole = {key.value: it for key, it in self._node.value}
            inner = whole.get("Resources")
            if not isinstance(inner, yaml.MappingNode):
                return {}
            return {str(key.value): key.start_mark.line + 1 for key, _ in inner.value}
        if self._text.lstrip()[:1] != "{":
            return {}
        at = next((value for key, _, value in _members(self._text, self._text.index("{")) if key == "Resources"), None)
        if at is None or self._text[at] != "{":
            return {}
        found, line, last = dict[str, int](), 1, 0
        for key, start, _ in _members(self._text, at):
            line, last = line + self._text.count("\n", last, start), start
            found[key] = line
        return found


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """The keys of the object of a JSON text that begins at a position: each with its own position and its value's."""
    decoder = json.JSONDecoder()
    at = _next(text, at + 1)
    while text[at] == '"':
        key, end = decoder.raw_decode(text, at)
        value = _next(text, _next(text, end) + 1)
        yield key, at, value
        at = _next(text, decoder.raw_decode(text, value)[1])
        if text[at] == "}":
            return
        at = _next(text, at + 1)


def _next(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


def loaded(text: str) -> Any:
    """The value of a text in JSON or YAML. Raises NotAStack with the line of a mistake."""
    return read(text).content


def read(text: str) -> Read:
    """A text in JSON or YAML. Raises NotAStack with the line of a mistake."""
    try:
        made = _read(text)
    except RecursionError:
        raise NotAStack(_TOO_DEEP) from None
    _limited(made.content, len(text) + 1_000_000)
    return made


_TOO_DEEP: Final = f"nests objects and lists more than {DEEPEST} deep, which no such file does"


def _limited(value: Any, most: int) -> None:
    """Raises NotAStack for a value nested too deeply, and for one that aliases of YAML make too large."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while waiting:
        it, depth = waiting.pop()
        if depth > DEEPEST:
            raise NotAStack(_TOO_DEEP)
        inner = list(cast("dict[Any, Any]", it).values()) if isinstance(it, dict) else it
        if isinstance(inner, list):
            many = cast("list[Any]", inner)
            seen += len(many)
            if seen > most:
                raise NotAStack("repeats parts of itself (&name, *name) until it has more than a million values")
            waiting += [(one, depth + 1) for one in many if isinstance(one, dict | list)]


def _read(text: str) -> Read:
    if not text.strip():
        raise NotAStack(f"is empty; expected: {EXPECTED}")
    if text.lstrip()[:1] == "{":
        try:
            return Read(json.loads(text, object_pairs_hook=_once, parse_constant=_no_number), text)
        except json.JSONDecodeError as error:
            raise NotAStack(f"is not JSON: {error.msg}, line {error.lineno}") from None
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return Read(None if node is None else loader.construct_document(node), text, node)
        finally:
            loader.dispose()
    except NotAStack:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotAStack(f"is neither JSON nor YAML: {said}{where}") from None
    except (TypeError, ValueError) as error:
        # Such as a key that is a list.
        raise NotAStack(f"is no YAML of a template: {error}") from None


def _no_number(constant: str) -> Any:
    raise NotAStack(f"is not JSON: it has the number {constant}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises NotAStack for a key that it has twice: a reader sees only one of its values."""
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [key for key, _ in pairs]
        raise NotAStack(
            f"has the key {', '.join(sorted({it for it in names if names.count(it) > 1}))} twice in one object"
        )
    return made
