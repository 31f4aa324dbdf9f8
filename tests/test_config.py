"""A stack's config: what is refused, in which words, before any resource is registered; and its schema for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from conftest import ENVIRONMENTS, PROGRAM, Recording, copied, record
from fargate_job_launcher.environments import StackConfig, schema
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.environments.model import DefaultsConfig, JobConfig
from fargate_job_launcher.sandbox import Stack

SMALLEST: dict[str, Any] = {
    "aws:region": "eu-west-1",
    "pulumi:disable-default-providers": ["aws"],
    "network": {"subnets": "public"},
    "jobs": {"report": {"image": "nginx"}},
}
TEN_MISTAKES = """
config:
  aws:region: eu-west-1
  aws:allowedAccountIds: [123456789012]
  pulumi:disable-default-providers: [aws]
  fargate-job-launcher:network: {subnets: privat, availabilityZones: 9}
  fargate-job-launcher:protect: true
  fargate-job-launcher:tgas: {a: b}
  fargate-job-launcher:defaults: {logRetentionDays: 15}
  fargate-job-launcher:secrets: [database-url]
  fargate-job-launcher:jobs:
    nightly-report:
      image: public.ecr.aws/docker/library/python:3.13-slim
      cpu: 300
      comand: [python]
      environment: {DB_PASSWORD: hunter2}
      secrets: {DATABASE_URL: databse-url}
    import:
      cpu: 512
      overrides: {maxCount: 5000}
"""
SAID = """\
Pulumi.dev.yaml has 11 problems:
  - aws:allowedAccountIds.0: 123456789012 is not text; write it in quotes
  - network.availabilityZones: 9 is not between 1 and 6
  - network.subnets: 'privat' is unknown; allowed: private, public
  - defaults.logRetentionDays: 15 is no period of CloudWatch Logs; allowed: 1, 3, 5, 7, 14, 30, …
  - jobs.import.image: is missing
  - jobs.import.overrides.maxCount: 5000 is not between 1 and 1000
  - jobs.nightly-report.comand: unknown; did you mean `command`?
  - jobs.nightly-report.cpu: 300 is no Fargate size; allowed: 256, 512, 1024, 2048, 4096, 8192, 16384, 32768 (1024 is …
  - jobs.nightly-report.environment.DB_PASSWORD: looks like a secret in plain text (not shown); name the secret under …
  - jobs.nightly-report.secrets.DATABASE_URL: is neither a secret of this stack nor an ARN (not shown, it may be a …
  - tgas: unknown; did you mean `tags`?"""


def problems(*, secret: set[str] | None = None, **changed: Any) -> list[str]:
    """What is said of the smallest config with these sections changed; None takes one out."""
    given = {**SMALLEST, **{key.replace("__", ":").replace("_", "-"): it for key, it in changed.items()}}
    return validate({key: it for key, it in given.items() if it is not None}, secret=secret or set())[1]


def job(**changed: Any) -> dict[str, Any]:
    return {"jobs": {"report": {"image": "nginx", **changed}}}


def test_all_mistakes_of_a_config_are_told_at_once_before_anything_is_registered(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "Pulumi.dev.yaml").write_text(TEN_MISTAKES)
    with pytest.raises(pulumi.RunError) as raised:
        record(Stack.read(folder, "dev"))
    said, expected = str(raised.value).splitlines(), SAID.splitlines()
    assert len(said) == len(expected)
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start.removesuffix("…")) if start.endswith("…") else line == start
    assert "hunter2" not in str(raised.value)


def test_the_smallest_config_says_where_and_what() -> None:
    config, found = validate(SMALLEST, secret=set())
    assert found == []
    assert config is not None
    assert config.job_arguments("report") == {"image": "nginx"}
    assert [it.split(":")[0] for it in validate({}, secret=set())[1]] == ["aws", "pulumi", "network", "jobs"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"aws__region": "Ireland"}, "aws:region: 'Ireland' is no region, such as eu-west-1"),
        (
            {"aws__allowedAccountIds": ["12"]},
            "aws:allowedAccountIds: '12' is no account's id: twelve digits, in quotes",
        ),
        ({"protect": True}, "aws:allowedAccountIds: is missing, and protect is true"),
        ({"pulumi__disable_default_providers": []}, "pulumi:disable-default-providers: has to name aws"),
        ({"network": {"subnets": "public", "natGateway": "single"}}, "network.natGateway: unknown; did you mean `natG"),
        ({"network": {"natGateways": "none"}}, "network.natGateways: none leaves private subnets no way out"),
        (
            {"network": {"natGateways": "none", "endpoints": ["s3"]}},
            "network.endpoints: ecr.api, ecr.dkr, logs m",
        ),
        ({"network": {"vpcId": "vpc-1"}}, "network.vpcId: vpcId and subnetIds go together"),
        ({"network": {"flowLogDays": 8}}, "network.flowLogDays: 8 is no period of CloudWatch Logs"),
        (
            {"cluster": {"containerInsights": "yes"}},
            "cluster.containerInsights: 'yes' is unknown; allowed: disabled",
        ),
        (
            {"cluster": {"clusterArn": "arn:x", "containerInsights": "enabled"}},
            "cluster.containerInsights: shapes a new cluster, but clusterArn adopts one",
        ),
        ({"payloads": {"expireDays": 0}}, "payloads.expireDays: 0 is not a whole number of days from 1"),
        ({"kmsKey": "alias/jobs"}, "kmsKey: 'alias/jobs' is neither new nor the ARN of a key"),
        ({"alarms": {"emails": ["me"]}}, "alarms.emails: 'me' is no address"),
        ({"tags": {"aws:x": "y"}}, "tags.aws:x: is no key of a tag of your own"),
        ({"tags": {"a": 1}}, "tags.a: 1 is not text; write it in quotes"),
        ({"jobs": {}}, "jobs: names no job"),
        ({"jobs": ["report"]}, "jobs: ['report'] is not a mapping"),
        ({"jobs": {"9": {"image": "nginx"}}}, "jobs.9: '9' is not a letter followed by at most 39 letters"),
        (job(cpu=512, memory=512), "jobs.report.memory: 512 MiB does not go with cpu 512"),
        (job(cpu="512"), "jobs.report.cpu: '512' is not a whole number"),
        (job(function={"timeoutSeconds": 5}), "jobs.report.function.timeoutSeconds: 5 is not between 30 and 900"),
        (job(logRetentionDays=15), "jobs.report.logRetentionDays: 15 is no period"),
        (job(supervision={"retryOn": ["x", 1]}), "jobs.report.supervision.retryOn.1: 1 is not text"),
        (job(subnetIds=["subnet-1"]), "jobs.report.subnetIds: unknown; "),
        (
            job(environment={"max_count": "1"}, secrets={"max_count": "s"}),
            "jobs.report.environment.max_count: is also",
        ),
        ({"defaults": {"cpu": 300}}, "defaults.cpu: 300 is no Fargate size"),
        ({"secrets": ["a b"]}, "secrets: 'a b' is no name of a secret"),
    ],
)
def test_a_problem_of_a_config_names_its_path_the_value_the_rule_and_the_remedy(
    changed: dict[str, Any], said: str
) -> None:
    assert [it for it in problems(**changed) if it.startswith(said)], problems(**changed)


def test_a_network_without_nat_starts_only_what_ecr_of_its_region_keeps() -> None:
    endpoints = ["s3", "ecr.api", "ecr.dkr", "logs"]
    kept = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/report:1"
    network = {"network": {"natGateways": "none", "endpoints": endpoints}}
    assert problems(**network, **job(image=kept)) == []
    (said,) = problems(**network, **job())
    assert said.startswith(
        "jobs.report.image: 'nginx' cannot be pulled: with network.natGateways none, tasks reach ECR"
    )
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"
    (said,) = problems(**network, **job(image=kept, secrets={"A": arn}))
    assert said == "jobs.report.secrets: cannot be read: network.endpoints has no secretsmanager"
    network["network"]["endpoints"] = [*endpoints, "secretsmanager"]
    assert problems(**network, **job(image=kept, secrets={"A": arn})) == []


@pytest.mark.parametrize(
    "given",
    [
        job(environment={"API_KEY": "s3cr3t"}),
        job(environment={"URL": "postgres://me:s3cr3t@db/x"}),
        {"defaults": {"environment": {"GITHUB_TOKEN": "s3cr3t"}}},
        job(command=["login", "AKIAS3CR3TS3CR3TS3CR"]),
        job(secrets={"A": "s3cr3t"}),
        {"secrets": ["a"], "secretValues": {"a": "s3cr3t"}},
        {"secrets": ["a"], "secretValues": {"a": {"s3cr3t": "s3cr3t"}}},
        {"tags": {"note": "-----BEGIN PRIVATE KEY s3cr3t"}},
    ],
)
def test_a_secret_in_plain_text_is_refused_and_never_shown(given: dict[str, Any]) -> None:
    found = problems(**given)
    assert len(found) >= 1
    assert all("not shown" in it for it in found), found
    assert not [it for it in found if "s3cr3t" in it.lower()]


def test_a_pulumi_secret_becomes_the_value_of_a_secret_of_the_stack() -> None:
    given: dict[str, Any] = {"secrets": ["a"], "secretValues": {"a": "s3cr3t"}}
    assert problems(**given, secret={"secretValues"}) == []
    (said,) = problems(secretValues={"b": "x"}, secret={"secretValues"})
    assert said == "secretValues.b: is no secret of this stack; name it under secrets"


def test_a_job_says_what_differs_from_the_defaults_within_a_mapping_too() -> None:
    defaults = {"cpu": 1024, "alarms": {"dashboard": True}, "supervision": {"retries": 1}}
    config, found = validate(
        {**SMALLEST, "defaults": defaults, **job(supervision={"maxRuntimeMinutes": 5}, cpu=256)}, secret=set()
    )
    assert found == []
    assert config is not None
    assert config.job_arguments("report") == {
        "image": "nginx",
        "cpu": 256,
        "alarms": {"dashboard": True},
        "supervision": {"retries": 1, "max_runtime_minutes": 5},
    }


def test_the_schema_for_editors_is_fresh_and_every_environment_names_it() -> None:
    path = PROGRAM / "components" / "environments" / schema.FILE
    assert path.read_text() == schema.text(), "stale; run: make schema"
    assert yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["name"] == schema.NAMESPACE
    for name in ENVIRONMENTS:
        first = (PROGRAM / f"Pulumi.{name}.yaml").read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema={path.relative_to(PROGRAM)}"


def test_the_schema_knows_every_key_its_meaning_and_the_values_that_are_few(environment: str) -> None:
    whole = schema.schema()
    keys = whole["properties"]["config"]["properties"]
    given = yaml.safe_load((PROGRAM / f"Pulumi.{environment}.yaml").read_text())["config"]
    assert given.keys() <= keys.keys()
    assert [key for key, it in keys.items() if not it.get("description")] == []
    for name, definition in whole["definitions"].items():
        fields = definition["properties"]
        assert [
            f"{name}.{key}" for key, it in fields.items() if not it.get("description") and "Default" not in name
        ] == []
    assert whole["definitions"]["Job"]["properties"]["cpu"]["enum"][:2] == [256, 512]
    assert whole["definitions"]["Network"]["properties"]["subnets"]["enum"] == ["private", "public"]
    assert JobConfig.model_fields.keys() - {"tags"} == DefaultsConfig.model_fields.keys()
    assert whole["definitions"]["Job"]["required"] == ["image"]


def test_pulumi_yaml_declares_what_pulumi_can_check_by_itself() -> None:
    declared = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]
    own = {str(it.alias): it for it in StackConfig.model_fields.values() if ":" not in str(it.alias)}
    # A declaration without a default is demanded of every stack; what has neither is the model's alone.
    kinds = {"object": (dict, "$ref"), "array": (list, "array"), "boolean": (bool, "boolean")}
    whole = schema.schema()["properties"]["config"]["properties"]
    for key, it in declared.items():
        assert it["description"]
        assert own[key].is_required() == ("default" not in it)
        shape = whole[f"{schema.NAMESPACE}:{key}"]
        assert "$ref" in shape or shape["type"] == it["type"] or kinds[it["type"]][1] in shape
    assert set(own) - set(declared) == {"secretValues", "payloads", "kmsKey", "alarms"}


def test_a_third_environment_is_one_new_file(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```yaml\n(# Pulumi\.staging\.yaml.*?)```", (PROGRAM / "docs/environments.md").read_text(), re.S
    )
    folder = copied(tmp_path)
    (folder / "Pulumi.staging.yaml").write_text(example)
    recorded: Recording = record(Stack.read(folder, "staging"))
    assert recorded.exports["jobs"].keys() == yaml.safe_load(example)["config"]["fargate-job-launcher:jobs"].keys()
    assert {it.inputs["tags"]["stack"] for it in recorded.kind("aws:iam/role:Role")} == {"staging"}
    groups = [it.inputs["name"] for it in recorded.kind("aws:cloudwatch/logGroup:LogGroup")]
    assert groups
    assert all(it.startswith("/fargate-job-launcher/staging/") for it in groups)
    assert json.loads(recorded.stack.config["aws:allowedAccountIds"])
