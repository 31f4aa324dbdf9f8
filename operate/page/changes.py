"""What a person may change on the page: what it does, exactly what is sent for it, and the call that sends it.

A change is shown before it is made. The same functions of operate/ give the text that is shown and the data that is
sent.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from .. import runs as kept
from ..arrays import ArrayRun
from ..catalogue import Job
from ..errors import JobError, NoSuchSchedule, picked
from ..hiding import HIDDEN, hidden
from ..launching import invoke, stop_instruction, stop_run
from ..parked import chosen, dead_letters, discard, redrive, redrive_event
from ..planned import planned
from ..rerunning import event_again
from ..scheduling import (
    cancel_instruction,
    cancel_launch,
    pause_instruction,
    pause_schedule,
    resume_schedule,
    scheduled,
)
from ..task import SHORT

READING: Final = threading.Lock()
"""Who reads dead letters hides them from others for a moment: the threads of the page read one after the other."""


class Unknown(JobError):
    """The page has no such change."""


@dataclass(frozen=True)
class Change:
    """Something that a person is about to do."""

    title: str
    says: str
    """What it does, in words."""
    button: str
    asked: Mapping[str, str]
    """The fields of the form that makes it."""
    sends: tuple[tuple[str, str], ...]
    """AWS's action and what it is called on, and the data that is sent, as text."""
    make: Callable[[], str]
    """Makes it; returns the id of the run that it leads to, or an empty text."""
    facts: tuple[tuple[str, str], ...] = ()
    """What is known of it, by name."""


def read_event(text: str) -> dict[str, Any]:
    """A launch event as a person wrote it. Raises JobError."""
    then = 'Write an object, such as {"count": 2}'
    try:
        event: Any = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise JobError(f"event: not JSON at line {error.lineno}, column {error.colno}", then) from None
    except (RecursionError, ValueError):
        raise JobError("event: its values are nested too deeply, or a number has too many digits", then) from None
    if not isinstance(event, dict):
        raise JobError("event: an object is expected", then)
    found = cast("dict[str, Any]", event)
    if "dryRun" in found:
        raise JobError("dryRun: the page makes the dry run by itself", "Leave it out")
    return found


def first_event(job: Job, of: str) -> dict[str, Any]:
    """What the form of a launch begins with: an empty event or, with `of`, what that run requested."""
    if not of:
        return {}
    event = event_again(job, kept.named(job, of), {})
    return {key: value for key, value in event.items() if key not in ("idempotencyKey", "requestedBy")}


def launching(job: Job, event: Mapping[str, Any]) -> Change:
    """The launch of an event, after the launcher has checked it in a dry run. Raises Rejected and the other errors of
    `launching.invoke`."""
    whole = {"idempotencyKey": f"page {uuid.uuid4()}", **job.account.claim(), **event}
    result = cast("dict[str, Any]", invoke(job, {**whole, "dryRun": True}).result)
    return _launch(job, whole, tuple(planned(job.settings, result)))


def _launch(job: Job, event: Mapping[str, Any], facts: tuple[tuple[str, str], ...] = ()) -> Change:
    return Change(
        title=f"Launch {job.name}",
        says="The launcher has checked this event and launched nothing. Sent twice, it launches once: it has a key.",
        button="Launch",
        asked={"what": "launch", "event": json.dumps(event)},
        sends=(_invoked(job, event),),
        make=lambda: _launched(job, event),
        facts=facts,
    )


def _launched(job: Job, event: Mapping[str, Any]) -> str:
    launched = invoke(job, event)
    # A launch at a later time has no run yet.
    return "" if launched.scheduled_for else launched.run


def of(job: Job, asked: Mapping[str, str]) -> Change:
    """The change that a form asks for. Raises Unknown, and the error of a name or an id that is not there."""
    what, named = asked.get("what", ""), asked.get("of", "")
    if what == "launch":
        return _launch(job, read_event(asked.get("event", "")))
    if what not in _CHANGES:
        raise Unknown(f"{what[:40]!r} is no change of this page", f"It has {', '.join(sorted(_CHANGES))}")
    return _CHANGES[what](job, named)


def _of_run(
    name: str,
    title: str,
    says: str,
    button: str,
    instruction: Callable[[ArrayRun], Any],
    make: Callable[[ArrayRun], None],
) -> Callable[[Job, str], Change]:
    def change(job: Job, run: str) -> Change:
        it = ArrayRun(job, kept.named(job, run)["run"])

        def made() -> str:
            make(it)
            return it.run

        return Change(
            title=f"{title} run {it.run[:SHORT]} of {job.name}",
            says=says,
            button=button,
            asked={"what": name, "of": it.run},
            sends=(_invoked(job, instruction(it)),),
            make=made,
        )

    return change


def _stop(job: Job, run: str) -> Change:
    item = kept.named(job, run)

    def made() -> str:
        stop_run(job, item["run"])
        return str(item["run"])

    return Change(
        title=f"Stop run {item['run'][:SHORT]} of {job.name}",
        says="Its tasks get SIGTERM and, after the job's stop timeout, SIGKILL. Nothing of it is launched or retried.",
        button="Stop the run",
        asked={"what": "stop-run", "of": item["run"]},
        sends=(_invoked(job, stop_instruction(job, item["run"])),),
        make=made,
    )


def _schedule(*, paused: bool) -> Callable[[Job, str], Change]:
    def change(job: Job, name: str) -> Change:
        if name not in job.settings.schedules:
            known = ", ".join(sorted(job.settings.schedules)) or "none"
            raise NoSuchSchedule(f"{job.name} has no schedule {name!r}", f"Its schedules: {known}")

        def made() -> str:
            (pause_schedule if paused else resume_schedule)(job, name)
            return ""

        return Change(
            title=f"{'Pause' if paused else 'Resume'} schedule {name} of {job.name}",
            says="It launches nothing until it is resumed. Its times become runs in state SKIPPED."
            if paused
            else "It launches again at its next time. What it left out is not made up for.",
            button="Pause it" if paused else "Resume it",
            asked={"what": "pause-schedule" if paused else "resume-schedule", "of": name},
            sends=(_invoked(job, pause_instruction(job, name, paused=paused)),),
            make=made,
        )

    return change


def _cancel(job: Job, run: str) -> Change:
    picked(job.name, "waiting launch", [run], [it.run for it in scheduled(job, last_runs=False).waiting], str)

    def made() -> str:
        cancel_launch(job, run)
        return ""

    return Change(
        title=f"Cancel the launch of {job.name} that waits as run {run[:SHORT]}",
        says="It is not launched.",
        button="Cancel the launch",
        asked={"what": "cancel", "of": run},
        sends=(_invoked(job, cancel_instruction(run)),),
        make=made,
    )


def _redrive(job: Job, letter: str) -> Change:
    with READING, dead_letters(job) as found:
        (it,) = chosen(job, [letter], found)
        event = redrive_event(job, it)

    def made() -> str:
        with READING, dead_letters(job) as now:
            (again,) = chosen(job, [letter], now)
            return redrive(job, again).run

    # What the dead letters' page hides is not shown here either.
    shown: Any = hidden(event)
    sends = () if event is None else (_invoked(job, shown),)
    says = "The message is deleted after its tasks are launched. Sent twice, it launches once: it has a key."
    says += "" if shown == event else f" {HIDDEN} stands for what looks like a secret; it is sent as it is."
    return Change(
        title=f"Launch dead letter {it.id[:SHORT]} of {job.name}",
        says="All of its tasks have been launched before. The message is deleted." if event is None else says,
        button="Launch" if event is not None else "Delete the message",
        asked={"what": "redrive", "of": it.id},
        sends=(*sends, ("sqs:DeleteMessage", it.id)),
        make=made,
    )


def _discard(job: Job, letter: str) -> Change:
    with READING, dead_letters(job) as found:
        (it,) = chosen(job, [letter], found)

    def made() -> str:
        with READING, dead_letters(job) as now:
            discard(job, chosen(job, [letter], now))
        return ""

    return Change(
        title=f"Discard dead letter {it.id[:SHORT]} of {job.name}",
        says="The message is deleted for good, and what it asks for is not launched.",
        button="Discard it",
        asked={"what": "discard", "of": it.id},
        sends=(("sqs:DeleteMessage", it.id),),
        make=made,
        facts=(("reason", it.reasons),),
    )


def _invoked(job: Job, event: Any) -> tuple[str, str]:
    return f"lambda:Invoke {job.function}", json.dumps(event, indent=2, ensure_ascii=False)


_CHANGES: Final[dict[str, Callable[[Job, str], Change]]] = {
    "stop-run": _stop,
    "pause-run": _of_run(
        "pause-run", "Pause", "No further index starts, and no retry. What runs goes on.", "Pause the run",
        lambda it: it.instruction(pause=True), ArrayRun.pause,
    ),
    "resume-run": _of_run(
        "resume-run", "Resume", "It goes on after a pause or, after its end, launches the indexes that failed, were "
        "stopped or never started.", "Resume the run", lambda it: it.instruction(resume=True), ArrayRun.resume,
    ),
    "pause-schedule": _schedule(paused=True),
    "resume-schedule": _schedule(paused=False),
    "cancel": _cancel,
    "redrive": _redrive,
    "discard": _discard,
}  # fmt: skip
