"""Sessions in a task's container: ExecuteCommand of Amazon ECS and StartSession of Systems Manager, as AWS has them.

The emulator opens a session in every task and has no StartSession. Here a session needs a task that runs, was launched
with ECS Exec, and whose agent runs. No container runs, so a session has nothing to connect to: its address has the form
of AWS's, and a session-manager-plugin cannot reach it.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import ministack.app
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import ecs

from .rows import answer_of, refusal
from .rows.row import Refused
from .service_calls import SESSION_TARGET

Parameters = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

AGENT: Final = "ExecuteCommandAgent"
"""The managed agent of a container that opens sessions."""
DOCUMENTS: Final = {
    "AWS-StartPortForwardingSession": ("portNumber", "localPortNumber"),
    "AWS-StartPortForwardingSessionToRemoteHost": ("host", "portNumber", "localPortNumber"),
}
"""Documents that a session of a task can have → their parameters. Without a document, the session is a shell.

https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html
"""

# Internals of the emulator, which has no public interface for this; its version is pinned.
_ecs: Any = ecs
_app: Any = ministack.app


def install() -> None:
    """Have the emulator answer so."""
    _ecs._ACTION_MAP["ExecuteCommand"] = _told(_execute_command)
    _app.SERVICE_HANDLERS["ssm"] = _with_sessions(_app.SERVICE_HANDLERS["ssm"])


def runtime_id(task_arn: str) -> str:
    """A runtime id for a container of a task, in the form that Fargate gives it."""
    return f"{task_arn.rpartition('/')[2].replace('-', '')}-{secrets.randbelow(10**10):010}"


def agents(status: str) -> list[dict[str, str]]:
    """What DescribeTasks shows of the agent of a container in a task that was launched with ECS Exec."""
    return [{"name": AGENT, "lastStatus": status}]


def _told(handle: Callable[[Parameters], Answer]) -> Callable[[Parameters], Answer]:
    """The answer of a handler, or its refusal."""

    def handling(given: Parameters) -> Answer:
        try:
            return handle(given)
        except Refused as refused:
            return answer_of(refused)

    return handling


def _execute_command(given: Parameters) -> Answer:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html"""
    cluster = _ecs._resolve_cluster_name(given.get("cluster", "default"))
    if cluster not in _ecs._clusters:
        raise refusal("ecs.ExecuteCommand.cluster")
    if len(str(given["task"]).rpartition("/")[2]) not in (32, 36):
        raise refusal("ecs.ExecuteCommand.task.length")
    task = _ecs._resolve_task(given["task"], cluster)
    if task is None:
        raise refusal("ecs.ExecuteCommand.task")
    if not given["interactive"]:
        raise refusal("ecs.ExecuteCommand.interactive")
    containers = {it["name"]: it for it in task["containers"]}
    if not given.get("container") and len(containers) > 1:
        raise refusal("ecs.ExecuteCommand.container.which")
    name = given.get("container") or next(iter(containers))
    if name not in containers:
        raise refusal("ecs.ExecuteCommand.container")
    if not _connected(task, containers[name]):
        raise refusal("ecs.ExecuteCommand.agent")
    opened = _session("ecs-execute-command")
    return json_response(
        {
            "clusterArn": task["clusterArn"],
            "taskArn": task["taskArn"],
            "containerArn": containers[name]["containerArn"],
            "containerName": name,
            "interactive": True,
            "session": {key[0].lower() + key[1:]: value for key, value in opened.items()},
        }
    )


def _start_session(given: Parameters) -> Answer:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html"""
    document = given.get("DocumentName")
    if document and document not in DOCUMENTS:
        raise refusal("ssm.StartSession.document", name=document)
    unknown = sorted(given.get("Parameters", {}).keys() - set(DOCUMENTS.get(document or "", ())))
    if unknown:
        raise refusal("ssm.StartSession.parameters", names=", ".join(unknown), document=document)
    target = str(given["Target"])
    found = SESSION_TARGET.fullmatch(target)
    task = _ecs._tasks.get(_task_arn(found[1], found[2])) if found else None
    containers = task["containers"] if found and task else []
    if not task or not any(found and it["runtimeId"] == found[3] and _connected(task, it) for it in containers):
        raise refusal("ssm.StartSession.target", target=target)
    return json_response(_session("sandbox"))


def _task_arn(cluster: str, task_id: str) -> str:
    return f"arn:aws:ecs:{get_region()}:{get_account_id()}:task/{cluster}/{task_id}"


def _connected(task: Parameters, container: Parameters) -> bool:
    running = task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING"
    return running and any(it["lastStatus"] == "RUNNING" for it in container.get("managedAgents") or [])


def _session(name: str) -> dict[str, str]:
    session = f"{name}-{uuid.uuid4().hex[:17]}"
    address = f"wss://ssmmessages.{get_region()}.amazonaws.com/v1/data-channel/{session}?role=publish_subscribe"
    return {"SessionId": session, "StreamUrl": address, "TokenValue": secrets.token_urlsafe(96)}


def _with_sessions(handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def handled(method: str, path: str, headers: dict[str, str], body: bytes, *more: Any) -> Answer:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation == "StartSession":
            return _told(_start_session)(json.loads(body))
        if operation == "TerminateSession":
            return json_response({"SessionId": json.loads(body)["SessionId"]})
        return await handle(method, path, headers, body, *more)

    return handled
