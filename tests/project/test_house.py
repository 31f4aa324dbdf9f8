"""The rooms use one another as tools/docs/house.py says, and nothing goes in a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tools.docs import house
from tools.recording import PROGRAM

COMPUTED = ("tools", "tests")
"""Folders that nothing else may import."""


def test_each_room_uses_those_that_it_may_and_no_arrow_is_left_over() -> None:
    found = house.arrows()
    wrong = [said for origin, to in found.items() for it in set(to) - house.USES[origin] for said in to[it]]
    assert wrong == []
    assert {origin: set(to) for origin, to in found.items()} == {k: v for k, v in house.USES.items() if v}


def test_no_room_reaches_itself() -> None:
    TopologicalSorter(house.USES).prepare()


def test_no_module_reaches_itself() -> None:
    assert len(house.modules()) > 100
    TopologicalSorter(house.modules()).prepare()


def test_the_function_needs_nothing_but_the_standard_library_and_boto3() -> None:
    lambdas = {it for it in house.modules() if it.startswith(f"{house.PACKAGE}.handler.")}
    assert len(lambdas) > 10
    assert {to for it in lambdas for to in house.modules()[it]} <= {*lambdas, f"{house.PACKAGE}.handler"}


def imported(path: Path) -> set[str]:
    """The first part of each module's name that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {alias.name.split(".")[0] for it in nodes if isinstance(it, ast.Import) for alias in it.names}
    return named | {(it.module or "").split(".")[0] for it in nodes if isinstance(it, ast.ImportFrom) and not it.level}


@pytest.mark.parametrize("folder", sorted({*(it.split("/")[0] for it in house.USES), "examples", "tools"}))
def test_nothing_imports_the_tests_and_nothing_but_they_and_the_tools_imports_the_tools(folder: str) -> None:
    files = sorted((PROGRAM / folder).rglob("*.py")) if (PROGRAM / folder).is_dir() else [PROGRAM / folder]
    assert files
    closed = {"tests"} if folder == "tools" else set(COMPUTED)
    assert [it for it in files if ".venv" not in it.parts and imported(it) & closed] == []
