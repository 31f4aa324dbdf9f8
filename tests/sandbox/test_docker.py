"""Where a Docker engine answers, the job's container really runs in the sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import docker.errors
import pytest
from fargate_job_launcher.sandbox import Emulator, Run, deploy
from fargate_job_launcher.sandbox.aws.server import EmulatorFailed
from fargate_job_launcher.sandbox.engine.jobs import launch

from tools.recording import program

IMAGE = os.environ.get("SANDBOX_TEST_IMAGE", "public.ecr.aws/docker/library/busybox:1.37")

SOURCE = f"""
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {{
    "image": "{IMAGE}",
    "command": ["sh", "-c", 'echo "said $A"; [ "$A" = works ]'],
    "cluster_arn": aws.ecs.Cluster("c").arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
    "overrides": {{"environment": ["A"]}},
    "supervision": {{"retries": 1}},
}})
"""


@pytest.fixture
def aws() -> Iterator[Emulator]:
    try:
        engine = docker.from_env(timeout=60)
        if not engine.images.list(IMAGE):
            engine.images.pull(IMAGE)
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker engine with {IMAGE} (SANDBOX_TEST_IMAGE names another): {str(error)[:120]}")
    with Emulator(region="eu-west-1", docker=True) as emulator:
        yield emulator
    mine: dict[str, Any] = {"label": "com.amazonaws.ecs.task-definition-family=other-dev-job"}
    assert engine.containers.list(all=True, filters=mine) == []
    engine.close()


def test_the_container_runs_its_lines_are_in_its_log_and_its_exit_code_decides(aws: Emulator, tmp_path: Path) -> None:
    job = deploy(program(tmp_path, SOURCE), aws).launchers["job"]
    ecs, logs = aws.client("ecs"), aws.client("logs")

    def tasks(started_by: str) -> list[dict[str, Any]]:
        cluster = ecs.list_clusters()["clusterArns"][0]
        arns = sorted({it for status in ("RUNNING", "STOPPED") for it in _listed(ecs, cluster, status)})
        found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return sorted((it for it in found if it["startedBy"].startswith(started_by)), key=lambda it: it["startedBy"])

    for value, codes in (("works", [0]), ("fails", [1, 1])):
        result = launch(aws, job, {"environment": {"A": value}}).result
        deadline = time.monotonic() + 180
        while [it["lastStatus"] for it in tasks(result["startedBy"])] != ["STOPPED"] * len(codes):
            assert time.monotonic() < deadline, tasks(result["startedBy"])
            time.sleep(0.2)
        assert [it["containers"][0]["exitCode"] for it in tasks(result["startedBy"])] == codes
        (task,) = result["tasks"]
        lines = logs.get_log_events(logGroupName=task["logGroup"], logStreamName=task["logStream"])["events"]
        assert [it["message"] for it in lines] == [f"said {value}"]
    with pytest.raises(EmulatorFailed, match="really run here"):
        aws.script("other-dev-job", Run(1))


def _listed(ecs: Any, cluster: str, status: str) -> list[str]:
    return ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]


def test_docker_asked_for_where_no_engine_answers_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(EmulatorFailed, match=r"DOCKER_HOST: no Docker engine answers at .*nobody.sock"):
        Emulator(docker=True)
