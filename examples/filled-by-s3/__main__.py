"""A job for each file that arrives in a bucket and for each message of a topic: both send to the queue of the job."""

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork, PayloadBucket

network = JobNetwork("jobs", {"subnets": "public"})
cluster = aws.ecs.Cluster("jobs")
incoming = aws.s3.Bucket("incoming")
orders = aws.sns.Topic("orders")

reader = FargateJobLauncher(
    "reader",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "import json, os; print(json.loads(os.environ['JOB_PAYLOAD']))"],
        "cluster_arn": cluster.arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "overrides": {"payload": True},
        "payload_bucket": PayloadBucket("payloads", {"expire_days": 7}).bucket_name,
        # JOB_PAYLOAD is JSON: the notification of S3, or the published message, as a JSON string if it is plain text.
        "queue": {"as_payload": True, "sources": [incoming.arn, orders.arn]},
    },
)

aws.s3.BucketNotification(
    "incoming",
    bucket=incoming.id,
    queues=[
        aws.s3.BucketNotificationQueueArgs(
            queue_arn=reader.queue_arn.apply(str), events=["s3:ObjectCreated:*"], filter_suffix=".csv"
        )
    ],
)
aws.sns.TopicSubscription(
    "orders", topic=orders.arn, protocol="sqs", endpoint=reader.queue_arn, raw_message_delivery=True
)

pulumi.export("bucketName", incoming.bucket)
pulumi.export("topicArn", orders.arn)
pulumi.export("queueUrl", reader.queue_url)
pulumi.export("deadLetterQueueUrl", reader.dead_letter_queue_url)
