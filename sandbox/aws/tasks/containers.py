"""What a task's container would do where none runs, as far as its image and its command tell it. Pure but for the look
into the emulated ECR.

A command of `sh -c` that is made of `echo`, `sleep` and `exit` is followed: the same job then says here and on AWS what
it says, and ends the same way. Everything else is not guessed at; `Run` asks for it.

An image in a repository of this account that was made here and to which no such image was pushed cannot be pulled. An
image of any other registry is taken to be there.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import ecr

from .run import Run

AT_ONCE_SECONDS: Final = 0.2
"""That a command takes which does not sleep."""
SHELLS: Final = ("sh", "/bin/sh", "ash", "/bin/ash", "bash", "/bin/bash")
NAME: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

Record = dict[str, Any]

# The emulator's own records, which it gives no public way to; its version is pinned.
_ecr: Any = ecr


def foreseen(task: Record, definition: Record) -> Run | None:
    """What becomes of a task of this definition; None where neither its image nor its command tells."""
    for container in definition["containerDefinitions"]:
        if (missing := _missing(container["image"])) is not None:
            return Run(None, AT_ONCE_SECONDS, stop_code="TaskFailedToStart", reason=missing)
    # The first one is the job's; sidecars live as long as it does.
    container = definition["containerDefinitions"][0]
    given = next(
        (it for it in task["overrides"].get("containerOverrides", []) if it.get("name") == container["name"]), Record()
    )
    environment = {it["name"]: it["value"] for it in (*container.get("environment", []), *given.get("environment", []))}
    entry, command = container.get("entryPoint") or [], given.get("command") or container.get("command") or []
    return of_command([*entry, *command], environment)


def of_command(command: list[str], environment: Mapping[str, str]) -> Run | None:
    """What `sh -c` with a script of `echo`, `sleep` and `exit` does; None for every other command."""
    if len(command) != 3 or command[0] not in SHELLS or command[1] != "-c" or _computes(command[2]):
        return None
    lines, seconds, code = list[str](), 0.0, 0
    for words in _statements(command[2]):
        verb, *rest = [it for word in words for it in _words(word, environment)] or [""]
        if verb == "echo":
            lines.append(" ".join(rest))
        elif verb == "sleep" and len(rest) == 1 and re.fullmatch(r"\d+(\.\d+)?", rest[0]):
            seconds += float(rest[0])
        elif verb == "exit" and len(rest) == 1 and rest[0].isdigit():
            code = int(rest[0]) % 256
            break
        else:
            return None
    # The log driver leaves out a line without text.
    return Run(code, max(seconds, AT_ONCE_SECONDS), lines=tuple(it for it in lines if it))


def _computes(script: str) -> bool:
    """Whether a shell does more with it than run one command after the other: pipes, files, substitutions, escapes."""
    expanded = re.sub(r"'[^']*'", "", script)
    bare = re.sub(r'"[^"]*"', "", expanded)
    return bool(re.search(r"[`\\]|\$\(", expanded) or re.search(r"[|<>()]|(?<!&)&(?!&)", bare))


def _statements(script: str) -> list[list[str]]:
    """The words of each command, quotes still around them; one that nothing is known of where it is no such script."""
    lexer = shlex.shlex(script.replace("\n", ";"), posix=False, punctuation_chars=";&")
    lexer.whitespace_split, lexer.commenters = True, ""
    found: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in (";", "&&"):
                found.append([])
            else:
                found[-1].append(word)
    except ValueError:
        return [["?"]]
    return [it for it in found if it]


def _words(word: str, environment: Mapping[str, str]) -> list[str]:
    """A word with its variables' values in it; what is not quoted is cut at its blanks, as a shell does."""
    parts = re.findall(r"'[^']*'|\"[^\"]*\"|[^'\"]+", word)
    whole = "".join(_expanded(it, environment) for it in parts)
    return [whole] if any(it[0] in "'\"" for it in parts) else whole.split()


def _expanded(part: str, environment: Mapping[str, str]) -> str:
    if part.startswith("'"):
        return part[1:-1]
    return NAME.sub(lambda it: environment.get(it[1] or it[2], ""), part.strip('"'))


def _missing(image: str) -> str | None:
    """Why this image cannot be pulled, in ECS's words; None where it can, or nothing is known of it.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html and, with a whole reason,
    https://github.com/aws/containers-roadmap/issues/2687
    """
    registry, _, path = image.partition("/")
    if not registry.startswith(f"{get_account_id()}.dkr.ecr.{get_region()}."):
        return None
    name, at, digest = path.partition("@")
    name, _, tag = name.partition(":")
    if name not in _ecr._repositories:
        return None
    images = _ecr._images.get(name, [])
    if any(digest == it["imageDigest"] if at else (tag or "latest") in _tags(it) for it in images):
        return None
    return (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {image}: not found"
    )


def _tags(image: Record) -> list[str]:
    return image.get("imageTags", [])
