"""Asks z3 whether requests are possible, and shows those that are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import z3

from .evaluation import Holder, applies
from .keys import may_have
from .patterns import plain
from .request import Key, Request
from .texts import Model, decide
from .three import Three

SECONDS: Final = 60
"""How long z3 may think about one question; after that there is no answer."""


@dataclass(frozen=True)
class Shown:
    """A request that is allowed, and why."""

    action: str
    resource: str
    context: dict[str, str | list[str]]
    """Condition keys that it has to have; it may have others, and the rest of those that policies name it has not."""
    by: tuple[str, ...]
    """The statements that allow it: their Sid, or what they say."""

    def __str__(self) -> str:
        keys = ", ".join(f"{k} = {v if isinstance(v, str) else ' and '.join(v)}" for k, v in self.context.items())
        return f"{self.action} on {self.resource}{f' where {keys}' if keys else ''} (by {', '.join(self.by) or '?'})"


@dataclass(frozen=True)
class Found:
    """What z3 says: `no` such requests, `yes` and these, or `open`, and why."""

    verdict: Literal["no", "yes", "open"]
    requests: tuple[Shown, ...] = ()
    why: tuple[str, ...] = ()

    def then(self, other: Found) -> Found:
        """Both, one after the other."""
        if "no" in (self.verdict, other.verdict):
            return Found("no")
        certain = self.verdict == other.verdict == "yes"
        shown = (*self.requests, *other.requests)
        return Found("yes", shown) if certain else Found("open", shown, (*self.why, *other.why))


def ask(
    holder: Holder,
    requests: Sequence[Request],
    goal: Three,
    *,
    prefer: Iterable[Any] = (),
    spelt: Sequence[str] = (),
) -> Found:
    """Whether requests can be chosen so that the goal holds.

    All requests share one Variables. Each of `prefer` is followed if the goal can hold with it too. `spelt` are the
    actions' names as AWS spells them.
    """
    (variables,) = {it.variables for it in requests}
    rules = [*(rule for it in requests for rule in it.rules), *variables.rules]
    first = decide([*rules, goal.may], SECONDS)
    if first.verdict == z3.unsat:
        return Found("no")
    if first.verdict == z3.unknown:
        return Found("open", why=(f"z3 has no answer within {SECONDS} seconds",))
    never = [(it, key) for it in requests for key in variables.made(it.name) if not _known(it, key)]
    held = [*rules, goal.sure, *(z3.Not(key.present) for _, key in never)]
    model = decide(held, SECONDS).model if goal.why or never else first.model
    if model is None:
        unsupported = {f"{key.name}, which {it.action} has not by the data that the rules know" for it, key in never}
        return Found("open", why=tuple(sorted({*goal.why, *unsupported})))
    keys = {id(key): key for it in requests for key in variables.made(it.name)}
    # Each preference, then as few keys as possible.
    for wish in (*prefer, *(z3.Not(key.present) for key in keys.values())):
        better = model if z3.is_true(model.value(wish)) else decide([*held, wish], SECONDS).model
        if better is not None:
            held, model = [*held, wish], better
    names = spelt or ["" for _ in requests]
    return Found("yes", tuple(_shown(holder, it, model, name) for it, name in zip(requests, names, strict=True)))


def _known(request: Request, key: Key) -> bool:
    return not isinstance(request.action, str) or may_have(request.action, key.name)


def _shown(holder: Holder, request: Request, model: Model, spelt: str) -> Shown:
    def true(term: Any) -> bool:
        return z3.is_true(model.value(term))

    action = request.action if isinstance(request.action, str) else plain(model.value(request.action))
    context: dict[str, str | list[str]] = {}
    for key in request.variables.made(request.name):
        if true(key.present) and key.name not in _EVIDENT:
            listed = [plain(model.value(it)) for it, used in zip(key.values, key.used, strict=True) if true(used)]
            written = listed if key.number is None else [_number(key, model.value(key.number))]
            context[key.name] = sorted(set(written)) if key.several else written[0]
    by = [
        it.sid or f"{', '.join(it.actions or ('NotAction',))} on {', '.join(it.resources or ('NotResource',))}"
        for document in holder.documents
        for it in document.statements
        if it.allows and true(applies(it, request, document).sure)
    ]
    return Shown(spelt or action, plain(model.value(request.resource)), context, tuple(by))


_EVIDENT: Final = ("aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:username")


def _number(key: Key, value: Any) -> str:
    if key.kind != "IPAddress":
        return value.as_decimal(6).removesuffix("?") if not z3.is_int_value(value) else str(value)
    address = value.as_long()
    return ".".join(str(it) for it in address.to_bytes(4, "big")) if address < 1 << 32 else "an address of IPv6"
