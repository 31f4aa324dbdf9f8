"""Checks a request against AWS's service model, as botocore ships it: enumerations, patterns, lengths, ranges.

botocore itself checks only types and required members, and emulators accept nearly anything, so a bad value would
first fail on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, OperationModel, StructureShape

# botocore computes its models' attributes at run time, where no type checker sees them.
Shape = Any


class ConstraintViolation(Exception):
    """AWS would refuse this request. The message has every reason."""

    def __init__(self, operation: OperationModel, problems: list[str]) -> None:
        self.problems = problems
        service = operation.service_model.service_id
        super().__init__(f"{service} {operation.name} would be refused by AWS: {'; '.join(problems)}")


def violations(operation: OperationModel, parameters: Mapping[str, Any]) -> list[str]:
    """Everything in these parameters that the service model forbids, each with the path to it."""
    shape: Shape = operation.input_shape
    return list(_walk(shape, parameters, "")) if shape is not None else []


def hold(params: Mapping[str, Any], model: OperationModel, **_: Any) -> None:
    """A botocore handler for `before-parameter-build`. Raises ConstraintViolation."""
    problems = violations(model, params)
    if problems:
        raise ConstraintViolation(model, problems)


def _walk(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if _is(shape, StructureShape):
        if not isinstance(value, Mapping):
            yield f"{path}: an object is expected"
            return
        for name in shape.required_members:
            if name not in value:
                yield f"{_join(path, name)}: is missing"
        for name, inner in value.items():
            if name in shape.members:
                yield from _walk(shape.members[name], inner, _join(path, name))
            else:
                yield f"{_join(path, name)}: unknown"
    elif _is(shape, ListShape):
        if not isinstance(value, list | tuple):
            yield f"{path}: a list is expected"
            return
        yield from _range(shape, len(value), path, "items")
        for index, inner in enumerate(value):
            yield from _walk(shape.member, inner, f"{path}[{index}]")
    elif _is(shape, MapShape):
        if not isinstance(value, Mapping):
            yield f"{path}: an object is expected"
            return
        yield from _range(shape, len(value), path, "entries")
        for key, inner in value.items():
            yield from _walk(shape.key, key, f"{path} key {key!r}")
            yield from _walk(shape.value, inner, _join(path, str(key)))
    elif isinstance(value, str):
        yield from _string(shape, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _range(shape, value, path, "")


def _is(shape: Shape, kind: type) -> bool:
    return isinstance(shape, kind)


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed: list[str] = shape.metadata.get("enum", [])
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is not one of {', '.join(allowed)}"
    yield from _range(shape, len(value), path, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{path}: {value!r} does not match {pattern}"


def _range(shape: Shape, size: float, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    measured = f"{size} {unit}".strip()
    if least is not None and size < least:
        yield f"{path}: {measured}, at least {least}"
    if most is not None and size > most:
        yield f"{path}: {measured}, at most {most}"


@cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    # The models' patterns are Java's. `regex` knows \p{L}, which `re` does not; V0 reads [\w-_] as Java does.
    return regex.compile(pattern, regex.V0)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
