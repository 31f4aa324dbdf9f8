"""Which schedules of a job are paused: an item of the table of runs, which no deployment touches.

A pause is state of operation, as the runs are, and not of the program that deploys the schedules: the next deployment
does not undo what a person paused at night, and says that it is paused.
"""

from __future__ import annotations

from typing import Any

from . import run as runs
from .records import WRITES, Records
from .run import Item
from .settings import SCHEDULES, Settings
from .table import Changed, NotRecorded


def reason(records: Records, pk: str, name: str) -> str:
    """Why a delivery of a schedule launches nothing; empty if the schedule is not paused. Raises NotRecorded."""
    pause = _paused(records.table.get(pk, SCHEDULES)).get(name)
    if pause is None:
        return ""
    return f"its schedule {name} is paused since {pause['at']}" + (f", by {pause['by']}" if "by" in pause else "")


def change(records: Records, settings: Settings, name: str, *, paused: bool, by: str) -> str:
    """Pause a schedule of the job, or resume it. Returns why that was not done; empty if it is so now. Who paused it
    first remains. Raises NotRecorded."""
    pk = settings.family.rpartition("/")[2]
    item = records.table.get(pk, SCHEDULES)
    for _ in range(WRITES):
        held = _paused(item)
        # One that is no longer deployed can still be resumed.
        if name not in settings.schedules and (paused or name not in held):
            declared = ", ".join(sorted(settings.schedules)) or "none"
            return f"{settings.job} has no schedule of this name; its schedules: {declared}"
        if (name in held) is paused:
            return ""
        if paused:
            held[name] = {"at": runs.at(records.clock()), **({"by": by} if by else {})}
        else:
            del held[name]
        try:
            records.table.put({**(item or {"pk": pk, "sk": SCHEDULES}), "paused": held})
        except Changed as changed:
            item = changed.found
            continue
        return ""
    raise NotRecorded("others changed the item all the time")


def _paused(item: Item | None) -> dict[str, Any]:
    return {} if item is None else dict(item["paused"])
