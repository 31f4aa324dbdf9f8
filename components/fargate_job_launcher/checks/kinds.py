"""Values that several checks know. Pure."""

from __future__ import annotations

import json


def outside(key: str, value: int, least: int, most: int) -> list[str]:
    """The problem of a number that is out of its range; none when it is in it."""
    return [] if least <= value <= most else [f"{key}: {value} is not between {least} and {most}"]


def is_object(text: str) -> bool:
    """Whether this is the JSON of an object."""
    try:
        return isinstance(json.loads(text), dict)
    except (RecursionError, ValueError):
        return False
