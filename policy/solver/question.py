"""The question behind the pack's rules: can a principal, alone or by the roles that it can become, run a task with a
role outside a set?
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import z3
from fargate_job_launcher.policies.actions import LAUNCHES

from .asking import Found, Shown, ask
from .becoming import (
    CHANGES,
    ENTERED,
    REWRITES,
    TASKS_SERVICE,
    assumes_a_stranger,
    example_of,
    followed,
    may_do,
    pass_role,
    resource_of,
    trusts,
    ways,
)
from .evaluation import Holder, allowed
from .patterns import equals
from .request import Request, Variables
from .three import every, known


@dataclass(frozen=True)
class World:
    """The roles of which something is known, with their policies and trust policies, and the functions that have them.

    Of every other role nothing is known: who may become one gets the answer `Undecided`.
    """

    roles: tuple[Holder, ...] = ()
    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARN of a Lambda function → ARN of the role that it runs with."""


@dataclass(frozen=True)
class Step:
    """A principal of the way becomes the next, or runs the task."""

    arn: str
    does: str
    requests: tuple[Shown, ...]

    def __str__(self) -> str:
        return f"{self.arn} {self.does}: {'; '.join(str(it) for it in self.requests)}"


@dataclass(frozen=True)
class Proven:
    """No request of any principal on the way is allowed that would run a task with another role."""

    become: tuple[str, ...]
    """The roles that it can become, which cannot either."""

    def __str__(self) -> str:
        by = f", alone or as {', '.join(self.become)}" if self.become else ""
        return f"proven: no request runs a task with another role{by}"


@dataclass(frozen=True)
class Allowed:
    """Requests that are allowed, and run a task with a role outside the set."""

    role: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"allowed: a task as {self.role}\n" + "\n".join(f"  {it}" for it in self.steps)


@dataclass(frozen=True)
class Undecided:
    """Neither proven nor shown, and why."""

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "undecided: " + "; ".join(self.reasons)


Answer = Proven | Allowed | Undecided


def runs_another_role(principal: Holder, roles: Collection[str], world: World | None = None) -> Answer:
    """Whether a principal, alone or by the roles that it can become, can run a task with a role outside `roles`.

    `principal` has all its policies; `roles` are the ARNs of the roles that its tasks may have. `world` has the
    policies of these and other roles: a principal becomes a role by assuming it, by passing it to a service that the
    role trusts (also by running a task with it: the caller chooses the command), and by changing a function's code.
    Whatever the encoding does not know makes the answer `Undecided`, never `Proven`.
    """
    known_roles = {it.arn: it for it in (World() if world is None else world).roles}
    functions = {} if world is None else world.functions
    reasons: list[str] = []
    # Principal → how it was reached, and whether that is certain.
    reached: dict[str, tuple[Holder, tuple[Step, ...], bool]] = {principal.arn: (principal, (), True)}
    waiting = [principal.arn]
    while waiting:
        holder, steps, certain = reached[waiting.pop(0)]
        found = _directly(holder, roles, known_roles)
        if found.verdict == "yes" and certain:
            return Allowed(found.requests[0].resource, (*steps, Step(holder.arn, "runs the task", found.requests)))
        if found.verdict != "no":
            reasons += found.why or [f"{holder.arn}, if it is reached, {found.requests[0]}"]
        reasons += _other_powers(holder, [*known_roles, *roles], functions, known_roles)
        reasons += _strangers(holder, [it for it in roles if it not in known_roles])
        for role in known_roles.values():
            if role.arn in reached and (reached[role.arn][2] or not certain):
                continue
            possible = sorted(ways(holder, role, functions), key=lambda it: it.found.verdict != "yes")
            if not possible:
                continue
            way = possible[0]
            sure = certain and way.found.verdict == "yes"
            if not sure:
                reasons += [f"{holder.arn} may become {role.arn}: {', '.join(way.found.why) or way.how}"]
            step = Step(holder.arn, f"{way.how} {role.arn}", way.found.requests)
            reached[role.arn] = (role, (*steps, step), sure)
            waiting.append(role.arn)
    if reasons:
        return Undecided(tuple(dict.fromkeys(reasons)))
    return Proven(tuple(it for it in reached if it != principal.arn))


def _directly(holder: Holder, roles: Collection[str], known_roles: Mapping[str, Holder]) -> Found:
    """Whether a principal itself may launch with a role outside the set, that ECS can assume."""
    opened: list[Found] = []
    trusting = {it.arn: trusts(it, TASKS_SERVICE) for it in known_roles.values()}
    for action in filter(holder.names, LAUNCHES if holder.names("iam:PassRole") else ()):
        after = followed(holder, action)
        if after.verdict == "no":
            continue
        variables = Variables(holder.every_document, requests=2, fixed=holder.fixed)
        role = z3.String("role")
        passing, may_pass = pass_role(holder, role, TASKS_SERVICE, variables)
        launch = Request("launch", action.lower(), z3.String("resource"), variables, resource_of(action))
        outside = z3.And([z3.Not(equals(role, it)) for it in roles])
        found = ask(
            holder,
            [passing, launch],
            every(
                [
                    *(may_pass, allowed(holder, launch), known(outside)),
                    *(known(z3.Not(equals(role, arn))) | trust for arn, trust in trusting.items()),
                ]
            ),
            prefer=(
                *([z3.Or([equals(role, it) for it in known_roles])] if known_roles else []),
                equals(role, f"arn:aws:iam::{holder.account}:role/Administrator"),
                equals(launch.resource, example_of(action, holder.account)),
            ),
            spelt=("iam:PassRole", action),
        ).then(after)
        if found.verdict == "yes":
            return found
        if found.verdict == "open":
            opened.append(found)
    return opened[0] if opened else Found("no")


def _other_powers(
    holder: Holder, known_arns: list[str], functions: Mapping[str, str], known_roles: Collection[str]
) -> list[str]:
    """What may change the answer, and is not followed."""
    reasons: list[str] = []
    stranger = assumes_a_stranger(holder, known_arns)
    if stranger.verdict != "no":
        shown = ", ".join(str(it) for it in stranger.requests) or ", ".join(stranger.why)
        reasons.append(f"{holder.arn} may become a role of which nothing is known: {shown}")
    changed = may_do(holder, CHANGES)
    if changed:
        reasons.append(f"{holder.arn} may change permissions: {', '.join(changed)}")
    judged = [arn for arn, role in functions.items() if role in known_roles]
    entered = [*may_do(holder, REWRITES, judged), *may_do(holder, [it for it in ENTERED if it not in REWRITES])]
    if entered:
        reasons.append(
            f"{holder.arn} may enter tasks, instances or functions of unknown permissions: {', '.join(entered)}"
        )
    return reasons


def _strangers(holder: Holder, roles: list[str]) -> list[str]:
    """Roles of the set whose own permissions are not known, if a task may run with them."""
    if not roles:
        return []
    others = _directly(holder, [], {})
    if others.verdict == "no":
        return []
    return [f"what {', '.join(roles)} may do is not known, and a task of {holder.arn} may run with it"]
