"""A CloudFormation template, in JSON or YAML: its resources as Pulumi's AWS provider would have them.

One resource of a template can be several here: a role's inline policies, a rule's targets. Parameters have their
defaults, or the values given; what a template does not tell is not known, and `left` says what it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from . import serverless
from .arns import assigned
from .cloudformation_names import KINDS, NAME, REF_IS_ARN, properties
from .declared import NOT_KNOWN, Converted, Declared, camel, has_unknown, listed, mapping, split, urn
from .intrinsics import Template
from .template_text import lines, loaded

FORM: Final = "a CloudFormation template"
_HOLDERS: Final = {"Roles": "role", "Users": "user", "Groups": "group"}
_POLICY_OF: Final = {f"AWS::IAM::{it.title()}Policy": it for it in ("role", "user", "group")}


def recognised(content: Mapping[str, Any]) -> bool:
    """Whether this is a template."""
    resources = mapping(content.get("Resources"))
    return "AWSTemplateFormatVersion" in content or any("Type" in mapping(it) for it in resources.values())


def of_text(text: str, parameters: Mapping[str, str] | None = None) -> Converted:
    """The resources of a template's text. Raises NotAStack."""
    return converted(
        loaded(text), parameters or {}, lines=lines(text, list(mapping(loaded(text)).get("Resources") or {}))
    )


def converted(
    content: Mapping[str, Any], parameters: Mapping[str, str] | None = None, *, lines: Mapping[str, int] | None = None
) -> Converted:
    """The resources of a template."""
    made = Converted(FORM)
    naming: set[str] = set()

    def assigned_to(name: str) -> dict[str, Any]:
        # A name that is made from itself; CloudFormation refuses the template.
        if name in naming:
            return {}
        naming.add(name)
        try:
            return _assigned(template, name)
        finally:
            naming.discard(name)

    macros = listed(content.get("Transform"))
    sam = serverless.TRANSFORM in macros
    template = Template(serverless.expanded(content, made.left) if sam else content, parameters or {}, assigned_to)
    for macro in macros:
        if macro == serverless.TRANSFORM:
            continue
        made.left[f"Transform {macro if isinstance(macro, str) else mapping(macro).get('Name')}"] = (
            "it is not applied: audit the template that CloudFormation made of it "
            "(aws cloudformation get-template --template-stage Processed)"
        )
    for name, resource in template.resources.items():
        if name.startswith("Fn::ForEach"):
            made.left[name] = "the resources of this loop are not in the template"
            continue
        it = mapping(resource)
        if not isinstance(it.get("Type"), str):
            made.left[name] = "it is not a resource with a Type"
            continue
        condition = it.get("Condition")
        holds = template.holds(condition) if isinstance(condition, str) else True
        if holds is False:
            continue
        if holds is None:
            template.left[f"condition {condition}"] = (
                "the template does not tell whether it holds; its resources are judged"
            )
        made.resources += [
            Declared(one.kind, one.name, one.inputs, one.outputs, one.origins, line=_line(lines or {}, name))
            for one in _One(template, name, it, made.left).declared()
        ]
    made.left |= template.left
    return made


def _line(lines: Mapping[str, int], name: str) -> int:
    """The line of a resource; of a role that SAM makes, that of its function."""
    return lines.get(name) or lines.get(name.removesuffix("Role"), 0)


def _assigned(template: Template, name: str) -> dict[str, Any]:
    it = mapping(template.resources.get(name))
    kind = str(it.get("Type"))
    own = mapping(it.get("Properties")).get(NAME.get(kind, ""))
    said = template.value(own) if own is not None else None
    called = said if isinstance(said, str) and said != NOT_KNOWN else name
    account, region = (str(template.value({"Ref": f"AWS::{one}"})) for one in ("AccountId", "Region"))
    made = assigned(KINDS.get(kind, _generic(kind)), called, account=account, region=region)
    arn = f"{made['arn']}:*" if kind == "AWS::Logs::LogGroup" else made["arn"]
    attributes = {"Arn": arn, "QueueUrl": made.get("url"), "QueueName": called, "Name": called, "GroupId": name}
    attributes |= {f"{kind.rpartition('::')[2]}Arn": arn, "FunctionArn": arn}
    reference = arn if kind in REF_IS_ARN else made.get("url") or (called if kind in KINDS else name)
    return {**attributes, "Ref": reference}


def _generic(kind: str) -> str:
    """A type that the tables do not have, as aws-native names it."""
    _, service, name = [*kind.split("::"), "", ""][:3]
    return f"aws-native:{service.lower()}:{name}"


class _One:
    """A resource of a template, and what it is here."""

    def __init__(self, template: Template, name: str, it: Mapping[str, Any], left: dict[str, str]) -> None:
        self.template, self.name, self.left = template, name, left
        self.type = str(it["Type"])
        self.raw = mapping(it.get("Properties"))
        self.given = mapping(template.value(self.raw))
        self.props = properties(self.type, self.given)
        self.own = _assigned(template, name)

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
        if self.type in several:
            yield from several[self.type]()
        elif self.type in KINDS:
            yield self._made(KINDS[self.type], self.props)
        else:
            self._unread()
            yield self._made(_generic(self.type), self.props)

    def _unread(self) -> None:
        if self.type == "AWS::CloudFormation::Stack" or self.type.startswith(("Custom::", "AWS::Serverless::")):
            self.left[f"{self.name} ({self.type})"] = {
                "AWS::CloudFormation::Stack": "its template is elsewhere: audit that file too",
            }.get(self.type, "what it creates is not in this template")

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
        if holder == "role":
            props["assumeRolePolicy"] = _text(props.get("assumeRolePolicy", {}))
        else:
            for number, arn in enumerate(listed(props.pop("managedPolicyArns", None))):
                attached = f"aws:iam/{holder}PolicyAttachment:{holder.title()}PolicyAttachment"
                yield self._made(
                    attached, {holder: self.own["Name"], "policyArn": arn}, f".ManagedPolicyArns[{number}]"
                )
        yield self._made(KINDS[self.type], props)
        for number, it in enumerate(listed(self.given.get("Policies"))):
            document = it if it == NOT_KNOWN else mapping(it).get("PolicyDocument", NOT_KNOWN)
            yield from self._policies(holder, [self.own["Name"]], document, f".Policies[{number}]")
        if groups := listed(self.given.get("Groups")):
            kind = "aws:iam/userGroupMembership:UserGroupMembership"
            yield self._made(kind, {"user": self.own["Name"], "groups": groups}, ".Groups")

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
        for number, it in enumerate(listed(containers)):
            for key in ("environment", "secrets"):
                entries = listed(mapping(it).get(key))
                unknown = [one for one in entries if has_unknown(one)]
                if unknown:
                    # One value from a parameter would hide the whole task definition from the rules.
                    it[key] = [one for one in entries if one not in unknown]
                    names = ", ".join(str(mapping(one).get("name", one)) for one in unknown)
                    self.left[f"{self.name}.ContainerDefinitions[{number}] {key} {names}"] = "its value is not known"
        yield self._made(KINDS[self.type], {**self.props, "containerDefinitions": _text(containers)})

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
        return NOT_KNOWN
    return document if isinstance(document, str) else json.dumps(document)


def _ranges(it: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in it.items() if key not in ("cidrIp", "cidrIpv6")}
    for key, many in (("cidrIp", "cidrBlocks"), ("cidrIpv6", "ipv6CidrBlocks")):
        if key in it:
            made[many] = [it[key]]
    return made
