"""`fargate-job history`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import click
from rich.text import Text

from ..asked import told
from ..past import MARKS, PastRun, Sums
from ..past import history as past
from ..show import Output, brief, duration, minute, stamp, who
from ..tables import STYLES
from ..task import SHORT
from .context import Context, common
from .durations import since_of

STATES: Final = tuple(it.lower() for it in MARKS)
LAST: Final = 50
"""How many runs are shown if neither a number nor a time is named."""
AT_ONCE: Final = 100
"""How many rows are printed together. They are on the terminal before more is read."""
NAMES: Final = ("RUN", "UTC", "STATE", "TOOK", "TASKS", "USD", "TRIGGER", "BY", "ASKED", "WHY")
SPARE: Final = ("BY", "USD", "TRIGGER", "ASKED")
ASKED: Final = 30
"""The most characters of each value in the column of what was asked."""


@click.command()
@click.argument("job")
@click.option(
    "--since", metavar="SINCE", help="Runs that were launched since then: 90m, 7d, or 2026-11-26T03:00 (UTC)."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES, case_sensitive=False),
    help="Runs in this state; repeat it for more.",
)
@click.option(
    "--last", type=click.IntRange(min=1), help=f"At most so many runs ({LAST}; with --since: all of that time)."
)
@common
def history(context: Context, job: str, since: str | None, states: tuple[str, ...], last: int | None) -> None:
    """List the runs of JOB, the newest first: how each ended, how long it took, and what it cost; below them a line of
    marks and sums. The table keeps runs for 90 days."""
    found = context.job(job)
    most = last or (None if since else LAST)
    begin = since_of(since, "--since") if since else None
    some = past(found, since=begin, states=[it.upper() for it in states], most=most)
    shown, columns = list[PastRun](), context.output.columns(NAMES, spare=SPARE, below=True)
    while page := list(islice(some, AT_ONCE)):
        context.output.rows(columns, (_row(it) for it in page))
        shown += page
    sums = Sums.of(shown)
    if states:
        # Of chosen states, the part that succeeded says nothing.
        sums = replace(sums, success_rate=None)
    context.output.data({"job": found.name, "sums": sums.as_json(), "runs": [it.as_json() for it in shown]})
    if not shown:
        asked = f" {' or '.join(states)}" if states else ""
        context.output.said(f"No{asked} run of {found.name}" + (f" since {minute(begin)}" if begin else "") + ".")
        return
    _summary(context.output, shown, sums, marks=not states)
    failed = next((it for it in shown if it.state == "FAILED"), None)
    if failed is not None:
        context.output.fact(f"next  fargate-job runs show {found.name} {failed.run[:SHORT]}")


def _row(it: PastRun) -> list[object]:
    cost = "" if it.cost_usd is None else f"{it.cost_usd:.4f}"
    of = "" if it.size is None else f"array of {it.size}"
    return [
        *(it.run[:SHORT], stamp(it.launched), it.state, brief(it.took), it.attempts or "", cost, it.trigger),
        *(who(it.requested_by), told({key: value for key, value in it.asked.items() if key != "array"}, longest=ASKED)),
        ": ".join(part for part in (of, it.reason) if part),
    ]


def _summary(output: Output, some: list[PastRun], sums: Sums, *, marks: bool) -> None:
    output.fact("")
    if marks:
        room = min(output.width, 100) - len("oldest   newest")
        shown = [Text(MARKS[it.state], style=STYLES.get(it.state, "")) for it in reversed(some[:room])]
        output.fact(Text.assemble("oldest ", *shown, " newest"))
    counted = ", ".join(f"{count} {state}" for state, count in sums.states.items())
    output.said(f"{sums.runs} run{'' if sums.runs == 1 else 's'}: {counted}")
    output.said(", ".join(_figures(sums)))


def _figures(sums: Sums) -> Iterable[str]:
    figures: dict[str, Any] = {
        "success rate": None if sums.success_rate is None else f"{sums.success_rate:.1%}",
        "median": None if sums.median_seconds is None else duration(sums.median_seconds),
        "95 % within": None if sums.p95_seconds is None else duration(sums.p95_seconds),
        "cost": None if sums.cost_usd is None else f"{sums.cost_usd:.4f} USD",
    }
    return [f"{name} {value}" for name, value in figures.items() if value is not None]
