"""What the sandbox foresees of a task where no container runs: by its command, by its image; and of roles, by IAM."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fargate_job_launcher.sandbox import Emulator
from fargate_job_launcher.sandbox.aws.tasks.containers import AT_ONCE_SECONDS, of_command
from fargate_job_launcher.sandbox.aws.tasks.run import Run

AT_ONCE = AT_ONCE_SECONDS


@pytest.mark.parametrize(
    ("script", "run"),
    [
        ("echo a", Run(0, AT_ONCE, lines=("a",))),
        ("echo $NAME 'and $NAME' \"but  $NAME\"; exit 3", Run(3, AT_ONCE, lines=("a b and $NAME but  a b",))),
        ("echo ${NAME}s $NOBODY", Run(0, AT_ONCE, lines=("a bs",))),
        ("echo a && sleep 1.5\nsleep 2 ; echo b", Run(0, 3.5, lines=("a", "b"))),
        ("exit 256; echo never", Run(0, AT_ONCE)),
        ("python job.py", None),
        ("echo a | tee b", None),
        ("echo a > b", None),
        ("echo `date`", None),
        ('echo "$(date)"', None),
        ("sleep 9 & echo a", None),
        ("echo 'a > b | `c`' \"d > e\"", Run(0, AT_ONCE, lines=("a > b | `c` d > e",))),
        ("echo 'a", None),
        ("exit", None),
        ("sleep", None),
    ],
)
def test_a_shells_words_are_followed_and_nothing_else_is_guessed_at(script: str, run: Run | None) -> None:
    for shell in ("sh", "/bin/sh"):
        assert of_command([shell, "-c", script], {"NAME": "a b"}) == run


@pytest.mark.parametrize("command", [[], ["echo", "a"], ["python", "-c", "exit"], ["sh", "-c", "exit 1", "more"]])
def test_another_command_is_not_followed(command: list[str]) -> None:
    assert of_command(command, {}) is None


def stopped(aws: Emulator, image: str) -> dict[str, Any]:
    """A task of this image, once it has stopped."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="images")
    definition = ecs.register_task_definition(
        family="images",
        containerDefinitions=[{"name": "job", "image": image, "command": ["sh", "-c", "exit 0"]}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=f"arn:aws:iam::{aws.account}:role/execution",
    )["taskDefinition"]["taskDefinitionArn"]
    network: Any = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}}
    launched = ecs.run_task(
        cluster="images", taskDefinition=definition, launchType="FARGATE", networkConfiguration=network
    )
    (task,), deadline = launched["tasks"], time.monotonic() + 60
    while task["lastStatus"] != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(0.1)
        (task,) = ecs.describe_tasks(cluster="images", tasks=[task["taskArn"]])["tasks"]
    return task


def test_only_an_image_that_was_pushed_is_there_in_a_repository_that_was_made_here(emulator: Emulator) -> None:
    ecr = emulator.client("ecr")
    made = ecr.create_repository(repositoryName="reports")["repository"]["repositoryUri"]
    registry = f"{emulator.account}.dkr.ecr.{emulator.region}.amazonaws.com"
    assert made == f"{registry}/reports"
    manifest = json.dumps({"schemaVersion": 2})
    pushed = ecr.put_image(repositoryName="reports", imageManifest=manifest, imageTag="1")["image"]["imageId"]
    for there in (f"{made}:1", f"{made}@{pushed['imageDigest']}", f"{registry}/made-elsewhere:1", "busybox"):
        assert stopped(emulator, there)["containers"][0]["exitCode"] == 0
    for image in (f"{made}:2", made, f"{made}@sha256:{'0' * 64}"):
        task = stopped(emulator, image)
        assert (task["stopCode"], "exitCode" in task["containers"][0]) == ("TaskFailedToStart", False)
        assert task["stoppedReason"].startswith(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s)"
        )
        assert task["stoppedReason"].endswith(f"{image}: not found")


def test_a_simulation_of_a_role_that_there_is_not_is_refused_as_iam_refuses_it(emulator: Emulator) -> None:
    role = f"arn:aws:iam::{emulator.account}:role/nobody"
    with pytest.raises(ClientError, match=f"NoSuchEntity.*The entity with ARN {role} cannot be found"):
        emulator.client("iam").simulate_principal_policy(PolicySourceArn=role, ActionNames=["iam:PassRole"])
