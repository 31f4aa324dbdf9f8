"""CloudFormation templates: what the functions, parameters and types of a template become for the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.audit import Audit, audited
from fargate_job_launcher.policies.files import Converted, NotAStack, converted
from fargate_job_launcher.policies.files.cloudformation_names import BESIDE, KINDS
from fargate_job_launcher.policies.files.declared import NOT_KNOWN
from fargate_job_launcher.policies.files.terraform_names import kind as terraform_kind
from fargate_job_launcher.policies.principals import BEARERS, GROUP, USER

from tools.docs.scan import terraform_type

TEMPLATE = Path(__file__).parent / "templates" / "launcher.yml"


def template(resources: dict[str, Any], **sections: Any) -> Converted:
    return converted(json.dumps({"Resources": resources, **sections}))


def one(value: Any, **sections: Any) -> Any:
    """A value of a property, evaluated."""
    found = template({"It": {"Type": "AWS::Foo::Bar", "Properties": {"Value": value}}}, **sections)
    return found.resources[0].inputs.get("value", "left out")


def found(audit: Audit) -> dict[str, set[str]]:
    made: dict[str, set[str]] = {}
    for it in audit.broken:
        made.setdefault(it.resource, set()).add(it.rule)
    return made


def test_a_template_in_yaml_with_short_forms_is_judged_at_its_lines() -> None:
    audit = audited(TEMPLATE.read_text(), name="launcher.yml")
    assert {
        "passrole-service",
        "passrole-no-administrator",
        "runtask-one-definition",
        "runtask-cluster",
    } <= found(audit)["Launcher.Policies[0]"]
    assert "task-no-administrator" in found(audit)["Definition"]
    assert "event-target-dead-letter" in found(audit)["Nightly.Targets[0]"]
    lines = TEMPLATE.read_text().splitlines()
    assert {lines[it.line - 1].strip(" :") for it in audit.broken} == {it.resource.split(".")[0] for it in audit.broken}


def test_a_statement_with_a_parameter_that_has_no_default_does_not_hide_the_others() -> None:
    audit = audited(TEMPLATE.read_text())
    assert [it.resource for it in audit.not_judged if it.path == "policy"] == ["Launcher.Policies[0].Statement[1]"]
    assert "give it with --parameter OtherRole=VALUE" in audit.left["parameter OtherRole"]
    role = "arn:aws:iam::123456789012:role/*"
    given = audited(TEMPLATE.read_text(), parameters={"OtherRole": role})
    assert "parameter OtherRole" not in given.left
    says = [it.says for it in given.broken if it.rule == "passrole-named-roles"]
    assert f"policy allows iam:PassRole on {role}" in says


def test_json_and_yaml_of_a_template_are_judged_alike() -> None:
    from fargate_job_launcher.policies.files.template_text import loaded

    text = TEMPLATE.read_text()
    in_json = audited(json.dumps(loaded(text), indent=2))
    assert found(in_json) == found(audited(text))
    assert all(it.line for it in in_json.broken)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-us-east-1"),
        ({"Fn::Sub": "${AWS::Partition}:${!Literal}"}, "aws:${Literal}"),
        ({"Fn::Sub": ["${a}-${b}", {"a": 1, "b": {"Ref": "Word"}}]}, "1-word"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Select": ["0", {"Ref": "Words"}]}, "x"),
        ({"Fn::FindInMap": ["M", "a", "b"]}, "mapped"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", {"Ref": "AWS::NoValue"}]}, "left out"),
        ({"Fn::If": ["Unsure", "then", "else"]}, NOT_KNOWN),
        ({"Fn::ImportValue": "x"}, NOT_KNOWN),
        ({"Fn::Sub": "${None}/*"}, NOT_KNOWN),
        ({"Fn::Base64": "a"}, "YQ=="),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        ({"Ref": "It"}, "It"),
        ({"Fn::GetAtt": ["It", "Arn"]}, "arn:aws:foo:us-east-1:123456789012:bar/It"),
        ({"Fn::GetAtt": ["It", "Secret"]}, NOT_KNOWN),
        ({"Fn::Transform": {"Name": "x"}}, NOT_KNOWN),
    ],
)
def test_a_function_is_evaluated_as_far_as_the_template_tells(value: Any, made: Any) -> None:
    sections = {
        "Parameters": {
            "Word": {"Type": "String", "Default": "word"},
            "Words": {"Type": "CommaDelimitedList", "Default": "x,y"},
            "None": {"Type": "String"},
        },
        "Mappings": {"M": {"a": {"b": "mapped"}}},
        "Conditions": {
            "Yes": {"Fn::Not": [{"Condition": "No"}]},
            "No": {"Fn::Equals": [{"Ref": "Word"}, "other"]},
            "Unsure": {"Fn::And": [{"Condition": "Yes"}, {"Fn::Equals": [{"Ref": "None"}, "a"]}]},
        },
    }
    assert one(value, **sections) == made


def test_what_is_not_converted_is_said_by_name() -> None:
    made = template(
        {
            "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x"}},
            "Own": {"Type": "Custom::Thing"},
            "Api": {"Type": "AWS::Serverless::Api"},
            "Later": {"Type": "AWS::IAM::Role", "Condition": "Given"},
            "Never": {"Type": "AWS::IAM::Role", "Condition": "Not"},
            "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionS3Location": {}}},
            "Fn::ForEach::Roles": ["Name", ["a", "b"], {"Role${Name}": {"Type": "AWS::IAM::Role"}}],
        },
        Transform=["AWS::Serverless-2016-10-31", "Ours"],
        Parameters={"P": {"Type": "String"}},
        Conditions={"Given": {"Fn::Equals": [{"Ref": "P"}, "x"]}, "Not": {"Fn::Equals": ["a", "b"]}},
    )
    assert set(made.left) == {
        "Transform Ours",
        "Nested (AWS::CloudFormation::Stack)",
        "Own (Custom::Thing)",
        "Api (AWS::Serverless::Api)",
        "condition Given",
        "parameter P",
        "Machine.DefinitionS3Location",
        "Fn::ForEach::Roles",
    }
    assert {it.name for it in made.resources} >= {"Later", "Nested", "Own", "Api"}
    assert "Never" not in {it.name for it in made.resources}


def test_every_type_that_a_rule_reads_comes_from_a_template_and_from_a_plan() -> None:
    read = {it for rule in RULES for it in rule.kinds} | {*BEARERS, USER, GROUP}
    # What only the providers of Terraform and Pulumi have.
    beyond = {
        *(it for it in read if "Exclusive" in it or "policyAttachment:" in it),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
    }
    assert {it for it in read if it.startswith("aws:")} - beyond <= {*KINDS.values(), *BESIDE}
    for it in read:
        if it.startswith("aws:"):
            assert terraform_kind(terraform_type(it)) == it


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not an object"),
        ("[]", "is not an object"),
        ("{", "is not JSON: Expecting"),
        ("a: [", "is neither JSON nor YAML"),
        ('{"Resources": {}}', "has Resources at its top"),
        ('{"checkpoint": {}, "version": 3}', "has checkpoint, version at its top"),
        ("Resources:\n  A: {Type: x}\n  A: {Type: y}\n", "has the key A twice in one object, line 2"),
        (
            '{"version": 3, "deployment": {"resources": [1]}}',
            "an exported Pulumi stack with a part that has another form",
        ),
        (
            '{"format_version": "1", "values": {"root_module": {"resources": [[]]}}}',
            "with a part that has another form",
        ),
    ],
)
def test_another_file_is_refused_with_what_it_is(text: str, said: str) -> None:
    with pytest.raises(NotAStack, match=said.replace("[", r"\[")):
        converted(text)


def test_a_name_made_from_itself_ends() -> None:
    made = template({"A": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "A"}}}})
    assert made.resources[0].name == "A"


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.13, Timeout: 60, Environment: {Variables: {A: a}}}}
Resources:
  Launcher:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {B: b}}
      Policies:
        - AWSLambdaBasicExecutionRole
        - Statement: [{Effect: Allow, Action: ["ecs:RunTask", "iam:PassRole"], Resource: "*"}]
        - SQSPollerPolicy: {QueueName: q}
      Events: {Nightly: {Type: Schedule}}
  Own:
    Type: AWS::Serverless::Function
    Properties: {Role: "arn:aws:iam::123456789012:role/own", Policies: [AdministratorAccess]}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: A}
      Policies: [{Statement: {Effect: Allow, Action: "ecs:RunTask", Resource: "*"}}]
"""


def test_sams_functions_and_state_machines_are_what_cloudformation_makes_of_them() -> None:
    made = converted(SAM)
    named = {it.name: it for it in made.resources}
    launcher = named["Launcher"].inputs
    assert (launcher["runtime"], launcher["timeout"], launcher["environment"]["variables"]) == (
        "python3.13",
        60,
        {"A": "a", "B": "b"},
    )
    assert launcher["role"] == named["LauncherRole"].outputs["arn"]
    assert named["LauncherRole"].inputs["managedPolicyArns"] == ["arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"]
    assert named["Own"].inputs["role"] == "arn:aws:iam::123456789012:role/own"
    assert "OwnRole" not in named
    assert set(made.left) == {"Launcher.Events", "Launcher.Policies[2]"}
    audit = audited(SAM)
    assert {"passrole-named-roles", "runtask-cluster"} <= found(audit)["LauncherRole.Policies[0]"]
    assert "runtask-one-definition" in found(audit)["MachineRole.Policies[0]"]
    assert all(it.line for it in audit.broken)
