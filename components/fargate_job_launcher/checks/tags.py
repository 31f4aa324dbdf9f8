"""What is wrong with tags of resources. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fargate_job_launcher.handler import fargate

LAUNCHER_TAGS: Final = 2
"""Of a launcher's function, besides the job's: its job, and its stack."""


def tag_problems(tags: Mapping[str, Any], *, most: int) -> list[str]:
    """What is wrong with tags of resources: `tags.KEY: what`.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    problems = list[str]()
    if len(tags) > most:
        problems.append(f"tags: {len(tags)} tags; there is room for {most}, AWS takes {fargate.TAGS} and some are ours")
    for key, value in tags.items():
        if not is_tag_key(key):
            problems.append(f"tags.{key}: is no key of a tag of your own")
        elif isinstance(value, str) and not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            problems.append(
                f"tags.{key}: {value!r} is no value of a tag: up to 256 letters, digits, spaces and . : / = + - @ _"
            )
    return problems


def is_tag_key(key: str) -> bool:
    """Whether AWS takes this as the key of a tag of one's own."""
    return re.fullmatch(r"[\w .:/=+@-]{1,128}", key) is not None and not key.lower().startswith("aws:")
