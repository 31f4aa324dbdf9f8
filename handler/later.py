"""A launch at a later time: a schedule of EventBridge Scheduler that delivers the event to this launcher once.

The launcher may create, read and delete only schedules whose names begin with its job's own prefix, in the stack's
group. The id of the run that the delivery makes is known beforehand, and is the rest of the schedule's name: so the
same key schedules once, and a launch that waits is cancelled by the id of its run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from . import run as runs
from .answers import Failure, of_error
from .awsjson import error_of
from .calls import Origin
from .launch import conflict
from .local_time import LocalTime, read
from .records import Records
from .request import LaunchRequest, asked_of
from .result import LaunchResult, cost_per_hour, failed, of_run, rejection, unlaunched
from .scheduled import LARGEST_INPUT, one_off_input, one_off_target
from .settings import Scheduling, Settings
from .table import NotRecorded

LONGEST_DAYS: Final = 366
"""How far ahead a launch may be."""
_NOT_DELIVERED: Final = frozenset({"at", "zone", "dryRun"})
_UNREADY: Final = "must allow AWS EventBridge Scheduler to assume"


@dataclass
class Later:
    """The one-off schedules of one job."""

    settings: Settings
    records: Records
    client: Callable[[], Any]
    """Returns botocore's client of Scheduler."""
    function: str
    """ARN of the function, without an alias."""

    def schedule(self, request: LaunchRequest, event: Mapping[str, Any]) -> LaunchResult:
        """Schedule a request that has a time, and was read from this event. Errors of AWS are in the result. The plan
        only, without a call, if the request is a dry run."""
        at, given = _time(request), schedule_of(self.settings, request, event, function=self.function)
        problems = [*_time_problems(at, self.records.clock()), *_size_problems(given)]
        if request.dry_run:
            return rejection(self.settings, problems) if problems else _plan(self.settings, request, given)
        try:
            known = self.records.read(_family(self.settings), request.run)
        except NotRecorded as problem:
            return failed(self.settings, request, _failure("RunNotRecorded", str(problem), retryable=True))
        if known is not None:
            return conflict(self.settings, request, known) or of_run(self.settings, request, known, "DUPLICATE")
        if problems:
            return rejection(self.settings, problems)
        try:
            self.client().create_schedule(**given)
        except ClientError as error:
            if error_of(error)[0] == "ConflictException":
                return self._known(request, given)
            return failed(self.settings, request, _refused(error))
        except BotoCoreError as error:
            return failed(self.settings, request, _failure(type(error).__name__, str(error), retryable=True))
        return scheduled(self.settings, request)

    def _known(self, request: LaunchRequest, given: Mapping[str, Any]) -> LaunchResult:
        """The answer to a request whose schedule there is: made by a call whose answer was lost, or by an earlier event
        with the same key."""
        try:
            found = self.client().get_schedule(Name=given["Name"], GroupName=given["GroupName"])
        except (ClientError, BotoCoreError) as error:
            detail = f"there was a launch of this key, and it cannot be read whether it still waits: {error}"
            return failed(self.settings, request, _failure("ScheduleUnknown", detail, retryable=True))
        differing = _differences(found, given, _time(request))
        if not differing:
            return scheduled(self.settings, request)
        detail = (
            f"the idempotency key belongs to another request, which differs in {', '.join(differing)}; send the same "
            "request again, use another key, or cancel that launch first"
        )
        answer = failed(self.settings, request, _failure("Conflict", detail, retryable=False))
        return {**answer, "status": "CONFLICT"}

    def cancel(self, run: str) -> str:
        """Delete the schedule of a run that waits for its time. Returns why it was not deleted; empty if it was."""
        place = self.settings.scheduling
        if place is None:
            return f"{self.settings.job} has no launches at a later time; the job's owner allows them with overrides.at"
        try:
            self.client().delete_schedule(Name=place.prefix + run, GroupName=place.group)
        except ClientError as error:
            code, message, _ = error_of(error)
            if code != "ResourceNotFoundException":
                return f"{code}: {message}"
            known = self.records.read(_family(self.settings), run)
            if known is not None:
                return f"the run was launched at {known['launchedAt']}, and is {known['state']}"
            return "no launch of this run waits: it was cancelled, or is being delivered at this moment"
        return ""


def scheduled(settings: Settings, request: LaunchRequest) -> LaunchResult:
    """The answer about a launch that waits for its time."""
    return {
        **unlaunched(settings, "SCHEDULED"),
        "run": request.run,
        "requested": request.count,
        "idempotencyKey": request.key,
        "startedBy": Origin(request.run).started_by(settings.job),
        "maxCostUsdPerHour": cost_per_hour(settings, request, request.count),
        "scheduledFor": runs.at(_time(request).seconds),
    }


def schedule_of(
    settings: Settings, request: LaunchRequest, event: Mapping[str, Any], *, function: str
) -> dict[str, Any]:
    """The request of CreateSchedule. Pure."""
    at, place = _time(request), _place(settings)
    detail = {key: it for key, it in event.items() if key not in _NOT_DELIVERED} | {"idempotencyKey": request.key}
    return {
        "Name": place.prefix + request.run,
        "GroupName": place.group,
        "Description": f"Launches the job {settings.job} once.",
        "ScheduleExpression": f"at({at.local})",
        "ScheduleExpressionTimezone": at.zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": one_off_target(function, place.role, place.dead_letters, one_off_input(detail)),
    }


def _plan(settings: Settings, request: LaunchRequest, given: dict[str, Any]) -> LaunchResult:
    from .dry_run import dry_run

    answer, place = dry_run(settings, request), _place(settings)
    _, partition, _, region, account, _ = settings.cluster.split(":", 5)
    name = f"arn:{partition}:scheduler:{region}:{account}:schedule/{place.group}/{given['Name']}"
    passed = {"iam:PassedToService": "scheduler.amazonaws.com"}
    decisions: list[dict[str, Any]] = [
        {"action": "scheduler:CreateSchedule", "resource": name, "context": {}},
        {"action": "iam:PassRole", "resource": place.role, "context": passed},
    ]
    plan = answer.get("dryRun", {})
    answer["dryRun"] = {"createSchedule": given, **plan, "iam": [*decisions, *plan["iam"]]}
    answer["scheduledFor"] = runs.at(_time(request).seconds)
    return answer


def _differences(found: Mapping[str, Any], given: Mapping[str, Any], at: LocalTime) -> list[str]:
    """Names of the fields in which the request of a schedule differs from another's, which is for this time. Who asks
    is none of them, nor is a role or a queue that a deployment has replaced."""
    expression = str(found["ScheduleExpression"]).removeprefix("at(").removesuffix(")")
    when = read(expression, found.get("ScheduleExpressionTimezone", "UTC"), [])
    was, now = (asked_of(json.loads(it["Target"]["Input"])["detail"]) for it in (found, given))
    return [
        *(["at"] if when is None or when.seconds != at.seconds else []),
        *sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key)),
    ]


def _time_problems(at: LocalTime, now: float) -> list[str]:
    if at.seconds <= now:
        return ["at: is in the past; leave it out to launch now"]
    if at.seconds > now + LONGEST_DAYS * 86400:
        return [f"at: is more than {LONGEST_DAYS} days ahead"]
    return []


def _size_problems(given: Mapping[str, Any]) -> list[str]:
    size = len(given["Target"]["Input"].encode())
    if size <= LARGEST_INPUT:
        return []
    return [
        f"event: {size} bytes as the input of a schedule; at most {LARGEST_INPUT}; put the data into S3 and pass its "
        "address, or launch now"
    ]


def _refused(error: ClientError) -> Failure:
    failure = of_error(error).failures[0]
    # Just after a deploy, Scheduler may not know the role's trust yet.
    unready = re.search(_UNREADY, failure["detail"]) or "ServiceQuotaExceeded" in failure["reason"]
    return {**failure, "retryable": True} if unready else failure


def _failure(reason: str, detail: str, *, retryable: bool) -> Failure:
    return {"reason": reason, "detail": detail, "retryable": retryable}


def _time(request: LaunchRequest) -> LocalTime:
    if request.at is None:
        raise ValueError("the request has no time")
    return request.at


def _place(settings: Settings) -> Scheduling:
    if settings.scheduling is None:
        raise ValueError("the job has no launches at a later time")
    return settings.scheduling


def _family(settings: Settings) -> str:
    return settings.family.rpartition("/")[2]
