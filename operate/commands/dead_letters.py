"""`fargate-job dead-letters`."""

from __future__ import annotations

import json
from typing import Any

import click

from ..errors import JobError, NotLaunched
from ..parked import DeadLetter, dead_letters, redrive
from ..show import ago
from .asked import FAILED, Asked, common


@click.group("dead-letters")
def letters() -> None:
    """Events that could not be launched: show them, launch them again."""


@letters.command("show")
@click.argument("job")
@common
def show_letters(asked: Asked, job: str) -> None:
    """Show JOB's dead letters and their reasons."""
    found = asked.job(job)
    with dead_letters(found) as parked:
        asked.output.data([it.as_json() for it in parked])
        if not parked:
            asked.output.fact(f"{found.name} has no dead letters")
        else:
            rows = [(it.id, ago(it.parked), it.reasons, _shortly(it)) for it in parked]
            asked.output.table(("MESSAGE", "PARKED", "WHY", "EVENT"), rows)


@letters.command("redrive")
@click.argument("job")
@click.option("--message", "-m", "named", multiple=True, help="A message's id, or the beginning of it (all messages).")
@common
def redrive_letters(asked: Asked, job: str, named: tuple[str, ...]) -> int:
    """Launch JOB's dead letters again. A launched event leaves the queue, any other stays."""
    found = asked.job(job)
    done = list[dict[str, Any]]()
    with dead_letters(found) as parked:
        some = [it for it in parked if not named or it.id.startswith(named)]
        for letter in some:
            try:
                result = redrive(found, letter).result
            except JobError as error:
                some_run = error.result["tasks"] if isinstance(error, NotLaunched) else []
                ids = [task["id"] for task in some_run]
                done.append({"id": letter.id, "launched": False, "tasks": ids, "reason": str(error)})
                asked.output.fact(f"stays     {letter.id}  {error}")
            else:
                ids = [task["id"] for task in result["tasks"]]
                done.append({"id": letter.id, "launched": True, "tasks": ids, "reason": None})
                asked.output.fact(f"launched  {letter.id}  task {', '.join(ids)}")
    asked.output.data(done)
    if not done:
        asked.output.fact(f"{found.name} has no {'such ' if named else ''}dead letters")
    return 0 if all(it["launched"] for it in done) else FAILED


def _shortly(letter: DeadLetter) -> str:
    text = letter.body if letter.event is None else json.dumps(letter.event)
    return text if len(text) <= 80 else f"{text[:77]}..."
