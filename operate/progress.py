"""How an array is shown while it is followed: a bar on a terminal, a line from time to time in a pipe, or JSON."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Final

from fargate_job_launcher.handler import ranges
from rich.live import Live
from rich.text import Text

from .arrays import Progress
from .show import Output, duration
from .task import SHORT

BAR: Final = 30
"""The most characters of the bar itself."""
LEAST_BAR: Final = 10
NARROW: Final = 50
"""On a narrower terminal the counts come first, and the bar only if it fits."""
QUIET_SECONDS: Final = 30
"""How often a pipe gets a line while nothing fails."""
RATED_SECONDS: Final = 120.0
"""The rate is that of the last two minutes."""
INDEXES_SHOWN: Final = 60
"""The most characters of a list of indexes on one line."""


def summary(it: Progress) -> str:
    """How an array stands, in one line."""
    counts = [f"{it.done} of {it.size} done"]
    counts += [f"{number} {what}" for what, number in _counts(it) if number]
    if it.paused:
        counts.append(f"paused ({it.paused})")
    return f"{it.run[:SHORT]} is {it.state}: {', '.join(counts)}"


def _counts(it: Progress) -> list[tuple[str, int]]:
    some = {"failed": it.failed, "stopped": it.stopped, "running": it.running}
    return [(what, ranges.size(indexes)) for what, indexes in some.items()]


def shortly(indexes: str) -> str:
    """Ranges on one line: the last are left out where there are many."""
    if len(indexes) <= INDEXES_SHOWN:
        return indexes
    kept = indexes[:INDEXES_SHOWN].rpartition(",")[0]
    return f"{kept},… ({ranges.size(indexes)} in all)"


class Rate:
    """How fast indexes end."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def seen(self, now: float, done: int) -> None:
        """`done` indexes have ended by `now`, in seconds of any clock."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - RATED_SECONDS:
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """0 as long as it is not known."""
        (began, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - began) if now > began else 0.0


def line(it: Progress, rate: float, width: int) -> Text:
    """The bar with its counts, in at most `width` characters: the least important are left out first."""
    goes_on = rate and not it.ended and not it.paused
    left = duration((it.size - it.done) / rate) if goes_on else ""
    speed = (f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min") if goes_on else ""
    counts = dict(_counts(it))
    parts = [
        (f"{it.done}/{it.size}", ""),
        (f"{counts['failed']} failed" if counts["failed"] else "", "red"),
        ("paused" if it.paused else f"{counts['running']} running", "yellow" if it.paused else "cyan"),
        (f"{left} left" if left else "", ""),
        (speed, "dim"),
        (f"{counts['stopped']} stopped" if counts["stopped"] else "", "yellow"),
    ]
    shown = [(text, style) for text, style in parts if text]
    least = LEAST_BAR + 1 if width >= NARROW else 0
    while len(shown) > 1 and sum(len(text) + 2 for text, _ in shown) > width - least:
        shown.pop()
    room = min(BAR, width - sum(len(text) + 2 for text, _ in shown) - 1)
    text = Text(no_wrap=True, overflow="crop")
    if room >= LEAST_BAR:
        text.append_text(_bar(it, room))
    for part, style in shown:
        text.append("  " if text else "").append(part, style=style)
    return text


def _bar(it: Progress, wide: int) -> Text:
    """The indexes that have ended, those that failed among them, and those that run."""
    good, bad = wide * ranges.size(it.succeeded) // it.size, wide * ranges.size(it.failed) // it.size
    bad = max(bad, 1 if it.failed else 0)
    under_way = min(wide - good - bad, max(wide * ranges.size(it.running) // it.size, 1 if it.running else 0))
    under_way = max(0, under_way)
    cells = (("█" * good, "green"), ("█" * bad, "red"), ("▒" * under_way, "cyan"))
    text = Text()
    for cell, style in cells:
        text.append(cell, style=style)
    text.append("·" * (wide - len(text)), style="dim")
    return text[:wide]


class Bar:
    """Shows an array while it is followed."""

    def __init__(self, output: Output, job: str) -> None:
        self._output, self._job = output, job
        self._rate = Rate()
        self._failed, self._said = "", 0.0
        self._live = (
            Live(Text(), console=output.console, transient=True, refresh_per_second=4) if output.terminal else None
        )

    def __enter__(self) -> Bar:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def seen(self, it: Progress) -> None:
        """Show how it stands now."""
        now = time.monotonic()
        self._rate.seen(now, it.done)
        rate = self._rate.per_second
        self._output.data({"type": "progress", **it.as_json(), "perSecond": round(rate, 3)}, one_line=True)
        self._failures(it)
        if it.ended:
            self._ended(it)
        elif self._live is not None:
            width = self._output.console.width
            self._live.update(line(it, rate, width), refresh=True)
        elif now - self._said >= QUIET_SECONDS:
            self._said = now
            self._output.fact(f"{self._job}, run {summary(it)}")

    def _failures(self, it: Progress) -> None:
        new = ranges.of(set(ranges.numbers(it.failed)) - set(ranges.numbers(self._failed)))
        self._failed = it.failed
        if new:
            which = "index" if new.isdecimal() else "indexes"
            said = f"{self._job}, {which} {shortly(new)}: {it.reason}"
            log = (
                f"Its log: fargate-job logs {self._job} --run {it.run[:SHORT]} --index {shortly(new).partition(',')[0]}"
            )
            self._output.said(Text.assemble(("✗ ", "red"), f"{said}. {log}"))

    def _ended(self, it: Progress) -> None:
        good = it.state == "SUCCEEDED"
        told = {"failed": it.failed, "stopped": it.stopped, "not started": it.not_started}
        said = "; ".join(f"{what}: {shortly(indexes)}" for what, indexes in told.items() if indexes)
        why = it.halted or (f"it was {it.stopping}" if it.stopping else "")
        halted = f" ({why})" if why else ""
        then = "" if good else f". To launch these only: fargate-job runs resume {self._job} {it.run[:SHORT]}"
        counted = f"{ranges.size(it.succeeded)} of {it.size} indexes succeeded"
        text = f"{self._job} is {it.state} after {duration(it.seconds)}: {counted}" + (f"; {said}" if said else "")
        self._output.said(Text.assemble(("✓ " if good else "✗ ", "green" if good else "red"), f"{text}{halted}{then}"))
