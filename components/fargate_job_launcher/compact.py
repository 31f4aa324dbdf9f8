"""JSON as AWS stores and returns it: without white space, keys in order. Pure.

The AWS provider compares the program's text with AWS's. Policies, patterns and settings in another spelling could show
a difference where there is none.
"""

from __future__ import annotations

import json
from typing import Any


def compact(value: Any) -> str:
    """The JSON of a value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
