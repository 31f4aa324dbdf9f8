"""`fargate-job dead-letters`."""

from __future__ import annotations

import json
from typing import Any

import click

from ..errors import JobError, NotLaunched
from ..parked import DeadLetter, dead_letters, redrive
from ..show import ago
from .context import FAILED, Context, common


@click.group("dead-letters")
def letters() -> None:
    """Events that could not be launched: show them, launch them again."""


@letters.command("show")
@click.argument("job")
@common
def show_letters(context: Context, job: str) -> None:
    """Show JOB's dead letters and their reasons."""
    found = context.job(job)
    with dead_letters(found) as parked:
        context.output.data([it.as_json() for it in parked])
        if not parked:
            context.output.fact(f"{found.name} has no dead letters")
        else:
            rows = [(it.id, ago(it.parked), it.reasons, _shortly(it)) for it in parked]
            context.output.table(("MESSAGE", "PARKED", "WHY", "EVENT"), rows)


@letters.command("redrive")
@click.argument("job")
@click.option("--message", "-m", "named", multiple=True, help="A message's id, or the beginning of it (all messages).")
@common
def redrive_letters(context: Context, job: str, named: tuple[str, ...]) -> int:
    """Launch what JOB's dead letters lack. An event whose tasks are all launched leaves the queue, any other stays."""
    found = context.job(job)
    results = list[dict[str, Any]]()
    with dead_letters(found) as parked:
        some = [it for it in parked if not named or it.id.startswith(named)]
        for letter in some:
            try:
                done = redrive(found, letter)
            except JobError as error:
                some_run = error.result["tasks"] if isinstance(error, NotLaunched) else []
                ids = [task["id"] for task in some_run]
                results.append({"id": letter.id, "launched": False, "tasks": ids, "reason": str(error)})
                context.output.fact(f"stays     {letter.id}  {error}")
            else:
                results.append({"id": letter.id, "launched": True, "tasks": done.tasks, "reason": None})
                before = "before: " if done.status == "DUPLICATE" else ""
                told = f"task {', '.join(done.tasks)}" if done.tasks else f"run {done.run}, which waits"
                context.output.fact(f"launched  {letter.id}  {before}{told}")
    context.output.data(results)
    if not results:
        context.output.fact(f"{found.name} has no {'such ' if named else ''}dead letters")
    return 0 if all(it["launched"] for it in results) else FAILED


def _shortly(letter: DeadLetter) -> str:
    text = letter.body if letter.event is None else json.dumps(letter.event)
    return text if len(text) <= 80 else f"{text[:77]}..."
