"""What the page draws: strips, days and arrays, as shapes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fargate_job_launcher.operate.arrays import Progress
from fargate_job_launcher.operate.page.board import weeks
from fargate_job_launcher.operate.page.drawings import (
    BAR,
    DAY_WIDE,
    GAP,
    HIGH,
    LEAST,
    array,
    lane,
    permissions,
    strip,
)
from fargate_job_launcher.operate.past import PastRun
from fargate_job_launcher.sandbox.proof.explain import Explanation

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
MIDNIGHT = NOON.replace(hour=0)


def run(number: int, seconds: float | None, state: str = "SUCCEEDED", began: datetime = NOON) -> PastRun:
    """A run that took so long; None: it has not ended."""
    ended = None if seconds is None else began + timedelta(seconds=seconds)
    return PastRun(f"{number:032x}", state, "call", "", "", began, began, ended, 1, 1, None, 0.5, "", 0)


def test_a_strip_has_the_oldest_run_on_the_left_and_the_longest_as_the_highest() -> None:
    skipped = replace(run(1, 0, "SKIPPED"), attempts=0)
    drawn = strip([run(4, 86_400), run(3, 60, "FAILED"), run(2, 1), skipped])
    assert [(it.x, it.state, it.run[-1]) for it in drawn.shapes] == [
        (number * (BAR + GAP), state, str(number + 1))
        for number, state in enumerate(("skipped", "succeeded", "failed", "succeeded"))
    ]
    heights = [it.height for it in drawn.shapes]
    assert heights == sorted(heights)
    assert (heights[0], heights[-1]) == (LEAST, HIGH)
    assert all(it.y + it.height == HIGH for it in drawn.shapes)
    assert drawn.label == "last 4 runs: 1 skipped, 2 succeeded, 1 failed"
    assert "FAILED, 1m00s, 0.5000 USD" in drawn.shapes[2].title
    assert (strip([]).label, strip([]).shapes) == ("no runs", ())


def test_a_day_has_what_ran_on_it_and_cuts_what_began_before_or_goes_on() -> None:
    now = NOON + timedelta(hours=6)
    runs = [
        run(1, 3 * 3600, began=MIDNIGHT - timedelta(hours=1)),
        run(2, 600, "FAILED", began=NOON),
        run(3, None, "RUNNING", began=NOON + timedelta(hours=5)),
        run(4, 60, began=MIDNIGHT - timedelta(hours=2)),
        run(5, 60, began=MIDNIGHT + timedelta(days=1)),
        run(6, 30, began=MIDNIGHT + timedelta(hours=23, minutes=59)),
    ]
    drawn = lane(runs, MIDNIGHT, now)
    assert [(it.run[-1], it.x, it.width, it.state) for it in drawn.shapes] == [
        ("1", 0, 120, "succeeded"),
        ("3", 1020, 60, "running"),
        # So short a run is as wide as can be seen, and inside the day.
        ("6", DAY_WIDE - 3, 3, "succeeded"),
        # The last is drawn over the others.
        ("2", 720, 10, "failed"),
    ]
    assert drawn.label == "2 succeeded, 1 running, 1 failed"


@pytest.mark.parametrize("size", [1, 20, 100, 101, 10_000])
def test_an_arrays_map_has_a_cell_for_each_index_or_for_the_same_number_of_them(size: int) -> None:
    one = size == 1
    it = Progress(
        run="r",
        state="RUNNING",
        size=size,
        parallelism=5,
        succeeded="" if one else f"0-{size - 1}",
        failed="0" if one else "",
        stopped="",
        running="",
        not_started="",
        paused="",
        halted="",
        stopping="",
        seconds=1,
        reason="",
        exit_code=None,
        cost_usd=None,
    )
    drawn = array(it)
    assert len(drawn.shapes) == min(size, -(-size // -(-size // 100)))
    assert {cell.state for cell in drawn.shapes} == {"failed" if one else "succeeded"}
    assert drawn.label == (f"{size} indexes: 1 failed" if one else f"{size} indexes: {size} succeeded")
    assert len({(cell.x, cell.y) for cell in drawn.shapes}) == len(drawn.shapes)
    if size == 10_000:
        # One failure among a hundred indexes is seen.
        failing = array(replace(it, succeeded="0-554,556-9999", failed="555"))
        assert [shape.title for shape in failing.shapes if shape.state == "failed"] == ["indexes 500-599: failed"]


def test_weeks_begin_on_monday_in_utc() -> None:
    begins = weeks(datetime(2026, 11, 23, 0, 30, tzinfo=UTC))
    assert [f"{it:%a %m-%d}" for it in begins[:2]] == ["Mon 11-23", "Mon 11-16"]
    assert weeks(datetime(2026, 11, 22, 23, 59, tzinfo=UTC))[0] == datetime(2026, 11, 16, tzinfo=UTC)


def test_the_picture_has_an_arrow_to_each_role_and_says_which_may_not_be_passed() -> None:
    may = {"launcher": True, "task": False}
    its = Explanation(
        launcher="launcher",
        kinds={"launcher": "role of the Lambda function", "task": "task role", "nightly": "role of the schedules"},
        statements={},
        passing={
            "task": may,
            "nightly": {**may, "launcher": False},
            "launcher": {"launcher": False},
            "Admin": {"launcher": False},
        },
        assuming={},
        scheduling=["nightly"],
    )
    drawn = permissions(its)
    assert (
        drawn.label
        == "task role: passes to ECS tasks; role of the schedules: passes to Scheduler; any other role: refused"
    )
    assert [(it.name, it.state) for it in drawn.boxes] == [
        ("launcher", "passes"), ("task", "passes"), ("nightly", "passes"), ("any other role", "refused")
    ]  # fmt: skip
    assert [it.state for it in drawn.arrows] == ["passes", "passes", "refused"]
    assert all(it.y + 44 <= drawn.height for it in drawn.boxes)
