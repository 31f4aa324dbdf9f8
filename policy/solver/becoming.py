"""How a principal gets the permissions of another role: it assumes it, passes it to a service, or changes the code that
runs with it.

Which actions do so is computed from AWS's data and reviewed (actions.py of the rules). A service to which none of them
passes a role may act with one for all that is known here: then the answer is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import z3
from fargate_job_launcher.policies.actions import (
    CHANGES_RIGHTS,
    ENTERS,
    LAUNCHES,
    LIFTS_LIMITS,
    PARTITION_NAMES,
    RUNS_AS_ROLE,
    anywhere,
    services,
)
from fargate_job_launcher.policies.documents import Statement
from fargate_job_launcher.policies.principals import EVERYONE, sessions

from .asking import Found, ask
from .evaluation import Holder, allowed, applies, denied, identity_allows, within_limits
from .patterns import SOMETHING, beginning, equals, string
from .request import Request, Variables
from .three import Three, every, known, some, unknown

TASKS_SERVICE: Final = "ecs-tasks.amazonaws.com"
ASSUME_ROLE: Final = "sts:AssumeRole"
CHANGES: Final = (*(it for it in CHANGES_RIGHTS if it != ASSUME_ROLE), *LIFTS_LIMITS)
"""Actions that change what somebody may do, or give the keys of somebody else: after one, other policies decide
than those that are read here."""
_NEW: Final = ("Create", "Register", "Request", "Run", "TestState")
"""How actions begin that make something new, to which a role is passed."""
ENTERED: Final = (
    *ENTERS,
    *(it for it in RUNS_AS_ROLE if not it.partition(":")[2].startswith(_NEW) and it not in LAUNCHES),
)
"""Actions that run the caller's commands where other permissions are: in tasks, instances, functions and builds; also
by what is done to something that has a role already, which passes none."""
REWRITES: Final = tuple(it for it in ENTERED if it.startswith("lambda:"))
"""Those of them that change which code a function runs, or with what: its layers are code too."""
FOLLOWED: Final = {"batch:RegisterJobDefinition": "batch:SubmitJob"}
"""Action to which a role is passed, and that runs nothing → the one with which its result is run, at another time."""


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
        *(
            ("changes what runs in a function of", _rewrites(holder, arn, action))
            for arn, runs_as in functions.items()
            if runs_as == role.arn
            for action in REWRITES
        ),
    ):
        if found.verdict != "no":
            yield Way(how, found)


def assumes_a_stranger(holder: Holder, known_arns: Sequence[str]) -> Found:
    """Whether a principal may assume, or pass to a service, a role of which nothing is known here."""
    variables = Variables(holder.every_document, requests=2, fixed=holder.fixed)
    role = z3.String("role")
    strange = z3.And([z3.Not(equals(role, it)) for it in known_arns])
    assume = Request("assume", "sts:assumerole", role, variables, (is_role(role),))
    passing = Request("pass", "iam:passrole", role, variables, (is_role(role, holder),))
    elsewhere = passing.key("iam:passedtoservice")
    to_others = z3.And(elsewhere.present, z3.Not(equals(elsewhere.values[0], TASKS_SERVICE)))
    goal = known(strange) & (allowed(holder, assume) | (allowed(holder, passing) & known(to_others)))
    return ask(holder, [assume, passing], goal, spelt=(ASSUME_ROLE, "iam:PassRole"))


def may_do(holder: Holder, actions: Sequence[str], besides: Sequence[str] = ()) -> list[str]:
    """Which of these actions a principal may do on some resource, besides these ones."""
    return [it for it in actions if _may(holder, it, besides).verdict != "no"]


def _may(holder: Holder, action: str, besides: Sequence[str] = ()) -> Found:
    if not holder.names(action):
        return Found("no")
    variables = Variables(holder.every_document, fixed=holder.fixed)
    resource = z3.String("resource")
    shape = (z3.InRe(resource, beginning("arn:")), *(z3.Not(equals(resource, it)) for it in besides))
    request = Request("change", action.lower(), resource, variables, shape)
    return ask(holder, [request], allowed(holder, request), spelt=(action,))


def pass_role(holder: Holder, role: Any, service: str, variables: Variables) -> tuple[Request, Three]:
    """The request to pass a role to a service, and whether it is allowed."""
    request = Request("pass", "iam:passrole", role, variables, (is_role(role, holder),))
    key = request.key("iam:passedtoservice")
    usual = anywhere(service)
    named = known(z3.Or([equals(key.values[0], it) for it in dict.fromkeys((service, usual))]))
    begin, end = (z3.Re(it) for it in (usual.partition(".")[0] + ".", ".amazonaws.com"))
    regional = known(z3.InRe(key.values[0], z3.Concat(begin, z3.Plus(_LOWER), end)))
    which = regional & unknown(f"whether a region's name of {usual} counts in iam:PassedToService")
    return request, allowed(holder, request) & known(key.present) & (named | which)


def trusted(
    role: Holder, who: Sequence[tuple[str, str]], request: Request, besides: Sequence[tuple[str, str]] = ()
) -> Three:
    """Whether a role's trust policy lets one of these principals, such as ("Service", NAME), assume it.

    `besides`: what else covers the principal that asks, so that a Deny of it counts.
    """
    if role.trust is None:
        return unknown(f"the trust policy of {role.arn}")
    allows = [it for it in role.trust.statements if it.allows]
    denies = [it for it in role.trust.statements if not it.allows]
    own, covering = set(who), {*who, *besides, EVERYONE}

    def applied(statements: Sequence[Statement], names: set[tuple[str, str]]) -> Three:
        return some(_about(it, names, role) & applies(it, request, role.trust) for it in statements if role.trust)

    return applied(allows, own) & ~applied(denies, covering)


def _about(it: Statement, names: set[tuple[str, str]], role: Holder) -> Three:
    """Whether a statement of a trust policy is about one of these principals."""
    if it.not_principal:
        return unknown(f"NotPrincipal in the trust policy of {role.arn}")
    if names & set(it.principals):
        return known(True)
    if EVERYONE in it.principals:
        return unknown(f"whether the * of the trust policy of {role.arn} covers a service, or who is allowed nothing")
    begin = {sessions(name) for kind, name in names if kind == "AWS"} - {""}
    some_session = next((name for _, name in it.principals if any(name.startswith(one) for one in begin)), "")
    if some_session:
        return unknown(f"whether the session of the trust policy of {role.arn} is {some_session}")
    return known(False)


def trusts(role: Holder, service: str) -> Three:
    """Whether a service can assume a role, by some request of its own."""
    variables = Variables([role.trust] if role.trust else [])
    request = Request("take", "sts:assumerole", string(role.arn), variables)
    taken = trusted(role, [("Service", service)], request)
    return Three(_possible(taken.may, variables), _possible(taken.sure, variables), taken.why)


def is_role(text: Any, of: Holder | None = None) -> Any:
    """That a text is the ARN of a role; `of` a principal's account, if that is known: no other role can be passed."""
    if of is None or not of.account.strip("0"):
        return z3.InRe(text, _ROLE)
    begin = z3.Re(f"arn:{of.arn.split(':')[1]}:iam::{of.account}:role/")
    return z3.InRe(text, z3.Concat(begin, z3.Plus(_NAME)))


def _services(role: Holder) -> list[str]:
    """The services that a role may trust."""
    allows = [] if role.trust is None else [it for it in role.trust.statements if it.allows]
    named = {name for it in allows for kind, name in it.principals if kind == "Service"}
    if any(EVERYONE in it.principals or it.not_principal for it in allows):
        named |= {TASKS_SERVICE, *(service for it in RUNS_AS_ROLE for service in services(it))}
    return sorted(named)


def _assumes(holder: Holder, role: Holder) -> Found:
    variables = Variables([*holder.every_document, *([role.trust] if role.trust else [])], fixed=holder.fixed)
    request = Request("assume", "sts:assumerole", string(role.arn), variables)
    account = holder.account
    partition = holder.arn.split(":")[1] if ":" in holder.arn else "aws"
    of_account = [("AWS", account), ("AWS", f"arn:{partition}:iam::{account}:root"), EVERYONE]
    named = [("AWS", holder.arn)]
    by_name = trusted(role, named, request, of_account)
    own = identity_allows(holder, request)
    same = role.arn.split(":")[4:5] == [account]
    limited = by_name_limited = within_limits(holder, request)
    if ":user/" in holder.arn and holder.limits:
        # A boundary does not limit what a policy of the role's gives a user by name; other limits do.
        by_name_limited = limited | unknown(f"which limits of {holder.arn} hold against a trust policy that names it")
    # In its own account a principal that the trust policy names needs no Allow of its own.
    goal = every(
        [
            (by_name & by_name_limited & (known(True) if same else own))
            | (trusted(role, of_account, request, named) & own & limited),
            ~denied(holder, request),
        ]
    )
    return ask(holder, [request], goal, spelt=(ASSUME_ROLE,))


def _passes(holder: Holder, role: Holder, service: str) -> Found:
    """Whether a principal may have a service act with a role."""
    variables = Variables(holder.every_document, requests=2, fixed=holder.fixed)
    passing, may_pass = pass_role(holder, string(role.arn), service, variables)
    opened = trusts(role, service)
    actions = tuple(LAUNCHES) if service == TASKS_SERVICE else _starting(service)
    if not actions and holder.names("iam:PassRole"):
        goal = every([may_pass, opened, unknown(f"which calls have {service} act with a role")])
        return ask(holder, [passing], goal, spelt=("iam:PassRole",))
    first = Found("no")
    for action in filter(holder.names, actions if holder.names("iam:PassRole") else ()):
        after = followed(holder, action)
        if after.verdict == "no":
            continue
        start = Request("start", action.lower(), z3.String("resource"), variables, resource_of(action))
        found = ask(
            holder,
            [passing, start],
            every([may_pass, opened, allowed(holder, start), _starts(action, service)]),
            spelt=("iam:PassRole", action),
        ).then(after)
        if found.verdict == "yes":
            return found
        first = found if first.verdict == "no" else first
    return first


def followed(holder: Holder, action: str) -> Found:
    """Whether a principal may also do what an action needs at another time, if it needs anything."""
    then = FOLLOWED.get(action)
    return Found("yes") if then is None else _may(holder, then)


@cache
def _starting(service: str) -> tuple[str, ...]:
    """The actions of which each has a service act with a role that is passed to it, as the caller decides."""
    return tuple(it for it in RUNS_AS_ROLE if anywhere(service) in services(it))


def _starts(action: str, service: str) -> Three:
    """Whether an action by itself has a service act with the role that it passes. Where the role goes to several
    services, and in IAM, which runs nothing, more may be needed."""
    if action in LAUNCHES and service == TASKS_SERVICE:
        return known(True)
    if action.startswith("iam:") or services(action)[0] != anywhere(service):
        return unknown(f"whether {action} has {service} act with a role")
    return known(True)


def kind_of(action: str) -> str:
    """What the resource of a launch is, such as `task-definition/`; empty if it may be of several kinds."""
    shapes = LAUNCHES.get(action, ())
    return shapes[0].rpartition(":")[2].removesuffix("*") if len(shapes) == 1 else ""


def example_of(action: str, account: str) -> str:
    """A resource of a launch, to be shown."""
    _, _, service, _, _, resource = LAUNCHES[action][-1].split(":", 5)
    return f"arn:aws:{service}:eu-west-1:{account}:{resource.replace('*', 'job:1')}"


def resource_of(action: str) -> tuple[Any, ...]:
    """What the resource of a call that launches or starts is like."""
    kind = kind_of(action)
    resource = z3.String("resource")
    if not kind:
        of = {it.split(":")[2] for it in LAUNCHES.get(action, ()) if it.count(":") > 2}
        services_of = [z3.Re(f"arn:{it}:{service}:") for it in PARTITION_NAMES for service in sorted(of)]
        begin = z3.Union(*services_of) if services_of else z3.Re("arn:")
        return (z3.InRe(resource, z3.Concat(begin, SOMETHING)),)
    shape = z3.Concat(z3.Re("arn:"), *_segments("ecs"), z3.Re(kind), z3.Plus(z3.Union(_NAME, z3.Re(":"))))
    return (z3.InRe(resource, shape),)


def _rewrites(holder: Holder, function: str, action: str) -> Found:
    if not holder.names(action):
        return Found("no")
    variables = Variables(holder.every_document, fixed=holder.fixed)
    request = Request("rewrite", action.lower(), string(function), variables)
    return ask(holder, [request], allowed(holder, request), spelt=(action,))


def _possible(formula: Any, variables: Variables) -> Any:
    """Whether a service's own request can satisfy a formula: nothing of it is the caller's."""
    solver = z3.Solver()
    solver.add(variables.rules)
    solver.add(formula)
    return z3.BoolVal(solver.check() != z3.unsat)


_LOWER: Final = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"), z3.Re("-"))
_DIGITS: Final = z3.Loop(z3.Range("0", "9"), 12, 12)
_NAME: Final = z3.Union(*(z3.Range(a, b) for a, b in ("az", "AZ", "09")), *(z3.Re(it) for it in "_+=,.@-/"))
_PARTITION: Final = z3.Union(*(z3.Re(it) for it in PARTITION_NAMES))
_ROLE: Final = z3.Concat(z3.Re("arn:"), _PARTITION, z3.Re(":iam::"), _DIGITS, z3.Re(":role/"), z3.Plus(_NAME))


def _segments(service: str) -> tuple[Any, ...]:
    return (_PARTITION, z3.Re(f":{service}:"), z3.Plus(_LOWER), z3.Re(":"), _DIGITS, z3.Re(":"))
