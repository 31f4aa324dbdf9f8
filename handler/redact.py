"""Removes a caller's values from failures: some AWS errors repeat the parameters of the call."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .request import LaunchRequest
from .result import LaunchResult

_SHORTEST: Final = 4
"""The fewest characters of a removed value: shorter ones also occur in AWS's own words."""


def redacted(result: LaunchResult, request: LaunchRequest) -> LaunchResult:
    """The result without the values of the caller's command, environment, tags and payload in the failures' details."""
    if not result["failures"]:
        return result
    values = set(request.tags.values())
    for container in request.overrides.get("containerOverrides", []):
        for word in container.get("command", []):
            values |= {word, *re.split(r"[\s=,;]+", word)}
        for variable in container.get("environment", []):
            values.add(variable["value"])
            if variable["name"] == "JOB_PAYLOAD":
                values |= set(_texts(json.loads(variable["value"])))
    # Each value as it is, and as JSON writes it.
    secret = {form for value in values if len(value) >= _SHORTEST for form in (value, json.dumps(value)[1:-1])}
    for failure in result["failures"]:
        for value in sorted(secret, key=len, reverse=True):
            failure["detail"] = failure["detail"].replace(value, "***")
    return result


def _texts(payload: Any) -> list[str]:
    """Every string in a payload."""
    found, remaining = list[str](), [payload]
    while remaining:
        it = remaining.pop()
        if isinstance(it, str):
            found.append(it)
        elif isinstance(it, dict | list):
            remaining += it.values() if isinstance(it, dict) else it
    return found
