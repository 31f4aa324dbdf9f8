"""The policy documents, as pure functions of ARNs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fargate_job_launcher import iam

PLACES = [
    iam.Place("aws", "eu-west-1", "123456789012"),
    iam.Place("aws-cn", "cn-north-1", "123456789012"),
    iam.Place("aws-us-gov", "us-gov-west-1", "123456789012"),
    iam.Place("aws-eusc", "eusc-de-east-1", "123456789012"),
    iam.Place("aws-iso-b", "us-isob-east-1", "123456789012"),
]


def statements(document: iam.Document) -> dict[str, dict[str, Any]]:
    assert document["Version"] == "2012-10-17"
    by_sid = {statement["Sid"]: statement for statement in document["Statement"]}
    assert len(by_sid) == len(document["Statement"])
    return by_sid


def execution(place: iam.Place, image: str, *secrets: str) -> dict[str, dict[str, Any]]:
    group = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:/g"
    return statements(iam.execution_policy(place, images=[image], log_group_arn=group, secret_arns=secrets))


@pytest.mark.parametrize("place", PLACES)
def test_the_place_is_read_from_the_clusters_arn_and_every_arn_stays_in_it(place: iam.Place) -> None:
    base = f"arn:{place.partition}:%s:{place.region}:{place.account}:%s"
    cluster = base % ("ecs", "cluster/jobs-1")
    assert iam.Place.of(cluster) == place
    role = f"arn:{place.partition}:iam::{place.account}:role/r"
    policy = iam.launcher_policy(
        place,
        cluster_arn=cluster,
        task_definition_arn=base % ("ecs", "task-definition/f:3"),
        family="f",
        runs_table_arn=base % ("dynamodb", "table/runs"),
    )
    guard = iam.launcher_guard(
        place, passed_role_arns=[role], log_group_arn=base % ("logs", "log-group:/l"), cpu=256, memory=512, in_vpc=True
    )
    found = re.findall(r"arn:[^'\"]+", str([policy, guard, iam.tasks_trust(place), execution(place, "nginx")]))
    assert len(found) >= 7
    assert {arn.split(":")[1] for arn in found} == {place.partition}
    assert {arn.split(":")[4] for arn in found} == {place.account}
    assert statements(policy)["TagOnlyAtLaunch"]["Resource"] == base % ("ecs", "task/jobs-1/*")


@pytest.mark.parametrize(
    "arn", ["jobs", "", "arn:aws:ecs:eu-west-1:123456789012:service/x", "arn:aws:ecs:eu-west-1:1:cluster/x"]
)
def test_what_is_no_clusters_arn_is_refused_with_the_remedy(arn: str) -> None:
    with pytest.raises(
        ValueError, match=r"cluster_arn: .* is not the ARN of an ECS cluster; .*its `arn` output, not its name"
    ):
        iam.Place.of(arn)


@pytest.mark.parametrize("place", PLACES)
def test_only_tasks_of_this_account_and_region_may_assume_a_tasks_role(place: iam.Place) -> None:
    (statement,) = statements(iam.tasks_trust(place)).values()
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": place.account},
        "ArnLike": {"aws:SourceArn": f"arn:{place.partition}:ecs:{place.region}:{place.account}:*"},
    }


def test_an_image_outside_ecr_needs_no_permission_to_be_pulled() -> None:
    for image in ("nginx", "public.ecr.aws/docker/library/python:3.13", "ghcr.io/a/b@sha256:" + "0" * 64):
        assert execution(PLACES[0], image).keys() == {"WriteJobLog"}


@pytest.mark.parametrize(
    ("image", "place", "repository"),
    [
        ("111122223333.dkr.ecr.us-east-2.amazonaws.com/team/app:1.2", PLACES[0],
         "arn:aws:ecr:us-east-2:111122223333:repository/team/app"),
        ("111122223333.dkr.ecr.us-east-2.amazonaws.com/app", PLACES[0],
         "arn:aws:ecr:us-east-2:111122223333:repository/app"),
        ("111122223333.dkr.ecr.us-east-2.amazonaws.com/app:v@sha256:" + "0" * 64, PLACES[0],
         "arn:aws:ecr:us-east-2:111122223333:repository/app"),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/app:1", PLACES[1],
         "arn:aws-cn:ecr:cn-north-1:111122223333:repository/app"),
        ("111122223333.dkr-ecr.us-east-2.on.aws/app:1", PLACES[0],
         "arn:aws:ecr:us-east-2:111122223333:repository/app"),
        ("111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu/app:1", PLACES[3],
         "arn:aws-eusc:ecr:eusc-de-east-1:111122223333:repository/app"),
        ("111122223333.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu/a__b/c-d.e", PLACES[3],
         "arn:aws-eusc:ecr:eusc-de-east-1:111122223333:repository/a__b/c-d.e"),
        ("111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/app:1", PLACES[4],
         "arn:aws-iso-b:ecr:us-isob-east-1:111122223333:repository/app"),
        ("111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com/app:1", PLACES[2],
         "arn:aws-us-gov:ecr:us-gov-west-1:111122223333:repository/app"),
    ],
)  # fmt: skip
def test_an_image_in_ecr_may_be_pulled_from_its_own_repository_only(
    image: str, place: iam.Place, repository: str
) -> None:
    found = execution(place, image)
    assert found["PullOnlyTheseImages"]["Resource"] == [repository]
    assert found["LogInToRegistry"]["Resource"] == "*"


def test_exactly_the_declared_secrets_and_parameters_may_be_read() -> None:
    secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"
    parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b"
    found = execution(PLACES[0], "nginx", f"{secret}:password::", parameter, secret)
    assert found["ReadDeclaredSecrets"]["Resource"] == [secret]
    assert found["ReadDeclaredParameters"]["Resource"] == [parameter]
    assert found.keys() == {"WriteJobLog", "ReadDeclaredSecrets", "ReadDeclaredParameters"}


def test_an_image_that_is_meant_to_be_in_ecr_and_is_not_written_so_gets_an_error_and_no_role_without_permission() -> (
    None
):
    digest = "sha256:" + "0" * 64
    for image in (
        "12345.dkr.ecr.eu-west-1.amazonaws.com/app",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/App:1",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/app",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn/app",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com/app",
        "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.com/app",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/app",
        f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app@{digest}0",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:",
    ):
        with pytest.raises(ValueError, match=r"image: .* is not an image of ECR; it looks like 123456789012"):
            execution(PLACES[0], image)
    with pytest.raises(ValueError, match=r"it looks like 123456789012\.dkr\.ecr\.cn-north-1\.amazonaws\.com\.cn/NAME"):
        execution(PLACES[1], "123456789012.dkr.ecr.cn-north-1.amazonaws.com/app")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db:password::",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdE",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-*",
        "arn:aws:ssm:eu-west-1:123456789012:parameter//db",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/db/",
        "arn:aws:ssm:eu-west-1:123456789012:db",
        "db",
        "/db",
    ],
)
def test_what_iam_would_not_match_as_a_secret_is_an_error_also_where_only_a_deployment_knows_it(arn: str) -> None:
    with pytest.raises(ValueError, match="secrets: one of them is not the ARN of a secret or a parameter") as raised:
        execution(PLACES[0], "nginx", arn)
    assert arn not in str(raised.value)


def test_a_pull_through_cache_may_fetch_its_own_images_and_make_their_repositories_and_no_others() -> None:
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    found = statements(
        iam.execution_policy(
            PLACES[0],
            images=[f"{host}/docker-hub/library/python:3.13", f"{host}/own", "nginx"],
            cached_images=[f"{host}/docker-hub/library/python:3.13"],
            log_group_arn="arn:aws:logs:eu-west-1:123456789012:log-group:/g",
        )
    )
    base = "arn:aws:ecr:eu-west-1:123456789012:repository"
    assert found["ImportThroughCache"]["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert found["ImportThroughCache"]["Resource"] == [f"{base}/docker-hub/library/python"]
    assert found["PullOnlyTheseImages"]["Resource"] == [f"{base}/docker-hub/library/python", f"{base}/own"]


@pytest.mark.parametrize(("place", "ending"), list(zip(PLACES[:4], ("com", "com.cn", "com", "eu"), strict=True)))
def test_a_secrets_key_decrypts_through_the_services_that_keep_the_secrets_only(place: iam.Place, ending: str) -> None:
    base = f"arn:{place.partition}:%s:{place.region}:123456789012:%s"
    key, secret, parameter = (
        base % it for it in (("kms", "key/k"), ("secretsmanager", "secret:s-AbCdEf"), ("ssm", "parameter/p"))
    )

    def through(*secrets: str) -> Any:
        policy = iam.execution_policy(
            place,
            images=[],
            log_group_arn=base % ("logs", "log-group:/g"),
            secret_arns=secrets,
            secret_key_arns=[key],
        )
        return statements(policy).get("DecryptDeclaredSecrets", {}).get("Condition")

    hosts = [f"{it}.{place.region}.amazonaws.{ending}" for it in ("secretsmanager", "ssm")]
    assert through(secret, parameter) == {"StringEquals": {"kms:ViaService": hosts}}
    assert through(parameter) == {"StringEquals": {"kms:ViaService": hosts[1:]}}
    # Where there is nothing to decrypt, nothing may be.
    assert through() is None
    with pytest.raises(ValueError, match=r"secret_key_arns: 'alias/k' is not the ARN of a KMS key"):
        iam.execution_policy(place, images=[], log_group_arn="", secret_key_arns=["alias/k"])


def test_a_flow_log_may_do_what_awss_page_says_it_has_to() -> None:
    group = "arn:aws:logs:eu-west-1:123456789012:log-group:/p/s/jobs/flow-log"
    document = iam.flow_log_policy(f"{group}:*")
    allowed = {action: it["Resource"] for it in document["Statement"] for action in it["Action"] if len(action) > 1}
    allowed |= {it["Action"]: it["Resource"] for it in document["Statement"] if isinstance(it["Action"], str)}
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    page = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogGroups", "DescribeLogStreams")
    assert allowed.keys() == {f"logs:{it}" for it in page}
    assert allowed["logs:CreateLogGroup"] == f"{group}:*"
    assert allowed["logs:DescribeLogGroups"] == ["arn:aws:logs:eu-west-1:123456789012:log-group:*"]
    condition = iam.flow_log_trust(group)["Statement"][0]["Condition"]
    assert condition == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/*"},
    }


@pytest.mark.parametrize(
    ("partition", "region", "logs"),
    [
        ("aws", "eu-west-1", "logs.eu-west-1.amazonaws.com"),
        ("aws-cn", "cn-north-1", "logs.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "logs.us-gov-west-1.amazonaws.com"),
        ("aws-eusc", "eusc-de-east-1", "logs.amazonaws.com"),
    ],
)
def test_a_key_admits_the_services_by_the_names_that_the_partition_knows(
    partition: str, region: str, logs: str
) -> None:
    found = statements(iam.key_policy(partition, "123456789012", region))
    assert found["LogGroupsOfThisAccount"]["Principal"]["Service"] == logs
    services = found["EventsAndAlarmsOfThisAccount"]["Principal"]["Service"]
    assert services == ["cloudwatch.amazonaws.com", "events.amazonaws.com"]


def test_a_cluster_of_a_region_that_its_partition_does_not_have_is_refused() -> None:
    for arn, said in (
        ("arn:aws:ecs:cn-north-1:123456789012:cluster/c", r"the region cn-north-1 is in aws-cn: arn:aws-cn:ecs"),
        ("arn:aws-cn:ecs:eu-west-1:123456789012:cluster/c", "the region eu-west-1 is in aws"),
    ):
        with pytest.raises(ValueError, match=said):
            iam.Place.of(arn)


def test_a_role_has_room_for_two_of_each_of_its_policies_or_says_what_to_do() -> None:
    half = "x" * (iam.LONGEST_INLINE_POLICY // 2)
    assert iam.fit_together([half[:-10], "y" * 10], of=iam.TASK_LIMIT) == [half[:-10], "y" * 10]
    said = (
        r"task_policy: the task role's policies have 5121 characters, at most 5120 fit in its role: an update holds "
        r"the old policy and the new one; attach a managed policy to the role by its name"
    )
    with pytest.raises(ValueError, match=said):
        iam.fit_together([half, "y"], of=iam.TASK_LIMIT)
