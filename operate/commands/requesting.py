"""What a launch requests, as options: those of `launch` and `rerun`, and the launch event that they make."""

from __future__ import annotations

import functools
import json
import shlex
import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from fargate_job_launcher.handler import local_time

from ..launching import array_of
from ..tables import shortened
from .context import Command
from .durations import DURATION, duration_of
from .staying import Staying

OPTIONS: Final = (
    click.option("--count", type=click.IntRange(min=1), help="Number of tasks, all alike."),
    click.option(
        "--array", type=click.IntRange(min=1), help="Number of tasks that each do one part: JOB_INDEX of JOB_COUNT."
    ),
    click.option("--parallelism", type=click.IntRange(min=1), help="Of an array: the most tasks that run at once."),
    click.option("--max-failed", type=click.IntRange(min=0), help="Of an array: start no more after more failures."),
    click.option(
        "--env",
        "-e",
        "environment",
        multiple=True,
        metavar="NAME=VALUE",
        help="An environment variable; repeat it for more.",
    ),
    click.option("--command", help="Another command, written as in a shell: 'python report.py --full'."),
    click.option("--cpu", type=click.IntRange(min=1), help="CPU units; 1024 are one vCPU."),
    click.option("--memory", type=click.IntRange(min=1), help="Memory in MiB."),
    click.option("--payload", metavar="JSON", help="The payload of the job (JOB_PAYLOAD); @FILE reads a file."),
    click.option(
        "--capacity", type=click.Choice(["on_demand", "spot", "spot_then_on_demand"]), help="The capacity to run on."
    ),
    click.option("--at", metavar="TIME", help="Launch then, and not now: 2026-12-01T03:00 in --zone."),
    click.option("--in", "after", metavar=DURATION, help="Launch after this time, and not now: 90m, 2h, 1d12h."),
    click.option("--zone", metavar="ZONE", help="The time zone of --at: Europe/Dublin (default: UTC)."),
    click.option("--key", metavar="KEY", help="The idempotency key: the same key launches once (default: a new key)."),
    click.option("--dry-run", is_flag=True, help="Print what would be done and what it would cost; launch nothing."),
)


def request_options(command: Command) -> Command:
    """The options of a launch."""
    return functools.reduce(lambda it, option: option(it), reversed(OPTIONS), command)


SHOWN: Final = 40
"""Characters of a wrong value that an error repeats."""
EVENT_OPTIONS: Final = ("count", "cpu", "memory", "capacity")
"""Options that go into the launch event unchanged."""


def event_of(given: Mapping[str, Any], *, of_array: bool = False) -> dict[str, Any]:
    """The launch event of these options; `of_array`: of changes to the request of an array, which has a size."""
    event: dict[str, Any] = {name: given[name] for name in EVENT_OPTIONS if given[name]}
    if (
        not of_array
        and given["array"] is None
        and (given["parallelism"] is not None or given["max_failed"] is not None)
    ):
        raise click.UsageError("--parallelism and --max-failed are those of an array: add --array SIZE")
    if array := array_of(given["array"], given["parallelism"], given["max_failed"]):
        if given["count"]:
            raise click.UsageError("--count and --array exclude each other: --array is for parts of a job")
        event["array"] = array
    if given["environment"]:
        event["environment"] = _variables(given["environment"])
    if given["command"] is not None:
        try:
            event["command"] = shlex.split(given["command"])
        except ValueError as error:
            raise click.BadParameter(f"{given['command']!r}: {error}", param_hint="--command") from None
    if given["payload"] is not None:
        event["payload"] = _payload(given["payload"])
    if given["key"] == "":
        raise click.BadParameter("an empty text is no key; leave --key out for a new one", param_hint="--key")
    if given["key"] and given["after"] is not None:
        raise click.UsageError("--key with --in asks for another time whenever it is repeated; name the time with --at")
    if given["key"]:
        event["idempotencyKey"] = given["key"]
    if given["dry_run"]:
        event["dryRun"] = True
    return {**event, **_when(given["at"], given["after"], given["zone"])}


def staying_of(given: Mapping[str, Any], event: Mapping[str, Any]) -> Staying:
    """How long a command stays after it sent this event. Raises UsageError where there is nothing to stay for."""
    staying = Staying(given["follow"], given["wait"], given["attempt_only"])
    if "dryRun" in event and staying.stays:
        raise click.UsageError("--dry-run launches nothing to --follow or --wait for")
    if "at" in event and staying.stays:
        raise click.UsageError("--at and --in launch later: there is nothing to --follow or --wait for yet")
    if "array" in event and staying.attempt_only:
        raise click.UsageError("--attempt-only is for a launch without --array: an array is followed to its end")
    return staying


def _when(at: str | None, after: str | None, zone: str | None) -> dict[str, str]:
    """The time of a launch event; empty for a launch now."""
    if at is not None and after is not None:
        raise click.UsageError("--at and --in exclude each other")
    if at is None and after is None:
        if zone is not None:
            raise click.UsageError("--zone is the time zone of --at, which is missing")
        return {}
    if after is not None:
        # To the next second, as Scheduler knows no part of one.
        at = f"{datetime.now(UTC) + duration_of(after, '--in') + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    problems = list[str]()
    local_time.read(at, zone or "UTC", problems)
    if problems:
        given = {"at": at, "zone": zone or "UTC"}
        named = (it.partition(": ") for it in problems)
        meant = _places(zone) if zone and any(it.startswith("zone") for it in problems) else ""
        raise click.UsageError("; ".join(f"--{name} {given[name]!r}: {said}" for name, _, said in named) + meant)
    return {"at": str(at), **({"zone": zone} if zone else {})}


def _places(zone: str) -> str:
    """The time zones that are named after this place; empty without any."""
    near = sorted(it for it in zoneinfo.available_timezones() if it.lower().endswith(f"/{zone.lower()}"))
    return f"; did you mean {' or '.join(near[:3])}?" if near else ""


def _variables(given: Iterable[str]) -> dict[str, str]:
    found = dict[str, str]()
    for it in given:
        name, equals, value = it.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{shortened(it, SHOWN)!r}: NAME=VALUE is expected", param_hint="--env")
        if name in found:
            raise click.BadParameter(f"{name} is given twice; leave one of them out", param_hint="--env")
        found[name] = value
    return found


def _payload(given: str) -> Any:
    text, where = given, ""
    if given.startswith("@"):
        path = Path(given[1:])
        where = f"the file {path}"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            said = f"{where} cannot be read: {error.strerror or type(error).__name__}"
            raise click.BadParameter(said, param_hint="--payload") from None
        except UnicodeDecodeError:
            raise click.BadParameter(f"{where} is no text in UTF-8", param_hint="--payload") from None
    try:
        return json.loads(text)
    except ValueError as error:
        line = text.count("\n", 0, error.pos) + 1 if isinstance(error, json.JSONDecodeError) else 1
        at = f"{where}, line {line}, is no JSON" if where else f"{shortened(text, SHOWN)!r} is no JSON"
        said = f'{at}; write \'{{"rows": 5}}\', "a text" in double quotes, or @FILE for a file that has it'
        raise click.BadParameter(said, param_hint="--payload") from None
