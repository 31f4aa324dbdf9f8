"""A request about one schedule of EventBridge Scheduler: what AWS asks IAM, and what it refuses because of what there
is in the account. Pure. schedules.py has the grammar of a schedule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from .authorization import SCHEDULER_SERVICE, Call
from .rows import refuse
from .service_calls import Request

_OPERATIONS: Final = {
    "POST": "CreateSchedule",
    "PUT": "UpdateSchedule",
    "GET": "GetSchedule",
    "DELETE": "DeleteSchedule",
}


@dataclass(frozen=True)
class There:
    """What there is in the account, as far as a schedule depends on it."""

    group: Callable[[str], bool]
    """Whether there is a schedule group of this name."""
    schedule: Callable[[str, str], bool]
    """Whether this group has a schedule of this name."""
    trusts: Callable[[str, str, str], bool]
    """Whether there is this role, and it lets this service assume it for this schedule group, given by its ARN."""


@dataclass(frozen=True)
class Asked:
    """A request about one schedule."""

    operation: str
    group: str
    name: str
    role: str
    """The role of its target; empty for a request without one."""


def asked(request: Request) -> Asked | None:
    """The schedule that a request is about; None for another request."""
    found = re.fullmatch(r"/schedules/([^/]+)", request.path)
    if found is None or request.service != "scheduler" or request.operation not in _OPERATIONS:
        return None
    target: Any = request.parameters.get("Target") or {}
    group = str(request.parameters.get("GroupName") or request.query.get("groupName") or "default")
    return Asked(_OPERATIONS[request.operation], group, unquote(found[1]), str(target.get("RoleArn") or ""))


def calls(request: Request) -> Iterator[Call]:
    """What AWS asks IAM about a request: the action on the schedule, and whether the caller may pass its role.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
    """
    it = asked(request)
    if it is None:
        return
    yield Call(f"scheduler:{it.operation}", request.arn(f"schedule/{it.group}/{it.name}"))
    if it.role:
        yield Call("iam:PassRole", it.role, {"iam:PassedToService": SCHEDULER_SERVICE})


def hold(request: Request, there: There) -> None:
    """Hold a request against what there is in the account. Raises Refused."""
    it = asked(request)
    if it is None:
        return
    operation, creates = it.operation, it.operation == "CreateSchedule"
    if creates and not there.group(it.group):
        refuse("scheduler.CreateSchedule.GroupName", group=it.group)
    if there.schedule(it.group, it.name) is creates:
        refuse(f"scheduler.{operation}.Name", name=it.name)
    if it.role and not there.trusts(it.role, SCHEDULER_SERVICE, request.arn(f"schedule-group/{it.group}")):
        refuse(f"scheduler.{operation}.RoleArn")
