"""CloudFormation templates: what the functions, parameters and types of a template become for the rules."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher import policies
from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.audit import Audit, audited
from fargate_job_launcher.policies.files import Converted, NotAStack, converted
from fargate_job_launcher.policies.files.cloudformation_names import BESIDE, KINDS
from fargate_job_launcher.policies.files.declared import NOT_KNOWN
from fargate_job_launcher.policies.files.terraform_names import kind as terraform_kind
from fargate_job_launcher.policies.principals import BEARERS, GROUP, USER

from tools.docs.scan import terraform_type
from tools.pack.policy_cases import RUNS

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


def test_a_number_may_be_written_as_a_text() -> None:
    def judged(timeout: Any, concurrent: Any, hidden: Any, port: Any) -> set[str]:
        role = {
            "AssumeRolePolicyDocument": {"Statement": []},
            "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [RUNS]}}],
        }
        function = {"Role": {"Fn::GetAtt": ["Role", "Arn"]}, "Timeout": timeout, "Runtime": "python3.13"}
        open_port = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"}
        resources = {
            "Role": ("IAM::Role", role),
            "F": ("Lambda::Function", {**function, "ReservedConcurrentExecutions": concurrent}),
            "Q": ("SQS::Queue", {"VisibilityTimeout": hidden}),
            "M": (
                "Lambda::EventSourceMapping",
                {"EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}, "FunctionName": {"Ref": "F"}},
            ),
            "G": ("EC2::SecurityGroup", {"SecurityGroupIngress": [open_port]}),
        }
        made = {name: {"Type": f"AWS::{kind}", "Properties": it} for name, (kind, it) in resources.items()}
        audit = audited(json.dumps({"Resources": made}), config={"nothing-comes-in": {"public": ["G"]}})
        return {f"{it.rule}: {it.says}" for it in audit.broken}

    assert judged("60", "5", "360", "443") == judged(60, 5, 360, 443)
    less = judged("10", "0", "59", "22")
    assert less == judged(10, 0, 59, 22)
    rules = {it.partition(":")[0] for it in less}
    assert {"launcher-timeout", "queue-visibility", "nothing-comes-in"} <= rules


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
        ({"Fn::If": ["Unsure", "then", "else"]}, "then"),
        ({"Fn::ImportValue": "x"}, NOT_KNOWN),
        ({"Fn::Sub": "${None}/*"}, NOT_KNOWN),
        ({"Fn::Base64": "a"}, "YQ=="),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        ({"Ref": "It"}, "It"),
        ({"Fn::GetAtt": ["It", "Arn"]}, "arn:aws:foo:us-east-1:123456789012:bar/It"),
        ({"Fn::GetAtt": ["It", "Secret"]}, NOT_KNOWN),
        ({"Fn::Transform": {"Name": "x"}}, NOT_KNOWN),
        ("{{resolve:ssm:/roles/task}}", NOT_KNOWN),
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
            "Module": {"Type": "Ours::Roles::All::MODULE"},
            "Extended": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x", "Fn::Transform": {"Name": "More"}}},
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
        "Module (Ours::Roles::All::MODULE)",
        "Fn::Transform",
        "Fn::ForEach::Roles",
    }
    assert {it.name for it in made.resources} >= {"Later", "Own", "Api"}
    assert not {"Never", "Nested"} & {it.name for it in made.resources}


def test_every_type_that_a_rule_reads_comes_from_a_template_and_from_a_plan() -> None:
    read = {it for rule in RULES for it in rule.kinds} | {*BEARERS, USER, GROUP}
    # What only the providers of Terraform and Pulumi have.
    beyond = {
        *(it for it in read if "Exclusive" in it or "policyAttachment:" in it),
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
    }
    assert {it for it in read if it.startswith("aws:")} - beyond <= {*KINDS.values(), *BESIDE}
    sources = Path(policies.__file__).parent.glob("*.py")
    named = {it for file in sources for it in re.findall(r'"(aws:\w+/\w+:\w+)"', file.read_text())}
    for it in {*(it for it in read if it.startswith("aws:")), *named}:
        # Two types can have one name in Terraform: the provider has some under two modules.
        assert _letters(terraform_kind(_TERRAFORM.get(it) or terraform_type(it))) == _letters(it)


def _letters(kind: str) -> str:
    return re.sub(r"aws:(\w+)/\w+:(\w+)", r"\1\2", kind).lower()


_TERRAFORM = {
    "aws:cloudcontrol/resource:Resource": "aws_cloudcontrolapi_resource",
    "aws:serverlessrepository/cloudFormationStack:CloudFormationStack": (
        "aws_serverlessapplicationrepository_cloudformation_stack"
    ),
    "aws:apigateway/method:Method": "aws_api_gateway_method",
    "aws:apigateway/integration:Integration": "aws_api_gateway_integration",
}
"""Types whose name in Terraform is not that of Pulumi in other letters."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; expected: an exported stack"),
        ("[]", "is not an object"),
        ("{", "is not JSON: Expecting"),
        ("a: [", "is neither JSON nor YAML"),
        ('{"Resources": {}}', "has Resources at its top"),
        ('{"other": {}, "version": 3}', "has other, version at its top"),
        (
            '{"checkpoint": {}, "version": 3}',
            "is the checkpoint of a Pulumi backend; export the stack: pulumi stack export",
        ),
        (
            '{"version": 4, "lineage": "x", "resources": []}',
            "is Terraform's own state file; write its JSON: terraform show",
        ),
        ('{"Resources": {"A": {}, "A": {}}}', "has the key A twice in one object"),
        ('{"a": NaN}', "is not JSON: it has the number NaN"),
        (f"{'[' * 3000}{']' * 3000}", "nests objects and lists more than 100 deep"),
        (f'{{"a": {"[" * 150}{"]" * 150}}}', "nests objects and lists more than 100 deep"),
        (f'{{"a":{"[" * 100_000}{"]" * 100_000}}}', "nests objects and lists more than 100 deep"),
        ("a: &a [*a]", "found unconstructable recursive node"),
        (f"a: {'[' * 5000}{']' * 5000}", "nests objects and lists more than 100 deep"),
        (
            "\n".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" if a != "a" else f"{b}: &{b} [x]"
                for a, b in itertools.pairwise("abcdefghijk")
            ),
            "repeats parts of itself",
        ),
        ('{"version": 3, "deployment": null}', "deployment is not an object"),
        ('{"version": 3, "deployment": {"resources": [{"type": 5}]}}', "resources[0].type is 5; a text is expected"),
        ("Resources:\n  A: {Type: x}\n  A: {Type: y}\n", "has the key A twice in one object, line 2"),
        (
            '{"version": 3, "deployment": {"resources": [1]}}',
            "a part that has another form: deployment.resources[0] is 1; an object is expected",
        ),
        (
            '{"format_version": "1", "values": {"root_module": {"resources": [[]]}}}',
            "with a part that has another form: root_module.resources[0] is []; an object is expected",
        ),
    ],
)
def test_another_file_is_refused_with_what_it_is(text: str, said: str) -> None:
    with pytest.raises(NotAStack, match=re.escape(said)):
        converted(text)


def test_a_name_made_from_itself_ends() -> None:
    made = template({"A": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "A"}}}})
    assert made.resources[0].name == "A"


UNSURE = """
Parameters: {Env: {Type: String}, Service: {Type: String}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsTest: !Not [!Condition IsProd]
Resources:
  Branch:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Action: sts:AssumeRole, Principal: {AWS: ["*", !Ref Env]}}
          - {Effect: Allow, Action: sts:AssumeRole, Principal: {AWS: !Ref Env}}
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess", !ImportValue more]
      Policies:
        - !If
          - IsProd
          - {PolicyName: a, PolicyDocument: {Statement: {Effect: Allow, Action: "iam:PassRole", Resource: "*"}}}
          - !Ref AWS::NoValue
        - PolicyName: b
          PolicyDocument: {Statement: {Effect: Allow, Action: !If [IsTest, "ecs:RunTask", x:y], Resource: "*"}}
  Sid:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: {Sid: !Ref Env, Effect: Allow, Action: "iam:PassRole", Resource: "*"}}}
  List:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Statement: {Effect: Allow, Action: ["iam:PassRole", !Ref Env], Resource: ["*", !Ref Env]}}
  Compared:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
          - Effect: Allow
            Action: iam:PassRole
            Resource: "*"
            Condition: {StringEquals: {iam:PassedToService: !Ref Service}}
          - {Effect: Allow, NotAction: ["s3:*", !Ref Env], Resource: "*"}
  Queue: {Type: AWS::SQS::Queue}
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Statement:
          - {Effect: Allow, Principal: "*", Action: "sqs:SendMessage", Resource: "*"}
          - {Effect: !Ref Env, Principal: "*", Action: "sqs:*", Resource: "*"}
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: f, AuthType: !If [IsTest, NONE, AWS_IAM]}
  OnlyTest:
    Type: AWS::Lambda::Url
    Condition: IsTest
    Properties: {TargetFunctionArn: f, AuthType: NONE}
  Containers:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: a, Image: !Ref Env}
        - {Name: b, Image: i, Privileged: true, Command: [run, !Ref Env]}
"""


def test_one_unknown_value_does_not_hide_what_is_known_beside_it() -> None:
    audit = audited(UNSURE)
    rules = found(audit)
    assert "passrole-named-roles" in rules["Branch.Policies[0]"]
    assert "runtask-one-definition" in rules["Branch.Policies[1]"]
    assert "passrole-named-roles" in rules["Branch"]
    assert "trust-source" in rules["Branch"]
    assert {"passrole-named-roles", "passrole-service"} <= rules["Sid"]
    assert {"passrole-named-roles", "passrole-service"} <= rules["List"]
    assert rules["Compared"] == {"passrole-named-roles"}
    assert "function-not-public" in rules["Url"] & rules["OnlyTest"]
    assert "queue-not-public" in rules["QueuePolicy"]
    assert "task-not-privileged" in rules["Containers"]
    assert {it.resource: it.because for it in audit.not_judged if "olic" in it.path} == {
        "Branch.ManagedPolicyArns[1]": ("Fn::ImportValue more",),
        "List.Statement[0]": ("parameter Env",),
        "Compared.Statement[0]": ("parameter Service",),
        "Compared.Statement[1]": ("parameter Env",),
        "QueuePolicy.Statement[1]": ("parameter Env",),
    }
    assert set(audit.left) == {
        "parameter Env",
        "parameter Service",
        "Fn::ImportValue more",
        "condition IsProd",
        "condition IsTest",
        "Branch.AssumeRolePolicyDocument",
        "Containers.ContainerDefinitions[0]",
        "Containers.ContainerDefinitions[1]",
    }
    prod = audited(UNSURE, parameters={"Env": "prod", "Service": "ecs-tasks.amazonaws.com"})
    assert set(prod.left) == {"Fn::ImportValue more"}
    assert "Url" not in found(prod)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_conditions_are_judged_in_all_four_combinations_of_any_two(count: int) -> None:
    names = [f"P{it}" for it in range(count)]
    made = template(
        {it: {"Type": "AWS::IAM::Role", "Condition": it} for it in names},
        Parameters={it: {"Type": "String"} for it in names},
        Conditions={it: {"Fn::Equals": [{"Ref": it}, "x"]} for it in names},
    )
    ways = [{one.name for one in it.resources} for it in (made, *made.otherwise)]
    assert len(ways) <= 2**3 if count <= 3 else len(ways) <= 10
    for first, second in itertools.combinations(names, 2):
        assert {(first in it, second in it) for it in ways} == set(itertools.product((True, False), repeat=2))


def test_a_made_up_name_is_no_other_resources() -> None:
    kind = "AWS::IAM::Role"
    made = template({"A": {"Type": kind, "Properties": {"RoleName": {"Fn::Sub": "B"}}}, "B": {"Type": kind}})
    assert [it.outputs["arn"].rpartition("/")[2] for it in made.resources] == ["B", "stack-B"]


LINES = """{
  "Description": "Version: \\"Url\\"",
  "Resources": {
    "First": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
      "Version": "2012-10-17", "Second": 1}}},
    "Second":
      {"Type": "AWS::IAM::Role"},
    "Version": {"Type": "AWS::IAM::Role"}
  }
}"""


@pytest.mark.parametrize(
    "text", [LINES, "---\n" + "\n".join(LINES.splitlines()[1:]).join("{}")[:-1]], ids=["json", "yaml"]
)
def test_a_line_is_that_of_the_resource_and_not_of_a_key_of_the_same_name(text: str) -> None:
    assert {it.name: it.line for it in converted(text).resources} == {"First": 4, "Second": 6, "Version": 8}


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
      Events: {Mail: {Type: AlexaSkill}}
      DeploymentPreference: {Type: Linear10PercentEvery1Minute}
    Connectors: {Table: {}}
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
    assert set(made.left) == {
        "Launcher.Connectors",
        "Launcher.DeploymentPreference",
        "Launcher.Events.Mail (AlexaSkill)",
        "Launcher.Policies[2]",
    }
    audit = audited(SAM)
    assert {"passrole-named-roles", "runtask-cluster"} <= found(audit)["LauncherRole.Policies[0]"]
    assert "runtask-one-definition" in found(audit)["MachineRole.Policies[0]"]
    assert all(it.line for it in audit.broken)


EVENTS = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, Timeout: 60, FunctionUrlConfig: {AuthType: NONE}, Layers: [a]}
  HttpApi: {Auth: {DefaultAuthorizer: AWS_IAM}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Launcher:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      Layers: [b]
      RolePath: /x/
      PermissionsBoundary: arn:aws:iam::123456789012:policy/edge
      AssumeRolePolicyDocument: {Statement: {Effect: Allow, Principal: "*", Action: "sts:AssumeRole"}}
      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS}}}
      Policies: [{Statement: {Effect: Allow, Action: "ecs:RunTask", Resource: "*"}}]
      Events:
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 1}}
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day), DeadLetterConfig: {Type: SQS}}}
        Seen: {Type: EventBridgeRule, Properties: {Pattern: {source: [a]}}}
        Later: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), RetryPolicy: {MaximumRetryAttempts: 1}}}
        Told: {Type: SNS, Properties: {Topic: "arn:aws:sns:us-east-1:123456789012:t"}}
        Rest: {Type: Api, Properties: {Path: /a, Method: post}}
        Http: {Type: HttpApi, Properties: {Path: /a, Method: post}}
        Open: {Type: HttpApi, Properties: {Path: /b, Method: post, Auth: {Authorizer: NONE}}}
"""


def test_what_sam_makes_of_a_functions_url_and_events_is_judged() -> None:
    made = converted(EVENTS)
    named = {it.name: it for it in made.resources}
    assert made.left == {}
    alias = named["LauncherAliaslive"].outputs["arn"]
    assert named["LauncherJobs"].inputs["functionName"] == alias
    assert named["LauncherJobs"].inputs["eventSourceArn"] == named["Queue"].outputs["arn"]
    assert named["LauncherDaily.Targets[0]"].inputs["deadLetterConfig"] == {
        "arn": named["LauncherDailyQueue"].outputs["arn"]
    }
    assert named["LauncherSeenPermission"].inputs["sourceArn"] == named["LauncherSeen"].outputs["arn"]
    assert named["LauncherLater"].inputs["target"]["roleArn"] == named["LauncherLaterRole"].outputs["arn"]
    assert named["LauncherRole"].inputs["path"] == "/x/"
    assert named["LauncherRole"].inputs["permissionsBoundary"].endswith("edge")
    assert named["Launcher"].inputs["layers"] == ["a", "b"]
    rules = found(audited(EVENTS))
    assert "function-not-public" in rules["LauncherUrl"] & rules["LauncherUrlPublicPermissions"]
    assert {name for name, its in rules.items() if "launcher-not-public" in its} == {
        *("LauncherUrl", "LauncherUrlPublicPermissions", "LauncherRest", "LauncherOpen")
    }
    assert "trust-source" in rules["LauncherRole"]
    assert "event-target-dead-letter" in rules["LauncherSeen.Targets[0]"]
    assert "event-target-dead-letter" not in rules.get("LauncherDaily.Targets[0]", set())
    assert "schedule-bounded" in rules["LauncherLater"]
