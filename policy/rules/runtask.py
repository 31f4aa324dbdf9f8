"""ecs:RunTask and ecs:ExecuteCommand: for which tasks, in which cluster, and with conditions that take effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .config import BOUNDARIES
from .documents import Statement, is_pattern, matches
from .principals import BEARERS, GRANTING, bounding, documents, granting
from .rule import HIGH, MANDATORY, MEDIUM, Limits, Scope, resources, rule
from .stack import Resource, Stack

RUN_TASK: Final = "ecs:RunTask"
DEFINITIONS: Final = "arn:@:ecs:@:@:task-definition/*"
_TASKS: Final = "arn:@:ecs:@:@:task/*"
KNOWN_KEYS: Final = {
    RUN_TASK: (
        *("ecs:cluster", "ecs:capacity-provider", "ecs:enable-execute-command", "ecs:enable-ebs-volumes"),
        *("ecs:task-cpu", "ecs:task-memory", "ecs:resourcetag/*"),
    ),
    "iam:PassRole": ("iam:passedtoservice", "iam:associatedresourcearn", "iam:resourcetag/*"),
}
"""Condition keys, in lower case, of the action's own service, beside the global ones (aws:…).

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""
_GLOBAL: Final = tuple(
    f"aws:{it}"
    for it in (
        *("calledvia", "calledviafirst", "calledvialast", "calledviaawsmcp", "currenttime", "epochtime"),
        *("assumedroot", "ec2instancesourceprivateipv4", "ec2instancesourcevpc", "federatedprovider"),
        *("issupportedaction", "ismcpserviceaction", "multifactorauthage", "multifactorauthpresent"),
        *("principalaccount", "principalarn", "principalisawsservice", "principalorgid", "principalorgpaths"),
        *("principalservicename", "principalservicenameslist", "principaltag/*", "principaltype", "referer"),
        *("requestedregion", "requesttag/*", "resourceaccount", "resourceorgid", "resourceorgpaths", "resourcetag/*"),
        *("securetransport", "sourceaccount", "sourcearn", "sourceidentity", "sourceip", "sourceorgid"),
        *("sourceorgpaths", "sourcevpc", "sourcevpcarn", "sourcevpce", "tagkeys", "tokenissuetime", "useragent"),
        *("userid", "username", "viaawsservice", "viaawsmcpservice", "vpceaccount", "vpceorgid", "vpceorgpaths"),
        *("vpcsourceip", "chatbotsourcearn"),
    )
)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""


@rule(
    "runtask-one-definition",
    says="ecs:RunTask is allowed on named task definitions only.",
    why="Every other task definition of the account has its own roles, secrets and image.",
    remedy="name the task definition with its revision, which is its arn output: Resource task_definition.arn",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=granting,
    kinds=GRANTING,
    scope=Scope.PARTS,
    limits=(BOUNDARIES,),
    beside=("cdk-nag AwsSolutions-IAM5 (partly)", "Security Hub IAM.21 (partly)"),
)
def one_definition(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for held in [] if bounding(it, stack, limits["boundaries"]) else documents(it):
        for statement in held.document.allowing(RUN_TASK):
            wide = [at for at in statement.reaching(DEFINITIONS) if is_pattern(at) or at == "NotResource"]
            if wide:
                yield f"{held.what} allows ecs:RunTask on {', '.join(wide)}"


@rule(
    "runtask-cluster",
    says="ecs:RunTask is allowed in named clusters only.",
    why="Without the condition the task can also run in any other cluster, on its capacity and at its cost.",
    remedy='add "Condition": {"ArnEquals": {"ecs:cluster": cluster.arn}} to the statement, or a list of the ARNs of '
    "several clusters; no wildcard, no IfExists",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=granting,
    kinds=GRANTING,
    scope=Scope.PARTS,
    limits=(BOUNDARIES,),
)
def in_cluster(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for held in [] if bounding(it, stack, limits["boundaries"]) else documents(it):
        for statement in held.document.allowing(RUN_TASK):
            if statement.reaching(DEFINITIONS) and not statement.pinned("ecs:cluster"):
                yield f"{held.what} allows ecs:RunTask without pinning ecs:cluster to the ARNs of named clusters"


@rule(
    "known-condition-keys",
    says="Conditions on ecs:RunTask and iam:PassRole use keys that the action supports.",
    why="With a key that the action never sends, an Allow grants nothing and a Deny refuses nothing.",
    remedy="use ecs:cluster, ecs:task-cpu, ecs:task-memory, ecs:capacity-provider, ecs:enable-execute-command, "
    "ecs:enable-ebs-volumes for RunTask, iam:PassedToService for PassRole, or a global aws: key; the launcher's "
    "code has to enforce what has no key (subnets, image, command)",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(*BEARERS),
    kinds=BEARERS,
)
def known_keys(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for held in documents(it):
        for statement in held.document.statements:
            # A pattern that matches other actions too may use their keys, which are not known here.
            for action in statement.actions or ():
                known = next((keys for name, keys in KNOWN_KEYS.items() if _only(action, name.lower())), None)
                if known is None:
                    continue
                for condition in statement.conditions:
                    if not _supports(known, condition.key):
                        effect = f"the statement never {'grants' if statement.allows else 'denies'}"
                        if condition.holds_without_key:
                            effect = "the condition limits nothing"
                        yield f"{held.what} has {condition.key} on {action}, which does not support it: {effect}"


@rule(
    "exec-named-tasks",
    says="A session in a task (ecs:ExecuteCommand, ssm:StartSession) is allowed in named clusters, in tasks with a "
    "tag, or not at all.",
    why="A principal that opens a shell in a task has the credentials of the task role. Systems Manager opens one too, "
    "without a permission of ECS.",
    remedy="remove the action, or allow it on task/CLUSTER/* of one cluster that contains only tasks to debug; "
    "ssm:StartSession into instances: on arn:aws:ec2:REGION:ACCOUNT:instance/*",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=granting,
    kinds=GRANTING,
    scope=Scope.PARTS,
    limits=(BOUNDARIES,),
)
def exec_named_tasks(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    for held in [] if bounding(it, stack, limits["boundaries"]) else documents(it):
        for action in ("ecs:ExecuteCommand", "ssm:StartSession"):
            for statement in held.document.allowing(action):
                wide = [at for at in statement.reaching(_TASKS) if at == "NotResource" or is_pattern(_cluster(at))]
                if wide and not (statement.pinned("ecs:cluster") or _tagged(statement)):
                    yield f"{held.what} allows {action} on {', '.join(wide)}"


def _tagged(statement: Statement) -> bool:
    """Whether a condition names a tag that the resource must have."""
    tags = [it.key for it in statement.conditions if it.key.partition("/")[0].endswith(":resourcetag")]
    return any(statement.pinned(key) for key in tags)


def _cluster(arn: str) -> str:
    """The part of a task's ARN that names account and cluster; the tasks' own ids cannot be known in advance."""
    parts = arn.split("/")
    return "/".join(parts[:2]) if len(parts) >= 3 else arn


def _only(pattern: str, action: str) -> bool:
    """Whether a pattern matches this action only: no other action of ECS begins with Run, none of IAM with Pass."""
    return pattern == action or (matches(pattern, action) and pattern.startswith(("ecs:run", "iam:pass")))


def _supports(known: tuple[str, ...], key: str) -> bool:
    return any(key == it or (it.endswith("/*") and key.startswith(it[:-1])) for it in (*known, *_GLOBAL))
