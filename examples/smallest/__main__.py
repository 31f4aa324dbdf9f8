"""The smallest program: a network, a cluster and a job."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")

hello = FargateJobLauncher(
    "hello",
    {
        "image": "public.ecr.aws/docker/library/busybox:1.37",
        "command": ["echo", "hello"],
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
    },
)

pulumi.export("functionName", hello.function_name)
