"""The values that a program and its monitor exchange, in the SDK's encoding."""

from __future__ import annotations

from typing import Any, cast

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc


def reference(urn: str, identifier: str) -> dict[str, str]:
    """A resource as a component of another package returns it; the SDK turns it into the resource again."""
    return {rpc._special_sig_key: rpc._special_resource_sig, "urn": urn, "id": identifier, "packageVersion": ""}  # pyright: ignore[reportPrivateUsage]


def received(properties: Struct, *, keep_unknowns: bool = False) -> dict[str, Any]:
    """Properties that a program sent or received, as Python values. A resource becomes its id, or its URN without one.

    The SDK would create the resource object again and call the monitor for it. A monitor answers on its own thread,
    whose event loop is not running, so the program would wait for that call for ever.
    """
    copy = Struct()
    copy.CopyFrom(properties)
    _replace_references(copy)
    return rpc.deserialize_properties(copy, keep_unknowns=keep_unknowns)


def _replace_references(properties: Struct) -> None:
    remaining = list(properties.fields.values())
    while remaining:
        value = remaining.pop()
        if value.HasField("list_value"):
            remaining += value.list_value.values
        elif value.HasField("struct_value"):
            fields = value.struct_value.fields
            text = {key: it.string_value for key, it in fields.items() if it.HasField("string_value")}
            if text.get(rpc._special_sig_key) == rpc._special_resource_sig:  # pyright: ignore[reportPrivateUsage]
                value.string_value = text.get("id") or text["urn"]
            else:
                remaining += fields.values()


def plain(value: Any) -> Any:
    """The value without the wrapper that marks it as secret."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(inner) for inner in cast("list[Any]", value)]
    return value
