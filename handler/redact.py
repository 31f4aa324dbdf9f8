"""Removes a caller's values from texts that others write: AWS's errors, and the lines of a job's log in a notice.

Such a text may have a value whole, in another notation (escaped for JSON or HTML, encoded for an address or in Base64),
or only a part of it, because AWS cuts what is long. So every run of RUN characters or more that a value has too is
removed, besides short values that are there whole.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus

from .request import LaunchRequest
from .result import LaunchResult

SHORTEST: Final = 4
"""The fewest characters of a value that is removed: shorter ones also occur in AWS's own words."""
RUN: Final = 6
"""The fewest characters of a part of a value that is removed."""
REMOVED: Final = "***"


def redacted(result: LaunchResult, request: LaunchRequest) -> LaunchResult:
    """The result without the values of the caller's command, environment, tags and payload in the failures' details.
    What the job itself is called remains: an error that names its role or its task definition stays readable."""
    if not result["failures"]:
        return result
    values = values_of(request)
    own = "\n".join((result["taskDefinition"], request.task_role, result["startedBy"]))
    for failure in result["failures"]:
        failure["detail"] = redacted_text(failure["detail"], values, own=own)
    return result


def values_of(request: LaunchRequest) -> set[str]:
    """Every value that the caller gave for a launch, whole, and the texts inside it. A payload that is stored in S3 is
    left out, because no call to ECS has it, except for a launch at a later time: the schedule has it."""
    values = set(request.tags.values())
    for container in request.overrides.get("containerOverrides", []):
        for word in container.get("command", []):
            values |= {word, *re.split(r"[\s=,;]+", word)}
        for variable in container.get("environment", []):
            values.add(variable["value"])
            if variable["name"] == "JOB_PAYLOAD":
                values |= set(texts_of(json.loads(variable["value"])))
    if request.at is not None and request.stored_payload is not None:
        values |= set(texts_of(json.loads(request.stored_payload[1])))
    return values


def redacted_text(text: str, values: Collection[str], *, own: str = "") -> str:
    """The text with REMOVED in place of each part that one of the values has too, in any of its notations. Parts that
    `own` has too remain, unless a value is there whole."""
    hidden = bytearray(len(text))
    runs: dict[str, list[int]] = {}
    for at in range(len(text) - RUN + 1):
        runs.setdefault(text[at : at + RUN], []).append(at)
    kept = {own[at : at + RUN] for at in range(len(own) - RUN + 1)}
    for form in {form for value in values if len(value) >= SHORTEST for form in _forms(value)}:
        if len(form) < SHORTEST:
            continue
        at = text.find(form)
        while at >= 0:
            hidden[at : at + len(form)] = b"x" * len(form)
            at = text.find(form, at + 1)
        for start in range(len(form) - RUN + 1):
            run = form[start : start + RUN]
            if run in runs and run not in kept:
                for at in runs[run]:
                    hidden[at : at + RUN] = b"x" * RUN
    parts = re.finditer(rb"x+|[^x]+", bytes(hidden))
    return "".join(REMOVED if it[0][0] else text[it.start() : it.end()] for it in parts)


def _forms(value: str) -> Iterator[str]:
    """A value in each notation in which others may repeat it."""
    yield value
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    yield html.escape(value)
    # A lone half of a surrogate pair has no bytes of its own.
    yield quote(value, safe="", errors="replace")
    yield quote_plus(value, safe="", errors="replace")
    raw = value.encode(errors="replace")
    for before, first in ((0, 0), (1, 2), (2, 3)):
        # Within a longer text, the value begins at the first, the second or the third of three bytes that are written
        # as four characters; only the characters that depend on nothing beside it are compared.
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        whole = encoded[first : (before + len(raw)) * 8 // 6]
        yield whole
        yield whole.translate(_URL_SAFE)


_URL_SAFE: Final = str.maketrans("+/", "-_")


def texts_of(payload: Any) -> list[str]:
    """Every string in a payload or a launch event, without the names of its members."""
    found, remaining = list[str](), [payload]
    while remaining:
        it = remaining.pop()
        if isinstance(it, str):
            found.append(it)
        elif isinstance(it, dict | list):
            remaining += it.values() if isinstance(it, dict) else it
    return found
