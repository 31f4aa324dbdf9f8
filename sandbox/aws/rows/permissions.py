"""How IAM's no looks, service by service: code, HTTP status and the action's name differ, the sentence does not.

What IAM decides is in ../authorization.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .row import Before, Refusal, Request
from .run_task import LAUNCH, THERE

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
"""Actions that their service spells otherwise in an error than IAM does in a policy: each as its source shows it."""


def spelt(action: str) -> str:
    """An action as its service's errors have it."""
    return _SPELT.get(action, action)


def asking(action: str) -> str:
    """The service and the operation that ask IAM about an action, as the ids of the rows begin."""
    others = {"iam:PassRole": "ecs.RunTask.PassRole", "ecs:TagResource": "ecs.RunTask.TagResource"}
    return {**others, "lambda:InvokeFunction": "lambda.Invoke"}.get(action, action.replace(":", "."))


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
) -> Iterator[Refusal]:
    """Both rows of an operation: nothing allows it, and something denies it."""
    for what, words, says, statements in (
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
            refuses=f"{says} {action}",
            code=code,
            words=words,
            sources=(*sources, PAGE),
            request=request,
            fields={"principal": "{principal}", "action": spelt(action), "resource": resource},
            before=before,
            policy={"Version": "2012-10-17", "Statement": statements},
            status=status,
        )


def _besides(action: str, resource: str, refuses: str, request: dict[str, Any], *sources: str) -> Iterator[Refusal]:
    """Both rows of what RunTask needs besides ecs:RunTask."""
    allowed = [_statement("Allow", "ecs:RunTask")]
    for what, words, more in (
        ("not_allowed", _NOT_ALLOWED, []),
        ("denied", _DENIED, [_statement("Allow", "*"), _statement("Deny", action)]),
    ):
        yield Refusal(
            id=f"{asking(action)}.{what}",
            refuses=refuses,
            code="AccessDeniedException",
            words=words,
            sources=(*sources, PAGE),
            request={**LAUNCH, **request},
            fields={"principal": "{principal}", "action": action, "resource": resource},
            before=THERE,
            policy={"Version": "2012-10-17", "Statement": [*allowed, *more]},
        )


_REGION: Final = "{region}:{account}"
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
        "A principal that runs a task may pass each of its roles, those in the overrides included",
        {"overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/Administrator"}},
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html",
    ),
    *_besides(
        "ecs:TagResource",
        f"arn:aws:ecs:{_REGION}:task/rows/*",
        "A principal that runs a task with tags may tag tasks",
        {"tags": [{"key": "k", "value": "v"}]},
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html",
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
)
