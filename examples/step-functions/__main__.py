"""A state machine that waits for a job, retries included: success and failure are answers to its task token."""

import json

import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobNetwork

network = JobNetwork("jobs", {"subnets": "public"})
cluster = JobCluster("jobs", {})
here = aws.get_caller_identity_output()
region = aws.get_region_output()
name = f"{pulumi.get_stack()}-nightly"
state_machine_arn = pulumi.Output.format(
    "arn:aws:states:{0}:{1}:stateMachine:{2}", region.region, here.account_id, name
)

report = FargateJobLauncher(
    "report",
    {
        "image": "public.ecr.aws/docker/library/python:3.13-slim",
        "command": ["python", "-c", "print('report')"],
        "cluster_arn": cluster.cluster_arn,
        "subnet_ids": network.subnet_ids,
        "security_group_ids": [network.security_group_id],
        "assign_public_ip": network.assign_public_ip,
        "supervision": {"retries": 2, "start_timeout_minutes": 10, "max_runtime_minutes": 60},
        # Executions of this state machine may hand over a task token, and no other.
        "callbacks": [state_machine_arn],
    },
)

states = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
]}  # fmt: skip
role = aws.iam.Role("nightly", assume_role_policy=json.dumps(states))
invoke = aws.iam.RolePolicy(
    "nightly",
    role=role.name,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": report.function_arn}],
        }
    ),
)
definition = {
    "StartAt": "Report",
    "States": {
        "Report": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {
                "FunctionName": report.function_arn,
                "Payload": {"idempotencyKey.$": "$$.Execution.Name", "taskToken.$": "$$.Task.Token"},
            },
            "TimeoutSeconds": 4 * 3600,
            "End": True,
        }
    },
}
machine = aws.sfn.StateMachine(
    "nightly",
    name=name,
    role_arn=role.arn,
    definition=pulumi.Output.json_dumps(definition),
    opts=pulumi.ResourceOptions(depends_on=[invoke]),
)

pulumi.export("functionName", report.function_name)
pulumi.export("stateMachineArn", machine.arn)
