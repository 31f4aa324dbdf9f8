"""The components' schema, kept for review in components/plugin. `make plugin-schema` writes it; a test checks it."""

from __future__ import annotations

import json
from typing import Any, Final

from fargate_job_launcher.provider import Provider

from tools.recording import PROGRAM

SCHEMA: Final = PROGRAM / "components" / "plugin" / "schema.json"


def computed() -> dict[str, Any]:
    """The schema that Pulumi's engine gets."""
    schema = Provider().schema
    assert schema is not None
    return json.loads(schema)


def written(schema: dict[str, Any]) -> str:
    """The text of the file: a line for each value, so that a review shows what changed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(written(computed()))
