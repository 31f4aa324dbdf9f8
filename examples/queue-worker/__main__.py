"""A queue worker: each message launches a task with its payload, and at most ten tasks run at once."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork, PayloadBucket

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")
payloads = PayloadBucket("payloads", {"expire_days": 7})

worker = FargateJobLauncher(
    "resize",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "import os; print(os.environ['JOB_PAYLOAD'])"],
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "overrides": {"payload": True},
        "payload_bucket": payloads.bucket_name,
        "queue": {"maximum_concurrency": 2},
        "max_running": 10,
        "supervision": {"retries": 2, "max_runtime_minutes": 30},
    },
)

pulumi.export("queueUrl", worker.queue_url)
pulumi.export("deadLetterQueueUrl", worker.dead_letter_queue_url)
