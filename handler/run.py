"""A run: what is known of one launch, from its first call to its last task's end. Pure: items in, items out.

A run's item holds everything that is pending: calls whose outcome is open, tasks that run, retries, the end that has to
be told. Each function here makes the next version of an item from the one before and from one fact, and a fact that the
item already holds changes nothing. table.py writes a version only on top of the one that it was made from.

ends.py records the ends of tasks, holders.py how many run, arrays.py the indexes of an array.

Words: a launch has `requested` tasks. Each of these is a lineage, named by its first task (`root`): the task and its
retries, one after another. A lineage is open until its last attempt has ended. An array's lineages are named by their
index, and are open from before their first launch. The `calls` of an open lineage are those that launch its next task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Item = dict[str, Any]
"""An item of the table as plain data, with pk, sk, version and writer."""
DUE: Final = "due"
"""The value of `duty` of each item that is looked at when its time has come."""
CHECK_SECONDS: Final = 900
"""How long a task runs before the supervisor looks at it, in case the event of its end was lost."""
SWEEP_SECONDS: Final = 60
"""How often the supervisor looks for what is due."""
CLAIM_SECONDS: Final = 120
"""How long a function that does something pending has for it, before another may do it."""
PATIENCE_SECONDS: Final = 3 * 3600
"""How long a launch that its trigger delivers again waits for the next delivery. The longest time between two
deliveries is the visibility timeout of a queue: six times the longest timeout of a function, 90 minutes."""
RETRY_SECONDS: Final = 2 * 3600
"""How long a retry is tried that could not be launched, for want of capacity or because AWS does not answer."""
TOKEN_SECONDS: Final = 1800
"""How long a call with an open outcome is repeated. ECS knows a clientToken for an hour at least:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html"""
SETTLE_SECONDS: Final = 600
"""How long after a call ECS lists every task that it launched: its answers are eventually consistent."""
LISTED_SECONDS: Final = 3300
"""How long after a call ECS still lists its tasks, even if they ended at once: it shows them for an hour. Later only
the events of their ends can tell, and those may still wait in the supervisor's queue."""
LONGEST_WAIT_SECONDS: Final = 900

MOST_TOKENS: Final = 20
"""How many executions of Step Functions may wait for one run. A token has up to 2,048 characters, an item 400 KB."""

JOB: Final = "job"
"""The sort key of a job's own item."""
ENDED: Final = ("SUCCEEDED", "FAILED", "STOPPED", "REJECTED", "SKIPPED")
"""The states of a run that has ended; the others are LAUNCHING and RUNNING."""


def sort_key(run: str) -> str:
    """The sort key of a run's item."""
    return f"run#{run}"


def copied(item: Item) -> Item:
    """A copy whose parts can be changed."""
    return json.loads(json.dumps(item))


def at(seconds: float) -> str:
    """A time as text, in UTC: 2026-01-31T03:00:00.000Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The calls of a launch or of a retry, in rounds: a round requests all tasks that are missing.


def calls_of(run: Item, root: str) -> dict[str, Any] | None:
    """The calls of the launch itself (an empty `root`), or of the pending launch of a lineage; None if none is
    pending."""
    return run["launch"] if not root else run["open"].get(root, {}).get("calls")


def missing(run: Item, root: str) -> int:
    """How many tasks the launch or the retry still lacks. The launch of an array lacks none once it has begun."""
    if "array" in run and not root:
        return int(not run["launch"]["closed"])
    return 1 if root else max(0, run["requested"] - len(run["tasks"]))


def settled_at(calls: Mapping[str, Any]) -> float:
    """When the supervisor asks ECS about an open round, if nobody has repeated its calls by then."""
    return max(calls["lease"], calls.get("late", calls["began"]) + SETTLE_SECONDS)


def until(calls: Mapping[str, Any]) -> float:
    """Until when a launch that nobody makes calls for waits for its trigger's next delivery."""
    return calls.get("until", calls["began"] + PATIENCE_SECONDS)


def begin_round(run: Item, root: str, *, now: float, lease: float, by: str, capacity: str) -> None:
    """Record that the missing tasks are about to be requested on this capacity, by a function that has until `lease`
    for it."""
    calls = run["open"][root]["calls"] if root else run["launch"]
    calls |= {"round": calls["round"] + 1, "asked": missing(run, root), "open": True, "began": now}
    calls |= {"lease": lease, "by": by, "capacity": capacity}
    calls.pop("late", None)
    if not root:
        run["reserved"] = calls["asked"]


def close_round(run: Item, root: str, tasks: Sequence[str], *, now: float, still_open: bool = False) -> None:
    """Record the tasks of a round; with `still_open` there may be others."""
    calls = calls_of(run, root)
    if calls is None:
        return
    calls["open"] = still_open
    if root:
        if tasks:
            launched(run, root, tasks[0], calls["capacity"])
        elif "array" in run and not still_open:
            from . import arrays

            arrays.rest(calls)
        return
    for task in tasks:
        add_task(run, task, calls["capacity"], now=now)
    run["reserved"] = missing(run, "") if still_open else 0


def release(run: Item, root: str, failures: Sequence[Mapping[str, Any]], *, now: float) -> None:
    """Record that nobody makes calls for now, and what follows for the missing tasks: none is missing, a later delivery
    tries again, or nobody does."""
    calls = calls_of(run, root)
    if calls is None:
        return
    calls["lease"] = 0
    again = calls["open"] or any(it["retryable"] for it in failures)
    if root:
        entry = run["open"][root]
        if "failed" not in entry and not calls["open"]:
            from . import arrays

            arrays.put_back(run, root)
        elif not calls["open"] and (not again or now > entry["failed"]["at"] + RETRY_SECONDS):
            reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in failures)
            entry["failed"]["reason"] += f"; it could not be retried: {reasons}"
            conclude(run, root, entry["failed"])
        else:
            wait = SWEEP_SECONDS * 2 ** min(calls["round"], 10)
            if "array" in run:
                # The number of a round is the wave's; a wait as long as the time since the end doubles that time.
                wait = max(SWEEP_SECONDS, now - entry.get("failed", {}).get("at", now))
            calls["next"] = now + min(LONGEST_WAIT_SECONDS, wait)
        return
    run["failures"] = [dict(it) for it in failures]
    calls["closed"] = not calls["open"] and not (again and missing(run, "") and run["redelivered"])
    if "accepted" not in run or "until" not in calls:
        calls["until"] = now + PATIENCE_SECONDS


def how_many(run: Item) -> int:
    """How many of the requested tasks have been launched; of an array since it was begun or resumed."""
    if "array" not in run:
        return len(run["tasks"])
    from . import arrays

    return arrays.launched(run)


def add_task(run: Item, task: str, capacity: str, *, now: float) -> None:
    """Record a task of the launch itself, once."""
    if task in run["tasks"]:
        return
    run["tasks"].append(task)
    run["open"][task] = {"task": task, "attempt": 1, "since": now}
    run["attempts"] += 1
    run["capacityUsed"][capacity] = run["capacityUsed"].get(capacity, 0) + 1
    run["reserved"] = max(0, run["reserved"] - 1)
    if run["state"] == "LAUNCHING" or run["state"] in ENDED:
        _reopen(run)
    if not missing(run, ""):
        run["launch"] |= {"open": False, "closed": True}
    if run["launch"]["closed"]:
        run["state"] = "RUNNING"


def _reopen(run: Item) -> None:
    run["state"] = "LAUNCHING"
    for key in ("endedAt", "tell", "telling"):
        run.pop(key, None)


def began(run: Item) -> str:
    """When the run was launched, or resumed after its last end."""
    return str(run.get("resumedAt", run["launchedAt"]))


def reopen(run: Item) -> None:
    """Begin again with a run that ended with tasks missing, because its event came again."""
    if run["state"] in ENDED:
        _reopen(run)
    run["launch"]["closed"] = False


def launched(run: Item, root: str, task: str, capacity: str) -> None:
    """Record the task that the calls of a lineage launched: of a retry, or of an index of an array."""
    entry = run["open"][root]
    entry |= {"task": task, "attempt": entry["attempt"] + 1, "since": entry["calls"]["began"]}
    del entry["calls"]
    entry.pop("failed", None)
    run["attempts"] += 1
    run["capacityUsed"][capacity] = run["capacityUsed"].get(capacity, 0) + 1


def conclude(run: Item, root: str, last: Mapping[str, Any]) -> None:
    """Close a lineage with the facts of its last attempt."""
    del run["open"][root]
    counted = {"succeeded": "succeeded", "stopped": "stopped"}.get(last["outcome"], "failed")
    run[counted] += 1
    if "array" in run:
        from . import arrays

        arrays.concluded(run, root, counted)
    if _weight(last) >= _weight(run.get("last", {})):
        run["last"] = dict(last)


def _weight(last: Mapping[str, Any]) -> int:
    """Which end a run reports: that of a task that failed before one that was stopped, and that before a success."""
    return {"": 0, "succeeded": 0, "stopped": 1}.get(last.get("outcome", ""), 2)


def add_token(run: Item, token: str, *, now: float) -> None:
    """Record the task token of one more execution that waits for the run; one that has ended is told again, to it."""
    tokens: list[str] = run.setdefault("taskTokens", [])
    if token not in tokens and len(tokens) < MOST_TOKENS:
        tokens.append(token)
        if run["state"] in ENDED:
            run.setdefault("tell", now)


def stop_retries(run: Item) -> None:
    """Cancel the retries of a run that is being stopped."""
    for root in [root for root, entry in run["open"].items() if "calls" in entry and not entry["calls"]["open"]]:
        if "failed" in run["open"][root]:
            conclude(run, root, run["open"][root]["failed"])
        else:
            from . import arrays

            arrays.put_back(run, root)


# What follows from the facts.


def follow(run: Item, *, now: float, told_by: float = 0) -> None:
    """Set the state, when the run is looked at again, and when its item expires.

    `told_by`: seconds until somebody else has to tell an end that this version brings; 0: nobody is telling it.
    """
    launch = run["launch"]
    if run["state"] not in ENDED and launch["closed"] and not run["open"] and _over(run):
        run["state"] = _end_state(run)
        run["endedAt"], run["ends"] = at(now), run["ends"] + 1
        run["reserved"] = 0
        run["tell"] = now + told_by
        run.pop("waiting", None)
        run.get("array", {}).pop("paused", None)
    elif run["state"] == "LAUNCHING" and launch["closed"]:
        run["state"] = "RUNNING"
    run["expires"] = int(now) + 86400 * run["keepDays"]
    if run["state"] not in ENDED and "paused" in run.get("array", {}):
        # Nobody looks at it until somebody resumes it: it is kept until then.
        del run["expires"]
    when = _next(run, now)
    run.pop("duty", None)
    run.pop("due", None)
    if when is not None:
        run |= {"duty": DUE, "due": int(when) + 1}


def _over(run: Item) -> bool:
    if "array" not in run:
        return True
    from . import arrays

    return arrays.over(run)


def _end_state(run: Item) -> str:
    if run["succeeded"] >= run["requested"]:
        return "SUCCEEDED"
    if run["failed"]:
        return "FAILED"
    if "stopping" in run:
        return "STOPPED"
    launched = how_many(run)
    never = not (run["attempts"] if "array" in run else launched)
    if never and run["failures"] and not any(it["retryable"] for it in run["failures"]):
        return "REJECTED"
    return "FAILED" if launched < run["requested"] else "STOPPED"


def _next(run: Item, now: float) -> float | None:
    """When something is due next; None if nothing is pending."""
    if run["state"] in ENDED:
        return run.get("tell")
    times = list[float]()
    launch = run["launch"]
    if run.get("accepted") and not launch["closed"]:
        times.append(max(launch["lease"], now + SWEEP_SECONDS))
    elif not launch["closed"]:
        times.append(settled_at(launch) if launch["open"] else launch["lease"] or until(launch))
    if "stopping" in run and run["open"]:
        times.append(now if not run["stopping"].get("begun") else now + SWEEP_SECONDS)
    paused = False
    if "array" in run:
        from . import arrays

        times += arrays.looked_at(run, now, SWEEP_SECONDS)
        paused = "paused" in run["array"] or "stopping" in run
    policy = run["policy"]
    for entry in run["open"].values():
        if "calls" in entry:
            if not paused:
                times.append(max(entry["calls"]["next"], entry["calls"]["lease"]))
            elif entry["calls"]["open"]:
                times.append(settled_at(entry["calls"]))
            continue
        # Another write of the run does not put this off: the event of an end may be lost.
        times.append(entry.get("seen", entry["since"]) + CHECK_SECONDS)
        if "started" in entry:
            if policy["maxRuntimeMinutes"]:
                times.append(entry["started"] + 60 * policy["maxRuntimeMinutes"])
        else:
            limits = [it for it in (policy["startTimeoutMinutes"], policy["maxRuntimeMinutes"]) if it]
            times += [entry["since"] + 60 * min(limits)] if limits else []
    return min(times, default=None)


def slots(run: Item) -> int:
    """How many tasks the run may have running at once, which count towards max_running: those that are being launched
    and the open lineages."""
    return 0 if run["state"] in ENDED else run["reserved"] + len(run["open"])
