"""Exit codes of a command whose reader closes the pipe, as `head` does, or that Ctrl-C ends. Neither is an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

READER_GONE: Final = 128 + 13
"""The exit code that a shell reports for SIGPIPE."""
INTERRUPTED: Final = 128 + 2
"""The exit code that a shell reports for SIGINT."""


def piped(command: Callable[[], int]) -> int:
    """Run a command. If its reader closes the pipe, end without an error, as other commands do."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        return reader_gone()
    return code


def reader_gone() -> int:
    """The exit code after a closed pipe. Output that Python still buffers is discarded: writing it at the end would
    fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE
