"""How long ECS knows a launch's token and a stopped task, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from fargate_job_launcher.sandbox.aws.gate import Gate
from fargate_job_launcher.sandbox.aws.rows import Refused
from fargate_job_launcher.sandbox.aws.tasks.lifecycle import Lifecycle
from fargate_job_launcher.sandbox.aws.tasks.tokens import Tokens
from ministack.services import ecs

HOUR = 3600.0
REQUEST: dict[str, Any] = {
    **{"cluster": "c", "taskDefinition": "t", "clientToken": "k", "count": 2, "launchType": "FARGATE"},
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
}
FITS = {"networkMode": "awsvpc", "cpu": "256", "memory": "512"}
"""What a task definition for Fargate has."""
RECORDS: Any = ecs


@dataclass
class World:
    """What the gate stands before: a cluster and a task definition, and a task more for each RunTask."""

    now: float = 1_000_000.0
    arns: list[str] = field(default_factory=list[str])

    def clock(self) -> float:
        return self.now

    def stop(self, *arns: str) -> None:
        for arn in arns:
            stopped = datetime.fromtimestamp(self.now, UTC).isoformat().replace("+00:00", "Z")
            RECORDS._tasks[arn] |= {"lastStatus": "STOPPED", "stoppedAt": stopped}

    async def emulator(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        operation = dict(scope["headers"])[b"x-amz-target"].decode().rpartition(".")[2]
        asked = json.loads((await receive())["body"])
        answer: dict[str, Any] = {
            "DescribeClusters": {"clusters": [{"status": "ACTIVE", "clusterArn": "c"}]},
            "DescribeTaskDefinition": {"taskDefinition": {**FITS, "status": "ACTIVE", "containerDefinitions": []}},
        }.get(operation, {})
        if operation == "RunTask":
            new = [f"arn:{len(self.arns) + number}" for number in range(asked.get("count", 1))]
            self.arns += new
            for arn in new:
                RECORDS._tasks[arn] = {"taskArn": arn, "lastStatus": "RUNNING"}
            answer = {"tasks": [{"taskArn": arn} for arn in new], "failures": []}
        if operation == "ListTasks":
            answer = {"taskArns": sorted(RECORDS._tasks)}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(Lifecycle, "begin", lambda *_: None)
    RECORDS._tasks.clear()
    yield World()
    RECORDS._tasks.clear()


def asked(gate: Gate, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    target = f"AmazonEC2ContainerServiceV20141113.{operation}".encode()
    scope = {"type": "http", "path": "/", "method": "POST", "headers": [(b"x-amz-target", target)]}
    answer = b""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": json.dumps(request).encode(), "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal answer
        answer += message.get("body", b"")

    asyncio.run(gate(scope, receive, send))
    return json.loads(answer)


def launched(gate: Gate, **more: Any) -> list[str]:
    answer = asked(gate, "RunTask", {**REQUEST, **more})
    assert "tasks" in answer, answer
    return [it["taskArn"] for it in answer["tasks"]]


def test_a_token_is_known_for_a_day_while_its_tasks_run(world: World) -> None:
    gate = Gate(world.emulator, clock=world.clock)
    first = launched(gate)
    world.now += 24 * HOUR - 1
    assert launched(gate) == first
    assert asked(gate, "RunTask", {**REQUEST, "count": 1})["__type"] == "ConflictException"
    world.now += 1
    # The day began with the launch, not with what was asked since.
    assert launched(gate, count=1) == ["arn:2"]
    assert world.arns == ["arn:0", "arn:1", "arn:2"]


def test_a_token_is_known_for_an_hour_after_the_last_of_its_tasks(world: World) -> None:
    gate = Gate(world.emulator, clock=world.clock)
    first = launched(gate)
    world.stop(first[0])
    world.now += 2 * HOUR
    assert launched(gate) == first
    world.stop(first[1])
    world.now += HOUR - 1
    assert launched(gate) == first
    world.now += 1
    assert launched(gate) == ["arn:2", "arn:3"]


def test_a_day_is_the_most_where_a_task_stops_late(world: World) -> None:
    gate = Gate(world.emulator, clock=world.clock)
    first = launched(gate)
    world.now += 24 * HOUR - 1
    world.stop(*first)
    world.now += 1
    assert launched(gate) == ["arn:2", "arn:3"]


def test_an_answer_without_a_task_is_known_for_a_day(world: World) -> None:
    tokens, nothing = Tokens(world.clock), {"tasks": [], "failures": [{"reason": "RESOURCE:CPU"}]}
    tokens.remember(REQUEST, nothing)
    world.now += 24 * HOUR - 1
    assert tokens.recall(REQUEST) == nothing
    with pytest.raises(Refused, match="ConflictException"):
        tokens.recall({**REQUEST, "count": 9})
    world.now += 1
    assert tokens.recall(REQUEST) is None


def test_a_stopped_task_is_shown_for_an_hour(world: World) -> None:
    gate = Gate(world.emulator, clock=world.clock)
    first, second = launched(gate)
    world.stop(first)
    world.now += HOUR - 1
    assert asked(gate, "ListTasks", {})["taskArns"] == [first, second]
    world.now += 1
    assert asked(gate, "ListTasks", {})["taskArns"] == [second]
