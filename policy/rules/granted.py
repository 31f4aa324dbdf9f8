"""Which of the computed actions a statement allows, and what makes a principal an administrator. No rule is here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from .actions import CHANGES_FUNCTION, CHANGES_RIGHTS, RUNS_AS_ROLE
from .documents import Statement, covers, is_pattern, matches
from .principals import Held, Principal

ASSUME_ROLE: Final = "sts:AssumeRole"
RUNS: Final = "runs as a role"
RIGHTS: Final = "changes rights"
FUNCTIONS: Final = "changes a function"
_TABLES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    RUNS: RUNS_AS_ROLE,
    RIGHTS: CHANGES_RIGHTS,
    FUNCTIONS: CHANGES_FUNCTION,
}
_NAMED: Final = 6
"""How many actions a message names."""
LIMITS: Final = frozenset(
    action
    for action in CHANGES_RIGHTS
    if action.endswith("PermissionsBoundary") or action.partition(":")[2].startswith(("Delete", "Detach", "Remove"))
)
"""Actions that set or take away a boundary, or take a policy away: they grant nothing by themselves. Without what
limited it, a principal has what its policies grant."""
TAKEN_AWAY: Final = frozenset(it for it in LIMITS if not it.endswith("PermissionsBoundary"))
"""Actions that take a policy away, from the holder too: that changes its permissions, and makes no administrator."""
_OF_OWN: Final = {
    kind: tuple(
        action
        for action, shapes in CHANGES_RIGHTS.items()
        if f"arn:@:iam::@:{kind}/*" in shapes and re.search(r":(Attach|Put|Detach|Delete)\w*(Policy|Boundary)$", action)
    )
    for kind in ("role", "user", "group")
}
"""Kind of principal → the actions with which it changes its own permissions."""
CREDENTIALS: Final = frozenset(
    (
        *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:UploadSSHPublicKey"),
        *("iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential"),
    )
)
"""Actions that give a user's credentials: a user's own give it nothing."""
_OWN_USER: Final = ":user/${aws:username}"
_OWN_NAME: Final = 4
"""The fewest characters with which a pattern of roles begins: fewer are no name of anybody's."""
_ADMINISTRATORS: Final = (
    *("Administrator", "Administrators", "AdministratorAccess", "OrganizationAccountAccessRole"),
    *("AWSControlTowerExecution", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_AdministratorAccess_0123456789abcdef"),
)
"""Names of administrators' roles in accounts that AWS's own services set up, and the usual one."""
_VERSIONS: Final = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
"""Actions that change a policy for all that it is attached to."""


def granted(statement: Statement, table: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The actions of a table that a statement allows, each with the resources of the statement on which it acts."""
    if not statement.allows:
        return
    for action in _covered(statement.actions, statement.not_actions, table):
        reached = dict.fromkeys(at for shape in _TABLES[table][action] for at in statement.reaching(shape))
        if reached:
            yield action, tuple(reached)


@lru_cache(maxsize=16_384)
def _covered(actions: tuple[str, ...] | None, not_actions: tuple[str, ...] | None, table: str) -> tuple[str, ...]:
    given = actions if actions is not None else not_actions or ()
    wanted = actions is not None
    return tuple(it for it in _TABLES[table] if any(matches(pattern, it.lower()) for pattern in given) is wanted)


def listed(actions: Iterable[str]) -> str:
    """Actions for a message: the first few, and how many more there are."""
    every = list(dict.fromkeys(actions))
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def administrates(it: Principal) -> str:
    """What makes a principal an administrator, in words; empty for other principals."""
    for held in it.held:
        for statement in held.document.statements:
            found = _makes_administrator(statement)
            if found:
                return f"may {found} ({held.origin.name}: {held.what})"
        own = rewrites(it, held, besides=TAKEN_AWAY)
        if own:
            return f"may {own} ({held.origin.name}: {held.what})"
    return ""


def _makes_administrator(statement: Statement) -> str:
    if statement.allows and everything(statement):
        wide = [at for at in statement.resources or () if set(at) == {"*"}]
        if wide or statement.not_resources is not None:
            return f"do everything on {', '.join(wide) or 'all resources but some'}"
    for action, reached in granted(statement, RIGHTS):
        if action in LIMITS or (not action.startswith(("iam:", "sts:")) and statement.actions is None):
            # Identity Center is in one account of an organization: who excludes IAM there names it. The same holds for
            # the other services with such actions.
            continue
        wide = [at for at in reached if at == "NotResource" or covers_any(at, action)]
        if action in CREDENTIALS:
            wide = [at for at in wide if not at.endswith(_OWN_USER)]
        if wide:
            return f"{action} on {', '.join('all resources but some' if at == 'NotResource' else at for at in wide)}"
    return ""


def limited(it: Principal) -> bool:
    """Whether anything of a principal's policies denies, or a boundary limits it: without that, to take one of its
    policies away gives it nothing."""
    denied = any(not statement.allows for held in it.held for statement in held.document.statements)
    return denied or bool(it.resource.props.get("permissionsBoundary"))


def everything(statement: Statement) -> bool:
    """Whether a statement names every action of every service."""
    return statement.actions is not None and any(set(it) <= {"*", ":"} for it in statement.actions)


def covers_any(at: str, action: str) -> bool:
    """Whether an action on this resource reaches principals that nobody listed.

    A pattern can match a principal with more permissions than the holder has. To assume a role, that role has to trust
    the holder too: there a pattern counts if it does not begin with a name of its own, or matches a usual
    administrator's.
    """
    if action != ASSUME_ROLE or not is_pattern(at):
        return is_pattern(at)
    name = at.rpartition("role/")[2] if "role/" in at else "*"
    begins = re.split(r"[*?$]", name, maxsplit=1)[0]
    return is_pattern(name) and (len(begins) < _OWN_NAME or any(covers(name, it) for it in _ADMINISTRATORS))


def rewrites(it: Principal, held: Held, *, besides: frozenset[str] = frozenset()) -> str:
    """How one of a principal's documents lets it change its own permissions; empty if it does not, and for one that
    allows everything: that is an administrator, whom other rules judge."""
    arn = it.resource.known("arn")
    own = {arn: "itself"} if isinstance(arn, str) else {}
    own |= {arn: f"its group {arn.rpartition('/')[2]}" for arn in sorted(it.groups - {""})}
    for statement in held.document.statements:
        if everything(statement) and not set(statement.resources or ()).isdisjoint({"*"}):
            continue
        for action, reached in granted(statement, RIGHTS):
            for arn, called in own.items():
                through = [at for at in reached if at == "NotResource" or covers(at, arn)]
                if action in _OF_OWN.get(_kind(arn), ()) and action not in besides and through:
                    return f"{action} on {called}" + ("" if arn in through else f", through {through[0]}")
            for arn in sorted(it.policies) if action in _VERSIONS else ():
                if any(at == "NotResource" or covers(at, arn) for at in reached):
                    return f"{action} on {arn}, which it holds"
    return ""


def _kind(arn: str) -> str:
    return arn.split(":")[-1].partition("/")[0]
