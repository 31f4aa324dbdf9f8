"""What invokes a function: which function a property names, and which topics and event buses, directly or by a queue,
let everyone send to it. No rule is here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .documents import Document, Unreadable, read
from .launched import EVENT_TARGET, FUNCTION
from .stack import Resource, Stack

TOPIC: Final = "aws:sns/topic:Topic"
_TOPIC_POLICY: Final = "aws:sns/topicPolicy:TopicPolicy"
_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
_BUS_POLICY: Final = "aws:cloudwatch/eventBusPolicy:EventBusPolicy"
_BUS_PERMISSION: Final = "aws:cloudwatch/eventPermission:EventPermission"
QUEUE: Final = "aws:sqs/queue:Queue"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
ALIAS: Final = "aws:lambda/alias:Alias"
_DEFAULT_BUS: Final = "default"


def function_of(stack: Stack, by: Resource, prop: str, *path: str) -> Resource | None:
    """The function that a property names, by name, ARN or URL, directly or through an alias."""
    value = by.known(prop, *path)
    alias = stack.meant(by, prop, ALIAS, value)
    if alias is not None:
        return stack.meant(alias, "functionName", FUNCTION)
    return stack.meant(by, prop, FUNCTION, value)


def open_to_everyone(stack: Stack) -> dict[str, list[tuple[Resource, str]]]:
    """URN of a function → each resource that lets everyone send to what invokes it, and what that is."""
    found: dict[str, list[tuple[Resource, str]]] = {}
    for subscription in stack.of(_SUBSCRIPTION):
        topic = stack.meant(subscription, "topic", TOPIC)
        policies = [] if topic is None else [topic, *stack.once(_topic_policies).get(topic.urn, [])]
        for function in _invoked(stack, subscription, "endpoint"):
            opened = [it for it in policies if _opens(it, "sns:Publish")]
            found.setdefault(function, []).extend((it, f"the topic {topic.name}") for it in opened if topic is not None)
    for target in stack.of(EVENT_TARGET):
        bus = _bus(target, stack)
        for function in _invoked(stack, target, "arn"):
            opened = [it for it in stack.of(_BUS_POLICY, _BUS_PERMISSION) if _bus_of(it) == bus]
            found.setdefault(function, []).extend(
                (it, f"the event bus {bus}") for it in opened if _opens(it, "events:PutEvents")
            )
    return found


def _topic_policies(stack: Stack) -> dict[str, list[Resource]]:
    return stack.grouped(stack.of(_TOPIC_POLICY), lambda it: stack.meant(it, "arn", TOPIC))


def _invoked(stack: Stack, by: Resource, prop: str) -> Iterator[str]:
    """URNs of the functions that a property names, or that the queue that it names invokes."""
    yield from _urn(function_of(stack, by, prop))
    queue = stack.meant(by, prop, QUEUE)
    if queue is not None:
        for mapping in stack.once(_mappings).get(queue.urn, []):
            yield from _urn(function_of(stack, mapping, "functionName"))


def _mappings(stack: Stack) -> dict[str, list[Resource]]:
    return stack.grouped(stack.of(MAPPING), lambda it: stack.meant(it, "eventSourceArn", QUEUE))


def _urn(function: Resource | None) -> list[str]:
    return [] if function is None else [function.urn]


def _bus(target: Resource, stack: Stack) -> str:
    rule = stack.meant(target, "rule", _RULE)
    return _bus_of(target if rule is None else rule)


def _bus_of(it: Resource) -> str:
    """Name of the event bus that a resource is about, whose ARN it may have too."""
    return str(it.known("eventBusName") or _DEFAULT_BUS).rpartition("/")[2]


def _opens(it: Resource, action: str) -> bool:
    """Whether a resource's policy allows everyone this action. A policy that cannot be read yet does not."""
    if it.kind == _BUS_PERMISSION:
        return it.known("principal") == "*" and not it.known("condition")
    given = it.known("policy")
    try:
        document = read(given) if given else Document(())
    except Unreadable:
        return False
    return any(it.of_everyone and not it.of_one_owner for it in document.allowing(action))
