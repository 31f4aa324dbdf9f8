"""AWS repeats in some of its errors what it was given; what a caller gave is taken out before anybody reads it."""

from __future__ import annotations

from typing import Final

from .launch import LaunchResult
from .request import LaunchRequest

_SHORTEST: Final = 4
"""Shorter values are words that AWS's own messages consist of."""


def redacted(result: LaunchResult, request: LaunchRequest) -> LaunchResult:
    """The result without the values of the caller's command, environment and payload in the failures' details."""
    values: list[str] = []
    for container in request.overrides.get("containerOverrides", []):
        values += container.get("command", [])
        values += [variable["value"] for variable in container.get("environment", [])]
    secret = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)
    for failure in result["failures"]:
        for value in secret:
            failure["detail"] = failure["detail"].replace(value, "***")
    return result
