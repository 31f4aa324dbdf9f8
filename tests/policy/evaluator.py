"""IAM's evaluation of one request, written straight from AWS's pages: the solver is compared with it.

It reads a policy's JSON by itself. Policy variables and operators that it does not have raise NotSpecified.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

Context = Mapping[str, "str | list[str]"]
SEVERAL = {"aws:tagkeys", "dynamodb:leadingkeys"}
"""The keys of these tests that may have several values."""


class NotSpecified(Exception):
    """AWS's pages do not say, or it is not written here."""


def allows(
    policies: Sequence[Mapping[str, Any]], limits: Sequence[Mapping[str, Any]], action: str, arn: str, context: Context
) -> bool:
    """Whether a principal's policies, within its limits, allow a request."""
    context = {key.lower(): value for key, value in context.items()}

    def has(policy: Mapping[str, Any], effect: str) -> bool:
        # Every statement is read, so that a condition without a specification is never overlooked.
        applying = [_applies(it, action, arn, context) and it["Effect"] == effect for it in policy["Statement"]]
        return any(applying)

    denied = [has(it, "Deny") for it in (*policies, *limits)]
    granted = [has(it, "Allow") for it in policies]
    within = [has(it, "Allow") for it in limits]
    return any(granted) and all(within) and not any(denied)


def _applies(statement: Mapping[str, Any], action: str, arn: str, context: Context) -> bool:
    return all(
        [
            _element(statement, "Action", lambda it: like(it.lower(), action.lower())),
            _element(statement, "Resource", lambda it: like(it, arn)),
            *(
                _condition(operator, key.lower(), [str(it) for it in _listed(values)], context)
                for operator, block in statement.get("Condition", {}).items()
                for key, values in block.items()
            ),
        ]
    )


def _element(statement: Mapping[str, Any], name: str, fits: Any) -> bool:
    if name in statement:
        return any(fits(it) for it in _listed(statement[name]))
    return not any(fits(it) for it in _listed(statement[f"Not{name}"]))


def _condition(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    if_exists = rest.endswith("IfExists")
    name = rest.removesuffix("IfExists")
    values = [it for it in _listed(context.get(key, [])) if it]
    if name == "Null":
        return (not values) == (wanted[0] == "true")
    negated = "Not" in name
    if not values:
        return if_exists or quantifier == "ForAllValues" or (negated and not quantifier)
    if len(values) > 1 and not quantifier:
        raise NotSpecified(f"{operator} on several values of {key}")
    each = [_matches(name.replace("Not", ""), it, wanted) is not negated for it in values]
    return all(each) if quantifier == "ForAllValues" else any(each)


def _matches(name: str, value: str, wanted: list[str]) -> bool:
    found = [_one(name, value, it) for it in wanted]
    return any(found)


def _one(name: str, value: str, wanted: str) -> bool:
    if name == "StringEquals":
        return value == wanted
    if name == "StringEqualsIgnoreCase":
        return value.lower() == wanted.lower()
    if name == "StringLike":
        return like(wanted, value)
    if name in ("ArnEquals", "ArnLike"):
        parts, given = wanted.split(":", 5), value.split(":", 5)
        if len(parts) < 6:
            raise NotSpecified(f"{name} with {wanted}")
        return len(given) == 6 and all(like(one, other) for one, other in zip(parts, given, strict=True))
    if name == "Bool":
        return value.lower() == wanted.lower()
    if name == "IpAddress":
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted)
    if name.startswith("Numeric"):
        a, b = float(value), float(wanted)
        how = name.removeprefix("Numeric")
        return {
            "Equals": a == b,
            "LessThan": a < b,
            "LessThanEquals": a <= b,
            "GreaterThan": a > b,
            "GreaterThanEquals": a >= b,
        }[how]
    raise NotSpecified(name)


def like(pattern: str, text: str) -> bool:
    """Whether a pattern of `*` and `?` matches a text."""
    if "${" in pattern:
        raise NotSpecified(pattern)
    regex = "".join({"*": ".*", "?": "."}.get(it) or re.escape(it) for it in pattern)
    return re.fullmatch(regex, text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
