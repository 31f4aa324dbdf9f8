"""`make bench`: the costs of function, program and policy pack, each figure a ratio of two measurements of the same
run.

The budgets are the design's; a ratio above its budget makes the command fail.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import boto3
from botocore.config import Config
from fargate_job_launcher.archive import zipped
from fargate_job_launcher.function import archive
from fargate_job_launcher.handler.awsjson import AwsJson, Credentials
from fargate_job_launcher.handler.calls import Origin, run_task_request
from fargate_job_launcher.handler.ecs import Ecs
from fargate_job_launcher.handler.records import Records
from fargate_job_launcher.handler.supervise import Supervisor
from fargate_job_launcher.handler.table import SERVICE, Table

from tools.bench import bench_history, bench_page, bench_program, policy_bench
from tools.ecs_endpoint import ecs_endpoint
from tools.launching import DECLARED, SETTINGS, Launching, asked
from tools.recording import PROGRAM

COLD_RUNS: Final = 15
WARM_RUNS: Final = 600
ENDS: Final = 600
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
    rows = [
        *cold(),
        *warm(),
        size(),
        *bench_history.rows(),
        *bench_page.rows(),
        *bench_program.rows(),
        policy_bench.analysis(),
    ]
    width = max(len(name) for name, *_ in rows)
    for name, measured, budget, detail in rows:
        verdict = "ok" if measured <= budget else "OVER"
        print(f"{name:<{width}}  {measured:7.2f}  budget {budget:<6g} {verdict:<5} {detail}")
    return 0 if all(measured <= budget for _, measured, budget, _ in rows) else 1


Row = tuple[str, float, float, str]


def cold() -> list[Row]:
    """A new process for each: the import of the function, compared with boto3 and a client of ECS.

    As in Lambda, where the folder of a function's code is read-only, Python finds no compiled code of ours. The signer
    and the HTTP session of botocore alone are 0.47.
    """
    theirs = PROBE.format(code='import boto3; boto3.client("ecs")')
    with tempfile.TemporaryDirectory() as folder:
        for name, asset in archive().assets.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            shutil.copy(cast("Any", asset).path, path)
        ours = f"import sys; sys.path.insert(0, {folder!r})\n" + PROBE.format(code="import handler.app")
        seconds: dict[str, list[float]] = {ours: [], theirs: []}
        memory: dict[str, list[float]] = {ours: [], theirs: []}
        for _ in range(COLD_RUNS):
            for code in (ours, theirs):
                done = subprocess.run(
                    [sys.executable, "-B", "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
                )
                took, peak = done.stdout.split()
                seconds[code].append(float(took))
                memory[code].append(float(peak) / 1024)
    return [
        _row("cold start / boto3 with a client", seconds[ours], seconds[theirs], 0.7, "ms", 1000),
        _row("memory / boto3 with a client", memory[ours], memory[theirs], 0.65, "MiB", 1),
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
    session: dict[str, Any] = {
        "region_name": "eu-west-1",
        "endpoint_url": url,
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
        "config": Config(retries={"total_max_attempts": 1}),
    }
    ecs: Any = boto3.client("ecs", **session)
    dynamodb: Any = boto3.client("dynamodb", **session)
    table: Any = AwsJson(SERVICE, f"{url}/", "eu-west-1", Credentials("a", "b"))
    ours = Launching(_client(url), table=table)
    ours_took, theirs_took = list[float](), list[float]()

    def bare(number: int) -> None:
        request = asked({}, f"bare-{number}")
        item = {"pk": {"S": "bare"}, "sk": {"S": str(number)}, "version": {"N": "1"}}
        put = {"TableName": "runs", "ConditionExpression": "attribute_not_exists(pk)"}
        dynamodb.put_item(Item=item, **put)
        ecs.run_task(**run_task_request(SETTINGS, request, Origin(request.run), count=1))
        dynamodb.put_item(Item={**item, "sk": {"S": f"{number} again"}}, **put)

    for number in range(WARM_RUNS):
        ours_took.append(_time(lambda: ours.launch({}, f"warm-{number}")))  # noqa: B023 - called at once
        theirs_took.append(_time(lambda: bare(number)))  # noqa: B023 - called at once
    many = asked({"count": 1000}, "many")
    result: list[Any] = []
    at_once = _time(lambda: result.append(ours.launch({"count": 1000}, "many")))
    calls = result[0]["attempts"]
    hundred = [
        run_task_request(SETTINGS, many, Origin(many.run), count=10, number=1, chunk=chunk) for chunk in range(100)
    ]
    one_by_one = _time(lambda: [ecs.run_task(**call) for call in hundred])
    return [
        _row("one launch / a bare run_task and two bare writes", ours_took, theirs_took, 1.0, "ms", 1000),
        ("RunTask calls for 1,000 tasks / ceil(n / 10)", calls / 100, 1.0, f"{calls} calls"),
        _row("1,000 tasks in one event / 100 bare calls", [at_once], [one_by_one], 1.10, "ms", 1000),
        _ends(table, dynamodb),
    ]


def _ends(api: Any, dynamodb: Any) -> Row:
    """Ends handled by one instance of the supervisor, ten a batch as its queue brings them, against bare conditional
    writes: how many of these one end takes."""
    records = Records(Table(api, "runs"))
    launching = Launching(_client(api._endpoint.rstrip("/")), table=api)  # pyright: ignore[reportPrivateUsage]
    launched = [launching.launch({}, f"end-{number}") for number in range(ENDS)]
    tasks = [
        {
            "taskArn": it["tasks"][0]["arn"],
            "startedBy": it["startedBy"],
            "taskDefinitionArn": it["taskDefinition"],
            "lastStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "containers": [{"name": "job", "exitCode": 0}],
        }
        for it in launched
    ]

    class Functions:
        def invoke(self, **_: Any) -> None:
            """Lambda takes an event."""

    supervisor = Supervisor(records, None, Functions(), lambda: 0, lambda *_, **__: None)

    def write(number: int) -> None:
        item = {"pk": {"S": "end"}, "sk": {"S": str(number)}, "version": {"N": "1"}}
        dynamodb.put_item(TableName="runs", Item=item, ConditionExpression="attribute_not_exists(pk)")

    took, bare = list[float](), list[float]()
    for at in range(0, ENDS, 10):
        took.append(_time(lambda: supervisor.ended(tasks[at : at + 10])))  # noqa: B023 - called at once
        bare.append(_time(lambda: [write(number) for number in range(at, at + 10)]))  # noqa: B023 - called at once
    return _row("ten ends recorded / ten bare conditional writes", took, bare, 2.0, "ms", 1000)


def size() -> Row:
    """The archive, compressed as Pulumi uploads it: 107 KiB with its docstrings, the remedies, the supervisor, arrays,
    and later launches. The budget, a little more, reveals unintended growth; Lambda accepts 50 MB."""
    kib = len(zipped(archive())) / 1024
    return ("archive in KiB", kib, 110, f"{len(archive().assets)} modules")


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
