"""VPC endpoints: the name of a service's, in each partition."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.recording import program, record

SOURCE = """
from fargate_job_launcher import JobNetwork
JobNetwork("jobs", {"nat_gateways": "none", "endpoints": ["s3", "ecr.api", "ecr.dkr", "logs"]})
"""


@pytest.mark.parametrize(
    ("region", "own"),
    [
        ("eu-west-1", "com.amazonaws"),
        ("us-gov-west-1", "com.amazonaws"),
        # https://github.com/aws/aws-cdk/pull/36471
        ("eusc-de-east-1", "eu.amazonaws"),
        # https://github.com/aws/aws-cdk/issues/25329
        ("cn-north-1", "cn.com.amazonaws"),
        # https://github.com/aws/aws-cdk/pull/37596
        ("eu-isoe-west-1", "uk.adc-e.cloud"),
    ],
)
def test_an_endpoint_is_called_as_its_partition_calls_it(tmp_path: Path, region: str, own: str) -> None:
    recording = record(program(tmp_path, SOURCE, f"config: {{aws:region: {region}}}"))
    made = {it.name: it.inputs for it in recording.kind("aws:ec2/vpcEndpoint:VpcEndpoint")}
    assert {name: it["serviceName"] for name, it in made.items()} == {
        "jobs-s3": f"com.amazonaws.{region}.s3",
        "jobs-logs": f"com.amazonaws.{region}.logs",
        "jobs-ecr-api": f"{own}.{region}.ecr.api",
        "jobs-ecr-dkr": f"{own}.{region}.ecr.dkr",
    }
