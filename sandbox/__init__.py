"""AWS emulated on this machine: deploy a Pulumi program into it and launch its jobs, without an AWS account.

It needs a Python package index and nothing else: no Docker, no Pulumi CLI. It is an emulation, with no state, diff
or destroy of its own; those are the Pulumi CLI's, on the same program.

- server.py         the emulator and its life; process.py is the process
- gate.py           what the emulator waves through and AWS does not
- lifecycle.py      a task's life after RunTask, and run.py, what it does in it
- tokens.py         clientToken as ECS honours it
- constraints.py    a request held against AWS's own service model
- rules.py          what ECS refuses besides
- schedules.py      the expressions of EventBridge and Scheduler
- authorization.py  what IAM decides
- stack.py          a program's Pulumi.yaml and Pulumi.STACK.yaml
- resources.py      Pulumi resource type → AWS calls
- lookups.py        data source → AWS calls; policy_documents.py writes a policy from its parts
- environment.py    the same for what only an environment has: key, endpoints, flow log
- files.py          the same for container images and EFS
- derived.py        types that are one call of AWS, whose names come from the service model
- wire.py           what the emulator answers otherwise than AWS, mended
- deploy.py         a program run against the emulator
- callbacks.py      a program's transforms and hooks
- jobs.py           a deployed job: find it, launch it, look at its task
- testing.py        what a team's own tests use; pytest finds it as the fixture fargate_sandbox
- facts.py          a deployed launcher as IAM and ECS describe it
- proof.py          what its roles have to be allowed, and what they must never be
- explain.py        both, in words and pictures; explanations.py finds what to explain
- attack.py         the attack that iam:PassRole is about
- supervised.py     a job that fails and one that runs away, and what supervision does about them
- display.py        what a person sees of it
"""

from .deploy import Deployment, DeploymentFailed, deploy
from .jobs import LaunchFailed, NoSuchJob
from .lookups import answers
from .resources import Inputs, Made, creates
from .run import Run
from .server import Emulator, EmulatorFailed
from .stack import Stack, StackFileError
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
