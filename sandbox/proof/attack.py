"""Tries the attack that iam:PassRole prevents, in the sandbox: the deployed policy refuses it, a looser one allows it.

The attacker is code that runs in the launcher's function: it calls ECS with the function's role.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from ..aws.server import Emulator
from .calls import ANYTHING
from .facts import Facts

PASTED: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ecs:RunTask", "iam:PassRole"], "Resource": "*"}],
}
"""The policy that most answers to "is not authorized to perform: iam:PassRole" give."""

TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True)
class Outcome:
    """The result of the attack."""

    administrator: str
    """ARN of the role that the attacker wants the job's code to run with."""
    refused: str | None
    """AWS's message under the launcher's deployed policy; None if the call was accepted."""
    task: dict[str, Any] | None
    """The task that was started after the policy was loosened; None if the call was refused again."""


def attack(aws: Emulator, facts: Facts) -> Outcome:
    """Try to start the job with an administrator's role: under the deployed policy, then under the pasted one."""
    iam, launcher = aws.client("iam"), facts.launcher.name
    administrator = iam.create_role(RoleName="Administrator", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="Administrator", PolicyName="everything", PolicyDocument=json.dumps(ANYTHING))
    refused = _refusal(aws, facts, administrator)
    for name in iam.list_role_policies(RoleName=launcher)["PolicyNames"]:
        iam.delete_role_policy(RoleName=launcher, PolicyName=name)
    iam.put_role_policy(RoleName=launcher, PolicyName="pasted", PolicyDocument=json.dumps(PASTED))
    again = _refusal(aws, facts, administrator)
    tasks = aws.client("ecs").list_tasks(cluster=facts.cluster_arn, startedBy="attacker")["taskArns"]
    if again is not None or not tasks:
        return Outcome(administrator, refused, None)
    described = aws.client("ecs").describe_tasks(cluster=facts.cluster_arn, tasks=tasks)["tasks"]
    return Outcome(administrator, refused, described[0])


def _refusal(aws: Emulator, facts: Facts, role: str) -> str | None:
    try:
        aws.client("ecs", role_arn=facts.launcher.arn).run_task(
            cluster=facts.cluster_arn,
            taskDefinition=facts.definition["taskDefinitionArn"],
            startedBy="attacker",
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
            overrides={"taskRoleArn": role, "containerOverrides": [{"name": "job", "command": ["aws", "iam", "…"]}]},
        )
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return None
