"""What several test files share: the stacks of this repository, and a stack's program recorded under mocks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import Emulator, Stack
from fargate_job_launcher.sandbox.deploy import run_program
from fargate_job_launcher.sandbox.stack import stacks
from pulumi.runtime import mocks, rpc

PROGRAM = Path(__file__).parents[1]
ENVIRONMENTS = stacks(PROGRAM)
"""One for each Pulumi.*.yaml: a new environment is tested by adding its file."""


@dataclass(frozen=True)
class Recorded:
    """A resource as the program registered it."""

    urn: str
    kind: str
    name: str
    parent: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    dependencies: frozenset[str]
    """URNs of everything that has to stand before this resource."""
    computed_from: dict[str, frozenset[str]]
    """Input → URNs of the resources that its value was computed from."""
    protect: bool
    replaced_on: tuple[str, ...]
    """Inputs whose change replaces the resource, as the program asks."""


@dataclass(frozen=True)
class Recording:
    """Everything that a program registered."""

    stack: Stack
    resources: dict[str, Recorded]
    exports: dict[str, Any]

    def kind(self, kind: str, *, under: Recorded | None = None) -> list[Recorded]:
        """The resources of a type, those of one parent where one is named."""
        return [it for it in self.resources.values() if it.kind == kind and under in (None, self._parent(it))]

    def one(self, kind: str, name: str) -> Recorded:
        """The resource of this type and name."""
        (found,) = (it for it in self.kind(kind) if it.name == name)
        return found

    def setting(self, key: str) -> Any:
        """An object or list of the stack's config."""
        return json.loads(self.stack.config[f"{self.stack.project}:{key}"])

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The jobs of the stack's config, with the defaults that go for all of them."""
        return {name: {**self.setting("defaults"), **job} for name, job in self.setting("jobs").items()}

    def _parent(self, resource: Recorded) -> Recorded | None:
        return self.resources.get(resource.parent)


class _Provider(mocks.Mocks):
    """Answers as the AWS provider would, so that what is computed from an ARN is computed from a real one."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program looks up {args.token}; teach the recording what AWS answers")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        name, given = f"{args.name}-0a1b2c3", args.inputs
        regional = f"arn:{self._partition}:%s:{self._region}:123456789012:%s"
        arns = {
            "aws:iam/role:Role": f"arn:{self._partition}:iam::123456789012:role{given.get('path', '/')}{name}",
            "aws:ecs/cluster:Cluster": regional % ("ecs", f"cluster/{name}"),
            "aws:ecs/taskDefinition:TaskDefinition": regional % ("ecs", f"task-definition/{given.get('family')}:7"),
            "aws:cloudwatch/logGroup:LogGroup": regional % ("logs", f"log-group:{given.get('name')}"),
            "aws:lambda/function:Function": regional % ("lambda", f"function:{name}"),
            "aws:secretsmanager/secret:Secret": regional % ("secretsmanager", f"secret:{name}-AbCdEf"),
        }
        if args.typ == "awsx:ec2:Vpc":
            subnets = {"publicSubnetIds": ["subnet-public"], "privateSubnetIds": ["subnet-private"]}
            return None, {"vpcId": "vpc-1", **subnets}
        made = {"arn": arns[args.typ]} if args.typ in arns else {}
        return f"{name}-id", {"name": name, **args.inputs, **made}


class _Recorder(mocks.MockMonitor):
    def __init__(self, region: str) -> None:
        super().__init__(_Provider(region))
        self.recorded: dict[str, Recorded] = {}
        self.exports: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        response = super().RegisterResource(request)
        self.recorded[response.urn] = Recorded(
            urn=response.urn,
            kind=request.type,
            name=request.name,
            parent=request.parent,
            inputs=rpc.deserialize_properties(request.object),
            outputs=rpc.deserialize_properties(response.object),
            dependencies=frozenset(request.dependencies),
            computed_from={key: frozenset(it.urns) for key, it in request.propertyDependencies.items()},
            protect=request.protect,
            replaced_on=tuple(request.replaceOnChanges),
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if self.recorded[request.urn].kind == "pulumi:pulumi:Stack":
            self.exports = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)


def record(stack: Stack) -> Recording:
    """Run a stack's program under mocks and keep everything that it registers."""
    recorder = _Recorder(stack.region)
    run_program(stack, recorder)
    return Recording(stack, recorder.recorded, recorder.exports)


def program(folder: Path, source: str, config: str = "config: {aws:region: eu-west-1}") -> Stack:
    """A program of another team: one file, one stack."""
    (folder / "Pulumi.yaml").write_text("name: other\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(config)
    (folder / "__main__.py").write_text(source)
    return Stack.read(folder, "dev")


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    """The name of each environment."""
    return request.param


@pytest.fixture(scope="session")
def recording(environment: str) -> Recording:
    """Each environment's program, recorded."""
    return record(Stack.read(PROGRAM, environment))


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An emulated AWS, shared by the tests that deploy something of their own into it."""
    with Emulator(region="eu-west-1") as aws:
        yield aws
