"""Reads and writes runs: each change on top of what others wrote, the job's count in the same transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from . import run as runs
from .run import Item
from .table import Changed, NotRecorded, Table

WRITES: Final = 50
"""How often a write is repeated because others changed the item meanwhile. Ends of tasks come ten at a time, so this
is enough for hundreds that end at the same moment."""


class Full(Exception):
    """max_running does not admit so many tasks."""

    def __init__(self, job: str, running: int, most: int) -> None:
        super().__init__(f"{running} tasks of {job} run; at most {most} may (max_running)")


class Gone(Exception):
    """The run is not in the table any more."""


@dataclass(eq=False, repr=False)
class Records:
    """The runs of a table."""

    table: Table
    clock: Callable[[], float] = time.time

    def read(self, pk: str, run: str) -> Item | None:
        """A run; None if there is none. Raises NotRecorded."""
        return self.table.get(pk, runs.sort_key(run))

    def job(self, pk: str) -> Item:
        """The item of a job that limits how many of its tasks run. Raises NotRecorded."""
        return self.table.get(pk, runs.JOB) or {"pk": pk, "sk": runs.JOB, "holders": {}}

    def change(
        self,
        run: Item,
        change: Callable[[Item], Sequence[Item] | None],
        *,
        admit: bool = False,
        told_by: float = 0,
        touch: bool = False,
    ) -> Item:
        """The run after a change, written on top of whatever others wrote meanwhile.

        `change` is called for each version that is tried. It may return further items to write with the run. Nothing is
        written if it changes nothing, except with `touch`, which sets again when the run is looked at. With `admit`,
        max_running limits the change. `told_by` is as in `run.follow`. Raises what `change` raises, and Full, Gone or
        NotRecorded.
        """
        for _ in range(WRITES):
            it = runs.copied(run)
            also = change(it)
            if it == run and not also and not touch:
                return run
            try:
                return self.put(it, was=run, also=also or (), admit=admit, told_by=told_by)
            except Changed as changed:
                if changed.found is None:
                    raise Gone from None
                run = changed.found
        raise NotRecorded("others changed this run all the time")

    def put(
        self,
        run: Item,
        *,
        was: Item | None = None,
        also: Sequence[Item] = (),
        admit: bool = False,
        told_by: float = 0,
    ) -> Item:
        """Write a version of a run, and the job's count with it where that changes. Raises Changed, Full (only with
        `admit`) or NotRecorded."""
        now = self.clock()
        runs.follow(run, now=now, told_by=told_by)
        before, waited = (0, False) if was is None else (runs.slots(was), "waiting" in was)
        if not run["maxRunning"] or (runs.slots(run) == before and waited == ("waiting" in run)):
            return self.table.put(run, *also)[0]
        # Imported here: a job without max_running does without, and every import makes a cold start longer.
        from . import holders

        job = self.job(run["pk"])
        others = holders.held(job, but=run["run"])
        if admit and runs.slots(run) > before and others + runs.slots(run) > run["maxRunning"]:
            raise Full(run["job"], others, run["maxRunning"])
        holders.hold(job, run, now)
        return self.table.put(run, job, *also)[0]

    def wait(self, run: Item) -> Item:
        """Write a new run that waits until the job's other runs have been stopped. Raises Changed or NotRecorded."""
        run |= {"waiting": True, "accepted": runs.at(self.clock()), "reserved": 0}
        runs.follow(run, now=self.clock())
        job = self.job(run["pk"])
        job["waiting"] = run["run"]
        return self.table.put(run, job)[0]
