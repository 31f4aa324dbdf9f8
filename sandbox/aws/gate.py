"""The gate in front of the emulator: it refuses, in AWS's words, requests that the emulator accepts and AWS does not.

An ASGI application around the emulator's own. It reads the calls to Amazon ECS, which come as JSON with the name of
the operation in a header, and those that make a schedule; everything else passes untouched. Calls made with a role are
authorized with its deployed policies: of RunTask ecs:RunTask, iam:PassRole for each role that it hands over and
ecs:TagResource, of other services what service_calls.py has.

Calls made with a role are remembered; the emulator's starter reads them at /_gate/calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree

import botocore.session
from botocore.model import OperationModel
from ministack.core.iam_evaluator import PrincipalInfo, resolve_principal
from ministack.core.responses import get_account_id

from . import account, authorization, rules, schedule_calls, schedules, subnets
from .authorization import Call, Policies, run_task_calls
from .constraints import violations
from .rows import Refused, answer, refuse
from .service_calls import Request, object_of, service_calls
from .tasks import scripts
from .tasks.lapse import pass_minutes
from .tasks.lifecycle import Lifecycle
from .tasks.tokens import Tokens

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CALLS_PATH: Final = "/_gate/calls"
LAPSE_PATH: Final = "/_gate/lapse"
_ECS_TARGET: Final = "AmazonEC2ContainerServiceV20141113."


class Gate:
    """The emulator, behind the checks that it does not make itself."""

    def __init__(self, emulator: App, *, containers: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._emulator = emulator
        self._calls: list[dict[str, Any]] = []
        self._lifecycle = Lifecycle(containers=containers, clock=clock)
        self._tokens = Tokens(clock, self._lifecycle.stopped_at)
        self._launching = asyncio.Lock()
        self._ecs: Any = botocore.session.get_session().get_service_model("ecs")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's word that it starts, at which the emulator's clocks start too."""
        if scope["type"] != "http":
            await self._emulator(scope, receive, send)
            return
        if scope["path"] == CALLS_PATH:
            await _answer(send, 200, self._calls)
            return
        if scope["path"] == scripts.PATH:
            if scope["method"] == "POST":
                self._lifecycle.scripts.define(json.loads(await _body(receive)))
            scripted = {"runs": self._lifecycle.scripts.waiting(), "containers": self._lifecycle.containers}
            await _answer(send, 200, {**scripted, "jobs": account.families()})
            return
        if scope["path"] == LAPSE_PATH:
            pass_minutes(json.loads(await _body(receive)))
            await _answer(send, 200, {})
            return
        try:
            operation = self._operation(scope)
            if operation is not None:
                await self._ecs_operation(operation, scope, receive, send)
                return
            scheduled = _scheduled(scope)
            if scheduled is not None:
                body = await _body(receive)
                scheduled(_parsed(body))
                receive = _replay(body, receive)
            elif "/ec2/" in _header(scope, b"authorization"):
                body = await _body(receive)
                await subnets.hold(dict(parse_qsl(body.decode())), lambda it: self._ask_ec2(scope, it))
                receive = _replay(body, receive)
            await self._other(scope, receive, send)
        except Refused as refused:
            await _send(send, *answer(refused))

    async def _ecs_operation(self, operation: OperationModel, scope: Scope, receive: Receive, send: Send) -> None:
        """An operation of Amazon ECS. Raises Refused, as each step does that AWS takes before it does anything."""
        body = await _body(receive)
        try:
            parameters = json.loads(body or b"{}")
        except ValueError:
            refuse("ecs.*.body")
        self._lifecycle.forget()
        problems = violations(operation, parameters)
        if problems:
            refuse("ecs.*.model", problems="; ".join(problems))
        rules.hold(str(operation.name), parameters)
        if operation.name == "DeleteCluster":
            await self._hold_delete_cluster(scope, parameters)
        if operation.name == "RunTask":
            await self._hold_run_task(scope, parameters)
            await self._run_task(scope, parameters, body, receive, send)
            return
        await self._other(scope, _replay(body, receive), send)
        if operation.name == "StopTask":
            self._lifecycle.stopped()

    async def _run_task(
        self, scope: Scope, parameters: dict[str, Any], body: bytes, receive: Receive, send: Send
    ) -> None:
        """Launch, unless a request with this token did: then its answer again. Raises Refused where that was another
        request."""
        async with self._launching:
            known = self._tokens.recall(parameters)
            if known is None:
                status, known = await self._call(scope, _replay(body, receive))
                if status == 200:
                    for task in known["tasks"]:
                        self._lifecycle.begin(task)
                    self._tokens.remember(parameters, known)
            else:
                status = 200
            await _answer(send, status, known)

    async def _hold_run_task(self, scope: Scope, parameters: dict[str, Any]) -> None:
        """Hold a RunTask against what there is in the account. Raises Refused."""
        cluster = parameters.get("cluster", "default")
        clusters = (await self._ask(scope, "DescribeClusters", {"clusters": [cluster]}))["clusters"]
        if not any(it["status"] == "ACTIVE" for it in clusters):
            refuse("ecs.RunTask.cluster")
        named = {"taskDefinition": parameters["taskDefinition"]}
        definition = (await self._ask(scope, "DescribeTaskDefinition", named)).get("taskDefinition")
        if definition is None or definition["status"] != "ACTIVE":
            refuse("ecs.RunTask.taskDefinition.inactive" if definition else "ecs.RunTask.taskDefinition")
        if definition.get("networkMode") == "awsvpc" and not parameters.get("networkConfiguration"):
            refuse("ecs.RunTask.networkConfiguration")
        rules.hold_overrides(parameters, definition)
        principal = _principal(scope)
        if principal is not None:
            self._authorize(principal, run_task_calls(parameters, definition, clusters[0]["clusterArn"]))
        # A caller who may not launch does not learn what there is to launch on.
        rules.hold_capacity(parameters, definition, clusters[0])

    async def _hold_delete_cluster(self, scope: Scope, parameters: dict[str, Any]) -> None:
        """ECS deletes no cluster with tasks that have not stopped. Raises Refused."""
        named = {"cluster": parameters.get("cluster", "default")}
        for desired in ("RUNNING", "STOPPED"):
            listed = (await self._ask(scope, "ListTasks", {**named, "desiredStatus": desired})).get("taskArns")
            if not listed:
                continue
            tasks = (await self._ask(scope, "DescribeTasks", {**named, "tasks": listed}))["tasks"]
            if any(it["lastStatus"] != "STOPPED" for it in tasks):
                refuse("ecs.DeleteCluster.tasks")

    def _authorize(self, principal: PrincipalInfo, calls: list[Call]) -> None:
        """Ask IAM about everything that a request needs. Raises Refused, of the first no."""
        denied: Refused | None = None
        policies = Policies(principal.policies or [], principal.limits)
        for call in calls:
            decision = policies.decide(call, principal=principal.arn, of_resource=account.policy_of(call))
            self._remember(
                principal.arn,
                action=call.action,
                resource=call.resource,
                context=dict(call.context),
                allowed=decision.allowed,
                sid=decision.sid,
            )
            if not decision.allowed and denied is None:
                denied = authorization.refusal(principal.arn, call, decision)
        if denied is not None:
            raise denied

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that is no operation of ECS: authorized where a launcher makes it with a role."""
        principal = _principal(scope)
        if principal is None and not _to_scheduler(scope):
            await self._emulator(scope, receive, send)
            return
        body = await _body(receive)
        kind = _header(scope, b"content-type")
        parameters: dict[str, Any] = {}
        if kind.startswith("application/x-www-form-urlencoded"):
            parameters = dict(parse_qsl(body.decode()))
        elif kind.startswith("application/x-amz-json") or _to_scheduler(scope):
            parameters = _parsed(body)
        request = Request(
            _service(scope),
            str(parameters.get("Action") or _operation_name(scope)),
            scope["path"],
            parameters,
            _region(scope),
            get_account_id(),
            dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
        )
        if principal is not None:
            self._hold_other(scope, principal, request)
        # A caller who may not make a schedule does not learn which there are.
        schedule_calls.hold(request, account.THERE)
        await self._emulator(scope, _replay(body, receive), send)

    def _hold_other(self, scope: Scope, principal: PrincipalInfo, request: Request) -> None:
        """Authorize a request that a role makes. Raises Refused."""
        calls = [*service_calls(request, account.KNOWN), *schedule_calls.calls(request)]
        if calls:
            self._authorize(principal, calls)
        else:
            self._remember_other(scope)
        if request.service == "s3" and request.operation in ("GET", "HEAD"):
            _hold_missing_object(principal, request)

    def _remember_other(self, scope: Scope) -> None:
        """A call that is not authorized here, made with a role: its service and the operation's name on the wire."""
        principal = _principal(scope)
        if principal is not None:
            named = _operation_name(scope)
            operation = named if named != scope["method"] else f"{named} {scope['path']}"
            self._remember(principal.arn, service=_service(scope), operation=operation)

    def _remember(self, principal: str, **call: Any) -> None:
        self._calls.append({"principal": principal, **call})

    async def _ask(self, scope: Scope, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The answer of another ECS operation, sent to the emulator itself in the name of the same caller."""
        body = json.dumps(parameters).encode()
        kept = [it for it in scope["headers"] if it[0].lower() not in (b"x-amz-target", b"content-length")]
        headers = [*kept, (b"x-amz-target", (_ECS_TARGET + operation).encode()), (b"content-length", b"%d" % len(body))]

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        return (await self._call({**scope, "headers": headers}, receive))[1]

    async def _ask_ec2(self, scope: Scope, parameters: dict[str, str]) -> ElementTree.Element:
        """The answer of another EC2 operation, sent to the emulator itself in the name of the same caller."""
        body = urlencode({"Version": "2016-11-15", **parameters}).encode()
        kept = [it for it in scope["headers"] if it[0].lower() != b"content-length"]
        answer = b""

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal answer
            answer += message.get("body", b"")

        headers = [*kept, (b"content-length", b"%d" % len(body))]
        await self._emulator({**scope, "headers": headers}, _replay(body, _nothing_more), send)
        return ElementTree.fromstring(answer)  # noqa: S314 - the emulator's own

    async def _call(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
        """What the emulator answers: status and content."""
        status, answer = 0, b""

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, answer
            status = message.get("status", status)
            answer += message.get("body", b"")

        await self._emulator(scope, receive, send)
        return status, json.loads(answer)

    def _operation(self, scope: Scope) -> OperationModel | None:
        target = _header(scope, b"x-amz-target")
        if not target.startswith(_ECS_TARGET):
            return None
        name = target.removeprefix(_ECS_TARGET)
        return self._ecs.operation_model(name) if name in self._ecs.operation_names else None


def _principal(scope: Scope) -> PrincipalInfo | None:
    """The role or user that signed this request; None for the account's root, which may do everything."""
    found = re.search(r"Credential=([^/]+)/", _header(scope, b"authorization"))
    principal = resolve_principal(found[1], get_account_id()) if found else None
    # A key that the emulator does not know is its root's: it knows every key that it has given out.
    if isinstance(principal, PrincipalInfo) and principal.policies is not None:
        return principal
    return None


def _hold_missing_object(principal: PrincipalInfo, request: Request) -> None:
    """S3 tells only those who may list a bucket that it does not have an object. Raises Refused."""
    bucket, _, key = object_of(request).partition("/")
    if not key or not account.lacks_object(bucket, key):
        return
    call = Call("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    if not Policies(principal.policies or [], principal.limits).decide(call, principal=principal.arn).allowed:
        refuse("s3.GetObject.missing", principal=principal.arn, resource=call.resource)


def _scheduled(scope: Scope) -> Callable[[dict[str, Any]], None] | None:
    """What holds the schedule in this request against what AWS takes; None where it makes none."""
    if _header(scope, b"x-amz-target") == "AWSEvents.PutRule":
        return schedules.hold_rule
    operation = {"POST": "CreateSchedule", "PUT": "UpdateSchedule"}.get(scope["method"])
    if operation is None or not scope["path"].startswith("/schedules/"):
        return None
    if _to_scheduler(scope):
        return functools.partial(schedules.hold_schedule, operation)
    return None


def _parsed(body: bytes) -> dict[str, Any]:
    """The parameters in a body; none where it is no JSON, which the emulator is left to say."""
    with contextlib.suppress(ValueError):
        return json.loads(body)
    return {}


def _to_scheduler(scope: Scope) -> bool:
    return "/scheduler/" in _header(scope, b"authorization")


def _service(scope: Scope) -> str:
    return _header(scope, b"authorization").split("/")[3]


def _region(scope: Scope) -> str:
    return _header(scope, b"authorization").split("/")[2]


def _operation_name(scope: Scope) -> str:
    return _header(scope, b"x-amz-target").rpartition(".")[2] or scope["method"]


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted), "")


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _nothing_more() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


async def _answer(send: Send, status: int, content: Any) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.1"), (b"content-length", b"%d" % len(body))]
    await _send(send, status, headers, body)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
