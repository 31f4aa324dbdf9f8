"""What is taken away from a protected environment, and the log groups that were kept from before."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fargate_job_launcher.arguments import examine
from fargate_job_launcher.sandbox import DeploymentFailed, Emulator, Stack, deploy

from tools.recording import copied, program, record

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
QUEUE = "aws:sqs/queue:Queue"
JOB = """
import pulumi
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("kept", {{
    "image": "nginx", "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-0123456789abcdef0"], "security_group_ids": ["sg-0123456789abcdef0"], **{arguments!r},
}})
"""


def test_what_is_retiring_is_no_longer_protected_and_all_else_is(tmp_path: Path) -> None:
    prod = copied(tmp_path) / "Pulumi.prod.yaml"
    config = yaml.safe_load(prod.read_text())
    config["config"]["fargate-job-launcher:retiring"] = ["jobs.import", "secrets.import-database-url", "payloads"]
    prod.write_text(yaml.safe_dump(config))
    recording = record(Stack.read(tmp_path, "prod"))
    bare = {it.name for kind in (LOG_GROUP, QUEUE) for it in recording.kind(kind) if not it.protect}
    assert bare == {
        *("import-job", "import-launcher", "import-queue", "import-dead-letters"),
    }
    assert {it.name for it in recording.kind(LOG_GROUP) if it.protect} >= {"nightly-report-job"}
    assert [it.protect for it in recording.kind("aws:secretsmanager/secret:Secret")] == [False]
    (bucket,) = recording.kind("aws:s3/bucket:Bucket")
    assert bucket.inputs["forceDestroy"] is True
    kinds = ("awsx:ec2:Vpc", "aws:ecs/cluster:Cluster", "aws:kms/key:Key")
    assert all(it.protect for kind in kinds for it in recording.kind(kind))
    assert not any(it.protect for it in recording.kind("fargate-job-launcher:index:PayloadBucket"))


def test_log_groups_stay_when_a_launcher_that_keeps_them_goes(tmp_path: Path) -> None:
    for keeps in (True, False):
        groups = record(program(tmp_path, JOB.format(arguments={"keep_logs": keeps}))).kind(LOG_GROUP)
        assert {it.name for it in groups if it.retained} == ({"kept-job", "kept-launcher"} if keeps else set())


def test_only_log_groups_of_the_launcher_are_adopted() -> None:
    given = {"image": "nginx", "adopt_logs": ["job", "jobs", "job"]}
    said = [it for it in examine("kept", given)[1] if it.startswith("adopt_logs")]  # pyright: ignore[reportArgumentType]
    assert said == [
        "adopt_logs: 'jobs' is unknown; allowed: job, launcher",
        "adopt_logs: 'job' is named twice; once is enough",
    ]


def test_a_log_group_that_was_kept_is_said_with_its_remedy_and_adopted_with_its_lines(
    tmp_path: Path, emulator: Emulator
) -> None:
    logs, name = emulator.client("logs"), "/other/dev/kept/job"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="before")
    with pytest.raises(DeploymentFailed) as failed:
        deploy(program(tmp_path, JOB.format(arguments={})), emulator)
    assert "ResourceAlreadyExistsException" in str(failed.value)
    assert f"An earlier deployment kept {name}. Adopt it: adopt_logs of its launcher" in str(failed.value)
    # What stood when that failed is not taken back.
    for group in logs.describe_log_groups(logGroupNamePrefix="/other/dev/kept")["logGroups"]:
        if group.get("logGroupName") != name:
            logs.delete_log_group(logGroupName=group.get("logGroupName", ""))
    adopting = {"adopt_logs": ["job"], "log_retention_days": 90, "tags": {"team": "data"}}
    deployed = deploy(program(tmp_path, JOB.format(arguments=adopting)), emulator)
    assert {it.id for it in deployed.of_kind(LOG_GROUP)} == {
        *(name, "/other/dev/kept/launcher", "/other/dev/kept-runs/supervisor")
    }
    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group.get("retentionInDays") == 90
    assert [it.get("logStreamName") for it in logs.describe_log_streams(logGroupName=name)["logStreams"]] == ["before"]
    for group in ("/other/dev/kept/launcher", "/other/dev/kept-runs/supervisor"):
        logs.delete_log_group(logGroupName=group)
    missing = {"adopt_logs": ["job", "launcher"]}
    with pytest.raises(DeploymentFailed, match="resource '/other/dev/kept/launcher' does not exist"):
        deploy(program(tmp_path, JOB.format(arguments=missing)), emulator)
