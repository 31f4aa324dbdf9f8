"""EventBridge Scheduler in memory, as far as a launcher uses it. Each request is checked by botocore's model of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.exceptions import ReadTimeoutError
from botocore.validate import validate_parameters

from .dynamodb import refused


@dataclass
class Schedules:
    """One-off schedules by group and name."""

    fault: Callable[[str], str] = lambda _: ""
    """Called with each operation: "before" loses the request, "after" its answer, and any other text is the code of the
    error with which it is refused."""
    made: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    calls: list[str] = field(default_factory=list[str])

    def create_schedule(self, **request: Any) -> dict[str, Any]:
        return self._call("CreateSchedule", request, self._create)

    def get_schedule(self, **request: Any) -> dict[str, Any]:
        return self._call("GetSchedule", request, lambda it: copy.deepcopy(self.made[_key(it)]))

    def delete_schedule(self, **request: Any) -> dict[str, Any]:
        return self._call("DeleteSchedule", request, lambda it: self.made.pop(_key(it)) and {})

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        if _key(request) in self.made:
            raise refused("ConflictException", "CreateSchedule")
        self.made[_key(request)] = copy.deepcopy(request)
        return {}

    def _call(
        self, operation: str, request: dict[str, Any], act: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        model: Any = botocore.session.get_session().get_service_model("scheduler")
        validate_parameters(request, model.operation_model(operation).input_shape)
        self.calls.append(operation)
        fault = self.fault(operation)
        if fault and fault not in ("before", "after"):
            raise refused(fault, operation)
        answer: dict[str, Any] = {}
        if fault != "before":
            try:
                answer = act(request)
            except KeyError:
                raise refused("ResourceNotFoundException", operation) from None
        if fault:
            raise ReadTimeoutError(endpoint_url="memory", error=fault)
        return answer


def _key(request: dict[str, Any]) -> tuple[str, str]:
    return request["GroupName"], request["Name"]
