"""The shapes of ARNs and of images in ECR. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fargate_job_launcher.handler import partitions


@dataclass(frozen=True)
class Place:
    """Partition (`aws`, `aws-cn`, `aws-us-gov`, …), region and account of ARNs.

    Read from the ARN of the job's cluster, so that none of the three is assumed.
    """

    partition: str
    region: str
    account: str

    @staticmethod
    def of(cluster_arn: str) -> Place:
        """The place of an ECS cluster. Raises ValueError when the ARN is not a cluster's."""
        match = re.fullmatch(r"arn:([a-z0-9-]+):ecs:([a-z0-9-]+):(\d{12}):cluster/[A-Za-z0-9_-]{1,255}", cluster_arn)
        if match is None:
            raise ValueError(
                f"cluster_arn: {cluster_arn!r} is not the ARN of an ECS cluster; "
                "it looks like arn:aws:ecs:eu-west-1:123456789012:cluster/NAME (its `arn` output, not its name)"
            )
        place = Place(*match.groups())
        right = partitions.partition_of(place.region).name
        if place.partition != right:
            raise ValueError(
                f"cluster_arn: {cluster_arn!r} is in the partition {place.partition}, but the region {place.region} is "
                f"in {right}: arn:{right}:ecs:{place.region}:…"
            )
        return place


_ECR_IMAGE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)/"
    r"(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def _in_ecr(image: str) -> re.Match[str] | None:
    """The parts of the name of an image in a private ECR registry; None for any other, and for an invalid host."""
    match = _ECR_IMAGE.fullmatch(image)
    if match is None:
        return None
    there = partitions.partition_of(match["region"])
    return match if match["suffix"] in (there.suffix, there.dual_stack_registry_suffix) else None


def family_arn(place: Place, family: str) -> str:
    """ARN of a task definition without its revision; a revision's ARN adds a colon and its number."""
    return f"arn:{place.partition}:ecs:{place.region}:{place.account}:task-definition/{family}"


def payload_objects(partition: str, bucket: str, family: str) -> str:
    """ARN pattern of one job's payloads: its own prefix of the bucket."""
    return f"arn:{partition}:s3:::{bucket}/{family}/*"


def is_role_arn(arn: str) -> bool:
    """Whether this is the ARN of exactly one role."""
    return (
        re.fullmatch(r"arn:[a-z0-9-]+:iam::\d{12}:role/([\x21-\x29\x2b-\x3e\x40-\x7e]*/)?[\w+=,.@-]{1,64}", arn)
        is not None
    )


def is_policy_arn(arn: str) -> bool:
    """Whether this is the ARN of a managed policy, AWS's or an account's."""
    return re.fullmatch(r"arn:[a-z0-9-]+:iam::(\d{12}|aws):policy/[\x21-\x7e]{1,512}", arn) is not None


def is_topic_arn(arn: str) -> bool:
    """Whether this is the ARN of an SNS topic."""
    return re.fullmatch(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", arn, re.ASCII) is not None


def is_key_arn(arn: str) -> bool:
    """Whether this is the ARN of a KMS key. An alias is not one: IAM grants nothing by it."""
    return re.fullmatch(r"arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,256}", arn) is not None


def refuse_key(field: str, arn: str) -> None:
    """Raises ValueError for a key that is not given by its ARN: IAM grants nothing by an alias or an id."""
    if not is_key_arn(arn):
        raise ValueError(f"{field}: {arn!r} is not the ARN of a KMS key; give the key's `arn` output")


def is_sender_arn(arn: str) -> bool:
    """Whether this is the ARN of a bucket, a topic or a rule, which a queue's policy lets send."""
    found = re.fullmatch(
        r"arn:[a-z0-9-]+:(s3:::[a-z0-9.-]{3,63}|sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?|"
        r"events:[a-z0-9-]+:\d{12}:rule/[A-Za-z0-9_./-]+)",
        arn,
    )
    return found is not None


def repository_arn(image: str, partition: str) -> str | None:
    """ARN of an image's ECR repository; None for an image outside a private ECR registry."""
    match = _in_ecr(image)
    if match is None:
        return None
    return f"arn:{partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"


def is_ecr_image(image: str) -> bool:
    """Whether an image's host is written like that of a private ECR registry."""
    # Also in capitals, which ECS does not recognize as ECR.
    return re.search(r"\.dkr[.-]ecr", image.partition("/")[0], re.IGNORECASE) is not None


def refuse_ecr_image(field: str, image: str) -> None:
    """Raises ValueError for an image that is meant to be in ECR and has another form: it would get no permission to be
    pulled."""
    if is_ecr_image(image) and _in_ecr(image) is None:
        region = re.search(r"\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.", image.lower())
        there = "eu-west-1" if region is None else region[1]
        host = f"123456789012.dkr.ecr.{there}.{partitions.partition_of(there).suffix}"
        raise ValueError(
            f"{field}: {image!r} is not an image of ECR; it looks like {host}/NAME:TAG or …/NAME@sha256:DIGEST, with "
            "the account's twelve digits, host and name in lower case"
        )


def ecr_region(image: str) -> str:
    """The region of an image in a private ECR registry; empty for any other."""
    match = _in_ecr(image)
    return "" if match is None else match["region"]


VALUE_FROM_SHAPE: Final = (
    "it looks like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf, whole, with the six characters that "
    "Secrets Manager puts at its end (the `arn` output has them; IAM matches no ARN without), or "
    "arn:aws:ssm:REGION:ACCOUNT:parameter/NAME, with one slash"
)
"""Remedy for an ARN that names no secret and no parameter."""


_WHOLE: Final = r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@!-]+-[A-Za-z0-9]{6}"
"""https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen"""


_PARAMETER: Final = r"arn:[a-z0-9-]+:ssm:[a-z0-9-]+:\d{12}:parameter(/[\w.-]+)+"


def is_secret_arn(arn: str) -> bool:
    """Whether ECS can read a variable from this ARN, and IAM matches it: a whole secret, with an optional JSON key and
    version, or a parameter."""
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    return re.fullmatch(rf"{_WHOLE}(:[^:]*){{0,3}}|{_PARAMETER}", arn, re.ASCII) is not None


def secret_reference_problem(arn: str) -> str | None:
    """The problem with the suffix of a secret's ARN (JSON key, version stage, version id); None when it is valid, and
    for an ARN outside Secrets Manager.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    """
    parts = arn.split(":")
    if service_of(arn) != "secretsmanager" or len(parts) == 7:
        return None
    if len(parts) != 10:
        return (
            f"has {len(parts) - 7} parts after the secret's ARN, and ECS accepts three or none: "
            "ARN:JSON-KEY:VERSION-STAGE:VERSION-ID, each empty for its default, such as ARN:password::"
        )
    if parts[8] and parts[9]:
        return "names a version by its stage and by its id; keep one of them and leave the other empty"
    return None if any(parts[7:]) else "ends in :::, which selects nothing; leave that out"


def is_whole_secret_arn(arn: str) -> bool:
    """Whether this is the ARN of a Secrets Manager secret as a whole."""
    return re.fullmatch(_WHOLE, arn, re.ASCII) is not None


def may_be_partial(arn: str) -> bool:
    """Whether the end of a secret's ARN looks like a word: `db-secret` may be a name without the six characters. One in
    two hundred whole ARNs also looks like this, so none is refused for it."""
    return re.search(r":secret:[^:]*-[a-z]{6}(:|$)", arn) is not None


def service_of(arn: str) -> str:
    return arn.split(":", 3)[2] if arn.count(":") >= 5 else ""


def whole_secret(value_from: str) -> str:
    """The secret's ARN: a container's `valueFrom` may add `:json-key:version-stage:version-id` to it."""
    return ":".join(value_from.split(":")[:7])
