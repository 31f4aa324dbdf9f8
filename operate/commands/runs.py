"""`fargate-job runs`."""

from __future__ import annotations

from typing import Any, Final

import click
from fargate_job_launcher.handler.run import ENDED, Item

from .. import runs as kept
from ..arrays import ArrayRun, Progress
from ..catalogue import Job
from ..progress import shortly
from ..show import duration
from .context import Context, common
from .staying import follow_array

SHOWN: Final = (
    *("run", "job", "state", "trigger", "schedule", "key", "requestedBy", "launchedAt", "endedAt", "requested"),
    *("attempts", "succeeded", "failed", "stopped", "taskSeconds", "costUsd", "taskDefinition", "skipped", "last"),
    *("failures", "stopping", "result"),
)
"""What is shown of a run: neither values of its launch event nor task tokens."""


@click.group("runs")
def runs() -> None:
    """Show a run; change, pause, resume or stop an array run. RUN is a run's id, or the beginning of it."""


@runs.command("show")
@click.argument("job")
@click.argument("run")
@common
def show(context: Context, job: str, run: str) -> None:
    """Show everything that is kept of RUN."""
    found = context.job(job)
    item = kept.named(found, run)
    progress = Progress.of(item) if "array" in item else None
    shown = {key: item[key] for key in SHOWN if key in item}
    context.output.data({**shown, **({"array": progress.as_json()} if progress else {})})
    for name, value in (*_lines(item), *(_of_array(progress) if progress else ())):
        if value not in ("", None):
            context.output.fact(f"{name:<12} {value}")


@runs.command("follow")
@click.argument("job")
@click.argument("run")
@common
def follow(context: Context, job: str, run: str) -> int:
    """Follow the array RUN until it has ended; exit with 0 if every index succeeded, otherwise with the exit code of
    the index that failed last, or with 125."""
    return follow_array(context, _array(context, job, run))


@runs.command("parallelism")
@click.argument("job")
@click.argument("run")
@click.argument("most", type=click.IntRange(min=1))
@common
def parallelism(context: Context, job: str, run: str, most: int) -> None:
    """Let at most MOST indexes of the array RUN run at once. Those that run go on."""
    it = _array(context, job, run)
    it.set_parallelism(most)
    _changed(context, it, f"At most {most} indexes run at once")


@runs.command("pause")
@click.argument("job")
@click.argument("run")
@common
def pause(context: Context, job: str, run: str) -> None:
    """Start no further index of the array RUN, and no retry. Those that run go on."""
    it = _array(context, job, run)
    it.pause()
    _changed(context, it, f"Paused; to go on: fargate-job runs resume {it.job.name} {it.run[:8]}")


@runs.command("resume")
@click.argument("job")
@click.argument("run")
@common
def resume(context: Context, job: str, run: str) -> None:
    """Go on with the array RUN after a pause or, after its end, launch what failed or never started."""
    it = _array(context, job, run)
    before = it.progress()
    it.resume()
    again = "its failed and unstarted indexes are launched" if before.ended else "its further indexes start again"
    _changed(context, it, f"Resumed: {again}; to follow it: fargate-job runs follow {it.job.name} {it.run[:8]}")


@runs.command("stop")
@click.argument("job")
@click.argument("run")
@common
def stop(context: Context, job: str, run: str) -> None:
    """Start no further index of the array RUN, and stop those that run, within a minute."""
    it = _array(context, job, run)
    it.stop()
    _changed(context, it, "Its running indexes are stopped within a minute, and no further one starts")


def _array(context: Context, job: str, run: str) -> ArrayRun:
    found = context.job(job)
    return ArrayRun(found, kept.named(found, run)["run"])


def _changed(context: Context, it: ArrayRun, said: str) -> None:
    now = it.progress()
    context.output.data(now.as_json())
    context.output.fact(f"{said}.")
    context.output.fact(_standing(it.job, now))


def _standing(job: Job, it: Progress) -> str:
    return f"{job.name}, run {it.run[:8]}: {it.state}, {it.done} of {it.size} done"


def _lines(item: Item) -> list[tuple[str, Any]]:
    last: dict[str, Any] = item.get("last", {})
    failed = last.get("outcome", "succeeded") != "succeeded"
    trigger = f"{item['trigger']} {item['schedule']}" if "schedule" in item else item["trigger"]
    why = "; ".join(f"{it['reason']}: {it['detail']}" for it in item["failures"])
    return [
        ("run", item["run"]),
        ("state", item["state"] + (", paused" if "paused" in item.get("array", {}) else "")),
        ("launched", f"{item['launchedAt']} ({trigger})"),
        ("ended", item.get("endedAt") if item["state"] in ENDED else ""),
        ("asked by", item.get("requestedBy")),
        ("key", item["key"]),
        ("tasks", f"{item['requested']} requested, {item['attempts']} launched, retries included"),
        ("outcome", ", ".join(f"{item[key]} {key}" for key in ("succeeded", "failed", "stopped") if item[key])),
        ("billed", duration(item["taskSeconds"]) if item["taskSeconds"] else ""),
        ("cost", f"{item['costUsd']:.4f} USD" if "costUsd" in item else ""),
        ("last failure", last.get("reason") if failed else ""),
        ("not launched", why),
        ("was", item.get("stopping", {}).get("reason")),
        ("skipped", item.get("skipped")),
        ("revision", item["taskDefinition"].rpartition("/")[2]),
    ]


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
