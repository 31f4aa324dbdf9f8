"""A stack's config: what is refused, in which words, before any resource is registered; and its schema for editors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pulumi
import pytest
import yaml
from fargate_job_launcher.checks.plain_secrets import secret_variable
from fargate_job_launcher.environments import StackConfig, schema
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.environments.model import DefaultsConfig, JobConfig
from fargate_job_launcher.sandbox import Stack

from tools.recording import ENVIRONMENTS, PROGRAM, Recording, copied, record

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
  - defaults.logRetentionDays: 15 is not a period of CloudWatch Logs; allowed: 1, 3, 5, 7, 14, 30, …
  - jobs.import.image: is missing
  - jobs.import.overrides.maxCount: 5000 is not between 1 and 1000
  - jobs.nightly-report.comand: unknown; did you mean `command`?
  - jobs.nightly-report.cpu: 300 is no Fargate size; allowed: 256, 512, 1024, 2048, 4096, 8192, 16384, 32768 (1024 is …
  - jobs.nightly-report.environment.DB_PASSWORD: looks like a secret in plain text (not shown): it is named like a …
  - jobs.nightly-report.secrets.DATABASE_URL: is neither a secret of this stack nor an ARN (not shown, it may be a …
  - tgas: unknown; did you mean `tags`?"""


def problems(*, secret: set[str] | None = None, **changed: Any) -> list[str]:
    """The problems of the smallest config with these sections changed; None removes a section."""
    given = {**SMALLEST, **{key.replace("__", ":").replace("_", "-"): it for key, it in changed.items()}}
    return validate({key: it for key, it in given.items() if it is not None}, secret=secret or set())[1]


def job(**changed: Any) -> dict[str, Any]:
    return {"jobs": {"report": {"image": "nginx", **changed}}}


def test_all_mistakes_of_a_config_are_reported_at_once_before_anything_is_registered(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "Pulumi.dev.yaml").write_text(TEN_MISTAKES)
    with pytest.raises(pulumi.RunError) as raised:
        record(Stack.read(folder, "dev"))
    said, expected = str(raised.value).splitlines(), SAID.splitlines()
    assert len(said) == len(expected)
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(start.removesuffix("…")) if start.endswith("…") else line == start
    assert "hunter2" not in str(raised.value)


def test_a_key_of_aws_that_the_program_does_not_read_stops_it(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = folder / "Pulumi.dev.yaml"
    path.write_text(
        path.read_text().replace("config:\n", "config:\n  aws:allowedAccountIDs: ['1']\n  aws:token: t0p\n")
    )
    with pytest.raises(
        pulumi.RunError, match=r"2 problems:\n  - aws:allowedAccountIDs: unknown; did you mean"
    ) as raised:
        record(Stack.read(folder, "dev"))
    assert "aws:token: unknown; known: aws:region, aws:allowedAccountIds" in str(raised.value)
    assert "t0p" not in str(raised.value)


def test_the_smallest_config_names_a_region_a_network_and_a_job() -> None:
    config, found = validate(SMALLEST, secret=set())
    assert found == []
    assert config is not None
    assert config.job_arguments("report") == {"image": "nginx"}
    assert [it.split(":")[0] for it in validate({}, secret=set())[1]] == ["aws", "pulumi", "network", "jobs"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"aws__allowedAccountIDs": ["123456789012"]},
            "aws:allowedAccountIDs: unknown; did you mean `aws:allowedAccountIds`?",
        ),
        ({"aws__profile": "prod"}, "aws:profile: unknown; "),
        ({"aws__secretKey": "s3cr3t"}, "aws:secretKey: unknown; known: aws:region, aws:allowedAccountIds; the"),
        ({"aws__region": "Ireland"}, "aws:region: 'Ireland' is not a region such as eu-west-1"),
        (
            {"aws__allowedAccountIds": ["12"]},
            "aws:allowedAccountIds: '12' is not an account id; write twelve digits, in quotes",
        ),
        ({"protect": True}, "aws:allowedAccountIds: is missing, but protect is true"),
        ({"pulumi__disable_default_providers": []}, "pulumi:disable-default-providers: has to name aws"),
        ({"network": {"subnets": "public", "natGateway": "single"}}, "network.natGateway: unknown; did you mean `natG"),
        ({"availabilityZones": 3}, "availabilityZones: unknown here; there is one inside `network`"),
        ({"network": {"natGateways": "none"}}, "network.natGateways: none leaves private subnets no way out"),
        (
            {"network": {"natGateways": "none", "endpoints": ["s3"]}},
            "network.endpoints: ecr.api, ecr.dkr, logs m",
        ),
        ({"network": {"vpcId": "vpc-1"}}, "network.vpcId: vpcId and subnetIds go together"),
        ({"network": {"cidrBlock": "banana"}}, "network.cidrBlock: 'banana' is not an address range"),
        ({"network": {"cidrBlock": "10.0.0.0/8"}}, "network.cidrBlock: '10.0.0.0/8' is not between /16 and /24"),
        ({"network": {"cidrBlock": "10.0.0.0/28"}}, "network.cidrBlock: '10.0.0.0/28' is not between /16 and /24"),
        (
            {"network": {"vpcId": "main", "subnetIds": ["subnet-1"]}},
            "network.vpcId: 'main' is not a VPC's id; it looks like",
        ),
        ({"network": {"vpcId": "vpc-1", "subnetIds": []}}, "network.subnetIds: 0 subnets; a task takes 1 to 16"),
        (
            {"network": {"vpcId": "vpc-1", "subnetIds": [f"subnet-{it}" for it in range(17)]}},
            "network.subnetIds: 17 subnets; a task takes 1 to 16",
        ),
        ({"network": {"vpcId": "vpc-1", "subnetIds": ["a"]}}, "network.subnetIds[0]: 'a' is not a subnet's id"),
        (
            {"network": {"vpcId": "vpc-1", "subnetIds": ["subnet-1", "subnet-1"]}},
            "network.subnetIds: 'subnet-1' is named twice",
        ),
        (
            {"network": {"subnets": "public", "natGateways": "single"}},
            "network.natGateways: 'single' needs private subnets",
        ),
        ({"network": {"subnets": "public", "endpoints": ["s3", "s3"]}}, "network.endpoints: 's3' is named twice"),
        ({"network": {"flowLogDays": 8}}, "network.flowLogDays: 8 is not a period of CloudWatch Logs"),
        (
            {"cluster": {"containerInsights": "yes"}},
            "cluster.containerInsights: 'yes' is unknown; allowed: disabled",
        ),
        (
            {"cluster": {"clusterArn": "arn:x", "containerInsights": "enabled"}},
            "cluster.containerInsights: configures a new cluster, but clusterArn adopts one",
        ),
        ({"cluster": {"clusterArn": "shared"}}, "cluster.clusterArn: 'shared' is not the ARN of an ECS cluster"),
        (
            {"cluster": {"clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/shared"}},
            "cluster.clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/shared' is in us-east-1, but aws",
        ),
        ({"payloads": {"expireDays": 0}}, "payloads.expireDays: 0 is not a whole number of days from 1"),
        ({"kmsKey": "alias/jobs"}, "kmsKey: 'alias/jobs' is neither new nor the ARN of a key"),
        (
            {"kmsKey": "arn:aws:kms:us-east-1:123456789012:key/1"},
            "kmsKey: 'arn:aws:kms:us-east-1:123456789012:key/1' is in us-east-1, but aws:region is eu-west-1",
        ),
        ({"alarms": {}}, "alarms: notify nobody; name emails, or a topicArn"),
        ({"alarms": {"emails": ["a@b.cc", "a@b.cc"]}}, "alarms.emails: 'a@b.cc' is named twice"),
        ({"alarms": {"topicArn": "shared"}}, "alarms.topicArn: 'shared' is not the ARN of a topic"),
        (
            {"alarms": {"emails": ["a@b.cc"], "topicArn": "arn:aws:sns:eu-west-1:123456789012:t"}},
            "alarms.emails: need a new topic, but topicArn names an existing one",
        ),
        (
            {"alarms": {"topicArn": "arn:aws:sns:us-east-1:123456789012:t"}},
            "alarms.topicArn: 'arn:aws:sns:us-east-1:123456789012:t' is in us-east-1",
        ),
        ({"tags": {"project": "mine"}}, "tags.project: is the program's own tag"),
        ({"tags": {f"k{it}": "v" for it in range(47)}}, "tags: 47 tags; at most 46 fit"),
        (
            {"tags": {f"k{it}": "v" for it in range(40)}, **job(tags={f"j{it}": "v" for it in range(7)})},
            "jobs.report.tags: 47 tags with the stack's; at most 46 are possible",
        ),
        (job(tags={"stack": "mine"}), "jobs.report.tags.stack: is the program's own tag"),
        (job(tags={"aws:x": "y"}), "jobs.report.tags.aws:x: 'aws:x' is not a valid key for your own tag: AWS keeps"),
        (job(taskPolicy="{nope"), "jobs.report.taskPolicy: is not the JSON of an IAM policy"),
        (job(alarms={"topicArn": "shared"}), "jobs.report.alarms.topicArn: 'shared' is not the ARN of a topic"),
        (
            job(notify={"topicArn": "shared"}),
            "jobs.report.notify.topicArn: 'shared' is not the ARN of a topic",
        ),
        ({"alarms": {"emails": ["me"]}}, "alarms.emails: 'me' is not an email address"),
        ({"tags": {"aws:x": "y"}}, "tags.aws:x: 'aws:x' is not a valid key for your own tag: AWS keeps"),
        ({"tags": {"a": 1}}, "tags.a: 1 is not text; write it in quotes"),
        ({"jobs": {}}, "jobs: is empty"),
        ({"jobs": ["report"]}, "jobs: (not shown) is not a mapping"),
        ({"jobs": {"9": {"image": "nginx"}}}, "jobs.9: '9' is not a letter followed by at most 39 letters"),
        (job(cpu=512, memory=512), "jobs.report.memory: 512 MiB does not go with cpu 512"),
        (job(cpu="512"), "jobs.report.cpu: '512' is not a whole number"),
        (job(function={"timeoutSeconds": 5}), "jobs.report.function.timeoutSeconds: 5 is not between 30 and 900"),
        (job(logRetentionDays=15), "jobs.report.logRetentionDays: 15 is not a period"),
        (job(supervision={"retryOn": ["x", 1]}), "jobs.report.supervision.retryOn.1: 1 is not text"),
        (job(subnetIds=["subnet-1"]), "jobs.report.subnetIds: unknown here; there is one inside `function`"),
        (
            job(environment={"max_count": "1"}, secrets={"max_count": "s"}),
            "jobs.report.environment.max_count: is also",
        ),
        ({"defaults": {"cpu": 300}}, "defaults.cpu: 300 is no Fargate size"),
        ({"secrets": ["a", "a"]}, "secrets: 'a' is named twice; each is one secret"),
        ({"retiring": ["jobs.report"]}, "retiring: requires protect: true; without it nothing is protected"),
        (
            {"protect": True, "retiring": ["report"]},
            "retiring: 'report' is not a part of this stack; known: jobs.report, network, cluster, runs, payloads, "
            "kmsKey.",
        ),
        ({"retiring": ["network", "network"]}, "retiring: 'network' is named twice; once is enough"),
        ({"secrets": ["a b"]}, "secrets: 'a b' is not the name of a secret"),
    ],
)
def test_a_problem_of_a_config_names_its_path_the_value_the_rule_and_the_remedy(
    changed: dict[str, Any], said: str
) -> None:
    assert [it for it in problems(**changed) if it.startswith(said)], problems(**changed)


def test_a_network_without_nat_pulls_images_only_from_ecr_of_its_region() -> None:
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
    assert said == "jobs.report.secrets.A: needs secretsmanager, but network.endpoints does not have it; add it there"
    parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/s"
    (said,) = problems(**network, **job(image=kept, secrets={"A": parameter}))
    assert said == "jobs.report.secrets.A: needs ssm, but network.endpoints does not have it; add it there"
    (said,) = problems(**network, **job(image=kept, sidecars=[{"name": "proxy", "image": "envoy"}]))
    assert said.startswith("jobs.report.sidecars[0].image: 'envoy' cannot be pulled")
    (said,) = problems(**network, **job(image=kept, sidecars=[{"name": "p", "image": kept, "secrets": {"A": arn}}]))
    assert said.startswith("jobs.report.sidecars[0].secrets.A: needs secretsmanager")
    network["network"]["endpoints"] = [*endpoints, "secretsmanager", "ssm"]
    assert problems(**network, **job(image=kept, secrets={"A": arn, "B": parameter})) == []


@pytest.mark.parametrize(
    "given",
    [
        job(environment={"API_KEY": "s3cr3t"}),
        job(environment={"URL": "postgres://me:s3cr3t@db/x"}),
        {"defaults": {"environment": {"GITHUB_TOKEN": "s3cr3t"}}},
        job(command=["login", "AKIAS3CR3TS3CR3TS3CR"]),
        job(secrets={"A": "s3cr3t"}),
        job(sidecars=[{"name": "proxy", "image": "nginx", "environment": {"DB_PASSWORD": "s3cr3t"}}]),
        job(sidecars=[{"name": "proxy", "image": "nginx", "environment": {"URL": "redis://:s3cr3t@cache"}}]),
        job(sidecars=[{"name": "proxy", "image": "nginx", "secrets": {"A": "s3cr3t"}}]),
        {"defaults": {"sidecars": [{"name": "proxy", "image": "nginx", "environment": {"API_KEY": "s3cr3t"}}]}},
        job(
            overrides={"environment": ["DB_PASS"]},
            schedule={"expression": "rate(1 day)", "event": '{"environment": {"DB_PASS": "s3cr3t"}}'},
        ),
        job(
            overrides={"payload": True},
            schedule={"expression": "rate(1 day)", "event": '{"payload": {"login": {"dbPassword": "s3cr3t"}}}'},
        ),
        job(
            overrides={"payload": True},
            schedules={"daily": {"expression": "rate(1 day)", "event": '{"payload": {"dbPassword": "s3cr3t"}}'}},
        ),
        job(schedule={"expression": "rate(1 day)", "event": {"environment": {"DB_PASS": "s3cr3t"}}}),
        {"jobs": [{"name": "report", "environment": {"DB_PASS": "s3cr3t"}}]},
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


def test_what_is_named_as_no_secret_is_none_in_the_event_of_any_schedule() -> None:
    event = {"expression": "rate(1 day)", "event": '{"environment": {"DB_PASS": "fine"}}'}
    for schedules in ({"schedule": event}, {"schedules": {"daily": event}}):
        named: dict[str, Any] = {"overrides": {"environment": ["DB_PASS"]}, **schedules}
        assert problems(**job(**named, notSecret=["DB_PASS"])) == []
        (said,) = problems(**job(**named))
        assert "event.environment.DB_PASS: looks like a secret in plain text (not shown)" in said


def test_a_pulumi_secret_becomes_the_value_of_a_secret_of_the_stack() -> None:
    given: dict[str, Any] = {"secrets": ["a"], "secretValues": {"a": "s3cr3t"}}
    assert problems(**given, secret={"secretValues"}) == []
    (said,) = problems(secretValues={"b": "x"}, secret={"secretValues"})
    assert said == "secretValues.b: is not a secret of this stack; name it under secrets"


@pytest.mark.parametrize("key", ["jobs", "defaults", "tags", "kmsKey", "aws:region"])
def test_an_encrypted_value_is_refused_where_it_would_become_plain_text(key: str) -> None:
    # As after: pulumi config set --secret --path 'jobs.report.environment.X' …
    given = {**SMALLEST, key: job(cpu="s3cr3t", environment={"X": "s3cr3t"})["jobs"]}
    (said,) = validate(given, secret={key, "secretValues"})[1]
    assert said.startswith(f"{key}: is encrypted here, in whole or in part, but would be written in plain text")
    assert "secretValues" in said
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((it, "hunter22") for it in ("SECRET_KEY", "DJANGO_SECRET_KEY", "SECRET_KEY_BASE", "STRIPE_SECRET_KEY")),
        *((it, "hunter22") for it in ("MYSQL_PWD", "PGPASSWORD", "DB_PASS", "dbPassword", "ENCRYPTION_KEY", "APIKEY")),
        *(("X", it) for it in ("AKIAIOSFODNN7EXAMPLE", "postgres://me:hunter22@db/x", "redis://:hunter22@cache")),
        ("X", "github_pat_11AAAAAAA0123456789abcdefghij"),
    ],
)
def test_a_variable_that_looks_like_a_secret_is_known_by_its_name_or_its_value(name: str, value: str) -> None:
    looks = secret_variable(name, value)
    assert looks is not None
    assert value not in looks


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DB_PASSWORD", it) for it in ("", "true", "/run/secrets/db")),
        *(("MAX_TOKENS", "4096"), ("TOKEN_URL", "https://id.example.com/token"), ("PWD", "/app")),
        *(("PASS_THROUGH", "always"), ("MONKEY", "banana"), ("SOURCE_KEY", "in/a.csv"), ("KEYBOARD", "qwerty")),
        ("DATABASE_URL", "postgres://$USER:$PASSWORD@db/x"),
        ("SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-AbCdEf"),
    ],
)
def test_a_variable_that_only_sounds_like_a_secret_is_accepted(name: str, value: str) -> None:
    assert secret_variable(name, value) is None


def test_all_jobs_may_have_their_image_from_the_defaults() -> None:
    jobs: dict[str, Any] = {"report": {}, "import": {"image": "a"}}
    config, found = validate({**SMALLEST, "defaults": {"image": "nginx"}, "jobs": jobs}, secret=set())
    assert found == []
    assert config is not None
    assert [config.job_arguments(it)["image"] for it in ("report", "import")] == ["nginx", "a"]
    assert problems(jobs={"report": {}}) == ["jobs.report.image: is missing"]


def test_a_secret_of_the_stack_may_be_a_part_of_its_json(tmp_path: Path) -> None:
    config = yaml.safe_load((PROGRAM / "Pulumi.prod.yaml").read_text())
    config["config"]["fargate-job-launcher:jobs"]["import"]["secrets"] = {"PASSWORD": "import-database-url:password::"}
    folder = copied(tmp_path)
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(config))
    recorded = record(Stack.read(folder, "prod"))
    (secret,) = recorded.kind("aws:secretsmanager/secret:Secret")
    definition = recorded.one("aws:ecs/taskDefinition:TaskDefinition", "import")
    (container,) = json.loads(definition.inputs["containerDefinitions"])
    assert container["secrets"] == [{"name": "PASSWORD", "valueFrom": f"{secret.outputs['arn']}:password::"}]
    policy = json.loads(recorded.one("aws:iam/rolePolicy:RolePolicy", "import-execution").inputs["policy"])
    (read,) = (it for it in policy["Statement"] if it["Sid"] == "ReadDeclaredSecrets")
    assert read["Resource"] == [secret.outputs["arn"]]
    (said,) = problems(secrets=["db"], **job(secrets={"A": "db:password"}))
    assert said.startswith("jobs.report.secrets.A: has 1 parts after the secret's ARN, and ECS accepts three or none")


def test_a_sidecar_names_a_secret_of_the_stack_as_the_job_does(tmp_path: Path) -> None:
    config = yaml.safe_load((PROGRAM / "Pulumi.prod.yaml").read_text())
    sidecar = {"name": "proxy", "image": "nginx", "secrets": {"URL": "import-database-url"}}
    config["config"]["fargate-job-launcher:jobs"]["nightly-report"]["sidecars"] = [sidecar]
    folder = copied(tmp_path)
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(config))
    recorded = record(Stack.read(folder, "prod"))
    (secret,) = recorded.kind("aws:secretsmanager/secret:Secret")
    definition = recorded.one("aws:ecs/taskDefinition:TaskDefinition", "nightly-report")
    proxy = json.loads(definition.inputs["containerDefinitions"])[1]
    assert proxy["secrets"] == [{"name": "URL", "valueFrom": secret.outputs["arn"]}]
    assert "kms:Decrypt" in recorded.one("aws:iam/rolePolicy:RolePolicy", "nightly-report-execution").inputs["policy"]


MODEL = StackConfig.model_json_schema(by_alias=True)


def places(node: dict[str, Any], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key of a config, with `x` for a name and 0 for an item."""
    while "$ref" in node or "anyOf" in node:
        whole = next(it for it in node.get("anyOf", [node]) if it != {"type": "null"})
        node = MODEL["$defs"][whole["$ref"].rpartition("/")[2]] if "$ref" in whole else whole
    yield from [path] if path else []
    for key, inner in node.get("properties", {}).items():
        yield from places(inner, (*path, key))
    if isinstance(node.get("additionalProperties"), dict):
        yield from places(node["additionalProperties"], (*path, "x"))
    if node.get("type") == "array":
        yield from places(node["items"], (*path, 0))


def placed(holder: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with this value at a path."""
    if not path:
        return value
    if path[0] == 0:
        return [placed(None, path[1:], value)]
    return {**(holder or {}), path[0]: placed((holder or {}).get(path[0]), path[1:], value)}


@pytest.mark.parametrize("value", [True, False, None, "text", 5, ["a"], {"a": "b"}, [{"a": 1}]], ids=repr)
def test_each_key_says_of_each_value_of_another_kind_what_to_write(value: Any) -> None:
    wrong, beside = 0, defaultdict[tuple[Any, ...], list[Any]](list)
    for path in places(MODEL):
        beside[path[:-1]].append(path[-1])
    for path, keys in beside.items():
        given = placed(SMALLEST, path, [value] if keys == [0] else dict.fromkeys(keys, value))
        for it in validate(given, secret={"secretValues"})[1]:
            if re.search(r"is (not (a (mapping|list|number|whole number)|text)|neither true)\b", it):
                wrong += 1
                assert re.search(r"; (write|give|leave it out)", it), it
                assert re.search(r": (\(not shown\)|True|False|None|\d|'\w+') is", it)
    assert wrong > 100


def test_what_to_write_in_place_of_a_value_is_a_whole_mapping_in_yaml() -> None:
    assert problems(jobs=["report"]) == [
        'jobs: (not shown) is not a mapping; write {"nightly-report": {"image": "REGISTRY/NAME:TAG"}}'
    ]
    wrong = {"schedule": "rate(1 hour)", "efsVolumes": True, "environment": "A=1", "supervision": True, "alarms": False}
    assert problems(**job(**wrong)) == [
        "jobs.report.alarms: False is not a mapping; leave it out to have none",
        'jobs.report.efsVolumes: True is not a list; write [{"fileSystemId": "fs-0123456789abcdef0", "accessPointId": '
        '"fsap-0123456789abcdef0", "path": "/data"}]',
        'jobs.report.environment: (not shown) is not a mapping; write {"NAME": "…"}',
        'jobs.report.schedule: \'rate(1 hour)\' is not a mapping; write {"expression": "rate(1 hour)"}',
        "jobs.report.supervision: True is not a mapping; write {} for all of its defaults, or leave it out",
    ]


def test_a_mistake_causes_no_other_messages() -> None:
    assert problems(jobs={"report": None}) == [
        "jobs.report: None is not a mapping; write {} for all of its defaults, or leave it out"
    ]
    sidecar = {"name": "proxy", "image": "nginx", "readOnlyRoot": True}
    assert problems(**job(sidecars=[sidecar]), protect="yes") == [
        "protect: 'yes' is neither true nor false; write true"
    ]


def test_a_job_overrides_the_defaults_within_a_mapping_too() -> None:
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
    path = PROGRAM / "environments" / schema.FILE
    assert path.read_text() == schema.text(), "stale; run: make schema"
    assert yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["name"] == schema.NAMESPACE
    for name in ENVIRONMENTS:
        first = (PROGRAM / f"Pulumi.{name}.yaml").read_text().splitlines()[0]
        assert first == f"# yaml-language-server: $schema={path.relative_to(PROGRAM)}"


def test_the_schema_has_every_key_its_meaning_and_its_values_where_they_are_few(environment: str) -> None:
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
    # The image of all jobs may be in the defaults.
    assert "required" not in whole["definitions"]["Job"]


def test_pulumi_yaml_declares_what_pulumi_can_check_by_itself() -> None:
    declared = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]
    own = {str(it.alias): it for it in StackConfig.model_fields.values() if ":" not in str(it.alias)}
    # Pulumi requires a declaration without a default in every stack; a key with neither is only in the model.
    kinds = {"object": (dict, "$ref"), "array": (list, "array"), "boolean": (bool, "boolean")}
    whole = schema.schema()["properties"]["config"]["properties"]
    for key, it in declared.items():
        assert it["description"]
        assert own[key].is_required() == ("default" not in it)
        shape = whole[f"{schema.NAMESPACE}:{key}"]
        assert "$ref" in shape or shape["type"] == it["type"] or kinds[it["type"]][1] in shape
    assert set(own) - set(declared) == {"secretValues", "payloads", "kmsKey", "alarms"}


def staging() -> str:
    """The environment that the docs add."""
    page = (PROGRAM / "docs/environments.md").read_text()
    (example,) = re.findall(r"```yaml\n(# Pulumi\.staging\.yaml.*?)```", page, re.S)
    return example


def test_a_third_environment_is_one_new_file(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "Pulumi.staging.yaml").write_text(staging())
    recorded: Recording = record(Stack.read(folder, "staging"))
    assert recorded.exports["jobs"].keys() == yaml.safe_load(staging())["config"]["fargate-job-launcher:jobs"].keys()
    assert {it.inputs["tags"]["stack"] for it in recorded.kind("aws:iam/role:Role")} == {"staging"}
    groups = [it.inputs["name"] for it in recorded.kind("aws:cloudwatch/logGroup:LogGroup")]
    assert groups
    assert all(it.startswith("/fargate-job-launcher/staging/") for it in groups)
    assert json.loads(recorded.stack.config["aws:allowedAccountIds"])


ADOPTING = """
config:
  aws:region: eu-central-1
  pulumi:disable-default-providers: [aws]
  fargate-job-launcher:network: {vpcId: vpc-1, subnetIds: [subnet-1, subnet-2]}
  fargate-job-launcher:cluster: {clusterArn: "arn:aws:ecs:eu-central-1:123456789012:cluster/shared"}
  fargate-job-launcher:kmsKey: arn:aws:kms:eu-central-1:123456789012:key/1
  fargate-job-launcher:alarms: {emails: [a@b.cc]}
  fargate-job-launcher:jobs:
    report: {image: nginx, tags: {a: b}, eventRule: {pattern: '{"source":["shop"]}'}, supervision: {},
      taskPolicy: '{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/*"}}'}
"""
"""An environment that creates as little as possible, of a team that has the other resources."""


def test_the_tests_and_the_tables_accept_a_new_environment_unchanged(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    for name in ("tests", "tools", "docs", "examples"):
        shutil.copytree(PROGRAM / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(PROGRAM / name, folder)
    (folder / "Pulumi.staging.yaml").write_text(staging())
    (folder / "Pulumi.adopting.yaml").write_text(ADOPTING)
    tested = ("tests/environments/test_environments.py", "tests/environments/test_preview.py")
    for command in (
        ("-m", "tools.snapshots"),
        ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "staging or adopting", *tested),
        ("-c", "from tools.docs import documents; print(documents.environments())"),
    ):
        done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "| | adopting | dev | prod | staging |" in done.stdout
    assert "| subnets | existing | public, 2 zones | private, 3 zones | private, 2 zones |" in done.stdout
    assert "| way out | as they have it | public addresses | one per az | endpoints |" in done.stdout


def errors(config: str) -> list[str]:
    """The errors that an editor finds in a file by the schema."""
    validator = jsonschema.Draft7Validator(json.loads((PROGRAM / "environments" / schema.FILE).read_text()))
    return [it.message for it in validator.iter_errors(yaml.safe_load(config))]


def test_an_editor_finds_nothing_wrong_with_any_environment(environment: str) -> None:
    assert errors((PROGRAM / f"Pulumi.{environment}.yaml").read_text()) == []
    assert errors(staging()) == []
    assert errors(ADOPTING) == []


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("secretValues: {import-database-url: {secure: AAABx}}", ""),
        ("secretValues: {secure: AAABx}", ""),
        ("secretValues: {import-database-url: hunter2}", "is not valid under any of the given schemas"),
        ("protect: often", "is not of type 'boolean'"),
        ("tgas: {}", "does not match any of the regexes"),
        ("defaults: {tags: {a: b}}", "Additional properties are not allowed ('tags' was unexpected)"),
        ("defaults: {image: nginx}", ""),
    ],
)
def test_an_editor_reports_a_mistake_and_accepts_encrypted_values(added: str, said: str) -> None:
    found = errors(f"{ADOPTING.rstrip()}\n  fargate-job-launcher:{added}\n")
    assert len(found) == bool(said), found
    assert said in "".join(found)


@pytest.mark.parametrize("key", ["aws:allowedAccountIDs", "aws:profile", "aws:secretKey"])
def test_an_editor_reports_a_key_of_aws_that_the_program_does_not_read(key: str) -> None:
    (said,) = errors(f"{ADOPTING.rstrip()}\n  {key}: x\n")
    assert key in said
