"""A Terraform plan or state (`terraform show -json`): its resources with the values that the plan knows, and made-up
ARNs in place of those that AWS has not assigned yet, so that resources that name each other are joined.

A text that Terraform computes from such an ARN (`jsonencode`) is not in a plan: it is said by name. The statements of
an aws_iam_policy_document are, and become its document. The plan lists what an expression names, not its text, so that
`"${aws_s3_bucket.a.arn}/*"` is read as the bucket's ARN. https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .arns import assigned
from .declared import NOT_KNOWN, Converted, Declared, camel, has_unknown, listed, mapping, split, urn
from .terraform_names import kind, properties
from .terraform_references import References

PLAN: Final = "a Terraform plan"
STATE: Final = "a Terraform state"
_DOCUMENTS: Final = {
    **{f"aws_iam_{it}policy": "policy" for it in ("", "role_", "user_", "group_")},
    **dict.fromkeys(("aws_sqs_queue_policy", "aws_ecr_repository_policy"), "policy"),
    "aws_iam_role": "assume_role_policy",
}
"""Type → the property with a policy document as text."""
_DOCUMENT: Final = "aws_iam_policy_document"


def recognised(content: Mapping[str, Any]) -> bool:
    """Whether this is what `terraform show -json` or `tofu show -json` prints."""
    return "format_version" in content and ("planned_values" in content or "values" in content)


@dataclass
class _One:
    """A resource of the plan."""

    address: str
    type: str
    values: dict[str, Any]
    unknown: Any = field(default_factory=dict[str, Any])
    """What is not known, in the form of the values: true, or an object or list with true inside."""


def converted(content: Mapping[str, Any]) -> Converted:
    """The resources of a plan or a state."""
    planned = "planned_values" in content
    made = Converted(PLAN if planned else STATE)
    values = mapping(content.get("planned_values") if planned else content.get("values"))
    after = {str(it.get("address")): mapping(it.get("change")) for it in content.get("resource_changes") or []}
    ones = {
        address: _One(
            address, str(it.get("type")), dict(it.get("values") or {}), after.get(address, {}).get("after_unknown")
        )
        for address, it in _resources(mapping(values.get("root_module")))
        if it.get("mode", "managed") == "managed"
    }
    documents = {
        address: _One(address, _DOCUMENT, dict(change.get("after") or {}), change.get("after_unknown"))
        for address, change in after.items()
        if f"data.{_DOCUMENT}." in address
    }
    outputs = {it.address: _outputs(it) for it in ones.values()}
    references = References(mapping(content.get("configuration")), outputs)
    for it in documents.values():
        references.fill(it.address, it.values, it.unknown)
        outputs[it.address] = {"json": _document(it.values)}
    for it in ones.values():
        references.fill(it.address, it.values, it.unknown)
        made.resources += _declared(it, outputs[it.address], references, ones, made.left)
    return made


def _resources(module: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for it in module.get("resources") or []:
        yield str(it.get("address")), it
    for child in module.get("child_modules") or []:
        yield from _resources(child)


def _outputs(it: _One) -> dict[str, Any]:
    """What AWS assigns: as the plan has it, or made up from the name."""
    own = it.values.get("name") or it.values.get("family") or it.values.get("function_name")
    name = own if isinstance(own, str) else it.address.rpartition(".")[2].replace('"', "").replace("[", "-").strip("]")
    return {**assigned(kind(it.type), name), **{key: value for key, value in it.values.items() if value is not None}}


def _declared(
    it: _One, outputs: dict[str, Any], references: References, ones: Mapping[str, _One], left: dict[str, str]
) -> Iterator[Declared]:
    if not it.type.startswith("aws_"):
        if it.type.startswith(("awscc_", "cloudcontrol")) or it.type in ("kubernetes_manifest",):
            left[it.address] = f"{it.type} is not of the AWS provider: its properties are not converted"
        return
    unknown = sorted(key for key, value in it.values.items() if value == NOT_KNOWN)
    text = _DOCUMENTS.get(it.type)
    if text in unknown:
        left[it.address] = (
            f"{text} is computed from what AWS assigns, so the plan does not have its text: write it with "
            "aws_iam_policy_document, or audit the plan again once what it names exists"
        )
    given = properties(it.type, it.values)
    origins = {
        camel(prop): tuple(urn(kind(ones[one].type), one) for one in named if one in ones)
        for prop, named in references.named(it.address).items()
    }
    added = {camel(key): value for key, value in outputs.items() if key in ("arn", "name", "id", "url", "invoke_arn")}
    document = given.get(camel(text)) if text else None
    if text == "policy" and isinstance(document, str) and NOT_KNOWN in document and document != NOT_KNOWN:
        for suffix, part in split(json.loads(document)):
            policy: Any = NOT_KNOWN if has_unknown(part) else json.dumps(part)
            yield Declared(kind(it.type), it.address + suffix, {**given, "policy": policy}, added, origins)
        return
    if isinstance(document, str) and NOT_KNOWN in document:
        given[camel(text or "")] = NOT_KNOWN
    yield Declared(kind(it.type), it.address, given, added, origins)


def _document(values: Mapping[str, Any]) -> str:
    """The JSON that the provider makes of the statements of an aws_iam_policy_document."""
    if values.get("source_policy_documents") or values.get("override_policy_documents"):
        return NOT_KNOWN
    statements: list[Any] = []
    for raw in listed(values.get("statement")):
        it = mapping(raw)
        made: dict[str, Any] = {"Effect": it.get("effect") or "Allow"}
        for prop, element in _ELEMENTS.items():
            if it.get(prop):
                made[element] = it[prop]
        for prop, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
            for one in listed(it.get(prop)):
                made.setdefault(element, {}).setdefault(one.get("type"), []).extend(listed(one.get("identifiers")))
        for one in listed(it.get("condition")):
            keys = made.setdefault("Condition", {}).setdefault(one.get("test"), {})
            keys[one.get("variable")] = one.get("values")
        statements.append(made)
    if any(not isinstance(it, dict) for it in cast("list[Any]", values.get("statement") or [])):
        return NOT_KNOWN
    return json.dumps({"Version": values.get("version") or "2012-10-17", "Statement": statements})


_ELEMENTS: Final = {
    "sid": "Sid",
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
}
