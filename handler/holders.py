"""How many tasks a job's runs hold, in the job's own item: what max_running limits. Pure, as run.py is."""

from __future__ import annotations

from .run import CHECK_SECONDS, DUE, Item, slots


def hold(job: Item, run: Item, now: float) -> None:
    """Record in a job's item how many tasks a run holds, and when the item is next compared with the job's runs."""
    holding = slots(run)
    job["holders"].pop(run["run"], None)
    if holding:
        job["holders"][run["run"]] = holding
    if job.get("waiting") == run["run"] and not run.get("waiting"):
        del job["waiting"]
    check_later(job, now)


def held(job: Item, *, but: str = "") -> int:
    """How many tasks the job's runs hold, without those of one run."""
    return sum(number for run, number in job["holders"].items() if run != but)


def check_later(job: Item, now: float) -> None:
    """Set when a job's count is next compared with its runs."""
    job.pop("duty", None)
    job.pop("due", None)
    if job["holders"]:
        job |= {"duty": DUE, "due": int(now + CHECK_SECONDS)}
