"""Which kind of file a text is, told by its content, and its resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from . import cloudformation, stack_export, terraform
from .declared import EXPECTED, Converted, NotAStack, mapping
from .template_text import read


def converted(text: str, *, parameters: Mapping[str, str] | None = None) -> Converted:
    """The resources of a text: an exported Pulumi stack, a CloudFormation template (JSON or YAML), or a plan or state
    that `terraform show -json` prints.

    `parameters` are values of a template's parameters, by name, in place of its defaults; `AWS::Region` and
    `AWS::AccountId` are too. Raises NotAStack for any other text, and for a parameter that the file does not have.
    """
    whole = read(text)
    if not isinstance(whole.content, Mapping):
        raise NotAStack(f"is not an object; expected: {EXPECTED}")
    found = cast("Mapping[str, Any]", whole.content)
    if cloudformation.recognised(found):
        known = {
            *mapping(found.get("Parameters")),
            *("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::StackName"),
        }
        unknown = sorted({*(parameters or {})} - known)
        if unknown:
            raise NotAStack(f"has no parameter {', '.join(unknown)}; it has: {', '.join(sorted(known))}")
        return _sound(lambda: cloudformation.both_ways(found, parameters, lines=whole.lines()), cloudformation.FORM)
    if parameters:
        raise NotAStack("is no CloudFormation template, so it has no parameters")
    if stack_export.recognised(found):
        return _sound(lambda: stack_export.converted(found), stack_export.FORM)
    if terraform.recognised(found):
        return _sound(lambda: terraform.converted(found), terraform.PLAN)
    for key, says in _OTHERS.items():
        if key in found:
            raise NotAStack(says)
    keys = ", ".join(sorted(str(it) for it in found)[:6]) or "nothing"
    raise NotAStack(f"has {keys} at its top, which is none of: {EXPECTED}")


_OTHERS: Final = {
    "lineage": "is Terraform's own state file; write its JSON: terraform show -json > state.json",
    "checkpoint": "is the checkpoint of a Pulumi backend; export the stack: pulumi stack export > stack.json",
}
"""Key at the top of a file that is made from the same stack → what to give instead."""


def _sound(convert: Callable[[], Converted], form: str) -> Converted:
    """The result. Raises NotAStack for a file with a part that no such file has."""
    try:
        return convert()
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise NotAStack(f"is {form} with a part that has another form: {error}") from None
