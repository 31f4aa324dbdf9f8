"""The policy pack as Pulumi's engine runs it: a process of its own, called over gRPC."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import struct_pb2
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy.deserialize import serialize_properties

from tools.pack.judging import Thing
from tools.recording import PROGRAM

PACK: Final = PROGRAM / "policy"
LEVELS: Final = {analyzer_pb2.ADVISORY: "advisory", analyzer_pb2.MANDATORY: "mandatory"}

Diagnostics = list[tuple[str, str, str, str]]
"""(policy, level, message, URN)"""


class Analyzer:
    """A running policy pack."""

    def __init__(self, stub: Any, process: int) -> None:
        self._stub = stub
        self._process = process

    def processor_seconds(self) -> float:
        """The processor time of its process so far, including its start."""
        # The name in brackets may contain blanks.
        fields = Path(f"/proc/{self._process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def info(self) -> Any:
        """The pack's own description."""
        return self._stub.GetAnalyzerInfo(Empty())

    def configure(self, config: Mapping[str, Mapping[str, Any]]) -> None:
        """Settings as from a policy group or --policy-pack-config: the engine names every policy."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for policy in self.info().policies:
            given = dict(config.get(policy.name, {}))
            made = request.policyConfig[policy.name]
            made.enforcementLevel = given.pop("enforcementLevel", policy.enforcementLevel)
            made.properties.update(given)
        self._stub.Configure(request)

    def analyze(self, thing: Thing) -> Diagnostics:
        """One resource, before it is created."""
        return self.ask(of_one(thing))

    def analyze_stack(self, things: Iterable[Thing]) -> Diagnostics:
        """The whole stack."""
        return self.ask(of_stack(things))

    def ask(self, request: Any) -> Diagnostics:
        """Send a request of the engine."""
        one = isinstance(request, analyzer_pb2.AnalyzeRequest)
        response = self._stub.Analyze(request) if one else self._stub.AnalyzeStack(request)
        return [(it.policyName, LEVELS[it.enforcementLevel], it.message, it.urn) for it in response.diagnostics]


def of_one(thing: Thing) -> Any:
    """The engine's request for one resource: its inputs."""
    return analyzer_pb2.AnalyzeRequest(type=thing.kind, urn=thing.urn, name=thing.name, properties=_struct(thing.props))


def of_stack(things: Iterable[Thing]) -> Any:
    """The engine's request for a whole stack: outputs, and what each property is computed from."""
    listed = list(things)
    urns: dict[str, list[str]] = {}
    for it in listed:
        urns.setdefault(it.name, []).append(it.urn)
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=it.kind,
                urn=it.urn,
                name=it.name,
                properties=_struct({**it.props, **it.outputs}),
                propertyDependencies={
                    prop: analyzer_pb2.AnalyzerPropertyDependencies(
                        urns=[urn for name in names for urn in urns.get(name, [name])]
                    )
                    for prop, names in it.computed_from.items()
                },
            )
            for it in listed
        ]
    )


@contextmanager
def analyzer(*, stack: str = "prod", preview: bool = False) -> Generator[Analyzer]:
    """The pack in a process of its own, until the block ends."""
    environment = {
        **os.environ,
        "PULUMI_PROJECT": "other",
        "PULUMI_STACK": stack,
        "PULUMI_DRY_RUN": "true" if preview else "false",
    }
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."],
        cwd=PACK,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "the pack did not start"
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield Analyzer(analyzer_pb2_grpc.AnalyzerStub(channel), process.pid)
    finally:
        process.kill()
        process.communicate()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    # Assets and archives also have a form in the protocol.
    made.update(serialize_properties({key: value for key, value in values.items() if value is not None}))
    return made
