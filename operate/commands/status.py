"""`fargate-job list` and `fargate-job status`."""

from __future__ import annotations

import click

from ..parked import waiting
from ..show import SHORT, TASK_COLUMNS, task_row
from ..task import tasks
from .asked import Asked, common


@click.command("list")
@common
def listing(asked: Asked) -> None:
    """List the jobs of the account and region, or of a stack."""
    found = asked.jobs()
    rows = [{"job": it.name, "stack": it.stack or None, "function": it.function.rpartition(":")[2]} for it in found]
    asked.output.data(rows)
    if not found:
        asked.output.fact(f"No jobs in {asked.account.region}; another region is named with --region.")
    else:
        asked.output.table(("JOB", "STACK", "FUNCTION"), [list(row.values()) for row in rows])


@click.command()
@click.argument("job")
@common
def status(asked: Asked, job: str) -> None:
    """Show JOB's running tasks, its tasks of the last hour, and its dead letters."""
    found = asked.job(job)
    its, dead = tasks(found), waiting(found)
    asked.output.data(
        {
            "job": found.name,
            "stack": found.stack or None,
            "function": found.function,
            "taskDefinition": found.settings.task_definition,
            "deadLetters": dead,
            "tasks": [it.as_json() for it in its],
        }
    )
    running = sum(1 for it in its if it.status != "STOPPED")
    letters = "" if dead is None else f", {dead} dead letter{'' if dead == 1 else 's'}"
    revision = found.settings.task_definition.rpartition("/")[2]
    asked.output.fact(f"{found.name}: {running} running{letters}  ({revision})")
    if its:
        asked.output.table(TASK_COLUMNS, map(task_row, its))
        for remedy in dict.fromkeys(it.remedy for it in its if it.remedy):
            ids = ", ".join(it.id[:SHORT] for it in its if it.remedy == remedy)
            asked.output.fact(f"{ids}: {remedy}.")
    else:
        asked.output.fact("No task in the last hour.")
    if dead:
        asked.output.fact(f"fargate-job dead-letters show {found.name}")
