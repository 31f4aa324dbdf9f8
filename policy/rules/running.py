"""What runs as a role without being read: builds, instances, workflows, calls of APIs (types.py). No rule is here.

Who deploys chooses what runs. So it is not reported while its role is known, unless that role may launch tasks, pass
roles or administrate: then who changes the program has these permissions too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from fargate_job_launcher.policies.files.declared import NotAStack
from fargate_job_launcher.policies.files.template_text import loaded

from .actions import LAUNCHES
from .config import DEPLOYERS
from .granted import RUNS as RUNS_AS_ROLE
from .granted import administrates, granted
from .passed import PASS_ROLE, ROLES
from .principals import ROLE, Principal, declared, holder
from .stack import INSIDE, UNKNOWN, Resource, Stack, Unknown
from .types import RUNS

PROFILE: Final = "aws:iam/instanceProfile:InstanceProfile"
LIMITS: Final = (DEPLOYERS,)
_ROLE: Final = re.compile(r"(^r|R)ole(s|(Arn|Name)s?|-arn)?$|^(i|I)amRole|^credentials(Arn)?$|AssumeRole$")
_PROFILE: Final = re.compile(r"[iI]nstanceProfile(Arn|Name)?$")
_VALUES: Final = ("value", "values", "staticValue", "staticValues", "stringValue", "resourceValue")
_TEXTS: Final = ("content", "parameters")
"""Properties with a text in JSON or YAML: a document of Systems Manager, what a constraint or a workflow is given."""
_IS_ROLE: Final = re.compile(r":(role/(?!aws-service-role/)|instance-profile/)")
"""In an ARN: a role, but not one of a service's own, whose permissions AWS decides."""


def risky(it: Resource, stack: Stack, deployers: list[str]) -> Iterator[str]:
    """Why what runs as a role of a resource matters, although nothing reads it. Raises Unknown."""
    for prop, role in _roles(it, stack):
        if isinstance(role, str) or declared(role, deployers):
            continue
        who = holder(stack, role)
        grant = _launches(who) or administrates(who)
        if grant:
            yield f"runs as {role.name} ({prop}), which {grant}, and no rule reads what it runs"
        elif who.unknown:
            raise who.unknown[0]


def unknown_roles(it: Resource, stack: Stack) -> Iterator[tuple[str, str]]:
    """The roles of a resource that are neither in the stack nor known: the property and the ARN or name of each."""
    yield from dict.fromkeys((prop, role) for prop, role in _roles(it, stack) if isinstance(role, str))


def _launches(who: Principal) -> str:
    for held in who.held:
        for statement in held.document.statements:
            found = [action for action, _ in granted(statement, RUNS_AS_ROLE) if action in LAUNCHES]
            if statement.allows and statement.covers(PASS_ROLE) and statement.reaching(ROLES):
                found.append(PASS_ROLE)
            if found:
                return f"may {found[0]} ({held.origin.name}: {held.what})"
    return ""


def _roles(it: Resource, stack: Stack) -> Iterator[tuple[str, Resource | str]]:
    """The roles as which a resource runs something: of the stack, or the ARN or name of another. Raises Unknown."""
    for top, value in it.props.items():
        if top in RUNS[it.kind]:
            continue
        for key, named in _named(top, value, RUNS[it.kind]):
            yield from _found(it, stack, top, key, named)


def _found(it: Resource, stack: Stack, top: str, key: str, named: Any) -> Iterator[tuple[str, Resource | str]]:
    wanted = PROFILE if _PROFILE.search(key) else ROLE
    said = named if isinstance(named, str) else None
    found = stack.meant(it, top, wanted, said)
    # Some properties are called a role, and name an instance profile.
    profile = found if wanted == PROFILE else stack.meant(it, top, PROFILE, said)
    if profile is not None:
        found = _of_profile(profile, stack)
    if found is None and said is not None and wanted == PROFILE:
        # A profile that the console makes has the name of its role.
        found = stack.named(ROLE, said.rpartition("/")[2])
    if found is not None:
        yield key, found
    elif named is UNKNOWN:
        if not _filled_in(it, top):
            raise Unknown(it.urn, top)
    elif said and not said.startswith("{{") and not (said.startswith("arn:") and _IS_ROLE.search(said) is None):
        yield key, said


def _of_profile(profile: Resource, stack: Stack) -> Resource | None:
    listed = profile.known("roles")
    first = cast("list[Any]", listed)[0] if isinstance(listed, list) and listed else None
    return stack.meant(profile, "roles" if first is not None else "role", ROLE, first)


def _filled_in(it: Resource, prop: str) -> bool:
    """Whether the provider fills a property in that the program does not set."""
    return it.outputs and not it.origins.get(prop) and it.kind.startswith("aws:") and INSIDE not in it.urn


def _named(key: str, value: Any, without: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The values of properties that name a role or an instance profile, at any depth, and of settings called so."""
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _named(key, one, without)
    elif isinstance(value, dict):
        yield from _of_mapping(key, cast("dict[str, Any]", value), without)
    elif isinstance(value, str) and key in _TEXTS:
        yield from _named(key, _loaded(value), without)
    elif _PROFILE.search(key) or _ROLE.search(key):
        yield key, value


def _of_mapping(key: str, block: dict[str, Any], without: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    setting = block.get("name", block.get("optionName", block.get("key", block.get("id"))))
    for inner, value in block.items():
        if inner in without or setting in without:
            continue
        # An instance profile is a block of its ARN or its name; roles can be a map from what they are for.
        kept = _PROFILE.search(key) or key == "roles" or (inner in _VALUES and _ROLE.search(key))
        called = key if kept else inner
        named = str(setting) if isinstance(setting, str) and inner in _VALUES else called
        yield from _named(named, value, without)


def _loaded(text: str) -> Any:
    try:
        return loaded(text)
    except NotAStack:
        return None
