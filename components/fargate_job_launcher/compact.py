"""JSON as AWS stores it and gives it back: without blanks, keys in order. Pure.

A provider compares what a program says with what AWS says. Policies, patterns and settings in any other spelling are
one more chance of a difference where there is none.
"""

from __future__ import annotations

import json
from typing import Any


def compact(value: Any) -> str:
    """The JSON of a value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
