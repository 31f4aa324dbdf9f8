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
        log_group_arn=base % ("logs", "log-group:/l"),
    )
    guard = iam.launcher_guard(place, passed_role_arns=[role], cpu=256, memory=512, in_vpc=True)
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


def test_a_role_has_room_for_two_of_each_of_its_policies_or_says_what_to_do() -> None:
    half = "x" * (iam.LONGEST_INLINE_POLICY // 2)
    assert iam.fit_together([half[:-10], "y" * 10], of=iam.TASK_ROOM) == [half[:-10], "y" * 10]
    said = (
        r"task_policy: the task role's policies have 5121 characters, at most 5120 fit in its role: an update holds "
        r"the old policy and the new one; attach a managed policy to the role by its name"
    )
    with pytest.raises(ValueError, match=said):
        iam.fit_together([half, "y"], of=iam.TASK_ROOM)
