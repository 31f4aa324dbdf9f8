"""A CloudFormation template, in JSON or YAML: its resources as Pulumi's AWS provider would have them.

One resource of a template can be several here: a role's inline policies, a rule's targets. Parameters have their
defaults, or the values given; what a template does not tell is not known, and `left` says what it was.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from . import serverless
from .arns import assigned
from .cloudformation_names import KINDS, NAME, REF_IS_ARN, properties
from .declared import (
    NOT_KNOWN,
    Converted,
    Declared,
    NotKnown,
    camel,
    has_unknown,
    known_part,
    listed,
    mapping,
    reasons,
    split,
    urn,
)
from .intrinsics import Template
from .template_text import read

_NESTED: Final = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet")
FORM: Final = "a CloudFormation template"
_HOLDERS: Final = {"Roles": "role", "Users": "user", "Groups": "group"}
_POLICY_OF: Final = {f"AWS::IAM::{it.title()}Policy": it for it in ("role", "user", "group")}


def recognised(content: Mapping[str, Any]) -> bool:
    """Whether this is a template."""
    resources = mapping(content.get("Resources"))
    return "AWSTemplateFormatVersion" in content or any("Type" in mapping(it) for it in resources.values())


def of_text(text: str, parameters: Mapping[str, str] | None = None) -> Converted:
    """The resources of a template's text. Raises NotAStack."""
    found = read(text)
    return converted(found.content, parameters or {}, lines=found.lines())


def converted(
    content: Mapping[str, Any],
    parameters: Mapping[str, str] | None = None,
    *,
    lines: Mapping[str, int] | None = None,
    assumed: Mapping[str, bool] | None = None,
) -> Converted:
    """The resources of a template, where comparisons with unknown values end as `assumed` says."""
    return _Whole(content, parameters or {}, lines or {}, assumed or {}).made


def both_ways(
    content: Mapping[str, Any],
    parameters: Mapping[str, str] | None = None,
    *,
    lines: Mapping[str, int] | None = None,
) -> Converted:
    """The resources of a template, also as they are where its conditions on unknown values hold otherwise."""
    first = _Whole(content, parameters or {}, lines or {}, {})
    conditions = first.conditions()
    unsure = list(first.template.unsure)
    if not unsure:
        return first.made
    many = [
        converted(content, parameters, lines=lines, assumed=dict(zip(unsure, way, strict=True)))
        for way in _ways(len(unsure))
    ]
    why = "the template does not tell whether it holds, so it is judged both ways; give the parameters that it compares"
    left = {f"condition {name}": why for name, holds in conditions.items() if holds is None}
    return replace(many[0], left={**many[0].left, **left}, otherwise=tuple(many[1:]))


def _ways(count: int) -> list[tuple[bool, ...]]:
    """Truth values of so many comparisons: all combinations of up to three; of more, such that of each two of them all
    four combinations are among them."""
    if count <= _ALL_COMBINATIONS:
        return list(itertools.product((True, False), repeat=count))
    made = [(True,) * count, (False,) * count]
    for bit in range((count - 1).bit_length()):
        way = tuple(bool(number >> bit & 1) for number in range(count))
        made += [way, tuple(not it for it in way)]
    return made


_ALL_COMBINATIONS: Final = 3


class _Whole:
    """A template, converted."""

    def __init__(
        self,
        content: Mapping[str, Any],
        parameters: Mapping[str, str],
        lines: Mapping[str, int],
        assumed: Mapping[str, bool],
    ) -> None:
        self.made = Converted(FORM)
        self._lines = lines
        self._prefix = parameters.get("AWS::StackName", "")
        self._naming: set[str] = set()
        self._called: dict[str, set[str]] = {}
        macros = listed(content.get("Transform"))
        if serverless.TRANSFORM in macros:
            content = serverless.expanded(content, self.made.left)
        self.template = Template(content, parameters, self.assigned, assumed)
        for macro in macros:
            if macro != serverless.TRANSFORM:
                named = macro if isinstance(macro, str) else mapping(macro).get("Name")
                self.made.left[f"Transform {named}"] = (
                    "it is not applied: audit the template that CloudFormation made of it "
                    "(aws cloudformation get-template --template-stage Processed)"
                )
        for name, resource in self.template.resources.items():
            self._add(name, resource)
        self.made.left |= self.template.left

    def _add(self, name: str, resource: Any) -> None:
        left, it = self.made.left, mapping(resource)
        if name.startswith("Fn::ForEach"):
            left[name] = "the resources of this loop are not in the template"
            return
        if not isinstance(it.get("Type"), str):
            left[name] = "it is not a resource with a Type"
            return
        condition = it.get("Condition")
        holds = self.template.holds(condition) if isinstance(condition, str) else True
        if holds is False:
            return
        if holds is None:
            left[f"condition {condition}"] = "the template does not tell whether it holds; its resources are judged"
        line = self._lines.get(str(it.get(serverless.OF, name)), 0)
        self.made.resources += [replace(one, line=line) for one in _One(self, name, it).declared()]

    def conditions(self) -> dict[str, bool | None]:
        """The conditions that resources use, and whether each holds."""
        return {name: self.template.holds(name) for name in dict.fromkeys(_conditions_in(self.template.resources))}

    def assigned(self, name: str) -> dict[str, Any]:
        """What AWS assigns to a resource; nothing to one whose name is made from itself, which CloudFormation
        refuses."""
        if name in self._naming:
            return {}
        self._naming.add(name)
        try:
            return self._assigned(name)
        finally:
            self._naming.discard(name)

    def _assigned(self, name: str) -> dict[str, Any]:
        it = mapping(self.template.resources.get(name))
        kind = str(it.get("Type"))
        called = self._own_name(it) or self._made_up(kind, name)
        account, region = (str(self.template.value({"Ref": f"AWS::{one}"})) for one in ("AccountId", "Region"))
        made = assigned(KINDS.get(kind, _generic(kind)), called, account=account, region=region)
        arn = f"{made['arn']}:*" if kind == "AWS::Logs::LogGroup" else made["arn"]
        attributes = {"Arn": arn, "QueueUrl": made.get("url"), "QueueName": called, "Name": called, "GroupId": name}
        attributes |= {f"{kind.rpartition('::')[2]}Arn": arn, "FunctionArn": arn}
        reference = arn if kind in REF_IS_ARN else made.get("url") or (called if kind in KINDS else name)
        return {**attributes, "Ref": reference}

    def _own_name(self, it: Mapping[str, Any]) -> str:
        """The name that a template gives to a resource; empty where AWS makes one up."""
        own = mapping(it.get("Properties")).get(NAME.get(str(it.get("Type")), ""))
        said = self.template.value(own) if own is not None else None
        return said if isinstance(said, str) and said != NOT_KNOWN else ""

    def _made_up(self, kind: str, name: str) -> str:
        """A name that no other resource of the type has: as CloudFormation, with that of the stack before it where the
        stack is known, or another resource is called so."""
        if kind not in self._called:
            self._called[kind] = set()
            same = [it for it in map(mapping, self.template.resources.values()) if it.get("Type") == kind]
            self._called[kind].update(map(self._own_name, same))
        made = f"{self._prefix}-{name}" if self._prefix else name
        while made in self._called[kind]:
            made = f"stack-{made}"
        return made


def _conditions_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for it in cast("list[Any]", value):
            yield from _conditions_in(it)
    elif isinstance(value, dict):
        for key, it in cast("dict[str, Any]", value).items():
            if key == "Condition" and isinstance(it, str):
                yield it
            elif key == "Fn::If" and isinstance(it, list) and it and isinstance(it[0], str):
                yield it[0]
            yield from _conditions_in(it)


def _generic(kind: str) -> str:
    """A type that the tables do not have, as aws-native names it."""
    _, service, name = [*kind.split("::"), "", ""][:3]
    return f"aws-native:{service.lower()}:{name}"


class _One:
    """A resource of a template, and what it is here."""

    def __init__(self, whole: _Whole, name: str, it: Mapping[str, Any]) -> None:
        self.template, self.name, self.left = whole.template, name, whole.made.left
        self.type = str(it["Type"])
        self.raw = mapping(it.get("Properties"))
        self.given = mapping(self.template.value(self.raw))
        self.props = properties(self.type, self.given)
        self.own = whole.assigned(name)

    def declared(self) -> Iterator[Declared]:
        """Its resources."""
        several: dict[str, Callable[[], Iterator[Declared]]] = {
            "AWS::IAM::Role": self._holder,
            "AWS::IAM::User": self._holder,
            "AWS::IAM::Group": self._holder,
            "AWS::IAM::Policy": self._inline,
            "AWS::IAM::ManagedPolicy": self._managed,
            "AWS::IAM::UserToGroupAddition": self._members,
            "AWS::ECS::Cluster": self._cluster,
            "AWS::ECS::TaskDefinition": self._definition,
            "AWS::Events::Rule": self._rule,
            "AWS::SQS::QueuePolicy": self._queue_policy,
            "AWS::EC2::SecurityGroup": self._group,
            "AWS::EC2::SecurityGroupIngress": self._ingress,
            "AWS::ApiGateway::Method": self._method,
            "AWS::StepFunctions::StateMachine": self._machine,
            "AWS::SSO::PermissionSet": self._permission_set,
            **dict.fromkeys(_POLICY_OF, self._of_holder),
        }
        if self.type in _NESTED and not self.given.get("TemplateBody"):
            address = self.given.get("TemplateURL")
            at = f" ({address})" if isinstance(address, str) and address != NOT_KNOWN else ""
            self.left[f"{self.name} ({self.type})"] = f"its template is elsewhere{at}: audit that file too"
        elif self.type in several:
            yield from several[self.type]()
        elif self.type in KINDS:
            yield self._made(KINDS[self.type], self.props)
        else:
            self._unread()
            yield self._made(_generic(self.type), self.props)

    def _unread(self) -> None:
        if (
            self.type.startswith(("Custom::", "AWS::Serverless::"))
            or self.type == "AWS::CloudFormation::CustomResource"
        ):
            self.left[f"{self.name} ({self.type})"] = "what it creates is not in this template"

    def _made(self, kind: str, props: Mapping[str, Any], suffix: str = "") -> Declared:
        names = {camel(prop): self.template.named(value) for prop, value in self.raw.items()}
        origins = {
            prop: tuple(
                urn(KINDS.get(str(mapping(self.template.resources[one]).get("Type")), ""), one) for one in sorted(named)
            )
            for prop, named in names.items()
            if named
        }
        outputs = {} if suffix else {"arn": self.own["Arn"], "name": self.own["Name"], "id": self.own["Ref"]}
        if self.type == "AWS::SQS::Queue":
            outputs["url"] = self.own["QueueUrl"]
        return Declared(kind, self.name + suffix, props, outputs, {} if suffix else origins)

    def _policies(self, holder: str, names: list[Any], document: Any, suffix: str) -> Iterator[Declared]:
        """An inline policy for each of its holders; a statement with something unknown is a policy of its own."""
        kind = f"aws:iam/{holder}Policy:{holder.title()}Policy"
        for number, name in enumerate(names):
            for part, one in split(document):
                at = suffix + (f".{holder}[{number}]" if len(names) > 1 else "") + part
                yield self._made(kind, {holder: name, "policy": _text(one)}, at or f".{holder}")

    def _holder(self) -> Iterator[Declared]:
        holder = self.type.rpartition("::")[2].lower()
        props = {key: it for key, it in self.props.items() if key not in ("policies", "groups")}
        arns = list(self._elements("ManagedPolicyArns"))
        props.pop("managedPolicyArns", None)
        if holder == "role":
            props["assumeRolePolicy"] = self._trusting(props.get("assumeRolePolicy", {}))
            if known := [it for _, it in arns if not has_unknown(it)]:
                props["managedPolicyArns"] = known
        for number, arn in arns:
            if holder != "role" or has_unknown(arn):
                attached = f"aws:iam/{holder}PolicyAttachment:{holder.title()}PolicyAttachment"
                given = {holder: self.own["Name"], "policyArn": arn}
                yield self._made(attached, given, f".ManagedPolicyArns[{number}]")
        yield self._made(KINDS[self.type], props)
        for number, it in self._elements("Policies"):
            document = it if it == NOT_KNOWN else mapping(it).get("PolicyDocument", NOT_KNOWN)
            yield from self._policies(holder, [self.own["Name"]], document, f".Policies[{number}]")
        if groups := listed(self.given.get("Groups")):
            kind = "aws:iam/userGroupMembership:UserGroupMembership"
            yield self._made(kind, {"user": self.own["Name"], "groups": groups}, ".Groups")

    def _elements(self, prop: str) -> Iterator[tuple[int, Any]]:
        """The elements of a list, each with its number in the template: AWS::NoValue leaves some out."""
        raw = self.raw.get(prop)
        if not isinstance(raw, list):
            yield from enumerate(listed(self.given.get(prop)))
            return
        for number, it in enumerate(cast("list[Any]", raw)):
            value = self.template.value(it)
            if value is not None:
                yield number, value

    def _trusting(self, document: Any) -> Any:
        """A trust policy of what is known of it."""
        known = known_part(cast("dict[str, Any]", document)) if isinstance(document, dict) else None
        if known is None or not has_unknown(document):
            return _text(document)
        self._left_out("AssumeRolePolicyDocument", document)
        return _text(known)

    def _left_out(self, what: str, value: Any) -> None:
        self.left[f"{self.name}.{what}"] = f"a part of it is not known: {', '.join(reasons(value))}"

    def _inline(self) -> Iterator[Declared]:
        for key, holder in _HOLDERS.items():
            names = listed(self.given.get(key))
            yield from self._policies(
                holder, names, self.given.get("PolicyDocument", {}), "" if key == "Roles" else f".{key}"
            )

    def _of_holder(self) -> Iterator[Declared]:
        holder = _POLICY_OF[self.type]
        name = self.given.get(f"{holder.title()}Name")
        yield from self._policies(holder, [name], self.given.get("PolicyDocument", {}), "")

    def _managed(self) -> Iterator[Declared]:
        kept = {key: it for key, it in self.props.items() if key not in ("roles", "users", "groups", "policy")}
        for part, document in split(self.given.get("PolicyDocument", {})):
            yield self._made(KINDS[self.type], {**kept, "policy": _text(document)}, part)
        for key, holder in _HOLDERS.items():
            for number, name in enumerate(listed(self.given.get(key))):
                kind = f"aws:iam/{holder}PolicyAttachment:{holder.title()}PolicyAttachment"
                yield self._made(kind, {holder: name, "policyArn": self.own["Arn"]}, f".{key}[{number}]")

    def _members(self) -> Iterator[Declared]:
        props = {"group": self.given.get("GroupName"), "users": listed(self.given.get("Users"))}
        yield self._made("aws:iam/groupMembership:GroupMembership", props)

    def _cluster(self) -> Iterator[Declared]:
        yield self._made(KINDS[self.type], self.props)
        if providers := self.given.get("CapacityProviders"):
            kind = KINDS["AWS::ECS::ClusterCapacityProviderAssociations"]
            props = {"clusterName": self.own["Name"], "capacityProviders": providers}
            yield self._made(kind, props, ".CapacityProviders")

    def _definition(self) -> Iterator[Declared]:
        containers = self.props.get("containerDefinitions", [])
        known: list[Any] = []
        for number, it in enumerate(listed(containers)):
            # One value from a parameter would hide the whole task definition from the rules.
            kept = _known_elements(it)
            if has_unknown(it):
                self._left_out(f"ContainerDefinitions[{number}]", it)
            if not has_unknown(kept):
                known.append(kept)
        yield self._made(KINDS[self.type], {**self.props, "containerDefinitions": _text(known or containers)})

    def _rule(self) -> Iterator[Declared]:
        yield self._made(KINDS[self.type], {key: it for key, it in self.props.items() if key != "targets"})
        for number, it in enumerate(listed(self.props.get("targets"))):
            props = dict(mapping(it))
            if "ecsParameters" in props:
                props["ecsTarget"] = props.pop("ecsParameters")
            kind = "aws:cloudwatch/eventTarget:EventTarget"
            yield self._made(kind, {"rule": self.own["Name"], **props}, f".Targets[{number}]")

    def _queue_policy(self) -> Iterator[Declared]:
        for number, queue in enumerate(listed(self.given.get("Queues"))):
            props = {"queueUrl": queue, "policy": _text(self.given.get("PolicyDocument", {}))}
            yield self._made("aws:sqs/queuePolicy:QueuePolicy", props, f".Queues[{number}]" if number else "")

    def _group(self) -> Iterator[Declared]:
        props = dict(self.props)
        for key in ("ingress", "egress"):
            rules = props.pop(f"securityGroup{key.title()}", None)
            if rules is not None:
                props[key] = [_ranges(mapping(it)) if isinstance(it, dict) else it for it in listed(rules)]
        yield self._made(KINDS[self.type], props)

    def _ingress(self) -> Iterator[Declared]:
        props = dict(self.props)
        if "cidrIp" in props:
            props["cidrIpv4"] = props.pop("cidrIp")
        yield self._made(KINDS[self.type], props)

    def _method(self) -> Iterator[Declared]:
        yield self._made(KINDS[self.type], {key: it for key, it in self.props.items() if key != "integration"})
        place = {key: self.props.get(key) for key in ("restApi", "resourceId", "httpMethod")}
        if integration := mapping(self.props.get("integration")):
            yield self._made("aws:apigateway/integration:Integration", {**integration, **place}, ".Integration")

    def _machine(self) -> Iterator[Declared]:
        definition: Any = self.given.get("DefinitionString", self.given.get("Definition"))
        for key, it in mapping(self.given.get("DefinitionSubstitutions")).items():
            if isinstance(definition, str) and isinstance(it, str):
                definition = definition.replace(f"${{{key}}}", it)
        if definition is None:
            definition = NOT_KNOWN
            self.left[f"{self.name}.DefinitionS3Location"] = "the state machine's definition is elsewhere"
        yield self._made(KINDS[self.type], {**self.props, "definition": _text(definition)})

    def _permission_set(self) -> Iterator[Declared]:
        yield self._made(KINDS[self.type], {"name": self.props.get("name")})
        place = {"permissionSetArn": self.own["Arn"], "instanceArn": self.props.get("instanceArn")}
        if inline := self.given.get("InlinePolicy"):
            kind = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
            yield self._made(kind, {**place, "inlinePolicy": _text(inline)}, ".InlinePolicy")
        for number, arn in enumerate(listed(self.given.get("ManagedPolicies"))):
            kind = "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"
            yield self._made(kind, {**place, "managedPolicyArn": arn}, f".ManagedPolicies[{number}]")


def _text(document: Any) -> Any:
    """A document as Pulumi has it: JSON text, or NOT_KNOWN as a whole."""
    if has_unknown(document):
        return NotKnown(*reasons(document))
    return document if isinstance(document, str) else json.dumps(document, default=str)


def _known_elements(value: Any) -> Any:
    """A value without the elements of its lists in which something is not known."""
    if isinstance(value, list):
        many = [_known_elements(it) for it in cast("list[Any]", value)]
        return [it for it in many if not has_unknown(it)]
    if isinstance(value, dict):
        return {key: _known_elements(it) for key, it in cast("dict[str, Any]", value).items()}
    return value


def _ranges(it: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in it.items() if key not in ("cidrIp", "cidrIpv6")}
    for key, many in (("cidrIp", "cidrBlocks"), ("cidrIpv6", "ipv6CidrBlocks")):
        if key in it:
            made[many] = [it[key]]
    return made
