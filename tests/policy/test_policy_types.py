"""The types that no rule reads are those of Pulumi's AWS provider, each is reviewed, and what each says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fargate_job_launcher.policies.types import RUNS, SAID

from tools.pack import types
from tools.pack.judging import NOT_KNOWN, Judged, Thing, judge
from tools.pack.policy_cases import ADMINISTRATOR, ONLY_BUILDS, ONLY_TASKS, allow, arn_of, cloud_control, inline, role
from tools.pack.types import MODULE, REVIEWED, computed, differences, every, read_by_rules, reviewed, written

TEXT = REVIEWED.read_text()
RULE = "resources-readable"
LAUNCHER = [role("r", ONLY_BUILDS), inline(allow("ecs:RunTask"), role="r")]
READER = [role("r", ONLY_BUILDS), inline(allow("s3:GetObject"), role="r")]
R = arn_of("r")


@pytest.fixture(scope="module")
def found() -> set[str]:
    return computed()


def test_every_type_of_the_provider_is_reviewed_and_the_module_is_computed_from_it(found: set[str]) -> None:
    assert differences(TEXT, found, every()) == []
    assert written(MODULE.read_text(), TEXT) == MODULE.read_text(), "stale; run `make types`"
    assert len(found) > 400


def test_a_type_that_is_new_in_the_provider_or_gone_from_it_is_named(found: set[str]) -> None:
    more = (found | {"aws:new/thing:Thing"}) - {"aws:glue/job:Job", "aws:glue/crawler:Crawler"}
    assert differences(TEXT, more | {"aws:ssm/document:Document"}, every() - {"aws:glue/job:Job"}) == [
        "aws:new/thing:Thing is new: review it in types.txt",
        "aws:glue/crawler:Crawler has no policy, role or definition any more: remove it from types.txt",
        "aws:glue/job:Job is no longer in the provider: remove it from types.txt",
        "aws:ssm/document:Document is in the data: remove its + from types.txt",
    ]


def test_a_type_that_nobody_reviewed_stops_the_computation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(types, "computed", lambda: {*computed(), "aws:new/thing:Thing"})
    before = MODULE.read_text()
    assert types.main() == 1
    assert capsys.readouterr().err == "aws:new/thing:Thing is new: review it in types.txt\n"
    assert MODULE.read_text() == before


def test_what_is_marked_as_read_is_read_by_a_rule_and_nothing_else_of_which_something_is_said() -> None:
    read = read_by_rules()
    said = {it.section: {one.token for one in reviewed(TEXT) if one.section == it.section} for it in reviewed(TEXT)}
    assert said["read"] - read == set()
    assert (said["policy"] | said["holds"] | said["harmless"]) & read == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[read]\necs taskDefinition", r"neither \[section\] nor"),
        ("ecs: taskDefinition", r"neither \[section\] nor"),
        ("[unread]", r"\[unread\] is none of read, runs"),
        ("[read]\necs: service\n[runs]\necs: service", "aws:ecs/service:Service is there twice"),
    ],
)
def test_a_line_of_another_form_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reviewed(text)


def messages(*stack: Thing, **asked: Any) -> list[str]:
    return [it.partition("\nFix: ")[0] for it in judge(stack, **asked).messages(RULE)]


@pytest.mark.parametrize("kind", sorted(SAID))
def test_what_gives_statements_or_holds_resources_is_said(kind: str) -> None:
    assert [it.endswith(("not in this stack", "not here")) for it in messages(Thing(kind, "it", {}))] == [True]


@pytest.mark.parametrize("kind", sorted(RUNS))
def test_what_runs_as_no_role_is_not_said(kind: str) -> None:
    assert {RULE, "roles-known"} & judge([Thing(kind, "it", {})]).rules == set()


AUTOMATION = json.dumps({"schemaVersion": "0.3", "assumeRole": R, "mainSteps": [{"action": "aws:executeAwsApi"}]})
NAMING = {
    "aws:codebuild/project:Project": {"serviceRole": R},
    "aws:glue/job:Job": {"roleArn": R},
    "aws:codepipeline/pipeline:Pipeline": {"stages": [{"actions": [{"configuration": {"RoleArn": R}}]}]},
    "aws:apprunner/service:Service": {"instanceConfiguration": {"instanceRoleArn": R}},
    "aws:fis/experimentTemplate:ExperimentTemplate": {"roleArn": R},
    "aws:rolesanywhere/profile:Profile": {"roleArns": [R]},
    "aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment": {"roles": {"authenticated": R}},
    "aws:ssm/document:Document": {"content": AUTOMATION},
    "aws:ssm/association:Association": {"parameters": {"AutomationAssumeRole": R}},
    "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask": {"serviceRoleArn": R},
    "aws:cfg/remediationConfiguration:RemediationConfiguration": {
        "parameters": [{"name": "AutomationAssumeRole", "staticValue": R}]
    },
    "aws:servicecatalog/constraint:Constraint": {"parameters": json.dumps({"RoleArn": R})},
    "aws:apigateway/integration:Integration": {"credentials": R},
    "aws-native:codebuild:Project": {"serviceRole": R},
    "aws-native:ssm:Document": {"content": json.loads(AUTOMATION)},
    "aws-native:ec2:Instance": {"iamInstanceProfile": "p"},
    "aws:ec2/launchTemplate:LaunchTemplate": {"iamInstanceProfile": {"name": "p"}},
    "aws:elasticbeanstalk/environment:Environment": {"settings": [{"name": "IamInstanceProfile", "value": "p"}]},
}
PROFILE = Thing("aws:iam/instanceProfile:InstanceProfile", "p", {"name": "p", "role": "r"})


@pytest.mark.parametrize("kind", NAMING)
def test_what_runs_as_a_role_is_said_where_the_role_may_launch(kind: str) -> None:
    it = Thing(kind, "it", NAMING[kind])
    assert ["runs as r" in one and "which may ecs:RunTask" in one for one in messages(*LAUNCHER, PROFILE, it)] == [True]
    assert messages(*READER, PROFILE, it) == []
    assert messages(*LAUNCHER, PROFILE, it, config={RULE: {"deployers": [R]}}) == []
    assert "roles-known" not in judge([*READER, PROFILE, it]).rules
    assert "roles-known" in judge([it]).rules


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("aws:batch/computeEnvironment:ComputeEnvironment", {"serviceRole": R}),
        ("aws:emr/cluster:Cluster", {"serviceRole": R}),
        ("aws:elasticbeanstalk/environment:Environment", {"settings": [{"name": "ServiceRole", "value": R}]}),
        ("aws:apigateway/integration:Integration", {"credentials": "arn:aws:iam::*:user/*"}),
        ("aws:ssm/document:Document", {"content": "assumeRole: '{{ AutomationAssumeRole }}'"}),
        ("aws:glue/job:Job", {"roleArn": "arn:aws:iam::1:role/aws-service-role/glue.amazonaws.com/x"}),
    ],
)
def test_a_role_for_the_own_work_of_a_service_is_not_one_that_somebody_uses(kind: str, props: Any) -> None:
    it = Thing(kind, "it", props)
    assert {RULE, "roles-known"} & judge([it]).rules == set()
    assert messages(*LAUNCHER, it) == []


def test_a_role_of_a_resource_of_cloud_control_is_found() -> None:
    assert len(messages(*LAUNCHER, cloud_control("AWS::CodeBuild::Project", {"ServiceRole": R}))) == 1


def test_a_role_that_is_not_known_yet_is_named_by_what_it_is_computed_from() -> None:
    computed_from = Thing("aws:glue/job:Job", "it", {"roleArn": NOT_KNOWN}, computed_from={"roleArn": ["r"]})
    assert len(messages(*LAUNCHER, computed_from, preview=True)) == 1
    left = Thing("aws-native:glue:Job", "it", {"role": NOT_KNOWN})
    assert "it (aws-native:glue:Job): role" in judge([left], preview=True).not_judged[RULE][0]
    instance = Thing("aws:ec2/instance:Instance", "it", {}, {"iamInstanceProfile": NOT_KNOWN})
    assert judge([instance], preview=True).not_judged == {}


@pytest.mark.parametrize(
    ("kind", "prop", "owner"),
    [
        (
            "aws:ssoadmin/accountAssignment:AccountAssignment",
            "permissionSetArn",
            "aws:ssoadmin/permissionSet:PermissionSet",
        ),
        ("aws:cloudformation/stackInstances:StackInstances", "stackSetName", "aws:cloudformation/stackSet:StackSet"),
    ],
)
def test_what_gives_what_is_in_the_stack_is_not_said(kind: str, prop: str, owner: str) -> None:
    body = json.dumps({"Resources": {}})
    it = Thing(kind, "it", {prop: "x"})
    assert messages(it, Thing(owner, "x", {"name": "x", "templateBody": body}, {"arn": "x"})) == []
    assert len(messages(it)) == 1


def test_the_remediation_of_a_conformance_pack_is_read() -> None:
    remediation = {"Parameters": {"AutomationAssumeRole": {"StaticValue": {"Values": [R]}}}}
    body = {"Resources": {"R": {"Type": "AWS::Config::RemediationConfiguration", "Properties": remediation}}}
    pack = Thing("aws:cfg/conformancePack:ConformancePack", "it", {"templateBody": json.dumps(body)})
    assert len(messages(*LAUNCHER, pack)) == 1


def job(**properties: Any) -> Thing:
    container = {"image": "nginx:1", "user": "1000", "readonlyRootFilesystem": True, **properties}
    container.setdefault(
        "resourceRequirements", [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    )
    return Thing(
        "aws:batch/jobDefinition:JobDefinition",
        "it",
        {"type": "container", "platformCapabilities": ["FARGATE"], "containerProperties": json.dumps(container)},
    )


ROLES = {"jobRoleArn": arn_of("task"), "executionRoleArn": arn_of("execution")}
PAIR = [role("task", ONLY_TASKS), role("execution", ONLY_TASKS)]
FINE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/job@sha256:" + "0" * 64


def test_a_job_of_batch_is_judged_as_a_task() -> None:
    assert judge([*PAIR, job(image=FINE, **ROLES)]).rules == set()
    assert judge([job()]).rules >= {"task-own-roles", "image-registry", "image-digest"}
    assert "roles-known" in judge([job(**ROLES)]).rules
    bad = {"environment": [{"name": "DB_PASSWORD", "value": "hunter22"}], "privileged": True, "user": "root"}
    judged = judge([*PAIR, job(**{**ROLES, **bad, "networkConfiguration": {"assignPublicIp": "ENABLED"}})])
    assert judged.rules >= {"environment-no-secrets", "task-not-privileged", "task-user", "no-public-ip"}
    assert judged.messages("task-user")[0].startswith(
        "it (aws:batch/jobDefinition:JobDefinition) > containerProperties: container it runs as root"
    )
    administrator = role("task", ONLY_TASKS, managedPolicyArns=[ADMINISTRATOR])
    assert "task-no-administrator" in judge([administrator, PAIR[1], job(**ROLES)]).rules
    small = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "8192"}]
    assert "task-size" in judge([*PAIR, job(resourceRequirements=small)]).rules


@pytest.mark.parametrize(
    "properties",
    [
        {"ecsProperties": {"taskProperties": [{"taskRoleArn": arn_of("t"), "containers": [{"image": "x"}]}]}},
        {"nodeProperties": {"nodeRangeProperties": [{"container": {"image": "x", "jobRoleArn": arn_of("t")}}]}},
    ],
)
def test_every_form_of_a_job_is_read(properties: Any) -> None:
    administrator = role("t", ONLY_TASKS, managedPolicyArns=[ADMINISTRATOR])
    kind = "aws:batch/jobDefinition:JobDefinition"
    given = {key: json.dumps(it) for key, it in properties.items()}
    for it in (Thing(kind, "it", given), Thing("aws-native:batch:JobDefinition", "it", properties)):
        assert judge([administrator, it]).rules >= {"task-no-administrator", "task-fargate", "task-user"}


def _of(it: Thing) -> Judged:
    return judge([role("t", ONLY_TASKS, managedPolicyArns=[ADMINISTRATOR]), it])


def test_an_express_service_and_a_daemon_are_judged_as_tasks() -> None:
    secret = [{"name": "DB_PASSWORD", "value": "hunter22"}]
    roles = {"taskRoleArn": arn_of("t"), "executionRoleArn": arn_of("t")}
    express = Thing(
        "aws:ecs/expressGatewayService:ExpressGatewayService",
        "it",
        {**roles, "primaryContainer": {"image": "x", "environments": secret}},
    )
    found = {"task-own-roles", "task-no-administrator", "environment-no-secrets", "image-registry"}
    assert _of(express).rules >= found
    assert {"task-fargate", "task-size", "task-logs"} & _of(express).rules == set()
    container = {"name": "agent", "image": "x", "environments": secret, "privileged": True}
    daemon = {**roles, "containerDefinitions": [container]}
    assert _of(Thing("aws:ecs/daemonTaskDefinition:DaemonTaskDefinition", "it", daemon)).rules >= {
        *(found | {"task-fargate", "task-logs", "task-not-privileged"}),
    }


def test_a_task_set_and_a_daemon_are_judged_as_services() -> None:
    network = {"subnets": ["a"], "assignPublicIp": True}
    task_set = Thing("aws:ecs/taskSet:TaskSet", "it", {"networkConfiguration": network})
    assert judge([task_set]).rules == {"no-public-ip", "two-subnets"}
    assert judge([Thing("aws:ecs/daemon:Daemon", "it", {"enableExecuteCommand": True})]).rules == {"no-exec"}


def test_a_job_of_which_a_value_is_not_known_yet_is_judged_by_the_others() -> None:
    variables = [{"name": "A", "value": NOT_KNOWN}, {"name": "DB_PASSWORD", "value": "hunter22"}]
    its = {"containerProperties": {"image": "x", "environment": variables}}
    it = Thing("aws-native:batch:JobDefinition", "it", its)
    assert "environment-no-secrets" in judge([it], preview=True).rules
    whole = Thing("aws:batch/jobDefinition:JobDefinition", "it", {"containerProperties": NOT_KNOWN})
    assert "task-user" in judge([whole], preview=True).not_judged
