"""iam:PassRole: which roles may be handed over, to which service, and together with what. None of these is waived.

Whoever may pass a role to ECS can run a container as that role, so each rule here closes one of the published ways
from there to an administrator: https://pathfinding.cloud/paths/?services=ecs
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .documents import Document, Unreadable, can_be, is_pattern, matches
from .principals import BEARERS, ROLE, Held, Principal, documents, holder, principals, trust
from .rule import CRITICAL, HIGH, MANDATORY, Finding, Limits, Scope, resources, rule
from .stack import UNKNOWN, Resource, Stack, Unknown

PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action, no password
TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
_ROLES: Final = "arn:@:iam::@:role/*"
_ALWAYS: Final = (MANDATORY, MANDATORY)
_TOGETHER: Final = {
    "ecs:RegisterTaskDefinition": "arn:@:ecs:@:@:task-definition/*",
    "ecs:CreateService": "arn:@:ecs:@:@:service/*",
    "ecs:StartTask": "arn:@:ecs:@:@:task-definition/*",
    "ecs:UpdateService": "arn:@:ecs:@:@:service/*",
    "ecs:CreateTaskSet": "arn:@:ecs:@:@:*",
    **{
        f"lambda:UpdateFunction{what}": "arn:@:lambda:@:@:function:*"
        for what in ("Code", "Configuration", "UrlConfig", "EventInvokeConfig", "CodeSigningConfig")
    },
}
"""What says which code runs → what it says it of."""
_ADMINISTRATES: Final = (
    *("iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:PutRolePolicy", "iam:PutUserPolicy"),
    *("iam:AttachGroupPolicy", "iam:PutGroupPolicy", "iam:AddUserToGroup"),
    *("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:CreateAccessKey"),
    *("iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
)
"""Actions of which each, allowed on a pattern of roles, users, groups or policies, or on its holder's own role, makes
its holder whatever he likes."""
_IDENTITIES: Final = tuple(f"arn:@:iam::@:{kind}/*" for kind in ("role", "user", "group", "policy"))
_OWN: Final = ("iam:AttachRolePolicy", "iam:PutRolePolicy")
"""Those that do so on the holder's own role alone."""


@rule(
    "passrole-named-roles",
    says="iam:PassRole is allowed on named roles only.",
    why="With PassRole on a pattern, its holder can run a container as any role that matches the pattern and trusts "
    "ECS, an administrator role included.",
    remedy="grant iam:PassRole by itself, on the ARNs of the task's execution role and task role and nothing else "
    "(FargateJobLauncher computes that policy): Action iam:PassRole, Resource [execution_role.arn, task_role.arn], "
    "Condition StringEquals iam:PassedToService ecs-tasks.amazonaws.com",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=resources(*BEARERS),
    kinds=BEARERS,
    waivable=False,
    beside=(
        "checkov CKV_AWS_286 (partly)",
        "cdk-nag AwsSolutions-IAM5 (partly)",
        "Security Hub IAM.1, IAM.21 (partly)",
    ),
)
def named_roles(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for held in documents(it):
        for statement in held.document.allowing(PASS_ROLE):
            wide = [
                pattern for pattern in statement.reaching(_ROLES) if is_pattern(pattern) or pattern == "NotResource"
            ]
            if wide:
                yield f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} on {', '.join(wide)}"


@rule(
    "passrole-service",
    says="iam:PassRole is allowed for one exactly named service only.",
    why="Without iam:PassedToService, or with a condition that a pattern or a missing key satisfies, the role can be "
    "passed to any service that it trusts.",
    remedy='add "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}} to the statement; '
    "no wildcard, no IfExists, no ForAllValues",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=resources(*BEARERS),
    kinds=BEARERS,
    waivable=False,
)
def exact_service(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for held in documents(it):
        for statement in held.document.allowing(PASS_ROLE):
            services = set(statement.pinned("iam:PassedToService"))
            if statement.reaching(_ROLES) and len(services) > 1:
                yield (
                    f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} to "
                    f"{', '.join(sorted(services))}: one service is to be named"
                )
            elif statement.reaching(_ROLES) and not services:
                tried = [c for c in statement.conditions if c.key == "iam:passedtoservice"]
                how = f"with {_written(tried[0])}, which does not pin it" if tried else "without it"
                yield (
                    f"{held.what}{_sid(statement.sid)} allows iam:PassRole{_through(statement)} without an exact "
                    f"iam:PassedToService ({how})"
                )


@rule(
    "passrole-no-administrator",
    says="No role that may be passed has administrator permissions.",
    why="A principal that may pass a role has its permissions: the principal that launches the container chooses its "
    "command.",
    remedy="give the passed role only what the job needs, or take it out of the PassRole statement",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=lambda stack: stack.once(principals),
    waivable=False,
    beside=("Security Hub IAM.1 (partly)", "checkov CKV_AWS_274 (partly)"),
)
def no_administrator(it: Principal, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    for held, role, _ in _passed(it, stack):
        grant = administrates(role)
        if grant:
            yield Finding(f"{held.what} lets {it.resource.name} pass {role.resource.name}, which {grant}", held.urn)


@rule(
    "passrole-trust",
    says="A role that may be passed trusts only the service to which it is passed.",
    why="If the role trusts other principals too, they can assume it, with all permissions of the job.",
    remedy="make ecs-tasks.amazonaws.com the only principal of the passed role's trust policy; give others a role of "
    "their own",
    severity=HIGH,
    levels=_ALWAYS,
    on=lambda stack: stack.once(principals),
    waivable=False,
)
def trusts_only_service(it: Principal, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    # A pattern is refused as such; which roles happen to match it says nothing more.
    for held, role, services in _passed(it, stack, patterns=False):
        # Which of several is meant nobody can tell; that they are several is refused as such.
        service = services[0] if len(set(services)) == 1 else TASKS_SERVICE
        others = sorted(set(_trusted(role.resource)) - {service})
        if others:
            yield Finding(f"{held.what} passes {role.resource.name}, which trusts {', '.join(others)} too", held.urn)


@rule(
    "passrole-alone",
    says="No principal may both pass a role and decide which code runs with it.",
    why="PassRole with RegisterTaskDefinition, CreateService, UpdateService, CreateTaskSet, StartTask or "
    "lambda:UpdateFunction* is any command "
    "as the passed role.",
    remedy="leave the launcher with ecs:RunTask on one revision; task definitions, services and code are the "
    "deployment's, not the launcher's",
    severity=CRITICAL,
    levels=_ALWAYS,
    on=lambda stack: stack.once(principals) if stack.whole else stack.of(*BEARERS),
    kinds=BEARERS,
    scope=Scope.BOTH,
    waivable=False,
    beside=("checkov CKV_AWS_286 (partly)",),
)
def passes_alone(it: Principal | Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    if isinstance(it, Resource):
        held = list(documents(it))
        for one in held:
            yield from _both([one])
        return
    # What one document grants by itself was said of that document, before it was created.
    if not any(list(_both([held])) for held in it.held):
        yield from (f"the policies of {it.resource.name} together: {said}" for said in _both(it.held))


def _both(held: list[Held]) -> Iterator[str]:
    def granted(action: str, on: str) -> list[str]:
        return [one.what for one in held for it in one.document.allowing(action) if it.reaching(on)]

    passing = granted(PASS_ROLE, _ROLES)
    with_it = [action for action, on in _TOGETHER.items() if granted(action, on)]
    if passing and with_it:
        yield f"iam:PassRole ({passing[0]}) is allowed together with {', '.join(with_it)}"


def administrates(it: Principal) -> str:
    """What makes somebody an administrator, in words; empty for others."""
    for held in it.held:
        for statement in held.document.statements:
            if not statement.allows:
                continue
            for action in ("*", *_ADMINISTRATES, "sts:AssumeRole"):
                wide = [at for at in statement.resources or () if _wide(at, action, it.resource.known("arn"))]
                if (wide or statement.not_resources is not None) and _grants(statement, action):
                    everything = "everything" if action == "*" else action
                    return f"may {everything} on {', '.join(wide) or 'all but some'} ({held.origin.name}: {held.what})"
    return ""


def _wide(at: str, action: str, own: Any) -> bool:
    """Whether an action on this makes an administrator."""
    if action in ("*", "sts:AssumeRole") or not is_pattern(at):
        return set(at) == {"*"} or (action in _OWN and at == own)
    # Some of what a pattern matches is more than its holder is.
    return any(can_be(at, shape) for shape in _IDENTITIES)


def _grants(statement: Any, action: str) -> bool:
    """Whether a statement covers an action; the action `*` only where it says `*` itself."""
    if action == "*":
        return any(set(it) <= {"*", ":"} for it in statement.actions or ())
    return statement.covers(action)


def _passed(it: Principal, stack: Stack, *, patterns: bool = True) -> Iterator[tuple[Held, Principal, tuple[str, ...]]]:
    """The roles of the stack that a principal may pass, and to which services."""
    by_arn = stack.once(_role_arns)
    unknown: list[Resource] = []
    for held, statement in it.allowing(PASS_ROLE):
        for pattern in statement.reaching(_ROLES):
            arns = [pattern] if pattern in by_arn else [it for it in by_arn if patterns and matches(pattern, it)]
            for arn in arns:
                yield held, holder(stack, by_arn[arn]), statement.pinned("iam:PassedToService")
            if not arns or (patterns and is_pattern(pattern)):
                unknown += [role for role in stack.once(_roles_without_arn) if _may_be(role, pattern)]
    for role in unknown:
        raise Unknown(role.urn, "arn")


def _role_arns(stack: Stack) -> dict[str, Resource]:
    return {arn: role for role in stack.of(ROLE) if isinstance(arn := role.known("arn"), str)}


def _roles_without_arn(stack: Stack) -> list[Resource]:
    return [role for role in stack.of(ROLE) if role.props.get("arn") is UNKNOWN]


def _may_be(role: Resource, pattern: str) -> bool:
    """Whether a role whose ARN is not known yet may be what this names."""
    name = role.known("name")
    return name is None or matches(pattern.rpartition("/")[2], name)


def _trusted(role: Resource) -> Iterator[str]:
    try:
        document: Document = trust(role)
    except Unreadable:
        return
    for statement in document.statements:
        if statement.allows:
            yield from (name for _, name in statement.principals)
            if statement.not_principal:
                yield "everybody but some"


def _sid(sid: str) -> str:
    return f" ({sid})" if sid else ""


def _through(statement: Any) -> str:
    """How an action is allowed that is not named."""
    if statement.actions is None:
        return " (through NotAction)"
    named = [it for it in statement.actions if it == PASS_ROLE.lower()]
    wider = [
        it for it in statement.actions if it != PASS_ROLE.lower() and is_pattern(it) and statement.covers(PASS_ROLE)
    ]
    return "" if named or not wider else f" (through {wider[0]})"


def _written(condition: Any) -> str:
    prefix = {"all": "ForAllValues:", "any": "ForAnyValue:"}.get(condition.quantifier, "")
    suffix = "IfExists" if condition.if_exists else ""
    return f"{prefix}{condition.operator}{suffix} {', '.join(condition.values)}"
