"""IAM's patterns as regular expressions of z3, and Python's strings as z3's.

`*` is any text and `?` any one character. In an ARN condition each of the six parts is matched by itself:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce
from itertools import pairwise
from typing import Any, Final

import z3

_STRINGS: Final = z3.StringSort()
_ANY: Final = z3.AllChar(z3.ReSort(_STRINGS))
_PARTS: Final = 6


def string(text: str) -> Any:
    """A constant. z3 reads an escape such as \\u{41} in a text, IAM does not."""
    escaped = "".join(it if " " <= it <= "~" and it != "\\" else f"\\u{{{ord(it):x}}}" for it in text)
    return z3.StringVal(escaped)


def plain(value: Any) -> str:
    """The text of a constant."""
    return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda it: chr(int(it[1], 16)), value.as_string())


def wildcard(pattern: str, *, ignoring_case: bool = False, within_parts: bool = False) -> Any:
    """A pattern of `*` and `?`; `${*}`, `${?}` and `${$}` are the characters themselves.

    `within_parts`: the wildcards of the first five parts of an ARN match no colon.
    """
    made: list[Any] = []
    colons = 0
    for text, is_wildcard in pieces(pattern):
        if not is_wildcard:
            colons += text.count(":")
            made.append(exactly(text, ignoring_case=ignoring_case))
            continue
        one = _NO_COLON if within_parts and colons < _PARTS - 1 else _ANY
        made.append(z3.Star(one) if text == "*" else one)
    return joined(made)


def exactly(text: str, *, ignoring_case: bool = False) -> Any:
    """A regular expression for one text."""
    if not ignoring_case:
        return z3.Re(string(text))
    return joined([_either_case(it) for it in text])


def equals(term: Any, text: str) -> Any:
    """That a text is this one. z3 is slow where `!=` and regular expressions meet, and fast with these alone."""
    return z3.InRe(term, z3.Re(string(text)))


def beginning(text: str) -> Any:
    """A regular expression for every text that begins so."""
    return z3.Concat(z3.Re(string(text)), z3.Star(_ANY))


def joined(parts: list[Any]) -> Any:
    """One after the other."""
    return reduce(z3.Concat, parts) if parts else z3.Re(string(""))


def crosses(pattern: str) -> bool:
    """Whether a `*` of a resource's pattern stands inside a part of the ARN, not at its end. One at the end of a part
    matches a colon too; of one inside, AWS does not say whether it does.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    found = list(pieces(":".join(pattern.split(":", _PARTS - 1)[: _PARTS - 1]) + ":"))
    return any(wild and text == "*" and not after.startswith(":") for (text, wild), (after, _) in pairwise(found))


def has_variable(text: str) -> bool:
    """Whether a text contains a policy variable, such as ${aws:username}."""
    return re.search(r"\$\{[^*?$}]", text) is not None


def unescaped(text: str) -> str:
    """A text in which ${*}, ${?} and ${$} are the characters themselves."""
    return re.sub(r"\$\{([*?$])\}", r"\1", text)


def is_wild(pattern: str) -> bool:
    """Whether a pattern has a wildcard."""
    return any(wild for _, wild in pieces(pattern))


def pieces(pattern: str) -> Iterator[tuple[str, bool]]:
    """The pattern's plain texts and its wildcards, in turn."""
    for it in re.split(r"(\$\{[*?$]\}|[*?])", pattern):
        if it:
            yield (it, True) if it in ("*", "?") else (unescaped(it), False)


def _either_case(character: str) -> Any:
    forms = sorted({character, character.lower(), character.upper()})
    single = [z3.Re(string(it)) for it in forms]
    return single[0] if len(single) == 1 else z3.Union(*single)


_COLON: Final = z3.Re(z3.StringVal(":"))
_NO_COLON: Final = z3.Intersect(_ANY, z3.Complement(_COLON))
"""Any one character but a colon."""

SOMETHING: Final = z3.Plus(_ANY)
"""Any text but the empty one."""
