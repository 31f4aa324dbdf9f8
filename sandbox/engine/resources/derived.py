"""Creates the resource types of table.py: puts their inputs into the request of one operation.

The AWS provider names its inputs after the operation's parameters, in camel case. The service model, as botocore ships
it, gives their spelling and types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from ...aws.server import Emulator
from .creator import Inputs, Made, State, Unsupported, creates, specification
from .table import DERIVED, Derived

# botocore computes its models' attributes at run time, where no type checker sees them.
Shape = Any


def _creator(kind: str, derived: Derived) -> Callable[[Emulator, Inputs], Made]:
    service, _, operation = derived.operation.partition(".")

    def create(aws: Emulator, inputs: Inputs) -> Made:
        client = aws.client(service)
        shape: Shape = client.meta.service_model.operation_model(operation).input_shape
        request: State = dict(derived.fixed)
        if derived.named:
            request[_member(shape, derived, derived.named, kind)] = inputs.physical_name(
                derived.named, longest=derived.longest
            )
        for key in derived.without:
            inputs.take(key)
        tags = inputs.tags()
        if tags and derived.tags:
            request["TagSpecifications"] = specification(derived.tags, tags)
        elif tags and (member := next((it for it in shape.members if it.lower() == "tags"), "")):
            request[member] = _tags(shape.members[member], tags)
        for key, value in inputs.rest().items():
            request |= _put(shape, _member(shape, derived, key, kind), value, kind, derived.inside)
        answer = getattr(client, _python(client, operation))(**request)
        known = {"region": aws.region, "account": aws.account}
        identifier = str(_at(derived.id, request, answer))
        known["id"] = identifier.removeprefix("/")
        outputs = {
            key: path.format(**known) if "{" in path else _at(path, request, answer)
            for key, path in derived.outputs.items()
        }
        return Made(identifier, outputs)

    return create


def _python(client: Any, operation: str) -> str:
    mapping: dict[str, str] = client.meta.method_to_api_mapping
    return next(name for name, api in mapping.items() if api == operation)


def _member(shape: Shape, derived: Derived, key: str, kind: str) -> str:
    wanted = derived.renamed.get(key, key)
    first, _, rest = wanted.partition(".")
    lower = {it.lower(): it for it in shape.members}
    found = lower.get(first.lower()) or lower.get(f"{first.lower()}name")
    if found is None:
        raise Unsupported(f"{kind}: the sandbox does not know its input {key}")
    return f"{found}.{rest}" if rest else found


def _put(shape: Shape, path: str, value: Any, kind: str, inside: Mapping[str, str]) -> State:
    first, _, rest = path.partition(".")
    inner = shape.members[first]
    return {first: _put(inner, rest, value, kind, inside) if rest else _value(inner, value, kind, inside)}


def _value(shape: Shape, value: Any, kind: str, inside: Mapping[str, str]) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        made: State = {}
        for key, inner in cast("Mapping[str, Any]", value).items():
            if inner is not None:
                # Pulumi names a repeated block in the plural.
                name = inside.get(key, key).lower()
                names = (name, name.removesuffix("s"), f"{name}s")
                member = next((it for it in shape.members if it.lower() in names), None)
                if member is None:
                    raise Unsupported(f"{kind}: the sandbox does not know its input {key}")
                made[member] = _value(shape.members[member], inner, kind, inside)
        return made
    if shape.type_name == "list":
        return [_value(shape.member, it, kind, inside) for it in (value if isinstance(value, list) else [value])]
    if shape.type_name == "map":
        return {key: _value(shape.value, it, kind, inside) for key, it in value.items()}
    if shape.type_name in ("integer", "long") and isinstance(value, int | float | str):
        return int(value)
    if shape.type_name in ("double", "float") and isinstance(value, str):
        return float(value)
    if shape.type_name == "string" and isinstance(value, float):
        return str(int(value))  # Pulumi sends numbers as floats
    return value


def _tags(shape: Shape, tags: Mapping[str, str]) -> Any:
    if shape.type_name == "map":
        return dict(tags)
    key, value = shape.member.members
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def _at(path: str, request: State, answer: State) -> Any:
    found: Any = request if path.startswith("=") else answer
    for key in path.removeprefix("=").split("."):
        found = found[key]
    return found


for _kind, _derived in DERIVED.items():
    creates(_kind)(_creator(_kind, _derived))
