"""The types of resources that hold IAM statements, run something as a role, or hold other resources.

Which types may do so comes from Pulumi's AWS provider: each whose inputs have a policy, name a role or an instance
profile, or have a definition or a template. What each of them means for the rules is reviewed by a person, in
types.txt. `make types` computes the module policy/rules/types.py from it, and stops at a type that is not reviewed; a
test does the same.

CloudFormation's types, which aws-native has too, are in no installed package: types.txt names the counterpart of each
type of the provider (`project=AWS::CodeBuild::Project`), and those that have none (`AWS::ServiceCatalog: …`).
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fargate_job_launcher.policies import RULES
from fargate_job_launcher.policies.definitions import DEFINING
from fargate_job_launcher.policies.files.cloudformation_names import KINDS
from fargate_job_launcher.policies.inside import CLOUD_CONTROL, TEMPLATES
from fargate_job_launcher.policies.stack import Resource, Stack

from tools.pack.actions import refreshed

REVIEWED: Final = Path(__file__).with_name("types.txt")
MODULE: Final = Path(__file__).parents[2] / "policy" / "rules" / "types.py"
SECTIONS: Final = ("read", "runs", "policy", "holds", "harmless")
_BEGIN: Final = "# Computed from here on by `make types`.\n"
_POLICY: Final = re.compile(r"(^|_)(polic(y|ies)|policy_(document|text|body|statements)|permission_set_arn)$")
_ROLE: Final = re.compile(r"(^|_)(roles?|role_(arns?|names?)|instance_profile(_(arn|name))?)$")
_DEFINITION: Final = re.compile(
    r"((task|job)_definition(_arn)?|container_(definitions|properties)|template_(body|url)|^template|^definition)$"
)
_CLASS: Final = re.compile(r"^class (\w+Args):\n    def __init__\(__self__, \*,\n(.*?)\):\n", re.DOTALL | re.MULTILINE)
_INPUT: Final = re.compile(r"^ {17}(\w+): (.*?)(?: = None)?,?$", re.MULTILINE)
_NESTED: Final = re.compile(r"'(\w+Args)'")
_ENTRY: Final = re.compile(r"(\+?)(\w+)((?:-\w+)*)(?:=(AWS::\w+::\w+))?")


@dataclass(frozen=True)
class Reviewed:
    """A type in types.txt."""

    section: str
    token: str
    """The provider's token; empty for a type that only CloudFormation has."""
    cloudformation: str
    """CloudFormation's type; empty if it was not named."""
    not_roles: tuple[str, ...]
    """Properties with a role as which nothing is run that somebody chooses."""
    by_hand: bool
    """Whether no data says that it may be one."""


def computed() -> set[str]:
    """The provider's types whose inputs have a policy, name a role, or have a definition or a template."""
    return {token for token, inputs in _every_type() if any(_telling(inputs, _nested(token)))}


def every() -> set[str]:
    """All types of the provider."""
    return {token for token, _ in _every_type()}


@cache
def _every_type() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    root = _provider()
    listed: Any = re.search(r'resource_modules="""\n(.*?)\n"""', (root / "__init__.py").read_text(), re.DOTALL)
    return tuple(
        (token, _inputs(_folder(token, module["fqn"]), name))
        for module in json.loads(listed[1])
        for token, name in module["classes"].items()
    )


@cache
def _provider() -> Path:
    found = importlib.util.find_spec("pulumi_aws")
    if found is None or found.origin is None:
        raise RuntimeError("pulumi_aws is not installed; run `make install`")
    return Path(found.origin).parent


_FOLDERS: Final[dict[str, Path]] = {}


def _folder(token: str, package: str) -> Path:
    _FOLDERS[token] = _provider().joinpath(*package.split(".")[1:])
    return _FOLDERS[token]


def _inputs(folder: Path, name: str) -> tuple[tuple[str, str], ...]:
    """The inputs of a resource, each with its type; empty for a resource without inputs of its own."""
    return next((it[f"{name}Args"] for it in _modules(folder) if f"{name}Args" in it), ())


@cache
def _modules(folder: Path) -> tuple[dict[str, tuple[tuple[str, str], ...]], ...]:
    return tuple(_classes(it) for it in sorted(folder.glob("*.py")) if it.name not in ("outputs.py", "__init__.py"))


@cache
def _classes(module: Path) -> dict[str, tuple[tuple[str, str], ...]]:
    text = module.read_text(encoding="utf-8") if module.exists() else ""
    return {name: tuple(_INPUT.findall(inputs)) for name, inputs in _CLASS.findall(text)}


def _nested(token: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    return _classes(_FOLDERS[token] / "_inputs.py")


def _telling(
    inputs: tuple[tuple[str, str], ...],
    known: Mapping[str, tuple[tuple[str, str], ...]],
    above: str = "",
    seen: tuple[str, ...] = (),
) -> Iterator[str]:
    """The inputs that have a policy, a role, a definition or a template; of the blocks too."""
    for name, kind in inputs:
        inner = [it for it in _NESTED.findall(kind) if it in known and it not in seen]
        text = "_builtins.bool" not in kind and "_builtins.int" not in kind
        block = "Args'" in kind
        if text and any(
            (
                _POLICY.search(name) and not (block and above),
                _ROLE.search(name) and not block,
                _DEFINITION.search(name),
                name in ("arn", "name") and above.endswith("instance_profile"),
            )
        ):
            yield name
        for it in inner:
            yield from _telling(known[it], known, name, (*seen, it))


def reviewed(text: str) -> list[Reviewed]:
    """What types.txt says. Raises ValueError for a line of another form, and for a type that is there twice."""
    made: list[Reviewed] = []
    section = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        heading = re.fullmatch(r"\[(\w+)\]", line)
        if heading is not None:
            section = heading[1]
            if section not in SECTIONS:
                raise ValueError(f"types.txt: [{section}] is none of {', '.join(SECTIONS)}")
            continue
        service, _, names = line.partition(": ")
        entries = [_ENTRY.fullmatch(it) for it in names.split()]
        if not section or not entries or None in entries:
            raise ValueError(f"types.txt: {line!r} is neither [section] nor `service: type …`")
        made += [_entry(section, service, it) for it in entries if it is not None]
    called = [it.token or it.cloudformation for it in made]
    twice = sorted({it for it in called if called.count(it) > 1})
    if twice:
        raise ValueError(f"types.txt: {', '.join(twice)} is there twice")
    return made


def _entry(section: str, service: str, it: re.Match[str]) -> Reviewed:
    hand, name, without, counterpart = it.groups()
    not_roles = tuple(without.split("-")[1:])
    if service.startswith("AWS::"):
        return Reviewed(section, "", f"{service}::{name}", not_roles, by_hand=True)
    token = f"aws:{service}/{name}:{name[:1].upper()}{name[1:]}"
    return Reviewed(section, token, counterpart or "", not_roles, bool(hand))


def differences(text: str, found: set[str], known: set[str]) -> list[str]:
    """Types that the provider brings and nobody reviewed, and reviewed ones that it no longer has."""
    said = {it.token: it for it in reviewed(text) if it.token}
    lines = [f"{it} is new: review it in {REVIEWED.name}" for it in sorted(found - said.keys())]
    for token, it in sorted(said.items()):
        if token not in known:
            lines.append(f"{token} is no longer in the provider: remove it from {REVIEWED.name}")
        elif not it.by_hand and token not in found:
            lines.append(f"{token} has no policy, role or definition any more: remove it from {REVIEWED.name}")
        elif it.by_hand and token in found:
            lines.append(f"{token} is in the data: remove its + from {REVIEWED.name}")
    return lines


class _Asked(Stack):
    """An empty stack that notes for which types the rules ask."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked: set[str] = set()

    def of(self, *kinds: str) -> Iterator[Resource]:
        """The resources of these types: none."""
        self.asked |= set(kinds)
        return iter(())


def read_by_rules() -> set[str]:
    """The types that the rules read: those for which a rule asks, and those inside which all of them look."""
    stack = _Asked()
    for rule in RULES:
        # This rule says what is not read.
        if rule.id != "resources-readable":
            list(rule.subjects(stack))
            stack.asked |= rule.kinds
    return stack.asked | {*CLOUD_CONTROL, *TEMPLATES, *DEFINING}


def written(module: str, text: str) -> str:
    """The module with the tables computed from types.txt."""
    before, _, _ = module.partition(_BEGIN)
    every_one = reviewed(text)
    runs = {kind: it.not_roles for it in every_one if it.section == "runs" for kind in _kinds(it)}
    said = {kind: it.section for it in every_one if it.section in ("policy", "holds") for kind in _kinds(it)}
    harmless = {
        kind
        for it in every_one
        if it.section in ("harmless", "read")
        for kind in _kinds(it)
        if kind.startswith("aws-native:")
    }
    rows = [_row(kind, runs[kind]) for kind in sorted(runs)]
    table = "".join(f'    "{kind}": "{said[kind]}",\n' for kind in sorted(said))
    names = "".join(f'        "{kind}",\n' for kind in sorted(harmless))
    return (
        f"{before}{_BEGIN}"
        f"RUNS: Final[dict[str, tuple[str, ...]]] = {{\n{''.join(rows)}}}\n"
        '"""Type that runs a program, a build or calls of APIs as a role → its roles for the service\'s own work."""\n'
        f"SAID: Final[dict[str, str]] = {{\n{table}}}\n"
        '"""Type that no rule reads → `policy`: it gives a principal statements; `holds`: it holds resources."""\n'
        f"HARMLESS: Final = frozenset(\n    {{\n{names}    }}\n)\n"
        '"""Types of aws-native that were reviewed, and that no rule reports."""\n'
    )


def _kinds(it: Reviewed) -> Iterator[str]:
    if it.token:
        yield it.token
    # What is in KINDS becomes a resource of the provider's type, which is judged.
    if it.cloudformation and not (it.token and it.cloudformation in KINDS):
        _, service, name = it.cloudformation.split("::")
        yield f"aws-native:{service.lower()}:{name}"


def _row(kind: str, values: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{it}"' for it in values)
    return f'    "{kind}": ({quoted}{"," if len(values) == 1 else ""}),\n'


def main() -> int:
    """Compute the module, or say what is to be reviewed first."""
    text = REVIEWED.read_text(encoding="utf-8")
    return refreshed(MODULE, differences(text, computed(), every()), lambda module: written(module, text))


if __name__ == "__main__":
    sys.exit(main())
