"""Formulas with three answers: what may hold, and what holds for certain.

Whatever the encoding does not know (an operator, a policy outside the stack) may hold, and does not hold for certain. A
proof counts all that may be allowed; a request that is shown as allowed is allowed for certain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import z3


@dataclass(frozen=True)
class Three:
    """A formula: `sure` implies `may`."""

    may: Any
    sure: Any
    why: frozenset[str] = frozenset()
    """What the encoding does not know, where the two may differ."""

    def __and__(self, other: Three) -> Three:
        return every([self, other])

    def __or__(self, other: Three) -> Three:
        return some([self, other])

    def __invert__(self) -> Three:
        return Three(z3.Not(self.sure), z3.Not(self.may), self.why)


def known(formula: Any) -> Three:
    """A formula that the encoding knows exactly."""
    held = z3.BoolVal(formula) if isinstance(formula, bool) else formula
    return Three(held, held)


def unknown(why: str) -> Three:
    """One of which the encoding knows nothing."""
    return Three(z3.BoolVal(True), z3.BoolVal(False), frozenset([why]))


TRUE: Final = known(True)
FALSE: Final = known(False)


def every(many: Iterable[Three]) -> Three:
    """All of them."""
    listed = list(many)
    if any(it is FALSE for it in listed):
        return FALSE
    return Three(z3.And([it.may for it in listed]), z3.And([it.sure for it in listed]), _why(listed))


def some(many: Iterable[Three]) -> Three:
    """One of them at least."""
    listed = [it for it in many if it is not FALSE]
    return Three(z3.Or([it.may for it in listed]), z3.Or([it.sure for it in listed]), _why(listed))


def _why(many: list[Three]) -> frozenset[str]:
    return frozenset().union(*(it.why for it in many))
