"""The function's entry point: find the trigger, launch, and answer as the trigger expects.

A direct caller receives the result. A launch that may succeed later is delivered again: the function raises an error
for Lambda's asynchronous invocation, and returns the message's id to SQS. An event that can never succeed goes to the
dead-letter queue at once. The supervisor invokes the function too: for a retry, for a launch that waited, and to tell
the end of a run; and a person, to pause a schedule or to cancel a launch that waits for its time.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from . import instruction, report, trigger
from .calls import Calls, chunks
from .ecs import Ecs
from .event import Rejected
from .launch import Launcher
from .records import Records
from .request import parse
from .result import LaunchResult, rejection
from .settings import Settings
from .table import Table
from .timing import Budget, Pace, jitter

if TYPE_CHECKING:
    from .dead_letters import DeadLetters
    from .later import Later
    from .waves import Waves

SETTLING_SECONDS: Final = 20.0
"""A deploy starts new instances of the function. An instance younger than this retries a denied call, because IAM may
not know the new policy yet."""
LAUNCHES_AT_ONCE: Final = 10
"""Of one batch: SQS's default batch size."""

_STARTED: Final = time.monotonic()
SETTINGS: Final = Settings.read(os.environ)
ECS: Final = Ecs.of(os.environ)
RECORDS: Final = Records(Table.of(os.environ, SETTINGS.runs_table))


class Context(Protocol):
    """The part of Lambda's context object that is used."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda stops the function."""
        ...


class LaunchIncomplete(Exception):
    """Fewer tasks were launched than requested, and another delivery may help; the message is the result."""


def handle(event: object, context: Context) -> Any:
    """Launch what the event requests; the result, or SQS's answer for a batch. Raises LaunchIncomplete."""
    try:
        asked = instruction.read(event)
    except instruction.Malformed as malformed:
        return {"done": False, "problem": str(malformed)}
    if asked is not None:
        return _instructed(*asked, context)
    identified = trigger.identify(
        event,
        request_id=context.aws_request_id,
        function_arn=context.invoked_function_arn,
        as_payload=SETTINGS.event_as_payload,
        queue_as_payload=SETTINGS.queue_as_payload,
    )
    if identified.kind == "queue":
        return _batch(identified, context)
    (delivery,) = identified.deliveries
    result = _launch(delivery, identified.kind, context)
    if identified.kind == "direct" or _complete(result):
        return result
    if _retryable(result) or not _dead_letters().park(delivery, result):
        # Lambda logs the error, and an idempotency key may hold data that does not belong in a log.
        raise LaunchIncomplete(json.dumps({**result, "idempotencyKey": ""}))
    return result


def _instructed(kind: instruction.Kind, run: str, more: Any, context: Context) -> dict[str, Any]:
    """Do what the supervisor asks for, if the table says that it is pending, nothing otherwise, for any caller. Or
    change an array, pause a schedule, or cancel a launch that waits for its time, as a person asks."""
    if kind in ("nextOf", "arrayOf"):
        return _array(kind, run, more, context)
    if kind in ("pause", "resume", "cancelOf"):
        return _schedule(kind, run, more, context)
    launcher = _waves(context)
    if kind == "retryOf":
        done = launcher.retry(run, more)
        if done:
            _log("INFO", f"retried {more}", context, run=run, AttemptsRetried=1)
    elif kind == "continueOf":
        began, result = time.monotonic(), launcher.again(run)
        done = result is not None
        if result is not None:
            _report(result, "asynchronous", context, seconds=time.monotonic() - began, calls=result["attempts"])
    else:
        from .ending import Teller

        def log(level: str, message: str, **told: Any) -> None:
            _log(level, message, context, **told)

        done = Teller(SETTINGS, RECORDS, _client, _remaining(context), log).tell(launcher.family, run)
    return {"done": done}


def _schedule(kind: instruction.Kind, what: str, by: str, context: Context) -> dict[str, Any]:
    """Pause or resume a schedule, or cancel a launch that waits for its time."""
    if kind == "cancelOf":
        problem = _later(context).cancel(what)
    else:
        from . import paused

        problem = paused.change(RECORDS, SETTINGS, what, paused=kind == "pause", by=by)
    _log("WARN" if problem else "INFO", f"{kind} {what}: {problem or 'done'}", context)
    return {"done": False, "problem": problem} if problem else {"done": True}


def _array(kind: instruction.Kind, run: str, asked: Any, context: Context) -> dict[str, Any]:
    """Launch more of an array, or change it; whether that was done, and otherwise why not."""
    from .array_changes import Refused, change

    launcher, began = _waves(context), time.monotonic()
    try:
        result = launcher.next(run) if kind == "nextOf" else change(launcher, run, asked)
    except Refused as refused:
        return {"done": False, "problem": str(refused)}
    if result is not None:
        _report(result, "asynchronous", context, seconds=time.monotonic() - began, calls=result["attempts"])
        if launcher.retried:
            _log("INFO", f"retried {launcher.retried} indexes", context, run=run, AttemptsRetried=launcher.retried)
    return {"done": kind == "arrayOf" or result is not None}


def _batch(batch: trigger.Trigger, context: Context) -> dict[str, Any]:
    """The answer to SQS: the ids of the messages that it has to deliver again (ReportBatchItemFailures)."""

    def processed(delivery: trigger.Delivery) -> bool:
        if delivery.ignored:
            _log("INFO", f"message {delivery.message_id} is ignored: {delivery.ignored}", context)
            return True
        try:
            result = _launch(delivery, batch.kind, context)
            return _complete(result) or (not _retryable(result) and _dead_letters().park(delivery, result))
        except Exception as error:  # noqa: BLE001 - SQS delivers this message again; the others are not affected
            _log("ERROR", f"{type(error).__name__} while launching message {delivery.message_id}", context)
            return False

    if len(batch.deliveries) == 1:
        outcomes = [processed(batch.deliveries[0])]
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(LAUNCHES_AT_ONCE) as pool:
            outcomes = list(pool.map(processed, batch.deliveries))
    failed = [it.message_id for it, complete in zip(batch.deliveries, outcomes, strict=True) if not complete]
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed]}


def _launch(delivery: trigger.Delivery, kind: trigger.Kind, context: Context) -> LaunchResult:
    began, calls = time.monotonic(), 0
    try:
        trigger.require_launch_event(delivery)
        request = parse(delivery.event, SETTINGS, key=delivery.key, namespace=delivery.namespace)
    except Rejected as rejected:
        result = rejection(SETTINGS, rejected.problems)
    else:
        calls = 0 if request.array else len(chunks(request.count))
        if request.dry_run and request.at is None:
            from .dry_run import dry_run

            result = dry_run(SETTINGS, request)
        else:
            if request.at is not None:
                result = _later(context).schedule(request, cast("dict[str, Any]", delivery.event))
            else:
                launcher = _waves(context) if request.array else _launcher(context)
                result = launcher.launch(
                    request, trigger=delivery.namespace, redelivered=kind != "direct", schedule=delivery.schedule
                )
            if result["failures"]:
                from .redact import redacted

                result = redacted(result, request)
            if request.array:
                calls = result["new"]
    _report(result, kind, context, seconds=time.monotonic() - began, calls=calls)
    if SETTINGS.callbacks:
        _answer_refused(delivery.event, result, kind)
    return result


def _report(result: LaunchResult, kind: trigger.Kind, context: Context, *, seconds: float, calls: int) -> None:
    function, request_id = context.function_name, context.aws_request_id
    told = {"job": SETTINGS.job, "function": function, "kind": kind, "request_id": request_id, "now": time.time()}
    print(report.line(result, seconds=seconds, calls=calls, **cast("Any", told)), flush=True)


def _answer_refused(event: object, result: LaunchResult, kind: trigger.Kind) -> None:
    """Tell an execution that waits with a task token that its launch was refused: without a run there is no end to be
    told."""
    token = cast("dict[str, Any]", event).get("taskToken") if isinstance(event, dict) else None
    final = result["status"] in ("REJECTED", "CONFLICT") or (kind == "direct" and not result["state"])
    if isinstance(token, str) and token and final and result["failures"]:
        from . import callbacks

        callbacks.answer(_client("stepfunctions"), token, callbacks.refused(SETTINGS.job, result))


_PACE: Final = Pace()


def _launcher(context: Context) -> Launcher:
    remaining = _remaining(context)
    calls = Calls(ECS, Budget(remaining), _PACE, lambda: time.monotonic() - _STARTED < SETTLING_SECONDS, jitter)
    return Launcher(SETTINGS, calls, RECORDS, _store, _stored, remaining, _function(context))


def _function(context: Context) -> str:
    """ARN of the function without the alias that was invoked: the supervisor invokes the function itself."""
    return ":".join(context.invoked_function_arn.split(":")[:7])


def _later(context: Context) -> Later:
    # Imported here: few launches are scheduled, and every import makes a cold start longer.
    from .later import Later

    return Later(SETTINGS, RECORDS, lambda: _client("scheduler"), _function(context))


def _waves(context: Context) -> Waves:
    """The launcher with everything that a usual launch does without: every import makes a cold start longer."""
    from .waves import Waves

    return Waves(**vars(_launcher(context)))


def _remaining(context: Context) -> Any:
    return lambda: context.get_remaining_time_in_millis() / 1000


def _complete(result: LaunchResult) -> bool:
    return result["status"] in ("LAUNCHED", "DRY_RUN", "DUPLICATE", "SCHEDULED", "SKIPPED", "WAITING")


def _retryable(result: LaunchResult) -> bool:
    return any(failure["retryable"] for failure in result["failures"])


_METRICS: Final = {"AttemptsRetried", "RunsSucceeded", "RunsFailed", "RunsStopped", "RunsSkipped", "RunSeconds"}


def _log(level: str, message: str, context: Context, **told: Any) -> None:
    units = {key: "Seconds" if key == "RunSeconds" else "Count" for key in told.keys() & _METRICS}
    record = {"level": level, "message": message, "requestId": context.aws_request_id, "job": SETTINGS.job, **told}
    print(report.line_of(record, units, function=context.function_name, now=time.time()), flush=True)


# Few launches need S3 or SQS: each client is made at its first use.


@cache
def _client(service: str) -> Any:
    import botocore.session
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5)
    return cast("Any", botocore.session.get_session().create_client(service, config=config))


def _dead_letters() -> DeadLetters:
    from .dead_letters import DeadLetters

    return DeadLetters(SETTINGS.dead_letter_queue, lambda: _client("sqs"))


def _store(uri: str, body: bytes) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    _client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _stored(uri: str) -> bool:
    from botocore.exceptions import ClientError

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        _client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # Without s3:ListBucket, S3 says 403 of an object that is not there.
        if cast("Any", error.response)["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True
