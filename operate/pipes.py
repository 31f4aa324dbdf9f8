"""What a command needs of its output: an exit code where the reader closes the pipe, as `head` does, or Ctrl-C ends it;
and a character in place of each that its encoding lacks. None of these is an error."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable
from typing import Final

READER_GONE: Final = 128 + 13
"""The exit code that a shell reports for SIGPIPE."""
INTERRUPTED: Final = 128 + 2
"""The exit code that a shell reports for SIGINT."""


PLAIN: Final = {
    **{"✓": "+", "✗": "x", "■": "#", "·": ".", "▶": ">", "↻": "~", "█": "#", "▒": "=", "…": "...", "—": "-"},
}
"""A character of ours that an output may not be able to write → what it writes in its place."""


def writable(*streams: object) -> None:
    """Have these streams write every text: a character that their encoding lacks as in PLAIN, and others as a question
    mark."""
    codecs.register_error(_HANDLER, _plain)
    for it in streams:
        if isinstance(it, io.TextIOWrapper):
            it.reconfigure(errors=_HANDLER)


_HANDLER: Final = "fargate-job"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(it, "?") for it in error.object[error.start : error.end]), error.end


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
