"""What AWS asks IAM about a request of a service other than Amazon ECS's RunTask, operation by operation. Pure.

An operation that has no row here is not authorized: the emulator does what it asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from . import item_calls
from .authorization import Call
from .item_calls import PartitionKey

SESSION_TARGET: Final = re.compile(r"ecs:(.+)_([0-9a-f-]{32,36})_([0-9a-f]{32}-[0-9]+)")
"""Of a session in a task: cluster, task id, and the runtime id of the container."""


@dataclass(frozen=True)
class Request:
    """A request on the wire, as far as IAM's question depends on it."""

    service: str
    """As the request's signature names it: `states`, not `stepfunctions`."""
    operation: str
    """The operation's name where it travels in a header or in a form, else the HTTP method."""
    path: str
    parameters: Mapping[str, Any]
    """Of a body in JSON or of a form; empty for any other body."""
    region: str
    account: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """The parameters in the address."""

    def arn(self, resource: str) -> str:
        """The ARN of a resource of the service, in the request's account and region."""
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{resource}"

    def named(self, resource: str, kind: str) -> str:
        """The ARN of a resource that is named by it, or by its name alone."""
        return resource if resource.startswith("arn:") else self.arn(f"{kind}{resource}")


@dataclass(frozen=True)
class Known:
    """What only the account knows about the things that a request names."""

    partition_key: PartitionKey = lambda _table, _index: ""
    state_machine: Callable[[str], str] = lambda _token: ""
    """The ARN of the state machine that gave out a task token; empty for a token that none gave out."""


def service_calls(request: Request, known: Known) -> list[Call]:
    """What AWS asks IAM about a request, about each thing that it names; none for an operation that is not known."""
    asked = _ASKED.get((request.service, request.operation)) or _ASKED.get((request.service, "*"))
    return list(asked(request, known)) if asked else []


def object_of(request: Request) -> str:
    """`BUCKET/KEY` of a request about one object of S3, without a subresource such as its tags; else empty."""
    key = request.path.lstrip("/").partition("/")[2]
    return request.path.lstrip("/") if key and not request.query.keys() & _SUBRESOURCES else ""


_SUBRESOURCES: Final = frozenset({"acl", "attributes", "legal-hold", "retention", "tagging", "torrent"})
"""Parameters with which a request is about something of an object, for which S3 has other actions."""


def _object(action: str) -> Callable[[Request, Known], Iterator[Call]]:
    def asked(request: Request, _known: Known) -> Iterator[Call]:
        if named := object_of(request):
            yield Call(action, f"arn:aws:s3:::{named}")

    return asked


def _send_message(request: Request, _known: Known) -> Iterator[Call]:
    yield Call("sqs:SendMessage", request.arn(str(request.parameters.get("QueueUrl", "")).rpartition("/")[2]))


def _publish(request: Request, _known: Known) -> Iterator[Call]:
    yield Call("sns:Publish", str(request.parameters.get("TopicArn", "")))


def _invoke(request: Request, _known: Known) -> Iterator[Call]:
    if request.path.endswith("/invocations"):
        function = request.named(unquote(request.path.split("/")[3]), "function:")
        qualifier = request.query.get("Qualifier")
        yield Call("lambda:InvokeFunction", f"{function}:{qualifier}" if qualifier else function)


def _log_stream(request: Request, _known: Known) -> Iterator[Call]:
    given = request.parameters
    group = str(given.get("logGroupIdentifier") or given.get("logGroupName", "")).rpartition("log-group:")[2]
    stream = f"log-group:{group.removesuffix(':*')}:log-stream:{given.get('logStreamName', '')}"
    yield Call(f"logs:{request.operation}", request.arn(stream))


def _of_tasks(request: Request, _known: Known) -> Iterator[Call]:
    cluster = request.named(str(request.parameters.get("cluster", "default")), "cluster/")
    tasks = request.parameters.get("tasks") or [request.parameters.get("task", "")]
    within = f"task/{cluster.rpartition('/')[2]}/"
    named = ["*"] if request.operation == "ListTasks" else [request.named(it, within) for it in tasks]
    for it in dict.fromkeys(named):
        yield Call(f"ecs:{request.operation}", it, {"ecs:cluster": cluster})


def _execute_command(request: Request, _known: Known) -> Iterator[Call]:
    """The cluster and the task: https://github.com/aws/containers-roadmap/issues/1050 shows that both are needed."""
    cluster = request.named(str(request.parameters.get("cluster", "default")), "cluster/")
    task = request.named(str(request.parameters.get("task", "")), f"task/{cluster.rpartition('/')[2]}/")
    context = {"ecs:cluster": cluster, "ecs:task": task}
    container = {"ecs:container-name": str(it)} if (it := request.parameters.get("container")) else {}
    for resource in (cluster, task):
        yield Call("ecs:ExecuteCommand", resource, {**context, **container})


def _start_session(request: Request, _known: Known) -> Iterator[Call]:
    """The target and, if the request names one, the document, which is AWS's own.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-specify-session-document.html
    """
    document = str(request.parameters.get("DocumentName") or "")
    context = {"ssm:SessionDocumentAccessCheck": str(bool(document)).lower()}
    target = str(request.parameters.get("Target", ""))
    found = SESSION_TARGET.fullmatch(target)
    place = f"{request.region}:{request.account}"
    yield Call("ssm:StartSession", f"arn:aws:ecs:{place}:task/{found[1]}/{found[2]}" if found else target, context)
    if document:
        yield Call("ssm:StartSession", f"arn:aws:ssm:{request.region}::document/{document}", context)


def _put_events(request: Request, _known: Known) -> Iterator[Call]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html"""
    for entry in request.parameters.get("Entries") or []:
        bus = request.named(str(entry.get("EventBusName") or "default"), "event-bus/")
        keys = {"events:source": entry.get("Source"), "events:detail-type": entry.get("DetailType")}
        yield Call("events:PutEvents", bus, {key: str(value) for key, value in keys.items() if value})


def _send_task(request: Request, known: Known) -> Iterator[Call]:
    """The state machine that gave out the token, though IAM's reference lists no resource for these actions.

    https://github.com/aws/aws-cdk/pull/8486 and https://github.com/NOAA-OWP/hydrovis/issues/837 show that AWS asks
    about it. A token that no state machine gave out belongs to no resource.
    """
    machine = known.state_machine(str(request.parameters.get("taskToken", "")))
    yield Call(f"states:{request.operation}", machine or "*")


def _items(request: Request, known: Known) -> Iterator[Call]:
    yield from item_calls.calls(request.operation, request.parameters, request.arn, known.partition_key)


_ASKED: Final[Mapping[tuple[str, str], Callable[[Request, Known], Iterable[Call]]]] = {
    ("s3", "PUT"): _object("s3:PutObject"),
    ("s3", "GET"): _object("s3:GetObject"),
    ("s3", "HEAD"): _object("s3:GetObject"),
    ("sqs", "SendMessage"): _send_message,
    ("sns", "Publish"): _publish,
    ("lambda", "POST"): _invoke,
    **{("logs", it): _log_stream for it in ("CreateLogStream", "DescribeLogStreams", "GetLogEvents")},
    **{("ecs", it): _of_tasks for it in ("StopTask", "DescribeTasks", "ListTasks")},
    ("ecs", "ExecuteCommand"): _execute_command,
    ("ssm", "StartSession"): _start_session,
    **{("states", it): _send_task for it in ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")},
    ("events", "PutEvents"): _put_events,
    ("dynamodb", "*"): _items,
}
"""Service and operation → what IAM is asked. `*` is every operation of the service."""
