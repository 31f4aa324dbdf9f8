"""An exported Pulumi stack (`pulumi stack export`): its resources as they are, with the provider's outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from .declared import Converted, Declared, NotKnown, mapping, objects

FORM: Final = "an exported Pulumi stack"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - Pulumi's mark of a secret value


def recognised(content: Mapping[str, Any]) -> bool:
    """Whether this is an exported stack."""
    return "deployment" in content and "version" in content


def converted(content: Mapping[str, Any]) -> Converted:
    """The resources of an exported stack."""
    made = Converted(FORM)
    encrypted: list[str] = []
    if not isinstance(content.get("deployment"), dict):
        raise TypeError("deployment is not an object")
    for number, it in enumerate(objects(content["deployment"].get("resources"), "deployment.resources")):
        for part in ("type", "urn"):
            if not isinstance(it.get(part), str):
                raise TypeError(f"deployment.resources[{number}].{part} is {it.get(part)!r}; a text is expected")
        kind = str(it["type"])
        # Another of these resources replaces one that is about to be deleted.
        if it.get("delete") or kind.startswith("pulumi:"):
            continue
        urn = str(it["urn"])
        inputs, outputs = (_plain(it.get(part) or {}, urn, encrypted) for part in ("inputs", "outputs"))
        if not (isinstance(inputs, dict) and isinstance(outputs, dict)):
            raise TypeError(f"inputs or outputs of {urn} are not an object")
        given = {**outputs, **({"id": it["id"]} if it.get("id") else {})}
        computed = mapping(it.get("propertyDependencies"))
        origins = {prop: tuple(str(one) for one in urns) for prop, urns in computed.items() if isinstance(urns, list)}
        made.resources.append(Declared(kind, urn.rpartition("::")[2], inputs, given, origins, urn))
    for urn in sorted(set(encrypted)):
        made.left[urn.rpartition("::")[2]] = (
            f"values of {urn} are encrypted: export with `pulumi stack export --show-secrets`, where that file may be"
        )
    return made


def _plain(value: Any, urn: str, encrypted: list[str]) -> Any:
    if isinstance(value, list):
        return [_plain(it, urn, encrypted) for it in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    given = cast("dict[str, Any]", value)
    if given.get(_SIGNATURE) == _SECRET:
        if isinstance(given.get("plaintext"), str):
            return _text(given["plaintext"])
        encrypted.append(urn)
        return NotKnown("an encrypted value")
    return {key: _plain(it, urn, encrypted) for key, it in given.items() if key != "__defaults"}


def _text(plaintext: str) -> Any:
    try:
        return json.loads(plaintext)
    except json.JSONDecodeError:
        return plaintext
