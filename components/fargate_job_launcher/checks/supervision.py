"""Problems with what happens to a job after its launch. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .choices import RETRYABLE
from .kinds import outside, topic_problems


def supervision_problems(given: Mapping[str, Any]) -> list[str]:
    """Problems with `supervision`, `notify`, `max_running` and `alarms`."""
    supervision, notify, alarms = (given.get(it, {}) for it in ("supervision", "notify", "alarms"))
    problems = [
        *_limit_problems("supervision.max_runtime_minutes", supervision, 20160),
        *_limit_problems("supervision.start_timeout_minutes", supervision, 1440),
        *outside("supervision.retries", supervision.get("retries", 0), 0, 10),
        *_exit_code_problems(supervision),
        *outside("notify.log_lines", notify.get("log_lines", 0), 0, 50),
        *_limit_problems("max_running", given, 5000),
        *outside("alarms.max_job_minutes", alarms.get("max_job_minutes", 1), 1, 20160, unlimited="no such alarm"),
    ]
    for kind in supervision.get("retry_on", []):
        if kind not in RETRYABLE:
            problems.append(f"supervision.retry_on: {kind!r} is unknown; allowed: {', '.join(RETRYABLE)}")
    problems += topic_problems("notify.topic_arn", notify.get("topic_arn"))
    problems += topic_problems("alarms.topic_arn", alarms.get("topic_arn"))
    largest = given.get("overrides", {}).get("max_count", 1)
    if 0 < given.get("max_running", largest) < largest:
        problems.append(
            f"max_running: {given['max_running']} is less than overrides.max_count {largest}: such a launch never "
            "runs; raise the one or lower the other"
        )
    return problems


def _limit_problems(path: str, given: Mapping[str, Any], most: int) -> list[str]:
    """Problems with a limit that a job may do without."""
    return outside(path, given.get(path.rpartition(".")[2], 1), 1, most, unlimited="no limit")


def _exit_code_problems(supervision: Mapping[str, Any]) -> list[str]:
    """Problems with lists of exit codes. Linux keeps eight bits of each."""
    lists = {it: supervision.get(it, []) for it in ("retry_exit_codes", "never_retry_exit_codes")}
    problems = list[str]()
    for name, codes in lists.items():
        for code in dict.fromkeys(codes):
            if code == 0:
                problems.append(f"supervision.{name}: 0 is a success, which is never retried; leave it out")
            else:
                problems += outside(f"supervision.{name}", code, 1, 255)
    for code in sorted({*lists["retry_exit_codes"]} & {*lists["never_retry_exit_codes"]}):
        problems.append(
            f"supervision.never_retry_exit_codes: {code} is in retry_exit_codes too; leave it in one of the two"
        )
    return problems
