"""`fargate-job list` and `fargate-job status`."""

from __future__ import annotations

from typing import Final

import click
from fargate_job_launcher.handler.run import ENDED

from ..arrays import Progress
from ..parked import waiting
from ..progress import summary
from ..runs import newest
from ..show import SHORT, TASK_COLUMNS, task_row
from ..task import tasks
from .context import Context, common

RUN_FACTS: Final = (
    *("run", "state", "launchedAt", "endedAt", "trigger", "requestedBy", "requested", "attempts"),
    *("succeeded", "failed", "stopped", "costUsd"),
)
"""What JSON output has of a run."""


@click.command("list")
@common
def listing(context: Context) -> None:
    """List the jobs of the account and region, or of a stack."""
    found = context.jobs()
    rows = [{"job": it.name, "stack": it.stack or None, "function": it.function.rpartition(":")[2]} for it in found]
    context.output.data(rows)
    if not found:
        context.output.fact(f"No jobs in {context.account.region}; name another region with --region.")
    else:
        context.output.table(("JOB", "STACK", "FUNCTION"), [list(row.values()) for row in rows])


@click.command()
@click.argument("job")
@common
def status(context: Context, job: str) -> None:
    """Show JOB's running tasks, its tasks of the last hour with the states of their runs, and its dead letters."""
    found = context.job(job)
    its, dead, its_runs = tasks(found), waiting(found), newest(found)
    states = {it["run"]: it["state"] for it in its_runs}
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
        context.output.table(TASK_COLUMNS, [task_row(it, states.get(it.run, "")) for it in its])
        for remedy in dict.fromkeys(it.remedy for it in its if it.remedy):
            ids = ", ".join(it.id[:SHORT] for it in its if it.remedy == remedy)
            context.output.fact(f"{ids}: {remedy}.")
    else:
        context.output.fact("No task in the last hour.")
    for it in its_runs:
        if "array" in it and it["state"] not in ENDED:
            context.output.fact(
                f"Array {summary(Progress.of(it))}: fargate-job runs show {found.name} {it['run'][:SHORT]}"
            )
        elif not it["tasks"] and it["state"] not in ENDED:
            context.output.fact(f"Run {it['run']} of {it['launchedAt']} is {it['state']} and has no task yet.")
    if dead:
        context.output.fact(f"fargate-job dead-letters show {found.name}")
