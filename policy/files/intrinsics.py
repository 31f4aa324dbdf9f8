"""CloudFormation's intrinsic functions, evaluated with the defaults of parameters and made-up ARNs. What depends on
something that a template does not tell is NOT_KNOWN, and `left` says what it was.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from .declared import ACCOUNT, NOT_KNOWN, REGION, NotKnown, has_unknown, listed, mapping, reasons

_NO_VALUE: Final = object()
_PSEUDO: Final[Mapping[str, Any]] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stack/1",
    "AWS::NoValue": _NO_VALUE,
}


class Template:
    """A template, which evaluates values."""

    def __init__(
        self,
        content: Mapping[str, Any],
        parameters: Mapping[str, str],
        assigned: Callable[[str], Mapping[str, Any]],
        assumed: Mapping[str, bool] | None = None,
    ) -> None:
        """`parameters` are values given in place of defaults; `assigned` says what AWS assigns to a logical id:
        attribute → value, and `Ref`. `assumed` is how comparisons with unknown values end (as in `unsure`)."""
        self.unsure: dict[str, None] = {}
        """The comparisons with unknown values that conditions make."""
        self._assumed = assumed or {}
        self.resources = mapping(content.get("Resources"))
        self.left: dict[str, str] = {}
        self._mappings = mapping(content.get("Mappings"))
        self.conditions = mapping(content.get("Conditions"))
        self._assigned = assigned
        self._parameters: dict[str, Any] = {**_PSEUDO}
        for name, it in mapping(content.get("Parameters")).items():
            value = parameters.get(name, mapping(it).get("Default"))
            if value is None or str(mapping(it).get("Type")).startswith("AWS::SSM::Parameter::Value"):
                value = parameters.get(name, NOT_KNOWN)
            many = "List" in str(mapping(it).get("Type")) and isinstance(value, str) and value != NOT_KNOWN
            self._parameters[name] = str(value).split(",") if many else value
        self._parameters.update({it: value for it, value in parameters.items() if it in _PSEUDO})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._found,
            "Fn::GetAZs": lambda _: [f"{self._parameters['AWS::Region']}{it}" for it in "abc"],
            "Fn::Base64": self._base64,
            "Fn::ToJsonString": self._json,
            "Fn::ImportValue": lambda it: self._leave(f"Fn::ImportValue {self._shown(it)}", "another stack exports it"),
        }

    def value(self, given: Any) -> Any:
        """A value with its functions evaluated. A key or element of AWS::NoValue is left out."""
        made = self._value(given)
        return None if made is _NO_VALUE else made

    def _value(self, given: Any) -> Any:
        if isinstance(given, list):
            many = [self._value(it) for it in cast("list[Any]", given)]
            return [it for it in many if it is not _NO_VALUE]
        if isinstance(given, str) and "{{resolve:" in given:
            # CloudFormation reads it from Systems Manager or Secrets Manager when it deploys.
            return NotKnown(given)
        if not isinstance(given, dict):
            return given
        found = cast("dict[str, Any]", given)
        if len(found) == 1:
            name, argument = next(iter(found.items()))
            if name in self._functions:
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                return self._leave(name, "this function is not evaluated")
        made = {key: self._value(it) for key, it in found.items() if not self._adds(key)}
        return {key: it for key, it in made.items() if it is not _NO_VALUE}

    def _adds(self, key: str) -> bool:
        """Whether a key is a function that adds others to its object: a macro, or a loop."""
        added = str(key).startswith(("Fn::Transform", "Fn::ForEach"))
        if added:
            self._leave(str(key), "what it adds to its object is not in the template")
        return added

    def named(self, given: Any) -> set[str]:
        """The logical ids that a value names."""
        return set(self._names(given))

    def _names(self, given: Any) -> Iterator[str]:
        if isinstance(given, list):
            for it in cast("list[Any]", given):
                yield from self._names(it)
        elif isinstance(given, dict):
            for key, it in cast("dict[str, Any]", given).items():
                texts: list[Any] = []
                if key == "Ref":
                    texts = [it]
                elif key == "Fn::GetAtt":
                    texts = [str(it).split(".", 1)[0] if isinstance(it, str) else (listed(it) or [""])[0]]
                elif key == "Fn::Sub":
                    texts = [
                        one.split(".", 1)[0] for one in re.findall(r"\$\{([^!}]+)\}", str((listed(it) or [""])[0]))
                    ]
                yield from (str(one) for one in texts if one in self.resources)
                yield from self._names(it)

    def holds(self, name: str) -> bool | None:
        """Whether a condition of the template holds; None if the template does not tell."""
        return self._condition({"Condition": name})

    def _condition(self, given: Any, depth: int = 0) -> bool | None:
        found = mapping(given)
        if len(found) != 1 or depth > 30:
            return None
        name, argument = next(iter(found.items()))
        if name == "Condition":
            return self._condition(self.conditions.get(str(argument)), depth + 1)
        if name == "Fn::Equals":
            left, right = (self._value(it) for it in [*listed(argument), None, None][:2])
            return self._guessed(argument) if has_unknown([left, right]) else str(left) == str(right)
        parts = [self._condition(it, depth + 1) for it in listed(argument)]
        if name == "Fn::Not":
            return None if not parts or parts[0] is None else not parts[0]
        if name in ("Fn::And", "Fn::Or"):
            decisive = name == "Fn::Or"
            return decisive if decisive in parts else (None if None in parts else not decisive)
        return None

    def _guessed(self, argument: Any) -> bool | None:
        """How a comparison with an unknown value is taken to end; None if nobody says so."""
        what = json.dumps(argument, default=str, sort_keys=True)
        self.unsure[what] = None
        return self._assumed.get(what)

    def _leave(self, what: str, why: str) -> Any:
        self.left[what] = why
        return NotKnown(what)

    def _ref(self, name: Any) -> Any:
        if name in self._parameters:
            value = self._parameters[name]
            if value == NOT_KNOWN:
                return self._leave(f"parameter {name}", f"it has no default; give it with --parameter {name}=VALUE")
            return value
        if name in self.resources:
            return self._assigned(name).get("Ref", NotKnown(f"the name of {name}"))
        return self._leave(f"Ref {name}", "the template has no such parameter or resource")

    def _attribute(self, given: Any) -> Any:
        parts = given.split(".", 1) if isinstance(given, str) else [str(it) for it in listed(self._value(given))]
        if len(parts) != 2 or parts[0] not in self.resources:
            return self._leave(f"Fn::GetAtt {self._shown(given)}", "the template has no such resource")
        value = self._assigned(parts[0]).get(parts[1])
        return self._leave(f"{parts[0]}.{parts[1]}", "AWS assigns it") if value is None else value

    def _sub(self, given: Any) -> Any:
        text, own = given, dict[str, Any]()
        if isinstance(given, list):
            text, own = given[0], mapping(cast("list[Any]", given)[1] if len(given) > 1 else {})
        values: list[Any] = []

        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            value = (
                self._value(own[name]) if name in own else self._ref(name) if "." not in name else self._attribute(name)
            )
            values.append(value)
            return str(value)

        made = re.sub(r"\$\{([^}]+)\}", put, str(text))
        return NotKnown(*reasons(values)) if has_unknown(values) else made

    def _join(self, given: Any) -> Any:
        parts = listed(given)
        many = self._value(parts[1]) if len(parts) > 1 else []
        if has_unknown(many) or not isinstance(many, list):
            return NotKnown(*reasons(many))
        return str(parts[0]).join(str(it) for it in cast("list[Any]", many))

    def _select(self, given: Any) -> Any:
        parts = listed(given)
        index, many = (self._value(it) for it in [*parts, None, None][:2])
        if not isinstance(many, list) or not str(index).isdecimal():
            return NotKnown(*reasons([index, many]))
        values = cast("list[Any]", many)
        return values[int(index)] if int(index) < len(values) else NotKnown(f"Fn::Select {index}")

    def _split(self, given: Any) -> Any:
        separator, text = (self._value(it) for it in [*listed(given), None, None][:2])
        known = isinstance(text, str) and text != NOT_KNOWN and separator not in ("", NOT_KNOWN)
        return text.split(str(separator)) if known else NotKnown(*reasons([separator, text]))

    def _if(self, given: Any) -> Any:
        parts = [*listed(given), None, None, None][:3]
        holds = self.holds(str(parts[0]))
        if holds is None:
            return self._leave(f"condition {parts[0]}", "the template does not tell whether it holds")
        return self._value(parts[1] if holds else parts[2])

    def _found(self, given: Any) -> Any:
        where: Any = self._mappings
        for key in [self._value(it) for it in listed(given)][:3]:
            if key == NOT_KNOWN:
                return key
            where = mapping(where).get(str(key), NOT_KNOWN)
        return where if where != NOT_KNOWN else self._leave(f"Fn::FindInMap {self._shown(given)}", "no such entry")

    def _base64(self, given: Any) -> Any:
        text = self._value(given)
        return NotKnown(*reasons(text)) if has_unknown(text) else base64.b64encode(str(text).encode()).decode()

    def _json(self, given: Any) -> Any:
        value = self._value(given)
        return NotKnown(*reasons(value)) if has_unknown(value) else json.dumps(value, default=str)

    @staticmethod
    def _shown(given: Any) -> str:
        return given if isinstance(given, str) else json.dumps(given, default=str)
