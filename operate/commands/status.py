"""`fargate-job list` and `fargate-job status`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Final

import click
from fargate_job_launcher.handler.arrays import index_of, is_root
from fargate_job_launcher.handler.run import ENDED, Item

from ..arrays import Progress
from ..following import last_of_each
from ..overview import Overview, overview
from ..parked import waiting
from ..progress import summary
from ..runs import newest
from ..show import beyond, brief, stamp
from ..tables import once
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
    names = ("JOB", "LAST", "AGO", "RUNNING", "NEXT UTC", "PAUSED", "STACK")
    context.output.table(names, map(_row, found), spare=("STACK", "AGO", "PAUSED", "NEXT UTC"))
    for said in dict.fromkeys(str(problem) for it in found for problem in it.problems):
        context.output.note(said)


def _row(it: Overview) -> list[object]:
    last = (it.last.state, brief((datetime.now(UTC) - it.last.launched).total_seconds())) if it.last else ("", "")
    return [
        it.found.name,
        *last,
        "?" if it.running is None else it.running,
        stamp(it.next),
        ", ".join(it.paused),
        it.found.stack,
    ]


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
    context.output.said(f"{found.name}: {running} running{letters}  ({revision})")
    some = shown(its)
    if some:
        reasons = once(beyond(it.reason, it.exit_code) for it in some)
        rows = [[*_task_row(it), reason] for it, reason in zip(some, reasons, strict=True)]
        context.output.table(TASK_COLUMNS, rows, spare=("RUN", "AGO", "INDEX"), below=True)
        for remedy in dict.fromkeys(it.remedy for it in some if it.remedy):
            ids = ", ".join(it.id[:SHORT] for it in some if it.remedy == remedy)
            context.output.said(f"{ids}: {remedy}.")
        left = len(its) - len(some)
        context.output.said(_totals(its) + (f". {left} more; -o json has all." if left else ""))
    else:
        context.output.fact("No task in the last hour.")
    at_work = {it.run for it in its if it.status != "STOPPED"}
    for it in its_runs:
        if it["state"] not in ENDED and ("array" in it or it["run"] not in at_work):
            context.output.said(_under_way(found.name, it))
    if dead:
        context.output.fact(f"fargate-job dead-letters {found.name}")


TASK_COLUMNS: Final = ("TASK", "RUN", "INDEX", "STATE", "EXIT", "AGO", "RAN", "TRY", "WHY")
TASKS: Final = 20
"""How many tasks the text shows."""


def shown(its: list[Task]) -> list[Task]:
    """Of many tasks those that run, then those that failed and are not retried, then those that succeeded, then those
    that were retried; the newest of each, and all of them in the order that they have."""
    last = {it.id for it in last_of_each(sorted(its, key=lambda it: it.attempt))}

    def rank(it: Task) -> int:
        return 0 if not it.outcome else 3 if it.id not in last else 2 if it.outcome == "succeeded" else 1

    kept = {it.id for it in sorted(its, key=rank)[:TASKS]}
    return [it for it in its if it.id in kept]


def _totals(its: list[Task]) -> str:
    """How many tasks there are of each outcome, or state."""
    counts = Counter(it.outcome or it.status for it in its)
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda it: (-it[1], it[0])))
    return f"{len(its)} task{'' if len(its) == 1 else 's'}: {told}"


def _task_row(it: Task) -> list[object]:
    """A task as a row of a table, without what its reason says beyond STATE and EXIT."""
    ago = None if it.created is None else (datetime.now(UTC) - it.created).total_seconds()
    return [
        *(it.id[:SHORT], it.run[:SHORT], index_of(it.root) if is_root(it.root) else ""),
        *(it.outcome or it.status, it.exit_code, brief(ago), brief(it.seconds), it.attempt),
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
