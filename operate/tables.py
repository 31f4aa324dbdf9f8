"""Tables of text that fit the width of a terminal. Pure: cells in, lines out.

A column is as wide as its widest cell. If a row does not fit, the columns that can be spared are left out, one after
the other; what is said about a row moves below it, broken between words. No cell is broken or shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

GAP: Final = 2
"""Characters between two columns."""
LEAST_SAID: Final = 40
"""The last column moves below its rows if fewer characters are left for it."""
INDENT: Final = 4
"""Before what is said below a row."""
STYLES: Final = {
    **dict.fromkeys(("succeeded", "SUCCEEDED"), "green"),
    **dict.fromkeys(("RUNNING", "LAUNCHING"), "cyan"),
    **dict.fromkeys(("stopped", "interrupted", "STOPPED", "SKIPPED"), "yellow"),
    **dict.fromkeys(("failed", "never_started", "timed_out", "FAILED", "REJECTED"), "red"),
}
"""A cell's text → its colour."""


class Columns:
    """The columns of a table. The first rows that are laid out decide about them; further rows are aligned to these."""

    def __init__(
        self, names: Sequence[str], *, width: int | None = None, spare: Sequence[str] = (), below: bool = False
    ) -> None:
        """`width`: the most characters of a line; None: no limit. `spare`: the columns that are left out where they do
        not fit, the first of them first. `below`: the last column is a text, which moves below its row where it does
        not fit."""
        self._names, self._width, self._spare = list(names), width, list(spare)
        self._said = names[-1] if below else ""
        self._kept: list[int] = []
        self._widths: list[int] = []
        self._room: int | None = None

    def lines(self, rows: Iterable[Sequence[object]]) -> Iterator[Text]:
        """The rows as lines; the first time after a line with the names. Trailing spaces are left out."""
        # A reason may be anybody's text: a line break or an escape sequence in it would break the table.
        cells = [["" if it is None else _CONTROLS.sub(" ", str(it)) for it in row] for row in rows]
        if not self._widths:
            self._fit(cells)
            said = [self._said] if self._said and self._room != 0 and any(row[-1] for row in cells) else []
            yield self._line([Text(it, style="bold") for it in [*(self._names[it] for it in self._kept), *said]])
        for row in cells:
            yield from self._row(row)

    def _fit(self, rows: list[list[str]]) -> None:
        most = [max([cell_len(name), *(cell_len(row[at]) for row in rows)]) for at, name in enumerate(self._names)]
        filled = [any(row[at] for row in rows) or not rows for at in range(len(self._names))]
        # A column that says nothing in any row can be left out, too, where space is short.
        plain = len(self._names) - bool(self._said)
        self._kept = [at for at in range(plain) if filled[at] or self._names[at] not in self._spare]
        for name in self._spare:
            if self._width is None or self._total(most) <= self._width:
                break
            self._kept = [at for at in self._kept if self._names[at] != name]
        self._widths = [most[at] for at in self._kept]
        if self._width is not None and self._said:
            left = self._width - self._total(most) - GAP
            self._room = left if left >= min(LEAST_SAID, most[-1]) else 0

    def _total(self, most: list[int]) -> int:
        return sum(most[at] for at in self._kept) + GAP * (len(self._kept) - 1)

    def _row(self, row: list[str]) -> Iterator[Text]:
        cells = [Text(row[at], style=STYLES.get(row[at], "")) for at in self._kept]
        said = row[-1] if self._said else ""
        if self._room is None or not said:
            yield self._line([*cells, *([Text(said)] if said else [])])
            return
        if self._room == 0:
            yield self._line(cells)
            yield from (Text(it) for it in below(said, self._width or 0))
            return
        first, *others = broken(said, self._room)
        yield self._line([*cells, Text(first)])
        indent = sum(self._widths) + GAP * len(self._widths)
        yield from (Text(f"{'':{indent}}{it}") for it in others)

    def _line(self, cells: list[Text]) -> Text:
        line = Text()
        for at, cell in enumerate(cells):
            line.append_text(cell)
            if at < len(cells) - 1:
                line.append(" " * (self._widths[at] - cell_len(cell.plain) + GAP))
        line.rstrip()
        return line


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters, in one line."""
    line = " ".join(text.split()) if text.strip() else text
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def once(reasons: Iterable[str], told: Iterable[str] = ()) -> list[str]:
    """Reasons, those that were said before (or `told` already) in two words."""
    seen, found = set(told), list[str]()
    for it in reasons:
        found.append(ABOVE if it in seen and len(it) > len(ABOVE) else it)
        seen.add(it)
    return found


ABOVE: Final = "as above"


def wrapped(said: Text, width: int) -> list[Text]:
    """A text in lines of at most so many characters. No word is broken, no number is parted from its unit, and no
    command of ours is broken, which is to be pasted: a longer one has a line of its own."""
    found = list[Text]()
    for line in said.split("\n", allow_blank=True):
        whole = _WHOLE.sub(lambda it: it[0].replace(" ", _KEPT), line.plain)
        breaks, begin = list[int](), 0
        for word in _WORD.finditer(whole):
            if word.start() > begin and cell_len(whole[begin : word.end(1)]) > width:
                begin = word.start()
                breaks.append(begin)
        found += line.divide(breaks) if breaks else [line]
    for line in found:
        line.rstrip()
    return found


def broken(said: str, width: int) -> list[str]:
    """`wrapped`, without styles."""
    return [it.plain for it in wrapped(Text(said), width)] or [""]


def below(said: str, width: int, indent: int = INDENT) -> list[str]:
    """A text below a row."""
    return [f"{'':{indent}}{it}" for it in broken(said, width - indent)]


_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_KEPT: Final = "\ue000"
"""A character of no text, in place of a space at which no line is broken."""
_WORD: Final = re.compile(r"(\S+)\s*")
_WHOLE: Final = re.compile(
    r"fargate-job(?: (?!shows|has|makes)(?:--?)?[\w./@=:-]*[\w/-])+"
    r"|\b\d[\d.]* (?:USD|MiB|GiB|vCPU|min|h|s|%)(?!\w)"
)
