"""What cannot be judged is said: roles outside the stack, and resources of types that the rules do not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .inside import unread
from .launched import FUNCTION, LAUNCHING, OVERRIDES, ROLE_OF, ROLES, TASK_DEFINITION, launched
from .passed import outside
from .principals import ROLE, Principal, principals
from .rule import ADVISORY, HIGH, MANDATORY, MEDIUM, Finding, Limits, rule
from .running import LIMITS, risky, unknown_roles
from .stack import Resource, Stack, Unknown
from .types import RUNS

_UNKNOWN: Final = "which is neither in this stack nor known"
_ROLES_IN: Final = {TASK_DEFINITION: ROLES, FUNCTION: ("role",)}


@rule(
    "roles-known",
    says="A role that is passed, or that a task, a function or what launches it has is in the stack or among the known "
    "roles; so are a user's groups.",
    why="What a role outside the stack may do no other rule can check: it may be an administrator's.",
    remedy="create the role in the stack, or read what it may do from the account, `fargate-job known-roles ROLE … > "
    "known-roles.json`, and give the list to the pack: policies(known_roles=read_known_roles(Path(…))). Of what a "
    "launch overrides, take from its input only values of containers",
    severity=HIGH,
    levels=(ADVISORY, MANDATORY),
    on=lambda stack: [*stack.once(principals), *stack.of(*_ROLES_IN), *stack.of(*LAUNCHING), *stack.of(*RUNS)],
)
def roles_known(it: Principal | Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    if isinstance(it, Principal):
        named = dict.fromkeys(arn for arn, _, _ in outside(it, stack))
        yield from (f"{it.resource.name} may pass {arn}, {_UNKNOWN}" for arn in named)
        for group in sorted(it.groups_outside):
            yield f"{it.resource.name} is in the group {group}, which is not in this stack: what it grants is not known"
        return
    if it.kind in RUNS:
        yield from (f"{prop} is {role}, {_UNKNOWN}" for prop, role in unknown_roles(it, stack))
    for prop in _ROLES_IN.get(it.kind, ()):
        yield from _named(it, stack, prop, prop)
    if it.kind in LAUNCHING:
        tasks = list(launched(it))
        for task in tasks:
            for prop, arn in task.roles:
                if prop == OVERRIDES:
                    yield task.said("takes all overrides from its input, roles too: what those may do is not known")
                elif not arn:
                    yield task.said(f"takes {prop} from its input: what that role may do is not known")
                elif stack.named(ROLE, arn) is None:
                    yield task.said(f"overrides {prop} with {arn}, {_UNKNOWN}")
        if it.kind in ROLE_OF and tasks:
            yield from _named(it, stack, ".".join(ROLE_OF[it.kind]), *ROLE_OF[it.kind])


def _named(it: Resource, stack: Stack, said: str, *path: str) -> Iterator[str]:
    if stack.meant(it, path[0], ROLE, it.known(*path)) is None:
        arn = it.get(*path)
        if arn:
            yield f"{said} is {arn}, {_UNKNOWN}"


@rule(
    "resources-readable",
    says="What can hold IAM statements, tasks or other resources is of a type that the rules read; what runs other "
    "programs, or calls of APIs, has no role that may launch or pass roles, unless it is a declared deployer's.",
    why="No other rule checks what is in it: it may pass every role.",
    remedy="create it by a resource that the rules read (aws.iam, aws.ecs, …), put the text of a template into "
    "templateBody, or waive the resource after a review. If it runs as the role that deploys, name that role in the "
    "rule's `deployers`",
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=lambda stack: [stack, *stack.of(*RUNS)],
    limits=LIMITS,
)
def resources_readable(it: Stack | Resource, stack: Stack, limits: Limits) -> Iterator[Finding]:
    if isinstance(it, Resource):
        yield from (Finding(why) for why in risky(it, stack, limits["deployers"]))
        return
    unknown: Unknown | None = None
    for one, why in unread(stack):
        if why.endswith("not known yet"):
            unknown = unknown or Unknown(one.urn, why.partition(" ")[0])
        else:
            yield Finding(why, one.urn)
    if unknown is not None:
        raise unknown
