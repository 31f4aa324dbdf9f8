"""Problems with the place where a job runs, as far as it is known before the deployment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from fargate_job_launcher import iam

from . import shapes
from .references import called, ecr_place_problems, reference_problems

MOST: Final = {"subnet_ids": ("subnets", 16), "security_group_ids": ("security groups", 5)}
"""https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"""


def place_problems(given: Mapping[str, Any], place: iam.Place | None = None) -> Iterator[str]:
    """Each problem: `field: what is wrong`. `place` is the cluster's; by default it is read from the cluster's ARN."""
    cluster, keys = given.get("cluster_arn"), given.get("kms_key_arn")
    if isinstance(cluster, str):
        try:
            place = iam.Place.of(cluster)
        except ValueError as error:
            yield str(error)
    for field, (what, most) in MOST.items():
        ids = given.get(field)
        if isinstance(ids, list):
            listed = cast("list[Any]", ids)
            if not 1 <= len(listed) <= most:
                yield f"{field}: {len(listed)} {what}; a task takes 1 to {most}"
            yield from (f"{field}: {it!r} is named twice; once is enough" for it in shapes.repeated(listed))
    named = {"kms_key_arn": keys, "runs.kms_key_arn": given.get("runs", {}).get("kms_key_arn")}
    for field in ("secret_key_arns", "further_kms_key_arns"):
        named |= {f"{field}[{number}]": it for number, it in enumerate(given.get(field, []))}
    for field, key in named.items():
        if isinstance(key, str) and not iam.is_key_arn(key):
            yield (
                f"{field}: {key!r} is {called(key)}not the ARN of a KMS key; it looks like "
                "arn:aws:kms:eu-west-1:123456789012:key/ID (not an alias or an id)"
            )
    yield from reference_problems(given, place)
    if place is not None:
        yield from ecr_place_problems(given, place)
