"""Serves the page on 127.0.0.1 until Ctrl-C, or until no page has been open for some minutes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import socket
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from hypercorn.asyncio import serve as serving
from hypercorn.config import Config

from ..account import Account
from ..errors import JobError
from .board import Board
from .guard import Guard, Place
from .site import Site

ALONE_SECONDS: Final = 300
"""How long the page is served after the last request. An open page asks every 20 seconds; a browser that slows down a
page in the background lets it ask once a minute."""
_LOOK_SECONDS: Final = 1.0


class PortTaken(JobError):
    """Another program listens on the requested port."""


def serve(
    account: Account,
    *,
    stack: str = "",
    program: Path | None = None,
    port: int = 0,
    read_only: bool = False,
    opened: Callable[[str], None],
    moved: Callable[[str], None],
    alone_seconds: float = ALONE_SECONDS,
) -> None:
    """Serve the page of a stack's jobs, or of all jobs of the account and region, and return when no page has been open
    for `alone_seconds`.

    `port`: 0 for any free one. `read_only`: the page shows, and changes nothing. `opened` is called with the address
    once the page can be opened, `moved` with the next address once one was used: each is good for one browser. Raises
    PortTaken, or JobError if the jobs cannot be listed.
    """
    board = Board(account, stack=stack, program=program)
    # What is wrong with credentials, region or stack is said here, and not on the page.
    board.jobs()
    listening = _listening(port)
    place = Place(listening.getsockname()[1])
    last = [time.monotonic()]
    app = Site(board, place.root, read_only=read_only).app(place.root)
    seen = functools.partial(_seen, last)
    guarded = Guard(app, place, read_only=read_only, seen=seen, moved=moved)

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, ended.set)

        async def alone() -> None:
            while not ended.is_set() and time.monotonic() - last[0] < alone_seconds:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)

        config = Config()
        # The server closes it.
        config.bind = [f"fd://{listening.detach()}"]
        config.loglevel = "WARNING"
        config.include_server_header = False
        config.graceful_timeout = 0.5
        opened(place.address)
        await serving(cast("Any", guarded), config, shutdown_trigger=alone)

    asyncio.run(run())


def _seen(last: list[float]) -> None:
    last[0] = time.monotonic()


def show(address: str) -> bool:
    """Open the address in the person's browser. Returns whether there is one."""
    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False


def _listening(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1 and nowhere else."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise PortTaken(
            f"--port {port}: {error.strerror or error}", "Name another port, or leave --port out for any free one"
        ) from None
    listening.listen()
    return listening
