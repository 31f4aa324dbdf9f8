"""Arguments with few values: what a type checker reports in a program, and that the types have what is taken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from fargate_job_launcher import FargateJobLauncherArgs, JobNetworkArgs
from fargate_job_launcher.checks import choices
from fargate_job_launcher.checks.containers import ARCHITECTURES
from fargate_job_launcher.handler import fargate
from fargate_job_launcher.handler.outcome import KINDS
from fargate_job_launcher.network import NAT_GATEWAYS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "your-own-program.md"

WRONG: Final = (
    'common["capacity"] = "on-demand"',
    'common["architecture"] = "x86-64"',
    'common["cpu"] = 300',
    'common["overlap"] = "queue"',
    'common["log_retention_days"] = 31',
    'common["adopt_logs"] = ["logs"]',
    'common["overrides"] = {"capacity": ["SPOT"]}',
    'common["supervision"] = {"retry_on": ["fail"]}',
    'common["log_options"] = {"mode": "nonblocking"}',
    'common["sidecars"] = [{"name": "a", "image": "b", "job_waits_for": "healthy"}]',
    'FargateJobLauncher("c", {"image": "a", "cluster_arn": "b", "subnet_ids": [], "security_group_ids": [], '
    '"capacity": "on-demand"})',
    'JobCluster("other", {"container_insights": "on"})',
    'JobNetwork("other", {"subnets": "privat"})',
    'JobNetwork("other", {"nat_gateways": "one"})',
    'JobNetwork("other", {"subnet_ranges": "auto"})',
    'JobNetwork("other", {"flow_log_days": 31})',
)
"""Lines of a program, each with a value that its argument does not take."""


def errors_in(source: str, folder: Path) -> set[int]:
    """The numbers, from 0, of the lines in which basedpyright finds an error."""
    (folder / "program.py").write_text(source)
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    command = ["-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable, "program.py"]
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return {it["range"]["start"]["line"] for it in found["generalDiagnostics"] if it["severity"] == "error"}


def test_a_type_checker_holds_each_choice_and_takes_the_program_of_the_docs_that_keeps_args_in_a_variable(
    tmp_path: Path,
) -> None:
    found = re.search(r"<!-- annotated: .*? -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    right = found[1]
    assert errors_in(right, tmp_path) == set()
    first = right.count("\n")
    assert errors_in(right + "\n".join(WRONG), tmp_path) == set(range(first, first + len(WRONG)))
    # Without the annotation the whole call is an error, which is why the page asks for it.
    plain = right.replace("common: FargateJobLauncherArgs", "common").replace(
        'cast(Capacity, pulumi.Config().get("capacity") or "spot")', '"on-demand"'
    )
    lines = [plain.splitlines()[it].strip() for it in errors_in(plain, tmp_path)]
    assert any(it.startswith("FargateJobLauncher(name") for it in lines)
    assert not any("on-demand" in it for it in lines)


def test_the_values_of_a_choice_are_those_that_are_taken() -> None:
    assert choices.OF_A_JOB["architecture"] == tuple(ARCHITECTURES)
    assert choices.OF_A_JOB["cpu"] == tuple(fargate.SIZES)
    assert set(choices.RETRYABLE) == {*KINDS} - {"succeeded", "stopped"}
    assert choices.OF_A_NETWORK["nat_gateways"] == tuple(NAT_GATEWAYS)


@pytest.mark.parametrize("declared", [FargateJobLauncherArgs, JobNetworkArgs])
def test_at_run_time_a_choice_is_of_a_plain_type_which_pulumis_analyzer_takes(declared: type) -> None:
    own = choices.OF_A_JOB if declared is FargateJobLauncherArgs else choices.OF_A_NETWORK
    hints = {key: it for key, it in declared.__annotations__.items() if key in own}
    assert len(hints) >= 4
    assert "Literal" not in str(hints)
