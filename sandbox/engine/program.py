"""A Pulumi program run in this process: its own `__main__.py`, under Pulumi's SDK, against a given monitor."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import runpy
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import configure, mocks, run_in_stack, set_all_config

from .stack import Stack

ORGANIZATION: Final = "organization"
"""What Pulumi calls it where a backend has none."""

_declared: contextvars.ContextVar[list[tuple[str, str]] | None] = contextvars.ContextVar("declared", default=None)
"""Where the program that runs in this context has its resources noted."""
_resources: Any = pulumi.resource
_register = _resources.register_resource


def _noted(resource: pulumi.Resource, kind: str, name: str, *more: Any, **named: Any) -> None:
    """The SDK's own registration, whose first step the program itself waits for: its order is the program's."""
    declared = _declared.get()
    if declared is not None:
        declared.append((kind, name))
    _register(resource, kind, name, *more, **named)


_resources.register_resource = _noted


def run_program(
    stack: Stack,
    monitor: mocks.MockMonitor,
    *,
    preview: bool = False,
    declared: list[tuple[str, str]] | None = None,
) -> None:
    """Run the program of a stack, with its config, against a monitor. Nothing of it stays behind in this process.

    `preview`: as `pulumi preview` runs it; what the monitor answers may then be unknown. `declared`: is given the type
    and name of each resource, in the order of the program.
    """

    def main() -> None:
        # An SDK probe for a deployment that ends early would log futures that nobody awaits any more.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        configure(
            mocks.MockSettings(
                monitor=monitor,
                monitor_features=set(monitor.GetDeploymentInfo(Empty()).supportedFeatures),
                engine=mocks.MockEngine(None),
                project=stack.project,
                stack=stack.name,
                dry_run=preview,
                organization=ORGANIZATION,
                root_directory=str(stack.folder),
                callbacks=None,
                # The SDK's own for tests would share these with every other program of this process, and wait for what
                # one that failed left behind.
                outputs=set[Any](),
                lock=threading.Lock(),
            )
        )
        set_all_config(stack.config)
        _declared.set(declared)
        with _inside(stack.folder):
            asyncio.run(_held(program))

    def program() -> None:
        runpy.run_path("__main__.py", run_name="__main__")

    # Pulumi keeps its settings in context variables: a context of its own is a Pulumi of its own.
    contextvars.Context().run(main)


async def _held(program: Callable[[], None]) -> None:
    """A loop holds its tasks weakly: one that only its own output waits for could be collected, and the program wait
    for ever. Here each is held until it is done."""
    tasks = set[asyncio.Task[Any]]()

    def held(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    asyncio.get_running_loop().set_task_factory(cast("Any", held))
    await run_in_stack(program)


@contextmanager
def _inside(folder: Path) -> Generator[None]:
    """The working directory and module path that Pulumi gives a program."""
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        # The next program may have modules of the same names.
        for name in set(sys.modules) - modules:
            top = folder / name.partition(".")[0]
            if top.is_dir() or top.with_suffix(".py").exists():
                del sys.modules[name]


def location(error: BaseException, folder: Path) -> str:
    """File and line of the program that an error came from: the last of its own that Python was in. Empty where none
    was, as in what an output's value sets off."""
    found, at = "", error.__traceback__
    while at is not None:
        frame = at.tb_frame
        path = folder / frame.f_code.co_filename
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        # An environment may lie in the program's folder, and this package beside it.
        if path.is_relative_to(folder) and "site-packages" not in path.parts and package != "fargate_job_launcher":
            found = f"{path.relative_to(folder)}, line {at.tb_lineno}: "
        at = at.tb_next
    return found
