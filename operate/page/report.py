"""A job's runs as one HTML file that can be mailed: strip, sums, a timeline of its days, and what failed.

The file loads nothing and runs nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from markupsafe import Markup

from ..catalogue import Job
from ..past import Sums, beginning, history
from . import drawings
from .rendering import Pages

SINCE: Final = timedelta(days=30)
"""How far a report goes back if nothing else is said."""
STRIP: Final = 120
"""Runs of the strip."""
FAILURES: Final = 100
"""How many of the last failures are listed."""


def report(job: Job, *, since: datetime | timedelta | str = SINCE) -> str:
    """The report of a job's runs that were launched since then, as the text of an HTML file. `since` is as for
    `history`. Raises JobError for a text that is no time, and AWS's error as a JobError."""
    begin, now = beginning(since), datetime.now(UTC)
    runs = list(history(job, since=begin))
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # The days before the first run show nothing.
    days = (today - runs[-1].launched.astimezone(UTC)).days + 1 if runs else 0
    lanes = [(day, drawings.lane(runs, day, now)) for day in (today - timedelta(days=it) for it in range(days + 1))]
    failed = [it for it in runs if it.state in ("FAILED", "REJECTED")]
    style = (Path(__file__).parent / "static" / "page.css").read_text(encoding="utf-8")
    return Pages(
        "", read_only=True, stack=job.stack, region=job.account.region
    ).text(
        "report.html",
        # The project's own file: it has no markup in it.
        style=Markup(style),  # noqa: S704
        job=job,
        runs=runs,
        since=begin,
        sums=Sums.of(runs),
        strip=drawings.strip(runs[:STRIP]),
        shown=min(len(runs), STRIP),
        lanes=lanes,
        failed=failed[:FAILURES],
        failures=len(failed),
        reasons=Counter(it.reason or it.state for it in failed).most_common(10),
    )
