"""A file of ecschedule: each of its rules is a job of its own, with the command of the rule.

https://github.com/Songmu/ecschedule
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..errors import JobError
from .source import Document, Given

_STACK: Final = {
    "region": "is the stack's: aws:region",
    "cluster": "is the stack's: cluster.clusterArn, or a cluster that it creates",
    "role": "is not needed: the launcher creates a role for its schedules",
    "trackingId": "is not needed: Pulumi knows what it created",
    "plugins": "fill in values of this file; write them out",
}
_RULE: Final = {
    "description": "a job has no description; keep it as a comment in the config",
    "group": "the job's name is the group of its tasks",
    "platform_version": "a job runs on Fargate's latest platform",
    "platformVersion": "a job runs on Fargate's latest platform",
    "network_configuration": "the section network of the stack's config decides where jobs run",
    "networkConfiguration": "the section network of the stack's config decides where jobs run",
    "propagateTags": "every task has the job's tags",
    "dead_letter_config": "the launcher creates a queue for what could not be launched",
    "deadLetterConfig": "the launcher creates a queue for what could not be launched",
}
_CAPACITIES: Final = {"FARGATE": "on_demand", "FARGATE_SPOT": "spot"}


def read(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each rule's name, and the arguments of its job."""
    given = Given(document, (), document.content)
    rules = list(given.items("rules"))
    if not rules:
        raise JobError(f"{document.name} has no rules", "Give a file with at least one rule")
    given.rest(_STACK)
    for rule in rules:
        yield _rule(rule)


def _rule(rule: Given) -> tuple[str, dict[str, Any]]:
    name, entry = str(rule.take("name", str) or ""), dict[str, Any]()
    if rule.take("taskDefinition", str) is not None:
        rule.leave("taskDefinition", "has the image, size, role and secrets; import its JSON too, and join the two")
    containers, event = list(rule.items("containerOverrides")), dict[str, Any]()
    for number, it in enumerate(containers):
        if number:
            document, path = it.document, it.path
            document.leave(path, "only the job's own container can be changed; write what it says into its sidecar")
            continue
        it.drop("name")
        entry["command"], entry["environment"] = it.take("command", list), it.names("environment")
        it.rest({"cpu": "the size is the whole task's", "memory": "the size is the whole task's"})
    size = rule.inside("taskOverride")
    for key in ("cpu", "memory"):
        value = size.take(key, str, int)
        if str(value or 0).isdigit():
            entry[key] = int(value or 0) or None
        else:
            size.leave(key, "is not a size")
    size.rest()
    count = rule.take("taskCount", int)
    if count is not None and count < 1:
        rule.leave("taskCount", "is not a number of tasks")
    elif count is not None and count > 1:
        event["count"], entry["overrides"] = count, {"maxCount": count}
    expression = rule.take("scheduleExpression", str)
    schedule = {"expression": expression, "event": json.dumps(event) if event else None}
    schedule["enabled"] = False if rule.take("disabled", bool) else None
    if expression is not None:
        entry["schedule"] = {key: value for key, value in schedule.items() if value is not None}
    _capacity(rule, entry)
    rule.rest(_RULE)
    return name, {key: value for key, value in entry.items() if value not in (None, {}, [])}


def _capacity(rule: Given, entry: dict[str, Any]) -> None:
    for key in ("launch_type", "launchType"):
        if rule.take(key, str) not in (None, "FARGATE"):
            rule.leave(key, "the job runs on Fargate")
    for key in ("capacity_provider_strategy", "capacityProviderStrategy"):
        items = list(rule.items(key))
        providers = [str(it.take("capacityProvider", str) or it.take("capacity_provider", str)) for it in items]
        if len(providers) == 1 and providers[0] in _CAPACITIES:
            entry["capacity"] = _CAPACITIES[providers[0]]
            # Of one provider they say nothing.
            items[0].drop("base", "weight")
        elif providers:
            rule.leave(key, "has no equal; choose capacity: on_demand, spot or spot_then_on_demand")
