"""Which kind of file it is, its jobs, and what the component says about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast, get_args, is_typeddict

from ..errors import JobError
from . import copilot, ecschedule, stack_config, task_definition
from .source import Document, Imported

_OWN_NAMES: Final = ("environment", "secrets", "tags", "taskRoles", "writablePaths", "schedules")
"""Arguments whose keys the job chose."""
_Jobs = Iterable[tuple[str, dict[str, Any]]]


def imported(
    name: str, text: str, *, job: str = "", environment: str = "", container: str = ""
) -> tuple[list[Imported], Document]:
    """The jobs in a file, and the file with what is not carried over.

    `job` is the name of the job here, for a file with one; `environment` is one of Copilot's, and `container` the job's
    own in a task definition with several. Raises JobError for a file that describes no job.
    """
    document = Document(name, text)
    found = list(_jobs(document, environment, container))
    names = [it for it, _ in found]
    wrong = sorted({it for it in names if not it or names.count(it) > 1})
    if wrong and len(names) > 1:
        shown = ", ".join(map(repr, wrong))
        raise JobError(f"{name} has jobs without a name of their own: {shown}", "Give each its own in the file")
    if "config" not in document.content:
        document.close()
    if job and len(found) > 1:
        found = [it for it in found if it[0] == job]
        if not found:
            raise JobError(
                f"{name} has no job {job!r}", f"Its jobs: {', '.join(names)}; leave --name out to import all of them"
            )
    jobs = [Imported(job or own, entry) for own, entry in found]
    for it in jobs:
        it.problems = _problems(it.name, it.entry, ours="config" in document.content)
    return jobs, document


def _jobs(document: Document, environment: str, container: str) -> _Jobs:
    content: Any = document.content
    if not isinstance(content, Mapping):
        raise JobError(f"{document.name} is not a mapping", "Give a file that describes a job")
    kinds: dict[str, Callable[[], _Jobs]] = {
        "rules": lambda: ecschedule.read(document),
        "config": lambda: stack_config.read(document),
        "containerDefinitions": lambda: [task_definition.read(document, container=container)],
        "taskDefinition": lambda: [task_definition.read(document, container=container)],
        "type": lambda: [copilot.read(document, environment=environment)],
    }
    kind = next((it for it in kinds if it in content), None)
    if kind is None:
        raise JobError(
            f"{document.name} describes no job",
            "Give a Copilot manifest, an ecschedule file, a task definition or a Pulumi.STACK.yaml",
        )
    return kinds[kind]()


def _problems(name: str, entry: Mapping[str, Any], *, ours: bool) -> list[str]:
    """Why the component would not take an entry; of a stack of ours, whose program checks it, nothing."""
    if ours:
        return []
    # Only here, because it loads Pulumi.
    from fargate_job_launcher.arguments import examine
    from pulumi.output import Unknown

    place = {"cluster_arn": Unknown(), "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    found = examine(name, cast("Any", {**place, **_snake(entry)}))[1]
    return [f"{_camel(it)}{'; change it in the entry' if it.startswith('name: ') else ''}" for it in found]


def _camel(problem: str) -> str:
    """A problem with the arguments' names in a config's spelling; quoted text is unchanged."""
    from fargate_job_launcher import FargateJobLauncherArgs

    names = set(_names(FargateJobLauncherArgs))

    def spelt(found: re.Match[str]) -> str:
        return re.sub(r"_([a-z])", lambda it: it[1].upper(), found[0]) if found[0] in names else found[0]

    return re.sub(r"'[^']*'|\b[a-z]+(?:_[a-z]+)+\b", spelt, problem)


def _names(declared: Any) -> Iterator[str]:
    """The names of the arguments that a type declares, at any depth."""
    for key, hint in declared.__annotations__.items() if is_typeddict(declared) else ():
        yield key
        yield from _names(hint)
    for inner in get_args(declared):
        yield from _names(inner)


def _snake(value: Any, *, own: bool = False) -> Any:
    """An entry in the component's spelling."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {(key if own else _snake_name(key)): _snake(it, own=key in _OWN_NAMES) for key, it in entries.items()}
    return [_snake(it) for it in cast("list[Any]", value)] if isinstance(value, list) else value


def _snake_name(key: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", key).lower()


def text_of(path: Path) -> str:
    """The text of a file. Raises JobError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{path} cannot be read: {error}", "Give a text file") from None
