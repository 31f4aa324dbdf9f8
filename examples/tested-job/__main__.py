"""A job with parameters that callers may set, and its tests, which need no AWS account: see tests/."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")

report = FargateJobLauncher(
    "report",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "import os; print('report for', os.environ.get('REPORT_DATE', 'today'))"],
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "overrides": {"environment": ["REPORT_DATE"], "max_count": 2},
        "supervision": {"retries": 1},
    },
)

pulumi.export("functionName", report.function_name)
