"""The config that Pulumi passes to the program, checked as a whole before the first resource is registered."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Mapping
from typing import Any, Final, cast

import pulumi
from fargate_job_launcher.checks import remedies
from fargate_job_launcher.checks.shapes import ConfigRefused, unknown
from pulumi.runtime.config import CONFIG
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_snake
from pydantic_core import ErrorDetails

from . import rules
from .model import StackConfig

_WORDS: Final = {
    "missing": "is missing",
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
}
"""Pydantic's kinds of errors, in words for an author of YAML."""

_SIZE: Final = ("cpu", "memory")
"""If one of them is wrong, the other cannot be judged."""


_ENCRYPTED: Final = (
    "is encrypted here, in whole or in part, but would be written in plain text into resources that many may read (not "
    "shown); name the secret under secrets, encrypt its value under secretValues, and remove it here"
)


def read() -> StackConfig:
    """The config of the stack that is being deployed. Raises pulumi.RunError, naming every problem at once."""
    namespace = f"{pulumi.get_project()}:"
    # Pulumi has no public call for all keys at once, and a key that the program does not read is a mistake to report.
    texts = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    secret = {key.removeprefix(namespace) for key in texts if pulumi.runtime.is_config_secret(key)}
    given = {
        key.removeprefix(namespace): _value(key.removeprefix(namespace), text)
        for key, text in texts.items()
        # The AWS provider does not read its namespace here: it gets only the keys of the model.
        if key.startswith((namespace, "aws:")) or key in _aliases(StackConfig)
    }
    config, problems = validate(given, secret=secret)
    if config is None:
        listed = "\n".join(f"  - {it}" for it in problems)
        counted = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise ConfigRefused(f"Pulumi.{pulumi.get_stack()}.yaml has {counted}:\n{listed}")
    return config


def validate(given: Mapping[str, Any], *, secret: set[str]) -> tuple[StackConfig | None, list[str]]:
    """The model of a config, or every problem with it, each with its path.

    `given` are the values by key, without the program's own namespace; `secret` the keys that came encrypted.
    """
    encrypted = sorted(secret & given.keys() & {*_aliases(StackConfig)} - {"secretValues"})
    if encrypted:
        # No other problem is reported: its message could show a value that was meant to be secret.
        return None, [f"{key}: {_ENCRYPTED}" for key in encrypted]
    try:
        config, broken = StackConfig.model_validate(dict(given)), dict[str, str]()
        left = config.model_dump(exclude_unset=True, exclude_none=True)
    except ValidationError as error:
        broken = {_path(it["loc"]): _sentence(it) for it in error.errors(include_url=False)}
        config, left = None, _without(given, [it["loc"] for it in error.errors(include_url=False)])
    found = [f"{path}: {said}" for path, said in broken.items()]
    found += [it for it in rules.problems(left, broken, secret=secret) if it.partition(": ")[0] not in broken]
    return (None, sorted(found, key=_place)) if found else (config, [])


def _value(key: str, text: Any) -> Any:
    """A value as in YAML: Pulumi passes objects, lists, numbers and booleans as JSON."""
    field = next((it for it in StackConfig.model_fields.values() if it.alias == key), None)
    if field is None or cast("Any", field.annotation) in (str, str | None):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(it) for it in loc)


def _sentence(error: ErrorDetails) -> str:
    loc, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        return _unknown(str(loc[-1]), _declared(loc[:-1]))
    said = _WORDS.get(kind, error["msg"])
    if kind == "missing":
        return said
    # A mapping or a list may contain an environment.
    hidden = any(it in ("secrets", "secretValues", "environment") for it in loc) or isinstance(
        error["input"], dict | list
    )
    remedy = _remedy(loc, kind, error["input"], hidden=hidden)
    return f"{'(not shown)' if hidden else repr(error['input'])} {said}{remedy and f'; {remedy}'}"


def _remedy(loc: tuple[int | str, ...], kind: str, value: Any, *, hidden: bool) -> str:
    """What to write instead, from the value if it shows it; a hidden one is not repeated."""
    path, shown = ".".join(to_snake(str(it)) for it in loc), None if hidden else value
    if kind in ("dict_type", "model_type") or (kind == "list_type" and (hidden or not isinstance(value, str))):
        return _structure(loc, shown)
    if kind == "list_type":
        return remedies.listed(path, value, remedies.yaml)
    if kind == "bool_type":
        return remedies.flag(shown, remedies.yaml)
    if kind in ("int_type", "int_from_float"):
        return remedies.whole(path, shown)
    if kind == "float_type":
        return "give a number such as 0.5, without quotes"
    if kind == "string_type":
        plain = isinstance(value, bool | int | float)
        return "write it in quotes" if plain else remedies.text(path, shown, remedies.yaml)
    return ""


def _structure(loc: tuple[int | str, ...], value: Any) -> str:
    """What to write for a mapping or a list in place of a value; None stands for one that is not shown."""
    kind, name = _declared(loc), to_snake(next(str(it) for it in reversed(loc) if isinstance(it, str)))
    needed = len(loc) == 1 and next(it for it in StackConfig.model_fields.values() if it.alias == loc[0]).is_required()
    if value is False and not needed and typing.get_origin(kind) is not list:
        return "leave it out to have none"
    only = _only_text(kind) if isinstance(value, str) and value else ""
    example = {only: remedies.meant(to_snake(only), str(value))} if only else _example(name, kind)
    written = remedies.yaml(example)
    out = "" if needed else ", or leave it out"
    return f"write {written} for all of its defaults{out}" if example == {} else f"write {written}"


def _only_text(kind: Any) -> str:
    """The one required key of a mapping, if it is text."""
    if typing.get_origin(kind) is not None or not issubclass(kind, BaseModel):
        return ""
    needed = [it for it in kind.model_fields.values() if it.is_required()]
    return str(needed[0].alias) if len(needed) == 1 and cast("Any", needed[0].annotation) is str else ""


def _example(name: str, kind: Any) -> Any:
    """A value of a field's type, with no more than that needs; `name` is the field's in a component."""
    kind, of = _plain(kind), typing.get_args(_plain(kind))
    if name == "jobs":
        return {"nightly-report": {"image": remedies.EXAMPLES["image"]}}
    if name in remedies.EXAMPLES:
        return remedies.EXAMPLES[name]
    if typing.get_origin(kind) is dict:
        return {"NAME": _example("", of[1])}
    if typing.get_origin(kind) is list:
        return [_example("", of[0])]
    if issubclass(kind, BaseModel):
        fields = {key: it for key, it in kind.model_fields.items() if it.is_required()}
        return {str(it.alias): _example(key, it.annotation) for key, it in fields.items()}
    return 1 if kind is int else "…"


def _unknown(key: str, model: type[BaseModel]) -> str:
    known = _aliases(model)
    if not key.startswith("aws:"):
        within = {str(it.alias): _plain(it.annotation) for it in model.model_fields.values()}
        inside = [name for name, it in within.items() if isinstance(it, type) and key in _aliases(it)]
        return unknown(key, [it for it in known if ":" not in it], inside)
    # Compared without the prefix, which makes all of them similar.
    ours = [it.removeprefix("aws:") for it in known if it.startswith("aws:")]
    near = difflib.get_close_matches(key.removeprefix("aws:"), ours, n=1)
    known_keys = f"did you mean `aws:{near[0]}`? " if near else f"known: {', '.join(f'aws:{it}' for it in ours)}; "
    return (
        f"unknown; {known_keys}the environment's own provider reads no other key, and takes credentials from the "
        "deployment's environment variables"
    )


def _aliases(kind: type) -> list[str]:
    """The keys of a mapping that the model declares; of another type none."""
    return [str(it.alias) for it in kind.model_fields.values()] if issubclass(kind, BaseModel) else []


def _declared(loc: tuple[int | str, ...]) -> Any:
    """The type that the model declares at a path."""
    kind: Any = StackConfig
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = next(it.annotation for it in kind.model_fields.values() if it.alias == step)
        else:
            kind = typing.get_args(kind)[-1]
        kind = _plain(kind)
    return kind


def _plain(kind: Any) -> Any:
    """A type without None."""
    return next((it for it in typing.get_args(kind) if it is not type(None)), kind) if _optional(kind) else kind


def _optional(kind: Any) -> bool:
    return type(None) in typing.get_args(kind)


def _without(given: Mapping[str, Any], taken: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """A config in the components' spelling, without values of the wrong type."""
    left: dict[str, Any] = json.loads(json.dumps(given))
    for loc in taken:
        holder: Any = left
        # A list with a wrong member is left out as a whole: the rest would be another list.
        steps = list(loc[: next((at for at, it in enumerate(loc) if isinstance(it, int)), len(loc))])
        for step in steps[:-1]:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            mapping = cast("dict[str, Any]", holder)
            for key in _SIZE if steps[-1] in _SIZE else (str(steps[-1]),):
                mapping.pop(key, None)
    return cast("dict[str, Any]", _snake(StackConfig, left))


def _snake(kind: Any, value: Any) -> Any:
    """A value in the components' spelling: the fields of a model, but not the keys that a job chose."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if not isinstance(value, dict):
            return {}
        mapping = cast("dict[str, Any]", value)
        return {
            name: _snake(field.annotation, mapping[str(field.alias)])
            for name, field in kind.model_fields.items()
            if mapping.get(str(field.alias)) is not None
        }
    if typing.get_origin(kind) is dict and isinstance(value, dict):
        inner = typing.get_args(kind)[1]
        return {key: _snake(inner, it) for key, it in cast("dict[str, Any]", value).items()}
    if typing.get_origin(kind) is list and isinstance(value, list):
        return [_snake(typing.get_args(kind)[0], it) for it in cast("list[Any]", value)]
    return value


def _place(problem: str) -> tuple[int, str]:
    """The sort key of a problem: the order of the model's sections, then the path."""
    path = problem.partition(": ")[0]
    order = _aliases(StackConfig)
    at = next((n for n, it in enumerate(order) if path == it or path.startswith(f"{it}.")), len(order))
    return at, path
