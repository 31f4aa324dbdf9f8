"""The stand-in for AWS under the real engine refuses what AWS refuses between two steps of an update, in AWS's words.

Each request goes to the account itself, without an engine: tools/provider/standing.py. test_engine.py tests that a
refusal reaches the engine's user.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tools.provider import standing

Made = dict[str, Any]
TYPES: Final = {
    "alias": "aws:kms/alias:Alias",
    "association": "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "endpoint": "aws:ec2/vpcEndpoint:VpcEndpoint",
    "group": standing.GROUP,
    "log group": "aws:cloudwatch/logGroup:LogGroup",
    "queue": "aws:sqs/queue:Queue",
    "schedule": "aws:scheduler/schedule:Schedule",
    "secret": "aws:secretsmanager/secret:Secret",
}


def made(kind: str, called: str, /, **inputs: Any) -> Made:
    """A resource that a program makes."""
    return {
        "step": "create",
        "kind": TYPES.get(kind, kind),
        "name": called,
        "id": f"{called}-id",
        "inputs": inputs,
        "outputs": {"arn": f"arn:{called}"},
    }


ROLE: Final = made(standing.ROLE, "r", name="r")
SUPERVISOR: Final = {
    **made(standing.ROLE, "s", name="s"),
    "outputs": {"arn": "arn:aws:iam::123456789012:role/s"},
}
WORLD: Final = {"tasks": ["busy"], "objects": ["full"], "attached": ["loosened"]}
"""What no program made."""


def policy(number: int, length: int) -> Made:
    return made(standing.ROLE_POLICY, f"p{number}", role="r", policy="x" * length)


def function(**inputs: Any) -> Made:
    return made(standing.FUNCTION, "f", name="f", role="arn:r", **inputs)


def permission(called: str, principal: str = SUPERVISOR["outputs"]["arn"]) -> Made:
    return made(standing.PERMISSION, called, function="f", principal=principal)


def subnet(name: str, cidr: str, vpc: str = "vpc-1") -> Made:
    return made(standing.SUBNET, name, cidrBlock=cidr, vpcId=vpc)


CREATED: Final[dict[str, tuple[list[Made], str]]] = {
    "a role's name": ([ROLE, {**ROLE, "id": "2"}], "EntityAlreadyExists: Role with name r already exists."),
    "a log group's name": (
        [made("log group", it, name="/l") for it in "ab"],
        "ResourceAlreadyExistsException: The specified log group already exists",
    ),
    "a bucket's name": ([made(standing.BUCKET, it, bucket="b") for it in "ab"], "BucketAlreadyOwnedByYou: "),
    "an alias's name": (
        [made("alias", it, name="alias/a") for it in "ab"],
        "AlreadyExistsException: An alias with the name alias/a already exists",
    ),
    "a function's name": (
        [ROLE, function(), {**function(), "id": "2"}],
        "ResourceConflictException: Function already exist: f",
    ),
    "a queue's name": (
        [made("queue", it, name="q") for it in "ab"],
        "QueueAlreadyExists: A queue already exists with the same name: q",
    ),
    "a schedule's name": (
        [made("schedule", it, name="s") for it in "ab"],
        "ConflictException: Schedule s already exists.",
    ),
    "a secret's name": (
        [made("secret", it, name="s") for it in "ab"],
        "ResourceExistsException: The operation failed because the secret s already exists.",
    ),
    "a subnet's range": (
        [subnet("a", "10.0.0.0/20"), subnet("b", "10.0.8.0/24")],
        "InvalidSubnet.Conflict: The CIDR '10.0.8.0/24' conflicts with another subnet",
    ),
    "a policy without its role": (
        [policy(1, 10)],
        "NoSuchEntity: The role with name r cannot be found.",
    ),
    "policies that are too long together": (
        [ROLE, policy(1, 6000), policy(2, 6000)],
        "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r",
    ),
    "a function without its role": (
        [function()],
        "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
    ),
    "a table's name": (
        [made(standing.TABLE, it, name="t") for it in "ab"],
        "ResourceInUseException: Table already exists: t",
    ),
    "a permission without its role": (
        [permission("p", "arn:aws:iam::123456789012:role/gone")],
        "InvalidParameterValueException: The provided principal was invalid.",
    ),
    "a permission beside one whose role is gone": (
        [SUPERVISOR, permission("p"), {**SUPERVISOR, "step": "delete"}, permission("q", "events.amazonaws.com")],
        "InvalidParameterValueException: The provided principal was invalid.",
    ),
}
"""What is made, the last of it refused, and the words."""
DELETED: Final[dict[str, tuple[list[Made], str]]] = {
    "a role with policies": ([ROLE, policy(1, 9)], "DeleteConflict: Cannot delete entity, must delete policies first."),
    "a role with a policy attached": (
        [ROLE, made(standing.ATTACHMENT, "a", role="r")],
        "DeleteConflict: Cannot delete entity, must detach all policies first.",
    ),
    "a role that somebody attached to": (
        [made(standing.ROLE, "l", name="loosened")],
        "DeleteConflict: Cannot delete entity, must detach all policies first.",
    ),
    "a cluster with tasks": (
        [made(standing.CLUSTER, "c", name="busy")],
        "ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active.",
    ),
    "a cluster with services": (
        [made(standing.CLUSTER, "c", name="c"), made(standing.SERVICE, "s", cluster="arn:c")],
        "ClusterContainsServicesException: The Cluster cannot be deleted while Services are active.",
    ),
    "a bucket with objects": (
        [made(standing.BUCKET, "b", bucket="full")],
        "BucketNotEmpty: The bucket you tried to delete is not empty",
    ),
    "a protected table": (
        [made(standing.TABLE, "t", name="t", deletionProtectionEnabled=True)],
        "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first.",
    ),
    "a subnet with an interface": (
        [subnet("s", "10.0.0.0/20"), made("endpoint", "e", subnetIds=["s-id"])],
        "DependencyViolation: The subnet 's-id' has dependencies and cannot be deleted (e)",
    ),
    "a group with an interface": (
        [made("group", "g"), ROLE, function(vpcConfig={"securityGroupIds": ["g-id"]})],
        "DependencyViolation: The resource 'g-id' has dependencies and cannot be deleted (f)",
    ),
    "a VPC with a subnet": (
        [made(standing.VPC, "v"), subnet("s", "10.0.0.0/20", "v-id")],
        "DependencyViolation: The vpc 'v-id' has dependencies and cannot be deleted (s)",
    ),
}
"""What is made, the first of it deleted and refused, and the words."""
ALLOWED: Final[dict[str, list[Made]]] = {
    "a role, forced": [made(standing.ROLE, "l", name="loosened", forceDetachPolicies=True)],
    "a bucket, forced": [made(standing.BUCKET, "b", bucket="full", forceDestroy=True)],
    "a cluster without tasks": [made(standing.CLUSTER, "c", name="idle")],
    "a subnet with a route table": [subnet("s", "10.0.0.0/20"), made("association", "a", subnetId="s-id")],
    "a subnet beside its equal in another VPC": [subnet("s", "10.0.0.0/20"), subnet("t", "10.0.0.0/20", "vpc-2")],
}
"""What is made, the first of it deleted."""


@pytest.fixture
def account(tmp_path: Path) -> standing.Account:
    (tmp_path / "world.json").write_text(json.dumps(WORLD))
    return standing.Account(tmp_path / "world.json")


@pytest.mark.parametrize("what", CREATED)
def test_it_refuses_to_make_what_aws_refuses_and_keeps_what_stood(account: standing.Account, what: str) -> None:
    (*before, last), words = CREATED[what]
    for it in before:
        account.take(it)
    for _ in range(2):
        with pytest.raises(standing.Refused) as refused:
            account.take(last)
        assert str(refused.value).startswith(words)


@pytest.mark.parametrize("what", DELETED)
def test_it_refuses_to_delete_what_is_used_until_it_is_not(account: standing.Account, what: str) -> None:
    (used, *users), words = DELETED[what]
    for it in (used, *users):
        account.take(it)
    with pytest.raises(standing.Refused) as refused:
        account.take({**used, "step": "delete"})
    assert str(refused.value) == words
    for it in reversed(users):
        account.take({**it, "step": "delete"})
    if users:
        account.take({**used, "step": "delete"})


@pytest.mark.parametrize("what", ALLOWED)
def test_it_deletes_what_is_unused_or_forced(account: standing.Account, what: str) -> None:
    for it in ALLOWED[what]:
        account.take(it)
    account.take({**ALLOWED[what][0], "step": "delete"})


def test_every_name_that_can_be_taken_has_its_case() -> None:
    asked = {it[-1]["kind"] for it, _ in CREATED.values()}
    assert asked >= standing.TAKEN.keys()
