"""An input of a Pulumi resource in the spelling of AWS's own model: `sizeInGib` → `sizeInGiB`, `roleArn` → `RoleArn`.

Both use the same words and differ in their capitals, so the model of the request gives the spelling. A key that the
model does not have is an error: otherwise it would be dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import botocore.session
from botocore.model import ListShape, MapShape, StructureShape

from ...aws.constraints import Shape


class UnknownInput(Exception):
    """AWS's model does not have this key. The message lists the keys that it has."""


def spelt(service: str, shape: str, value: Any) -> Any:
    """A value in the spelling of AWS's model of this shape, with whole numbers as integers. Raises UnknownInput."""
    return _spelt(_model(service).shape_for(shape), value, shape)


@cache
def _model(service: str) -> Any:
    return cast("Any", botocore.session.get_session()).get_service_model(service)


def _spelt(shape: Shape, value: Any, path: str) -> Any:
    kind: Any = shape
    if value is None:
        return None
    if isinstance(kind, StructureShape) and isinstance(value, Mapping):
        members: dict[str, str] = {it.lower(): it for it in shape.members}
        found: dict[str, Any] = {}
        for key, inner in cast("Mapping[str, Any]", value).items():
            name = members.get(key.lower())
            if name is None:
                raise UnknownInput(f"{path}.{key}: unknown; AWS knows {', '.join(shape.members)}")
            if inner is not None:
                found[name] = _spelt(shape.members[name], inner, f"{path}.{key}")
        return found
    if isinstance(kind, ListShape) and isinstance(value, list):
        return [_spelt(shape.member, it, f"{path}[{at}]") for at, it in enumerate(cast("list[Any]", value))]
    if isinstance(kind, MapShape) and isinstance(value, Mapping):
        return {key: _spelt(shape.value, it, f"{path}.{key}") for key, it in cast("Mapping[str, Any]", value).items()}
    whole = shape.type_name in ("integer", "long") and isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


def pascal(camel: str) -> str:
    """`roleArn` → `RoleArn`, for names that differ only in the first letter."""
    return camel[0].upper() + camel[1:]
