"""The emulator never resets a connection, whatever it is asked and however long nothing is asked.

Asked by Python's own HTTP client, which repeats nothing: a reset is an exception here.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.connections import Message, Receive, Scope, Send, Whole, server_config
from hypercorn.config import Config

THREADS = 8
ANSWERED_UNREAD = ("/_ministack/health", "/_localstack/health", "/_gate/calls")
"""What the emulator and the gate answer without a look at the body."""


@contextmanager
def connected(aws: Emulator) -> Generator[http.client.HTTPConnection]:
    """A connection that is never opened again by itself: what is closed raises."""
    with closing(http.client.HTTPConnection(urlsplit(aws.endpoint).netloc, timeout=120)) as connection:
        connection.auto_open = 0
        connection.connect()
        yield connection


def asked(connection: http.client.HTTPConnection, path: str, body: bytes = b"") -> int:
    connection.request("POST" if body else "GET", path, body=body or None)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("path", ANSWERED_UNREAD)
def test_a_body_that_nobody_wants_is_read_all_the_same(emulator: Emulator, path: str) -> None:
    with connected(emulator) as connection:
        # Beyond what the sockets of both sides hold.
        assert [asked(connection, path, b"x" * size) for size in (1, 200_000, 8_000_000, 1)] == [200] * 4


@pytest.mark.parametrize("path", ANSWERED_UNREAD)
def test_a_body_that_comes_late_finds_the_connection_open(emulator: Emulator, path: str) -> None:
    """As under load, where a request's head and body arrive apart."""
    with connected(emulator) as connection:
        for _ in range(3):
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", "200000")
            connection.endheaders()
            time.sleep(0.1)
            connection.send(b"x" * 200_000)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200


def test_eight_threads_on_connections_that_are_busy_and_idle_in_turn_meet_no_reset(emulator: Emulator) -> None:
    """More requests on one connection than hypercorn serves by itself, then a longer pause than it bears."""
    requests, pause = Config.keep_alive_max_requests + 100, Config.keep_alive_timeout + 1.0
    sizes = (0, 1, 70_000)

    def hammered(number: int) -> list[int]:
        with connected(emulator) as busy, connected(emulator) as idle:
            asked(idle, ANSWERED_UNREAD[0])
            since = time.monotonic()
            # One stays on its connection for all the requests; the others are what it shares the server with.
            many = requests if number == 0 else requests // 10
            found = {asked(busy, ANSWERED_UNREAD[0], b"x" * sizes[it % len(sizes)]) for it in range(many)}
            time.sleep(max(0.0, since + pause - time.monotonic()))
            return sorted(found | {asked(idle, ANSWERED_UNREAD[0]), asked(busy, ANSWERED_UNREAD[0])})

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(hammered, range(THREADS))) == [[200]] * THREADS


def test_as_many_connections_wait_to_be_accepted_as_the_system_allows() -> None:
    assert server_config().backlog == socket.SOMAXCONN


def test_the_request_of_a_client_that_leaves_in_the_middle_is_not_made() -> None:
    made: list[bytes] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        made.append((await receive())["body"])

    async def given(*messages: Message) -> None:
        left = list(messages)

        async def receive() -> Message:
            return left.pop(0)

        async def send(message: Message) -> None:
            raise AssertionError(f"nobody is there for {message}")

        await Whole(app)({"type": "http"}, receive, send)

    first = {"type": "http.request", "body": b"half", "more_body": True}
    asyncio.run(given(first, {"type": "http.disconnect"}))
    assert made == []
    asyncio.run(given(first, {"type": "http.request", "body": b" and half"}))
    assert made == [b"half and half"]
