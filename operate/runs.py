"""A job's runs, as its table has them. handler/run.py says what an item means; nothing is written here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError
from fargate_job_launcher.handler.ends import attempt_key
from fargate_job_launcher.handler.request import run_id
from fargate_job_launcher.handler.run import ENDED, Item, sort_key
from fargate_job_launcher.handler.settings import HISTORY_INDEX
from fargate_job_launcher.handler.table import plain

from .catalogue import Job
from .errors import JobError, NoSuchTask, unknown
from .task import SHORT, Task

SHOWN: Final = 20
"""How many of the newest runs are read for an overview."""
PAGE: Final = 100
"""How many runs are read at once."""
SCANNED: Final = 1000
"""How many are read at once if all are wanted, or only some states: DynamoDB counts those that it leaves out, and sends
a mebibyte at the most."""


def read(job: Job, run: str) -> Item | None:
    """A run by its id, as the last write left it; None if the table has none."""
    key = {"pk": {"S": job.family}, "sk": {"S": sort_key(run)}}
    with job.account.asking():
        found = job.account.client("dynamodb").get_item(TableName=job.settings.runs_table, Key=key, ConsistentRead=True)
    return plain(found["Item"]) if "Item" in found else None


class WithRun(Protocol):
    """What is of a run: a PastRun, a Launch, an ArrayRun, a Progress, a Task."""

    @property
    def run(self) -> str:
        """The run's id."""
        ...


def id_of(job: Job, run: str | WithRun) -> str:
    """The id of a run, given as an id, as its beginning, or as a value that has a run. Raises NoSuchRun if no run
    begins so, or several do."""
    given = run if isinstance(run, str) else run.run
    return given if re.fullmatch(r"[0-9a-f]{32}", given) else str(named(job, given)["run"])


def named(job: Job, run: str | WithRun) -> Item:
    """The run of this id, or whose id begins so, or that this is of. Raises NoSuchRun for none, and for several."""
    beginning = (run if isinstance(run, str) else run.run).lower()
    known = re.fullmatch(r"[0-9a-f]{1,32}", beginning)
    found: list[Item] = []
    if known:
        first, last = sort_key(beginning), sort_key(f"{beginning}g")
        while len(found) < 2:
            # The attempts of a run come after it: its next sibling is behind all of them.
            values = {":pk": {"S": job.family}, ":first": {"S": first}, ":last": {"S": last}}
            page = _queried(
                job, "pk = :pk AND sk BETWEEN :first AND :last", values, ConsistentRead=True,
                PaginationConfig={"MaxItems": 1, "PageSize": 1},
            )  # fmt: skip
            if not page:
                break
            found += page
            first = f"{sort_key(page[0]['run'])}$"
    if len(found) == 1:
        return found[0]
    raise unknown(job.name, "run", beginning, several=bool(found))


def of_key(job: Job, namespace: str, key: str) -> str:
    """The id of the run that a launch with this key has, or would have. `namespace` is the kind of its trigger."""
    return run_id(job.settings.family, namespace, key)


def attempts(job: Job, run: str) -> list[Item]:
    """The attempts of a run that have ended."""
    values = {":pk": {"S": job.family}, ":sk": {"S": attempt_key(run, "")}}
    return _queried(
        job, "pk = :pk AND begins_with(sk, :sk)", values, ConsistentRead=True, PaginationConfig={"PageSize": 1000}
    )


def newest(job: Job, most: int = SHOWN) -> list[Item]:
    """The runs that were launched last, the newest first."""
    return list(each_of(job, most))


def each_of(
    job: Job,
    most: int | None = None,
    *,
    since: str = "",
    until: str = "",
    states: Collection[str] = (),
    facts: Sequence[str] = (),
) -> Iterator[Item]:
    """The runs that were launched last, at most so many, the newest first: a page at a time, as they are taken.

    `most`: None for all. `since`: none that was launched earlier, as `handler.run.at` writes a time; `until`: none that
    was launched later. `states`: those in one of these states. `facts`: the attributes that are read, such as `state`
    or `array.size`; all by default.
    """
    values: dict[str, Any] = {":pk": {"S": job.family}}
    asked: dict[str, Any] = {"KeyConditionExpression": "pk = :pk"}
    named = {name for it in facts for name in it.split(".")} | ({"state"} if states else set[str]())
    if since or until:
        values |= {f":{name}": {"S": it} for name, it in (("since", since), ("until", until)) if it}
        asked["KeyConditionExpression"] += " AND launchedAt " + (
            "BETWEEN :since AND :until" if since and until else ">= :since" if since else "<= :until"
        )
    if states:
        wanted = {f":s{number}": {"S": it} for number, it in enumerate(sorted(states))}
        values |= wanted
        asked["FilterExpression"] = f"#state IN ({', '.join(wanted)})"
    if facts:
        asked["ProjectionExpression"] = ", ".join(".".join(f"#{name}" for name in it.split(".")) for it in facts)
    if named:
        # Some of the names are reserved words of DynamoDB.
        asked["ExpressionAttributeNames"] = {f"#{it}": it for it in sorted(named)}
    size = SCANNED if states or most is None else min(most, PAGE)
    with job.account.asking():
        pages = job.account.client("dynamodb").get_paginator("query")
        found = pages.paginate(
            TableName=job.settings.runs_table,
            IndexName=HISTORY_INDEX,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            PaginationConfig={"PageSize": size, **({} if most is None else {"MaxItems": most})},
            **asked,
        )
        for page in found:
            yield from (plain(it) for it in page["Items"])


def _queried(job: Job, condition: str, values: dict[str, Any], **asked: Any) -> list[Item]:
    with job.account.asking():
        pages = job.account.client("dynamodb").get_paginator("query")
        found = pages.paginate(
            TableName=job.settings.runs_table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **asked,
        )
        return [plain(it) for page in found for it in page["Items"]]


def unused_key(job: Job, series: Callable[[int], str], done: Callable[[Item], bool]) -> str:
    """The first key of a series whose run does not exist yet, or is not done: the launcher continues that one."""
    return next(key for key, run in _series(job, series) if run is None or not done(run))


def _series(job: Job, series: Callable[[int], str]) -> Iterator[tuple[str, Item | None]]:
    """The keys of a series from 1 on, each with its run; the last has none."""
    for number in count(1):
        key = series(number)
        run = read(job, of_key(job, "call", key))
        yield key, run
        if run is None:
            return


_RETRY: Final = re.compile(r"retry \d+ of ([0-9A-Za-z-]+)")


def _retries_of(root: str) -> Callable[[int], str]:
    return lambda number: f"retry {number} of {root}"


def _retried_first(run: Item, task: Task) -> str:
    """The task whose retries a task and everything that retries it belong to: the first of its lineage or, in a run
    that is itself a retry, the one that this retries."""
    retry = _RETRY.fullmatch(run["key"])
    return retry[1] if retry and run["trigger"] == "call" else root_of(run, task)


def retry_event(job: Job, task: Task) -> dict[str, Any]:
    """The event that launches one task again with what its run requested, as a run of its own.

    Two callers that retry it at the same time, or one that repeats a call without an answer, have the same key. Raises
    NoSuchTask if the table does not have its run, JobError if the run's payload is gone.
    """
    run = read(job, task.run) if task.run else None
    if run is None:
        raise NoSuchTask(
            f"the run of task {task.id} is not in the table {job.settings.runs_table}",
            f"Launch the job instead: fargate-job launch {job.name}",
        )
    if "array" in run:
        raise NoSuchTask(f"task {task.id} is of the array run {run['run']}, {_resumed(job, run)}")
    event = requested(job, run)
    event.pop("count", None)
    key = unused_key(job, _retries_of(_retried_first(run, task)), lambda it: bool(it["tasks"]) or it["state"] in ENDED)
    return {**event, "idempotencyKey": key}


def requested(job: Job, run: Item, *, payload: bool = True) -> dict[str, Any]:
    """What a run requested, as a launch event without a key; with `payload`, a payload that was stored in S3 is in it.
    Raises JobError if that is gone."""
    event: dict[str, Any] = json.loads(run["request"])
    if payload and "payload" in run:
        event["payload"] = _stored(job, run["payload"]["uri"])
    return event


def _stored(job: Job, uri: str) -> Any:
    """A payload that the launcher stored."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    then = f"Launch the job with the payload: fargate-job launch {job.name} --payload @FILE"
    with job.account.asking():
        s3 = job.account.client("s3")
        try:
            return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            # Without s3:ListBucket, S3 says AccessDenied of an object that is not there.
            if code not in ("NoSuchKey", "NoSuchBucket", "AccessDenied"):
                raise
    raise JobError(f"the payload of the run is gone, or you may not read it (s3:GetObject): {uri}", then)


def root_of(run: Item, task: Task) -> str:
    """The first task of a task's lineage: the task itself, or the one that it retries."""
    return next((it for it in run["tasks"] if task.root and it.startswith(task.root)), task.id)


def _resumed(job: Job, run: Item) -> str:
    return f"whose failed indexes this launches again: fargate-job runs resume {job.name} {run['run'][:SHORT]}"


def taken_up(job: Job, task: Task) -> str:
    """The retry that does the work of a failed task or has done it, in words; empty without one. To launch the task
    again would do its work twice."""
    run = read(job, task.run) if task.run else None
    if run is None:
        return ""
    if "array" in run:
        return f"it is of an array, {_resumed(job, run)}"
    root = root_of(run, task)
    entry = run["open"].get(root)
    if entry is not None:
        if "calls" in entry:
            return f"attempt {entry['attempt'] + 1} is about to be launched"
        if entry["task"] != task.id:
            return f"attempt {entry['attempt']} is under way"
        if entry["attempt"] <= run["policy"]["retries"]:
            return "the supervisor has not recorded its end yet, and may retry it"
    later = (it for it in attempts(job, task.run) if it["root"] == root and it["attempt"] > task.attempt)
    well = next((it for it in later if it["outcome"] == "succeeded"), None)
    if well:
        return f"attempt {well['attempt']} succeeded"
    for _, it in _series(job, _retries_of(_retried_first(run, task))):
        if it is not None and (it["state"] == "SUCCEEDED" or it["state"] not in ENDED):
            return f"its retry, run {it['run']}, is {it['state']}"
    return ""
