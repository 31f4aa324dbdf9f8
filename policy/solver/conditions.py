"""The condition operators of IAM, on a request's variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

import z3
from fargate_job_launcher.policies.documents import Condition

from .patterns import equals, exactly, has_variable, unescaped, wildcard
from .request import Key, Request, one_value
from .three import TRUE, Three, every, known, some, unknown

_NEGATED: Final = {
    **{f"{kind}not{how}": f"{kind}{how}" for kind in ("string", "arn") for how in ("equals", "like")},
    "stringnotequalsignorecase": "stringequalsignorecase",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
}
"""Operator → the one that it negates: it holds if no value of the policy matches, and without the key."""
_COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "equals": lambda a, b: a == b,
    "lessthan": lambda a, b: a < b,
    "lessthanequals": lambda a, b: a <= b,
    "greaterthan": lambda a, b: a > b,
    "greaterthanequals": lambda a, b: a >= b,
}
_ARN_PARTS: Final = 6


def holds(condition: Condition, request: Request) -> Three:
    """Whether a request satisfies a condition."""
    key = request.key(condition.key)
    if condition.operator == "null":
        return _null(condition, key)
    negated = condition.operator in _NEGATED
    operator: str = _NEGATED.get(condition.operator, condition.operator)
    absent = condition.if_exists or (negated and not condition.quantifier)

    def matches(number: int) -> Three:
        found = some(_matches(operator, value, key, number, request) for value in condition.values)
        return ~found if negated else found

    each = [(known(used), matches(number)) for number, used in enumerate(key.used)]
    if condition.quantifier == "all":
        return every(~used | match for used, match in each)
    found = some(used & match for used, match in each)
    found = found | known(z3.Not(key.present)) if absent else found
    if not key.several or condition.quantifier:
        return found
    # AWS asks for ForAllValues or ForAnyValue, and does not say what happens to several values without.
    open_ = unknown(f"{condition.operator} on {key.name}, which may have several values")
    return (known(one_value(key)) & found) | (known(z3.Not(one_value(key))) & open_)


def _null(condition: Condition, key: Key) -> Three:
    wanted = {it.lower() for it in condition.values}
    if condition.quantifier or condition.if_exists or not wanted <= {"true", "false"}:
        return unknown(f"Null on {key.name} with a quantifier, IfExists or {', '.join(condition.values)}")
    if len(wanted) == 2:
        return TRUE
    return known(z3.Not(key.present) if wanted == {"true"} else key.present)


def _matches(operator: str, value: str, key: Key, number: int, request: Request) -> Three:
    """Whether a value of the request matches a value of the policy."""
    if operator.startswith(("numeric", "date")):
        return _number(operator, value, key)
    if operator == "ipaddress":
        return _address(value, key)
    text = key.values[number]
    if key.number is not None:
        return unknown(f"{operator} on {key.name}, whose type is {key.kind}: AWS does not say how it is written")
    if operator == "bool":
        return known(z3.InRe(text, exactly(value, ignoring_case=True)))
    if operator in ("stringequals", "stringequalsignorecase"):
        return _equal(value, text, request, ignoring_case=operator.endswith("case"))
    if operator not in ("stringlike", "arnequals", "arnlike"):
        return unknown(f"the operator {operator}")
    if has_variable(value):
        return unknown(f"the policy variable in {value}")
    if operator == "stringlike":
        return known(z3.InRe(text, wildcard(value)))
    if value.count(":") < _ARN_PARTS - 1:
        return unknown(f"{operator} with {value}: AWS does not say what an ARN of fewer than six parts matches")
    return known(z3.InRe(text, wildcard(value, within_parts=True)))


def _equal(value: str, text: Any, request: Request, *, ignoring_case: bool) -> Three:
    if not has_variable(value):
        if ignoring_case:
            return known(z3.InRe(text, exactly(unescaped(value), ignoring_case=True)))
        return known(equals(text, unescaped(value)))
    inner = value[2:-1]
    if ignoring_case or value[:2] != "${" or value[-1:] != "}" or not set(inner.lower()) <= _NAME:
        return unknown(f"the policy variable in {value}")
    other = request.key(inner.lower())
    if other.several or other.number is not None:
        return unknown(f"the policy variable in {value}")
    # A variable without a value matches nothing.
    return known(z3.And(other.present, text == other.values[0]))


_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789:/-_.")
"""Characters of a policy variable that is only a key's name, without a default."""


def _number(operator: str, value: str, key: Key) -> Three:
    kind, compared = ("Date", operator[4:]) if operator.startswith("date") else ("Numeric", operator[7:])
    constant = _moment(value) if kind == "Date" else _decimal(value)
    if key.kind != kind or constant is None or compared not in _COMPARED:
        return unknown(f"{operator} {value} on {key.name}, whose type is {key.kind}")
    return known(_COMPARED[compared](key.number, z3.RealVal(str(constant))))


def _decimal(value: str) -> Fraction | None:
    return Fraction(value) if re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII) else None


def _moment(value: str) -> Fraction | None:
    """Seconds since 1970 of a date of ISO 8601, or of such a number."""
    if value.isdecimal():
        return Fraction(value)
    try:
        read = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=datetime.UTC)
    return Fraction(aware.timestamp())


def _address(value: str, key: Key) -> Three:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return unknown(f"ipaddress {value} on {key.name}")
    if key.kind != "IPAddress" or network.version == 6:
        return unknown(f"ipaddress {value} on {key.name}")
    mask, base = ~0xFFFFFFFF | int(network.netmask), int(network.network_address)
    return known(key.number & mask == base)
