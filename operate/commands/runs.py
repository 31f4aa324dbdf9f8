"""`fargate-job runs`."""

from __future__ import annotations

from typing import Any, Final

import click
from fargate_job_launcher.handler.run import ENDED, Item, at, how_many

from .. import runs as kept
from ..arrays import ArrayRun, Progress
from ..asked import AS_DEFINED, asked, told
from ..attempts import Attempt, attempts
from ..catalogue import Job
from ..errors import AccessDenied, NoSuchRun
from ..launching import stop_run
from ..past import PastRun, cost_of, why
from ..progress import shortly
from ..scheduling import WaitingLaunch, scheduled
from ..show import Output, beyond, brief, clock, duration
from ..tables import once
from ..task import SHORT
from .context import Context, JobFirst, common
from .staying import follow_array, follow_run

SHOWN: Final = (
    *("run", "job", "state", "trigger", "schedule", "key", "requestedBy", "launchedAt", "endedAt", "requested"),
    *("attempts", "succeeded", "failed", "stopped", "taskSeconds", "costUsd", "taskDefinition", "skipped", "last"),
    *("failures", "stopping", "result"),
)
"""What is shown of a run as it is; neither its payload nor task tokens are."""
BILLED: Final = "Fargate bills at least 1 min of each task"
ATTEMPTS: Final = 20
"""How many attempts the text shows."""


@click.group("runs", cls=JobFirst)
def runs() -> None:
    """Show, follow or stop a run; change, pause or resume an array run. RUN is a run's id, or the beginning of it."""


@runs.command("show")
@click.argument("job")
@click.argument("run")
@common
def show(context: Context, job: str, run: str) -> None:
    """Show everything that is kept of RUN: how it ended, each attempt, why it failed and what to do, and its log."""
    found = context.job(job)
    item = _named(found, run)
    progress = Progress.of(item) if "array" in item else None
    its = attempts(found, item)
    shown = {key: item[key] for key in SHOWN if key in item}
    array = {"array": progress.as_json()} if progress else {}
    if "at" in shown.get("last", {}):
        shown["last"] = {**shown["last"], "at": at(shown["last"]["at"])}
    asks = {"costUsd": cost_of(item), "request": asked(item)}
    context.output.data({**shown, **asks, **array, "tasks": [it.as_json() for it in its]})
    for name, value in (*_lines(item, its), *(_of_array(progress) if progress else ())):
        if value not in ("", None):
            context.output.named(name, str(value))
    _attempts(context.output, its, why(item))
    _links(context.output, found, item, its)


def _attempts(output: Output, its: list[Attempt], why: str) -> None:
    """The attempts as a table, each reason and each remedy once, and none that is the run's own; of many, those that
    did not succeed come first."""
    if not its:
        return
    some = its if len(its) <= ATTEMPTS else sorted(its, key=lambda it: it.outcome == "succeeded")[:ATTEMPTS]
    names = ("INDEX", "TRY", "TASK", "STATE", "EXIT", "RAN", "CAPACITY", "WHY")
    own = (beyond(why, it.exit_code) for it in some)
    reasons = once((beyond(it.reason, it.exit_code) for it in some), own)
    rows = [
        [
            *(it.index, it.number, it.task[:SHORT], it.outcome or it.status),
            *(it.exit_code, brief(it.seconds), it.capacity, reason),
        ]
        for it, reason in zip(some, reasons, strict=True)
    ]
    output.fact("")
    output.table(names, rows, spare=("CAPACITY", "INDEX"), below=True)
    if len(its) > len(some):
        output.said(f"{len(its) - len(some)} more; -o json has all.")
    for remedy in dict.fromkeys(it.remedy for it in some if it.remedy):
        ids = ", ".join(it.task[:SHORT] for it in some if it.remedy == remedy)
        output.said(f"{ids}: {remedy}.")


def _links(output: Output, job: Job, item: Item, its: list[Attempt]) -> None:
    run = item["run"][:SHORT]
    wrong = [it for it in its if it.log and it.outcome != "succeeded"] or [it for it in its if it.log]
    links = [f"log   {wrong[-1].log}"] if wrong else []
    if item["state"] not in ENDED:
        links.append(f"next  fargate-job runs follow {job.name} {run}")
    elif item["state"] != "SUCCEEDED":
        again = "runs resume" if "array" in item and item["state"] != "SKIPPED" else "rerun"
        links.append(f"next  fargate-job {again} {job.name} {run}")
    for it in ["", *links] if links else []:
        output.fact(it)


@runs.command("follow")
@click.argument("job")
@click.argument("run")
@common
def follow(context: Context, job: str, run: str) -> int:
    """Follow RUN through its retries until it has ended; exit with 0 if everything succeeded, otherwise with the exit
    code of its last attempt (of an array: of the index that failed last), or with 125."""
    found = context.job(job)
    item = _named(found, run)
    return follow_array(context, ArrayRun(found, item["run"])) if "array" in item else follow_run(context, found, item)


@runs.command("parallelism")
@click.argument("job")
@click.argument("run")
@click.argument("most", type=click.IntRange(min=1))
@common
def parallelism(context: Context, job: str, run: str, most: int) -> None:
    """Let at most MOST indexes of the array RUN run at once. Those that run go on."""
    it = _array(context, job, run, "Only an array has a parallelism")
    it.set_parallelism(most)
    _changed(context, it, f"At most {most} indexes run at once")


@runs.command("pause")
@click.argument("job")
@click.argument("run")
@common
def pause(context: Context, job: str, run: str) -> None:
    """Start no further index of the array RUN, and no retry. Those that run go on."""
    it = _array(context, job, run, "Only an array is paused; to end it: fargate-job runs stop {} {}")
    it.pause()
    _changed(context, it, f"Paused; to go on: fargate-job runs resume {it.job.name} {it.run[:SHORT]}")


@runs.command("resume")
@click.argument("job")
@click.argument("run")
@common
def resume(context: Context, job: str, run: str) -> None:
    """Go on with the array RUN after a pause or, after its end, launch what failed or never started."""
    it = _array(context, job, run, "To launch its request once more: fargate-job rerun {} {}")
    before = it.progress()
    it.resume()
    again = "its failed and unstarted indexes are launched" if before.ended else "its further indexes start again"
    _changed(context, it, f"Resumed: {again}; to follow it: fargate-job runs follow {it.job.name} {it.run[:SHORT]}")


@runs.command("stop")
@click.argument("job")
@click.argument("run")
@common
def stop(context: Context, job: str, run: str) -> None:
    """End RUN: nothing more of it is launched, no retry and no further index, and its tasks are stopped within a
    minute."""
    found = context.job(job)
    item = _named(found, run)
    stop_run(found, item["run"])
    if "array" in item:
        _changed(
            context,
            ArrayRun(found, item["run"]),
            "Its running indexes are stopped within a minute, and no further one starts",
        )
        return
    context.output.data({"run": item["run"], "job": found.name, "stopping": True})
    context.output.said("Its tasks are stopped within a minute, and none is retried.")
    context.output.fact(f"next  fargate-job runs follow {found.name} {item['run'][:SHORT]}")


def _named(job: Job, run: str) -> Item:
    """The run whose id begins so. Raises NoSuchRun, which says so of a launch that waits for its time."""
    try:
        return kept.named(job, run)
    except NoSuchRun:
        waits = _waiting(job, run)
        if waits is None:
            raise
        raise NoSuchRun(
            f"run {waits.run[:SHORT]} of {job.name} is not launched yet: it waits until {clock(waits.at)}",
            f"fargate-job schedules {job.name} shows it",
        ) from None


def _waiting(job: Job, run: str) -> WaitingLaunch | None:
    if job.settings.scheduling is None:
        return None
    try:
        waiting = scheduled(job, last_runs=False).waiting
    except AccessDenied:
        # The caller may read runs, and not schedules: the run is unknown, and nothing more can be said.
        return None
    return next((it for it in waiting if it.run.startswith(run.lower())), None)


def _array(context: Context, job: str, run: str, otherwise: str) -> ArrayRun:
    """An array run. Raises NoSuchRun for any other, with what to do `otherwise`."""
    found = context.job(job)
    item = _named(found, run)
    short = item["run"][:SHORT]
    if "array" not in item:
        raise NoSuchRun(f"run {short} of {found.name} has no array", otherwise.format(found.name, short))
    return ArrayRun(found, item["run"])


def _changed(context: Context, it: ArrayRun, said: str) -> None:
    now = it.progress()
    context.output.data(now.as_json())
    context.output.fact(f"{said}.")
    context.output.fact(_standing(it.job, now))


def _standing(job: Job, it: Progress) -> str:
    return f"{job.name}, run {it.run[:SHORT]}: {it.state}, {it.done} of {it.size} done"


def _lines(item: Item, its: list[Attempt]) -> list[tuple[str, Any]]:
    past = PastRun.of(item)
    trigger = f"{item['trigger']} {item['schedule']}" if "schedule" in item else item["trigger"]
    missing = "; ".join(f"{it['reason']}: {it['detail']}" for it in item["failures"])
    reason = why(item, _last_index(item, its))
    return [
        ("run", item["run"]),
        ("state", item["state"] + (", paused" if "paused" in item.get("array", {}) else "")),
        ("launched", f"{item['launchedAt']} ({trigger})"),
        ("ended", item.get("endedAt") if item["state"] in ENDED else ""),
        ("asked by", f"{item['requestedBy']} (its own claim)" if "requestedBy" in item else ""),
        ("key", item["key"]),
        ("asked", told(past.asked) or AS_DEFINED),
        ("tasks", f"{past.requested} requested, {past.attempts} launched" + _retried(item)),
        ("outcome", ", ".join(f"{item[key]} {key}" for key in ("succeeded", "failed", "stopped") if item[key])),
        ("took", duration(past.took) if past.took is not None and item["state"] in ENDED else ""),
        ("billed", f"{duration(item['taskSeconds'])} ({BILLED})" if item["taskSeconds"] else ""),
        ("cost", "" if past.cost_usd is None else f"{past.cost_usd:.4f} USD"),
        ("why", reason),
        ("was", item.get("stopping", {}).get("reason")),
        ("not launched", missing if missing not in reason else ""),
        ("revision", item["taskDefinition"].rpartition("/")[2]),
    ]


def _last_index(item: Item, its: list[Attempt]) -> int | None:
    """The index of the array whose end the run reports."""
    last = item.get("last", {}).get("task")
    return next((it.index for it in its if it.task == last), None) if last else None


def _retried(item: Item) -> str:
    """What the number of launched tasks includes, if it does."""
    return ", retries included" if item["attempts"] > how_many(item) else ""


def _of_array(it: Progress) -> list[tuple[str, Any]]:
    return [
        ("array", f"{it.size} indexes, at most {it.parallelism} at once"),
        ("succeeded", shortly(it.succeeded)),
        ("failed", shortly(it.failed)),
        ("stopped", shortly(it.stopped)),
        ("running", shortly(it.running)),
        ("not started", shortly(it.not_started)),
        ("paused by", it.paused),
        ("halted", it.halted),
    ]
