"""The pages: each path asks the board and fills in a template. An open page requests parts of itself, as fragments.

Handlers are plain functions, which Starlette runs in threads: boto3 waits for its answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final, TypeVar

from fargate_job_launcher.handler.run import ENDED
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route

from .. import runs as kept
from ..arrays import Progress
from ..attempts import attempts
from ..catalogue import Found, Job
from ..errors import JobError, NoLog
from ..explaining import facts_of
from ..logs import Log, LogLine, log_lines, of_run, silence
from ..parked import dead_letters, held_elsewhere
from ..past import PastRun, Sums, history
from ..scheduling import Scheduled, scheduled
from ..times import time_of
from . import changes, drawings
from .board import LONG_STRIP, Board, page_of, weeks
from .forms import Forms
from .rendering import Pages

GROUP: Final = 25
"""How many jobs are asked about together, when they come into view."""
OLDER: Final = 25
"""How many runs a job's page shows, and how many more at each request."""
LATEST_ATTEMPTS: Final = 200
"""How many attempts a run's page shows; those that failed come first."""
LOG_LINES: Final = 200
"""How many of the last lines of a task's log are shown."""
YEARS: Final = range(2020, 2100)
"""The years whose days are shown; for another one, today."""
LOGS: Final = 8
"""The logs of so many tasks of a run are shown."""
FILES: Final = {
    **{name: Path(__file__).parent / "static" / name for name in ("icon.svg", "page.css", "page.js")},
    "htmx.js": Path(str(files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js")),
}
"""What the pages load."""
_ROWS: Final = {"/rows": "tbody", "/lanes": "tbody", "/runs": "tr"}
"""The end of a path whose fragment is a part of a table → which part."""
Answer = TypeVar("Answer")


class Site:
    """The pages of a board."""

    def __init__(self, board: Board, root: str, *, read_only: bool) -> None:
        """`root`: the path above all pages."""
        self.board, self.read_only = board, read_only
        self.pages = Pages(root, read_only=read_only, stack=board.stack, region=board.account.region)

    def app(self, root: str) -> Starlette:
        """The application, with every page below `root`."""
        job = "/jobs/{function}"
        run = f"{job}/runs/{{run}}"
        shown: dict[str, Callable[[Request], Response]] = {
            "/": self.overview,
            "/rows": self.rows,
            "/day": self.day,
            "/day/lanes": self.lanes,
            "/costs": self.costs,
            "/costs/rows": self.cost_rows,
            job: self.job,
            f"{job}/now": self.now,
            f"{job}/runs": self.older,
            f"{job}/times": self.times,
            f"{job}/permissions": self.permissions,
            f"{job}/letters": self.letters,
            run: self.run,
            f"{run}/log": self.log,
            f"{run}/now": self.run_now,
            "/alive": self.alive,
            "/files/{name}": self.file,
        }
        routes = [Route(path, handler, methods=["GET"]) for path, handler in shown.items()]
        if not self.read_only:
            routes += Forms(self.board, self.pages).routes(job)
        return Starlette(
            routes=[Mount(root, routes=routes)],
            exception_handlers={HTTPException: self.nothing, JobError: self.refused, Exception: self.fault},
        )

    def overview(self, request: Request) -> Response:
        """Every job, in groups that are filled in as they come into view."""
        wanted = request.query_params.get("q", "")
        found = self.board.named(wanted)
        groups = _groups(found)
        name = "jobs_body.html" if _fragment(request) else "jobs.html"
        return self.pages.page(name, groups=groups, count=len(found), wanted=wanted, everything=len(self.board.jobs()))

    def rows(self, request: Request) -> Response:
        """A group of the list, filled in."""
        wanted, begin = request.query_params.get("q", ""), _number(request, "from")
        some = self.board.named(wanted)[begin : begin + GROUP]
        rows = self.board.rows(some)
        # One cause, such as an expired login, is told once for all rows.
        problems = {str(it): it for row in rows for it in row.problems}
        return self.pages.page("rows.html", rows=rows, problems=list(problems.values()), begin=begin, wanted=wanted)

    def job(self, request: Request) -> Response:
        """A job: its last runs, what runs now, its next times, its dead letters."""
        job = self._job(request)
        return self.pages.page("job.html", job=job, state=request.query_params.get("state", ""), **self._now(job))

    def now(self, request: Request) -> Response:
        """A job's strip, sums and what runs now."""
        job = self._job(request)
        return self.pages.page("job_now.html", job=job, **self._now(job))

    def _now(self, job: Job) -> dict[str, Any]:
        recent = _or_problem(lambda: self.board.recent(job, LONG_STRIP))
        letters = {"letters": _or_problem(lambda: self.board.letters(job))}
        if isinstance(recent, JobError):
            return {**letters, "problem": recent, "recent": [], "running": []}
        running = [it for it in recent if it.state not in ENDED]
        strip = drawings.strip(recent)
        return {
            **letters,
            "problem": None,
            "recent": recent,
            "running": running,
            "strip": strip,
            "sums": Sums.of(recent),
        }

    def older(self, request: Request) -> Response:
        """Rows of a job's runs, after one of them."""
        job, asked = self._job(request), request.query_params
        states = [it for it in (asked.get("state", "").upper(),) if it]
        until, after = time_of(asked.get("until", "")), asked.get("after", "")
        # Several runs can be launched in the same millisecond: those up to the last that was shown are left out.
        # With a most, pages of a hundred runs are read as they are taken; without one, of a thousand.
        runs = history(job, until=until, states=states, most=kept.SCANNED)
        some = dropwhile(lambda it: it.launched == until and it.run != after, runs)
        shown, more = page_of((it for it in some if it.run != after), OLDER)
        return self.pages.page(
            "run_rows.html", job=job, runs=shown, more=more, state=asked.get("state", ""), further=bool(after)
        )

    def times(self, request: Request) -> Response:
        """A job's schedules, and its launches that wait for their time."""
        job = self._job(request)
        its: Scheduled = scheduled(job, last_runs=False)
        return self.pages.page("times.html", job=job, its=its)

    def run(self, request: Request) -> Response:
        """A run with its attempts, or the ranges of an array."""
        job, item = self._run(request)
        return self.pages.page("run.html", **self._of_run(job, item))

    def run_now(self, request: Request) -> Response:
        """How a run stands now."""
        job, item = self._run(request)
        return self.pages.page("run_now.html", **self._of_run(job, item))

    def _of_run(self, job: Job, item: kept.Item) -> dict[str, Any]:
        its = sorted(attempts(job, item, self.board.recorded(job, item)), key=lambda it: it.outcome == "succeeded")
        progress = Progress.of(item) if "array" in item else None
        return {
            "job": job,
            "item": item,
            "run": PastRun.of(item),
            "over": _over(item),
            "attempts": its[:LATEST_ATTEMPTS],
            "left_out": len(its) - LATEST_ATTEMPTS,
            "array": progress,
            "drawing": drawings.array(progress) if progress else None,
        }

    def log(self, request: Request) -> Response:
        """The last lines of a run's tasks."""
        job, item = self._run(request)
        some, lines, silent = list[Log](), list[LogLine](), list[NoLog]()
        try:
            some = _matter_most(of_run(job, item, recorded=self.board.recorded(job, item)))
            lines = list(log_lines(job, some, tail=LOG_LINES))
        except NoLog as none:
            silent = [none]
        told = {it.log.task for it in lines}
        return self.pages.page(
            "log.html",
            job=job,
            run=item["run"],
            over=_over(item),
            lines=lines,
            silent=silent or [silence(job, it) for it in some if it.task not in told],
            several=len(some) if len(some) > 1 else 0,
            most=LOG_LINES,
        )

    def letters(self, request: Request) -> Response:
        """A job's dead letters."""
        job = self._job(request)
        with changes.READING, dead_letters(job) as found:
            its, held = list(found), held_elsewhere(job, len(found))
        return self.pages.page("letters.html", job=job, letters=its, held=held)

    def permissions(self, request: Request) -> Response:
        """What a job's roles may do, and what breaks without each statement."""
        job = self._job(request)
        its = facts_of(job)
        from fargate_job_launcher.sandbox.proof.explain import explain

        explained = explain(its)
        picture = drawings.permissions(explained)
        return self.pages.page("permissions.html", job=job, its=explained, picture=picture)

    def day(self, request: Request) -> Response:
        """A day across all jobs."""
        day, jobs = _day(request), self.board.jobs()
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        groups = _groups(jobs)
        before, after = day - timedelta(days=1), day + timedelta(days=1)
        return self.pages.page(
            "day.html", day=day, groups=groups, before=before, after=after if after <= today else None
        )

    def lanes(self, request: Request) -> Response:
        """A group of a day's jobs."""
        day, begin = _day(request), _number(request, "from")
        some = self.board.jobs()[begin : begin + GROUP]
        now = datetime.now(UTC)
        lanes = [(it, drawings.lane(it.runs, day, now)) for it in self.board.lanes(some, day)]
        return self.pages.page(
            "lanes.html", lanes=lanes, day=day, begin=begin, live=day <= now < day + timedelta(days=1)
        )

    def costs(self, request: Request) -> Response:  # noqa: ARG002
        """Costs by job and week."""
        jobs = self.board.jobs()
        groups = _groups(jobs)
        return self.pages.page("costs.html", groups=groups, weeks=weeks())

    def cost_rows(self, request: Request) -> Response:
        """The costs of a group of jobs."""
        begin = _number(request, "from")
        return self.pages.page("cost_rows.html", rows=self.board.costs(self.board.jobs()[begin : begin + GROUP]))

    def alive(self, request: Request) -> Response:  # noqa: ARG002
        """What an open page asks for, so that the server knows of it, and the page of the server."""
        return Response(status_code=204)

    def file(self, request: Request) -> Response:
        """A script or a style of the pages."""
        path = FILES.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, headers={"Cache-Control": "private, max-age=3600"})

    def refused(self, request: Request, problem: Exception) -> Response:
        """An error of AWS or of the request, in words: as a page, or in the place of a fragment, which asks again."""
        if _fragment(request):
            # A fragment with another status would not be put into the page.
            inside = next((it for end, it in _ROWS.items() if request.url.path.endswith(end)), "")
            return self.pages.page("problem_inside.html", problem=problem, again=str(request.url), inside=inside)
        kind = type(problem).__name__
        status = 404 if kind.startswith("NoSuch") else 400 if isinstance(problem, changes.Unknown) else 502
        job = str(request.path_params.get("function", ""))
        return self.pages.page("problem.html", problem=problem, job=job, status=status)

    def nothing(self, request: Request, problem: Exception) -> Response:
        """A path or a method that no page has."""
        status = problem.status_code if isinstance(problem, HTTPException) else 404
        return self.problem_of(status, f"there is no page {request.url.path}")

    def fault(self, request: Request, problem: Exception) -> Response:  # noqa: ARG002
        """An error of this program."""
        return self.problem_of(500, f"{type(problem).__name__}; the terminal of fargate-job ui has more")

    def problem_of(self, status: int, said: str) -> Response:
        """A page with an error."""
        return self.pages.page(
            "problem.html", problem=JobError(said, "The list of jobs is the first page"), job="", status=status
        )

    def _job(self, request: Request) -> Job:
        return self.board.job(request.path_params["function"])

    def _run(self, request: Request) -> tuple[Job, kept.Item]:
        job = self._job(request)
        return job, kept.named(job, request.path_params["run"])


def _or_problem(ask: Callable[[], Answer]) -> Answer | JobError:
    """An answer, or why there is none: a person who may not read a part of a page still has the others."""
    try:
        return ask()
    except JobError as problem:
        return problem


def _over(item: kept.Item) -> str:
    """When a run ended, empty before: an array that is resumed ends several times."""
    return str(item.get("endedAt", item["state"])) if item["state"] in ENDED else ""


def _matter_most(logs: list[Log]) -> list[Log]:
    """Of the logs of a run, those of tasks that run, then of those that failed, then the newest."""
    order, latest = {"": 0, "succeeded": 2}, datetime.max.replace(tzinfo=UTC)
    some = sorted(logs, key=lambda it: it.created or latest, reverse=True)
    some.sort(key=lambda it: order.get(it.outcome, 1))
    return some[:LOGS]


def _groups(found: list[Found]) -> list[tuple[int, list[Found]]]:
    """The jobs in groups that are asked about together, each with the number of its first."""
    return [(at, found[at : at + GROUP]) for at in range(0, len(found), GROUP)]


def _fragment(request: Request) -> bool:
    """Whether a page that is open asks for a part of itself."""
    return request.headers.get("hx-request") == "true"


def _number(request: Request, name: str) -> int:
    given = request.query_params.get(name, "0")
    return int(given) if given.isdecimal() and len(given) < 9 else 0


def _day(request: Request) -> datetime:
    moment = time_of(request.query_params.get("on", ""))
    if moment is None or moment.year not in YEARS:
        moment = datetime.now(UTC)
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
