"""What an answer to RunTask means for the tasks that were asked for. Pure.

RunTask says no with an error, with a 200 that holds `failures`, and with a 200 that says nothing; and an error may
leave open whether the tasks were launched. What is open is asked again with the same clientToken, to which ECS gives
the first answer again; only what is known not to have been launched is asked for anew.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NotRequired, TypedDict, cast

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed


class Failure(TypedDict):
    """Why something was not launched, in AWS's own words if AWS refused it."""

    reason: str
    """The reason as one word, such as RESOURCE:CPU, AccessDeniedException, Rejected."""
    detail: str
    """The reason as a sentence."""
    retryable: bool
    """Whether the same launch may succeed later."""
    remedy: NotRequired[str]
    """What to do about it, as a sentence; absent if that is not known."""


class Next(Enum):
    """What to do after an answer."""

    DONE = "every task was launched"
    SAME_TOKEN = "unknown, or not now: ask the same again"  # noqa: S105
    SETTLING = "denied: after a deploy, IAM may not have caught up"
    NEW_ATTEMPT = "fewer than asked for: ask for the rest"
    DUPLICATE = "launched before, by a request with this key"
    TERMINAL = "never"


@dataclass(frozen=True)
class Answer:
    """One answer: the tasks that it names and what follows from it."""

    next: Next
    tasks: list[str] = field(default_factory=list[str])
    """ARNs."""
    failures: list[Failure] = field(default_factory=list[Failure])


_THROTTLED: Final = re.compile(r"rate exceeded|throttl|too ?many ?requests|request ?limit|slow ?down", re.IGNORECASE)
_QUOTA: Final = re.compile(r"PROVISIONING|reached the limit on the number of", re.IGNORECASE)
_ROLE_UNREADY: Final = re.compile(r"unable to assume the( service linked)? role", re.IGNORECASE)
_NEVER: Final = re.compile(r"ATTRIBUTE|LOCATION|MISSING|INACTIVE")
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})


def of_response(response: Any, asked: int) -> Answer:
    """What a 200 means, of a call that asked for so many tasks."""
    try:
        tasks = [cast("str", task["taskArn"]) for task in response.get("tasks") or ()]
        failures = [
            _failure(reason, it.get("detail") or "", retryable=not _NEVER.match(reason))
            for it in response.get("failures") or ()
            for reason in [it.get("reason") or ""]
        ]
    except (AttributeError, KeyError, TypeError):
        tasks, failures = [], []
    if len(tasks) >= asked:
        return Answer(Next.DONE, tasks)
    if not tasks and not failures:
        said = "RunTask answered neither tasks nor failures"
        return Answer(Next.SAME_TOKEN, failures=[_failure("Unreadable", said, retryable=True)])
    missing = failures or [_failure("Missing", "RunTask launched fewer tasks than asked for", retryable=True)]
    again = any(it["retryable"] for it in missing)
    return Answer(Next.NEW_ATTEMPT if again else Next.TERMINAL, tasks, missing)


def of_error(error: Exception) -> Answer:
    """What an error means. Raises whatever is no answer of ECS nor a failure to reach it."""
    if isinstance(error, HTTPClientError | ConnectionFailed):
        return _again(type(error).__name__, str(error))
    if not isinstance(error, ClientError):
        raise error
    response: Any = error.response
    code, message = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code == "ConflictException":
        return _conflict([str(arn) for arn in response.get("resourceIds", [])], message)
    if code in _DENIED and not _ROLE_UNREADY.search(message):
        return Answer(Next.SETTLING, failures=[_failure(code, message, retryable=False)])
    if status >= 500 or status in (408, 429) or code in ("ServerException", "InternalFailure", "ServiceUnavailable"):
        return _again(code, message)
    if _THROTTLED.search(f"{code} {message}") or _QUOTA.search(message) or code.startswith("ExpiredToken"):
        return _again(code, message)
    if _ROLE_UNREADY.search(message):
        return Answer(Next.SETTLING, failures=[_failure(code, message, retryable=True)])
    return Answer(Next.TERMINAL, failures=[_failure(code, message, retryable=False)])


def _again(code: str, message: str) -> Answer:
    return Answer(Next.SAME_TOKEN, failures=[_failure(code, message, retryable=True)])


def _conflict(tasks: list[str], message: str) -> Answer:
    """The token belongs to another request. What that one launched is named; if nothing, there is nothing to repeat."""
    failure = _failure("ConflictException", message, retryable=not tasks)
    return Answer(Next.DUPLICATE if tasks else Next.NEW_ATTEMPT, tasks, [failure])


def _failure(reason: str, detail: str, *, retryable: bool) -> Failure:
    return {"reason": str(reason), "detail": str(detail), "retryable": retryable}
