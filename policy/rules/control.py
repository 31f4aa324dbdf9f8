"""Who controls a launcher: a principal that may change its code, its permissions or its trust has all that it has.

Also the two ways in which a principal takes permissions that nobody gave it: to change its own, and to become a role
that has more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .actions import CHANGES_FUNCTION, CHANGES_RIGHTS
from .config import DEPLOYERS
from .documents import Unreadable, covers, is_pattern, matches
from .functions import PERMISSION, launchers, may_run, of_function
from .granted import (
    ASSUME_ROLE,
    CREDENTIALS,
    FUNCTIONS,
    RIGHTS,
    TAKEN_AWAY,
    administrates,
    covers_any,
    everything,
    granted,
    limited,
    listed,
    rewrites,
)
from .launched import FUNCTION
from .passed import PASS_ROLE, ROLES, may_pass, role_arns
from .principals import (
    GRANTING,
    ROLE,
    USER,
    Held,
    Principal,
    account,
    documents,
    granting,
    holder,
    of_session,
    own_names,
    principals,
    trusted,
)
from .rule import CRITICAL, HIGH, MANDATORY, Finding, Limits, Scope, rule
from .stack import Resource, Stack, Unknown

POLICIES: Final = "arn:@:iam::@:policy/*"
_FUNCTION: Final = tuple(CHANGES_FUNCTION)
_ROLE: Final = tuple(
    action for action, shapes in CHANGES_RIGHTS.items() if ROLES in shapes and action.startswith("iam:")
)
"""Actions that change what a role may do, or who may become it: to take a policy away may take away a Deny."""
_POLICY: Final = tuple(action for action, shapes in CHANGES_RIGHTS.items() if POLICIES in shapes)
LAMBDA: Final = "lambda.amazonaws.com"


@dataclass(frozen=True)
class _Control:
    """A permission to change something that a launcher consists of."""

    by: Principal
    held: Held
    action: str
    on: str

    def reaches(self, arn: Any) -> bool:
        """Whether it covers a resource; a function also by one of its versions or aliases."""
        return self.on == "NotResource" or (
            isinstance(arn, str) and (covers(self.on, arn) or self.on.startswith(f"{arn}:"))
        )


def _controls(stack: Stack) -> dict[str, list[_Control]]:
    """What the principals of a stack may change: action → each permission."""
    found: dict[str, list[_Control]] = {it: [] for it in (*_FUNCTION, *_ROLE, *_POLICY)}
    for it in stack.once(principals):
        for held in it.held:
            for statement in held.document.statements:
                for table in (FUNCTIONS, RIGHTS):
                    for action, reached in granted(statement, table):
                        for on in reached if action in found else ():
                            found[action].append(_Control(it, held, action, on))
    return found


@rule(
    "launcher-controlled",
    says="Only a declared deployer may change a launcher: its code, who invokes it, what it and its tasks may do, or "
    "who may become it.",
    why="A principal that may do so can run any container as any role that the launcher may pass, whatever the "
    "launcher's own policy says.",
    remedy="take the action away, or allow it on functions and roles other than the launcher's. If it is the role that "
    "deploys, name it in the rule's `deployers`. A launcher's role trusts lambda.amazonaws.com alone",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: [*launchers(stack), *stack.once(_others)],
    limits=(DEPLOYERS,),
)
def controlled(it: Resource, stack: Stack, limits: Limits) -> Iterator[Finding]:
    role = it if it.kind == ROLE else stack.meant(it, "role", ROLE)
    roles = {} if role is None else _of_launcher(holder(stack, role), stack)
    policies = sorted({arn for one in roles.values() for arn in one.policies})
    changed = [
        *([] if it.kind == ROLE else [(action, it.known("arn"), it.name) for action in _FUNCTION]),
        *(
            (action, one.resource.known("arn"), one.resource.name)
            for one in roles.values()
            for action in _ROLE
            if action not in TAKEN_AWAY or limited(one)
        ),
        *((action, arn, arn) for arn in policies for action in _POLICY),
    ]
    found: dict[tuple[str, str, str], list[str]] = {}
    for action, arn, name in changed:
        for one in stack.once(_controls)[action]:
            if _deploys(one.by, limits) or one.by.urn in roles:
                # What a launcher changes of itself is another rule's.
                continue
            if arn is None:
                raise Unknown(it.urn, "arn")
            if one.reaches(arn):
                what = it.name if name == it.name else f"{it.name}, by {name}"
                said = f"{one.held.what} lets {one.by.resource.name} change the launcher {what}"
                found.setdefault((said, arn, one.held.urn), []).append(action)
    for (said, arn, urn), actions in found.items():
        yield Finding(f"{said}: {listed(actions)} on {arn}", urn)
    for one in of_function(stack, PERMISSION, "function").get(it.urn, []):
        action, by = str(one.known("action")).lower(), str(one.known("principal"))
        actions = [it for it in _FUNCTION if matches(action, it.lower())]
        if actions and by not in limits["deployers"]:
            yield Finding(f"lets {by} change the launcher {it.name}: {listed(actions)}", one.urn)
    if role is not None and it.kind != ROLE:
        others = sorted({name for _, name in _trusted(role)} - {LAMBDA})
        if others:
            yield Finding(f"the role of the launcher {it.name} can be assumed by {', '.join(others)} too", role.urn)


def _others(stack: Stack) -> list[Resource]:
    """What launches and is no function with permissions of its own: other roles that may run a task with a role that
    they pass, and functions that may assume one."""
    functions = {stack.meant(it, "role", ROLE) for it in stack.of(FUNCTION)}
    launching = [it for it in stack.once(principals) if it.resource.kind == ROLE and _runs(it)]
    found = [it.resource for it in launching if it.resource not in functions]
    for it in stack.of(FUNCTION):
        role = stack.meant(it, "role", ROLE)
        if role is not None and not _runs(holder(stack, role)) and _becomes(holder(stack, role), stack):
            found.append(it)
    return found


def _runs(it: Principal) -> bool:
    return may_run(it) and may_pass(it)


def _becomes(it: Principal, stack: Stack) -> list[Principal]:
    """The launching roles of the stack that a principal may assume."""
    allowed = [
        role
        for held in it.held
        for on in _assumed(held)
        for arn, role in stack.once(role_arns).items()
        if role is not it.resource and covers(on, arn) and _runs(holder(stack, role)) and _may_assume(it, role)
    ]
    named = [role for name in own_names(it) for role in stack.once(_naming).get(name, [])]
    launching = [*allowed, *(role for role in named if _runs(holder(stack, role)))]
    return [holder(stack, role) for role in {role.urn: role for role in launching}.values()]


def _naming(stack: Stack) -> dict[str, list[Resource]]:
    """Name of a principal → the roles of its account whose trust policies name it: it needs no permission of its own
    to assume them."""
    found: dict[str, list[Resource]] = {}
    for arn, role in stack.once(role_arns).items():
        try:
            names = _named(role, arn)
        except Unknown:
            continue
        for name in names:
            found.setdefault(name, []).append(role)
    return found


def _named(role: Resource, arn: str) -> set[str]:
    """The principals of a role's own account that its trust policy names, as `own_names` has them."""
    return {of_session(name) for kind, name in _trusted(role) if kind == "AWS" and account(name) == account(arn)}


def _of_launcher(it: Principal, stack: Stack) -> dict[str, Principal]:
    """The roles that a launcher consists of, by URN: its own, those that it may become, and those that their tasks
    have."""
    launching = {one.urn: one for one in (it, *_becomes(it, stack))}
    by_arn = stack.once(role_arns)
    named = {
        at for one in launching.values() for _, statement in one.allowing(PASS_ROLE) for at in statement.reaching(ROLES)
    }
    return launching | {by_arn[arn].urn: holder(stack, by_arn[arn]) for arn in sorted(named & by_arn.keys())}


def _deploys(it: Principal, limits: Limits) -> bool:
    return it.named_in(limits["deployers"])


def _trusted(role: Resource) -> list[tuple[str, str]]:
    try:
        return trusted(role)
    except Unreadable:
        # Another rule reports it.
        return []


@rule(
    "no-own-permissions",
    says="No role, user or group may change its own permissions.",
    why="What it may do is then what it decides, an administrator's permissions included.",
    remedy="take its own ARN, and patterns that match it, out of the statement; permissions are the deployment's to "
    "change. If it is the role that deploys, name it in the rule's `deployers`",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: stack.once(principals),
    limits=(DEPLOYERS,),
)
def no_own_permissions(it: Principal, _stack: Stack, limits: Limits) -> Iterator[Finding]:
    for held in [] if _deploys(it, limits) else it.held:
        found = rewrites(it, held, besides=frozenset() if limited(it) else TAKEN_AWAY)
        if found:
            yield Finding(f"{held.what} lets {it.resource.name} do {found}", held.urn)


@rule(
    "assume-named-roles",
    says="sts:AssumeRole is allowed on named roles only, and neither it, a trust policy that names a principal, nor a "
    "user's credentials lead to an administrator.",
    why="A pattern covers every role that trusts the account, also those that another team creates later. With an "
    "access key for a user, a principal is that user.",
    remedy="name the roles by their ARNs; where roles of many accounts have one name, write arn:aws:iam::*:role/NAME. "
    "Take a principal that is no administrator out of an administrator's trust policy",
    severity=HIGH,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: [*granting(stack), *(stack.once(principals) if stack.whole else ())],
    kinds=GRANTING,
    scope=Scope.BOTH,
)
def assume_named_roles(it: Principal | Resource, stack: Stack, _limits: Limits) -> Iterator[Finding]:
    if isinstance(it, Resource):
        for held in documents(it):
            for on in _assumed(held):
                if on == "NotResource" or covers_any(on, ASSUME_ROLE):
                    yield Finding(f"{held.what} allows sts:AssumeRole on {on}")
        return
    for held in it.held:
        for on in _assumed(held):
            for arn, role in stack.once(role_arns).items():
                if covers_any(on, ASSUME_ROLE) or role is it.resource or not covers(on, arn):
                    continue
                grant = administrates(holder(stack, role)) if _may_assume(it, role) else ""
                if grant:
                    how = f"on {on}, which covers {role.name}" if is_pattern(on) else f"on {role.name}"
                    yield Finding(f"{held.what} allows sts:AssumeRole {how}, which {grant}", held.urn)
        yield from (Finding(f"{held.what} {said}", held.urn) for said in _impersonated(held, it, stack))
    yield from _let_in(it, stack)


def _let_in(it: Principal, stack: Stack) -> Iterator[Finding]:
    """The administrators of the stack whose trust policies name a principal, which by itself may not assume them."""
    for arn, role, grant in stack.once(_administrators):
        assumed = any(covers(on, arn) for held in it.held for on in _assumed(held))
        if it.resource is role or assumed or administrates(it):
            continue
        if not _named(role, arn).isdisjoint(own_names(it)):
            said = (
                f"the assumeRolePolicy of {role.name}, which {grant}, names {it.resource.name}: that lets it assume it"
            )
            yield Finding(said, role.urn if role.urn in stack.by_urn else it.urn)


def _administrators(stack: Stack) -> list[tuple[str, Resource, str]]:
    """The roles that administrate: the ARN, the role, and what makes it an administrator."""
    every = ((arn, role, administrates(holder(stack, role))) for arn, role in stack.once(role_arns).items())
    return [(arn, role, grant) for arn, role, grant in every if grant]


def _impersonated(held: Held, by: Principal, stack: Stack) -> Iterator[str]:
    """The administrators of the stack for which a document allows making credentials."""
    for statement in held.document.statements:
        reached = [] if everything(statement) else granted(statement, RIGHTS)
        for action, on in ((action, on) for action, arns in reached if action in CREDENTIALS for on in arns):
            for user in (one for one in stack.once(principals) if one.resource.kind == USER and one is not by):
                arn, grant = user.resource.known("arn"), administrates(user)
                # Whatever covers every user makes an administrator of its holder: other rules judge that.
                if isinstance(arn, str) and grant and covers(on, arn):
                    yield f"allows {action} on {user.resource.name}, which {grant}"


def _assumed(held: Held) -> Iterator[str]:
    """The resources on which a document allows assuming roles."""
    for statement in held.document.allowing(ASSUME_ROLE):
        if not everything(statement):
            yield from statement.reaching(ROLES)


def _may_assume(it: Principal, role: Resource) -> bool:
    """Whether a role trusts a principal, by its ARN, a session of it, its account or everyone."""
    own = own_names(it)
    for kind, name in _trusted(role):
        if kind == "AWS" and (
            name == "*" or name.endswith(":root") or name.isdigit() or not own or of_session(name) in own
        ):
            return True
    return False
