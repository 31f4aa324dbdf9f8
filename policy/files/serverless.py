"""Functions and state machines of SAM as CloudFormation makes them: the resource, and the role of its `Policies`.

Events, APIs, tables and the templates of policies (`SQSPollerPolicy`) are not expanded; `left` names them.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .declared import listed, mapping

TRANSFORM: Final = "AWS::Serverless-2016-10-31"
_MADE: Final = {
    "AWS::Serverless::Function": ("AWS::Lambda::Function", "lambda.amazonaws.com"),
    "AWS::Serverless::StateMachine": ("AWS::StepFunctions::StateMachine", "states.amazonaws.com"),
}
"""SAM's type → CloudFormation's, and the service that the role trusts."""
_RENAMED: Final = {
    "AWS::Serverless::Function": {"DeadLetterQueue": "DeadLetterConfig"},
    "AWS::Serverless::StateMachine": {"Role": "RoleArn", "Name": "StateMachineName"},
}
_ROLE: Final = {"AWS::Serverless::Function": "Role", "AWS::Serverless::StateMachine": "RoleArn"}


def expanded(content: Mapping[str, Any], left: dict[str, str]) -> dict[str, Any]:
    """A template with its functions and state machines as CloudFormation makes them."""
    made: dict[str, Any] = {}
    defaults = mapping(mapping(content.get("Globals")).get("Function"))
    for name, it in mapping(content.get("Resources")).items():
        kind = mapping(it).get("Type")
        if kind not in _MADE:
            made[name] = it
            continue
        own = mapping(it.get("Properties"))
        given = {**defaults, **own} if kind == "AWS::Serverless::Function" else dict(own)
        variables = {**_variables(defaults), **_variables(own)}
        if kind == "AWS::Serverless::Function" and variables:
            given["Environment"] = {"Variables": variables}
        policies = listed(given.pop("Policies", None))
        if given.pop("Events", None):
            left[f"{name}.Events"] = "the rules, schedules and permissions that SAM makes of events are not judged"
        for old, new in _RENAMED[kind].items():
            if old in given:
                given[new] = given.pop(old)
        prop = _ROLE[kind]
        if prop not in given:
            given[prop] = {"Fn::GetAtt": [f"{name}Role", "Arn"]}
            made[f"{name}Role"] = {**it, "Type": "AWS::IAM::Role", "Properties": _role(name, kind, policies, left)}
        made[name] = {**it, "Type": _MADE[kind][0], "Properties": given}
    return {**content, "Resources": made}


def _variables(properties: Mapping[str, Any]) -> dict[str, Any]:
    return mapping(mapping(properties.get("Environment")).get("Variables"))


def _role(name: str, kind: str, policies: list[Any], left: dict[str, str]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": _MADE[kind][1]}, "Action": "sts:AssumeRole"}
    attached: list[Any] = []
    inline: list[dict[str, Any]] = []
    for number, it in enumerate(policies):
        if isinstance(it, str):
            attached.append(it if it.startswith("arn:") else f"arn:aws:iam::aws:policy/{it}")
        elif "Statement" in mapping(it):
            inline.append({"PolicyName": f"{name}RolePolicy{number}", "PolicyDocument": it})
        elif any(key == "Ref" or key.startswith("Fn::") for key in mapping(it)):
            attached.append(it)
        else:
            left[f"{name}.Policies[{number}]"] = f"SAM's policy {', '.join(mapping(it))} is not expanded"
    return {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "ManagedPolicyArns": attached,
        "Policies": inline,
    }
