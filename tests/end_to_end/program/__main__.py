"""What the end-to-end suite deploys: a job for every way through, a schedule, and one whose image was never pushed.

Nothing of it costs by the hour: public subnets, no NAT, no key. What it costs is the tasks that the tests launch.
"""

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx
from fargate_job_launcher import FargateJobLauncher, FargateJobLauncherArgs, JobCluster, JobNetwork, JobRuns

BUSYBOX = "public.ecr.aws/docker/library/busybox:1.37"

name = f"{pulumi.get_project()}-{pulumi.get_stack()}"
# By this tag what a run left behind is found: account.py.
tags = {pulumi.get_project(): pulumi.get_stack()}
network = JobNetwork("jobs", {"subnets": "public", "tags": tags})
cluster = JobCluster("jobs", {"tags": tags})
topic = aws.sns.Topic("told", tags=tags)
mail = aws.sqs.Queue("mail", tags=tags)
aws.sqs.QueuePolicy(
    "mail",
    queue_url=mail.url,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": mail.arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic.arn}},
                }
            ],
        }
    ),
)
aws.sns.TopicSubscription("mail", topic=topic.arn, protocol="sqs", endpoint=mail.arn)

runs = JobRuns(
    "jobs",
    {
        "cluster_arns": [cluster.cluster_arn],
        "topic_arn": topic.arn,
        "alarms": {"enabled": False},
        "log_retention_days": 1,
        "tags": tags,
    },
)
place: FargateJobLauncherArgs = {
    "image": BUSYBOX,
    "cluster_arn": cluster.cluster_arn,
    "subnet_ids": network.subnet_ids,
    "security_group_ids": [network.security_group_id],
    "assign_public_ip": network.assign_public_ip,
    "runs": runs.shared,
    "log_retention_days": 1,
    "tags": tags,
}

shell = FargateJobLauncher(
    "shell",
    {
        **place,
        "command": ["sh", "-c", "echo $GREETING $JOB_PAYLOAD"],
        "environment": {"GREETING": "good morning"},
        "overrides": {
            "environment": ["GREETING"],
            "command": True,
            "payload": True,
            "cpu": 512,
            "memory": 1024,
            "max_count": 3,
        },
        "asynchronous": True,
        "queue": {},
        "event_rule": {"pattern": pulumi.Output.json_dumps({"source": [name]})},
        "supervision": {"max_runtime_minutes": 2, "retries": 1, "retry_on": ["failed"]},
        "protect_logs": True,
    },
)
ticking = FargateJobLauncher(
    "ticking", {**place, "command": ["sh", "-c", "echo tick"], "schedule": {"expression": "rate(1 minute)"}}
)
repository = awsx.ecr.Repository("images", force_delete=True, tags=tags)
absent = FargateJobLauncher("absent", {**place, "image": pulumi.Output.concat(repository.url, ":never-pushed")})

pulumi.export("eventSource", name)
pulumi.export("clusterArn", cluster.cluster_arn)
pulumi.export("mailUrl", mail.url)
for key, job in (("shell", shell), ("ticking", ticking), ("absent", absent)):
    pulumi.export(
        key,
        {
            "functionName": job.function_name,
            "asynchronousFunctionArn": job.asynchronous_function_arn,
            "queueUrl": job.queue_url,
            "deadLetterQueueUrl": job.dead_letter_queue_url,
            "taskDefinitionArn": job.task_definition_arn,
            "executionRoleArn": job.execution_role_arn,
            "taskRoleArn": job.task_role_arn,
            "launcherRoleArn": job.launcher_role_arn,
            "logGroupName": job.log_group_name,
            "launcherLogGroupName": job.launcher_log_group_name,
        },
    )
