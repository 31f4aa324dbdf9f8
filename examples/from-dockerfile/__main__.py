"""A job built from a Dockerfile: awsx builds and pushes the image, and the task definition names it by its digest."""

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx
from fargate_job_launcher import FargateJobLauncher, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")
repository = awsx.ecr.Repository("job", force_delete=True)
image = awsx.ecr.Image("job", repository_url=repository.url, context="job", platform="linux/arm64")

job = FargateJobLauncher(
    "job",
    {
        "image": image.image_uri,
        "architecture": "arm64",
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
    },
)

pulumi.export("functionName", job.function_name)
pulumi.export("imageUri", image.image_uri)
