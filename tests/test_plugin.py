"""The plugin: its schema, and its process asked over gRPC as Pulumi's engine asks it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import grpc
import pulumi
import pytest
from conftest import PROGRAM, Recorded, Recorder, Recording, program, record
from fargate_job_launcher.archive import files
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2_grpc,
    status_pb2,
)
from schema import SCHEMA, computed, written

TYPE: Final = "fargate-job-launcher:index:"
SPECIAL: Final = rpc._special_sig_key  # pyright: ignore[reportPrivateUsage]
"""The key of what JSON has no word for: secrets, and outputs with what they were made from."""
STACK: Final = "urn:pulumi:dev::other::pulumi:pulumi:Stack::other-dev"

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobNetwork, PayloadBucket
cluster = aws.ecs.Cluster("jobs")
topic = aws.sns.Topic("told")
reader = aws.iam.Role("reader", assume_role_policy="{}")
secret = aws.secretsmanager.Secret("database")
"""

ASKED: Final[dict[str, dict[str, Any]]] = {
    "FargateJobLauncher": {
        "image": "nginx",
        "cluster_arn": "$cluster.arn",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_ids": ["sg-1"],
        "assign_public_ip": True,
        "command": ["report", "--all"],
        "environment": {"TOPIC_ARN": "$topic.arn", "BATCH_SIZE": "500"},
        "secrets": {"DATABASE_URL": "$secret.arn"},
        "cpu": 512,
        "memory": 1024,
        "ephemeral_storage_gib": 30,
        "capacity": "spot_then_on_demand",
        "overrides": {
            "environment": ["REPORT_DATE"],
            "payload": True,
            "cpu": 1024,
            "max_count": 5,
            "task_roles": {"reader": "$reader.arn"},
        },
        "prices": {"date": "2026-01-31", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001},
        "function": {"timeout_seconds": 120, "memory_mib": 256, "reserved_concurrency": 2},
        "schedule": {"expression": "rate(1 hour)", "event": '{"environment": {"REPORT_DATE": "x"}}', "retries": 3},
        "queue": {"batch_size": 5, "maximum_concurrency": 4, "max_receive_count": 6},
        "event_rule": {"pattern": '{"source": ["shop"]}', "as_payload": True},
        "supervision": {"max_runtime_minutes": 60, "retries": 2, "retry_on": ["failed"], "topic_arn": "$topic.arn"},
        "max_running": 7,
        "alarms": {"topic_arn": "$topic.arn", "dashboard": True, "max_job_minutes": 30},
        "log_retention_days": 14,
        "protect_logs": True,
        "protect_queues": True,
        "tags": {"team": "data"},
    },
    "JobNetwork": {"availability_zones": 3, "nat_gateways": "single", "tags": {"team": "data"}},
    "PayloadBucket": {"expire_days": 7, "tags": {"team": "data"}},
}
"""Component → arguments of every shape that there is. `$resource.output` stands for an output of the program."""


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """The engine's side: what the plugin registers is recorded, as it is of a program in this process."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return self._recorder.GetDeploymentInfo(request)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        with self._lock:
            return self._recorder.RegisterResource(request)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return self._recorder.Invoke(request)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return Empty()


class Engine(engine_pb2_grpc.EngineServicer):
    """Where the plugin's log lines go."""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return Empty()


class _Recorder(Recorder):
    def make_urn(self, parent: str, type_: str, name: str) -> str:
        # The SDK's own asks the settings of a program that runs in this process.
        kind = f"{parent.split('::')[2].rpartition('$')[2]}${type_}" if parent else type_
        return f"urn:pulumi:dev::other::{kind}::{name}"


@dataclass
class Plugin:
    """The plugin's process, and the engine that it registers resources with."""

    stub: Any
    monitor_address: str
    recorder: Recorder

    def construct(self, component: str, inputs: dict[str, Any], dependencies: dict[str, set[str]]) -> Any:
        """Ask it for a component; what it registers for it is what the recorder holds then."""
        self.recorder.recorded.clear()
        request = provider_pb2.ConstructRequest(
            project="other",
            stack="dev",
            config={"aws:region": "eu-west-1"},
            parallel=16,
            monitorEndpoint=self.monitor_address,
            type=f"{TYPE}{component}",
            name="job",
            parent=STACK,
            inputs=ParseDict(inputs, Struct()),
            inputDependencies={
                key: provider_pb2.ConstructRequest.PropertyDependencies(urns=sorted(urns))
                for key, urns in dependencies.items()
            },
        )
        return self.stub.Construct(request, timeout=60)


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    recorder = _Recorder("eu-west-1")
    engine = grpc.server(ThreadPoolExecutor(16))
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), engine)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(Monitor(recorder), engine)
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    engine.start()
    process = subprocess.Popen(
        [sys.executable, PROGRAM / "components" / "plugin", address], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield Plugin(provider_pb2_grpc.ResourceProviderStub(channel), address, recorder)
    finally:
        process.kill()
        process.communicate()
        engine.stop(None).wait()


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The same components, made by a Python program."""

    def source(value: Any) -> str:
        if isinstance(value, dict):
            return f"{{{', '.join(f'{key!r}: {source(inner)}' for key, inner in value.items())}}}"
        return value[1:] if isinstance(value, str) and value.startswith("$") else repr(value)

    made = "".join(f'{component}("job", {source(arguments)})\n' for component, arguments in ASKED.items())
    return record(program(tmp_path_factory.mktemp("direct"), SOURCE + made))


def sent(
    value: Any, declared: dict[str, Any], types: dict[str, Any], outputs: dict[str, Recorded], met: set[str]
) -> Any:
    """A value as an engine sends it: the schema's names, outputs with what they are made from, no integers."""
    if isinstance(value, str) and value.startswith("$"):
        resource, _, output = value[1:].partition(".")
        met.add(outputs[resource].urn)
        return {
            SPECIAL: rpc._special_output_value_sig,  # pyright: ignore[reportPrivateUsage]
            "value": outputs[resource].outputs[output],
            "dependencies": [outputs[resource].urn],
        }
    if isinstance(value, dict) and "$ref" in declared:
        nested = types[declared["$ref"].rpartition("/")[2]]["properties"]
        return {camel(key): sent(inner, nested[camel(key)], types, outputs, met) for key, inner in value.items()}
    if isinstance(value, dict):
        inner_declared = declared["additionalProperties"]
        return {key: sent(inner, inner_declared, types, outputs, met) for key, inner in value.items()}
    return value


def comparable(it: Recorded) -> Recorded:
    """With the files of an archive in place of the archive, which equals itself only."""
    if not isinstance(it.inputs.get("code"), pulumi.AssetArchive):
        return it
    code = {"code": dict(files(it.inputs["code"]))}
    return replace(it, inputs={**it.inputs, **code}, outputs={**it.outputs, **code})


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(it.capitalize() for it in rest)


def test_the_schema_is_the_one_that_was_reviewed() -> None:
    schema = computed()
    assert SCHEMA.read_text() == written(schema), "the schema has changed: make plugin-schema, and review what did"
    assert set(schema["resources"]) == {f"{TYPE}{it}" for it in ASKED}
    described = [*schema["resources"].values(), *schema["types"].values()]
    for holder in described:
        fields = {**holder.get("inputProperties", {}), **holder["properties"]}
        assert [it for it, declared in fields.items() if not declared.get("description")] == []


@pytest.mark.parametrize("component", ASKED)
def test_a_component_made_through_the_plugin_is_the_one_that_python_makes(
    component: str, plugin: Plugin, direct: Recording
) -> None:
    schema = computed()
    declared = schema["resources"][f"{TYPE}{component}"]
    outputs = {
        "cluster": direct.one("aws:ecs/cluster:Cluster", "jobs"),
        "topic": direct.one("aws:sns/topic:Topic", "told"),
        "reader": direct.one("aws:iam/role:Role", "reader"),
        "secret": direct.one("aws:secretsmanager/secret:Secret", "database"),
    }
    inputs: dict[str, Any] = {}
    dependencies: dict[str, set[str]] = {}
    for key, value in ASKED[component].items():
        met: set[str] = set()
        inputs[camel(key)] = sent(value, declared["inputProperties"][camel(key)], schema["types"], outputs, met)
        if met:
            dependencies[camel(key)] = met
    answer = plugin.construct(component, inputs, dependencies)
    theirs = {urn: it for urn, it in plugin.recorder.recorded.items() if "pulumi:providers:" not in it.kind}
    (made,) = (it for it in direct.resources.values() if it.kind == f"{TYPE}{component}")
    ours = {urn: it for urn, it in direct.resources.items() if urn == made.urn or it.parent == made.urn}
    assert len(ours) >= 3 or component == "JobNetwork"
    assert sorted(theirs) == sorted(ours)
    for urn, it in ours.items():
        assert comparable(theirs[urn]) == comparable(it), urn
    state: dict[str, Any] = rpc.deserialize_properties(answer.state)
    assert set(declared["required"]) <= state.keys() <= set(declared["properties"])
    assert answer.urn == made.urn


def test_the_plugin_names_every_problem_at_once_in_the_schemas_spelling(plugin: Plugin) -> None:
    def refusal(**inputs: Any) -> tuple[str, dict[str, str]]:
        usual = {"image": "nginx", "clusterArn": "c", "subnetIds": ["s"], "securityGroupIds": ["g"]}
        with pytest.raises(grpc.RpcError) as raised:
            plugin.construct("FargateJobLauncher", {**usual, **inputs}, {})
        error: Any = raised.value
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        details = errors_pb2.InputPropertiesError()
        for entry in error.trailing_metadata():
            if entry.key == "grpc-status-details-bin":
                (detail,) = status_pb2.Status.FromString(entry.value).details
                detail.Unpack(details)
        return error.details(), {it.property_path: it.reason for it in details.errors}

    secret = {SPECIAL: rpc._special_secret_sig, "value": {"retries": 1}}  # pyright: ignore[reportPrivateUsage]
    said, problems = refusal(image=None, enviroment={"A": "b"}, overrides={"maxCounts": 2}, supervision=secret)
    assert said == "FargateJobLauncher 'job' cannot be built"
    assert problems == {
        "image": "is missing",
        "enviroment": "unknown; did you mean `environment`?",
        "overrides.maxCounts": "unknown; did you mean `maxCount`?",
        "supervision": ("is an output or a secret, but has to be known before anything is created; give a plain value"),
    }
    # What the component itself refuses.
    said, problems = refusal(logRetentionDays=15, overrides={"maxCount": 5000}, capacity="spot_then_on_demand", cpu=0.5)
    assert said == "FargateJobLauncher 'job' cannot be built"
    assert sorted(problems) == ["cpu", "logRetentionDays", "overrides.maxCount"]
    assert problems["overrides.maxCount"] == "5000 is not between 1 and 1000"
    assert plugin.recorder.recorded == {}
