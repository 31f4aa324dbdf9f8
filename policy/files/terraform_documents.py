"""The JSON that Terraform's AWS provider makes of an aws_iam_policy_document: of its statements, and of the documents
that it includes. https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from .declared import NOT_KNOWN, NotKnown, listed, mapping, reasons

_ELEMENTS: Final = {
    "sid": "Sid",
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}


class Text(str):
    """A document as text, with the document: parts of it may be NOT_KNOWN."""

    __slots__ = ("document",)
    document: Any

    @classmethod
    def of(cls, document: Any) -> Text:
        """The text of a document."""
        made = cls(json.dumps(document, default=str))
        made.document = document
        return made


def text_of(values: Mapping[str, Any]) -> Text:
    """The text of an aws_iam_policy_document. A statement replaces one with its Sid in a document that is included; one
    in a document that overrides replaces that one."""
    statements: list[Any] = []
    for it in (
        *_included(values, "source_policy_documents"),
        *_own(values.get("statement")),
        *_included(values, "override_policy_documents"),
    ):
        sid = mapping(it).get("Sid")
        same = [number for number, one in enumerate(statements) if sid and mapping(one).get("Sid") == sid]
        if same and sid != NOT_KNOWN:
            statements[same[0]] = it
        else:
            statements.append(it)
    return Text.of({"Version": values.get("version") or "2012-10-17", "Statement": statements})


def _included(values: Mapping[str, Any], prop: str) -> Iterator[Any]:
    for number, it in enumerate(listed(values.get(prop))):
        document = it.document if isinstance(it, Text) else _loaded(it)
        if isinstance(document, dict):
            given = cast("dict[str, Any]", document)
            yield from listed(next((one for key, one in given.items() if key.lower() == "statement"), None))
        elif it:
            yield NotKnown(*reasons(it), f"{prop}[{number}]")


def _loaded(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _own(given: Any) -> Iterator[Any]:
    for raw in listed(given):
        if not isinstance(raw, dict):
            yield NotKnown(*reasons(raw), "statement")
            continue
        it = cast("dict[str, Any]", raw)
        made: dict[str, Any] = {"Effect": it.get("effect") or "Allow"}
        for prop, element in _ELEMENTS.items():
            if it.get(prop):
                made[element] = it[prop]
        for prop, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
            for one in map(mapping, listed(it.get(prop))):
                of_kind = made.setdefault(element, {}).setdefault(str(one.get("type")), [])
                of_kind.extend(listed(one.get("identifiers")))
        for one in map(mapping, listed(it.get("condition"))):
            keys = made.setdefault("Condition", {}).setdefault(str(one.get("test")), {})
            keys[str(one.get("variable"))] = one.get("values")
        yield made
