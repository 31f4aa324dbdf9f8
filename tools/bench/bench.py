"""`make bench`: the costs of function, program and policy pack, each figure a ratio of two measurements of the same
run.

The budgets are the design's; a ratio above its budget makes the command fail.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import boto3
from botocore.config import Config
from fargate_job_launcher.archive import zipped
from fargate_job_launcher.function import archive
from fargate_job_launcher.handler.awsjson import Credentials
from fargate_job_launcher.handler.ecs import Ecs
from fargate_job_launcher.handler.launch import run_task_request

from tools.bench import bench_program, policy_bench
from tools.ecs_endpoint import ecs_endpoint
from tools.launching import DECLARED, SETTINGS, asked, launcher
from tools.recording import PROGRAM

COLD_RUNS: Final = 15
WARM_RUNS: Final = 600
ENVIRONMENT: Final = {
    "PATH": os.environ["PATH"],
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "LAUNCHER_SETTINGS": json.dumps(DECLARED),
}
PROBE: Final = """
import time
began = time.perf_counter()
{code}
took = time.perf_counter() - began
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, peak)
"""
"""VmHWM, because the peak of getrusage starts at the parent's."""


def main() -> int:
    rows = [*cold(), *warm(), size(), *bench_program.rows(), policy_bench.analysis()]
    width = max(len(name) for name, *_ in rows)
    for name, measured, budget, detail in rows:
        verdict = "ok" if measured <= budget else "OVER"
        print(f"{name:<{width}}  {measured:7.2f}  budget {budget:<6g} {verdict:<5} {detail}")
    return 0 if all(measured <= budget for _, measured, budget, _ in rows) else 1


Row = tuple[str, float, float, str]


def cold() -> list[Row]:
    """A new process for each: the import of the function, compared with boto3 and a client of ECS."""
    ours = PROBE.format(code="import fargate_job_launcher.handler.app")
    # The component's package imports Pulumi; in Lambda there is only the handler.
    ours = f"import sys; sys.path.insert(0, {str(PROGRAM)!r})\n" + ours.replace(
        "fargate_job_launcher.handler", "handler"
    )
    theirs = PROBE.format(code='import boto3; boto3.client("ecs")')
    seconds: dict[str, list[float]] = {ours: [], theirs: []}
    memory: dict[str, list[float]] = {ours: [], theirs: []}
    for _ in range(COLD_RUNS):
        for code in (ours, theirs):
            done = subprocess.run(
                [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
            )
            took, peak = done.stdout.split()
            seconds[code].append(float(took))
            memory[code].append(float(peak) / 1024)
    return [
        _row("cold start / boto3 with a client", seconds[ours], seconds[theirs], 0.75, "ms", 1000),
        _row("memory / boto3 with a client", memory[ours], memory[theirs], 0.8, "MiB", 1),
    ]


def warm() -> list[Row]:
    """One launch against a bare run_task, and a thousand tasks against the hundred calls that they take."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.bench.bench", "serve"],
        cwd=PROGRAM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            return _warm(server.stdout.readline().strip())
        finally:
            server.stdin.close()


def _warm(url: str) -> list[Row]:
    theirs: Any = boto3.client(
        "ecs",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    ours = launcher(_client(url))
    ours_took, theirs_took = list[float](), list[float]()
    for number in range(WARM_RUNS):
        request = asked({}, f"warm-{number}")
        bare = run_task_request(SETTINGS, asked({}, f"bare-{number}"), count=1)
        ours_took.append(_time(lambda: ours.launch(request)))  # noqa: B023 - called at once
        theirs_took.append(_time(lambda: theirs.run_task(**bare)))  # noqa: B023 - called at once
    many = asked({"count": 1000}, "many")
    result: list[Any] = []
    at_once = _time(lambda: result.append(ours.launch(many)))
    calls = result[0]["attempts"]
    hundred = [run_task_request(SETTINGS, many, count=10, chunk=1000 + chunk) for chunk in range(100)]
    one_by_one = _time(lambda: [theirs.run_task(**call) for call in hundred])
    return [
        _row("one launch / a bare run_task", ours_took, theirs_took, 1.10, "ms", 1000),
        ("RunTask calls for 1,000 tasks / ceil(n / 10)", calls / 100, 1.0, f"{calls} calls"),
        _row("1,000 tasks in one event / 100 bare calls", [at_once], [one_by_one], 1.10, "ms", 1000),
    ]


def size() -> Row:
    """The archive, compressed as Pulumi uploads it: 50.4 KiB with its docstrings, the remedies and the supervisor. The
    budget, a little more, reveals unintended growth; Lambda accepts 50 MB."""
    kib = len(zipped(archive())) / 1024
    return ("archive in KiB", kib, 52, f"{len(archive().assets)} modules")


def _client(url: str) -> Ecs:
    return Ecs(f"{url}/", "eu-west-1", Credentials("a", "b"))


def _time(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _row(name: str, ours: list[float], theirs: list[float], budget: float, unit: str, scale: float) -> Row:
    one, other = statistics.median(ours) * scale, statistics.median(theirs) * scale
    return name, one / other, budget, f"{one:.1f} {unit} / {other:.1f} {unit}, medians of {len(ours)}"


def _serve() -> None:
    with ecs_endpoint() as endpoint:
        print(endpoint.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        _serve()
    else:
        sys.exit(main())
