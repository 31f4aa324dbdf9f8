"""What an answer of RunTask means for the requested tasks. Pure.

RunTask refuses with an error, with a 200 that has `failures`, or with a 200 that has neither tasks nor failures; and an
error may leave open whether the tasks were launched. Then the call is repeated with the same clientToken, and ECS
repeats its first answer. Only tasks that were certainly not launched are requested again with a new token.

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
    """The next step, as a sentence; absent if none is known."""


class Next(Enum):
    """What to do after an answer."""

    DONE = "every task was launched"
    SAME_TOKEN = "unknown, or not now: repeat the same call"  # noqa: S105
    SETTLING = "denied: after a deploy, IAM may not know the new policy yet"
    NEW_ATTEMPT = "fewer than requested: request the rest"
    DUPLICATE = "launched before, by a request with this key"
    TERMINAL = "can never succeed"


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """One answer: its tasks and the next step."""

    next: Next
    tasks: list[str] = field(default_factory=list[str])
    """ARNs."""
    failures: list[Failure] = field(default_factory=list[Failure])


# Not compiled here: most launches see no error, and each pattern makes a cold start longer.
_THROTTLED: Final = r"(?i)rate exceeded|throttl|too ?many ?requests|request ?limit|slow ?down"
_QUOTA: Final = r"(?i)PROVISIONING|reached the limit on the number of"
_ROLE_UNREADY: Final = r"(?i)unable to assume the( service linked)? role"
_NEVER: Final = r"ATTRIBUTE|LOCATION|MISSING|INACTIVE"
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})


def of_response(response: Any, requested: int) -> Answer:
    """What a 200 means for a call that requested so many tasks."""
    try:
        tasks = [cast("str", task["taskArn"]) for task in response.get("tasks") or ()]
        failures = [
            _failure(reason, it.get("detail") or "", retryable=not re.match(_NEVER, reason))
            for it in response.get("failures") or ()
            for reason in [it.get("reason") or ""]
        ]
    except (AttributeError, KeyError, TypeError):
        tasks, failures = [], []
    if len(tasks) >= requested:
        return Answer(Next.DONE, tasks)
    if not tasks and not failures:
        detail = "RunTask answered without tasks and without failures"
        return Answer(Next.SAME_TOKEN, failures=[_failure("Unreadable", detail, retryable=True)])
    missing = failures or [_failure("Missing", "RunTask launched fewer tasks than requested", retryable=True)]
    retryable = any(it["retryable"] for it in missing)
    return Answer(Next.NEW_ATTEMPT if retryable else Next.TERMINAL, tasks, missing)


def of_error(error: Exception) -> Answer:
    """What an error means. Raises the error itself if it is not from ECS or the network."""
    if isinstance(error, HTTPClientError | ConnectionFailed):
        return _repeat(type(error).__name__, str(error))
    if not isinstance(error, ClientError):
        raise error
    response: Any = error.response
    code, message = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code == "ConflictException":
        return _conflict([str(arn) for arn in response.get("resourceIds", [])], message)
    if code in _DENIED and not re.search(_ROLE_UNREADY, message):
        return Answer(Next.SETTLING, failures=[_failure(code, message, retryable=False)])
    if status >= 500 or status in (408, 429) or code in ("ServerException", "InternalFailure", "ServiceUnavailable"):
        return _repeat(code, message)
    if re.search(_THROTTLED, f"{code} {message}") or re.search(_QUOTA, message) or code.startswith("ExpiredToken"):
        return _repeat(code, message)
    if re.search(_ROLE_UNREADY, message):
        return Answer(Next.SETTLING, failures=[_failure(code, message, retryable=True)])
    return Answer(Next.TERMINAL, failures=[_failure(code, message, retryable=False)])


def _repeat(code: str, message: str) -> Answer:
    return Answer(Next.SAME_TOKEN, failures=[_failure(code, message, retryable=True)])


def _conflict(tasks: list[str], message: str) -> Answer:
    """Another request has used the token. ECS names the tasks that it launched; if none, a new attempt is safe."""
    failure = _failure("ConflictException", message, retryable=not tasks)
    return Answer(Next.DUPLICATE if tasks else Next.NEW_ATTEMPT, tasks, [failure])


def _failure(reason: str, detail: str, *, retryable: bool) -> Failure:
    return {"reason": str(reason), "detail": str(detail), "retryable": retryable}
