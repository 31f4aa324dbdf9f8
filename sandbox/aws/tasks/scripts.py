"""What tasks will do: the scripts that a test or a person has given to the jobs, and that no task has used yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .run import Run

PATH: Final = "/_gate/runs"
"""Where the sandbox takes scripts (POST) and shows them (GET)."""

Record = dict[str, Any]


class Scripts:
    """Of each family of task definitions: what its next tasks do, one `Run` a task, and what tasks of an array do."""

    def __init__(self) -> None:
        self._next: dict[str, list[Run]] = {}
        self._indexes: dict[str, dict[str, Run]] = {}

    def define(self, runs: Mapping[str, Record]) -> None:
        """Family → what its `next` tasks do, one after the other, and what those of these `indexes` of an array do.
        Replaces what was defined before; with `add` it is added to that."""
        for family, given in runs.items():
            following = [Run.of(run) for run in given["next"]]
            indexes = {index: Run.of(run) for index, run in given["indexes"].items()}
            adds = given.get("add", False)
            self._next[family] = [*(self._next.get(family, []) if adds else []), *following]
            self._indexes[family] = {**(self._indexes.get(family, {}) if adds else {}), **indexes}

    def take(self, family: str, index: str) -> Run | None:
        """What a task does that starts now: that of its index in an array, or else the next one; None without both."""
        following = self._next.get(family, [])
        return self._indexes.get(family, {}).get(index) or (following.pop(0) if following else None)

    def waiting(self) -> Record:
        """What is defined and not used yet, as `define` takes it."""
        return {
            family: {
                "next": [run.as_json() for run in self._next.get(family, [])],
                "indexes": {index: run.as_json() for index, run in self._indexes.get(family, {}).items()},
            }
            for family in sorted(self._next.keys() | self._indexes.keys())
            if self._next.get(family) or self._indexes.get(family)
        }
