"""AWS emulated on this machine: deploy a Pulumi program into it and launch its jobs, without an AWS account.

It needs a Python package index and nothing else: no Docker, no Pulumi CLI. It is an emulation, with no state, diff
or destroy of its own; those are the Pulumi CLI's, on the same program.

- server.py         the emulator and its life; process.py is the process
- gate.py           what the emulator waves through and AWS does not
- constraints.py    a request held against AWS's own service model
- authorization.py  what IAM decides
- stack.py          a program's Pulumi.yaml and Pulumi.STACK.yaml
- resources.py      Pulumi resource type → AWS calls
- deploy.py         a program run against the emulator
- jobs.py           a deployed job: find it, launch it, look at its task
- facts.py          a deployed launcher as IAM and ECS describe it
- proof.py          what its roles have to be allowed, and what they must never be
- explain.py        both, in words and pictures; explanations.py finds what to explain
- attack.py         the attack that iam:PassRole is about
- display.py        what a person sees of it
"""

from .deploy import Deployment, DeploymentFailed, deploy
from .server import Emulator, EmulatorFailed
from .stack import Stack, StackFileError

__all__ = ["Deployment", "DeploymentFailed", "Emulator", "EmulatorFailed", "Stack", "StackFileError", "deploy"]
