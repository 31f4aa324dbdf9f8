"""A part of `make bench`: the first page of `fargate-job history` for a job with 100,000 runs, as a person sees it.

The endpoint answers as Lambda, the tagging API and DynamoDB do; a query reads no more items than DynamoDB would.
"""

from __future__ import annotations

import bisect
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import unquote

from fargate_job_launcher.handler.run import at
from fargate_job_launcher.handler.settings import JOB_TAG
from fargate_job_launcher.handler.table import typed

from tools.launching import DECLARED

RUNS: Final = 100_000
EVERY_SECONDS: Final = 60
"""From one launch to the next: 100,000 of them are 69 days."""
RUNS_OF_OTHERS: Final = 100
LISTED_AT_ONCE: Final = 100
"""https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html"""
TIMES: Final = 7
LARGEST_PAGE: Final = 1024 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"""
ITEM: Final = 2200
"""Bytes of a usual run's item, which a page counts whole, even if the request wants a part of it."""
Row = tuple[str, float, float, str]


@dataclass
class History:
    """A table with the runs of jobs, each job's a minute apart, the newest now."""

    size: int
    """Runs of the job `import`."""
    others: int = 0
    """How many other jobs there are, job-1 and so on."""
    url: str = ""
    read: int = 0
    """How many items were read."""
    now: float = field(default_factory=time.time)

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that lead to it."""
        names = {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "eu-west-1"}
        return {**names, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}

    @cached_property
    def launched(self) -> list[str]:
        """When each run was launched, the oldest first."""
        return [at(self.now - EVERY_SECONDS * (self.size - number)) for number in range(self.size)]

    def item(self, number: int) -> dict[str, Any]:
        """A run: of ten, one failed."""
        failed = number % 10 == 0
        began = datetime.fromisoformat(self.launched[number]).timestamp()
        last = {"outcome": "failed" if failed else "succeeded", "reason": f"it ended with exit code {int(failed)}"}
        return {
            **{"run": f"{number:032x}", "state": "FAILED" if failed else "SUCCEEDED", "trigger": "schedule"},
            **{"schedule": "often", "launchedAt": self.launched[number], "endedAt": at(began + 30 + number % 60)},
            **{
                "requested": 1,
                "attempts": 1 + failed,
                "request": "{}",
                "succeeded": int(not failed),
                "failed": int(failed),
                "stopped": 0,
            },
            **{"costUsd": 0.001, "last": last, "failures": []},
        }

    def query(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A page of the newest runs, as the request asks for it."""
        assert (asked["IndexName"], asked["ScanIndexForward"]) == ("history", False)
        assert "FilterExpression" not in asked
        values, key = asked["ExpressionAttributeValues"], asked.get("ExclusiveStartKey")
        last = bisect.bisect_left(self.launched, key["launchedAt"]["S"]) if key else self.size
        if ":until" in values:
            last = min(last, bisect.bisect_right(self.launched, values[":until"]["S"]))
        begin = bisect.bisect_left(self.launched, values.get(":since", {"S": ""})["S"])
        if values[":pk"]["S"] != "import":
            begin = max(begin, self.size - RUNS_OF_OTHERS)
        first = max(begin, last - min(asked["Limit"], LARGEST_PAGE // ITEM))
        self.read += last - first
        more = {"LastEvaluatedKey": {"launchedAt": {"S": self.launched[first]}}} if first > begin else {}
        names: dict[str, str] = asked["ExpressionAttributeNames"]
        wanted = {names[it.split(".")[0].strip()] for it in asked["ProjectionExpression"].split(",")}
        items = (self.item(it) for it in reversed(range(first, last)))
        return {"Items": [typed({k: v for k, v in it.items() if k in wanted}) for it in items], **more}

    def answer(self, path: str, target: str, asked: bytes) -> dict[str, Any]:
        """The answer to a request, by its path or its target."""
        if target.endswith(".Query"):
            return self.query(json.loads(asked))
        if target.endswith(".GetResources"):
            return self.listed(json.loads(asked).get("PaginationToken", ""))
        assert "/functions/" in path, path
        name = unquote(path).partition("/functions/")[2].partition("/")[0].rpartition(":")[2]
        definition = f"{DECLARED['taskDefinition'].rpartition('/')[0]}/{name}:7"
        # Without schedules: they are in another service.
        given = {**DECLARED, "job": name, "taskDefinition": definition, "schedules": [], "scheduling": None}
        variables = {"LAUNCHER_SETTINGS": json.dumps(given)}
        return {"FunctionName": name, "Role": "r", "Environment": {"Variables": variables}}

    def listed(self, token: str) -> dict[str, Any]:
        """A page of the functions."""
        names, begin = ["import", *(f"job-{it + 1}" for it in range(self.others))], int(token or 0)
        arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
        page = [
            {"ResourceARN": f"{arn}{it}", "Tags": [{"Key": JOB_TAG, "Value": it}]}
            for it in names[begin : begin + LISTED_AT_ONCE]
        ]
        more = begin + LISTED_AT_ONCE < len(names)
        return {"ResourceTagMappingList": page, "PaginationToken": str(begin + LISTED_AT_ONCE) if more else ""}


@contextmanager
def history_endpoint(size: int, others: int = 0) -> Generator[History]:
    """A table with so many runs, and so many other jobs, on a free port of 127.0.0.1, until the block is left."""
    history = History(size, others)
    assert len(history.launched) == size

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.dumps(history.answer(self.path, self.headers.get("x-amz-target", ""), asked)).encode()
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: %d\r\n\r\n%s"
                % (len(body), body)
            )

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    history.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield history
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rows() -> list[Row]:
    """Seconds from the start of the command to its first row, and to its end: Python and boto3 included."""
    first, whole = list[float](), list[float]()
    with history_endpoint(RUNS) as endpoint:
        command = [sys.executable, "-m", "fargate_job_launcher.operate", "history", "import"]
        environ = {"PATH": os.environ["PATH"], **endpoint.environ}
        for _ in range(TIMES):
            began = time.perf_counter()
            with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as running:
                out = cast("Any", running.stdout)
                while not out.readline().startswith("0"):
                    pass
                first.append(time.perf_counter() - began)
                out.read()
            assert running.returncode == 0
            whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        subprocess.run([*command, "--since", "90d"], env=environ, stdout=subprocess.DEVNULL, check=True)
        everything = time.perf_counter() - began
    detail = f"seconds, the whole command {statistics.median(whole):.2f}; all runs {everything:.1f}"
    return [(f"history of {RUNS:,} runs: first page", statistics.median(first), 1, detail)]


if __name__ == "__main__":
    print(datetime.now(UTC), rows())
