"""The emulator's process: serves ministack behind the gate until standard input ends. Only server.py starts it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any, cast

from hypercorn.asyncio import serve
from ministack.app import app
from ministack.core import lambda_runtime
from ministack.services import eventbridge, sts

from . import asynchronous, environments, schedule_clock, sessions, simulation, task_tokens, wire
from .connections import Whole, server_config
from .gate import Gate


def _serve(descriptor: int, docker: str = "") -> None:
    """Serve the emulator behind the gate until standard input ends."""
    if not callable(getattr(lambda_runtime, "execution_credentials", None)):
        raise SystemExit("this version of ministack has no execution_credentials; the sandbox needs 1.5.33")
    lambda_runtime.execution_credentials = _execution_credentials
    asynchronous.install()
    environments.install()
    simulation.install()
    schedule_clock.install()
    task_tokens.install()
    sessions.install()
    mended = wire.install(cast("Any", app))
    events: Any = eventbridge
    events._invoke_target = _with_context(events._invoke_target)

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), lambda: ended.set() if not os.read(0, 4096) else None)
        config = server_config()
        config.bind = [f"fd://{descriptor}"]
        config.loglevel = "WARNING"
        config.graceful_timeout = 0.2
        config.shutdown_timeout = 2
        gate = Gate(mended, containers=bool(docker))
        await serve(cast("Any", Whole(gate)), config, shutdown_trigger=ended.wait)

    try:
        asyncio.run(run())
    finally:
        # The parent process may have ended, so only this process ends the workers and removes the files.
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


def _with_context(invoke: Callable[..., None]) -> Callable[..., None]:
    """Fill in Scheduler's context attributes, which the emulator passes on unchanged.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """

    def invoked(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *more: Any) -> None:
        if event.get("Source") == "aws.scheduler" and "Input" in target:
            text = str(target["Input"])
            for name, value in {
                "schedule-arn": event["Resources"][0],
                "scheduled-time": schedule_clock.scheduled_time(event, rule),
                "execution-id": event["EventId"],
                "attempt-number": "1",
            }.items():
                text = text.replace(f"<aws.scheduler.{name}>", str(value))
            target = {**target, "Input": text}
        invoke(target, event, rule, *more)

    return invoked


def _execution_credentials(config: dict[str, Any]) -> dict[str, str]:
    """The credentials that a function signs with: a session of its role, so that the gate knows the caller."""
    role, session = config["Role"], config["FunctionName"]
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    account, role_name = role.split(":")[4], role.rpartition("/")[2]
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{session}",
            "UserId": f"{role_name}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


if __name__ == "__main__":
    _serve(int(sys.argv[1]), *sys.argv[2:])
