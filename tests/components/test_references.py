"""What arguments name of AWS: the wrong kind, the wrong place and the almost right are refused at construction."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints, is_typeddict

import pulumi
import pytest
from fargate_job_launcher import (
    FargateJobLauncherArgs,
    JobClusterArgs,
    JobNetworkArgs,
    JobRunsArgs,
    PayloadBucketArgs,
)
from fargate_job_launcher.arguments import examine
from fargate_job_launcher.checks.later import checked_later
from fargate_job_launcher.checks.references import NAMED
from fargate_job_launcher.cluster import examine_cluster
from fargate_job_launcher.environments.config import validate
from fargate_job_launcher.iam import Place, may_be_partial
from fargate_job_launcher.network import examine_network
from fargate_job_launcher.payload import examine_bucket
from fargate_job_launcher.runs import examine_runs

from tools.recording import program, record

HERE: Final = "eu-west-1:123456789012"
CLUSTER: Final = f"arn:aws:ecs:{HERE}:cluster/jobs"
KEY: Final = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE: Final = "arn:aws:iam::123456789012:role/jobs/r"
SECRET: Final = f"arn:aws:secretsmanager:{HERE}:secret:db-AbCdEf"
PARAMETER: Final = f"arn:aws:ssm:{HERE}:parameter/a/b"
TOPIC: Final = f"arn:aws:sns:{HERE}:t"
TABLE: Final = f"arn:aws:dynamodb:{HERE}:table/jobs-0a1b2c3"
GROUP_OF_SCHEDULES: Final = f"arn:aws:scheduler:{HERE}:schedule-group/jobs-0a1b2c3"
MACHINE: Final = f"arn:aws:states:{HERE}:stateMachine:daily"
SIGNING: Final = f"arn:aws:lambda:{HERE}:code-signing-config:csc-0123456789abcdef0"
ECR: Final = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST: Final = "sha256:" + "0123456789abcdef" * 4

RIGHT: Final[dict[str, list[str]]] = {
    "cluster_arn": [CLUSTER],
    "subnet_ids[]": ["subnet-0123456789abcdef0", "subnet-1234abcd"],
    "security_group_ids[]": ["sg-0123456789abcdef0"],
    "vpc_id": ["vpc-0123456789abcdef0", "vpc-1"],
    "function.subnet_ids[]": ["subnet-1"],
    "function.security_group_ids[]": ["sg-1"],
    "function.code_signing_config_arn": [SIGNING],
    "function.signed_code.bucket": ["code-5f8078d"],
    "payload_bucket": ["payloads-5f8078d", "my.old.bucket"],
    "kms_key_arn": [KEY, f"arn:aws:kms:{HERE}:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
    "further_kms_key_arns[]": [KEY],
    "secret_key_arns[]": [KEY, KEY.replace("eu-west-1", "us-east-1"), KEY.replace("123456789012", "999999999999")],
    "task_role_arn": [ROLE, "arn:aws:iam::123456789012:role/r"],
    "execution_role_arn": [ROLE],
    "overrides.task_roles.*": [ROLE],
    "permissions_boundary_arn": ["arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::123456789012:policy/p/q"],
    "notify.topic_arn": [TOPIC, TOPIC.replace("123456789012", "999999999999")],
    "runs.table_arn": [TABLE],
    "runs.supervisor_role_arn": [ROLE],
    "runs.notice_topic_arn": [TOPIC],
    "runs.schedule_group_arn": [GROUP_OF_SCHEDULES],
    "runs.kms_key_arn": [KEY],
    "callbacks[]": [MACHINE],
    "cluster_arns[]": [CLUSTER],
    "topic_arn": [TOPIC],
    "alarms.topic_arn": [TOPIC],
    "queue.sources[]": ["arn:aws:s3:::payloads", TOPIC, f"{TOPIC}.fifo", f"arn:aws:events:{HERE}:rule/orders/paid"],
    "event_rule.bus": ["default", "orders", f"arn:aws:events:{HERE}:event-bus/orders"],
    "efs_volumes[].file_system_id": ["fs-0123456789abcdef0", "fs-01234567"],
    "efs_volumes[].access_point_id": ["fsap-0123456789abcdef0", "fsap-01234567"],
    "repository_credentials_arn": [SECRET],
    "secrets.*": [
        *(SECRET, PARAMETER, f"{SECRET}:password::", f"{SECRET}::AWSPREVIOUS:", f"arn:aws:ssm:{HERE}:parameter/a"),
        *(SECRET.replace("eu-west-1", "us-east-1"), SECRET.replace(":db-", ":rds!db/a_b+c=d.e@f-")),
    ],
    "sidecars[].repository_credentials_arn": [SECRET],
    "sidecars[].secrets.*": [SECRET],
    "image": [
        *("nginx", "nginx:1.29", f"nginx@{DIGEST}", f"nginx:1.29@{DIGEST}", "library/nginx", "docker.io/library/nginx"),
        *("localhost:5000/a/b:c", "public.ecr.aws/docker/library/python:3.13-slim", "ghcr.io/a/b_c/d.e__f:V_1.2-x"),
        *(f"{ECR}/a/b:c@{DIGEST}", "123456789012.dkr-ecr.eu-west-1.on.aws/app", "REGISTRY.example:443/a"),
    ],
    "sidecars[].image": ["nginx"],
}
"""Argument → what AWS takes there."""

ALIENS: Final = (
    *(CLUSTER, KEY, ROLE, SECRET, PARAMETER, TOPIC, SIGNING, "subnet-1", "sg-1", "vpc-1", "fs-01234567"),
    *("fsap-01234567", "eni-01234567", "alias/jobs", f"arn:aws:kms:{HERE}:alias/jobs", "1234abcd-12ab", "arn:aws:s3"),
    *("arn:aws:s3:::payloads", "s3://payloads/x", "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "a b", "", "*"),
    *(f"arn:aws:sqs:{HERE}:q", f"arn:aws:elasticfilesystem:{HERE}:access-point/fsap-01234567", f"{TOPIC}.fifo"),
    *(
        f"{KEY}/*",
        f"{ROLE}*",
        f"{TABLE}/index/due",
        f"{MACHINE}:1",
        f"arn:aws:ec2:{HERE}:subnet/subnet-1",
        f"arn:aws:lambda:{HERE}:function:f:1",
    ),
    *(f"{CLUSTER}/x", "arn:aws:iam::123456789012:user/u", "arn:aws:iam::123456789012:instance-profile/p", "jobs/"),
    *(f"arn:aws:secretsmanager:{HERE}:secret:db", f"arn:aws:ssm:{HERE}:parameter//a/b", "/a/b", "db-AbCdEf "),
    *(f"{ECR}/App", f"{ECR}:443/app", "1.dkr.ecr.eu-west-1.amazonaws.com/app", f"{ECR}.cn/app", f"nginx@{DIGEST}0"),
    *("nginx@sha256:1234", f"nginx@{DIGEST.upper()}", "https://ghcr.io/a/b", "Nginx", "a//b", "a:", "nginx:-x", ":1"),
)
"""Names of other things, and almost right ones."""

ALSO: Final = {"payload_bucket", "function.signed_code.bucket", "event_rule.bus"}
"""Arguments that are names: much of what names another thing could be one of theirs."""

COMPONENTS: Final = {
    FargateJobLauncherArgs: lambda given: examine("job", given),  # pyright: ignore[reportUnknownLambdaType]
    JobClusterArgs: examine_cluster,
    JobNetworkArgs: examine_network,
    PayloadBucketArgs: examine_bucket,
    JobRunsArgs: examine_runs,
}
OWN: Final = {"function": {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}}


def leaves(declared: Any, path: str = "") -> Iterator[str]:
    """Every argument of a TypedDict that is text, as NAMED writes it."""
    for key, hint in get_type_hints(declared, localns={"Output": pulumi.Output, "T": Any}).items():
        yield from _leaves(hint, f"{path}.{key}".lstrip("."))


def _leaves(hint: Any, path: str) -> Iterator[str]:
    origin, of = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        yield from leaves(hint, path)
    elif origin is Sequence:
        yield from _leaves(of[0], f"{path}[]")
    elif origin is Mapping:
        yield from _leaves(of[1], f"{path}.*")
    elif of:
        yield from _leaves(of[0], path)
    elif hint is str:
        yield path


def given(path: str, value: Any) -> dict[str, Any]:
    """The smallest arguments with this value at that path."""
    held: Any = value
    for step in reversed(path.replace("[]", ".[]").split(".")):
        held = [held] if step == "[]" else {"A" if step == "*" else step: held}
    smallest: dict[str, Any] = {
        **{"image": "nginx", "cluster_arn": CLUSTER, "subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
        **held,
    }
    if path.startswith("function."):
        code = {"signed_code": {"bucket": "code", "key": "k"}, "code_signing_config_arn": SIGNING}
        more = OWN["function"] if "_ids" in path else code
        smallest["function"] = {**more, **held["function"]}
        if path.endswith("bucket"):
            smallest["function"]["signed_code"] = {"key": "k", **held["function"]["signed_code"]}
    if path.startswith("efs_volumes"):
        (volume,) = held["efs_volumes"]
        whole = {"file_system_id": "fs-01234567", "access_point_id": "fsap-01234567", "path": "/d", **volume}
        smallest["efs_volumes"] = [whole]
    if path.startswith("sidecars"):
        smallest["sidecars"] = [{"name": "side", "image": "nginx", **held["sidecars"][0]}]
    if path.startswith("runs."):
        whole_runs = {"table_arn": TABLE, "supervisor_role_arn": ROLE, "notice_topic_arn": TOPIC}
        whole_runs |= {"schedule_group_arn": GROUP_OF_SCHEDULES}
        smallest["runs"] = {**whole_runs, **held["runs"]}
    if path == "event_rule.bus":
        smallest["event_rule"] = {"pattern": '{"source": ["a"]}', **held["event_rule"]}
    return smallest


def arguments(path: str, value: Any) -> tuple[Any, Any]:
    """The smallest arguments with this value at that path, and what examines them."""
    if path == "vpc_id":
        return {"vpc_id": value, "subnet_ids": ["subnet-1"]}, examine_network
    if path == "cluster_arns[]":
        return {"cluster_arns": [value]}, examine_runs
    if path == "topic_arn":
        return {"cluster_arns": [CLUSTER], "topic_arn": value}, examine_runs
    return given(path, value), lambda it: examine("job", it)  # pyright: ignore[reportUnknownLambdaType,reportUnknownArgumentType]


def problems(path: str, value: str) -> list[str]:
    args, examined = arguments(path, value)
    return examined(args)[1]


def known_later(path: str, value: Any, secret: bool = False) -> list[str]:
    """The problems with the value of an output, once it is known."""
    output = pulumi.Output.secret(value) if secret else pulumi.Output.from_input(value)
    whole, examined = arguments(path, output)
    args, said = examined(whole)
    assert said == []

    async def deployed() -> None:
        def await_all(it: Any) -> Iterator[Any]:
            inner = it.values() if isinstance(it, Mapping) else it if isinstance(it, list) else ()
            yield from (
                [it.future()] if isinstance(it, pulumi.Output) else (one for each in inner for one in await_all(each))
            )

        for future in await_all(checked_later("Component", "job", args, lambda it: examined(it)[1])):
            await future

    try:
        asyncio.get_event_loop().run_until_complete(deployed())
    except pulumi.RunError as error:
        return [it.removeprefix("  - ") for it in str(error).splitlines()[1:]]
    return []


def test_each_argument_that_names_something_has_its_row() -> None:
    texts = {leaf for declared in COMPONENTS for leaf in leaves(declared)}
    naming = {
        it
        for it in texts
        if re.search(r"_(arn|id)s?(\[\])?$|bucket$|\.bus$|image$|secrets\.\*|task_roles|sources|callbacks", it)
    }
    assert naming == NAMED.keys() == RIGHT.keys()


@pytest.mark.parametrize(("path", "value"), [(path, it) for path, values in RIGHT.items() for it in values])
def test_what_aws_takes_there_is_taken(path: str, value: str) -> None:
    assert problems(path, value) == []


@pytest.mark.parametrize("path", RIGHT)
def test_what_names_another_thing_is_refused_there_with_the_field_and_the_remedy(path: str) -> None:
    field = path.replace("[]", "[0]").replace("*", "A")
    same = [value for other, values in RIGHT.items() if NAMED[other].what == NAMED[path].what for value in values]
    wrong = [it for it in ALIENS if it not in same]
    if path in ALSO:
        wrong = [it for it in wrong if ":" in it or " " in it or not it]
    if path.endswith("image"):
        # Much is the name of an image that nobody has made.
        wrong = [it for it in wrong if re.search(r"[A-Z :*]|//|ecr|/$|^$|@", it)]
        wrong = [it for it in wrong if it not in (KEY, "subnet-1")]
    assert len(wrong) >= 12
    for it in wrong:
        said = [
            problem
            for problem in problems(path, it)
            if problem.startswith((f"{field}:", f"{field.partition('[')[0]}:"))
        ]
        assert said, (path, it)
        if "secrets" in path or "credentials" in path:
            assert not it or len(it) < 4 or all(it not in problem for problem in said)
        else:
            assert any(repr(it) in problem for problem in said)
        assert any(
            word in "".join(said)
            for word in ("looks like", "such as", "leave it out", "lower case", "give the ARN of that")
        )


@pytest.mark.parametrize("path", RIGHT)
def test_an_output_is_held_to_the_rule_of_a_plain_value_and_has_the_same_message(path: str) -> None:
    for value in (*RIGHT[path], *ALIENS[::3]):
        assert known_later(path, value) == problems(path, value), value


def test_a_list_that_is_an_output_is_held_to_its_rules_as_a_whole() -> None:
    for listed, said in (
        (["subnet-1", "sg-1"], "subnet_ids[1]: 'sg-1' is a security group's id, not a subnet's id"),
        (["subnet-1", "subnet-1"], "subnet_ids: 'subnet-1' is named twice; once is enough"),
        ([], "subnet_ids: 0 subnets; a task takes 1 to 16"),
    ):
        output = pulumi.Output.from_input(listed)
        (problem,) = known_later("subnet_ids", output)
        assert problem.startswith(said)


def test_a_secret_of_pulumis_is_not_shown_when_it_is_refused() -> None:
    for path, value in (
        ("kms_key_arn", "hunter2-hunter2"),
        ("image", "https://hunter2.example/a"),
        ("subnet_ids[]", "h"),
    ):
        (said,) = known_later(path, value, secret=True)
        assert said.startswith(
            f"{path.replace('[]', '[0]')}: is refused; the reason is hidden, as the value is a Pulumi secret"
        )


OUTPUTS: Final = """
import pulumi
import pulumi_aws as aws
from fargate_job_launcher import FargateJobLauncher, JobCluster, JobNetwork, PayloadBucket
later = aws.sns.Topic("later").arn
cluster = aws.ecs.Cluster("c")
def known(value):
    return later.apply(lambda _: value)
"""


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            'JobNetwork("n", {"vpc_id": "vpc-1", "subnet_ids": known(["vpc-1"])})',
            "subnet_ids[0]: 'vpc-1' is a VPC's id",
        ),
        (
            'JobNetwork("n", {"flow_log_days": 7, "kms_key_arn": known("alias/a")})',
            "kms_key_arn: 'alias/a' is an alias",
        ),
        ('JobCluster("n", {"cluster_arn": known("c")})', "cluster_arn: 'c' is not the ARN of an ECS cluster"),
        ('PayloadBucket("n", {"kms_key_arn": known("alias/a")})', "kms_key_arn: 'alias/a' is an alias"),
        (
            'FargateJobLauncher("n", {"image": "nginx", "cluster_arn": cluster.arn, "subnet_ids": ["subnet-1"], '
            '"security_group_ids": [known("subnet-1")]})',
            "security_group_ids[0]: 'subnet-1' is a subnet's id, not a security group's id; it looks like sg-0123",
        ),
        (
            'FargateJobLauncher("n", {"image": "nginx", "cluster_arn": cluster.arn, "subnet_ids": ["subnet-1"], '
            '"security_group_ids": ["sg-1"], "task_role_arn": known("arn:aws:iam::999999999999:role/r")})',
            "task_role_arn: 'arn:aws:iam::999999999999:role/r' is in the account 999999999999, but the cluster is in",
        ),
    ],
)
def test_what_an_output_turns_out_to_be_stops_the_deployment(tmp_path: Path, made: str, said: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        record(program(tmp_path, OUTPUTS + made))
    assert f"  - {said}" in str(raised.value)


@pytest.mark.parametrize("path", [it for it in RIGHT if any(value.startswith("arn:") for value in RIGHT[it])])
def test_an_arn_of_another_place_is_refused_where_aws_would_not_reach_it(path: str) -> None:
    if path in ("cluster_arn", "cluster_arns[]"):
        return  # it says itself what the place is
    kind, arn = NAMED[path], next(it for it in RIGHT[path] if it.startswith("arn:"))
    named = arn.split(":")[3] != ""
    chinese = arn.replace("arn:aws:", "arn:aws-cn:").replace("eu-west-1", "cn-north-1")
    assert "but the cluster is in aws; name one in that" in "".join(problems(path, chinese))
    assert "which AWS does not have; known: aws, aws-cn" in "".join(problems(path, arn.replace("arn:aws:", "arn:awz:")))
    if named:
        mixed = "".join(problems(path, arn.replace("arn:aws:", "arn:aws-cn:")))
        assert "the region eu-west-1 is in aws; write arn:aws:…" in mixed
        elsewhere = "".join(problems(path, arn.replace("eu-west-1", "us-east-1")))
        assert ("in another region than the cluster; name one in eu-west-1" in elsewhere) is kind.regional
    other = "".join(problems(path, arn.replace("123456789012", "999999999999")))
    if "123456789012" in arn:
        assert ("is in the account 999999999999, but the cluster is in 123456789012" in other) is kind.owned


def test_an_image_of_another_partition_cannot_be_pulled() -> None:
    (said,) = problems("image", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app")
    assert said.endswith("partition aws-cn, but the cluster is in aws; copy it to a registry in that partition")


def test_a_pull_through_cache_is_one_of_ecr() -> None:
    (said,) = examine("job", {**given("image", "python:3.13"), "pull_through_cache": True})[1]  # pyright: ignore[reportArgumentType]
    assert said.startswith(
        "pull_through_cache: needs an image in ECR, and 'python:3.13' is none; write its name in the cac"
    )
    right = {**given("image", f"{ECR}/docker-hub/library/python:3.13"), "pull_through_cache": True}
    assert examine("job", right)[1] == []  # pyright: ignore[reportArgumentType]


def test_every_mistake_is_told_with_what_it_seems_to_be() -> None:
    for path, value, said in (
        ("subnet_ids[]", "sg-1", "subnet_ids[0]: 'sg-1' is a security group's id, not a subnet's id; it looks like"),
        ("security_group_ids[]", "vpc-1", "'vpc-1' is a VPC's id, not a security group's id"),
        ("kms_key_arn", "alias/jobs", "'alias/jobs' is an alias of a KMS key, not the ARN"),
        ("kms_key_arn", "1234abcd-12ab-34cd-56ef-1234567890ab", "is a KMS key's id, not the ARN"),
        ("payload_bucket", "arn:aws:s3:::payloads", "is an ARN of s3, not a bucket's name"),
        ("payload_bucket", "s3://payloads", "is an address in S3, not a bucket's name"),
        ("image", "https://ghcr.io/a/b", "has a scheme; leave it out: ghcr.io/a/b"),
        ("image", "ghcr.io/Team/App:1", "a repository is written in lower case: ghcr.io/team/app:1"),
        ("image", "localhost:5000/Team/App:V1", "is written in lower case: localhost:5000/team/app:V1"),
        ("image", f"Team/App@sha256:{'a' * 64}", f"is written in lower case: team/app@sha256:{'a' * 64}"),
        ("image", f"{ECR.upper()}/app:1", "is not an image of ECR; it looks like 123456789012.dkr.ecr.eu-west-1.am"),
        ("image", "nginx@sha256:1234", "has no digest after the @: sha256: and 64 hexadecimal digits in lower case"),
        ("image", "a" * 256, "has 256 characters; ECS accepts 255"),
    ):  # fmt: skip
        assert said in "".join(problems(path, value))


def test_the_config_is_checked_by_its_own_region_and_account() -> None:
    place = {"aws:region": "cn-north-1", "aws:allowedAccountIds": ["123456789012"]}
    base = {**place, "pulumi:disable-default-providers": ["aws"], "network": {}}

    def said(**job: Any) -> list[str]:
        return validate({**base, "jobs": {"a": {"image": "nginx", **job}}}, secret=set())[1]

    topic = "arn:aws-cn:sns:cn-north-1:123456789012:t"
    role = "arn:aws-cn:iam::123456789012:role/r"
    assert said(notify={"topicArn": topic}, taskRoleArn=role) == []
    (problem,) = said(notify={"topicArn": TOPIC})
    assert problem.startswith(f"jobs.a.notify.topicArn: '{TOPIC}' is in the partition aws, but the cluster")
    assert "is in the account 999999999999" in "".join(said(taskRoleArn=role.replace("123456789012", "999999999999")))


def test_what_may_be_a_partial_arn_is_told_apart_from_what_cannot_be_one() -> None:
    assert may_be_partial(f"arn:aws:secretsmanager:{HERE}:secret:db-secret")
    assert may_be_partial(f"arn:aws:secretsmanager:{HERE}:secret:db-secret:password::")
    assert not may_be_partial(SECRET)
    assert not may_be_partial(f"arn:aws:secretsmanager:{HERE}:secret:db-secret-AbC1eF")
    assert not may_be_partial(PARAMETER)
    assert Place.of(CLUSTER) == Place("aws", "eu-west-1", "123456789012")
