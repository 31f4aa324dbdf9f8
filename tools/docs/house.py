"""The rooms of the repository, and which others each uses, drawn from the
imports. `make docs` draws it in CONTRIBUTING.md.

A room is named after its folder. USES has every arrow that is allowed.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from typing import Final

import grimp

from tools.recording import PROGRAM

PACKAGE: Final = "fargate_job_launcher"
PYTEST_PLUGIN: Final = f"{PACKAGE}_pytest"

ROOMS: Final = {
    PACKAGE: "components",
    f"{PACKAGE}.__main__": "operate",
    f"{PACKAGE}.checks": "components/checks",
    f"{PACKAGE}.compact": "components/iam",
    f"{PACKAGE}.environments": "environments",
    f"{PACKAGE}.handler": "handler",
    f"{PACKAGE}.iam": "components/iam",
    f"{PACKAGE}.operate": "operate",
    f"{PACKAGE}.policies": "policy",
    f"{PACKAGE}.policies.solver": "policy/solver",
    f"{PACKAGE}.sandbox": "sandbox",
    f"{PACKAGE}.sandbox.aws": "sandbox/aws",
    f"{PACKAGE}.sandbox.engine": "sandbox/engine",
    f"{PACKAGE}.sandbox.proof": "sandbox/proof",
    PYTEST_PLUGIN: "sandbox",
}
"""Package or module → its room; the longest matching name counts. `python -m fargate_job_launcher` starts operate/."""

PROGRAMS: Final = {
    "__main__.py": "__main__.py",
    "components/plugin/__main__.py": "components/plugin",
    "policy/__main__.py": "policy",
}
"""Files that are started and never imported → their room."""

USES: Final = {
    "__main__.py": {"components", "environments"},
    "components": {"components/checks", "components/iam", "handler"},
    "components/checks": {"components/iam", "handler"},
    "components/iam": {"handler"},
    "components/plugin": {"components"},
    "environments": {"components", "components/checks", "components/iam", "handler"},
    "handler": set[str](),
    "operate": {"components", "components/checks", "handler", "policy", "sandbox/proof"},
    "policy": {"components", "components/checks", "handler"},
    "policy/solver": {"policy"},
    "sandbox": {"components/checks", "handler", "sandbox/aws", "sandbox/engine", "sandbox/proof"},
    "sandbox/aws": {"components/checks", "handler"},
    "sandbox/engine": {"components", "components/checks", "sandbox/aws"},
    "sandbox/proof": {"handler", "sandbox/aws", "sandbox/engine"},
}
"""Room → the rooms that it may use. tests/project/test_house.py checks that it has every arrow and no other."""


def room(module: str) -> str:
    """The room of a module of the package, such as fargate_job_launcher.handler.app."""
    return ROOMS[max((it for it in ROOMS if f"{module}.".startswith(f"{it}.")), key=len)]


@cache
def modules() -> dict[str, frozenset[str]]:
    """Each module of the package → the modules that it imports, also inside functions."""
    graph = grimp.build_graph(PACKAGE, PYTEST_PLUGIN, cache_dir=None)
    return {it: frozenset(graph.find_modules_directly_imported_by(it)) for it in sorted(graph.modules)}


def programs() -> dict[str, frozenset[str]]:
    """Each file of PROGRAMS → the modules of the package that it imports."""
    found: dict[str, frozenset[str]] = {}
    for file in PROGRAMS:
        nodes = ast.walk(ast.parse((PROGRAM / file).read_text()))
        froms = [it for it in nodes if isinstance(it, ast.ImportFrom) and (it.module or "").split(".")[0] == PACKAGE]
        named = {(it.module or "", f"{it.module}.{alias.name}") for it in froms for alias in it.names}
        # `from package import name`: the name may be a module.
        found[file] = frozenset(longer if longer in modules() else module for module, longer in named)
    return found


def arrows() -> dict[str, dict[str, list[str]]]:
    """Room → room that it uses → the imports that show it."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, imported in programs().items():
        for it in imported:
            if room(it) != PROGRAMS[file]:
                found[PROGRAMS[file]][room(it)].append(f"{file} imports {it}")
    for module, imported in modules().items():
        for it in imported:
            if room(it) != room(module):
                found[room(module)][room(it)].append(f"{module} imports {it}")
    return {origin: dict(to) for origin, to in found.items()}


def picture() -> str:
    """The rooms and their arrows in Mermaid. An arrow that follows from others is left out."""
    uses = {origin: set(to) for origin, to in arrows().items()}

    def reaches(origin: str, to: str) -> bool:
        return to in uses.get(origin, ()) or any(reaches(it, to) for it in uses.get(origin, ()))

    names = sorted({*uses, *(it for to in uses.values() for it in to)})
    key = {name: f"room{number}" for number, name in enumerate(names)}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  {key[it]}["{it}{"" if it.endswith(".py") else "/"}"]' for it in names]
    for origin in names:
        for to in sorted(uses.get(origin, ())):
            if not any(reaches(it, to) for it in uses[origin] - {to}):
                lines.append(f"  {key[origin]} --> {key[to]}")
    return "\n".join([*lines, "```"])
