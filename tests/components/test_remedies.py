"""A value of the wrong kind: the message names the field, the value and the rule, and its remedy is accepted."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Final

import pytest
from fargate_job_launcher import FargateJobLauncherArgs, JobClusterArgs, JobNetworkArgs, JobRunsArgs, PayloadBucketArgs
from fargate_job_launcher.checks import remedies, shapes
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.sandbox import DeploymentFailed, Emulator, deploy

from tools.declared import nodes
from tools.recording import program

COMPONENTS: Final = (FargateJobLauncherArgs, JobClusterArgs, JobNetworkArgs, PayloadBucketArgs, JobRunsArgs)
VALUES: Final[tuple[Any, ...]] = (
    *("python x.py", "512", "yes", "A=1", "", True, False, 7, 1.5, [], ["a"], ["A=1"], ["a", 1], {}, {"a": "b"}),
    *([{"name": "A", "value": "1"}], "sh -c 'a b'", "it's", "a | b", "subnet-1, subnet-2"),
    *('["a", "b"]', '{"A": "1"}', '{"/tmp": 64}', '[{"image": "a", "name": "b"}]', "{", "A=1 B=2", "2 GB", "30s"),
)
"""Of every kind that JSON has."""
KINDS: Final = r"is not text|is not true or false|is not a list|is not an object|is a truth value|is not a whole number"


def held(path: str, value: Any) -> dict[str, Any]:
    for step in reversed(path.replace("[0]", ".[0]").split(".")):
        value = [value] if step == "[0]" else {step: value}
    return value


def said(declared: Any, path: str, value: Any) -> list[str]:
    """The problems with the type of this one value."""
    problems: list[str] = []
    shapes.read("", held(path, value), declared, problems)
    return [it for it in problems if re.match(rf"{re.escape(path)}: .*({KINDS})", it, re.DOTALL)]


ARGUMENTS: Final = [(declared, path) for declared in COMPONENTS for path, hint in nodes(declared) if hint is not float]


@pytest.mark.parametrize(("declared", "path"), ARGUMENTS, ids=lambda it: it if isinstance(it, str) else it.__name__)
def test_each_argument_says_of_each_wrong_kind_what_to_write_and_then_takes_that(declared: Any, path: str) -> None:
    wrong = [(value, problems[0]) for value in VALUES if (problems := said(declared, path, value))]
    assert len(wrong) >= 5
    for value, problem in wrong:
        hidden = "secrets" in path
        assert ("not shown" in problem) is hidden
        assert hidden or problem.startswith(f"{path}: {value!r} is")
        remedy = problem.rpartition("; ")[2]
        written = re.fullmatch(r"write (.+?)( or \S+|( for all of its defaults)?, or leave it out)?", remedy)
        if written is None:
            given = r"give (one (text|of)|a (number|list)|the object, not its|its JSON)|leave it out"
            assert re.match(given, remedy), problem
        else:
            assert said(declared, path, ast.literal_eval(written[1])) == [], problem


@pytest.mark.parametrize(
    ("path", "value", "remedy"),
    [
        ("command", "python x.py", "write ['python', 'x.py']"),
        ("command", "python x.py --name 'a b'", "write ['python', 'x.py', '--name', 'a b']"),
        ("command", "cat a | wc -l", "write ['sh', '-c', 'cat a | wc -l']"),
        ("command", "A=1 run", "write ['sh', '-c', 'A=1 run']"),
        ("command", "it's", "write ['sh', '-c', \"it's\"]"),
        ("sidecars[0].command", "serve -p 80", "write ['serve', '-p', '80']"),
        ("health_check.command", "curl -f localhost", "write ['CMD-SHELL', 'curl -f localhost']"),
        ("overrides.command", "yes", "write True"),
        ("overrides.command", ["yes"], "write True or False"),
        ("subnet_ids", "subnet-1,subnet-2", "write ['subnet-1', 'subnet-2']"),
        ("supervision", True, "write {} for all of its defaults, or leave it out"),
        ("supervision", False, "leave it out to have none"),
        ("schedule", "rate(1 hour)", "write {'expression': 'rate(1 hour)'}"),
        ("schedule", "0 3 * * *", "write {'expression': 'cron(0 3 * * ? *)'}"),
        ("schedule", "1 hour", "write {'expression': 'rate(1 hour)'}"),
        ("schedule", "every day", "write {'expression': 'rate(1 day)'}"),
        ("schedule", True, "write {'expression': 'rate(1 day)'}"),
        ("schedule", ["rate(1 hour)"], "write {'expression': 'rate(1 day)'}"),
        ("schedules", "rate(1 hour)", "write {'NAME': {'expression': 'rate(1 day)'}}, or leave it out"),
        (
            "efs_volumes",
            True,
            "write [{'access_point_id': 'fsap-0123456789abcdef0', 'file_system_id': "
            "'fs-0123456789abcdef0', 'path': '/data'}]",
        ),
        ("writable_paths", True, "write {'/tmp': 64}, or leave it out"),
        ("tags", False, "leave it out to have none"),
        ("callbacks", True, "write ['…']"),
        ("not_secret", 5, "write ['5']"),
        ("supervision.retry_exit_codes", 75, "write [75]"),
        ("environment", ["A=1", "B=x=y"], "write {'A': '1', 'B': 'x=y'}"),
        ("environment", [{"name": "A", "value": "1"}], "write {'A': '1'}"),
        ("environment.A", True, "write 'true'"),
        ("task_policy", {"Version": "2012-10-17"}, "give its JSON: json.dumps({'Version': '2012-10-17'})"),
        ("task_policy", {"Statement": ["x" * 300]}, "give its JSON: json.dumps(…)"),
        ("event_rule.pattern", {"source": ["a"]}, "give its JSON: json.dumps({'source': ['a']})"),
        ("schedule.event", {"count": 2}, "give its JSON: json.dumps({'count': 2})"),
        ("cpu", "512", "write 512"),
        ("cpu", 0.5, "write 512 (1024 is one vCPU)"),
        ("cpu", 0.3, "write 0 or 1"),
        ("overrides.cpu", "2", "write 2048 (1024 is one vCPU)"),
        ("memory", 0.5, "write 0 or 1"),
        ("cpu", "half", "give a number such as 1, without quotes and without a fraction"),
        ("image", ["nginx"], "write 'nginx'"),
        ("command", '["python", "x.py"]', "write ['python', 'x.py']"),
        ("subnet_ids", '["subnet-1", "subnet-2"]', "write ['subnet-1', 'subnet-2']"),
        ("environment", '{"A": "1"}', "write {'A': '1'}"),
        ("supervision", '{"retries": 2}', "write {'retries': 2}"),
        ("sidecars", {"name": "a", "image": "b"}, "write [{'name': 'a', 'image': 'b'}]"),
        ("environment", "A=1 B='x y'", "write {'A': '1', 'B': 'x y'}"),
        ("environment", "A=1,B=2", "write {'A': '1', 'B': '2'}"),
        ("environment", "A=some words, and more", "write {'A': 'some words, and more'}"),
        ("task_policy", True, """give its JSON, such as '{"Version": "2012-10-17", "Statement": […]}'"""),
        ("image", True, "give one text"),
        ("capacity", True, "give one of on_demand, spot, spot_then_on_demand"),
        ("supervision.retry_on[0]", 1, "give one of failed, never_started, interrupted, timed_out"),
        ("schedule.expression", 5, "give one text"),
        ("user", 1000, "write '1000'"),
        ("cpu", "1 vCPU", "write 1024"),
        ("cpu", ".25 vCPU", "give a number such as 1, without quotes and without a fraction"),
        ("memory", "2 GB", "write 2048"),
        ("memory", "512MiB", "write 512"),
        ("memory", "2 parsecs", "give a number such as 1, without quotes and without a fraction"),
        ("ephemeral_storage_gib", "50GiB", "write 50"),
        ("stop_timeout_seconds", "1m", "write 60"),
        ("supervision.max_runtime_minutes", "1.5 h", "write 90"),
        ("log_retention_days", "2 weeks", "write 14"),
        ("secrets", '{"A": "hunter2"}', "write {'NAME': '…'}"),
        ("secrets", "A=hunter2", "write {'NAME': '…'}"),
        ("secrets.A", 5, "give one text"),
    ],
)
def test_what_is_meant_is_read_from_the_value_where_it_says_so(path: str, value: Any, remedy: str) -> None:
    (problem,) = said(FargateJobLauncherArgs, path, value)
    assert problem.endswith(f"; {remedy}")
    assert "hunter2" not in problem


def test_no_value_however_large_or_odd_breaks_what_is_said_of_it() -> None:
    for value in (
        10**400,
        "9" * 400,
        float("inf"),
        float("nan"),
        "\x00",
        "'" * 999,
        ["\ud800"],
        "[" * 9999,
        "A=" * 999,
    ):
        for path, _ in nodes(FargateJobLauncherArgs):
            assert all(len(it) < 5000 for it in said(FargateJobLauncherArgs, path, value))
    assert remedies.whole("cpu", "1e400") == "give a number such as 1, without quotes and without a fraction"


def test_a_config_says_it_as_yaml() -> None:
    base = {"aws:region": "eu-west-1", "pulumi:disable-default-providers": ["aws"], "network": {}}
    job = {
        "image": "nginx",
        "command": "python x.py",
        "cpu": "512",
        "readOnlyRoot": "no",
        "supervision": {"retryOn": "failed"},
    }
    _, problems = validate({**base, "jobs": {"report": job}}, secret=set())
    assert [it.removeprefix("jobs.report.") for it in problems] == [
        'command: \'python x.py\' is not a list; write ["python", "x.py"]',
        "cpu: '512' is not a whole number; write 512",
        "readOnlyRoot: 'no' is neither true nor false; write false",
        "supervision.retryOn: 'failed' is not a list; write [\"failed\"]",
    ]


BESIDE: Final = """
from fargate_job_launcher import FargateJobLauncher

def job(name):
    return FargateJobLauncher(name, {"image": "nginx", "comand": []})
"""


def test_a_mistake_in_a_program_is_told_with_the_file_and_the_line_and_is_no_configs(
    tmp_path: Path, emulator: Emulator
) -> None:
    (tmp_path / "jobs.py").write_text(BESIDE)
    for source, where in (
        ("import jobs\n\njobs.job('report')\n", "jobs.py, line 5: FargateJobLauncher 'report' cannot be built:\n"),
        ("import pulumi\nraise pulumi.RunError('not today')\n", "__main__.py, line 2: not today"),
        ("import sys\n\nsys.exit('not today')\n", "__main__.py, line 3: not today"),
        ("import sys\nsys.exit(0)\n", "__main__.py, line 2: the program leaves by sys.exit(0)"),
        ("import sys\nsys.exit(3)\n", "__main__.py, line 2: the program leaves by sys.exit(3)"),
    ):
        with pytest.raises(DeploymentFailed) as raised:
            deploy(program(tmp_path, source), emulator)
        assert str(raised.value).startswith(where)
    source = "from fargate_job_launcher import environments\nenvironments.read()\n"
    with pytest.raises(DeploymentFailed, match=r"^the program refuses its config: Pulumi\.dev\.yaml has"):
        deploy(program(tmp_path, source), emulator)
