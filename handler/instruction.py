"""What the supervisor and persons ask a launcher to do, besides launching. Pure.

The supervisor asks for a retry, for a launch that waited, for more of an array, and to tell an end; a person changes an
array, stops a run, pauses and resumes a schedule of the job, or cancels a launch that waits for its time.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, cast

Kind = Literal["retryOf", "continueOf", "nextOf", "endOf", "arrayOf", "pause", "resume", "cancelOf"]

_RUN = r"[0-9a-f]{32}"
_TASK = r"[0-9A-Za-z-]{1,64}"
_SCHEDULE = r"[a-z][a-z0-9-]{0,30}"
_BY = r".{0,256}"


ACTIONS: Final = ("pause", "resume", "stop")
"""What can be done to an array, besides changing its parallelism."""


_EXPECTED: Final = {
    "retryOf": "an object with run and root, as the supervisor sends it,",
    "continueOf": "the id of a run, 32 hexadecimal digits,",
    "nextOf": "the id of a run, 32 hexadecimal digits,",
    "endOf": "the id of a run, 32 hexadecimal digits,",
    "cancelOf": "the id of a run, 32 hexadecimal digits,",
    "arrayOf": "an object with run, the id of an array run, and one change,",
    "stopOf": "an object with run, the id of a run, and at most requestedBy besides,",
    "scheduleOf": "an object with name, that of a schedule, and paused, true or false,",
}


class Malformed(Exception):
    """The event asks for something, but not in the form that it has; the message says what is expected."""


def read(event: object) -> tuple[Kind, str, Any] | None:
    """Kind, run, and of a retry the lineage's first task, of an array the whole change; of a pause or a resumption the
    schedule's name and who asks. None for any other event. Raises Malformed.

    What the supervisor asks for has no authority of its own: the launcher does only what the table says is pending, for
    any caller. To change an array is to launch more or fewer of its tasks, as anyone may who may invoke the launcher.
    """
    if not isinstance(event, dict) or len(cast("dict[str, Any]", event)) != 1:
        return None
    ((kind, asked),) = cast("dict[str, Any]", event).items()
    if kind not in _EXPECTED:
        return None
    found = _read(kind, asked)
    if found is None:
        raise Malformed(f"{kind}: {_EXPECTED[kind]} is expected")
    return found


def _read(kind: str, asked: object) -> tuple[Kind, str, Any] | None:
    if kind == "retryOf" and isinstance(asked, dict):
        retry = cast("dict[str, Any]", asked)
        run, root = retry.get("run"), retry.get("root")
        if set(retry) == {"run", "root"} and _is(_RUN, run) and _is(_TASK, root):
            return "retryOf", str(run), str(root)
    if kind == "arrayOf" and isinstance(asked, dict):
        change = cast("dict[str, Any]", asked)
        if _is(_RUN, change.get("run")):
            return "arrayOf", str(change["run"]), change
    if kind == "stopOf" and isinstance(asked, dict):
        stop = cast("dict[str, Any]", asked)
        if _is(_RUN, stop.get("run")) and stop.keys() <= {"run", "requestedBy"}:
            return "arrayOf", str(stop["run"]), {**stop, "stop": True}
    if kind == "scheduleOf" and isinstance(asked, dict):
        return _of_schedule(cast("dict[str, Any]", asked))
    if kind in ("continueOf", "nextOf", "endOf", "cancelOf") and _is(_RUN, asked):
        return cast("Kind", kind), str(asked), ""
    return None


def _of_schedule(asked: dict[str, Any]) -> tuple[Kind, str, str] | None:
    name, paused, by = asked.get("name"), asked.get("paused"), asked.get("requestedBy", "")
    known = asked.keys() <= {"name", "paused", "requestedBy"} and isinstance(paused, bool)
    if not known or not _is(_SCHEDULE, name) or not _is(_BY, by) or not str(by).isprintable():
        return None
    return "pause" if paused else "resume", str(name), str(by)


def _is(pattern: str, text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None
