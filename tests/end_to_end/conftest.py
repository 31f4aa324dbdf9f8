"""Where the suite runs. What differs between the sandbox and an account is here, and nowhere in the tests."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from fargate_job_launcher.sandbox import Emulator, Stack, deploy

from . import account
from .by_pulumi import ByPulumi
from .place import PROJECT, Place

PROGRAM: Final = Path(__file__).parent / "program"
SANDBOX_SECONDS: Final = 120.0
"""A machine with busy neighbours is slow; nobody waits so long on an idle one."""
ACCOUNT_SECONDS: Final = 600.0
"""Fargate takes a minute to start a task; a Spot shortage, a retry and a notice after it take their time too."""


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    """The stack, deployed: to a sandbox, unless on_aws.py has started this process."""
    name = os.environ.get(account.STACK)
    yield from (_in_sandbox() if name is None else _in_account(name))


def _in_sandbox() -> Iterator[Place]:
    name = f"e2e-{secrets.token_hex(3)}"
    stack = Stack(PROGRAM, PROJECT, name, {"aws:region": "eu-west-1"})
    with Emulator(region=stack.region, account=stack.account) as aws, pytest.MonkeyPatch.context() as patch:
        for key in [it for it in os.environ if it.startswith(("AWS_", "FARGATE_JOB_"))]:
            patch.delenv(key)
        for key, value in {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_REGION": aws.region,
            "AWS_DEFAULT_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            patch.setenv(key, value)
        deployed = deploy(stack, aws)
        # As a backend hands them on.
        outputs = json.loads(json.dumps(deployed.outputs))
        yield Place(name, outputs, SANDBOX_SECONDS, aws.pass_minutes)


def _in_account(name: str) -> Iterator[Place]:
    mine = account.identified(os.environ)
    # With the stack's state in it: it is kept where something of the stack is left.
    folder = Path(tempfile.mkdtemp(prefix=f"{PROJECT}-{name}-"))
    with pytest.MonkeyPatch.context() as patch:
        # boto3 looks at this one only.
        patch.setenv("AWS_DEFAULT_REGION", mine.region)
        deployer = ByPulumi(PROGRAM, folder, name, mine.region, mine.account)
        with account.deployed(deployer, mine, name) as outputs:
            yield Place(name, outputs, ACCOUNT_SECONDS, lambda minutes: time.sleep(minutes * 60))
    shutil.rmtree(folder)
