"""The account that the suite may use: it has to be the named one, and the suite leaves it as it was before.

Every stack is destroyed however the tests end. If resources remain, the report names them and the way to remove them.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .place import PROJECT

ACCOUNT: Final = "AWS_ACCOUNT"
STACK: Final = "END_TO_END_STACK"
"""The name of the run's stack; it is set by on_aws.py alone, and makes the suite leave the sandbox."""
ATTEMPTS: Final = 3
"""To take the stack down: what AWS still uses in the first is often free in the second."""
SETTLE_SECONDS: Final = 60.0
"""That the index of tags may still name what is gone."""


class Refused(Exception):
    """The suite does not run here, and why."""


class LeftBehind(Exception):
    """Something of the run is still there."""


class Deployer(Protocol):
    """Makes the stack and takes it away."""

    def up(self) -> Mapping[str, Any]:
        """Deploy; what the stack exports."""
        ...

    def destroy(self) -> None:
        """Take down whatever stands of it, protected or not. Calling it again goes on where it broke off."""
        ...

    def remaining(self) -> list[str]:
        """What it still keeps of the stack: empty once all is gone."""
        ...

    def by_hand(self) -> str:
        """The command that goes on with `destroy`."""
        ...


@dataclass(frozen=True)
class Identity:
    """Who calls, and where."""

    account: str
    region: str
    arn: str

    def client(self, service: str) -> Any:
        """A client of this account and region."""
        return cast("Any", boto3).client(service, region_name=self.region)


def identified(environ: Mapping[str, str]) -> Identity:
    """The caller, whose account is the one that AWS_ACCOUNT names. Raises Refused."""
    wanted = environ.get(ACCOUNT, "")
    if not re.fullmatch(r"[0-9]{12}", wanted):
        raise Refused(
            f"{ACCOUNT}: {wanted!r} is no account's id of 12 digits; say which account the suite may use and pay with: "
            f"{ACCOUNT}=123456789012 make test-aws"
        )
    try:
        # Any of these calls reports a missing profile, an invalid region or an invalid address.
        session = cast("Any", boto3).Session()
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or session.region_name
        if not region:
            raise Refused("AWS_REGION: is not set; name the region that the suite may use, such as eu-west-1")
        me = session.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError, ValueError) as error:
        raise Refused(f"AWS does not say who calls: {error}; log in first, or name a profile in AWS_PROFILE") from None
    if me["Account"] != wanted:
        raise Refused(
            f"{ACCOUNT}: {wanted} was named, and these credentials are of account {me['Account']} ({me['Arn']}); "
            "nothing was touched"
        )
    return Identity(wanted, region, me["Arn"])


@contextmanager
def deployed(deployer: Deployer, mine: Identity, name: str) -> Generator[Mapping[str, Any]]:
    """The stack's exports, while it stands. However the block is left, and where `up` broke off too, the stack is taken
    down. Raises LeftBehind for what could not be."""
    try:
        yield deployer.up()
    finally:
        _take_down(deployer, mine, name)


def _take_down(deployer: Deployer, mine: Identity, name: str) -> None:
    problem = ""
    for _ in range(ATTEMPTS):
        # Each is done whatever came of the one before: who may not list by tag may destroy a stack all the same.
        steps = (lambda: _stop_tasks(mine, name), deployer.destroy, lambda: _delete_revisions(mine, name))
        problem = next(filter(None, [_tried(step, name) for step in steps]), "")
        if not problem:
            break
    left = set[str]()
    for listed in (deployer.remaining, lambda: _tagged(mine, name)):
        unlisted = _tried(lambda listed=listed: left.update(listed()), name)
        problem = problem or (f"what is left could not be listed: {unlisted}" if unlisted else "")
    if left or problem:
        raise LeftBehind(report(sorted(left), problem, mine, name, deployer.by_hand()))


def _tried(step: Callable[[], object], name: str) -> str:
    """What went wrong in it; empty where nothing did."""
    try:
        step()
    except KeyboardInterrupt:
        print(f"\nStill taking down stack {name}.", file=sys.stderr, flush=True)
        return "interrupted while it was taken down"
    except Exception as error:  # noqa: BLE001 - after any error, the remaining resources are reported
        return f"{type(error).__name__}: {error}"
    return ""


def report(left: list[str], problem: str, mine: Identity, name: str, by_hand: str) -> str:
    """What is left of a run, and how it is removed."""
    tag = f"Key={PROJECT},Values={name}"
    return "\n".join(
        [
            f"Stack {name} in account {mine.account}, region {mine.region}, was not taken down whole.",
            *([f"The last thing that went wrong: {problem}"] if problem else []),
            f"{len(left)} of its resources may be there still, and may cost:" if left else "Nothing of it is known.",
            *(f"  {it}" for it in left),
            "Take them down:",
            f"  {by_hand}",
            "and look whether that was all (roles of IAM are not in this list):",
            f"  aws resourcegroupstaggingapi get-resources --region {mine.region} --tag-filters {tag}",
        ]
    )


def _stop_tasks(mine: Identity, name: str) -> None:
    """A cluster with tasks in it cannot be deleted."""
    ecs = mine.client("ecs")
    for cluster in (it for it in _tagged(mine, name, settle=False) if ":cluster/" in it):
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster):
            for task in page["taskArns"]:
                ecs.stop_task(cluster=cluster, task=task, reason="the end-to-end suite has ended")


def _delete_revisions(mine: Identity, name: str) -> None:
    """A launcher keeps its task definitions' revisions for tasks in flight; nobody needs this run's any more."""
    ecs, prefix = mine.client("ecs"), f"{PROJECT}-{name}-"
    families = [
        family
        for page in ecs.get_paginator("list_task_definition_families").paginate(familyPrefix=prefix)
        for family in page["families"]
    ]
    arns = [
        arn
        for family in families
        for status in ("ACTIVE", "INACTIVE")
        for page in ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
        for arn in page["taskDefinitionArns"]
    ]
    for arn in dict.fromkeys(arns):
        ecs.deregister_task_definition(taskDefinition=arn)
        ecs.delete_task_definitions(taskDefinitions=[arn])


def _tagged(mine: Identity, name: str, *, settle: bool = True) -> list[str]:
    """ARNs of what has the run's tag: what its jobs made is among them, roles of IAM are not.

    The index lags behind: where something is in it, it is asked again for a while, unless it is known to stand.
    """
    deadline = time.monotonic() + (SETTLE_SECONDS if settle else 0)
    while True:
        pages = mine.client("resourcegroupstaggingapi").get_paginator("get_resources")
        found = [
            it["ResourceARN"]
            for page in pages.paginate(TagFilters=[{"Key": PROJECT, "Values": [name]}])
            for it in page["ResourceTagMappingList"]
            # A revision that is being deleted stays in the index until ECS has forgotten its tasks.
            if not (settle and ":task-definition/" in it["ResourceARN"])
        ]
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(5)
