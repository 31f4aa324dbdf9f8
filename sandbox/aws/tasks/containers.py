"""Predicts from its image and its command what a task's container would do, where no container runs. Pure, except that
it reads the emulated ECR.

A `sh -c` script of `echo`, `sleep` and `exit` is interpreted, so the same job writes the same lines and ends the same
way here and on AWS. Every other command is not guessed; a `Run` defines what the task does.

An image cannot be pulled if its repository was created here, in this account, and the image was not pushed to it. Every
image of another registry is assumed to exist.
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
"""The run time of a command that does not sleep."""
SHELLS: Final = ("sh", "/bin/sh", "ash", "/bin/ash", "bash", "/bin/bash")
NAME: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

Record = dict[str, Any]

# Internals of the emulator, which has no public interface for this; its version is pinned.
_ecr: Any = ecr


def predicted(task: Record, definition: Record) -> Run | None:
    """What a task of this definition does; None if its image and its command do not show it."""
    for container in definition["containerDefinitions"]:
        if (missing := _missing(container["image"])) is not None:
            return Run(None, AT_ONCE_SECONDS, stop_code="TaskFailedToStart", reason=missing)
    # The first container is the job's; sidecars run as long as it does.
    container = definition["containerDefinitions"][0]
    given = next(
        (it for it in task["overrides"].get("containerOverrides", []) if it.get("name") == container["name"]), Record()
    )
    environment = {it["name"]: it["value"] for it in (*container.get("environment", []), *given.get("environment", []))}
    entry, command = container.get("entryPoint") or [], given.get("command") or container.get("command") or []
    return of_command([*entry, *command], environment)


def of_command(command: list[str], environment: Mapping[str, str]) -> Run | None:
    """What a `sh -c` script of `echo`, `sleep` and `exit` does; None for every other command."""
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
    """Whether the script does more than run one command after the other: pipes, files, substitutions, escapes."""
    expanded = re.sub(r"'[^']*'", "", script)
    bare = re.sub(r'"[^"]*"', "", expanded)
    return bool(re.search(r"[`\\]|\$\(", expanded) or re.search(r"[|<>()]|(?<!&)&(?!&)", bare))


def _statements(script: str) -> list[list[str]]:
    """The words of each command, still quoted; the unknown command `?` if the script cannot be parsed."""
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
    """A word with its variables expanded, and split at blanks if it has no quotes, as a shell does."""
    parts = re.findall(r"'[^']*'|\"[^\"]*\"|[^'\"]+", word)
    whole = "".join(_expanded(it, environment) for it in parts)
    return [whole] if any(it[0] in "'\"" for it in parts) else whole.split()


def _expanded(part: str, environment: Mapping[str, str]) -> str:
    if part.startswith("'"):
        return part[1:-1]
    return NAME.sub(lambda it: environment.get(it[1] or it[2], ""), part.strip('"'))


def _missing(image: str) -> str | None:
    """Why this image cannot be pulled, in ECS's words; None if it can, or if its registry is not emulated.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html; a complete message is in
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
