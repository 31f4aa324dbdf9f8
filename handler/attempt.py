"""The end of one task → what its run keeps of it: outcome, times, cost, and whether the policy retries it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from .outcome import Outcome, classify

LEAST_SECONDS: Final = 60
"""Fargate charges for a minute at least. https://aws.amazon.com/fargate/pricing/"""

_STARTED_BY: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,39})/([0-9a-f]{32})(?:/(\d{1,2})/([0-9A-Za-z-]{1,16}))?")


@dataclass(frozen=True)
class Belongs:
    """To which run a task belongs, as its startedBy says."""

    pk: str
    """Name of the task definition's family: the partition key."""
    job: str
    run: str
    attempt: int
    """The number of the attempt, from 1."""
    root: str
    """Of a retry: how the id of the lineage's first task begins; otherwise empty."""


def belongs(task: Mapping[str, Any]) -> Belongs | None:
    """The run of a task, as ECS describes it; None if no launcher started it."""
    found = _STARTED_BY.fullmatch(str(task.get("startedBy", "")))
    if found is None:
        return None
    family = str(task["taskDefinitionArn"]).rpartition("/")[2].rpartition(":")[0]
    return Belongs(family, found[1], found[2], int(found[3] or 0) + 1, found[4] or "")


def facts(task: Mapping[str, Any], of: Belongs, run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run keeps of a task that has stopped, as ECS describes it or as its event does."""
    outcome = classify(task, run["container"])
    seconds = _billed(task)
    found: dict[str, Any] = {
        "task": str(task["taskArn"]).rpartition("/")[2],
        "attempt": of.attempt,
        "root": of.root,
        "outcome": outcome.kind,
        "reason": outcome.reason,
        "remedy": outcome.remedy,
        # On Spot the launch type is FARGATE too.
        "capacity": str(task.get("capacityProviderName") or task.get("launchType") or "FARGATE"),
        "seconds": seconds,
    }
    if outcome.exit_code is not None:
        found["exitCode"] = outcome.exit_code
    for key in ("createdAt", "startedAt", "stoppedAt"):
        if task.get(key):
            found[key] = _text(task[key])
    if "usdPerHour" in run:
        found["costUsd"] = round(run["usdPerHour"] * seconds / 3600, 8)
    return found


def lost(task: str, of: Belongs) -> dict[str, Any]:
    """What a run keeps of a task whose end nobody told, and which ECS has forgotten."""
    return {
        "task": task,
        "attempt": of.attempt,
        "root": of.root,
        "outcome": "failed",
        "reason": "its end was not told, and ECS no longer knows it",
        "remedy": "",
        "capacity": "FARGATE",
        "seconds": 0,
        "lost": True,
    }


def retried(found: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
    """Whether a policy retries an attempt with these facts, however many it has made."""
    if found["outcome"] in ("succeeded", "stopped") or "lost" in found:
        # What a lost task did is unknown: it may have done its work.
        return False
    code = found.get("exitCode")
    if code is not None and code in policy["neverRetryExitCodes"]:
        return False
    return (code is not None and code in policy["retryExitCodes"]) or found["outcome"] in policy["retryOn"]


def outcome_of(found: Mapping[str, Any]) -> Outcome:
    """The outcome in these facts."""
    return Outcome(found["outcome"], found["reason"], found.get("exitCode"))


def moment(value: Any) -> float | None:
    """Seconds since 1970 of a time, as ECS's event has it (text) or botocore (datetime); None without one."""
    try:
        return (value if isinstance(value, datetime) else datetime.fromisoformat(str(value))).timestamp()
    except ValueError:
        return None


def _billed(task: Mapping[str, Any]) -> int:
    """The seconds that Fargate charges for: from the beginning of the image's download to the task's end."""
    began = next((moment(task[it]) for it in ("pullStartedAt", "startedAt") if task.get(it)), None)
    ended = moment(task["stoppedAt"]) if task.get("stoppedAt") else None
    if began is None or ended is None:
        return 0
    return max(LEAST_SECONDS, math.ceil(ended - began))


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
