"""Prints a launch in the sandbox, and the supervision of a job."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from .engine.jobs import Launched
from .proof.supervised import Supervised


def show_launch(console: Console, job: str, launched: Launched) -> None:
    """Print the tasks of a launch: ARN, state, log stream; for a dry run, what it would launch."""
    if "dryRun" in launched.result:
        console.print(Text(f"\nWould launch {job}", style="bold"))
        console.print_json(data=launched.result)
    elif not launched.tasks:
        console.print(Text(f"\n{job} runs already; its run {launched.result['run']} is {launched.result['status']}"))
    for task, described in zip(launched.result["tasks"], launched.tasks, strict=True):
        console.print(Text(f"\nLaunched {job}", style="bold"))
        for label, value in (
            ("task", task["arn"]),
            ("state", described["lastStatus"]),
            ("log", f"{task['logGroup']} {task['logStream']}"),
        ):
            console.print(Text(f"  {label:<6} {value}"), soft_wrap=True)


def show_supervised(console: Console, job: str, supervised: Supervised) -> None:
    """Print the attempts of a job that failed, and the end of one that ran too long."""
    console.print(Text(f"\nSupervised {job}", style="bold"))
    lines = [("failing", task) for task in supervised.retried]
    lines += [("runaway", supervised.stopped)] if supervised.stopped is not None else []
    for label, task in lines:
        code = task["containers"][0].get("exitCode")
        ended = task["stoppedReason"] + ("" if code is None else f", exit code {code}")
        console.print(Text(f"  {label}  {task['startedBy']}  {task['lastStatus']}  {ended}"), soft_wrap=True)
    if supervised.notice:
        console.print(Text(f"  notice   {supervised.notice}"), soft_wrap=True)
    staged = supervised.staged_minutes
    if staged:
        console.print(
            Text(
                f"  staged   nobody waited: ECS was made to report that the runaway started {staged:g} "
                "minutes earlier; its cost is that of this time"
            ),
            soft_wrap=True,
        )
