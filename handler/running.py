"""Counts the job's running tasks and enforces max_running.

The limit is exact if one instance of the function launches (a reserved concurrency of 1, one kind of caller): the
instance remembers its own tasks until ECS lists them. Several instances do not see one another's newest tasks, and may
exceed the limit by as many.
"""

from __future__ import annotations

import time
from typing import Any, Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from .answers import Failure
from .settings import Settings

UNLISTED_SECONDS: Final = 10.0
"""How long a task may run before ListTasks lists it: ECS's answers are eventually consistent."""


class Running:
    """The job's tasks whose desired status is RUNNING, from PROVISIONING on."""

    def __init__(self, ecs: Any, settings: Settings) -> None:
        self._ecs, self._settings = ecs, settings
        self._family = settings.family.rpartition("/")[2]
        self._own: dict[str, float] = {}

    def launched(self, arns: list[str]) -> None:
        """Remember tasks that this instance has launched."""
        self._own |= dict.fromkeys(arns, time.monotonic())

    def refusal(self, count: int, started_by: str, *, retry: bool = False) -> Failure | None:
        """Why `count` more tasks may not run now; None if they may, or if a repeated launch finds them running.

        If a launch may have several tasks, all their retries have the same `started_by`: it does not identify one.
        """
        most = self._settings.max_running
        try:
            running = self._count(most)
            if running + count <= most:
                return None
            # ECS answers a repeated launch with its own tasks: only the missing ones are new.
            several = retry and self._settings.overrides.max_count > 1
            own = 0 if several else len(self._list(startedBy=started_by)["taskArns"])
            if own >= count or running + count - own <= most:
                return None
        except (ClientError, HTTPClientError, ConnectionFailed) as error:
            return {"reason": "TasksNotCounted", "detail": str(error), "retryable": True}
        detail = f"{running} tasks of {self._settings.job} run; at most {most} may (max_running)"
        return {"reason": "MaxRunning", "detail": detail, "retryable": True}

    def _count(self, most: int) -> int:
        now = time.monotonic()
        self._own = {arn: at for arn, at in self._own.items() if now - at < UNLISTED_SECONDS}
        seen, request = set(self._own), {"family": self._family, "desiredStatus": "RUNNING"}
        while True:
            page = self._list(**request)
            seen |= set(page["taskArns"])
            if len(seen) >= most or not page.get("nextToken"):
                return len(seen)
            request["nextToken"] = page["nextToken"]

    def _list(self, **request: Any) -> dict[str, Any]:
        page = self._ecs.list_tasks(cluster=self._settings.cluster, **request)
        if "taskArns" not in page:
            raise HTTPClientError(error="ListTasks answered without taskArns")
        return page
