"""A Pulumi.STACK.yaml of this repository's program: its jobs as they are, and what else of the file they use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from ..errors import JobError
from .source import Document, Given

_WHY: Final = {
    "payloads": "is for the whole stack; jobs with a result or a large payload need it in the other stack's config too",
    "alarms": "is for the whole stack; write it into the other stack's config, or alarms into the job",
    "tags": "is for every resource of the stack; write it into the other stack's config, or tags into the job",
    "secretValues": "is encrypted for that stack; set the values in the other one",
}


def read(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each job's name and entry, as they are in the file."""
    config = Given(document, (), document.content).inside("config")
    prefix = next((it.removesuffix(":jobs") for it in config.untaken() if it.endswith(":jobs")), "")
    jobs, defaults = config.inside(f"{prefix}:jobs"), config.inside(f"{prefix}:defaults")
    if not jobs:
        raise JobError(f"{document.name} has no jobs", "Give a Pulumi.STACK.yaml with the key PROJECT:jobs")
    for key in defaults.untaken():
        defaults.leave(key, "is a default of that stack; write it into the job, or into the other stack's defaults")
    kept = cast("list[str]", config.take(f"{prefix}:secrets", list) or [])
    for name in jobs.untaken():
        entry: Any = jobs.take(name, dict) or {}
        secrets: Any = entry.get("secrets")
        for variable, at in secrets.items() if isinstance(secrets, dict) else ():
            if str(at).partition(":")[0] in kept:
                path = (*jobs.path, name, "secrets", variable)
                document.leave(path, "is a secret of that stack; name it under secrets of the other one too")
        yield name, entry
    for key in config.untaken():
        section = key.removeprefix(f"{prefix}:")
        if section in _WHY:
            config.leave(key, _WHY[section])
