"""aws.iam.get_policy_document: a policy of IAM from its parts, as the AWS provider writes it. Pure.

https://www.pulumi.com/registry/packages/aws/api-docs/iam/getpolicydocument/
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

Given = Mapping[str, Any]

VERSION: Final = "2012-10-17"


class NoDocument(Exception):
    """Parts that make no policy, and why."""


def policy_document(given: Given) -> dict[str, Any]:
    """The data source's answer: `json`, `minifiedJson` and `id`. Raises NoDocument."""
    statements: list[dict[str, Any]] = []
    for text in given.get("sourcePolicyDocuments") or []:
        for it in _statements(text):
            if it.get("Sid") and it["Sid"] in (one.get("Sid") for one in statements):
                raise NoDocument(f"duplicate Sid ({it['Sid']}) in sourcePolicyDocuments")
            statements.append(it)
    _override(statements, [_statement(it) for it in given.get("statements") or []])
    for text in given.get("overridePolicyDocuments") or []:
        _override(statements, _statements(text))
    named = {"Id": given["policyId"]} if given.get("policyId") else {}
    document = {"Version": given.get("version") or VERSION, **named, "Statement": statements}
    text = json.dumps(document, indent=2)
    return {
        **given,
        "json": text,
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "id": str(zlib.crc32(text.encode())),
    }


def _override(statements: list[dict[str, Any]], by: Sequence[dict[str, Any]]) -> None:
    """Statements in the place of those with the same Sid, or after all of them."""
    for it in by:
        at = next((n for n, one in enumerate(statements) if it.get("Sid") and one.get("Sid") == it["Sid"]), None)
        if at is None:
            statements.append(it)
        else:
            statements[at] = it


def _statements(text: str) -> list[dict[str, Any]]:
    try:
        found: Any = json.loads(text)["Statement"]
    except (ValueError, TypeError, KeyError):
        raise NoDocument("a policy document is not the JSON of a policy with a Statement") from None
    return found if isinstance(found, list) else [found]


def _statement(given: Given) -> dict[str, Any]:
    made: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    made["Effect"] = given.get("effect") or "Allow"
    for key in ("actions", "notActions", "resources", "notResources"):
        if given.get(key):
            made[f"{key[0].upper()}{key[1:-1]}"] = _one_or_all([_variables(it) for it in given[key]])
    for key in ("principals", "notPrincipals"):
        if given.get(key):
            made[f"{key[0].upper()}{key[1:-1]}"] = _principal(given[key])
    conditions: dict[str, dict[str, Any]] = {}
    for it in given.get("conditions") or []:
        values = [_variables(value) for value in it["values"]]
        conditions.setdefault(it["test"], {})[it["variable"]] = _one_or_all(values)
    return {**made, **({"Condition": conditions} if conditions else {})}


def _principal(given: Sequence[Given]) -> Any:
    identifiers: dict[str, list[str]] = {}
    for it in given:
        identifiers.setdefault(it["type"], []).extend(_variables(one) for one in it["identifiers"])
    return "*" if identifiers == {"*": ["*"]} else {kind: _one_or_all(some) for kind, some in identifiers.items()}


def _one_or_all(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values


def _variables(text: str) -> str:
    """IAM's own `${…}`, which is written as `&{…}` so that no template takes it for its own."""
    return text.replace("&{", "${")
