"""Opens sessions in a job's tasks: a command in a container (ECS Exec), or a port of the task at this machine.

AWS opens a session, and its `session-manager-plugin` (plugin.py) connects to it. A job allows that with `allow_exec`.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from . import runs
from .catalogue import Job
from .errors import NoSuchTask
from .plugin import NoSession, Plugin, Started, Told, find_plugin, started
from .task import SHORT, Task, chosen, describe, tasks

AGENT: Final = "ExecuteCommandAgent"
"""The managed agent of a container that opens sessions."""
WAIT_SECONDS: Final = 60
"""How long a task and its agent may take to start."""
NAMED: Final = 5
"""How many running tasks an error names."""


@dataclass(frozen=True)
class Session:
    """A session that AWS has opened, and how the plugin connects to it."""

    job: str
    task: str
    """Id of the task."""
    container: str
    id: str
    """Id of the session."""
    command: str
    """Of a command: what runs in the container. Empty for a port."""
    port: int
    """Of a port: its number in the task or at `host`. 0 for a command."""
    host: str
    """Of a port: the host behind the task that has it; empty for the task itself."""
    local: str
    """Of a port: its address on this machine, such as 127.0.0.1:5432."""
    started: Started = field(repr=False)

    def run(self, *, output: int | None = None) -> int:
        """Give the terminal to the session until it ends; return the plugin's exit code, or 128 and the number of the
        signal that ended it. A command's own exit code is not known: the plugin does not report it.

        Ctrl-C, Ctrl-\\ and Ctrl-Z belong to the session; SIGTERM and SIGHUP end the plugin too. `output`: the file
        descriptor that the plugin writes to (default: standard output). Raises NoSession if the plugin cannot start.
        """
        return self.started.run(output)

    def as_json(self) -> dict[str, Any]:
        """As plain data, without the token."""
        shown = {"job": self.job, "task": self.task, "container": self.container, "session": self.id}
        if self.port:
            return {**shown, "local": self.local, "host": self.host or None, "port": self.port}
        return {**shown, "command": self.command}


def open_shell(
    job: Job,
    command: str = "/bin/sh",
    *,
    task: str = "",
    run: str = "",
    index: int | None = None,
    container: str = "",
    seconds: float = WAIT_SECONDS,
    told: Told = lambda _said: None,
) -> Session:
    """Open a session with a command in a container of a running task; `Session.run` then gives it the terminal.

    `task`: a task's id, or the beginning of it; by default the only running task. `run`, `index`: the running task of
    this run, and of this index if it is an array. `container`: the job's own by default. `seconds`: how long the task
    and its agent may take to start. `told`: called with each remark on what is waited for.

    Raises NoSession if the job does not allow it (`allow_exec`), if the task is not ready, or without the plugin;
    NoSuchTask, with the running tasks, if there is none or more than one; and AWS's errors as JobError.
    """
    plugin, found = _prepared(job, task, run, index, container, seconds, told)
    ecs, chosen_container = job.account.client("ecs"), str(found.container["name"])
    asked = {"cluster": job.settings.cluster, "task": found.task.arn, "container": chosen_container, "command": command}
    opened = _opened(job, found.task, lambda: ecs.execute_command(**asked, interactive=True), seconds, told)
    profile = job.account.profile or os.environ.get("AWS_PROFILE", "")
    target = json.dumps({"Target": found.target})
    more = [ecs.meta.region_name, "StartSession", profile, target, ecs.meta.endpoint_url]
    return Session(
        **_common(job, found, opened["session"]["sessionId"]),
        command=command,
        port=0,
        host="",
        local="",
        started=started(plugin, opened["session"], more, told),
    )


def open_port(
    job: Job,
    port: int,
    *,
    local: int = 0,
    host: str = "",
    task: str = "",
    run: str = "",
    index: int | None = None,
    container: str = "",
    seconds: float = WAIT_SECONDS,
    told: Told = lambda _said: None,
) -> Session:
    """Open a session that leads a port of this machine to one of a running task, or of a host that the task can reach.

    `local`: the port on this machine; 0 for any free one. `host`: such as a database's; empty for the task itself. The
    other parameters and the errors are those of `open_shell`; NoSession also if the local port is taken.
    """
    here = _free(local)
    plugin, found = _prepared(job, task, run, index, container, seconds, told)
    ssm = job.account.client("ssm")
    parameters = {**({"host": [host]} if host else {}), "portNumber": [str(port)], "localPortNumber": [str(here)]}
    document = "AWS-StartPortForwardingSessionToRemoteHost" if host else "AWS-StartPortForwardingSession"
    asked = {"Target": found.target, "DocumentName": document, "Parameters": parameters}
    opened = _opened(job, found.task, lambda: ssm.start_session(**asked), seconds, told)
    response = {key: opened[key] for key in ("SessionId", "TokenValue", "StreamUrl")}
    more = [ssm.meta.region_name, "StartSession", job.account.profile, json.dumps(asked), ssm.meta.endpoint_url]
    return Session(
        **_common(job, found, opened["SessionId"]),
        command="",
        port=port,
        host=host,
        local=f"127.0.0.1:{here}",
        started=started(plugin, response, more, told),
    )


@dataclass(frozen=True)
class _Target:
    task: Task
    container: Mapping[str, Any]

    @property
    def target(self) -> str:
        """As Systems Manager names a container of a task."""
        cluster = str(self.task.record["clusterArn"]).rpartition("/")[2]
        return f"ecs:{cluster}_{self.task.id}_{self.container['runtimeId']}"


def _common(job: Job, found: _Target, session: str) -> dict[str, Any]:
    return {"job": job.name, "task": found.task.id, "container": found.container["name"], "id": session}


def _prepared(
    job: Job, task: str, run: str, index: int | None, container: str, seconds: float, told: Told
) -> tuple[Plugin, _Target]:
    """The plugin, and a container that is ready. Without the plugin AWS is not asked for a session, which nobody would
    end."""
    if not job.settings.exec:
        raise NoSession(
            f"{job.name} does not allow sessions in its tasks",
            "Set allowExec: true for the job in the stack's config (in a program allow_exec) and run pulumi up; it "
            "holds for tasks that are launched after that",
        )
    plugin = find_plugin()
    one = _chosen(job, task, run, index)
    return plugin, _ready(job, one, container or job.settings.container, seconds, told)


def _chosen(job: Job, named: str, run: str, index: int | None) -> Task:
    """The one task that is meant. Raises NoSuchTask for none, and for several."""
    if named:
        (one,) = chosen(job, [named], tasks(job))
        return one
    some = [it for it in tasks(job, running_only=True) if it.status != "STOPPED"]
    of = job.name
    if run:
        whole = str(runs.named(job, run)["run"])
        some = [it for it in some if it.run == whole and index in (None, _index(it))]
        of = f"run {whole} of {job.name}" + ("" if index is None else f", index {index},")
    if not some:
        raise NoSuchTask(f"{of} has no running task", f"Launch one: fargate-job launch {job.name}")
    if len(some) > 1:
        ids = ", ".join(it.id[:SHORT] for it in some[:NAMED]) + (", …" if len(some) > NAMED else "")
        raise NoSuchTask(f"{of} has {len(some)} running tasks: {ids}", "Name one with --task")
    return some[0]


def _index(task: Task) -> int | None:
    overrides = task.record.get("overrides", {}).get("containerOverrides", [])
    given = {it["name"]: it["value"] for one in overrides for it in one.get("environment", [])}
    return int(given["JOB_INDEX"]) if "JOB_INDEX" in given else None


def _ready(job: Job, task: Task, name: str, seconds: float, told: Told) -> _Target:
    """The container of a task whose agent runs. Raises NoSession if it cannot, or does not within `seconds`."""
    deadline, waiting = time.monotonic() + seconds, ""
    while True:
        short = task.id[:SHORT]
        if not task.record.get("enableExecuteCommand"):
            raise NoSession(
                f"task {short} was launched when {job.name} did not allow sessions",
                f"Launch it again: fargate-job launch {job.name}",
            )
        containers = {str(it["name"]): it for it in task.record["containers"]}
        if name not in containers:
            raise NoSession(f"task {short} has no container {name!r}", f"It has {', '.join(containers)}")
        if task.status in ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"):
            why = f": {task.reason}" if task.reason else ""
            raise NoSession(f"task {short} is {task.status}{why}", f"fargate-job status {job.name} shows running tasks")
        agent = next((it for it in containers[name].get("managedAgents", []) if it["name"] == AGENT), {})
        state = str(agent.get("lastStatus", "PENDING"))
        if state == "STOPPED":
            why = f": {agent['reason']}" if agent.get("reason") else ""
            raise NoSession(f"the agent of task {short} that opens sessions has stopped{why}", _CONNECTION)
        if task.status == "RUNNING" and state == "RUNNING":
            return _Target(task, containers[name])
        now = f"task {short} is {task.status}, its agent {state}"
        if time.monotonic() >= deadline:
            raise NoSession(f"{now} after {seconds:g} seconds", "Try again in a minute")
        if now != waiting:
            told(f"Waiting: {now}")
            waiting = now
        time.sleep(min(1, seconds / 10))
        task = next(iter(describe(job, [task.arn])), task)


_CONNECTION: Final = (
    "The task needs a way to the endpoint ssmmessages, and its role the four permissions of ssmmessages, which "
    "allow_exec grants; AWS keys in the job's environment take the place of its role"
)
_NOT_CONNECTED: Final = ("TargetNotConnectedException", "TargetNotConnected")


def _opened(job: Job, task: Task, call: Callable[[], Any], seconds: float, told: Told) -> Any:
    """AWS's answer to the request for a session. An agent may run some seconds before it is connected:
    https://github.com/aws/containers-roadmap/issues/187. Raises JobError."""
    deadline, waiting = time.monotonic() + seconds, False
    while True:
        with job.account.asking():
            try:
                return call()
            except ClientError as error:
                response: Any = error.response
                code, said = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
                if code not in _NOT_CONNECTED:
                    raise _explained(job, task, code, said) or error from None
                if time.monotonic() >= deadline:
                    raise NoSession(
                        f"the agent of task {task.id[:SHORT]} is not connected ({code})", _CONNECTION
                    ) from None
        if not waiting:
            told(f"Waiting: the agent of task {task.id[:SHORT]} is not connected yet")
            waiting = True
        time.sleep(min(2, seconds / 10))


def _explained(job: Job, task: Task, code: str, said: str) -> NoSession | None:
    """An error of AWS that is only about sessions; None for every other."""
    if "maximum session limit" in said:
        return NoSession(f"task {task.id[:SHORT]} has as many sessions as AWS allows ({said})", "End one of them")
    if code == "InvalidParameterException" and "execute command" in said:
        then = f"Try again in a minute, or launch it again: fargate-job launch {job.name}"
        return NoSession(f"task {task.id[:SHORT]} takes no sessions ({said})", then)
    return None


def _free(local: int) -> int:
    """A port of this machine: this one, or any free one for 0. Raises NoSession if it cannot be used."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", local))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            then = "Name another, or none for any free one"
            raise NoSession(f"port {local} of this machine cannot be used: {reason}", then) from None
        return int(one.getsockname()[1])
