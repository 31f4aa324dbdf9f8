"""The logs of tasks in CloudWatch Logs: which there are, why there is none, and their lines in the order of time.

    for line in log_lines(job, logs_of(job, run="1f0d9a4b"), tail=100):
        print(line.log.task, line.text)

Every reader uses these functions. Lines are read with GetLogEvents, a stream at a time and a page at a time: it tells
which streams do not exist, and reads the last lines of a stream without those before.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError
from fargate_job_launcher.handler import arrays
from fargate_job_launcher.handler.result import log_stream
from fargate_job_launcher.handler.run import Item, at

from . import runs
from .arrays import ArrayRun
from .attempts import attempts
from .catalogue import Job
from .errors import JobError, NoLog, NoSuchContainer, NoSuchRun, picked, unknown
from .past import why
from .streams import LARGEST_PAGE, Stream
from .streams import absent as missing
from .task import SHORT, Task, describe, tasks

LOOKED_AT: Final = 100
"""How many of the newest runs are looked at for a task that ECS shows no more."""
SMALLEST_PAGE: Final = 100
"""Of many streams, so few lines of each are read at once: all are in memory together."""
MOST_LOGS: Final = 1000
"""How many logs are merged: at CloudWatch's 25 calls a second, their first pages take 40 seconds.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
AT_ONCE: Final = 8
"""How many first pages are read at the same time."""
LATE: Final = timedelta(minutes=10)
"""A line has the time at which it was written, by the clock of its task; a window of time begins so
much before the task."""


@dataclass(frozen=True)
class Log:
    """The log of a container of one task."""

    task: str
    """Id of the task."""
    run: str
    """Id of its run; empty if it is not known."""
    index: int | None
    """Of an array."""
    attempt: int
    """1 for the launch itself."""
    group: str
    stream: str
    """Log group and log stream. The stream exists once the container has written a line."""
    created: datetime | None
    """When it was launched; None if nobody knows any more."""
    started: datetime | None
    """When its containers started; None if they have not, or if nobody knows any more."""
    status: str
    """ECS's lastStatus; empty if nobody knows any more."""
    outcome: str
    """How it ended; empty before."""
    reason: str
    """Why it ended so, in words; empty before."""
    remedy: str
    """What to do; empty if only the log shows the cause."""

    @property
    def never(self) -> bool:
        """Whether it ended without having started: there is no log, and there will be none."""
        return self.status == "STOPPED" and self.started is None

    @property
    def name(self) -> str:
        """The index or, without one, the first characters of the task's id."""
        return self.task[:SHORT] if self.index is None else str(self.index)

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        index = {} if self.index is None else {"index": self.index}
        return {
            **index,
            "task": self.task,
            "run": self.run or None,
            "attempt": self.attempt,
            "logGroup": self.group,
            "logStream": self.stream,
            "outcome": self.outcome or None,
            "reason": self.reason or None,
            "remedy": self.remedy or None,
        }


@dataclass(frozen=True)
class LogLine:
    """A line of a log."""

    log: Log
    milliseconds: int
    """Since 1970."""
    text: str

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        index = {} if self.log.index is None else {"index": self.log.index}
        return {**index, "task": self.log.task, "at": moment(self.milliseconds), "text": self.text}


def moment(milliseconds: int) -> str:
    """The time of a line in UTC, as RFC 3339 writes it."""
    return at(milliseconds / 1000)


def logs_of(
    job: Job,
    *,
    named: Sequence[str] = (),
    run: str | runs.WithRun | None = None,
    indexes: str | None = None,
    container: str = "",
) -> list[Log]:
    """The logs of some tasks of a job; by default that of its newest task.

    `named`: ids of tasks, or beginnings of ids. `run`: the id of a run, or its beginning: all of its attempts; of an
    array the last attempt of each index. `indexes`: indexes of that run, or of the newest array, such as `3,17-20`.
    `container`: a sidecar's name (default: the job's own container).

    A task that ECS has forgotten is found as long as the table has its run or, by its whole id, the log group its log.
    Raises NoSuchTask, NoSuchRun, NoSuchContainer, NoLog if the run launched no task, or AWS's error as a JobError.
    """
    if named:
        found = _of_tasks(job, named)
    elif run is not None or indexes is not None:
        found = of_run(job, _newest_array(job) if run is None else runs.named(job, run), indexes)
    else:
        found = _newest(job)
    return in_container(job, found, container) if container else found


def of_run(job: Job, item: Item, indexes: str | None = None, *, recorded: Sequence[Item] | None = None) -> list[Log]:
    """The logs of a run, as `logs_of` says. `recorded`: its attempts that have ended, if they have been read before.
    Raises NoLog if it has launched nothing."""
    if "array" in item and indexes is not None:
        # This one checks the indexes.
        wanted = {it.task for it in ArrayRun(job, item["run"]).indexes(indexes)}
    elif indexes is not None:
        raise NoSuchRun(f"run {item['run']} of {job.name} has no array, and no indexes", "Leave out --index")
    else:
        wanted = None
    found = dict[object, Log]()
    for it in attempts(job, item, recorded):
        if not it.task or (wanted is not None and it.task not in wanted):
            continue
        log = Log(
            task=it.task,
            run=item["run"],
            index=it.index,
            attempt=it.number,
            group=item["logGroup"],
            stream=log_stream(item["container"], it.task),
            created=it.created,
            started=it.started,
            status=it.status,
            outcome=it.outcome,
            reason=it.reason,
            remedy=it.remedy,
        )
        key = it.task if it.index is None else it.index
        # An index that was resumed counts its attempts from 1 again.
        if key not in found or _age(log) >= _age(found[key]):
            found[key] = log
    if not found:
        raise NoLog(*_nothing(job, item))
    return list(found.values())


def _age(log: Log) -> datetime:
    return log.created or datetime.max.replace(tzinfo=UTC)


def _nothing(job: Job, item: Item) -> tuple[str, str]:
    """Why a run has no task, and what to do."""
    said = f"run {item['run'][:SHORT]} of {job.name} has no log: it is {item['state']}"
    reason = why(item) or ("its retry is about to be launched" if item["open"] else "")
    remedies = dict.fromkeys(it["remedy"] for it in item["failures"] if it.get("remedy"))
    then = "; ".join(remedies) or f"fargate-job runs show {job.name} {item['run'][:SHORT]} shows all of it"
    return f"{said}: {reason}" if reason else f"{said} and has launched no task", then


def _of_tasks(job: Job, named: Sequence[str]) -> list[Log]:
    known = tasks(job)
    found = list[Log]()
    for it in dict.fromkeys(name.rpartition("/")[2] for name in named):
        some = [task for task in known if it and task.id.startswith(it)]
        if not some and len(it) >= SHORT and (forgotten := _forgotten(job, it)):
            found += forgotten
        else:
            found += [of_task(task) for task in picked(job.name, "task", [it], known, lambda task: task.id)]
    return list({it.task: it for it in found}.values())


def of_task(task: Task) -> Log:
    """The log of a task that ECS shows."""
    return Log(
        task=task.id,
        run=task.run,
        index=arrays.index_of(task.root) if arrays.is_root(task.root) else None,
        attempt=task.attempt,
        group=task.log_group,
        stream=task.log_stream,
        created=task.created,
        started=task.started,
        status=task.status,
        outcome=task.outcome,
        reason=task.reason,
        remedy=task.remedy,
    )


def _forgotten(job: Job, beginning: str) -> list[Log]:
    """The log of a task that ECS shows no more, by the beginning of its id: of one of the newest runs, or whatever the
    log group has. Raises NoSuchTask for several."""
    for item in runs.newest(job, LOOKED_AT):
        if any(it.startswith(beginning) for it in item["tasks"]):
            found = [it for it in of_run(job, item) if it.task.startswith(beginning)]
            break
    else:
        found = [_unknown(job, it) for it in _streams(job, beginning)]
    if len(found) > 1:
        raise unknown(job.name, "task", beginning, several=True)
    return found


def _streams(job: Job, beginning: str) -> list[str]:
    """Ids of tasks that begin so, of which the log group has a log stream; two at the most."""
    group, before = job.settings.log_group, log_stream(job.settings.container, "")
    pages = job.account.client("logs").get_paginator("describe_log_streams")
    asked = pages.paginate(logGroupName=group, logStreamNamePrefix=before + beginning, PaginationConfig={"MaxItems": 2})
    with job.account.asking():
        try:
            return [it["logStreamName"].removeprefix(before) for page in asked for it in page["logStreams"]]
        except ClientError as error:
            if not missing(error):
                raise
            return []


def _unknown(job: Job, task: str) -> Log:
    """The log of a task of which nothing else is known."""
    stream = log_stream(job.settings.container, task)
    return Log(task, "", None, 1, job.settings.log_group, stream, None, None, "", "", "", "")


def _newest(job: Job) -> list[Log]:
    """The log of the newest task that ECS shows or, if it shows none, of the newest run that launched any."""
    known = tasks(job)
    if known:
        return [of_task(known[0])]
    newest = runs.newest(job)
    item = next((it for it in newest if it["attempts"]), None)
    if item is not None:
        return of_run(job, item)[-1:]
    if newest:
        raise NoLog(*_nothing(job, newest[0]))
    raise NoLog(f"{job.name} has no run, and so no log", f"Launch it: fargate-job launch {job.name}")


def _newest_array(job: Job) -> Item:
    found = next((it for it in runs.newest(job) if "array" in it), None)
    if found is None:
        raise NoSuchRun(f"none of the newest runs of {job.name} is an array", "Name one with --run")
    return found


def in_container(job: Job, logs: Sequence[Log], container: str) -> list[Log]:
    """The same tasks' logs of another container. Raises NoSuchContainer."""
    seen = {it.id: str(it.record["taskDefinitionArn"]) for it in describe(job, [it.task for it in logs])}
    kept, known = dict[str, str](), dict[str, tuple[str, str]]()
    for run in dict.fromkeys(it.run for it in logs if it.task not in seen and it.run):
        kept[run] = (runs.read(job, run) or {}).get("taskDefinition", "")
    found = list[Log]()
    for it in logs:
        definition = seen.get(it.task) or kept.get(it.run) or job.settings.task_definition
        if definition not in known:
            known[definition] = _of_container(job, definition, container)
        group, prefix = known[definition]
        found.append(replace(it, group=group, stream=f"{prefix}/{container}/{it.task}"))
    return found


def _of_container(job: Job, definition: str, container: str) -> tuple[str, str]:
    """Log group and prefix of the log streams of a container of a task definition. Raises NoSuchContainer."""
    with job.account.asking():
        answer = job.account.client("ecs").describe_task_definition(taskDefinition=definition)
    containers = {it["name"]: it for it in answer["taskDefinition"]["containerDefinitions"]}
    names = f"Its containers: {', '.join(sorted(containers))}"
    if container not in containers:
        raise NoSuchContainer(f"a task of {job.name} has no container {container[:40]!r}", names)
    log = containers[container].get("logConfiguration", {})
    options = log.get("options", {})
    if log.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
        driver = log.get("logDriver", "none")
        raise NoSuchContainer(
            f"container {container} of {job.name} does not write to CloudWatch Logs: its log driver is {driver}", names
        )
    return options["awslogs-group"], options["awslogs-stream-prefix"]


def log_lines(
    job: Job, logs: Sequence[Log], *, since: datetime | timedelta | None = None, tail: int | None = None
) -> Iterator[LogLine]:
    """The lines of these logs, merged in the order of their times, read as they are taken.

    `since`: no line of before, or none that is older. `tail`: the last lines of each log only, so many; what comes
    before them is not read. A log without a line has none here: `silence` says why. Raises JobError for more than 1000
    logs, or AWS's error.
    """
    begin = datetime.now(UTC) - since if isinstance(since, timedelta) else since
    some = [it for it in logs if not it.never]
    if len(some) > MOST_LOGS:
        raise JobError(
            f"{len(some)} logs are more than the {MOST_LOGS} that are merged at once",
            "Name fewer indexes, such as --index 0-99",
        )
    streams = [(it, _stream(job, it, begin)) for it in some]
    if tail is not None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ends = list(pool.map(lambda it: [LogLine(it[0], *line) for line in it[1].last(tail)], streams))
        yield from sorted((line for end in ends for line in end), key=_time)
        return
    size = max(SMALLEST_PAGE, LARGEST_PAGE // max(1, len(streams)))
    pages = [(it, stream.pages(size)) for it, stream in streams]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        first = list(pool.map(lambda it: next(it[1], []), pages))
    yield from heapq.merge(*(_each(it, begun, rest) for (it, rest), begun in zip(pages, first, strict=True)), key=_time)


def silence(job: Job, log: Log, *, since: datetime | None = None) -> NoLog:
    """Why `log_lines` has no line of a log (after `since`), and what to do."""
    what = f"task {log.task}" if log.index is None else f"index {log.index}"
    if log.never:
        return NoLog(f"{what} of {job.name} has no log: {log.reason or 'it never started'}", log.remedy)
    if log.status not in ("", "STOPPED"):
        back = f"fargate-job logs {job.name} --task {log.task[:SHORT]} --follow waits for its lines"
        return NoLog(f"{what} of {job.name} is {log.status} and has written nothing yet", back)
    if since is not None:
        return NoLog(f"{what} of {job.name} has written nothing since {since:%Y-%m-%d %H:%M} {since:%Z}", "")
    ended = f": {log.reason}" if log.reason else ""
    return NoLog(
        f"{what} of {job.name} has no line in its log{ended}",
        f"It wrote nothing, or its lines have expired or were deleted in the log group {log.group}",
    )


def _stream(job: Job, log: Log, since: datetime | None) -> Stream:
    """A log's stream, in the window of its task's life: without one, CloudWatch may search for long."""
    born = log.created and log.created - LATE
    begin = max((it for it in (born, since) if it is not None), default=None)
    return Stream(job, log.stream, group=log.group, since=begin)


def _each(log: Log, first: list[tuple[int, str]], rest: Iterator[list[tuple[int, str]]]) -> Iterator[LogLine]:
    yield from (LogLine(log, *line) for line in first)
    for page in rest:
        yield from (LogLine(log, *line) for line in page)


def _time(line: LogLine) -> int:
    return line.milliseconds
