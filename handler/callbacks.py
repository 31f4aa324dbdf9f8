"""Answers to AWS Step Functions executions that wait with a task token: for the end of a run, or for a launch that was
refused and so has no end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .awsjson import code_of

LONGEST_CAUSE: Final = 32768
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""
_USELESS: Final = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")


def answer(states: Any, token: str, detail: Mapping[str, Any]) -> bool:
    """Answer with the detail of a run's end; False if nobody waits any more. `states`: a client of Step Functions.

    Raises botocore's errors.
    """
    short = {key: detail[key] for key in ("job", "run", "state", "outcome", "reason")}
    try:
        if detail["state"] == "SUCCEEDED":
            states.send_task_success(taskToken=token, output=json.dumps(detail))
        else:
            cause = json.dumps(detail)
            cause = cause if len(cause) <= LONGEST_CAUSE else json.dumps(short)[:LONGEST_CAUSE]
            states.send_task_failure(taskToken=token, error=f"JobRun{detail['state'].title()}", cause=cause)
    except Exception as error:
        if code_of(error) not in _USELESS:
            raise
        return False
    return True


def refused(job: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of a launch that did not become a run, or belongs to another request."""
    reason = "; ".join(f"{it['reason']}: {it['detail']}" for it in result["failures"])
    return {"job": job, "run": "", "state": result["status"], "outcome": "not_launched", "reason": reason}
