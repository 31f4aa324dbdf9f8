"""What a person, a pipe or a program sees: a live display on a terminal, plain lines in a pipe, or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from .errors import JobError, sentences
from .following import Change, End, Line
from .task import Task

SHORT: Final = 8
"""Characters of a task's id that tell tasks apart."""
_COLOURS: Final = {
    "succeeded": "green",
    "SUCCEEDED": "green",
    "RUNNING": "cyan",
    "stopped": "yellow",
    "interrupted": "yellow",
}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command: rich would exit with 1."""
        raise BrokenPipeError


class Output:
    """Where a command writes: results to standard output, errors to standard error."""

    def __init__(self, shape: str) -> None:
        """`shape` is text or json."""
        self.json = shape == "json"
        self._console = _Console(highlight=False, emoji=False, markup=False, soft_wrap=True)

    @property
    def terminal(self) -> bool:
        """Whether the output is text on a terminal."""
        return self._console.is_terminal and not self.json

    @property
    def width(self) -> int:
        """The characters of a line of text output: those of the terminal, 60 to 120; 120 in a pipe."""
        return min(max(self._console.width, 60), 120) if self._console.is_terminal else 120

    def fact(self, said: str | Text) -> None:
        """Print a line of text output."""
        if not self.json:
            self._console.print(said)

    def data(self, data: Any, *, one_line: bool = False) -> None:
        """Print JSON output."""
        if self.json:
            print(json.dumps(data, indent=None if one_line else 2), flush=True)

    def table(self, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print aligned columns: with colour on a terminal, without padding in a pipe."""
        if self.json:
            return
        table = Table(*names, box=None, pad_edge=False, header_style="bold", show_header=True)
        for column in table.columns:
            column.no_wrap, column.overflow = True, "ignore"
        for row in rows:
            cells = ["" if it is None else str(it) for it in row]
            table.add_row(*(Text(it, style=_COLOURS.get(it, "red" if it in _BAD else "")) for it in cells))
        wide = Console(width=max(self._console.width, 400), highlight=False, file=sys.stdout)
        for line in wide.render_lines(table, wide.options, pad=False):
            text = Text.assemble(*((it.text, it.style or "") for it in line))
            text.rstrip()
            self._console.print(text)

    def error(self, error: JobError) -> None:
        """Print an error in one line."""
        if self.json:
            said = {"error": {"kind": error.kind, "message": error.found, "next": error.then or None}}
            print(json.dumps(said), file=sys.stderr)
            return
        errors = _Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)
        errors.print(Text.assemble(("error: ", "bold red"), str(error)))

    def interrupted(self, error: JobError) -> None:
        """Print what still runs after Ctrl-C. A command to paste gets no full stop."""
        if self.json:
            self.error(error)
        elif error.then:
            self.note(f"\n{error.found}. {error.then}")

    def note(self, said: str) -> None:
        """Print a remark to standard error."""
        if not self.json:
            _Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True).print(said)


_BAD: Final = frozenset({"FAILED", "failed", "never_started", "timed_out"})


class Following:
    """Shows tasks while they are followed: their lines as they arrive and, on a terminal, their states below."""

    def __init__(self, output: Output, job: str, count: int, *, lines: bool = True) -> None:
        """Without `lines`, the end of a failed task names the command that prints its log."""
        self._output, self._job, self._several, self._lines = output, job, count > 1, lines
        self._begun = time.monotonic()
        self._states: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._live = Live(self._spinner, console=output._console, transient=True) if output.terminal else None  # pyright: ignore[reportPrivateUsage]

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

    def seen(self, event: Change | Line | End) -> None:
        """Show an event."""
        before = f"{event.task.id[:SHORT]}  " if self._several else ""
        if isinstance(event, Line):
            self._output.data(
                {"type": "line", "task": event.task.id, "at": moment(event.milliseconds), "text": event.text},
                one_line=True,
            )
            self._output.fact(Text(before, style="dim").append(event.text, style="default not dim"))
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
            self._output.fact(ended(self._job, event.task, event.advice, log, before=before))
        self._draw()

    def _draw(self) -> None:
        states = list(self._states.values())
        shown = ", ".join(f"{states.count(it)} {it}" if self._several else it for it in dict.fromkeys(states))
        self._spinner.update(text=f" {self._job}  {shown or 'LAUNCHED'}  Ctrl-C leaves it running")


def ended(job: str, task: Task, *then: str, before: str = "") -> Text:
    """The result of a task and what to do, in one line."""
    took = "" if task.seconds is None else f" after {duration(task.seconds)}"
    good = task.outcome == "succeeded"
    said = sentences(task.reason, *then) if any(then) else task.reason
    return Text.assemble(before, ("✓ " if good else "✗ ", "green" if good else "red"), f"{job}{took}: {said}")


_SAID: Final = {
    "DUPLICATE": "Already launched with this key: {}",
    "WAITING": "Not yet launched: {} waits until its running tasks have stopped (`overlap`: replace)",
    "SKIPPED": "Not launched: {} runs already, and its `overlap` is skip",
}
"""Status of an answer → how a launch is told; otherwise it is launched."""


def launched(output: Output, job: str, result: Any) -> None:
    """Print a launch, from the launcher's answer."""
    cost, status = result["maxCostUsdPerHour"], result["status"]
    if status == "SCHEDULED":
        output.fact(Text(f"Scheduled {job}", style="bold"))
        return
    missing = result["launched"] < result["requested"]
    count = f"{result['launched']} of {result['requested']}" if missing else result["launched"]
    of = "" if result["requested"] == 1 else f", {count} tasks"
    if "array" in result:
        array = result["array"]
        of = f", an array of {array['size']}, {array['parallelism']} at once"
    upto = "" if cost is None else f", at most {cost:.4f} USD an hour"
    how = "" if status in ("WAITING", "SKIPPED") else f"{of}{upto}"
    output.fact(Text(f"{_SAID.get(status, 'Launched {}').format(job)}{how}", style="bold"))
    for task in result["tasks"] if "array" not in result else []:
        output.fact(f"  task  {task['id']}")
    if not result["tasks"] or "array" in result:
        output.fact(f"  run   {result['run']}")


def task_row(task: Task, run: str) -> list[object]:
    """A task as a row of a table; `run` is the state of its run."""
    code = "" if task.exit_code is None else task.exit_code
    took = "" if task.seconds is None else duration(task.seconds)
    return [task.id, task.outcome or task.status, code, ago(task.created), took, task.attempt, run, task.reason]


TASK_COLUMNS: Final = ("TASK", "STATE", "EXIT", "LAUNCHED", "RAN", "ATTEMPT", "RUN", "REASON")


def duration(seconds: float) -> str:
    """A duration in words, to the second."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def clock(moment: datetime) -> str:
    """A time as the clocks of its zone show it, with the day of the week and the offset from UTC."""
    offset = f"{moment:%z}"
    return f"{moment:%a %Y-%m-%d %H:%M} " + ("UTC" if str(moment.tzinfo) == "UTC" else f"{offset[:3]}:{offset[3:5]}")


def ago(moment: datetime | None) -> str:
    """How long ago, in words."""
    return "" if moment is None else f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"


def moment(milliseconds: int) -> str:
    """A time of a log line, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
