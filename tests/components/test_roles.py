"""Roles that are adopted, bounded, put under a path, given something to do or changed by an update; recorded from
another team's program."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest
from fargate_job_launcher.sandbox.aws.authorization import Call, Policies, run_task_calls

from tools.recording import Recording, program, record

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def launcher(tmp_path: Path, *arguments: str) -> Recording:
    """A launcher with these arguments beside the required ones, as Python source."""
    source = f"""
import json
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
cluster = aws.ecs.Cluster("c")
FargateJobLauncher("job", {{
    "image": "nginx",
    "cluster_arn": cluster.arn,
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    {" ".join(f"{it}," for it in arguments)}
}})
"""
    return record(program(tmp_path, source))


def statement(recording: Recording, role: str, sid: str) -> dict[str, Any]:
    document = json.loads(recording.one(ROLE_POLICY, role).inputs["policy"])
    (found,) = (it for it in document["Statement"] if it["Sid"] == sid)
    return found


def names(recording: Recording, kind: str) -> set[str]:
    return {it.name for it in recording.kind(kind)}


def test_adopted_roles_are_named_and_nothing_is_created_for_them(tmp_path: Path) -> None:
    task, execution = "arn:aws:iam::123456789012:role/a/task", "arn:aws:iam::123456789012:role/execution"
    recording = launcher(tmp_path, f'"task_role_arn": "{task}"', f'"execution_role_arn": "{execution}"')
    assert names(recording, ROLE) == {"job-launcher", "job-runs-supervisor"}
    assert names(recording, ROLE_POLICY) == {"job-launcher", "job-launcher-guard", "job-runs-supervisor"}
    assert statement(recording, "job-launcher-guard", "PassOnlyTheseRoles")["Resource"] == [task, execution]
    assert statement(recording, "job-launcher-guard", "NeverAnotherRole")["NotResource"] == [task, execution]
    definition = recording.one(TASK_DEFINITION, "job")
    assert (definition.inputs["taskRoleArn"], definition.inputs["executionRoleArn"]) == (task, execution)


def test_a_role_adopted_from_the_same_program_is_named_by_its_output(tmp_path: Path) -> None:
    made = '"task_role_arn": aws.iam.Role("mine", assume_role_policy="{}").arn'
    recording = launcher(tmp_path, made)
    mine = recording.one(ROLE, "mine")
    assert mine.outputs["arn"] in statement(recording, "job-launcher-guard", "PassOnlyTheseRoles")["Resource"]
    assert mine.urn in recording.one(ROLE_POLICY, "job-launcher-guard").computed_from["policy"]


def test_the_boundary_and_the_path_go_on_every_role_made_here(tmp_path: Path) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    recording = launcher(tmp_path, f'"permissions_boundary_arn": "{boundary}"', '"role_path": "/jobs/"')
    roles = recording.kind(ROLE)
    assert {it.name for it in roles} == {"job-execution", "job-task", "job-launcher", "job-runs-supervisor"}
    assert {it.inputs["permissionsBoundary"] for it in roles} == {boundary}
    assert {it.inputs["path"] for it in roles} == {"/jobs/"}
    passed = statement(recording, "job-launcher-guard", "PassOnlyTheseRoles")["Resource"]
    assert passed == [f"arn:aws:iam::123456789012:role/jobs/job-{it}-0a1b2c3" for it in ("execution", "task")]


def test_the_jobs_own_code_may_do_what_the_job_declares_and_nothing_else(tmp_path: Path) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:x"}],
    }
    recording = launcher(tmp_path, f'"task_policy": json.dumps({policy!r})')
    attached = recording.one(ROLE_POLICY, "job-task")
    assert json.loads(attached.inputs["policy"]) == policy
    assert attached.inputs["role"] == recording.one(ROLE, "job-task").outputs["name"]


def test_declared_override_roles_may_be_passed_and_reach_the_function_by_alias(tmp_path: Path) -> None:
    arns = [f"arn:aws:iam::123456789012:role/choice-{number}" for number in range(10)]
    roles = {f"choice-{number}": arn for number, arn in enumerate(arns)}
    recording = launcher(tmp_path, f'"overrides": {{"task_roles": {roles!r}}}')
    own = [recording.one(ROLE, f"job-{it}").outputs["arn"] for it in ("execution", "task")]
    assert statement(recording, "job-launcher-guard", "PassOnlyTheseRoles")["Resource"] == sorted([*own, *arns])
    function = recording.one("aws:lambda/function:Function", "job-launcher").inputs
    settings = json.loads(function["environment"]["variables"]["LAUNCHER_SETTINGS"])
    assert settings["overrides"]["taskRoles"] == roles


def test_secrets_parameters_and_keys_are_readable_one_by_one(tmp_path: Path) -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"
    parameter, key = "arn:aws:ssm:eu-west-1:123456789012:parameter/p", "arn:aws:kms:eu-west-1:123456789012:key/k"
    recording = launcher(
        tmp_path,
        f'"secrets": {{"A": "{secret}:user::", "B": "{parameter}"}}',
        f'"secret_key_arns": ["{key}"]',
    )
    for sid, action, resource in (
        ("ReadDeclaredSecrets", "secretsmanager:GetSecretValue", secret),
        ("ReadDeclaredParameters", "ssm:GetParameters", parameter),
        ("DecryptDeclaredSecrets", "kms:Decrypt", key),
    ):
        found = statement(recording, "job-execution", sid)
        assert (found["Action"], found["Resource"]) == (action, [resource])


EVERYTHING = """
import json
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {
    "image": "123456789012.dkr.ecr.REGION.ENDING/app:1",
    "pull_through_cache": True,
    "cluster_arn": aws.ecs.Cluster("c").arn,
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "kms_key_arn": aws.kms.Key("k").arn,
    "payload_bucket": aws.s3.Bucket("b").bucket,
    "overrides": {"payload": True},
    "efs_volumes": [{"file_system_id": "fs-01234567", "access_point_id": "fsap-01234567", "path": "/d"}],
    "queue": {},
    "schedule": {"expression": "rate(1 hour)"},
    "event_rule": {"pattern": json.dumps({"source": ["a"]})},
    "supervision": {"max_runtime_minutes": 60, "retries": 2},
    "max_running": 5,
    "allow_exec": True,
    "function": {"tracing": True, "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
    "alarms": {"dashboard": True},
})
"""


@pytest.mark.parametrize(
    ("region", "partition", "ending"),
    [
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
    ],
)
def test_a_launcher_in_another_partition_names_nothing_outside_it(
    tmp_path: Path, region: str, partition: str, ending: str
) -> None:
    text = EVERYTHING.replace("REGION", region).replace("ENDING", ending)
    stack = program(tmp_path, text, f"config: {{aws:region: {region}}}")
    resources = record(stack).resources.values()
    found = re.findall(r"arn:([a-z-]+):[a-z0-9]+:([a-z0-9-]*):", str([it.inputs for it in resources]))
    assert len(found) >= 60
    assert {it[0] for it in found} == {partition}
    assert {it[1] for it in found} == {region, ""}
    repository = f"arn:{partition}:ecr:{region}:123456789012:repository/app"
    assert str([it.inputs.get("policy") for it in resources]).count(repository) == 2
    # Of AWS's services only what does not act for itself is named with the partition's own ending.
    through = re.findall(r'"kms:ViaService": ?\[?("[^]}]+)', str([it.inputs.get("policy") for it in resources]))
    named = {host.strip('"') for it in through for host in it.split(",")}
    assert named == {f"{it}.{region}.{ending}" for it in ("dynamodb", "s3", "sqs", "sns")}


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ('"task_role_arn": "arn:aws:iam::123456789012:role/*"', "task_role_arn: .* is not the ARN of one role"),
        ('"execution_role_arn": "ecsTaskExecutionRole"', "execution_role_arn: 'ecsTaskExecutionRole' is not the ARN"),
        ('"overrides": {"task_roles": {"a": "*"}}', r"overrides\.task_roles\.a: '\*' is not the ARN of one role"),
        (
            '"task_policy": "{}", "task_role_arn": "arn:aws:iam::123456789012:role/r"',
            "task_policy: is for a role made",
        ),
        ('"role_path": "jobs"', "role_path: 'jobs' does not begin and end with a slash, such as /jobs/"),
    ],
)
def test_a_role_that_would_loosen_the_policy_is_refused(tmp_path: Path, argument: str, said: str) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        launcher(tmp_path, argument)


def test_a_role_output_that_turns_out_to_be_a_pattern_is_refused_too(tmp_path: Path) -> None:
    argument = '"task_role_arn": cluster.arn.apply(lambda _: "arn:aws:iam::123456789012:role/*")'
    said = r"task_role_arn: 'arn:aws:iam::123456789012:role/\*' is not the ARN of one role"
    with pytest.raises(pulumi.RunError, match=said):
        launcher(tmp_path, argument)


def test_the_launchers_policy_leaves_room_for_its_successor(tmp_path: Path) -> None:
    """An update attaches the new policy before it deletes the old one; IAM counts both, and the guard."""
    # What fits in the function's environment, which has less room for roles where the policy says little else.
    roles = {f"r{number}": f"arn:aws:iam::123456789012:role/{'p' * 180}/{number}" for number in range(13)}
    features = (
        '"function": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "tracing": True}',
        *('"queue": {}', '"max_running": 3', '"payload_bucket": "payloads"'),
        '"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"',
    )
    said = (
        r"overrides\.task_roles: the launcher's policy has (\d+) characters, at most (\d+) fit in its role: "
        r"of 10240 its guard takes (\d+), and an update holds the old policy and the new one; declare fewer roles"
    )
    with pytest.raises(ValueError, match=said) as raised:
        launcher(tmp_path, *features, f'"overrides": {{"payload": True, "task_roles": {roles!r}}}')
    ((policy, longest, guard),) = (map(int, it) for it in re.findall(said, str(raised.value)))
    assert 2 * longest + guard <= 10240 < 2 * policy + guard


def test_what_is_denied_is_never_in_the_policy_that_an_update_has_two_of(tmp_path: Path) -> None:
    function = '"function": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"], "tracing": True}'
    recording = launcher(tmp_path, function, '"queue": {}', '"max_running": 3')
    document = json.loads(recording.one(ROLE_POLICY, "job-launcher").inputs["policy"])
    assert {it["Effect"] for it in document["Statement"]} == {"Allow"}
    assert statement(recording, "job-launcher-guard", "OnlyLambdaJoins")["Effect"] == "Deny"


CHOICE, OTHER = (f"arn:aws:iam::123456789012:role/{it}" for it in ("choice", "other"))
OF_OTHERS = {
    "table_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs",
    "supervisor_role_arn": "arn:aws:iam::123456789012:role/jobs-supervisor",
    "notice_topic_arn": "arn:aws:sns:eu-west-1:123456789012:jobs-notices",
}
UPDATES = {
    "image": ("", '"image": "nginx:2"', False),
    "more CPU": ("", '"cpu": 512, "memory": 1024', True),
    "less CPU": ('"cpu": 512, "memory": 1024', '"cpu": 256, "memory": 1024', True),
    "more memory": ("", '"memory": 1024', True),
    "less memory": ('"memory": 2048', "", True),
    "a higher ceiling": ("", '"overrides": {"cpu": 1024, "memory": 4096}', True),
    "CPU below the ceiling": (
        '"overrides": {"cpu": 1024, "memory": 4096}',
        '"cpu": 512, "memory": 1024, "overrides": {"cpu": 1024, "memory": 4096}',
        False,
    ),
    "exec": ("", '"allow_exec": True', True),
    "no exec any more": ('"allow_exec": True', "", True),
    "an override role": ("", f'"overrides": {{"task_roles": {{"a": "{CHOICE}"}}}}', True),
    "an override role less": (f'"overrides": {{"task_roles": {{"a": "{CHOICE}"}}}}', "", True),
    "another task role": (f'"task_role_arn": "{CHOICE}"', f'"task_role_arn": "{OTHER}"', True),
    "another execution role": (f'"execution_role_arn": "{CHOICE}"', f'"execution_role_arn": "{OTHER}"', True),
    "a queue": ("", '"queue": {}', False),
    "traces": ("", '"function": {"tracing": True}', False),
    "a table of others": ("", f'"runs": {OF_OTHERS!r}', False),
    "notices": ("", '"notify": {"log_lines": 5}', False),
    "callbacks": ("", '"callbacks": ["arn:aws:states:eu-west-1:123456789012:stateMachine:m"]', False),
}
"""What is changed: arguments before and after, and whether what is denied changes by it."""


@pytest.mark.parametrize("changed", UPDATES)
def test_no_update_has_a_moment_without_permission(tmp_path: Path, changed: str) -> None:
    before, after, denies_otherwise = UPDATES[changed]
    old, new = (_revision(tmp_path, it, number) for number, it in ((7, before), (8, after)))
    # Pulumi replaces the role where its description changes, and then each has its own policies; else one has both.
    replaced = old.role != new.role
    assert replaced is denies_otherwise
    assert (old.guard != new.guard) is denies_otherwise
    for revision in (old, new):
        policies = (revision.policy,) if replaced else (old.policy, new.policy)
        role = Policies.of(*policies, revision.guard)
        assert [it for it in revision.launches if not role.decide(it).allowed] == []
    if denies_otherwise:
        both = Policies.of(old.policy, new.policy, old.guard, new.guard)
        assert [it for it in (*old.launches, *new.launches) if not both.decide(it).allowed], "one role would not do"


@dataclass(frozen=True)
class Revision:
    """A launcher as one update leaves it."""

    role: str
    """The description of its role: another one is another role."""
    policy: str
    guard: str
    launches: list[Call]
    """Everything that its launches ask IAM about: the smallest, and one of each role at the ceilings."""


def _revision(tmp_path: Path, arguments: str, number: int) -> Revision:
    recording = launcher(tmp_path, *([arguments] if arguments else []))
    role, policy, guard = (
        recording.one(ROLE, "job-launcher"),
        recording.one(ROLE_POLICY, "job-launcher"),
        recording.one(ROLE_POLICY, "job-launcher-guard"),
    )
    assert (role.replaced_on, policy.replaced_on, guard.replaced_on) == (("description",), ("policy",), ())
    given = recording.one(TASK_DEFINITION, "job")
    arn = given.outputs["arn"].replace(":7", f":{number}")
    function = recording.one("aws:lambda/function:Function", "job-launcher").inputs
    settings = json.loads(function["environment"]["variables"]["LAUNCHER_SETTINGS"])
    most = {key: str(it) for key in ("cpu", "memory") if (it := int(settings["overrides"][key]))}
    roles = [{"taskRoleArn": it} for it in settings["overrides"]["taskRoles"].values()]
    always = {"propagateTags": "TASK_DEFINITION", "enableExecuteCommand": settings["exec"]}
    launches = [
        call
        for overrides in ({}, most, *({**most, **it} for it in roles))
        for call in run_task_calls(
            {**always, "overrides": overrides}, {**given.inputs, "taskDefinitionArn": arn}, settings["cluster"]
        )
    ]
    allowed = policy.inputs["policy"].replace(given.outputs["arn"], arn)
    return Revision(role.inputs["description"], allowed, guard.inputs["policy"], launches)
