"""Launches of arrays: wave after wave, each as large as parallelism, `max_running` and Fargate's rate admit.

No function waits for an array. The first wave comes with the launch; the supervisor asks for the others, as indexes end
and as Fargate's rate allows more. arrays.py decides, and a wave is two writes around its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from . import arrays, fargate, holders
from . import run as runs
from .again import Again
from .answers import Failure
from .calls import ON_DEMAND, SPOT, Origin, Round
from .launch import TakenOver, ids_of
from .records import WRITES, Full
from .request import LaunchRequest
from .result import LaunchResult, cost_per_hour, of_run
from .run import Item
from .table import NotRecorded

WAVES: Final = 4
"""The most waves of one delivery. A second one follows at once only where Spot has no capacity and on-demand is
allowed, or where a wave had less to launch than the rate admits."""
LARGEST_WAVE: Final = fargate.LAUNCH_BURST


class Waves(Again):
    """The launcher of a job, with its arrays."""

    retried = 0
    """How many retries this delivery has launched."""

    def next(self, run_id: str) -> LaunchResult | None:
        """Launch what is wanted of an array at this moment; None if nothing is. Raises NotRecorded."""
        run = self._read(run_id)
        if run is None or "array" not in run or run["state"] in runs.ENDED or not arrays.wanted(run, self._now()):
            return None
        request, problem = self._recorded(run)
        if request is None:
            failure: Failure = problem or {"reason": "Rejected", "detail": "", "retryable": False}

            def refused(it: Item) -> None:
                for root in arrays.pending(it, self._now()):
                    runs.release(it, root, [failure], now=self._now())
                it["failures"] = [dict(failure)]
                arrays.halt(it, f"no further index could be launched: {failure['reason']}: {failure['detail']}")

            try:
                self._changed(run, refused)
            except TakenOver:
                return None
            return None
        taken: list[str] = []
        run = self._taken(request, run, taken)
        return self._waves(request, run, taken) if taken else None

    def hourly(self, run: Item) -> float | None:
        """What a task of a run costs per hour as the job is now, in US dollars; None without prices."""
        request, _ = self._recorded(run)
        return None if request is None else cost_per_hour(self.settings, request, 1)

    # The launch itself, as launch.py does it.

    def _new(self, request: LaunchRequest, *, trigger: str, redelivered: bool) -> Item:
        made = super()._new(request, trigger=trigger, redelivered=redelivered)
        if request.array is not None:
            of = request.array
            made |= {"array": arrays.new(of.size, of.parallelism, of.max_failed), "reserved": 0}
            self._unbegun(made)
            self._begin(made, request)
        return made

    def _unbegun(self, run: Item) -> None:
        """Of an array, the launch itself has no calls: each index has its own."""
        if "array" not in run:
            super()._unbegun(run)
            return
        for root in list(run["open"]):
            arrays.put_back(run, root)
        run["array"].pop("rate", None)
        run["launch"] = {"round": -1, "open": False, "lease": 0, "by": self.by, "began": self._now(), "closed": False}

    def _begin(self, run: Item, request: LaunchRequest, root: str = "") -> None:
        """Begin an array that has waited, or a new one: its first wave."""
        if request.array is None or root:
            super()._begin(run, request, root)
        elif "array" in run:
            run["launch"]["closed"] = True
            self._take(run, request, max(1, self._admitted_now(run)))

    def _rounds(self, request: LaunchRequest, run: Item, origin: Origin) -> LaunchResult:
        if "array" not in run:
            return super()._rounds(request, run, origin)
        mine = [root for root, entry in run["open"].items() if entry.get("calls", {}).get("by") == self.by]
        return self._waves(request, run, mine)

    # A wave.

    def _waves(self, request: LaunchRequest, run: Item, taken: list[str]) -> LaunchResult:
        """Make the calls of these lineages, then more while more is wanted; the answer about the run."""
        calls, new, failures = 0, 0, list[Failure]()
        for turn in range(WAVES):
            done = self._called(request, run, taken)
            calls += sum(it.calls for it in done.values())
            failures = _distinct(done)
            before, launched = run, list[int]()
            try:
                run = self._changed(run, self._closing(request, done, launched))
            except (NotRecorded, TakenOver) as problem:
                # The calls were made: they are repeated with the same tokens, or the events of the tasks tell them.
                unrecorded: Failure = {"reason": "RunNotRecorded", "detail": str(problem), "retryable": True}
                return of_run(self.settings, request, before, failures=[unrecorded], calls=calls, new=new)
            new += launched.count(1)
            self.retried += len(launched) - launched.count(1)
            taken = []
            if turn + 1 < WAVES and arrays.wanted(run, self._now()) and self.calls.budget.allows():
                run = self._taken(request, run, taken)
            if not taken:
                break
        return of_run(self.settings, request, run, failures=failures if arrays.over(run) else [], calls=calls, new=new)

    def _called(self, request: LaunchRequest, run: Item, taken: list[str]) -> dict[str, Round]:
        """What the calls of each lineage came to."""
        done: dict[str, Round] = {}
        wanted: dict[str, tuple[LaunchRequest, Origin, int]] = {}
        for root in taken:
            entry = run["open"][root]
            origin = Origin(run["run"], root, entry["attempt"] + 1)
            # Each takes two calls, one after the other: what there is no time for stays open.
            settled = self._settled(entry["calls"], origin) if self.calls.budget.allows() else Round(open=True)
            if settled is not None:
                done[root] = settled
                continue
            of_index = request.for_index(arrays.index_of(root))
            capacity = "on_demand" if entry["calls"]["capacity"] == ON_DEMAND else "spot"
            wanted[root] = (replace(of_index, capacity=capacity), origin, entry["calls"]["round"])
        return done | dict(zip(wanted, self.calls.each(self.settings, list(wanted.values())), strict=True))

    def _closing(
        self, request: LaunchRequest, done: Mapping[str, Round], launched: list[int]
    ) -> Callable[[Item], None]:
        """Records what the calls of a wave came to. `launched` gets the number of each attempt that it records."""

        def close(it: Item) -> None:
            now, failures, some = self._now(), list[Failure](), False
            launched.clear()
            for root, one in done.items():
                calls = runs.calls_of(it, root)
                if calls is None or calls.get("by") != self.by:
                    # Its end was recorded meanwhile, or another delivery makes its calls now.
                    some = some or bool(one.tasks)
                    continue
                on = calls["capacity"]
                runs.close_round(it, root, ids_of(one.tasks), now=now, still_open=one.open)
                if runs.calls_of(it, root) is None:
                    launched.append(it["open"][root]["attempt"])
                elif one.again and not one.open and request.capacity == "spot_then_on_demand" and on == SPOT:
                    calls |= {"lease": 0, "next": now}
                else:
                    runs.release(it, root, one.failures, now=now)
                    failures += [] if one.open else one.failures
            if failures:
                arrays.refused(it, failures, now=now, some=some or bool(launched))
            elif some or launched:
                it["array"].pop("stuck", None)
                it["failures"] = []

        return close

    def _taken(self, request: LaunchRequest, run: Item, taken: list[str]) -> Item:
        """The run after the lineages of a wave were recorded, and these in `taken`."""

        def take(it: Item) -> None:
            taken.clear()
            if it["state"] in runs.ENDED or not arrays.wanted(it, self._now()):
                return
            most = self._admitted_now(it)
            if most < 1:
                it["array"]["full"] = self._now() + runs.SWEEP_SECONDS
            taken.extend(self._take(it, request, most))
            # A deployment may have replaced the function meanwhile.
            it["function"] = self.function

        for _ in range(WRITES):
            try:
                return self._changed(run, take)
            except Full:
                # Another run was faster: there is less room now.
                continue
            except TakenOver:
                break
        taken.clear()
        return run

    def _take(self, run: Item, request: LaunchRequest, most: int) -> list[str]:
        def capacity(entry: Item) -> str:
            interrupted = entry.get("failed", {}).get("outcome") == "interrupted"
            refused = entry["calls"].get("capacity") == SPOT
            falls_back = request.capacity == "spot_then_on_demand" and (interrupted or refused)
            return ON_DEMAND if request.capacity == "on_demand" or falls_back else SPOT

        return arrays.take(
            run, now=self._now(), lease=self._lease(), by=self.by, most=min(most, LARGEST_WAVE), capacity=capacity
        )

    def _admitted_now(self, run: Item) -> int:
        """How many further indexes `max_running` admits."""
        if not run["maxRunning"]:
            return LARGEST_WAVE
        others = holders.held(self.records.job(self.family), but=run["run"])
        return run["maxRunning"] - others - len(run["open"])

    def _now(self) -> float:
        return self.records.clock()


def _distinct(done: Mapping[str, Round]) -> list[Failure]:
    """The failures of a wave, each once: the calls of a wave fail for the same reason, as they differ in the index."""
    found: dict[tuple[str, str], Failure] = {}
    for one in done.values():
        for it in one.failures:
            found.setdefault((it["reason"], it["detail"]), it)
    return list(found.values())
