"""What a person, a pipe or a program sees: a live display on a terminal, plain lines in a pipe, or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from .errors import JobError, sentences
from .tables import Columns, broken, wrapped
from .task import SHORT, Task


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command: rich would exit with 1."""
        raise BrokenPipeError


WIDTH: Final = "FARGATE_JOB_COLUMNS"
"""The environment variable with a width for text output, in place of the terminal's. COLUMNS is not asked: where a
program exports it, the output in a pipe would depend on it."""


LEAST_WIDTH: Final = 20
REST: Final = 8
"""Spaces before the rest of a line that has columns of its own."""


def _check_width() -> None:
    wanted = os.environ.get(WIDTH, "")
    if wanted and not (wanted.isascii() and wanted.isdecimal() and int(wanted) >= LEAST_WIDTH):
        raise JobError(
            f"{WIDTH}={wanted!r}: a whole number of columns from {LEAST_WIDTH} on is expected", "Or unset it"
        )


def _columns(console: Console) -> int | None:
    """How many characters fit on a line; None in a pipe, which has no limit."""
    wanted = os.environ.get(WIDTH, "")
    return int(wanted) if wanted else console.width if console.is_terminal else None


def _lines(said: Text, console: Console) -> list[Text]:
    columns = _columns(console)
    return [said] if columns is None else wrapped(said, columns)


class Output:
    """Where a command writes: results to standard output, errors to standard error."""

    def __init__(self, shape: str) -> None:
        """`shape` is text or json. Raises JobError if FARGATE_JOB_COLUMNS is no width."""
        _check_width()
        self.json = shape == "json"
        self.console: Console = _Console(highlight=False, emoji=False, markup=False, soft_wrap=True)

    @property
    def terminal(self) -> bool:
        """Whether the output is text on a terminal."""
        return self.console.is_terminal and not self.json

    @property
    def width(self) -> int:
        """The characters of a line of text output: those of the terminal, 60 to 120; 120 in a pipe."""
        return min(max(_columns(self.console) or 120, 60), 120)

    def fact(self, said: str | Text) -> None:
        """Print a line of text output."""
        if not self.json:
            self.console.print(said)

    def data(self, data: Any, *, one_line: bool = False) -> None:
        """Print JSON output."""
        if self.json:
            print(json.dumps(data, indent=None if one_line else 2), flush=True)

    def columns(self, names: Sequence[str], *, spare: Sequence[str] = (), below: bool = False) -> Columns:
        """Columns that fit the terminal; in a pipe every column is there, and each row is one line."""
        return Columns(names, width=_columns(self.console), spare=spare, below=below)

    def rows(self, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
        """Print rows of text output."""
        for line in [] if self.json else columns.lines(rows):
            self.console.print(line)

    def table(
        self, names: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = (), below: bool = False
    ) -> None:
        """Print aligned columns, with colour on a terminal; `spare` and `below` as in `tables.Columns`."""
        self.rows(self.columns(names, spare=spare, below=below), rows)

    def said(self, said: str | Text) -> None:
        """Print a text in words, broken between words where the terminal ends."""
        text = Text(said) if isinstance(said, str) else said
        for line in _lines(text, self.console):
            self.fact(line)

    def named(self, name: str, said: str) -> None:
        """Print a text behind its name, broken between words where the terminal ends."""
        columns = _columns(self.console)
        lines = [said] if columns is None else broken(said, columns - 13)
        for number, line in enumerate(lines):
            self.fact(f"{'' if number else name:<12} {line}")

    def laid_out(self, line: str) -> None:
        """Print a line that has columns of its own; where the terminal ends, its rest is indented below it."""
        columns = _columns(self.console)
        if columns is None or cell_len(line) <= columns:
            self.fact(line)
            return
        own = " " * min(len(line) - len(line.lstrip()), REST)
        first, *others = broken(own + line.lstrip(), columns)
        self.fact(first)
        for it in broken(" ".join(others), columns - REST) if others else ():
            self.fact(f"{'':{REST}}{it}")

    def error(self, error: JobError) -> None:
        """Print an error in one line."""
        if self.json:
            said = {"error": {"kind": error.kind, "message": error.found, "next": error.then or None}}
            print(json.dumps(said), file=sys.stderr)
            return
        self._aside(Text.assemble(("error: ", "bold red"), str(error)))

    def interrupted(self, error: JobError) -> None:
        """Print what still runs after Ctrl-C. A command to paste gets no full stop."""
        if self.json:
            self.error(error)
        elif error.then:
            self.note(f"\n{error.found}. {error.then}")

    def note(self, said: str) -> None:
        """Print a remark to standard error."""
        if not self.json:
            self._aside(Text(said))

    def _aside(self, said: Text) -> None:
        """Print a text to standard error, broken between words where a terminal ends."""
        errors = _Console(stderr=True, highlight=False, emoji=False, markup=False, soft_wrap=True)
        for line in _lines(said, errors):
            errors.print(line)


def ended(job: str, task: Task, *then: str, before: str | Text = "") -> Text:
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
    output.said(Text(f"{_SAID.get(status, 'Launched {}').format(job)}{how}", style="bold"))
    for task in result["tasks"] if "array" not in result else []:
        output.fact(f"  task  {task['id']}")
    if result["run"]:
        output.fact(f"  run   {result['run'][:SHORT]}")


def beyond(reason: str, exit_code: int | None) -> str:
    """What a reason says beyond the outcome and the exit code, which have columns of their own."""
    for said in (f"it ended with exit code {exit_code}", "it never started"):
        if reason == said:
            return ""
        if reason.startswith(f"{said}: "):
            return reason.removeprefix(f"{said}: ")
    return reason


def duration(seconds: float) -> str:
    """A duration in words, to the second."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def brief(seconds: float | None) -> str:
    """A duration in few characters: 42s, 12m03s, 1h05m, 2d04h; empty without one."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days}d{hours % 24:02}h"
    return f"{hours}h{minutes % 60:02}m" if hours else f"{minutes}m{whole % 60:02}s" if minutes else f"{whole}s"


def who(name: str) -> str:
    """A caller in a table: what STS's name ends with, such as ada of assumed-role/operator/ada."""
    return name.rpartition("/")[2]


def stamp(moment: datetime | None) -> str:
    """A time in UTC, in few characters: 11-26 17:50, or 2025-11-26 in another year; empty without one."""
    if moment is None:
        return ""
    there = moment.astimezone(UTC)
    return f"{there:%m-%d %H:%M}" if there.year == datetime.now(UTC).year else f"{there:%Y-%m-%d}"


def minute(moment: datetime) -> str:
    """A time in UTC to the minute: 2026-11-26 17:50 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def clock(moment: datetime) -> str:
    """A time as the clocks of its zone show it, with the day of the week and the offset from UTC."""
    offset = f"{moment:%z}"
    return f"{moment:%a %Y-%m-%d %H:%M} " + ("UTC" if str(moment.tzinfo) == "UTC" else f"{offset[:3]}:{offset[3:5]}")


def ago(moment: datetime | None) -> str:
    """How long ago, in words."""
    return "" if moment is None else f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"
