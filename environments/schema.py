"""The config's model as a JSON schema, which gives editors completion and checks in the Pulumi.*.yaml files.

`python -m fargate_job_launcher.environments.schema` writes it beside this file; `make schema` does the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from .model import StackConfig

NAMESPACE: Final = "fargate-job-launcher"
"""The project's name in Pulumi.yaml, with which each of its own keys begins."""

ENCRYPTED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["secure"],
    "properties": {"secure": {"type": "string"}},
    "additionalProperties": False,
}
"""A value as `pulumi config set --secret` writes it to the file."""


def schema() -> dict[str, Any]:
    """The schema of a whole Pulumi.STACK.yaml. Keys of other namespaces, the CLI's own included, are not checked,
    except those of `aws`, of which the program reads only a few."""
    model = StackConfig.model_json_schema(by_alias=True)
    keys = {key if ":" in key else f"{NAMESPACE}:{key}": _tidy(it) for key, it in model["properties"].items()}
    values = keys[f"{NAMESPACE}:secretValues"]
    values["anyOf"] = [ENCRYPTED, {"type": "object", "additionalProperties": ENCRYPTED}]
    del values["type"], values["additionalProperties"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A stack of {NAMESPACE}",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "required": [key if ":" in key else f"{NAMESPACE}:{key}" for key in model["required"]],
                "patternProperties": {f"^(?!({NAMESPACE}|aws):)": {}},
                "additionalProperties": False,
            }
        },
        "definitions": {name: _tidy(it) for name, it in model["$defs"].items()},
    }


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, sort_keys=True).replace("#/$defs/", "#/definitions/") + "\n"


def _tidy(value: Any) -> Any:
    """Without parts that only say that a field is optional, and without titles that repeat the key."""
    if isinstance(value, list):
        return [_tidy(it) for it in value]
    if not isinstance(value, dict):
        return value
    tidy: dict[str, Any] = {
        key: {name: _tidy(inner) for name, inner in it.items()} if key == "properties" else _tidy(it)
        for key, it in value.items()
        if not (key == "title" and isinstance(it, str)) and not (key == "default" and it in (None, {}, []))
    }
    if "anyOf" in tidy:
        one = [it for it in tidy["anyOf"] if it != {"type": "null"}]
        if len(one) == 1:
            return {**one[0], **{key: it for key, it in tidy.items() if key != "anyOf"}}
    return tidy


FILE: Final = "stack-config.schema.json"


def main() -> int:
    """Write the file into the folder of this module's source."""
    path = Path(__file__).resolve().parent / FILE
    path.write_text(text(), encoding="utf-8")
    print(f"{path.name}: {len(schema()['properties']['config']['properties'])} keys")
    return 0


if __name__ == "__main__":
    sys.exit(main())
