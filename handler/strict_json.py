"""Reads JSON that came as text, more strictly than Python does. Pure.

Two readers of the same text must not read two different things: JSON has no NaN, and of a key that an object has twice
one reader takes the first value and another the last.
"""

from __future__ import annotations

import json
from typing import Any


class KeyTwice(ValueError):
    """An object has a key twice. The message does not have the key, which may carry a value."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__("an object has a key twice")


def read(text: str) -> Any:
    """The value of a text in JSON. Raises ValueError, also for what only Python reads, KeyTwice, RecursionError."""
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set[str]()
        raise KeyTwice(next(key for key, _ in pairs if key in seen or seen.add(key)))
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")
