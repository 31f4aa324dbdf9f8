"""The configuration of a rule: limits per environment and waivers, each with its JSON schema, and checked against it.

Pulumi passes the settings of `--policy-pack-config` or of the policy group; without them, the defaults apply.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from .stack import INSIDE

RENEWED: Final = "fix the violation and remove the waiver, or renew it"
"""What to do about a waiver whose last day is over."""
SHORTEST_REASON: Final = 10
"""The fewest characters of a waiver's reason: a later reader has to understand it."""

WAIVERS: Final[dict[str, dict[str, Any]]] = {
    "waivers": {
        "type": "array",
        "description": "Resources that are exempt from the rule, each until a date.",
        "default": [],
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["urn", "reason", "expires"],
            "properties": {
                "urn": {"type": "string", "description": "URN of the resource, as the violation names it."},
                "reason": {"type": "string", "minLength": SHORTEST_REASON, "description": "Why it is exempt."},
                "expires": {
                    "type": "string",
                    "format": "date",
                    "description": "The last day of the waiver, YYYY-MM-DD.",
                },
            },
        },
    }
}


@dataclass(frozen=True)
class Limit:
    """A setting of a rule."""

    name: str
    description: str
    kind: Literal["integer", "array"]
    dev: Any
    prod: Any
    minimum: int = 0

    @property
    def schema(self) -> dict[str, Any]:
        """The setting as JSON schema, without a default: that depends on the environment."""
        made: dict[str, Any] = {"type": self.kind, "description": self.description}
        return {**made, **({"minimum": self.minimum} if self.kind == "integer" else {"items": {"type": "string"}})}

    def problem(self, value: Any) -> str | None:
        """The problem with a value; None if it is valid."""
        if self.kind == "array":
            listed = cast("list[Any]", value) if isinstance(value, list) else [None]
            right = all(isinstance(it, str) and it for it in listed)
            return None if right else f"{self.name}: {value!r} is not a list of strings"
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        right = number is not None and number == int(number) and number >= self.minimum
        return None if right else f"{self.name}: {value!r} is not a whole number of at least {self.minimum}"


BOUNDARIES: Final = Limit(
    "boundaries",
    "Managed policies (URN, ARN or name) that only other stacks use, and only as permissions boundaries: they grant "
    "nothing. One that a role of this stack has as its boundary need not be named.",
    "array",
    [],
    [],
)
DEPLOYERS: Final = Limit(
    "deployers",
    "Roles and users (URN, ARN or name) that deploy: they may register task definitions, update services and code, and "
    "pass the roles that they name.",
    "array",
    [],
    [],
)
PUBLIC: Final = Limit(
    "public",
    "Resources (URN, ARN or name) of a web service that is meant for everyone.",
    "array",
    [],
    [],
)


@dataclass(frozen=True)
class Waiver:
    """A resource that is exempt from a rule until a date."""

    urn: str
    reason: str
    expires: datetime.date

    @property
    def over(self) -> str:
        """The message about a waiver whose last day is over."""
        return f"the waiver ({self.reason}) expired on {self.expires}"


@dataclass(frozen=True)
class Configured:
    """A rule's configuration, with defaults for what is not set."""

    limits: dict[str, Any]
    waivers: list[Waiver] = field(default_factory=list[Waiver])
    problems: list[str] = field(default_factory=list[str])
    """Its problems. A wrong setting is not used."""

    def waived(self, finding: str, today: datetime.date) -> bool:
        """Whether a finding is waived, by its URN or by that of the resource that holds what it is about."""
        named = {finding, finding.partition(INSIDE)[0]}
        return any(it.urn in named and it.expires >= today for it in self.waivers)

    def expired(self, today: datetime.date) -> list[Waiver]:
        """The waivers whose last day is over."""
        return [it for it in self.waivers if it.expires < today]


def configured(
    rule_id: str,
    given: Mapping[str, Any],
    limits: tuple[Limit, ...],
    environment: Literal["dev", "prod"],
    *,
    waivable: bool,
) -> Configured:
    """Check the settings of a rule against its schema."""
    known = {it.name: it for it in limits}
    made = Configured({it.name: it.dev if environment == "dev" else it.prod for it in limits})
    for key, value in given.items():
        if key in known:
            problem = known[key].problem(value)
            if problem is None:
                made.limits[key] = value
            else:
                made.problems.append(problem)
        elif key == "enforcementLevel" and not waivable:
            made.problems.append(f"enforcementLevel: {value}; {rule_id} is always mandatory; remove the setting")
        elif key != "waivers":
            allowed = ", ".join([*known, *(["waivers"] if waivable else [])]) or "none"
            made.problems.append(f"{key}: unknown; allowed: {allowed}")
        elif not waivable:
            if value:
                made.problems.append(f"waivers: {rule_id} cannot be waived; fix the violation")
        else:
            _waive(made, value)
    return made


def _waive(made: Configured, given: Any) -> None:
    if not isinstance(given, list):
        made.problems.append(f"waivers: {given!r} is not a list")
        return
    for index, waiver in enumerate(cast("list[Any]", given)):
        where = f"waivers[{index}]"
        if not isinstance(waiver, Mapping):
            made.problems.append(f"{where}: {waiver!r} is not an object with urn, reason and expires")
            continue
        fields = cast("Mapping[str, Any]", waiver)
        problems = [
            f"{where}.{key}: unknown; allowed: urn, reason, expires" for key in fields.keys() - Waiver.__annotations__
        ]
        urn, reason, expires = (fields.get(key) for key in ("urn", "reason", "expires"))
        if not isinstance(urn, str) or not urn.startswith("urn:pulumi:"):
            problems.append(f"{where}.urn: {urn!r} is not the URN of a resource; copy it from the violation")
        if not isinstance(reason, str) or len(reason.strip()) < SHORTEST_REASON:
            problems.append(
                f"{where}.reason: {reason!r} does not explain the waiver; write {SHORTEST_REASON} characters or more"
            )
        day = _day(expires)
        if day is None:
            problems.append(f"{where}.expires: {expires!r} is not a date; write it as 2027-01-31")
        if problems:
            made.problems.extend(problems)
        elif isinstance(urn, str) and isinstance(reason, str) and day is not None:
            made.waivers.append(Waiver(urn, reason, day))


def _day(text: Any) -> datetime.date | None:
    try:
        day = datetime.date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    # Python also reads weeks and dates without hyphens.
    return day if day is not None and day.isoformat() == text else None
