"""Writes a refusal as an HTTP answer, in the protocol of the service that refuses.

https://smithy.io/2.0/aws/protocols/index.html
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape

import botocore.session

from .row import Refused

ROW_HEADER: Final = "x-sandbox-row"
"""The header with the id of the row that refuses. AWS has no such header; it shows which row the sandbox applied."""

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]
"""Status, headers and body."""


def answer(refused: Refused) -> Answer:
    """The answer that a client of the refusing service gets."""
    row = refused.row
    protocol, was_query = _protocol(row.service)
    more: dict[str, str] = {ROW_HEADER: row.id}
    if protocol in ("json", "rest-json"):
        kind = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
        body = json.dumps({"__type": row.code, "message": refused.message, **refused.members})
        if protocol == "rest-json":
            more["x-amzn-errortype"] = row.code
        if was_query:
            # https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
            more["x-amzn-query-error"] = f"{row.code};Sender"
    else:
        kind = "text/xml"
        error = f"<Code>{escape(row.code)}</Code><Message>{escape(refused.message)}</Message>"
        body = {
            "rest-xml": f"<Error>{error}</Error>",
            "ec2": f"<Response><Errors><Error>{error}</Error></Errors><RequestID>0</RequestID></Response>",
            "query": f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>",
        }[protocol]
    sent = body.encode()
    more |= {"content-type": kind, "content-length": str(len(sent))}
    return row.status, [(name.encode(), value.encode()) for name, value in more.items()], sent


def answer_of(refused: Refused) -> tuple[int, dict[str, str], bytes]:
    """The same answer in the form that the emulator's handlers return."""
    status, headers, body = answer(refused)
    return status, {name.decode(): value.decode() for name, value in headers}, body


@cache
def _protocol(service: str) -> tuple[str, bool]:
    """The service's protocol, and whether its clients know its errors by the codes of its earlier Query protocol."""
    session: Any = botocore.session.get_session()
    metadata = session.get_service_model(service).metadata
    return metadata["protocol"], "awsQueryCompatible" in metadata
