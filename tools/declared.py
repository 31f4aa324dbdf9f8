"""The arguments that a component declares, those within its objects and lists included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pulumi


def nodes(declared: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and declared type of each argument, and of the parts of each."""
    for key, hint in get_type_hints(declared, localns={"Output": pulumi.Output, "T": Any}).items():
        yield from _nodes(hint, f"{path}.{key}".lstrip("."))


def _nodes(hint: Any, path: str) -> Iterator[tuple[str, Any]]:
    origin, of = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        yield path, hint
        yield from nodes(hint, path)
    elif origin in (Sequence, Mapping):
        yield path, hint
        yield from _nodes(of[-1], f"{path}[0]" if origin is Sequence else f"{path}.A")
    elif of:
        yield from _nodes(of[0], path)
    else:
        yield path, hint
