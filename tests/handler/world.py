"""A small world around the real functions: their table, ECS, a queue of events and a clock, all plain data.

A step of the world is one delivery: an event for the launcher, an end for the supervisor, a sweep, an invocation. In a
step, each call to the table, to ECS or to Lambda is a point at which the function may be killed, before the call or
after it, or at which another step may run in between. `successors` tries them all.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fargate_job_launcher.handler import ranges
from fargate_job_launcher.handler import run as runs
from fargate_job_launcher.handler.array_changes import Refused, change
from fargate_job_launcher.handler.ending import NotTold, Teller
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.settings import Settings
from fargate_job_launcher.handler.supervise import Supervisor
from fargate_job_launcher.handler.table import NotRecorded, Table, plain

from tools.dynamodb import Memory
from tools.launching import DECLARED, Launching, asked, settings

FORGETS: Final = 3600.0
"""Seconds after its end when ECS forgets a task and the token that launched it."""
STEPS: Final = (150.0, 2 * 3600.0)
"""Until another may do what is pending, and until ECS has forgotten."""
CLUSTER: Final = str(DECLARED["cluster"])


class Killed(BaseException):
    """The function was killed."""


@dataclass
class Budget:
    """How much may go wrong."""

    kills: int = 1
    doubled: int = 1
    """How many events are delivered twice."""
    lost: int = 0
    """How many events of ends never come."""
    refused: int = 0
    """How many calls of RunTask find no capacity."""
    jumps: int = 3
    """How often the clock moves."""
    between: int = 1
    """How often a step runs in the middle of another."""
    changes: int = 0
    """How often an operator pauses, resumes, or changes the parallelism of, an array, or stops a run."""
    steps: tuple[float, ...] = STEPS
    """How far the clock may move at once."""


@dataclass
class State:
    """Everything there is. Two equal states have the same future."""

    now: float = 1_000_000.0
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Every task that was ever launched, as ECS describes it."""
    tokens: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    refused: list[str] = field(default_factory=list[str])
    """Tokens of calls that found no capacity."""
    deliveries: list[str] = field(default_factory=lambda: ["first"])
    """Keys of the launch events that are waiting."""
    later: list[str] = field(default_factory=list[str])
    """Keys of those that come when the clock has moved: a trigger delivers again after a while."""
    ends: list[str] = field(default_factory=list[str])
    """Tasks whose end is told next by an event."""
    invoked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reminders: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What the supervisor has sent itself."""
    told: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    """Run, state and number of each end, as an event told it."""
    running: list[str] = field(default_factory=list[str])
    """What runs at this moment, one inside the other."""
    stopped: dict[str, int] = field(default_factory=dict[str, int])
    """Run that was stopped while no call for it was under way → how many tasks there had been."""
    killed_telling: int = 0
    left: Budget = field(default_factory=Budget)

    def key(self) -> str:
        """A digest that is equal for states that differ in nothing that matters: neither in who wrote an item, nor in
        the time of day."""
        shift = self.now

        def timeless(value: Any) -> Any:
            if isinstance(value, dict):
                return {
                    str(key): timeless(it)
                    for key, it in sorted(value.items(), key=str)
                    if key not in ("writer", "by", "version", "expires", "launchedAt", "endedAt", "toldAt")
                }
            if isinstance(value, list | tuple):
                return [timeless(it) for it in value]
            if isinstance(value, float | int) and not isinstance(value, bool) and value > 900_000:
                return f"t{round(value - shift)}"
            return value

        items = [plain(it) for _, it in sorted(self.items.items())]
        seen = [
            timeless(items),
            timeless(self.tasks),
            timeless(self.tokens),
            sorted(self.refused),
            sorted(self.deliveries),
            sorted(self.later),
            sorted(self.ends),
        ]
        seen += [sorted(json.dumps(it) for it in self.invoked), sorted(self.told), vars(self.left), self.killed_telling]
        seen += [timeless(self.reminders), self.stopped]
        return hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()


CHANGES: Final[tuple[dict[str, Any], ...]] = ({"pause": True}, {"resume": True}, {"parallelism": 2}, {"stop": True})


class World:
    """Runs steps on a state, along a script of choices."""

    def __init__(self, state: State, of: Settings, event: dict[str, Any], script: list[int] | None = None) -> None:
        self.state, self.of, self.event = state, of, event
        self.script = script or []
        self.taken: list[tuple[int, int]] = []
        """Each choice that was made, and how many there were."""
        self.memory = Memory(items=state.items)

    def choose(self, options: int) -> int:
        """One of so many, by the script; the first one after its end."""
        at = len(self.taken)
        chosen = self.script[at] if at < len(self.script) else 0
        self.taken.append((chosen, options))
        return chosen

    def call(self, make: Callable[[], Any]) -> Any:
        """A call to a service: made, or the function is killed before it or after it, or another step comes first."""
        left, options = self.state.left, [""]
        if left.kills:
            options += ["before", "after"]
        others = [it for it in self.steps() if it[0] != "time"] if left.between and len(self.state.running) < 2 else []
        chosen = self.choose(len(options) + len(others)) if len(options) + len(others) > 1 else 0
        if chosen >= len(options):
            left.between -= 1
            self.step(others[chosen - len(options)])
            return make()
        fault = options[chosen]
        if fault:
            left.kills -= 1
        if fault == "before":
            raise Killed
        answer = make()
        if fault == "after":
            raise Killed
        return answer

    # The services.

    def records(self) -> Records:
        world = self

        class Api:
            def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
                if operation in ("GetItem", "Query"):
                    return world.memory.call(operation, request)
                return world.call(lambda: world.memory.call(operation, request))

        return Records(Table(Api(), "runs", wait=lambda _: None), clock=lambda: self.state.now)

    def run_task(self, **request: Any) -> dict[str, Any]:
        return self.call(lambda: self._run_task(request))

    def _run_task(self, request: dict[str, Any]) -> dict[str, Any]:
        state, token = self.state, request["clientToken"]
        if token in state.refused:
            # The same token gets the same answer, its failures included.
            return {"tasks": [], "failures": [{"reason": "RESOURCE:CPU", "detail": "none"}]}
        if token not in state.tokens:
            if state.left.refused and self.choose(2):
                state.left.refused -= 1
                state.refused.append(token)
                return {"tasks": [], "failures": [{"reason": "RESOURCE:CPU", "detail": "none"}]}
            ids = [f"{len(state.tasks) + number:032x}"[::-1] for number in range(request["count"])]
            for task in ids:
                state.tasks[task] = {
                    "taskArn": f"{CLUSTER.replace(':cluster/', ':task/')}/{task}",
                    "taskDefinitionArn": request["taskDefinition"],
                    "startedBy": request["startedBy"],
                    "lastStatus": "RUNNING",
                    "desiredStatus": "RUNNING",
                    "createdAt": state.now,
                    "containers": [{"name": "job"}],
                }
            state.tokens[token] = ids
        return {"tasks": [{"taskArn": state.tasks[it]["taskArn"]} for it in state.tokens[token]], "failures": []}

    def known(self, task: str) -> bool:
        it = self.state.tasks[task]
        return it["lastStatus"] != "STOPPED" or self.state.now - it["ended"] < FORGETS

    def list_tasks(self, **request: Any) -> dict[str, Any]:
        found = [
            it["taskArn"]
            for task, it in self.state.tasks.items()
            if it["startedBy"] == request["startedBy"] and it["desiredStatus"] == request["desiredStatus"]
            and self.known(task)
        ]  # fmt: skip
        return {"taskArns": found}

    def get_paginator(self, _: str) -> Any:
        world = self

        class Pages:
            def paginate(self, **request: Any) -> list[dict[str, Any]]:
                return [world.list_tasks(**request)]

        return Pages()

    def describe_tasks(self, *, cluster: str, tasks: list[str]) -> dict[str, Any]:
        assert cluster == CLUSTER
        return {"tasks": [dict(self.state.tasks[it]) for it in tasks if self.known(it)]}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        def stop() -> None:
            it = self.state.tasks[task]
            if it["lastStatus"] != "STOPPED":
                it |= {"desiredStatus": "STOPPED", "stopCode": "UserInitiated", "stoppedReason": reason}

        assert cluster == CLUSTER
        self.call(stop)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803
        assert (FunctionName.rpartition(":")[2], InvocationType) == ("import-launcher", "Event")
        self.call(lambda: self.state.invoked.append(json.loads(Payload)))

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        def put() -> dict[str, Any]:
            detail = json.loads(Entries[0]["Detail"])
            self.state.told.append((detail["run"], detail["state"], detail["end"]))
            return {"FailedEntryCount": 0}

        return self.call(put)

    # The steps.

    def steps(self) -> list[tuple[str, Any]]:
        """What can happen next."""
        state, left = self.state, self.state.left
        found: list[tuple[str, Any]] = []
        found += [("deliver", key) for key in sorted(set(state.deliveries))]
        found += [("end", task) for task in sorted(set(state.ends))]
        found += [("invoke", number) for number in range(len(state.invoked))]
        found += [("remind", number) for number in range(len(state.reminders))]
        if left.changes > 0:
            found += self._changes()
        if left.jumps or self._due():
            found += [("stops", (task, code)) for task in sorted(state.tasks) for code in (0, 1)
                      if state.tasks[task]["lastStatus"] == "RUNNING"]  # fmt: skip
        if self._due():
            found.append(("sweep", None))
        if left.jumps:
            found += [("time", it) for it in left.steps]
        return found

    def _changes(self) -> list[tuple[str, Any]]:
        runs_of = [it for (_, sk), it in self.state.items.items() if sk != runs.JOB and "#task#" not in sk]
        return [
            ("change", (it["run"]["S"], what)) for it in runs_of for what in CHANGES if "array" in it or "stop" in what
        ]

    def _due(self) -> bool:
        return any("due" in it and float(it["due"]["N"]) <= self.state.now for it in self.state.items.values())

    def step(self, what: tuple[str, Any]) -> None:
        """Let one thing happen. A function that is killed leaves what it did."""
        kind, of = what
        state = self.state
        state.running.append(kind)
        try:
            getattr(self, f"_{kind}")(of)
        except (Killed, NotRecorded, NotTold) as problem:
            if kind in ("deliver", "end", "invoke", "remind") and isinstance(problem, Killed):
                self._comes_again(kind, of)
        finally:
            state.running.pop()

    def _comes_again(self, kind: str, of: Any) -> None:
        if kind == "deliver":
            self.state.later.append(of)
        elif kind == "end":
            self.state.ends.append(of)
        # An invocation may be lost, and a reminder: what they should have done is in the table.

    def _launching(self) -> Launching:
        return Launching(self, self.of, clock=lambda: self.state.now, at_once=1)

    def _launcher(self) -> Any:
        launcher = self._launching().launcher
        launcher.records = self.records()
        return launcher

    def _deliver(self, key: str) -> None:
        state = self.state
        state.deliveries.remove(key)
        if state.left.doubled and self.choose(2):
            state.left.doubled -= 1
            state.deliveries.append(key)
        request = asked(self.event, key, of=self.of)
        result = self._launcher().launch(request, trigger="call", redelivered=True)
        if result["launched"] < result["requested"] and any(it["retryable"] for it in result["failures"]):
            state.later.append(key)

    def _end(self, task: str) -> None:
        state = self.state
        state.ends.remove(task)
        if state.left.doubled and self.choose(2):
            state.left.doubled -= 1
            state.ends.append(task)
        if state.left.lost and self.choose(2):
            state.left.lost -= 1
            return
        self._supervisor().ended([state.tasks[task]])

    def _stops(self, of: tuple[str, int]) -> None:
        task, code = of
        ends = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
        self.state.tasks[task] = {
            **ends,
            **self.state.tasks[task],
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "containers": [{"name": "job", "exitCode": code}],
            "ended": self.state.now,
        }
        self.state.ends.append(task)

    def _invoke(self, number: int) -> None:
        event = self.state.invoked.pop(number)
        told = len(self.state.told)
        try:
            self._invoked(event)
        except Killed:
            # Who dies between telling an end and recording that leaves it to be told again.
            self.state.killed_telling += len(self.state.told) - told
            raise

    def _invoked(self, event: dict[str, Any]) -> None:
        if "retryOf" in event:
            self._launcher().retry(event["retryOf"]["run"], event["retryOf"]["root"])
        elif "nextOf" in event:
            self._launcher().next(event["nextOf"])
        elif "endOf" in event:
            teller = Teller(self.of, self.records(), lambda _: self, lambda: 60.0, lambda *_, **__: None)
            teller.tell("f", event["endOf"])
        else:
            self._launcher().again(event["continueOf"])

    def _remind(self, number: int) -> None:
        it = self.state.reminders.pop(number)
        self._supervisor().reminded(it["pk"], it["run"], it["at"])

    def _change(self, of: tuple[str, dict[str, Any]]) -> None:
        run, what = of
        self.state.left.changes -= 1
        with contextlib.suppress(Refused):
            change(self._launcher(), run, what)
            it = next(it for it in map(plain, self.state.items.values()) if it.get("run") == run and "launch" in it)
            calls = it["launch"]["open"] or any(entry.get("calls", {}).get("open") for entry in it["open"].values())
            if "stop" in what and not calls and len(self.state.running) == 1:
                self.state.stopped[run] = len(self.state.tasks)
            elif "resume" in what:
                self.state.stopped.pop(run, None)

    def _supervisor(self) -> Supervisor:
        def remind(message: dict[str, Any], _: int) -> None:
            self.call(lambda: self.state.reminders.append(message["remind"]))

        return Supervisor(self.records(), self, self, self._backlog, lambda *_, **__: None, remind, at_once=1)

    def _backlog(self) -> int:
        """Events that wait, and those that are being recorded."""
        return len(self.state.ends) + self.state.running.count("end")

    def _sweep(self, _: None) -> None:
        self._supervisor().sweep(lambda: 60.0)

    def _time(self, seconds: float) -> None:
        state = self.state
        state.left.jumps -= 1
        state.now += seconds
        state.deliveries, state.later = state.deliveries + state.later, []
        for token, ids in list(state.tokens.items()):
            if ids and not any(self.known(it) for it in ids):
                del state.tokens[token]


def job(*, retries: int = 0, **changed: Any) -> Settings:
    """Settings of a job on demand that retries what failed."""
    policy = {**DECLARED["policy"], "retryOn": ["failed"], "retries": retries}
    return settings(policy=policy, capacity="on_demand", prices=None, **changed)


def successors(state: State, of: Settings, event: dict[str, Any]) -> Iterator[tuple[tuple[str, Any], State]]:
    """Every state that one step leads to, whatever goes wrong in it."""
    for what in World(state, of, event).steps():
        scripts: list[list[int]] = [[]]
        while scripts:
            script = scripts.pop()
            world = World(copy.deepcopy(state), of, event, script)
            world.step(what)
            yield what, world.state
            chosen = [it for it, _ in world.taken]
            for at in range(len(script), len(world.taken)):
                scripts += [[*chosen[:at], other] for other in range(1, world.taken[at][1])]


def finish(state: State, of: Settings, event: dict[str, Any]) -> State:
    """The state after everything that is under way has come to its end, and nothing more goes wrong: each task that
    still runs succeeds, and the clock moves while anything is pending."""
    state = copy.deepcopy(state)
    state.left = Budget(0, 0, 0, 0, 0, 0, 0)
    for _ in range(200):
        world = World(state, of, event)
        steps = [it for it in world.steps() if it[0] != "stops"]
        if not steps:
            running = [task for task, it in state.tasks.items() if it["lastStatus"] == "RUNNING"]
            if running:
                world.step(("stops", (running[0], 0)))
                continue
            due = [float(it["due"]["N"]) for it in state.items.values() if "due" in it]
            paused = [it["run"] for it in map(plain, state.items.values()) if "paused" in it.get("array", {})]
            if not due and not state.later and paused:
                world.step(("change", (paused[0], {"resume": True})))
                continue
            if not due and not state.later:
                return state
            state.left.jumps = 1
            world.step(("time", STEPS[0] if state.later else max(1.0, min(due) - state.now)))
            continue
        world.step(steps[0])
    steps = World(state, of, event).steps()
    raise AssertionError(f"it never comes to an end: {steps} {[plain(it) for it in state.items.values()]}")


def wanted(event: dict[str, Any]) -> int:
    """How many tasks an event requests."""
    return event["array"]["size"] if "array" in event else event.get("count", 1)


def problems(state: State, of: Settings, event: dict[str, Any]) -> list[str]:
    """What is wrong with a state, whatever comes next."""
    found: list[str] = []
    launched: dict[str, int] = defaultdict(int)
    again: list[str] = []
    for it in state.tasks.values():
        if it["startedBy"].count("/") == 1:
            launched[it["startedBy"]] += 1
        else:
            again.append(it["startedBy"])
    count = wanted(event)
    if any(it > count for it in launched.values()):
        found.append(f"more than {count} tasks were launched: {dict(launched)}")
    if len(set(again)) != len(again):
        found.append(f"a retry, or an index, was launched twice: {again}")
    if any(int(it.split("/")[2]) > of.policy.retries for it in again):
        found.append(f"more than {of.policy.retries} retries: {again}")
    ends = [(run, end) for run, _, end in state.told]
    if len(ends) - len(set(ends)) > state.killed_telling:
        found.append(f"an end was told twice: {state.told}")
    for run, before in state.stopped.items():
        after = [it["startedBy"] for it in list(state.tasks.values())[before:] if run in it["startedBy"]]
        found += [f"{run} was stopped, and then launched {after}"] if after else []
    running = sum(it["lastStatus"] != "STOPPED" for it in state.tasks.values())
    if "array" in event and running > max(event["array"]["parallelism"], *(it.get("parallelism", 0) for it in CHANGES)):
        found.append(f"{running} indexes run at once")
    if of.max_running and running > of.max_running:
        found.append(f"{running} tasks run, at most {of.max_running} may")
    return found


def finished_problems(state: State, of: Settings, event: dict[str, Any]) -> list[str]:
    """The problems of a state in which nothing is pending."""
    found = problems(state, of, event)
    for (_, sk), item in state.items.items():
        if sk == runs.JOB:
            it = plain(item)
            found += [f"the count is not 0: {it}"] if it["holders"] or "waiting" in it else []
        elif "#task#" not in sk:
            found += _of_run(state, plain(item), event)
    return found


def _of_run(state: State, run: dict[str, Any], event: dict[str, Any]) -> list[str]:
    if run["state"] not in runs.ENDED or "tell" in run or run["open"]:
        return [f"the run is {run['state']}, with {run['open']} open, tell {run.get('tell')}"]
    tasks = {key: it for key, it in state.tasks.items() if it["startedBy"].split("/")[1] == run["run"]}
    succeeded = sum(it["containers"][0].get("exitCode") == 0 for it in tasks.values())
    found: list[str] = []
    if (run["run"], run["state"], run["ends"]) not in state.told:
        found.append(f"the end was not told: {state.told}")
    if run["succeeded"] != succeeded:
        found.append(f"{run['succeeded']} succeeded, and in truth {succeeded} of {len(tasks)}")
    count = wanted(event)
    if (run["state"] == "SUCCEEDED") != (succeeded == count):
        found.append(f"the run is {run['state']}, and {succeeded} of {count} succeeded")
    if "array" in run:
        return found + _of_array(run, tasks)
    if len(run["tasks"]) < count and run["state"] != "SKIPPED" and "stopping" not in run:
        found.append(f"{len(run['tasks'])} of {count} tasks were launched")
    return found


def _of_array(run: dict[str, Any], tasks: dict[str, dict[str, Any]]) -> list[str]:
    array = run["array"]
    sets = {key: set(ranges.numbers(array[key])) for key in ("succeeded", "failed", "stopped", "todo")}
    found: list[str] = []
    if sorted(it for one in sets.values() for it in one) != list(range(array["size"])):
        found.append(f"an index is missing or twice: {sets}")
    good = [int(it["startedBy"].split("/")[3][1:].partition("r")[0]) for it in tasks.values()
            if it["containers"][0].get("exitCode") == 0]  # fmt: skip
    if sorted(good) != sorted(sets["succeeded"]):
        found.append(f"{good} succeeded in truth, {sets} are recorded")
    if sets["todo"] and "halted" not in array and "stopping" not in run:
        found.append(f"{sets['todo']} never started")
    return found
