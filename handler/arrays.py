"""The indexes of an array run: which of them run, which have not started, and when more may start. Pure, as run.py is.

An array has `size` indexes. Each is a lineage of its own in `run["open"]` while it runs, with its own retries; the
indexes that do not run are kept as ranges: `todo` have not started, the others have ended. At most `parallelism` run at
once, and they start at Fargate's rate, which `rate` counts as a token bucket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from . import fargate, ranges

Item = dict[str, Any]
LARGEST: Final = 10_000
"""The most indexes of an array."""
MOST_AT_ONCE: Final = 1000
"""The largest parallelism. An index takes about 100 bytes of the run's item while it runs, and 250 while it waits for a
retry; an item has 400 KB at most."""
REMIND_SECONDS: Final = fargate.LAUNCH_BURST // fargate.LAUNCHES_PER_SECOND
"""How often the supervisor asks for more while Fargate's rate holds an array back: a whole burst is there again."""
FAILURES_KEPT: Final = 5
"""The most failures of a wave that are kept: each kind once, as the calls of a wave differ in the index only."""
FIRST_WAIT_SECONDS: Final = 60
LONGEST_WAIT_SECONDS: Final = 900
STUCK_SECONDS: Final = 2 * 3600
"""How long an array tries to start its next index while AWS refuses it, for want of capacity for example."""
LONGEST_REASON: Final = 60
"""Characters of the reason that is kept with an index that is retried: a thousand of them share one item. The item of
the attempt has all of it."""


def new(size: int, parallelism: int, max_failed: int | None) -> Item:
    """The state of an array of which nothing has started."""
    limit = {} if max_failed is None else {"maxFailed": max_failed}
    return {
        **{"size": size, "parallelism": parallelism, "todo": ranges.text([(0, size - 1)])},
        **{"succeeded": "", "failed": "", "stopped": "", "wave": 0, "resumes": 0, **limit},
    }


def index_of(root: str) -> int:
    """The index of a lineage: `i17`, or `i17r2` after two resumptions."""
    return int(root[1:].partition("r")[0])


def is_root(root: str) -> bool:
    """Whether this is the name of an index's lineage; others are named by the id of a task."""
    return re.fullmatch(r"i[0-9]{1,4}(r[0-9]+)?", root) is not None


def resumed(root: str) -> int:
    """How often the array had been resumed when a lineage began."""
    return int(root.partition("r")[2] or 0)


def _root(array: Item, index: int) -> str:
    return f"i{index}r{array['resumes']}" if array["resumes"] else f"i{index}"


def going(run: Item) -> bool:
    """Whether indexes that have not started are to be started, now or later."""
    array = run["array"]
    return bool(array["todo"]) and not ({"paused", "halted"} & array.keys() or "stopping" in run)


def over(run: Item) -> bool:
    """Whether no index of it will start any more, as long as nobody resumes it."""
    array = run["array"]
    return not array["todo"] or "halted" in array or "stopping" in run


def launched(run: Item) -> int:
    """How many indexes have been launched since the array was begun or resumed."""
    waiting = sum(entry["attempt"] == 0 for entry in run["open"].values())
    return run["requested"] - ranges.size(run["array"]["todo"]) - waiting


def room(run: Item) -> int:
    """How many more indexes the parallelism lets start."""
    return max(0, run["array"]["parallelism"] - len(run["open"])) if going(run) else 0


def tokens(run: Item, now: float) -> float:
    """How many tasks Fargate's rate lets start at this moment."""
    rate = run["array"].get("rate")
    if rate is None:
        return fargate.LAUNCH_BURST
    return min(fargate.LAUNCH_BURST, rate["tokens"] + (now - rate["at"]) * fargate.LAUNCHES_PER_SECOND)


def held_until(run: Item) -> float:
    """Until when no further index is started because AWS refused some, or because `max_running` admits no more."""
    array = run["array"]
    return max(array.get("stuck", {}).get("next", 0), array.get("full", 0))


def pending(run: Item, now: float) -> list[str]:
    """The lineages whose calls are to be made at this moment: retries, and calls whose function died."""
    if "paused" in run["array"] or "stopping" in run:
        return []
    entries = {root: entry["calls"] for root, entry in run["open"].items() if "calls" in entry}
    return [root for root, calls in entries.items() if calls["round"] < 0 or calls["next"] <= now]


def wanted(run: Item, now: float) -> bool:
    """Whether the launcher has something to launch at this moment."""
    return bool(pending(run, now)) or (room(run) > 0 and tokens(run, now) >= 1 and held_until(run) <= now)


def held_back(run: Item, now: float) -> bool:
    """Whether more may start than Fargate's rate admits at this moment."""
    new = min(room(run), ranges.size(run["array"]["todo"])) if held_until(run) <= now else 0
    return new + len(pending(run, now)) > tokens(run, now)


def looked_at(run: Item, now: float, least: float) -> list[float]:
    """When the supervisor asks for more at the latest; `least` seconds from now, or later."""
    return [max(now + least, held_until(run))] if room(run) else []


def take(run: Item, *, now: float, lease: float, by: str, most: int, capacity: Callable[[Item], str]) -> list[str]:
    """Record that calls are about to be made for these lineages, by a function that has until `lease` for them: those
    that are pending, and then so many new ones as parallelism and Fargate's rate admit, `most` at the most.

    `capacity`: the capacity on which an entry is launched.
    """
    array, left = run["array"], tokens(run, now)
    array["wave"] += 1
    array.pop("asked", None)
    taken: list[str] = []
    for root in pending(run, now):
        calls = run["open"][root]["calls"]
        # A repeated call launches nothing more, and the other capacity has a rate of its own.
        free = calls["open"] or (calls["round"] >= 0 and calls["capacity"] != capacity(run["open"][root]))
        price = 0 if free else 1
        if price > left or len(taken) >= fargate.LAUNCH_BURST:
            continue
        left -= price
        taken.append(root)
        if calls["open"]:
            calls |= {"lease": lease, "by": by, "next": lease}
        else:
            _begin(run["open"][root], array["wave"], now, lease, by, capacity)
    if held_until(run) <= now:
        few = min(room(run), int(max(0, left)), most, fargate.LAUNCH_BURST - len(taken))
        indexes, array["todo"] = ranges.first(array["todo"], few)
        for index in indexes:
            entry: Item = {"attempt": 0, "since": now, "calls": {"round": -1, "open": False}}
            run["open"][_root(array, index)] = entry
            taken.append(_root(array, index))
            _begin(entry, array["wave"], now, lease, by, capacity)
        left -= len(indexes)
    array["rate"] = {"tokens": left, "at": now}
    return taken


def _begin(entry: Item, wave: int, now: float, lease: float, by: str, capacity: Callable[[Item], str]) -> None:
    on, calls = capacity(entry), entry["calls"]
    # The number of a round is the wave's: ECS remembers the failures of a token, too, so none is used twice.
    calls |= {"round": wave, "asked": 1, "open": True, "began": now, "lease": lease, "by": by, "next": lease}
    calls["capacity"] = on
    calls.pop("late", None)


def rest(calls: Item) -> None:
    """Keep of calls that are not being made only what the next ones need: a thousand of them share one item."""
    for key in ("asked", "began", "by", "late"):
        calls.pop(key, None)
    calls["lease"] = 0


def put_back(run: Item, root: str) -> None:
    """Record that an index was not launched after all: it waits to be started again."""
    del run["open"][root]
    run["array"]["todo"] = ranges.union(run["array"]["todo"], str(index_of(root)))


def refused(run: Item, failures: Sequence[Mapping[str, Any]], *, now: float, some: bool) -> None:
    """Record why indexes of a wave were not launched, and when the next one is tried; `some`: others were."""
    array = run["array"]
    run["failures"] = list({(it["reason"], it["detail"]): dict(it) for it in failures}.values())[:FAILURES_KEPT]
    before = {} if some else array.get("stuck", {})
    since, times = before.get("since", now), before.get("times", 0)
    reasons = "; ".join(f"{it['reason']}: {it['detail']}" for it in run["failures"])
    if not any(it["retryable"] for it in failures) or now - since > STUCK_SECONDS:
        halt(run, f"no further index could be launched: {reasons}")
        return
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(times, 10))
    array["stuck"] = {"since": since, "times": times + 1, "next": now + wait}


def halt(run: Item, reason: str) -> None:
    """Start no further index."""
    if run["array"]["todo"]:
        run["array"].setdefault("halted", reason)
    run["array"].pop("stuck", None)


def concluded(run: Item, root: str, counted: str) -> None:
    """Record how an index ended: `succeeded`, `failed` or `stopped`."""
    array = run["array"]
    array[counted] = ranges.union(array[counted], str(index_of(root)))
    array.pop("full", None)
    if "maxFailed" in array and ranges.size(array["failed"]) > array["maxFailed"]:
        most = array["maxFailed"]
        halt(run, f"more than {most} {'index' if most == 1 else 'indexes'} failed (maxFailed)")


def resume(run: Item) -> int:
    """Make the indexes that failed, were stopped or never started start again; how many these are."""
    array = run["array"]
    array["todo"] = ranges.union(array["todo"], array["failed"], array["stopped"])
    if array["failed"] or array["stopped"]:
        array["resumes"] += 1
    array |= {"failed": "", "stopped": ""}
    run |= {"failed": 0, "stopped": 0, "failures": []}
    for key in ("paused", "halted", "stuck", "full", "asked"):
        array.pop(key, None)
    for key in ("stopping", "last"):
        run.pop(key, None)
    return ranges.size(array["todo"])


def summary(run: Item) -> dict[str, Any]:
    """How an array stands, for a person or a program: sizes, and indexes as ranges."""
    array = run["array"]
    waiting = [index_of(root) for root, entry in run["open"].items() if entry["attempt"] == 0]
    running = [index_of(root) for root, entry in run["open"].items() if entry["attempt"] > 0]
    return {
        "size": array["size"],
        "parallelism": array["parallelism"],
        **({"maxFailed": array["maxFailed"]} if "maxFailed" in array else {}),
        "succeeded": array["succeeded"],
        "failed": array["failed"],
        "stopped": array["stopped"],
        "running": ranges.of(running),
        "notStarted": ranges.union(array["todo"], ranges.of(waiting)),
        **({"paused": array["paused"]} if "paused" in array else {}),
        **({"halted": array["halted"]} if "halted" in array else {}),
        "resumes": array["resumes"],
    }
