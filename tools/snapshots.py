"""`make snapshots`: every resource of each environment with its inputs, in files that are reviewed like code."""

from __future__ import annotations

import json
import sys
from typing import Any, Final, cast

import pulumi
import yaml
from fargate_job_launcher.sandbox import Stack

from tools.recording import ENVIRONMENTS, PROGRAM, Recorded, Recording, record

FOLDER: Final = PROGRAM / "tests" / "environments" / "snapshots"


def text(recording: Recording) -> str:
    """A recording as its snapshot holds it: sorted, JSON unfolded, the archive by the names of its files."""
    resources = sorted(recording.resources.values(), key=lambda it: (it.kind, it.name))
    found = {_title(recording, it): _shown(it) for it in resources if it.kind != "pulumi:pulumi:Stack"}
    return yaml.safe_dump(found, sort_keys=True, width=120, allow_unicode=True)


def _title(recording: Recording, resource: Recorded) -> str:
    parent = recording.resources.get(resource.parent)
    inside = "" if parent is None or parent.kind == "pulumi:pulumi:Stack" else f" in {parent.name}"
    return f"{resource.kind} {resource.name}{inside}"


def _shown(resource: Recorded) -> dict[str, Any]:
    shown: dict[str, Any] = {key: _plain(value) for key, value in resource.inputs.items()}
    return shown | ({"(protected)": True} if resource.protect else {})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, pulumi.AssetArchive):
        return sorted(cast("dict[str, Any]", value.assets))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.startswith(("{", "[")):
        return {"(JSON)": json.loads(value)}
    return value


def main() -> int:
    """Write every snapshot."""
    FOLDER.mkdir(exist_ok=True)
    for name in ENVIRONMENTS:
        (FOLDER / f"{name}.yaml").write_text(text(record(Stack.read(PROGRAM, name))))
        print((FOLDER / f"{name}.yaml").relative_to(PROGRAM))
    return 0


if __name__ == "__main__":
    sys.exit(main())
