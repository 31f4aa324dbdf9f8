"""Launches that the supervisor asks for: retries of a run's tasks, and a run that waited for others to be stopped.

A run's item has its request, so a retry needs neither the event nor the task.
"""

from __future__ import annotations

from dataclasses import replace

from . import arrays
from . import run as runs
from .answers import Failure
from .calls import Origin, Round
from .event import Rejected
from .launch import Launcher, TakenOver, under_way
from .request import LaunchRequest, recorded
from .result import LaunchResult
from .run import Item


class Again(Launcher):
    """The launcher of a job, with the launches that the supervisor asks for."""

    def retry(self, run_id: str, root: str) -> bool:
        """Launch the pending retry of a lineage of a run; whether that was done. Nothing is done if none is pending.

        Raises NotRecorded, and Rejected if the job no longer allows what was requested.
        """
        run = self._read(run_id)
        calls = None if run is None else runs.calls_of(run, root)
        if (
            run is None
            or "array" in run
            or calls is None
            or (calls["lease"] > self.records.clock() and calls["by"] != self.by)
        ):
            return False
        entry = run["open"][root]
        origin = Origin(run_id, root, entry["attempt"] + 1)

        try:
            request, problem = self._recorded(run, interrupted=entry["failed"]["outcome"] == "interrupted")

            def take(it: Item) -> None:
                calls = self._free(it, root)
                if request is None:
                    self._closed(it, None, root, Round(failures=[problem] if problem else []))
                elif calls["open"]:
                    calls |= {"lease": self._lease(), "by": self.by}
                else:
                    self._begin(it, request, root)

            run = self._changed(run, take)
            if request is not None:
                self._rounds(request, run, origin)
        except TakenOver:
            return False
        return True

    def _free(self, run: Item, root: str) -> Item:
        """The calls of a pending retry. Raises TakenOver if none is pending, or if another delivery makes its calls."""
        calls = runs.calls_of(run, root)
        if calls is None or (calls["lease"] > self.records.clock() and calls["by"] != self.by):
            raise TakenOver
        return calls

    def again(self, run_id: str) -> LaunchResult | None:
        """Continue a launch that waits, or has waited, for the job's other runs to be stopped; None if nothing is left
        to do. Raises NotRecorded."""
        run = self._read(run_id)
        if run is None or "accepted" not in run or run["launch"]["closed"] or run["state"] in runs.ENDED:
            return None
        request, problem = self._recorded(run)
        if run.get("waiting") and self.records.job(self.family).get("waiting") != run_id:
            problem = Failure(reason="Replaced", detail="a later launch replaced this one", retryable=False)
        if request is None or problem is not None:
            self._changed(run, lambda it: _given_up(it, problem or under_way()))
            return None
        try:
            return self._continued(request, run, redelivered=True)
        except TakenOver:
            return None

    def _recorded(self, run: Item, *, interrupted: bool = False) -> tuple[LaunchRequest | None, Failure | None]:
        """The request of a run, as it was recorded, or why it cannot be launched again."""
        payload = run.get("payload")
        if payload is not None and not self.stored(payload["uri"]):
            detail = f"the payload that was stored for it is gone, or the launcher may not read it: {payload['uri']}"
            return None, {"reason": "PayloadExpired", "detail": detail, "retryable": False}
        try:
            request = recorded(run, self.settings)
        except Rejected as rejected:
            detail = f"the job no longer allows what was requested: {rejected}"
            return None, {"reason": "Rejected", "detail": detail, "retryable": False}
        if interrupted and request.capacity == "spot_then_on_demand":
            request = replace(request, capacity="on_demand")
        return request, None


def _given_up(run: Item, failure: Failure) -> None:
    run["failures"] = [dict(failure)]
    run["launch"]["closed"] = True
    if "array" in run:
        arrays.halt(run, f"{failure['reason']}: {failure['detail']}")
    run.pop("waiting", None)
    if failure["reason"] == "Replaced":
        run["stopping"] = {"reason": failure["detail"], "begun": True}
