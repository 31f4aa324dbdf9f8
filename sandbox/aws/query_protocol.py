"""The Query protocol: requests as forms, answers as XML. What the emulator does otherwise than AWS in it, mended.

- CloudWatch, spoken so by older providers and SDKs. The emulator has a reading and an answer of its own for it, which
  leave out much: a described alarm has no period, statistic, dimensions, actions, description. Its JSON is whole; a
  request is read by the service model, asked in JSON, and what comes back is written by the same model.
- A tag, a description, whatever else a caller gives as text: the emulator puts it into XML as it came, and no client
  can read the answer where there is an `&` or a `<` in it.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

import botocore.session

# botocore computes its models' attributes at run time, where no type checker sees them.
Shape = Any
Answer = tuple[int, dict[str, str], bytes]
Handle = Callable[..., Awaitable[Answer]]

TARGET: Final = "GraniteServiceVersion20100801"
NAMESPACE: Final = "http://monitoring.amazonaws.com/doc/2010-08-01/"


ECHOING: Final = ("autoscaling", "ec2", "elasticache", "elasticloadbalancing", "iam", "rds", "ses", "sns", "sts")
"""The services that answer in this protocol out of what they were given. CloudWatch is read and written by this module,
and CloudFormation makes other text of it before it shows any."""


class Given(str):
    """A text that a caller gave: where the emulator puts it into an answer, it is escaped.

    It does so by f-strings, which ask for a text's format. Everywhere else this is the text itself; what was escaped by
    the emulator already (`escape` returns a plain text) is not escaped again.
    """

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """As XML has it."""
        return format(escape(str(self)), spec)


def echoed(handle: Handle) -> Handle:
    """A service of the emulator, whose answers can be read whatever it was given."""

    async def handled(method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any]) -> Answer:
        if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return await handle(method, path, headers, body, query)
        form = parse_qs(body.decode(), keep_blank_values=True)
        # It takes what stands in the address as it takes a form.
        given = {**query, **{key: [Given(it) for it in values] for key, values in form.items()}}
        return await handle(method, path, headers, b"", given)

    return handled


def spoken(handle: Handle) -> Handle:
    """The emulator's CloudWatch, which answers the Query protocol out of what it answers in JSON."""

    async def handled(method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any]) -> Answer:
        given = {key: it[0] if isinstance(it, list) else str(it) for key, it in query.items()}
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        operation = _operations().get(given.get("Action", ""))
        if operation is None:
            return await handle(method, path, headers, body, query)
        request = _read(operation.input_shape, given, "")
        asked = {**headers, "content-type": "application/x-amz-json-1.0", "x-amz-target": f"{TARGET}.{operation.name}"}
        status, _, answer = await handle("POST", path, asked, json.dumps(request).encode(), {})
        return status, {"Content-Type": "text/xml"}, _written(operation, status, json.loads(answer or b"{}"))

    return handled


@cache
def _operations() -> dict[str, Any]:
    session: Any = botocore.session.get_session()
    model = session.get_service_model("cloudwatch")
    return {name: model.operation_model(name) for name in model.operation_names}


def _read(shape: Shape, given: Mapping[str, str], at: str) -> Any:
    """What stands under this name; None where nothing does."""
    if shape.type_name in ("structure", "list"):
        if not any(key.startswith(f"{at}.") for key in given) and at:
            # `Tags=` alone is an empty list.
            return [] if at in given and shape.type_name == "list" else None
        if shape.type_name == "structure":
            found = {name: _read(it, given, f"{at}.{name}" if at else name) for name, it in shape.members.items()}
            return {name: it for name, it in found.items() if it is not None}
        items, number = list[Any](), 1
        while (item := _read(shape.member, given, f"{at}.member.{number}")) is not None:
            items.append(item)
            number += 1
        return items
    text = given.get(at)
    if text is None or shape.type_name in ("string", "timestamp"):
        return text
    if shape.type_name == "boolean":
        return text.lower() == "true"
    return int(text) if shape.type_name in ("integer", "long") else float(text)


def _written(operation: Any, status: int, answer: Mapping[str, Any]) -> bytes:
    if status != 200:
        code = str(answer.get("__type", "")).rpartition("#")[2]
        kind = "Sender" if status < 500 else "Receiver"
        message = answer.get("message") or answer.get("Message") or ""
        said = f"<Type>{kind}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        return f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{said}</Error></ErrorResponse>'.encode()
    name, shape = operation.name, operation.output_shape
    result = f"<{name}Result>{_write(shape, answer)}</{name}Result>" if shape is not None else ""
    more = "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>"
    return f'<{name}Response xmlns="{NAMESPACE}">{result}{more}</{name}Response>'.encode()


def _write(shape: Shape, value: Any) -> str:
    if shape.type_name == "structure":
        # What nobody set is left out, and stands in the emulator's records as None or as an empty text.
        said = {name: value.get(name) for name in shape.members}
        return "".join(
            f"<{it}>{_write(shape.members[it], said[it])}</{it}>" for it in said if said[it] not in (None, "")
        )
    if shape.type_name == "list":
        return "".join(f"<member>{_write(shape.member, it)}</member>" for it in value)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return escape(str(value))
