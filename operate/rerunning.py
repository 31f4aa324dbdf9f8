"""Launches the request of a run once more, with changes, as a new run.

`rerun(find(Account(), "import"), "1f0d9a4b", environment={"MODE": "full"}).wait()`
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher.handler.run import Item

from . import runs
from .catalogue import Job
from .errors import JobError
from .launching import Launch, invoke
from .runs import WithRun
from .task import SHORT

MERGED: Final = ("environment", "tags", "array")
"""Parts of a request that are merged by name; every other part is replaced."""


def rerun(job: Job, run: str | WithRun, **changes: Any) -> Launch:
    """Launch the request of a run once more, as a new run, whatever state it is in.

    `run` is its id, the beginning of it, or what is of it: a PastRun, a Launch. `changes` are parts of the launch
    event under their names there (`environment`, `command`, `cpu`, `memory`, `payload`, `count`, `array`, `capacity`,
    `tags`, `role`, `dryRun`, …). Variables, tags and the parts of an array are merged by name, and None leaves one
    out; every other part is replaced, and None makes it as the job's owner defined it. The launcher checks the whole
    request as it checks every launch.

    Raises NoSuchRun, JobError if the run's payload is gone, and the errors of `launch`.
    """
    return again(job, event_again(job, runs.named(job, run), changes))


def again(job: Job, event: Mapping[str, Any]) -> Launch:
    """Send the event of `event_again`."""
    return invoke(job, event, repeatable=False)


def event_again(job: Job, run: Item, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The event that launches the request of a run once more, with changes; its key names the run. Raises JobError."""
    unknown = sorted(changes.keys() & {"version", "taskToken"})
    if unknown:
        raise JobError(f"{', '.join(unknown)}: not a change of a request", "Leave it out")
    was = runs.requested(job, run, payload="payload" not in changes)
    if changes.get("count"):
        was.pop("array", None)
    if changes.get("array"):
        was.pop("count", None)
    for name, change in changes.items():
        merged = name in MERGED and isinstance(change, Mapping)
        if merged:
            _check_left_out(run, name, was.get(name) or {}, change)
        value: Any = _merged(was.get(name) or {}, change) if merged else change
        if value is None or (merged and not value):
            was.pop(name, None)
        else:
            was[name] = value
    return {"idempotencyKey": f"rerun {uuid.uuid4().hex[:12]} of {run['run']}", **was}


def _check_left_out(run: Item, name: str, was: Mapping[str, Any], change: Mapping[str, Any]) -> None:
    """Raise JobError if a name that the changes leave out is not there: a slip, which would otherwise do nothing."""
    wrong = [it for it, value in change.items() if value is None and it not in was]
    if wrong:
        raise JobError(
            f"{name}: run {run['run'][:SHORT]} has no {', '.join(wrong)} to leave out",
            f"It has {', '.join(sorted(was)) or 'none'}",
        )


def _merged(was: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**was, **change}.items() if value is not None}
