"""A file to import: what it says, on which line, and what of it nobody took."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import yaml
from fargate_job_launcher.checks.plain_secrets import secret_variable

from ..errors import JobError

NO_EQUAL: Final = "has no equal here"
HELD_BACK: Final = "looks like a secret; put the value into Secrets Manager, and name that under secrets"
READ_ONLY: Final = "here it is read-only, except /tmp, unless you write readOnlyRoot: false"
OTHER_KIND: Final = "is of another kind than is expected here"
_TEMPLATED: Final = re.compile(r"(?m)((?:^[ \t]*-|:)[ \t]+)(\{\{.*\}\}\S*)[ \t]*$")
"""A value that a template fills in, as ecschedule's files have it without quotes."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Left:
    """A part of the file that is not carried over. Values are never shown: they may be secrets."""

    line: int
    """Its line in the file, from 1; 0 where the file does not say it."""
    path: str
    why: str
    """Why not, and what to do instead if there is something."""

    def as_json(self) -> dict[str, Any]:
        """For -o json."""
        return {"line": self.line, "path": self.path, "why": self.why}


@dataclass
class Imported:
    """A job's entry for the config of a stack, and what of the file is not in it."""

    name: str
    entry: dict[str, Any]
    """The arguments in a config's spelling."""
    left: list[Left] = field(default_factory=list[Left])
    problems: list[str] = field(default_factory=list[str])
    """Why the component would not take the entry as it is."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as Go's tools read it: `on` is a key and no truth value, a date and 12:30 are text."""


class _Written(_Loader):
    """The same for other tools' files, whose variables are the text that was written: 1.10, True, 0777."""


def _without(*tags: str) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    given = cast("dict[str, list[tuple[str, re.Pattern[str]]]]", yaml.SafeLoader.yaml_implicit_resolvers)
    return {first: [(tag, it) for tag, it in of if tag.rpartition(":")[2] not in tags] for first, of in given.items()}


_Loader.yaml_implicit_resolvers = _without("bool", "int", "timestamp")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|false|False)$"), list("tTfF"))
_Written.yaml_implicit_resolvers = _without("bool", "int", "timestamp", "float")
_Written.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), list("tf"))
for it in (_Loader, _Written):
    it.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"(?:0|-?[1-9][0-9]*)$"), list("-0123456789"))


class Document:
    """A file of YAML or JSON, and what was left of it."""

    def __init__(self, name: str, text: str) -> None:
        """Raises JobError for a file that is neither."""
        text = _TEMPLATED.sub(lambda it: it[1] + json.dumps(it[2]), text)
        # JSON may be indented with tabs, and YAML may not.
        text = re.sub(r"(?m)^\t+", lambda it: " " * len(it[0]), text)
        try:
            node = yaml.compose(text, Loader=_Loader)
            ours = isinstance(node, yaml.MappingNode) and any(key.value == "config" for key, _ in node.value)
            self.content: Any = yaml.load(text, Loader=_Loader if ours else _Written)  # noqa: S506 - both are safe
            self.name, self._lines = name, dict(_lines(node, ()))
        except (yaml.YAMLError, RecursionError) as error:
            raise JobError(f"{name} is neither YAML nor JSON: {_where(error)}", _template(text)) from None
        self.left: list[Left] = []
        self._told: list[Path] = []
        self.parts: list[Given] = []
        """Every mapping that was looked into."""
        self.filled = re.compile(r"\{\{|<%")
        """What a tool fills in wherever it is in this file; a task's command may have ${…} for its own shell."""

    def close(self) -> None:
        """Say that everything that nobody took, anywhere in the file, is not carried over."""
        told = {*self._told}
        for it in self.parts:
            if not any(it.path[:end] in told for end in range(1, len(it.path) + 1)):
                it.rest()

    def leave(self, path: Path, why: str) -> None:
        """Say that the part at a path is not carried over."""
        whole = re.sub(r"\.\[", "[", ".".join(f"[{it}]" if isinstance(it, int) else it for it in path))
        self._told.append(path)
        near = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self._lines), ())
        self.left.append(Left(self._lines.get(near, 0), whole, why))


class Given:
    """A mapping in the file, of which each key is taken once; `rest` says what nobody took."""

    def __init__(self, document: Document, path: Path, value: Any) -> None:
        """Raises JobError where there is no mapping."""
        if not isinstance(value, Mapping):
            at = ".".join(map(str, path))
            raise JobError(f"{document.name}: {at or 'the file'} is not a mapping of keys and values")
        self.document, self.path = document, path
        document.parts.append(self)
        self._values: dict[str, Any] = {str(key): it for key, it in cast("Mapping[Any, Any]", value).items()}

    def __bool__(self) -> bool:
        """Whether there is a key that nobody took yet."""
        return bool(self._values)

    def untaken(self) -> list[str]:
        """The keys that nobody took yet."""
        return list(self._values)

    def take(self, key: str, *kinds: type) -> Any:
        """The value of a key if it has one of these kinds; None where it is not given, or was said to be left."""
        value = self._values.pop(key, None)
        if value is None or value in ("", [], {}):
            return None
        texts = [it for it in cast("list[Any]", value) if isinstance(it, str)] if isinstance(value, list) else []
        if (isinstance(value, str) and "${" in value) or any(map(self.document.filled.search, [*texts, str(value)])):
            return self.leave(key, "is filled in by the tool that reads this file; write its value")
        if kinds == (bool,) and value in ("True", "False"):
            value = value == "True"
        if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            return self.leave(key, OTHER_KIND)
        return value

    def drop(self, *keys: str) -> None:
        """Take keys that say nothing about the job."""
        for key in keys:
            self._values.pop(key, None)

    def inside(self, key: str) -> Given:
        """The mapping of a key, to be taken apart; empty where it is not given, or was said to be left."""
        value = self._values.pop(key, None)
        if value is not None and not isinstance(value, Mapping):
            self.leave(key, OTHER_KIND)
            value = None
        return Given(self.document, (*self.path, key), value or {})

    def items(self, key: str) -> Iterator[Given]:
        """Each mapping in the list of a key. An entry of another kind is said to be left."""
        value = self._values.pop(key, None)
        if value is not None and not isinstance(value, list):
            self.leave(key, OTHER_KIND)
            value = None
        for number, it in enumerate(cast("list[Any]", value or [])):
            path = (*self.path, key, number)
            if isinstance(it, Mapping):
                yield Given(self.document, path, it)
            else:
                self.document.leave(path, OTHER_KIND)

    def names(self, key: str) -> dict[str, str]:
        """Names and plain values of a mapping; a value that is not plain, or is filled in later, is left."""
        found, given = dict[str, str](), self.inside(key)
        for name in given.untaken():
            value = given.take(name, str, int, float, bool)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if value is not None and secret_variable(name, text):
                given.leave(name, HELD_BACK)
            elif value is not None:
                found[name] = text
        return found

    def leave(self, key: str, why: str) -> None:
        """Say that a key is not carried over."""
        self._values.pop(key, None)
        self.document.leave((*self.path, key), why)

    def rest(self, why: Mapping[str, str] | None = None) -> None:
        """Say that everything that nobody took is not carried over; `why` knows some of the reasons."""
        for key in self.untaken():
            # What is empty or off asks for nothing.
            if self._values[key] not in (None, "", [], {}, False):
                self.leave(key, (why or {}).get(key, NO_EQUAL))
        self._values.clear()


def _lines(node: Any, path: Path) -> Iterator[tuple[Path, int]]:
    """Path → line of everything in a file."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _lines(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*path, number), item.start_mark.line + 1
            yield from _lines(item, (*path, number))


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "it cannot be read" if mark is None else f"line {mark.line + 1} cannot be read"


def _template(text: str) -> str:
    if re.search(r"\{\{|\$\{|local \w+ =", text):
        return "It is a template: write out what the tool fills in, and import that"
    return "Give a Copilot manifest, an ecschedule file, a task definition or a Pulumi.STACK.yaml"
