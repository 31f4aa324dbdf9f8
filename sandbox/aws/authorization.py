"""What IAM decides: the calls that a request needs authorized, and the verdict of a principal's policies on each.

Pure: policies and requests in, decisions out. The evaluator is ministack's, used as a library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ParsedStatement

from . import rows as aws
from .rows import Refused
from .rows.permissions import asking, spelt
from .rows.schedules import SCHEDULER_SERVICE as SCHEDULER_SERVICE

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
        self,
        call: Call,
        *,
        principal: str = "arn:aws:sts::123456789012:assumed-role/launcher/session",
        of_resource: Mapping[str, Any] | None = None,
    ) -> Decision:
        """IAM's decision on a call of this principal.

        `of_resource` is the policy of the resource itself. In one account it suffices that it allows the principal by
        name; a Deny of any policy counts nevertheless, and a role that is named by its ARN still needs the Allow of its
        permissions boundary: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        """
        context = EvalContext(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account=principal.split(":")[4],
            action=call.action,
            resource_arn=call.resource,
            region=call.resource.split(":")[3] if call.resource.startswith("arn:") else "",
            service_context={key.lower(): value for key, value in call.context.items()},
        )
        limits = [list(limit) for limit in self.limits]
        result = iam_evaluator.evaluate(context, list(self.documents), *limits)
        if of_resource is not None:
            result = iam_evaluator.combine_resource_policy(
                result, context, dict(of_resource), context.principal_account, limits=tuple(limits)
            )
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


def refusal(principal: str, call: Call, decision: Decision) -> Refused:
    """How the service that asked IAM says that it said no."""
    what, operation = "denied" if decision.explicit else "not_allowed", asking(call.action, call.context)
    return aws.refusal(f"{operation}.{what}", principal=principal, action=spelt(call.action), resource=call.resource)


def _tag_context(tags: Mapping[str, str]) -> dict[str, str | list[str]]:
    if not tags:
        return {}
    return {"aws:TagKeys": sorted(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _loaded(document: Mapping[str, Any] | str) -> dict[str, Any]:
    return json.loads(document) if isinstance(document, str) else dict(document)
