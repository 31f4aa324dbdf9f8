"""A function of another team's stack that launches a job: it may invoke that launcher and nothing else."""

import json

import pulumi
import pulumi_aws as aws

platform = pulumi.StackReference(pulumi.Config().require("platformStack"))
launcher_arn = platform.require_output("jobs").apply(lambda jobs: jobs["import"]["functionArn"])

role = aws.iam.Role(
    "caller",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
)
policy = aws.iam.RolePolicy(
    "caller",
    role=role.name,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": launcher_arn}],
        }
    ),
)

CODE = """
import json, os, boto3

def handle(event, context):
    launch = {"idempotencyKey": event["key"], "environment": {"SOURCE_KEY": event["key"]}}
    answer = boto3.client("lambda").invoke(FunctionName=os.environ["LAUNCHER"], Payload=json.dumps(launch))
    return json.loads(answer["Payload"].read())
"""
caller = aws.lambda_.Function(
    "caller",
    runtime="python3.13",
    handler="app.handle",
    code=pulumi.AssetArchive({"app.py": pulumi.StringAsset(CODE)}),
    role=role.arn,
    timeout=90,
    environment={"variables": {"LAUNCHER": launcher_arn}},
    opts=pulumi.ResourceOptions(depends_on=[policy]),
)

pulumi.export("functionName", caller.name)
