"""A launch, recorded before each of its calls and after: who dies is continued, and nothing is made twice.

The run's item is written before the first call. A delivery that makes calls holds a lease, so that no other makes any.
After a crash the item says which round of calls is open: the next delivery repeats that round with the same tokens, or,
when ECS may have forgotten those, asks ECS which tasks the run has. run.py has what a version of an item means.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import ClientError

from . import run as runs
from .answers import Failure
from .awsjson import Unanswered
from .calls import Calls, Origin, Round, capacity_of
from .records import WRITES, Full, Gone, Records
from .request import LaunchRequest
from .result import LaunchResult, cost_per_hour, failed, of_run
from .run import Item
from .settings import Settings
from .table import Changed, NotRecorded

ROUNDS: Final = 6
"""How often each delivery of an event requests the tasks that are missing; the first round requests them all."""
LEASE_MARGIN_SECONDS: Final = 2.0
"""How long after its function's end a lease lasts: no call of that function is under way then."""


class TakenOver(Exception):
    """Another delivery makes the calls of this run now."""


@dataclass(eq=False, repr=False)
class Launcher:
    """Launches runs of one job; again.py launches what the supervisor asks for, waves.py arrays."""

    settings: Settings
    calls: Calls
    records: Records
    store: Callable[[str, bytes], None]
    """Stores a payload at its s3:// address. Raises the errors of AWS's clients."""
    stored: Callable[[str], bool]
    """Whether a payload is still at its s3:// address."""
    remaining: Callable[[], float]
    """Seconds until the function is stopped."""
    function: str
    """ARN of the function."""
    by: str = field(default_factory=lambda: os.urandom(8).hex())
    """Names this delivery as the holder of a lease."""

    @property
    def family(self) -> str:
        """Name of the job's task definitions: the partition key of its items."""
        return self.settings.family.rpartition("/")[2]

    def launch(self, request: LaunchRequest, *, trigger: str, redelivered: bool, schedule: str = "") -> LaunchResult:
        """Launch the requested tasks, unless an earlier delivery did; the run as it stands then.

        `trigger`: the namespace of the key; `redelivered`: whether the trigger delivers the event again if a failure is
        retryable; `schedule`: the name of the job's schedule that delivers it. Errors of AWS are in the result and are
        not raised.
        """
        try:
            return self._launch(request, trigger=trigger, redelivered=redelivered, schedule=schedule)
        except NotRecorded as problem:
            detail = f"the run could not be recorded: {problem}"
            failure: Failure = {"reason": "RunNotRecorded", "detail": detail, "retryable": True}
        except TakenOver:
            failure = under_way()
        return failed(self.settings, request, failure)

    def _launch(self, request: LaunchRequest, *, trigger: str, redelivered: bool, schedule: str) -> LaunchResult:
        if request.stored_payload is not None:
            try:
                self.store(*request.stored_payload)
            except Exception as error:  # noqa: BLE001 - whatever the error is, the result reports it, and nothing was launched
                detail = f"the payload could not be stored: {type(error).__name__}: {error}"
                failure: Failure = {"reason": "PayloadNotStored", "detail": detail, "retryable": True}
                return failed(self.settings, request, failure)
        run = request.run
        new = self._new(request, trigger=trigger, redelivered=redelivered)
        paused = ""
        if schedule:
            new["schedule"] = schedule
            paused = self._paused(schedule)
        # Without max_running one conditional write says whether the run is new.
        known = self._read(run) if self.settings.max_running else None
        for _ in range(WRITES):
            if known is not None:
                return self._known(request, known, redelivered=redelivered)
            try:
                begun = self._skipped(runs.copied(new), paused) if paused else self._admitted(runs.copied(new))
                if begun["state"] == "SKIPPED":
                    return of_run(self.settings, request, begun, "SKIPPED")
                if begun.get("waiting"):
                    self._stop_others(run)
                    return of_run(self.settings, request, begun, "WAITING")
                return self._rounds(request, begun, Origin(run))
            except Full as full:
                return failed(self.settings, request, _max_running(full))
            except Changed as changed:
                known = changed.found
        raise NotRecorded("others changed the items of this job all the time")

    def _known(self, request: LaunchRequest, run: Item, *, redelivered: bool) -> LaunchResult:
        """The answer to an event whose key has a run: as the run stands, or after the rest has been launched."""
        if other := conflict(self.settings, request, run):
            return other
        token = request.task_token
        if token and token not in run.get("taskTokens", []):
            run = self._changed(run, lambda it: runs.add_token(it, token, now=self.records.clock()))
        return self._continued(request, run, redelivered=redelivered)

    def _continued(self, request: LaunchRequest, run: Item, *, redelivered: bool) -> LaunchResult:
        launch = run["launch"]
        if run["state"] == "SKIPPED" or "stopping" in run or not (runs.missing(run, "") or launch["open"]):
            return of_run(self.settings, request, run, "SKIPPED" if run["state"] == "SKIPPED" else "DUPLICATE")
        if launch["lease"] > self.records.clock() and launch["by"] != self.by:
            return of_run(self.settings, request, run, failures=[under_way()])
        if run.get("waiting"):
            self._stop_others(run["run"])

        def take(it: Item) -> None:
            calls = it["launch"]
            if calls["lease"] > self.records.clock() and calls["by"] != self.by:
                raise TakenOver
            runs.reopen(it)
            it.pop("waiting", None)
            it |= {"redelivered": redelivered, "maxRunning": self.settings.max_running}
            if calls["open"]:
                calls |= {"lease": self._lease(), "by": self.by}
                it["reserved"] = runs.missing(it, "")
            else:
                self._begin(it, request)

        try:
            return self._rounds(request, self._changed(run, take), Origin(run["run"]))
        except Full as full:
            waits = run.get("waiting", False)
            return of_run(self.settings, request, run, "WAITING" if waits else None, failures=[_max_running(full)])

    def _rounds(self, request: LaunchRequest, run: Item, origin: Origin) -> LaunchResult:
        """Rounds of calls until nothing is missing, none helps, or the time is up. The first is recorded already."""
        root, made, before, done = origin.root, 0, len(run["tasks"]), Round()
        for turn in range(ROUNDS):
            calls = run["open"][root]["calls"] if root else run["launch"]
            number = calls["round"]
            settled = self._settled(calls, origin)
            if settled is not None:
                done = settled
            else:
                done = self.calls.round(self.settings, request, origin, asked=calls["asked"], number=number)
            made += done.calls
            first_fallback = turn == 0 and request.capacity == "spot_then_on_demand"
            more = done.again and not done.open and turn + 1 < ROUNDS
            # The wait comes before the record of the next round: no round is open that is not being called.
            more = more and self.calls.budget.pause(0.0 if first_fallback or settled else self.calls.wait(turn + 1))
            known = run

            def change(it: Item, done: Round = done, more: bool = more) -> None:
                self._held(it, root)
                self._closed(it, request, root, done, more=more)

            try:
                run = self._changed(run, change)
            except NotRecorded as problem:
                # The calls were made: the caller gets their tasks, and the table is told by the next delivery or by
                # the events of the tasks.
                found = runs.copied(known)
                runs.close_round(found, root, ids_of(done.tasks), now=self.records.clock())
                unrecorded: Failure = {"reason": "RunNotRecorded", "detail": str(problem), "retryable": True}
                return of_run(self.settings, request, found, failures=[unrecorded], calls=made)
            if not more or not runs.calls_of(run, root) or not runs.missing(run, root):
                break
        new = len(run["tasks"]) - before
        lacking = runs.missing(run, root)
        return of_run(self.settings, request, run, failures=done.failures if lacking else [], calls=made, new=new)

    def _settled(self, calls: Item, origin: Origin) -> Round | None:
        """The outcome of an open round for whose tokens it is too late, as ECS lists its tasks; None if its calls can
        be repeated."""
        age = self.records.clock() - calls["began"]
        if age < runs.TOKEN_SECONDS:
            return None
        if age > runs.LISTED_SECONDS:
            detail = "an earlier delivery ended in the middle, and the supervisor has not settled yet what it launched"
            unknown: Failure = {"reason": "OutcomeOpen", "detail": detail, "retryable": True}
            return Round(failures=[unknown], open=True)
        try:
            tasks = self.calls.listed(self.settings, origin)
        except (ClientError, *Unanswered) as error:
            failure: Failure = {"reason": "TasksNotListed", "detail": str(error), "retryable": True}
            return Round(failures=[failure], open=True)
        rest: Failure = {"reason": "Missing", "detail": "an earlier delivery launched fewer", "retryable": True}
        return Round(tasks, [rest], again=True)

    def _closed(self, run: Item, request: LaunchRequest | None, root: str, done: Round, *, more: bool = False) -> None:
        """Record the result of a round; begin the next one, or let go."""
        now = self.records.clock()
        runs.close_round(run, root, ids_of(done.tasks), now=now, still_open=done.open)
        if runs.calls_of(run, root) is None:
            return
        if more and request is not None and runs.missing(run, root):
            self._begin(run, request, root)
        else:
            runs.release(run, root, done.failures if runs.missing(run, root) else [], now=now)

    def _held(self, run: Item, root: str) -> None:
        """Raises TakenOver if another delivery makes the calls."""
        calls = runs.calls_of(run, root)
        if calls is not None and calls["by"] != self.by:
            raise TakenOver

    def _begin(self, run: Item, request: LaunchRequest, root: str = "") -> None:
        calls = runs.calls_of(run, root)
        capacity = capacity_of(request, 0 if calls is None else calls["round"] + 1)
        runs.begin_round(run, root, now=self.records.clock(), lease=self._lease(), by=self.by, capacity=capacity)

    def _lease(self) -> float:
        return self.records.clock() + self.remaining() + LEASE_MARGIN_SECONDS

    def _read(self, run: str) -> Item | None:
        return self.records.read(self.family, run)

    def _changed(self, run: Item, change: Callable[[Item], None]) -> Item:
        """As `Records.change`, within max_running. Raises TakenOver for a run that is gone."""
        try:
            return self.records.change(run, change, admit=True)
        except Gone:
            raise TakenOver from None

    def _admitted(self, run: Item) -> Item:
        """A new run, written: with its first round, or as what `overlap` makes of it while too many tasks run. Raises
        Full, Changed or NotRecorded."""
        try:
            return self.records.put(run, admit=True)
        except Full:
            if self.settings.overlap not in ("skip", "replace"):
                raise
        if self.settings.overlap == "replace":
            self._unbegun(run)
            return self.records.wait(run)
        return self._skipped(run)

    def _skipped(self, run: Item, why: str = "") -> Item:
        """A new run, written as one that launches nothing. Raises Changed or NotRecorded."""
        now = self.records.clock()
        self._unbegun(run)
        run["launch"]["closed"] = True
        run |= {"state": "SKIPPED", "reserved": 0, "endedAt": runs.at(now), "ends": 1, "tell": now}
        return self.records.put(run | ({"skipped": why} if why else {}))

    def _paused(self, schedule: str) -> str:
        """Why a delivery of this schedule launches nothing; empty if it does. Raises NotRecorded."""
        if not self.settings.schedules:
            return ""
        # Imported here: other launches do without, and every import makes a cold start longer.
        from . import paused

        return paused.reason(self.records, self.family, schedule)

    def _unbegun(self, run: Item) -> None:
        """Undo what a new run says about its first calls."""
        run["launch"] |= {"open": False, "lease": 0, "round": -1}

    def _stop_others(self, run_id: str) -> None:
        """Ask the supervisor to stop the job's other runs."""
        for other in [it for it in self.records.job(self.family)["holders"] if it != run_id]:
            found = self._read(other)
            if found is None or "stopping" in found or found["state"] in runs.ENDED:
                continue

            def stop(it: Item) -> None:
                it.setdefault("stopping", {"reason": f"replaced by the run {run_id}"})
                it["launch"]["closed"] = not it["launch"]["open"]
                runs.stop_retries(it)

            self._changed(found, stop)

    def of_job(self) -> Item:
        """What a run keeps of its job: the function that launches it, where its tasks run, and its policy."""
        return {
            "function": self.function,
            "cluster": self.settings.cluster,
            "container": self.settings.container,
            "logGroup": self.settings.log_group,
            "taskDefinition": self.settings.task_definition,
            "policy": self.settings.policy.as_json(),
            "maxRunning": self.settings.max_running,
            "keepDays": self.settings.keep_days,
        }

    def _new(self, request: LaunchRequest, *, trigger: str, redelivered: bool) -> Item:
        now = self.records.clock()
        made: Item = {
            "pk": self.family,
            "sk": runs.sort_key(request.run),
            "run": request.run,
            "job": self.settings.job,
            "state": "LAUNCHING",
            "trigger": trigger,
            "key": request.key,
            "launchedAt": runs.at(now),
            "requested": request.count,
            "request": json.dumps(request.asked, separators=(",", ":"), sort_keys=True),
            **self.of_job(),
            "redelivered": redelivered,
            "launch": {"round": -1, "closed": False},
            "reserved": 0,
            "tasks": [],
            "open": {},
            "capacityUsed": {},
            "failures": [],
            **dict.fromkeys(("attempts", "succeeded", "failed", "stopped", "ends", "taskSeconds"), 0),
        }
        if request.requested_by:
            made["requestedBy"] = request.requested_by
        if request.task_token:
            made["taskTokens"] = [request.task_token]
        if request.stored_payload is not None:
            uri, body = request.stored_payload
            made["payload"] = {"uri": uri, "sha256": hashlib.sha256(body).hexdigest()}
        hourly = cost_per_hour(self.settings, request, 1)
        if hourly is not None:
            made |= {"usdPerHour": hourly, "costUsd": 0}
        self._begin(made, request)
        return made


def conflict(settings: Settings, request: LaunchRequest, run: Item) -> LaunchResult | None:
    """The answer to an event whose key has the run of another request; None if it has the same request."""
    differing = differences(run, request)
    if not differing:
        return None
    detail = (
        f"the idempotency key belongs to another request, which differs in {', '.join(differing)}; send the same "
        "request again, or use another key"
    )
    failure: Failure = {"reason": "Conflict", "detail": detail, "retryable": False}
    return of_run(settings, request, run, "CONFLICT", failures=[failure])


def differences(run: Item, request: LaunchRequest) -> list[str]:
    """Names of the fields in which a request differs from the one that a run was made for."""
    was, now = json.loads(run["request"]), request.asked
    found = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
    body = b"" if request.stored_payload is None else request.stored_payload[1]
    digest = hashlib.sha256(body).hexdigest() if body else ""
    return found + (["payload"] if run.get("payload", {}).get("sha256", "") != digest else [])


def ids_of(arns: Sequence[str]) -> list[str]:
    """The ids of tasks by their ARNs."""
    return [it.rpartition("/")[2] for it in arns]


def _max_running(full: Full) -> Failure:
    return {"reason": "MaxRunning", "detail": str(full), "retryable": True}


def under_way() -> Failure:
    """Why a delivery makes no calls while another makes some."""
    detail = "another delivery of this event is launching its tasks at this moment"
    return {"reason": "LaunchUnderWay", "detail": detail, "retryable": True}
