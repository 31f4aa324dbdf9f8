"""What the pages draw, as shapes with places: strips of runs, a day's timeline, the map of an array,
and the picture of permissions. Pure.

The templates turn shapes into SVG. A shape's class is the state of what it shows, its title says it in words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from fargate_job_launcher.handler import ranges

from ..arrays import Progress
from ..past import PastRun
from ..show import brief, stamp

if TYPE_CHECKING:
    from fargate_job_launcher.sandbox.proof.explain import Explanation

BAR: Final = 7
"""The width of a run's bar in a strip."""
GAP: Final = 2
"""The space after a bar, and after a cell."""
HIGH: Final = 30
"""The height of the longest run."""
LEAST: Final = 4
"""The height of the shortest run."""
DAY_WIDE: Final = 1440
"""A day is as wide as it has minutes."""
LANE: Final = 14
"""The height of a job's line in the timeline."""
LEAST_WIDE: Final = 3
"""The width of a short run in the timeline."""
CELL: Final = 16
"""From one cell of an array's map to the next."""
CELLS: Final = 100
"""The most cells of an array's map; in a larger array a cell stands for several indexes."""


@dataclass(frozen=True)
class Shape:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    state: str
    """Its class: a state or an outcome, in lower case."""
    title: str
    run: str = ""
    """The run that it leads to; empty if to none."""


@dataclass(frozen=True)
class Drawing:
    """Shapes, and the room that they need."""

    width: float
    height: float
    label: str
    """The whole in words, for those who do not see it."""
    shapes: tuple[Shape, ...]


def strip(newest_first: Sequence[PastRun]) -> Drawing:
    """The last runs, the oldest on the left: state as colour, duration as height, cost in the title."""
    shown = list(reversed(newest_first))
    longest = max((it.seconds for it in shown if it.attempts), default=0.0)
    shapes = list[Shape]()
    for number, it in enumerate(shown):
        high = _height(it, longest)
        shapes.append(Shape(number * (BAR + GAP), HIGH - high, BAR, high, it.state.lower(), told(it), it.run))
    return Drawing(max(1, len(shown)) * (BAR + GAP) - GAP, HIGH, counted(shown), tuple(shapes))


def _height(it: PastRun, longest: float) -> float:
    """On a logarithmic scale, so that a run of a minute is seen beside one of a day."""
    if not it.attempts or longest <= 0:
        return LEAST
    return round(LEAST + (HIGH - LEAST) * math.log1p(max(0.0, it.seconds)) / math.log1p(longest), 1)


def told(it: PastRun) -> str:
    """A run in a line."""
    cost = "" if it.cost_usd is None or not it.attempts else f"{it.cost_usd:.4f} USD"
    took = "" if not it.attempts else brief(it.seconds)
    return ", ".join(part for part in (stamp(it.launched), it.state, took, cost, it.reason) if part)


def counted(runs: Sequence[PastRun]) -> str:
    """How many runs are in which state."""
    if not runs:
        return "no runs"
    return f"last {len(runs)} runs: {_states(it.state for it in runs)}"


def _states(states: Iterable[str]) -> str:
    return ", ".join(f"{count} {state.lower()}" for state, count in Counter(states).items()) or "no runs"


def lane(runs: Iterable[PastRun], day: datetime, now: datetime) -> Drawing:
    """A job's runs on one day, which begins at `day` in UTC, a minute a unit."""
    end, shapes = day + timedelta(days=1), list[Shape]()
    # What went wrong is drawn over what went well at the same time.
    for it in sorted(runs, key=lambda one: (one.state in ("FAILED", "REJECTED"), one.launched)):
        begins, ends = max(it.began, day), min(it.ended or now, end)
        if begins >= end or ends < day:
            continue
        x = (begins - day).total_seconds() / 60
        wide = max(LEAST_WIDE, (ends - begins).total_seconds() / 60)
        shapes.append(
            Shape(round(min(x, DAY_WIDE - wide), 1), 1, round(wide, 1), LANE - 2, it.state.lower(), told(it), it.run)
        )
    return Drawing(DAY_WIDE, LANE, _states(it.state for it in shapes), tuple(shapes))


def array(it: Progress) -> Drawing:
    """The indexes of an array in order: what each has come to. A cell that stands for several indexes has that of their
    states that matters most."""
    each = max(1, math.ceil(it.size / CELLS))
    states = [
        (name, set(ranges.numbers(value)))
        for name, value in (
            *(("failed", it.failed), ("running", it.running), ("stopped", it.stopped)),
            *(("waiting", it.not_started), ("succeeded", it.succeeded)),
        )
    ]
    cells = math.ceil(it.size / each)
    columns = min(cells, 50)
    shapes = list[Shape]()
    for cell in range(cells):
        first, last = cell * each, min(it.size, (cell + 1) * each) - 1
        here = set(range(first, last + 1))
        state = next((name for name, numbers in states if numbers & here), "waiting")
        what = f"index {first}" if first == last else f"indexes {first}-{last}"
        shapes.append(
            Shape(cell % columns * CELL, cell // columns * CELL, CELL - GAP, CELL - GAP, state, f"{what}: {state}")
        )
    label = ", ".join(f"{len(numbers)} {name}" for name, numbers in states if numbers)
    return Drawing(
        columns * CELL - GAP, math.ceil(cells / columns) * CELL - GAP, f"{it.size} indexes: {label}", tuple(shapes)
    )


BOX_WIDE: Final = 250
BOX_HIGH: Final = 44
ROW: Final = 64
"""From one role of the picture to the next."""
FAR: Final = 430
"""Where the roles stand, right of the one that passes them."""


@dataclass(frozen=True)
class Box:
    """A role in the picture of permissions."""

    x: float
    y: float
    name: str
    kind: str
    state: str
    """`refused` for a role that may not be passed."""


@dataclass(frozen=True)
class Arrow:
    """What the launcher's role does, or may not do, with a role."""

    x1: float
    y1: float
    x2: float
    y2: float
    state: str
    said: str


@dataclass(frozen=True)
class Picture:
    """Boxes and arrows, and the room that they need."""

    height: float
    label: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def permissions(its: Explanation) -> Picture:
    """Which roles the launcher's role may pass, and to which service; and that it may pass no other."""
    roles = [role for role in its.passing if role != its.launcher]
    boxes, arrows, words = list[Box](), list[Arrow](), list[str]()
    middle = (len(roles) - 1) * ROW / 2
    boxes.append(Box(0, middle, its.launcher, its.kinds[its.launcher], "passes"))
    for number, role in enumerate(roles):
        y, kind = number * ROW, its.kinds.get(role, "any other role")
        to = "ECS tasks" if its.passing[role][its.launcher] else "Scheduler" if role in its.scheduling else ""
        said = f"passes to {to}" if to else "refused"
        name, words_for = (role, kind) if role in its.kinds else ("any other role", f"such as {role}")
        boxes.append(Box(FAR, y, name, words_for, "passes" if to else "refused"))
        begin, end = middle + BOX_HIGH / 2, y + BOX_HIGH / 2
        arrows.append(Arrow(BOX_WIDE, begin, FAR, end, "passes" if to else "refused", said))
        words.append(f"{kind}: {said}")
    return Picture((len(roles) - 1) * ROW + BOX_HIGH, "; ".join(words), tuple(boxes), tuple(arrows))
