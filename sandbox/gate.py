"""What stands before the emulator and refuses, in AWS's words, what the emulator waves through.

An ASGI application around the emulator's own. It reads the calls to Amazon ECS, which come as JSON with the name of
the operation in a header, and lets everything else pass untouched.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import botocore.session
from botocore.model import OperationModel

from .constraints import violations

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ECS_TARGET: Final = b"AmazonEC2ContainerServiceV20141113."


class Gate:
    """The emulator, behind the checks that it does not make itself."""

    def __init__(self, emulator: App) -> None:
        self._emulator = emulator
        self._ecs: Any = botocore.session.get_session().get_service_model("ecs")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request."""
        operation = self._operation(scope)
        if operation is None:
            await self._emulator(scope, receive, send)
            return
        body = await _body(receive)
        try:
            parameters = json.loads(body or b"{}")
        except ValueError:
            await _refuse(send, "SerializationException", "The request body is not JSON.")
            return
        problems = violations(operation, parameters)
        refusal = ("InvalidParameterException", "; ".join(problems)) if problems else None
        if refusal is None and operation.name == "RunTask":
            refusal = await self._run_task_refusal(scope, parameters)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        await self._emulator(scope, _replay(body, receive), send)

    async def _run_task_refusal(self, scope: Scope, parameters: dict[str, Any]) -> tuple[str, str] | None:
        """Why ECS would not run this task at all: code and message. None when it would."""
        if not 1 <= parameters.get("count", 1) <= 10:
            return "InvalidParameterException", "Count must be between 1 and 10."
        cluster = parameters.get("cluster", "default")
        clusters = (await self._ask(scope, "DescribeClusters", {"clusters": [cluster]}))["clusters"]
        if not any(it["status"] == "ACTIVE" for it in clusters):
            return "ClusterNotFoundException", "Cluster not found."
        named = {"taskDefinition": parameters["taskDefinition"]}
        definition = (await self._ask(scope, "DescribeTaskDefinition", named)).get("taskDefinition")
        if definition is None or definition["status"] != "ACTIVE":
            return "ClientException", "TaskDefinition is inactive" if definition else "TaskDefinition not found."
        if definition.get("networkMode") == "awsvpc" and not parameters.get("networkConfiguration"):
            said = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            return "InvalidParameterException", said
        return None

    async def _ask(self, scope: Scope, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Another operation of ECS, asked of the emulator itself in the name of the same caller."""
        body = json.dumps(parameters).encode()
        kept = [it for it in scope["headers"] if it[0].lower() not in (b"x-amz-target", b"content-length")]
        headers = [*kept, (b"x-amz-target", _ECS_TARGET + operation.encode()), (b"content-length", b"%d" % len(body))]
        answer = b""

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal answer
            answer += message.get("body", b"")

        await self._emulator({**scope, "headers": headers}, receive, send)
        return json.loads(answer)

    def _operation(self, scope: Scope) -> OperationModel | None:
        if scope["type"] != "http":
            return None
        target = next((value for name, value in scope["headers"] if name.lower() == b"x-amz-target"), b"")
        if not target.startswith(_ECS_TARGET):
            return None
        name = target.removeprefix(_ECS_TARGET).decode("ascii", "replace")
        return self._ecs.operation_model(name) if name in self._ecs.operation_names else None


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(send: Send, code: str, message: str) -> None:
    """An error as Amazon ECS answers it."""
    body = json.dumps({"__type": code, "message": message}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"x-amzn-errortype", code.encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
