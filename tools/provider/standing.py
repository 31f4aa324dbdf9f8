"""The resources in the account of the stand-in for the AWS provider, and the refusals of AWS that follow from them.

Each refusal can happen between two steps of an update: a name that is taken, an address range of another subnet, a
resource that is deleted while it is used. The words are AWS's.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

Made = dict[str, Any]
"""A step of the log: step, kind, name, id, inputs, outputs."""

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
BUCKET, CLUSTER, FUNCTION = "aws:s3/bucket:Bucket", "aws:ecs/cluster:Cluster", "aws:lambda/function:Function"
TABLE, PERMISSION = "aws:dynamodb/table:Table", "aws:lambda/permission:Permission"
SUBNET, GROUP, SERVICE = "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup", "aws:ecs/service:Service"
VPC = "aws:ec2/vpc:Vpc"

TAKEN: Final = {
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    ROLE: "EntityAlreadyExists: Role with name {name} already exists.",
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    "aws:cloudwatch/logGroup:LogGroup": "ResourceAlreadyExistsException: The specified log group already exists",
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    BUCKET: "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own "
    "it.",
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    "aws:kms/alias:Alias": "AlreadyExistsException: An alias with the name {name} already exists",
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    FUNCTION: "ResourceConflictException: Function already exist: {name}",
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    TABLE: "ResourceInUseException: Table already exists: {name}",
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
    "aws:sqs/queue:Queue": "QueueAlreadyExists: A queue already exists with the same name: {name}",
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    "aws:scheduler/schedule:Schedule": "ConflictException: Schedule {name} already exists.",
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    "aws:secretsmanager/secret:Secret": "ResourceExistsException: The operation failed because the secret {name} "
    "already exists.",
}
"""Type → AWS's message if the name is taken. The family of a task definition is never taken: it gets another revision.
"""
LONGEST_INLINE_POLICIES: Final = 10_240
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


class Refused(Exception):
    """AWS's message when it refuses a step."""


class Account:
    """Every resource that was created and not deleted yet."""

    def __init__(self, world: Path) -> None:
        self._world = world
        self._standing: dict[tuple[str, str], Made] = {}

    def take(self, done: Made) -> None:
        """Apply a step. Raises Refused, and nothing has changed."""
        key = (done["kind"], done.get("id", ""))
        if done["step"] == "create":
            self._creating(done)
            self._standing[key] = done
        elif done["step"] == "update":
            self._updating(done)
            self._standing[key] = done
        elif done["step"] == "delete" and key in self._standing:
            self._deleting(self._standing[key])
            del self._standing[key]

    def _creating(self, it: Made) -> None:
        kind, name = it["kind"], _called(it)
        if kind in TAKEN and any(_called(other) == name for other in self._of(kind)):
            raise Refused(TAKEN[kind].format(name=name))
        if kind == SUBNET:
            self._overlaps(it)
        self._updating(it)

    def _overlaps(self, it: Made) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
        mine = ipaddress.ip_network(it["inputs"]["cidrBlock"])
        for other in self._of(SUBNET):
            same = other["inputs"]["vpcId"] == it["inputs"]["vpcId"]
            if same and mine.overlaps(ipaddress.ip_network(other["inputs"]["cidrBlock"])):
                raise Refused(f"InvalidSubnet.Conflict: The CIDR '{mine}' conflicts with another subnet")

    def _updating(self, it: Made) -> None:
        kind, inputs = it["kind"], it["inputs"]
        if kind == ROLE_POLICY:
            role = inputs["role"]
            if role not in {_called(other) for other in self._of(ROLE)}:
                raise Refused(f"NoSuchEntity: The role with name {role} cannot be found.")
            inline = {other["id"]: other["inputs"] for other in self._of(ROLE_POLICY)} | {it["id"]: inputs}
            lengths = (len("".join(str(own["policy"]).split())) for own in inline.values() if own["role"] == role)
            if sum(lengths) > LONGEST_INLINE_POLICIES:
                raise Refused(
                    f"LimitExceeded: Maximum policy size of {LONGEST_INLINE_POLICIES} bytes exceeded for role {role}"
                )
        if kind == FUNCTION and inputs["role"] not in {other["outputs"]["arn"] for other in self._of(ROLE)}:
            # https://repost.aws/knowledge-center/lambda-iam-role-permissions-error
            raise Refused(
                "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."
            )
        if kind == PERMISSION:
            # Also for a role that another statement of the function's policy names, and that is gone:
            # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1189
            policy = [other["inputs"] for other in self._of(PERMISSION) if other["id"] != it["id"]]
            named = [own["principal"] for own in (inputs, *policy) if own["function"] == inputs["function"]]
            roles = {other["outputs"]["arn"] for other in self._of(ROLE)}
            if any(":role/" in principal and principal not in roles for principal in named):
                raise Refused(
                    "InvalidParameterValueException: The provided principal was invalid. Please check the principal "
                    "and try again."
                )

    def _deleting(self, it: Made) -> None:
        kind, name = it["kind"], _called(it)
        if kind == ROLE:
            # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
            if any(other["inputs"]["role"] == name for other in self._of(ROLE_POLICY)):
                raise Refused("DeleteConflict: Cannot delete entity, must delete policies first.")
            mine = any(other["inputs"]["role"] == name for other in self._of(ATTACHMENT))
            strangers = name in self._seen("attached") and not it["inputs"].get("forceDetachPolicies")
            if mine or strangers:
                raise Refused("DeleteConflict: Cannot delete entity, must detach all policies first.")
        if kind == CLUSTER:
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
            if name in self._seen("tasks"):
                raise Refused("ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active.")
            if any(it["outputs"]["arn"] == other["inputs"].get("cluster") for other in self._of(SERVICE)):
                raise Refused(
                    "ClusterContainsServicesException: The Cluster cannot be deleted while Services are active."
                )
        if kind == BUCKET and name in self._seen("objects") and not it["inputs"].get("forceDestroy"):
            # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
            raise Refused("BucketNotEmpty: The bucket you tried to delete is not empty")
        if kind == TABLE and it["inputs"].get("deletionProtectionEnabled"):
            # https://github.com/nubo-db/dynoxide/issues/46
            raise Refused(
                "ValidationException: Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        users = [_called(other) for other in self._joining(it)]
        if users:
            # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
            what = {SUBNET: "subnet", GROUP: "resource", VPC: "vpc"}[kind]
            raise Refused(
                f"DependencyViolation: The {what} '{it['id']}' has dependencies and cannot be deleted ({users[0]})"
            )

    def _joining(self, it: Made) -> Iterator[Made]:
        """Resources with a network interface in a subnet or group, or in a VPC."""
        if it["kind"] not in (SUBNET, GROUP, VPC):
            return
        for other in self._standing.values():
            inputs = other["inputs"]
            placed = inputs.get("vpcConfig") or {}
            named = [inputs.get("subnetId"), *inputs.get("subnetIds", []), *inputs.get("securityGroupIds", [])]
            named += [*placed.get("subnetIds", []), *placed.get("securityGroupIds", [])]
            association = other["kind"].endswith("RouteTableAssociation")
            inside = it["kind"] == VPC and inputs.get("vpcId") == it["id"]
            if other is not it and not association and (it["id"] in named or inside):
                yield other

    def _of(self, kind: str) -> list[Made]:
        return [it for it in self._standing.values() if it["kind"] == kind]

    def _seen(self, key: str) -> list[str]:
        return json.loads(self._world.read_text()).get(key, []) if self._world.exists() else []


def _called(it: Made) -> str:
    return str(it["inputs"].get("name") or it["inputs"].get("bucket") or it["name"])
