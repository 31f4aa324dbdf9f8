"""Resources inside a resource are judged as its own are: aws-native's, Cloud Control's, those of a template."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tools.pack.judging import NOT_KNOWN, Thing, judge
from tools.pack.policy_cases import (
    ADMINISTRATOR,
    DEFINITION,
    IN_CLUSTER,
    ONLY_LAMBDA,
    ONLY_TASKS,
    TO_TASKS,
    allow,
    cloud_control,
    role,
    template,
    text,
)

Properties = Mapping[str, Any]
Form = Callable[[str, str, Properties], Thing]
REGION = "arn:aws:cloudformation:eu-west-1:123456789012:stack/legacy/0a"


def small(value: Any) -> Any:
    """As aws-native spells it; a document keeps its spelling."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: it if "Document" in key else small(it) for key, it in value.items()}
    return [small(it) for it in value] if isinstance(value, list) else value


def native(name: str, kind: str, properties: Properties) -> Thing:
    _, service, its = kind.split("::")
    outputs = {"arn": f"arn:aws:iam::123456789012:role/{name}"} if its == "Role" else {}
    return Thing(f"aws-native:{service.lower()}:{its}", name, small(properties), outputs)


def controlled(name: str, kind: str, properties: Properties) -> Thing:
    return Thing("aws:cloudcontrol/resource:Resource", name, cloud_control(kind, properties).props)


def in_template(name: str, kind: str, properties: Properties) -> Thing:
    made = template({name: {"Type": kind, "Properties": properties}})
    return Thing(made.kind, name, made.props, {"id": REGION})


def in_yaml(name: str, kind: str, properties: Properties) -> Thing:
    body = f"Resources:\n  {name}:\n    Type: {kind}\n    Properties: {json.dumps(properties)}\n"
    return Thing("aws:cloudformation/stackSet:StackSet", name, {"templateBody": body})


FORMS: tuple[Form, ...] = (native, controlled, in_template, in_yaml)


def holding(*statements: Any, trust: str = ONLY_LAMBDA) -> Properties:
    return {
        "RoleName": "launcher",
        "AssumeRolePolicyDocument": json.loads(trust),
        "Policies": [{"PolicyName": "own", "PolicyDocument": json.loads(text(*statements))}],
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_is_judged_wherever_it_is_and_the_finding_names_what_holds_it(form: Form) -> None:
    wide = form("launcher", "AWS::IAM::Role", holding(allow(["iam:PassRole", "ecs:RunTask"])))
    judged = judge([wide])
    assert judged.rules >= {"passrole-named-roles", "passrole-service", "runtask-cluster", "runtask-one-definition"}
    message, urn = judged.violations["passrole-named-roles"][0]
    assert (urn, message.startswith(f"launcher ({wide.kind}) > ")) == (wide.urn, True)
    assert "allows iam:PassRole on *" in message
    narrow = form("launcher", "AWS::IAM::Role", holding(allow("ecs:RunTask", DEFINITION, IN_CLUSTER)))
    assert judge([narrow]).violations == {}


@pytest.mark.parametrize("form", FORMS)
def test_what_joins_resources_joins_what_is_inside_them(form: Form) -> None:
    task = form("task", "AWS::IAM::Role", {**holding(allow("*"), trust=ONLY_TASKS), "RoleName": "task"})
    passed = form("launcher", "AWS::IAM::Role", holding(allow("iam:PassRole", _arn(task), TO_TASKS)))
    assert "passrole-no-administrator" in judge([passed, task]).rules
    both = form("launcher", "AWS::IAM::Role", holding(allow("lambda:UpdateFunctionCode")))
    more = Thing(
        "aws:iam/rolePolicy:RolePolicy",
        "more",
        {"role": "launcher", "policy": text(allow("iam:PassRole", _arn(task), TO_TASKS))},
    )
    assert "passrole-alone" in judge([both, more]).rules


def _arn(_it: Thing) -> str:
    return "arn:aws:iam::123456789012:role/task"


@pytest.mark.parametrize("form", FORMS)
def test_tasks_are_judged_wherever_they_are(form: Form) -> None:
    definition = {
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "Cpu": "256",
        "Memory": "512",
        "ContainerDefinitions": [{"Name": "job", "Image": "nginx", "Privileged": True}],
    }
    found = judge([form("job", "AWS::ECS::TaskDefinition", definition)])
    assert found.rules >= {"task-not-privileged", "image-registry", "task-own-roles", "task-logs"}
    service = {"NetworkConfiguration": {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED", "Subnets": ["subnet-1"]}}}
    assert judge([form("web", "AWS::ECS::Service", service)]).rules >= {"no-public-ip", "two-subnets"}


@pytest.mark.parametrize("given", [{"Who": "*"}, [{"ParameterKey": "Who", "ParameterValue": "*"}]])
def test_a_template_has_the_parameters_of_its_stack_in_either_form(given: Any) -> None:
    statement = allow("iam:PassRole", {"Ref": "Who"}, TO_TASKS)
    policy = {"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}, "Roles": ["r"]}
    body = {
        "Parameters": {"Who": {"Type": "String"}},
        "Resources": {"P": {"Type": "AWS::IAM::Policy", "Properties": policy}},
    }
    made = Thing("aws:cloudformation/stackSet:StackSet", "s", {"templateBody": json.dumps(body), "parameters": given})
    assert "passrole-named-roles" in judge([made]).rules


def test_a_waiver_names_the_resource_that_holds_what_is_wrong() -> None:
    it = in_template("job", "AWS::Logs::LogGroup", {"RetentionInDays": 1})
    assert judge([it]).rules == {"log-retention"}
    waiver = {"urn": it.urn, "reason": "kept by the archive", "expires": "2026-12-01"}
    assert judge([it], config={"log-retention": {"waivers": [waiver]}}).rules == set()


def test_a_template_names_roles_of_the_account_in_which_its_stack_is() -> None:
    here = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/task"}
    it = in_template("launcher", "AWS::IAM::Role", holding(allow("iam:PassRole", here, TO_TASKS)))
    elsewhere = REGION.replace("123456789012", "999999999999")
    administrator = role("task", ONLY_TASKS, managedPolicyArns=[ADMINISTRATOR])
    assert it.urn in {urn for _, urn in judge([it, administrator]).violations["passrole-no-administrator"]}
    moved = Thing(it.kind, it.name, it.props, {"id": elsewhere})
    judged = judge([moved, administrator])
    assert it.urn not in {urn for _, urn in judged.violations["passrole-no-administrator"]}
    assert "arn:aws:iam::999999999999:role/task" in judged.messages("roles-known")[0]


def test_a_permission_set_is_a_principal() -> None:
    its = {"arn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1"}
    bare = Thing("aws:ssoadmin/permissionSet:PermissionSet", "ops", {"name": "ops"}, its)
    inline = Thing(
        "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
        "ops",
        {"permissionSetArn": its["arn"], "inlinePolicy": text(allow("iam:PassRole"))},
    )
    attachment = Thing(
        "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment",
        "more",
        {"permissionSetArn": its["arn"], "managedPolicyArn": "arn:aws:iam::aws:policy/AWSLambda_FullAccess"},
    )
    assert judge([bare]).rules == set()
    assert "passrole-named-roles" in judge([bare, inline]).rules
    narrow = Thing(
        inline.kind, "ops", {**inline.props, "inlinePolicy": text(allow("iam:PassRole", _arn(bare), TO_TASKS))}
    )
    assert "passrole-alone" in judge([bare, narrow, attachment]).rules
    assert (
        "assume-named-roles"
        in judge([Thing(inline.kind, "ops", {**inline.props, "inlinePolicy": text(allow("sts:AssumeRole"))})]).rules
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attached", [False, True])
def test_the_boundary_of_a_permission_set_grants_nothing(form: Form, attached: bool) -> None:
    bound = Thing(
        "aws:iam/policy:Policy",
        "bound",
        {"policy": text(allow("*"))},
        {"arn": "arn:aws:iam::123456789012:policy/bound", "name": "bound"},
    )
    to = Thing(
        "aws:iam/userPolicyAttachment:UserPolicyAttachment", "to", {"user": "u", "policyArn": bound.outputs["arn"]}
    )
    named = {"Name": "ops", "PermissionsBoundary": {"CustomerManagedPolicyReference": {"Name": "bound"}}}
    judged = judge([bound, form("ops", "AWS::SSO::PermissionSet", named), *([to] if attached else [])])
    assert ("passrole-named-roles" in judged.rules) is attached


@pytest.mark.parametrize("form", FORMS)
def test_a_permission_set_says_that_it_has_a_policy_of_each_account(form: Form) -> None:
    named = {"Name": "ops", "CustomerManagedPolicyReferences": [{"Name": "operators"}]}
    (said,) = judge([form("ops", "AWS::SSO::PermissionSet", named)]).messages("resources-readable")
    assert "CustomerManagedPolicyReferences[0]" in said


def test_what_is_not_known_in_a_preview_is_said() -> None:
    stack = [
        Thing("aws:cloudformation/stack:Stack", "s", {"templateBody": NOT_KNOWN}),
        Thing("aws:cloudcontrol/resource:Resource", "c", {"typeName": "AWS::IAM::Role", "desiredState": NOT_KNOWN}),
        native("launcher", "AWS::IAM::Role", {**holding(allow("s3:GetObject")), "Policies": NOT_KNOWN}),
    ]
    for it in stack:
        judged = judge([it], preview=True)
        assert judged.violations == {}
        assert any(it.name in one for said in judged.not_judged.values() for one in said), it
        assert judge([it]).rules


def test_policies_of_a_user_reach_it_through_a_group_of_another_stack() -> None:
    def policy(kind: str, name: str, *statements: Any) -> Thing:
        its = {kind: name, "policy": text(*statements)}
        return Thing(f"aws:iam/{kind}Policy:{kind.title()}Policy", f"{kind}-{name}", its)

    member = Thing("aws:iam/userGroupMembership:UserGroupMembership", "m", {"user": "ada", "groups": ["elsewhere"]})
    passes = policy("user", "ada", allow("iam:PassRole", _arn(member), TO_TASKS))
    registers = policy("group", "elsewhere", allow("ecs:RegisterTaskDefinition"))
    assert "passrole-alone" not in judge([passes, registers]).rules
    assert "passrole-alone" in judge([passes, registers, member]).rules


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("aws-native:ecs:Newest", "no rule reads resources of the type aws-native:ecs:Newest"),
        ("aws-native:servicecatalog:CloudFormationProvisionedProduct", "it holds resources whose definition is not"),
        *((f"aws-native:{it}", "") for it in ("lambda:LayerVersion", "lambda:Version", "iam:InstanceProfile")),
        *((f"aws-native:{it}", "") for it in ("events:EventBus", "iam:OidcProvider", "ecs:CapacityProvider")),
        *((f"aws-native:{it}", "") for it in ("ecs:TaskSet", "batch:JobQueue", "ec2:Instance")),
        ("aws-native:cloudformation:Stack", "templateUrl is the address of a template, whose text is not here"),
        ("aws-native:s3:Bucket", ""),
        ("aws-native:iam:Role", ""),
    ],
)
def test_a_type_of_another_provider_is_read_or_said_to_be_unread(kind: str, said: str) -> None:
    messages = judge([Thing(kind, "it", {})]).messages("resources-readable")
    assert [said in it for it in messages] == [True] * bool(said)
