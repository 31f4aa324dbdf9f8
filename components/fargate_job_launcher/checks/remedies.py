"""What to write instead of a value of the wrong kind, made of that value where it can be. Pure."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin, is_typeddict

from fargate_job_launcher.handler import fargate

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")
_JSON: Final = ("task_policy", "event_rule.pattern", "schedule.event")
"""Arguments that are the JSON of an object, where the object itself may have been given."""
_VCPU: Final = 1024
"""The units of `cpu` that one vCPU has: Docker and Kubernetes count whole ones."""
_SHELL: Final = re.compile(r"[|&;<>$`*?~#\n]|^\s*\w+=")
"""What a shell does something about, in a command that has one."""

LONGEST_SHOWN: Final = 200
"""Characters of a value that is shown a second time."""

NOTHING: Final = object()
"""Where a value does not say what was meant."""


def text(path: str, value: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write where a text is wanted; `shown` writes a value as the language does that it stands in."""
    if path.endswith(_JSON) and isinstance(value, Mapping | list):
        written = shown(value)
        return f"give its JSON: json.dumps({written if len(written) <= LONGEST_SHOWN else '…'})"
    if isinstance(value, bool):
        return f"write {shown(str(value).lower())}"
    if isinstance(value, int | float):
        return f"write {shown(str(value))}"
    if isinstance(value, list) and [type(it) for it in cast("list[Any]", value)] == [str]:
        return f"write {shown(cast('list[str]', value)[0])}"
    return "give one text"


def flag(value: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write where true or false is wanted."""
    word = str(value).lower()
    meant = word in _YES if word in (*_YES, *_NO) else NOTHING
    return f"write {shown(True)} or {shown(False)}" if meant is NOTHING else f"write {shown(meant)}"


def whole(path: str, value: Any) -> str:
    """What to write where a whole number is wanted."""
    number = value if isinstance(value, float) else _number(value)
    # Half a vCPU, as Docker and Kubernetes count them.
    if path.rpartition(".")[2] == "cpu" and number * _VCPU in fargate.SIZES:
        return f"write {int(number * _VCPU)} ({_VCPU} is one vCPU)"
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}(\.0*)?\s*", value):
        return f"write {int(float(value))}"
    if isinstance(value, float) and abs(value) < 1e18:
        return f"write {int(value)} or {int(value) + 1}"
    return "give one without quotes and without a fraction"


def _number(value: Any) -> float:
    """A number that stands in a text as one writes it; not a number for anything else."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value) else math.nan


def listed(path: str, value: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write where a list is wanted."""
    if not isinstance(value, str):
        return "give a list, in square brackets"
    if re.search(r"health_check\.command$|healthCheck\.command$", path):
        return f"write {shown(['CMD-SHELL', value])}"
    if re.search(r"(^|\.)(command|entry_?[pP]oint)$", path):
        return f"write {shown(_words(value))}"
    return f"write {shown([it.strip() for it in value.split(',')] if value.strip() else [])}"


def _words(command: str) -> list[str]:
    """A line of a shell as the words that a container is given; with a shell, where it needs one."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    return ["sh", "-c", command] if _SHELL.search(command) or not words else words


def mapping(value: Any, hint: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write where names and values are wanted, `hint` being the declaration of them."""
    if is_typeddict(hint):
        return _declared(value, hint, shown)
    item = get_args(hint)[1] if len(get_args(hint)) > 1 else str
    pairs = _pairs(value)
    if pairs is not None and item is not int:
        return f"write {shown(pairs)}"
    return "leave it out, or give names and values in braces"


def _declared(value: Any, hint: Any, shown: Callable[[Any], str]) -> str:
    needed = sorted(hint.__required_keys__)
    if value is False:
        return "leave it out, which is how to have none of it"
    if not needed:
        return f"write {shown({})}, which has all of its defaults, or leave it out"
    (first, *more) = needed
    if isinstance(value, str) and not more and _takes_text(hint.__annotations__[first]):
        return f"write {shown({first: value})}"
    return f"give an object with {', '.join(needed)}"


def _takes_text(hint: Any) -> bool:
    if hint is str:
        return True
    return get_origin(hint) in (Union, UnionType) and str in get_args(hint)


def _pairs(value: Any) -> dict[str, str] | None:
    """`A=1`, a list of such, or ECS's own list of names and values; None for anything else."""
    items: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, list) else [value]
    found: dict[str, str] = {}
    for it in items:
        if isinstance(it, str) and re.fullmatch(r"[^=\s]+=.*", it, re.DOTALL):
            name, _, of = it.partition("=")
            found[name] = of
        elif isinstance(it, Mapping) and set(cast("Mapping[str, Any]", it)) == {"name", "value"}:
            pair = cast("Mapping[str, Any]", it)
            found[str(pair["name"])] = str(pair["value"])
        else:
            return None
    return found or None


def yaml(value: Any) -> str:
    """A value as a stack's config has it: what is JSON is YAML too."""
    return json.dumps(value, ensure_ascii=False)
