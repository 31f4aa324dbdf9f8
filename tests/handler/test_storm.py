"""A storm: thousands of launches while every third call fails, functions die, deploys happen, and days pass.

Nothing is lost, nothing is made twice, each end is told.
"""

from __future__ import annotations

import os
import random
from typing import Final

import pytest
from fargate_job_launcher.handler import ranges
from storm import RETRIED, Storm
from world import wanted

from tools.launching import settings

LAUNCHES: Final = int(os.environ.get("LAUNCHES", "400"))
"""How many launches the storm has: LAUNCHES=10000 make storm."""


@pytest.mark.parametrize("seed", [1])
def test_a_storm_loses_nothing_makes_nothing_twice_and_tells_each_end_once(seed: int) -> None:
    dice = random.Random(seed)
    kinds = [*({"count": it} for it in (1, 1, 1, 2, 10, 11, 25)), {"array": {"size": 30, "parallelism": 7}}]
    events = {f"key-{number}": dice.choice(kinds) for number in range(LAUNCHES)}
    storm = Storm(seed, settings(**RETRIED), events)
    storm.run()

    assert storm.undelivered == set()
    of_runs = {it["key"]: it for it in storm.table.plain("run")}
    assert of_runs.keys() == events.keys()
    attempts = sum(1 for _ in storm.table.plain("attempt"))
    again = 0
    by_run: dict[str, list[str]] = {}
    for by in storm.by:
        by_run.setdefault(by.split("/")[1], []).append(by)
    for key, event in events.items():
        run, count = of_runs[key], wanted(event)
        first = storm.by.get(f"import/{run['run']}", [])
        retries = [by for by in by_run[run["run"]] if by.count("/") > 1]
        assert all(len(storm.by[by]) == 1 for by in retries), key
        if "array" in event:
            begun = {by.split("/")[3] for by in retries if by.split("/")[2] == "0"}
            assert begun == {f"i{index}" for index in range(count)}, key
            again -= count
            tested = (run["array"]["succeeded"], run["array"]["failed"])
            assert ranges.union(*tested) == f"0-{count - 1}", key
            assert [ranges.size(it) for it in tested] == [run["succeeded"], run["failed"]], key
        else:
            assert sorted(run["tasks"]) == sorted(first), key
            assert len(first) == count, key
        again += len(retries)
        ended = [storm.tasks[task] for by in by_run[run["run"]] for task in storm.by[by]]
        succeeded = sum(it["containers"][0]["exitCode"] == 0 for it in ended)
        assert (run["succeeded"], run["open"], run["state"]) == (
            succeeded, {}, "SUCCEEDED" if succeeded == count else "FAILED"
        ), key  # fmt: skip
        assert run["attempts"] == len(ended), key
        assert storm.states[run["run"]] == run["state"], key
        assert storm.told[run["run"], run["ends"]] >= 1, key
    assert attempts == len(storm.tasks)
    twice = sum(number - 1 for number in storm.told.values())
    assert twice <= storm.told_by_the_dead
    tasks = sum(wanted(it) for it in events.values())
    assert storm.seen["TasksLaunched"] <= tasks
    print(
        f"\n{len(events)} launches of {tasks} tasks and {again} retries, {storm.seen['calls']} calls of RunTask, "
        f"{storm.seen['faulted']} of them faulted, {storm.seen['table faults']} faults of the table, "
        f"{storm.seen['killed']} functions killed, {storm.seen['between']} interrupted by another, "
        f"{storm.seen['delivered again']} events delivered again, {storm.seen['events lost']} ends not told by ECS, "
        f"{storm.revision - 7} deploys, {(storm.now - 1_000_000) / 86400:.0f} days: "
        f"{len(storm.tasks) - again} tasks ran, "
        f"{sum(storm.told.values())} ends told, {twice} of them twice by functions that died while telling"
    )
    assert storm.seen["faulted"] > 0.3 * storm.seen["calls"]
    assert min(storm.seen[it] for it in ("killed", "between", "table faults", "events lost")) > 0
