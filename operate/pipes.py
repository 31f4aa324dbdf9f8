"""Exit codes of a command whose reader leaves, as `head` does, or that Ctrl-C ends: neither is an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

READER_GONE: Final = 128 + 13
"""What a shell makes of SIGPIPE."""
INTERRUPTED: Final = 128 + 2
"""What a shell makes of SIGINT."""


def piped(command: Callable[[], int]) -> int:
    """Run it; when nobody reads its output any more, end quietly as other commands do."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        return reader_gone()
    return code


def reader_gone() -> int:
    """The exit code for it. What Python still holds for the reader would be written, and fail, once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE
