"""What keeps a client's connection open: HTTP's side of the emulator's process, and nothing of AWS.

A server resets a connection in two cases, and both depend on how busy the machine is:

- It answers a request whose body it has not read, and closes. What the client still sends then meets a closed socket.
  Clients send a request's head and body apart, so a busy server meets it with small bodies too.
- It closes a connection for being idle at the moment when a request is on its way. hypercorn does so after five
  seconds, the emulator's clients keep theirs for longer.

So every request is read to its end before anything of it is answered, and no connection is closed but by its client.
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
"""Seconds, or requests, that no sandbox lives to see."""


def server_config() -> Config:
    """hypercorn's settings, under which it closes no connection of a client that is still there."""
    config = Config()
    # A launcher opens up to a hundred at once, and several run beside each other.
    config.backlog = socket.SOMAXCONN
    config.keep_alive_timeout = _NEVER
    config.keep_alive_max_requests = _NEVER
    return config


class Whole:
    """An application that is given each request once all of it is there."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. That of a client which leaves in the middle of it is not made."""
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
