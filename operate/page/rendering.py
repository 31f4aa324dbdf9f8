"""Fills in the templates. Every value is escaped; links are made here, from the root and the parts of a path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from ..asked import told
from ..hiding import hidden_text
from ..logs import moment
from ..past import MARKS
from ..show import brief, duration, minute, stamp
from ..task import SHORT
from ..times import instant
from . import drawings

STATES: Final = ("running", "succeeded", "failed", "stopped", "skipped", "rejected")
"""The states by which a job's runs can be filtered."""


class Pages:
    """The templates, with what all of them show."""

    def __init__(self, root: str, *, read_only: bool, stack: str, region: str) -> None:
        """`root`: the path above all pages; empty in a file."""
        self._root = root
        self._environment = Environment(
            loader=PackageLoader(__package__ or "", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= _FILTERS
        shown: dict[str, Any] = {
            **{"link": self.link, "strip_of": drawings.strip},
            **{"read_only": read_only, "stack": stack, "region": region, "marks": MARKS, "states": STATES},
        }
        cast("dict[str, Any]", self._environment.globals).update(shown)

    def link(self, *parts: str, **asked: Any) -> str:
        """The address of a page: its path, in parts, and its parameters; those that are empty are left out."""
        path = "/".join([self._root, *(quote(it, safe="") for it in parts)]) if parts else f"{self._root}/"
        given = {key.rstrip("_"): str(it) for key, it in asked.items() if it not in ("", None)}
        return f"{path}?{urlencode(given)}" if given else path

    def text(self, name: str, **values: Any) -> str:
        """A template, filled in."""
        filled = self._environment.get_template(name).render(**values, now=datetime.now(UTC))
        # Half a surrogate pair, which JSON can carry, is no character; it is shown as JSON escapes it.
        return filled.encode(errors="backslashreplace").decode()

    def page(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The same, as an answer."""
        return HTMLResponse(self.text(name, **values), status)


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"in {brief(-seconds)}" if seconds < 0 else f"{brief(seconds)} ago"


_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "ago": _ago,
    "asked": told,
    "at": moment,
    "brief": brief,
    "duration": duration,
    "hidden": hidden_text,
    "iso": instant,
    "minute": minute,
    "percent": lambda it: "" if it is None else f"{it:.1%}",
    "short": lambda it: it[:SHORT],
    "stamp": stamp,
    "usd": lambda it: "" if it is None else f"{it:,.4f}" if it < 100 else f"{it:,.2f}",
}
