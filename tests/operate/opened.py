"""The page of `fargate-job ui`, served for tests by the command itself, and requests to it as a browser or an attacker
makes them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

HEADERS = ("content-security-policy", "x-frame-options", "x-content-type-options", "referrer-policy", "cache-control")


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Opened:
    """A page that is served."""

    address: str
    """With the key."""
    process: subprocess.Popen[str]
    cookie: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """http://127.0.0.1:PORT"""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def port(self) -> int:
        """The port."""
        return urlsplit(self.address).port or 0

    @property
    def root(self) -> str:
        """The path above all pages."""
        return urlsplit(self.address).path.rstrip("/")

    def ask(
        self, path: str, *, method: str = "GET", form: Mapping[str, str] | None = None, **headers: str | None
    ) -> Answer:
        """A request as the browser of the person makes it, below the root; `headers` change it, None leaves one out."""
        return self.raw(f"{self.root}{path}", method=method, form=form, **headers)

    def raw(
        self, path: str, *, method: str = "GET", form: Mapping[str, str] | None = None, **headers: str | None
    ) -> Answer:
        """The same, with the whole path."""
        sent: dict[str, str | None] = {"host": f"127.0.0.1:{self.port}", "cookie": self.cookie or None}
        if method != "GET":
            sent |= {"origin": self.origin, "content-type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = urlencode(form or {}).encode()
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def enter(self) -> None:
        """Exchange the key for the cookie."""
        parts = urlsplit(self.address)
        answer = self.raw(f"{parts.path}?{parts.query}", cookie=None)
        assert answer.status == 200, answer
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        assert self.process.stdout
        # The key is used up; the next address is printed.
        self.address = json.loads(self.process.stdout.readline())["address"]


@contextmanager
def opened(*options: str) -> Generator[Opened]:
    """`fargate-job ui` with these options, in the environment of this process, until the block is left."""
    command = [sys.executable, "-m", "fargate_job_launcher.operate", "ui", "--no-browser", "-o", "json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line, "fargate-job ui ended without an address"
            page = Opened(json.loads(line)["address"], process)
            page.enter()
            yield page
        finally:
            process.terminate()
