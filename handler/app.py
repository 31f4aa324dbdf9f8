"""The function's entry point: which trigger spoke, and what it is owed.

A direct caller is given the result. Of an asynchronous one, what may succeed later is raised, so that Lambda delivers
the event again; of a queue, it goes back to it. What never will goes to the dead-letter queue at once.
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
"""A deploy starts new instances of the function; so long into its life, one waits for IAM to know its policy."""
LAUNCHES_AT_ONCE: Final = 10
"""Of a batch: as many as SQS puts into one by default."""

_BORN: Final = time.monotonic()
SETTINGS: Final = Settings.read(os.environ)
ECS: Final = Ecs.of(os.environ)
RUNNING: Final = Running(ECS, SETTINGS)


class Context(Protocol):
    """What of Lambda's context object is used."""

    aws_request_id: str
    function_name: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda stops the function."""
        ...


class LaunchIncomplete(Exception):
    """Less was launched than asked for and a new delivery may help; the message is the result."""


def handle(event: object, context: Context) -> Any:
    """Launch what the event asks for, or say why not."""
    spoken = trigger.identify(
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
        settling=lambda: time.monotonic() - _BORN < SETTLING_SECONDS,
        running=RUNNING if SETTINGS.max_running else None,
    )
    if spoken.kind == "queue":
        return _batch(launcher, spoken, context)
    (delivery,) = spoken.deliveries
    result = _launch(launcher, delivery, spoken.kind, context)
    if spoken.kind == "asynchronous" and not _complete(result):
        # SQS counts bytes: as UTF-8, most of them are as many as they were.
        event = json.dumps(delivery.event, ensure_ascii=False)
        # The two characters that SQS does not take, escaped.
        event = event.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
        if _retryable(result) or not _dead_letters().park(event, result):
            # Lambda logs what is raised, and a key may say more than a log should.
            raise LaunchIncomplete(json.dumps({**result, "idempotencyKey": ""}))
    return result


def _batch(launcher: Launcher, spoken: trigger.Trigger, context: Context) -> dict[str, Any]:
    """What SQS is owed: the ids of the messages that it has to deliver again (ReportBatchItemFailures)."""

    def done(delivery: trigger.Delivery) -> bool:
        if delivery.ignored:
            said = f"message {delivery.message_id}: {delivery.ignored}"
            print(json.dumps({"level": "INFO", "message": said, "requestId": context.aws_request_id}))
            return True
        try:
            result = _launch(launcher, delivery, spoken.kind, context)
            return _complete(result) or (not _retryable(result) and _dead_letters().park(delivery.body, result))
        except Exception as error:  # noqa: BLE001 - one message's failure is not the others'; SQS delivers it again
            said = f"{type(error).__name__} while launching message {delivery.message_id}"
            print(json.dumps({"level": "ERROR", "message": said, "requestId": context.aws_request_id}))
            return False

    if len(spoken.deliveries) == 1:
        outcomes = [done(spoken.deliveries[0])]
    else:
        from concurrent.futures import ThreadPoolExecutor

        # Counted one after the other, where there may be only so many at once.
        with ThreadPoolExecutor(1 if SETTINGS.max_running else LAUNCHES_AT_ONCE) as pool:
            outcomes = list(pool.map(done, spoken.deliveries))
    again = [it.message_id for it, gone in zip(spoken.deliveries, outcomes, strict=True) if not gone]
    return {"batchItemFailures": [{"itemIdentifier": it} for it in again]}


def _launch(launcher: Launcher, delivery: trigger.Delivery, kind: trigger.Kind, context: Context) -> LaunchResult:
    began, calls = time.monotonic(), 0
    try:
        trigger.problem_of(delivery)
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


# The clients of what few launches need are made when the first one needs them.


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
