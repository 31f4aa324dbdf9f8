"""The time that a function has left, and the rate at which Fargate accepts launches."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from . import fargate

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 5.0
"""How long a call to ECS may take; a healthy RunTask answers within one second."""
ANSWER_SECONDS: Final = 1.0
"""The time that is kept for the function's own answer, log and metrics included."""
CALL_SECONDS: Final = CONNECT_SECONDS + READ_SECONDS + ANSWER_SECONDS

_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 5.0


def jitter(tries: int) -> float:
    """Seconds to wait after so many tries: full jitter, so that many callers do not all call again at once.

    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return random.uniform(0, min(_LONGEST_WAIT, _FIRST_WAIT * 2**tries))  # noqa: S311


class Budget:
    """The time left: enough of it is always kept to receive one more answer and pass it on."""

    def __init__(self, remaining: Callable[[], float], *, call_seconds: float = CALL_SECONDS) -> None:
        """`remaining` gives the seconds until the function is stopped."""
        self._remaining = remaining
        self._call_seconds = call_seconds

    def allows(self, wait: float = 0) -> bool:
        """Whether another call can be made after so many seconds."""
        return self._remaining() - wait >= self._call_seconds

    def pause(self, wait: float) -> bool:
        """Wait if another call can still be made afterwards, and return True; otherwise return False at once."""
        if not self.allows(wait):
            return False
        if wait > 0:
            time.sleep(wait)
        return True


class Pace:
    """A token bucket with one token for each task: launches at the rate that Fargate accepts."""

    def __init__(self, burst: float = fargate.LAUNCH_BURST, per_second: float = fargate.LAUNCHES_PER_SECOND) -> None:
        self._lock = threading.Lock()
        self._tokens, self._burst, self._per_second = burst, burst, per_second
        self._at = time.monotonic()

    def reserve(self, tasks: int) -> float:
        """Takes a token for each task; returns the seconds to wait before the launch."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            self._tokens -= tasks
            return max(0.0, -self._tokens / self._per_second)
