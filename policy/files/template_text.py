"""The text of a CloudFormation template as plain values: JSON, or YAML with its short forms (!Ref, !Sub, !GetAtt)."""

from __future__ import annotations

import json
from typing import Any

import yaml

from .declared import NotAStack


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


def loaded(text: str) -> Any:
    """The value of a text in JSON or YAML. Raises NotAStack with the line of a mistake."""
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise NotAStack(f"is not JSON: {error.msg}, line {error.lineno}") from None
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a loader of plain values
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotAStack(f"is neither JSON nor YAML: {said}{where}") from None


def lines(text: str, names: list[str]) -> dict[str, int]:
    """The line on which each of these keys first stands."""
    wanted, found = set(names), dict[str, int]()
    for number, line in enumerate(text.splitlines(), start=1):
        key = line.strip().partition(":")[0].strip("\"' ")
        if key in wanted and key not in found:
            found[key] = number
    return found
