"""Invocations of a function that run at once do not end each other."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from fargate_job_launcher.sandbox import Emulator

SOURCE = """
import os, time
from pathlib import Path
FOLDER = Path({folder!r})
if (FOLDER / "fail").exists():
    os._exit(3)
def handler(event, context):
    (FOLDER / f"begun-{{event}}").touch()
    while not (FOLDER / f"go-{{event}}").exists():
        time.sleep(0.02)
    return os.getpid()
"""
"""Each invocation runs until its file is there; while the file `fail` is there, no process starts."""


class Function:
    """A function whose invocations are let go one by one."""

    def __init__(self, aws: Emulator, folder: Path, pool: ThreadPoolExecutor, name: str) -> None:
        self._folder, self._pool, self.name = folder, pool, name
        config = Config(max_pool_connections=50, retries={"total_max_attempts": 1})
        make: Any = boto3.client
        self.client = make(
            "lambda",
            endpoint_url=aws.endpoint,
            region_name=aws.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("index.py", SOURCE.format(folder=str(folder)))
        self.client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role="arn:aws:iam::123456789012:role/nobody",
            Timeout=100,
            Code={"ZipFile": archive.getvalue()},
        )

    def begin(self, event: str) -> Future[Any]:
        """An invocation that has begun to run."""
        answer = self.invoke(event)
        eventually((self._folder / f"begun-{event}").exists)
        return answer

    def invoke(self, event: str) -> Future[Any]:
        """The answer of an invocation."""

        def asked() -> Any:
            return json.loads(self.client.invoke(FunctionName=self.name, Payload=json.dumps(event))["Payload"].read())

        return self._pool.submit(asked)

    def mark(self, name: str) -> Path:
        """A file that the function looks for."""
        (self._folder / name).touch()
        return self._folder / name


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def function(emulator: Emulator, tmp_path: Path) -> Iterator[Function]:
    with ThreadPoolExecutor(40) as pool:
        yield Function(emulator, tmp_path, pool, f"function-{tmp_path.name}"[:60])


def test_a_process_that_fails_to_start_ends_no_other_invocation(function: Function) -> None:
    running = [function.begin(str(number)) for number in range(3)]
    fail = function.mark("fail")
    assert "Worker process exited immediately" in function.invoke("never").result()["errorMessage"]
    fail.unlink()
    for number in range(3):
        function.mark(f"go-{number}")
    assert all(isinstance(it.result(), int) for it in running), [it.result() for it in running]


def test_an_invocation_that_runs_while_its_function_is_changed_ends_as_on_aws_and_the_next_has_a_new_process(
    function: Function,
) -> None:
    before = function.begin("before")
    function.client.update_function_configuration(FunctionName=function.name, Environment={"Variables": {"A": "b"}})
    function.mark("go-before")
    function.mark("go-after")
    assert isinstance(before.result(), int)
    assert function.invoke("after").result() not in (before.result(), None)


def test_a_process_is_used_again_by_the_next_invocation(function: Function) -> None:
    function.mark("go-one")
    assert len({function.invoke("one").result() for _ in range(3)}) == 1
