"""A CloudFormation template, in JSON or YAML: its resources as Pulumi's AWS provider would have them.

One resource of a template can be several here: a role's inline policies, a rule's targets. Parameters have their
defaults, or the values given; what a template does not tell is not known, and `left` says what it was.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from . import serverless
from .arns import assigned
from .cloudformation_names import KINDS, NAME, REF_IS_ARN
from .cloudformation_resources import One, generic
from .declared import NOT_KNOWN, Converted, listed, mapping
from .intrinsics import Template
from .template_text import read

FORM: Final = "a CloudFormation template"


def recognised(content: Mapping[str, Any]) -> bool:
    """Whether this is a template."""
    resources = mapping(content.get("Resources"))
    return "AWSTemplateFormatVersion" in content or any("Type" in mapping(it) for it in resources.values())


def of_text(text: str, parameters: Mapping[str, str] | None = None) -> Converted:
    """The resources of a template's text. Raises NotAStack."""
    found = read(text)
    return converted(found.content, parameters or {}, lines=found.lines())


def converted(
    content: Mapping[str, Any],
    parameters: Mapping[str, str] | None = None,
    *,
    lines: Mapping[str, int] | None = None,
    assumed: Mapping[str, bool] | None = None,
) -> Converted:
    """The resources of a template, where comparisons with unknown values end as `assumed` says."""
    return _Whole(content, parameters or {}, lines or {}, assumed or {}).made


def both_ways(
    content: Mapping[str, Any],
    parameters: Mapping[str, str] | None = None,
    *,
    lines: Mapping[str, int] | None = None,
) -> Converted:
    """The resources of a template, also as they are where its conditions on unknown values hold otherwise."""
    first = _Whole(content, parameters or {}, lines or {}, {})
    conditions = first.conditions()
    unsure = list(first.template.unsure)
    if not unsure:
        return first.made
    many = [
        converted(content, parameters, lines=lines, assumed=dict(zip(unsure, way, strict=True)))
        for way in _ways(len(unsure))
    ]
    why = "the template does not tell whether it holds, so it is judged both ways; give the parameters that it compares"
    left = {f"condition {name}": why for name, holds in conditions.items() if holds is None}
    return replace(many[0], left={**many[0].left, **left}, otherwise=tuple(many[1:]))


def _ways(count: int) -> list[tuple[bool, ...]]:
    """Truth values of so many comparisons: all combinations of up to three; of more, such that of each two of them all
    four combinations are among them."""
    if count <= _ALL_COMBINATIONS:
        return list(itertools.product((True, False), repeat=count))
    made = [(True,) * count, (False,) * count]
    for bit in range((count - 1).bit_length()):
        way = tuple(bool(number >> bit & 1) for number in range(count))
        made += [way, tuple(not it for it in way)]
    return made


_ALL_COMBINATIONS: Final = 3


class _Whole:
    """A template, converted."""

    def __init__(
        self,
        content: Mapping[str, Any],
        parameters: Mapping[str, str],
        lines: Mapping[str, int],
        assumed: Mapping[str, bool],
    ) -> None:
        self.made = Converted(FORM)
        self._lines = lines
        self._prefix = parameters.get("AWS::StackName", "")
        self._naming: set[str] = set()
        self._called: dict[str, set[str]] = {}
        macros = listed(content.get("Transform"))
        if serverless.TRANSFORM in macros:
            content = serverless.expanded(content, self.made.left)
        self.template = Template(content, parameters, self.assigned, assumed)
        for macro in macros:
            if macro != serverless.TRANSFORM:
                named = macro if isinstance(macro, str) else mapping(macro).get("Name")
                self.made.left[f"Transform {named}"] = (
                    "it is not applied: audit the template that CloudFormation made of it "
                    "(aws cloudformation get-template --template-stage Processed)"
                )
        for name, resource in self.template.resources.items():
            self._add(name, resource)
        self.made.left |= self.template.left

    def _add(self, name: str, resource: Any) -> None:
        left, it = self.made.left, mapping(resource)
        if name.startswith("Fn::ForEach"):
            left[name] = "the resources of this loop are not in the template"
            return
        if not isinstance(it.get("Type"), str):
            left[name] = "it is not a resource with a Type"
            return
        condition = it.get("Condition")
        holds = self.template.holds(condition) if isinstance(condition, str) else True
        if holds is False:
            return
        if holds is None:
            left[f"condition {condition}"] = "the template does not tell whether it holds; its resources are judged"
        line = self._lines.get(str(it.get(serverless.OF, name)), 0)
        one = One(self.template, name, it, self.assigned(name), left)
        self.made.resources += [replace(each, line=line) for each in one.declared()]

    def conditions(self) -> dict[str, bool | None]:
        """The conditions that resources use, and whether each holds."""
        used = dict.fromkeys(_conditions_in(self.template.resources))
        return {name: self.template.holds(name) for name in used if name in self.template.conditions}

    def assigned(self, name: str) -> dict[str, Any]:
        """What AWS assigns to a resource; nothing to one whose name is made from itself, which CloudFormation
        refuses."""
        if name in self._naming:
            return {}
        self._naming.add(name)
        try:
            return self._assigned(name)
        finally:
            self._naming.discard(name)

    def _assigned(self, name: str) -> dict[str, Any]:
        it = mapping(self.template.resources.get(name))
        kind = str(it.get("Type"))
        called = self._own_name(it) or self._made_up(kind, name)
        account, region = (str(self.template.value({"Ref": f"AWS::{one}"})) for one in ("AccountId", "Region"))
        made = assigned(KINDS.get(kind, generic(kind)), called, account=account, region=region)
        arn = f"{made['arn']}:*" if kind == "AWS::Logs::LogGroup" else made["arn"]
        attributes = {"Arn": arn, "QueueUrl": made.get("url"), "QueueName": called, "Name": called, "GroupId": name}
        attributes |= {f"{kind.rpartition('::')[2]}Arn": arn, "FunctionArn": arn}
        reference = arn if kind in REF_IS_ARN else made.get("url") or (called if kind in KINDS else name)
        return {**attributes, "Ref": reference}

    def _own_name(self, it: Mapping[str, Any]) -> str:
        """The name that a template gives to a resource; empty where AWS makes one up."""
        own = mapping(it.get("Properties")).get(NAME.get(str(it.get("Type")), ""))
        said = self.template.value(own) if own is not None else None
        return said if isinstance(said, str) and said != NOT_KNOWN else ""

    def _made_up(self, kind: str, name: str) -> str:
        """A name that no other resource of the type has: as CloudFormation, with that of the stack before it where the
        stack is known, or another resource is called so."""
        if kind not in self._called:
            self._called[kind] = set()
            same = [it for it in map(mapping, self.template.resources.values()) if it.get("Type") == kind]
            self._called[kind].update(map(self._own_name, same))
        made = f"{self._prefix}-{name}" if self._prefix else name
        while made in self._called[kind]:
            made = f"stack-{made}"
        return made


def _conditions_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for it in cast("list[Any]", value):
            yield from _conditions_in(it)
    elif isinstance(value, dict):
        for key, it in cast("dict[str, Any]", value).items():
            if key == "Condition" and isinstance(it, str):
                yield it
            elif key == "Fn::If" and isinstance(it, list) and it and isinstance(it[0], str):
                yield it[0]
            yield from _conditions_in(it)
