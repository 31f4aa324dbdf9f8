"""AWS emulated on this machine: deploy a Pulumi program into it and launch its jobs, without an AWS account.

It needs a Python package index and nothing else: no Docker, no Pulumi CLI. It is an emulation, with no state, diff
or destroy of its own; those are the Pulumi CLI's, on the same program.

- aws/      the emulator and what refuses as AWS does: the gate in front of it, IAM's decisions, ECS's and
            EventBridge's rules; rows/ has each refusal with its source, tasks/ what a task does after RunTask
- engine/   a Pulumi program run against it: Pulumi resource type → AWS calls; a deployed job, found and launched
- proof/    what a launcher's roles have to be allowed and must never be, explained; the attack that is refused;
            a job that fails and one that runs away, supervised
- testing.py        what a team's own tests use; pytest_plugin/ makes it the fixture fargate_sandbox
- display.py        what a person sees of a launch
- provider_config.py  what the real AWS provider needs to talk to it
"""

from .aws.server import Emulator, EmulatorFailed
from .aws.tasks.run import Run
from .engine.deploy import Deployment, DeploymentFailed, deploy
from .engine.jobs import LaunchFailed, NoSuchJob
from .engine.lookups import answers
from .engine.resources import Inputs, Made, creates
from .engine.stack import Stack, StackFileError
from .testing import DeployedStack, FargateSandbox, NotStopped, Refusal, Task

__all__ = [
    "DeployedStack",
    "Deployment",
    "DeploymentFailed",
    "Emulator",
    "EmulatorFailed",
    "FargateSandbox",
    "Inputs",
    "LaunchFailed",
    "Made",
    "NoSuchJob",
    "NotStopped",
    "Refusal",
    "Run",
    "Stack",
    "StackFileError",
    "Task",
    "answers",
    "creates",
    "deploy",
]
