"""Functions and state machines of SAM as CloudFormation makes them: the resource, the role of its `Policies`, its URL,
alias and what delivers events to it (serverless_events.py).

A property that neither becomes one of the resource nor is converted here is named in `left`, because SAM may make
resources of it; so are the templates of policies (`SQSPollerPolicy`) and connectors.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from .declared import listed, mapping
from .serverless_events import Apis, of_event

TRANSFORM: Final = "AWS::Serverless-2016-10-31"
OF: Final = "fargate-job-launcher made it of"
"""Attribute of a resource that SAM makes: the logical id of what it is made of."""
_FUNCTION: Final = "AWS::Serverless::Function"
_MACHINE: Final = "AWS::Serverless::StateMachine"
_MADE: Final = {
    _FUNCTION: ("AWS::Lambda::Function", "lambda.amazonaws.com"),
    _MACHINE: ("AWS::StepFunctions::StateMachine", "states.amazonaws.com"),
}
"""SAM's type → CloudFormation's, and the service that the role trusts."""
_RENAMED: Final = {
    _FUNCTION: {"DeadLetterQueue": "DeadLetterConfig"},
    _MACHINE: {"Role": "RoleArn", "Name": "StateMachineName"},
}
_ROLE: Final = {_FUNCTION: "Role", _MACHINE: "RoleArn"}
_OWN: Final = {
    _FUNCTION: frozenset(
        (
            *("FunctionName", "Description", "Runtime", "Handler", "CodeUri", "InlineCode", "ImageUri", "PackageType"),
            *("ImageConfig", "Architectures", "Layers", "MemorySize", "EphemeralStorage", "Timeout", "Environment"),
            *("VpcConfig", "FileSystemConfigs", "KmsKeyArn", "SourceKMSKeyArn", "CodeSigningConfigArn", "Tags"),
            *("Tracing", "LoggingConfig", "DeadLetterConfig", "ReservedConcurrentExecutions", "SnapStart", "Role"),
            *("RuntimeManagementConfig", "RecursiveLoop", "PropagateTags", "VersionDescription", "TenancyConfig"),
            *("ProvisionedConcurrencyConfig", "AutoPublishCodeSha256", "AutoPublishAliasAllProperties"),
        )
    ),
    _MACHINE: frozenset(
        (
            *("StateMachineName", "Type", "Definition", "DefinitionUri", "DefinitionSubstitutions", "RoleArn"),
            *("Logging", "Tracing", "Tags", "PropagateTags"),
        )
    ),
}
"""SAM's type → its properties of which SAM makes no other resource than a version."""


def expanded(content: Mapping[str, Any], left: dict[str, str]) -> dict[str, Any]:
    """A template with its functions and state machines as CloudFormation makes them."""
    resources = mapping(content.get("Resources"))
    common = mapping(content.get("Globals"))
    apis = Apis(resources, common)
    made: dict[str, Any] = {}
    for name, it in resources.items():
        given = mapping(it)
        if "Connectors" in given:
            left[f"{name}.Connectors"] = "the policies that SAM makes of connectors are not converted"
        if given.get("Type") not in _MADE:
            made[name] = it
            continue
        one = _One(name, given, common, left)
        one.convert(apis)
        made[name] = one.of(given["Type"], one.props)
        for added, (kind, props) in one.beside.items():
            made.setdefault(added if added not in resources else f"{added}OfSam", one.of(kind, props))
    return {**content, "Resources": made}


class _One:
    """A function or state machine of SAM."""

    def __init__(self, name: str, it: Mapping[str, Any], common: Mapping[str, Any], left: dict[str, str]) -> None:
        self.name, self.it, self.left = name, it, left
        self.kind = str(it["Type"])
        section = mapping(common.get(self.kind.rpartition("::")[2]))
        self.props = mapping(_merged(section, mapping(it.get("Properties"))))
        self.beside: dict[str, tuple[str, dict[str, Any]]] = {}
        """Logical id → type and properties of what SAM makes beside it."""

    def of(self, kind: str, props: dict[str, Any]) -> dict[str, Any]:
        """A resource made of this one."""
        return {**self.it, "Type": _MADE.get(kind, (kind, ""))[0], "Properties": props, OF: self.name}

    def convert(self, apis: Apis) -> None:
        """Fill `props` and `beside`."""
        props = self.props
        for old, new in _RENAMED[self.kind].items():
            if old in props:
                props[new] = props.pop(old)
        self._give_role()
        if self.kind == _FUNCTION:
            target = self._publish()
            self._url()
            self._invoke_config()
            for event, it in mapping(props.pop("Events", None)).items():
                self._event(event, mapping(it), target, apis)
        elif props.pop("Events", None):
            self.left[f"{self.name}.Events"] = (
                "the rules, schedules and roles that SAM makes of events are not converted"
            )
        for prop in sorted(props.keys() - _OWN[self.kind]):
            del props[prop]
            self.left[f"{self.name}.{prop}"] = "what SAM makes of this property is not converted"

    def _give_role(self) -> None:
        props = self.props
        policies = listed(props.pop("Policies", None))
        boundary, path, trust = (
            props.pop(it, None) for it in ("PermissionsBoundary", "RolePath", "AssumeRolePolicyDocument")
        )
        if _ROLE[self.kind] in props:
            return
        service = {"Service": _MADE[self.kind][1]}
        own = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
        role = {
            "AssumeRolePolicyDocument": trust or {"Version": "2012-10-17", "Statement": [own]},
            **self._policies(policies),
            **({"PermissionsBoundary": boundary} if boundary else {}),
            **({"Path": path} if path else {}),
        }
        props[_ROLE[self.kind]] = {"Fn::GetAtt": [f"{self.name}Role", "Arn"]}
        self.beside[f"{self.name}Role"] = ("AWS::IAM::Role", role)

    def _policies(self, policies: list[Any]) -> dict[str, Any]:
        attached: list[Any] = []
        inline: list[dict[str, Any]] = []
        for number, it in enumerate(policies):
            if isinstance(it, str):
                attached.append(it if it.startswith("arn:") else f"arn:aws:iam::aws:policy/{it}")
            elif "Statement" in mapping(it):
                inline.append({"PolicyName": f"{self.name}RolePolicy{number}", "PolicyDocument": it})
            elif any(key == "Ref" or key.startswith("Fn::") for key in mapping(it)):
                attached.append(it)
            else:
                said = ", ".join(mapping(it)) or str(it)
                self.left[f"{self.name}.Policies[{number}]"] = f"SAM's policy {said} is not expanded"
        return {"ManagedPolicyArns": attached, "Policies": inline}

    def _publish(self) -> Any:
        """The ARN to which SAM sends events: the function's, or that of its alias."""
        alias = self.props.pop("AutoPublishAlias", None)
        if not alias:
            return {"Fn::GetAtt": [self.name, "Arn"]}
        named = f"{self.name}Alias{alias if isinstance(alias, str) else ''}"
        given = {"FunctionName": {"Ref": self.name}, "FunctionVersion": "1", "Name": alias}
        self.beside[named] = ("AWS::Lambda::Alias", given)
        return {"Ref": named}

    def _url(self) -> None:
        config = mapping(self.props.pop("FunctionUrlConfig", None))
        if not config:
            return
        function = {"Fn::GetAtt": [self.name, "Arn"]}
        self.beside[f"{self.name}Url"] = ("AWS::Lambda::Url", {"TargetFunctionArn": function, **config})
        if config.get("AuthType") == "NONE":
            everyone = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
            self.beside[f"{self.name}UrlPublicPermissions"] = (
                "AWS::Lambda::Permission",
                {"FunctionName": {"Ref": self.name}, **everyone},
            )

    def _invoke_config(self) -> None:
        config = mapping(self.props.pop("EventInvokeConfig", None))
        if not config:
            return
        destinations: dict[str, Any] = {}
        for when, it in mapping(config.get("DestinationConfig")).items():
            if "Destination" in mapping(it):
                destinations[when] = {"Destination": mapping(it)["Destination"]}
            else:
                made = f"{self.name}EventInvokeConfig{when}{mapping(it).get('Type')}"
                kind = {"SNS": "AWS::SNS::Topic"}.get(str(mapping(it).get("Type")), "AWS::SQS::Queue")
                self.beside[made] = (kind, {})
                destinations[when] = {"Destination": {"Fn::GetAtt": [made, "Arn"]}}
        props = {**config, "FunctionName": {"Ref": self.name}, "Qualifier": "$LATEST"}
        if destinations:
            props["DestinationConfig"] = destinations
        self.beside[f"{self.name}EventInvokeConfig"] = ("AWS::Lambda::EventInvokeConfig", props)

    def _event(self, event: str, it: Mapping[str, Any], target: Any, apis: Apis) -> None:
        made = of_event(f"{self.name}{event}", str(it.get("Type")), mapping(it.get("Properties")), target, apis)
        if made is None:
            why = "the permissions and subscriptions that SAM makes of this event are not converted"
            self.left[f"{self.name}.Events.{event} ({it.get('Type')})"] = why
        else:
            self.beside |= made


def _merged(common: Any, own: Any) -> Any:
    """A value of `Globals` with a resource's own: objects are merged, lists are joined, anything else is replaced."""
    if isinstance(common, dict) and isinstance(own, dict):
        first, second = cast("dict[str, Any]", common), cast("dict[str, Any]", own)
        return {
            **first,
            **{key: _merged(first[key], it) if key in first else it for key, it in second.items()},
        }
    return (
        [*cast("list[Any]", common), *cast("list[Any]", own)]
        if isinstance(common, list) and isinstance(own, list)
        else own
    )
