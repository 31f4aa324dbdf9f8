"""A stack of a Pulumi program: reads Pulumi.yaml and Pulumi.STACK.yaml, and checks and merges their config."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import botocore.session
import yaml

from ..aws.server import ACCOUNT

_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


_FORMS: Final = {
    "object": "write names with a value each, indented below the key",
    "array": "write a list, with - before each item",
    "string": "write a text, in quotes where it looks like a number",
    "boolean": "write true or false",
    "integer": "write a whole number, without quotes",
    "number": "write a number, without quotes",
}
"""A type of Pulumi.yaml → what to write for it in YAML."""


class StackFileError(Exception):
    """A file of the stack cannot be used. The message says why."""


@dataclass(frozen=True)
class Stack:
    """A stack whose files were read and checked."""

    folder: Path
    project: str
    name: str
    config: dict[str, str]
    """Every setting as Pulumi gives it to a program: namespaced key → text, with objects and lists as JSON."""

    @property
    def region(self) -> str:
        """The region that the stack deploys to."""
        return self.config["aws:region"]

    @property
    def account(self) -> str:
        """The stack's account: the first that it allows, or the emulator's default."""
        allowed = json.loads(self.config.get("aws:allowedAccountIds", "[]"))
        return str(allowed[0]) if allowed else ACCOUNT

    @staticmethod
    def read(folder: Path, name: str) -> Stack:
        """The stack `name` of the program in `folder`. Raises StackFileError, with a message of one line."""
        project = _mapping(folder / "Pulumi.yaml")
        project_name = project.get("name")
        if not isinstance(project_name, str):
            raise StackFileError(f"{folder / 'Pulumi.yaml'}: name: is missing")
        path = folder / f"Pulumi.{name}.yaml"
        if not path.exists():
            known = ", ".join(stacks(folder)) or "none"
            raise StackFileError(f"{path.name}: there is no such file; stacks of this program: {known}")
        given = _section(path, _mapping(path), "config")
        values: dict[str, Any] = {}
        for key, value in given.items():
            full = key if ":" in key else f"{project_name}:{key}"
            if isinstance(value, dict) and "secure" in value:
                raise StackFileError(f"{path.name}: {key}: is encrypted, and only the Pulumi CLI can read it")
            values[full] = value
        for key, declared in _section(folder / "Pulumi.yaml", project, "config").items():
            _declare(path.name, values, key if ":" in key else f"{project_name}:{key}", declared)
        if not isinstance(values.get("aws:region"), str):
            raise StackFileError(f"{path.name}: aws:region: is missing; the sandbox has to know its region")
        if near := _slip(values["aws:region"]):
            raise StackFileError(
                f"{path.name}: aws:region: {values['aws:region']!r} is no region of AWS; did you mean {near}?"
            )
        return Stack(folder, project_name, name, {key: _text(value) for key, value in values.items()})


def _slip(region: str) -> str:
    """The region of AWS that was meant by a name with a word that no region has; empty for any other name, which may be
    a region that botocore does not know yet."""
    session: Any = botocore.session.get_session()
    known = {
        it for partition in session.get_available_partitions() for it in session.get_available_regions("ec2", partition)
    }
    words = {word for it in known for word in it.split("-")}
    if all(it in words or it.isdecimal() for it in region.split("-")):
        return ""
    return next(iter(difflib.get_close_matches(region, sorted(known), n=1)), "")


def stacks(folder: Path) -> list[str]:
    """The stacks of a program that have a Pulumi.STACK.yaml."""
    names = (path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    return sorted(names)


def _declare(where: str, values: dict[str, Any], key: str, declared: Any) -> None:
    """Check a setting against its declaration in Pulumi.yaml; fill in the declared value or default."""
    if not isinstance(declared, dict):
        values.setdefault(key, declared)
        return
    declaration = cast("dict[str, Any]", declared)
    fallback = declaration.get("value", declaration.get("default"))
    if key not in values:
        if fallback is None:
            raise StackFileError(f"{where}: {key}: is missing; Pulumi.yaml declares it without a default")
        values[key] = fallback
    expected = declaration.get("type")
    if expected in _TYPES and not isinstance(values[key], _TYPES[expected]):
        written = json.dumps(values[key], ensure_ascii=False)
        raise StackFileError(
            f"{where}: {key}: {written} is not the {expected} that Pulumi.yaml declares; {_FORMS[expected]}"
        )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StackFileError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{path.name}: cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        at = f"line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
        raise StackFileError(f"{path.name}: is not YAML: {error.problem}, {at}") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"{path.name}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(loaded, dict):
        raise StackFileError(f"{path.name}: a mapping is expected")
    return cast("dict[str, Any]", loaded)


def _section(path: Path, loaded: dict[str, Any], key: str) -> dict[str, Any]:
    section = loaded.get(key) or {}
    if not isinstance(section, dict):
        raise StackFileError(f"{path.name}: {key}: a mapping is expected")
    return cast("dict[str, Any]", section)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
