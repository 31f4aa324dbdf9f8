"""Every environment's program, recorded under mocks: what it registers and how the resources hang together."""

from __future__ import annotations

import json
from typing import Any

from conftest import Recorded, Recording

LAUNCHER = "fargate-job-launcher:index:FargateJobLauncher"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

TAKE_NO_TAGS = {ROLE_POLICY, "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"}


def launchers(recording: Recording) -> list[Recorded]:
    found = recording.kind(LAUNCHER)
    assert {it.name for it in found} == recording.jobs().keys()
    return found


def policy(recording: Recording, name: str) -> dict[str, dict[str, Any]]:
    """The statements of a role's policy by their Sid."""
    document = json.loads(recording.one(ROLE_POLICY, name).inputs["policy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def settings(recording: Recording, job: str) -> dict[str, Any]:
    return json.loads(
        recording.one(FUNCTION, f"{job}-launcher").inputs["environment"]["variables"]["LAUNCHER_SETTINGS"]
    )


def test_a_stack_has_at_least_two_jobs_and_each_is_the_same_set_of_resources(recording: Recording) -> None:
    assert len(launchers(recording)) >= 2
    for launcher in launchers(recording):
        kinds = sorted(it.kind for it in recording.resources.values() if it.parent == launcher.urn)
        assert kinds == sorted([*[ROLE] * 3, ROLE_POLICY, ROLE_POLICY, LOG_GROUP, LOG_GROUP, TASK_DEFINITION, FUNCTION])


def test_passrole_names_exactly_the_two_roles_of_the_task_definition(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        execution, task = recording.one(ROLE, f"{job}-execution"), recording.one(ROLE, f"{job}-task")
        roles = sorted([execution.outputs["arn"], task.outputs["arn"]])
        statements = policy(recording, f"{job}-launcher")
        assert statements["PassOnlyTheseRoles"] == {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }
        assert statements["NeverAnotherRole"]["NotResource"] == roles
        definition = recording.one(TASK_DEFINITION, job)
        assert definition.inputs["executionRoleArn"] == execution.outputs["arn"]
        assert definition.inputs["taskRoleArn"] == task.outputs["arn"]


def test_the_launcher_may_run_only_the_exact_revision_in_the_one_cluster(recording: Recording) -> None:
    (cluster,) = recording.kind("aws:ecs/cluster:Cluster")
    for launcher in launchers(recording):
        statement = policy(recording, f"{launcher.name}-launcher")["RunOnlyThisTask"]
        definition = recording.one(TASK_DEFINITION, launcher.name).outputs["arn"]
        assert definition.endswith(":7")
        assert statement["Resource"] == definition == settings(recording, launcher.name)["taskDefinition"]
        assert statement["Condition"] == {"ArnEquals": {"ecs:cluster": cluster.outputs["arn"]}}


def test_the_policy_is_computed_from_the_roles_the_task_definition_and_the_cluster(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        computed_from = recording.one(ROLE_POLICY, f"{job}-launcher").computed_from["policy"]
        assert {
            recording.one(ROLE, f"{job}-execution").urn,
            recording.one(ROLE, f"{job}-task").urn,
            recording.one(TASK_DEFINITION, job).urn,
            recording.kind("aws:ecs/cluster:Cluster")[0].urn,
        } <= computed_from


def test_the_function_waits_for_its_policy_and_the_task_definition_for_its_own(recording: Recording) -> None:
    for launcher in launchers(recording):
        job = launcher.name
        function = recording.one(FUNCTION, f"{job}-launcher")
        assert recording.one(ROLE_POLICY, f"{job}-launcher").urn in function.dependencies
        assert function.inputs["role"] == recording.one(ROLE, f"{job}-launcher").outputs["arn"]
        definition = recording.one(TASK_DEFINITION, job)
        assert recording.one(ROLE_POLICY, f"{job}-execution").urn in definition.dependencies


def test_every_resource_that_takes_tags_has_the_stacks(recording: Recording) -> None:
    tagged = [it for it in recording.resources.values() if it.kind.startswith("aws") and it.kind not in TAKE_NO_TAGS]
    expected = {
        "project": recording.stack.project,
        "stack": recording.stack.name,
        **recording.setting("tags"),
    }
    assert tagged
    assert {it.urn: it.inputs.get("tags") for it in tagged} == {it.urn: expected for it in tagged}


def test_logs_are_kept_and_protected_as_configured(recording: Recording) -> None:
    protect = recording.setting("protect")
    for job, config in recording.jobs().items():
        for group in (recording.one(LOG_GROUP, f"{job}-job"), recording.one(LOG_GROUP, f"{job}-launcher")):
            assert group.inputs["retentionInDays"] == config["logRetentionDays"]
            assert group.protect is protect
    for kind in ("aws:ecs/cluster:Cluster", "aws:secretsmanager/secret:Secret", "awsx:ec2:Vpc"):
        assert {it.protect for it in recording.kind(kind)} == {protect}


def test_tasks_run_where_and_on_what_the_environment_says(recording: Recording) -> None:
    network = recording.setting("network")
    public = network["subnets"] == "public"
    (vpc,) = recording.kind("awsx:ec2:Vpc")
    assert vpc.inputs["numberOfAvailabilityZones"] == network["availabilityZones"]
    strategies = {"none": "None", "single": "Single", "one_per_az": "OnePerAz"}
    assert vpc.inputs["natGateways"]["strategy"] == strategies[network.get("natGateways", "none")]
    (group,) = recording.kind("aws:ec2/securityGroup:SecurityGroup")
    assert "ingress" not in group.inputs
    for job, config in recording.jobs().items():
        given = settings(recording, job)
        assert given["subnets"] == ["subnet-public" if public else "subnet-private"]
        assert given["assignPublicIp"] is public
        assert given["securityGroups"] == ["jobs-0a1b2c3-id"]
        assert given["capacity"] == config["capacity"]
        definition = recording.one(TASK_DEFINITION, job)
        assert (definition.inputs["cpu"], definition.inputs["memory"]) == (str(config["cpu"]), str(config["memory"]))


def test_a_container_gets_its_environment_and_secrets_by_arn(recording: Recording) -> None:
    kept = {it.name: it.outputs["arn"] for it in recording.kind("aws:secretsmanager/secret:Secret")}
    seen = 0
    for job, config in recording.jobs().items():
        (container,) = json.loads(recording.one(TASK_DEFINITION, job).inputs["containerDefinitions"])
        secrets = {name: kept[secret] for name, secret in config.get("secrets", {}).items()}
        assert {it["name"]: it["value"] for it in container["environment"]} == config.get("environment", {})
        assert {it["name"]: it["valueFrom"] for it in container["secrets"]} == secrets
        assert container["logConfiguration"]["options"]["awslogs-group"] == f"/{recording.stack.project}/" + (
            f"{recording.stack.name}/{job}/job"
        )
        readable = policy(recording, f"{job}-execution").get("ReadDeclaredSecrets", {}).get("Resource", [])
        assert readable == sorted(secrets.values())
        seen += len(secrets)
    assert seen


def test_what_a_caller_needs_is_exported(recording: Recording) -> None:
    assert recording.exports["subnetIds"]
    for job in recording.jobs():
        exported = recording.exports["jobs"][job]
        assert exported["taskDefinitionArn"] == recording.one(TASK_DEFINITION, job).outputs["arn"]
        assert exported["functionName"] == recording.one(FUNCTION, f"{job}-launcher").outputs["name"]
        assert None not in exported.values()


def test_an_update_replaces_the_launchers_policy_and_keeps_the_old_revision(recording: Recording) -> None:
    for launcher in launchers(recording):
        assert recording.one(ROLE_POLICY, f"{launcher.name}-launcher").replaced_on == ("policy",)
        assert recording.one(TASK_DEFINITION, launcher.name).inputs["skipDestroy"] is True
