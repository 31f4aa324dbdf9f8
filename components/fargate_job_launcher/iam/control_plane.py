"""What the supervisor, the cluster's drain function and the flow log may do. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fargate_job_launcher.handler.settings import DUE_INDEX

from .arns import Place
from .documents import Document, Statement, allow, document, list_tasks, see_streams, take_messages, use_key, write_log


def supervisor_policy(
    place: Place,
    *,
    cluster_arns: Sequence[str],
    queue_arn: str,
    table_arn: str,
    log_group_arn: str,
    key_arns: Sequence[str] = (),
) -> Document:
    """What the supervisor may do: keep the runs of every job, and look at and stop tasks of these clusters. It runs no
    task, passes no role and tells nobody; each launcher's own policy lets it invoke that launcher.

    `key_arns`: the KMS keys of its table and queue, if they have any.
    """
    clusters = sorted(set(cluster_arns))
    base = f"arn:{place.partition}:ecs:{place.region}:{place.account}:task"
    statements: list[Statement] = [
        {
            "Sid": "KeepRuns",
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": table_arn,
        },
        allow("FindDue", "dynamodb:Query", [f"{table_arn}/index/{DUE_INDEX}"]),
        {
            "Sid": "StopTasks",
            "Effect": "Allow",
            "Action": ["ecs:DescribeTasks", "ecs:StopTask"],
            "Resource": [f"{base}/{it.rpartition('/')[2]}/*" for it in clusters],
            "Condition": {"ArnEquals": {"ecs:cluster": clusters}},
        },
        list_tasks(*clusters),
        take_messages("TakeEvents", queue_arn),
        # So that it goes on with an array in a few seconds, and not in the next minute.
        allow("RemindItself", "sqs:SendMessage", [queue_arn]),
        write_log("WriteOwnLogs", log_group_arn),
    ]
    if key_arns:
        statements += [
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            use_key("DecryptRuns", key_arns, place, "dynamodb", "kms:Decrypt"),
            use_key("EncryptEvents", key_arns, place, "sqs", "kms:Decrypt", "kms:GenerateDataKey"),
        ]
    return document(*statements)


def drain_policy(place: Place, *, cluster_arn: str, log_group_arn: str) -> Document:
    """What the function that empties a cluster before its deletion may do: stop that cluster's tasks."""
    return document(
        list_tasks(cluster_arn),
        {
            "Sid": "StopTasks",
            "Effect": "Allow",
            "Action": ["ecs:DescribeTasks", "ecs:StopTask"],
            "Resource": (
                f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_arn.rpartition('/')[2]}/*"
            ),
            "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
        },
        write_log("WriteOwnLogs", log_group_arn),
    )


def flow_log_trust(log_group_arn: str) -> Document:
    """The trust policy of a flow log's role: VPC may assume it, for flow logs of this account and region.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    _, partition, _, region, account, _ = log_group_arn.split(":", 5)
    return document(
        {
            "Sid": "OnlyFlowLogsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:{partition}:ec2:{region}:{account}:vpc-flow-log/*"},
            },
        }
    )


def flow_log_policy(log_group_arn: str) -> Document:
    """What a flow log may do: find its own log group and write to it.

    The actions are those of AWS's page, each limited to its own group where the action supports that:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = log_group_arn.removesuffix(":*")
    every = ":".join([*group.split(":")[:5], "log-group", "*"])
    write = write_log("WriteFlowLog", group)
    return document(
        {**write, "Action": ["logs:CreateLogGroup", *write["Action"]]},
        see_streams("SeeItsStreams", group),
        # The action lists all groups of a region, so its resource is all of them.
        allow("FindItsGroup", "logs:DescribeLogGroups", [every]),
    )
