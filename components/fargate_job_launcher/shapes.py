"""Arguments held against the TypedDict that declares them: keys, kinds of values, whole numbers. Pure.

Pulumi's component host hands over plain objects, in which whole numbers are floats, and a misspelt key passes in
silence in every language. What a value may be, beyond its kind, is checked where its meaning is known.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, get_args, get_origin, get_type_hints, is_typeddict

import pulumi

_KINDS: Final[dict[Any, tuple[type, str]]] = {
    str: (str, "text"),
    bool: (bool, "true or false"),
}

_NAMES: Final = {"Output": pulumi.Output, "T": Any}
"""What pulumi.Input says in quotes."""


def read(path: str, given: Mapping[str, Any], declared: Any, problems: list[str]) -> dict[str, Any]:
    """What was given, in the kinds of values that are declared; what was not or is None is left out, and so is a plain
    value of another kind. `path` is what a problem's field begins with."""
    hints = get_type_hints(declared, localns=_NAMES)
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key not in hints:
            problems.append(f"{path}{key}: {unknown(key, list(hints))}")
        elif value is not None:
            before = len(problems)
            found[key] = _value(f"{path}{key}", value, hints[key], problems)
            nested = is_typeddict(hints[key]) or any(map(is_typeddict, get_args(hints[key])))
            if len(problems) > before and not (nested and isinstance(found[key], dict | list)):
                del found[key]
    missing = sorted(it for it in declared.__required_keys__ if given.get(it) is None)
    problems += [f"{path}{key}: is missing" for key in missing]
    return found


def unknown(key: str, known: Sequence[str]) -> str:
    """What is said of a key that is none of the known ones."""
    near = difflib.get_close_matches(key, known, n=1)
    return "unknown; " + (f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}")


def repeated(items: Sequence[Any]) -> list[str]:
    """Texts that stand in a list more than once."""
    texts = [it for it in items if isinstance(it, str)]
    return sorted({it for it in texts if texts.count(it) > 1})


def _value(path: str, value: Any, hint: Any, problems: list[str]) -> Any:
    kind, of = get_origin(hint), get_args(hint)
    plain = hint in (int, float, str, bool) or is_typeddict(hint) or kind in (Sequence, Mapping)
    if plain and isinstance(value, pulumi.Output):
        problems.append(f"{path}: is an output, known only while the stack is deployed; a plain value is needed here")
        return None
    if hint is int:
        return _whole(path, value, problems)
    if hint in _KINDS and not isinstance(value, _KINDS[hint][0]):
        problems.append(f"{path}: {value!r} is not {_KINDS[hint][1]}")
    elif is_typeddict(hint) or kind is Mapping:
        if not isinstance(value, Mapping):
            problems.append(f"{path}: {value!r} is no object of names and values")
        elif is_typeddict(hint):
            return read(f"{path}.", cast("Mapping[str, Any]", value), hint, problems)
        else:
            entries = cast("Mapping[str, Any]", value)
            return {key: _value(f"{path}.{key}", it, of[1], problems) for key, it in entries.items()}
    elif kind is Sequence:
        if isinstance(value, str) or not isinstance(value, Sequence):
            problems.append(f"{path}: {value!r} is no list; put it into one, such as [{value!r}]")
            return None
        items = cast("Sequence[Any]", value)
        return [_value(f"{path}[{number}]", it, of[0], problems) for number, it in enumerate(items)]
    return value


def _whole(path: str, value: Any, problems: list[str]) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        problems.append(f"{path}: {value!r} is not a whole number")
        return 0
    return int(value)
