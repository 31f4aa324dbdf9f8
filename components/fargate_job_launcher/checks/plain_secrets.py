"""Finds plain text that looks like a secret. Pure; the components, a stack's config and the policy pack use it.

A text is recognized by its form (a key that AWS or GitHub issues), by its name (`DB_PASSWORD`), or by a part of it:
`Password=…` in a connection string, `--token …` in a command, `"password": …` in JSON.

A message never contains the value: a log may keep it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

NOT_SECRET_LABEL: Final = "fargate-job-launcher.not-secret"  # noqa: S105 - a label's name
"""Docker label of a container with a JSON list of what is not a secret: a launcher's `not_secret`, for tools that see
the task definition only."""

_NAME: Final = re.compile(
    r"passw(or)?d|"
    r"(^|[_-])(passphrase|pwd|secret|token|credentials?|dsn|connection_?string|"
    r"(account|api|access|app|auth|encryption|hmac|license|master|private|secret|shared|signing|stripe|webhook)_?key"
    r")s?($|[_-])|"
    r"(^|[_-])(db|user)?pass$|[_-]pat$",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"^(ask|disable|enable|max|min|no|num|require|skip|use|with|without)[_-]|"
    r"[_-](arn|count|days|enabled|env|expiry|file|header|host|hours|length|minutes|name|path|policy|prefix|region|"
    r"seconds|stdin|ttl|type|ur[il])$",
    re.IGNORECASE,
)
"""Names of something about a secret, not of a secret: SECRET_NAME, TOKEN_EXPIRY_SECONDS, --no-password."""
_SECRET_ID: Final = re.compile(r"secret_?id$", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""A secret in Vault; in Secrets Manager it is the secret's name or ARN."""

# Forms: each vendor's own pages, as gitleaks collects them:
# https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
_KINDS: Final = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "an AWS secret key": re.compile(
        r"(?<![\w/+=.-])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])(?=[A-Za-z/+]*\d)(?!/)[A-Za-z0-9/+]{40}(?![\w/+=.-])"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAGE-SECRET-KEY-1"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})\b"),
    "a token of GitLab": re.compile(r"\bgl(pat|dt|rt|ptt|soat)-[\w-]{20,}"),
    "a token of Slack": re.compile(
        r"\bx(ox[abeprs]|app)-[A-Za-z0-9-]{10,}|\bhooks\.slack\.com/(services|workflows)/\w"
    ),
    "a key of Stripe": re.compile(r"\b([sr]k_(live|test)|whsec)_[A-Za-z0-9]{10,}"),
    "a key of Google": re.compile(r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}"),
    "a key of SendGrid": re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    "a key of an AI service": re.compile(r"\bsk-(?=[\w-]*\d)[\w-]{20,}|\bhf_[A-Za-z]{30,}"),
    "a token of a package index": re.compile(r"\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{40,}|\bdckr_pat_[\w-]{20,}"),
    "a token of Vault": re.compile(r"\bhv[sb]\.[\w-]{20,}"),
    "a token of a cloud service": re.compile(
        r"\bdop_v1_[0-9a-f]{64}|\bdapi[0-9a-f]{32}|\bshp(at|ca|pa|ss)_[0-9a-f]{32}"
    ),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    # `$PASSWORD` and `${PASSWORD}` are variables of a shell, not the value.
    "a password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:(?!\$[A-Za-z_{])[^/\s@]+@", re.IGNORECASE),
    "a token in a URL": re.compile(r"\bhttps?://(?!\$)[^/\s:@?#]{20,}@", re.IGNORECASE),
    "a signed URL": re.compile(r"[?&](sig|X-Amz-Signature)=(?![${<])\w"),
    "an Authorization header": re.compile(
        r"(\bauthorization['\"]?\s*[:=]\s*['\"]?|^)(bearer|basic|token)\s+(?=\S*\d|\S{16})(?![${<])\S{8,}",
        re.IGNORECASE,
    ),
}
_ARN: Final = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:[^\s\"',;?@]*")
_HARMLESS: Final = re.compile(
    r"(arn:[a-z-]+:(secretsmanager|ssm|kms):\S*|true|false|none|null|\d{0,4}|/[\w./-]+|https?://[^\s@?#]+)",
    re.IGNORECASE,
)
"""What a variable with a secret's name may hold: the secret's address, a flag, a small number, a path, a URL."""

_GIVEN: Final = re.compile(
    # The name: a word of an option, a query, a property or a connection string, or a key of JSON.
    r"(?:^|[\s;,&?'\"{(:/\\-])(?P<name>[A-Za-z_][\w.-]*)"
    r"(?:=|\\?['\"]\s*:\s*)"
    # The value: the text in quotes, or up to the next separator. A lookahead, as the value may have names of its own.
    r"(?=\\?\"(?P<double>[^\"\\]*)|'(?P<single>[^']*)|(?P<bare>[^\s;,&'\")}]*))"
)
_OPTION: Final = re.compile(r"--?(?P<name>[A-Za-z][\w.-]*)")
_ELSEWHERE: Final = ("$", "{", "<", "[", "=")
"""The beginning of a value that is a placeholder, for a shell, a template or a reader, or is not a value."""

_PROGRAMS: Final = (
    re.compile(r"\bcurl\b[^|;&]*\s(-u|--user)[\s=]*['\"]?[^\s:'\"]+:(?!\$)[^\s'\"]"),
    re.compile(r"\b(mysql|mysqldump|mysqladmin|mariadb)\b[^|;&]*\s-p(?!\$)[^\s'\"]"),
)
"""Options that pass a password without its name: `curl -u me:…`, `mysql -p…`."""


def secret_in(text: str) -> str | None:
    """The kind of secret whose form a text has or contains; None if it has none."""
    # An ARN names things, and part of it can be as long as a key.
    named = _ARN.sub("arn", text)
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(named)), None)


def secret_text(text: str) -> str | None:
    """Why a text looks as if it held a secret, by its form or by a name in it; None if it does not."""
    kind = secret_in(text)
    if kind is not None:
        return f"holds what looks like {kind}"
    named = next((name for name, value in _given(text) if _is_secret(name, value)), None)
    return None if named is None else f"gives {named}, which is named like a secret, a value"


def secret_variable(name: str, value: str) -> str | None:
    """Why this value of a variable looks like a secret; None if it does not."""
    named = "is named like a secret and holds a value" if _is_secret(name, value) else None
    return secret_text(value) or named


def secret_words(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Number of each word of a command that looks like a secret, and why."""
    option = ""
    for number, word in enumerate(words):
        looks = secret_text(word)
        if looks is None and not word.startswith("-") and _is_secret(option, word):
            looks = f"gives {option}, which is named like a secret, a value"
        if looks is None and (_in_options(word) or _joined(words, number)):
            looks = "gives a program a password"
        if looks is not None:
            yield number, looks
        found = _OPTION.fullmatch(word)
        option = found["name"] if found else ""


def _joined(words: Sequence[str], number: int) -> bool:
    """Whether this word of the command passes a password to a program."""
    with_it, without = " ".join(words[: number + 1]), " ".join(words[:number])
    return any(it.search(with_it) and not it.search(without) for it in _PROGRAMS)


def _in_options(line: str) -> bool:
    """Whether a shell's command line has `--name value` with a secret."""
    words = re.findall(r"\"[^\"]*\"|'[^']*'|[^\s;|&]+", line)
    options = ((_OPTION.fullmatch(option), value) for option, value in pairwise(words))
    return any(it and not value.startswith("-") and _is_secret(it["name"], value.strip("'\"")) for it, value in options)


def _given(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each `name=value` and `"name": "value"` in a text."""
    for it in _GIVEN.finditer(text):
        values: tuple[Any, ...] = it.group("double", "single", "bare")
        yield it["name"], next(value for value in values if value is not None)


def _is_secret(name: str, value: str) -> bool:
    plain = _spaced(name.rpartition(".")[2]).replace("-", "_")
    if _NAME.search(plain) is None or _ABOUT.search(plain) or (_SECRET_ID.search(plain) and not _UUID.fullmatch(value)):
        return False
    return value != "" and not value.startswith(_ELSEWHERE) and _HARMLESS.fullmatch(value) is None


def _spaced(name: str) -> str:
    """`dbToken` → `db_Token`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


@dataclass(frozen=True)
class Look:
    """A text of a container that looks like a secret."""

    part: str
    """Part of the container definition: `environment`, or the caller's name of a list of words."""
    at: str | int
    """Name of the variable, or number of the word."""
    looks: str
    """Why it looks like a secret; never its value."""

    @property
    def name(self) -> str:
        """Its entry under `not_secret`, if it is not a secret."""
        return self.at if isinstance(self.at, str) else self.part


def secrets_of(
    variables: Iterable[tuple[str, Any]], words: Mapping[str, Sequence[str]], not_secret: Iterable[str]
) -> Iterator[Look]:
    """Each text of a container that looks like a secret: its variables, and the words of its command and other lists,
    by the caller's names of these. Names under `not_secret` are skipped, and so are values that are not known yet."""
    fine = set(not_secret)
    for name, value in variables:
        looks = secret_variable(name, value) if isinstance(value, str) and name not in fine else None
        if looks is not None:
            yield Look("environment", name, looks)
    for part, listed in words.items():
        for number, looks in secret_words(listed if part not in fine else ()):
            yield Look(part, number, looks)


def not_secret_label(names: Sequence[str]) -> dict[str, str]:
    """The Docker label for a container with these names under `not_secret`; empty without names."""
    return {NOT_SECRET_LABEL: json.dumps(sorted(set(names)), separators=(",", ":"))} if names else {}


def labelled_not_secret(labels: Mapping[str, Any]) -> list[str]:
    """The names that a container's Docker label lists as not secret; empty if the label has another form."""
    try:
        names = json.loads(labels.get(NOT_SECRET_LABEL, "[]"))
    except (TypeError, ValueError):
        return []
    return [it for it in cast("list[Any]", names) if isinstance(it, str)] if isinstance(names, list) else []
