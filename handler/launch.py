"""A LaunchRequest → RunTask calls → a LaunchResult.

Every call has a token made from the job, the idempotency key, the chunk and the attempt: to a repeated call ECS answers
with the tasks that it launched before, and launches nothing twice. answers.py classifies the answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NotRequired, TypedDict

from . import fargate
from .answers import Answer, Failure, Next, of_error, of_response
from .request import LaunchRequest
from .running import Running
from .settings import Settings
from .timing import Budget, Pace, jitter

Status = Literal["LAUNCHED", "PARTIAL", "DUPLICATE", "REJECTED", "FAILED", "DRY_RUN"]

ON_DEMAND: Final = "FARGATE"
SPOT: Final = "FARGATE_SPOT"
ATTEMPTS: Final = 6
"""How often each delivery of an event requests the tasks that are missing; the first attempt requests them all."""
CALLS_AT_ONCE: Final = 10


class LaunchedTask(TypedDict):
    """A launched task and its log stream."""

    arn: str
    """ARN of the task."""
    id: str
    """The last part of the ARN."""
    logGroup: str
    """Log group of the job's container."""
    logStream: str
    """Log stream of this task. The stream exists after the container's first line."""


class LaunchResult(TypedDict):
    """The answer to a caller."""

    status: Status
    """LAUNCHED: all requested tasks were launched; PARTIAL: some of them; DUPLICATE: an earlier delivery of the same
    key launched them; REJECTED: the event requests something that this launcher does not allow; FAILED: none were
    launched; DRY_RUN: the event requested a dry run."""
    requested: int
    """How many tasks were requested; 0 for a rejected event."""
    launched: int
    """How many tasks this launch has, those of earlier deliveries of the same key included."""
    tasks: list[LaunchedTask]
    """The tasks of this launch."""
    failures: list[Failure]
    """Why tasks are missing; empty if none is missing."""
    attempts: int
    """How many calls of RunTask were made."""
    idempotencyKey: str
    """The key of this launch; empty for a rejected event."""
    startedBy: str
    """`startedBy` of each task in ECS: the job and a hash of the key. `ListTasks` finds the tasks by it."""
    taskDefinition: str
    """ARN of the task definition, with its revision."""
    capacityUsed: dict[str, int]
    """FARGATE (on demand) or FARGATE_SPOT → tasks."""
    maxCostUsdPerHour: float | None
    """The most that the launched tasks cost per hour, in USD; None if the launcher has no prices."""
    dryRun: NotRequired[dict[str, Any]]
    """What would be done; only in the answer to a dry run."""


@dataclass
class _Chunk:
    """The result of one RunTask call and its repetitions: up to ten tasks."""

    requested: int
    tasks: list[str] = field(default_factory=list[str])
    capacity: list[str] = field(default_factory=list[str])
    """FARGATE or FARGATE_SPOT, for each task."""
    failures: list[Failure] = field(default_factory=list[Failure])
    calls: int = 0
    duplicate: bool = False


def token(settings: Settings, request: LaunchRequest, chunk: int = 0, attempt: int = 0) -> str:
    """RunTask's clientToken. Its scope is the cluster, in which another stack may have a job of the same name: the
    family tells the two apart. The token omits the revision: a deploy between two attempts must not launch again."""
    return hashlib.sha256(f"{settings.family}|{request.key}|{chunk}|{attempt}".encode()).hexdigest()


def started_by(settings: Settings, request: LaunchRequest) -> str:
    """RunTask's startedBy, the same for every task of a launch: ListTasks finds them by it.

    A retry has the origin of the first launch, and its own number.
    """
    origin = request.origin or hashlib.sha256(f"{settings.family}|{request.key}".encode()).hexdigest()[:32]
    return f"{settings.job}/{origin}" + (f"/{request.attempt}" if request.attempt else "")


def chunks(request: LaunchRequest) -> list[int]:
    """How many tasks each RunTask call requests."""
    full, rest = divmod(request.count, fargate.TASKS_PER_CALL)
    return [fargate.TASKS_PER_CALL] * full + ([rest] if rest else [])


def run_task_request(
    settings: Settings, request: LaunchRequest, *, count: int, chunk: int = 0, attempt: int = 0
) -> dict[str, Any]:
    """The exact parameters of one RunTask call. From the second attempt on, a job with `spot_then_on_demand` requests
    on-demand capacity.

    The call requests on-demand capacity by launch type, which works in every cluster. Spot is only available through a
    capacity provider, which has to be associated with the cluster.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html
    """
    falls_back = request.capacity == "spot_then_on_demand" and attempt > 0
    optional: dict[str, Any] = {}
    if request.capacity == "on_demand" or falls_back:
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
        "clientToken": token(settings, request, chunk, attempt),
        "startedBy": started_by(settings, request),
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


def capacity_of(call: dict[str, Any]) -> str:
    """The capacity that a call requests: FARGATE or FARGATE_SPOT."""
    return SPOT if "capacityProviderStrategy" in call else ON_DEMAND


@dataclass
class Launcher:
    """Launches requests of one job."""

    settings: Settings
    ecs: Any
    """Has `run_task` with the signature of a botocore client."""
    budget: Budget
    pace: Pace
    store: Callable[[str, bytes], None]
    """Stores a payload at its s3:// address. Raises the errors of AWS's clients."""
    settling: Callable[[], bool]
    """Whether the last deploy is so recent that IAM may not have its policy everywhere yet."""
    wait: Callable[[int], float] = jitter
    """Number of tries → seconds until the next one."""
    running: Running | None = None
    """Counts the job's tasks; None for a job without max_running."""

    def launch(self, request: LaunchRequest) -> LaunchResult:
        """Launch the requested tasks; the result. Errors of ECS and of the network are in it and are not raised."""
        if self.running is not None:
            started = started_by(self.settings, request)
            failure = self.running.refusal(request.count, started, retry=request.attempt > 0)
            if failure is not None:
                return self._result(request, [_Chunk(request.count, failures=[failure])])
        result = self._launch(request)
        if self.running is not None:
            self.running.launched([task["arn"] for task in result["tasks"]])
        return result

    def _launch(self, request: LaunchRequest) -> LaunchResult:
        if request.stored_payload is not None:
            try:
                self.store(*request.stored_payload)
            except Exception as error:  # noqa: BLE001 - whatever the error is, the result reports it, and nothing was launched
                detail = f"the payload could not be stored: {type(error).__name__}: {error}"
                failure: Failure = {"reason": "PayloadNotStored", "detail": detail, "retryable": True}
                return self._result(request, [_Chunk(request.count, failures=[failure])])
        counts = list(enumerate(chunks(request)))
        if len(counts) == 1:
            return self._result(request, [self._chunk(request, *counts[0])])
        # Imported here: most launches have one chunk, and every import makes a cold start longer.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return self._result(request, list(pool.map(lambda it: self._chunk(request, *it), counts)))

    def _chunk(self, request: LaunchRequest, chunk: int, requested: int) -> _Chunk:
        """Request up to ten tasks; then request the missing ones again while another attempt may help.

        A later delivery first repeats, without waiting, the attempts of the deliveries before it. ECS repeats its
        answers, so that nothing is launched twice; then new attempts follow. After a deploy between two deliveries,
        ECS answers each repeated attempt with a conflict that names the tasks that the attempt launched.
        """
        result = _Chunk(requested)
        replayed = ATTEMPTS * (request.delivery - 1)
        for attempt in range(replayed + ATTEMPTS):
            missing = requested - len(result.tasks)
            waited = attempt > replayed and not (attempt == 1 and request.capacity == "spot_then_on_demand")
            wait = self.wait(attempt - replayed) if waited else 0.0
            # A repeated attempt launches nothing, and so takes almost nothing from the rate.
            if not self.budget.pause(max(wait, self.pace.reserve(1 if attempt < replayed else missing))):
                result.failures = result.failures or [_out_of_time()]
                return result
            parameters = run_task_request(self.settings, request, count=missing, chunk=chunk, attempt=attempt)
            answer = self._attempt(parameters, result)
            result.tasks += answer.tasks
            result.capacity += [capacity_of(parameters)] * len(answer.tasks)
            complete = len(result.tasks) >= requested
            result.failures = [] if complete else answer.failures
            result.duplicate = result.duplicate or answer.next is Next.DUPLICATE
            answered_before = answer.next is Next.DUPLICATE and attempt < replayed
            if complete or not (answer.next is Next.NEW_ATTEMPT or answered_before):
                return result
        return result

    def _attempt(self, parameters: dict[str, Any], result: _Chunk) -> Answer:
        """One attempt: the same call with the same token until its result is known or the time is up."""
        tries = 0
        while True:
            try:
                answer = of_response(self.ecs.run_task(**parameters), parameters["count"])
            except Exception as error:  # noqa: BLE001 - of_error raises any error that is not from ECS or the network
                answer = of_error(error)
            tries += 1
            result.calls += 1
            repeats = answer.next is Next.SAME_TOKEN or (answer.next is Next.SETTLING and self.settling())
            if not repeats or not self.budget.pause(self.wait(tries)):
                return answer

    def _result(self, request: LaunchRequest, parts: list[_Chunk]) -> LaunchResult:
        launched = sum(len(it.tasks) for it in parts)
        used = [capacity for it in parts for capacity in it.capacity]
        status: Status = "LAUNCHED" if launched >= request.count else "PARTIAL" if launched else "FAILED"
        if any(it.duplicate for it in parts) and all(it.duplicate or not it.tasks for it in parts):
            status = "DUPLICATE"
        return {
            "status": status,
            "requested": request.count,
            "launched": launched,
            "tasks": [_task(self.settings, arn) for it in parts for arn in it.tasks],
            "failures": [_advised(failure) for it in parts for failure in it.failures],
            "attempts": sum(it.calls for it in parts),
            "idempotencyKey": request.key,
            "startedBy": started_by(self.settings, request),
            "taskDefinition": self.settings.task_definition,
            "capacityUsed": {capacity: used.count(capacity) for capacity in sorted(set(used))},
            "maxCostUsdPerHour": cost_per_hour(self.settings, request, launched),
        }


def cost_per_hour(settings: Settings, request: LaunchRequest, tasks: int) -> float | None:
    """The most that so many tasks cost per hour, in US dollars; Spot costs less."""
    prices = settings.prices
    if prices is None:
        return None
    storage = max(0, request.ephemeral_storage_gib - fargate.EPHEMERAL_STORAGE_DEFAULT_GIB)
    each = (
        request.cpu / 1024 * prices.vcpu_hour
        + request.memory / 1024 * prices.memory_gib_hour
        + storage * prices.storage_gib_hour
        + settings.assign_public_ip * prices.public_ipv4_hour
    )
    return round(each * tasks, 6)


def unlaunched(settings: Settings, status: Status) -> LaunchResult:
    """The result of a launch that makes no call."""
    return {
        "status": status,
        "requested": 0,
        "launched": 0,
        "tasks": [],
        "failures": [],
        "attempts": 0,
        "idempotencyKey": "",
        "startedBy": "",
        "taskDefinition": settings.task_definition,
        "capacityUsed": {},
        "maxCostUsdPerHour": None,
    }


def rejection(settings: Settings, problems: list[str]) -> LaunchResult:
    """The result for an event that was rejected before any AWS call."""
    failures = [Failure(reason="Rejected", detail=problem, retryable=False) for problem in problems]
    return {**unlaunched(settings, "REJECTED"), "failures": failures}


def _advised(failure: Failure) -> Failure:
    # Imported here: most launches succeed, and the table of remedies takes time to load.
    from .remedy import remedy

    known = remedy(f"{failure['reason']}: {failure['detail']}")
    return {**failure, "remedy": known} if known else failure


def _out_of_time() -> Failure:
    detail = "the function had too little time left for this call"
    return {"reason": "OutOfTime", "detail": detail, "retryable": True}


def _task(settings: Settings, arn: str) -> LaunchedTask:
    task_id = arn.rpartition("/")[2]
    container = settings.container
    return {
        "arn": arn,
        "id": task_id,
        "logGroup": settings.log_group,
        "logStream": f"{container}/{container}/{task_id}",
    }
