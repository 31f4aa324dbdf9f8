"""A stack deployed to the emulator: its program run by program.py, its resources created by monitor.py.

The SDK registers a resource when everything that it depends on exists, so the order is Pulumi's own.
"""

from __future__ import annotations

from contextlib import closing

import pulumi
from fargate_job_launcher.checks.shapes import ConfigRefused

from ..aws.server import Emulator
from .deployment import Deployment, DeploymentFailed, Seen
from .monitor import Monitor
from .program import ORGANIZATION, location, run_program
from .stack import Stack


def deploy(stack: Stack, aws: Emulator, *, seen: Seen = lambda _resource, _done: None) -> Deployment:
    """Run the stack's program and create every resource that it registers.

    Raises DeploymentFailed when AWS refuses a resource and when the program raises pulumi.RunError. Every other
    exception of the program is raised unchanged.
    """
    monitor = Monitor(stack, aws, seen)
    try:
        with closing(monitor.callbacks):
            run_program(stack, monitor, declared=monitor.deployment.declared)
    except Exception as error:
        # The SDK wraps the exception of a registration; the monitor saw the cause.
        cause = monitor.cause(error)
        if cause is not None:
            raise cause from None
        if isinstance(error, ConfigRefused):
            raise DeploymentFailed(f"the program refuses its config: {error}") from None
        if isinstance(error, pulumi.RunError):
            raise DeploymentFailed(f"{location(error, stack.folder)}{error}") from None
        raise
    aws.exports[f"{ORGANIZATION}/{stack.project}/{stack.name}"] = monitor.deployment.outputs
    return monitor.deployment
