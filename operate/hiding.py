"""Hides what looks like a secret in a launch event that is shown, and puts it back after an edit. Pure.

A launch event should have no secrets: a job declares them, and ECS reads them. A caller may have put one there all the
same; a task token of Step Functions lets anyone answer its execution.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from fargate_job_launcher.checks.plain_secrets import secret_text, secret_variable, secret_words

from .errors import JobError

HIDDEN: Final = "(hidden)"
TOKEN: Final = "taskToken"  # noqa: S105 - a key's name


def hidden(value: Any, name: str = "") -> Any:
    """The value with HIDDEN in place of each text in it that looks like a secret; `name` is its key."""
    if isinstance(value, Mapping):
        return {key: hidden(it, key) for key, it in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, str):
        return HIDDEN if name == TOKEN or secret_variable(name, value) else value
    if isinstance(value, Sequence):
        items = list(cast("Sequence[Any]", value))
        words = dict(secret_words(items)) if all(isinstance(it, str) for it in items) else {}
        return [HIDDEN if number in words else hidden(it) for number, it in enumerate(items)]
    return value


def hidden_text(text: str) -> str:
    """A message's body, as it was sent if nothing in it looks like a secret."""
    try:
        given: Any = json.loads(text)
        shown = hidden(given)
        return text if shown == given else json.dumps(shown, ensure_ascii=False)
    except (ValueError, RecursionError):
        return HIDDEN if secret_text(text) else text


def restored(edited: Any, was: Any, path: str = "") -> Any:
    """An edited value with each HIDDEN that is still where it was replaced by what it hides. Raises JobError for one
    that hides nothing."""
    if isinstance(edited, Mapping):
        before = cast("Mapping[str, Any]", was) if isinstance(was, Mapping) else {}
        some = cast("Mapping[str, Any]", edited)
        return {key: restored(it, before.get(key), f"{path}.{key}" if path else key) for key, it in some.items()}
    if isinstance(edited, list):
        items, old = cast("list[Any]", edited), cast("list[Any]", was) if isinstance(was, list) else []
        return [restored(it, old[n] if n < len(old) else None, f"{path}[{n}]") for n, it in enumerate(items)]
    if edited != HIDDEN:
        return edited
    if was is None:
        raise JobError(f"{path}: {HIDDEN} stands for a value that the event has there, and it has none", "Write it out")
    return was
