"""A stand-in for the AWS provider, for the suites of the real Pulumi engine: it keeps resources in a folder of files.

It answers the engine as a provider does, and records every step, in order, in `log.jsonl` of the folder that STAND_IN
names. It computes an ARN and an id of each resource, and refuses what AWS refuses between two steps of an update:
standing.py. A test controls it by files in the folder:

- `refuse`: resources, as `type::name`, whose creation, change or deletion is refused, one a line
- `slow`: resources, the same, whose creation takes a while
- `world.json`: things that no program created: `tasks`, names of clusters with running tasks; `objects`, names of
  buckets with objects in them; `attached`, names of roles to which a person attached a policy
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf import json_format, struct_pb2
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from standing import Account, Refused

FOLDER: Final = Path(os.environ["STAND_IN"])
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"
UNKNOWN: Final = rpc.UNKNOWN
FUNCTION: Final = "aws:lambda/function:Function"
MOST: Final = 400 * 1024 * 1024

NAMED: Final = {"name", "bucket"}
IDENTIFIED_BY_NAME: Final = {"Role", "Function", "LogGroup", "Cluster", "Table"}
REPLACED_BY: Final = {
    "aws:ecs/taskDefinition:TaskDefinition": {
        *("containerDefinitions", "cpu", "memory", "family", "executionRoleArn", "taskRoleArn", "volumes"),
        *("ephemeralStorage", "runtimePlatform", "networkMode", "requiresCompatibilities"),
    },
    "aws:ecs/cluster:Cluster": {"name"},
    "aws:iam/role:Role": {"path", "name"},
    "aws:iam/rolePolicy:RolePolicy": {"role", "name"},
    "aws:cloudwatch/eventRule:EventRule": {"name", "eventBusName"},
    "aws:cloudwatch/eventTarget:EventTarget": {"rule", "eventBusName", "targetId"},
    "aws:cloudwatch/logGroup:LogGroup": {"name"},
    "aws:dynamodb/table:Table": {"name", "hashKey", "rangeKey"},
    "aws:ec2/securityGroup:SecurityGroup": {"name", "description", "vpcId"},
    "aws:ec2/subnet:Subnet": {"vpcId", "cidrBlock", "availabilityZone"},
    "aws:lambda/alias:Alias": {"name", "functionName"},
    "aws:lambda/eventSourceMapping:EventSourceMapping": {"eventSourceArn"},
    "aws:lambda/function:Function": {"name", "packageType"},
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {"functionName", "qualifier"},
    "aws:lambda/permission:Permission": {"action", "function", "principal", "qualifier", "sourceArn", "sourceAccount"},
    "aws:s3/bucket:Bucket": {"bucket"},
    "aws:scheduler/schedule:Schedule": {"name", "groupName"},
    "aws:scheduler/scheduleGroup:ScheduleGroup": {"name"},
    "aws:sns/topic:Topic": {"name"},
    "aws:sqs/queue:Queue": {"name", "fifoQueue"},
    "aws:sqs/queuePolicy:QueuePolicy": {"queueUrl"},
}
"""Inputs that cannot be changed: another value replaces the resource."""
SLOW_SECONDS: Final = 2.0

SCHEMA: Final = {
    "name": "aws",
    "version": "7.51.1",
    "resources": {
        "aws:ecs/cluster:Cluster": {
            "properties": {"arn": {"type": "string"}, "name": {"type": "string"}},
            "inputProperties": {"name": {"type": "string"}},
            "required": ["arn", "name"],
        }
    },
}
"""The resources that a program in YAML creates directly: YAML needs the schema where a language has its SDK."""

COUNTED: Final = FOLDER / "revisions.json"
LOG: Final = FOLDER / "log.jsonl"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Every resource of the package, whatever its type."""

    def __init__(self) -> None:
        self._account = Account(FOLDER / "world.json")
        self._at_once = threading.Lock()
        if LOG.exists():
            for line in LOG.read_text(encoding="utf-8").splitlines():
                self._account.take(json.loads(line))

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return plugin_pb2.PluginInfo(version="7.51.1")

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return provider_pb2.GetSchemaResponse(schema=json.dumps(SCHEMA))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        allowed = _read(request.news).get("allowedAccountIds")
        if allowed and allowed != UNKNOWN and ACCOUNT not in json.loads(allowed):
            # The words are those of the AWS provider.
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"AWS account ID not allowed: {ACCOUNT}")
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return _difference(_read(request.old_inputs), _read(request.news), set())

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        _note("configure", "provider", "aws", _read(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.tok == "aws:dynamodb/getTableItem:getTableItem":
            context.abort(grpc.StatusCode.UNKNOWN, "reading DynamoDB Table Item: empty result")
        if request.tok != "aws:index/getCallerIdentity:getCallerIdentity":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not know {request.tok}")
        me = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/ci"
        answer = _struct({"accountId": ACCOUNT, "arn": me, "userId": "AROA:ci"})
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(answer)  # a keyword of Python
        return response

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Give a resource without a name one, as the AWS provider does: once, and the same afterwards."""
        news, olds = _read(request.news), _read(request.olds)
        kind, name = _type(request.urn), _name(request.urn)
        for key in NAMED & set(_autonamed(kind)):
            if key not in news:
                news[key] = olds.get(key) or f"{name}-{secrets.token_hex(4)[:7]}"
        return provider_pb2.CheckResponse(inputs=_struct(news))

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        kind = _type(request.urn)
        olds, news = _read(request.old_inputs), _read(request.news)
        return _difference(olds, news, REPLACED_BY.get(kind, set()), _named_by_hand(olds, news))

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        inputs, kind, name = _read(request.properties), _type(request.urn), _name(request.urn)
        if request.preview:
            outputs = dict.fromkeys(_made(kind, name, {}), UNKNOWN)
            return provider_pb2.CreateResponse(id="", properties=_struct({**inputs, **outputs}))
        if _asked("slow", kind, name):
            time.sleep(SLOW_SECONDS)
        with self._at_once:
            made = _made(kind, name, inputs)
            identifier = str(made.pop("id"))
            self._done("create", kind, name, identifier, inputs, made, context)
        return provider_pb2.CreateResponse(id=identifier, properties=_struct({**inputs, **made}))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        _note("read", _type(request.urn), _name(request.urn), {})
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        inputs, olds, kind = _read(request.news), _read(request.olds), _type(request.urn)
        changed: dict[str, Any] = {}
        if kind == FUNCTION and inputs.get("publish"):
            last = int(olds["version"]) if str(olds.get("version", "")).isdecimal() else 0
            changed["version"] = UNKNOWN if request.preview else str(last + 1)
        # An input that was removed is gone; the other values are AWS's outputs.
        given = inputs.keys() | _read(request.old_inputs).keys()
        made = {**{key: it for key, it in olds.items() if key not in given}, **changed}
        if not request.preview:
            with self._at_once:
                self._done("update", kind, _name(request.urn), request.id, inputs, made, context)
        return provider_pb2.UpdateResponse(properties=_struct({**made, **inputs}))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._at_once:
            self._done("delete", _type(request.urn), _name(request.urn), request.id, {}, {}, context)
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return Empty()

    def _done(
        self,
        step: str,
        kind: str,
        name: str,
        identifier: str,
        inputs: dict[str, Any],
        outputs: dict[str, Any],
        context: Any,
    ) -> None:
        """Record a step, or refuse it as AWS does or as the test wants."""
        done = {"step": step, "kind": kind, "name": name, "id": identifier, "inputs": inputs, "outputs": outputs}
        if _asked("refuse", kind, name):
            _note("refuse", kind, name, inputs)
            context.abort(grpc.StatusCode.UNKNOWN, f"AccessDenied: not authorized to {step} {name}")
        try:
            self._account.take(done)
        except Refused as refused:
            _note("refuse", kind, name, inputs)
            context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        with LOG.open("a", encoding="utf-8") as log:
            log.write(json.dumps(done) + "\n")


def _autonamed(kind: str) -> tuple[str, ...]:
    unnamed = ("Policy", "Configuration", "Block", "Mapping", "Providers", "Permission", "Config", "Target", "Version")
    short = kind.rpartition(":")[2]
    if short == "Bucket":
        return ("bucket",)
    return () if (short.endswith(unnamed) and short != "RolePolicy") or kind.startswith("aws:ec2/") else ("name",)


def _made(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a new resource."""
    called, short = inputs.get("name") or inputs.get("bucket") or name, kind.rpartition(":")[2]
    identifier = f"{'sg' if short == 'SecurityGroup' else short.lower()}-{secrets.token_hex(4)}"
    arns = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role{inputs.get('path', '/')}{called}",
        "Cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{called}",
        "Bucket": f"arn:aws:s3:::{called}",
        "Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{called}",
        "LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{called}",
        "Alias": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{inputs.get('functionName')}:{called}",
        "Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{identifier}",
        "Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{called}-AbCdEf",
        "Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{called}",
        "ScheduleGroup": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{called}",
    }
    made: dict[str, Any] = {"id": called if short in IDENTIFIED_BY_NAME else identifier}
    made["arn"] = arns.get(short, f"arn:aws:{kind.split(':')[1].partition('/')[0]}:{REGION}:{ACCOUNT}:{called}")
    if short == "TaskDefinition":
        counted = json.loads(COUNTED.read_text()) if COUNTED.exists() else {}
        revision = counted.get(inputs.get("family"), 0) + 1
        if inputs:
            COUNTED.write_text(json.dumps({**counted, inputs["family"]: revision}))
        made |= {"revision": revision, "id": inputs.get("family", name)}
        made["arn"] = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{inputs.get('family')}:{revision}"
    if short == "Function":
        made["version"] = "1" if inputs.get("publish") or not inputs else "$LATEST"
    if short == "Queue":
        made["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{called}"
    if short == "Key":
        made["keyId"] = identifier
    return made


def _named_by_hand(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    """Whether the program sets the name and keeps it: then the old and the new resource cannot exist together."""
    called = [key for key in sorted(NAMED) if key in news and news[key] == olds.get(key)]
    return any(not re.fullmatch(r".+-[0-9a-f]{7}", str(news[key])) for key in called)


def _asked(file: str, kind: str, name: str) -> bool:
    path = FOLDER / file
    return path.exists() and f"{kind}::{name}" in path.read_text().split()


def _difference(olds: dict[str, Any], news: dict[str, Any], replaced_by: set[str], named_by_hand: bool = False) -> Any:
    changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=changed,
        replaces=[key for key in changed if key in replaced_by],
        deleteBeforeReplace=named_by_hand and any(key in replaced_by for key in changed),
    )


def _note(step: str, kind: str, name: str, inputs: dict[str, Any]) -> None:
    with LOG.open("a", encoding="utf-8") as log:
        log.write(json.dumps({"step": step, "kind": kind, "name": name, "inputs": inputs}) + "\n")


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::")[3]


def _read(given: struct_pb2.Struct) -> dict[str, Any]:
    """Properties as plain data: assets and secrets are not unwrapped, so that they are returned unchanged."""
    return json_format.MessageToDict(given)


def _struct(given: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(given, struct_pb2.Struct())


async def _serve() -> None:
    options = [("grpc.max_receive_message_length", MOST), ("grpc.max_send_message_length", MOST)]
    server = grpc.aio.server(options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve())
    sys.exit(0)
