"""Keeps the connections of clients open: the HTTP side of the emulator's process. Nothing here is about AWS.

A server resets a connection in two cases, and both depend on how busy the machine is:

- It answers a request before it has read the body, and closes the connection. The client then sends the rest to a
  closed socket. Clients send a request's head and body separately, so on a busy server small bodies are affected too.
- It closes an idle connection while a request is on its way. hypercorn does so after five seconds; the emulator's
  clients keep their connections for longer.

So each request is read to its end before it is answered, and only a client closes its connection.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from hypercorn.config import Config

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NEVER: Final = 10**9
"""Seconds, or requests: more than any sandbox reaches."""


def server_config() -> Config:
    """hypercorn's settings: it never closes the connection of a client that is still connected."""
    config = Config()
    # A launcher opens up to a hundred at once, and several launchers run at the same time.
    config.backlog = socket.SOMAXCONN
    config.keep_alive_timeout = _NEVER
    config.keep_alive_max_requests = _NEVER
    return config


class Whole:
    """Passes each request to an application after all of the request has arrived."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request. A request whose client disconnects before its end is dropped."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        left = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def whole() -> Message:
            return left.pop() if left else await receive()

        await self._app(scope, whole, send)
