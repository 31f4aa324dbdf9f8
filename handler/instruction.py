"""What the supervisor asks a launcher to do: a retry, a launch that waited, telling an end. Pure."""

from __future__ import annotations

import re
from typing import Any, Literal, cast

Kind = Literal["retryOf", "continueOf", "endOf"]

_RUN = r"[0-9a-f]{32}"
_TASK = r"[0-9A-Za-z-]{1,64}"


def read(event: object) -> tuple[Kind, str, str] | None:
    """Kind, run, and of a retry the lineage's first task; None for any other event.

    Such an event has no authority of its own: the launcher does only what the table says is pending, for any
    caller.
    """
    if not isinstance(event, dict) or len(cast("dict[str, Any]", event)) != 1:
        return None
    ((kind, asked),) = cast("dict[str, Any]", event).items()
    if kind == "retryOf" and isinstance(asked, dict):
        retry = cast("dict[str, Any]", asked)
        run, root = retry.get("run"), retry.get("root")
        if set(retry) == {"run", "root"} and _is(_RUN, run) and _is(_TASK, root):
            return "retryOf", str(run), str(root)
    if kind in ("continueOf", "endOf") and _is(_RUN, asked):
        return cast("Kind", kind), str(asked), ""
    return None


def _is(pattern: str, text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None
