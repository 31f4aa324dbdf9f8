"""A value with outputs somewhere inside → one output of the whole.

`pulumi.Output.all` and `json_dumps` make an output, and a task of the event loop, of every value inside, also of plain
ones. A launcher's settings and policies have many values, and Pulumi's SDK checks each pending one repeatedly, which
slows a stack of hundreds of jobs. Here plain values stay plain.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi

from .compact import compact


@dataclass(frozen=True)
class _Hole:
    """The place of an output's value."""

    number: int


def resolved(value: Any) -> pulumi.Output[Any]:
    """The same value once every output inside is known; it depends on all of them, and is secret if one of them is."""
    outputs: list[pulumi.Output[Any]] = []

    def marked(it: Any) -> Any:
        if isinstance(it, pulumi.Output) or inspect.isawaitable(it):
            outputs.append(pulumi.Output.from_input(it))
            return _Hole(len(outputs) - 1)
        if isinstance(it, Mapping):
            return {key: marked(inner) for key, inner in cast("Mapping[str, Any]", it).items()}
        if isinstance(it, Sequence) and not isinstance(it, str):
            return [marked(inner) for inner in cast("Sequence[Any]", it)]
        return it

    shape = marked(value)
    return pulumi.Output.all(*outputs).apply(lambda known: _filled(shape, known))


def as_json(value: Any) -> pulumi.Output[str]:
    """A value as compact JSON once every output inside is known."""
    return resolved(value).apply(compact)


def _filled(shape: Any, known: Sequence[Any]) -> Any:
    if isinstance(shape, _Hole):
        return known[shape.number]
    if isinstance(shape, dict):
        return {key: _filled(inner, known) for key, inner in cast("dict[str, Any]", shape).items()}
    if isinstance(shape, list):
        return [_filled(inner, known) for inner in cast("list[Any]", shape)]
    return shape
