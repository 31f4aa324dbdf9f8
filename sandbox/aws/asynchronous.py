"""What becomes of an event that nobody waits for.

Lambda delivers again what failed, then sends it to the failure destination of the alias that was invoked; what is
throttled waits, and where the reserved concurrency is 0 it goes there at once. EventBridge and Scheduler send what has
no target any more to the target's dead-letter queue. The emulator knows neither an alias's settings nor those queues,
delivers events of EventBridge and Scheduler once, and holds to a reserved concurrency in direct calls only.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge, lambda_svc, sqs

from . import delivery

RETRY_SECONDS: Final = 1.0
"""Until a failed event is delivered again, and twice that until the next time; on AWS one minute, then two."""
THROTTLED_SECONDS: Final = 0.5
"""Until a throttled event is tried again; on AWS from a second to five minutes."""

Record = dict[str, Any]

# The emulator's own steps, which it gives no public way to; its version is pinned.
_events: Any = eventbridge
_lambda: Any = lambda_svc
_sqs: Any = sqs


def install() -> None:
    """Have the emulator do as is described above."""
    _events._dispatch_to_lambda = _from_eventbridge
    _events._invoke_target = _or_dead_letter(_events._invoke_target)
    _lambda.invoke_async_with_retry = _deliver
    _lambda._reserved_concurrency = _reserved_concurrency


def _reserved_concurrency(_func: Record, config: Record) -> int | None:
    """That of the function, whichever of its versions and aliases is invoked."""
    reserved = (_lambda._functions.get(config["FunctionName"]) or {}).get("concurrency")
    return None if reserved is None else int(reserved)


def _or_dead_letter(invoke: Callable[..., None]) -> Callable[..., None]:
    def invoked(target: Record, event: Record, rule: Record, *more: Any) -> None:
        queue = target.get("DeadLetterConfig", {}).get("Arn", "")
        if _takes(target["Arn"], event, rule):
            invoke(target, event, rule, *more)
        elif queue and _takes(queue, event, rule):
            _events._dispatch_to_sqs(parse_arn(queue), _whole(target, event))

    return invoked


def _whole(target: Record, event: Record) -> str:
    """What is kept of an event that was not delivered."""
    if _scheduled(event):
        return str(target.get("Input", "{}"))
    return json.dumps(_events._pattern_event_view(event).event_with_detail())


def _scheduled(event: Record) -> bool:
    """Whether Scheduler sends it, which does so with a role of its own."""
    return event.get("Source") == "aws.scheduler"


def _takes(arn: str, event: Record, rule: Record) -> bool:
    """Whether a function, its alias included, is there; whether a queue is, and lets the rule in."""
    service = arn.split(":")[2]
    if service == "lambda":
        return bool(_lambda._get_func_record_for_ref(arn)[0])
    if service != "sqs":
        return True
    if _scheduled(event):
        return bool(_sqs._queue_by_arn(arn))
    return delivery.admitted(arn, "events.amazonaws.com", rule["Arn"], get_account_id())


def _from_eventbridge(arn: str, payload: str) -> None:
    func, config, name = _lambda._get_func_record_for_ref(arn)
    if not func or not config:
        raise ValueError(f"{arn}: there is no function {name}")
    _deliver({**func, "config": {**config, "FunctionArn": arn}}, json.loads(payload))


def _deliver(func: Record, event: Any) -> None:
    """Deliver an event until the function has taken it or its failure destination has."""
    account, region = get_account_id(), get_region()

    def deliver() -> None:
        with request_scope(account, region):
            _until_taken(func, event)

    threading.Thread(target=deliver, daemon=True).start()


def _until_taken(func: Record, event: Any) -> None:
    config: Record = func["config"]
    name, alias = config["FunctionName"], "".join(config["FunctionArn"].split(":")[7:8])
    settings: Record = _lambda._event_invoke_config(_lambda._functions[name], alias) or {}
    retries, oldest = settings.get("MaximumRetryAttempts", 2), settings.get("MaximumEventAgeInSeconds", 6 * 3600)
    began, failed = time.monotonic(), 0
    while True:
        result = _lambda._execute_function_with_config_scope(func, event)
        if not result.get("error"):
            return
        wait = THROTTLED_SECONDS
        if result.get("throttle") and _reserved_concurrency(func, config) == 0:
            break
        if not result.get("throttle"):
            failed += 1
            wait = RETRY_SECONDS * failed
        if failed > retries or time.monotonic() - began + wait > oldest:
            break
        time.sleep(wait)
    destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination:
        _lambda._route_async_failure(destination, name, event, result)
