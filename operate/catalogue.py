"""Finding jobs: through a stack's exports, through the tags of the launchers' functions, or by a function's name.

Everything else about a job is read from its function's settings, so that nothing is stored twice.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError
from fargate_job_launcher.handler.settings import JOB_TAG, STACK_TAG, VARIABLE, Settings

from .account import Account
from .errors import AccessDenied, AmbiguousJob, JobError, NoSuchJob, NoSuchStack, WrongRegion, nearest


@dataclass(frozen=True)
class Found:
    """A launcher in a listing."""

    name: str
    stack: str
    """project/stack; empty if the function has no tag with its stack."""
    function: str
    """Name or ARN of the function."""

    @property
    def function_name(self) -> str:
        """Name of the function."""
        return self.function.rpartition(":")[2]

    @property
    def shown(self) -> str:
        """Name and stack, for a message."""
        return f"{self.name} of stack {self.stack}" if self.stack else self.name


@dataclass(frozen=True)
class Job:
    """A deployed job."""

    name: str
    stack: str
    function: str
    """Name of the function."""
    role: str
    """ARN of the function's role."""
    settings: Settings
    account: Account

    @property
    def family(self) -> str:
        """Family of its task definition."""
        return self.settings.task_definition.rpartition("/")[2].rpartition(":")[0]


class _NoSuchFunction(NoSuchJob):
    @property
    def kind(self) -> str:
        return NoSuchJob.__name__


def jobs(account: Account, *, stack: str = "", program: Path | None = None) -> list[Found]:
    """Every job of a stack or, without a `stack`, of the account and region. Raises JobError."""
    if stack and (exported := _exported(account, stack, program)) is not None:
        return exported
    found = list[Found]()
    with account.asking():
        pages = account.client("resourcegroupstaggingapi").get_paginator("get_resources")
        for page in pages.paginate(ResourceTypeFilters=["lambda:function"], TagFilters=[{"Key": JOB_TAG}]):
            for it in page["ResourceTagMappingList"]:
                tags = {tag["Key"]: tag["Value"] for tag in it["Tags"]}
                found.append(Found(tags[JOB_TAG], tags.get(STACK_TAG, ""), it["ResourceARN"]))
    found.sort(key=lambda it: (it.stack, it.name))
    if not stack:
        return found
    ours = [it for it in found if stack in (it.stack, it.stack.rpartition("/")[2])]
    if not ours:
        known = sorted({it.stack for it in found if it.stack})
        raise NoSuchStack(
            f"no function in {account.region} has the tag {STACK_TAG} of a stack {stack}",
            f"Stacks with jobs here: {', '.join(known) or 'none'}; name another region with --region. A stack's "
            "exports are read only if the pulumi command is on the PATH",
        )
    return ours


def find(account: Account, name: str, *, stack: str = "", program: Path | None = None) -> Job:
    """Find a job by its name, its function's name or its function's ARN.

    Raises NoSuchJob with the nearest names, AmbiguousJob, WrongRegion, or AWS's error as a JobError.
    """
    if name.startswith("arn:"):
        return _job(account, name, Found(name, "", name))
    listed, unlisted = list[Found](), None
    try:
        listed = jobs(account, stack=stack, program=program)
    except AccessDenied as denied:
        # A caller that may not list jobs can still name a function.
        unlisted = denied
    found = [it for it in listed if it.name == name]
    if len(found) > 1:
        raise AmbiguousJob(
            f"{len(found)} jobs are called {name}: {', '.join(it.stack or it.function for it in found)}",
            "Name the stack with --stack, or give the function's name",
        )
    if found:
        return _job(account, found[0].function, found[0])
    if not stack:
        try:
            return _job(account, name, Found(name, "", name))
        except _NoSuchFunction:
            pass
    if unlisted is not None:
        raise AccessDenied(f"no function is called {name}, and jobs cannot be listed: {unlisted.found}", unlisted.then)
    raise _missing(account, name, stack, listed)


def _missing(account: Account, name: str, stack: str, listed: list[Found]) -> NoSuchJob:
    where = f"stack {stack}" if stack else f"region {account.region}"
    if not listed:
        return NoSuchJob(
            f"there is no job {name!r}: {where} has no launchers",
            "Check the region (--region) and the account (--profile); pulumi up deploys a launcher",
        )
    names = [it.name for it in listed]
    if near := nearest(name, names):
        return NoSuchJob(f"{where} has no job {name!r}", f"Did you mean {' or '.join(near)}?")
    return NoSuchJob(f"{where} has no job {name!r}", f"Its jobs: {', '.join(sorted(set(names)))}")


def _job(account: Account, function: str, found: Found) -> Job:
    if function.startswith("arn:") and (region := function.split(":")[3]) != account.region:
        raise WrongRegion(
            f"{found.shown} is in region {region}, not in {account.region or 'the current one'}",
            f"Add --region {region}",
        )
    client = account.client("lambda")
    with account.asking():
        try:
            given = client.get_function_configuration(FunctionName=function)
        except ClientError as error:
            code = str(cast("Any", error.response)["Error"].get("Code", ""))
            # A name that Lambda does not accept belongs to no function.
            if code in ("ResourceNotFoundException", "ValidationException", "InvalidParameterValueException"):
                raise _NoSuchFunction(f"no function is called {function} in {account.region}") from None
            raise
    variables: dict[str, str] = given.get("Environment", {}).get("Variables", {})
    if VARIABLE not in variables:
        raise NoSuchJob(f"the function {function} is not a launcher", "fargate-job list shows the launchers")
    try:
        settings = Settings.read(variables)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise JobError(
            f"the launcher of {found.shown} was deployed by another version of this package",
            "Run pulumi up with this version",
        ) from None
    return Job(settings.job, found.stack, given["FunctionName"], given["Role"], settings, account)


def _exported(account: Account, stack: str, program: Path | None) -> list[Found] | None:
    """The jobs that a stack exports; None without a pulumi command or a program to read them from."""
    folder = program or Path()
    pulumi = shutil.which("pulumi")
    if pulumi is None or not (folder / "Pulumi.yaml").is_file():
        return None
    command = [pulumi, "stack", "output", "--json", "--non-interactive", "--stack", stack]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if output.returncode:
        problem = output.stderr.strip().removeprefix("error: ").rstrip(".")
        raise NoSuchStack(f"pulumi stack output --stack {stack}: {problem}", "pulumi stack ls shows the stacks")
    try:
        exports = cast("dict[str, Any]", json.loads(output.stdout))
        exported = cast("dict[str, Any]", exports.get("jobs") or {})
        found = [Found(name, stack, str(it["functionArn"])) for name, it in exported.items()]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise JobError(
            f"the export `jobs` of stack {stack} does not list jobs", "Export them as this repository's program does"
        ) from None
    if not found:
        raise NoSuchStack(
            f"stack {stack} exports no jobs", "Export them as `jobs`, or omit --stack: jobs are then found by tags"
        )
    if not account.region:
        account.region = found[0].function.split(":")[3]
    return found
