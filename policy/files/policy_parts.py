"""A policy document of which a file does not tell every value: its known part, and statements that nobody can judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from .declared import ACCOUNT, NOT_KNOWN, REGION, has_unknown, listed, mapping


def split(document: Any) -> list[tuple[str, Any]]:
    """A policy document as documents that grant the same together: one of all that is known, and one of each statement
    with an unknown value, with a suffix for its name. The rules then judge what is known, and name the others."""
    if document == NOT_KNOWN or not isinstance(document, dict) or not has_unknown(document):
        return [("", document)]
    whole = cast("dict[str, Any]", document)
    key = _key(whole, "statement")
    statements = listed(whole.get(key))
    certain = known_part(whole)
    parts: list[tuple[str, Any]] = [("", certain)] if certain is not None else []
    for number, it in enumerate(statements):
        if has_unknown(_without_sid(it)):
            parts.append((f".Statement[{number}]" if parts or number else "", {**whole, key: [it]}))
    return parts or [("", whole)]


def known_part(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """A policy document of what is known of each statement; None if that is nothing.

    Of a list of actions, resources or principals each known element is granted, whatever the others are. A condition
    that compares with an unknown value is taken for one that compares with the right value. What an exclusion
    (NotAction) or an effect that is not known does to a statement nobody knows.
    """
    key = _key(document, "statement")
    made = [it for it in map(_known_statement, listed(document.get(key))) if it is not None]
    rest = {name: it for name, it in document.items() if name != key and not has_unknown(it)}
    return {**rest, key: made} if made else None


_WIDENING: Final = ("action", "resource", "principal")


def _known_statement(statement: Any) -> Any:
    if not has_unknown(statement):
        return statement
    made: dict[str, Any] = {}
    for name, value in mapping(_without_sid(statement)).items():
        kept = value
        if name.lower() in _WIDENING:
            kept = _known_elements(value)
        elif name.lower() == "condition":
            kept = {operator: _compared(operator.lower(), keys) for operator, keys in mapping(value).items()}
        if kept is None or has_unknown(kept):
            return None
        made[name] = kept
    return made or None


def _known_elements(value: Any) -> Any:
    """The known elements of a list, also of the lists of an object; None if there is none."""
    if isinstance(value, dict):
        kept = {key: _known_elements(it) for key, it in cast("dict[str, Any]", value).items()}
        return {key: it for key, it in kept.items() if it is not None} or None
    if isinstance(value, list):
        return [it for it in cast("list[Any]", value) if not has_unknown(it)] or None
    return None if value == NOT_KNOWN else value


def _compared(operator: str, keys: Any) -> Any:
    """The keys of a condition, with a value that fits in place of each that is not known."""
    if not operator.rpartition(":")[2].startswith(("string", "arn")) or "not" in operator:
        return keys
    return {
        key: [_FITTING.get(key.lower(), _ANY_ARN) if it == NOT_KNOWN else it for it in listed(values)]
        for key, values in mapping(keys).items()
    }


_ANY_ARN: Final = f"arn:aws:unknown:{REGION}:{ACCOUNT}:unknown"
_FITTING: Final = {
    "iam:passedtoservice": "ecs-tasks.amazonaws.com",
    **dict.fromkeys(("aws:sourceaccount", "aws:principalaccount", "aws:resourceaccount"), ACCOUNT),
}


def _without_sid(statement: Any) -> Any:
    """A statement without a Sid that is not known: it changes nothing."""
    if not isinstance(statement, dict):
        return statement
    given = cast("dict[str, Any]", statement)
    return {name: it for name, it in given.items() if name.lower() != "sid" or not has_unknown(it)}


def _key(given: Mapping[str, Any], name: str) -> str:
    return next((it for it in given if it.lower() == name), "")
