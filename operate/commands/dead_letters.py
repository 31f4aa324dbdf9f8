"""`fargate-job dead-letters`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import click

from ..catalogue import Job
from ..errors import JobError, NoSuchDeadLetter, NotLaunched, Rejected
from ..hiding import hidden, hidden_text, restored
from ..letters import DeadLetter
from ..parked import HELD_SECONDS, Redriven, chosen, dead_letters, discard, edit, held_elsewhere, redrive
from ..show import ago
from ..task import SHORT
from .context import FAILED, Context, Listing, common


@click.group("dead-letters", cls=Listing)
def letters() -> None:
    """Events that could not be launched: show them, launch them again, edit them, discard them.

    ID is a message's id, or the beginning of it. Without a command: `dead-letters JOB` lists.
    """


@letters.command("list")
@click.argument("job")
@common
def list_letters(context: Context, job: str) -> None:
    """List JOB's dead letters: how old each is, and why it is there."""
    _listed(context, context.job(job))


@letters.command("show")
@click.argument("job")
@click.argument("message", required=False, metavar="[ID]")
@common
def show_letter(context: Context, job: str, message: str | None) -> None:
    """Show the dead letter ID of JOB: why it is there, its launch event, and its whole body if that is more. What looks
    like a secret is hidden. Without an ID, list all."""
    found = context.job(job)
    if message is None:
        _listed(context, found)
        return
    with _held(found, [message]) as (it,):
        context.output.data(it.as_json())
        _shown(context, it)
        context.output.fact("")
        for verb in ("redrive", "edit", "discard"):
            context.output.fact(f"next  fargate-job dead-letters {verb} {found.name} {it.id[:SHORT]}")


@letters.command("redrive")
@click.argument("job")
@click.argument("messages", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All of them, as without an ID.")
@click.option("--message", "-m", "named", multiple=True, help="The same as ID.")
@common
def redrive_letters(context: Context, job: str, messages: tuple[str, ...], every: bool, named: tuple[str, ...]) -> int:
    """Launch what JOB's dead letters lack: those named by ID, or all. An event whose tasks are all launched leaves the
    queue, any other stays."""
    wanted = (*messages, *named)
    if wanted and every:
        raise click.UsageError("give IDs or --all, not both")
    found = context.job(job)
    results = list[dict[str, Any]]()
    with _held(found, wanted, every=not wanted) as some:
        for letter in some:
            try:
                done = redrive(found, letter)
            except JobError as error:
                if isinstance(error, Rejected):
                    edited = f"fargate-job dead-letters edit {found.name} {letter.id[:SHORT]}"
                    error.also(f"{edited} launches it as you correct it")
                some_run = error.result["tasks"] if isinstance(error, NotLaunched) else []
                ids = [task["id"] for task in some_run]
                results.append({"id": letter.id, "launched": False, "tasks": ids, "reason": str(error)})
                context.output.said(f"stays     {letter.id[:SHORT]}  {error}")
            else:
                results.append(_result(letter, done))
                _launched(context, letter, done)
    context.output.data(results)
    if not results:
        context.output.fact(f"{found.name} has no dead letters")
    return 0 if all(it["launched"] for it in results) else FAILED


@letters.command("edit")
@click.argument("job")
@click.argument("message", metavar="ID")
@click.option("--event", metavar="JSON", help="The launch event as it should be; - reads it from standard input.")
@common
def edit_letter(context: Context, job: str, message: str, event: str | None) -> None:
    """Launch the dead letter ID of JOB as you edit it: its launch event opens in $EDITOR. The launcher checks it; once
    its tasks are launched, the message is deleted.

    The edited event is another request: it gets a key of its own, the same for every edit of this message, unless you
    write another one.
    """
    found = context.job(job)
    with _held(found, [message]) as (letter,):
        pass
    if event is not None:
        text = sys.stdin.read() if event == "-" else event
        _edit(context, found, letter, text)
        return
    _require_editor()
    if not context.output.json:
        context.output.note(f"{letter.id[:SHORT]}: {letter.reasons}")
    text = _written(letter)
    while True:
        changed = _in_editor(text)
        if changed is None or _json_of(changed) == hidden(letter.event):
            raise JobError("nothing was changed, and nothing is launched", "Launch it as it is with redrive")
        try:
            _edit(context, found, letter, changed)
        except NoSuchDeadLetter:
            raise
        except JobError as error:
            if not sys.stdin.isatty():
                raise
            context.output.error(error)
            if not _confirmed("Edit it again?", default=True):
                raise
            text = changed
        else:
            return


@letters.command("discard")
@click.argument("job")
@click.argument("messages", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common
def discard_letters(context: Context, job: str, messages: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete dead letters of JOB for good: those named by ID, or --all. What they asked for is not launched."""
    if bool(messages) == every:
        raise click.UsageError("name what to discard: IDs, or --all")
    found = context.job(job)
    with _held(found, messages, every=every) as some:
        shown = list(some)
    if not shown:
        context.output.data([])
        context.output.fact(f"{found.name} has no dead letters")
        return
    if not yes:
        _ask(context, found, shown)
    # Only what was shown, and only if it is still there: it was visible to others meanwhile.
    with _held(found, [it.id for it in shown]) as some:
        discard(found, some)
    context.output.data([{"id": it.id, "discarded": True} for it in some])
    for it in some:
        context.output.fact(f"discarded {it.id[:SHORT]}")


def _ask(context: Context, job: Job, some: Sequence[DeadLetter]) -> None:
    """Have the person confirm. Raises JobError without a person, and without a yes."""
    what = f"{len(some)} dead letter{'' if len(some) == 1 else 's'} of {job.name}"
    if not sys.stdin.isatty():
        raise JobError(f"{what} would be deleted for good, and nobody is here to be asked", "Add --yes")
    for it in some:
        context.output.note(f"{it.id[:SHORT]}  {ago(it.parked)}  {it.reasons}")
    if not _confirmed(f"Delete {what} for good?"):
        raise JobError("nothing was discarded", "")


def _confirmed(question: str, *, default: bool = False) -> bool:
    try:
        return click.confirm(question, default=default, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None


@contextmanager
def _held(job: Job, wanted: Sequence[str], *, every: bool = False) -> Generator[list[DeadLetter]]:
    """The dead letters with these ids, or every one, hidden from others meanwhile. Raises NoSuchDeadLetter."""
    with dead_letters(job) as parked:
        try:
            some = parked if every else chosen(job, wanted, parked)
        except NoSuchDeadLetter as error:
            if said := _elsewhere(job, len(parked)):
                error.also(said)
            raise
        yield some


def _elsewhere(job: Job, ours: int) -> str:
    """That another reader holds some of the dead letters; empty if none does."""
    count = held_elsewhere(job, ours)
    if not count:
        return ""
    return (
        f"{count} more {'is' if count == 1 else 'are'} held by another reader, for {HELD_SECONDS // 60} minutes at most"
    )


def _listed(context: Context, job: Job) -> None:
    with dead_letters(job) as parked:
        elsewhere = _elsewhere(job, len(parked))
        context.output.data([it.as_json() for it in parked])
        if not parked:
            context.output.fact(f"{job.name} has no dead letters")
        else:
            rows = [(it.id[:SHORT], ago(it.parked), it.status, it.run[:SHORT], it.reasons) for it in parked]
            context.output.table(("ID", "PARKED", "STATUS", "RUN", "WHY"), rows, spare=("RUN", "STATUS"), below=True)
            context.output.fact(f"\nnext  fargate-job dead-letters show {job.name} {parked[0].id[:SHORT]}")
    if elsewhere:
        context.output.note(f"{elsewhere}.")


def _shown(context: Context, it: DeadLetter) -> None:
    for name, said in (
        *(("id", it.id), ("parked", f"{it.parked:%Y-%m-%d %H:%M:%S} UTC, {ago(it.parked)}" if it.parked else "")),
        *(("status", it.status), ("why", it.reasons), ("run", it.run)),
    ):
        if said:
            context.output.named(name, said)
    context.output.fact("")
    if it.event is not None:
        context.output.fact(f"The launch event:\n{_pretty(hidden(it.event))}")
    if it.event is None or _json_of(it.body) != it.event:
        context.output.fact(f"The whole message:\n{_pretty_text(hidden_text(it.body))}")


def _edit(context: Context, job: Job, letter: DeadLetter, text: str) -> None:
    """Launch an edited event and print it. The letter is read again: an editor is open for longer than it is held."""
    wanted = _json_of(text)
    if not isinstance(wanted, dict):
        raise JobError(f"the edited event is no JSON object: {text[:40]!r}", 'Write one, such as {"count": 1}')
    event = restored(cast("dict[str, Any]", wanted), letter.event)
    with _held(job, [letter.id]) as (held,):
        done = edit(job, held, event)
    context.output.data({**_result(letter, done), "key": done.key})
    _launched(context, letter, done)
    context.output.said(f"key       {done.key!r}: the edited event is another request than the one with the old key")


def _launched(context: Context, letter: DeadLetter, done: Redriven) -> None:
    before = "before: " if done.status == "DUPLICATE" else ""
    told = f"task {', '.join(done.tasks)}" if done.tasks else f"run {done.run}, which waits"
    context.output.said(f"launched  {letter.id[:SHORT]}  {before}{told}")


def _result(letter: DeadLetter, done: Redriven) -> dict[str, Any]:
    return {"id": letter.id, "launched": True, "run": done.run, "tasks": done.tasks, "reason": None}


def _written(letter: DeadLetter) -> str:
    """What is edited: the launch event or, where there is none, the body."""
    return _pretty_text(hidden_text(letter.body)) if letter.event is None else _pretty(hidden(letter.event))


def _require_editor() -> None:
    if not sys.stdin.isatty() and not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise JobError(
            "there is no terminal for an editor", "Give the event with --event JSON, or --event - from stdin"
        )


def _in_editor(text: str) -> str | None:
    try:
        return click.edit(text, extension=".json")
    except click.ClickException as error:
        raise JobError(error.format_message().rstrip("."), "Set $EDITOR, or give the event with --event") from None


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _pretty_text(text: str) -> str:
    value = _json_of(text)
    try:
        return text if value is None else _pretty(value)
    except RecursionError:
        return text


def _json_of(text: str) -> Any:
    """JSON's value; None if the text is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
