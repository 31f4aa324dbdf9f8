"""Arguments that only the deployment knows, held against the same rules as plain ones once they are known.

Not pure: the rules are, and what runs them then is Pulumi. Environments are left out: plain.py looks at each value.
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
    "is refused; why is not shown, as the value is a secret of Pulumi's: pulumi.Output.unsecret(…) around it shows it"
)
Found = tuple[tuple[Step, ...], pulumi.Output[Any]]
"""Where an output stands in the arguments, and the output."""


def held(component: str, name: str, given: Mapping[str, Any], examine: Examine) -> dict[str, Any]:
    """The arguments, in which each output raises pulumi.RunError, once it is known, for what `examine` says of it then:
    nothing is made with a value that would be refused if it were plain.

    `examine` are the component's own rules, to which `given` was right as it is.
    """
    found, arguments = list(_outputs(given, ())), dict(given)
    for steps, output in found:
        arguments = _with(arguments, steps, _held(component, name, given, examine, [(steps, output)]))
    if len(found) > 1 and any(steps == ("cluster_arn",) for steps, _ in found):
        # What is in another region or account than the cluster shows only when both are known. Nobody waits for it, so
        # that no resource depends on all of them; Pulumi does, and the deployment fails.
        _held(component, name, given, examine, found)
    return arguments


def _held(
    component: str, name: str, given: Mapping[str, Any], examine: Examine, found: list[Found]
) -> pulumi.Output[Any]:
    """The first of these outputs, once what all of them are is right."""
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
    """A copy of a mapping or a list with another value at that place."""
    if not steps:
        return value
    copy: Any = dict(holder) if isinstance(holder, Mapping) else list(holder)
    copy[steps[0]] = _with(copy[steps[0]], steps[1:], value)
    return copy
