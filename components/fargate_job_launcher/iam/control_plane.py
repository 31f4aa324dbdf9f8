"""What the supervisor, the cluster's drain function and the flow log may do. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .arns import Place
from .documents import Document, Statement, allow, document, list_tasks, see_streams, take_messages, use_key, write_log


def supervisor_policy(
    place: Place,
    *,
    cluster_arn: str,
    queue_arn: str,
    topic_arn: str,
    log_group_arn: str,
    launcher_arn: str = "",
    key_arns: Sequence[str] = (),
    stops: bool = False,
) -> Document:
    """What the supervisor may do: watch the cluster's tasks and publish notices. It runs no task and passes no role.

    `launcher_arn`: the function with which it retries a job, empty without retries; `stops`: whether it has to stop
    tasks that run too long; `key_arns`: the KMS keys of its queue and topic, if they have any.
    """
    tasks = f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_arn.rpartition('/')[2]}/*"
    here = {"ArnEquals": {"ecs:cluster": cluster_arn}}
    statements: list[Statement] = [
        take_messages("TakeEvents", queue_arn),
        {"Sid": "Notify", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn},
        write_log("WriteOwnLogs", log_group_arn),
        see_streams("SeeWhatWasTold", log_group_arn),
    ]
    actions = [*(["ecs:DescribeTasks"] if launcher_arn or stops else []), *(["ecs:StopTask"] if stops else [])]
    if actions:
        statements.append(
            {"Sid": "WatchTasks", "Effect": "Allow", "Action": actions, "Resource": tasks, "Condition": here}
        )
    if stops:
        statements.append(list_tasks(cluster_arn))
    if launcher_arn:
        statements.append(
            {"Sid": "LaunchAgain", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": launcher_arn}
        )
    if key_arns:
        statements += [
            use_key("DecryptEvents", key_arns, place, "sqs", "kms:Decrypt"),
            use_key("EncryptNotices", key_arns, place, "sns", "kms:Decrypt", "kms:GenerateDataKey"),
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
