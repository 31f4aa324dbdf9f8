"""What the expressions of a Terraform plan name: a value that is not known until AWS assigns it, found through
variables of modules, outputs and loops. The plan lists the references of an expression, not its text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from .declared import NotKnown, mapping, objects

_KEY: Final = re.compile(r"\[[^\]]*\]")
_TEXTS: Final = (
    "policy",
    "assume_role_policy",
    "container_definitions",
    "definition",
    "redrive_policy",
    "inline_policy",
)
"""Properties whose text a program makes with jsonencode: what it names is a part of it."""


class References:
    """The configuration of a plan."""

    def __init__(self, configuration: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]]) -> None:
        """`outputs` is address → what AWS assigns; it may grow while values are filled in."""
        self._modules: dict[str, dict[str, Any]] = {}
        self._expressions: dict[str, dict[str, Any]] = {}
        self._outputs = outputs
        self._by_address: dict[str, list[str]] = {}
        self._known_addresses = -1
        self._walk("", mapping(configuration.get("root_module")))

    def _walk(self, prefix: str, module: dict[str, Any]) -> None:
        self._modules[prefix] = module
        for it in objects(module.get("resources"), f"configuration: {prefix}resources"):
            self._expressions[f"{prefix}{it.get('address')}"] = mapping(it.get("expressions"))
        for name, call in mapping(module.get("module_calls")).items():
            self._walk(f"{prefix}module.{name}.", mapping(mapping(call).get("module")))

    def named(self, address: str) -> dict[str, list[str]]:
        """Property → the addresses of the resources that its expression names."""
        prefix = _prefix(address)
        return {
            prop: sorted({owner for said in _said(expression) for owner, _ in self._meant(prefix, said)})
            for prop, expression in self._expressions.get(_KEY.sub("", address), {}).items()
        }

    def fill(self, address: str, values: dict[str, Any], unknown: Any) -> None:
        """Put the value that an expression names in place of an unknown one; where it names none, NOT_KNOWN."""
        expressions = self._expressions.get(_KEY.sub("", address), {})
        prefix = _prefix(address)
        for key, what in mapping(unknown).items():
            if what is True and key not in expressions:
                # Computed by the provider, not written in the program.
                continue
            values[key] = self._of(key, prefix, values.get(key), what, expressions.get(key))

    def _of(self, key: str, prefix: str, value: Any, unknown: Any, expression: Any) -> Any:
        """The value of a property."""
        said = _said(expression)
        if key in _TEXTS and unknown is True and not (len(said) == 1 and said[0].endswith(".json")):
            return _unknown(said)
        return self._filled(prefix, value, unknown, expression)

    def _filled(self, prefix: str, value: Any, unknown: Any, expression: Any) -> Any:
        if unknown is True:
            found = self._values(prefix, expression)
            return found[0] if len(found) == 1 else _unknown(_said(expression))
        if isinstance(unknown, dict):
            given = mapping(value)
            inner = mapping(expression)
            return {
                **given,
                **{
                    key: self._of(key, prefix, given.get(key), what, inner.get(key))
                    for key, what in cast("dict[str, Any]", unknown).items()
                    if what is not True or key in inner or "references" in inner
                },
            }
        if isinstance(unknown, list):
            return self._list(prefix, value, cast("list[Any]", unknown), expression)
        return value

    def _list(self, prefix: str, value: Any, unknown: list[Any], expression: Any) -> list[Any]:
        given = cast("list[Any]", value) if isinstance(value, list) else []
        made = [given[it] if it < len(given) else None for it in range(max(len(given), len(unknown)))]
        if isinstance(expression, list):
            blocks = cast("list[Any]", expression)
            for number, what in enumerate(unknown):
                # A dynamic block has one expression for all that it makes.
                one = blocks[number] if number < len(blocks) and len(blocks) == len(unknown) else {}
                made[number] = self._filled(prefix, made[number], what, one)
            return made
        missing = [number for number, what in enumerate(unknown) if what is True]
        said = _said(expression)
        if len(said) in (len(missing), len(made)):
            # One reference for each element, or for each unknown one.
            of = dict(zip(missing if len(said) == len(missing) else range(len(made)), said, strict=True))
            for number in missing:
                named = self._values(prefix, {"references": [of[number]]})
                made[number] = named[0] if len(named) == 1 else _unknown([of[number]])
            return made
        found = self._values(prefix, expression)
        for position, number in enumerate(missing):
            # The references of a list are in its order; with a text around them there are fewer or more.
            made[number] = found[position] if len(found) == len(missing) else _unknown(_said(expression))
        return made

    def _values(self, prefix: str, expression: Any) -> list[Any]:
        """The values that an expression names, each once; those of a part of an address are in it already."""
        found: list[Any] = []
        for said in _said(expression):
            for owner, attribute in self._meant(prefix, said):
                value = self._outputs.get(owner, {}).get(attribute) if attribute else None
                if value is not None and value not in found:
                    found.append(value)
        return found

    def _meant(self, prefix: str, said: str, depth: int = 0) -> Iterator[tuple[str, str]]:
        """The resources, and the attribute of each, that a reference in a module means."""
        parts = _KEY.sub("", said).split(".")
        if depth > 20 or len(parts) < 2:
            return
        if parts[0] == "var":
            outer = re.sub(r"module\.[^.]+\.$", "", prefix)
            name = prefix.removeprefix(outer).removeprefix("module.").rstrip(".")
            call = mapping(mapping(self._modules.get(outer, {}).get("module_calls")).get(name))
            for one in _said(mapping(call.get("expressions")).get(parts[1])):
                yield from self._meant(outer, one, depth + 1)
        elif parts[0] == "module":
            if len(parts) > 2:
                inner = f"{prefix}module.{parts[1]}."
                output = mapping(mapping(self._modules.get(inner, {}).get("outputs")).get(parts[2]))
                for one in _said(output.get("expression")):
                    yield from self._meant(inner, one, depth + 1)
        else:
            length = 3 if parts[0] == "data" else 2
            address, attribute = prefix + ".".join(parts[:length]), parts[length] if len(parts) > length else ""
            # One of several by count or for_each, if its key is written; otherwise all of them.
            key = re.match(rf"{re.escape('.'.join(parts[:length]))}(\[[^\]]*\])", said)
            for one in self._addresses().get(address, []):
                if key is None or one.endswith(key[1]):
                    yield one, attribute

    def _addresses(self) -> dict[str, list[str]]:
        """Address without keys → the addresses with them."""
        if self._known_addresses != len(self._outputs):
            self._by_address.clear()
            for one in self._outputs:
                self._by_address.setdefault(_KEY.sub("", one), []).append(one)
            self._known_addresses = len(self._outputs)
        return self._by_address


def _unknown(said: list[str]) -> NotKnown:
    return NotKnown(*(said or ["what the provider computes"]))


def _prefix(address: str) -> str:
    """The modules of an address."""
    found = re.match(r"(module\.[^.\[]+(\[[^\]]*\])?\.)*", address)
    return _KEY.sub("", found[0]) if found else ""


def _said(expression: Any) -> list[str]:
    """The references of an expression, from the most exact on; those that begin another are left out."""
    if isinstance(expression, list):
        return [it for one in cast("list[Any]", expression) for it in _said(one)]
    said = mapping(expression).get("references")
    if said is None:
        return [it for one in mapping(expression).values() for it in _said(one)] if isinstance(expression, dict) else []
    texts = [str(it) for it in cast("list[Any]", said)]
    return [it for it in texts if not any(other != it and other.startswith((f"{it}.", f"{it}[")) for other in texts)]
