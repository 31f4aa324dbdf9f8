"""The costs of the policy pack: a stack of 500 launchers analysed over the real protocol, compared with its program's
run.

The program runs under mocks, which answer at once: with Pulumi's engine and the provider it takes longer, the analysis
does not. The analysis is the engine's: each resource and then the whole stack, one request after the other.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tools.pack.analyzer import analyzer, of_one, of_stack
from tools.pack.judging import things
from tools.recording import program, record

LAUNCHERS: Final = 500
BUDGET: Final = 0.25
SOURCE: Final = """
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher

cluster = aws.ecs.Cluster("jobs")
for number in range({launchers}):
    FargateJobLauncher(
        f"job-{{number}}",
        {{
            "image": "public.ecr.aws/docker/library/python@sha256:{digest}",
            "cluster_arn": cluster.arn,
            "subnet_ids": ["subnet-1", "subnet-2"],
            "security_group_ids": ["sg-1"],
            "log_retention_days": 365,
        }},
    )
"""


def analysis(launchers: int = LAUNCHERS) -> tuple[str, float, float, str]:
    """The row of `make bench`: what is measured, the ratio, its budget, the figures.

    Both are seconds of processor time, of one process each: other work of the machine does not count.
    """
    with tempfile.TemporaryDirectory() as folder:
        stack = program(Path(folder), SOURCE.format(launchers=launchers, digest="0a" * 32))
        began = time.process_time()
        recording = record(stack)
        ran = time.process_time() - began
    listed = things(recording)
    # The engine writes its requests in Go, while the program runs.
    requests, whole = [of_one(it) for it in listed], of_stack(listed)
    with analyzer(stack="prod", preview=True) as pack:
        began = pack.processor_seconds()
        found = [one for request in requests for one in pack.ask(request)]
        each = pack.processor_seconds() - began
        found += pack.ask(whole)
        analysed = pack.processor_seconds() - began
    if found:
        sys.exit(f"the launchers do not comply with their own policies: {found[0]}")
    detail = (
        f"{analysed:.1f} s ({each:.1f} s before creation, {analysed - each:.1f} s over the stack) / {ran:.1f} s, "
        f"{len(listed)} resources of {launchers} launchers"
    )
    return "policies of a stack / its program's run", analysed / ran, BUDGET, detail
