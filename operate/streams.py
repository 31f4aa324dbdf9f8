"""One log stream of CloudWatch Logs, read forwards or from its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from .catalogue import Job

LARGEST_PAGE: Final = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""


class Stream:
    """The lines of one log stream: those since the last call, or its last ones."""

    def __init__(self, job: Job, stream: str, *, group: str = "", since: datetime | None = None) -> None:
        """`group`: the job's own by default. `since`: no line of before."""
        self._job, self._token = job, ""
        self._named: dict[str, Any] = {"logGroupName": group or job.settings.log_group, "logStreamName": stream}
        if since is not None:
            self._named["startTime"] = max(0, int(since.timestamp() * 1000))

    def read(self) -> list[tuple[int, str]]:
        """The lines since the last call: milliseconds since 1970, and the text."""
        return [it for page in self.pages() for it in page]

    def pages(self, size: int = LARGEST_PAGE) -> Iterator[list[tuple[int, str]]]:
        """The lines since the last call, a page at a time."""
        while True:
            events, token = self._page("nextForwardToken", startFromHead=True, limit=size)
            if events:
                yield events
            # At the end CloudWatch returns the same token again; before, it may return empty pages.
            if token in ("", self._token):
                return
            self._token = token

    def last(self, count: int) -> list[tuple[int, str]]:
        """The last lines, at most so many; the next call of `read` returns those after them."""
        found = deque[tuple[int, str]]()
        token, forward = "", ""
        while len(found) < count:
            more = {"nextToken": token} if token else {}
            page = self._asked(startFromHead=False, limit=min(count - len(found), LARGEST_PAGE), **more)
            if page is None:
                return []
            found.extendleft(reversed(_lines(page)))
            forward = forward or page["nextForwardToken"]
            if page["nextBackwardToken"] in ("", token):
                break
            token = page["nextBackwardToken"]
        # Without a line nothing was read: the next call begins at the beginning.
        self._token = forward if found else ""
        return list(found)

    def _page(self, direction: str, **asked: Any) -> tuple[list[tuple[int, str]], str]:
        more = {"nextToken": self._token} if self._token else {}
        page = self._asked(**asked, **more)
        return ([], "") if page is None else (_lines(page), str(page[direction]))

    def _asked(self, **asked: Any) -> Any:
        """A page; None if the stream does not exist."""
        with self._job.account.asking():
            try:
                return self._job.account.client("logs").get_log_events(**self._named, **asked)
            except ClientError as error:
                # The stream is created when the container starts.
                if not absent(error):
                    raise
                return None


def absent(error: ClientError) -> bool:
    """Whether there is no such log group or log stream."""
    return cast("Any", error.response)["Error"].get("Code") == "ResourceNotFoundException"


def _lines(page: Any) -> list[tuple[int, str]]:
    return [(int(it["timestamp"]), str(it["message"]).rstrip("\n")) for it in page["events"]]
