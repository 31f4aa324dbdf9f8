"""The way in from a terminal: what is not installed is said in a line, and neither Ctrl-C nor a reader who leaves, as
`head` does, is an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

READER_GONE: Final = 128 + 13
"""What a shell makes of SIGPIPE."""
INTERRUPTED: Final = 128 + 2
"""What a shell makes of SIGINT."""


def fargate_job() -> None:
    """The command `fargate-job`."""
    try:
        from .command import main
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("fargate_job_launcher"):
            raise
        sys.exit(f"error: {error.name} is not installed; pip install 'fargate-job-launcher[cli]'")
    except KeyboardInterrupt:
        # Nothing has begun.
        sys.exit(INTERRUPTED)

    def run() -> int:
        try:
            main(prog_name="fargate-job")
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 0
        return 0

    sys.exit(piped(run))


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
