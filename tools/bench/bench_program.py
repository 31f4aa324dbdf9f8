"""A part of `make bench`: the program for 1, 50 and 500 launchers, compared with the same resources written flat in one
file.

The flat file is generated from a recording of the component: the same resources, the same inputs, the same outputs of
one resource in the inputs of another, and no component around them.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, cast

import pulumi
from fargate_job_launcher.sandbox import Stack
from fargate_job_launcher.sandbox.engine.program import run_program

from tools.recording import PROGRAM, Recorded, program, record, recorder

RUNS: Final = {1: 9, 50: 5, 500: 2}
"""Five hundred launchers take most of a minute in either form."""
LIMIT: Final = 1.15

COMPONENT: Final = """
from fargate_job_launcher import FargateJobLauncher
for number in range({jobs}):
    FargateJobLauncher(
        f"job-{{number}}",
        {{
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/report:1",
            "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_ids": ["sg-1"],
            "runs": {{
                "table_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/jobs",
                "supervisor_role_arn": "arn:aws:iam::123456789012:role/jobs-supervisor",
                "notice_topic_arn": "arn:aws:sns:eu-west-1:123456789012:jobs-notices",
            }},
            "environment": {{"A": "1"}},
            "overrides": {{"environment": ["DATE"], "max_count": 5}},
            "tags": {{"owner": "platform"}},
        }},
    )
"""
Row = tuple[str, float, float, str]


def rows() -> list[Row]:
    """Ratios of the shortest runs, taken in turn, each in a process of its own: other work of the machine only adds."""
    with tempfile.TemporaryDirectory() as folder:
        measured = {jobs: _measured(Path(folder), jobs) for jobs in RUNS}
    found: list[Row] = []
    for jobs, (ours, flat) in measured.items():
        # The time of one launcher is mostly the import of Pulumi and AWS, the same in both.
        found.append(_row(f"program of {jobs} launchers / written flat, time", ours, flat, 0, "s"))
        found.append(_row(f"program of {jobs} launchers / written flat, memory", ours, flat, 1, "MiB"))
    ours, flat = (_growth({jobs: min(it[which][0]) for jobs, it in measured.items()}) for which in (0, 1))
    # Pulumi's SDK itself grows a little faster than the number of resources; the component must not add to that.
    detail = f"{ours:.2f} / {flat:.2f}: the time of one launcher among 500 by that of one among 50"
    return [*found, ("growth from 50 to 500 / written flat", ours / flat, LIMIT, detail)]


def _growth(seconds: dict[int, float]) -> float:
    """The time of a launcher among 500, divided by that among 50: 1 is linear."""
    each = [(seconds[jobs] - seconds[1]) / (jobs - 1) for jobs in (50, 500)]
    return each[1] / each[0]


def _row(name: str, ours: list[list[float]], flat: list[list[float]], at: int, unit: str) -> Row:
    one, other = min(ours[at]), min(flat[at])
    return name, one / other, LIMIT, f"{one:.2f} {unit} / {other:.2f} {unit}, least of {len(ours[at])}"


def _measured(folder: Path, jobs: int) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds and MiB of each run: of the component, and of the flat file."""
    programs: list[Path] = []
    for name, source in (("component", COMPONENT.format(jobs=jobs)), ("flat", flat_source(folder, jobs))):
        path = folder / f"{name}-{jobs}"
        path.mkdir()
        program(path, source)
        programs.append(path)
    both: list[list[list[float]]] = [[[], []], [[], []]]
    for _ in range(RUNS[jobs]):
        for path, kept in zip(programs, both, strict=True):
            done = subprocess.run(
                [sys.executable, "-m", "tools.bench.bench_program", str(path)],
                capture_output=True,
                text=True,
                check=True,
                cwd=PROGRAM,
            )
            for number, text in enumerate(done.stdout.split()):
                kept[number].append(float(text))
    return both[0], both[1]


def flat_source(folder: Path, jobs: int) -> str:
    """The resources of this number of launchers, written flat: one launcher's, recorded, with its name replaced."""
    (folder / f"recorded-{jobs}").mkdir()
    recording = record(program(folder / f"recorded-{jobs}", COMPONENT.format(jobs=1)))
    made = [it for it in recording.resources.values() if it.kind.startswith("aws:")]
    one = "\n".join(_written(it, made[:number]) for number, it in enumerate(made))
    lines = ["import pulumi", "import pulumi_aws as aws", "from fargate_job_launcher.function import archive"]
    return "\n".join(
        [*lines, *(one.replace("job-0", f"job-{job}").replace("job_0", f"job_{job}") for job in range(jobs))]
    )


def _written(resource: Recorded, before: list[Recorded]) -> str:
    """One resource as a person would write it."""
    kind = resource.kind.split(":")
    module = {"lambda": "lambda_"}.get(kind[1].partition("/")[0], kind[1].partition("/")[0])
    inputs = {_snake(key): _expression(value, before) for key, value in resource.inputs.items()}
    waits = [_variable(it) for it in before if it.urn in resource.dependencies]
    options = f"pulumi.ResourceOptions(depends_on=[{', '.join(waits)}])" if waits else "None"
    given = "".join(f"\n    {key}={value}," for key, value in inputs.items())
    return f'{_variable(resource)} = aws.{module}.{kind[2]}(\n    "{resource.name}",{given}\n    opts={options},\n)'


def _expression(value: Any, before: list[Recorded]) -> str:
    if isinstance(value, pulumi.AssetArchive):
        return "archive()"
    if isinstance(value, dict):
        mapping = cast("dict[str, Any]", value)
        return "{" + ", ".join(f"{key!r}: {_expression(it, before)}" for key, it in mapping.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_expression(it, before) for it in cast("list[Any]", value)) + "]"
    if not isinstance(value, str):
        return repr(int(value) if isinstance(value, float) and value.is_integer() else value)
    references = {
        str(it.outputs[key]): f"{_variable(it)}.{key}"
        for key in ("name", "arn")
        for it in before
        if it.outputs.get(key)
    }
    # The longer value comes first: an ARN contains the name at its end.
    known = sorted((it for it in references if len(it) > 8), key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, known)) + ")", value) if known else [value]
    written = [references.get(it, repr(it)) for it in pieces if it]
    if len(written) == 1:
        return written[0]
    return f"pulumi.Output.concat({', '.join(written)})"


def _variable(resource: Recorded) -> str:
    return f"{resource.name}_{resource.kind.rpartition(':')[2]}".replace("-", "_").lower()


def _snake(key: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", key).lower()


def main(folder: str) -> None:
    """One run: the seconds that the program takes, imports left aside, and the peak of memory in MiB."""
    importlib.import_module("pulumi_aws")  # both need it, and it takes longer than ten launchers

    stack = Stack.read(Path(folder), "dev")
    began = time.process_time()
    run_program(stack, recorder(stack.region))
    took = time.process_time() - began
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(took, peak / 1024)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        for row in rows():
            print(json.dumps(row))
