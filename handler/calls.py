"""The calls of a launch: RunTask's exact parameters, and one round of calls with its result.

A round requests all tasks that are missing, ten a call. Each call has a token made of the run, the round and its
number: repeated by any caller, it launches nothing twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from . import fargate
from .answers import Answer, Failure, Next, of_error, of_response
from .awsjson import Unanswered
from .request import LaunchRequest
from .settings import Settings
from .timing import Budget, Pace

ON_DEMAND: Final = "FARGATE"
SPOT: Final = "FARGATE_SPOT"
CALLS_AT_ONCE: Final = 10
DENIED_TRIES: Final = 4
"""How often a call is tried that IAM denies just after a deploy: IAM knows a new policy within seconds."""


Wanted = TypeVar("Wanted")


@dataclass(frozen=True, eq=False, repr=False)
class Origin:
    """What a round belongs to: a run, and in it the launch itself or a retry."""

    run: str
    root: str = ""
    """Of a retry: the first task of the lineage; otherwise empty."""
    attempt: int = 1
    """The number of the attempt that is launched, from 1."""

    def token(self, number: int, chunk: int) -> str:
        """RunTask's clientToken. It has no revision: a deploy between two deliveries must not launch again."""
        return hashlib.sha256(f"{self.run}|{self.root}|{self.attempt}|{number}|{chunk}".encode()).hexdigest()

    def started_by(self, job: str) -> str:
        """RunTask's startedBy: JOB/RUN, and for a retry its number and the beginning of the first task's id."""
        retry = f"/{self.attempt - 1}/{self.root[:16]}" if self.root else ""
        return f"{job}/{self.run}{retry}"


@dataclass(eq=False, repr=False)
class Round:
    """The result of a round."""

    tasks: list[str] = field(default_factory=list[str])
    """ARNs."""
    failures: list[Failure] = field(default_factory=list[Failure])
    calls: int = 0
    open: bool = False
    """Whether it is unknown what a call launched."""
    again: bool = False
    """Whether a new round may launch at once what this one lacks."""


def chunks(count: int) -> list[int]:
    """How many tasks each RunTask call requests."""
    full, rest = divmod(count, fargate.TASKS_PER_CALL)
    return [fargate.TASKS_PER_CALL] * full + ([rest] if rest else [])


def run_task_request(
    settings: Settings, request: LaunchRequest, origin: Origin, *, count: int, number: int = 0, chunk: int = 0
) -> dict[str, Any]:
    """The exact parameters of one RunTask call. From the second round on, a job with `spot_then_on_demand` requests
    on-demand capacity.

    The call requests on-demand capacity by launch type, which works in every cluster. Spot is only available through a
    capacity provider, which has to be associated with the cluster.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
    """
    optional: dict[str, Any] = {}
    if capacity_of(request, number) == ON_DEMAND:
        optional["launchType"] = ON_DEMAND
    else:
        optional["capacityProviderStrategy"] = [{"capacityProvider": SPOT, "weight": 1}]
    if request.overrides:
        optional["overrides"] = request.overrides
    if settings.exec:
        optional["enableExecuteCommand"] = True
    if request.tags:
        optional["tags"] = [{"key": key, "value": request.tags[key]} for key in sorted(request.tags)]
    return {
        "cluster": settings.cluster,
        "taskDefinition": settings.task_definition,
        "count": count,
        "clientToken": origin.token(number, chunk),
        "startedBy": origin.started_by(settings.job),
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": list(settings.subnets),
                "securityGroups": list(settings.security_groups),
                "assignPublicIp": "ENABLED" if settings.assign_public_ip else "DISABLED",
            }
        },
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        **optional,
    }


def capacity_of(request: LaunchRequest, number: int = 0) -> str:
    """The capacity that a round requests: FARGATE or FARGATE_SPOT."""
    falls_back = request.capacity == "spot_then_on_demand" and number > 0
    return ON_DEMAND if request.capacity == "on_demand" or falls_back else SPOT


@dataclass(eq=False, repr=False)
class Calls:
    """Makes rounds of calls within the time that the function has left."""

    ecs: Any
    """Has `run_task` and `list_tasks` with the signatures of a botocore client."""
    budget: Budget
    pace: Pace
    settling: Callable[[], bool]
    """Whether the last deploy is so recent that IAM may not have its policy everywhere yet."""
    wait: Callable[[int], float]
    """Number of tries → seconds until the next one."""
    at_once: int = CALLS_AT_ONCE
    """How many calls are made at once."""

    def round(self, settings: Settings, request: LaunchRequest, origin: Origin, *, asked: int, number: int) -> Round:
        """Request so many tasks. Errors of ECS and of the network are in the answer and are not raised."""

        def one(it: tuple[int, int]) -> Round:
            chunk, count = it
            parameters = run_task_request(settings, request, origin, count=count, number=number, chunk=chunk)
            return self._chunk(parameters)

        counts = chunks(asked)
        if len(counts) == 1:
            return one((0, counts[0]))
        parts = self._together(one, list(enumerate(counts)))
        return Round(
            [task for it in parts for task in it.tasks],
            [failure for it in parts for failure in it.failures],
            sum(it.calls for it in parts),
            any(it.open for it in parts),
            any(it.again for it in parts) and all(it.again or not it.failures for it in parts),
        )

    def each(self, settings: Settings, wanted: Sequence[tuple[LaunchRequest, Origin, int]]) -> list[Round]:
        """One round of one task for each request, with its origin and the number of the round, as `round` does."""

        def one(it: tuple[LaunchRequest, Origin, int]) -> Round:
            request, origin, number = it
            return self.round(settings, request, origin, asked=1, number=number)

        return self._together(one, wanted)

    def _together(self, one: Callable[[Wanted], Round], wanted: Sequence[Wanted]) -> list[Round]:
        """The rounds of all these, `at_once` at the same time, in order."""
        if len(wanted) < 2 or self.at_once < 2:
            return [one(it) for it in wanted]
        # Imported here: most launches have one call, and every import makes a cold start longer.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.at_once) as pool:
            return list(pool.map(one, wanted))

    def _chunk(self, parameters: dict[str, Any]) -> Round:
        """The same call with the same token until its outcome is known or the time is up."""
        if not self.budget.pause(self.pace.reserve(parameters["count"])):
            return Round(failures=[_out_of_time()], open=True)
        tries = 0
        while True:
            try:
                answer = of_response(self.ecs.run_task(**parameters), parameters["count"])
            except Exception as error:  # noqa: BLE001 - of_error raises any error that is not from ECS or the network
                answer = of_error(error)
            tries += 1
            denied = answer.next is Next.SETTLING and tries < DENIED_TRIES and self.settling()
            if not (answer.next is Next.SAME_TOKEN or denied) or not self.budget.pause(self.wait(tries)):
                return _of(answer, parameters["count"], tries)

    def listed(self, settings: Settings, origin: Origin) -> list[str]:
        """ARNs of all tasks that ECS knows of an origin, running and stopped. Raises botocore's errors."""
        found: dict[str, None] = {}
        for status in ("RUNNING", "STOPPED"):
            request = {"startedBy": origin.started_by(settings.job), "desiredStatus": status}
            while True:
                page = self._page(settings.cluster, request)
                found |= dict.fromkeys(page.get("taskArns", []))
                if not page.get("nextToken"):
                    break
                request["nextToken"] = page["nextToken"]
        return list(found)

    def _page(self, cluster: str, request: dict[str, Any]) -> dict[str, Any]:
        tries = 0
        while True:
            try:
                return self.ecs.list_tasks(cluster=cluster, **request)
            except (ClientError, *Unanswered) as error:
                tries += 1
                if of_error(error).next is not Next.SAME_TOKEN or not self.budget.pause(self.wait(tries)):
                    raise


def _of(answer: Answer, count: int, tries: int) -> Round:
    failures = [] if len(answer.tasks) >= count else answer.failures
    if answer.next is Next.DUPLICATE:
        # A call of before the last deploy launched fewer than it requested: a new round requests the others.
        failures = [Failure(reason=it["reason"], detail=it["detail"], retryable=True) for it in failures]
    again = answer.next in (Next.NEW_ATTEMPT, Next.DUPLICATE)
    return Round(answer.tasks, failures, tries, answer.next is Next.SAME_TOKEN, again and bool(failures))


def _out_of_time() -> Failure:
    detail = "the function had too little time left for this call"
    return {"reason": "OutOfTime", "detail": detail, "retryable": True}
