"""The supervisor's entry point: follows every run of a stack to its end.

The end of a task comes as an event of ECS, through a queue. It is recorded in one transaction, which also says what is
pending: a retry, or that somebody is told the run's end. The job's launcher does both, because only it may; the
supervisor asks it to. Every minute a message has the supervisor look for what is due: pending work that was not done,
tasks that are late, launches whose function died, ends that no event told.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from . import arrays, holders
from . import run as runs
from .attempt import Belongs, facts, lost, moment
from .awsjson import error_of
from .calls import Origin
from .outcome import NOT_STARTED, OURS, TIMED_OUT
from .recorder import Recorder
from .records import Records
from .report import line_of
from .run import Item
from .settings import SWEEP
from .table import Changed, NotRecorded, Table

DESCRIBED_AT_ONCE: Final = 100
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html"""
SWEPT_AT_ONCE: Final = 100
SETTLED_AT_ONCE: Final = 50
"""How many open rounds of one run are settled in one look: each takes two calls. The others come in a minute."""
FORGOTTEN_SECONDS: Final = 3600
"""How long ECS shows a task after its end."""
UNTOLD_SECONDS: Final = 86400
"""How long the supervisor asks a launcher that does not let it."""
SPARE_SECONDS: Final = 15.0
"""How much of its time the function keeps when it looks for what is due."""


class Supervisor(Recorder):
    """Records ends, and looks for everything that is late."""

    def sweep(self, remaining: Any) -> dict[str, int]:
        """Do everything that is due, while `remaining()` seconds allow it; how much of what was done, and how much
        failed. Raises NotRecorded if it cannot be known what is due."""
        done, seen = {"looked at": 0, "corrected": 0, "failed": 0}, set[tuple[str, str]]()
        while remaining() > SPARE_SECONDS:
            # The index lags behind: it still has what was done a moment ago.
            page = self.records.table.due(self.records.clock(), SWEPT_AT_ONCE + len(seen))
            found = [it for it in page if it not in seen]
            if not found:
                break
            for pk, sk in found:
                if remaining() <= SPARE_SECONDS:
                    break
                seen.add((pk, sk))
                done["looked at"] += 1
                try:
                    done["corrected"] += self._correct(pk) if sk == runs.JOB else self._look_at(pk, sk)
                except Exception as error:  # noqa: BLE001 - the others are looked at first; the answer says how many failed
                    done["failed"] += 1
                    self.log("ERROR", f"{pk} {sk} could not be looked at: {type(error).__name__}: {error}")
        return done

    def _look_at(self, pk: str, sk: str) -> int:
        """Do what is due for a run; whether its job's count was wrong."""
        run, now = self.records.table.get(pk, sk), self.records.clock()
        if run is None or run.get("due", now + 1) > now:
            # Somebody has written it since the index was read, which lags behind.
            return 0
        if run["state"] in runs.ENDED:
            self._tell(run)
        else:
            self._watch(run)
        return self._correct(pk, run["run"]) if run["maxRunning"] else 0

    def _tell(self, run: Item) -> None:
        """Ask the launcher again to tell an end, for a day."""
        now = self.records.clock()
        ended = moment(run["endedAt"]) or now
        if now - ended > UNTOLD_SECONDS:
            self._untold(run, "its launcher has not told it for a day")
            return
        after = self.records.change(run, lambda it: it.update(tell=now + max(runs.CLAIM_SECONDS, (now - ended) / 4)))
        if after["state"] not in runs.ENDED or "tell" not in after:
            return
        problem = self._invoke(after, {"endOf": after["run"]})
        if problem.startswith("ResourceNotFound"):
            self._untold(after, "its launcher no longer exists")

    def _untold(self, run: Item, why: str) -> None:
        self.records.change(run, lambda it: it.pop("tell", None) and None)
        self.log("ERROR", f"the end of the run cannot be told: {why}", run=run["run"], EndsUntold=1)

    def _watch(self, run: Item) -> None:
        """Look at a run that goes on: settle a launch whose function died, find late tasks and ends that nobody told,
        ask again for retries."""
        now = self.records.clock()
        settled = self._settled(run)
        states = self._described(run)
        found, stops = self._judged(run, states)
        due: list[str] = []

        def change(it: Item) -> None:
            due.clear()
            for root, listed in settled.items():
                calls = runs.calls_of(it, root)
                if calls is None or not calls["open"] or calls["lease"] > now:
                    continue
                if listed is None:
                    calls["late"] = now
                else:
                    calls["lease"] = 0
                    runs.close_round(it, root, listed, now=now)
            calls = it["launch"]
            if not calls["closed"] and not calls["open"] and calls["lease"] <= now:
                # A launch that waits goes on waiting; another's trigger delivers it again, or it was accepted.
                calls["closed"] = "waiting" not in it and (not it["redelivered"] or runs.until(calls) <= now)
            if "array" in it and arrays.wanted(it, now):
                it["array"].setdefault("asked", now)
            if "stopping" in it:
                it["stopping"]["begun"] = True
                runs.stop_retries(it)
            for root, entry in it["open"].items():
                state = states.get(entry.get("task", ""))
                entry["seen"] = now
                if state is None and "calls" not in entry and now - entry["since"] > FORGOTTEN_SECONDS:
                    entry.setdefault("missed", now)
                if state is not None:
                    entry.pop("missed", None)
                    if state.get("startedAt"):
                        entry["started"] = moment(state["startedAt"]) or now
                if "calls" in entry and max(entry["calls"]["next"], entry["calls"]["lease"]) <= now:
                    if "array" not in it:
                        entry["calls"]["next"] = now + runs.CLAIM_SECONDS
                    due.append(root)

        after = self.records.change(run, change, touch=True)
        self._stop_all(after, stops)
        if found:
            after = self._record(after, found)
        if "accepted" in after and not after["launch"]["closed"] and after["launch"]["lease"] <= now:
            self._invoke(after, {"continueOf": after["run"]})
        asked = self._more(after) if "array" in after and after["state"] not in runs.ENDED else ""
        if asked.startswith("ResourceNotFound"):
            self._halt(after, "its launcher no longer exists")
        elif now - after.get("array", {}).get("asked", now) > 2 * runs.RETRY_SECONDS:
            self._halt(after, "its launcher does not launch it")
        for root in due:
            if root not in after["open"] or "calls" not in after["open"][root]:
                continue
            problem = asked
            if "array" not in after:
                problem = self._invoke(after, {"retryOf": {"run": after["run"], "root": root}})
            if problem.startswith("ResourceNotFound"):
                self._give_up(after, root, "its launcher no longer exists")
            elif now - _waits_since(after["open"][root]) > 2 * runs.RETRY_SECONDS:
                self._give_up(after, root, "its launcher does not launch it")

    def _halt(self, run: Item, why: str) -> None:
        self.records.change(run, lambda it: arrays.halt(it, why))

    def _give_up(self, run: Item, root: str, why: str) -> None:
        failure = {"reason": "LauncherGone", "detail": why, "retryable": False}

        def change(it: Item) -> None:
            runs.release(it, root, [failure], now=self.records.clock())
            if "array" in it:
                arrays.halt(it, why)

        self.records.change(run, change)

    def _settled(self, run: Item) -> dict[str, list[str] | None]:
        """The tasks of each round that a function left open, by root (the launch itself has none); None for a round of
        which only events can tell now, while such events may still come."""
        now, found = self.records.clock(), dict[str, list[str] | None]()
        asked = 0
        for root in ("", *run["open"]):
            calls = runs.calls_of(run, root)
            if calls is None or not calls["open"] or runs.settled_at(calls) > now:
                continue
            late = now - calls["began"] > runs.LISTED_SECONDS
            if late and ("late" not in calls or self._waiting()):
                found[root] = None
            elif asked < SETTLED_AT_ONCE:
                asked += 1
                found[root] = self._listed(
                    run, Origin(run["run"], root, run["open"][root]["attempt"] + 1 if root else 1)
                )
        return found

    def _listed(self, run: Item, origin: Origin) -> list[str]:
        """Ids of all tasks of an origin that ECS knows."""
        found = dict[str, None]()
        for status in ("RUNNING", "STOPPED"):
            asked = {"cluster": run["cluster"], "startedBy": origin.started_by(run["job"]), "desiredStatus": status}
            for page in self._unless_gone(lambda: list(self.ecs.get_paginator("list_tasks").paginate(**asked))):  # noqa: B023 - called at once
                found |= dict.fromkeys(arn.rpartition("/")[2] for arn in page["taskArns"])
        return list(found)

    def _described(self, run: Item) -> dict[str, dict[str, Any]]:
        """The run's open tasks by id, as ECS describes them."""
        tasks = [entry["task"] for entry in run["open"].values() if "calls" not in entry]
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(tasks), DESCRIBED_AT_ONCE):
            asked = {"cluster": run["cluster"], "tasks": tasks[start : start + DESCRIBED_AT_ONCE]}
            for it in self._unless_gone(lambda: self.ecs.describe_tasks(**asked)["tasks"]):  # noqa: B023 - called at once
                found[it["taskArn"].rpartition("/")[2]] = it
        return found

    def _unless_gone(self, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """What ECS answers; nothing if the cluster is gone, which takes its tasks with it, or is none of the
        supervisor's any more."""
        try:
            return ask()
        except ClientError as error:
            code, message, _ = error_of(error)
            if code == "AccessDeniedException":
                self.log("WARN", f"its tasks are lost if this lasts: {message}")
                return []
            if code == "ClusterNotFoundException":
                return []
            raise

    def _judged(
        self, run: Item, states: dict[str, dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """The ends that nobody told, and which tasks are to be stopped, each with the reason."""
        now, policy = self.records.clock(), run["policy"]
        found: list[dict[str, Any]] = []
        stops: list[tuple[str, str]] = []
        for root, entry in run["open"].items():
            if "calls" in entry:
                continue
            task, state = entry["task"], states.get(entry["task"])
            of = Belongs(run["pk"], run["job"], run["run"], entry["attempt"], root)
            if state is None:
                # Its event may still wait: a task is lost when none waits some time after it was first missed.
                if now - entry.get("missed", now) >= runs.CHECK_SECONDS and not self._waiting():
                    found.append(lost(task, of))
            elif state["lastStatus"] == "STOPPED":
                found.append(facts(state, of, run))
            elif state.get("desiredStatus") != "STOPPED":
                reason = _late(state, policy, now)
                if "stopping" in run:
                    reason = f"{OURS}{run['stopping']['reason']}"
                stops += [(task, reason)] if reason else []
        return found, stops

    def _stop_all(self, run: Item, stops: list[tuple[str, str]]) -> None:
        if len(stops) < 2 or self.at_once < 2:
            for task, reason in stops:
                self._stop(run, task, reason)
            return
        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(lambda it: self._stop(run, *it), stops))

    def _stop(self, run: Item, task: str, reason: str) -> None:
        try:
            self.ecs.stop_task(cluster=run["cluster"], task=task, reason=reason)
        except Exception as error:  # noqa: BLE001 - the run is looked at again
            self.log("ERROR", f"{task} cannot be stopped: {error}", run=run["run"])
            return
        reaped = {"TasksReaped": 1} if reason.startswith((TIMED_OUT, NOT_STARTED)) else {}
        self.log("WARN", f"stopped {task}: {reason}", run=run["run"], function=run["function"], **reaped)

    def _correct(self, pk: str, *more: str) -> int:
        """Compare a job's count with its runs, and with `more` of them, and correct it; whether it was wrong."""
        job = self.records.job(pk)
        right: dict[str, int] = {}
        for run_id in dict.fromkeys((*job["holders"], *more)):
            run = self.records.read(pk, run_id)
            held = 0 if run is None else runs.slots(run)
            right |= {run_id: held} if held else {}
        wrong = right != job["holders"]
        if not wrong and "due" in job and job["due"] > self.records.clock():
            return 0
        said = f"the count of {pk} was {holders.held(job)} and is {sum(right.values())}"
        job["holders"] = right
        holders.check_later(job, self.records.clock())
        try:
            self.records.table.put(job)
        except Changed:
            # A run changed it meanwhile, and set when it is compared next.
            return 0
        if wrong:
            self.log("ERROR", said, RunningCorrected=1)
        return int(wrong)


def _waits_since(entry: Item) -> float:
    """Since when a lineage waits for its launch."""
    return float(entry["failed"]["at"] if "failed" in entry else entry["since"])


def _late(task: dict[str, Any], policy: dict[str, Any], now: float) -> str:
    """Why a task has to be stopped; empty if it is not late."""
    began, created = moment(task.get("startedAt")), moment(task.get("createdAt")) or now
    for limit, since, reason in (
        (policy["startTimeoutMinutes"], None if began else created, NOT_STARTED),
        # A task that hangs before it starts has no startedAt.
        (policy["maxRuntimeMinutes"], began or created, TIMED_OUT),
    ):
        if limit and since is not None and now - since > 60 * limit:
            return f"{reason} {limit} minute{'' if limit == 1 else 's'}"
    return ""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Record the ends in a batch of messages, then do what is due if a message says so; SQS's answer for the batch."""
    supervisor = _supervisor()
    supervisor.own = len(event["Records"])
    failed: list[str] = []
    tasks: dict[str, dict[str, Any]] = {}
    sweeps: list[str] = []
    reminders: dict[str, dict[str, Any]] = {}
    for record in event["Records"]:
        try:
            body = json.loads(record["body"])
            if body == SWEEP:
                sweeps.append(record["messageId"])
            elif "remind" in body:
                reminders[record["messageId"]] = body["remind"]
            else:
                # Redriven from EventBridge's dead-letter queue, an event has its task in `detail`.
                tasks[record["messageId"]] = body.get("detail", body)
        except (AttributeError, ValueError) as error:
            _log("ERROR", f"message {record['messageId']} is no event of a task: {error}")
            failed.append(record["messageId"])
    try:
        supervisor.ended(tasks.values())
    except NotRecorded as problem:
        _log("WARN", f"not recorded, SQS delivers the events again: {problem}", request=context.aws_request_id)
        failed += tasks
        # What these events tell is not known, so they wait like any other.
        supervisor.own -= len(tasks)
    for message, it in reminders.items():
        try:
            supervisor.reminded(it["pk"], it["run"], it["at"])
        except NotRecorded as problem:
            _log("WARN", f"SQS delivers the reminder again: {problem}", run=it["run"])
            failed.append(message)
    if sweeps:
        # It does not come again: the next one comes in a minute, and the metric raises the alarm.
        try:
            done = supervisor.sweep(lambda: context.get_remaining_time_in_millis() / 1000)
            _log("INFO", f"looked for what is due: {done}", RunsUnwatched=done["failed"])
        except NotRecorded as problem:
            _log("ERROR", f"it is not known what is due: {problem}", request=context.aws_request_id, RunsUnwatched=1)
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed]}


_METRICS: Final = {"TasksReaped", "RunningCorrected", "EndsUntold", "RunsUnwatched"}


def _log(level: str, message: str, *, function: str = "", **told: Any) -> None:
    """A line of the log. Metrics of a job have the name of its launcher's function as their dimension."""
    units = dict.fromkeys(told.keys() & _METRICS, "Count")
    own = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    name = function.rpartition(":")[2] or own
    print(line_of({"level": level, "message": message, **told}, units, function=name, now=time.time()), flush=True)


@cache
def _supervisor() -> Supervisor:
    settings: dict[str, Any] = json.loads(os.environ["SUPERVISOR_SETTINGS"])
    records = Records(Table.of(os.environ, settings["table"]))
    queue = settings["queue"]

    def remind(message: dict[str, Any], seconds: int) -> None:
        _client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(message), DelaySeconds=seconds)

    return Supervisor(records, _client("ecs"), _client("lambda"), lambda: _backlog(queue), _log, remind)


def _backlog(queue_url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = _client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(found[it]) for it in names)


@cache
def _client(service: str) -> Any:
    import botocore.session
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 3}
    config = Config(connect_timeout=2, read_timeout=5, retries=retries)
    return cast("Any", botocore.session.get_session().create_client(service, config=config))
