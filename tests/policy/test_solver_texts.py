"""Formulas about texts, decided text by text: the same answer as trying every short text."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

z3: Any = pytest.importorskip("z3", reason="the solver's extra `prove` is not installed")

from evaluator import like  # noqa: E402
from fargate_job_launcher.policies.solver.patterns import plain, string, wildcard  # noqa: E402
from fargate_job_launcher.policies.solver.texts import decide  # noqa: E402

TEXTS = ["".join(it) for length in range(4) for it in itertools.product("ab", repeat=length)]
"""Each of the patterns below that matches a text, alone or without what others match, matches one of these."""
PATTERNS = ("a", "b", "ab", "a*", "*a", "b*", "*b", "?", "??", "a?", "*")

formulas = st.recursive(
    st.tuples(st.sampled_from("xy"), st.sampled_from(PATTERNS)),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=7,
)


def meant(formula: Any) -> Any:
    how, of = formula
    if how in ("x", "y"):
        # Only texts of a and b, of up to three characters: those that are tried.
        return z3.InRe(z3.String(how), wildcard(of))
    return z3.Not(meant(of)) if how == "not" else (z3.And if how == "and" else z3.Or)([meant(it) for it in of])


def true(formula: Any, values: dict[str, str]) -> bool:
    how, of = formula
    if how in values:
        return like(of, values[how])
    if how == "not":
        return not true(of, values)
    return (all if how == "and" else any)(true(it, values) for it in of)


SHORT = z3.Loop(z3.Union(z3.Re("a"), z3.Re("b")), 0, 3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(formulas)
def test_a_formula_has_values_if_some_short_texts_make_it_true(formula: Any) -> None:
    short = [z3.InRe(z3.String(it), SHORT) for it in "xy"]
    answer = decide([*short, meant(formula)], 20)
    possible = any(true(formula, {"x": x, "y": y}) for x, y in itertools.product(TEXTS, TEXTS))
    assert answer.verdict == (z3.sat if possible else z3.unsat)
    if answer.model is not None:
        values = {it: plain(answer.model.value(z3.String(it))) for it in "xy"}
        assert true(formula, values)


def test_what_no_text_can_be_is_excluded_and_nothing_else() -> None:
    x, y = z3.String("x"), z3.String("y")
    both = z3.And(z3.InRe(x, wildcard("a*")), z3.InRe(x, wildcard("b*")))
    assert decide([both], 5).verdict == z3.unsat
    assert decide([z3.Or(both, z3.InRe(y, wildcard("c?")))], 5).verdict == z3.sat
    assert decide([z3.Xor(z3.InRe(x, wildcard("a*")), z3.InRe(x, wildcard("*"))), z3.InRe(x, wildcard("?"))], 5).model


def test_a_text_is_read_back_as_it_was_written() -> None:
    for text in ("", "a", "\\u{41}", "\\", "ä€😀", "\n\t", "${*}"):
        assert plain(string(text)) == text
        answer = decide([z3.InRe(z3.String("x"), z3.Re(string(text)))], 5)
        assert answer.model is not None
        assert plain(answer.model.value(z3.String("x"))) == text
