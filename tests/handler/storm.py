"""The world of a storm: one job's launches on a test clock, and everything that may go wrong around them.

Launcher, supervisor and teller are the real ones; the table, ECS and the clock are in memory.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.ending import NotTold, Teller
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.supervise import Supervisor
from fargate_job_launcher.handler.table import NotRecorded, Table
from fargate_job_launcher.sandbox.aws.rows import Refused
from fargate_job_launcher.sandbox.aws.tasks.tokens import Tokens

from tools.dynamodb import Memory, refused
from tools.launching import DECLARED, Launching, asked, settings

FAULTS: Final = 0.35
KILLS: Final = 0.01
BETWEEN: Final = 0.01
"""How often another function runs in the middle of a call."""
FORGETS: Final = 3600
CLUSTER: Final = str(DECLARED["cluster"])


class Killed(BaseException):
    """The function was killed."""


class Storm:
    """One job's launches, and everything around them."""

    def __init__(self, seed: int, of: Settings, events: dict[str, dict[str, Any]]) -> None:
        self.dice, self.of, self.events = random.Random(seed), of, events
        self.now, self.revision = 1_000_000.0, 7
        self.calm = False
        self.table = Memory(fault=self.table_fault)
        self.tasks: dict[str, dict[str, Any]] = {}
        self.by: dict[str, list[str]] = {}
        self.tokens = Tokens(lambda: self.now, lambda arn: self.tasks[arn.rpartition("/")[2]].get("ended"))
        self.pending: list[tuple[float, int, Callable[[], object]]] = []
        self.number = itertools.count()
        self.told: Counter[tuple[str, int]] = Counter()
        self.states: dict[str, str] = {}
        self.told_by_the_dead = 0
        self.seen: Counter[str] = Counter()
        self.depth = 0
        self.sweeping = False
        self.undelivered = set(events)
        self.ends_waiting = 0

    # Time.

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        heapq.heappush(self.pending, (self.now + seconds, next(self.number), do))

    def run(self) -> None:
        """Let everything happen until nothing is left to do."""
        for key in self.events:
            self.later(self.dice.uniform(0, 86400), lambda key=key: self.deliver(key))
        self.later(60, self.sweep)
        while self.pending:
            at, _, do = heapq.heappop(self.pending)
            self.now = max(self.now, at)
            do()

    def function(self, do: Callable[[], Any]) -> bool:
        """Run a function; whether it lived."""
        self.depth += 1
        try:
            do()
        except Killed:
            self.seen["killed"] += 1
            return False
        except (NotRecorded, NotTold):
            self.seen["failed"] += 1
            return False
        finally:
            self.depth -= 1
        return True

    def danger(self) -> None:
        """Somewhere in a call."""
        if self.calm:
            return
        # A sweep makes thousands of calls: one that died at every hundredth would never come to its end.
        if self.dice.random() < (KILLS / 50 if self.sweeping else KILLS):
            raise Killed
        if self.depth < 2 and self.pending and self.dice.random() < BETWEEN:
            self.seen["between"] += 1
            # Whatever comes next comes now.
            at, _, do = heapq.heappop(self.pending)
            self.now = max(self.now, at) if at - self.now < 20 else self.now
            do()

    # Services.

    def table_fault(self, operation: str, request: dict[str, Any]) -> str:  # noqa: ARG002
        self.danger()
        if self.calm or self.dice.random() >= FAULTS / 5:
            return ""
        self.seen["table faults"] += 1
        return self.dice.choice(["before", "after", "ProvisionedThroughputExceededException", "InternalServerError"])

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.danger()
        self.seen["calls"] += 1
        fault = "" if self.calm or self.dice.random() >= FAULTS else self.dice.choice(list(_FAULTS))
        self.seen["faulted"] += bool(fault)
        if fault in ("before", "throttled"):
            raise _FAULTS[fault]()
        try:
            answer = self.launched(request, fault)
        except Refused as conflict:
            raise refused(conflict.row.code, "RunTask", **conflict.members) from None
        self.danger()
        if fault in _FAULTS and fault not in ("partial", "none", "garbage"):
            raise _FAULTS[fault]()
        return {} if fault == "garbage" else answer

    def launched(self, request: dict[str, Any], fault: str) -> dict[str, Any]:
        known = self.tokens.recall(request)
        if known is None:
            count = {"partial": request["count"] // 2, "none": 0}.get(fault, request["count"])
            arns = [self.task(request) for _ in range(count)]
            lacking = [{"reason": "RESOURCE:CPU", "detail": "no capacity"}] if count < request["count"] else []
            known = {"tasks": [{"taskArn": arn} for arn in arns], "failures": lacking}
            self.tokens.remember(request, known)
        return known

    def task(self, request: dict[str, Any]) -> str:
        task = f"{next(self.number):032x}"[::-1]
        arn = f"{CLUSTER.replace(':cluster/', ':task/')}/{task}"
        self.tasks[task] = {
            "taskArn": arn, "startedBy": request["startedBy"], "taskDefinitionArn": request["taskDefinition"],
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": _text(self.now),
            "pullStartedAt": _text(self.now), "startedAt": _text(self.now), "launchType": "FARGATE",
            "containers": [{"name": "job"}],
        }  # fmt: skip
        self.by.setdefault(request["startedBy"], []).append(task)
        self.later(self.dice.choice([5, 300, 4000, 40000]), lambda: self.ends(task))
        return arn

    def ends(self, task: str) -> None:
        code = 0 if self.dice.random() < 0.7 else 1
        self.tasks[task] |= {
            "lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedAt": _text(self.now), "ended": self.now,
            "stopCode": "EssentialContainerExited", "containers": [{"name": "job", "exitCode": code}],
        }  # fmt: skip
        if self.dice.random() < 0.02 and not self.calm:
            self.seen["events lost"] += 1
            return
        for _ in range(2 if self.dice.random() < 0.1 else 1):
            self.ends_waiting += 1
            self.later(self.dice.choice([1, 1, 30, 5000, 90000]), lambda: self.event(task))

    def known(self, task: str) -> bool:
        it = self.tasks[task]
        return it["lastStatus"] != "STOPPED" or self.now - it["ended"] < FORGETS

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        self.danger()
        some = [it for it in self.by.get(request["startedBy"], []) if self.known(it)]
        return {
            "taskArns": [
                self.tasks[it]["taskArn"] for it in some if self.tasks[it]["lastStatus"] == request["desiredStatus"]
            ]
        }

    def get_paginator(self, _: str) -> Any:
        storm = self

        class Pages:
            def paginate(self, **request: Any) -> list[dict[str, Any]]:
                return [storm.list_tasks(**request)]

        return Pages()

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        self.danger()
        return {"tasks": [dict(self.tasks[it]) for it in tasks if self.known(it)]}

    def invoke(self, *, Payload: bytes, **_: Any) -> None:  # noqa: N803
        self.danger()
        if self.calm or self.dice.random() < 0.95:
            self.later(self.dice.uniform(0, 5), lambda: self.invoked(json.loads(Payload)))

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.danger()
        detail = json.loads(Entries[0]["Detail"])
        self.told[detail["run"], detail["end"]] += 1
        self.states[detail["run"]] = detail["state"]
        self.danger()
        return {"FailedEntryCount": 0}

    # Functions.

    def records(self) -> Records:
        return Records(Table(self.table, "runs", wait=lambda _: None), clock=lambda: self.now)

    def launching(self) -> Launching:
        of = settings(
            {**DECLARED, "taskDefinition": f"arn:aws:ecs:eu-west-1:123456789012:task-definition/f:{self.revision}"},
            **RETRIED,
        )
        return Launching(self, of, self.table, clock=lambda: self.now, at_once=1)

    def deliver(self, key: str) -> None:
        if self.dice.random() < 0.02:
            self.revision += 1
        launcher, result = self.launching().launcher, dict[str, Any]()

        def launch() -> None:
            request = asked(self.events[key], key, of=launcher.settings)
            result.update(launcher.launch(request, trigger="call", redelivered=True))

        lived = self.function(launch)
        complete = lived and (
            result["launched"] >= result["requested"] or ("array" in result and not result["failures"])
        )
        if complete:
            self.undelivered.discard(key)
            self.seen["TasksLaunched"] += result["new"]
        if lived and not complete:
            self.seen["TasksLaunched"] += result["new"]
            assert any(it["retryable"] for it in result["failures"]), result
        if not complete or self.dice.random() < 0.1:
            self.seen["delivered again"] += 1
            self.later(self.dice.choice([60, 360, 2400, 7200, 2 * 86400]), lambda: self.deliver(key))

    def event(self, task: str) -> None:
        if self.function(lambda: self.supervisor().ended([self.tasks[task]])):
            self.ends_waiting -= 1
        else:
            self.later(360, lambda: self.event(task))

    def supervisor(self) -> Supervisor:
        def remind(message: dict[str, Any], seconds: int) -> None:
            self.danger()
            it = message["remind"]
            self.seen["reminders"] += 1
            self.later(
                seconds, lambda: self.function(lambda: self.supervisor().reminded(it["pk"], it["run"], it["at"]))
            )

        return Supervisor(
            self.records(), self, self, lambda: self.ends_waiting, lambda *_, **__: None, remind, at_once=1
        )

    def invoked(self, event: dict[str, Any]) -> None:
        told = sum(self.told.values())
        lived = self.function(lambda: self.asked(event))
        if not lived and "endOf" in event:
            self.told_by_the_dead += sum(self.told.values()) - told

    def asked(self, event: dict[str, Any]) -> None:
        if "retryOf" in event:
            self.launching().launcher.retry(event["retryOf"]["run"], event["retryOf"]["root"])
        elif "nextOf" in event:
            result = self.launching().launcher.next(event["nextOf"])
            self.seen["TasksLaunched"] += result["new"] if result else 0
        else:
            teller = Teller(self.of, self.records(), lambda _: self, lambda: 60.0, lambda *_, **__: None)
            teller.tell("f", event["endOf"])

    def sweep(self) -> None:
        # What goes wrong goes wrong for a while: in the end AWS answers.
        self.calm = self.calm or self.now > 1_000_000 + 20 * 86400
        self.sweeping = True
        self.function(lambda: self.supervisor().sweep(lambda: 60.0))
        self.sweeping = False
        due = self.table.next_due()
        if due is not None or self.pending:
            coming = min(due or self.pending[0][0], self.pending[0][0] if self.pending else due or 0)
            self.later(max(60.0, coming - self.now), self.sweep)


_FAULTS: Final[dict[str, Callable[[], Exception]]] = {
    "before": lambda: ConnectionClosedError(endpoint_url="ecs"),
    "after": lambda: ReadTimeoutError(endpoint_url="ecs"),
    "server": lambda: refused("ServerException", "RunTask"),
    "throttled": lambda: refused("ThrottlingException", "RunTask"),
    "partial": lambda: AssertionError(),
    "none": lambda: AssertionError(),
    "garbage": lambda: AssertionError(),
}
RETRIED: Final[dict[str, Any]] = {
    "policy": {**DECLARED["policy"], "retries": 2, "retryOn": ["failed"], "maxRuntimeMinutes": 20000},
    "capacity": "on_demand",
}


def _text(seconds: float) -> str:
    return runs.at(seconds)
