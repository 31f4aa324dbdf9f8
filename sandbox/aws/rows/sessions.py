"""Refusals of a session in a task: ExecuteCommand of Amazon ECS, StartSession of Systems Manager."""

from __future__ import annotations

from typing import Final

from .row import Before, Refusal
from .run_task import LAUNCH, THERE

API: Final = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ExecuteCommand.html"
START: Final = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html"
_COMMAND: Final = {"cluster": "rows", "command": "/bin/sh", "interactive": True}
_NOBODY: Final = "0123456789abcdef0123456789abcdef"
_RUNNING: Final[tuple[Before, ...]] = (*THERE, ("ecs", "RunTask", {**LAUNCH, "enableExecuteCommand": True}))

ROWS: Final = (
    Refusal(
        id="ecs.ExecuteCommand.cluster",
        refuses="The cluster of the task must exist",
        code="ClusterNotFoundException",
        words="Cluster not found.",
        sources=(API,),
        request={**_COMMAND, "cluster": "rows-nowhere", "task": _NOBODY},
    ),
    Refusal(
        id="ecs.ExecuteCommand.task.length",
        refuses="A task is named by its ARN or its id, which has 32 or 36 characters",
        code="InvalidParameterException",
        words="task length should be one of [32,36]",
        sources=("https://github.com/Mic-U/ecsher/issues/56", API),
        request={**_COMMAND, "task": "task"},
        before=THERE,
    ),
    Refusal(
        id="ecs.ExecuteCommand.task",
        refuses="The task must exist",
        code="InvalidParameterException",
        words="The referenced task was not found.",
        sources=(API,),
        request={**_COMMAND, "task": _NOBODY},
        before=THERE,
        seen=False,
    ),
    Refusal(
        id="ecs.ExecuteCommand.interactive",
        refuses="Commands can only be interactive",
        code="InvalidParameterException",
        words="Interactive is the only mode supported currently.",
        sources=("https://docs.aws.amazon.com/cli/latest/reference/ecs/execute-command.html", API),
        request={**_COMMAND, "task": "{0}", "interactive": False},
        before=_RUNNING,
        seen=False,
    ),
    Refusal(
        id="ecs.ExecuteCommand.container",
        refuses="The container must be one of the task",
        code="InvalidParameterException",
        words="The specified container was not found in the task.",
        sources=(API,),
        request={**_COMMAND, "task": "{0}", "container": "other"},
        before=_RUNNING,
        seen=False,
    ),
    Refusal(
        id="ecs.ExecuteCommand.container.which",
        refuses="In a task of several containers, the request must name one",
        code="InvalidParameterException",
        words="A container name must be specified for a task with multiple containers.",
        sources=(API,),
        request={**_COMMAND, "task": "{0}"},
        before=(
            THERE[0],
            (
                "ecs",
                "RegisterTaskDefinition",
                {
                    **THERE[1][2],
                    "family": "rows-two",
                    "containerDefinitions": [{"name": it, "image": "nginx"} for it in ("job", "beside")],
                },
            ),
            ("ecs", "RunTask", {**LAUNCH, "taskDefinition": "rows-two", "enableExecuteCommand": True}),
        ),
        seen=False,
    ),
    Refusal(
        id="ecs.ExecuteCommand.agent",
        refuses="The task must run, must have been launched with ECS Exec, and its agent must run",
        code="InvalidParameterException",
        words=(
            "The execute command failed because execute command was not enabled when the task was run or the execute "
            "command agent isn\u2019t running. Wait and try again or run a new task with execute command enabled and "
            "try again."
        ),
        sources=(
            "https://github.com/fabfuel/ecs-deploy/issues/193",
            "https://github.com/aws/amazon-ecs-agent/issues/3166",
            API,
        ),
        request={**_COMMAND, "task": "{0}", "container": "job"},
        before=(*THERE, ("ecs", "RunTask", LAUNCH)),
    ),
    Refusal(
        id="ssm.StartSession.target",
        refuses="The target must be a container of a task that runs, was launched with ECS Exec and whose agent runs",
        code="TargetNotConnected",
        words="{target} is not connected.",
        sources=("https://github.com/aws/session-manager-plugin/issues/72", START),
        request={"Target": f"ecs:rows_{_NOBODY}_{_NOBODY}-0123456789"},
        fields={"target": f"ecs:rows_{_NOBODY}_{_NOBODY}-0123456789"},
        before=THERE,
    ),
    Refusal(
        id="ssm.StartSession.document",
        refuses="The document must exist",
        code="InvalidDocument",
        words="Document with name {name} does not exist.",
        sources=(START,),
        request={"Target": f"ecs:rows_{_NOBODY}_{_NOBODY}-0123456789", "DocumentName": "AWS-StartNothing"},
        fields={"name": "AWS-StartNothing"},
        seen=False,
    ),
    Refusal(
        id="ssm.StartSession.parameters",
        refuses="A session has no parameters that its document does not have",
        code="InvalidParameters",
        words="Parameters {names} are not defined in document {document}.",
        sources=(START,),
        request={
            "Target": f"ecs:rows_{_NOBODY}_{_NOBODY}-0123456789",
            "DocumentName": "AWS-StartPortForwardingSession",
            "Parameters": {"host": ["db"], "portNumber": ["5432"]},
        },
        fields={"names": "host", "document": "AWS-StartPortForwardingSession"},
        seen=False,
    ),
)
