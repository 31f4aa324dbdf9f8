"""The end of a task in its run: counts, and whether a retry follows. Pure, as run.py is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .arrays import LONGEST_REASON, index_of
from .run import CLAIM_SECONDS, Item, add_task, conclude, launched


def attempt_key(run: str, task: str) -> str:
    """The sort key of the item of an attempt that has ended."""
    return f"run#{run}#task#{task}"


def ended(run: Item, facts: Mapping[str, Any], *, now: float, retry: bool) -> Item | None:
    """Record the end of a task; the item of its attempt, or None if the end is known or the task is none of the run's.

    `facts` are those of `attempt`, `retry` whether its outcome is one that the run's policy retries.
    """
    task, number, start = facts["task"], facts["attempt"], facts["root"]
    if "array" in run:
        root = start
    elif number == 1:
        if task not in run["tasks"]:
            # Its function died before it recorded the task, or has not recorded it yet.
            add_task(run, task, facts["capacity"], now=now)
        root = task
    else:
        root = next((it for it in run["open"] if it.startswith(start)), "")
    entry = run["open"].get(root)
    if entry is not None and "calls" in entry and entry["attempt"] == number - 1:
        launched(run, root, task, facts["capacity"])
    if entry is None or "calls" in entry or entry["task"] != task:
        return None
    run["taskSeconds"] += facts["seconds"]
    if "costUsd" in run:
        run["costUsd"] = round(run["costUsd"] + facts.get("costUsd", 0), 8)
    failed: Item = {key: facts[key] for key in ("task", "outcome", "reason", "exitCode") if key in facts}
    failed["at"] = now
    if retry and entry["attempt"] <= run["policy"]["retries"] and "stopping" not in run:
        entry["failed"] = failed
        if "array" in run:
            # A thousand of them share one item.
            failed["reason"] = failed["reason"][:LONGEST_REASON]
            for key in ("task", "seen", "started"):
                entry.pop(key, None)
        entry["calls"] = {"round": -1, "open": False, "lease": 0, "next": now + CLAIM_SECONDS}
    else:
        conclude(run, root, failed)
    return {
        "pk": run["pk"],
        "sk": attempt_key(run["run"], task),
        **{key: facts[key] for key in facts if key != "root"},
        "run": run["run"],
        "root": root,
        **({"index": index_of(root)} if "array" in run else {}),
    }
