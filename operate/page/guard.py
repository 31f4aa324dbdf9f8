"""Admits a request only from the person who was given the address, and only from the page itself.

The page can launch and stop jobs, and every program and every web page on this machine can reach 127.0.0.1. So:

- The address that is opened has a key. It is good for one visit: the browser gets a cookie for it, and without the
  cookie there is no answer but 403. Browsers keep addresses in their history, and other users of this machine see the
  command lines of programs: a key that they find there is used up. Each use prints a new address in the terminal.
- A browser sends the cookies of 127.0.0.1 to every port there. The cookie's path is therefore a random folder, below
  which all pages are: no other server of this machine receives it. The folder is also a part of the cookie's name, so
  that cookies of other servers do not take its place.
- `Host` is the address that was opened: a foreign name that resolves to 127.0.0.1 (DNS rebinding) is refused.
- What changes something is a POST whose `Origin` is the page's own. The cookie is SameSite=Strict besides, and
  HttpOnly.
- Only the page's own files are loaded and run: no inline script or style, no other origin, no frame, no form to
  another origin.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING: Final = ("GET", "HEAD")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP"""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer a browser would send `Origin: null` with the page's own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer."""


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass
class Place:
    """Where one page is served, and the secrets of its address."""

    port: int
    folder: str = field(default_factory=lambda: secrets.token_hex(8))
    """Random; the first part of every path."""
    key: str = field(default_factory=_secret, repr=False)
    """Of the address that is opened next."""
    cookie: str = field(default_factory=_secret, repr=False)
    """What a browser gets for the key."""

    @property
    def host(self) -> str:
        """As browsers send it."""
        return f"127.0.0.1:{self.port}"

    @property
    def root(self) -> str:
        """The path above all pages."""
        return f"/{self.folder}"

    @property
    def address(self) -> str:
        """What is opened: the key is in it."""
        return f"http://{self.host}{self.root}/?key={self.key}"

    @property
    def cookie_name(self) -> str:
        """The name of the cookie."""
        return f"fargate-job-{self.folder}"

    def admits(self, key: str) -> bool:
        """Whether this is the key. It is used up if it is."""
        if not _same(key, self.key):
            return False
        self.key = _secret()
        return True


class Guard:
    """Refuses everything else in front of an application."""

    def __init__(
        self,
        app: ASGIApp,
        place: Place,
        *,
        read_only: bool,
        seen: Callable[[], None],
        moved: Callable[[str], None],
    ) -> None:
        """`seen` is called at each request that is admitted, `moved` with the next address after one was used."""
        self._app, self._place, self._read_only, self._seen, self._moved = app, place, read_only, seen, moved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    given.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            self._seen()
        await (refusal or self._app)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that is not admitted, or that brings the key."""
        headers, place = Headers(scope=scope), self._place
        if headers.get("host") != place.host:
            return _refused(f"This page is at {place.host} only.")
        path: str = scope["path"]
        if not path.startswith(f"{place.root}/"):
            return _refused("Open the address that fargate-job ui printed.")
        key = QueryParams(scope["query_string"]).get("key", "")
        if key and scope["method"] == "GET":
            return self._exchanged(key, headers)
        if not self._known(headers):
            return _refused("Open the address that fargate-job ui printed.")
        if scope["method"] in READING:
            return None
        if self._read_only:
            return _refused("This page only shows: fargate-job ui was started with --read-only.")
        # Browsers send Origin with every POST. One that is absent or foreign is not of this page.
        foreign = headers.get("sec-fetch-site", "same-origin") != "same-origin"
        if foreign or headers.get("origin") != f"http://{place.host}":
            return _refused("Only a form of this page may send this.")
        return None

    def _exchanged(self, key: str, headers: Headers) -> Response:
        """The cookie for the right key, and the way to the first page."""
        place = self._place
        if not place.admits(key):
            if self._known(headers):
                return RedirectResponse(f"{place.root}/", 303)
            return _refused("This address was used before. Open the last one that fargate-job ui printed.")
        # After another site's link a redirect would not bring the cookie. A page of ours sends the browser on.
        answer = HTMLResponse(
            f'<!doctype html><title>fargate-job</title><link rel="icon" href="{place.root}/files/icon.svg">'
            f'<meta http-equiv="refresh" content="0; url={place.root}/">'
            f'<a href="{place.root}/">To the jobs</a>'
        )
        answer.set_cookie(place.cookie_name, place.cookie, path=place.root, httponly=True, samesite="strict")
        self._seen()
        self._moved(place.address)
        return answer

    def _known(self, headers: Headers) -> bool:
        # By hand: one cookie of another server that is written oddly must not hide ours.
        sent = (it.strip() for line in headers.getlist("cookie") for it in line.split(";"))
        return any(
            name == self._place.cookie_name and _same(value, self._place.cookie)
            for name, _, value in (it.partition("=") for it in sent)
        )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refused(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", 403)
