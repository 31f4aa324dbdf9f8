"""What components, projects and stacks can be called: the longest names that are let through are names of AWS too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import pulumi
import pytest
import regex
from botocore.loaders import Loader
from botocore.model import ServiceModel
from fargate_job_launcher import JobCluster, JobNetwork, JobRuns, PayloadBucket
from fargate_job_launcher.checks.names import (
    BUCKET,
    CLUSTER,
    LOGGED_NETWORK,
    NETWORK,
    PULUMI_ADDS,
    RUNS,
    Rule,
    name_problems,
)
from fargate_job_launcher.sandbox import Stack
from fargate_job_launcher.sandbox.aws.rows import Refused
from fargate_job_launcher.sandbox.aws.rules import hold
from test_roles import EVERYTHING

from tools.recording import PROGRAM, Recorded, copied, program, record


@dataclass(frozen=True)
class Named:
    """How a type of resource is called on AWS."""

    field: str
    """The input that is its name, which Pulumi makes up where it is not given."""
    service: str = ""
    operation: str = ""
    member: str = ""
    """Where botocore's model has its limits; empty where it has none."""
    longest: int = 0
    shape: str = ""
    """What AWS's pages say where the model says nothing, or less."""


NAMED: Final = {
    "aws:cloudwatch/dashboard:Dashboard": Named("dashboardName", longest=255, shape=r"[A-Za-z0-9_-]+"),
    "aws:cloudwatch/eventRule:EventRule": Named("name", "events", "PutRule", "Name"),
    "aws:cloudwatch/logGroup:LogGroup": Named("name", "logs", "CreateLogGroup", "logGroupName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Named("name", "cloudwatch", "PutMetricAlarm", "AlarmName"),
    "aws:dynamodb/table:Table": Named("name", longest=255, shape=r"[a-zA-Z0-9_.-]{3,}"),
    "aws:ec2/securityGroup:SecurityGroup": Named(
        "name", longest=255, shape=r"(?!sg-)[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]+"
    ),
    "aws:ecs/cluster:Cluster": Named("name", longest=255, shape=r"[A-Za-z0-9_-]+"),
    "aws:ecs/taskDefinition:TaskDefinition": Named("family", longest=255, shape=r"[A-Za-z0-9_-]+"),
    "aws:iam/role:Role": Named("name", "iam", "CreateRole", "RoleName"),
    "aws:iam/rolePolicy:RolePolicy": Named("name", "iam", "PutRolePolicy", "PolicyName"),
    "aws:kms/alias:Alias": Named("name", "kms", "CreateAlias", "AliasName", shape=r"alias/[a-zA-Z0-9/_-]+"),
    # The model's limit is that of the function's ARN.
    "aws:lambda/function:Function": Named("name", longest=64, shape=r"[a-zA-Z0-9-_]+"),
    "aws:lambda/alias:Alias": Named("name", "lambda", "CreateAlias", "Name"),
    "aws:s3/bucket:Bucket": Named("bucket", longest=63, shape=r"[a-z0-9][a-z0-9.-]+[a-z0-9]"),
    "aws:scheduler/schedule:Schedule": Named("name", "scheduler", "CreateSchedule", "Name"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Named("name", "scheduler", "CreateScheduleGroup", "Name"),
    "aws:secretsmanager/secret:Secret": Named("name", "secretsmanager", "CreateSecret", "Name", shape=r"[\w/+=.@-]+"),
    "aws:sns/topic:Topic": Named("name", longest=256, shape=r"[A-Za-z0-9_-]+"),
    "aws:sqs/queue:Queue": Named("name", longest=80, shape=r"[A-Za-z0-9_-]+"),
}
NAMELESS: Final = (
    *("cloudwatch/eventTarget:EventTarget", "ec2/defaultSecurityGroup:DefaultSecurityGroup", "ec2/flowLog:FlowLog"),
    *("ec2/vpcEndpoint:VpcEndpoint", "ecs/clusterCapacityProviders:ClusterCapacityProviders", "kms/key:Key"),
    *("lambda/eventSourceMapping:EventSourceMapping", "lambda/permission:Permission", "sns/topicPolicy:TopicPolicy"),
    *("lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "s3/bucketPolicy:BucketPolicy"),
    *("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "sqs/queuePolicy:QueuePolicy"),
    *("s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "secretsmanager/secretVersion:SecretVersion"),
    *("s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",),
    *("sns/topicSubscription:TopicSubscription",),
)
"""Types that AWS wants no name for."""


def physical(it: Recorded, named: Named) -> str:
    """The name on AWS: the one given, or the one that Pulumi makes, with the most letters that it can have."""
    made = it.inputs.get(named.field) or f"{it.name}{'-' + '0a1b2c3'}"
    return made.lower() if it.kind == "aws:s3/bucket:Bucket" else made


def problems(it: Recorded) -> list[str]:
    named = NAMED[it.kind]
    name, found = physical(it, named), list[str]()
    shape: Any = {}
    if named.service:
        model = ServiceModel(Loader().load_service_model(named.service, "service-2"), named.service)
        shape = cast("Any", model.operation_model(named.operation).input_shape).members[named.member].metadata
    longest = named.longest or shape["max"]
    if len(name) > longest:
        found.append(f"{it.kind}: {name} has {len(name)} characters, {longest} at most")
    for pattern in (shape.get("pattern"), named.shape):
        if pattern and not regex.compile(pattern, regex.V0).fullmatch(name):
            found.append(f"{it.kind}: {name} does not match {pattern}")
    return found


def longest(rule: Rule) -> str:
    return "N" * rule.longest


_SHARED: Final = f"""
from fargate_job_launcher import JobCluster, JobNetwork, JobRuns, PayloadBucket
JobNetwork("{longest(LOGGED_NETWORK)}", {{"flow_log_days": 7, "endpoints": ["logs", "s3"]}})
JobNetwork("{longest(NETWORK)}", {{"endpoints": ["logs", "s3"]}})
JobCluster("{longest(CLUSTER)}", {{}})
PayloadBucket("{longest(BUCKET)}", {{}})
JobRuns("{longest(RUNS)}", {{"cluster_arns": ["arn:aws:ecs:eu-west-1:123456789012:cluster/c"]}})
"""
_JOB: Final = EVERYTHING.replace('Launcher("job"', f'Launcher("{"J" * 40}"').replace("ENDING", "amazonaws.com")
FULL: Final = _SHARED + _JOB.replace("REGION", "eu-west-1")


def test_every_resource_of_the_longest_names_has_a_name_that_aws_takes(tmp_path: Path) -> None:
    stack = program(tmp_path, FULL)
    for project, name in (("other", "dev"), ("P.x" * 33 + "P", "S.t-_" * 20)):
        (tmp_path / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {aws:region: eu-west-1}")
        stack = Stack.read(tmp_path, name)
        resources = [it for it in record(stack).resources.values() if it.kind.startswith("aws:")]
        assert {it.kind for it in resources} - NAMED.keys() - {f"aws:{it}" for it in NAMELESS} == set()
        assert {it.kind for it in resources} >= NAMED.keys() - {
            "aws:kms/alias:Alias",
            "aws:secretsmanager/secret:Secret",
        }
        checked = [it for it in resources if it.kind in NAMED]
        assert [problem for it in checked for problem in problems(it)] == []
        sizes: dict[str, int] = {}
        for it in checked:
            sizes[it.kind] = max(sizes.get(it.kind, 0), len(physical(it, NAMED[it.kind])))
        # No rule is stricter than AWS is.
        assert (sizes["aws:s3/bucket:Bucket"], sizes["aws:ecs/cluster:Cluster"]) == (63, 255)
        assert (sizes["aws:iam/role:Role"], sizes["aws:ec2/securityGroup:SecurityGroup"]) == (64, 255)


def test_an_environment_with_a_dot_in_its_name_has_an_alias_that_kms_takes(tmp_path: Path) -> None:
    copied(tmp_path)
    (tmp_path / "Pulumi.eu.prod.yaml").write_text((PROGRAM / "Pulumi.prod.yaml").read_text())
    (tmp_path / "Pulumi.eu-prod.yaml").write_text((PROGRAM / "Pulumi.prod.yaml").read_text())
    names: list[str] = []
    for stack in ("eu.prod", "eu-prod"):
        recording = record(Stack.read(tmp_path, stack))
        named = [it for it in recording.resources.values() if it.kind in NAMED]
        assert [problem for it in named for problem in problems(it)] == []
        names += [it.inputs["name"] for it in recording.kind("aws:kms/alias:Alias")]
    assert len(set(names)) == len(names) == 2
    assert names[1] == "alias/fargate-job-launcher-eu-prod"


@pytest.mark.parametrize(
    ("component", "args", "rule", "wrong"),
    [
        (PayloadBucket, {}, BUCKET, ["pay_loads", "a..b", "-a", "xn--a", "sthree-a", "", "é"]),
        (JobRuns, {}, RUNS, ["jobs.eu", "my jobs", "", "jobs/eu"]),
        (JobCluster, {}, CLUSTER, ["jobs.eu", "my jobs", "", "jobs/eu"]),
        (JobNetwork, {}, NETWORK, ["sg-jobs", "jobs|eu", ""]),
        (JobNetwork, {"flow_log_days": 7}, LOGGED_NETWORK, ["my jobs", "jobs/eu", "sg-jobs"]),
    ],
)
def test_a_name_that_aws_would_refuse_is_refused_at_construction_beside_what_else_is_wrong(
    component: Any, args: dict[str, Any], rule: Rule, wrong: list[str]
) -> None:
    for name in [*wrong, "a" * (rule.longest + 1)]:
        with pytest.raises(pulumi.RunError) as raised:
            component(name, {**args, "tags": {"aws:x": "y"}})
        said = str(raised.value)
        assert f"  - name: {name!r}" in said
        assert f"is not at most {rule.longest} letters, digits" in said
        assert "tags.aws:x: 'aws:x' is not a valid key" in said
    assert name_problems("a" * rule.longest, rule) == []
    assert len("-0a1b2c3") == PULUMI_ADDS


def test_a_task_definition_that_is_too_large_is_refused_at_construction_at_deployment_and_by_the_sandbox(
    tmp_path: Path,
) -> None:
    def said(environment: str) -> str:
        source = f"""
import pulumi
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {{
    "image": "nginx", "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"],
    "sidecars": [{{"name": "side", "image": "nginx", "environment": {{"A": {environment}}}}}],
}})
"""
        with pytest.raises((pulumi.RunError, ValueError)) as raised:
            record(program(tmp_path, source))
        return str(raised.value)

    words = "sidecars[0].environment: the task definition has 66"
    plain = said("'é' * 11_000")
    assert "cannot be built" in plain
    assert words in plain
    assert "and ECS accepts 65536; move long values into the image" in plain
    later = said("pulumi.Output.from_input('é' * 11_000)")
    assert "cannot be built" not in later
    assert words in later
    large = {"containerDefinitions": [{"name": "a", "image": "b", "command": ["x" * 65_536]}], "family": "f"}
    with pytest.raises(Refused, match=r"^ClientException: Actual length: '65\d+'\. Max allowed length is '65536' byt"):
        hold("RegisterTaskDefinition", large)
