"""Roles: which principals they trust, which roles a task has, and whether attached policies can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from .actions import anywhere
from .config import Limit
from .documents import Unreadable
from .granted import administrates
from .launched import LAUNCHING, ROLES, TASK_DEFINITION, launched
from .managed import aws_managed, known
from .principals import BEARERS, POLICY, ROLE, attached_arns, holder, trust, unreadable
from .rule import ADVISORY, CRITICAL, HIGH, MANDATORY, MEDIUM, Finding, Limits, resources, rule
from .stack import Resource, Stack

_CONFUSABLE: Final = tuple(f"{it}.amazonaws.com" for it in ("ecs-tasks", "scheduler", "events", "pipes"))
"""Services that send aws:SourceAccount and aws:SourceArn when they assume a role."""


@rule(
    "trust-source",
    says="A role that trusts ECS tasks, Scheduler, EventBridge or pipes does so only for resources of this account.",
    why="Without aws:SourceAccount or aws:SourceArn, the service can be made to use the role for another account.",
    remedy="add to the trust policy StringEquals aws:SourceAccount ACCOUNT or ArnLike aws:SourceArn "
    "arn:aws:ecs:REGION:ACCOUNT:* (Scheduler: the schedule group's ARN; EventBridge: the rule's), or both",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(ROLE),
    kinds=[ROLE],
)
def trust_source(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    try:
        document = trust(it)
    except Unreadable as error:
        yield f"assumeRolePolicy {error}"
        return
    for statement in document.statements:
        if not statement.allows:
            continue
        held = any(statement.limited(f"aws:Principal{it}") for it in ("Arn", "OrgID", "OrgPaths", "Account"))
        if statement.not_principal or (any(name == "*" for _, name in statement.principals) and not held):
            yield "its trust policy lets everyone assume it"
        named = [
            name for kind, name in statement.principals if kind == "Service" and anywhere(name.lower()) in _CONFUSABLE
        ]
        # Each names the account: AWS recommends one of them or both, according to the service.
        if named and not any(statement.limited(key) for key in ("aws:SourceAccount", "aws:SourceArn")):
            yield f"trusts {', '.join(named)} without aws:SourceAccount or aws:SourceArn of one account"


@rule(
    "task-own-roles",
    says="A task definition on Fargate has an execution role, and its task role is another one.",
    why="With one role for both, the job's code can read what only ECS needs: the registry, and every secret of the "
    "task.",
    remedy="create two roles that both trust ecs-tasks.amazonaws.com: executionRoleArn pulls the image, writes logs and"
    " reads secrets; taskRoleArn has the permissions of the job's code",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(TASK_DEFINITION),
    beside=("checkov CKV_AWS_249",),
)
def own_roles(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    execution = stack.meant(it, "executionRoleArn", ROLE)
    task = stack.meant(it, "taskRoleArn", ROLE)
    if execution is not None and execution is task:
        yield f"executionRoleArn and taskRoleArn are both {execution.name}"
        return
    arn = it.get("executionRoleArn") if execution is None else "known"
    if not arn and "FARGATE" in it.whole("requiresCompatibilities", default=[]):
        yield "has no executionRoleArn: Fargate can neither pull from ECR nor write its log"
    if arn and execution is None and task is None and arn == it.get("taskRoleArn"):
        yield f"executionRoleArn and taskRoleArn are both {arn}"


@rule(
    "execution-role-inline",
    says="An execution role has its own inline policy, not a managed policy.",
    why="AmazonECSTaskExecutionRolePolicy can read every repository of the account and write to every log group.",
    remedy="grant ecr:BatchGetImage, ecr:GetDownloadUrlForLayer, ecr:BatchCheckLayerAvailability on the repository, "
    "ecr:GetAuthorizationToken on *, logs:CreateLogStream and logs:PutLogEvents on the job's log group, "
    "in an inline policy",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=lambda stack: stack.of(*BEARERS),
    beside=("cdk-nag AwsSolutions-IAM4",),
)
def execution_inline(it: Resource, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    executing = stack.once(_execution_roles)
    for arn in attached_arns(it):
        name = aws_managed(arn)
        used = sorted({role.name for role in _attached_to(it, stack) if role.urn in executing})
        if name is not None and (used or name == "AmazonECSTaskExecutionRolePolicy"):
            yield Finding(
                f"attaches {name} to {'the execution role ' + ', '.join(used) if used else 'an execution role'}"
            )


@rule(
    "task-no-administrator",
    says="No task has administrator permissions.",
    why="Its image, its dependencies and every principal that may choose its command then have them too.",
    remedy="grant the task role only the actions of the job, on the resources that the job uses",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=resources(TASK_DEFINITION, *LAUNCHING),
    beside=("checkov CKV_AWS_274 (partly)", "Security Hub IAM.1 (partly)"),
)
def task_no_administrator(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    if it.kind == TASK_DEFINITION:
        for prop in ROLES:
            role = stack.meant(it, prop, ROLE)
            yield from () if role is None else (f"{prop} is {said}" for said in _administrator(role, stack))
        return
    for task in launched(it):
        for prop, arn in task.roles:
            role = stack.named(ROLE, arn)
            for said in () if role is None else _administrator(role, stack):
                yield task.said(f"overrides {prop} with {said}")


def _administrator(role: Resource, stack: Stack) -> Iterator[str]:
    who = holder(stack, role)
    grant = administrates(who)
    if grant:
        yield f"{role.name}, which {grant}"
    elif who.unknown:
        raise who.unknown[0]


@rule(
    "policies-well-formed",
    says="A policy means the same to IAM and to a reader.",
    why="A duplicate key, or an element that IAM does not have, hides what the policy grants.",
    remedy="write the document with json.dumps, Output.json_dumps or aws.iam.get_policy_document_output",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=resources(*BEARERS),
    kinds=BEARERS,
    # A policy that cannot be read may pass any role.
    waivable=False,
)
def policies_well_formed(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for what, why in unreadable(it):
        yield f"{what} {why}"


@rule(
    "policies-readable",
    says="The policies of a role, user or group can be read: they are in the stack, or are known AWS managed policies.",
    why="A policy of which only the ARN is known may allow passing every role; no other rule can check it.",
    remedy="create the policy in the stack, attach an AWS managed policy that the rules know, or name the ARN in the "
    "rule's `trusted` setting after a review",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=lambda stack: stack.of(*BEARERS),
    limits=(
        # ARNs of policies outside the stack for which a person is responsible.
        Limit("trusted", "ARNs of policies that were reviewed.", "array", [], []),
    ),
)
def policies_readable(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for arn in attached_arns(it):
        if known(arn) is None and stack.named(POLICY, arn) is None and arn not in limits["trusted"]:
            yield f"attaches {arn}, whose text is not in this stack"


def _attached_to(it: Resource, stack: Stack) -> Iterator[Resource]:
    """The roles of the stack that a resource attaches policies to."""
    if it.kind == ROLE:
        yield it
    for prop in ("role", "roleName", "roles"):
        named = it.known(prop)
        for value in cast("list[Any]", named) if isinstance(named, list) else [named]:
            role = stack.meant(it, prop, ROLE, value)
            if role is not None:
                yield role


def _execution_roles(stack: Stack) -> set[str]:
    roles = (stack.meant(it, "executionRoleArn", ROLE) for it in stack.of(TASK_DEFINITION))
    return {role.urn for role in roles if role is not None}
