"""The function's entry point: find the trigger, launch, and answer as the trigger expects.

A direct caller receives the result. A launch that may succeed later is delivered again: the function raises an error
for Lambda's asynchronous invocation, and returns the message's id to SQS. An event that can never succeed goes to the
dead-letter queue at once.
"""

from __future__ import annotations

import json
import os
import time
from functools import cache
from typing import Any, Final, Protocol

from . import report, trigger
from .dead_letters import DeadLetters
from .dry_run import dry_run
from .ecs import Ecs
from .event import Rejected
from .launch import Launcher, LaunchResult, chunks, rejection
from .redact import redacted
from .request import parse
from .running import Running
from .settings import Settings
from .timing import Budget, Pace

SETTLING_SECONDS: Final = 20.0
"""A deploy starts new instances of the function. An instance younger than this retries a denied call, because IAM may
not know the new policy yet."""
LAUNCHES_AT_ONCE: Final = 10
"""Of one batch: SQS's default batch size."""

_STARTED: Final = time.monotonic()
SETTINGS: Final = Settings.read(os.environ)
ECS: Final = Ecs.of(os.environ)
RUNNING: Final = Running(ECS, SETTINGS)


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
    identified = trigger.identify(
        event,
        request_id=context.aws_request_id,
        function_arn=context.invoked_function_arn,
        trace_id=os.environ.get("_X_AMZN_TRACE_ID", ""),
        now=time.time(),
        as_payload=SETTINGS.event_as_payload,
        queue_as_payload=SETTINGS.queue_as_payload,
    )
    launcher = Launcher(
        settings=SETTINGS,
        ecs=ECS,
        budget=Budget(lambda: context.get_remaining_time_in_millis() / 1000),
        pace=Pace(),
        store=_store,
        settling=lambda: time.monotonic() - _STARTED < SETTLING_SECONDS,
        running=RUNNING if SETTINGS.max_running else None,
    )
    if identified.kind == "queue":
        return _batch(launcher, identified, context)
    (delivery,) = identified.deliveries
    result = _launch(launcher, delivery, identified.kind, context)
    waits = identified.kind != "asynchronous"
    if not (waits or _complete(result)) and (_retryable(result) or not _dead_letters().park(delivery, result)):
        # Lambda logs the error, and an idempotency key may hold data that does not belong in a log.
        raise LaunchIncomplete(json.dumps({**result, "idempotencyKey": ""}))
    return result


def _batch(launcher: Launcher, batch: trigger.Trigger, context: Context) -> dict[str, Any]:
    """The answer to SQS: the ids of the messages that it has to deliver again (ReportBatchItemFailures)."""

    def processed(delivery: trigger.Delivery) -> bool:
        if delivery.ignored:
            message = f"message {delivery.message_id} is ignored: {delivery.ignored}"
            print(json.dumps({"level": "INFO", "message": message, "requestId": context.aws_request_id}))
            return True
        try:
            result = _launch(launcher, delivery, batch.kind, context)
            return _complete(result) or (not _retryable(result) and _dead_letters().park(delivery, result))
        except Exception as error:  # noqa: BLE001 - SQS delivers this message again; the others are not affected
            message = f"{type(error).__name__} while launching message {delivery.message_id}"
            print(json.dumps({"level": "ERROR", "message": message, "requestId": context.aws_request_id}))
            return False

    if len(batch.deliveries) == 1:
        outcomes = [processed(batch.deliveries[0])]
    else:
        from concurrent.futures import ThreadPoolExecutor

        # With max_running, one launch follows another, so that each counts the tasks of those before it.
        with ThreadPoolExecutor(1 if SETTINGS.max_running else LAUNCHES_AT_ONCE) as pool:
            outcomes = list(pool.map(processed, batch.deliveries))
    failed = [it.message_id for it, complete in zip(batch.deliveries, outcomes, strict=True) if not complete]
    return {"batchItemFailures": [{"itemIdentifier": it} for it in failed]}


def _launch(launcher: Launcher, delivery: trigger.Delivery, kind: trigger.Kind, context: Context) -> LaunchResult:
    began, calls = time.monotonic(), 0
    try:
        trigger.require_launch_event(delivery)
        request = parse(delivery.event, SETTINGS, key=delivery.key, delivery=delivery.number)
    except Rejected as rejected:
        result = rejection(SETTINGS, rejected.problems)
    else:
        calls = len(chunks(request))
        result = dry_run(SETTINGS, request) if request.dry_run else redacted(launcher.launch(request), request)
    print(
        report.line(
            result,
            job=SETTINGS.job,
            function=context.function_name,
            kind=kind,
            request_id=context.aws_request_id,
            now=time.time(),
            seconds=time.monotonic() - began,
            calls=calls,
        ),
        flush=True,
    )
    return result


def _complete(result: LaunchResult) -> bool:
    return result["status"] == "DRY_RUN" or 0 < result["requested"] <= result["launched"]


def _retryable(result: LaunchResult) -> bool:
    return any(failure["retryable"] for failure in result["failures"])


# Few launches need S3 or SQS: each client is made at its first use.


@cache
def _client(service: str) -> Any:
    import botocore.session
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5)
    return botocore.session.get_session().create_client(service, config=config)


def _dead_letters() -> DeadLetters:
    return DeadLetters(SETTINGS.dead_letter_queue, lambda: _client("sqs"))


def _store(uri: str, body: bytes) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    _client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
