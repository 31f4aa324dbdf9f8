"""Queues, schedules, event targets and log groups: how a launch reaches the launcher, and which records are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

from .config import Limit
from .documents import Document, read
from .functions import launchers
from .launched import EVENT_TARGET, SCHEDULE
from .rule import ADVISORY, CRITICAL, LOW, MANDATORY, MEDIUM, Limits, resources, rule
from .senders import MAPPING, QUEUE, function_of
from .stack import Resource, Stack, Unknown, number

QUEUE_POLICY: Final = "aws:sqs/queuePolicy:QueuePolicy"
REDRIVE: Final = "aws:sqs/redrivePolicy:RedrivePolicy"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
VISIBILITY_FACTOR: Final = 6
"""https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""


@rule(
    "queue-encrypted",
    says="A queue is encrypted.",
    why="A launch event contains data from its caller.",
    remedy="set sqsManagedSseEnabled to true, or kmsMasterKeyId",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(QUEUE),
    kinds=(QUEUE,),
    beside=("Security Hub SQS.1", "checkov CKV_AWS_27", "cdk-nag AwsSolutions-SQS2"),
)
def encrypted(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    managed, key = it.get("sqsManagedSseEnabled"), it.get("kmsMasterKeyId")
    # SQS encrypts a queue of which nothing is said.
    if not key and (managed is False or (key is not None and managed is not True)):
        yield f"sqsManagedSseEnabled is {'false' if managed is False else 'missing'}, and kmsMasterKeyId {key!r}"


@rule(
    "queue-tls",
    says="A queue accepts TLS only.",
    why="Without TLS, anyone on the network path can read the messages and send others.",
    remedy='add a QueuePolicy: Deny, Principal "*", Action "sqs:*", Bool aws:SecureTransport "false"',
    severity=MEDIUM,
    levels=(ADVISORY, MANDATORY),
    on=resources(QUEUE),
    beside=("cdk-nag AwsSolutions-SQS4",),
)
def tls_only(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    unknown: Unknown | None = None
    for bearer in _bearers(it, stack):
        try:
            document = _document(bearer)
        except Unknown as one:
            unknown = one
            continue
        if any(_refuses_clear(statement) for statement in document.statements):
            return
    if unknown is not None:
        raise unknown
    yield "none of its policies denies requests without TLS"


def _refuses_clear(statement: Any) -> bool:
    everybody = any(name == "*" for _, name in statement.principals)
    everything = statement.covers("sqs:SendMessage") and statement.covers("sqs:ReceiveMessage")
    clear = [it for it in statement.conditions if it.key == "aws:securetransport" and it.operator == "bool"]
    only = len(statement.conditions) == 1 and clear and not clear[0].quantifier
    return not statement.allows and everybody and everything and bool(only) and clear[0].values == ("false",)


def _bearers(queue: Resource, stack: Stack) -> Iterator[Resource]:
    if queue.props.get("policy") and (queue.known("policy") is not None or queue.origins.get("policy")):
        yield queue
    yield from stack.once(_queue_policies).get(queue.urn, [])


def _queue_policies(stack: Stack) -> dict[str, list[Resource]]:
    return stack.grouped(stack.of(QUEUE_POLICY), lambda it: stack.meant(it, "queueUrl", QUEUE))


def _document(bearer: Resource) -> Document:
    """A queue's policy. Raises Unknown, and Unreadable if it is not a policy."""
    return read(bearer.whole("policy") or {"Statement": []})


@rule(
    "queue-not-public",
    says="No queue is open to everyone.",
    why="A principal that may send to the queue of a launcher can launch tasks.",
    remedy="name the sender's service or role as Principal, with ArnEquals aws:SourceArn for a service",
    severity=CRITICAL,
    levels=(MANDATORY, MANDATORY),
    on=resources(QUEUE, QUEUE_POLICY),
    kinds=(QUEUE, QUEUE_POLICY),
    waivable=False,
    beside=("Security Hub SQS.3", "checkov CKV_AWS_168"),
)
def queue_not_public(it: Resource, _stack: Stack, _limits: Limits) -> Iterator[str]:
    for statement in _document(it).statements:
        if not statement.allows:
            continue
        services = [name for kind, name in statement.principals if kind == "Service"]
        if statement.of_everyone and not statement.of_one_owner:
            yield "its policy allows everyone"
        elif services and not statement.of_one_owner:
            yield f"its policy allows {', '.join(services)} for any source: aws:SourceArn is missing"


@rule(
    "queue-dead-letter",
    says="A queue that feeds a function has a dead-letter queue.",
    why="Without one, an event that fails is delivered again for days and then lost; with too few deliveries, a good "
    "event ends in the dead-letter queue.",
    remedy="set redrivePolicy with deadLetterTargetArn and a maxReceiveCount of 5 or more",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=lambda stack: _sources(stack),
    limits=(
        Limit("minimumReceives", "The lowest maxReceiveCount of a queue that feeds a function.", "integer", 5, 5, 1),
    ),
    beside=("cdk-nag AwsSolutions-SQS3",),
)
def dead_letter(it: Resource, stack: Stack, limits: Limits) -> Iterator[str]:
    redrive = it.get("redrivePolicy")
    for one in stack.once(_redrives).get(it.urn, []):
        redrive = one.get("redrivePolicy")
    policy = _json(redrive)
    receives = policy.get("maxReceiveCount")
    if not policy.get("deadLetterTargetArn"):
        yield "invokes a function and has no dead-letter queue"
    elif (number(receives) or 0) < limits["minimumReceives"]:
        yield f"maxReceiveCount is {receives}, at least {int(limits['minimumReceives'])} are needed"


@rule(
    "queue-visibility",
    says="The visibility timeout of a queue is at least six times the timeout of its function.",
    why="Otherwise a message is delivered again while it is still being processed.",
    remedy="set visibilityTimeoutSeconds to 6 times the function's timeout, or more",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(MAPPING),
)
def visibility(it: Resource, stack: Stack, _limits: Limits) -> Iterator[Any]:
    queue, function = stack.meant(it, "eventSourceArn", QUEUE), function_of(stack, it, "functionName")
    if queue is None or function is None:
        return
    timeout = function.number("timeout", default=3)
    hidden = queue.number("visibilityTimeoutSeconds", default=30)
    if hidden < VISIBILITY_FACTOR * timeout:
        yield (
            f"{queue.name} hides a message for {int(hidden)} seconds, but {function.name} may take {int(timeout)}: "
            f"{int(VISIBILITY_FACTOR * timeout)} are needed"
        )


def _redrives(stack: Stack) -> dict[str, list[Resource]]:
    return stack.grouped(stack.of(REDRIVE), lambda it: stack.meant(it, "queueUrl", QUEUE))


def _sources(stack: Stack) -> list[Resource]:
    found = (stack.meant(it, "eventSourceArn", QUEUE) for it in stack.of(MAPPING))
    return list({it.urn: it for it in found if it is not None}.values())


@rule(
    "schedule-bounded",
    says="A schedule has a dead-letter queue and limited retries.",
    why="By default Scheduler retries 185 times in a day and then drops the event: a launch comes late or never.",
    remedy="set target.deadLetterConfig.arn and target.retryPolicy with maximumRetryAttempts and "
    "maximumEventAgeInSeconds",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(SCHEDULE),
    kinds=(SCHEDULE,),
    limits=(
        Limit("maximumRetries", "The most retries of a schedule.", "integer", 20, 20),
        Limit("maximumAgeSeconds", "The highest age of a scheduled launch, in seconds.", "integer", 86400, 86400, 60),
    ),
)
def schedule_bounded(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    retries = it.number("target", "retryPolicy", "maximumRetryAttempts")
    age = it.number("target", "retryPolicy", "maximumEventAgeInSeconds", default=86400)
    if retries is None:
        yield "target.retryPolicy.maximumRetryAttempts is missing, which means 185 retries"
    elif retries > limits["maximumRetries"]:
        yield f"retries {int(retries)} times; at most {int(limits['maximumRetries'])} are allowed"
    if age > limits["maximumAgeSeconds"]:
        yield f"delivers events up to {int(age)} seconds old; at most {int(limits['maximumAgeSeconds'])} are allowed"
    if "deadLetterConfig" not in (it.get("target", default={}) or {}) or not it.get(
        "target", "deadLetterConfig", "arn"
    ):
        yield "target.deadLetterConfig is missing"


@rule(
    "event-target-dead-letter",
    says="An event rule that launches has a dead-letter queue.",
    why="EventBridge drops an event that it cannot deliver, because of a missing permission or a deleted alias.",
    remedy="set deadLetterConfig.arn of the event target, and let events.amazonaws.com send to that queue",
    severity=MEDIUM,
    levels=(MANDATORY, MANDATORY),
    on=resources(EVENT_TARGET),
)
def event_target_dead_letter(it: Resource, stack: Stack, _limits: Limits) -> Iterator[str]:
    if it.get("deadLetterConfig", "arn"):
        return
    function = function_of(stack, it, "arn")
    found = launchers(stack)
    launches = bool(it.known("ecsTarget")) or (function is not None and function in found)
    if launches:
        yield f"launches ({function.name if function is not None else 'a task'}) and has no deadLetterConfig"
    elif function is not None:
        unknown = next((one for one in found if isinstance(one, Unknown)), None)
        if unknown is not None:
            raise unknown


@rule(
    "log-retention",
    says="A log group has a retention, and not too short a one.",
    why="Without retention a log is kept for ever; with too short a retention it is deleted before it is needed.",
    remedy="set retentionInDays to a number that CloudWatch accepts, no less than the rule's `minimumDays`",
    severity=LOW,
    levels=(MANDATORY, MANDATORY),
    on=resources(LOG_GROUP),
    kinds=(LOG_GROUP,),
    limits=(Limit("minimumDays", "The fewest days that a log is kept.", "integer", 7, 90, 1),),
    beside=("Security Hub CloudWatch.16", "checkov CKV_AWS_66, CKV_AWS_338"),
)
def retention(it: Resource, _stack: Stack, limits: Limits) -> Iterator[str]:
    days = it.number("retentionInDays", default=0)
    if not days:
        yield "retentionInDays is missing: the log is kept for ever"
    elif days < limits["minimumDays"]:
        yield f"is kept for {int(days)} days, at least {int(limits['minimumDays'])} are needed"


def _json(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return cast("dict[str, Any]", given)
    try:
        loaded = json.loads(given) if isinstance(given, str) and given else {}
    except json.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}
