"""The sandbox end to end: every environment deployed and launched, and everything that has to fail, failing clearly.

The assertions are about the emulated AWS's own answers, not about our code's reports.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from fargate_job_launcher.sandbox import DeploymentFailed, Emulator, Stack, deploy
from fargate_job_launcher.sandbox.aws.constraints import ConstraintViolation
from fargate_job_launcher.sandbox.aws.server import ACCOUNT, EmulatorFailed
from fargate_job_launcher.sandbox.engine.jobs import LaunchFailed, launch

from tools.recording import ENVIRONMENTS, PROGRAM, program


def command(*arguments: str, folder: Path = PROGRAM) -> subprocess.CompletedProcess[str]:
    """The command behind `make up`, as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "fargate_job_launcher.sandbox", *arguments, "--program", str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def assert_nothing_listens(output: str) -> None:
    (endpoint,) = set(re.findall(r"http://127\.0\.0\.1:\d+", output))
    assert_gone(endpoint)


def answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


def assert_gone(endpoint: str) -> None:
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(endpoint, timeout=10)


def test_each_environment_is_deployed_and_each_of_its_jobs_launched(environment: str) -> None:
    stack = Stack.read(PROGRAM, environment)
    with Emulator(region=stack.region, account=stack.account) as aws:
        deployment = deploy(stack, aws)
        ecs, lambda_ = aws.client("ecs"), aws.client("lambda")
        jobs: dict[str, Any] = json.loads(stack.config["fargate-job-launcher:jobs"])
        assert list(deployment.launchers) == list(jobs)
        for name, config in jobs.items():
            launcher = deployment.launchers[name]
            exported = deployment.outputs["jobs"][name]
            variable = config["overrides"]["environment"][0]
            launched = launch(aws, launcher, {"environment": {variable: "2026-01-31"}})

            (task,) = launched.tasks
            assert task["taskDefinitionArn"] == exported["taskDefinitionArn"]
            assert task["clusterArn"] == deployment.outputs["clusterArn"]
            (override,) = task["overrides"]["containerOverrides"]
            assert override["environment"] == [{"name": variable, "value": "2026-01-31"}]
            definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
            assert definition["cpu"] == str(config["cpu"])
            assert definition["executionRoleArn"] == exported["executionRoleArn"]
            assert definition["taskRoleArn"] == exported["taskRoleArn"]
            function = lambda_.get_function_configuration(FunctionName=exported["functionName"])
            assert function["Role"] == exported["launcherRoleArn"]

            (place,) = launched.result["tasks"]
            groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=place["logGroup"])["logGroups"]
            assert [group["logGroupName"] for group in groups] == [place["logGroup"]]
            assert place["logStream"] == f"job/job/{place['id']}"
        subnets = aws.client("ec2").describe_subnets(SubnetIds=deployment.outputs["subnetIds"])["Subnets"]
        network = json.loads(stack.config["fargate-job-launcher:network"])
        assert len({subnet["AvailabilityZone"] for subnet in subnets}) == network["availabilityZones"]
        gateways = aws.client("ec2").describe_nat_gateways()["NatGateways"]
        strategy = network.get("natGateways", "none")
        assert len(gateways) == {"none": 0, "single": 1, "one_per_az": network["availabilityZones"]}[strategy]


def test_make_up_shows_the_resources_the_task_and_the_grants_and_leaves_nothing(environment: str) -> None:
    done = command("up", "--stack", environment, "--event", '{"environment": {"REPORT_DATE": "x"}}')
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    task = re.search(rf"task +(arn:aws:ecs:eu-west-1:{ACCOUNT}:task/\S+)", done.stdout)
    assert task is not None
    assert re.search(r"state  (PROVISIONING|PENDING|RUNNING)", done.stdout)
    task_id = task[1].rpartition("/")[2]
    assert f"log    /fargate-job-launcher/{environment}/nightly-report/job job/job/{task_id}" in done.stdout
    assert re.search(r"may   iam:PassRole on role/nightly-report-execution-\w+, role/nightly-report-task-", done.stdout)
    assert re.search(r"created  awsx:ec2:Vpc  jobs  vpc-\w+", done.stdout)
    assert re.search(r"\n\d+ resources of AWS, and \d+ that awsx makes for the network, in [\d.]+ s", done.stdout)
    # A task that fails is launched again; one that runs too long is stopped and reported.
    failing = re.findall(r"failing  (nightly-report/\w+)(/1/[\w-]{16})?  STOPPED  .*exit code (\d)", done.stdout)
    assert [(again[:3], code) for _, again, code in failing] == [("", "1"), ("/1/", "0")]
    assert failing[0][0] == failing[1][0]
    assert re.search(r"runaway  nightly-report/\w+  STOPPED  .*ran longer than 60 minutes, exit code 143", done.stdout)
    assert "nightly-report failed: ran longer than 60 minutes. It was tried once." in done.stdout
    assert_nothing_listens(done.stdout)


def test_a_dry_run_shows_what_a_launch_would_do() -> None:
    done = command("up", "--job", "import", "--event", '{"dryRun": true, "count": 2}')
    assert done.returncode == 0, done.stderr
    assert "\nWould launch import\n" in done.stdout
    assert '"action": "iam:PassRole"' in done.stdout
    assert re.search(r'"maxCostUsdPerHour": 0\.\d+', done.stdout)
    assert "state  RUNNING" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--event", "[1"], "EVENT: '[1' is not JSON"),
        (["--port", "http"], "PORT: 'http' is not a port; give a number from 1 to 65535"),
        (
            ["--stack", "nope"],
            f"Pulumi.nope.yaml: there is no such file; stacks of this program: {', '.join(ENVIRONMENTS)}",
        ),
        (["--job", "nope"], "JOB: stack dev has no job 'nope'; it has nightly-report, import"),
        (
            ["--event", '{"count": 11}'],
            "nightly-report: REJECTED, 0 of 0 tasks: Rejected: count: not declared; the job's owner allows it",
        ),
        (["--event", "7"], "event: a JSON object is expected, not a number"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(arguments: list[str], said: str) -> None:
    done = command("up", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    if "http://" in done.stdout:
        assert_nothing_listens(done.stdout)


def test_a_port_in_use_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command("up", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: port {port} of 127.0.0.1 cannot be used: Address already in use; PORT=0 takes any free one\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"config:\n  a: [1", "Pulumi.dev.yaml: is not YAML: expected ',' or ']', but got '<stream end>', line 2"),
        (b"\xff\xfe\xff", "Pulumi.dev.yaml: "),
        (b"- a\n", "Pulumi.dev.yaml: a mapping is expected"),
        (b"config: 7", "Pulumi.dev.yaml: config: a mapping is expected"),
        (
            b"config:\n  aws:region: eu-west-1\n  jobs: 7",
            "fargate-job-launcher:network: is missing; Pulumi.yaml declares",
        ),
        (
            b"config:\n  aws:region: eu-west-1\n  network: 7",
            "fargate-job-launcher:network: 7 is not the object that Pulumi.yaml declares; write names with a value",
        ),
        (
            b"config:\n  aws:region: eu-west-1\n  network: {}\n  jobs: true",
            "fargate-job-launcher:jobs: true is not the object that Pulumi.yaml declares; write names with a value",
        ),
        (
            b"config:\n  aws:region: eu-wset-1\n  network: {}\n  jobs: {}",
            "Pulumi.dev.yaml: aws:region: 'eu-wset-1' is no region of AWS; did you mean eu-west-1?",
        ),
        (b"config:\n  a: {secure: AAA}", "Pulumi.dev.yaml: a: is encrypted, and only the Pulumi CLI can read it"),
    ],
)
def test_an_unreadable_stack_file_is_one_line(tmp_path: Path, text: bytes, said: str) -> None:
    shutil.copy(PROGRAM / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.dev.yaml").write_bytes(text)
    done = command("up", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_config_that_the_component_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROGRAM / file, tmp_path)
    text = (PROGRAM / "Pulumi.dev.yaml").read_text().replace("cpu: 256", "cpu: 300")
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    done = command("up", folder=tmp_path)
    assert done.returncode == 1
    assert "cpu: 300 is no Fargate size; allowed: 256, 512" in done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_listens(done.stdout)


def test_an_unknown_resource_type_is_named(tmp_path: Path, emulator: Emulator) -> None:
    stack = program(
        tmp_path,
        "import pulumi_aws as aws\naws.glue.CatalogDatabase('news')",
    )
    with pytest.raises(
        DeploymentFailed, match=r"news \(aws:glue/catalogDatabase:CatalogDatabase\): .* does not know this"
    ):
        deploy(stack, emulator)


def test_an_unknown_input_is_named_and_not_skipped(tmp_path: Path, emulator: Emulator) -> None:
    stack = program(tmp_path, "import pulumi_aws as aws\naws.sns.Topic('t', tracing_config='Active')")
    with pytest.raises(DeploymentFailed, match="does not know its input tracingConfig"):
        deploy(stack, emulator)


def test_what_aws_refuses_is_told_with_the_resource_and_its_words(tmp_path: Path) -> None:
    source = """
import pulumi_aws as aws
aws.iam.RolePolicy("p", role="nobody", policy="{}")
"""
    program(tmp_path, source)
    done = command("up", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "p (aws:iam/rolePolicy:RolePolicy): An error occurred (NoSuchEntity) when calling the PutRolePolicy" in (
        done.stderr
    )
    assert_nothing_listens(done.stdout)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("aws.ecs.ClusterCapacityProviders('c', cluster_name='c', capacity_providers=[''], "
         "default_capacity_provider_strategies=[{'capacity_provider': 'FARGATE', 'weight': 1001}])",
         "defaultCapacityProviderStrategy[0].weight: 1001, at most 1000"),
        ("aws.cloudwatch.LogGroup('g', name='no spaces')", "logGroupName: 'no spaces' does not match"),
        ("aws.iam.Role('r', name='r' * 65, assume_role_policy='{}')", "RoleName: 65 characters, at most 64"),
        ("aws.ecs.TaskDefinition('t', family='t', network_mode='vpc', container_definitions='[]')",
         "networkMode: 'vpc' is not one of bridge, host, awsvpc, none"),
    ],
)  # fmt: skip
def test_a_value_that_aws_would_refuse_fails_before_it_reaches_the_emulator(
    tmp_path: Path, emulator: Emulator, source: str, said: str
) -> None:
    stack = program(tmp_path, f"import pulumi_aws as aws\n{source}")
    with pytest.raises(DeploymentFailed) as raised:
        deploy(stack, emulator)
    assert said in str(raised.value)


def test_a_request_of_the_function_is_held_against_the_service_model_too(emulator: Emulator) -> None:
    ecs = emulator.client("ecs")
    with pytest.raises(ConstraintViolation, match="propagateTags: 'ALL' is not one of TASK_DEFINITION"):
        ecs.run_task(cluster="c", taskDefinition="t", propagateTags="ALL")
    # The same on the wire, as the function's own client sends it.
    request = urllib.request.Request(
        emulator.endpoint,
        data=json.dumps({"taskDefinition": "t", "propagateTags": "ALL"}).encode(),
        headers={"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=600)
    body = json.loads(refused.value.read())
    assert refused.value.code == 400
    assert body["__type"] == "InvalidParameterException"
    assert body["message"] == "propagateTags: 'ALL' is not one of TASK_DEFINITION, SERVICE, NONE"


def test_a_function_that_cannot_launch_says_why_and_it_is_an_error(environment: str) -> None:
    stack = Stack.read(PROGRAM, environment)
    with Emulator(region=stack.region, account=stack.account) as aws:
        deployment = deploy(stack, aws)
        launcher, other = list(deployment.launchers.values())[:2]
        ecs = aws.client("ecs")
        ecs.deregister_task_definition(taskDefinition=launcher.outputs["task_definition_arn"])
        with pytest.raises(LaunchFailed, match="FAILED, 0 of 1 tasks: ClientException: TaskDefinition is inactive"):
            launch(aws, launcher, {})
        ecs.delete_cluster(cluster=deployment.outputs["clusterArn"])
        with pytest.raises(LaunchFailed, match="FAILED, 0 of 1 tasks: ClusterNotFoundException: Cluster not found"):
            launch(aws, other, {})
        assert ecs.list_tasks(cluster=deployment.outputs["clusterArn"])["taskArns"] == []


def test_the_emulator_ends_with_its_starter_even_when_that_is_killed() -> None:
    source = (
        "from fargate_job_launcher.sandbox import Emulator\n"
        "import time\n"
        "with Emulator() as aws:\n"
        "    print(aws.endpoint, aws._folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        endpoint, folder = starter.stdout.readline().split()
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=600) as answer:
            assert answer.status == 200
        starter.kill()
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and (Path(folder).exists() or answers(endpoint)):
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert_gone(endpoint)


def test_the_sandbox_stays_up_until_it_is_interrupted() -> None:
    arguments = [sys.executable, "-m", "fargate_job_launcher.sandbox", "serve", "--program", str(PROGRAM)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lines: list[str] = []
        with contextlib.suppress(StopIteration):
            while "aws iam list-roles" not in (line := next(serving.stdout)):
                lines.append(line)
        output = "".join(lines)
        function = re.search(r"lambda invoke --function-name (\S+)", output)
        assert function is not None
        endpoint = re.findall(r"AWS_ENDPOINT_URL=(\S+)", output)[0]
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=600) as answer:
            assert answer.status == 200
        serving.send_signal(signal.SIGINT)
        assert serving.wait(180) == 130
    assert_gone(endpoint)


def test_nothing_of_the_callers_own_aws_settings_reaches_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-real-one")
    with Emulator() as aws:
        assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT
        environment = Path(f"/proc/{aws._process.pid}/environ")  # pyright: ignore[reportPrivateUsage]
        if environment.exists():
            assert b"a-real-one" not in environment.read_bytes()
            assert b"AWS_PROFILE" not in environment.read_bytes()


def test_an_emulator_that_dies_at_once_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setattr(sys, "executable", false)
    with pytest.raises(EmulatorFailed, match="the emulator ended with 1"), Emulator():
        pass
