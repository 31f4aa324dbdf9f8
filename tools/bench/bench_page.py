"""A part of `make bench`: the page of `fargate-job ui` for 1,000 jobs, of which one has 100,000 runs and each other a
hundred, as a browser asks for it."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Final, cast
from urllib.parse import urlsplit

from tools.bench.bench_history import RUNS, TIMES, Row, history_endpoint

JOBS: Final = 1000


def rows() -> list[Row]:
    """Seconds of the first page with its first group of jobs, filled in; and of the other pages."""
    with history_endpoint(RUNS, JOBS - 1) as endpoint:
        command = [sys.executable, "-m", "fargate_job_launcher.operate", "ui", "--no-browser", "-o", "json"]
        environ = {"PATH": os.environ["PATH"], **endpoint.environ}
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as served:
            address = urlsplit(json.loads(cast("str", served.stdout.readline() if served.stdout else ""))["address"])
            try:
                return _measured(address.port or 0, address.path.rstrip("/"), address.query)
            finally:
                served.terminate()


def _measured(port: int, root: str, key: str) -> list[Row]:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    asked.request("GET", f"{root}/?{key}")
    answer = asked.getresponse()
    answer.read()
    cookie = {"cookie": str(answer.getheader("set-cookie")).split(";")[0]}

    def seconds(*paths: str) -> float:
        began = time.perf_counter()
        for path in paths:
            asked.request("GET", f"{root}{path}", headers=cookie)
            answer = asked.getresponse()
            assert answer.status == 200, path
            assert b"problem" not in answer.read().replace(b'id="lost" class="problem"', b""), path
        return time.perf_counter() - began

    first = seconds("/", "/rows?from=0")
    again = statistics.median(seconds("/", "/rows?from=0") for _ in range(TIMES))
    groups = seconds(*(f"/rows?from={it}" for it in range(25, JOBS, 25)))
    others = {
        "a job": seconds("/jobs/import", "/jobs/import/runs"),
        "a day, 25 jobs": seconds("/day", "/day/lanes?from=25"),
        "costs, 25 jobs": seconds("/costs", "/costs/rows?from=25"),
        "costs of 100,000 runs": seconds("/costs/rows?from=0"),
    }
    detail = ", ".join(f"{name} {took:.2f}" for name, took in others.items())
    return [
        (
            f"page of {JOBS:,} jobs: list and first group",
            first,
            1.5,
            f"seconds, again {again:.2f}; all groups {groups:.1f}; {detail}",
        )
    ]


if __name__ == "__main__":
    print(rows())
