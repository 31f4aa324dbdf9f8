"""Problems with tags of resources. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher.handler import fargate

LAUNCHER_TAGS: Final = 2
"""Tags of a launcher's function besides the job's own: its job and its stack."""


def tag_problems(tags: Mapping[str, Any], *, most: int) -> list[str]:
    """Problems with tags of resources: `tags.KEY: what`.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    problems = list[str]()
    if len(tags) > most:
        problems.append(f"tags: {len(tags)} tags; at most {most} fit: AWS accepts {fargate.TAGS}, and some are ours")
    for key, value in tags.items():
        if not is_tag_key(key):
            problems.append(f"tags.{key}: {tag_key_problem(key)}")
        elif isinstance(value, str) and not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            problems.append(
                f"tags.{key}: {value!r} is not a tag's value: up to 256 letters, digits, spaces and . : / = + - @ _"
            )
    return problems


def tag_key_problem(key: str) -> str:
    """Why AWS does not accept this as the key of a user's tag."""
    if key.lower().startswith("aws:"):
        return f"{key!r} is not a valid key for your own tag: AWS keeps the prefix aws: for itself; leave it out"
    allowed = "1 to 128 letters, digits, spaces and . : / = + - @ _"
    return f"{key!r} is not a valid key for your own tag; a key has {allowed}"


def is_tag_key(key: str) -> bool:
    """Whether AWS accepts this as the key of a user's tag."""
    return re.fullmatch(r"[\w .:/=+@-]{1,128}", key) is not None and not key.lower().startswith("aws:")
