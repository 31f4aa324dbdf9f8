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
        self._ecs = botocore.session.get_session().get_service_model("ecs")

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
        if problems:
            await _refuse(send, "InvalidParameterException", "; ".join(problems))
            return
        await self._emulator(scope, _replay(body, receive), send)

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
