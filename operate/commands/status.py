"""`fargate-job list` and `fargate-job status`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import click
from fargate_job_launcher.handler.run import ENDED, Item

from ..arrays import Progress
from ..overview import Overview, overview
from ..parked import waiting
from ..progress import summary
from ..runs import newest
from ..show import beyond, brief, stamp
from ..task import SHORT, Task, tasks
from .context import Context, common

RUN_FACTS: Final = (
    *("run", "state", "launchedAt", "endedAt", "trigger", "requestedBy", "requested", "attempts"),
    *("succeeded", "failed", "stopped", "costUsd"),
)
"""What JSON output has of a run."""


@click.command("list")
@common
def listing(context: Context) -> None:
    """List the jobs of the account and region, or of a stack: the last run of each, what runs now, its next time."""
    found = overview(context.account, context.jobs())
    context.output.data([it.as_json() for it in found])
    if not found:
        context.output.fact(f"No jobs in {context.account.region}; name another region with --region.")
        return
    context.output.table(("JOB", "LAST", "AGO", "RUNNING", "NEXT UTC", "STACK"), map(_row, found), spare=("STACK",))
    for said in dict.fromkeys(str(problem) for it in found for problem in it.problems):
        context.output.note(said)


def _row(it: Overview) -> list[object]:
    last = (it.last.state, brief((datetime.now(UTC) - it.last.launched).total_seconds())) if it.last else ("", "")
    return [it.found.name, *last, "?" if it.running is None else it.running, stamp(it.next), it.found.stack]


@click.command()
@click.argument("job")
@common
def status(context: Context, job: str) -> None:
    """Show JOB's running tasks, its tasks of the last hour, its runs that go on, and its dead letters."""
    found = context.job(job)
    its, dead, its_runs = tasks(found), waiting(found), newest(found)
    context.output.data(
        {
            "job": found.name,
            "stack": found.stack or None,
            "function": found.function,
            "taskDefinition": found.settings.task_definition,
            "deadLetters": dead,
            "runs": [{key: it.get(key) for key in RUN_FACTS} for it in its_runs],
            "tasks": [it.as_json() for it in its],
        }
    )
    running = sum(1 for it in its if it.status != "STOPPED")
    letters = "" if dead is None else f", {dead} dead letter{'' if dead == 1 else 's'}"
    revision = found.settings.task_definition.rpartition("/")[2]
    context.output.fact(f"{found.name}: {running} running{letters}  ({revision})")
    if its:
        context.output.table(TASK_COLUMNS, map(_task_row, its), spare=("RUN", "AGO"), below=True)
        for remedy in dict.fromkeys(it.remedy for it in its if it.remedy):
            ids = ", ".join(it.id[:SHORT] for it in its if it.remedy == remedy)
            context.output.said(f"{ids}: {remedy}.")
    else:
        context.output.fact("No task in the last hour.")
    at_work = {it.run for it in its if it.status != "STOPPED"}
    for it in its_runs:
        if it["state"] not in ENDED and ("array" in it or it["run"] not in at_work):
            context.output.said(_under_way(found.name, it))
    if dead:
        context.output.fact(f"fargate-job dead-letters {found.name}")


TASK_COLUMNS: Final = ("TASK", "RUN", "STATE", "EXIT", "AGO", "RAN", "TRY", "WHY")


def _task_row(it: Task) -> list[object]:
    """A task as a row of a table: its outcome is in STATE and EXIT, and what its reason says beyond that in WHY."""
    ago = None if it.created is None else (datetime.now(UTC) - it.created).total_seconds()
    return [
        *(it.id[:SHORT], it.run[:SHORT], it.outcome or it.status, it.exit_code, brief(ago), brief(it.seconds)),
        *(it.attempt, beyond(it.reason, it.exit_code)),
    ]


def _under_way(job: str, run: Item) -> str:
    """A run that has not ended and has no task now, or is an array, in words."""
    short = run["run"][:SHORT]
    if "array" in run:
        return f"Array {summary(Progress.of(run))}: fargate-job runs show {job} {short}"
    if not run["tasks"]:
        return f"Run {short} of {run['launchedAt']} is {run['state']} and has no task yet."
    soon = [entry["attempt"] + 1 for entry in run["open"].values() if "calls" in entry]
    what = f"attempt {max(soon)} is about to be launched" if soon else "the end of its task is not recorded yet"
    return f"Run {short} goes on: {what}."
