"""AWS's session-manager-plugin: finds it on this machine, and gives it the terminal for one session.

It is started as AWS's own CLI starts it: https://github.com/aws/aws-cli/blob/v2/awscli/customizations/sessionmanager.py.
A session has a token; it is kept out of every message and, if the plugin is not too old, off its command line.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import JobError

PLUGIN: Final = "session-manager-plugin"
INSTALL: Final = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
)
RESPONSE: Final = "AWS_SSM_START_SESSION_RESPONSE"
"""The environment variable in which the plugin takes a session."""
LAST_WITHOUT_RESPONSE: Final = (1, 2, 497, 0)
"""The last version of the plugin that takes a session only on its command line, which others on a machine can read."""

Told = Callable[[str], object]


class NoSession(JobError):
    """No session can be opened: the job does not allow it, the task is not ready, or the plugin is missing."""


@dataclass(frozen=True)
class Plugin:
    """The session-manager-plugin of this machine."""

    path: str
    version: str

    @property
    def takes_environment(self) -> bool:
        """Whether it takes a session in its environment, and not only on its command line."""
        given = self.version.strip()
        if not re.fullmatch(r"\d+(\.\d+){0,3}", given):
            return False
        numbers = [int(it) for it in given.split(".")]
        return (*numbers, *[0] * (4 - len(numbers))) > LAST_WITHOUT_RESPONSE


_INSTALLED: Final = f"Install AWS's {PLUGIN}, and have it on the PATH: {INSTALL}"


def find_plugin() -> Plugin:
    """The plugin on the PATH. Raises NoSession with where to install it."""
    path = shutil.which(PLUGIN)
    if path is None:
        raise NoSession(f"{PLUGIN} is not on the PATH; a session needs it", _INSTALLED)
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise NoSession(f"{path} does not run: {error}", _INSTALLED) from None
    return Plugin(path, said.stdout.strip())


def started(plugin: Plugin, response: Mapping[str, Any], more: Sequence[str], told: Told) -> Started:
    """How the plugin is started with a session: its arguments, and what is added to its environment."""
    given = json.dumps(dict(response))
    if plugin.takes_environment:
        return Started((plugin.path, RESPONSE, *more), {RESPONSE: given})
    told(
        f"{PLUGIN} {plugin.version} takes the session's token on its command line, where other users of this machine "
        f"can read it; a version after {'.'.join(map(str, LAST_WITHOUT_RESPONSE))} does not: {INSTALL}"
    )
    return Started((plugin.path, given, *more), {})


@dataclass(frozen=True)
class Started:
    """How the plugin is started with one session. It has the session's token, so it is never printed."""

    arguments: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    """What is added to this process's environment."""

    def run(self, output: int | None = None) -> int:
        """Give the terminal to the session until it ends; return the plugin's exit code, or 128 and the number of the
        signal that ended it. Raises NoSession if it cannot be started."""
        with _terminal_kept(), _signals() as forward:
            try:
                process = subprocess.Popen(self.arguments, env={**os.environ, **self.environment}, stdout=output)  # noqa: S603
            except OSError as error:
                raise NoSession(f"{self.arguments[0]} cannot be started: {error.strerror}", _INSTALLED) from None
            with process:
                forward.append(process.send_signal)
                code = process.wait()
        return code if code >= 0 else 128 - code


@contextmanager
def _terminal_kept() -> Generator[None]:
    """Restore the terminal's settings afterwards: the plugin sets it to pass every key on, and may be killed."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _signals() -> Generator[list[Callable[[int], object]]]:
    """Leave the keys' signals to the plugin, and pass on the others to what is in the list.

    A handler that does nothing, unlike SIG_IGN, is not inherited by the plugin.
    """
    forward: list[Callable[[int], object]] = []
    if threading.current_thread() is not threading.main_thread():
        yield forward
        return

    def pass_on(number: int, _frame: object) -> None:
        for send in forward:
            send(number)

    keys = [it for it in ("SIGINT", "SIGQUIT", "SIGTSTP") if hasattr(signal, it)]
    others = [it for it in ("SIGTERM", "SIGHUP") if hasattr(signal, it)]
    before = {it: signal.signal(getattr(signal, it), lambda _number, _frame: None) for it in keys}
    before |= {it: signal.signal(getattr(signal, it), pass_on) for it in others}
    try:
        yield forward
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
