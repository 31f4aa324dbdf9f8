"""RunTask's clientToken (the idempotency key) as ECS honours it. Emulators ignore it, so a retry there launches twice.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..rows import refuse

Content = dict[str, Any]

LONGEST_SECONDS: Final = 24 * 3600
"""How long a token is known."""
AFTER_SECONDS: Final = 3600
"""How long it is known after the last of its tasks has stopped, if that is sooner."""


class Tokens:
    """The answers of earlier requests by cluster and token, for as long as ECS knows the token."""

    def __init__(
        self, clock: Callable[[], float] = time.time, stopped_at: Callable[[str], float | None] = lambda _arn: None
    ) -> None:
        """`stopped_at`: when the task of this ARN stopped; None while it runs."""
        self._clock = clock
        self._stopped_at = stopped_at
        self._given: dict[tuple[str, str], tuple[Content, Content, float]] = {}

    def recall(self, request: Mapping[str, Any]) -> Content | None:
        """The earlier answer to the same request, with its failures; None for a new request. Raises Refused."""
        known = self._given.get(self._key(request)) if request.get("clientToken") else None
        if known is None:
            return None
        asked, answer, since = known
        if self._clock() >= self._until(answer, since):
            return None
        if asked != dict(request):
            launched = [task["taskArn"] for task in answer.get("tasks", [])]
            refuse("ecs.RunTask.clientToken.used", {"resourceIds": launched})
        return answer

    def remember(self, request: Mapping[str, Any], answer: Content) -> None:
        """Keep the answer to a request."""
        if request.get("clientToken"):
            self._given[self._key(request)] = (dict(request), answer, self._clock())

    def _until(self, answer: Content, since: float) -> float:
        stopped = [self._stopped_at(task["taskArn"]) for task in answer.get("tasks", [])]
        ends = [it + AFTER_SECONDS for it in stopped if it is not None]
        longest = since + LONGEST_SECONDS
        return min(longest, max(ends)) if ends and len(ends) == len(stopped) else longest

    @staticmethod
    def _key(request: Mapping[str, Any]) -> tuple[str, str]:
        # A cluster may be named by its ARN or by its name.
        return str(request.get("cluster", "default")).rpartition("/")[2], str(request["clientToken"])
