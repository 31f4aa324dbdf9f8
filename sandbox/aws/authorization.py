"""What IAM decides: the calls that a request needs authorized, and the verdict of a principal's policies on each.

Pure: policies and requests in, decisions out. The evaluator is ministack's, used as a library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ParsedStatement

from . import rows as aws
from .rows import Refused
from .rows.permissions import asking, spelt

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"

Parsed = list[ParsedStatement]


@dataclass(frozen=True)
class Call:
    """One thing that AWS asks IAM about: an action on a resource, with the condition keys of the request."""

    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict[str, str | list[str]])


@dataclass(frozen=True)
class Decision:
    """IAM's answer, and the statement that gave it where one did."""

    allowed: bool
    sid: str
    explicit: bool
    """Whether a Deny said no; otherwise no Allow said yes."""


@dataclass(frozen=True)
class Policies:
    """Everything that decides what a principal may do."""

    documents: Sequence[Parsed]
    limits: Sequence[Sequence[Parsed]] = ()
    """A permissions boundary and the like: an Allow counts only if each of these allows too."""

    @staticmethod
    def of(*documents: Mapping[str, Any] | str, boundary: Mapping[str, Any] | str | None = None) -> Policies:
        """From policy documents. Raises ValueError for what IAM would not take as one."""
        for document in (*documents, *([boundary] if boundary else [])):
            problem = iam_evaluator.validate_policy_document(_loaded(document))
            if problem:
                raise ValueError(f"policy: {problem}")
        parse = iam_evaluator.parse_policy_document
        limits = [[parse(_loaded(boundary))]] if boundary else []
        return Policies([parse(_loaded(document)) for document in documents], limits)

    def decide(
        self, call: Call, *, principal: str = "arn:aws:sts::123456789012:assumed-role/launcher/session"
    ) -> Decision:
        """IAM's decision on a call of this principal."""
        context = EvalContext(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account=principal.split(":")[4],
            action=call.action,
            resource_arn=call.resource,
            region=call.resource.split(":")[3] if call.resource.startswith("arn:") else "",
            service_context={key.lower(): value for key, value in call.context.items()},
        )
        result = iam_evaluator.evaluate(context, list(self.documents), *(list(limit) for limit in self.limits))
        return Decision(result.decision == "Allow", result.matched_sid, result.decision == "Deny")


def run_task_calls(request: Mapping[str, Any], definition: Mapping[str, Any], cluster_arn: str) -> list[Call]:
    """Everything that AWS asks IAM about before RunTask starts anything.

    `request` are RunTask's parameters, `definition` the task definition that they resolve to: since March 2024 a
    family's name is resolved to a revision before the question is asked.
    """
    overrides: Mapping[str, Any] = request.get("overrides", {})
    tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
    context: dict[str, str | list[str]] = {
        "ecs:cluster": cluster_arn,
        "ecs:enable-execute-command": _flag(request.get("enableExecuteCommand")),
        "ecs:enable-ebs-volumes": _flag(request.get("volumeConfigurations")),
        "ecs:task-cpu": str(overrides.get("cpu") or definition.get("cpu", "")),
        "ecs:task-memory": str(overrides.get("memory") or definition.get("memory", "")),
        **_tag_context(tags),
    }
    providers = [it["capacityProvider"] for it in request.get("capacityProviderStrategy", [])]
    if providers:
        context["ecs:capacity-provider"] = providers[0] if len(providers) == 1 else providers
    calls = [Call("ecs:RunTask", definition["taskDefinitionArn"], context)]
    roles = (
        *(definition.get(key) for key in ("executionRoleArn", "taskRoleArn")),
        *(overrides.get(key) for key in ("executionRoleArn", "taskRoleArn")),
    )
    for role in dict.fromkeys(role for role in roles if role):
        calls.append(Call("iam:PassRole", role, {"iam:PassedToService": TASKS_SERVICE}))
    if tags or request.get("propagateTags") == "TASK_DEFINITION":
        tasks = cluster_arn.replace(":cluster/", ":task/") + "/*"
        calls.append(Call("ecs:TagResource", tasks, {"ecs:CreateAction": "RunTask", **_tag_context(tags)}))
    return calls


def service_calls(
    service: str, operation: str, path: str, parameters: Mapping[str, Any], *, region: str, account: str
) -> list[Call]:
    """What AWS asks IAM about a request of another service that a launcher uses, about each thing that it names; none
    for one that is not known here.

    `operation` is the operation's name where it travels in a header, else the HTTP method.
    """
    if service == "s3" and operation in ("PUT", "GET") and path.count("/") > 1:
        return [Call(f"s3:{operation.capitalize()}Object", f"arn:aws:s3:::{path.strip('/')}")]
    if service == "sqs" and operation == "SendMessage":
        name = str(parameters.get("QueueUrl", "")).rpartition("/")[2]
        return [Call("sqs:SendMessage", f"arn:aws:sqs:{region}:{account}:{name}")]
    if service == "lambda" and operation == "POST" and path.endswith("/invocations"):
        function = unquote(path.split("/")[3])
        arn = function if function.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{function}"
        return [Call("lambda:InvokeFunction", arn)]
    if service == "sns" and parameters.get("Action") == "Publish":
        return [Call("sns:Publish", str(parameters.get("TopicArn", "")))]
    if service == "logs" and operation in ("CreateLogStream", "DescribeLogStreams"):
        stream = f"{parameters.get('logGroupName', '')}:log-stream:{parameters.get('logStreamName', '')}"
        return [Call(f"logs:{operation}", f"arn:aws:logs:{region}:{account}:log-group:{stream}")]
    if service == "ecs" and operation in ("StopTask", "DescribeTasks", "ListTasks"):
        cluster = str(parameters.get("cluster", "default"))
        if not cluster.startswith("arn:"):
            cluster = f"arn:aws:ecs:{region}:{account}:cluster/{cluster}"
        tasks = parameters.get("tasks") or [parameters.get("task", "")]
        named = ["*"] if operation == "ListTasks" else [_task(it, cluster) for it in tasks]
        return [Call(f"ecs:{operation}", it, {"ecs:cluster": cluster}) for it in dict.fromkeys(named)]
    return []


def _task(named: str, cluster_arn: str) -> str:
    """ARN of a task that is named by it, or by its id."""
    return named if named.startswith("arn:") else f"{cluster_arn.replace(':cluster/', ':task/')}/{named}"


def refusal(principal: str, call: Call, decision: Decision) -> Refused:
    """How the service that asked IAM says that it said no."""
    what = "denied" if decision.explicit else "not_allowed"
    return aws.refusal(
        f"{asking(call.action)}.{what}", principal=principal, action=spelt(call.action), resource=call.resource
    )


def _tag_context(tags: Mapping[str, str]) -> dict[str, str | list[str]]:
    if not tags:
        return {}
    return {"aws:TagKeys": sorted(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _loaded(document: Mapping[str, Any] | str) -> dict[str, Any]:
    return json.loads(document) if isinstance(document, str) else dict(document)
