"""What looks like a secret in plain text. Pure; the components, a stack's config and the policy pack all ask here.

What is said of it never holds the value: whoever prints it may keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

NOT_SECRET_LABEL: Final = "fargate-job-launcher.not-secret"  # noqa: S105 - it says what is none
"""Docker label of a container that says, as a JSON list, what of it is no secret: a launcher's `not_secret`, for who
judges the task definition alone."""

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


@dataclass(frozen=True)
class Look:
    """A text of a container that looks like a secret."""

    part: str
    """Of the container's definition: `environment`, or what its words were called."""
    at: str | int
    """Name of the variable, or number of the word."""
    looks: str
    """What it does that a secret does; never its value."""

    @property
    def name(self) -> str:
        """What names it where it is none."""
        return self.at if isinstance(self.at, str) else self.part


def secrets_of(
    variables: Iterable[tuple[str, Any]], words: Mapping[str, Sequence[str]], not_secret: Iterable[str]
) -> Iterator[Look]:
    """Each text of a container that looks like a secret: its variables, and the words of its command and the like by
    what the caller calls these. What is named under `not_secret` is none; what is no text is not known yet."""
    fine = set(not_secret)
    for name, value in variables:
        looks = secret_variable(name, value) if isinstance(value, str) and name not in fine else None
        if looks is not None:
            yield Look("environment", name, looks)
    for part, listed in words.items():
        for number, word in enumerate(listed if part not in fine else ()):
            looks = _secret_word(word)
            if looks is not None:
                yield Look(part, number, looks)


def not_secret_label(names: Sequence[str]) -> dict[str, str]:
    """The Docker labels of a container of which this is no secret; none where nothing has to be said."""
    return {NOT_SECRET_LABEL: json.dumps(sorted(set(names)), separators=(",", ":"))} if names else {}


def labelled_not_secret(labels: Mapping[str, Any]) -> list[str]:
    """What a container's Docker labels say is no secret; nothing where they say it in another way."""
    try:
        names = json.loads(labels.get(NOT_SECRET_LABEL, "[]"))
    except (TypeError, ValueError):
        return []
    return [it for it in cast("list[Any]", names) if isinstance(it, str)] if isinstance(names, list) else []


_ASSIGNED: Final = re.compile(r"(?:^|[\s;'\"])-{0,2}([A-Za-z_][\w-]*)=([^\s;'\"]+)")
"""NAME=value and --name=value in a command."""


def _secret_word(word: str) -> str | None:
    kind = secret_in(word)
    if kind is not None:
        return f"holds what looks like {kind}"
    for name, value in _ASSIGNED.findall(word):
        # A shell finds the value elsewhere.
        if not value.startswith("$") and secret_variable(name.replace("-", "_"), value) is not None:
            return f"gives {name}, which is named like a secret, a value"
    return None
