"""Resource types beside ours that a right program has, and a team's own."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import PROGRAM, program
from fargate_job_launcher.sandbox import Emulator, deploy

SOURCE = """
import json, pulumi, pulumi_aws as aws
vpc = aws.ec2.Vpc("v", cidr_block="10.8.0.0/16", tags={"a": "b"})
subnet = aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.8.0.0/24", availability_zone="eu-west-1a")
gateway = aws.ec2.InternetGateway("g", vpc_id=vpc.id)
table = aws.ec2.RouteTable("t", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}])
aws.ec2.RouteTableAssociation("a", route_table_id=table.id, subnet_id=subnet.id)
group = aws.ec2.SecurityGroup("nfs", vpc_id=vpc.id)
aws.ec2.SecurityGroupRule("r", type="ingress", security_group_id=group.id, protocol="tcp", from_port=2049,
                          to_port=2049, cidr_blocks=["10.8.0.0/16"])
files = aws.efs.FileSystem("f")
target = aws.efs.MountTarget("m", file_system_id=files.id, subnet_id=subnet.id, security_groups=[group.id])
bus = aws.cloudwatch.EventBus("bus")
parameter = aws.ssm.Parameter("p", type="String", value="v", name="/a/b")
repository = aws.ecr.Repository("repo", image_tag_mutability="IMMUTABLE", force_delete=True)
oldest = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
expiry = {"rules": [{"rulePriority": 1, "selection": oldest, "action": {"type": "expire"}}]}
aws.ecr.LifecyclePolicy("l", repository=repository.name, policy=json.dumps(expiry))
items = aws.dynamodb.Table("items", hash_key="id", billing_mode="PAY_PER_REQUEST",
                           attributes=[{"name": "id", "type": "S"}])
bucket = aws.s3.Bucket("b")
aws.s3.BucketVersioning("b", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
aws.s3.BucketObjectv2("o", bucket=bucket.id, key="k", content="hello")
pulumi.export("parameter", parameter.arn)
pulumi.export("repository", repository.repository_url)
pulumi.export("bus", bus.arn)
pulumi.export("items", items.name)
pulumi.export("target", target.id)
pulumi.export("bucket", bucket.bucket)
"""


def test_what_programs_have_beside_a_job_is_made(tmp_path: Path, emulator: Emulator) -> None:
    outputs = deploy(program(tmp_path, SOURCE), emulator).outputs
    client = emulator.client
    assert client("ssm").get_parameter(Name="/a/b")["Parameter"]["ARN"] == outputs["parameter"]
    urls = [it["repositoryUri"] for it in client("ecr").describe_repositories()["repositories"]]
    assert outputs["repository"] in urls
    assert outputs["bus"] in [it["Arn"] for it in client("events").list_event_buses()["EventBuses"]]
    assert client("dynamodb").describe_table(TableName=outputs["items"])["Table"]["TableStatus"] == "ACTIVE"
    (target,) = client("efs").describe_mount_targets(MountTargetId=outputs["target"])["MountTargets"]
    assert target["AvailabilityZoneName"] == "eu-west-1a"
    assert client("s3").get_object(Bucket=outputs["bucket"], Key="k")["Body"].read() == b"hello"
    assert client("s3").get_bucket_versioning(Bucket=outputs["bucket"])["Status"] == "Enabled"


def test_a_team_adds_a_type_as_the_page_shows(tmp_path: Path, emulator: Emulator) -> None:
    page = (PROGRAM / "docs" / "pulumi-against-the-sandbox.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(example, "page", "exec"), {})
    source = """
import pulumi
pet = pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {"length": 3})
pulumi.export("pet", pet.id)
"""
    assert deploy(program(tmp_path, source), emulator).outputs["pet"] == "quiet-heron-brave"
