"""The errors of this package, each with the problem and the next step, and the translation of AWS's errors into them.

`explained` is pure: an exception of boto3 in, one of these out. Remedies for stopped tasks are in handler/remedy.py.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed
from fargate_job_launcher.handler.remedy import remedy


def sentences(*said: str) -> str:
    """Each text as a sentence; empty texts are left out."""
    return " ".join(it if it.endswith((".", "?")) else f"{it}." for it in said if it)


class JobError(Exception):
    """The problem, and what to do next. Every error that this package raises is one."""

    def __init__(self, found: str, then: str = "") -> None:
        """Both without a full stop."""
        self.found, self.then = found, then
        super().__init__(sentences(found, then))

    def also(self, then: str) -> None:
        """Add to what to do next."""
        self.then = f"{self.then}. {then}" if self.then else then
        self.args = (sentences(self.found, self.then),)

    @property
    def kind(self) -> str:
        """The name of the error in JSON output."""
        return type(self).__name__


class NoCredentials(JobError):
    """There are no credentials, or they are incomplete."""


class CredentialsExpired(JobError):
    """The credentials have expired, or AWS does not know them."""


class WrongRegion(JobError):
    """No region is set, it does not exist, or the job is in another one."""


class Unreachable(JobError):
    """AWS, or the endpoint used in its place, does not answer."""


class AccessDenied(JobError):
    """The caller lacks a permission; the message shows the missing statement."""


class NoSuchJob(JobError):
    """No launcher of this name; the nearest names are in the message."""


class AmbiguousJob(JobError):
    """Several launchers of this name."""


class NoSuchTask(JobError):
    """The job has no such task, or ECS no longer shows it."""


class NoSuchSchedule(JobError):
    """The job has no schedule of this name, or no launch waits under this id of a run."""


class NoSuchDeadLetter(JobError):
    """The job has no such dead letter."""


class NoSuchContainer(JobError):
    """A task of the job has no such container, or none that writes to CloudWatch Logs; the message names those that
    there are."""


class NoLog(JobError):
    """There is no log to read, because nothing ran or its lines are gone; the message says why."""


class NoSuchStack(JobError):
    """Pulumi knows no such stack, or it exports no jobs."""


class Rejected(JobError):
    """The launcher rejected the event. Nothing was launched, and a retry will not help."""

    def __init__(self, job: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(
            f"{job} was not launched: " + "; ".join(problems),
            "Correct the launch, or ask the job's owner to allow it under `overrides`",
        )


class Conflict(JobError):
    """The idempotency key belongs to another request, and nothing was launched; `result` is the launcher's whole
    answer, with the tasks of that request."""

    def __init__(self, job: str, result: dict[str, Any]) -> None:
        self.result = result
        found, _, then = str(result["failures"][0]["detail"]).partition("; ")
        super().__init__(f"{job} was not launched: {found}", then[:1].upper() + then[1:])


class NotLaunched(JobError):
    """Fewer tasks than requested were launched, or none; `result` is the launcher's whole answer, with the tasks."""

    def __init__(self, job: str, result: dict[str, Any], *, repeatable: bool = False) -> None:
        """`repeatable`: whether the same launch can be repeated with its key."""
        self.result = result
        failures = [f"{it['reason']}: {it['detail']}" if it["detail"] else it["reason"] for it in result["failures"]]
        said = "; ".join(dict.fromkeys(failures))
        said = said or (f"its run is {result['state']}" if result.get("state") else "the launcher gives no reason")
        denied = missing_statement(said)
        then = denied and f"The launcher's role lacks {denied}. pulumi up grants it; does another policy deny it?"
        then = then or remedy(said) or "Ask the launcher for its plan with --dry-run"
        if repeatable and any(it["retryable"] for it in result["failures"]):
            again = (
                f"To launch only what is missing, repeat the launch with --key {shlex.quote(result['idempotencyKey'])}"
            )
            then = sentences(then, again).removesuffix(".")
        super().__init__(f"{job}: {result['launched']} of {result['requested']} tasks launched: {said}", then)


class LauncherFailed(JobError):
    """The launcher's function failed or timed out."""


class JobFailed(JobError):
    """A task did not succeed; `ended` has all tasks of the launch."""

    def __init__(self, job: str, ended: Sequence[Any]) -> None:
        self.ended = list(ended)
        failed = [it for it in ended if it.outcome != "succeeded"]
        said = "; ".join(dict.fromkeys(it.reason for it in failed))
        of = f" ({len(failed)} of {len(ended)} tasks)" if len(ended) > 1 else ""
        then = next((it.remedy for it in failed if it.remedy), "")
        super().__init__(f"{job} failed{of}: {said}", then or f"Its log: fargate-job logs {job} --task {failed[0].id}")


class ArrayFailed(JobError):
    """Not every index of an array succeeded; `progress` says how it ended."""

    def __init__(self, job: str, progress: Any) -> None:
        self.progress = progress
        told = {"failed": progress.failed, "stopped": progress.stopped, "not started": progress.not_started}
        said = "; ".join(f"{what}: {indexes}" for what, indexes in told.items() if indexes)
        why = progress.halted or progress.reason
        super().__init__(
            f"{job}, run {progress.run}, is {progress.state}: {said}" + (f" ({why})" if why else ""),
            f"To launch these indexes only: fargate-job runs resume {job} {progress.run[:8]}",
        )


class NoSuchRun(JobError):
    """The job has no such run, or its table no longer has it."""


class StillRunning(JobError):
    """The job has not ended within the time to wait."""


Known = TypeVar("Known")

_LISTED: Final[dict[str, tuple[type[JobError], str]]] = {
    "run": (NoSuchRun, "fargate-job history {job} shows its runs"),
    "array run": (NoSuchRun, "fargate-job history {job} shows its runs"),
    "task": (
        NoSuchTask,
        "fargate-job status {job} shows its tasks of the last hour, fargate-job runs show {job} RUN those of a run",
    ),
    "running task": (NoSuchTask, "fargate-job status {job} shows those that run"),
    "waiting launch": (NoSuchSchedule, "fargate-job schedules {job} shows what waits"),
    "dead letter": (NoSuchDeadLetter, "fargate-job dead-letters list {job} shows its dead letters"),
}
"""What has an id → the error if a job has none with this id, and the command that lists them."""


def unknown(job: str, what: str, wanted: str, *, several: bool = False, then: str = "") -> JobError:
    """The error about an id, or the beginning of one, that names none of a job's runs, tasks, …, or `several` of them.
    `then` is said in addition."""
    kind, lists = _LISTED[what]
    shown = repr(wanted[:40])
    if several:
        return kind(f"{job} has several {what}s with an id that begins with {shown}", "Write more of the id")
    return kind(f"{job} has no {what} with id {shown}", sentences(lists.format(job=job), then).removesuffix("."))


def picked(
    job: str, what: str, wanted: Iterable[str], among: Sequence[Known], id_of: Callable[[Known], str]
) -> list[Known]:
    """Those whose ids these are, or begin so, each once. Raises the error of `unknown`."""
    found = list[Known]()
    for it in dict.fromkeys(wanted):
        some = [one for one in among if it and id_of(one).startswith(it)]
        if len(some) != 1:
            raise unknown(job, what, it, several=len(some) > 1)
        found += [it for it in some if it not in found]
    return found


def nearest(asked: str, names: Iterable[str], *, most: int = 3) -> list[str]:
    """The known names that are most like this one."""
    known = sorted(set(names))
    close = difflib.get_close_matches(asked.lower(), known, n=most, cutoff=0.6)
    parts = [it for it in known if asked.lower() in it.lower() or it.lower() in asked.lower()]
    return (parts or close)[:most]


_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_LOGIN_EXPIRED: Final = frozenset({"LoginRefreshRequired", "LoginTokenLoadError"})
"""Errors of `aws login`, by name: not every version of boto3 that the extra `cli` allows has them."""
_WRONG_CLOCK: Final = re.compile(r"Signature expired|Signature not yet current|is now (earlier|later) than")
_BAD_SIGNATURE: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
_UNKNOWN_KEY: Final = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"})
"""AWS's codes for a key that it does not know, and for any key in a region that the account has not enabled."""
_LOGIN: Final = "Log in again: aws login, aws sso login, or new keys; aws sts get-caller-identity shows who you are"


def explained(error: Exception, *, region: str) -> JobError:
    """An error of boto3 as a JobError. Raises any other error again."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return NoCredentials(
            f"there are no AWS credentials here ({error})",
            "Log in: aws login, aws sso login or aws configure, and name the profile with --profile or AWS_PROFILE; "
            "for the sandbox, paste the exports that make sandbox prints",
        )
    if isinstance(error, SSOError | TokenRetrievalError) or type(error).__name__ in _LOGIN_EXPIRED:
        return CredentialsExpired(f"the login has expired: {error}".rstrip("."), _LOGIN)
    if isinstance(error, ProfileNotFound):
        return NoCredentials(str(error), "aws configure list-profiles shows the profiles")
    if isinstance(error, NoRegionError | InvalidRegionError):
        return WrongRegion(f"{error}".rstrip("."), "Name the stack's region: --region or AWS_REGION")
    if isinstance(error, ClientError):
        return _refused(error, region)
    if isinstance(error, HTTPClientError | ConnectionFailed):
        # A region that does not exist has no address; botocore reports it as a failed connection, too.
        return Unreachable(
            f"AWS does not answer in region {region}: {error}".rstrip("."),
            "Check the region's name (--region), AWS_ENDPOINT_URL, and the network",
        )
    if isinstance(error, BotoCoreError):
        return JobError(str(error).rstrip("."), "Check the AWS configuration: aws configure list")
    raise error


def _refused(error: ClientError, region: str) -> JobError:
    response: Any = error.response
    code, message = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", "")).rstrip(".")
    if _WRONG_CLOCK.search(message):
        return JobError(f"AWS's clock and this machine's differ ({message})", "Check this machine's clock: date -u")
    if code in _EXPIRED:
        return CredentialsExpired(f"the credentials have expired ({message})", _LOGIN)
    if code in _BAD_SIGNATURE:
        return CredentialsExpired(f"AWS does not know these credentials ({message})", _LOGIN)
    if code in _UNKNOWN_KEY:
        where = f"or region {region} is not enabled for this account"
        return CredentialsExpired(f"AWS does not know these credentials, {where} ({message})", _LOGIN)
    if code in _DENIED:
        statement = missing_statement(message)
        if "explicit deny" in message:
            return AccessDenied(f"access denied: {message}", "A Deny applies; another Allow does not help")
        if not statement:
            return AccessDenied(
                f"access denied: {message}", f"Your policy lacks a statement for {error.operation_name}"
            )
        return AccessDenied(f"access denied: {message}", f"Your policy lacks {statement}")
    if code.startswith(("Throttling", "TooManyRequests", "RequestLimit")):
        return JobError(f"AWS throttles calls: {message}", "Try again in a minute")
    return JobError(f"{error.operation_name} in {region}: {code}: {message}", remedy(message))


def missing_statement(message: str) -> str:
    """The missing statement that an access-denied message names, as JSON; empty if it names none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    action = re.search(r"not authorized to perform:? ([a-zA-Z0-9-]+:\w+)", message)
    if action is None:
        return ""
    resource = re.search(r"on resource:? (\S+?)(?= because|[.,;\s]|$)", message)
    statement = {"Effect": "Allow", "Action": action[1], "Resource": resource[1] if resource else "*"}
    return json.dumps(statement)
