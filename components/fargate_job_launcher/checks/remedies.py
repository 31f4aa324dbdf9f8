"""What to write instead of a value of the wrong type, derived from that value if possible. Pure."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from pulumi import Output

from fargate_job_launcher.handler import fargate

from . import choices
from .schedules import as_aws

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")
_JSON: Final = re.compile(r"(^|\.)(task_?[pP]olicy|pattern|event)$")
"""Arguments that are JSON text, for which a user may give the object itself."""
_VCPU: Final = 1024
"""Units of `cpu` in one vCPU: Docker and Kubernetes count whole vCPUs."""
_FREE: Final = re.compile(
    r"(^|\.)(environment|tags|log_?[oO]ptions)\.|(command|entry_?[pP]oint|environment|tags)\[|(^|\.)(user|name)$"
)
"""Arguments whose text is free: a number or a truth value was meant as its text."""
_UNITS: Final[tuple[tuple[str, Mapping[str, int]], ...]] = (
    ("cpu", {"vcpu": _VCPU, "vcpus": _VCPU, "cpu": _VCPU, "cpus": _VCPU}),
    ("memory", {"m": 1, "mb": 1, "mib": 1, "mi": 1, "g": 1024, "gb": 1024, "gib": 1024, "gi": 1024}),
    ("gib", {"g": 1, "gb": 1, "gib": 1, "gi": 1}),
    ("seconds", {"s": 1, "sec": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60}),
    (
        "minutes",
        {"m": 1, "min": 1, "minute": 1, "minutes": 1, "h": 60, "hour": 60, "hours": 60, "d": 1440, "days": 1440},
    ),
    ("days", {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7}),
)
"""End of an argument's name → units that users write, and each one's size in the argument's own unit: ECS accepts
"1 vCPU" and "2 GB" in a task definition."""
_SHELL: Final = re.compile(r"[|&;<>$`*?~#\n]|^\s*\w+=")
"""Characters that only a shell interprets."""

LONGEST_SHOWN: Final = 200
"""The most characters of a value that a remedy repeats."""

NOTHING: Final = object()
"""The result when a value does not show what was meant."""


def text(path: str, value: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write for a text; `shown` writes a value in the user's language."""
    if _JSON.search(path) and isinstance(value, Mapping):
        written = shown(value)
        return f"give its JSON: json.dumps({written if len(written) <= LONGEST_SHOWN else '…'})"
    if _JSON.search(path):
        return f"give its JSON, such as {shown(example(path, str))}"
    few = {**choices.OF_A_JOB, **choices.OF_A_NETWORK}.get(re.sub(r"\[\d+\]$", "", path.rpartition(".")[2]))
    if few is not None:
        return f"give one of {', '.join(few)}"
    if isinstance(value, bool | int | float) and _FREE.search(path):
        return f"write {shown(str(value).lower() if isinstance(value, bool) else str(value))}"
    if isinstance(value, list) and [type(it) for it in cast("list[Any]", value)] == [str]:
        return f"write {shown(cast('list[str]', value)[0])}"
    return "give one text"


def flag(value: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write for true or false."""
    word = str(value).lower()
    meant = word in _YES if word in (*_YES, *_NO) else NOTHING
    return f"write {shown(True)} or {shown(False)}" if meant is NOTHING else f"write {shown(meant)}"


def whole(path: str, value: Any) -> str:
    """What to write for a whole number."""
    number = value if isinstance(value, float) else _number(value)
    # A fraction of a vCPU, as Docker and Kubernetes count.
    if path.rpartition(".")[2] == "cpu" and number * _VCPU in fargate.SIZES:
        return f"write {int(number * _VCPU)} ({_VCPU} is one vCPU)"
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}(\.0*)?\s*", value):
        return f"write {int(float(value))}"
    if isinstance(value, str) and (counted := _counted(path, value)):
        return f"write {counted}"
    if isinstance(value, float) and abs(value) < 1e18:
        return f"write {int(value)} or {int(value) + 1}"
    return "give a number such as 1, without quotes and without a fraction"


def _number(value: Any) -> float:
    """The number that a text holds; NaN for anything else."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value) else math.nan


def _counted(path: str, value: str) -> int:
    """A number with a unit, converted to the argument's own unit; 0 for anything else."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-zA-Z]+)\s*", value)
    argument = path.rpartition(".")[2].lower()
    units = next((it for ends, it in _UNITS if argument.endswith(ends)), {})
    if found is None or found[2].lower() not in units:
        return 0
    number = float(found[1]) * units[found[2].lower()]
    return int(number) if number.is_integer() else 0


def listed(path: str, value: Any, shown: Callable[[Any], str] = repr, *, of: Any = str) -> str:
    """What to write for a list; `of` is the declared type of an item."""
    if not isinstance(value, str):
        one = value if is_typeddict(of) == isinstance(value, Mapping) and value is not True else None
        if one is not None and not is_typeddict(of):
            one = _one(value, of)
        written = shown(example(path, Sequence[of]) if one is None else [one])
        return f"write {written}" if len(written) <= LONGEST_SHOWN else "give a list, in square brackets"
    given = _json(value)
    if isinstance(given, list):
        return f"write {shown(given)}" if len(value) <= LONGEST_SHOWN else "give the list, not its JSON"
    if re.search(r"health_check\.command$|healthCheck\.command$", path):
        return f"write {shown(['CMD-SHELL', value])}"
    if re.search(r"(^|\.)(command|entry_?[pP]oint)$", path):
        return f"write {shown(_words(value))}"
    return f"write {shown([it.strip() for it in value.split(',')] if value.strip() else [])}"


def _one(value: Any, of: Any) -> Any:
    """A number as the only item of a list of this type; None for anything else."""
    if isinstance(value, int | float):
        return value if of is int else str(value)
    return None


def _words(command: str) -> list[str]:
    """A command line as a container's list of words; with a shell if it needs one."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    return ["sh", "-c", command] if _SHELL.search(command) or not words else words


def mapping(path: str, value: Any, hint: Any, shown: Callable[[Any], str] = repr) -> str:
    """What to write for names and values; `hint` is their declared type."""
    if value is False:
        return "leave it out to have none"
    if is_typeddict(hint):
        return _declared(path, value, hint, shown)
    given = _json(value)
    if isinstance(given, dict):
        return f"write {shown(given)}" if len(value) <= LONGEST_SHOWN else "give the object, not its JSON"
    pairs = _pairs(value)
    if pairs is not None and get_args(hint)[1:] != (int,):
        return f"write {shown(pairs)}"
    return f"write {shown(example(path, hint))}, or leave it out"


def _declared(path: str, value: Any, hint: Any, shown: Callable[[Any], str]) -> str:
    needed = sorted(hint.__required_keys__)
    given = _json(value)
    if isinstance(given, dict) and given.keys() <= hint.__annotations__.keys() and len(value) <= LONGEST_SHOWN:
        return f"write {shown(given)}"
    if not needed:
        return f"write {shown({})} for all of its defaults, or leave it out"
    (first, *more) = needed
    if isinstance(value, str) and not more and _takes_text(hint.__annotations__[first]):
        return f"write {shown({first: meant(first, value)})}"
    return f"write {shown(example(path, hint))}"


def meant(argument: str, value: str) -> str:
    """A text for this argument, as AWS takes it: of an expression of Unix's cron the same in AWS's terms."""
    return as_aws(value) or EXAMPLES["expression"] if argument == "expression" else value


EXAMPLES: Final[Mapping[str, Any]] = {
    **{"expression": "rate(1 day)", "date": "2026-01-31", "max_size": 100},
    **{
        "pattern": '{"source": ["orders"]}',
        "event": "{}",
        "task_policy": '{"Version": "2012-10-17", "Statement": […]}',
    },
    **{"image": "REGISTRY/NAME:TAG", "name": "NAME", "path": "/data", "bucket": "BUCKET", "key": "KEY"},
    **{"file_system_id": "fs-0123456789abcdef0", "access_point_id": "fsap-0123456789abcdef0"},
    **{"soft": 4096, "hard": 65536, "vcpu_hour": 0.04048},
    "writable_paths": {"/tmp": 64},  # noqa: S108 - a path in the container
    **{"memory_gib_hour": 0.004445, "storage_gib_hour": 0.000111},
    **{"retry_exit_codes": [75], "never_retry_exit_codes": [2], "endpoints": ["s3"], "adopt_logs": ["job"]},
    "pulumi:disable_default_providers": ["aws"],
}
"""Argument → a value of its kind."""


def example(path: str, hint: Any) -> Any:
    """A value of a declared type, with no more than that needs."""
    name = path.rpartition(".")[2]
    if name in EXAMPLES:
        return EXAMPLES[name]
    if is_typeddict(hint):
        hints = get_type_hints(hint, localns={"Output": Output, "T": Any})
        return {key: example(key, hints[key]) for key in sorted(hint.__required_keys__)}
    kind, of = get_origin(hint), get_args(hint)
    if kind is Mapping:
        return {"NAME": example("", of[1])}
    if kind is Sequence:
        return [example("", of[0])]
    if kind in (Union, UnionType):
        return example("", of[0])
    return 1 if hint is int else "…"


def _takes_text(hint: Any) -> bool:
    if hint is str:
        return True
    return get_origin(hint) in (Union, UnionType) and str in get_args(hint)


def _pairs(value: Any) -> dict[str, str] | None:
    """Names and values in `A=1`, in a list of these, or in ECS's own list; None for anything else."""
    items: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, list) else _settings(value)
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


def _settings(value: Any) -> Sequence[Any]:
    """`A=1 B=2` and `A=1,B=2` as two settings; `A=some words`, whose value has blanks or commas, as one."""
    if not isinstance(value, str):
        return [value]
    try:
        words = shlex.split(value)
    except ValueError:
        return [value]
    for parts in (words, value.split(",")):
        if len(parts) > 1 and all(re.match(r"\s*[A-Za-z_]\w*=", it) for it in parts):
            return [it.strip() for it in parts]
    return [value]


def _json(value: Any) -> Any:
    """The list or object in a JSON text, which `pulumi config set` without --path writes; NOTHING for other text."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return NOTHING
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return NOTHING


def yaml(value: Any) -> str:
    """A value as YAML for a stack's config: JSON is valid YAML."""
    return json.dumps(value, ensure_ascii=False)
