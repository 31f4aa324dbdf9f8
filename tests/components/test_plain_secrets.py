"""What looks like a secret in plain text: by its form, by the name that it goes with, by what a text gives it."""

from __future__ import annotations

from typing import Final

import pytest
from fargate_job_launcher.checks.plain_secrets import secret_variable, secret_words

AWS_SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
"""The example of AWS's own pages."""


def long(*parts: str) -> str:
    """A token put together here, so that no scanner of this repository takes it for one."""
    return "".join(parts)


@pytest.mark.parametrize(
    "text",
    [
        AWS_SECRET,
        f"key: {AWS_SECRET}",
        long("sk_", "live_", "4eC39HqLyjWDarjtT1zd"),
        long("glpat", "-abcdefghij1234567890"),
        long("xapp", "-1-A0123456789-012345"),
        long("https://hooks.", "slack.com/services/T0/B0/x"),
        long("AI", "zaSyA-abcdefghijklmnopqrstuvwxyz1234567"),
        long("SG", ".abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuv"),
        long("sk", "-proj-abcdefghijklmnop0123456789"),
        long("npm", "_", "a" * 36),
        long("hvs", ".abcdefghijklmnopqrstuvwx"),
        "https://abcdefghijklmnopqrstuvwxyz@git.example.com/x",
        "https://files.example.com/a?se=2026&sig=abcd%3D",
        "Authorization: Bearer abcdefghijklmnopqrstuvwx",
        "Server=db;User Id=sa;Password=hunter22;",
        "Endpoint=sb://bus.example.com;SharedAccessKeyName=all;SharedAccessKey=hunter22=",
        "jdbc:mysql://db/x?user=me&password=hunter22",
        "https://api.example.com/x?api_key=hunter22",
        '{"db": {"password": "hunter22"}}',
        '"{\\"password\\": \\"hunter22\\"}"',
        "OPTIONS='--password=hunter22' run",
        "-Dspring.datasource.password=hunter22",
        "--auth.token='hunter 22'",
    ],
)
def test_a_text_that_holds_a_secret_is_known_whatever_it_is_called(text: str) -> None:
    looks = secret_variable("X", text)
    assert looks is not None
    assert "hunter22" not in looks
    assert [number for number, _ in secret_words(["run", text])] == [1]


@pytest.mark.parametrize("name", ["DBPASS", "GITHUB_PAT", "STRIPE_KEY", "ACCOUNT_KEY", "HMAC_KEY", "VAULT_PASSPHRASE"])
def test_a_name_of_a_secret_is_known(name: str) -> None:
    assert secret_variable(name, "hunter22") == "is named like a secret and holds a value"


@pytest.mark.parametrize(
    ("command", "at"),
    [
        (["load", "--password", "hunter22"], 2),
        (["load", "-password", "hunter22"], 2),
        (["load", "--api-key", "hunter22", "all"], 2),
        (["sh", "-c", "load --token hunter22 | tee log"], 2),
        (["sh", "-c", "export TOKEN='hunter 22'; load"], 2),
        (["curl", "-u", "me:hunter22", "https://example.com"], 2),
        (["sh", "-c", "curl -su me:x -u me:hunter22 https://example.com"], 2),
        (["mysql", "-h", "db", "-phunter22"], 3),
        (["aws", "configure", "set", "aws_secret_access_key", AWS_SECRET], 4),
        (["vault", "write", "auth", f"secret_id={'-'.join(['01234567', '0123', '0123', '0123', '0123456789ab'])}"], 3),
    ],
)
def test_a_secret_in_a_command_is_found_at_its_word(command: list[str], at: int) -> None:
    ((number, looks),) = secret_words(command)
    assert number == at
    assert "hunter" not in looks


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("SECRET_NAME", "prod/db"), ("DB_SECRET_ID", "prod/db"), ("SECRETS_REGION", "eu-west-1")),
        *(("TOKEN_EXPIRY_SECONDS", "86400"), ("MAX_TOKENS", "128000"), ("API_KEY_HEADER", "x-api-key")),
        *(("USE_TOKEN_AUTH", "yes"), ("PASSWORD_POLICY", "strong"), ("PARTITION_KEY", "customer")),
        *(("X", it) for it in ("Basic authentication", "https://me@example.com/x", "https://h/x?y=a:b@c")),
        *(("X", it) for it in ("https://h/x?token={token}", '{"password": null}', '{"secretName": "db"}')),
        ("X", "0123456789abcdef0123456789abcdef01234567"),
        ("X", "/data/Reports2026/Incoming/Customers/All"),
    ],
)
def test_a_text_that_only_speaks_of_secrets_is_none(name: str, value: str) -> None:
    assert secret_variable(name, value) is None


@pytest.mark.parametrize(
    "command",
    [
        ["psql", "--no-password", "orders"],
        ["docker", "login", "--password-stdin", "registry.example.com"],
        ["aws", "secretsmanager", "get-secret-value", "--secret-id", "prod/db"],
        ["load", "--token-file", "/run/token", "--password", "$PASSWORD"],
        ["sh", "-c", 'curl -u "me:$PASSWORD" https://example.com && mysql -p"$PASSWORD" orders'],
        ["mysql", "-p", "orders"],
        ["python", "-c", "def load(password=None): return tokens == 5"],
        ["run", "--user", "1000:1000"],
    ],
)
def test_a_command_that_finds_its_secret_elsewhere_is_none(command: list[str]) -> None:
    assert list(secret_words(command)) == []
