"""What looks like a secret in plain text. Pure; the policy pack, a stack's config and the tests all ask here.

What is said of it never holds the value: whoever prints it may keep it.
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(
    r"passw(or)?d|"
    r"(^|[_-])(passphrase|pwd|secret|token|credentials?|dsn|connection_?string|"
    r"(api|access|private|secret|signing|encryption|master)_?key)s?($|[_-])|"
    r"(^|[_-])pass$",
    re.IGNORECASE,
)
_KINDS: Final = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    # `$PASSWORD` and `${PASSWORD}` are a shell's, which finds the value elsewhere.
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:(?!\$[A-Za-z_{])[^/\s@]+@", re.IGNORECASE),
}
_HARMLESS: Final = re.compile(
    r"(arn:[a-z-]+:(secretsmanager|ssm|kms):\S*|true|false|\d{0,4}|/[\w./-]+|https?://[^\s@?#]+)", re.IGNORECASE
)
"""What a variable with a secret's name may hold: where the secret is, a flag, a small number, a path, an address."""


def secret_in(text: str) -> str | None:
    """The kind of secret that a text looks like, or holds."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), None)


def secret_variable(name: str, value: str) -> str | None:
    """Why a variable of this name looks as if this value were a secret; None where it does not."""
    kind = secret_in(value)
    if kind is not None:
        return f"holds what looks like {kind}"
    if value and _NAME.search(_spaced(name)) and not _HARMLESS.fullmatch(value):
        return "is named like a secret and holds a value"
    return None


def _spaced(name: str) -> str:
    """`dbToken` → `db_Token`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
