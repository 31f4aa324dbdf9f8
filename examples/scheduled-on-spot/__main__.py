"""A job on Spot with two schedules: retried if interrupted or failed, stopped after an hour, failures are notified."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")
spot = aws.ecs.ClusterCapacityProviders(
    "jobs", cluster_name=cluster.name, capacity_providers=["FARGATE", "FARGATE_SPOT"]
)

report = FargateJobLauncher(
    "report",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "print('report')"],
        # The ARN of the cluster, known once its capacity providers are associated.
        "cluster_arn": pulumi.Output.all(cluster.arn, spot.id).apply(lambda it: str(it[0])),
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "capacity": "spot_then_on_demand",
        "schedules": {
            "nightly": {"expression": "cron(0 3 * * ? *)", "time_zone": "Europe/Dublin", "flexible_window_minutes": 15},
            "monday": {"expression": "cron(30 7 ? * MON *)", "time_zone": "Europe/Dublin"},
        },
        "supervision": {"retries": 3, "max_runtime_minutes": 60},
        "alarms": {"max_job_minutes": 45},
    },
)

pulumi.export("noticeTopicArn", report.notice_topic_arn)
