"""A resource of a CloudFormation template as Pulumi's AWS provider would have it: one resource or several, such as a
role and its inline policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from .cloudformation_names import KINDS, properties
from .declared import NOT_KNOWN, Declared, NotKnown, camel, has_unknown, listed, mapping, reasons, urn
from .intrinsics import Template
from .policy_parts import known_part, split

_NESTED: Final = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet")
_HOLDERS: Final = {"Roles": "role", "Users": "user", "Groups": "group"}
_POLICY_OF: Final = {f"AWS::IAM::{it.title()}Policy": it for it in ("role", "user", "group")}


def generic(kind: str) -> str:
    """A type that the tables do not have, as aws-native names it."""
    _, service, name = [*kind.split("::"), "", ""][:3]
    return f"aws-native:{service.lower()}:{name}"


class One:
    """A resource of a template, and what it is here."""

    def __init__(
        self, template: Template, name: str, it: Mapping[str, Any], own: Mapping[str, Any], left: dict[str, str]
    ) -> None:
        """`own` is what AWS assigns to it; a part that is not converted goes to `left`."""
        self.template, self.name, self.left, self.own = template, name, left, own
        self.type = str(it["Type"])
        self.raw = mapping(it.get("Properties"))
        self.given = mapping(self.template.value(self.raw))
        self.props = properties(self.type, self.given)

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
            yield self._made(generic(self.type), self.props)

    def _unread(self) -> None:
        elsewhere = self.type.startswith("AWS::Serverless::") or self.type == "AWS::CloudFormation::CustomResource"
        # A custom resource, a module, a type of another publisher.
        if elsewhere or not self.type.startswith("AWS::"):
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
        # One value from a parameter would hide the whole task definition from the rules.
        known = [kept for it in listed(containers) if not has_unknown(kept := _known_elements(it))]
        for number, it in enumerate(listed(containers) if known else []):
            if has_unknown(it):
                self._left_out(f"ContainerDefinitions[{number}]", it)
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
            for part, document in split(self.given.get("PolicyDocument", {})):
                props = {"queueUrl": queue, "policy": _text(document)}
                at = (f".Queues[{number}]" if number else "") + part
                yield self._made("aws:sqs/queuePolicy:QueuePolicy", props, at)

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
            for part, document in split(inline):
                yield self._made(kind, {**place, "inlinePolicy": _text(document)}, f".InlinePolicy{part}")
        for number, arn in enumerate(listed(self.given.get("ManagedPolicies"))):
            kind = "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment"
            yield self._made(kind, {**place, "managedPolicyArn": arn}, f".ManagedPolicies[{number}]")
        if boundary := self.props.get("permissionsBoundary"):
            kind = "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
            yield self._made(kind, {**place, "permissionsBoundary": boundary}, ".PermissionsBoundary")
        for number, it in enumerate(listed(self.given.get("CustomerManagedPolicyReferences"))):
            kind = "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment"
            props = {**place, "customerManagedPolicyReference": it}
            yield self._made(kind, props, f".CustomerManagedPolicyReferences[{number}]")


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
