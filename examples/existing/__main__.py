"""A launcher in an existing VPC and cluster, with existing roles: only the launcher itself is created."""

import pulumi
from fargate_job_launcher import FargateJobLauncher

config = pulumi.Config()

job = FargateJobLauncher(
    "import",
    {
        "image": "public.ecr.aws/docker/library/postgres:17-alpine",
        "cluster_arn": config.require("clusterArn"),
        "subnet_ids": config.require_object("subnetIds"),
        "security_group_ids": config.require_object("securityGroupIds"),
        "execution_role_arn": config.require("executionRoleArn"),
        "task_role_arn": config.require("taskRoleArn"),
        "overrides": {"environment": ["SOURCE_KEY"]},
    },
)

pulumi.export("functionName", job.function_name)
pulumi.export("launcherPolicy", job.launcher_policy)
