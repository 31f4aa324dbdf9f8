"""Amazon ECS on the wire: RunTask and ListTasks, with clientToken as AWS honours it, and with every known fault. Beside
it, a DynamoDB table.

It counts the tasks that it has launched, whatever it answered.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast

from botocore.exceptions import ClientError, ReadTimeoutError
from fargate_job_launcher.handler.awsjson import Credentials
from fargate_job_launcher.handler.calls import ON_DEMAND, SPOT
from fargate_job_launcher.handler.ecs import Ecs
from fargate_job_launcher.sandbox.aws.rows import Refused
from fargate_job_launcher.sandbox.aws.tasks.tokens import Tokens

from .dynamodb import Memory

PATIENCE_SECONDS: Final = 120
"""How long the tests' client waits for an answer: an endpoint on a busy machine is slow, not dead."""
FORGETS_SECONDS: Final = 3600
"""How long ECS shows a task after its end."""
LATE: Final = 599
"""The status of an answer for which no client waits."""

Request = dict[str, Any]
Reply = tuple[int, bytes] | None
"""Status and body; None for a connection that is closed without an answer."""

CAPACITY: Final = {"reason": "RESOURCE:CPU", "detail": "Capacity is unavailable at this time. Please try again later."}


def error(code: str, message: str, status: int = 400, **more: Any) -> Reply:
    return status, json.dumps({"__type": f"com.amazonaws.ecs#{code}", "message": message, **more}).encode()


class Impatient:
    """botocore's HTTP session, which times out at once if the endpoint says that its answer is late."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """The answer. Raises botocore's error of a timeout."""
        answer = self._session.send(request)
        if answer.status_code == LATE:
            raise ReadTimeoutError(endpoint_url=request.url, error="late")
        return answer


@dataclass
class Endpoint:
    """The state of one ECS endpoint. `fault` names what goes wrong with a request, "" for nothing."""

    fault: Callable[[Request], str] = lambda _: ""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""
    url: str = ""
    calls: list[Request] = field(default_factory=list[Request])
    launched: Counter[str] = field(default_factory=Counter[str])
    """startedBy → tasks that really run."""
    faults: Counter[str] = field(default_factory=Counter[str])
    capacity: Counter[str] = field(default_factory=Counter[str])
    """FARGATE or FARGATE_SPOT → tasks that really run."""
    listed: list[Request] = field(default_factory=list[Request])
    """The requests of ListTasks."""
    tasks: dict[str, str] = field(default_factory=dict[str, str])
    """ARN → startedBy of every task."""
    ended: dict[str, float] = field(default_factory=dict[str, float])
    """ARN → when the task ended, for `end`."""
    page: int = 100
    """The most tasks of a page of ListTasks."""
    table: Memory = field(default_factory=Memory)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _tokens: Tokens = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._tokens = Tokens(lambda: self.clock(), self.ended.get)

    def client(self) -> Ecs:
        ecs = Ecs(f"{self.url}/", "eu-west-1", Credentials("a", "b"), timeout=(PATIENCE_SECONDS, PATIENCE_SECONDS))
        http: Any = ecs._http  # pyright: ignore[reportPrivateUsage]
        ecs._http = cast("Any", Impatient(http))  # pyright: ignore[reportPrivateUsage]
        return ecs

    def forget(self) -> None:
        """Forget all calls and tasks."""
        self._tokens = Tokens(lambda: self.clock(), self.ended.get)
        for seen in (self.calls, self.launched, self.faults, self.capacity, self.listed, self.tasks, self.ended):
            seen.clear()

    def end(self, arn: str) -> None:
        """Let a task end now."""
        self.ended[arn] = self.clock()

    def dynamodb(self, operation: str, request: Request) -> Reply:
        """A call to the table."""
        try:
            return 200, json.dumps(self.table.call(operation, request)).encode()
        except ClientError as refused:
            answer: Any = refused.response
            more = {key: it for key, it in answer.items() if key == "CancellationReasons"}
            return error(answer["Error"]["Code"], answer["Error"]["Message"], **more)

    def list(self, request: Request) -> Reply:
        """ListTasks: a stopped task is listed for an hour."""
        with self._lock:
            self.listed.append(request)
            stopped = request["desiredStatus"] == "STOPPED"
            found = [
                arn
                for arn, by in self.tasks.items()
                if by == request["startedBy"]
                and (arn in self.ended) == stopped
                and (not stopped or self.clock() - self.ended[arn] < FORGETS_SECONDS)
            ]
        start = int(request.get("nextToken", 0))
        more = {"nextToken": str(start + self.page)} if start + self.page < len(found) else {}
        return 200, json.dumps({"taskArns": found[start : start + self.page], **more}).encode()

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.calls.append(request)
            fault = self.fault(request)
            self.faults[fault or "none"] += 1
        try:
            return cast("Callable[[Request], Reply]", getattr(self, f"_{fault or 'well'}"))(request)
        except Refused as conflict:
            return error(conflict.row.code, conflict.message, **conflict.members)

    def _run(self, request: Request, most: int = 10, failures: list[dict[str, str]] | None = None) -> Request:
        with self._lock:
            known = self._tokens.recall(request)
            if known is None:
                count = min(request["count"], most)
                cluster = request["cluster"].rpartition("/")[2]
                place = f"arn:aws:ecs:eu-west-1:123456789012:task/{cluster}"
                arns = [f"{place}/{next(self._numbers):08d}" for _ in range(count)]
                self.launched[request["startedBy"]] += count
                self.tasks |= dict.fromkeys(arns, str(request["startedBy"]))
                assert ("launchType" in request) != ("capacityProviderStrategy" in request)
                self.capacity[SPOT if "capacityProviderStrategy" in request else ON_DEMAND] += count
                known = {"tasks": [{"taskArn": arn} for arn in arns], "failures": failures or []}
                self._tokens.remember(request, known)
            return known

    def _well(self, request: Request) -> Reply:
        return 200, json.dumps(self._run(request)).encode()

    def _throttled(self, _: Request) -> Reply:
        return error("ThrottlingException", "Rate exceeded")

    def _throttled_in_disguise(self, _: Request) -> Reply:
        return error("InvalidParameterException", "Error retrieving security group information: Request limit exceeded")

    def _server_error_before(self, _: Request) -> Reply:
        return error("ServerException", "Service Unavailable. Please try again later.", 500)

    def _server_error_after(self, request: Request) -> Reply:
        self._run(request)
        return error("ServerException", "Service Unavailable. Please try again later.", 503)

    def _bad_gateway(self, _: Request) -> Reply:
        return 502, b"<html>502 Bad Gateway</html>"

    def _time_out_after(self, request: Request) -> Reply:
        self._run(request)
        return LATE, b""

    def _reset_before(self, _: Request) -> Reply:
        return None

    def _reset_after(self, request: Request) -> Reply:
        self._run(request)
        return None

    def _unreadable(self, request: Request) -> Reply:
        self._run(request)
        return 200, b"<html>502 Bad Gateway</html>"

    def _says_nothing(self, request: Request) -> Reply:
        self._run(request)
        return 200, b'{"tasks": [], "failures": []}'

    def _no_capacity(self, request: Request) -> Reply:
        return 200, json.dumps(self._run(request, most=0, failures=[CAPACITY])).encode()

    def _partial(self, request: Request) -> Reply:
        return 200, json.dumps(self._run(request, most=request["count"] // 2, failures=[CAPACITY])).encode()

    def _quota(self, _: Request) -> Reply:
        return error("ClientException", "You've reached the limit on the number of tasks in the PROVISIONING state.")

    def _role_unready(self, _: Request) -> Reply:
        return error("ClientException", "ECS was unable to assume the role 'arn:aws:iam::1:role/r' that was provided.")

    def _denied(self, _: Request) -> Reply:
        return error("AccessDeniedException", "User: u is not authorized to perform: iam:PassRole on resource: r")

    def _invalid(self, _: Request) -> Reply:
        return error("InvalidParameterException", "Invalid subnet; given the value hunter2-hunter2.")

    def _unplaceable(self, request: Request) -> Reply:
        never = [{"reason": "ATTRIBUTE", "detail": "ecs.capability.x"}]
        return 200, json.dumps(self._run(request, most=0, failures=never)).encode()


TRANSIENT: Final = (
    *("throttled", "throttled_in_disguise", "server_error_before", "server_error_after", "reset_before", "reset_after"),
    *("unreadable", "says_nothing", "bad_gateway", "quota", "no_capacity", "partial", "time_out_after"),
)
"""The faults after which a launch still succeeds."""


@contextmanager
def ecs_endpoint(
    fault: Callable[[Request], str] = lambda _: "", clock: Callable[[], float] = time.time
) -> Generator[Endpoint]:
    """An endpoint on a free port of 127.0.0.1, until the block is left."""
    endpoint = Endpoint(fault, clock)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert "Signature=" in self.headers["authorization"]
            service, _, operation = self.headers["x-amz-target"].partition(".")
            if service == "DynamoDB_20120810":
                reply = endpoint.dynamodb(operation, json.loads(body))
            else:
                assert service == "AmazonEC2ContainerServiceV20141113"
                reply = {"RunTask": endpoint.answer, "ListTasks": endpoint.list}[operation](json.loads(body))
            if reply is None:
                self.close_connection = True
                return
            self.wfile.write(
                b"HTTP/1.1 %d X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: %d\r\n\r\n%s"
                % (reply[0], len(reply[1]), reply[1])
            )

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing: the test prints what it wants to."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            # A client that has lost its patience closes the connection: that is what the test is about.
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
