"""A stack's program, recorded under Pulumi's mocks, for the tests and the computed documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fargate_job_launcher.environments.model import merged
from fargate_job_launcher.handler.partitions import partition_of
from fargate_job_launcher.sandbox import Stack
from fargate_job_launcher.sandbox.engine.program import run_program
from fargate_job_launcher.sandbox.engine.stack import stacks
from fargate_job_launcher.sandbox.engine.values import received, reference
from pulumi.runtime import mocks, rpc

PROGRAM = Path(__file__).parents[1]
ENVIRONMENTS = stacks(PROGRAM)
"""One for each Pulumi.*.yaml: to test a new environment, add its file."""


@dataclass(frozen=True)
class Recorded:
    """A resource as the program registered it."""

    urn: str
    id: str
    kind: str
    name: str
    parent: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    dependencies: frozenset[str]
    """URNs of everything that has to exist before this resource."""
    computed_from: dict[str, frozenset[str]]
    """Input → URNs of the resources from which its value was computed."""
    protect: bool
    retained: bool
    """Whether a deletion keeps it in AWS."""
    replaced_on: tuple[str, ...]
    """Inputs whose change replaces the resource, as the program asks."""
    provider: str
    """URN and id of its AWS provider; empty without one."""
    aliases: tuple[str, ...]
    """URNs and names that the resource had before."""


@dataclass(frozen=True)
class Recording:
    """Everything that a program registered."""

    stack: Stack
    resources: dict[str, Recorded]
    exports: dict[str, Any]

    def kind(self, kind: str, *, under: Recorded | None = None) -> list[Recorded]:
        """The resources of a type, or only those with the parent `under`."""
        return [it for it in self.resources.values() if it.kind == kind and under in (None, self._parent(it))]

    def one(self, kind: str, name: str) -> Recorded:
        """The resource of this type and name."""
        (found,) = (it for it in self.kind(kind) if it.name == name)
        return found

    def setting(self, key: str) -> Any:
        """An object or list of the stack's config; None if it is not set."""
        text = self.stack.config.get(f"{self.stack.project}:{key}")
        return None if text is None else json.loads(text)

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs of the stack's config, with the defaults of all jobs."""
        return {name: merged(self.setting("defaults"), job) for name, job in self.setting("jobs").items()}

    def _parent(self, resource: Recorded) -> Recorded | None:
        return self.resources.get(resource.parent)


ROUTE_TABLE = "urn:pulumi:stack::project::aws:ec2/routeTable:RouteTable::jobs"
"""URN of a route table of the network's VPC."""


SUBNETS = {"public": "subnet-a", "private": "subnet-b", "isolated": "subnet-c"}
"""Kind of a subnet → the beginning of the ids of the network's; the zone's number follows."""


def group_id(name: str) -> str:
    """Id of a security group, as AWS writes one."""
    return f"sg-{hashlib.sha256(name.encode()).hexdigest()[:17]}"


ENDPOINTS_OF_THEIR_OWN = {
    "eusc-de-east-1": ("ecr.api", "ecr.dkr"),
    "cn-north-1": ("ecr.api", "ecr.dkr", "sqs", "sts"),
    "eu-isoe-west-1": ("ecr.api", "ecr.dkr"),
}
"""Region → services whose endpoints have a name of its partition's own, as far as tests need them.

https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-ec2/lib/vpc-endpoint.ts
"""


def _of_its_own(name: str) -> bool:
    return any(
        name.endswith(f".{region}.{it}") for region, services in ENDPOINTS_OF_THEIR_OWN.items() for it in services
    )


class _Provider(mocks.Mocks):
    """Answers as the AWS provider would, so that values are computed from realistic ARNs."""

    def __init__(self, region: str, *, preview: bool = False, paused: Mapping[str, Any] | None = None) -> None:
        self._paused = paused
        self._region = region
        self._preview = preview
        self._partition = partition_of(region).name

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            arn = f"arn:{self._partition}:sts::123456789012:assumed-role/Deployer/ci"
            return {"accountId": "123456789012", "arn": arn, "userId": "AROA:ci", "id": "123456789012"}
        if args.token == "aws:ec2/getVpcEndpointService:getVpcEndpointService":
            (asked,) = args.args["filters"]
            (name,) = (it for it in asked["values"] if (it.split(".")[0] == "com") is not _of_its_own(it))
            return {"serviceName": name, "serviceType": args.args["serviceType"]}
        if args.token == "aws:dynamodb/getTableItem:getTableItem":
            if self._paused is None:
                return {}, [("", "reading DynamoDB Table Item (table|job|schedules): empty result")]
            return {"item": json.dumps(self._paused)}
        raise AssertionError(f"the program calls {args.token}; add AWS's answer to the recording")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        name, given = f"{args.name}-0a1b2c3", args.inputs
        regional = f"arn:{self._partition}:%s:{self._region}:123456789012:%s"
        arns = {
            "aws:iam/role:Role": f"arn:{self._partition}:iam::123456789012:role{given.get('path', '/')}{name}",
            "aws:ecs/cluster:Cluster": regional % ("ecs", f"cluster/{name}"),
            "aws:ecs/taskDefinition:TaskDefinition": regional % ("ecs", f"task-definition/{given.get('family')}:7"),
            "aws:cloudwatch/logGroup:LogGroup": regional % ("logs", f"log-group:{given.get('name')}"),
            "aws:lambda/function:Function": regional % ("lambda", f"function:{name}"),
            "aws:dynamodb/table:Table": regional % ("dynamodb", f"table/{name}"),
            "aws:scheduler/scheduleGroup:ScheduleGroup": regional % ("scheduler", f"schedule-group/{name}"),
            "aws:s3/bucket:Bucket": f"arn:{self._partition}:s3:::{name}",
            "aws:sns/topic:Topic": regional % ("sns", name),
            "aws:kms/key:Key": regional % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            "aws:ec2/securityGroup:SecurityGroup": regional % ("ec2", f"security-group/{group_id(args.name)}"),
            "aws:cloudwatch/eventRule:EventRule": regional % ("events", f"rule/{name}"),
            "aws:lambda/alias:Alias": regional
            % ("lambda", f"function:{given.get('functionName')}:{given.get('name')}"),
            "aws:sqs/queue:Queue": regional % ("sqs", name),
            "aws:secretsmanager/secret:Secret": regional % ("secretsmanager", f"secret:{name}-AbCdEf"),
        }
        if args.typ == "awsx:ec2:Vpc":
            zones = range(1, 1 + int(given.get("numberOfAvailabilityZones", 3)))
            subnets = {f"{it}SubnetIds": [f"{SUBNETS[it]}{zone}" for zone in zones] for it in SUBNETS}
            if self._preview:
                return None, dict.fromkeys(("vpcId", *subnets, "routeTables"), rpc.UNKNOWN)
            return None, {"vpcId": "vpc-1", **subnets, "routeTables": [reference(ROUTE_TABLE, "rtb-1")]}
        made = {"arn": arns[args.typ]} if args.typ in arns else {}
        if args.typ == "aws:ec2/securityGroup:SecurityGroup":
            made["id"] = group_id(args.name)
        if args.typ == "aws:s3/bucket:Bucket":
            made["bucket"] = name
        if args.typ == "aws:kms/key:Key":
            made["keyId"] = "1234abcd-12ab-34cd-56ef-1234567890ab"
        if args.typ == "aws:sqs/queue:Queue":
            made["url"] = f"https://sqs.{self._region}.amazonaws.com/123456789012/{name}"
        if args.typ == "aws:lambda/function:Function" and given.get("publish"):
            made["version"] = "1"
        if self._preview:
            # The provider names a resource already in a preview; AWS's outputs come later.
            unknown = dict.fromkeys(made, rpc.UNKNOWN)
            return "", {"name": name, **args.inputs, **unknown}
        return made.pop("id", f"{name}-id"), {"name": name, **args.inputs, **made}


class Recorder(mocks.MockMonitor):
    """Pulumi's monitor for tests, which keeps every registration."""

    def __init__(self, region: str, *, preview: bool = False, paused: Mapping[str, Any] | None = None) -> None:
        super().__init__(_Provider(region, preview=preview, paused=paused))
        self.recorded: dict[str, Recorded] = {}
        self.resources[ROUTE_TABLE] = self.ResourceRegistration(ROUTE_TABLE, "rtb-1", {})
        self.exports: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        # In Pulumi's own monitor for tests, a second resource would replace the first.
        assert response.urn not in self.recorded, f"registered twice: {response.urn}"
        self.recorded[response.urn] = Recorded(
            urn=response.urn,
            id=response.id,
            kind=request.type,
            name=request.name,
            parent=request.parent,
            inputs=received(request.object, keep_unknowns=True),
            outputs=received(response.object, keep_unknowns=True),
            dependencies=frozenset(request.dependencies),
            computed_from={key: frozenset(it.urns) for key, it in request.propertyDependencies.items()},
            protect=request.protect,
            retained=request.retainOnDelete,
            replaced_on=tuple(request.replaceOnChanges),
            provider=request.provider or request.providers.get("aws", ""),
            aliases=tuple(it.urn or f"{it.spec.parentUrn}::{it.spec.name}" for it in request.aliases),
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if self.recorded[request.urn].kind == "pulumi:pulumi:Stack":
            self.exports = received(request.outputs, keep_unknowns=True)
        return super().RegisterResourceOutputs(request)


def record(stack: Stack, *, preview: bool = False, paused: Mapping[str, Any] | None = None) -> Recording:
    """Run a stack's program under mocks and keep everything that it registers.

    `preview`: as in `pulumi preview`, where no ARN of a new resource is known yet. `paused`: the item of a job's
    schedules in the table of runs, as DynamoDB has it; None: there is none.
    """
    recorder = Recorder(stack.region, preview=preview, paused=paused)
    run_program(stack, recorder, preview=preview)
    return Recording(stack, recorder.recorded, recorder.exports)


def recorder(region: str) -> mocks.MockMonitor:
    """A monitor that answers as AWS would, to run a program without a recording."""
    return Recorder(region)


def copied(folder: Path) -> Path:
    """This repository's program in another folder, with its environments, to be changed there."""
    for path in PROGRAM.glob("*"):
        if path.name in ("__main__.py", "requirements.txt") or path.name.startswith("Pulumi."):
            (folder / path.name).write_text(path.read_text())
    return folder


def program(folder: Path, source: str, config: str = "config: {aws:region: eu-west-1}") -> Stack:
    """A program of another team: one file, one stack."""
    (folder / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(config)
    (folder / "__main__.py").write_text(source)
    return Stack.read(folder, "dev")
