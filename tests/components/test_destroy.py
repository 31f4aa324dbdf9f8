"""What a destroy meets on AWS, and that an environment that is not protected goes in one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher import iam
from fargate_job_launcher.cluster import examine_cluster
from fargate_job_launcher.sandbox import Emulator, Run, Stack, deploy
from fargate_job_launcher.sandbox.testing import DeployedStack

from tools.recording import Recording, copied, program, record

INVOCATION = "aws:lambda/invocation:Invocation"
FUNCTION = "aws:lambda/function:Function"

EVERY_ROLE = """
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobNetwork
network = JobNetwork("jobs", {"flow_log_days": 7})
cluster = JobCluster("jobs", {"stop_tasks": True})
launcher = FargateJobLauncher("job", {
    "image": "nginx", "cluster_arn": cluster.cluster_arn, "subnet_ids": network.subnet_ids,
    "security_group_ids": [network.security_group_id],
    "schedule": {"expression": "rate(1 day)"}, "supervision": {"retries": 1},
})
"""


def test_a_policy_that_somebody_attached_by_hand_keeps_no_role(tmp_path: Path, recording: Recording) -> None:
    complete = record(program(tmp_path, EVERY_ROLE)).kind("aws:iam/role:Role")
    assert {it.name for it in complete} == {
        *(
            "job-execution",
            "job-task",
            "job-launcher",
            "job-schedule",
            "job-runs-supervisor",
            "jobs-flow-log",
            "jobs-drain",
        )
    }
    for role in [*complete, *recording.kind("aws:iam/role:Role")]:
        assert role.inputs["forceDetachPolicies"] is True, role.name


def test_payloads_and_tasks_keep_an_environment_only_where_it_is_protected(recording: Recording) -> None:
    protected = bool(recording.setting("protect"))
    assert [it.inputs["forceDestroy"] for it in recording.kind("aws:s3/bucket:Bucket")] == [not protected]
    assert [it.name for it in recording.kind(INVOCATION)] == ([] if protected else ["jobs-drain"])


def test_a_cluster_that_is_adopted_is_never_emptied(tmp_path: Path) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/other"
    assert examine_cluster({"cluster_arn": arn, "stop_tasks": True})[1] == [
        "stop_tasks: needs a new cluster, but cluster_arn adopts one, whose tasks others may need; leave it out"
    ]
    dev = copied(tmp_path) / "Pulumi.dev.yaml"
    cluster = f"config:\n  fargate-job-launcher:cluster: {{clusterArn: '{arn}'}}\n"
    dev.write_text(dev.read_text().replace("config:\n", cluster))
    assert record(Stack.read(tmp_path, "dev")).kind(INVOCATION) == []


def test_tasks_are_stopped_after_everything_that_launches_and_before_the_cluster(tmp_path: Path) -> None:
    recording = record(program(tmp_path, EVERY_ROLE))
    drain = recording.one(INVOCATION, "jobs-drain")
    assert drain.inputs["lifecycleScope"] == "CRUD"
    # Pulumi deletes what depends on a resource before it.
    assert drain.urn in recording.one(FUNCTION, "job-launcher").dependencies
    stopping = recording.one(FUNCTION, "jobs-drain")
    assert stopping.urn in drain.dependencies
    assert recording.one("aws:ecs/cluster:Cluster", "jobs").urn in stopping.dependencies
    assert recording.one("aws:iam/rolePolicy:RolePolicy", "jobs-drain").urn in stopping.dependencies


def test_the_function_that_empties_a_cluster_may_touch_the_tasks_of_no_other() -> None:
    here = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"
    policy = iam.drain_policy(
        iam.Place.of(here), cluster_arn=here, log_group_arn="arn:aws:logs:eu-west-1:1:log-group:g"
    )
    allowed = {it["Sid"]: it for it in policy["Statement"]}
    assert allowed["StopTasks"]["Resource"] == "arn:aws:ecs:eu-west-1:123456789012:task/jobs/*"
    assert all(allowed[it]["Condition"] == {"ArnEquals": {"ecs:cluster": here}} for it in ("StopTasks", "ListTasks"))
    assert "RunTask" not in json.dumps(policy)


def test_a_cluster_with_tasks_is_deleted_once_the_stacks_function_has_stopped_them(
    tmp_path: Path, emulator: Emulator
) -> None:
    deployed = deploy(program(tmp_path, EVERY_ROLE), emulator)
    stack, ecs = DeployedStack(deployed, emulator), emulator.client("ecs")
    (cluster,) = deployed.of_kind("aws:ecs/cluster:Cluster")
    stack.script("job", Run(seconds=600))
    (task,) = stack.launch("job")
    arn = task.arn

    def state() -> str:
        return ecs.describe_tasks(cluster=cluster.id, tasks=[arn])["tasks"][0].get("lastStatus", "")

    def invoked(action: str) -> Any:
        (function,) = (it for it in deployed.of_kind(FUNCTION) if it.name == "jobs-drain")
        event = json.dumps({"tf": {"action": action, "prev_input": {}}})
        answer = emulator.client("lambda").invoke(FunctionName=function.id, Payload=event)
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        return said

    with pytest.raises(ClientError, match=r"ClusterContainsTasksException.*cannot be deleted while Tasks are active"):
        ecs.delete_cluster(cluster=cluster.id)
    assert invoked("update") == {}
    assert state() != "STOPPED"
    assert invoked("delete") == {"stopped": 1}
    assert state() == "STOPPED"
    ecs.delete_cluster(cluster=cluster.id)
