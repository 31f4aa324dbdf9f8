"""Checks arguments against the TypedDict that declares them: keys, types of values, whole numbers. Pure.

Pulumi's component host passes plain objects, in which whole numbers are floats, and no language reports a misspelt key.
Other modules check a value beyond its type.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import pulumi
from pulumi.output import Unknown

from . import remedies

_KINDS: Final[dict[Any, tuple[type, str]]] = {
    str: (str, "text"),
    bool: (bool, "true or false"),
}

LONGEST: Final = 1000
"""The most characters of a value that a problem shows."""
_NAMES: Final = {"Output": pulumi.Output, "T": Any}
"""Names that pulumi.Input has in quotes."""

OUTPUT: Final = "is an output, known only while the stack is deployed, or a secret; a plain value is needed here"
_PRINTED: Final = "Calling __str__ on an Output[T] is not supported"
"""Begins the text that Pulumi's SDK makes of an output that a program formats as a plain value."""

_NOTHING: Final = object()
"""Result for a value of the wrong type, whose problem has been reported."""


def read(path: str, given: Any, declared: Any, problems: list[str]) -> dict[str, Any]:
    """The given values in their declared types. Missing values, None and values of another type are left out, unless
    only a deployment knows them. `path` is the prefix of a problem's field."""
    if not isinstance(given, Mapping):
        output = isinstance(given, pulumi.Output)
        shown = _shown(path, given)
        said = OUTPUT if output else f"{shown} is not an object of names and values; {_object(path, given, declared)}"
        problems.append(f"{path.rstrip('.') or 'args'}: {said}")
        return {}
    entries = cast("Mapping[Any, Any]", given)
    hints = _hints(declared)
    found: dict[str, Any] = {}
    for key, value in entries.items():
        if key not in hints:
            inside = [name for name, hint in hints.items() if key in _keys(hint)]
            problems.append(f"{path}{key}: {unknown(str(key), list(hints), inside)}")
        elif value is not None:
            read_value = _value(f"{path}{key}", value, hints[key], problems)
            if read_value is not _NOTHING:
                found[key] = read_value
    missing = sorted(it for it in declared.__required_keys__ if entries.get(it) is None)
    problems += [f"{path}{key}: is missing" for key in missing]
    return found


def refuse(component: str, name: str, problems: Sequence[str]) -> None:
    """Raises pulumi.RunError, naming every problem at once, where there is one."""
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        named = component if output_in_name(name) else f"{component} {name!r}"
        raise pulumi.RunError(f"{named} cannot be built:\n{listed}")


def output_in_name(name: Any) -> list[str]:
    """The problem with a component's name that is an output, or was formatted from one; empty for any other."""
    if isinstance(name, pulumi.Output):
        return [f"name: {OUTPUT}, such as 'nightly-report' or pulumi.get_stack()"]
    return [f"name: {_formatted(plain=True)}"] if _is_formatted(name) else []


def _is_formatted(value: Any) -> bool:
    return isinstance(value, str) and _PRINTED in value


def _formatted(*, plain: bool) -> str:
    """The problem with a text in which a program formatted an output; `plain`: an output is no remedy there."""
    instead = (
        "a plain text is needed here, such as 'nightly-report' or pulumi.get_stack()"
        if plain
        else "write pulumi.Output.format('{}…', OUTPUT) or pulumi.Output.concat(OUTPUT, '…')"
    )
    return f"is formatted from an output, whose value is known only while the stack is deployed; {instead}"


@cache
def _hints(declared: Any) -> dict[str, Any]:
    return get_type_hints(declared, localns=_NAMES)


def _keys(hint: Any) -> Sequence[str]:
    """The keys of an object, which may be given as an input; of anything else none."""
    of = get_args(hint) if get_origin(hint) in (Union, UnionType) else [hint]
    return [key for it in of if is_typeddict(it) for key in it.__annotations__]


def unknown(key: str, known: Sequence[str], inside: Sequence[str] = ()) -> str:
    """The problem with an unknown key; `inside`: the known ones whose objects have it."""
    if inside:
        return f"unknown here; there is one inside {' or '.join(f'`{it}`' for it in inside)}"
    # max_cpu is a longer name for cpu; difflib takes it for max_count.
    ends = [it for it in known if _words(key).endswith(f"_{_words(it)}")]
    near = sorted(ends, key=len)[-1:] or difflib.get_close_matches(key, known, n=1)
    return "unknown; " + (f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}")


def _words(key: str) -> str:
    """A name with _ between its words, in either spelling."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()


def repeated(items: Sequence[Any]) -> list[str]:
    """Texts that a list has more than once."""
    texts = [it for it in items if isinstance(it, str)]
    return sorted({it for it in texts if texts.count(it) > 1})


def _value(path: str, value: Any, hint: Any, problems: list[str]) -> Any:
    kind, of = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        plain = [it for it in of if get_origin(it) not in (Awaitable, pulumi.Output)]
        if isinstance(value, pulumi.Output | Awaitable | Unknown) or len(plain) != 1:
            return value
        if _is_formatted(value):
            problems.append(f"{path}: {_formatted(plain=False)}")
            return _NOTHING
        return _value(path, value, plain[0], problems)
    if _is_formatted(value):
        problems.append(f"{path}: {_formatted(plain=True)}")
        return _NOTHING
    if hint is not Any and isinstance(value, pulumi.Output):
        problems.append(f"{path}: {OUTPUT}")
        return _NOTHING
    if hint is int:
        return _whole(path, value, problems)
    if hint in _KINDS and not isinstance(value, _KINDS[hint][0]):
        remedy = remedies.flag(value) if hint is bool else _text(path, value)
        problems.append(f"{path}: {_shown(path, value)} is not {_KINDS[hint][1]}; {remedy}")
        return _NOTHING
    if kind is Sequence:
        return _list(path, value, of[0], problems)
    if is_typeddict(hint) or kind is Mapping:
        if not isinstance(value, Mapping):
            problems.append(f"{path}: {_shown(path, value)} {_not_an_object(value)}; {_object(path, value, hint)}")
            return _NOTHING
        if is_typeddict(hint):
            return read(f"{path}.", value, hint, problems)
        return _map(path, cast("Mapping[Any, Any]", value), of[1], problems)
    return value


def _list(path: str, value: Any, hint: Any, problems: list[str]) -> Any:
    """The whole list or nothing: without one item, the others would be reported by other numbers."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        problems.append(f"{path}: {_shown(path, value)} is not a list; {_listed(path, value, hint)}")
        return _NOTHING
    given = cast("Sequence[Any]", value)
    items = [_value(f"{path}[{number}]", it, hint, problems) for number, it in enumerate(given)]
    return _NOTHING if any(it is _NOTHING for it in items) else items


def _map(path: str, value: Mapping[Any, Any], hint: Any, problems: list[str]) -> dict[str, Any]:
    problems += [f"{path}: {_not_a_name(key)}" for key in value if not isinstance(key, str) or _is_formatted(key)]
    texts = {key: it for key, it in value.items() if isinstance(key, str) and not _is_formatted(key)}
    entries = {key: _value(f"{path}.{key}", it, hint, problems) for key, it in texts.items()}
    return {key: it for key, it in entries.items() if it is not _NOTHING}


def _not_a_name(key: Any) -> str:
    if isinstance(key, pulumi.Output) or _is_formatted(key):
        return "a name is an output, or formatted from one; names are plain text"
    return f"the name {key!r} is not text; write {str(key)!r}"


def _whole(path: str, value: Any, problems: list[str]) -> Any:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        problems.append(f"{path}: {_shown(path, value)} is not a whole number; {remedies.whole(path, value)}")
        return _NOTHING
    return int(value)


def _not_an_object(value: Any) -> str:
    return "is a truth value, not an object" if isinstance(value, bool) else "is not an object of names and values"


def _object(path: str, value: Any, hint: Any) -> str:
    example = f"write {remedies.example(path, hint)!r}"
    return example if _hidden(path) else _short(remedies.mapping(path, value, hint), example)


def _listed(path: str, value: Any, hint: Any) -> str:
    return _short(remedies.listed(path, value, of=hint), f"write {remedies.example(path, Sequence[hint])!r}")


def _text(path: str, value: Any) -> str:
    return "give one text" if _hidden(path) else _short(remedies.text(path, value), "give one text")


def _short(remedy: str, otherwise: str) -> str:
    """A remedy that shows a value, unless it is too long to read."""
    return remedy if len(remedy) <= LONGEST else otherwise


def _hidden(path: str) -> bool:
    return re.search(r"\bsecrets\b", path) is not None


def _shown(path: str, value: Any) -> str:
    """A value for a problem's text; hidden if it may be a secret."""
    if _hidden(path):
        return "a value (not shown, it may be a secret)"
    written = repr(value)
    return written if len(written) <= LONGEST else f"{written[:LONGEST]}…"


class ConfigRefused(pulumi.RunError):
    """A stack's config that the program refuses, with every problem."""
