"""What a launcher's function and its schedule may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fargate_job_launcher.handler.settings import RUN_EVENTS_SOURCE

from .arns import Place, is_role_arn
from .documents import (
    LAMBDA_SERVICE,
    SCHEDULER_SERVICE,
    TASKS_SERVICE,
    Document,
    Statement,
    allow,
    document,
    everywhere,
    list_tasks,
    take_messages,
    use_key,
    use_keys,
    write_log,
)


def lambda_trust() -> Document:
    """The trust policy of the launcher's role: the Lambda service may assume it."""
    return document(
        {
            "Sid": "OnlyLambda",
            "Effect": "Allow",
            "Principal": {"Service": LAMBDA_SERVICE},
            "Action": "sts:AssumeRole",
        }
    )


def launcher_policy(
    place: Place,
    *,
    cluster_arn: str,
    task_definition_arn: str,
    family: str,
    runs_table_arn: str,
    run_key_arns: Sequence[str] = (),
    notice_topic_arn: str = "",
    read_log_group_arn: str = "",
    callback_arns: Sequence[str] = (),
    payload_objects_arn: str = "",
    result_objects_arn: str = "",
    dead_letter_queue_arn: str = "",
    queue_arn: str = "",
    key_arns: Sequence[str] = (),
    traces: bool = False,
) -> Document:
    """What the launcher's function may do: run this one revision, in this one cluster, and keep the job's own runs.

    It has Allow statements only, so that two of these policies together allow what each of them allows. launcher_guard
    says which roles the function may pass, and what it may never do.

    `family` is the task definition's, by which the table of `runs_table_arn` keeps the job's runs; `run_key_arns` are
    the KMS keys of the table and of `notice_topic_arn`, to which it publishes. `read_log_group_arn` is the group from
    which it reads the last lines of a failed task, `callback_arns` are the state machines that it answers.
    `payload_objects_arn` are the objects that the launcher may put, `result_objects_arn` those that tasks leave there,
    `dead_letter_queue_arn` is the queue that it may send to, `queue_arn` the one from which it receives launch events,
    `key_arns` are the KMS keys that encrypt all of these; empty where there are none. `traces`: whether it sends traces
    to X-Ray.
    """
    optional: list[Statement] = []
    if notice_topic_arn:
        optional.append(allow("Notify", "sns:Publish", [notice_topic_arn]))
    if read_log_group_arn:
        optional.append(allow("ReadLastLines", "logs:GetLogEvents", [f"{read_log_group_arn.removesuffix(':*')}:*"]))
    if callback_arns:
        # AWS checks the state machine of the task token, although its reference names no resource for these actions:
        # https://github.com/aws/aws-cdk/pull/8486
        optional.append(
            {
                "Sid": "AnswerCallbacks",
                "Effect": "Allow",
                "Action": ["states:SendTaskFailure", "states:SendTaskSuccess"],
                "Resource": sorted(set(callback_arns)),
            }
        )
    if payload_objects_arn:
        # A retry asks whether its payload is still there.
        actions = ["s3:GetObject", "s3:PutObject"]
        optional.append({"Sid": "KeepPayloads", "Effect": "Allow", "Action": actions, "Resource": payload_objects_arn})
    elif result_objects_arn:
        # Otherwise below the payloads.
        optional.append(allow("ReadResults", "s3:GetObject", [result_objects_arn]))
    if dead_letter_queue_arn:
        optional.append(
            {
                "Sid": "ParkDeadLetters",
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": dead_letter_queue_arn,
            }
        )
    if queue_arn:
        optional.append(take_messages("TakeFromQueue", queue_arn))
    messages = {"sns": [*run_key_arns, *key_arns] if notice_topic_arn else []}
    messages["sqs"] = list(key_arns) if dead_letter_queue_arn or queue_arn else []
    # What DynamoDB does with the caller's permissions for an item; the table's own grants do the rest.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    stored = {"dynamodb": list(run_key_arns), "s3": list(key_arns) if result_objects_arn else []}
    optional += use_keys("EncryptMessages", messages, place, "kms:Decrypt", "kms:GenerateDataKey")
    optional += use_keys("DecryptStored", stored, place, "kms:Decrypt")
    if key_arns and payload_objects_arn:
        optional.append(use_key("EncryptPayloads", key_arns, place, "s3", "kms:GenerateDataKey"))
    if traces:
        optional.append(everywhere("SendTraces", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]))
    cluster_name = cluster_arn.rpartition("/")[2]
    return document(
        {
            "Sid": "RunOnlyThisTask",
            "Effect": "Allow",
            "Action": "ecs:RunTask",
            "Resource": task_definition_arn,
            "Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}},
        },
        {
            "Sid": "TagOnlyAtLaunch",
            "Effect": "Allow",
            "Action": "ecs:TagResource",
            "Resource": f"arn:{place.partition}:ecs:{place.region}:{place.account}:task/{cluster_name}/*",
            "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
        },
        # Whether a launch whose answer was lost started tasks, and how many run.
        list_tasks(cluster_arn),
        {
            "Sid": "RecordOwnRuns",
            "Effect": "Allow",
            # A transaction of puts needs no action of its own:
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": runs_table_arn,
            # A request without keys would satisfy ForAllValues.
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [family]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        },
        *optional,
    )


def launcher_guard(
    place: Place,
    *,
    passed_role_arns: Sequence[str],
    log_group_arn: str,
    cpu: int,
    memory: int,
    schedule_role_arn: str = "",
    own_schedules_arn: str = "",
    allow_exec: bool = False,
    in_vpc: bool = False,
) -> Document:
    """Which roles the launcher's function may pass to ECS, what it may never do, whatever else is attached, and what it
    may do whatever it launches: a role has to hold two of launcher_policy, and only one of this.

    A Deny applies to every launch, so two guards in one role would deny what either of them denies: a changed guard
    needs a new role.

    `passed_role_arns` are all roles that RunTask may pass to ECS: execution role, task role, and the roles that a
    caller may choose instead of the task role. `schedule_role_arn` is the one role that it may pass to EventBridge
    Scheduler, for schedules whose ARN is like `own_schedules_arn`; both are empty if no caller may name a time. Raises
    ValueError for a role that is not the ARN of a single one. `cpu` (units) and `memory` (MiB) are the most that a
    launch may request; `allow_exec`: whether it may run tasks with ECS Exec; `in_vpc`: whether Lambda runs the function
    in a VPC.
    """
    to_scheduler = [schedule_role_arn] if schedule_role_arn else []
    for arn in (*passed_role_arns, *to_scheduler):
        if not is_role_arn(arn):
            raise ValueError(f"passed role: {arn!r} is not the ARN of one role; a pattern here could pass many")
    roles = sorted(set(passed_role_arns))
    functions = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:*"
    return document(
        {
            "Sid": "PassOnlyTheseRoles",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": roles,
            "Condition": {"StringEquals": {"iam:PassedToService": TASKS_SERVICE}},
        },
        {
            "Sid": "NeverAnotherRole",
            "Effect": "Deny",
            "Action": "iam:PassRole",
            "NotResource": sorted({*roles, *to_scheduler}),
        },
        *(_launches_later(schedule_role_arn, own_schedules_arn) if schedule_role_arn else []),
        *([] if allow_exec else [_never("NoExec", {"StringEquals": {"ecs:enable-execute-command": "true"}})]),
        _never("NoEbs", {"StringEquals": {"ecs:enable-ebs-volumes": "true"}}),
        _never("CpuCap", {"NumericGreaterThan": {"ecs:task-cpu": str(cpu)}}),
        _never("MemoryCap", {"NumericGreaterThan": {"ecs:task-memory": str(memory)}}),
        {
            "Sid": "AnnounceRuns",
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": f"arn:{place.partition}:events:{place.region}:{place.account}:event-bus/default",
            "Condition": {"StringEquals": {"events:source": RUN_EVENTS_SOURCE}},
        },
        write_log("WriteOwnLogs", log_group_arn),
        *([everywhere("JoinVpc", list(_INTERFACES)), _only_lambda_joins(functions)] if in_vpc else []),
    )


def _launches_later(role_arn: str, own_schedules_arn: str) -> list[Statement]:
    """What a launch at a later time needs: a schedule of the launcher's own, and its role, which Scheduler assumes."""
    actions = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule"]
    return [
        {"Sid": "ScheduleOwnLaunches", "Effect": "Allow", "Action": actions, "Resource": own_schedules_arn},
        {
            "Sid": "PassScheduleRole",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": role_arn,
            "Condition": {"StringEquals": {"iam:PassedToService": SCHEDULER_SERVICE}},
        },
    ]


def _never(sid: str, condition: Mapping[str, Mapping[str, str]]) -> Statement:
    return {"Sid": sid, "Effect": "Deny", "Action": "ecs:RunTask", "Resource": "*", "Condition": condition}


_INTERFACES: Final = (
    *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
)


def _only_lambda_joins(functions: str) -> Statement:
    """Denies the function's own code the actions that Lambda needs of the role to run the function in a VPC.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    never = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    return {
        "Sid": "OnlyLambdaJoins",
        "Effect": "Deny",
        "Action": list(_INTERFACES),
        "Resource": "*",
        "Condition": never,
    }


def schedule_trust(place: Place, group_arn: str) -> Document:
    """The trust policy of the role of a launcher's schedules: Scheduler may assume it, for schedules of this group.

    Scheduler names the group of a schedule, never the schedule:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    return document(
        {
            "Sid": "OnlySchedulesOfThisGroup",
            "Effect": "Allow",
            "Principal": {"Service": SCHEDULER_SERVICE},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account, "aws:SourceArn": group_arn}},
        }
    )


def schedules_named(group_arn: str, prefix: str) -> str:
    """ARN pattern of the schedules of a group whose names begin with a prefix."""
    return f"{group_arn.replace(':schedule-group/', ':schedule/', 1)}/{prefix}*"


def schedule_policy(
    place: Place, function_arn: str, dead_letter_queue_arn: str, key_arns: Sequence[str] = ()
) -> Document:
    """What a launcher's schedules may do: invoke it, and send what is undelivered to a queue, encrypted with
    `key_arns`."""
    encrypt = use_key("EncryptUndelivered", key_arns, place, "sqs", "kms:Decrypt", "kms:GenerateDataKey")
    return document(
        {"Sid": "InvokeLauncher", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn},
        {"Sid": "KeepUndelivered", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead_letter_queue_arn},
        *([encrypt] if key_arns else []),
    )
