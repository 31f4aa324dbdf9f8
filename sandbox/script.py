"""Defines what the jobs of a served sandbox do next: `python -m fargate_job_launcher.sandbox script`, and from Python.

It talks to the sandbox at AWS_ENDPOINT_URL, and to nothing else. In a test, `stack.script` of the fixture does it.
"""

from __future__ import annotations

import argparse
import difflib
import http.client
import itertools
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from fargate_job_launcher.handler import ranges
from fargate_job_launcher.handler.arrays import LARGEST
from rich.console import Console

from .aws.tasks.run import NOT_PULLED, Run
from .aws.tasks.scripts import PATH

ANSWER_SECONDS: Final = 30


class NotScripted(Exception):
    """The script was not given to a sandbox: none answers, it has no such job, or its containers really run."""


class Scripting:
    """A served sandbox, as far as what its jobs do can be defined."""

    def __init__(self, endpoint: str = "") -> None:
        """`endpoint`: the address that `make sandbox` prints; empty: AWS_ENDPOINT_URL. Raises NotScripted if there is
        neither."""
        self.endpoint = (endpoint or os.environ.get("AWS_ENDPOINT_URL", "")).rstrip("/")
        if not self.endpoint:
            raise NotScripted(
                "AWS_ENDPOINT_URL is not set, so there is no sandbox to talk to; make sandbox starts one and prints "
                "the exports to paste"
            )
        if not self.endpoint.startswith(("http://", "https://")):
            raise NotScripted(f"AWS_ENDPOINT_URL: {self.endpoint!r} is no address such as http://127.0.0.1:4566")

    def add(self, job: str, *runs: Run, indexes: Mapping[int, Run] | None = None) -> None:
        """Define what the job's next tasks do, one `Run` a task, after those that are defined already, and what every
        task of an array with one of these indexes does. Raises NotScripted."""
        of_indexes = {str(index): run.as_json() for index, run in (indexes or {}).items()}
        self._define(job, {"next": [run.as_json() for run in runs], "indexes": of_indexes, "add": True})

    def clear(self, job: str) -> None:
        """Forget what is defined for a job and not used yet. Raises NotScripted."""
        self._define(job, {"next": [], "indexes": {}})

    def waiting(self, job: str = "") -> dict[str, tuple[list[Run], dict[int, Run]]]:
        """Job → what its next tasks do, and what tasks of these indexes of an array do, as far as no task has done it
        yet; every job that has a script if `job` is empty. Raises NotScripted."""
        state = self._asked()
        names = {family: name for name, families in state["jobs"].items() for family in families}
        wanted = self._family(state, job) if job else ""
        return {
            names.get(family, family): (
                [Run.of(it) for it in given["next"]],
                {int(index): Run.of(it) for index, it in given["indexes"].items()},
            )
            for family, given in state["runs"].items()
            if not wanted or family == wanted
        }

    def _define(self, job: str, given: Mapping[str, Any]) -> None:
        state = self._asked()
        if state["containers"]:
            raise NotScripted(
                f"the sandbox at {self.endpoint} runs containers on Docker, and they do what their images do; start it "
                "without DOCKER to script jobs"
            )
        self._asked({self._family(state, job): given})

    def _family(self, state: Mapping[str, Any], job: str) -> str:
        jobs: dict[str, list[str]] = state["jobs"]
        every = [it for families in jobs.values() for it in families]
        found = jobs.get(job) or [it for it in every if it == job]
        if len(found) > 1:
            raise NotScripted(
                f"{len(found)} jobs are called {job}; name one by its task definition: {', '.join(found)}"
            )
        if not found:
            near = difflib.get_close_matches(job, jobs, n=1)
            known = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(jobs)) or 'none'}"
            raise NotScripted(f"the sandbox at {self.endpoint} has no job {job!r}; {known}")
        return found[0]

    def _asked(self, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The state of all scripts, after this body has been added to it."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(self.endpoint + PATH, data=data, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                state: dict[str, Any] = json.load(answer)
                if state.keys() >= {"runs", "jobs", "containers"}:
                    return state
        except urllib.error.HTTPError as error:
            error.close()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise NotScripted(
                f"no sandbox answers at {self.endpoint} ({reason}); make sandbox starts one and prints the exports to "
                "paste"
            ) from None
        except (AttributeError, ValueError):
            pass
        raise NotScripted(
            f"AWS_ENDPOINT_URL: what answers at {self.endpoint} is no sandbox of this version; paste the exports that "
            "make sandbox prints"
        )


PROGRAM: Final = "python -m fargate_job_launcher.sandbox script"
EXAMPLES: Final = f"""examples:
  {PROGRAM} import --exit-code 1 --line boom --times 2
  {PROGRAM} import --line done
  {PROGRAM} import --index 3,17-20 --out-of-memory
  {PROGRAM} import                 show what is scripted
  {PROGRAM} import --clear
"""


def command(argv: list[str], console: Console) -> None:
    """`script`: define, show or clear what a job's next tasks do. Raises NotScripted; a wrong option ends with 2."""
    parser = _parser()
    options = parser.parse_args(argv)
    asked = {name for name in ("times", "index", *_OF_A_RUN) if getattr(options, name) is not None}
    if (asked or options.clear) and not options.job:
        parser.error("name the JOB to script")
    if options.clear and asked:
        parser.error("--clear forgets everything that is scripted, and goes with no other option")
    if options.index and options.times is not None:
        parser.error("--times: every task of an index does the same; leave out --times")
    scripting = Scripting(options.endpoint or "")
    if options.clear:
        scripting.clear(options.job)
    elif options.index:
        run = _run(options, parser)
        scripting.add(options.job, indexes=dict.fromkeys(options.index, run))
    elif asked:
        scripting.add(options.job, *[_run(options, parser)] * (options.times or 1))
    _show(console, scripting, options.job)


_OF_A_RUN: Final = (
    *("exit_code", "line", "seconds", "never_starts", "out_of_memory", "spot_interrupted", "started_minutes_ago"),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [JOB] [options]",
        description="Define what the next tasks of JOB do in the sandbox at AWS_ENDPOINT_URL. Each call adds to what\n"
        "is scripted; without options, show it. A task without a script does what its command shows, or runs\n"
        "for five seconds and succeeds.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "job", metavar="JOB", nargs="?", default="", help="a job's name; without it, every job is shown"
    )
    parser.add_argument("--endpoint", metavar="URL", help="the sandbox's address (AWS_ENDPOINT_URL)")
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--exit-code", type=_exit_code, metavar="N", help="the container's exit code (0)")
    ends.add_argument(
        "--never-starts", nargs="?", const=NOT_PULLED, metavar="REASON", help=f"ECS cannot start it ({NOT_PULLED!r})"
    )
    ends.add_argument("--out-of-memory", action="store_true", default=None, help="it needs more memory than it has")
    ends.add_argument("--spot-interrupted", action="store_true", default=None, help="Spot takes its capacity back")
    parser.add_argument("--line", action="append", metavar="TEXT", help="a line of its log; repeat it for more")
    parser.add_argument("--seconds", type=_positive, metavar="S", help="how long it runs (1)")
    parser.add_argument(
        "--started-minutes-ago", type=_positive, metavar="M", help="ECS reports a start so much earlier: a time limit"
    )
    parser.add_argument("--times", type=_times, metavar="N", help="how many tasks in a row do so (1)")
    parser.add_argument(
        "--index", type=_indexes, metavar="INDEXES", help="every task of these indexes of an array does so: 3,17-20"
    )
    parser.add_argument("--clear", action="store_true", help="forget everything that is scripted for JOB")
    return parser


def options() -> list[str]:
    """The long names of the command's options."""
    return [it for action in _parser()._actions for it in action.option_strings if it.startswith("--")]


SECONDS: Final = 1.0
"""How long a scripted task runs that does not say it: long enough to be seen."""


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Run:
    seconds = SECONDS if options.seconds is None else options.seconds
    lines = tuple(options.line or ())
    if options.never_starts is not None:
        without = [it for it in ("line", "seconds", "started_minutes_ago") if getattr(options, it) is not None]
        if without:
            names = ", ".join(f"--{it.replace('_', '-')}" for it in without)
            parser.error(f"{names}: not with --never-starts, as no container runs")
        return Run.never_starts(options.never_starts)
    if options.out_of_memory:
        run = Run.out_of_memory(seconds, lines)
    elif options.spot_interrupted:
        run = Run.spot_interrupted(seconds, lines)
    else:
        run = Run(options.exit_code or 0, seconds, lines=lines)
    return replace(run, started_minutes_ago=options.started_minutes_ago or 0)


def _exit_code(text: str) -> int:
    if text.isdecimal() and int(text) < 256:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no exit code; give a number from 0 to 255")


def _times(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= LARGEST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of tasks; give 1 to {LARGEST}")


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if 0 <= number < float("inf"):
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is no such number; give 0 or more, such as 2 or 0.5")


def _indexes(text: str) -> list[int]:
    try:
        found = ranges.pairs(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; give indexes such as 3,17-20") from None
    if not found or found[-1][1] >= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r}: indexes are 0 to {LARGEST - 1}, such as 3,17-20")
    return ranges.numbers(text)


def _show(console: Console, scripting: Scripting, job: str) -> None:
    waiting = scripting.waiting(job)
    if not waiting:
        of = f"of {job} " if job else ""
        console.print(
            f"nothing is scripted: a task {of}does what its command shows, or runs for five seconds and succeeds",
            soft_wrap=True,
        )
    for name, (following, indexes) in waiting.items():
        console.print(name)
        for run, count in _counted(following):
            which = "the next task" if count == 1 else f"the next {count} tasks"
            console.print(f"  {which}: {described(run)}", soft_wrap=True)
        for run in dict.fromkeys(indexes.values()):
            which = ranges.of(index for index, it in indexes.items() if it == run)
            console.print(f"  index {which} of an array, every time: {described(run)}", soft_wrap=True)


def _counted(runs: list[Run]) -> Iterator[tuple[Run, int]]:
    for run, same in itertools.groupby(runs):
        yield run, len(list(same))


def described(run: Run) -> str:
    """What a task does, in words."""
    lines = "".join(f", {line!r}" for line in run.lines[:3]) + (", …" if len(run.lines) > 3 else "")
    early = f", as if it had started {run.started_minutes_ago:g} minutes earlier" if run.started_minutes_ago else ""
    if run.stop_code == "TaskFailedToStart":
        return f"never starts: {run.reason}"
    if run.stop_code == "SpotInterruption":
        end = "Spot interrupts it"
    elif run.container_reason:
        end = f"exit code {run.exit_code} ({run.container_reason})"
    else:
        end = f"exit code {run.exit_code}"
    return f"{end} after {run.seconds:g} s{early}{lines}"
