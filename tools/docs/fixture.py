"""The tables of docs/testing.md: what the pytest fixture offers, computed from its classes and their docstrings."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from fargate_job_launcher.sandbox import DeployedStack, FargateSandbox, JobRun, Refusal, Run, Task

from tools.docs.reference import described, table


def runs() -> str:
    """What a test can make a task do."""
    texts, lines = described(Run), list[tuple[str, ...]]()
    for it in dataclasses.fields(Run):
        lines.append((f"`{it.name}`", f"`{it.type}`", f"`{it.default!r}`", texts[it.name]))
    return table(("field", "type", "default", "meaning"), lines)


def refused() -> str:
    """What a test can read from a refusal."""
    texts = described(Refusal)
    return table(("field", "meaning"), [(f"`{it.name}`", texts[it.name]) for it in dataclasses.fields(Refusal)])


def tasks() -> str:
    """What a test can read from a task."""
    return _attributes(Task)


def job_runs() -> str:
    """What a test can read from a run of a job."""
    return _attributes(JobRun)


def _attributes(of: type[Task | JobRun]) -> str:
    texts = described(of)
    lines = [(f"`{it.name}`", texts[it.name]) for it in dataclasses.fields(of)]
    return table(("attribute", "meaning"), [*lines, *_members(of)])


def stacks() -> str:
    """What a test does with a fixture, and with the stack that it deploys."""
    return table(
        ("call", "meaning"), [*_members(FargateSandbox, "fargate_sandbox."), *_members(DeployedStack, "stack.")]
    )


def _members(of: type, before: str = "") -> Iterator[tuple[str, str]]:
    """The public properties and methods of a class in order, as a test writes them."""
    for name, it in vars(of).items():
        if name.startswith("_") or not (isinstance(it, property) or inspect.isfunction(it)):
            continue
        text = inspect.getdoc(it)
        assert text, f"{of.__name__}.{name} has no docstring"
        yield f"`{before}{name}{'' if isinstance(it, property) else _call(it)}`", text


def _call(function: Callable[..., Any]) -> str:
    """The parameters of a method as its caller sees them: names and defaults."""
    _, *parameters = inspect.signature(function).parameters.values()
    return str(inspect.Signature([it.replace(annotation=inspect.Parameter.empty) for it in parameters]))


TABLES: Final[dict[str, Callable[[], str]]] = {
    "fixture calls": stacks,
    "fixture task": tasks,
    "fixture job run": job_runs,
    "fixture run": runs,
    "fixture refusal": refused,
}
"""The text between `<!-- NAME -->` and `<!-- /NAME -->` in docs/testing.md."""
