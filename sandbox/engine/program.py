"""Runs a Pulumi program in this process: its own `__main__.py`, under Pulumi's SDK, against a given monitor."""

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
"""Pulumi's name for the organization where a backend has none."""

_recorded: contextvars.ContextVar[list[tuple[str, str]] | None] = contextvars.ContextVar("recorded", default=None)
"""The list in which the program of this context records its resources."""
_resources: Any = pulumi.resource
_register = _resources.register_resource


def _record_and_register(resource: pulumi.Resource, kind: str, name: str, *more: Any, **named: Any) -> None:
    """Record a resource, then register it as the SDK does. The SDK makes this call in the order of the program."""
    declared = _recorded.get()
    if declared is not None:
        declared.append((kind, name))
    _register(resource, kind, name, *more, **named)


_resources.register_resource = _record_and_register


def run_program(
    stack: Stack,
    monitor: mocks.MockMonitor,
    *,
    preview: bool = False,
    declared: list[tuple[str, str]] | None = None,
) -> None:
    """Run a stack's program, with its config, against a monitor. It leaves nothing behind in this process.

    `preview`: run it as `pulumi preview` does; the monitor's answers may then be unknown. `declared`: a list that gets
    the type and name of each resource, in the order of the program.
    """

    def main() -> None:
        # When a deployment ends early, asyncio would log the SDK's futures that nothing awaits any more.
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
                # By default the SDK's settings for tests share these among all programs of this process, and a program
                # would wait for what a failed one left behind.
                outputs=set[Any](),
                lock=threading.Lock(),
            )
        )
        set_all_config(stack.config)
        _recorded.set(declared)
        with _inside(stack.folder):
            asyncio.run(_run(program))

    def program() -> None:
        try:
            runpy.run_path("__main__.py", run_name="__main__")
        except SystemExit as left:
            # It would end this process; Pulumi's engine reports such a program as failed too.
            said = left.code if isinstance(left.code, str) else f"the program leaves by sys.exit({left.code or 0})"
            raise pulumi.RunError(said).with_traceback(left.__traceback__) from None

    # Pulumi keeps its settings in context variables, so a new context isolates this program from others.
    contextvars.Context().run(main)


async def _run(program: Callable[[], None]) -> None:
    """Run the program and keep a reference to each of its tasks until the task ends.

    An event loop holds its tasks weakly: a task to which only its own output refers could be collected, and the program
    would wait for ever."""
    tasks = set[asyncio.Task[Any]]()

    def referenced(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    asyncio.get_running_loop().set_task_factory(cast("Any", referenced))
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
    """File and line of the program that raised an error: its last own frame in the traceback. Empty without such a
    frame, as in a callback of an output."""
    found, at = "", error.__traceback__
    while at is not None:
        frame = at.tb_frame
        path = folder / frame.f_code.co_filename
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        # A virtual environment, and this package, may be inside the program's folder.
        if path.is_relative_to(folder) and "site-packages" not in path.parts and package != "fargate_job_launcher":
            found = f"{path.relative_to(folder)}, line {at.tb_lineno}: "
        at = at.tb_next
    return found
