"""Tells the end of a run: an EventBridge event, a notice if it failed, the answer to a Step Functions execution.

The supervisor asks the job's launcher to do this, because only its role may read the job's log and result and may write
to its topic. Each step that has succeeded is recorded; a step that failed is repeated, and the steps before it are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from . import arrays, callbacks, ranges, redact
from . import run as runs
from .attempt import moment, outcome_of
from .awsjson import code_of
from .outcome import OWN_WORDS
from .records import Gone, Records
from .remedy import remedy
from .result import log_stream
from .run import Item
from .settings import RUN_EVENT, RUN_EVENTS_SOURCE, Settings

LARGEST_RESULT: Final = 32 * 1024
"""Bytes of a result that a run carries. JSON may write a byte as six characters."""
LARGEST_EVENT: Final = 250_000
"""Bytes of an event's detail. EventBridge takes 256 KiB of a whole event.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html"""
LONGEST_LINE: Final = 1000
"""Characters of a log line in an event."""
LONGEST_SUBJECT: Final = 100
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


class NotTold(Exception):
    """A step failed; the end is told again later."""


@dataclass
class Teller:
    """Tells the ends of one job's runs."""

    settings: Settings
    records: Records
    client: Callable[[str], Any]
    """Service → botocore client."""
    remaining: Callable[[], float]
    """Seconds until the function is stopped."""
    log: Callable[..., None]
    """Called with a level, a message, and facts and metrics by name."""

    def tell(self, pk: str, run_id: str) -> bool:
        """Tell the end of a run if that is pending; whether it was. Raises NotTold or NotRecorded."""
        run, now = self.records.read(pk, run_id), self.records.clock()
        if run is None or not _pending(run, now):
            return False
        number = run["ends"]

        def claim(it: Item) -> None:
            if not _pending(it, now):
                raise Gone
            it["telling"] = now + self.remaining()
            it["tell"] = max(it["tell"], it["telling"])

        try:
            run = self.records.change(run, claim)
        except Gone:
            return False
        told, problem = list[str](), ""
        try:
            self._tell(run, told)
        except Exception as error:  # noqa: BLE001 - the steps that succeeded are recorded first; NotTold follows
            problem = f"{type(error).__name__}: {error}"

        def record(it: Item) -> None:
            if it["ends"] != number or it["state"] not in runs.ENDED:
                # Its event came again meanwhile: it goes on.
                return
            it["told"] = sorted({*it.get("told", []), *(f"{number} {what}" for what in told)})
            it.pop("telling", None)
            if not problem:
                it.pop("tell", None)
                it["toldAt"] = runs.at(self.records.clock())
            if "result" in run:
                it["result"] = run["result"]

        self.records.change(run, record)
        if problem:
            raise NotTold(problem)
        self.log("INFO", f"run {run['state']}", run=run_id, state=run["state"], **_metrics(run))
        return True

    def _tell(self, run: Item, told: list[str]) -> None:
        done = {it.partition(" ")[2] for it in run.get("told", []) if it.startswith(f"{run['ends']} ")}
        if self.settings.result_prefix and run["state"] == "SUCCEEDED" and "result" not in run and "array" not in run:
            run["result"] = self._result(run)
        detail = described(run, lines=self._lines(run))
        if "event" not in done:
            self._event(detail)
            told.append("event")
        if "notice" not in done and self.settings.notice_topic and run["state"] in ("FAILED", "REJECTED"):
            self._notice(detail)
            told.append("notice")
        for number, token in enumerate(run.get("taskTokens", [])):
            if f"callback {number}" not in done:
                self._answer(token, detail)
                told.append(f"callback {number}")

    def _event(self, detail: dict[str, Any]) -> None:
        while len(json.dumps(detail).encode()) > LARGEST_EVENT and detail["logLines"]:
            detail["logLines"] = detail["logLines"][1:]
        entry = {"Source": RUN_EVENTS_SOURCE, "DetailType": RUN_EVENT, "Detail": json.dumps(detail)}
        answer = self.client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise NotTold(f"PutEvents: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    def _notice(self, detail: dict[str, Any]) -> None:
        attempts = detail["attempts"]
        tried = "once" if attempts <= 1 else f"{attempts} times"
        then = f"{detail['remedy']}.\n\n" if detail.get("remedy") else ""
        output = "\n".join(["The last lines of its log:", *detail["logLines"], "\n"]) if detail["logLines"] else ""
        words = (
            f"{self.settings.job} failed: {detail['reason']}. It was tried {tried}.\n\n"
            f"{then}{output}Logs: {detail['links']['logs']}\n\n"
        )
        subject = f"{self.settings.job}: {detail['outcome'].replace('_', ' ')}"
        self.client("sns").publish(
            TopicArn=self.settings.notice_topic,
            Subject=subject[:LONGEST_SUBJECT],
            Message=words + json.dumps(detail, indent=2),
        )

    def _answer(self, token: str, detail: dict[str, Any]) -> None:
        if not callbacks.answer(self.client("stepfunctions"), token, detail):
            self.log("WARN", "no execution waits for the run any more", run=detail["run"])

    def _lines(self, run: Item) -> list[str]:
        """The last lines of the task that failed last, without the values of the launch event."""
        task = run.get("last", {}).get("task")
        if not self.settings.log_lines or not task or run["state"] != "FAILED":
            return []
        logs = self.client("logs")
        try:
            found = logs.get_log_events(
                logGroupName=run["logGroup"],
                logStreamName=log_stream(run["container"], task),
                limit=self.settings.log_lines,
                startFromHead=False,
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            # A task that never started has no log.
            return []
        values = redact.texts_of(json.loads(run["request"]))
        return [redact.redacted_text(str(it["message"]).rstrip("\n")[:LONGEST_LINE], values) for it in found]

    def _result(self, run: Item) -> dict[str, Any]:
        """What the job left at JOB_RESULT_S3_URI: its address, its size, and its content if it is text and not too
        large; nothing but the address if it left none."""
        uri = f"{self.settings.result_prefix}{run['run']}"
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3 = self.client("s3")
        try:
            answer = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{LARGEST_RESULT}")
        except Exception as error:
            # Without s3:ListBucket, S3 says AccessDenied of an object that is not there; an empty one has no range.
            if code_of(error) in ("NoSuchKey", "404", "AccessDenied", "InvalidRange"):
                return {"uri": uri, "bytes": 0}
            raise
        size = int(str(answer.get("ContentRange", "")).rpartition("/")[2] or answer["ContentLength"])
        found: dict[str, Any] = {"uri": uri, "bytes": size}
        if size <= LARGEST_RESULT:
            try:
                found["text"] = answer["Body"].read().decode()
            except UnicodeDecodeError:
                found["binary"] = True
        else:
            found["tooLarge"] = f"a run carries at most {LARGEST_RESULT} bytes of a result"
        return found


def described(run: Item, *, lines: list[str]) -> dict[str, Any]:
    """The detail of the event about a run's end. It has no value of the launch event, and no task token."""
    began, ended = moment(runs.began(run)) or 0.0, moment(run["endedAt"]) or 0.0
    last = run.get("last", {})
    outcome, reason, advised = _why(run)
    # AWS may have repeated a value of the launch event.
    own = "\n".join((run["taskDefinition"], run["cluster"], run["job"], OWN_WORDS))
    reason = redact.redacted_text(reason, redact.texts_of(json.loads(run["request"])), own=own)
    detail: dict[str, Any] = {
        "version": "1",
        "job": run["job"],
        "run": run["run"],
        "end": run["ends"],
        "state": run["state"],
        "outcome": outcome,
        "reason": reason,
        "remedy": advised,
        **({"exitCode": last["exitCode"]} if "exitCode" in last else {}),
        "requested": run["requested"],
        "launched": runs.how_many(run),
        **{key: run[key] for key in ("succeeded", "failed", "stopped", "attempts")},
        "launchedAt": run["launchedAt"],
        "endedAt": run["endedAt"],
        "seconds": round(ended - began, 3),
        "taskSeconds": run["taskSeconds"],
        "costUsd": run.get("costUsd"),
        "trigger": run["trigger"],
        "requestedBy": run.get("requestedBy"),
        "asked": _asked(run),
        "task": f"{run['cluster'].replace(':cluster/', ':task/')}/{last['task']}" if last else None,
        "cluster": run["cluster"],
        "taskDefinition": run["taskDefinition"],
        "links": {"logs": logs_link(run, last.get("task", ""))},
        "logLines": lines,
    }
    if "array" in run:
        detail["array"] = arrays.summary(run)
    if "result" in run:
        detail["result"] = run["result"]
    return detail


def _pending(run: Item, now: float) -> bool:
    return run["state"] in runs.ENDED and "tell" in run and run.get("telling", 0) <= now


def _why(run: Item) -> tuple[str, str, str]:
    """Outcome, reason and remedy of a run, as of its last task or of the launch."""
    if run["state"] == "SUCCEEDED":
        ended = "every index" if "array" in run else "every task"
        return "succeeded", f"{ended} ended with exit code 0", ""
    if run["state"] == "SKIPPED":
        return "skipped", run.get("skipped", "the job runs already, and its overlap is skip"), ""
    of_array = f"; {_counted(run)}" if "array" in run else ""
    if run["state"] == "STOPPED" and "stopping" in run:
        return "stopped", f"it was {run['stopping']['reason']}{of_array}", ""
    if run["failed"] or (run["state"] == "STOPPED" and "last" in run):
        last = run["last"]
        return last["outcome"], f"{last['reason']}{of_array}", outcome_of(last).remedy
    said = f"{runs.how_many(run)} of {run['requested']} tasks were launched"
    if run["failures"]:
        first = run["failures"][0]
        said += f": {first['reason']}: {first['detail']}"
        return "not_launched", f"{said}{of_array}", remedy(said)
    return "not_launched", f"{said}{of_array}", ""


def _counted(run: Item) -> str:
    """How many indexes of an array ended how, and why the others never started: the lists may be long."""
    summary = arrays.summary(run)
    words = {"succeeded": "succeeded", "failed": "failed", "stopped": "were stopped", "notStarted": "never started"}
    told = [f"{size} {words[key]}" for key in words if (size := ranges.size(summary[key]))]
    halted = f" ({summary['halted']})" if "halted" in summary else ""
    return f"of {summary['size']} indexes {', '.join(told)}{halted}"


def _asked(run: Item) -> dict[str, Any]:
    """What was requested of a run, with names and sizes in place of values."""
    asked: dict[str, Any] = json.loads(run["request"])
    names = {key: sorted(asked[key]) for key in ("environment", "tags") if key in asked}
    shown = ("cpu", "memory", "ephemeralStorageGiB", "count", "array", "capacity", "role")
    plain = {key: asked[key] for key in shown if key in asked}
    words = {"commandWords": len(asked["command"])} if "command" in asked else {}
    return {**plain, **names, **words, "payload": "payload" in asked or "payload" in run}


def _metrics(run: Item) -> dict[str, Any]:
    named = {"SUCCEEDED": "RunsSucceeded", "STOPPED": "RunsStopped", "SKIPPED": "RunsSkipped"}
    metrics: dict[str, Any] = {named.get(run["state"], "RunsFailed"): 1}
    if run["state"] != "SKIPPED":
        metrics["RunSeconds"] = round((moment(run["endedAt"]) or 0) - (moment(runs.began(run)) or 0), 3)
    return metrics


def logs_link(run: Item, task: str) -> str:
    """Address of a task's log in CloudWatch's console; of the job's whole log without a task."""
    _, partition, _, region, *_ = run["cluster"].split(":")
    console = {
        "aws-cn": "console.amazonaws.cn",
        "aws-eusc": "console.amazonaws-eusc.eu",  # https://github.com/ByteNess/aws-vault/pull/285
        "aws-us-gov": "console.amazonaws-us-gov.com",
    }.get(partition, "console.aws.amazon.com")
    group = f"https://{region}.{console}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/"
    group += _encoded_twice(run["logGroup"])
    return f"{group}/log-events/{_encoded_twice(log_stream(run['container'], task))}" if task else group


def _encoded_twice(text: str) -> str:
    """A name in an address of CloudWatch's console: encoded twice, with $ for %."""
    from urllib.parse import quote

    return quote(quote(text, safe=""), safe="").replace("%", "$")
