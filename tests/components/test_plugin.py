"""The plugin: its schema, and its process asked over gRPC as Pulumi's engine asks it."""

from __future__ import annotations

import json
import re
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
from fargate_job_launcher.archive import files
from fargate_job_launcher.plugin_schema import CHOICES, GO_PATH, completed
from fargate_job_launcher.provider import COMPONENTS, Provider
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime import rpc
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2_grpc,
    status_pb2,
)

from tools.recording import PROGRAM, Recorded, Recorder, Recording, program, record
from tools.schema import SCHEMA, computed, written

TYPE: Final = "fargate-job-launcher:index:"
SPECIAL: Final = rpc._special_sig_key  # pyright: ignore[reportPrivateUsage]
"""The key of what JSON has no word for: secrets, and outputs with what they were made from."""
STACK: Final = "urn:pulumi:dev::other::pulumi:pulumi:Stack::other-dev"
CLUSTER: Final = "arn:aws:ecs:eu-west-1:123456789012:cluster/jobs"

SOURCE = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobNetwork, JobRuns, PayloadBucket
cluster = aws.ecs.Cluster("jobs")
topic = aws.sns.Topic("told")
reader = aws.iam.Role("reader", assume_role_policy="{}")
secret = aws.secretsmanager.Secret("database")
key = aws.kms.Key("jobs")
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
        "secret_key_arns": ["$key.arn"],
        "writable_paths": {"/tmp": 32, "/scratch": 0},
        "sidecars": [
            {
                **{"name": "proxy", "image": "envoy", "secrets": {"TOKEN": "$secret.arn"}, "essential": True},
                **{"writable_paths": {"/run": 16}, "health_check": {"command": ["CMD", "ready"], "retries": 2}},
            },
            {"name": "agent", "image": "agent", "environment": {"TOPIC_ARN": "$topic.arn"}},
        ],
        "efs_volumes": [{"file_system_id": "fs-01234567", "access_point_id": "fsap-01234567", "path": "/data"}],
        "cpu": 512,
        "memory": 1024,
        "ephemeral_storage_gib": 30,
        "capacity": "spot_then_on_demand",
        "overrides": {
            "environment": ["REPORT_DATE"],
            "payload": True,
            "cpu": 1024,
            **{"max_count": 5, "at": True, "array": {"max_size": 100}},
            "task_roles": {"reader": "$reader.arn"},
        },
        "prices": {"date": "2026-01-31", "vcpu_hour": 0.04, "memory_gib_hour": 0.004, "storage_gib_hour": 0.0001},
        "function": {"timeout_seconds": 120, "memory_mib": 256, "reserved_concurrency": 2},
        "schedule": {"expression": "rate(1 hour)", "event": '{"environment": {"REPORT_DATE": "x"}}', "retries": 3},
        "schedules": {"nightly": {"expression": "cron(0 3 * * ? *)", "enabled": False}},
        "queue": {"batch_size": 5, "maximum_concurrency": 4, "max_receive_count": 6},
        "event_rule": {"pattern": '{"source": ["shop"]}', "as_payload": True},
        "runs": {
            "table_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs",
            "schedule_group_arn": "arn:aws:scheduler:eu-west-1:123456789012:schedule-group/jobs",
            **{"supervisor_role_arn": "$reader.arn", "notice_topic_arn": "$topic.arn", "keep_days": 30},
        },
        "supervision": {"max_runtime_minutes": 60, "retries": 2, "retry_on": ["failed"], "retry_exit_codes": [75, 99]},
        "notify": {"topic_arn": "$topic.arn", "log_lines": 20},
        **{"max_running": 7, "overlap": "skip"},
        "alarms": {"topic_arn": "$topic.arn", "dashboard": True, "max_job_minutes": 30},
        "log_retention_days": 14,
        "protect_logs": True,
        "protect_queues": True,
        "tags": {"team": "data"},
    },
    "JobCluster": {"container_insights": "enhanced", "tags": {"team": "data", "topic": "$topic.arn"}},
    "JobNetwork": {"availability_zones": 3, "nat_gateways": "single", "tags": {"team": "data"}},
    "PayloadBucket": {"expire_days": 7, "kms_key_arn": "$key.arn", "tags": {"team": "data"}},
    "JobRuns": {
        "cluster_arns": ["$cluster.arn"],
        "alarms": {"topic_arn": "$topic.arn"},
        **{"kms_key_arn": "$key.arn", "protect": True, "tags": {"team": "data"}},
    },
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
        return self.stub.Construct(request, timeout=600)


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
        if isinstance(value, list):
            return f"[{', '.join(source(it) for it in value)}]"
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
    if isinstance(value, list):
        return [sent(it, declared["items"], types, outputs, met) for it in value]
    return value


def shapes(value: Any, declared: dict[str, Any], types: dict[str, Any]) -> Iterator[str]:
    """The shapes that the schema declares for a value and for what is in it, such as `list of map to integer`."""

    def kind(it: dict[str, Any]) -> str:
        enumerated = "enum" in types[it["$ref"].rpartition("/")[2]]
        return "string" if enumerated else "object"

    def named(it: dict[str, Any]) -> str:
        each = {"array": "list of ", "object": "map to "}.get(it.get("type", ""))
        return kind(it) if "$ref" in it else each + named(inner(it)) if each else it["type"]

    def inner(it: dict[str, Any]) -> dict[str, Any]:
        return it["items"] if it["type"] == "array" else it["additionalProperties"]

    yield named(declared)
    if "$ref" in declared and kind(declared) == "string":
        return
    if "$ref" in declared:
        fields = types[declared["$ref"].rpartition("/")[2]]["properties"]
        for key, it in fields.items() if value is None else ((camel(key), it) for key, it in value.items()):
            yield from shapes(None if value is None else it, fields[key], types)
    elif value is None and declared["type"] in ("array", "object"):
        yield from shapes(None, inner(declared), types)
    elif isinstance(value, list | dict):
        for it in value.values() if isinstance(value, dict) else value:
            yield from shapes(it, inner(declared), types)


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
        fields = {**holder.get("inputProperties", {}), **holder.get("properties", {})}
        assert [it for it, declared in fields.items() if not declared.get("description")] == []


def descriptions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("description"), str):
            yield value["description"]
        value = list(value.values())
    if isinstance(value, list):
        for it in value:
            yield from descriptions(it)


def test_what_other_languages_read_has_their_names_and_is_no_code() -> None:
    provider = Provider()
    names = provider._names()  # pyright: ignore[reportPrivateUsage]
    pythonic = {python for python, name in names.items() if python != name}
    texts = list(descriptions(computed()))
    assert {"subnet_ids", "max_running", "security_group_ids"} <= pythonic
    assert [it for it in texts if pythonic & set(re.findall(r"\w+", it))] == []
    # An indented line is code in Markdown, and a quoted one in every language's documentation.
    assert [it for it in texts if re.search(r"^[ \t]", it, re.MULTILINE)] == []
    assert any("with `securityGroupIds`" in it for it in texts)


WHERE: Final[dict[str, Any]] = {
    "LaunchOverrides": lambda name, it: {"overrides": {name: [it]}},
    "Supervision": lambda name, it: {"supervision": {name: [it]}},
    "LogOptions": lambda name, it: {"log_options": {name: it}},
    "Sidecar": lambda name, it: {
        "sidecars": [{"name": "a", "image": "nginx", name: it, "health_check": {"command": ["CMD", "true"]}}]
    },
}
"""Type → arguments of a launcher with a value of it."""


@pytest.mark.parametrize(("holder", "name"), CHOICES, ids=" ".join)
def test_a_choice_is_an_enumeration_of_what_the_component_takes(holder: str, name: str) -> None:
    kind, values = CHOICES[holder, name]
    enumerated = [it["value"] for it in computed()["types"][f"{TYPE}{kind}"]["enum"]]
    assert enumerated == list(values)
    component = next(it for it in COMPONENTS if it.__name__ == (holder if holder in ASKED else "FargateJobLauncher"))
    python = re.sub(r"(?=[A-Z])", "_", name).lower()
    usual = {"image": "nginx", "cluster_arn": CLUSTER, "subnet_ids": ["s"], "security_group_ids": ["g"]}
    given = usual if component.__name__ == "FargateJobLauncher" else {}

    def problems(value: str) -> list[str]:
        args = {
            **given,
            **WHERE.get(holder, lambda name, it: {name: [it] if name == "adopt_logs" else it})(python, value),
        }
        return [it for it in COMPONENTS[component]("job", args) if python in it and "allowed: " in it]

    assert [it for it in enumerated if problems(it)] == []
    (said,) = problems("nothing-like-it")
    assert said.endswith(f"allowed: {', '.join(enumerated)}")


def test_go_looks_for_the_package_where_it_is_published() -> None:
    bare = json.loads(ComponentProvider(list(COMPONENTS), "fargate-job-launcher").schema or "")
    here = completed(bare, {}, description="it")
    assert here["language"]["go"] == {"respectSchemaVersion": True, "importBasePath": GO_PATH}
    there = completed(bare, {}, description="it", repository="https://github.com/a/b")
    assert (there["repository"], there["language"]["go"]) == ("https://github.com/a/b", {"respectSchemaVersion": True})


def test_arguments_of_every_shape_that_the_schema_knows_go_through_the_plugin() -> None:
    schema = computed()
    known, asked = set[str](), set[str]()
    for component, arguments in ASKED.items():
        declared = schema["resources"][f"{TYPE}{component}"]["inputProperties"]
        for it in declared.values():
            known.update(shapes(None, it, schema["types"]))
        for key, value in arguments.items():
            asked.update(shapes(value, declared[camel(key)], schema["types"]))
    assert known >= {"object", "list of object", "map to integer", "map to string", "number"}
    assert asked == known


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
        "key": direct.one("aws:kms/key:Key", "jobs"),
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
    ours = {made.urn: made}
    for urn, it in direct.resources.items():
        if it.parent in ours:
            ours[urn] = it
    assert len(ours) >= 3
    assert sorted(theirs) == sorted(ours)
    for urn, it in ours.items():
        assert comparable(theirs[urn]) == comparable(it), urn
    state: dict[str, Any] = rpc.deserialize_properties(answer.state)
    assert set(declared["required"]) <= state.keys() <= set(declared["properties"])
    assert answer.urn == made.urn


USUAL: Final = {"image": "nginx", "clusterArn": CLUSTER, "subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
"""A launcher that can be built."""
NEEDED: Final = "is an output, known only while the stack is deployed, or a secret; a plain value is needed here"


def refusal(plugin: Plugin, component: str, inputs: dict[str, Any]) -> dict[str, str]:
    """The plugin's problems with these inputs: path → problem, in its order."""
    with pytest.raises(grpc.RpcError) as raised:
        plugin.construct(component, inputs, {})
    error: Any = raised.value
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
    assert error.details() == f"{component} 'job' cannot be built"
    assert plugin.recorder.recorded == {}
    details = errors_pb2.InputPropertiesError()
    for entry in error.trailing_metadata():
        if entry.key == "grpc-status-details-bin":
            (detail,) = status_pb2.Status.FromString(entry.value).details
            detail.Unpack(details)
    return {it.property_path: it.reason for it in details.errors}


def test_the_plugin_names_every_problem_at_once_in_the_schemas_spelling(plugin: Plugin) -> None:
    secret = {SPECIAL: rpc._special_secret_sig, "value": {"retries": 1}}  # pyright: ignore[reportPrivateUsage]
    inputs = {
        **{**USUAL, "image": None, "enviroment": {"A": "b"}, "supervision": secret, "log_retention_days": 14},
        **{"overrides": {"maxCounts": 2, "environment": ["LD_PRELOAD"]}, "logRetentionDays": 15, "cpu": 0.5},
        "retries": 3,
        **{"capacity": "log_retention_days", "function": {"subnetIds": ["subnet-1"]}},
        "sidecars": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "nginx", "health_check": {}}],
    }
    problems = refusal(plugin, "FargateJobLauncher", inputs)
    allowed = problems.pop("logRetentionDays")
    assert allowed.startswith("15 is not a period of CloudWatch Logs; allowed: 1, 3, 5, 7")
    assert problems == {
        "enviroment": "unknown; did you mean `environment`?",
        "retries": "unknown here; there is one inside `healthCheck` or `schedule` or `supervision`",
        "log_retention_days": "unknown; did you mean `logRetentionDays`?",
        "overrides.maxCounts": "unknown; did you mean `maxCount`?",
        "sidecars[1].health_check": "unknown; did you mean `healthCheck`?",
        "image": "is missing",
        "cpu": "0.5 is not a whole number; write 512 (1024 is one vCPU)",
        "supervision": NEEDED,
        "capacity": "'log_retention_days' is unknown; allowed: on_demand, spot, spot_then_on_demand",
        "overrides.environment": "'LD_PRELOAD' is reserved; a caller who sets it could run other code",
        "function.subnetIds": "needs function.securityGroupIds; give both or leave both out",
    }


def test_what_is_of_another_kind_than_the_schema_says_is_never_dropped(plugin: Plugin) -> None:
    car = {"image": "nginx", "name": "car"}
    inputs: dict[str, Any] = {
        **{**USUAL, "overrides": [1], "supervision": [], "function": "small", "alarms": 5, "healthCheck": True},
        **{"command": {"a": "b"}, "environment": [["A", "b"]], "tags": {"a": {"b": "c"}}, "cpu": [256], "memory": "a"},
        **{"sidecars": [5, {**car, "healthCheck": ["CMD"]}, [car], {**car, "secrets": ["x"]}, None]},
        **{"efsVolumes": {"path": "/d"}, "asynchronous": "yes", "subnetIds": [["s"]]},
    }
    no_object = "is not an object of names and values"
    # What to write instead is tests/components/test_remedies.py's.
    kinds = {key: it.partition("; ")[0] for key, it in refusal(plugin, "FargateJobLauncher", inputs).items()}
    assert kinds == {
        "overrides": f"[1.0] {no_object}",
        "supervision": f"[] {no_object}",
        "function": f"'small' {no_object}",
        "alarms": f"5.0 {no_object}",
        "healthCheck": "True is a truth value, not an object",
        "command": "{'a': 'b'} is not a list",
        "environment": f"[['A', 'b']] {no_object}",
        "tags.a": "{'b': 'c'} is not text",
        "cpu": "[256.0] is not a whole number",
        "memory": "'a' is not a whole number",
        "sidecars[0]": f"5.0 {no_object}",
        "sidecars[1].healthCheck": f"['CMD'] {no_object}",
        "sidecars[2]": f"[{{'image': 'nginx', 'name': 'car'}}] {no_object}",
        "sidecars[3].secrets": f"a value (not shown, it may be a secret) {no_object}",
        "sidecars[4]": f"None {no_object}",
        "efsVolumes": "{'path': '/d'} is not a list",
        "asynchronous": "'yes' is not true or false",
        "subnetIds[0]": "['s'] is not text",
    }
    for component in set(ASKED) - {"FargateJobLauncher"}:
        needed: dict[str, Any] = {"clusterArns": [CLUSTER]} if component == "JobRuns" else {}
        said = refusal(plugin, component, {"tags": ["a"], **needed})
        assert {key: it.partition("; ")[0] for key, it in said.items()} == {"tags": f"['a'] {no_object}"}
