"""Asks a job's launcher for something other than a launch: it alone may write the job's runs and schedules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .catalogue import Job
from .errors import JobError, LauncherFailed


def instruct(job: Job, event: Mapping[str, Any]) -> dict[str, Any]:
    """The launcher's answer: `done`, and otherwise `problem`. Raises LauncherFailed, or AWS's error as a JobError."""
    with job.account.asking():
        client = job.account.client("lambda")
        answer = client.invoke(FunctionName=job.function, Payload=json.dumps(event).encode())
        result: Any = json.loads(answer["Payload"].read())
    if "FunctionError" in answer or "done" not in result:
        said = str(result.get("errorMessage") or "; ".join(it["detail"] for it in result.get("failures", ())) or result)
        raise LauncherFailed(
            f"the launcher of {job.name} did not do it: {said.rstrip('.')}",
            "`launcherLogGroup` has the cause; a launcher of an earlier version knows no such request: run pulumi up",
        )
    return result


def carry_out(job: Job, event: Mapping[str, Any]) -> None:
    """Have the launcher do it. Raises JobError with its problem and what to do if it does not, and as `instruct`."""
    answer = instruct(job, event)
    if not answer["done"]:
        found, _, then = str(answer["problem"]).partition("; ")
        raise JobError(f"{job.name}: {found}", then[:1].upper() + then[1:])
