"""What a run requested beyond its job's definition: as data, and in words. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fargate_job_launcher.handler.run import Item

from .tables import shortened

LONGEST: Final = 60
"""Characters of a value in words; JSON has all of it."""
AS_DEFINED: Final = "as the job is defined"
_NUMBERS: Final = {
    "count": "{} tasks",
    "cpu": "{} CPU units",
    "memory": "{} MiB",
    "ephemeralStorageGiB": "{} GiB of storage",
}


def asked(run: Item) -> dict[str, Any]:
    """The parts of a run's launch event that change the job, under their names there; empty if there are none. Of a
    payload only its `bytes`, or the `uri` where it is stored.

    Values are shown: anyone who may read the table, or describe a task of the run, can read them. A secret belongs into
    the job's `secrets`.
    """
    found: dict[str, Any] = json.loads(run["request"])
    if "payload" in run:
        found["payload"] = {"uri": run["payload"]["uri"]}
    elif "payload" in found:
        found["payload"] = {
            "bytes": len(json.dumps(found["payload"], separators=(",", ":"), ensure_ascii=False).encode())
        }
    return found


def told(some: Mapping[str, Any], *, longest: int = LONGEST) -> str:
    """What was asked in words, variables first; empty if there is nothing. Values longer than `longest` are cut."""
    return "; ".join(_parts(some, longest))


def _parts(some: Mapping[str, Any], longest: int) -> Iterator[str]:
    if variables := some.get("environment"):
        yield variables_of(variables, longest)
    if "array" in some:
        yield _array(some["array"])
    if "command" in some:
        yield f"command {shortened(shlex.join(some['command']), longest)}"
    for name, words in _NUMBERS.items():
        if name in some:
            yield words.format(some[name])
    for name in ("capacity", "role"):
        if name in some:
            yield f"{name} {shortened(str(some[name]), longest)}"
    if "payload" in some:
        given = some["payload"]
        yield f"a payload of {given['bytes']} bytes" if "bytes" in given else f"the payload {given['uri']}"
    if tags := some.get("tags"):
        yield f"tags {variables_of(tags, longest)}"


def variables_of(some: Mapping[str, str], longest: int = LONGEST) -> str:
    """Names and values, by name."""
    return ", ".join(f"{name}={shortened(value, longest)}" for name, value in sorted(some.items()))


def _array(given: Mapping[str, Any]) -> str:
    words = {"size": "an array of {}", "parallelism": "{} at once", "maxFailed": "at most {} may fail"}
    return ", ".join(said.format(given[name]) for name, said in words.items() if name in given)
