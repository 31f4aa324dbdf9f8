"""Passing a role together with deciding what runs as it: the rule `passrole-alone`.

Which actions decide is computed from AWS's data (actions.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .actions import anywhere, services
from .config import BOUNDARIES, DEPLOYERS
from .documents import Statement, Unreadable
from .granted import FUNCTIONS, RIGHTS, RUNS, granted, listed
from .passed import PASS_ROLE, ROLES, may_pass, outside, passed
from .principals import EVERYONE, GRANTING, Held, Principal, bounding, documents, granting, principals, trusted
from .rule import CRITICAL, MANDATORY, Limits, Scope, rule
from .stack import Resource, Stack, Unknown


@rule(
    "passrole-alone",
    says="No principal may both pass a role to a service and decide what runs there; a deployer is declared.",
    why="PassRole with an action that registers, creates or updates what the service runs is any command as the passed "
    "role: of ECS RegisterTaskDefinition, CreateService and UpdateService, a daemon or an Express service; of others a "
    "schedule, a rule's target, a state machine, a job definition, a function.",
    remedy="leave the launcher with ecs:RunTask on one revision; task definitions, services and code are the "
    "deployment's, not the launcher's. If it is the role that deploys, name it in the rule's `deployers`",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: [*granting(stack), *(stack.once(principals) if stack.whole else ())],
    kinds=GRANTING,
    scope=Scope.BOTH,
    limits=(BOUNDARIES, DEPLOYERS),
    waivable=False,
    beside=("checkov CKV_AWS_289, CKV_AWS_290, CKV_AWS_355 (only `*`)",),
)
def passes_alone(it: Principal | Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    if isinstance(it, Resource):
        # Whether a deployer holds it, is known over the whole stack.
        later = bool(limits["deployers"]) and (not stack.whole or it.known("arn") in stack.once(_held_arns))
        if not (later or bounding(it, stack, limits["boundaries"])):
            for one in documents(it):
                yield from _both([one])
        return
    if it.named_in(limits["deployers"]):
        return
    # A document that grants both by itself is reported by itself, unless deployers are declared.
    if limits["deployers"] or not any(list(_both([held])) for held in it.held):
        yield from (f"the policies of {it.resource.name} together: {found}" for found in _both(it.held))
    yield from _calls(it, stack)


def _held_arns(stack: Stack) -> set[str]:
    return {arn for it in stack.once(principals) for arn in it.policies}


def _both(held: list[Held]) -> Iterator[str]:
    passing = [(one, it) for one in held for it in one.document.allowing(PASS_ROLE) if it.reaching(ROLES)]
    if not passing:
        return
    to = _services(it for _, it in passing)
    statements = [it for one in held for it in one.document.statements]
    with_it = [
        *(
            action
            for it in statements
            for action, _ in granted(it, RUNS)
            if _takes(action, to) and not _calling(action)
        ),
        *(action for it in statements for action, _ in granted(it, FUNCTIONS)),
    ]
    if with_it:
        yield f"iam:PassRole ({passing[0][0].what}) is allowed together with {listed(with_it)}"


def _calls(it: Principal, stack: Stack) -> Iterator[str]:
    """Calls of APIs that a principal may have a service make as a role that may launch, pass roles or change rights.

    As a role that may only invoke a function or send to a queue, a schedule does no more than that.
    """
    statements = [statement for held in it.held for statement in held.document.statements]
    actions = [action for statement in statements for action, _ in granted(statement, RUNS) if _calling(action)]
    if not actions:
        return
    for arn, passed_to, role in [*outside(it, stack), *((p.resource.name, to, p) for _, p, to in passed(it, stack))]:
        to = {anywhere(name) for name in passed_to} or (None if role is None else _trusting(role))
        with_it = [action for action in actions if _takes(action, to)]
        if with_it and (role is None or _launches(role)):
            kind = "whose policies are not in this stack" if role is None else "which may launch or pass roles itself"
            yield f"may pass {arn}, {kind}, and choose what is called with it: {listed(with_it)}"


def _trusting(role: Principal) -> set[str] | None:
    """The services that can take a role; None if its trust policy cannot be read, or is of everyone."""
    try:
        who = trusted(role.resource)
    except (Unknown, Unreadable):
        return None
    return None if EVERYONE in who else {anywhere(name) for kind, name in who if kind == "Service"}


def _launches(role: Principal) -> bool:
    statements = [statement for held in role.held for statement in held.document.statements]
    return may_pass(role) or any(any(granted(it, table)) for it in statements for table in (RUNS, RIGHTS, FUNCTIONS))


def _calling(action: str) -> bool:
    """Whether the service runs no program for this action, but makes calls of APIs as the role."""
    return action.startswith(("scheduler:", "events:", "pipes:", "states:", "apigateway:"))


def _services(passing: Iterable[Statement]) -> set[str] | None:
    """The services to which statements allow passing; None if one of them allows every service."""
    pinned = [it.pinned("iam:PassedToService") for it in passing]
    return None if () in pinned else {anywhere(service) for services in pinned for service in services}


def _takes(action: str, to: set[str] | None) -> bool:
    """Whether an action runs something as a role that may be passed to these services; None: to every service.

    RunTask is what a launcher does: the rules on its task definition and on the passed roles hold it.
    """
    return action != "ecs:RunTask" and (to is None or not to.isdisjoint(services(action)))
