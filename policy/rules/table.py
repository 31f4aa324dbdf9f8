"""The rules as tables for the documentation, computed from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .rule import Rule, Scope

BEGIN: Final = "<!-- made by `make docs`: rules -->"
END: Final = "<!-- end: rules -->"


def rules_table(rules: Iterable[Rule]) -> str:
    """The requirement, reason, remedy and severity of each rule, and the controls of other tools for it."""
    head = ["id", "rule", "why", "remedy", "dev", "prod", "checked", "closest control of others"]
    rows = [
        [
            f"`{it.id}`" + ("" if it.waivable else " (no waiver)"),
            it.says,
            it.why,
            it.remedy,
            it.dev.value,
            it.prod.value,
            _WHEN[it.scope],
            "; ".join(it.beside) or "none found",
        ]
        for it in rules
    ]
    return _table(head, rows)


_WHEN: Final = {
    Scope.EACH: "before it is created",
    Scope.STACK: "over the stack",
    Scope.BOTH: "before it is created, and over the stack",
    Scope.PARTS: "before it is created; a managed policy over the stack",
}


def settings_table(rules: Iterable[Rule]) -> str:
    """The settings of each rule."""
    rows = [
        [f"`{rule.id}`", f"`{it.name}`", it.description, _value(it.dev), _value(it.prod)]
        for rule in rules
        for it in rule.limits
    ]
    return _table(["rule", "setting", "meaning", "dev", "prod"], rows)


def section(rules: Iterable[Rule]) -> str:
    """Both tables, between their marks in the documentation."""
    listed = list(rules)
    return f"{BEGIN}\n{rules_table(listed)}\n\n### Settings\n\n{settings_table(listed)}\n{END}"


def replaced(page: str, rules: Iterable[Rule]) -> str:
    """A page with its tables replaced. Raises ValueError if it has no marks for them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN!r} with {END!r} after it; add both where the tables belong")
    return before + section(rules) + after


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    # A bar would end its cell.
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"`{it}`" for it in value) or "none"
    return str(value)
