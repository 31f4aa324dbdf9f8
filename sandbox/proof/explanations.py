"""Finds the launcher to explain: deploys one to the sandbox for the purpose, or reads one of a live account."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ..aws.server import Emulator, EmulatorFailed
from ..engine.deploy import deploy
from ..engine.deployment import DeploymentFailed
from ..engine.jobs import NoSuchJob, find
from ..engine.progress import Briefly
from ..engine.stack import Stack, StackFileError
from .explain import as_mermaid, as_text, explain, mutation_table
from .facts import Facts, NotALauncher, read

ERRORS: Final = (
    *(DeploymentFailed, EmulatorFailed, NoSuchJob, NotALauncher, StackFileError),
    *(BotoCoreError, ClientError),
)
"""Every error of these functions. Its message has one line, or AWS's words."""


def of_stack(program: Path, stack: str, job: str) -> Facts:
    """The facts of a stack's job, deployed to the sandbox for this. An empty `job` means the first one."""
    read_stack = Stack.read(program.resolve(), stack)
    with Emulator(region=read_stack.region, account=read_stack.account) as aws:
        with Briefly(stack) as progress:
            launcher = find(deploy(read_stack, aws, seen=progress.seen), job)
        return read(aws.client, launcher.outputs["launcher_role_arn"])


def of_account(role_arn: str) -> Facts:
    """The facts of the launcher that runs with this role, read from AWS with the caller's credentials."""
    session: Any = boto3.Session()
    clients: dict[str, Any] = {}
    return read(lambda service: clients.setdefault(service, session.client(service)), role_arn)


__all__ = ["ERRORS", "as_mermaid", "as_text", "explain", "mutation_table", "of_account", "of_stack"]
