"""RunTask's clientToken as ECS honours it. Emulators ignore it, and a launch that is repeated launches twice there.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Content = dict[str, Any]


class Conflict(Exception):
    """The token was used before, by another request."""

    def __init__(self, tasks: list[str]) -> None:
        super().__init__("The provided clientToken is already in use with a different RunTask request.")
        self.tasks = tasks
        """ARNs of what that one launched."""


class Tokens:
    """The answers that were given, by cluster and token. Nothing expires here; on AWS after at most 24 hours."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], tuple[Content, Content]] = {}

    def recall(self, request: Mapping[str, Any]) -> Content | None:
        """The answer that the same request had, its failures included; None for a new one. Raises Conflict."""
        known = self._given.get(self._key(request)) if request.get("clientToken") else None
        if known is None:
            return None
        if known[0] != dict(request):
            raise Conflict([task["taskArn"] for task in known[1].get("tasks", [])])
        return known[1]

    def remember(self, request: Mapping[str, Any], answer: Content) -> None:
        """Keep what a request was answered."""
        if request.get("clientToken"):
            self._given[self._key(request)] = (dict(request), answer)

    @staticmethod
    def _key(request: Mapping[str, Any]) -> tuple[str, str]:
        # A cluster may be named by its ARN or by its name.
        return str(request.get("cluster", "default")).rpartition("/")[2], str(request["clientToken"])
