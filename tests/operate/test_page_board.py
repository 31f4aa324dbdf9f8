"""What the page remembers of AWS's answers, and when it asks again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from fargate_job_launcher.handler.run import Item
from fargate_job_launcher.operate import Job
from fargate_job_launcher.operate import runs as kept
from fargate_job_launcher.operate.page import board

JOB = cast("Job", None)


class Table:
    """The attempts of runs, which take `seconds` to read."""

    def __init__(self) -> None:
        self.now, self.seconds, self.read = 100.0, 2.0, list[str]()

    def attempts(self, job: Job, run: str) -> list[Item]:  # noqa: ARG002
        self.read.append(run)
        self.now += self.seconds
        return [{"task": str(len(self.read))}]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    table = Table()
    monkeypatch.setattr(kept, "attempts", table.attempts)
    monkeypatch.setattr(board, "time", SimpleNamespace(monotonic=lambda: table.now))
    return table


def run(version: int, state: str = "RUNNING", named: str = "a") -> dict[str, Any]:
    return {"run": named, "version": version, "state": state}


def test_attempts_are_read_again_once_the_run_has_changed_and_for_a_small_part_of_the_time(table: Table) -> None:
    recorded = board.Recorded()
    assert recorded.of(JOB, run(1)) == recorded.of(JOB, run(1)) == [{"task": "1"}]
    # An array of ten thousand changes all the time.
    for version in range(2, 15):
        table.now += 3
        recorded.of(JOB, run(version))
    assert len(table.read) == 1
    table.now += 3
    assert recorded.of(JOB, run(15)) == [{"task": "2"}]
    # A run that is over shows its last attempt at once, and is read once.
    for _ in range(3):
        assert recorded.of(JOB, run(16, "FAILED")) == [{"task": "3"}]
    table.now += 1000
    recorded.of(JOB, run(16, "FAILED"))
    assert len(table.read) == 3


def test_what_is_read_in_no_time_is_read_whenever_the_run_has_changed(table: Table) -> None:
    recorded, table.seconds = board.Recorded(), 0.01
    for version in range(5):
        table.now += 3
        recorded.of(JOB, run(version))
    assert len(table.read) == 5


def test_the_attempts_of_a_few_runs_are_remembered_and_no_more(table: Table) -> None:
    recorded = board.Recorded()
    for number in range(board.RUNS + 5):
        recorded.of(JOB, run(1, named=str(number)))
    read = len(table.read)
    recorded.of(JOB, run(1, named=str(board.RUNS + 4)))
    assert len(table.read) == read
    recorded.of(JOB, run(1, named="0"))
    assert len(table.read) == read + 1
