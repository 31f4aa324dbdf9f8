"""Lines of output as they are printed, with a time and the name of their task; and tasks while they are followed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from .following import Change, End, Line, Retry
from .logs import moment
from .show import Output, ended
from .task import SHORT

COLOURS: Final = ("cyan", "yellow", "green", "magenta", "blue", "bright_red", "bright_cyan", "bright_yellow")
"""Of the names of tasks, on a terminal: one task after the other."""


class Written:
    """Writes lines of one task or of several, each with the name of its task."""

    def __init__(
        self, output: Output, *, several: bool, timestamps: bool = False, indexes: Mapping[str, int] | None = None
    ) -> None:
        """`several`: whether a line names its task. `timestamps`: whether it says when it was written (in
        JSON it always does). `indexes`: task → its index in an array, which is then its name."""
        self.several = several
        self._output, self._timestamps, self._indexes = output, timestamps, indexes or {}
        self._width = max((len(str(it)) for it in self._indexes.values()), default=SHORT)
        self._colours: dict[str, str] = {}

    def before(self, task: str) -> Text:
        """The name of a task and a gap; empty if there is only one."""
        if not self.several:
            return Text()
        name = str(self._indexes[task]) if task in self._indexes else task[:SHORT]
        colour = self._colours.setdefault(task, COLOURS[len(self._colours) % len(COLOURS)])
        return Text.assemble((f"{name:<{self._width}}", colour), "  ")

    def line(self, task: str, milliseconds: int, text: str) -> None:
        """Write a line."""
        index: dict[str, Any] = {"index": self._indexes[task]} if task in self._indexes else {}
        told = {"type": "line", **index, "task": task, "at": moment(milliseconds), "text": text}
        self._output.data(told, one_line=True)
        if not self._output.json:
            at = (f"{moment(milliseconds)}  ", "dim") if self._timestamps else ""
            self._output.fact(Text.assemble(at, self.before(task), text))


class Following:
    """Shows tasks while they are followed: their lines as they arrive and, on a terminal, their states below."""

    def __init__(
        self, output: Output, job: str, count: int, *, lines: bool = True, written: Written | None = None
    ) -> None:
        """Without `lines`, the end of a failed task names the command that prints its log. `written`: how lines are
        written; by default with the beginning of the task's id if there are several tasks."""
        self._output, self._job, self._lines = output, job, lines
        self._written = written or Written(output, several=count > 1)
        self._begun = time.monotonic()
        self._most = 0
        self._states: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = Live(self._spinner, console=output.console, transient=True) if output.terminal else None

    def __enter__(self) -> Following:
        if self._live is not None:
            self._live.start()
            self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def seen(self, event: Change | Line | End | Retry) -> None:
        """Show an event."""
        if isinstance(event, Line):
            self._written.line(event.task.id, event.milliseconds, event.text)
            return
        before = self._written.before(event.task.id)
        if isinstance(event, Retry):
            self._states.pop(event.task.id, None)
            told = {"type": "retry", "task": event.task.id, "run": event.task.run}
            self._output.data({**told, "attempt": event.attempt, "most": event.most}, one_line=True)
            follows = f"{self._job}: attempt {event.attempt} of at most {event.most} follows"
            self._output.said(Text.assemble(before, ("↻ ", "yellow"), follows))
            self._most = event.most
            self._draw()
            return
        self._states[event.task.id] = event.task.outcome or event.task.status
        if isinstance(event, Change):
            self._output.data({"type": "state", "task": event.task.id, "status": event.task.status}, one_line=True)
            if self._live is None and event.task.status != "STOPPED":
                self._output.fact(f"{before}{self._job} is {event.task.status}")
        else:
            self._output.data({"type": "end", **event.task.as_json(), "remedy": event.advice or None}, one_line=True)
            unseen = not self._lines and event.task.started is not None and event.task.outcome != "succeeded"
            log = f"Its log: fargate-job logs {self._job} --task {event.task.id}" if unseen else ""
            gave_up = event.task.outcome != "succeeded" and event.task.attempt == self._most
            last = f"It was attempt {self._most} of {self._most}, the last" if gave_up else ""
            self._output.said(ended(self._job, event.task, last, event.advice, log, before=before))
        self._draw()

    def _draw(self) -> None:
        states = list(self._states.values())
        shown = ", ".join(f"{states.count(it)} {it}" if self._written.several else it for it in dict.fromkeys(states))
        self._spinner.update(text=f" {self._job}  {shown or 'LAUNCHED'}  Ctrl-C leaves it running")
