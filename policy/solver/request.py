"""A request as variables of z3: action, resource, and the condition keys, each present or not.

A key that is present has a value that is not empty: IAM treats an empty value as none. A key of several values has as
many variables as conditions look at it, and one: in a request with more, all but those that some condition needs can be
left out without changing any condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import z3
from fargate_job_launcher.policies.documents import Document

from .keys import ONE_VALUE, has_several_values, of_the_session, type_of
from .patterns import SOMETHING, equals

_SAME: Final = {"aws:epochtime": "aws:currenttime"}
"""Keys that have one value in two forms."""


@dataclass(frozen=True)
class Key:
    """A condition key of a request."""

    name: str
    kind: str
    present: Any
    values: tuple[Any, ...]
    """One text; for a key of several values, as many as may matter."""
    used: tuple[Any, ...]
    """Whether the request has each of `values`."""
    number: Any
    """A number's or a moment's value, and an address's as a bit vector; otherwise None."""
    rules: tuple[Any, ...]
    """What holds of these variables."""

    @property
    def several(self) -> bool:
        """Whether it may have several values."""
        return self.kind.startswith("ArrayOf")


class Variables:
    """The condition keys of the requests that one principal makes at one moment."""

    def __init__(
        self,
        documents: Iterable[Document],
        requests: int = 1,
        *,
        fixed: Mapping[str, str | None] | None = None,
        looks: Iterable[str] = (),
    ) -> None:
        """`fixed`: keys whose values are known, such as the principal's own ARN; None: absent. `looks`: keys at
        which something else than the documents looks too, once for each time."""
        self._looks: dict[str, int] = {}
        for key in looks:
            self._looks[key] = self._looks.get(key, 0) + 1
        for document in documents:
            for statement in document.statements:
                for it in statement.conditions:
                    self._looks[it.key] = self._looks.get(it.key, 0) + requests
        self._made: dict[tuple[str, str], Key] = {}
        self._fixed = {key.lower(): value for key, value in (fixed or {}).items()}

    def key(self, name: str, request: str) -> Key:
        """A key of one request. Keys about the caller are the same in all of them."""
        name = _SAME.get(name, name)
        place = (name, "" if of_the_session(name) else request)
        if place not in self._made:
            self._made[place] = self._make(name, f"{place[1]} {name}")
        return self._made[place]

    @property
    def rules(self) -> list[Any]:
        """What holds of every variable made so far."""
        return [rule for it in self._made.values() for rule in it.rules]

    def made(self, request: str) -> list[Key]:
        """The keys of one request that something looked at."""
        return [it for (_, of), it in sorted(self._made.items()) if of in ("", request)]

    def _make(self, name: str, label: str) -> Key:
        kind, present = type_of(name), z3.Bool(f"{label} present")
        count = self._looks.get(name, 0) + 1 if has_several_values(name) else 1
        values = tuple(z3.String(f"{label} {number}") for number in range(count))
        used = tuple(z3.Bool(f"{label} {number} used") for number in range(count)) if count > 1 else (present,)
        rules: list[Any] = [z3.InRe(value, SOMETHING) for value in values]
        if count > 1:
            rules.append(present == z3.Or(used))
        number = None
        if kind in ("Numeric", "Date"):
            number = z3.Real(f"{label} number")
        elif kind == "IPAddress":
            # An address of IPv6 is one that has no room in 32 bits, in no network of IPv4.
            number = z3.BitVec(f"{label} address", 64)
        elif kind == "Bool":
            rules.append(z3.Or(equals(values[0], "true"), equals(values[0], "false")))
        if name in self._fixed:
            value = self._fixed[name]
            rules += [z3.Not(present)] if value is None else [present, equals(values[0], value)]
        return Key(name, kind, present, values, used, number, tuple(rules))


@dataclass(frozen=True)
class Request:
    """One question to IAM."""

    name: str
    """Tells it from the other requests of the same principal."""
    action: Any
    """Its action in lower case: a text, or a variable."""
    resource: Any
    variables: Variables
    shape: tuple[Any, ...] = ()
    """What its action and resource are like."""
    never: frozenset[str] = frozenset()
    """Actions that a variable action is not."""

    @property
    def rules(self) -> list[Any]:
        """What holds of it, given the keys that something looked at."""
        keys = [it for it in self.variables.made(self.name) if it.name in ONE_VALUE]
        return [*self.shape, *(z3.Implies(self.has_action(ONE_VALUE[it.name]), one_value(it)) for it in keys)]

    def has_action(self, action: str) -> Any:
        """That its action, in lower case, is this one."""
        if isinstance(self.action, str):
            return z3.BoolVal(self.action == action)
        return z3.BoolVal(False) if action in self.never else equals(self.action, action)

    def key(self, name: str) -> Key:
        """One of its condition keys."""
        return self.variables.key(name, self.name)


def one_value(key: Key) -> Any:
    """That a request has one value of a key at most."""
    return z3.AtMost(*key.used, 1) if len(key.used) > 1 else z3.BoolVal(True)
