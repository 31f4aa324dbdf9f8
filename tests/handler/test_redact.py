"""What a caller sent does not come back in an error, whole, in part, or in another notation."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from fargate_job_launcher.handler.redact import RUN, redacted, redacted_text, values_of
from fargate_job_launcher.handler.result import rejection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tools.ecs_endpoint import ecs_endpoint
from tools.launching import SETTINGS, Launching, asked


def test_a_callers_values_are_removed_from_the_errors_of_aws() -> None:
    for event in (
        {"environment": {"SOURCE": "hunter2-hunter2"}, "command": ["run"]},
        {"command": ["run", "--token=hunter2-hunter2"]},
        {"tags": {"customer": "hunter2-hunter2"}},
        {"payload": {"a": [1, {"b": "hunter2-hunter2"}]}},
    ):
        request = asked(event)
        with ecs_endpoint(lambda _: "invalid") as endpoint:
            result = redacted(Launching(endpoint.client()).launch(event), request)
        assert [it["detail"] for it in result["failures"]] == ["Invalid subnet; given the value ***."], event
    quoted = asked({"environment": {"SOURCE": 'a"b\n€'}})
    failure: Any = {"reason": "X", "detail": r"given a\"b\n\u20ac", "retryable": False}
    shown = redacted({**rejection(SETTINGS, []), "failures": [failure]}, quoted)
    assert shown["failures"][0]["detail"] == "given ***"


def in_base64(value: str, before: int) -> str:
    """The characters of a longer text's Base64 that depend on this value alone."""
    raw = value.encode()
    encoded = base64.b64encode(b"~" * before + raw + b"~~~~").decode()
    return encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


NOTATIONS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda it: json.dumps(it)[1:-1],
    "in JSON as UTF-8": lambda it: json.dumps(it, ensure_ascii=False)[1:-1],
    "in an address": lambda it: quote(it, safe=""),
    "in a form": quote_plus,
    "in HTML": html.escape,
    "in Base64": lambda it: in_base64(it, 0),
    "in Base64, a byte later": lambda it: in_base64(it, 1),
    "in Base64, two bytes later": lambda it: in_base64(it, 2),
    "in Base64 of addresses": lambda it: in_base64(it, 1).replace("+", "-").replace("/", "_"),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=8, max_size=40),
    data=st.data(),
)
@hypothesis_settings(max_examples=60)
def test_no_part_of_a_value_remains_in_any_notation(notation: str, value: str, data: st.DataObject) -> None:
    written = NOTATIONS[notation](value)
    start = data.draw(st.integers(0, len(written) - RUN))
    part = written[start : data.draw(st.integers(start + RUN, len(written)))]
    # What is around the parts has no character of a value: it could be a part of one by chance.
    assert redacted_text(f"[[{part}]] [[{part}", {value, "other"}) == "[[***]] [[***"


def test_what_the_job_is_called_remains_in_an_error_and_a_short_value_goes_where_it_is_whole() -> None:
    arn = f"{SETTINGS.task_definition.rpartition(':')[0]}:99"
    request = asked({"environment": {"SOURCE": arn}, "tags": {"customer": "Lee1"}})
    detail = f"not authorized on resource: {SETTINGS.task_definition}; Lee12; {arn}"
    failure: Any = {"reason": "X", "detail": detail, "retryable": False}
    shown = redacted({**rejection(SETTINGS, []), "failures": [failure]}, request)
    said = f"not authorized on resource: {SETTINGS.task_definition}; ***2; ***"
    assert shown["failures"][0]["detail"] == said


def test_the_largest_values_are_removed_from_a_long_text() -> None:
    payload = [f"row {number:05}" for number in range(500)]
    values = values_of(asked({"payload": payload, "command": ["x" * 1000], "environment": {"SOURCE": "secret word"}}))
    shown = redacted_text("\n".join(["the secret wor", '"row 00007","row 00008"', "a line of the job" * 500]), values)
    assert shown.startswith("the ***\n***\na line of the job")
