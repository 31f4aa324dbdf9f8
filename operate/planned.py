"""A dry run in words: what a launch would do, from the launcher's answer. Pure."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fargate_job_launcher.handler.settings import Settings

CAPACITIES: Final = {"FARGATE": "on demand", "FARGATE_SPOT": "Spot"}


def planned(settings: Settings, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and words of each thing that the launch would do. Values of variables, of tags and of the payload are left
    out."""
    plan: dict[str, Any] = result["dryRun"]
    call: dict[str, Any] = plan["runTask"][0]
    overrides: dict[str, Any] = call.get("overrides", {})
    container: dict[str, Any] = next(iter(overrides.get("containerOverrides", [])), {})
    yield "tasks", _tasks(settings, plan, result, overrides)
    yield "capacity", _capacity(settings, call)
    if "command" in container:
        yield "command", shlex.join(container["command"])
    if names := sorted(it["name"] for it in container.get("environment", [])):
        yield "variables", ", ".join(names)
    if "payload" in plan:
        yield "payload", f"{plan['payload']['bytes']} bytes, to {plan['payload']['uri']}"
    if "tags" in call:
        yield "tags", ", ".join(it["key"] for it in call["tags"])
    if overrides.get("taskRoleArn"):
        yield "role", overrides["taskRoleArn"]
    yield "revision", call["taskDefinition"].rpartition("/")[2]
    if "scheduledFor" in result:
        yield "at", f"{result['scheduledFor']}, by the schedule {plan['createSchedule']['Name']}"
    yield "calls", _calls(plan, result)
    decided = Counter(it["action"] for it in plan["iam"])
    yield "IAM decides", ", ".join(f"{action} ({count})" if count > 1 else action for action, count in decided.items())
    if result["maxCostUsdPerHour"] is not None:
        of = f", by the prices of {plan['pricesOf']}" if "pricesOf" in plan else ""
        yield "cost", f"at most {result['maxCostUsdPerHour']:.4f} USD an hour{of}"


def _tasks(settings: Settings, plan: Mapping[str, Any], result: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    cpu, memory = int(overrides.get("cpu", settings.cpu)), int(overrides.get("memory", settings.memory))
    size = f"{cpu / 1024:g} vCPU, {memory / 1024:g} GiB"
    if "array" in plan:
        return f"an array of {plan['array']['size']}, {plan['array']['parallelism']} at once, each {size}"
    count = result["requested"]
    return f"{count}{', each' if count > 1 else ','} {size}"


def _capacity(settings: Settings, call: Mapping[str, Any]) -> str:
    asked = call.get("launchType") or call["capacityProviderStrategy"][0]["capacityProvider"]
    network = call["networkConfiguration"]["awsvpcConfiguration"]
    public = "with a public address" if network["assignPublicIp"] == "ENABLED" else "without a public address"
    cluster = settings.cluster.rpartition("/")[2]
    count = len(network["subnets"])
    return f"{CAPACITIES[asked]} in cluster {cluster}, {count} subnet{'' if count == 1 else 's'}, {public}"


def _calls(plan: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    count = plan["array"]["size"] if "array" in plan else len(plan["runTask"])
    scheduled = "1 of CreateSchedule, then " if "createSchedule" in plan else ""
    return f"{scheduled}{count} of RunTask, key {result['idempotencyKey']}"
