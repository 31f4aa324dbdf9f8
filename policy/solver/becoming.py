"""How a principal gets the permissions of another role: it assumes it, passes it to a service, or changes the code that
runs with it.

A service that is not in STARTS may do so for all that is known here: then the answer is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import z3
from fargate_job_launcher.policies.actions import RUNS_AS_ROLE, services

from .asking import Found, ask
from .evaluation import Holder, allowed, applies, denied, identity_allows, within_limits
from .patterns import beginning, equals, string
from .request import Request, Variables
from .three import Three, every, known, some, unknown

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
STARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "lambda.amazonaws.com": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "events.amazonaws.com": ("events:PutTargets",),
    "states.amazonaws.com": ("states:CreateStateMachine", "states:UpdateStateMachine", "states:TestState"),
    "pipes.amazonaws.com": ("pipes:CreatePipe", "pipes:UpdatePipe"),
    "ec2.amazonaws.com": (
        *("ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"),
        *("ec2:RequestSpotInstances", "ec2:RequestSpotFleet"),
        *("autoscaling:CreateAutoScalingGroup", "autoscaling:CreateLaunchConfiguration"),
    ),
    "cloudformation.amazonaws.com": (
        *("cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet"),
        *("cloudformation:CreateStackSet", "cloudformation:UpdateStackSet"),
    ),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "glue.amazonaws.com": ("glue:CreateJob", "glue:UpdateJob", "glue:CreateDevEndpoint", "glue:CreateSession"),
}
"""Service → actions of which each has it act with a role that is passed to it, as the caller decides. Whether another
action for which the rules look does so by itself, is open."""
LAUNCHES: Final[Mapping[str, str]] = {
    "ecs:RunTask": "task-definition/",
    "ecs:StartTask": "task-definition/",
    "ecs:CreateService": "service/",
    "ecs:UpdateService": "service/",
    "ecs:CreateTaskSet": "task-set/",
    "ecs:CreateExpressGatewayService": "service/",
    "ecs:UpdateExpressGatewayService": "service/",
    "ecs:CreateDaemon": "daemon/",
    "ecs:UpdateDaemon": "daemon/",
    "batch:SubmitJob": "",
}
"""Action that runs a task with a role that its caller passes to ecs-tasks.amazonaws.com → what its resource is."""
CHANGES: Final = (
    *("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"),
    *("iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:PutGroupPolicy", "iam:AttachGroupPolicy"),
    *("iam:AddUserToGroup", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy"),
    *("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:CreateAccessKey"),
    *("iam:DeleteUserPermissionsBoundary", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
)
"""Actions that change what somebody may do, or give the keys of somebody else: after one, other policies decide
than those that are read here."""
ENTERS: Final = ("ecs:ExecuteCommand", "ssm:StartSession", "ssm:SendCommand", "lambda:UpdateFunctionCode")
"""Actions that run the caller's commands where other permissions are: in tasks, instances and functions."""


@dataclass(frozen=True)
class Way:
    """How a principal becomes a role."""

    how: str
    found: Found


def ways(holder: Holder, role: Holder, functions: Mapping[str, str]) -> Iterator[Way]:
    """Each way in which a principal may get a role's permissions, possible for certain or open."""
    for how, found in (
        ("assumes", _assumes(holder, role)),
        *(("passes", _passes(holder, role, service)) for service in _services(role)),
        *(("changes the code of", _rewrites(holder, arn)) for arn, runs_as in functions.items() if runs_as == role.arn),
    ):
        if found.verdict != "no":
            yield Way(how, found)


def assumes_a_stranger(holder: Holder, known_arns: Sequence[str]) -> Found:
    """Whether a principal may assume, or pass to a service, a role of which nothing is known here."""
    variables = Variables(holder.every_document, requests=2, fixed=holder.fixed)
    role = z3.String("role")
    strange = z3.And([z3.Not(equals(role, it)) for it in known_arns])
    assume = Request("assume", "sts:assumerole", role, variables, (is_role(role),))
    passing = Request("pass", "iam:passrole", role, variables, (is_role(role),))
    elsewhere = passing.key("iam:passedtoservice")
    to_others = z3.And(elsewhere.present, z3.Not(equals(elsewhere.values[0], TASKS_SERVICE)))
    goal = known(strange) & (allowed(holder, assume) | (allowed(holder, passing) & known(to_others)))
    return ask(holder, [assume, passing], goal, spelt=("sts:AssumeRole", "iam:PassRole"))


def may_do(holder: Holder, actions: Sequence[str], besides: Sequence[str] = ()) -> list[str]:
    """Which of these actions a principal may do on some resource, besides these ones."""
    made: list[str] = []
    for action in filter(holder.names, actions):
        variables = Variables(holder.every_document, fixed=holder.fixed)
        resource = z3.String("resource")
        shape = (z3.InRe(resource, beginning("arn:")), *(z3.Not(equals(resource, it)) for it in besides))
        request = Request("change", action.lower(), resource, variables, shape)
        if ask(holder, [request], allowed(holder, request), spelt=(action,)).verdict != "no":
            made.append(action)
    return made


def pass_role(holder: Holder, role: Any, service: str, variables: Variables) -> tuple[Request, Three]:
    """The request to pass a role to a service, and whether it is allowed."""
    request = Request("pass", "iam:passrole", role, variables, (is_role(role),))
    key = request.key("iam:passedtoservice")
    to_service = z3.And(key.present, equals(key.values[0], service))
    return request, allowed(holder, request) & known(to_service)


def trusted(role: Holder, who: Sequence[tuple[str, str]], request: Request) -> Three:
    """Whether a role's trust policy lets one of these principals, such as ("Service", NAME), assume it."""
    if role.trust is None:
        return unknown(f"the trust policy of {role.arn}")

    def about(allows: bool) -> Three:
        return some(
            (unknown(f"NotPrincipal in the trust policy of {role.arn}") if it.not_principal else known(True))
            & applies(it, request, document)
            for document in [role.trust]
            if document is not None
            for it in document.statements
            if it.allows is allows and (it.not_principal or set(it.principals) & set(who))
        )

    return about(True) & ~about(False)


def trusts(role: Holder, service: str) -> Three:
    """Whether a service can assume a role, by some request of its own."""
    variables = Variables([role.trust] if role.trust else [])
    request = Request("take", "sts:assumerole", string(role.arn), variables)
    taken = trusted(role, [("Service", service)], request)
    return Three(_possible(taken.may, variables), _possible(taken.sure, variables), taken.why)


def is_role(text: Any) -> Any:
    """That a text is the ARN of a role."""
    return z3.InRe(text, _ROLE)


def _services(role: Holder) -> list[str]:
    """The services that a role may trust."""
    statements = () if role.trust is None else role.trust.statements
    return sorted({name for it in statements if it.allows for kind, name in it.principals if kind == "Service"})


def _assumes(holder: Holder, role: Holder) -> Found:
    variables = Variables([*holder.every_document, *([role.trust] if role.trust else [])], fixed=holder.fixed)
    request = Request("assume", "sts:assumerole", string(role.arn), variables)
    account = holder.arn.split(":")[4] if holder.arn.count(":") >= 5 else ""
    partition = holder.arn.split(":")[1] if ":" in holder.arn else "aws"
    of_account = [("AWS", account), ("AWS", f"arn:{partition}:iam::{account}:root"), ("AWS", "*")]
    by_name = trusted(role, [("AWS", holder.arn)], request)
    own = identity_allows(holder, request)
    same = role.arn.split(":")[4:5] == [account]
    # In its own account a principal that the trust policy names needs no Allow of its own.
    goal = every(
        [
            (by_name & (known(True) if same else own)) | (trusted(role, of_account, request) & own),
            within_limits(holder, request),
            ~denied(holder, request),
        ]
    )
    return ask(holder, [request], goal, spelt=("sts:AssumeRole",))


def _passes(holder: Holder, role: Holder, service: str) -> Found:
    """Whether a principal may have a service act with a role."""
    variables = Variables(holder.every_document, requests=2, fixed=holder.fixed)
    passing, may_pass = pass_role(holder, string(role.arn), service, variables)
    opened = trusts(role, service)
    actions = tuple(LAUNCHES) if service == TASKS_SERVICE else STARTS.get(service, ())
    if not actions and holder.names("iam:PassRole"):
        goal = every([may_pass, opened, unknown(f"which calls have {service} act with a role")])
        return ask(holder, [passing], goal, spelt=("iam:PassRole",))
    first = Found("no")
    for action in filter(holder.names, actions if holder.names("iam:PassRole") else ()):
        start = Request("start", action.lower(), z3.String("resource"), variables, resource_of(action))
        found = ask(
            holder,
            [passing, start],
            every([may_pass, opened, allowed(holder, start)]),
            spelt=("iam:PassRole", action),
        )
        if found.verdict == "yes":
            return found
        first = found if first.verdict == "no" else first
    if first.verdict == "no" and service in STARTS and holder.names("iam:PassRole"):
        return _passes_otherwise(holder, service, passing, every([may_pass, opened]))
    return first


def _passes_otherwise(holder: Holder, service: str, passing: Request, may_pass: Three) -> Found:
    """Whether a principal may have a service act with a role by an action that does more than that, or only half."""
    others = [it for it in RUNS_AS_ROLE if service in services(it) and it not in STARTS[service]]
    for action in filter(holder.names, others):
        start = Request("start", action.lower(), z3.String("resource"), passing.variables, resource_of(action))
        by_it = unknown(f"whether {action} has {service} act with a role")
        goal = every([may_pass, allowed(holder, start), by_it])
        found = ask(holder, [passing, start], goal, spelt=("iam:PassRole", action))
        if found.verdict != "no":
            return found
    return Found("no")


def resource_of(action: str) -> tuple[Any, ...]:
    """What the resource of a call that launches or starts is like."""
    kind = LAUNCHES.get(action, "")
    resource = z3.String("resource")
    if not kind:
        return (z3.InRe(resource, beginning("arn:")),)
    shape = z3.Concat(z3.Re("arn:"), *_segments("ecs"), z3.Re(kind), z3.Plus(z3.Union(_NAME, z3.Re(":"))))
    return (z3.InRe(resource, shape),)


def _rewrites(holder: Holder, function: str) -> Found:
    variables = Variables(holder.every_document, fixed=holder.fixed)
    request = Request("rewrite", "lambda:updatefunctioncode", string(function), variables)
    return ask(holder, [request], allowed(holder, request), spelt=("lambda:UpdateFunctionCode",))


def _possible(formula: Any, variables: Variables) -> Any:
    """Whether a service's own request can satisfy a formula: nothing of it is the caller's."""
    solver = z3.Solver()
    solver.add(variables.rules)
    solver.add(formula)
    return z3.BoolVal(solver.check() != z3.unsat)


_LOWER: Final = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"), z3.Re("-"))
_DIGITS: Final = z3.Loop(z3.Range("0", "9"), 12, 12)
_NAME: Final = z3.Union(*(z3.Range(a, b) for a, b in ("az", "AZ", "09")), *(z3.Re(it) for it in "_+=,.@-/"))
_PARTITION: Final = z3.Concat(z3.Re("aws"), z3.Star(_LOWER))
_ROLE: Final = z3.Concat(z3.Re("arn:"), _PARTITION, z3.Re(":iam::"), _DIGITS, z3.Re(":role/"), z3.Plus(_NAME))


def _segments(service: str) -> tuple[Any, ...]:
    return (_PARTITION, z3.Re(f":{service}:"), z3.Plus(_LOWER), z3.Re(":"), _DIGITS, z3.Re(":"))
