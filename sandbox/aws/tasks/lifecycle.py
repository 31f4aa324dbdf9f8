"""Takes a task through its states as ECS does (PROVISIONING, PENDING, RUNNING, STOPPED), with its log and its events.

Without Docker no container runs. A script defines in advance what the tasks of a family do (scripts.py). A task without
one does what its image and its command show (containers.py), or runs for a moment and succeeds. The emulator
itself leaves such tasks RUNNING for ever; this module updates its records. With Docker the emulator runs the containers
and updates its records. In both cases this module sends the events, which the emulator never sends.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch_logs, ec2, ecs, efs, eventbridge

from ..sessions import agents, runtime_id
from .containers import predicted
from .run import Run
from .scripts import Scripts

STEP_SECONDS: Final = 0.05
"""Between two states before RUNNING; on AWS tens of seconds."""

AGENT_SECONDS: Final = 0.2
"""How long after its container the agent that opens sessions starts; on AWS some seconds."""

LONGEST_WORD: Final = 100
"""The characters of a word of a command that are shown."""
SHOWN_SECONDS: Final = 3600
"""How long a stopped task is still shown; on AWS at least an hour.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
"""

NOT_YET: Final = ("connectivity", "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt")
"""What a task that has just been launched does not have."""

SIGTERMED: Final = 128 + 15

Record = dict[str, Any]

# Internals of the emulator, which has no public interface for this; its version is pinned.
_ecs: Any = ecs
_events: Any = eventbridge
_logs: Any = cloudwatch_logs
_ec2: Any = ec2
_efs: Any = efs


class Lifecycle:
    """The states of all tasks."""

    def __init__(self, *, containers: bool, clock: Callable[[], float] = time.time) -> None:
        """With `containers` the emulator runs them, and the tasks' states follow theirs."""
        self.containers = containers
        self._clock = clock
        self.scripts = Scripts()
        self._tasks: set[asyncio.Task[None]] = set()
        self._published: set[str] = set()

    def begin(self, task: Record) -> None:
        """Start a task that RunTask has just created, in the account and the region of this request. `task` is its
        description in RunTask's answer, and gets the first state too."""
        record = self._record(task["taskArn"])
        shown = _shown(record)
        record |= shown
        task |= {key: value for key, value in shown.items() if value is not None}
        if record["containerInstanceArn"] is None:
            task.pop("containerInstanceArn", None)
        if self.containers:
            self._keep(self._follow(record, get_account_id(), get_region()))
            return
        run = self.scripts.take(_family(record), _variable(record, "JOB_INDEX"))
        run = run or predicted(record, _definition(record)) or Run()
        unmounted = _unmounted(record)
        if unmounted:
            run = Run(exit_code=None, reason=unmounted, stop_code="TaskFailedToStart")
        for moment in NOT_YET:
            record[moment] = None
            task.pop(moment, None)
        for begun in (record, task):
            begun["lastStatus"] = "PROVISIONING"
            for container in begun["containers"]:
                container["lastStatus"] = "PENDING"
                container.pop("runtimeId", None)
                if record["enableExecuteCommand"]:
                    container["managedAgents"] = agents("PENDING")
        self._keep(self._simulate(record, run, get_account_id(), get_region()))

    def stopped(self) -> None:
        """Publish the events of the tasks that a caller has stopped."""
        for record in list(_ecs._tasks.values()):
            if record["lastStatus"] != "STOPPED":
                continue
            for container in record["containers"] if self._is_new(record) and not self.containers else []:
                # The emulator sets 0; a container that ends on SIGTERM has this exit code.
                container["exitCode"] = SIGTERMED
            self._publish(record)

    def stopped_at(self, task_arn: str) -> float | None:
        """When a task stopped; None while it runs, 0 if it is no longer known."""
        record = next((it for key, it in list(_ecs._tasks._data.items()) if key[-1] == task_arn), None)
        return 0 if record is None else _stopped_at(record)

    def forget(self) -> None:
        """Remove the tasks that stopped more than SHOWN_SECONDS ago."""
        for key, record in list(_ecs._tasks._data.items()):
            stopped = _stopped_at(record)
            if stopped is not None and self._clock() >= stopped + SHOWN_SECONDS:
                _ecs._tasks._data.pop(key, None)

    def _keep(self, life: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, record: Record, account: str, region: str) -> None:
        """Publish each state of a task whose containers run."""
        with request_scope(account, region):
            self._publish(record)
            while record["lastStatus"] != "STOPPED":
                await asyncio.sleep(STEP_SECONDS)
                self._publish(record)

    async def _simulate(self, record: Record, run: Run, account: str, region: str) -> None:
        with request_scope(account, region):
            arn = record["taskArn"]
            self._publish(record)
            await asyncio.sleep(STEP_SECONDS)
            if not _ecs._mark_task_pending(arn, record):
                return
            starts = run.exit_code is not None or run.stop_code == "SpotInterruption"
            # The network comes before the image, and a file system or a secret after the network.
            record |= {"connectivity": "CONNECTED", "connectivityAt": _now()}
            if starts or "CannotPull" in run.reason:
                record["pullStartedAt"] = _now()
            self._publish(record)
            await asyncio.sleep(STEP_SECONDS)
            if starts:
                if not _ecs._mark_task_running(arn, record):
                    return
                for moment in ("pullStartedAt", "pullStoppedAt", "startedAt"):
                    record[moment] = _earlier(record[moment], run.started_minutes_ago)
                for container in record["containers"]:
                    container |= {"lastStatus": "RUNNING", "runtimeId": runtime_id(arn)}
                self._publish(record)
                _write(record, run)
                # The agent starts a moment after its container.
                await asyncio.sleep(min(AGENT_SECONDS, run.seconds))
                _set_agents(record, "RUNNING")
                await asyncio.sleep(max(run.seconds - AGENT_SECONDS, 0))
            _set_agents(record, "STOPPED")
            # Set before the state, so that no caller reads STOPPED without the exit code.
            for container in record["containers"]:
                if run.container_reason:
                    container["reason"] = run.container_reason
                if run.exit_code is not None and record["desiredStatus"] != "STOPPED":
                    container["exitCode"] = run.exit_code
            if _ecs._mark_task_stopped(arn, record, run.reason, run.stop_code, run.exit_code):
                self._publish(record)

    def _record(self, task_arn: str) -> Record:
        return _ecs._tasks[task_arn]

    def _is_new(self, record: Record) -> bool:
        return _state(record) not in self._published

    def _publish(self, record: Record) -> None:
        """Send the event of the task's state, once for each state."""
        if not self._is_new(record):
            return
        self._published.add(_state(record))
        detail = _ecs._normalize_ecs_timestamps(_ecs._sanitize(record))
        _events._dispatch_event(
            {
                "EventId": str(uuid.uuid4()),
                "Source": "aws.ecs",
                "DetailType": "ECS Task State Change",
                "Detail": _json({**detail, "updatedAt": detail.get("stoppedAt") or detail["createdAt"]}),
                "Time": time.time(),
                "Resources": [record["taskArn"]],
                "Account": get_account_id(),
                "Region": get_region(),
                "EventBusName": "default",
            }
        )


def _set_agents(record: Record, status: str) -> None:
    """The state of the agents that open sessions, of a task that was launched with ECS Exec."""
    for container in record["containers"] if record["enableExecuteCommand"] else []:
        container["managedAgents"] = agents(status)


def _shown(record: Record) -> Record:
    """What ECS shows of each task on Fargate and the emulator leaves out, or shows and ECS does not (None).

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    """
    overrides, definition = record["overrides"], _definition(record)
    storage = overrides.get("ephemeralStorage") or definition.get("ephemeralStorage") or {"sizeInGiB": 20}
    given = overrides.get("containerOverrides") or [{"name": it["name"]} for it in definition["containerDefinitions"]]
    shown: Record = {
        "group": record["group"] or f"family:{_family(record)}",
        "overrides": {"inferenceAcceleratorOverrides": [], **overrides, "containerOverrides": given},
    }
    fargate: Record = {"ephemeralStorage": storage, "containerInstanceArn": None}
    return shown | (fargate if record["launchType"] == "FARGATE" else {})


def _stopped_at(record: Record) -> float | None:
    moment = record.get("stoppedAt") if record["lastStatus"] == "STOPPED" else None
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _unmounted(record: Record) -> str:
    """Why ECS cannot mount one of the task's EFS file systems; empty if it can mount all.

    A file system needs a mount target in the zone of the task's subnet; otherwise its name does not resolve there:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html; the words are from
    https://github.com/aws/copilot-cli/issues/5419.
    """
    definition = _ecs._task_defs.get(_family(record) + ":" + str(record["taskDefinitionArn"]).rpartition(":")[2], {})
    subnet = _ec2._subnets.get(record.get("_subnet") or "", {})
    for volume in definition.get("volumes", []):
        system = volume.get("efsVolumeConfiguration", {}).get("fileSystemId")
        targets = [it for it in _efs._mount_targets.values() if it["FileSystemId"] == system]
        zones = {it["AvailabilityZoneName"] for it in targets}
        if system and (not targets or subnet.get("AvailabilityZone", min(zones)) not in zones):
            name = f"{system}.efs.{get_region()}.amazonaws.com"
            return (
                "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "
                f'Failed to resolve "{name}" - check that your file system ID is correct, and ensure that the VPC '
                "has an EFS mount target for this file system ID. See "
                "https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail. Attempting to lookup mount "
                "target ip address using botocore. Failed to import necessary dependency botocore, please install "
                "botocore first. : unsuccessful EFS utils command execution; code: 1"
            )
    return ""


def _state(record: Record) -> str:
    return f"{record['taskArn']} {record['lastStatus']}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _earlier(moment: str, minutes: float) -> str:
    return (datetime.fromisoformat(moment) - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def _family(record: Record) -> str:
    return str(record["taskDefinitionArn"]).rpartition("/")[2].rpartition(":")[0]


def _definition(record: Record) -> Record:
    return _ecs._task_defs[str(record["taskDefinitionArn"]).rpartition("/")[2]]


def _json(detail: Record) -> str:
    """The detail as an event has it, with times in ISO format."""
    times = {
        key: datetime.fromtimestamp(value, UTC).isoformat()
        for key, value in detail.items()
        if key.endswith("At") and isinstance(value, int | float)
    }
    # Events have no tags and no empty members: a task of a launch type has no capacityProviderName.
    known = {key: value for key, value in {**detail, **times}.items() if value not in (None, "")}
    return json.dumps({key: value for key, value in known.items() if key != "tags"})


def _brief(words: list[str]) -> str:
    """The words on one line, each cut to LONGEST_WORD characters: a word may be a script or a document."""
    lines = [" ".join(it.split()) for it in words]
    return " ".join(it if len(it) <= LONGEST_WORD else f"{it[:LONGEST_WORD]}…" for it in lines)


def _write(record: Record, run: Run) -> None:
    """Write the container's log lines to the stream that its log driver would use."""
    definition = _definition(record)
    task_id = record["taskArn"].rpartition("/")[2]
    for container in definition["containerDefinitions"]:
        options = container.get("logConfiguration", {}).get("options", {})
        if "awslogs-group" not in options:
            continue
        command = next(
            (
                it["command"]
                for it in record["overrides"].get("containerOverrides", [])
                if it.get("name") == container["name"] and it.get("command")
            ),
            container.get("command", []),
        )
        variables = [
            f"{variable['name']}={variable['value']}"
            for it in record["overrides"].get("containerOverrides", [])
            if it.get("name") == container["name"]
            for variable in it.get("environment", [])
        ]
        given = f", with {_brief(variables)}" if variables else ""
        note = (
            f"sandbox: no container has run; {container['image']} would have run {_brief(command) or 'as it is'}{given}"
        )
        stream = f"{options['awslogs-stream-prefix']}/{container['name']}/{task_id}"
        group = options["awslogs-group"]
        _logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in run.lines or (note,)]
        _logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})


def _variable(record: Record, name: str) -> str:
    """An environment variable that the launch of a task has set; empty if it has not."""
    variables = [it for one in record["overrides"].get("containerOverrides", []) for it in one.get("environment", [])]
    return next((it["value"] for it in variables if it["name"] == name), "")
