"""Records the ends of tasks, and asks the jobs' launchers for what follows: retries, more of an array, telling an end.

supervise.py looks for what is late.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from . import arrays, ends
from . import run as runs
from .attempt import Belongs, belongs, facts, retried
from .awsjson import code_of
from .records import Gone, Records
from .run import Item

RECORDED_AT_ONCE: Final = 50
"""Ends in one transaction, which has 100 items at most: one for each end, the run's and the job's.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""


@dataclass
class Recorder:
    """Records ends, and asks launchers for what is pending."""

    records: Records
    ecs: Any
    """A botocore client of ECS."""
    functions: Any
    """A botocore client of Lambda."""
    backlog: Callable[[], int]
    """How many messages wait in its queue or are being handled."""
    log: Any
    """Called with a level, a message, and facts and metrics by name."""
    remind: Callable[[dict[str, Any], int], None] = lambda _message, _seconds: None
    """Sends itself a message that comes after so many seconds."""
    at_once: int = 10
    """How many tasks it stops at the same time."""
    own: int = 0
    """How many of these messages this very function handles: it has recorded what they tell."""

    def _waiting(self) -> bool:
        """Whether an event of an end may wait that nobody has recorded."""
        return self.backlog() > self.own

    def ended(self, tasks: Iterable[dict[str, Any]]) -> None:
        """Record the ends of tasks. Raises NotRecorded."""
        grouped: dict[tuple[str, str], list[tuple[Belongs, dict[str, Any]]]] = defaultdict(list)
        for task in tasks:
            of = belongs(task)
            if of is not None and task.get("lastStatus") == "STOPPED":
                grouped[of.pk, of.run].append((of, task))
        if len(grouped) < 2:
            for of_run, some in grouped.items():
                self._ended(of_run, some)
            return
        with ThreadPoolExecutor(len(grouped)) as pool:
            # Raises the first error of any: SQS then delivers the whole batch again, and recorded ends stay recorded.
            list(pool.map(self._ended, grouped.keys(), grouped.values()))

    def _ended(self, of_run: tuple[str, str], some: list[tuple[Belongs, dict[str, Any]]]) -> None:
        run = self.records.read(*of_run)
        # Otherwise it is a run of another stack in the same cluster.
        if run is not None:
            self._record(run, [facts(task, of, run) for of, task in some])

    def _record(self, run: Item, found: list[dict[str, Any]]) -> Item:
        """Record ends, with these facts, and ask for what follows."""
        for start in range(0, len(found), RECORDED_AT_ONCE):
            run = self._record_some(run, found[start : start + RECORDED_AT_ONCE])
        return run

    def _record_some(self, run: Item, found: list[dict[str, Any]]) -> Item:
        kept: list[Item] = []

        def change(it: Item) -> list[Item]:
            kept.clear()
            for fact in found:
                made = ends.ended(it, fact, now=self.records.clock(), retry=retried(fact, it["policy"]))
                if made is not None:
                    kept.append({**made, "expires": int(self.records.clock()) + 86400 * it["keepDays"]})
            return kept

        try:
            after = self.records.change(run, change, told_by=runs.CLAIM_SECONDS)
        except Gone:
            return run
        for it in kept:
            said = {key: it[key] for key in ("task", "attempt", "outcome", "exitCode", "seconds") if key in it}
            self.log("INFO", f"attempt {it['attempt']} of {run['job']}: {it['reason']}", run=run["run"], **said)
        if kept:
            ended_now = {it["root"] for it in kept}
            self._ask(after, [root for root in after["open"] if root in ended_now and "calls" in after["open"][root]])
        return after

    def reminded(self, pk: str, run_id: str, at: float) -> None:
        """Ask for more of an array that Fargate's rate held back. Raises NotRecorded."""
        run = self.records.read(pk, run_id)
        if run is not None and run.get("array", {}).get("reminded") == at and run["state"] not in runs.ENDED:
            self._more(run, again=True)

    def _more(self, run: Item, *, again: bool = False) -> str:
        """Ask for what is wanted of an array at this moment, and set a reminder of what Fargate's rate holds back;
        `again`: this is the reminder. Why the launcher cannot be asked, or an empty text."""
        now = self.records.clock()
        if not again and run["array"].get("reminded", 0) + 2 * arrays.REMIND_SECONDS < now:
            again = True
        problem = self._invoke(run, {"nextOf": run["run"]}) if arrays.wanted(run, now) else ""
        if again and arrays.held_back(run, now):
            at = int(now) + arrays.REMIND_SECONDS

            def reminded(it: Item) -> None:
                it["array"]["reminded"] = at

            try:
                self.records.change(run, reminded)
            except Gone:
                return problem
            self.remind({"remind": {"pk": run["pk"], "run": run["run"], "at": at}}, arrays.REMIND_SECONDS)
        return problem

    def _ask(self, run: Item, retries: Iterable[str]) -> None:
        """Ask the job's launcher for retries, for the end if there is one, and for a launch that waits for room."""
        if "array" in run and run["state"] not in runs.ENDED:
            self._more(run)
            retries = ()
        for root in retries:
            self._invoke(run, {"retryOf": {"run": run["run"], "root": root}})
        if run["state"] in runs.ENDED and "tell" in run:
            self._invoke(run, {"endOf": run["run"]})
        if run["maxRunning"] and run["state"] in runs.ENDED:
            waiting = self.records.job(run["pk"]).get("waiting")
            if waiting:
                self._invoke(run, {"continueOf": waiting})

    def _invoke(self, run: Item, event: dict[str, Any]) -> str:
        """Ask a launcher without waiting for its answer: what it does is in the table. Why it cannot be asked, or an
        empty text."""
        try:
            self.functions.invoke(
                FunctionName=run["function"], InvocationType="Event", Payload=json.dumps(event).encode()
            )
        except Exception as error:  # noqa: BLE001 - the table keeps what is pending, and it is requested again
            self.log("WARN", f"{run['function']} cannot be invoked: {error}", run=run["run"])
            return code_of(error) or type(error).__name__
        return ""
