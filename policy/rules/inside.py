"""Resources inside a resource: of a CloudFormation template, of Cloud Control's desired state, of aws-native.

They are judged as resources of the stack of their own. A finding names the resource that holds them, and what it is
there. What cannot be read is left over, with the reason, and the rule `resources-readable` reports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fargate_job_launcher.policies.files.cloudformation import converted as of_template
from fargate_job_launcher.policies.files.cloudformation import of_text
from fargate_job_launcher.policies.files.cloudformation_names import FREE, KINDS
from fargate_job_launcher.policies.files.declared import Converted, Declared, NotAStack
from pulumi_policy.proxy import unknown_checking_proxy

from .definitions import DEFINING, definitions
from .principals import PERMISSION_SET
from .stack import INSIDE, UNKNOWN, Resource, Stack, marked
from .types import HARMLESS, RUNS, SAID, TELLING

STACK_SET: Final = "aws:cloudformation/stackSet:StackSet"
CLOUD_CONTROL: Final = {
    "aws:cloudcontrol/resource:Resource": ("typeName", "desiredState"),
    "aws-native:index:ExtensionResource": ("type", "properties"),
}
"""Type with a resource of any type of CloudFormation → the property with that type, and the one with its properties."""
TEMPLATES: Final = {
    "aws:cloudformation/stack:Stack": ("templateBody", "templateUrl"),
    "aws:cloudformation/stackSet:StackSet": ("templateBody", "templateUrl"),
    "aws:cfg/conformancePack:ConformancePack": ("templateBody", "templateS3Uri"),
    "aws:cfg/organizationConformancePack:OrganizationConformancePack": ("templateBody", "templateS3Uri"),
    "aws-native:config:ConformancePack": ("templateBody", "templateS3Uri"),
    "aws-native:config:OrganizationConformancePack": ("templateBody", "templateS3Uri"),
    "aws-native:cloudformation:Stack": ("templateBody", "templateUrl"),
    "aws-native:cloudformation:StackSet": ("templateBody", "templateUrl"),
}
"""Type with a template → the property with its text, and the one with its address."""
NATIVE: Final = "aws-native:"
_IAM: Final = ("Policy", "RolePolicy", "UserPolicy", "GroupPolicy", "UserToGroupAddition")
_NATIVE: Final = {
    f"{NATIVE}{service.lower()}:{name}": f"AWS::{service}::{name}"
    for service, name in (
        *(it.split("::")[1:] for it in KINDS),
        *(("IAM", it) for it in _IAM),
    )
}
"""aws-native's type → CloudFormation's."""
_NOT_HERE: Final = {
    "policy": "it gives a principal statements that are not in this stack",
    "holds": "it holds resources whose definition is not here",
}
"""Mark of a type in tools/pack/types.txt → what the rule says about it."""
_OF: Final = {
    "aws:ssoadmin/accountAssignment:AccountAssignment": ("permissionSetArn", PERMISSION_SET),
    "aws:cloudformation/stackInstances:StackInstances": ("stackSetName", STACK_SET),
    "aws:cloudformation/stackSetInstance:StackSetInstance": ("stackSetName", STACK_SET),
    "aws-native:sso:Assignment": ("permissionSetArn", PERMISSION_SET),
}
"""Type that the rule does not report if a property names a resource of this stack → the property, and its type."""
_HARMLESS: Final = {it.lower() for it in HARMLESS}


@dataclass
class Contents:
    """What is inside a resource."""

    resources: list[Resource] = field(default_factory=list[Resource])
    left: list[str] = field(default_factory=list[str])
    """What could not be read, and why."""


def may_contain(kind: str) -> bool:
    """Whether resources of a type can hold others."""
    return kind in CLOUD_CONTROL or kind in TEMPLATES or kind in _NATIVE or kind in DEFINING


def contents(it: Resource) -> Contents:
    """The resources inside a resource, and what of it cannot be read."""
    if it.kind in TEMPLATES:
        return _of_template(it)
    if it.kind in CLOUD_CONTROL:
        return _of_cloud_control(it)
    if it.kind in DEFINING:
        found = list(definitions(it))
        # Pods of EKS have no role of IAM.
        unread = not found and not it.props.get("eksProperties")
        return Contents(found, ["names no container that can be read"] if unread else [])
    return _of_native(it) if it.kind in _NATIVE else Contents()


def _of_template(it: Resource) -> Contents:
    body, address = TEMPLATES[it.kind]
    given = it.props.get(body)
    if given is UNKNOWN:
        return Contents(left=[f"{body} is not known yet"])
    if not given:
        return Contents(left=[f"{address} is the address of a template, whose text is not here"])
    values = {key: value for key, value in _parameters(it.props.get("parameters")) if isinstance(value, str)}
    text = given if isinstance(given, str) else json.dumps(marked(given))
    try:
        return _made(it, of_text(text, {**values, **_place(it)}))
    except (NotAStack, AttributeError, KeyError, TypeError, RecursionError) as error:
        return Contents(left=[f"{body} cannot be read: {error}"])


def _parameters(given: Any) -> Iterator[tuple[str, Any]]:
    """A template's parameters: the provider has an object, CloudFormation's stack sets a list."""
    if isinstance(given, dict):
        yield from cast("dict[str, Any]", given).items()
    for one in cast("list[Any]", given) if isinstance(given, list) else []:
        if isinstance(one, dict):
            both = {str(key).lower(): value for key, value in cast("dict[str, Any]", one).items()}
            yield str(both.get("parameterkey")), both.get("parametervalue")


def _place(it: Resource) -> dict[str, str]:
    """The name of a stack, and its account and region, which its ARN has."""
    parts = str(it.known("id") or it.known("stackId")).split(":")
    place = {"AWS::Region": parts[3], "AWS::AccountId": parts[4]} if len(parts) > 5 else {}
    return {**place, "AWS::StackName": str(it.known("name") or it.known("stackName") or it.name)}


def _of_cloud_control(it: Resource) -> Contents:
    named, state = CLOUD_CONTROL[it.kind]
    kind, desired = it.props.get(named), it.props.get(state)
    if UNKNOWN in (kind, desired):
        return Contents(left=[f"{state} is not known yet"])
    try:
        properties: Any = json.loads(desired) if isinstance(desired, str) else marked(desired)
    except json.JSONDecodeError as error:
        return Contents(left=[f"{state} is not JSON: {error.msg}"])
    return _single(it, str(kind), properties, {})


def _of_native(it: Resource) -> Contents:
    outputs = {key: value for key in ("arn", "name", "id") if isinstance(value := it.known(key), str)}
    for key in ("roleName", "userName", "groupName"):
        if isinstance(name := it.known(key), str):
            outputs["name"] = name
    return _single(it, _NATIVE[it.kind], _capital(marked(it.props)), outputs)


def _single(it: Resource, kind: str, properties: Any, outputs: Mapping[str, Any]) -> Contents:
    """One resource of a type of CloudFormation, with the outputs that it has in the stack."""
    try:
        # With a name of its own, so that no other resource has the same made-up ARN.
        found = of_template({"Resources": {it.name: {"Type": kind, "Properties": properties}}}, _place(it))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Contents(left=[f"has a form that cannot be read: {error}"])
    return _made(it, found, outputs)


def _made(it: Resource, found: Converted, outputs: Mapping[str, Any] | None = None) -> Contents:
    made = Contents(left=[f"{what}: {why}" for what, why in found.left.items()])
    for one in found.resources:
        own = outputs if one.name == it.name and outputs else {}
        made.resources.append(_resource(it, one, own))
    return made


def _resource(it: Resource, one: Declared, outputs: Mapping[str, Any]) -> Resource:
    # A template's resource is named by its logical id; the only one of a resource, by what it is there.
    values = {**one.inputs, **one.outputs, **outputs}
    raw = cast("Mapping[str, Any]", unknown_checking_proxy(dict(values)))
    return Resource(
        f"{it.urn}{INSIDE}{one.name} {one.kind}", one.kind, f"{it.name}{INSIDE}{one.name}", raw, outputs=True
    )


def _capital(value: Any) -> Any:
    """Properties in CloudFormation's spelling; documents keep their own."""
    if isinstance(value, dict):
        return {
            (name := key[:1].upper() + key[1:]): inner if name in FREE else _capital(inner)
            for key, inner in cast("dict[str, Any]", value).items()
        }
    return [_capital(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value


def expanded(resources: Iterable[Resource]) -> Iterator[Resource]:
    """Resources, each followed by what is inside it."""
    for it in resources:
        yield it
        if may_contain(it.kind):
            yield from expanded(contents(it).resources)


def unread(stack: Stack) -> Iterator[tuple[Resource, str]]:
    """The resources of a stack that hold what no rule reads, by type; and what that is."""
    for kind, listed in stack.kinds.items():
        service = kind.removeprefix(NATIVE).split(":")[0] if kind.startswith(NATIVE) else ""
        for it in listed:
            if INSIDE in it.urn and kind in TEMPLATES:
                # The template that names it says so.
                continue
            if may_contain(kind):
                yield from ((it, why) for why in contents(it).left)
            elif kind in SAID:
                if kind not in _OF or stack.meant(it, *_OF[kind]) is None:
                    yield it, _NOT_HERE[SAID[kind]]
            elif service in TELLING and kind not in RUNS and kind.lower() not in _HARMLESS:
                yield it, f"no rule reads resources of the type {kind}"
