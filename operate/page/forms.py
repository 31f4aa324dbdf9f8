"""The forms of the page: what a person may change, shown before it is sent. Left out of a page that only shows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..allowed import allowed
from ..catalogue import Job
from ..errors import JobError
from . import changes
from .board import Board
from .rendering import Pages

Form = dict[str, str]
"""The fields of a form."""


LARGEST: Final = 20 * 1024 * 1024
"""Bytes of a form. Lambda takes an event of 6 MB, which is longer in a form.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
PENDING: Final = 100
"""How many launches that were checked are kept for their confirmation."""


def _posted(handler: Callable[[Request, Form], Response]) -> Callable[[Request], Awaitable[Response]]:
    """A handler of a form that was sent. Its JobError is shown as a page."""

    async def answered(request: Request) -> Response:
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                if len(body) > LARGEST:
                    return PlainTextResponse("The form is too large.\n", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        given = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        return await run_in_threadpool(handler, request, given)

    return answered


class Forms:
    """The forms of a board's jobs."""

    def __init__(self, board: Board, pages: Pages) -> None:
        self.board, self.pages = board, pages
        self._pending = dict[str, changes.Change]()

    def routes(self, job: str) -> list[Route]:
        """Their routes below `job`, the path of a job's page."""
        asked = {f"{job}/launch": self.launch, f"{job}/change": self.change}
        sent = {f"{job}/preview": self.preview, f"{job}/send": self.send}
        return [
            *(Route(path, handler, methods=["GET"]) for path, handler in asked.items()),
            *(Route(path, _posted(handler), methods=["POST"]) for path, handler in sent.items()),
        ]

    def launch(self, request: Request) -> Response:
        """The form of a launch, or of one that is made again."""
        job, run = self.board.job(request.path_params["function"]), request.query_params.get("of", "")
        return self._form(job, json.dumps(changes.first_event(job, run), indent=2, ensure_ascii=False), run)

    def _form(self, job: Job, event: str, run: str, problem: JobError | None = None) -> Response:
        may = list(allowed(job.settings.overrides))
        return self.pages.page(
            "launch.html", job=job, event=event, of=run, may=may, problem=problem, status=422 if problem else 200
        )

    def change(self, request: Request) -> Response:
        """What a change does and sends, before it is made."""
        job, asked = self.board.job(request.path_params["function"]), request.query_params
        if asked.get("what") == "launch":
            change = self._pending.get(asked.get("of", ""))
            if change is None:
                raise changes.Unknown("this confirmation is not known any more", "Write the launch again")
        else:
            change = changes.of(job, asked)
        return self.pages.page("confirm.html", job=job, change=change)

    def preview(self, request: Request, given: Form) -> Response:
        """Check a launch, and go on to what it does and sends."""
        job = self.board.job(request.path_params["function"])
        event = given.get("event", "")
        try:
            change = changes.launching(job, changes.read_event(event))
        except JobError as problem:
            return self._form(job, event, given.get("of", ""), problem)
        number = uuid.uuid4().hex
        self._pending[number] = change
        for oldest in list(self._pending)[:-PENDING]:
            self._pending.pop(oldest, None)
        # A page that is read, so that a browser comes back to it without sending the form again.
        return RedirectResponse(self.pages.link("jobs", job.function, "change", what="launch", of=number), 303)

    def send(self, request: Request, given: Form) -> Response:
        """Make a change."""
        job = self.board.job(request.path_params["function"])
        run = changes.of(job, given).make()
        self.board.forget()
        there = ("jobs", job.function, "runs", run) if run else ("jobs", job.function)
        return RedirectResponse(self.pages.link(*there), 303)
