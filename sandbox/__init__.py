"""AWS emulated on this machine: deploy a Pulumi program into it and launch its jobs, without an AWS account.

It needs only Python packages: no Docker, no Pulumi CLI. It is an emulation without state, diff or destroy; for those,
use the Pulumi CLI on the same program.

- aws/      the emulator, and the code that refuses requests as AWS does: the gate in front of it, IAM's decisions,
            ECS's and EventBridge's rules; rows/ has each refusal with its source, tasks/ the states of a task
- engine/   runs a Pulumi program against it: Pulumi resource type → AWS calls; finds and launches a deployed job
- proof/    what a launcher's roles must be allowed and must never be allowed, explained; the attack that is refused;
            supervision of a job that fails and of one that runs too long
- testing.py        the interface for a team's own tests; pytest_plugin/ makes it the fixture fargate_sandbox
- display.py        prints a launch
- provider_config.py  the config with which the real AWS provider uses the sandbox
"""

from .aws.server import Emulator, EmulatorFailed
from .aws.tasks.run import Run
from .engine.deploy import deploy
from .engine.deployment import Deployment, DeploymentFailed
from .engine.jobs import LaunchFailed, NoSuchJob
from .engine.lookups import answers
from .engine.resources import Inputs, Made, creates
from .engine.stack import Stack, StackFileError
from .testing import DeployedStack, FargateSandbox, JobRun, NoSuchRun, NotStopped, Refusal, Task

__all__ = [
    "DeployedStack",
    "Deployment",
    "DeploymentFailed",
    "Emulator",
    "EmulatorFailed",
    "FargateSandbox",
    "Inputs",
    "JobRun",
    "LaunchFailed",
    "Made",
    "NoSuchJob",
    "NoSuchRun",
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
