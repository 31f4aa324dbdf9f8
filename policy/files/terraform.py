"""A Terraform plan or state (`terraform show -json`): its resources with the values that the plan knows, and made-up
ARNs in place of those that AWS has not assigned yet, so that resources that name each other are joined.

A text that Terraform computes from such an ARN (`jsonencode`) is not in a plan: it is said by name. The statements of
an aws_iam_policy_document are, and become its document. The plan lists what an expression names, not its text, so that
`"${aws_s3_bucket.a.arn}/*"` is read as the bucket's ARN. https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .arns import assigned
from .declared import (
    NOT_KNOWN,
    Converted,
    Declared,
    NotKnown,
    camel,
    has_unknown,
    listed,
    mapping,
    objects,
    reasons,
    urn,
)
from .policy_parts import known_part, split
from .terraform_documents import Text, text_of
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
    read: bool = False
    """Whether it is a document that is computed."""


def converted(content: Mapping[str, Any]) -> Converted:
    """The resources of a plan or a state."""
    planned = "planned_values" in content
    made = Converted(PLAN if planned else STATE)
    values = mapping(content.get("planned_values") if planned else content.get("values"))
    changes = objects(content.get("resource_changes"), "resource_changes")
    # An object that a failed replacement left behind is destroyed, and has the address of the one that stays.
    after = {str(it.get("address")): mapping(it.get("change")) for it in changes if not it.get("deposed")}
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
    for key, why in _PARTS.items():
        if content.get(key) not in (None, [], key == "complete"):
            made.left[f"{made.form.removeprefix('a ')}: {key}"] = why
    taken: set[str] = set()
    outputs = {it.address: _outputs(it, taken) for it in ones.values()}
    outputs |= {address: {} for address in documents}
    references = References(mapping(content.get("configuration")), outputs)
    for address in documents:
        _read_document(address, documents, references, outputs)
    for it in ones.values():
        references.fill(it.address, it.values, it.unknown)
        made.resources += _declared(it, outputs[it.address], references, ones, made.left)
    return made


_PARTS: Final = {
    "complete": "a part of the configuration is not planned (-target, or deferred): audit the plan that follows too",
    "errored": "planning ended with an error: audit the plan without it",
    "deferred_changes": "these resources are planned later: audit the plan that follows too",
}
"""Property of a plan that has only a part of the configuration → what to do."""


def _read_document(
    address: str, documents: dict[str, _One], references: References, outputs: dict[str, dict[str, Any]]
) -> None:
    """Compute a document, after those that it includes."""
    it = documents[address]
    if it.read:
        return
    it.read = True
    for named in references.named(address).values():
        for one in named:
            if one in documents:
                _read_document(one, documents, references, outputs)
    references.fill(it.address, it.values, it.unknown)
    outputs[address] = {"json": text_of(it.values)}


def _resources(module: Mapping[str, Any], where: str = "root_module") -> Iterator[tuple[str, dict[str, Any]]]:
    for it in objects(module.get("resources"), f"{where}.resources"):
        yield str(it.get("address")), it
    for number, child in enumerate(objects(module.get("child_modules"), f"{where}.child_modules")):
        yield from _resources(child, f"{where}.child_modules[{number}]")


def _outputs(it: _One, taken: set[str]) -> dict[str, Any]:
    """What AWS assigns: as the plan has it, or made up from the name; from the address where it has no name, or another
    resource has been given what is made up from it."""
    own = it.values.get("name") or it.values.get("family") or it.values.get("function_name")
    made = assigned(kind(it.type), own) if isinstance(own, str) else {}
    if not made or made["arn"] in taken:
        made = {**assigned(kind(it.type), _name_of(it.address)), **({"name": own} if made else {})}
    taken.add(str(made["arn"]))
    return {**made, **{key: value for key, value in it.values.items() if value is not None}}


def _name_of(address: str) -> str:
    """A name that only this address has, of characters that a name may have."""
    plain = re.sub(r'\["?|"?\]', ".", address).replace("..", ".").strip(".")
    return re.sub(r"[^\w.@-]", lambda it: f"={ord(it[0]):x}", plain)


def _declared(
    it: _One, outputs: dict[str, Any], references: References, ones: Mapping[str, _One], left: dict[str, str]
) -> Iterator[Declared]:
    if not it.type.startswith("aws_"):
        if it.type.startswith(("awscc_", "cloudcontrol")) or it.type in ("kubernetes_manifest",):
            left[it.address] = f"{it.type} is not of the AWS provider: its properties are not converted"
        return
    text = _DOCUMENTS.get(it.type)
    if text is not None and it.values.get(text) == NOT_KNOWN:
        named = reasons(it.values[text])
        document = next((one.removesuffix(".json") for one in named if one.endswith(".json")), "")
        left[it.address] = (
            f"{text} is the text of {document}, which the plan does not have: audit the plan again once it is known"
            if document
            else f"{text} is computed from what AWS assigns, so the plan does not have its text: write it with "
            "aws_iam_policy_document, or audit the plan again once what it names exists"
        )
    origins = {
        camel(prop): tuple(urn(kind(ones[one].type), one) for one in named if one in ones)
        for prop, named in references.named(it.address).items()
    }
    added = {camel(key): value for key, value in outputs.items() if key in ("arn", "name", "id", "url", "invoke_arn")}
    if it.type == "aws_iam_role":
        yield from _beside(it, outputs.get("name"), left)
    document = it.values.get(text) if text else None
    if text == "policy" and isinstance(document, Text) and has_unknown(document.document):
        for suffix, part in split(document.document):
            given = properties(it.type, _plain({**it.values, "policy": Text.of(part)}))
            yield Declared(kind(it.type), it.address + suffix, given, added, origins)
        return
    yield Declared(kind(it.type), it.address, properties(it.type, _plain(it.values)), added, origins)


def _beside(it: _One, name: Any, left: dict[str, str]) -> Iterator[Declared]:
    """What of a role is not known, as resources beside it, so that it does not hide what is known."""
    document = it.values.get("assume_role_policy")
    known = known_part(document.document) if isinstance(document, Text) else None
    if isinstance(document, Text) and known is not None and has_unknown(document.document):
        why = ", ".join(reasons(document.document))
        left[f"{it.address}.assume_role_policy"] = f"a part of it is not known: {why}"
        it.values["assume_role_policy"] = Text.of(known)
    blocks, arns = listed(it.values.get("inline_policy")), listed(it.values.get("managed_policy_arns"))
    for number, block in enumerate(blocks):
        policy = mapping(block).get("policy") if isinstance(block, dict) else NotKnown(*reasons(block))
        whole = policy.document if isinstance(policy, Text) else policy
        for suffix, part in split(whole) if has_unknown(whole) else []:
            at = f"{it.address}.inline_policy[{number}]{suffix}"
            given = {"role": name, "policy": _plain(Text.of(part))}
            yield Declared("aws:iam/rolePolicy:RolePolicy", at, given)
    for number, arn in enumerate(arns):
        if has_unknown(arn):
            at = f"{it.address}.managed_policy_arns[{number}]"
            given = {"role": name, "policyArn": arn}
            yield Declared("aws:iam/rolePolicyAttachment:RolePolicyAttachment", at, given)
    for key, many in (("inline_policy", blocks), ("managed_policy_arns", arns)):
        if has_unknown(_plain(many)):
            it.values[key] = [one for one in many if not has_unknown(_plain(one))]


def _plain(value: Any) -> Any:
    """A value with NOT_KNOWN in place of each text of which a part is not known."""
    if isinstance(value, Text):
        return NotKnown(*reasons(value.document)) if has_unknown(value.document) else str(value)
    if isinstance(value, list):
        return [_plain(it) for it in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(it) for key, it in cast("dict[str, Any]", value).items()}
    return value
