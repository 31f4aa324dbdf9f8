"""The configuration of a rule: limits per environment and waivers, each with its JSON schema, and checked against it.

Pulumi hands over what `--policy-pack-config` or the policy group says of a rule; without any, the defaults hold.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

SHORTEST_REASON: Final = 10
"""Characters of a waiver's reason, at least: whoever reads it later was not there."""

WAIVERS: Final[dict[str, dict[str, Any]]] = {
    "waivers": {
        "type": "array",
        "description": "Resources that are excused, each until a day.",
        "default": [],
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["urn", "reason", "expires"],
            "properties": {
                "urn": {"type": "string", "description": "URN of the resource, as the violation names it."},
                "reason": {"type": "string", "minLength": SHORTEST_REASON, "description": "Why it is excused."},
                "expires": {"type": "string", "format": "date", "description": "The last day it is, YYYY-MM-DD."},
            },
        },
    }
}


@dataclass(frozen=True)
class Limit:
    """Something to set on a rule."""

    name: str
    description: str
    kind: Literal["integer", "array"]
    dev: Any
    prod: Any
    minimum: int = 0

    @property
    def schema(self) -> dict[str, Any]:
        """As JSON schema. It names no default: that is the environment's."""
        made: dict[str, Any] = {"type": self.kind, "description": self.description}
        return {**made, **({"minimum": self.minimum} if self.kind == "integer" else {"items": {"type": "string"}})}

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, if anything is."""
        if self.kind == "array":
            listed = cast("list[Any]", value) if isinstance(value, list) else [None]
            right = all(isinstance(it, str) and it for it in listed)
            return None if right else f"{self.name}: {value!r} is no list of strings"
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        right = number is not None and number == int(number) and number >= self.minimum
        return None if right else f"{self.name}: {value!r} is no whole number from {self.minimum}"


@dataclass(frozen=True)
class Waiver:
    """A resource that is excused until a day."""

    urn: str
    reason: str
    expires: datetime.date


@dataclass(frozen=True)
class Configured:
    """A rule's configuration, its defaults filled in."""

    limits: dict[str, Any]
    waivers: list[Waiver] = field(default_factory=list[Waiver])
    problems: list[str] = field(default_factory=list[str])
    """What is wrong with it; what is wrong is not used."""


def configured(
    rule_id: str,
    given: Mapping[str, Any],
    limits: tuple[Limit, ...],
    environment: Literal["dev", "prod"],
    *,
    waivable: bool,
) -> Configured:
    """Hold what is given against a rule's schema."""
    known = {it.name: it for it in limits}
    made = Configured({it.name: it.dev if environment == "dev" else it.prod for it in limits})
    for key, value in given.items():
        if key in known:
            problem = known[key].problem(value)
            if problem is None:
                made.limits[key] = value
            else:
                made.problems.append(problem)
        elif key != "waivers":
            allowed = ", ".join([*known, *(["waivers"] if waivable else [])]) or "none"
            made.problems.append(f"{key}: unknown; allowed: {allowed}")
        elif not waivable:
            if value:
                made.problems.append(f"waivers: {rule_id} cannot be waived; fix what it objects to")
        else:
            _waive(made, value)
    return made


def _waive(made: Configured, given: Any) -> None:
    if not isinstance(given, list):
        made.problems.append(f"waivers: {given!r} is no list")
        return
    for index, waiver in enumerate(cast("list[Any]", given)):
        where = f"waivers[{index}]"
        if not isinstance(waiver, Mapping):
            made.problems.append(f"{where}: {waiver!r} is no object with urn, reason and expires")
            continue
        fields = cast("Mapping[str, Any]", waiver)
        problems = [
            f"{where}.{key}: unknown; allowed: urn, reason, expires" for key in fields.keys() - Waiver.__annotations__
        ]
        urn, reason, expires = (fields.get(key) for key in ("urn", "reason", "expires"))
        if not isinstance(urn, str) or not urn.startswith("urn:pulumi:"):
            problems.append(f"{where}.urn: {urn!r} is no URN of a resource; the violation names it")
        if not isinstance(reason, str) or len(reason.strip()) < SHORTEST_REASON:
            problems.append(
                f"{where}.reason: {reason!r}; say in {SHORTEST_REASON} characters or more why it is excused"
            )
        day = _day(expires)
        if day is None:
            problems.append(f"{where}.expires: {expires!r} is no day; write it as 2027-01-31")
        if problems:
            made.problems.extend(problems)
        elif isinstance(urn, str) and isinstance(reason, str) and day is not None:
            made.waivers.append(Waiver(urn, reason, day))


def _day(text: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None
