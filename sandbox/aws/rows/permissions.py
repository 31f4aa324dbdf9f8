"""IAM's denials, service by service: code, HTTP status and the action's name differ, the sentence does not.

../authorization.py makes IAM's decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .row import Before, Refusal, Request
from .run_task import LAUNCH, THERE
from .schedules import SCHEDULE, SCHEDULER_SERVICE

PAGE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"

_NOT_ALLOWED: Final = (
    "User: {principal} is not authorized to perform: {action} on resource: {resource} "
    "because no identity-based policy allows the {action} action"
)
_DENIED: Final = (
    "User: {principal} is not authorized to perform: {action} on resource: {resource} "
    "with an explicit deny in an identity-based policy"
)

_SPELT: Final[Mapping[str, str]] = {"sqs:SendMessage": "sqs:sendmessage", "sns:Publish": "SNS:Publish"}
"""Actions that a service spells differently in an error than IAM does in a policy, each as its source shows it."""


def spelt(action: str) -> str:
    """An action as its service's errors spell it."""
    return _SPELT.get(action, action)


def asking(action: str, context: Mapping[str, Any] | None = None) -> str:
    """The start of a row's id: the service and the operation for which IAM authorizes this action in this context."""
    if action == "iam:PassRole" and (context or {}).get("iam:PassedToService") == SCHEDULER_SERVICE:
        return "scheduler.CreateSchedule.PassRole"
    others = {"iam:PassRole": "ecs.RunTask.PassRole", "ecs:TagResource": "ecs.RunTask.TagResource"}
    named = {**others, "lambda:InvokeFunction": "lambda.Invoke"}.get(action, action.replace(":", "."))
    return named.replace("states.", "stepfunctions.", 1) if action.startswith("states:") else named


def _statement(effect: str, action: str) -> dict[str, str]:
    return {"Effect": effect, "Action": action, "Resource": "*"}


def _denials(
    service: str,
    operation: str,
    action: str,
    resource: str,
    request: Request,
    *sources: str,
    code: str = "AccessDeniedException",
    status: int = 400,
    before: tuple[Before, ...] = (),
    asked: str = "",
    seen: bool = True,
) -> Iterator[Refusal]:
    """The two rows of an operation: no policy allows it, and a policy denies it. `asked` is the operation that needs
    the action, where it has another name."""
    for what, words, reason, statements in (
        ("not_allowed", _NOT_ALLOWED, "No policy of the caller allows", [_statement("Allow", "s3:ListAllMyBuckets")]),
        (
            "denied",
            _DENIED,
            "A policy of the caller denies",
            [_statement("Allow", "*"), _statement("Deny", action)],
        ),
    ):
        yield Refusal(
            id=f"{service}.{operation}.{what}",
            refuses=f"{reason} {action}",
            code=code,
            words=words,
            sources=(*sources, PAGE),
            request=request,
            fields={"principal": "{principal}", "action": spelt(action), "resource": resource},
            before=before,
            policy={"Version": "2012-10-17", "Statement": statements},
            status=status,
            operation=asked,
            seen=seen,
        )


def _besides(
    action: str, resource: str, refuses: str, request: dict[str, Any], *sources: str, of: str = "ecs:RunTask"
) -> Iterator[Refusal]:
    """The two rows of an action that an operation needs besides its own: RunTask, or CreateSchedule."""
    allowed, launches = [_statement("Allow", of)], of == "ecs:RunTask"
    context = {} if launches else {"iam:PassedToService": SCHEDULER_SERVICE}
    for what, words, more in (
        ("not_allowed", _NOT_ALLOWED, []),
        ("denied", _DENIED, [_statement("Allow", "*"), _statement("Deny", action)]),
    ):
        yield Refusal(
            id=f"{asking(action, context)}.{what}",
            refuses=refuses,
            code="AccessDeniedException",
            words=words,
            sources=(*sources, PAGE),
            request={**(LAUNCH if launches else SCHEDULE), **request},
            fields={"principal": "{principal}", "action": action, "resource": resource},
            before=THERE if launches else (),
            policy={"Version": "2012-10-17", "Statement": [*allowed, *more]},
            status=400 if launches else 403,
        )


_REGION: Final = "{region}:{account}"

_TABLE: Final = "rows-items"
_KEY: Final = {"pk": {"S": "k"}}
_ONE: Final = {"TableName": _TABLE, "Key": _KEY}
_PARTIQL: Final = {
    "PartiQLSelect": 'SELECT * FROM "rows-items"',
    "PartiQLInsert": "INSERT INTO \"rows-items\" VALUE {'pk': 'k'}",
    "PartiQLUpdate": "UPDATE \"rows-items\" SET a = 1 WHERE pk = 'k'",
    "PartiQLDelete": "DELETE FROM \"rows-items\" WHERE pk = 'k'",
}
_ITEMS: Final[Mapping[str, tuple[str, Request]]] = {
    **{it: (it, _ONE) for it in ("GetItem", "DeleteItem", "UpdateItem")},
    "PutItem": ("PutItem", {"TableName": _TABLE, "Item": _KEY}),
    "ConditionCheckItem": (
        "TransactWriteItems",
        {"TransactItems": [{"ConditionCheck": {**_ONE, "ConditionExpression": "attribute_exists(pk)"}}]},
    ),
    "Query": (
        "Query",
        {
            "TableName": _TABLE,
            "KeyConditionExpression": "pk = :k",
            "ExpressionAttributeValues": {":k": _KEY["pk"]},
        },
    ),
    "BatchGetItem": ("BatchGetItem", {"RequestItems": {_TABLE: {"Keys": [_KEY]}}}),
    "BatchWriteItem": ("BatchWriteItem", {"RequestItems": {_TABLE: [{"PutRequest": {"Item": _KEY}}]}}),
    **{it: ("ExecuteStatement", {"Statement": statement}) for it, statement in _PARTIQL.items()},
    **{
        it: (it, {"TableName": _TABLE})
        for it in ("Scan", "DescribeTable", "DeleteTable", "UpdateTable", "DescribeTimeToLive", "UpdateTimeToLive")
    },
}
"""Action of DynamoDB → the operation that needs it, and its request."""
ROWS: Final = (
    *_denials(
        "ecs",
        "RunTask",
        "ecs:RunTask",
        f"arn:aws:ecs:{_REGION}:task-definition/rows-may:1",
        {**LAUNCH, "taskDefinition": "rows-may:1"},
        before=(THERE[0], ("ecs", "RegisterTaskDefinition", {**THERE[1][2], "family": "rows-may"})),
    ),
    *_besides(
        "iam:PassRole",
        "arn:aws:iam::{account}:role/Administrator",
        "The caller of RunTask must be allowed to pass each role of the task, the overrides' roles too",
        {"overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/Administrator"}},
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    ),
    *_besides(
        "ecs:TagResource",
        f"arn:aws:ecs:{_REGION}:task/rows/*",
        "A caller that gives tags to RunTask must be allowed to tag tasks",
        {"tags": [{"key": "k", "value": "v"}]},
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html",
    ),
    *(
        row
        for operation, request in {
            "CreateSchedule": SCHEDULE,
            "UpdateSchedule": SCHEDULE,
            "GetSchedule": {"Name": SCHEDULE["Name"]},
            "DeleteSchedule": {"Name": SCHEDULE["Name"]},
        }.items()
        for row in _denials(
            "scheduler",
            operation,
            f"scheduler:{operation}",
            f"arn:aws:scheduler:{_REGION}:schedule/default/{SCHEDULE['Name']}",
            request,
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html",
            status=403,
        )
    ),
    *_besides(
        "iam:PassRole",
        SCHEDULE["Target"]["RoleArn"],
        "The caller of CreateSchedule and UpdateSchedule must be allowed to pass the role of the target to Scheduler",
        {},
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html",
        of="scheduler:CreateSchedule",
    ),
    *_denials(
        "ecs",
        "StopTask",
        "ecs:StopTask",
        f"arn:aws:ecs:{_REGION}:task/rows/0123",
        {"cluster": "rows", "task": "0123"},
    ),
    *_denials(
        "ecs",
        "DescribeTasks",
        "ecs:DescribeTasks",
        f"arn:aws:ecs:{_REGION}:task/rows/0123",
        {"cluster": "rows", "tasks": ["0123"]},
    ),
    *_denials(
        "ecs",
        "ExecuteCommand",
        "ecs:ExecuteCommand",
        f"arn:aws:ecs:{_REGION}:cluster/rows",
        {"cluster": "rows", "task": "0" * 32, "command": "/bin/sh", "interactive": True},
        "https://github.com/aws/containers-roadmap/issues/1050",
    ),
    *_denials(
        "ssm",
        "StartSession",
        "ssm:StartSession",
        f"arn:aws:ecs:{_REGION}:task/rows/{'0' * 32}",
        {"Target": f"ecs:rows_{'0' * 32}_{'0' * 32}-0123456789"},
        "https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-specify-session-document.html",
    ),
    *_denials("ecs", "ListTasks", "ecs:ListTasks", "*", {"cluster": "rows"}),
    *_denials(
        "lambda",
        "Invoke",
        "lambda:InvokeFunction",
        f"arn:aws:lambda:{_REGION}:function:rows",
        {"FunctionName": "rows"},
        "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
        status=403,
    ),
    *_denials(
        "logs",
        "CreateLogStream",
        "logs:CreateLogStream",
        f"arn:aws:logs:{_REGION}:log-group:rows:log-stream:one",
        {"logGroupName": "rows", "logStreamName": "one"},
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html",
    ),
    *_denials(
        "logs",
        "DescribeLogStreams",
        "logs:DescribeLogStreams",
        f"arn:aws:logs:{_REGION}:log-group:rows:log-stream:",
        {"logGroupName": "rows"},
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html",
    ),
    *_denials(
        "s3",
        "PutObject",
        "s3:PutObject",
        "arn:aws:s3:::rows-bucket/key",
        {"Bucket": "rows-bucket", "Key": "key", "Body": b"x"},
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html",
        code="AccessDenied",
        status=403,
    ),
    *_denials(
        "s3",
        "GetObject",
        "s3:GetObject",
        "arn:aws:s3:::rows-bucket/key",
        {"Bucket": "rows-bucket", "Key": "key"},
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html",
        code="AccessDenied",
        status=403,
    ),
    *_denials(
        "sns",
        "Publish",
        "sns:Publish",
        f"arn:aws:sns:{_REGION}:rows",
        {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:rows", "Message": "m"},
        "https://github.com/aws-ia/terraform-aws-control_tower_account_factory/issues/151",
        code="AuthorizationError",
        status=403,
    ),
    *_denials(
        "sqs",
        "SendMessage",
        "sqs:SendMessage",
        f"arn:aws:sqs:{_REGION}:rows",
        {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/rows", "MessageBody": "m"},
        "https://github.com/aws/serverless-application-model/issues/3633",
        code="AccessDenied",
        status=403,
    ),
    *(
        row
        for action, (operation, request) in _ITEMS.items()
        for row in _denials(
            "dynamodb",
            action,
            f"dynamodb:{action}",
            f"arn:aws:dynamodb:{_REGION}:table/{_TABLE}",
            request,
            "https://github.com/AntonShuvaev/intellij-dynamodb/issues/29",
            asked=operation,
        )
    ),
    *_denials(
        "events",
        "PutEvents",
        "events:PutEvents",
        f"arn:aws:events:{_REGION}:event-bus/default",
        {"Entries": [{"Source": "rows", "DetailType": "Row", "Detail": "{}"}]},
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html",
        seen=False,
    ),
    *(
        row
        for operation in ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")
        for row in _denials(
            "stepfunctions",
            operation,
            f"states:{operation}",
            "*",
            {"taskToken": "rows", **({"output": "{}"} if operation == "SendTaskSuccess" else {})},
            "https://github.com/NOAA-OWP/hydrovis/issues/837",
        )
    ),
    *_denials(
        "logs",
        "GetLogEvents",
        "logs:GetLogEvents",
        f"arn:aws:logs:{_REGION}:log-group:rows:log-stream:one",
        {"logGroupName": "rows", "logStreamName": "one"},
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html",
    ),
    Refusal(
        id="s3.GetObject.missing",
        refuses="S3 tells only those who may list a bucket that it does not have an object",
        code="AccessDenied",
        words=_NOT_ALLOWED.format_map(
            {"principal": "{principal}", "action": "s3:ListBucket", "resource": '"{resource}"'}
        ),
        sources=(
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
            "https://github.com/aws/aws-cli/issues/2041",
        ),
        request={"Bucket": "rows-hidden", "Key": "missing"},
        fields={"principal": "{principal}", "resource": "arn:aws:s3:::rows-hidden"},
        before=(
            (
                "s3",
                "CreateBucket",
                {"Bucket": "rows-hidden", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}},
            ),
        ),
        policy={"Version": "2012-10-17", "Statement": [_statement("Allow", "s3:GetObject")]},
        status=403,
        seen=False,
    ),
)
