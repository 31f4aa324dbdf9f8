"""Checks arguments that only the deployment knows by the same rules as plain ones, once they are known.

The rules are pure; Pulumi runs them. Environments are left out: plain.py checks each of their values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import pulumi

from . import shapes

Examine = Callable[[Any], Sequence[str]]
"""A component's arguments → every problem with them."""
Step = str | int
_HIDDEN: Final = (
    "is refused; the reason is hidden, as the value is a Pulumi secret: pulumi.Output.unsecret(…) around it shows it"
)
Found = tuple[tuple[Step, ...], pulumi.Output[Any]]
"""The path of an output in the arguments, and the output."""


def checked_later(component: str, name: str, given: Mapping[str, Any], examine: Examine) -> dict[str, Any]:
    """The arguments with checked outputs: an output raises pulumi.RunError, once it is known, with the problems that
    `examine` then finds, so that no resource is created from a value that would be refused if it were plain.

    `examine` has the component's own rules, which have accepted `given` already.
    """
    found, arguments = list(_outputs(given, ())), dict(given)
    for steps, output in found:
        arguments = _with(arguments, steps, _checked(component, name, given, examine, [(steps, output)]))
    if len(found) > 1 and any(steps == ("cluster_arn",) for steps, _ in found):
        # Only when both are known can a reference be compared with the cluster's region and account. No resource waits
        # for this, so that none depends on all outputs; Pulumi waits, and the deployment fails.
        _checked(component, name, given, examine, found)
    return arguments


def _checked(
    component: str, name: str, given: Mapping[str, Any], examine: Examine, found: list[Found]
) -> pulumi.Output[Any]:
    """The first of these outputs, once all of them are known and accepted."""
    outputs = [output for _, output in found]

    def hold(known: Sequence[Any]) -> Any:
        values, secret = known[: len(outputs)], known[len(outputs) :]
        arguments = dict(given)
        for (steps, _), value in zip(found, values, strict=True):
            arguments = _with(arguments, steps, value)
        problems = list(examine(arguments))
        if any(secret):
            problems = [f"{problem.partition(': ')[0]}: {_HIDDEN}" for problem in problems]
        shapes.refuse(component, name, problems)
        return values[0]

    return pulumi.Output.all(*outputs, *(it.is_secret() for it in outputs)).apply(hold)


def _outputs(value: Any, path: tuple[Step, ...]) -> Iterator[Found]:
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
        yield path, pulumi.Output.from_input(value)
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            if key != "environment":
                yield from _outputs(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _outputs(inner, (*path, number))


def _with(holder: Any, steps: Sequence[Step], value: Any) -> Any:
    """A copy of a mapping or a list with another value at this path."""
    if not steps:
        return value
    copy: Any = dict(holder) if isinstance(holder, Mapping) else list(holder)
    copy[steps[0]] = _with(copy[steps[0]], steps[1:], value)
    return copy
