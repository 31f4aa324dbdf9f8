"""What a job reaches from subnets without a way to the internet: every argument has its say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fargate_job_launcher import FargateJobLauncherArgs
from fargate_job_launcher.container import Sidecar
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.reach import FUNCTION, INTERNET, LAUNCHER, SIDECAR, reached

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/report:1"
ENDPOINTS = ["s3", "ecr.api", "ecr.dkr", "logs"]
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/p"
ELSEWHERE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf"


def allowing(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}})


def problems(job: dict[str, Any], *more: str, **config: Any) -> list[str]:
    """The problems of a stack's config with a job in a network with these endpoints and no NAT gateway."""
    given: dict[str, Any] = {
        "aws:region": "eu-west-1",
        "pulumi:disable-default-providers": ["aws"],
        "network": {"natGateways": "none", "endpoints": [*ENDPOINTS, *more]},
        "jobs": {"report": {"image": IMAGE, **job}},
    }
    return validate({**given, **config}, secret=set())[1]


def test_the_table_says_something_of_every_argument_of_a_launcher_and_of_a_sidecar() -> None:
    assert LAUNCHER.keys() == FargateJobLauncherArgs.__annotations__.keys()
    assert SIDECAR.keys() == Sidecar.__annotations__.keys()
    assert all(it.said for it in [*LAUNCHER.values(), *SIDECAR.values()])
    assert all(FUNCTION.values())


@pytest.mark.parametrize(
    ("args", "services"),
    [
        ({"image": "nginx"}, {INTERNET}),
        ({"image": "public.ecr.aws/docker/library/nginx"}, {INTERNET}),
        ({"image": IMAGE}, {"ecr.api", "ecr.dkr", "s3"}),
        (
            {"secrets": {"A": ELSEWHERE, "B": PARAMETER}},
            {"secretsmanager", "ssm"},
        ),
        ({"repository_credentials_arn": ELSEWHERE}, {"secretsmanager"}),
        ({"sidecars": [{"name": "p", "image": "envoy", "secrets": {"A": ELSEWHERE}}]}, {INTERNET, "secretsmanager"}),
        ({"allow_exec": True}, {"ssmmessages"}),
        ({"allow_exec": False}, set()),
        ({"overrides": {"payload": True}}, {"s3"}),
        ({"payload_bucket": "payloads"}, {"s3"}),
        ({"task_policy": allowing("sqs:SendMessage", "cloudwatch:PutMetricData")}, {"sqs", "monitoring"}),
        ({"task_policy": allowing("*")}, set()),
        ({"task_policy": json.dumps({"Statement": [{"Effect": "Deny", "Action": "sqs:*"}]})}, set()),
        ({"efs_volumes": [{"file_system_id": "fs-1", "access_point_id": "fsap-1", "path": "/d"}]}, set()),
        ({"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/k", "secret_key_arns": ["k"]}, set()),
        ({"cpu": 512, "queue": {}, "supervision": {"retries": 1}, "tags": {"a": "b"}}, set()),
    ],
)
def test_what_an_argument_makes_a_task_reach(args: dict[str, Any], services: set[str]) -> None:
    assert {it.service for it in reached(args)} == {"logs", *services}


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (
            {"allowExec": True},
            "jobs.report.allowExec: needs ssmmessages (a shell is opened through it), but network.endpoints does not "
            "have it; add it there",
        ),
        (
            {"secrets": {"A": ELSEWHERE}},
            "jobs.report.secrets.A: is in us-east-1, but an endpoint reaches its own region only; keep it in "
            "eu-west-1, or set natGateways: single",
        ),
        (
            {"taskPolicy": allowing("sqs:SendMessage")},
            "jobs.report.taskPolicy: needs sqs (it lets the job call sqs), but network.endpoints does not have it; add "
            "it there",
        ),
        (
            {"sidecars": [{"name": "p", "image": "envoy:1"}]},
            "jobs.report.sidecars[0].image: 'envoy:1' cannot be pulled: with network.natGateways none, tasks reach ECR "
            "in eu-west-1 only; copy the image there, or set natGateways: single",
        ),
    ],
)
def test_a_job_that_its_network_cannot_serve_is_refused_with_the_remedy(job: dict[str, Any], said: str) -> None:
    assert problems(job, "secretsmanager") == [said]
    assert problems(job, network={"natGateways": "single"}) == []


def test_what_the_endpoints_reach_passes() -> None:
    job = {
        "allowExec": True,
        "secrets": {"A": "kept", "B": PARAMETER},
        "taskPolicy": allowing("sqs:SendMessage", "dynamodb:PutItem", "iam:GetRole"),
        "overrides": {"payload": True},
    }
    assert problems(job, "ssmmessages", "secretsmanager", "ssm", "sqs", "dynamodb", secrets=["kept"]) == []
