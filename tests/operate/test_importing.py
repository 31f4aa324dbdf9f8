"""`fargate-job import`: what a file becomes, what is reported of the rest, and that the config takes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.operate.errors import JobError
from fargate_job_launcher.operate.importing import imported
from shell import block, command

COPILOT: Final = """\
name: invoice-run
type: Scheduled Job
on:
  schedule: "30 6 * * MON-FRI"
platform: linux/arm64
image:
  location: registry.example.com/team/invoices:7
  credentials: arn:aws:secretsmanager:eu-west-1:123456789012:secret:pull-AbCdEf
  depends_on: {proxy: healthy}
cpu: 512
memory: 1024
retries: 2
timeout: 1h30m
entrypoint: /bin/run --quiet
command: ["invoices", "--all"]
variables:
  LEVEL: info
  DRY: true
  STAGE: ${COPILOT_ENVIRONMENT_NAME}
  DB_PASSWORD: correct-horse-battery
secrets:
  TOKEN: /invoices/token
  KEY: arn:aws:ssm:eu-west-1:123456789012:parameter/key
network:
  vpc: {placement: private}
exec: false
storage:
  ephemeral: 50
  readonly_fs: true
  volumes:
    kept: {path: /kept, efs: {id: fs-0123456789abcdef0, auth: {access_point_id: fsap-0123456789abcdef0}}}
    made: {path: /made, efs: true}
logging: {retention: 14, destination: {Name: cloudwatch}}
sidecars:
  proxy:
    image: registry.example.com/team/proxy:1
    port: 8080
    variables: {PORT: 8080}
    healthcheck: {command: "curl -f localhost", interval: 10s, retries: 4}
publish: {topics: [{name: done}]}
environments:
  live: {cpu: 1024, memory: 2048}
"""

ECSCHEDULE: Final = """\
region: eu-west-1
cluster: jobs
role: eventsRole
rules:
- name: nightly-sum
  scheduleExpression: cron(0 1 * * ? *)
  taskDefinition: sums
  taskCount: 3
  launch_type: FARGATE
  platform_version: LATEST
  containerOverrides:
  - name: app
    command: [sum, --day]
    environment:
      DAY: {{ must_env `DAY` }}
      KIND: all
  - name: side
    command: [x]
- name: weekly-sum
  scheduleExpression: rate(7 days)
  disabled: true
  taskDefinition: sums
  capacityProviderStrategy: [{capacityProvider: FARGATE_SPOT, weight: 1}]
  taskOverride: {cpu: "512", memory: "2048"}
"""

DEFINITION: Final[dict[str, Any]] = {
    "family": "resize",
    "revision": 4,
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "1 vCPU",
    "memory": "2 GB",
    "ephemeralStorage": {"sizeInGiB": 40},
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
    "taskRoleArn": "arn:aws:iam::123456789012:role/resize",
    "executionRoleArn": "arn:aws:iam::123456789012:role/pull",
    "placementConstraints": [],
    "pidMode": "task",
    "tags": [{"key": "team", "value": "media"}],
    "volumes": [
        {"name": "scratch", "host": {}},
        {
            "name": "kept",
            "efsVolumeConfiguration": {
                "fileSystemId": "fs-0123456789abcdef0",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"},
            },
        },
    ],
    "containerDefinitions": [
        {
            "name": "app",
            "image": "registry.example.com/team/resize:3",
            "cpu": 0,
            "command": ["sh", "-c", "resize ${SIZE}"],
            "user": "1000",
            "readonlyRootFilesystem": True,
            "stopTimeout": 60,
            "environment": [{"name": "SIZE", "value": "10"}, {"name": "API_TOKEN", "value": "correct-horse-battery"}],
            "secrets": [
                {"name": "A", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/a"},
                {"name": "B", "valueFrom": "just-a-name"},
            ],
            "mountPoints": [
                {"sourceVolume": "scratch", "containerPath": "/scratch"},
                {"sourceVolume": "kept", "containerPath": "/kept", "readOnly": True},
            ],
            "ulimits": [
                {"name": "nofile", "softLimit": 4096, "hardLimit": 8192},
                {"name": "core", "softLimit": 0, "hardLimit": 0},
            ],
            "healthCheck": {"command": ["CMD", "ok"], "startPeriod": 20},
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "x", "mode": "non-blocking"}},
            "portMappings": [{"containerPort": 80}],
            "linuxParameters": {"initProcessEnabled": True},
        }
    ],
}


def ran(folder: Path, name: str, text: str, *options: str) -> tuple[dict[str, Any], list[str], str]:
    """The entries that the command prints, its lines about the rest, and both as they are."""
    (folder / name).write_text(text)
    done = command("import", str(folder / name), *options)
    assert done.code == 0, done
    lines = [it.strip() for it in done.err.splitlines() if it.startswith("  ")]
    return yaml.safe_load(done.out), lines, done.out + done.err


def config_of(jobs: dict[str, Any], **more: Any) -> list[str]:
    """The problems of a stack's config with these jobs."""
    base = {"aws:region": "eu-west-1", "pulumi:disable-default-providers": ["aws"], "network": {"subnets": "public"}}
    return validate({**base, "jobs": jobs, **more}, secret=set())[1]


def test_a_copilot_job_becomes_an_entry_that_the_config_takes(tmp_path: Path) -> None:
    jobs, lines, output = ran(tmp_path, "manifest.yml", COPILOT, "--environment", "live")
    assert jobs == {
        "invoice-run": {
            "schedule": {"expression": "cron(30 6 ? * MON-FRI *)"},
            "image": "registry.example.com/team/invoices:7",
            "repositoryCredentialsArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:pull-AbCdEf",
            "cpu": 1024,
            "memory": 2048,
            "architecture": "arm64",
            "supervision": {"retries": 2, "maxRuntimeMinutes": 90},
            "environment": {"LEVEL": "info", "DRY": "true"},
            "secrets": {"KEY": "arn:aws:ssm:eu-west-1:123456789012:parameter/key"},
            "entryPoint": ["/bin/run", "--quiet"],
            "command": ["invoices", "--all"],
            "ephemeralStorageGib": 50,
            "readOnlyRoot": True,
            "efsVolumes": [
                {
                    "fileSystemId": "fs-0123456789abcdef0",
                    "accessPointId": "fsap-0123456789abcdef0",
                    "path": "/kept",
                    "readOnly": True,
                }
            ],
            "logRetentionDays": 14,
            "sidecars": [
                {
                    "name": "proxy",
                    "essential": True,
                    "image": "registry.example.com/team/proxy:1",
                    "healthCheck": {"command": ["CMD-SHELL", "curl -f localhost"], "retries": 4, "intervalSeconds": 10},
                    "jobWaitsFor": "HEALTHY",
                    "environment": {"PORT": "8080"},
                }
            ],
        }
    }
    assert config_of(jobs) == []
    assert [it.partition(": ")[0] + ": " + it.partition(": ")[2].partition(": ")[0] for it in lines] == [
        "the file: Copilot leaves the user to the image; here it is 65532:65532, unless you write user",
        "line 13: timeout",
        "line 19: variables.STAGE",
        "line 20: variables.DB_PASSWORD",
        "line 22: secrets.TOKEN",
        "line 24: network",
        "line 32: storage.volumes.made",
        "line 33: logging.destination",
        "line 37: sidecars.proxy.port",
        "line 40: publish",
    ]
    # What may be a secret is in no line and in no entry.
    assert "correct-horse" not in output


def test_a_copilot_job_that_is_built_there_or_has_no_equal_schedule_says_what_to_do(tmp_path: Path) -> None:
    manifest = "name: a\ntype: Scheduled Job\non: {schedule: '0 3 */2 * 1'}\nimage: {build: Dockerfile}\n"
    jobs, lines, _ = ran(tmp_path, "manifest.yml", manifest)
    assert jobs == {"a": {}}
    assert "line 3: on.schedule: has no equal in AWS's terms; write schedule.expression" in lines
    assert "line 4: image.build: Copilot builds it; build and push the image, and write its name as image" in lines
    assert lines[-1] == "- image: is missing"
    both = manifest.replace("*/2", "1").replace("{build: Dockerfile}", "nginx")
    jobs, _, _ = ran(tmp_path, "manifest.yml", both)
    assert jobs["a"]["schedules"] == {
        "by-month": {"expression": "cron(0 3 1 * ? *)"},
        "by-week": {"expression": "cron(0 3 ? * MON *)"},
    }


def test_a_secret_of_copilot_says_which_arn_to_write(tmp_path: Path) -> None:
    manifest = """name: a
type: Scheduled Job
image: nginx
secrets:
  KEY: {secretsmanager: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf'}
  PASSWORD: {secretsmanager: 'prod/db:password::'}
  WHOLE: {secretsmanager: prod/db}
  MADE: {from_cfn: stack-Secret}
"""
    jobs, lines, _ = ran(tmp_path, "manifest.yml", manifest)
    assert jobs["a"]["secrets"] == {"KEY": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"}
    named, stack = "is a name in Secrets Manager; write that secret's ARN", "or a secret of the stack, under secrets"
    other = "is not a secret of Secrets Manager; write the ARN of a secret or parameter under secrets"
    assert [it for it in lines if "secrets." in it] == [
        f"line 6: secrets.PASSWORD: {named} with :password:: behind it, {stack}",
        f"line 7: secrets.WHOLE: {named}, {stack}",
        f"line 8: secrets.MADE: {other}",
    ]


def test_each_rule_of_ecschedule_becomes_a_job(tmp_path: Path) -> None:
    jobs, lines, _ = ran(tmp_path, "ecschedule.yaml", ECSCHEDULE)
    assert jobs == {
        "nightly-sum": {
            "command": ["sum", "--day"],
            "environment": {"KIND": "all"},
            "overrides": {"maxCount": 3},
            "schedule": {"expression": "cron(0 1 * * ? *)", "event": '{"count": 3}'},
        },
        "weekly-sum": {
            "cpu": 512,
            "memory": 2048,
            "schedule": {"expression": "rate(7 days)", "enabled": False},
            "capacity": "spot",
        },
    }
    assert config_of({name: {**it, "image": "nginx"} for name, it in jobs.items()}) == []
    for it in (
        "line 1: region: is the stack's: aws:region",
        "line 7: rules[0].taskDefinition: has the image, size, role and secrets; import its JSON too, and join the two",
        "line 15: rules[0].containerOverrides[0].environment.DAY: is filled in by the tool that reads this file; write "
        "its value",
        "line 17: rules[0].containerOverrides[1]: only the job's own container can be changed; write what it says into "
        "its sidecar",
    ):
        assert it in lines
    assert not any("weight" in it for it in lines)
    jobs, _, _ = ran(tmp_path, "ecschedule.yaml", ECSCHEDULE, "--name", "weekly-sum")
    assert list(jobs) == ["weekly-sum"]


@pytest.mark.parametrize("shown", [False, True], ids=["registered", "described"])
def test_a_task_definition_becomes_an_entry_that_the_config_takes(tmp_path: Path, shown: bool) -> None:
    text = json.dumps({"taskDefinition": DEFINITION} if shown else DEFINITION, indent="\t")
    jobs, lines, output = ran(tmp_path, "task.json", text)
    assert jobs == {
        "resize": {
            "image": "registry.example.com/team/resize:3",
            "command": ["sh", "-c", "resize ${SIZE}"],
            "user": "1000",
            "stopTimeoutSeconds": 60,
            "readOnlyRoot": True,
            "environment": {"SIZE": "10"},
            "secrets": {"A": "arn:aws:ssm:eu-west-1:123456789012:parameter/a"},
            "healthCheck": {"command": ["CMD", "ok"], "startPeriodSeconds": 20},
            "ulimits": {"nofile": {"soft": 4096, "hard": 8192}},
            "writablePaths": {"/scratch": 0},
            "efsVolumes": [
                {
                    "fileSystemId": "fs-0123456789abcdef0",
                    "accessPointId": "fsap-0123456789abcdef0",
                    "path": "/kept",
                    "readOnly": True,
                }
            ],
            "logOptions": {"mode": "non-blocking"},
            "cpu": 1024,
            "memory": 2048,
            "ephemeralStorageGib": 40,
            "architecture": "arm64",
            "taskRoleArn": "arn:aws:iam::123456789012:role/resize",
            "tags": {"team": "media"},
        }
    }
    assert config_of(jobs, **{"aws:allowedAccountIds": ["123456789012"]}) == []
    left = [re.sub(r"^line \d+: (taskDefinition\.)?", "", it).partition(": ")[0] for it in lines]
    of_app = "containerDefinitions[0]"
    assert sorted(left) == sorted(
        [
            "executionRoleArn",
            "pidMode",
            f"{of_app}.environment[1].value",
            f"{of_app}.secrets[1].valueFrom",
            f"{of_app}.ulimits[1].name",
            f"{of_app}.logConfiguration",
            f"{of_app}.portMappings",
            f"{of_app}.linuxParameters",
        ]
    )
    assert all(it.startswith("line ") for it in lines)
    assert "correct-horse" not in output
    assert "just-a-name" not in output


def test_of_several_containers_one_is_the_jobs_and_a_name_is_asked_for_where_aws_takes_more(tmp_path: Path) -> None:
    containers = [
        {"name": "app", "image": "a", "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]},
        {"name": "init", "image": "b", "essential": False},
    ]
    given = {"family": "my_job", "containerDefinitions": containers}
    jobs, lines, _ = ran(tmp_path, "task.json", json.dumps(given))
    assert jobs["my_job"]["sidecars"] == [{"name": "init", "image": "b", "jobWaitsFor": "SUCCESS"}]
    assert lines[-1].startswith("- name: 'my_job' is not a letter followed by")
    assert lines[-1].endswith("; change it in the entry")
    assert list(ran(tmp_path, "task.json", json.dumps(given), "--name", "my-job")[0]) == ["my-job"]
    del containers[1]["essential"]
    with pytest.raises(JobError, match=r"has 2 containers, .* Name it with --container: app, init"):
        imported("task.json", json.dumps(given))
    (job,), _ = imported("task.json", json.dumps(given), container="init")
    assert job.entry["image"] == "b"


def test_a_stack_of_ours_gives_its_jobs_as_they_are_and_says_what_they_use_of_it(tmp_path: Path) -> None:
    stack = (Path(__file__).resolve().parents[2] / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    jobs, lines, _ = ran(tmp_path, "Pulumi.dev.yaml", stack)
    assert jobs == yaml.safe_load(stack)["config"]["fargate-job-launcher:jobs"]
    paths = [re.sub(r"^line \d+: config\.fargate-job-launcher:", "", it).partition(": ")[0] for it in lines]
    assert "defaults.capacity" in paths
    assert "jobs.import.secrets.DATABASE_URL" in paths
    assert list(ran(tmp_path, "Pulumi.dev.yaml", stack, "--name", "import")[0]) == ["import"]
    with pytest.raises(
        JobError, match=r"has no job 'foo'\. Its jobs: nightly-report, import; leave --name out to import"
    ):
        imported("Pulumi.dev.yaml", stack, job="foo")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "file.yml is neither YAML nor JSON: line 1 cannot be read"),
        ("local x = import 'y';\n{a: [}", "It is a template: write out what the tool fills in"),
        ("- a", "file.yml is not a mapping"),
        ("a: 1", "file.yml describes no job. Give a Copilot manifest, an ecschedule file, a task definition or"),
        ("name: a\ntype: Backend Service", "file.yml is a Backend Service, not a Scheduled Job"),
        ("a: &a [*a]", "file.yml is neither YAML nor JSON: it cannot be read"),
        ("rules: []", "file.yml has no rules"),
        ("rules: [{name: a}, {name: a}, {name: b}]", "has jobs without a name of their own: 'a'. Give each its own"),
        ("rules: [{name: a}, {role: b}]", "has jobs without a name of their own: ''. Give each its own"),
        ("config: {aws:region: eu-west-1}", "file.yml has no jobs. Give a Pulumi.STACK.yaml with the key PROJECT:jobs"),
        ("containerDefinitions: []", "file.yml has no containerDefinitions"),
        ("type: Scheduled Job\nenvironments: {a: {}}", "file.yml has no environment 'prod'. Its environments: a"),
    ],
)
def test_a_file_without_a_job_says_which_files_have_one(text: str, said: str) -> None:
    with pytest.raises(JobError) as raised:
        imported("file.yml", text, environment="prod" if "environments" in text else "")
    assert said in str(raised.value)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every mapping in a value."""
    if isinstance(value, list):
        return [found for number, it in enumerate(value) for found in places(it, (*path, number))]
    if not isinstance(value, dict):
        return []
    return [path, *(found for key, it in value.items() for found in places(it, (*path, key)))]


def parsed(kind: str) -> Any:
    """An example of a kind, as it is in JSON."""
    if kind == "task definition":
        return DEFINITION
    if kind == "stack":
        jobs = {"a": {"image": "a", "secrets": {"TOKEN": "kept"}}}
        return {"config": {"p:jobs": jobs, "p:secrets": ["kept"], "p:defaults": {"cpu": 256}}}
    texts = {
        "copilot": COPILOT.replace("\non:", "\n'on':"),
        "ecschedule": ECSCHEDULE.replace("{{ must_env `DAY` }}", "x"),
    }
    return yaml.safe_load(texts[kind])


@pytest.mark.parametrize("kind", ["copilot", "ecschedule", "task definition"])
def test_a_key_that_nobody_knows_is_named_wherever_it_is(kind: str) -> None:
    whole = {key: it for key, it in parsed(kind).items() if key != "environments"}
    for path in places(whole):
        given: Any = json.loads(json.dumps(whole))
        holder = given
        for step in path:
            holder = holder[step]
        holder["nobodyKnows"] = "it"
        jobs, document = imported("file", json.dumps(given))
        # Variables have any name; a part that is left as a whole is named as a whole.
        within = ["[".join(it.path.split("[")) for it in document.left]
        named = any("nobodyKnows" in it for it in within) or "nobodyKnows" in str([it.entry for it in jobs])
        at = re.sub(r"\.\[", "[", ".".join(f"[{it}]" if isinstance(it, int) else it for it in path))
        assert named or any(at == it or at.startswith((f"{it}.", f"{it}[")) for it in within), at


def test_a_variable_has_the_text_that_was_written(tmp_path: Path) -> None:
    values = {
        "A": "1.10",
        "B": "0777",
        "C": "12:30",
        "D": "1_000",
        "E": "True",
        "F": "1e3",
        "G": "yes",
        "H": "-5",
        "I": "+5",
    }
    lines = "".join(f"  {name}: {it}\n" for name, it in values.items())
    text = f"name: a\ntype: Scheduled Job\nimage: {{location: 'a:1'}}\nexec: True\nvariables:\n{lines}"
    jobs, _, _ = ran(tmp_path, "manifest.yml", text)
    assert jobs["a"]["environment"] == values
    assert jobs["a"]["allowExec"] is True
    stack = "config:\n  p:jobs: {a: {image: 'a:1', alarms: {x: 0.10}, readOnlyRoot: True, cpu: 256}}"
    jobs, _, _ = ran(tmp_path, "Pulumi.a.yaml", stack)
    assert jobs["a"] == {"image": "a:1", "alarms": {"x": 0.1}, "readOnlyRoot": True, "cpu": 256}


def with_odd(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a path."""
    copy = holder = json.loads(json.dumps(whole))
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


def every_place(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(found for key, it in inner for found in every_place(it, (*path, key)))]


@pytest.mark.parametrize("kind", ["copilot", "ecschedule", "task definition", "stack"])
def test_no_value_of_another_kind_ends_in_a_traceback(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fargate_job_launcher.operate.importing.jobs._problems", lambda *_, **__: [])
    whole = parsed(kind)
    for path in every_place(whole):
        for odd in (True, "an 'odd", [None], {"a": {"b": 1}}):
            for environment in ("", "live") if kind == "copilot" else ("",):
                try:
                    imported("file", json.dumps(with_odd(whole, path, odd)), environment=environment)
                except JobError:
                    continue
                except Exception as error:
                    raise AssertionError(f"{path}: {odd!r}") from error


@pytest.mark.parametrize(
    ("kind", "path", "value", "said"),
    [
        ("copilot", "image.depends_on.proxy", "soon", "is no sidecar, or no condition; the conditions: start, healthy"),
        ("copilot", "image.depends_on.ghost", "start", "is no sidecar, or no condition"),
        (
            "copilot",
            "sidecars.proxy.healthcheck.interval",
            "half",
            "is not in whole seconds; write healthCheck.interval",
        ),
        ("copilot", "command", "echo 'a", "has a quotation mark without its other half; write it as a list"),
        ("copilot", "environments", ["live"], "is of another kind"),
        ("copilot", "environments.live", "x", "is of another kind"),
        ("ecschedule", "rules.0.containerOverrides", {"name": "app"}, "is of another kind"),
        ("ecschedule", "rules.0.containerOverrides.1", "side", "is of another kind"),
        ("ecschedule", "rules.1.taskOverride.cpu", "half", "is not a size"),
        ("task definition", "containerDefinitions.0.environment", {"SIZE": "10"}, "is of another kind"),
        ("task definition", "containerDefinitions.0.dependsOn", [{"containerName": "b"}], "no container is named 'b'"),
    ],
)
def test_a_part_that_cannot_be_read_is_named_and_the_rest_is_carried_over(
    kind: str, path: str, value: Any, said: str
) -> None:
    whole = parsed(kind)
    steps = tuple(int(it) if it.isdigit() else it for it in path.split("."))
    environment = "live" if path == "environments.live" else ""
    jobs, document = imported("file", json.dumps(with_odd(whole, steps, value)), environment=environment)
    assert jobs[0].entry
    named = re.sub(r"\.(\d+)", r"[\1]", path)
    assert next(it.why for it in document.left if it.path.startswith(named)).startswith(said)


def test_it_is_said_in_json_too_and_calls_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    (tmp_path / "ecschedule.yaml").write_text(ECSCHEDULE)
    said = command("import", str(tmp_path / "ecschedule.yaml"), "-o", "json").json
    assert set(said["jobs"]) == set(said["problems"]) == {"nightly-sum", "weekly-sum"}
    assert {"line": 1, "path": "region", "why": "is the stack's: aws:region"} in said["left"]
    assert said["problems"]["weekly-sum"] == ["image: is missing"]


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    manifest, printed = (block("importing", f"copilot {it}") for it in ("manifest", "import"))
    (tmp_path / "manifest.yml").write_text(manifest)
    done = command("import", str(tmp_path / "manifest.yml"))
    assert done.out + done.err == printed
