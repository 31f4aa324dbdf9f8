"""Decides formulas about texts: whether values exist for which they hold.

z3 decides the formula with each question "does this text match this pattern" as a yes or no, and then, text by text,
whether one exists that matches just these patterns and not those. If none does, that combination is excluded and z3 is
asked again. All at once, z3 takes minutes for some of the questions that this answers at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import z3


@dataclass(frozen=True)
class Answer:
    """z3's answer, and values that make the formulas hold where there are some."""

    verdict: Any
    """z3.sat, z3.unsat or z3.unknown."""
    model: Model | None = None


@dataclass(frozen=True)
class Model:
    """Values of all variables."""

    texts: list[tuple[Any, Any]]
    others: Any

    def value(self, term: Any) -> Any:
        """What a term is under these values."""
        return self.others.eval(z3.simplify(z3.substitute(term, *self.texts)), model_completion=True)


@dataclass
class _Text:
    """A text variable, and the patterns that are asked about it."""

    variable: Any
    asked: dict[int, tuple[Any, Any]] = field(default_factory=dict[int, tuple[Any, Any]])
    """Id of a pattern → the yes or no that stands for it, and the pattern."""


def decide(formulas: Sequence[Any], seconds: int) -> Answer:
    """Whether formulas hold for some values of their variables."""
    texts: dict[int, _Text] = {}
    replaced = [_without_patterns(it, texts) for it in formulas]
    if any(_compares_texts(it) for it in replaced):
        return _by_z3(formulas, seconds)
    end = time.monotonic() + seconds
    solver = z3.Solver()
    solver.set("timeout", seconds * 1000)
    solver.add(*replaced, *(lemma for it in texts.values() for lemma in _lemmas(it)))
    found: dict[tuple[int, frozenset[tuple[int, bool]]], Any] = {}
    while time.monotonic() < end:
        answer = solver.check()
        if answer != z3.sat:
            return Answer(answer)
        model, values, excluded = solver.model(), list[tuple[Any, Any]](), False
        for text in texts.values():
            said = {key: z3.is_true(model.eval(it, model_completion=True)) for key, (it, _) in text.asked.items()}
            place = (text.variable.get_id(), frozenset(said.items()))
            if place not in found:
                found[place] = _one(text, said)
            if found[place] is z3.unknown:
                return Answer(z3.unknown)
            if found[place] is None:
                core = _smaller(text, said)
                solver.add(z3.Or([z3.Not(text.asked[k][0]) if yes else text.asked[k][0] for k, yes in core.items()]))
                excluded = True
            else:
                values.append((text.variable, found[place]))
        if not excluded:
            return Answer(z3.sat, Model(values, model))
    return Answer(z3.unknown)


def _by_z3(formulas: Sequence[Any], seconds: int) -> Answer:
    solver = z3.Solver()
    solver.set("timeout", seconds * 1000)
    solver.add(*formulas)
    answer = solver.check()
    return Answer(answer, Model([], solver.model()) if answer == z3.sat else None)


def _without_patterns(formula: Any, texts: dict[int, _Text], seen: dict[int, Any] | None = None) -> Any:
    """The formula with a yes or no for each question whether a text matches a pattern."""
    seen = {} if seen is None else seen
    key = formula.get_id()
    if key not in seen:
        children = formula.children() if z3.is_app(formula) else []
        asks = z3.is_app_of(formula, z3.Z3_OP_SEQ_IN_RE) and z3.is_const(children[0])
        if asks and z3.is_string_value(children[0]):
            seen[key] = z3.simplify(formula)
        elif asks:
            text = texts.setdefault(children[0].get_id(), _Text(children[0]))
            name = f"{children[0].sexpr()} in {children[1].get_id()}"
            seen[key] = text.asked.setdefault(children[1].get_id(), (z3.Bool(name), children[1]))[0]
        elif z3.is_bool(formula) and children and all(z3.is_bool(it) for it in children):
            seen[key] = formula.decl()(*(_without_patterns(it, texts, seen) for it in children))
        else:
            seen[key] = formula
    return seen[key]


def _compares_texts(formula: Any) -> bool:
    """Whether texts remain in a formula, as where a policy variable is compared."""
    return any(z3.is_string(it) for it in _parts(formula, set()))


def _parts(formula: Any, seen: set[int]) -> Iterator[Any]:
    if formula.get_id() not in seen:
        seen.add(formula.get_id())
        yield formula
        for it in formula.children():
            yield from _parts(it, seen)


def _lemmas(text: _Text) -> Iterator[Any]:
    """What is known of exact texts: one at most is meant, and which patterns it matches."""
    exact = [(it, pattern.arg(0)) for it, pattern in text.asked.values() if _is_exact(pattern)]
    if len(exact) > 1:
        yield z3.AtMost(*(it for it, _ in exact), 1)
    for it, constant in exact:
        for other, pattern in text.asked.values():
            if not _is_exact(pattern):
                matches = z3.is_true(z3.simplify(z3.InRe(constant, pattern)))
                yield z3.Implies(it, other if matches else z3.Not(other))


def _is_exact(pattern: Any) -> bool:
    return z3.is_app_of(pattern, z3.Z3_OP_SEQ_TO_RE) and z3.is_string_value(pattern.arg(0))


def _one(text: _Text, said: dict[int, bool]) -> Any:
    """A text that matches just these patterns: a constant; None if there is none, z3.unknown if z3 does not know."""
    solver = z3.Solver()
    solver.set("timeout", _FOR_ONE_TEXT)
    for key, yes in said.items():
        pattern = text.asked[key][1]
        solver.add(z3.InRe(text.variable, pattern if yes else z3.Complement(pattern)))
    answer = solver.check()
    if answer == z3.unsat:
        return None
    return solver.model().eval(text.variable, model_completion=True) if answer == z3.sat else z3.unknown


def _smaller(text: _Text, said: dict[int, bool]) -> dict[int, bool]:
    """As few of these answers as no text fits."""
    core = dict(said)
    for key in said:
        rest = {k: yes for k, yes in core.items() if k != key}
        if rest and _one(text, rest) is None:
            core = rest
    return core


_FOR_ONE_TEXT: Final = 10_000
"""Milliseconds."""
